/*
 * The awslogs driver: what containers write goes to CloudWatch Logs, to the stream
 * "<prefix>/<container>/<task id>" of the group that the container's definition names.
 */
#include "region/services/ecs/internal.h"
#include "region/services/logs/logs.h"

/* The log's options, or VALUE_NOTHING for a container without the awslogs driver. Borrowed. */
static Value options_of(Value container) {
	Value log = value_get(container, "logConfiguration");
	return g_strcmp0(value_get_text(log, "logDriver"), "awslogs") == 0
		       ? value_get(log, "options")
		       : VALUE_NOTHING;
}

static char *stream_of(Value options, const char *container, const char *task_id) {
	return g_strdup_printf("%s/%s/%s",
		value_text_or(value_get(options, "awslogs-stream-prefix"), "ecs"), container,
		task_id);
}

/* The group may be in another region. */
static StoreScope scope_of(StoreScope scope, Value options) {
	const char *region = value_get_text(options, "awslogs-region");
	return (StoreScope){scope.account, region ? g_intern_string(region) : scope.region};
}

static gboolean creates_group(Value options) {
	return g_strcmp0(value_get_text(options, "awslogs-create-group"), "true") == 0;
}

gboolean ecs_task_log_check(
	Region *region, StoreScope scope, Value definition, const char *task_id, GError **error) {
	Value containers = value_get(definition, "containerDefinitions");
	for (gsize i = 0; i < value_length(containers); i++) {
		Value options = options_of(value_at(containers, i));
		if (value_is_null(options))
			continue;
		const char *name = value_get_text(value_at(containers, i), "name");
		g_autofree char *stream = stream_of(options, name, task_id);
		g_autoptr(GError) local = NULL;
		/* The driver makes its stream before the container starts. */
		if (logs_append(region, scope_of(scope, options),
			    value_get_text(options, "awslogs-group"), stream, task_id, NULL, 0,
			    creates_group(options), &local))
			continue;
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"ResourceInitializationError: failed to validate logger args: create "
			"stream in log group %s: %s",
			value_get_text(options, "awslogs-group"), local->message);
		return FALSE;
	}
	return TRUE;
}

/* Lines of one container that follow each other, as one append. */
static void append(Region *region, StoreScope scope, Value task, Value definition,
	const TaskLogLine *lines, gsize n_lines) {
	const char *name = lines[0].container;
	Value options = options_of(ecs_container(definition, name));
	if (value_is_null(options))
		return;
	g_autofree char *stream = stream_of(options, name, ecs_task_id(task));
	g_autofree char *writer = g_strdup_printf("%s/%s", ecs_task_id(task), name);
	g_autofree LogsEvent *events = g_new(LogsEvent, n_lines);
	for (gsize i = 0; i < n_lines; i++)
		events[i] = (LogsEvent){lines[i].timestamp / 1000, lines[i].position, lines[i].text,
			lines[i].length};
	g_autoptr(GError) error = NULL;
	if (!logs_append(region, scope_of(scope, options), value_get_text(options, "awslogs-group"),
		    stream, writer, events, n_lines, creates_group(options), &error))
		g_warning("logs of task %s: %s", ecs_task_id(task), error->message);
}

void ecs_task_log(
	Region *region, StoreScope scope, Value task, const TaskLogLine *lines, gsize n_lines) {
	g_auto(Value) definition = ecs_task_definition_of(region, scope, task);
	for (gsize start = 0, end; start < n_lines; start = end) {
		for (end = start + 1; end < n_lines &&
				      g_strcmp0(lines[end].container, lines[start].container) == 0;
			end++)
			;
		append(region, scope, task, definition, lines + start, end - start);
	}
}
