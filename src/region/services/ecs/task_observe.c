/* What the glass tells of a task that runs, in the API's words. */
#include "region/services/ecs/task_run.h"

static const char *health_word(TaskHealth health) {
	return health == TASK_HEALTHY	  ? "HEALTHY"
	       : health == TASK_UNHEALTHY ? "UNHEALTHY"
					  : "UNKNOWN";
}

static const char *status_word(TaskStatus status) {
	return status == TASK_PENDING	? "PENDING"
	       : status == TASK_RUNNING ? "RUNNING"
	       : status == TASK_STOPPED ? "STOPPED"
					: "STOPPING";
}

/* A container of the API with what is known of the one that runs. Takes it. */
static Value observed_take(Value container, const TaskContainer *seen) {
	container =
		value_with_take(container, "lastStatus", value_string(status_word(seen->status)));
	container =
		value_with_take(container, "healthStatus", value_string(health_word(seen->health)));
	if (seen->runtime_id)
		container = value_with_take(container, "runtimeId", value_string(seen->runtime_id));
	if (seen->image_digest)
		container =
			value_with_take(container, "imageDigest", value_string(seen->image_digest));
	if (seen->has_exit_code)
		container = value_with_take(container, "exitCode", value_int(seen->exit_code));
	if (seen->reason)
		container = value_with_take(container, "reason", value_string(seen->reason));
	return container;
}

static const TaskContainer *find_seen(GArray *seen, const char *name) {
	for (guint i = 0; i < seen->len; i++) {
		const TaskContainer *each = &g_array_index(seen, TaskContainer, i);
		if (g_strcmp0(each->name, name) == 0)
			return each;
	}
	return NULL;
}

void task_observe(TaskLook *look, const Task *running) {
	g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(TaskContainer));
	for (guint i = 0; i < task_container_count(running); i++) {
		TaskContainer each = task_container(running, i);
		g_array_append_val(seen, each);
	}
	Value before = value_get(look->task, "containers");
	g_autoptr(ValueBuilder) after = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(before); i++) {
		Value container = value_ref(value_at(before, i));
		const TaskContainer *own = find_seen(seen, value_get_text(container, "name"));
		value_builder_add_take(after, own ? observed_take(container, own) : container);
	}
	task_look_set_take(look, "containers", value_builder_end(g_steal_pointer(&after)));
	const char *health = health_word(task_health(running));
	gboolean changed = g_strcmp0(value_get_text(look->task, "healthStatus"), health) != 0;
	task_look_set_take(look, "healthStatus", value_string(health));
	if (changed)
		task_targets_tell_health(look);
}
