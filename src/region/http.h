/*
 * The HTTP front: libmicrohttpd driven by the region's own loop.
 *
 * A plain request is read whole (64 MiB at most) and answered by the server's handler, which
 * returns the answer. A route may do more, for the paths that begin with its prefix: take the body
 * as it arrives into a sink (image layers, S3 objects), answer later, answer with a part of a file,
 * push the answer in pieces over time (`logs -f`), or take the connection over as a socket (exec).
 * Single-threaded: everything is called in the loop, and nothing here blocks.
 */
#pragma once

#include "wire/wire.h"

typedef struct HttpServer HttpServer;
typedef struct HttpReply HttpReply;
typedef struct Region Region;

/* ---- servers ---- */

/* Answers a request; owned by the caller. */
typedef WireResponse *(*HttpHandler)(const WireRequest *request, gpointer data);

/* Listens on 127.0.0.1:port and serves in the default main context. Errors say what to do (a port
 * in use). */
HttpServer *http_server_new(guint port, HttpHandler handler, gpointer data, GError **error);
/* The same on a listening socket that is there already (opened in a VPC's namespace, say). Takes
 * `socket`, on failure too. */
HttpServer *http_server_new_socket(int socket, HttpHandler handler, gpointer data, GError **error);
/* Marks all its requests as coming out of a VPC. */
void http_server_set_vpc(HttpServer *server, const char *vpc);
/* Ends its connections; replies that are still held may be released later. */
void http_server_free(HttpServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpServer, http_server_free)

/* ---- routes ---- */

/* Where a body goes as it arrives. First member of the route's own struct; made by the route's
 * `open`. */
typedef struct HttpSink HttpSink;
/* The next bytes of a field of a form. */
typedef struct {
	const char *name, *file_name, *content_type; /* the latter two may be NULL */
	const void *bytes;
	gsize length;
	guint64 offset; /* 0: the field begins */
} HttpField;
struct HttpSink {
	/* Takes the next bytes. FALSE: what still comes is thrown away, and `handle` is called at
	 * the end as ever (it finds in its own struct what went wrong). */
	gboolean (*write)(HttpSink *sink, const void *bytes, gsize length);
	/* Frees the struct when the request is done: after `handle`, or without it when the client
	 * went away midway or the body ended short. */
	void (*free)(HttpSink *sink);
	/* Instead of `write`, for a body that is a form (multipart/form-data): takes it apart. NULL
	 * for a field: the form is not well-formed, or ended short. FALSE as with `write`. */
	gboolean (*field)(HttpSink *sink, const HttpField *field);
};

/* A plain HTTP route beside the AWS protocols (the OCI registry, the admin API). A service lists
 * its routes in RegionService.routes, ended by one without prefix and matches; the longest prefix
 * wins. They are asked after the guard against foreign pages. */
typedef struct RegionHttpRoute {
	const char *prefix; /* of the path as sent: "/v2/", "/_terrarium/images/"; or NULL */
	/* The request is whole (with a sink: body empty, and the sink has had it). Returns the
	 * answer; or NULL: the answer is given by `reply`, at once or later (hold it by
	 * http_reply_ref). No transaction is open. */
	WireResponse *(*handle)(Region *region, const WireRequest *request, HttpReply *reply);
	/* Called when the head was read (request without body): returns a sink for the body; or
	 * NULL to have it read whole; or NULL with *refusal set, to answer that and not read it (a
	 * client that sent "Expect: 100-continue" is not asked for it). May be NULL itself. */
	HttpSink *(*open)(Region *region, const WireRequest *request, WireResponse **refusal);
	/* Serves only heads of which this is true; without a prefix: whatever their path is, before
	 * all routes that have one. May be NULL. */
	gboolean (*matches)(const WireRequest *request);
	/* Takes requests of pages of other origins too, and sees to it that they are nobody but who
	 * an issued key says. */
	gboolean serves_foreign;
} RegionHttpRoute;

/* Which route serves this head; NULL: none, the server's handler does. */
typedef const RegionHttpRoute *(*HttpFindRoute)(const WireRequest *head, Region *region);
/* Lets a server serve routes beside its handler. */
void http_server_serve_routes(HttpServer *server, HttpFindRoute find, Region *region);

/* ---- replies ---- */

/* One request's answer, reference-counted: outlives the connection. All calls are allowed when the
 * client has gone (they then do nothing). */
HttpReply *http_reply_ref(HttpReply *reply);
void http_reply_unref(HttpReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpReply, http_reply_unref)

/* The sink that `open` returned, or NULL. Owned by the request. */
HttpSink *http_reply_sink(HttpReply *reply);
/* Answers. Takes `response`. A reply that is released without an answer becomes a 500. */
void http_reply_send(HttpReply *reply, WireResponse *response);

/* Answers with status and headers now, and the body by pushes, chunked. Takes `head`; its body, if
 * any, is the first piece. */
void http_reply_start(HttpReply *reply, WireResponse *head);
/* Sends bytes (copied). FALSE when the client has gone. Nothing is dropped: who pushes more than a
 * client reads looks at http_reply_pending, bytes not yet sent. */
gboolean http_reply_push(HttpReply *reply, const void *bytes, gsize length);
gsize http_reply_pending(const HttpReply *reply);
void http_reply_end(HttpReply *reply);

/* Answers 101 and hands the connection over: `taken` gets a non-blocking socket that is its own
 * now, and what the client had already sent behind the request (may be 0 bytes). fd -1: the client
 * went away first. `protocol` is the answer's Upgrade header. */
typedef void (*HttpTaken)(int fd, const void *early, gsize length, gpointer data);
void http_reply_upgrade(HttpReply *reply, const char *protocol, HttpTaken taken, gpointer data);

/* Calls back once if the client goes away before the answer was sent to its end; never after that,
 * nor after the last reference is released. NULL `gone` takes it back. */
typedef void (*HttpGone)(HttpReply *reply, gpointer data);
void http_reply_on_gone(HttpReply *reply, HttpGone gone, gpointer data);
gboolean http_reply_is_gone(const HttpReply *reply);
