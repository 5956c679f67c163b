/*
 * The HTTP front: libmicrohttpd driven by the region's own loop. Requests are read whole (64 MiB at
 * most) and answered by the dispatcher.
 */
#pragma once

#include "wire/wire.h"

typedef struct HttpServer HttpServer;

/* Answers a request; owned by the caller. */
typedef WireResponse *(*HttpHandler)(const WireRequest *request, gpointer data);

/* Listens on 127.0.0.1:port and serves in the default main context. Errors say what to do (a port
 * in use). */
HttpServer *http_server_new(guint port, HttpHandler handler, gpointer data, GError **error);
/* The same on a listening socket that is there already (opened in a VPC's namespace, say). Takes
 * `socket`, on failure too. */
HttpServer *http_server_new_socket(int socket, HttpHandler handler, gpointer data, GError **error);
void http_server_free(HttpServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpServer, http_server_free)
