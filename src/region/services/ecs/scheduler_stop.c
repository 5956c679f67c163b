/*
 * Which tasks of a service go: what serves nobody at once, former ones as new ones become healthy,
 * and failing ones when something takes their place. Must never go below the minimum of healthy
 * ones by what it decides.
 */
#include "region/services/ecs/scheduler.h"

void scheduler_stop(ServiceLook *look, Member *member, Sums *sums, const char *reason) {
	ecs_task_stop(look->region, look->scope, member->task, "ServiceSchedulerInitiated", reason);
	sums->active--;
	sums->leaving++;
	sums->healthy -= member->healthy;
	sums->healthy_primary -= member->primary && member->healthy;
	sums->old -= !member->primary;
	sums->usable -= member->primary && !member->failing;
	member->wanted = FALSE;
	member->healthy = FALSE;
}

static char *scaling_reason(const ServiceLook *look) {
	return g_strdup_printf("Scaling activity initiated by (deployment %s)",
		value_text_or(value_get(look->primary, "id"), "none"));
}

static char *failing_reason(const ServiceLook *look, const Member *member) {
	const char *health = value_text_or(value_get(member->task, "healthStatus"), "");
	if (g_str_equal(health, "UNHEALTHY"))
		return g_strdup("Task failed container health checks");
	Value target = value_at(value_get_path(member->task, ECS_INTERNAL, "targets", NULL), 0);
	return g_strdup_printf("Task failed ELB health checks in (target-group %s)",
		value_text_or(value_get(target, "group"), ""));
}

typedef gboolean (*Choose)(const Member *member);

static gboolean is_old_starting(const Member *member) {
	return !member->primary && !member->running;
}
static gboolean is_old_idle(const Member *member) {
	return !member->primary && member->running && !member->healthy;
}
static gboolean is_old_healthy(const Member *member) {
	return !member->primary && member->healthy;
}
static gboolean is_primary_starting(const Member *member) {
	return member->primary && !member->running;
}
static gboolean is_primary_idle(const Member *member) {
	return member->primary && member->running && !member->healthy;
}
static gboolean is_primary(const Member *member) {
	return member->primary;
}
static gboolean is_failing(const Member *member) {
	return member->failing;
}

/* Stops up to `most` of the wanted members that are chosen; appends what it stopped to `stopped`.
 * Returns how many. */
static gint64 stop_some(
	ServiceLook *look, Sums *sums, Choose choose, gint64 most, GPtrArray *stopped) {
	g_autofree char *scaling = scaling_reason(look);
	gint64 count = 0;
	/* The youngest first: those that serve longest stay. */
	for (guint i = look->members->len; i > 0 && count < most; i--) {
		Member *member = &g_array_index(look->members, Member, i - 1);
		if (!member->wanted || !choose(member))
			continue;
		g_autofree char *failing = member->failing ? failing_reason(look, member) : NULL;
		if (failing)
			look->service = ecs_service_event_take(look->region,
				value_steal(&look->service), "(task %s) %s",
				ecs_task_id(member->task),
				g_str_has_prefix(failing, "Task failed container")
					? "failed container health checks."
					: "is unhealthy in its target group due to (reason Health "
					  "checks failed).");
		scheduler_stop(look, member, sums, failing ? failing : scaling);
		g_ptr_array_add(stopped, (gpointer)ecs_task_id(member->task));
		count++;
	}
	return count;
}

void scheduler_retire(ServiceLook *look, Sums *sums, GPtrArray *stopped) {
	gint64 need = sums->desired - sums->usable;
	/* What serves nobody costs nothing. */
	stop_some(look, sums, is_old_starting, G_MAXINT64, stopped);
	if (sums->desired == 0 || sums->healthy_primary > 0)
		stop_some(look, sums, is_old_idle, G_MAXINT64, stopped);
	if (sums->healthy >= sums->desired)
		stop_some(look, sums, is_failing, G_MAXINT64, stopped);
	/* Former tasks go as the new ones become healthy. */
	if (sums->healthy > sums->desired)
		stop_some(look, sums, is_old_healthy, sums->healthy - sums->desired, stopped);
	/* More than wanted: scaled in. */
	gint64 surplus = sums->usable - sums->desired;
	if (surplus > 0)
		surplus -= stop_some(look, sums, is_primary_starting, surplus, stopped);
	if (surplus > 0)
		surplus -= stop_some(look, sums, is_primary_idle, surplus, stopped);
	if (surplus > 0)
		stop_some(look, sums, is_primary, surplus, stopped);
	/* No room for the new ones: failing ones make room first, then healthy ones down to the
	 * minimum. */
	gint64 missing_room = MIN(need, sums->desired) - (sums->upper - sums->active);
	if (rollout_is(look, "FAILED"))
		return;
	if (need > 0 && missing_room > 0)
		missing_room -= stop_some(look, sums, is_failing, missing_room, stopped);
	if (need > 0 && missing_room > 0)
		missing_room -= stop_some(look, sums, is_old_idle, missing_room, stopped);
	if (need > 0 && missing_room > 0 && sums->healthy > sums->lower)
		stop_some(look, sums, is_old_healthy,
			MIN(missing_room, sums->healthy - sums->lower), stopped);
}

char *scheduler_task_list(GPtrArray *ids) {
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < ids->len; i++)
		g_string_append_printf(
			text, "%s(task %s)", i ? " " : "", (const char *)ids->pdata[i]);
	return g_string_free(text, FALSE);
}

void scheduler_say_stopped(ServiceLook *look, GPtrArray *stopped) {
	if (stopped->len == 0)
		return;
	g_autofree char *list = scheduler_task_list(stopped);
	look->service = ecs_service_event_take(look->region, value_steal(&look->service),
		"has stopped %u running tasks: %s.", stopped->len, list);
}
