/*
 * The logs of builds, in CloudWatch Logs. Values of secrets are not shown: *** stands for them.
 * They are kept in a file that only the region can read, since a region that comes back goes on
 * writing.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "region/services/codebuild/run.h"
#include "region/services/logs/logs.h"
#include "value/json.h"

#define SHORTEST_SECRET 3

static char *secrets_path(Region *region, Value build) {
	return g_strdup_printf(
		"%s/%s/%s.secrets", region_home(region), CODEBUILD_JOBS, codebuild_uuid(build));
}

gboolean codebuild_secrets_keep(
	Region *region, Value build, const GPtrArray *secrets, GError **error) {
	g_autofree char *path = secrets_path(region, build);
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < secrets->len; i++)
		value_builder_add_take(list, value_string(secrets->pdata[i]));
	g_auto(Value) all = value_builder_end(g_steal_pointer(&list));
	g_autofree char *json = value_to_json(all, VALUE_JSON_COMPACT);
	return g_file_set_contents_full(
		path, json, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

void codebuild_secrets_forget(Region *region, Value build) {
	g_autofree char *path = secrets_path(region, build);
	unlink(path);
}

static Value secrets_of(Region *region, Value build) {
	g_autofree char *path = secrets_path(region, build), *text = NULL;
	return g_file_get_contents(path, &text, NULL, NULL) ? value_from_json(text, -1, NULL)
							    : VALUE_NOTHING;
}

/* Caller frees. */
static char *masked(Value secrets, const char *text, gsize length) {
	g_autoptr(GString) line = g_string_new_len(text, (gssize)length);
	for (gsize i = 0; i < value_length(secrets); i++)
		if (value_text_length(value_at(secrets, i)) >= SHORTEST_SECRET)
			g_string_replace(line, value_text(value_at(secrets, i)), "***", 0);
	return g_string_free(g_steal_pointer(&line), FALSE);
}

static void append(Region *region, StoreScope scope, Value build, const char *writer,
	const LogsEvent *events, gsize n_events) {
	Value logs = value_get(build, "logs");
	const char *group = value_get_text(logs, "groupName");
	g_autoptr(GError) error = NULL;
	if (group && !logs_append(region, scope, group, value_get_text(logs, "streamName"), writer,
			     events, n_events, TRUE, &error))
		g_warning("log of build %s: %s", value_get_text(build, "id"), error->message);
}

void codebuild_say(Region *region, StoreScope scope, Value build, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *words = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	gint64 now = region_now(region);
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now / G_USEC_PER_SEC);
	g_autofree char *date = g_date_time_format(time, "%Y/%m/%d %H:%M:%S");
	g_autofree char *line = g_strdup_printf("[Container] %s %s", date, words);
	g_autofree char *valid = g_utf8_make_valid(line, -1);
	LogsEvent event = {now / 1000, 0, valid, strlen(valid)};
	append(region, scope, build, codebuild_uuid(build), &event, 1);
}

void codebuild_log(
	Region *region, StoreScope scope, Value build, const TaskLogLine *lines, gsize n_lines) {
	g_auto(Value) secrets = secrets_of(region, build);
	g_autofree LogsEvent *events = g_new(LogsEvent, n_lines);
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *writer = g_strconcat(codebuild_uuid(build), "/build", NULL);
	for (gsize i = 0; i < n_lines; i++) {
		char *text = masked(secrets, lines[i].text, lines[i].length);
		g_ptr_array_add(texts, text);
		events[i] = (LogsEvent){
			lines[i].timestamp / 1000, lines[i].position, text, strlen(text)};
	}
	append(region, scope, build, writer, events, n_lines);
}
