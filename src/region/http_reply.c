/*
 * Answers: at once, later, from a file, in pieces, or by handing the connection over. While there
 * is nothing to send the connection is suspended, and since libmicrohttpd does not look at its
 * socket then, we do: that is how a client that goes away is noticed.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "region/http_exchange.h"

#define STREAM_BLOCK 16384

struct HttpReply {
	guint references;
	HttpServer *server; /* NULL when the connection is done */
	struct MHD_Connection *connection; /* NULL when it is done */
	HttpSink *sink;
	WireResponse *response; /* to be queued; NULL: not known yet, or queued */
	gboolean answered; /* one of send, start, upgrade was called */
	gboolean queued;
	gboolean suspended;
	gboolean gone;
	guint watch; /* on the socket of a suspended connection */

	gboolean streaming, ended;
	GByteArray *pending; /* pushed, from `sent` on not yet sent */
	gsize sent;

	char *protocol; /* of an upgrade */
	HttpTaken taken;
	gpointer taken_data;

	HttpGone on_gone;
	gpointer gone_data;
};

HttpReply *http_reply_new(HttpServer *server, struct MHD_Connection *connection) {
	HttpReply *reply = g_new0(HttpReply, 1);
	reply->references = 1;
	reply->server = server;
	reply->connection = connection;
	return reply;
}

HttpReply *http_reply_ref(HttpReply *reply) {
	reply->references++;
	return reply;
}

static void free_reply(HttpReply *reply) {
	wire_response_free(reply->response);
	g_clear_pointer(&reply->pending, g_byte_array_unref);
	g_free(reply->protocol);
	g_free(reply);
}

/* Drops a reference of our own. */
static void release_reply(void *data) {
	HttpReply *reply = data;
	if (--reply->references == 0)
		free_reply(reply);
}

void http_reply_unref(HttpReply *reply) {
	if (!reply)
		return;
	/* The last but our own: nobody can answer any more. */
	guint own = reply->streaming && reply->queued ? 2 : 1;
	if (reply->references == own + 1 && reply->connection && !reply->answered)
		http_reply_send(reply, wire_response_new(500));
	else if (reply->references == own + 1 && reply->connection && reply->streaming)
		http_reply_end(reply);
	release_reply(reply);
}

void http_reply_take_sink(HttpReply *reply, HttpSink *sink) {
	reply->sink = sink;
}

HttpSink *http_reply_sink(HttpReply *reply) {
	return reply->sink;
}

void http_reply_on_gone(HttpReply *reply, HttpGone gone, gpointer data) {
	reply->on_gone = gone;
	reply->gone_data = data;
}

gboolean http_reply_is_gone(const HttpReply *reply) {
	return reply->gone;
}

static void notice_gone(HttpReply *reply) {
	if (reply->gone)
		return;
	reply->gone = TRUE;
	HttpGone gone = g_steal_pointer(&reply->on_gone);
	http_reply_ref(reply);
	if (gone)
		gone(reply, reply->gone_data);
	HttpTaken taken = g_steal_pointer(&reply->taken);
	if (taken)
		taken(-1, NULL, 0, reply->taken_data);
	reply->answered = TRUE;
	http_reply_unref(reply);
}

/* ---- waiting ---- */

static void resume(HttpReply *reply) {
	if (!reply->suspended)
		return;
	reply->suspended = FALSE;
	g_clear_handle_id(&reply->watch, g_source_remove);
	MHD_resume_connection(reply->connection);
	http_server_kick(reply->server);
}

static gboolean on_hangup(int fd, GIOCondition condition, gpointer data) {
	HttpReply *reply = data;
	reply->watch = 0;
	http_reply_ref(reply);
	notice_gone(reply);
	resume(reply);
	http_reply_unref(reply);
	return G_SOURCE_REMOVE;
}

static void suspend(HttpReply *reply) {
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(reply->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	reply->suspended = TRUE;
	MHD_suspend_connection(reply->connection);
	reply->watch = g_unix_fd_add(info->connect_fd,
		(GIOCondition)(G_IO_HUP | G_IO_ERR | POLLRDHUP), on_hangup, reply);
}

/* ---- what is answered ---- */

static gboolean may_answer(HttpReply *reply) {
	if (reply->gone)
		return FALSE;
	g_return_val_if_fail(!reply->answered, FALSE);
	reply->answered = TRUE;
	return TRUE;
}

void http_reply_send(HttpReply *reply, WireResponse *response) {
	if (!may_answer(reply)) {
		wire_response_free(response);
		return;
	}
	reply->response = response;
	resume(reply);
}

void http_reply_start(HttpReply *reply, WireResponse *head) {
	if (!may_answer(reply)) {
		wire_response_free(head);
		return;
	}
	gsize length;
	const void *bytes = g_bytes_get_data(head->body, &length);
	reply->response = head;
	reply->streaming = TRUE;
	reply->pending = g_byte_array_new();
	g_byte_array_append(reply->pending, bytes, (guint)length);
	resume(reply);
}

gboolean http_reply_push(HttpReply *reply, const void *bytes, gsize length) {
	if (reply->gone || !reply->connection)
		return FALSE;
	g_return_val_if_fail(reply->streaming && !reply->ended, FALSE);
	g_byte_array_append(reply->pending, bytes, (guint)length);
	resume(reply);
	return TRUE;
}

gsize http_reply_pending(const HttpReply *reply) {
	return reply->pending ? reply->pending->len - reply->sent : 0;
}

void http_reply_end(HttpReply *reply) {
	reply->ended = TRUE;
	if (!reply->gone && reply->connection)
		resume(reply);
}

void http_reply_upgrade(HttpReply *reply, const char *protocol, HttpTaken taken, gpointer data) {
	if (!may_answer(reply)) {
		taken(-1, NULL, 0, data);
		return;
	}
	reply->protocol = g_strdup(protocol);
	reply->taken = taken;
	reply->taken_data = data;
	resume(reply);
}

/* ---- to libmicrohttpd ---- */

/* The next piece of a streamed answer; nothing to send: the connection sleeps until there is. */
static ssize_t read_pending(void *data, uint64_t position, char *buffer, size_t max) {
	HttpReply *reply = data;
	gsize length = MIN(max, http_reply_pending(reply));
	if (reply->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (length == 0 && reply->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (length == 0) {
		suspend(reply);
		return 0;
	}
	memcpy(buffer, reply->pending->data + reply->sent, length);
	reply->sent += length;
	if (reply->sent > reply->pending->len / 2) {
		g_byte_array_remove_range(reply->pending, 0, (guint)reply->sent);
		reply->sent = 0;
	}
	return (ssize_t)length;
}

/* The socket is duplicated, so that the taker's ends the connection when it is closed, and
 * libmicrohttpd's can go at once. */
static void hand_over(void *data, struct MHD_Connection *connection, void *state, const char *early,
	size_t length, MHD_socket socket, struct MHD_UpgradeResponseHandle *handle) {
	HttpReply *reply = data;
	int fd = fcntl(socket, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0)
		g_unix_set_fd_nonblocking(fd, TRUE, NULL);
	HttpTaken taken = g_steal_pointer(&reply->taken);
	reply->on_gone = NULL;
	taken(fd, early, length, reply->taken_data);
	MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
	http_server_kick(reply->server);
}

static struct MHD_Response *answer_of(HttpReply *reply, WireResponse *response) {
	if (reply->streaming)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
			read_pending, http_reply_ref(reply), release_reply);
	if (response->file >= 0 && response->file_length > 0) {
		int fd = response->file;
		response->file = -1;
		return MHD_create_response_from_fd_at_offset64(
			(guint64)response->file_length, fd, (guint64)response->file_offset);
	}
	gsize length;
	const void *bytes = g_bytes_get_data(response->body, &length);
	return MHD_create_response_from_buffer(length, (void *)bytes, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result queue_upgrade(HttpReply *reply) {
	struct MHD_Response *answer = MHD_create_response_for_upgrade(hand_over, reply);
	MHD_add_response_header(answer, MHD_HTTP_HEADER_UPGRADE, reply->protocol);
	enum MHD_Result result =
		MHD_queue_response(reply->connection, MHD_HTTP_SWITCHING_PROTOCOLS, answer);
	MHD_destroy_response(answer);
	return result;
}

static enum MHD_Result queue_response(HttpReply *reply) {
	g_autoptr(WireResponse) response = g_steal_pointer(&reply->response);
	struct MHD_Response *answer = answer_of(reply, response);
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, response->headers);
	while (g_hash_table_iter_next(&iter, &name, &value))
		MHD_add_response_header(answer, name, value);
	enum MHD_Result result =
		MHD_queue_response(reply->connection, (guint)response->status, answer);
	MHD_destroy_response(answer);
	return result;
}

enum MHD_Result http_reply_proceed(HttpReply *reply) {
	if (reply->gone)
		return MHD_NO;
	if (!reply->answered) {
		suspend(reply);
		return MHD_YES;
	}
	if (reply->queued)
		return MHD_YES;
	reply->queued = TRUE;
	return reply->protocol ? queue_upgrade(reply) : queue_response(reply);
}

void http_reply_finish(HttpReply *reply, gboolean sent) {
	g_clear_handle_id(&reply->watch, g_source_remove);
	if (!sent)
		notice_gone(reply);
	reply->on_gone = NULL;
	reply->connection = NULL;
	reply->server = NULL;
	if (reply->sink)
		reply->sink->free(reply->sink);
	reply->sink = NULL;
	release_reply(reply);
}

void http_reply_abandon(HttpReply *reply) {
	http_reply_ref(reply);
	notice_gone(reply);
	resume(reply);
	http_reply_unref(reply);
}
