/* The HTTP front: bodies into sinks, answers from files, later, in pieces, and taken-over sockets.
 * Clients are plain blocking sockets in a thread of their own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "region/http.h"

/* What the routes leave for the tests to see. */
static struct {
	gsize sunk, sinks, gone, taken;
	HttpReply *held;
	int file;
} seen;

/* ---- the served side ---- */

static WireResponse *text(int status, const char *body) {
	WireResponse *response = wire_response_new(status);
	wire_response_set_body(response, "text/plain", body, strlen(body));
	return response;
}

static WireResponse *plain(const WireRequest *request, gpointer data) {
	g_autofree char *body = g_strdup_printf("%s %s %" G_GSIZE_FORMAT, request->method,
		request->path, g_bytes_get_size(request->body));
	return text(200, body);
}

typedef struct {
	HttpSink sink;
	gsize length;
	GChecksum *sum;
} Upload;

static gboolean upload_write(HttpSink *sink, const void *bytes, gsize length) {
	Upload *upload = (Upload *)sink;
	upload->length += length;
	seen.sunk += length;
	g_checksum_update(upload->sum, bytes, (gssize)length);
	return TRUE;
}

static void upload_free(HttpSink *sink) {
	Upload *upload = (Upload *)sink;
	g_checksum_free(upload->sum);
	g_free(upload);
	seen.sinks--;
}

static HttpSink *upload_open(Region *region, const WireRequest *request, WireResponse **refusal) {
	if (g_str_has_suffix(request->path, "/refused")) {
		*refusal = text(409, "no");
		return NULL;
	}
	Upload *upload = g_new0(Upload, 1);
	upload->sink = (HttpSink){upload_write, upload_free};
	upload->sum = g_checksum_new(G_CHECKSUM_SHA256);
	seen.sinks++;
	return &upload->sink;
}

static WireResponse *upload_handle(Region *region, const WireRequest *request, HttpReply *reply) {
	Upload *upload = (Upload *)http_reply_sink(reply);
	g_assert_cmpuint(g_bytes_get_size(request->body), ==, 0);
	g_autofree char *body = g_strdup_printf(
		"%" G_GSIZE_FORMAT " %s", upload->length, g_checksum_get_string(upload->sum));
	return text(201, body);
}

static WireResponse *file_handle(Region *region, const WireRequest *request, HttpReply *reply) {
	WireResponse *response = wire_response_new(206);
	wire_response_take_file(response, dup(seen.file), 3, 4);
	return response;
}

static gboolean answer_late(gpointer data) {
	http_reply_send(data, text(200, "late"));
	http_reply_unref(data);
	return G_SOURCE_REMOVE;
}

static WireResponse *late_handle(Region *region, const WireRequest *request, HttpReply *reply) {
	g_timeout_add(20, answer_late, http_reply_ref(reply));
	return NULL;
}

static WireResponse *lost_handle(Region *region, const WireRequest *request, HttpReply *reply) {
	return NULL;
}

static gboolean push_line(gpointer data) {
	HttpReply *reply = data;
	static int lines;
	g_autofree char *line = g_strdup_printf("line %d\n", ++lines);
	g_assert_true(http_reply_push(reply, line, strlen(line)));
	if (lines < 3)
		return G_SOURCE_CONTINUE;
	http_reply_end(reply);
	http_reply_unref(reply);
	return G_SOURCE_REMOVE;
}

static WireResponse *lines_handle(Region *region, const WireRequest *request, HttpReply *reply) {
	http_reply_start(reply, text(200, "begin\n"));
	g_timeout_add(10, push_line, http_reply_ref(reply));
	return NULL;
}

static void note_gone(HttpReply *reply, gpointer data) {
	g_assert_true(http_reply_is_gone(reply));
	seen.gone++;
	http_reply_unref(g_steal_pointer(&seen.held));
}

/* "/wait/stream": streams nothing; "/wait": answers never. */
static WireResponse *wait_handle(Region *region, const WireRequest *request, HttpReply *reply) {
	seen.held = http_reply_ref(reply);
	http_reply_on_gone(reply, note_gone, NULL);
	if (g_str_has_suffix(request->path, "/stream"))
		http_reply_start(reply, text(200, "begin\n"));
	return NULL;
}

static gboolean echo(int fd, GIOCondition condition, gpointer data) {
	char buffer[64];
	ssize_t length = read(fd, buffer, sizeof buffer);
	if (length > 0) {
		g_assert_cmpint(write(fd, buffer, (size_t)length), ==, length);
		return G_SOURCE_CONTINUE;
	}
	close(fd);
	return G_SOURCE_REMOVE;
}

static void take(int fd, const void *early, gsize length, gpointer data) {
	g_assert_cmpint(fd, >=, 0);
	seen.taken++;
	if (length > 0)
		g_assert_cmpint(write(fd, early, length), ==, (gssize)length);
	g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, echo, NULL);
}

static WireResponse *echo_handle(Region *region, const WireRequest *request, HttpReply *reply) {
	http_reply_upgrade(reply, "echo", take, NULL);
	return NULL;
}

static const RegionHttpRoute routes[] = {
	{"/upload/", upload_handle, upload_open},
	{"/file", file_handle, NULL},
	{"/late", late_handle, NULL},
	{"/lost", lost_handle, NULL},
	{"/lines", lines_handle, NULL},
	{"/wait", wait_handle, NULL},
	{"/echo", echo_handle, NULL},
	{NULL, NULL, NULL},
};

static const RegionHttpRoute *find(const WireRequest *head, Region *region) {
	for (const RegionHttpRoute *route = routes; route->prefix; route++)
		if (g_str_has_prefix(head->path, route->prefix))
			return route;
	return NULL;
}

/* ---- the client side ---- */

static guint port;

static HttpServer *new_server(void) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, length), ==, 0);
	g_assert_cmpint(listen(fd, 8), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
	port = ntohs(address.sin_port);
	HttpServer *server = http_server_new_socket(fd, plain, NULL, NULL);
	http_server_serve_routes(server, find, NULL);
	return server;
}

static int dial(void) {
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((guint16)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = 10};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	return fd;
}

static void say(int fd, const char *words) {
	g_assert_cmpint(write(fd, words, strlen(words)), ==, (gssize)strlen(words));
}

/* All until the server closes. Caller frees. */
static char *hear(int fd) {
	GString *heard = g_string_new(NULL);
	char buffer[4096];
	ssize_t length;
	while ((length = read(fd, buffer, sizeof buffer)) > 0)
		g_string_append_len(heard, buffer, length);
	close(fd);
	return g_string_free(heard, FALSE);
}

static char *ask(const char *head) {
	int fd = dial();
	say(fd, head);
	return hear(fd);
}

#define CLOSE " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

static void assert_has(const char *answer, const char *status, const char *part) {
	if (!g_str_has_prefix(answer + strlen("HTTP/1.1 "), status) || !strstr(answer, part))
		g_error("expected %s and %s in:\n%s", status, part, answer);
}

typedef struct {
	GMainLoop *loop;
	void (*client)(void);
} Script;

static gboolean quit(gpointer loop) {
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static gpointer play(gpointer data) {
	Script *script = data;
	script->client();
	g_idle_add(quit, script->loop);
	return NULL;
}

/* Runs a client against a fresh server, and stops the server when the client is done. */
static void run_client(void (*client)(void)) {
	memset(&seen, 0, sizeof seen);
	seen.file = -1;
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	HttpServer *server = new_server();
	Script script = {loop, client};
	GThread *thread = g_thread_new("client", play, &script);
	g_main_loop_run(loop);
	g_thread_join(thread);
	for (int i = 0; i < 5; i++)
		g_main_context_iteration(NULL, FALSE);
	http_server_free(server);
}

/* ---- tests ---- */

static void plain_client(void) {
	g_autofree char *answer = ask("POST /a%20b?c" CLOSE "Content-Length: 3\r\n\r\nxyz");
	assert_has(answer, "200", "POST /a%20b 3");
	g_autofree char *huge = ask("POST /a" CLOSE "Content-Length: 99999999\r\nExpect: "
				    "100-continue\r\n\r\n");
	assert_has(huge, "413", "");
}

static void test_plain(void) {
	run_client(plain_client);
}

static void sink_client(void) {
	gsize length = 8 * 1024 * 1024;
	g_autofree char *body = g_malloc(length);
	memset(body, 'x', length);
	g_autofree char *sum =
		g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guint8 *)body, length);
	g_autofree char *head = g_strdup_printf(
		"POST /upload/a" CLOSE "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n", length);
	int fd = dial();
	say(fd, head);
	for (gsize sent = 0; sent < length;) {
		ssize_t written = write(fd, body + sent, length - sent);
		g_assert_cmpint(written, >, 0);
		sent += (gsize)written;
	}
	g_autofree char *answer = hear(fd);
	assert_has(answer, "201", sum);
	g_autofree char *chunked = ask("POST /upload/b" CLOSE "Transfer-Encoding: chunked\r\n\r\n"
				       "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	assert_has(chunked, "201", "\r\n\r\n5 ");
	g_autofree char *empty = ask("POST /upload/c" CLOSE "Content-Length: 0\r\n\r\n");
	assert_has(empty, "201", "\r\n\r\n0 ");
}

static void test_sink(void) {
	run_client(sink_client);
	g_assert_cmpuint(seen.sinks, ==, 0);
}

static void refused_client(void) {
	g_autofree char *early = ask("POST /upload/refused" CLOSE "Content-Length: 5000000\r\n"
				     "Expect: 100-continue\r\n\r\n");
	assert_has(early, "409", "no");
	g_autofree char *late = ask("POST /upload/refused" CLOSE "Content-Length: 3\r\n\r\nabc");
	assert_has(late, "409", "no");
	int fd = dial();
	say(fd, "POST /upload/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: "
		"100-continue\r\n\r\n");
	char words[64] = "";
	g_assert_cmpint(read(fd, words, sizeof words - 1), >, 0);
	assert_has(words, "100", "Continue");
	say(fd, "abc");
	g_usleep(20000);
	close(fd); /* midway: the sink must go */
	g_usleep(50000);
}

static void test_refused(void) {
	run_client(refused_client);
	g_assert_cmpuint(seen.sinks, ==, 0);
	g_assert_cmpuint(seen.sunk, ==, 3);
}

static void answers_client(void) {
	g_autofree char *path = NULL;
	seen.file = g_file_open_tmp("http-XXXXXX", &path, NULL);
	g_assert_cmpint(write(seen.file, "0123456789", 10), ==, 10);
	g_unlink(path);
	g_autofree char *file = ask("GET /file" CLOSE "\r\n");
	assert_has(file, "206", "\r\n\r\n3456");
	g_assert_true(g_str_has_suffix(file, "3456"));
	g_autofree char *head = ask("HEAD /file" CLOSE "\r\n");
	assert_has(head, "206", "Content-Length: 4");
	g_assert_true(g_str_has_suffix(head, "\r\n\r\n"));
	g_autofree char *late = ask("GET /late" CLOSE "\r\n");
	assert_has(late, "200", "late");
	g_autofree char *lost = ask("GET /lost" CLOSE "\r\n");
	assert_has(lost, "500", "");
	g_autofree char *lines = ask("GET /lines" CLOSE "\r\n");
	assert_has(lines, "200", "chunked");
	assert_has(lines, "200", "begin\n");
	assert_has(lines, "200", "line 3\n");
	g_assert_true(g_str_has_suffix(lines, "0\r\n\r\n"));
	close(seen.file);
}

static void test_answers(void) {
	run_client(answers_client);
}

static void gone_client(void) {
	int fd = dial();
	say(fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	g_usleep(50000);
	close(fd);
	g_usleep(50000);
	g_assert_cmpuint(seen.gone, ==, 1);
	fd = dial();
	say(fd, "GET /wait/stream HTTP/1.1\r\nHost: x\r\n\r\n");
	g_usleep(50000);
	close(fd);
	g_usleep(50000);
	g_assert_cmpuint(seen.gone, ==, 2);
	g_assert_null(seen.held);
}

static void test_gone(void) {
	run_client(gone_client);
}

static int left_open;

static void leaving_client(void) {
	left_open = dial();
	say(left_open, "GET /wait/stream HTTP/1.1\r\nHost: x\r\n\r\n");
	g_usleep(50000);
}

/* The server ends while an answer is under way. */
static void test_stop(void) {
	run_client(leaving_client);
	g_assert_cmpuint(seen.gone, ==, 1);
	g_autofree char *heard = hear(left_open);
	assert_has(heard, "200", "begin\n");
}

static void echo_client(void) {
	int fd = dial();
	say(fd, "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
	char words[1024] = "";
	g_assert_cmpint(read(fd, words, sizeof words - 1), >, 0);
	assert_has(words, "101", "Upgrade: echo");
	say(fd, "hello");
	char back[6] = "";
	g_assert_cmpint(recv(fd, back, 5, MSG_WAITALL), ==, 5);
	g_assert_cmpstr(back, ==, "hello");
	g_usleep(50000);
	say(fd, "again");
	g_assert_cmpint(recv(fd, back, 5, MSG_WAITALL), ==, 5);
	g_assert_cmpstr(back, ==, "again");
	shutdown(fd, SHUT_WR);
	g_assert_cmpint(read(fd, back, 1), ==, 0);
	close(fd);
}

static void test_upgrade(void) {
	run_client(echo_client);
	g_assert_cmpuint(seen.taken, ==, 1);
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/http/plain", test_plain);
	g_test_add_func("/http/sink", test_sink);
	g_test_add_func("/http/refused", test_refused);
	g_test_add_func("/http/answers", test_answers);
	g_test_add_func("/http/gone", test_gone);
	g_test_add_func("/http/stop", test_stop);
	g_test_add_func("/http/upgrade", test_upgrade);
	return g_test_run();
}
