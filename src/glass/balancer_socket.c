/*
 * Requests to HAProxy's sockets, answered in the main loop. Paths of sockets are short by way of
 * the folder's descriptor, however long the data folder's own path is.
 */
#include "glass/balancer_internal.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS 3000

struct BalancerRequest {
	int fd;
	guint source, timeout;
	GString *pending; /* still to be sent */
	GString *answer;
	BalancerReply reply;
	gpointer data;
};

void balancer_request_cancel(BalancerRequest *request) {
	if (!request)
		return;
	g_clear_handle_id(&request->source, g_source_remove);
	g_clear_handle_id(&request->timeout, g_source_remove);
	if (request->fd >= 0)
		close(request->fd);
	g_string_free(request->pending, TRUE);
	g_string_free(request->answer, TRUE);
	g_free(request);
}

/* Ends the request and tells the caller, who may begin another one. */
static gboolean finish(BalancerRequest *request, gboolean answered) {
	BalancerReply reply = request->reply;
	gpointer data = request->data;
	g_autofree char *text = answered ? g_strdup(request->answer->str) : NULL;
	balancer_request_cancel(request);
	reply(text, data);
	return G_SOURCE_REMOVE;
}

static gboolean on_timeout(gpointer data) {
	BalancerRequest *request = data;
	request->timeout = 0;
	return finish(request, FALSE);
}

static gboolean on_failed(gpointer data) {
	BalancerRequest *request = data;
	request->source = 0;
	return finish(request, FALSE);
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer data) {
	BalancerRequest *request = data;
	char part[16384];
	gssize n = read(fd, part, sizeof part);
	if (n > 0)
		g_string_append_len(request->answer, part, n);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return G_SOURCE_CONTINUE;
	request->source = 0;
	return finish(request, n == 0);
}

static gboolean on_writable(int fd, GIOCondition condition, gpointer data) {
	BalancerRequest *request = data;
	gssize n = send(fd, request->pending->str, request->pending->len, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	request->source = 0;
	if (n < 0)
		return finish(request, FALSE);
	g_string_erase(request->pending, 0, n);
	request->source = request->pending->len > 0
				  ? g_unix_fd_add(fd, G_IO_OUT, on_writable, request)
				  : g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, on_readable, request);
	return G_SOURCE_REMOVE;
}

BalancerRequest *balancer_request(
	int folder, const char *name, const char *commands, BalancerReply reply, gpointer data) {
	BalancerRequest *request = g_new0(BalancerRequest, 1);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	g_snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder, name);
	request->pending = g_string_new(commands);
	g_string_append_c(request->pending, '\n');
	request->answer = g_string_new(NULL);
	request->reply = reply;
	request->data = data;
	request->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (request->fd >= 0 &&
		connect(request->fd, (struct sockaddr *)&address, sizeof address) == 0) {
		request->source = g_unix_fd_add(request->fd, G_IO_OUT, on_writable, request);
		request->timeout = g_timeout_add(TIMEOUT_MS, on_timeout, request);
	} else
		request->source = g_idle_add(on_failed, request);
	return request;
}
