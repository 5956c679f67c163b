/* An execution followed to its end: on a terminal a picture that is redrawn, else plain lines. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/pipeline/pipeline.h"

#define POLL_US (G_USEC_PER_SEC / 2)
#define LOG_LINES 4

/* ---- a terminal ---- */

/* The text's last `height` lines. */
static const char *last_lines(const char *text, guint height) {
	guint n_lines = 0;
	for (const char *at = text; *at; at++)
		n_lines += *at == '\n';
	for (; n_lines > height; n_lines--)
		text = strchr(text, '\n') + 1;
	return text;
}

static guint columns_of(gunichar character) {
	return g_unichar_iszerowidth(character) ? 0 : g_unichar_iswide(character) ? 2 : 1;
}

/* The text with lines cut at the terminal's width (escapes take none), each of which first clears
 * what was in its place: behind a full one the cursor would stand on its last character. *n_lines
 * gets how many. */
static char *cut_lines(const char *text, guint width, guint *n_lines) {
	GString *cut = g_string_new("\033[K");
	guint column = 0;
	*n_lines = 0;
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gsize length = (gsize)(g_utf8_next_char(at) - at);
		if (*at == '\033') {
			gsize escape = strcspn(at, "m") + 1;
			g_string_append_len(cut, at, (gssize)escape);
			at += escape - 1;
		} else if (*at == '\n') {
			g_string_append(cut, "\n\033[K");
			column = 0;
			++*n_lines;
		} else {
			column += columns_of(g_utf8_get_char(at));
			if (column <= width)
				g_string_append_len(cut, at, (gssize)length);
		}
	}
	return g_string_free(cut, FALSE);
}

static void terminal_size(guint *width, guint *height) {
	struct winsize size;
	gboolean known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
	*width = known && size.ws_col > 0 ? size.ws_col : 80;
	*height = known && size.ws_row > 1 ? size.ws_row : 24;
}

/* What stands on the terminal. */
typedef struct {
	guint n_lines; /* above the cursor */
	guint width, height; /* of the terminal then */
} Picture;

/* A terminal whose size has changed may have wrapped the old picture anew: nobody knows where it
 * begins. */
static void go_to_start(const Picture *picture, guint width, guint height) {
	if (picture->n_lines > 0 && (picture->width != width || picture->height != height))
		printf("\033[H\033[2J");
	else if (picture->n_lines > 0)
		printf("\033[%uA", picture->n_lines);
}

static void redraw(const CliPipeline *pipeline, Value look, Picture *picture) {
	g_autofree char *text = cli_pipeline_lines(pipeline, look, LOG_LINES, TRUE);
	guint n_lines, width, height;
	terminal_size(&width, &height);
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *cut = cut_lines(last_lines(valid, height - 1), width, &n_lines);
	go_to_start(picture, width, height);
	printf("%s\033[J", cut);
	fflush(stdout);
	*picture = (Picture){n_lines, width, height};
}

/* ---- plain lines ---- */

typedef struct {
	GHashTable *told; /* action execution id -> what was told of it */
	GHashTable *tokens; /* build -> where its log was left */
} Plain;

static void print_log(const CliPipeline *pipeline, Plain *plain, Value action) {
	const char *build = cli_pipeline_build(action);
	if (!build)
		return;
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	char *token = g_strdup(g_hash_table_lookup(plain->tokens, build));
	cli_pipeline_read_log(pipeline, build, &token, lines);
	for (guint i = 0; i < lines->len; i++)
		printf("%s | %s\n", value_get_text(action, "actionName"),
			(const char *)lines->pdata[i]);
	if (token)
		g_hash_table_insert(plain->tokens, g_strdup(build), token);
}

static void print_action(const CliPipeline *pipeline, Plain *plain, Value action) {
	const char *id = value_get_text(action, "actionExecutionId");
	const char *status = value_get_text(action, "status");
	g_autofree char *reason = g_strdup(cli_pipeline_reason(action));
	gboolean runs = g_str_equal(status, "InProgress");
	gboolean known = g_strcmp0(g_hash_table_lookup(plain->told, id), status) == 0;
	if (known && !runs)
		return;
	print_log(pipeline, plain, action);
	if (known)
		return;
	g_hash_table_insert(plain->told, g_strdup(id), g_strdup(status));
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *clock = g_date_time_format(now, "%H:%M:%S");
	g_autofree char *duration = cli_pipeline_duration(action);
	if (reason)
		cli_pipeline_printable(reason);
	printf("%s %s/%s %s%s%s%s%s\n", clock, value_get_text(action, "stageName"),
		value_get_text(action, "actionName"), status, runs ? "" : " after ",
		runs ? "" : duration, reason ? ": " : "", reason ? reason : "");
	Value type = value_get_path(action, "input", "actionTypeId", NULL);
	if (runs && g_strcmp0(value_get_text(type, "category"), "Approval") == 0)
		printf("%s waits for: terrarium pipeline approve %s\n", clock, pipeline->name);
}

static void print_changes(const CliPipeline *pipeline, Plain *plain, Value look) {
	Value stages = value_get(look, "stages");
	for (gsize i = 0; i < value_length(stages); i++) {
		Value stage = value_at(stages, i), actions = value_get(stage, "actions");
		for (gsize k = 0; k < value_length(actions); k++) {
			g_autofree char *key = g_strjoin("/", value_get_text(stage, "name"),
				value_get_text(value_at(actions, k), "name"), NULL);
			Value action = value_get(value_get(look, "actions"), key);
			if (!value_is_null(action))
				print_action(pipeline, plain, action);
		}
	}
	fflush(stdout);
}

/* ---- to the end ---- */

static int conclude(Value look) {
	Value execution = value_get(look, "execution");
	const char *status = value_text_or(value_get(execution, "status"), "");
	if (g_str_equal(status, "Succeeded"))
		return 0;
	return cli_fail("the execution %s has ended as %s.%s%s",
		value_get_text(execution, "pipelineExecutionId"), status,
		g_str_equal(status, "Failed")
			? " Mend what it says, then: terrarium pipeline retry "
			: "",
		g_str_equal(status, "Failed") ? value_get_text(execution, "pipelineName") : "");
}

int cli_pipeline_follow(const CliPipeline *pipeline, const char *execution) {
	gboolean terminal = isatty(STDOUT_FILENO);
	g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GHashTable) tokens =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	Plain plain = {told, tokens};
	Picture picture = {0};
	if (!terminal)
		printf("%s %s\n", pipeline->name, execution);
	for (;;) {
		g_autoptr(GError) error = NULL;
		g_auto(Value) look = cli_pipeline_look(pipeline, execution, &error);
		if (error)
			return cli_fail("%s", error->message);
		if (terminal)
			redraw(pipeline, look, &picture);
		else
			print_changes(pipeline, &plain, look);
		if (cli_pipeline_ended(look))
			return conclude(look);
		g_usleep(POLL_US);
	}
}
