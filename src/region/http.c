/* The HTTP front. See http.h. Must never know what a request means. */
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "region/http_exchange.h"

#define PORT_TRIES 20 /* a tenth of a second each */
#define LARGEST_BODY (64 * 1024 * 1024)
/* Of each connection; pieces of a body are a little smaller. */
#define CONNECTION_MEMORY (64 * 1024)
/* Pieces of a form's fields; a field's own headers must fit too. */
#define FORM_MEMORY (64 * 1024)

struct HttpServer {
	struct MHD_Daemon *daemon;
	HttpHandler handler;
	gpointer data;
	char *vpc; /* or NULL */
	HttpFindRoute find; /* or NULL */
	Region *region; /* of the routes */
	GHashTable *exchanges; /* set of those whose head was read */
	guint watch, timer, kick;
};

/* A request, from its first line to the end of its answer. */
typedef struct {
	HttpServer *server;
	char *uri; /* as sent */
	WireRequest *request; /* NULL until the head was read */
	const RegionHttpRoute *route; /* NULL: the server's handler */
	HttpReply *reply;
	GByteArray *body; /* NULL with a sink, or when the request is whole */
	struct MHD_PostProcessor *form; /* of a sink that takes one */
	WireResponse *refusal; /* the answer to be given when the body is over */
	gboolean handled;
} Exchange;

/* ---- reading ---- */

static enum MHD_Result take_header(
	void *data, enum MHD_ValueKind kind, const char *name, const char *value) {
	wire_request_set_header(data, name, value ? value : "");
	return MHD_YES;
}

/* libmicrohttpd gives the URL decoded; its log callback is the one place where it is as sent. */
static void *begin_exchange(void *data, const char *uri, struct MHD_Connection *connection) {
	Exchange *exchange = g_new0(Exchange, 1);
	exchange->server = data;
	exchange->uri = g_strdup(uri);
	return exchange;
}

static void end_exchange(void *data, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code) {
	Exchange *exchange = g_steal_pointer(state);
	if (!exchange)
		return;
	g_hash_table_remove(exchange->server->exchanges, exchange);
	g_clear_pointer(&exchange->form, MHD_destroy_post_processor);
	if (exchange->reply)
		http_reply_finish(exchange->reply, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	wire_request_free(exchange->request);
	wire_response_free(exchange->refusal);
	g_clear_pointer(&exchange->body, g_byte_array_unref);
	g_free(exchange->uri);
	g_free(exchange);
}

/* Caller frees; NULL if it is not known. */
static char *peer_of(struct MHD_Connection *connection) {
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!info || info->client_addr->sa_family != AF_INET)
		return NULL;
	const struct sockaddr_in *address = (const struct sockaddr_in *)info->client_addr;
	char text[INET_ADDRSTRLEN];
	return g_strdup(inet_ntop(AF_INET, &address->sin_addr, text, sizeof text));
}

static WireRequest *request_of(
	struct MHD_Connection *connection, const char *method, const char *uri) {
	const char *question = strchr(uri, '?');
	g_autofree char *path = g_strndup(uri, question ? (gsize)(question - uri) : strlen(uri));
	WireRequest *request = wire_request_new(method, path, question ? question + 1 : "");
	MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, request);
	request->peer = peer_of(connection);
	return request;
}

static gboolean expects_continue(const WireRequest *request) {
	const char *expect = g_hash_table_lookup(request->headers, "expect");
	return expect && g_ascii_strcasecmp(expect, "100-continue") == 0;
}

static gboolean is_too_large(const WireRequest *request) {
	const char *length = g_hash_table_lookup(request->headers, "content-length");
	return length && g_ascii_strtoull(length, NULL, 10) > LARGEST_BODY;
}

static enum MHD_Result take_field(void *data, enum MHD_ValueKind kind, const char *name,
	const char *file_name, const char *content_type, const char *transfer_encoding,
	const char *bytes, uint64_t offset, size_t length) {
	HttpSink *sink = data;
	const HttpField field = {name, file_name, content_type, bytes, length, offset};
	return sink->field && sink->field(sink, &field) ? MHD_YES : MHD_NO;
}

/* A form without a boundary cannot be taken apart. */
static void begin_form(Exchange *exchange, struct MHD_Connection *connection, HttpSink *sink) {
	exchange->form = MHD_create_post_processor(connection, FORM_MEMORY, take_field, sink);
	if (!exchange->form)
		sink->field(sink, NULL);
}

static void end_form(Exchange *exchange, HttpSink *sink) {
	if (MHD_destroy_post_processor(g_steal_pointer(&exchange->form)) != MHD_YES && sink->field)
		sink->field(sink, NULL);
}

/* The head was read: who serves the request, and where does its body go? */
static enum MHD_Result read_head(
	Exchange *exchange, struct MHD_Connection *connection, const char *method) {
	HttpServer *server = exchange->server;
	WireRequest *request = request_of(connection, method, exchange->uri);
	request->vpc = g_strdup(server->vpc);
	exchange->request = request;
	exchange->reply = http_reply_new(server, connection);
	g_hash_table_add(server->exchanges, exchange);
	if (server->find)
		exchange->route = server->find(request, server->region);
	HttpSink *sink = NULL;
	if (exchange->route && exchange->route->open)
		sink = exchange->route->open(server->region, request, &exchange->refusal);
	http_reply_take_sink(exchange->reply, sink);
	if (sink && sink->field)
		begin_form(exchange, connection, sink);
	if (!sink && !exchange->refusal && is_too_large(request))
		exchange->refusal = wire_response_new(413);
	if (!sink && !exchange->refusal)
		exchange->body = g_byte_array_new();
	/* Who asks first is told before the body comes; from others it is read and dropped. */
	if (!exchange->refusal || !expects_continue(request))
		return MHD_YES;
	http_reply_send(exchange->reply, g_steal_pointer(&exchange->refusal));
	return http_reply_proceed(exchange->reply);
}

static void read_body(Exchange *exchange, const char *bytes, gsize length) {
	HttpSink *sink = http_reply_sink(exchange->reply);
	if (exchange->refusal)
		return;
	if (sink && sink->write) {
		if (!sink->write(sink, bytes, length))
			sink->write = NULL;
	} else if (exchange->form) {
		MHD_post_process(exchange->form, bytes, length);
	} else if (exchange->body && exchange->body->len + length > LARGEST_BODY) {
		exchange->refusal = wire_response_new(413);
	} else if (exchange->body) {
		g_byte_array_append(exchange->body, (const guint8 *)bytes, (guint)length);
	}
}

/* ---- answering ---- */

static WireResponse *answer(Exchange *exchange) {
	HttpServer *server = exchange->server;
	if (exchange->refusal)
		return g_steal_pointer(&exchange->refusal);
	if (exchange->form)
		end_form(exchange, http_reply_sink(exchange->reply));
	if (exchange->body) {
		g_bytes_unref(exchange->request->body);
		exchange->request->body =
			g_byte_array_free_to_bytes(g_steal_pointer(&exchange->body));
	}
	return exchange->route
		       ? exchange->route->handle(server->region, exchange->request, exchange->reply)
		       : server->handler(exchange->request, server->data);
}

/* Called by libmicrohttpd with the head, with each piece of the body, at its end, and again after a
 * suspended connection was resumed. */
static enum MHD_Result serve(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state) {
	(void)url;
	(void)version;
	Exchange *exchange = *state;
	if (!exchange->request)
		return read_head(exchange, connection, method);
	if (*upload_size > 0) {
		read_body(exchange, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (!exchange->handled) {
		exchange->handled = TRUE;
		g_autoptr(HttpReply) held = http_reply_ref(exchange->reply);
		WireResponse *response = answer(exchange);
		if (response)
			http_reply_send(held, response);
	}
	return http_reply_proceed(exchange->reply);
}

/* ---- the loop ---- */

static gboolean on_timer(gpointer data);

static void run(HttpServer *server) {
	MHD_run(server->daemon);
	MHD_UNSIGNED_LONG_LONG wait;
	g_clear_handle_id(&server->timer, g_source_remove);
	if (MHD_get_timeout(server->daemon, &wait) == MHD_YES)
		server->timer = g_timeout_add((guint)MIN(wait, 60000), on_timer, server);
}

static gboolean on_timer(gpointer data) {
	HttpServer *server = data;
	server->timer = 0;
	run(server);
	return G_SOURCE_REMOVE;
}

static gboolean on_ready(int fd, GIOCondition condition, gpointer data) {
	run(data);
	return G_SOURCE_CONTINUE;
}

static gboolean on_kick(gpointer data) {
	HttpServer *server = data;
	server->kick = 0;
	run(server);
	return G_SOURCE_REMOVE;
}

void http_server_kick(HttpServer *server) {
	if (server->kick == 0)
		server->kick = g_idle_add_full(G_PRIORITY_DEFAULT, on_kick, server, NULL);
}

/* Takes `socket`. */
static HttpServer *server_on(int socket, HttpHandler handler, gpointer data, GError **error) {
	HttpServer *server = g_new0(HttpServer, 1);
	server->handler = handler;
	server->data = data;
	server->exchanges = g_hash_table_new(NULL, NULL);
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE, 0, NULL, NULL, serve,
		server, MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_URI_LOG_CALLBACK,
		begin_exchange, server, MHD_OPTION_NOTIFY_COMPLETED, end_exchange, server,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, 120u, MHD_OPTION_END);
	if (!server->daemon) {
		close(socket);
		http_server_free(server);
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot serve HTTP on a socket");
		return NULL;
	}
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	server->watch = g_unix_fd_add(info->epoll_fd, G_IO_IN, on_ready, server);
	return server;
}

static int listen_on_loopback(guint port) {
	int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((guint16)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int yes = 1;
	if (socket_fd >= 0 &&
		setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
		bind(socket_fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		listen(socket_fd, SOMAXCONN) == 0)
		return socket_fd;
	int code = errno;
	if (socket_fd >= 0)
		close(socket_fd);
	errno = code;
	return -1;
}

HttpServer *http_server_new(guint port, HttpHandler handler, gpointer data, GError **error) {
	int socket_fd = listen_on_loopback(port);
	/* A killed region may have left a job behind that holds its socket for a moment. */
	for (int tries = 0; socket_fd < 0 && errno == EADDRINUSE && tries < PORT_TRIES; tries++) {
		g_usleep(G_USEC_PER_SEC / 10);
		socket_fd = listen_on_loopback(port);
	}
	if (socket_fd >= 0)
		return server_on(socket_fd, handler, data, error);
	g_set_error(error, G_IO_ERROR,
		errno == EADDRINUSE ? G_IO_ERROR_ADDRESS_IN_USE : G_IO_ERROR_FAILED,
		errno == EADDRINUSE ? "port %u of 127.0.0.1 is in use: another region runs there, "
				      "or another program; end it, or choose another port with "
				      "--port"
				    : "cannot listen on port %u of 127.0.0.1",
		port);
	return NULL;
}

HttpServer *http_server_new_socket(int socket, HttpHandler handler, gpointer data, GError **error) {
	return server_on(socket, handler, data, error);
}

void http_server_serve_routes(HttpServer *server, HttpFindRoute find, Region *region) {
	server->find = find;
	server->region = region;
}

/* libmicrohttpd can only stop when no connection is suspended. */
static void abandon_exchanges(HttpServer *server) {
	GHashTableIter iter;
	gpointer exchange;
	g_hash_table_iter_init(&iter, server->exchanges);
	while (g_hash_table_iter_next(&iter, &exchange, NULL))
		http_reply_abandon(((Exchange *)exchange)->reply);
}

void http_server_set_vpc(HttpServer *server, const char *vpc) {
	g_free(server->vpc);
	server->vpc = g_strdup(vpc);
}

void http_server_free(HttpServer *server) {
	if (!server)
		return;
	g_clear_handle_id(&server->watch, g_source_remove);
	abandon_exchanges(server);
	g_clear_handle_id(&server->timer, g_source_remove);
	g_clear_handle_id(&server->kick, g_source_remove);
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	g_hash_table_unref(server->exchanges);
	g_free(server->vpc);
	g_free(server);
}
