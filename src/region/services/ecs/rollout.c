/*
 * How a deployment of a service ends: completed when it has what it wants and nothing of the former
 * ones is left, or failed by the circuit breaker, with a roll-back if somebody asked for one.
 */
#include <string.h>

#include "region/services/ecs/scheduler.h"

gboolean rollout_is(const ServiceLook *look, const char *state) {
	return g_strcmp0(value_get_text(look->primary, "rolloutState"), state) == 0;
}

static void set_rollout(ServiceLook *look, const char *state, const char *reason) {
	Value entry = value_with_take(value_ref(ecs_primary_deployment(look->service)),
		"rolloutState", value_string(state));
	entry = value_with_take(entry, "rolloutStateReason", value_string(reason));
	entry = value_with_take(entry, "updatedAt", region_timestamp(look->region));
	look->service = ecs_with_deployment_take(value_steal(&look->service), entry);
}

/* The deployment has what it wants, and nothing of the former ones is left. */
static void complete(ServiceLook *look) {
	const char *id = value_get_text(look->primary, "id");
	g_autofree char *reason = g_strdup_printf("ECS deployment %s completed.", id);
	set_rollout(look, "COMPLETED", reason);
	look->service = ecs_service_event_take(look->region, value_steal(&look->service),
		"(deployment %s) deployment completed.", id);
	service_look_set_internal_take(look, "good", value_string(id + strlen("ecs-svc/")));
	service_look_set_internal_take(look, "failures", value_int(0));
	service_look_set_internal_take(look, "delay", value_int(0));
	ecs_deployment_record_end(look->region, look->scope, look->service, id, "SUCCESSFUL", NULL);
}

gboolean rollout_break_circuit(ServiceLook *look) {
	Value breaker = value_get_path(
		look->service, "deploymentConfiguration", "deploymentCircuitBreaker", NULL);
	gint64 desired = value_get_int(look->service, "desiredCount", 0);
	gint64 threshold = CLAMP((desired + 1) / 2, 3, 200);
	if (!value_get_bool(breaker, "enable") || !rollout_is(look, "IN_PROGRESS") ||
		value_get_int(service_look_internal(look), "failures", 0) < threshold)
		return FALSE;
	g_autofree char *id = g_strdup(value_get_text(look->primary, "id"));
	const char *good = value_get_text(service_look_internal(look), "good");
	set_rollout(look, "FAILED", "ECS deployment circuit breaker: tasks failed to start.");
	look->service = ecs_service_event_take(look->region, value_steal(&look->service),
		"(deployment %s) deployment failed: tasks failed to start.", id);
	if (!value_get_bool(breaker, "rollback") || !good) {
		ecs_deployment_record_end(look->region, look->scope, look->service, id, "STOPPED",
			"Service deployment stopped because the circuit breaker threshold was "
			"exceeded.");
		return TRUE;
	}
	look->service = ecs_service_event_take(look->region, value_steal(&look->service),
		"rolling back to deployment ecs-svc/%s.", good);
	look->service =
		ecs_roll_back_take(look->region, look->scope, value_steal(&look->service), id);
	return TRUE;
}

void rollout_drop_deployments(ServiceLook *look) {
	Value all = value_get(look->service, "deployments");
	gboolean inactive = g_strcmp0(value_get_text(look->service, "status"), "ACTIVE") != 0;
	g_autoptr(ValueBuilder) kept = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(all); i++) {
		const char *id = value_get_text(value_at(all, i), "id");
		gboolean needed = !inactive && g_strcmp0(value_get_text(value_at(all, i), "status"),
						       "PRIMARY") == 0;
		for (guint m = 0; m < look->members->len && !needed; m++)
			needed = g_strcmp0(value_text(value_get_path(
						   g_array_index(look->members, Member, m).task,
						   ECS_INTERNAL, "deployment", NULL)),
					 id) == 0;
		if (needed)
			value_builder_add_take(kept, value_ref(value_at(all, i)));
	}
	g_auto(Value) list = value_builder_end(g_steal_pointer(&kept));
	if (value_length(list) < value_length(all))
		look->service = value_with_take(
			value_steal(&look->service), "deployments", value_steal(&list));
}

void rollout_mark_healthy(ServiceLook *look) {
	for (guint i = 0; i < look->members->len; i++) {
		Member *member = &g_array_index(look->members, Member, i);
		Value internal = value_get(member->task, ECS_INTERNAL);
		if (!member->healthy || value_get_bool(internal, "healthy"))
			continue;
		Value marked = value_with_take(value_ref(internal), "healthy", value_bool(TRUE));
		member->task = value_with_take(value_steal(&member->task), ECS_INTERNAL, marked);
		g_autofree char *id = ecs_task_store_id(member->task);
		store_put(region_store(look->region), look->scope, ECS_TASKS, id, member->task);
		if (member->primary &&
			value_get_int(service_look_internal(look), "failures", 0) > 0) {
			service_look_set_internal_take(look, "failures", value_int(0));
			service_look_set_internal_take(look, "delay", value_int(0));
		}
	}
}

void rollout_settle(ServiceLook *look, const Sums *sums) {
	gboolean as_wanted = sums->usable == sums->desired &&
			     sums->healthy_primary == sums->desired && sums->old == 0;
	if (as_wanted && rollout_is(look, "IN_PROGRESS"))
		complete(look);
	gboolean steady = as_wanted && sums->leaving == 0;
	if (steady == value_get_bool(service_look_internal(look), "steady"))
		return;
	if (steady)
		look->service = ecs_service_event_take(
			look->region, value_steal(&look->service), "has reached a steady state.");
	service_look_set_internal_take(look, "steady", value_bool(steady));
}
