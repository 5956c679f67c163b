/* Between http.c (servers and requests) and http_reply.c (answers) only. */
#pragma once

#include <microhttpd.h>

#include "region/http.h"

/* Runs libmicrohttpd soon: something changed outside its own events. */
void http_server_kick(HttpServer *server);

/* The reply to the request that `connection` carries. */
HttpReply *http_reply_new(HttpServer *server, struct MHD_Connection *connection);
/* Takes a sink for http_reply_sink; freed with the request. */
void http_reply_take_sink(HttpReply *reply, HttpSink *sink);
/* Queues the answer if there is one, else suspends the connection until there is. */
enum MHD_Result http_reply_proceed(HttpReply *reply);
/* The connection is done with this request: sent whole, or broken. Drops the caller's reference. */
void http_reply_finish(HttpReply *reply, gboolean sent);
/* Wakes a suspended connection so that it can be closed: the server ends. */
void http_reply_abandon(HttpReply *reply);
