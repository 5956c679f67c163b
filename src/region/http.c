/* The HTTP front. See http.h. Must never know what a request means. */
#include "region/http.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGEST_BODY (64 * 1024 * 1024)

struct HttpServer {
	struct MHD_Daemon *daemon;
	HttpHandler handler;
	gpointer data;
	guint watch, timer;
};

/* A request that is being read. */
typedef struct {
	GByteArray *body;
	gboolean too_large;
} Incoming;

/* ---- reading ---- */

static enum MHD_Result take_header(
	void *data, enum MHD_ValueKind kind, const char *name, const char *value) {
	wire_request_set_header(data, name, value ? value : "");
	return MHD_YES;
}

typedef struct {
	char *uri; /* as sent */
	Incoming incoming;
} Exchange;

static void end(void *data, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code) {
	Exchange *exchange = *state;
	if (!exchange)
		return;
	if (exchange->incoming.body)
		g_byte_array_unref(exchange->incoming.body);
	g_free(exchange->uri);
	g_free(exchange);
	*state = NULL;
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
	struct MHD_Connection *connection, const char *method, Exchange *exchange) {
	const char *question = strchr(exchange->uri, '?');
	g_autofree char *path = g_strndup(exchange->uri,
		question ? (gsize)(question - exchange->uri) : strlen(exchange->uri));
	WireRequest *request = wire_request_new(method, path, question ? question + 1 : "");
	MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, request);
	request->peer = peer_of(connection);
	g_bytes_unref(request->body);
	request->body = g_byte_array_free_to_bytes(g_steal_pointer(&exchange->incoming.body));
	return request;
}

/* ---- answering ---- */

static enum MHD_Result send_response(struct MHD_Connection *connection, WireResponse *response) {
	gsize length;
	const void *bytes = g_bytes_get_data(response->body, &length);
	struct MHD_Response *answer =
		MHD_create_response_from_buffer(length, (void *)bytes, MHD_RESPMEM_MUST_COPY);
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, response->headers);
	while (g_hash_table_iter_next(&iter, &name, &value))
		MHD_add_response_header(answer, name, value);
	enum MHD_Result result = MHD_queue_response(connection, (guint)response->status, answer);
	MHD_destroy_response(answer);
	return result;
}

static enum MHD_Result serve(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state) {
	HttpServer *server = data;
	(void)url;
	(void)version;
	Exchange *exchange = *state;
	if (!exchange->incoming.body) {
		exchange->incoming.body = g_byte_array_new();
		return MHD_YES;
	}
	Incoming *incoming = &exchange->incoming;
	if (*upload_size > 0) {
		incoming->too_large |= incoming->body->len + *upload_size > LARGEST_BODY;
		if (!incoming->too_large)
			g_byte_array_append(
				incoming->body, (const guint8 *)upload, (guint)*upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	gboolean too_large = incoming->too_large;
	g_autoptr(WireRequest) request = request_of(connection, method, exchange);
	g_autoptr(WireResponse) response =
		too_large ? wire_response_new(413) : server->handler(request, server->data);
	return send_response(connection, response);
}

/* libmicrohttpd gives the URL decoded; its log callback is the one place where it is as sent. */
static void *begin_exchange(void *data, const char *uri, struct MHD_Connection *connection) {
	Exchange *exchange = g_new0(Exchange, 1);
	exchange->uri = g_strdup(uri);
	return exchange;
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

/* Takes `socket`. */
static HttpServer *server_on(int socket, HttpHandler handler, gpointer data, GError **error) {
	HttpServer *server = g_new0(HttpServer, 1);
	server->handler = handler;
	server->data = data;
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, serve, server,
		MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_URI_LOG_CALLBACK, begin_exchange,
		server, MHD_OPTION_NOTIFY_COMPLETED, end, server, MHD_OPTION_CONNECTION_TIMEOUT,
		120u, MHD_OPTION_END);
	if (!server->daemon) {
		close(socket);
		g_free(server);
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

void http_server_free(HttpServer *server) {
	if (!server)
		return;
	g_clear_handle_id(&server->watch, g_source_remove);
	g_clear_handle_id(&server->timer, g_source_remove);
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	g_free(server);
}
