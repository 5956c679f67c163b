/*
 * terrarium exec: runs a program in a running container of a service. Speaks the frames of the
 * region's /_terrarium/exec (see region/services/ecs/exec.c).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/cli.h"
#include "value/json.h"

#define HEADER 5

enum { TO_INPUT, TO_SIZE };
enum { FROM_OUTPUT = 1, FROM_ERRORS, FROM_EXIT, FROM_FAILED };

static volatile sig_atomic_t resized;

static void on_resize(int signal) {
	resized = 1;
}

/* ---- the terminal ---- */

static struct termios before;
static gboolean is_raw;

static void restore_terminal(void) {
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	is_raw = FALSE;
}

static void make_raw(void) {
	struct termios raw;
	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return;
	raw = before;
	cfmakeraw(&raw);
	is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	atexit(restore_terminal);
}

/* ---- frames ---- */

static gboolean write_all(int fd, const void *bytes, gsize length) {
	for (gsize done = 0; done < length;) {
		ssize_t n = write(fd, (const char *)bytes + done, length - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FALSE;
		done += (gsize)n;
	}
	return TRUE;
}

static gboolean send_frame(int fd, guint8 kind, const void *bytes, gsize length) {
	guint8 head[HEADER] = {kind};
	guint32 size = GUINT32_TO_BE((guint32)length);
	memcpy(head + 1, &size, sizeof size);
	return write_all(fd, head, HEADER) && write_all(fd, bytes, length);
}

static gboolean send_size(int fd) {
	struct winsize size;
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return TRUE;
	guint8 bytes[4] = {(guint8)(size.ws_row >> 8), (guint8)size.ws_row,
		(guint8)(size.ws_col >> 8), (guint8)size.ws_col};
	return send_frame(fd, TO_SIZE, bytes, sizeof bytes);
}

/* Takes what is whole of `received`. The exit code, or -1 while it goes on. */
static int take_frames(GByteArray *received) {
	while (received->len >= HEADER) {
		guint32 size;
		memcpy(&size, received->data + 1, sizeof size);
		size = GUINT32_FROM_BE(size);
		if (received->len < HEADER + size)
			return -1;
		const guint8 *bytes = received->data + HEADER;
		guint8 kind = received->data[0];
		if (kind == FROM_OUTPUT || kind == FROM_ERRORS)
			write_all(kind == FROM_OUTPUT ? STDOUT_FILENO : STDERR_FILENO, bytes, size);
		if (kind == FROM_FAILED) {
			restore_terminal();
			cli_fail("%.*s", (int)size, (const char *)bytes);
		}
		if (kind == FROM_EXIT && size == 4)
			return bytes[3];
		g_byte_array_remove_range(received, 0, HEADER + size);
	}
	return -1;
}

/* Carries bytes both ways until the program ends. Returns its exit code. */
static int carry(int fd, const char *early, gsize early_length, gboolean terminal) {
	g_autoptr(GByteArray) received = g_byte_array_new();
	g_byte_array_append(received, (const guint8 *)early, (guint)early_length);
	gboolean input = TRUE;
	int code;
	char bytes[16384];
	while ((code = take_frames(received)) < 0) {
		struct pollfd fds[] = {{fd, POLLIN, 0}, {input ? STDIN_FILENO : -1, POLLIN, 0}};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (resized && terminal) {
			resized = 0;
			send_size(fd);
			continue;
		}
		if (fds[0].revents) {
			ssize_t n = read(fd, bytes, sizeof bytes);
			if (n <= 0)
				break;
			g_byte_array_append(received, (const guint8 *)bytes, (guint)n);
		}
		if (fds[1].revents) {
			ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
			input = n > 0;
			if (!send_frame(fd, TO_INPUT, bytes, n > 0 ? (gsize)n : 0))
				break;
		}
	}
	restore_terminal();
	if (code < 0)
		cli_fail("the region ended the connection.");
	return code < 0 ? 255 : code;
}

/* ---- connecting ---- */

static GSocketConnection *ask(const char *target, GString *answer, GError **error) {
	g_autoptr(GSocketClient) client = g_socket_client_new();
	g_autoptr(GSocketConnection) connection = g_socket_client_connect_to_host(
		client, "127.0.0.1", (guint16)cli_port(), NULL, error);
	if (!connection)
		return NULL;
	g_autofree char *request = g_strdup_printf(
		"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: "
		"terrarium-exec\r\n\r\n",
		target);
	GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
	if (!g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)),
		    request, strlen(request), NULL, NULL, error))
		return NULL;
	while (!strstr(answer->str, "\r\n\r\n")) {
		char bytes[4096];
		gssize n = g_input_stream_read(in, bytes, sizeof bytes, NULL, error);
		if (n <= 0)
			return NULL;
		g_string_append_len(answer, bytes, n);
	}
	return g_steal_pointer(&connection);
}

/* What a refusal says: the body behind the head. */
static int refused(GSocketConnection *connection, GString *answer) {
	GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
	const char *length = strcasestr(answer->str, "content-length:");
	gsize head = (gsize)(strstr(answer->str, "\r\n\r\n") + 4 - answer->str);
	gsize wanted = length ? head + (gsize)g_ascii_strtoull(length + 15, NULL, 10) : head;
	while (answer->len < wanted) {
		char bytes[4096];
		gssize n = g_input_stream_read(in, bytes, sizeof bytes, NULL, NULL);
		if (n <= 0)
			break;
		g_string_append_len(answer, bytes, n);
	}
	return cli_fail("%s", answer->str + head);
}

/* The id of a running task of the service. Caller frees. */
static char *running_task(const CliService *service, GError **error) {
	g_autofree char *full = cli_service_name(service);
	g_auto(Value) arns = cli_api_list(service->api, "ecs", "ListTasks",
		value_object_take("cluster", value_ref(value_get(service->service, "clusterArn")),
			"serviceName", value_ref(value_get(service->service, "serviceName")), NULL),
		"taskArns", "nextToken", "nextToken", error);
	if (value_is_null(arns))
		return NULL;
	g_auto(Value) answer = VALUE_NOTHING;
	if (value_length(arns) > 0)
		answer = cli_api_call(service->api, "ecs", "DescribeTasks",
			value_object_take("cluster",
				value_ref(value_get(service->service, "clusterArn")), "tasks",
				value_steal(&arns), NULL),
			error);
	Value tasks = value_get(answer, "tasks");
	for (gsize i = 0; i < value_length(tasks); i++)
		if (g_strcmp0(value_get_text(value_at(tasks, i), "lastStatus"), "RUNNING") == 0)
			return g_path_get_basename(value_get_text(value_at(tasks, i), "taskArn"));
	if (error && !*error)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"no task of the service %s is running. See terrarium status.", full);
	return NULL;
}

/* The container to run in: the one named, else the first of the definition. Caller frees. */
static char *container_of(const CliService *service, const char *named, GError **error) {
	if (named)
		return g_strdup(named);
	g_auto(Value) answer = cli_api_call(service->api, "ecs", "DescribeTaskDefinition",
		value_object_take("taskDefinition",
			value_ref(value_get(service->service, "taskDefinition")), NULL),
		error);
	Value all = value_get_path(answer, "taskDefinition", "containerDefinitions", NULL);
	return g_strdup(value_get_text(value_at(all, 0), "name"));
}

static char *target_of(const CliService *service, const char *task, const char *container,
	char **command, gboolean terminal) {
	g_autofree char *full = cli_service_name(service);
	g_autofree char *cluster = g_strndup(full, strcspn(full, "/"));
	g_autoptr(ValueBuilder) words = value_builder_new(VALUE_TUPLE, NULL);
	for (; *command; command++)
		value_builder_add_take(words, value_string(*command));
	g_auto(Value) list = value_builder_end(g_steal_pointer(&words));
	g_autofree char *json = value_to_json(list, 0);
	g_autofree char *escaped = g_uri_escape_string(json, NULL, FALSE);
	struct winsize size = {24, 80, 0, 0};
	if (terminal)
		ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	return g_strdup_printf("/_terrarium/exec?account=%s&region=%s&cluster=%s&task=%s&container="
			       "%s&terminal=%d&rows=%d&columns=%d&command=%s",
		cli_api_account(service->api), cli_api_region(service->api), cluster, task,
		container, terminal, size.ws_row, size.ws_col, escaped);
}

static int run_in(const CliService *service, const char *container_name, char **command) {
	g_autoptr(GError) error = NULL;
	gboolean terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	g_autofree char *task = running_task(service, &error);
	g_autofree char *container = task ? container_of(service, container_name, &error) : NULL;
	if (!container)
		return cli_fail("%s", error->message);
	g_autofree char *target = target_of(service, task, container, command, terminal);
	g_autoptr(GString) answer = g_string_new(NULL);
	g_autoptr(GSocketConnection) connection = ask(target, answer, &error);
	if (!connection)
		return cli_fail("%s", error ? error->message : "the region ended the connection.");
	if (!g_str_has_prefix(answer->str, "HTTP/1.1 101"))
		return refused(connection, answer);
	int fd = g_socket_get_fd(g_socket_connection_get_socket(connection));
	g_socket_set_blocking(g_socket_connection_get_socket(connection), TRUE);
	gsize head = (gsize)(strstr(answer->str, "\r\n\r\n") + 4 - answer->str);
	signal(SIGPIPE, SIG_IGN);
	if (terminal) {
		signal(SIGWINCH, on_resize);
		make_raw();
	}
	return carry(fd, answer->str + head, answer->len - head, terminal);
}

/* "service", "service/container", "cluster/service" or "cluster/service/container". */
static CliService *parse(GPtrArray *services, const char *name, char **container, GError **error) {
	CliService *whole = cli_service_find(services, name, NULL);
	const char *slash = strrchr(name, '/');
	*container = NULL;
	if (whole || !slash)
		return cli_service_find(services, name, error);
	g_autofree char *service = g_strndup(name, (gsize)(slash - name));
	*container = g_strdup(slash + 1);
	return cli_service_find(services, service, error);
}

static int run(int argc, char **argv) {
	g_auto(GStrv) words = NULL;
	const GOptionEntry entries[] = {{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY,
						&words, NULL, "SERVICE[/CONTAINER] -- COMMAND…"},
		{NULL}};
	if (!cli_parse(&argc, &argv, entries,
		    "Runs a program in a running container of a service; its exit code is the "
		    "program's."))
		return 1;
	if (!words || !words[0] || !words[1])
		return cli_fail(
			"Say where and what: terrarium exec SERVICE[/CONTAINER] -- COMMAND.");
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) places = cli_places(&error);
	g_autoptr(GPtrArray) services = places ? cli_services(places, &error) : NULL;
	g_autofree char *container = NULL;
	CliService *service = services ? parse(services, words[0], &container, &error) : NULL;
	char **command = words + 1;
	if (g_str_equal(command[0], "--"))
		command++;
	if (!service)
		return cli_fail("%s", error->message);
	return run_in(service, container, command);
}

const CliCommand cli_command_exec = {"exec", "Run a program in a container of a service", run};
