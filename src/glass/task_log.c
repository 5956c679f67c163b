/*
 * What containers write: conmon's log file ("<time> stdout F <text>", one line each), read from
 * where the last reader stopped. The position, an offset in the file, is kept on disk beside it;
 * what lies before it is given back to the file system by punching holes, so the file never has to
 * be rotated: a slow or absent reader loses nothing, and a chatty container does not fill the disk.
 * Memory is bounded by one part of the file; the main loop is held for one part at a time.
 *
 * conmon writes down what a container writes as it comes: a line that is written in pieces, or is
 * long, is several entries. They are one line here, told when its end has come, or that of the
 * container. The position on disk stays before a line that has begun.
 */
#include "glass/task_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PART 262144
#define HOLE 1048576
#define POSITION_DIGITS 20
#define LONGEST_LINE 262118 /* what CloudWatch Logs takes as one event */

/* A line of which pieces have come. */
typedef struct {
	GString *text; /* NULL: there is none */
	gint64 timestamp;
	guint64 position; /* where its first piece is */
} Begun;

struct LogReader {
	Container *container;
	int log, position_file;
	guint64 position, punched;
	guint idle;
	gboolean finishing;
	GArray *lines; /* of TaskLogLine */
	Begun begun[2]; /* of stdout and stderr */
	GPtrArray *joined; /* texts of `lines` that came in pieces */
};

static guint64 read_position(int fd) {
	char text[POSITION_DIGITS + 1] = {0};
	return pread(fd, text, POSITION_DIGITS, 0) > 0 ? g_ascii_strtoull(text, NULL, 10) : 0;
}

LogReader *log_reader_new(Container *container) {
	LogReader *reader = g_new0(LogReader, 1);
	g_autofree char *path = g_build_filename(container->outside, "position", NULL);
	reader->container = container;
	reader->log = -1;
	reader->position_file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (reader->position_file < 0)
		g_warning("cannot open %s: %s", path, g_strerror(errno));
	else
		reader->position = read_position(reader->position_file);
	reader->punched = reader->position;
	reader->lines = g_array_new(FALSE, FALSE, sizeof(TaskLogLine));
	reader->joined = g_ptr_array_new_with_free_func(g_free);
	return reader;
}

void log_reader_free(LogReader *reader) {
	if (!reader)
		return;
	if (reader->idle)
		g_source_remove(reader->idle);
	if (reader->log >= 0)
		close(reader->log);
	if (reader->position_file >= 0)
		close(reader->position_file);
	g_array_unref(reader->lines);
	g_ptr_array_unref(reader->joined);
	for (guint i = 0; i < G_N_ELEMENTS(reader->begun); i++)
		if (reader->begun[i].text)
			g_string_free(reader->begun[i].text, TRUE);
	g_free(reader);
}

static gboolean digits(const char **at, const char *end, int count, int *number) {
	*number = 0;
	for (int i = 0; i < count; i++, (*at)++) {
		if (*at >= end || !g_ascii_isdigit(**at))
			return FALSE;
		*number = *number * 10 + (**at - '0');
	}
	return TRUE;
}

/* "2026-01-02T03:04:05.678901234+00:00" */
static gboolean parse_time(const char **at, const char *end, gint64 *time) {
	struct tm date = {0};
	int hours, minutes, micro = 0, sign;
	if (end - *at < 20 || !digits(at, end, 4, &date.tm_year) || *(*at)++ != '-' ||
		!digits(at, end, 2, &date.tm_mon) || *(*at)++ != '-' ||
		!digits(at, end, 2, &date.tm_mday) || *(*at)++ != 'T' ||
		!digits(at, end, 2, &date.tm_hour) || *(*at)++ != ':' ||
		!digits(at, end, 2, &date.tm_min) || *(*at)++ != ':' ||
		!digits(at, end, 2, &date.tm_sec))
		return FALSE;
	date.tm_year -= 1900;
	date.tm_mon--;
	if (*at < end && **at == '.') {
		(*at)++;
		for (int scale = 100000; *at < end && g_ascii_isdigit(**at); (*at)++, scale /= 10)
			micro += (**at - '0') * scale;
	}
	if (*at >= end)
		return FALSE;
	char zone = *(*at)++;
	*time = (gint64)timegm(&date) * G_TIME_SPAN_SECOND + micro;
	if (zone == 'Z')
		return TRUE;
	sign = zone == '-' ? -1 : 1;
	if ((zone != '+' && zone != '-') || !digits(at, end, 2, &hours) || *at >= end ||
		*(*at)++ != ':' || !digits(at, end, 2, &minutes))
		return FALSE;
	*time -= sign * (hours * 60 + minutes) * G_TIME_SPAN_MINUTE;
	return TRUE;
}

static gboolean take(const char **at, const char *end, const char *word) {
	gsize length = strlen(word);
	if ((gsize)(end - *at) < length || memcmp(*at, word, length) != 0)
		return FALSE;
	*at += length;
	return TRUE;
}

/* line := time " " ( "stdout" | "stderr" ) " " ( "F" | "P" ) " " text */
static gboolean parse_line(const char *at, const char *end, TaskLogLine *line, gboolean *goes_on) {
	if (!parse_time(&at, end, &line->timestamp))
		return FALSE;
	line->is_stderr = take(&at, end, " stderr ");
	if (!line->is_stderr && !take(&at, end, " stdout "))
		return FALSE;
	*goes_on = take(&at, end, "P");
	if (!*goes_on && !take(&at, end, "F"))
		return FALSE;
	take(&at, end, " ");
	line->text = at;
	line->length = (gsize)(end - at);
	return TRUE;
}

/* Takes what has begun of a line into it: its text lives until the next part is read. */
static void join(LogReader *reader, TaskLogLine *line) {
	Begun *begun = &reader->begun[line->is_stderr];
	if (!begun->text)
		return;
	g_string_append_len(begun->text, line->text, (gssize)line->length);
	line->length = begun->text->len;
	line->text = g_string_free(g_steal_pointer(&begun->text), FALSE);
	line->timestamp = begun->timestamp;
	g_ptr_array_add(reader->joined, (gpointer)line->text);
}

/* Keeps a piece of a line that goes on. FALSE: the line is long enough, and ends with this piece.
 */
static gboolean keep_piece(LogReader *reader, const TaskLogLine *piece, guint64 position) {
	Begun *begun = &reader->begun[piece->is_stderr];
	if (begun->text && begun->text->len + piece->length >= LONGEST_LINE)
		return FALSE;
	if (!begun->text)
		*begun = (Begun){g_string_new(NULL), piece->timestamp, position};
	g_string_append_len(begun->text, piece->text, (gssize)piece->length);
	return TRUE;
}

/* The lines that end in the part; returns the bytes that were taken. */
static gsize parse_part(LogReader *reader, const char *part, gsize length) {
	gsize used = 0;
	g_array_set_size(reader->lines, 0);
	g_ptr_array_set_size(reader->joined, 0);
	for (const char *end; (end = memchr(part + used, '\n', length - used));) {
		TaskLogLine line = {.container = reader->container->spec->name};
		gsize next = (gsize)(end - part) + 1;
		line.position = reader->position + next;
		gboolean goes_on;
		if (parse_line(part + used, end, &line, &goes_on) &&
			!(goes_on && keep_piece(reader, &line, reader->position + used))) {
			join(reader, &line);
			g_array_append_val(reader->lines, line);
		}
		used = next;
	}
	/* conmon writes no line as long as a part: what has no end in one is broken. */
	return used == 0 && length == PART ? length : used;
}

static void keep_position(LogReader *reader) {
	char text[POSITION_DIGITS + 1];
	guint64 position = reader->position;
	for (guint i = 0; i < G_N_ELEMENTS(reader->begun); i++)
		if (reader->begun[i].text)
			position = MIN(position, reader->begun[i].position);
	g_snprintf(text, sizeof text, "%020" G_GUINT64_FORMAT, position);
	if (pwrite(reader->position_file, text, POSITION_DIGITS, 0) < 0)
		g_warning("cannot remember what was read of %s: %s", reader->container->runtime_id,
			g_strerror(errno));
	if (position - reader->punched < HOLE)
		return;
	/* Where the file system cannot, the file merely grows. */
	(void)fallocate(reader->log, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		(off_t)(position & ~(guint64)4095));
	reader->punched = position;
}

static gboolean open_log(LogReader *reader) {
	g_autofree char *path = g_build_filename(reader->container->outside, "log", NULL);
	if (reader->log < 0)
		reader->log = open(path, O_RDWR | O_CLOEXEC);
	return reader->log >= 0;
}

static void deliver(LogReader *reader) {
	Task *task = reader->container->task;
	const TaskEvents *events = task->tasks->events;
	if (events->log && reader->lines->len)
		events->log(task, (const TaskLogLine *)(gpointer)reader->lines->data,
			reader->lines->len, task->tasks->data);
}

/* The container has ended: what has begun has its end too. */
static void deliver_begun(LogReader *reader) {
	g_array_set_size(reader->lines, 0);
	g_ptr_array_set_size(reader->joined, 0);
	for (guint i = 0; i < G_N_ELEMENTS(reader->begun); i++) {
		TaskLogLine line = {.container = reader->container->spec->name,
			.is_stderr = i == 1,
			.text = "",
			.position = reader->position + i + 1};
		if (!reader->begun[i].text)
			continue;
		join(reader, &line);
		if (line.length > 0)
			g_array_append_val(reader->lines, line);
	}
	deliver(reader);
}

/* Reads and delivers one part; TRUE if there may be more. */
static gboolean read_part(LogReader *reader) {
	if (!open_log(reader))
		return FALSE;
	g_autofree char *part = g_malloc(PART);
	gssize length = pread(reader->log, part, PART, (off_t)reader->position);
	gsize used = length > 0 ? parse_part(reader, part, (gsize)length) : 0;
	if (used == 0)
		return FALSE;
	deliver(reader);
	reader->position += used;
	keep_position(reader);
	return length == PART;
}

static gboolean on_idle(gpointer data) {
	LogReader *reader = data;
	if (read_part(reader))
		return G_SOURCE_CONTINUE;
	reader->idle = 0;
	if (reader->finishing) {
		deliver_begun(reader);
		container_drained(reader->container);
	}
	return G_SOURCE_REMOVE;
}

void log_reader_poke(LogReader *reader) {
	if (reader && !reader->idle)
		reader->idle = g_idle_add_full(G_PRIORITY_DEFAULT, on_idle, reader, NULL);
}

void log_reader_finish(LogReader *reader) {
	reader->finishing = TRUE;
	log_reader_poke(reader);
}
