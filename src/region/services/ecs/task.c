/*
 * Tasks as the store has them: small questions about one, how one is told to stop, and which are of
 * a service. They are made in task_make.c; task_run.c carries them on.
 */
#include <string.h>

#include "region/services/ec2/ec2.h"
#include "region/services/ecs/internal.h"

/* ---- small questions ---- */

gboolean ecs_task_is(Value task, const char *last_status) {
	return g_strcmp0(value_get_text(task, "lastStatus"), last_status) == 0;
}

gboolean ecs_task_wanted(Value task) {
	return g_strcmp0(value_get_text(task, "desiredStatus"), "RUNNING") == 0;
}

const char *ecs_task_id(Value task) {
	const char *arn = value_text_or(value_get(task, "taskArn"), "/");
	return strrchr(arn, '/') + 1;
}

char *ecs_task_store_id(Value task) {
	const char *arn = value_text_or(value_get(task, "taskArn"), ":task/");
	return g_strdup(strstr(arn, ":task/") + strlen(":task/"));
}

Value ecs_task_interface(Region *region, StoreScope scope, Value task) {
	const char *interface = value_text(value_get_path(task, ECS_INTERNAL, "interface", NULL));
	return interface ? ec2_interface_get(region, scope, interface) : VALUE_NOTHING;
}

Value ecs_container(Value definition, const char *name) {
	Value all = value_get(definition, "containerDefinitions");
	for (gsize i = 0; i < value_length(all); i++)
		if (g_strcmp0(value_get_text(value_at(all, i), "name"), name) == 0)
			return value_at(all, i);
	return VALUE_NOTHING;
}

gboolean ecs_is_checked(Value definition) {
	Value all = value_get(definition, "containerDefinitions");
	for (gsize i = 0; i < value_length(all); i++) {
		Value essential = value_get(value_at(all, i), "essential");
		if (value_has(value_at(all, i), "healthCheck") &&
			(value_is_null(essential) || value_to_bool(essential)))
			return TRUE;
	}
	return FALSE;
}

Value ecs_task_definition_of(Region *region, StoreScope scope, Value task) {
	return ecs_task_definition_get(
		region, scope, value_text_or(value_get(task, "taskDefinitionArn"), ""));
}

const char *ecs_task_role(Value task, Value definition, const char *member) {
	const char *own = value_text(value_get_path(task, "overrides", member, NULL));
	return own ? own : value_get_text(definition, member);
}

Value ecs_task_told_take(Region *region, Value task, const char *stop_code, const char *reason) {
	if (!ecs_task_wanted(task))
		return task;
	task = value_with_take(task, "desiredStatus", value_string("STOPPED"));
	task = value_with_take(task, "stoppingAt", region_timestamp(region));
	task = value_with_take(task, "stopCode", value_string(stop_code));
	return value_with_take(task, "stoppedReason", value_string(reason));
}

void ecs_task_stop(
	Region *region, StoreScope scope, Value task, const char *stop_code, const char *reason) {
	if (!ecs_task_wanted(task))
		return;
	g_autofree char *id = ecs_task_store_id(task);
	store_put_take(region_store(region), scope, ECS_TASKS, id,
		ecs_task_told_take(region, value_ref(task), stop_code, reason));
}

/* ---- tasks of services ---- */

static char *key_of(StoreScope scope, const char *id) {
	return g_strdup_printf("%s/%s/%s", scope.account, scope.region, id);
}

GHashTable *ecs_tasks_by_service(Region *region, StoreScope scope) {
	GHashTable *all = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, ECS_TASKS);
	const char *id;
	Value task;
	while (store_iter_next(&iter, &id, &task)) {
		const char *service =
			value_text(value_get_path(task, ECS_INTERNAL, "service", NULL));
		if (!service || ecs_task_is(task, "STOPPED"))
			continue;
		char *key = key_of(store_iter_scope(&iter), service);
		GArray *tasks = g_hash_table_lookup(all, key);
		if (!tasks) {
			tasks = g_array_new(FALSE, FALSE, sizeof(Value));
			g_array_set_clear_func(tasks, (GDestroyNotify)value_clear);
			g_hash_table_insert(all, key, tasks);
		} else {
			g_free(key);
		}
		Value kept = value_ref(task);
		g_array_append_val(tasks, kept);
	}
	return all;
}

GArray *ecs_tasks_of_service(GHashTable *tasks, StoreScope scope, const char *service_id) {
	g_autofree char *key = key_of(scope, service_id);
	return g_hash_table_lookup(tasks, key);
}
