/*
 * The sockets of a name server. A client holds its server's sockets' fate only by a reference that
 * outlives them, so answers that come late find nothing and harm nobody.
 */
#include "region/dns_server.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_CONNECTIONS 64
#define MOST_AT_ONCE 32 /* datagrams read before the loop has its turn */
#define IDLE_S 15
#define MOST_UNSENT (256 * 1024)

struct DnsServer {
	grefcount references;
	int udp, tcp; /* -1: closed */
	guint udp_watch, tcp_watch;
	DnsHandler handler;
	gpointer data;
	GHashTable *connections;
};

typedef struct {
	grefcount references;
	DnsServer *server;
	int fd; /* -1: closed */
	guint read_watch, write_watch, timer;
	GByteArray *in, *out;
} Connection;

struct DnsClient {
	DnsServer *server;
	Connection *connection; /* NULL: by UDP */
	struct sockaddr_storage address;
	socklen_t length;
};

static void server_unref(DnsServer *server) {
	if (!g_ref_count_dec(&server->references))
		return;
	g_hash_table_unref(server->connections);
	g_free(server);
}

/* ---- connections ---- */

static void connection_unref(Connection *connection) {
	if (!g_ref_count_dec(&connection->references))
		return;
	g_byte_array_unref(connection->in);
	g_byte_array_unref(connection->out);
	server_unref(connection->server);
	g_free(connection);
}

static void close_connection(Connection *connection) {
	if (connection->fd < 0)
		return;
	g_clear_handle_id(&connection->read_watch, g_source_remove);
	g_clear_handle_id(&connection->write_watch, g_source_remove);
	g_clear_handle_id(&connection->timer, g_source_remove);
	close(connection->fd);
	connection->fd = -1;
	g_hash_table_remove(connection->server->connections, connection);
	connection_unref(connection);
}

static gboolean on_idle(gpointer data) {
	Connection *connection = data;
	connection->timer = 0;
	close_connection(connection);
	return G_SOURCE_REMOVE;
}

static void keep_open(Connection *connection) {
	g_clear_handle_id(&connection->timer, g_source_remove);
	connection->timer = g_timeout_add_seconds(IDLE_S, on_idle, connection);
}

static gboolean on_writable(int fd, GIOCondition condition, gpointer data) {
	Connection *connection = data;
	gssize n = send(fd, connection->out->data, connection->out->len, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n > 0)
		g_byte_array_remove_range(connection->out, 0, (guint)n);
	if (n > 0 && connection->out->len > 0)
		return G_SOURCE_CONTINUE;
	connection->write_watch = 0;
	if (n <= 0)
		close_connection(connection);
	return G_SOURCE_REMOVE;
}

static void send_on(Connection *connection, GBytes *answer) {
	gsize length;
	const guint8 *bytes = g_bytes_get_data(answer, &length);
	guint8 prefix[] = {(guint8)(length >> 8), (guint8)length};
	if (connection->fd < 0 || length > G_MAXUINT16)
		return;
	if (connection->out->len > MOST_UNSENT) {
		close_connection(connection);
		return;
	}
	g_byte_array_append(connection->out, prefix, sizeof prefix);
	g_byte_array_append(connection->out, bytes, (guint)length);
	if (!connection->write_watch)
		connection->write_watch = g_unix_fd_add(
			connection->fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, on_writable, connection);
}

/* ---- questions ---- */

gsize dns_client_limit(const DnsClient *client, const DnsQuery *query) {
	return client->connection ? G_MAXUINT16 : dns_query_limit(query);
}

void dns_client_answer(DnsClient *client, GBytes *answer) {
	if (answer && client->connection)
		send_on(client->connection, answer);
	else if (answer && client->server->udp >= 0 &&
		 sendto(client->server->udp, g_bytes_get_data(answer, NULL),
			 g_bytes_get_size(answer), MSG_NOSIGNAL,
			 (struct sockaddr *)&client->address, client->length) < 0)
		g_debug("an answer could not be sent: %s", g_strerror(errno));
	if (client->connection)
		connection_unref(client->connection);
	server_unref(client->server);
	g_free(client);
}

/* Takes the client. */
static void receive(DnsServer *server, DnsClient *client, const guint8 *data, gsize length) {
	g_autoptr(GBytes) refusal = NULL;
	DnsQuery *query = dns_query_parse(data, length, &refusal);
	if (query)
		server->handler(query, client, server->data);
	else
		dns_client_answer(client, refusal);
}

static DnsClient *client_new(DnsServer *server, Connection *connection) {
	DnsClient *client = g_new0(DnsClient, 1);
	g_ref_count_inc(&server->references);
	if (connection)
		g_ref_count_inc(&connection->references);
	client->server = server;
	client->connection = connection;
	return client;
}

static gboolean on_datagram(int fd, GIOCondition condition, gpointer data) {
	DnsServer *server = data;
	guint8 message[65535];
	for (guint i = 0; i < MOST_AT_ONCE; i++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof address;
		gssize n = recvfrom(fd, message, sizeof message, MSG_DONTWAIT,
			(struct sockaddr *)&address, &length);
		if (n < 0)
			break;
		DnsClient *client = client_new(server, NULL);
		client->address = address;
		client->length = length;
		receive(server, client, message, (gsize)n);
	}
	return G_SOURCE_CONTINUE;
}

/* All whole messages that have come in. */
static void take_messages(Connection *connection) {
	while (connection->fd >= 0 && connection->in->len >= 2) {
		guint length = (guint)(connection->in->data[0] << 8 | connection->in->data[1]);
		if (connection->in->len < length + 2)
			return;
		receive(connection->server, client_new(connection->server, connection),
			connection->in->data + 2, length);
		g_byte_array_remove_range(connection->in, 0, length + 2);
	}
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer data) {
	Connection *connection = data;
	guint8 part[4096];
	gssize n = recv(fd, part, sizeof part, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n <= 0) {
		connection->read_watch = 0;
		close_connection(connection);
		return G_SOURCE_REMOVE;
	}
	keep_open(connection);
	g_byte_array_append(connection->in, part, (guint)n);
	g_ref_count_inc(&connection->references);
	take_messages(connection);
	gboolean open = connection->fd >= 0;
	connection_unref(connection);
	return open;
}

static gboolean on_connection(int fd, GIOCondition condition, gpointer data) {
	DnsServer *server = data;
	int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (accepted < 0)
		return G_SOURCE_CONTINUE;
	if (g_hash_table_size(server->connections) >= MOST_CONNECTIONS) {
		close(accepted);
		return G_SOURCE_CONTINUE;
	}
	Connection *connection = g_new0(Connection, 1);
	g_ref_count_init(&connection->references);
	g_ref_count_inc(&server->references);
	connection->server = server;
	connection->fd = accepted;
	connection->in = g_byte_array_new();
	connection->out = g_byte_array_new();
	connection->read_watch =
		g_unix_fd_add(accepted, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, connection);
	keep_open(connection);
	g_hash_table_add(server->connections, connection);
	return G_SOURCE_CONTINUE;
}

/* ---- life ---- */

DnsServer *dns_server_new(int udp, int tcp, DnsHandler handler, gpointer data) {
	DnsServer *server = g_new0(DnsServer, 1);
	g_ref_count_init(&server->references);
	server->udp = udp;
	server->tcp = tcp;
	server->handler = handler;
	server->data = data;
	server->connections = g_hash_table_new(NULL, NULL);
	server->udp_watch = g_unix_fd_add(udp, G_IO_IN, on_datagram, server);
	server->tcp_watch = g_unix_fd_add(tcp, G_IO_IN, on_connection, server);
	return server;
}

void dns_server_free(DnsServer *server) {
	if (!server)
		return;
	g_clear_handle_id(&server->udp_watch, g_source_remove);
	g_clear_handle_id(&server->tcp_watch, g_source_remove);
	close(server->udp);
	close(server->tcp);
	server->udp = server->tcp = -1;
	g_autoptr(GList) open = g_hash_table_get_keys(server->connections);
	for (GList *each = open; each; each = each->next)
		close_connection(each->data);
	server_unref(server);
}
