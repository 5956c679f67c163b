/*
 * The tasks of a service, judged: do they run, are they healthy by all that checks them, is one to
 * be given up; and how many there are of each.
 */
#include "region/services/ecs/scheduler.h"
#include "region/services/elbv2/elbv2.h"

/* A task that nothing checks is taken for healthy when it ran that long. */
#define SETTLED_AFTER_S 5

static void member_clear(gpointer data) {
	value_clear(&((Member *)data)->task);
}

/* When the time is over in which a task's balancer health is not looked at: microseconds. */
static gint64 grace_end(const ServiceLook *look, Value task) {
	double started = value_to_double(value_get(task, "startedAt"), 0);
	gint64 grace = value_get_int(look->service, "healthCheckGracePeriodSeconds", 0);
	return (gint64)((started + (double)grace) * G_USEC_PER_SEC);
}

/* What the target groups say of a task. */
static void judge_targets(const ServiceLook *look, Member *member) {
	Value targets = value_get_path(member->task, ECS_INTERNAL, "targets", NULL);
	g_auto(Value) interface = ecs_task_interface(look->region, look->scope, member->task);
	const char *address = value_text_or(value_get(interface, "PrivateIpAddress"), "");
	for (gsize i = 0; i < value_length(targets); i++) {
		Value target = value_at(targets, i);
		const char *state = elbv2_target_state(look->region, look->scope,
			value_get_text(target, "group"), address,
			(int)value_get_int(target, "port", 0));
		gboolean unhealthy = g_str_equal(state, "unhealthy");
		if (unhealthy || g_str_equal(state, "initial") || g_str_equal(state, "draining"))
			member->healthy = FALSE;
		if (!unhealthy)
			continue;
		gint64 left = grace_end(look, member->task) - region_now(look->region);
		if (left <= 0)
			member->failing = TRUE;
		else
			region_wake_after(look->region, ECS_SERVICE_CONTROLLER,
				(double)left / G_USEC_PER_SEC);
	}
}

/* Has it run long enough to be believed, where nothing checks it? */
static gboolean is_settled(const ServiceLook *look, Value task) {
	double started = value_to_double(value_get(task, "startedAt"), 0);
	gint64 left =
		(gint64)((started + SETTLED_AFTER_S) * G_USEC_PER_SEC) - region_now(look->region);
	if (left > 0)
		region_wake_after(
			look->region, ECS_SERVICE_CONTROLLER, (double)left / G_USEC_PER_SEC);
	return left <= 0;
}

static void add_member(ServiceLook *look, Value task) {
	const char *deployment = value_text(value_get_path(task, ECS_INTERNAL, "deployment", NULL));
	Member member = {.task = value_ref(task),
		.primary = g_strcmp0(deployment, value_get_text(look->primary, "id")) == 0,
		.wanted = ecs_task_wanted(task),
		.running = ecs_task_is(task, "RUNNING")};
	const char *health = value_text_or(value_get(task, "healthStatus"), "UNKNOWN");
	member.healthy = member.running && member.wanted;
	member.failing = member.healthy && g_str_equal(health, "UNHEALTHY");
	if (member.healthy && !g_str_equal(health, "HEALTHY")) {
		g_auto(Value) definition = ecs_task_definition_of(look->region, look->scope, task);
		member.healthy = g_str_equal(health, "UNKNOWN") && !ecs_is_checked(definition);
		if (member.healthy &&
			value_length(value_get_path(task, ECS_INTERNAL, "targets", NULL)) == 0)
			member.healthy = is_settled(look, task);
	}
	if (member.running && member.wanted)
		judge_targets(look, &member);
	g_array_append_val(look->members, member);
}

static int by_age(gconstpointer a, gconstpointer b) {
	const Member *first = a, *second = b;
	double one = value_to_double(value_get(first->task, "createdAt"), 0);
	double other = value_to_double(value_get(second->task, "createdAt"), 0);
	return one < other ? -1 : one > other ? 1 : 0;
}

void service_look_judge(ServiceLook *look, GArray *tasks) {
	look->members = g_array_new(FALSE, FALSE, sizeof(Member));
	g_array_set_clear_func(look->members, member_clear);
	for (guint i = 0; tasks && i < tasks->len; i++)
		add_member(look, g_array_index(tasks, Value, i));
	g_array_sort(look->members, by_age);
}

Sums service_look_sum(const ServiceLook *look) {
	Value configuration = value_get(look->service, "deploymentConfiguration");
	gint64 most = value_get_int(configuration, "maximumPercent", 200);
	gint64 least = value_get_int(configuration, "minimumHealthyPercent", 100);
	Sums sums = {.desired = value_get_int(look->service, "desiredCount", 0)};
	sums.upper = MAX(sums.desired * most / 100, sums.desired);
	sums.lower = (sums.desired * least + 99) / 100;
	for (guint i = 0; i < look->members->len; i++) {
		const Member *each = &g_array_index(look->members, Member, i);
		if (!each->wanted) {
			sums.leaving++;
			continue;
		}
		sums.active++;
		sums.healthy += each->healthy;
		sums.old += !each->primary;
		sums.usable += each->primary && !each->failing;
		sums.healthy_primary += each->primary && each->healthy;
	}
	return sums;
}
