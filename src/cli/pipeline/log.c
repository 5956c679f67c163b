/* What builds wrote: from CloudWatch Logs. */
#include <string.h>

#include "cli/pipeline/pipeline.h"

/* Group and stream of a build's log. */
static gboolean find_log(
	const CliPipeline *pipeline, const char *build, char **group, char **stream) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) answer = cli_api_call(pipeline->api, "codebuild", "BatchGetBuilds",
		value_object_take("ids", value_tuple_take(1, value_string(build)), NULL), &error);
	Value logs = value_get(value_at(value_get(answer, "builds"), 0), "logs");
	*group = g_strdup(value_get_text(logs, "groupName"));
	*stream = g_strdup(value_get_text(logs, "streamName"));
	return *group && *stream;
}

static Value read_events(const CliPipeline *pipeline, const char *build, Value more_taken) {
	g_auto(Value) more = more_taken;
	g_autofree char *group = NULL, *stream = NULL;
	g_autoptr(GError) error = NULL;
	if (!find_log(pipeline, build, &group, &stream))
		return VALUE_NOTHING;
	g_auto(Value) where = value_object_take(
		"logGroupName", value_string(group), "logStreamName", value_string(stream), NULL);
	return cli_api_call(
		pipeline->api, "logs", "GetLogEvents", value_merge(where, more), &error);
}

static void take_lines(Value events, GPtrArray *lines) {
	for (gsize i = 0; i < value_length(events); i++) {
		char *line = g_strdup(value_text_or(value_get(value_at(events, i), "message"), ""));
		g_ptr_array_add(lines, cli_pipeline_printable(g_strchomp(line)));
	}
}

gboolean cli_pipeline_read_log(
	const CliPipeline *pipeline, const char *build, char **token, GPtrArray *lines) {
	for (;;) {
		Value more = value_object_take("startFromHead", value_bool(TRUE), NULL);
		if (*token)
			more = value_with_take(more, "nextToken", value_string(*token));
		g_auto(Value) page = read_events(pipeline, build, more);
		const char *next = value_get_text(page, "nextForwardToken");
		if (!next)
			return FALSE;
		take_lines(value_get(page, "events"), lines);
		gboolean end = g_strcmp0(next, *token) == 0;
		g_free(*token);
		*token = g_strdup(next);
		if (end)
			return TRUE;
	}
}

GPtrArray *cli_pipeline_log_end(const CliPipeline *pipeline, const char *build, guint count) {
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	g_auto(Value) page = read_events(pipeline, build,
		value_object_take(
			"limit", value_int(count), "startFromHead", value_bool(FALSE), NULL));
	take_lines(value_get(page, "events"), lines);
	return lines;
}
