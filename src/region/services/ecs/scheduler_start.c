/*
 * Starts tasks of a service, and waits longer and longer after those that failed, so that a task
 * that cannot run does not keep the machine busy.
 */
#include <string.h>

#include "region/services/ecs/scheduler.h"

#define LONGEST_DELAY_S 60
#define FAILURES_TO_SAY 4
#define MOST_STARTS 10 /* at one look, so that starting many tasks blocks nobody */

/* The tags of a task of the service: its managed ones and those that it propagates. */
static Value task_tags(ServiceLook *look, Value definition) {
	const char *from = value_text_or(value_get(look->service, "propagateTags"), "NONE");
	g_auto(Value) tags = value_empty_object();
	if (!g_str_equal(from, "NONE")) {
		g_auto(Value) inherited = region_tags(look->region, look->scope,
			g_str_equal(from, "SERVICE")
				? value_get_text(look->service, "serviceArn")
				: value_get_text(definition, "taskDefinitionArn"));
		g_auto(Value) before = value_steal(&tags);
		tags = value_merge(before, inherited);
	}
	if (value_get_bool(look->service, "enableECSManagedTags")) {
		g_autofree char *cluster = g_strndup(look->id, strcspn(look->id, "/"));
		tags = value_with_take(
			value_steal(&tags), "aws:ecs:clusterName", value_string(cluster));
		tags = value_with_take(value_steal(&tags), "aws:ecs:serviceName",
			value_ref(value_get(look->service, "serviceName")));
	}
	return region_tags_to_list(tags, "key", "value");
}

static gboolean start_one(ServiceLook *look, GPtrArray *started, GError **error) {
	g_autofree char *cluster = g_strndup(look->id, strcspn(look->id, "/"));
	g_autofree char *group = g_strconcat("service:", strchr(look->id, '/') + 1, NULL);
	g_auto(Value) definition = ecs_task_definition_get(look->region, look->scope,
		value_text_or(value_get(look->primary, "taskDefinition"), ""));
	g_auto(Value) tags = task_tags(look, definition);
	Value strategy = value_get(look->primary, "capacityProviderStrategy");
	EcsTaskRequest request = {.cluster = cluster,
		.definition = definition,
		.network = value_get_path(
			look->primary, "networkConfiguration", "awsvpcConfiguration", NULL),
		.launch_type = value_get_text(look->primary, "launchType"),
		.capacity_provider = value_get_text(value_at(strategy, 0), "capacityProvider"),
		.platform_version = value_get_text(look->primary, "platformVersion"),
		.group = group,
		.started_by = value_get_text(look->primary, "id"),
		.service = look->id,
		.deployment = value_get_text(look->primary, "id"),
		.execute_command = value_get_bool(look->service, "enableExecuteCommand"),
		.tags = tags};
	g_auto(Value) task = ecs_task_create(look->region, look->scope, &request, error);
	if (value_is_null(task))
		return FALSE;
	g_ptr_array_add(started, g_strdup(ecs_task_id(task)));
	return TRUE;
}

/* ---- waiting after failures ---- */

static gint64 next_delay(Value internal) {
	gint64 before = value_get_int(internal, "delay", 0);
	return MIN(before > 0 ? before * 2 : 1, LONGEST_DELAY_S);
}

/* The service after another failed start: later and later. Takes it. */
static Value delayed_take(Region *region, Value service) {
	g_auto(Value) internal = value_ref(value_get(service, ECS_INTERNAL));
	gint64 delay = next_delay(internal);
	internal = value_with_take(value_steal(&internal), "delay", value_int(delay));
	internal = value_with_take(value_steal(&internal), "retryAt",
		value_int(region_now(region) + delay * G_USEC_PER_SEC));
	return value_with_take(service, ECS_INTERNAL, value_steal(&internal));
}

void ecs_service_task_stopped(Region *region, StoreScope scope, Value task) {
	Value about = value_get(task, ECS_INTERNAL);
	const char *id = value_get_text(about, "service");
	const char *code = value_text_or(value_get(task, "stopCode"), "");
	const char *reason = value_text_or(value_get(task, "stoppedReason"), "");
	if (!id)
		return;
	g_auto(Value) service = store_get(region_store(region), scope, ECS_SERVICES, id);
	g_auto(Value) primary = value_ref(ecs_primary_deployment(service));
	gboolean failed = g_str_equal(code, "TaskFailedToStart") ||
			  g_str_equal(code, "EssentialContainerExited") ||
			  g_str_has_prefix(reason, "Task failed ");
	if (!failed ||
		g_strcmp0(value_get_text(primary, "id"), value_get_text(about, "deployment")) != 0)
		return;
	gint64 failed_tasks = value_get_int(primary, "failedTasks", 0) + 1;
	service = ecs_with_deployment_take(value_steal(&service),
		value_with_take(value_steal(&primary), "failedTasks", value_int(failed_tasks)));
	g_auto(Value) internal = value_ref(value_get(service, ECS_INTERNAL));
	gboolean was_healthy = value_get_bool(about, "healthy");
	gint64 failures = was_healthy ? 0 : value_get_int(internal, "failures", 0) + 1;
	internal = value_with_take(value_steal(&internal), "failures", value_int(failures));
	service = value_with_take(value_steal(&service), ECS_INTERNAL, value_steal(&internal));
	if (!was_healthy)
		service = delayed_take(region, value_steal(&service));
	if (g_str_equal(code, "TaskFailedToStart"))
		service = ecs_service_event_take(region, value_steal(&service),
			"(task %s) failed to start. Reason: %s", ecs_task_id(task), reason);
	if (failures == FAILURES_TO_SAY)
		service = ecs_service_event_take(region, value_steal(&service),
			"is unable to consistently start tasks successfully. For more information, "
			"see the Troubleshooting section.");
	store_put_take(region_store(region), scope, ECS_SERVICES, id, value_steal(&service));
}

gboolean scheduler_may_start(ServiceLook *look) {
	gint64 left =
		value_get_int(service_look_internal(look), "retryAt", 0) - region_now(look->region);
	if (left <= 0 || look->retry_now)
		return TRUE;
	region_wake_after(look->region, ECS_SERVICE_CONTROLLER, (double)left / G_USEC_PER_SEC);
	return FALSE;
}

void scheduler_start(ServiceLook *look, Sums *sums, gint64 most) {
	g_autoptr(GPtrArray) started = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	const char *launch_type = value_get_text(look->primary, "launchType");
	if (launch_type && !g_str_equal(launch_type, "FARGATE")) {
		look->service = ecs_service_event_take(look->region, value_steal(&look->service),
			"was unable to place a task because no container instance met all of its "
			"requirements. Reason: No Container Instances were found in your cluster.");
		look->service = delayed_take(look->region, value_steal(&look->service));
		return;
	}
	for (gint64 i = 0; i < MIN(most, MOST_STARTS) && !error; i++)
		start_one(look, started, &error);
	sums->active += started->len;
	sums->usable += started->len;
	if (started->len > 0) {
		g_autofree char *list = scheduler_task_list(started);
		look->service = ecs_service_event_take(look->region, value_steal(&look->service),
			"has started %u tasks: %s.", started->len, list);
	}
	if (error) {
		look->service = ecs_service_event_take(look->region, value_steal(&look->service),
			"failed to launch a task with (error %s).", error->message);
		look->service = delayed_take(look->region, value_steal(&look->service));
	}
}
