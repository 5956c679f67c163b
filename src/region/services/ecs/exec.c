/*
 * A program in a running container, for `terrarium exec`: an admin route that takes the connection
 * over. (ECS's own ExecuteCommand speaks the protocol of Session Manager's plugin, which we lack.)
 *
 *   GET /_terrarium/exec?account=…&region=…&cluster=…&task=…&container=…&command=["…"]&terminal=1
 *       &rows=24&columns=80
 *
 * After the 101 both sides send frames: a byte for the kind, four bytes of length (big endian), and
 * the bytes. From the client: 0 input (empty: its end), 1 size of the terminal (rows, columns: two
 * bytes each). To the client: 1 output, 2 error output, 3 exit code (four bytes), 4 an error in
 * words.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "region/services/ecs/internal.h"
#include "value/json.h"

#define HEADER 5
#define LARGEST_FRAME 65536
#define READ_SIZE 16384
#define MOST_PENDING (1024 * 1024)

enum { FRAME_INPUT, FRAME_OUTPUT, FRAME_ERRORS, FRAME_EXIT, FRAME_FAILED };
#define FRAME_SIZE FRAME_OUTPUT /* from the client */

typedef struct {
	TaskExec *exec; /* NULL: it has ended */
	int socket;
	int fds[3]; /* the program's input, output and errors; a terminal is the first alone */
	gboolean terminal;
	GByteArray *received, *to_program, *to_client;
	guint socket_in, socket_out, program_in, sources[2];
	gboolean socket_paused, paused[2]; /* the other side does not read fast enough */
	gboolean input_ended;
	gboolean ended; /* the exit code is in to_client */
	int exit_code;
} Session;

/* ---- life ---- */

static void close_fd(int *fd) {
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void session_free(Session *session) {
	g_clear_handle_id(&session->socket_in, g_source_remove);
	g_clear_handle_id(&session->socket_out, g_source_remove);
	g_clear_handle_id(&session->program_in, g_source_remove);
	g_clear_handle_id(&session->sources[0], g_source_remove);
	g_clear_handle_id(&session->sources[1], g_source_remove);
	for (guint i = 0; i < 3; i++)
		close_fd(&session->fds[i]);
	close_fd(&session->socket);
	g_byte_array_unref(session->received);
	g_byte_array_unref(session->to_program);
	g_byte_array_unref(session->to_client);
	g_free(session);
}

/* The client is gone: the program goes too, and its end frees the session. */
static void hang_up(Session *session) {
	g_clear_handle_id(&session->socket_in, g_source_remove);
	g_clear_handle_id(&session->socket_out, g_source_remove);
	close_fd(&session->socket);
	if (session->exec)
		task_exec_kill(session->exec);
	else
		session_free(session);
}

/* ---- to the client ---- */

static void frame(GByteArray *out, guint8 kind, const void *bytes, gsize length) {
	guint32 size = GUINT32_TO_BE((guint32)length);
	g_byte_array_append(out, &kind, 1);
	g_byte_array_append(out, (const guint8 *)&size, sizeof size);
	g_byte_array_append(out, bytes, (guint)length);
}

static gboolean on_output(int fd, GIOCondition condition, gpointer data);

static int output_of(const Session *session, guint which) {
	return session->terminal ? session->fds[0] : session->fds[1 + which];
}

static void watch_output(Session *session, guint which) {
	session->paused[which] = FALSE;
	session->sources[which] = g_unix_fd_add(
		output_of(session, which), G_IO_IN | G_IO_ERR | G_IO_HUP, on_output, session);
}

static gboolean flush_client(int fd, GIOCondition condition, gpointer data) {
	Session *session = data;
	while (session->to_client->len > 0) {
		ssize_t n =
			write(session->socket, session->to_client->data, session->to_client->len);
		if (n < 0 && errno == EAGAIN)
			return G_SOURCE_CONTINUE;
		session->socket_out = n < 0 ? 0 : session->socket_out;
		if (n < 0) {
			hang_up(session);
			return G_SOURCE_REMOVE;
		}
		g_byte_array_remove_range(session->to_client, 0, (guint)n);
	}
	session->socket_out = 0;
	for (guint i = 0; i < 2; i++)
		if (session->paused[i])
			watch_output(session, i);
	if (session->ended)
		session_free(session);
	return G_SOURCE_REMOVE;
}

static void send_frame(Session *session, guint8 kind, const void *bytes, gsize length) {
	frame(session->to_client, kind, bytes, length);
	if (session->socket >= 0 && !session->socket_out)
		session->socket_out = g_unix_fd_add(
			session->socket, G_IO_OUT | G_IO_ERR | G_IO_HUP, flush_client, session);
}

/* The program has ended and all that it wrote was read: says how. */
static void finish(Session *session) {
	guint32 code = GUINT32_TO_BE((guint32)session->exit_code);
	if (session->exec || session->sources[0] || session->sources[1] || session->paused[0] ||
		session->paused[1])
		return;
	session->ended = TRUE;
	if (session->socket < 0)
		session_free(session);
	else
		send_frame(session, FRAME_EXIT, &code, sizeof code);
}

static gboolean on_output(int fd, GIOCondition condition, gpointer data) {
	Session *session = data;
	guint which = !session->terminal && fd == session->fds[2] ? 1 : 0;
	guint8 bytes[READ_SIZE];
	/* A client that does not read keeps its program waiting. */
	if (session->to_client->len > MOST_PENDING && session->socket >= 0) {
		session->sources[which] = 0;
		session->paused[which] = TRUE;
		return G_SOURCE_REMOVE;
	}
	ssize_t n = read(fd, bytes, sizeof bytes);
	if (n < 0 && errno == EAGAIN)
		return G_SOURCE_CONTINUE;
	if (n > 0) {
		send_frame(session, which ? FRAME_ERRORS : FRAME_OUTPUT, bytes, (gsize)n);
		return G_SOURCE_CONTINUE;
	}
	session->sources[which] = 0;
	finish(session);
	return G_SOURCE_REMOVE;
}

static void on_done(TaskExec *exec, int exit_code, const GError *error, gpointer data) {
	Session *session = data;
	session->exec = NULL;
	session->exit_code = exit_code;
	if (error) {
		session->exit_code = 255;
		send_frame(session, FRAME_FAILED, error->message, strlen(error->message));
	}
	finish(session);
}

/* ---- from the client ---- */

static gboolean on_socket(int fd, GIOCondition condition, gpointer data);

static void watch_socket(Session *session) {
	session->socket_paused = FALSE;
	session->socket_in =
		g_unix_fd_add(session->socket, G_IO_IN | G_IO_ERR | G_IO_HUP, on_socket, session);
}

static gboolean flush_program(int fd, GIOCondition condition, gpointer data) {
	Session *session = data;
	while (session->to_program->len > 0) {
		ssize_t n = write(fd, session->to_program->data, session->to_program->len);
		if (n < 0 && errno == EAGAIN)
			return G_SOURCE_CONTINUE;
		if (n < 0)
			break;
		g_byte_array_remove_range(session->to_program, 0, (guint)n);
	}
	session->program_in = 0;
	g_byte_array_set_size(session->to_program, 0);
	if (session->socket_paused && session->socket >= 0)
		watch_socket(session);
	if (session->input_ended && !session->terminal)
		close_fd(&session->fds[0]);
	return G_SOURCE_REMOVE;
}

static void take_frame(Session *session, guint8 kind, const guint8 *bytes, gsize length) {
	if (kind == FRAME_SIZE && length == 4 && session->exec)
		task_exec_resize(session->exec, bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3]);
	if (kind != FRAME_INPUT || session->fds[0] < 0)
		return;
	session->input_ended |= length == 0;
	g_byte_array_append(session->to_program, bytes, (guint)length);
	if (!session->program_in)
		session->program_in = g_unix_fd_add(
			session->fds[0], G_IO_OUT | G_IO_ERR | G_IO_HUP, flush_program, session);
}

/* FALSE: the client does not speak the protocol. */
static gboolean take_frames(Session *session) {
	while (session->received->len >= HEADER) {
		guint32 size;
		memcpy(&size, session->received->data + 1, sizeof size);
		size = GUINT32_FROM_BE(size);
		if (size > LARGEST_FRAME)
			return FALSE;
		if (session->received->len < HEADER + size)
			return TRUE;
		take_frame(session, session->received->data[0], session->received->data + HEADER,
			size);
		g_byte_array_remove_range(session->received, 0, HEADER + size);
	}
	return TRUE;
}

static gboolean on_socket(int fd, GIOCondition condition, gpointer data) {
	Session *session = data;
	guint8 bytes[READ_SIZE];
	/* A program that does not read keeps its client waiting. */
	if (session->to_program->len > MOST_PENDING && !(condition & (G_IO_ERR | G_IO_HUP))) {
		session->socket_in = 0;
		session->socket_paused = TRUE;
		return G_SOURCE_REMOVE;
	}
	ssize_t n = read(fd, bytes, sizeof bytes);
	if (n < 0 && errno == EAGAIN)
		return G_SOURCE_CONTINUE;
	if (n > 0) {
		g_byte_array_append(session->received, bytes, (guint)n);
		if (take_frames(session))
			return G_SOURCE_CONTINUE;
	}
	session->socket_in = 0;
	hang_up(session);
	return G_SOURCE_REMOVE;
}

/* ---- the route ---- */

static void set_nonblocking(int fd) {
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void on_taken(int fd, const void *early, gsize length, gpointer data) {
	Session *session = data;
	session->socket = fd;
	if (fd < 0) {
		hang_up(session);
		return;
	}
	g_byte_array_append(session->received, early, (guint)length);
	watch_socket(session);
	watch_output(session, 0);
	if (!session->terminal)
		watch_output(session, 1);
	if (!take_frames(session))
		hang_up(session);
	else if (!session->exec)
		finish(session);
}

static WireResponse *refuse(int status, const char *format, ...) G_GNUC_PRINTF(2, 3);

static WireResponse *refuse(int status, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	WireResponse *response = wire_response_new(status);
	wire_response_set_body(response, "text/plain", text, strlen(text));
	return response;
}

/* The task that runs, as the query names it; NULL and *refusal. */
static Task *find_task(Region *region, GHashTable *query, WireResponse **refusal) {
	const char *account = g_hash_table_lookup(query, "account");
	const char *region_name = g_hash_table_lookup(query, "region");
	const char *cluster = g_hash_table_lookup(query, "cluster");
	const char *id = g_hash_table_lookup(query, "task");
	StoreScope scope = {account ? account : "", region_name ? region_name : ""};
	g_autofree char *store_id = g_strdup_printf("%s/%s", cluster ? cluster : "", id ? id : "");
	g_auto(Value) task = store_get(region_store(region), scope, ECS_TASKS, store_id);
	Task *running = value_is_null(task) ? NULL : ecs_task_running(region, task);
	if (!running)
		*refusal = refuse(404, "The task %s does not run.", store_id);
	return running;
}

static char **command_of(GHashTable *query) {
	const char *text = g_hash_table_lookup(query, "command");
	g_auto(Value) list = value_from_json(text ? text : "[]", -1, NULL);
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	for (gsize i = 0; i < value_length(list); i++)
		g_ptr_array_add(words, (gpointer)value_text_or(value_at(list, i), ""));
	if (words->len == 0)
		return NULL;
	g_ptr_array_add(words, NULL);
	return g_strdupv((char **)words->pdata);
}

static int number_of(GHashTable *query, const char *name, int otherwise) {
	const char *text = g_hash_table_lookup(query, name);
	return text ? CLAMP((int)g_ascii_strtoll(text, NULL, 10), 0, 65535) : otherwise;
}

static WireResponse *handle(Region *region, const WireRequest *request, HttpReply *reply) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) query =
		g_uri_parse_params(request->query, -1, "&", G_URI_PARAMS_WWW_FORM, &error);
	if (!query)
		return refuse(400, "The query cannot be read: %s", error->message);
	WireResponse *refusal = NULL;
	Task *task = find_task(region, query, &refusal);
	if (!task)
		return refusal;
	g_auto(GStrv) command = command_of(query);
	const char *container = g_hash_table_lookup(query, "container");
	if (!command || !container)
		return refuse(400, "The query must name a container and a command.");
	Session *session = g_new0(Session, 1);
	session->socket = session->fds[0] = session->fds[1] = session->fds[2] = -1;
	session->terminal = number_of(query, "terminal", 0) != 0;
	session->received = g_byte_array_new();
	session->to_program = g_byte_array_new();
	session->to_client = g_byte_array_new();
	session->exec = task_exec(task, container, command, NULL, session->terminal,
		number_of(query, "rows", 24), number_of(query, "columns", 80), session->fds,
		on_done, session, &error);
	if (!session->exec) {
		session_free(session);
		return refuse(409, "%s", error->message);
	}
	for (guint i = 0; i < 3; i++)
		set_nonblocking(session->fds[i]);
	http_reply_upgrade(reply, "terrarium-exec", on_taken, session);
	return NULL;
}

const RegionHttpRoute ecs_routes[] = {
	{.prefix = "/_terrarium/exec", .handle = handle},
	{.prefix = NULL},
};
