/*
 * The service scheduler: compares the tasks that a service has with those that its deployments
 * want, within the minimum and maximum healthy percent, and starts and stops tasks
 * (scheduler_start.c, scheduler_stop.c), and ends roll-outs (rollout.c). It decides from the store
 * alone, so it may be killed at any instruction and goes on where the store says.
 */
#include "region/services/ecs/scheduler.h"

#define INACTIVE_KEPT_S ((gint64)3600)

static const StoreScope everywhere = {NULL, NULL};

Value service_look_internal(const ServiceLook *look) {
	return value_get(look->service, ECS_INTERNAL);
}

void service_look_set_internal_take(ServiceLook *look, const char *member, Value value) {
	Value internal = value_with_take(value_ref(service_look_internal(look)), member, value);
	look->service = value_with_take(value_steal(&look->service), ECS_INTERNAL, internal);
}

static void tend_active(ServiceLook *look) {
	Sums sums = service_look_sum(look);
	g_autoptr(GPtrArray) stopped = g_ptr_array_new();
	if (rollout_break_circuit(look))
		return;
	rollout_mark_healthy(look);
	scheduler_retire(look, &sums, stopped);
	scheduler_say_stopped(look, stopped);
	gint64 starts = MIN(sums.desired - sums.usable, sums.upper - sums.active);
	if (starts > 0 && !rollout_is(look, "FAILED") && scheduler_may_start(look))
		scheduler_start(look, &sums, starts);
	rollout_settle(look, &sums);
	rollout_drop_deployments(look);
}

static void tend_draining(ServiceLook *look) {
	Sums sums = service_look_sum(look);
	g_autoptr(GPtrArray) stopped = g_ptr_array_new();
	for (guint i = 0; i < look->members->len; i++) {
		Member *member = &g_array_index(look->members, Member, i);
		if (!member->wanted)
			continue;
		scheduler_stop(look, member, &sums,
			"Scaling activity initiated by the service's deletion");
		g_ptr_array_add(stopped, (gpointer)ecs_task_id(member->task));
	}
	scheduler_say_stopped(look, stopped);
	rollout_drop_deployments(look);
	if (look->members->len > 0)
		return;
	look->service =
		value_with_take(value_steal(&look->service), "status", value_string("INACTIVE"));
	service_look_set_internal_take(look, "inactiveSince", value_int(region_now(look->region)));
	region_tags_clear(look->region, look->scope, value_get_text(look->service, "serviceArn"));
}

/* Forgets a service that was deleted a while ago, with its records. */
static void forget(ServiceLook *look) {
	static const char *const kinds[] = {ECS_SERVICE_DEPLOYMENTS, ECS_SERVICE_REVISIONS};
	Store *store = region_store(look->region);
	gint64 left = value_get_int(service_look_internal(look), "inactiveSince", 0) +
		      INACTIVE_KEPT_S * G_USEC_PER_SEC - region_now(look->region);
	if (left > 0) {
		region_wake_after(
			look->region, ECS_SERVICE_CONTROLLER, (double)left / G_USEC_PER_SEC);
		return;
	}
	g_autofree char *prefix = g_strconcat(look->id, "/", NULL);
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_auto(StoreIter) iter = store_iter_prefix(store, look->scope, kinds[i], prefix);
		const char *id;
		Value record;
		while (store_iter_next(&iter, &id, &record))
			store_delete(store, look->scope, kinds[i], id);
	}
	store_delete(store, look->scope, ECS_SERVICES, look->id);
}

/* Inside the open transaction. */
static void tend(ServiceLook *look) {
	const char *status = value_text_or(value_get(look->service, "status"), "");
	g_auto(Value) before = value_ref(look->service);
	if (g_str_equal(status, "INACTIVE"))
		forget(look);
	else if (g_str_equal(status, "DRAINING"))
		tend_draining(look);
	else
		tend_active(look);
	if (!value_equal(before, look->service))
		store_put(region_store(look->region), look->scope, ECS_SERVICES, look->id,
			look->service);
}

/* ---- the controller ---- */

typedef struct {
	gboolean image_pushed;
} Scheduler;

static void control(Region *region, gpointer data) {
	Scheduler *scheduler = data;
	Store *store = region_store(region);
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) tasks = ecs_tasks_by_service(region, everywhere);
	if (!store_begin(store, &error)) {
		g_warning("ECS services: %s", error->message);
		return;
	}
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, ECS_SERVICES);
	const char *id;
	Value service;
	while (store_iter_next(&iter, &id, &service)) {
		ServiceLook look = {.region = region,
			.scope = store_iter_scope(&iter),
			.id = id,
			.service = value_ref(service),
			.retry_now = scheduler->image_pushed};
		g_auto(Value) primary = value_ref(ecs_primary_deployment(service));
		look.primary = primary;
		service_look_judge(&look, ecs_tasks_of_service(tasks, look.scope, id));
		tend(&look);
		g_array_unref(look.members);
		value_clear(&look.service);
	}
	scheduler->image_pushed = FALSE;
	if (!store_commit(store, &error))
		g_warning("ECS services: %s", error->message);
}

static void on_image(Store *store, StoreScope scope, const char *kind, const char *id, Value object,
	gpointer data) {
	((Scheduler *)data)->image_pushed = TRUE;
}

gboolean ecs_scheduler_start(Region *region, GError **error) {
	Scheduler *scheduler = g_new0(Scheduler, 1);
	region_set_data(region, ECS_SERVICE_CONTROLLER, scheduler, g_free);
	region_controller_add(region, ECS_SERVICE_CONTROLLER, control, scheduler);
	region_wake_on(region, ECS_SERVICE_CONTROLLER, ECS_SERVICES);
	region_wake_on(region, ECS_SERVICE_CONTROLLER, ECS_TASKS);
	region_wake_on(region, ECS_SERVICE_CONTROLLER, "elbv2/target-health");
	region_wake_on(region, ECS_SERVICE_CONTROLLER, "ecr/image");
	store_watch(region_store(region), "ecr/image", on_image, scheduler);
	return TRUE;
}
