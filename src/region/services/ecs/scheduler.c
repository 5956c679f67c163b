/*
 * The service scheduler: compares the tasks that a service has with those that its deployments
 * want, within the minimum and maximum healthy percent, and starts and stops tasks. It decides from
 * the store alone, so it may be killed at any instruction and goes on where the store says.
 */
#include <string.h>

#include "region/services/ecs/internal.h"
#include "region/services/elbv2/elbv2.h"

#define SECOND G_USEC_PER_SEC
#define LONGEST_DELAY_S 60
#define FAILURES_TO_SAY 4
#define MOST_STARTS 10 /* at one look, so that starting many tasks blocks nobody */
#define SETTLED_AFTER_S                                                                            \
	5 /* a task that nothing checks is taken for healthy when it ran that long */
#define INACTIVE_KEPT_S ((gint64)3600)

static const StoreScope everywhere = {NULL, NULL};

/* ---- the tasks of a service ---- */

typedef struct {
	Value task;
	gboolean primary; /* of the PRIMARY deployment */
	gboolean wanted; /* nobody told it to stop */
	gboolean running;
	gboolean healthy; /* running, and every check of it says so */
	gboolean failing; /* a check says that it is not, and it had its time */
} Member;

typedef struct {
	Region *region;
	StoreScope scope;
	const char *id; /* "cluster/name" */
	Value service; /* as it is; changed while a decision is carried out */
	Value primary; /* its PRIMARY deployment, borrowed from `service` as it was */
	GArray *members; /* of Member */
	gboolean retry_now; /* an image was pushed: waiting is over */
} Look;

static void member_clear(gpointer data) {
	value_clear(&((Member *)data)->task);
}

/* When the time is over in which a task's balancer health is not looked at: microseconds. */
static gint64 grace_end(const Look *look, Value task) {
	double started = value_to_double(value_get(task, "startedAt"), 0);
	gint64 grace = value_get_int(look->service, "healthCheckGracePeriodSeconds", 0);
	return (gint64)((started + (double)grace) * SECOND);
}

/* What the target groups say of a task. */
static void judge_targets(const Look *look, Member *member) {
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
			region_wake_after(
				look->region, ECS_SERVICE_CONTROLLER, (double)left / SECOND);
	}
}

/* Has it run long enough to be believed, where nothing checks it? */
static gboolean is_settled(const Look *look, Value task) {
	double started = value_to_double(value_get(task, "startedAt"), 0);
	gint64 left = (gint64)((started + SETTLED_AFTER_S) * SECOND) - region_now(look->region);
	if (left > 0)
		region_wake_after(look->region, ECS_SERVICE_CONTROLLER, (double)left / SECOND);
	return left <= 0;
}

static void add_member(Look *look, Value task) {
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

/* ---- deciding ---- */

typedef struct {
	gint64 desired, upper, lower;
	gint64 active, usable, healthy, healthy_primary, old, leaving;
} Sums;

static Sums sum(const Look *look) {
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

/* Told to stop, with the reason; the sums follow. */
static void stop(Look *look, Member *member, Sums *sums, const char *reason) {
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

static char *scaling_reason(const Look *look) {
	return g_strdup_printf("Scaling activity initiated by (deployment %s)",
		value_text_or(value_get(look->primary, "id"), "none"));
}

static char *failing_reason(const Look *look, const Member *member) {
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
static gint64 stop_some(Look *look, Sums *sums, Choose choose, gint64 most, GPtrArray *stopped) {
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
		stop(look, member, sums, failing ? failing : scaling);
		g_ptr_array_add(stopped, (gpointer)ecs_task_id(member->task));
		count++;
	}
	return count;
}

/* "(task a) (task b)": caller frees. */
static char *task_list(GPtrArray *ids) {
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < ids->len; i++)
		g_string_append_printf(
			text, "%s(task %s)", i ? " " : "", (const char *)ids->pdata[i]);
	return g_string_free(text, FALSE);
}

/* ---- starting ---- */

/* The tags of a task of the service: its managed ones and those that it propagates. */
static Value task_tags(Look *look, Value definition) {
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

static gboolean start_one(Look *look, GPtrArray *started, GError **error) {
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

static Value internal_of(const Look *look) {
	return value_get(look->service, ECS_INTERNAL);
}

static void set_internal_take(Look *look, const char *member, Value value) {
	Value internal = value_with_take(value_ref(internal_of(look)), member, value);
	look->service = value_with_take(value_steal(&look->service), ECS_INTERNAL, internal);
}

static gint64 next_delay(Value internal) {
	gint64 before = value_get_int(internal, "delay", 0);
	return MIN(before > 0 ? before * 2 : 1, LONGEST_DELAY_S);
}

/* The service after another failed start: later and later. Takes it. */
static Value delayed_take(Region *region, Value service) {
	g_auto(Value) internal = value_ref(value_get(service, ECS_INTERNAL));
	gint64 delay = next_delay(internal);
	internal = value_with_take(value_steal(&internal), "delay", value_int(delay));
	internal = value_with_take(
		value_steal(&internal), "retryAt", value_int(region_now(region) + delay * SECOND));
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

/* May a task be started now? If not, the controller is woken when it may. */
static gboolean may_start(Look *look) {
	gint64 left = value_get_int(internal_of(look), "retryAt", 0) - region_now(look->region);
	if (left <= 0 || look->retry_now)
		return TRUE;
	region_wake_after(look->region, ECS_SERVICE_CONTROLLER, (double)left / SECOND);
	return FALSE;
}

static void start_some(Look *look, Sums *sums, gint64 most) {
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
		g_autofree char *list = task_list(started);
		look->service = ecs_service_event_take(look->region, value_steal(&look->service),
			"has started %u tasks: %s.", started->len, list);
	}
	if (error) {
		look->service = ecs_service_event_take(look->region, value_steal(&look->service),
			"failed to launch a task with (error %s).", error->message);
		look->service = delayed_take(look->region, value_steal(&look->service));
	}
}

/* ---- rounds ---- */

static gboolean is_rollout(const Look *look, const char *state) {
	return g_strcmp0(value_get_text(look->primary, "rolloutState"), state) == 0;
}

/* Tasks that nobody needs, and room for those that are to come. */
static void retire(Look *look, Sums *sums, GPtrArray *stopped) {
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
	if (is_rollout(look, "FAILED"))
		return;
	if (need > 0 && missing_room > 0)
		missing_room -= stop_some(look, sums, is_failing, missing_room, stopped);
	if (need > 0 && missing_room > 0)
		missing_room -= stop_some(look, sums, is_old_idle, missing_room, stopped);
	if (need > 0 && missing_room > 0 && sums->healthy > sums->lower)
		stop_some(look, sums, is_old_healthy,
			MIN(missing_room, sums->healthy - sums->lower), stopped);
}

static void set_rollout(Look *look, const char *state, const char *reason) {
	Value entry = value_with_take(value_ref(ecs_primary_deployment(look->service)),
		"rolloutState", value_string(state));
	entry = value_with_take(entry, "rolloutStateReason", value_string(reason));
	entry = value_with_take(entry, "updatedAt", region_timestamp(look->region));
	look->service = ecs_with_deployment_take(value_steal(&look->service), entry);
}

/* The deployment has what it wants, and nothing of the former ones is left. */
static void complete(Look *look) {
	const char *id = value_get_text(look->primary, "id");
	g_autofree char *reason = g_strdup_printf("ECS deployment %s completed.", id);
	set_rollout(look, "COMPLETED", reason);
	look->service = ecs_service_event_take(look->region, value_steal(&look->service),
		"(deployment %s) deployment completed.", id);
	set_internal_take(look, "good", value_string(id + strlen("ecs-svc/")));
	set_internal_take(look, "failures", value_int(0));
	set_internal_take(look, "delay", value_int(0));
	ecs_deployment_record_end(look->region, look->scope, look->service, id, "SUCCESSFUL", NULL);
}

/* Too many of its tasks failed, and somebody asked that this ends the deployment. */
static gboolean break_circuit(Look *look) {
	Value breaker = value_get_path(
		look->service, "deploymentConfiguration", "deploymentCircuitBreaker", NULL);
	gint64 desired = value_get_int(look->service, "desiredCount", 0);
	gint64 threshold = CLAMP((desired + 1) / 2, 3, 200);
	if (!value_get_bool(breaker, "enable") || !is_rollout(look, "IN_PROGRESS") ||
		value_get_int(internal_of(look), "failures", 0) < threshold)
		return FALSE;
	g_autofree char *id = g_strdup(value_get_text(look->primary, "id"));
	const char *good = value_get_text(internal_of(look), "good");
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

/* Former deployments without tasks are over. */
static void drop_deployments(Look *look) {
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

static void say_stopped(Look *look, GPtrArray *stopped) {
	if (stopped->len == 0)
		return;
	g_autofree char *list = task_list(stopped);
	look->service = ecs_service_event_take(look->region, value_steal(&look->service),
		"has stopped %u running tasks: %s.", stopped->len, list);
}

/* One that was seen healthy has shown that the deployment works. */
static void mark_healthy(Look *look) {
	for (guint i = 0; i < look->members->len; i++) {
		Member *member = &g_array_index(look->members, Member, i);
		Value internal = value_get(member->task, ECS_INTERNAL);
		if (!member->healthy || value_get_bool(internal, "healthy"))
			continue;
		Value marked = value_with_take(value_ref(internal), "healthy", value_bool(TRUE));
		member->task = value_with_take(value_steal(&member->task), ECS_INTERNAL, marked);
		g_autofree char *id = ecs_task_store_id(member->task);
		store_put(region_store(look->region), look->scope, ECS_TASKS, id, member->task);
		if (member->primary && value_get_int(internal_of(look), "failures", 0) > 0) {
			set_internal_take(look, "failures", value_int(0));
			set_internal_take(look, "delay", value_int(0));
		}
	}
}

/* Says once that the service is as it should be. */
static void settle(Look *look, const Sums *sums) {
	gboolean as_wanted = sums->usable == sums->desired &&
			     sums->healthy_primary == sums->desired && sums->old == 0;
	if (as_wanted && is_rollout(look, "IN_PROGRESS"))
		complete(look);
	gboolean steady = as_wanted && sums->leaving == 0;
	if (steady == value_get_bool(internal_of(look), "steady"))
		return;
	if (steady)
		look->service = ecs_service_event_take(
			look->region, value_steal(&look->service), "has reached a steady state.");
	set_internal_take(look, "steady", value_bool(steady));
}

static void tend_active(Look *look) {
	Sums sums = sum(look);
	g_autoptr(GPtrArray) stopped = g_ptr_array_new();
	if (break_circuit(look))
		return;
	mark_healthy(look);
	retire(look, &sums, stopped);
	say_stopped(look, stopped);
	gint64 starts = MIN(sums.desired - sums.usable, sums.upper - sums.active);
	if (starts > 0 && !is_rollout(look, "FAILED") && may_start(look))
		start_some(look, &sums, starts);
	settle(look, &sums);
	drop_deployments(look);
}

static void tend_draining(Look *look) {
	Sums sums = sum(look);
	g_autoptr(GPtrArray) stopped = g_ptr_array_new();
	for (guint i = 0; i < look->members->len; i++) {
		Member *member = &g_array_index(look->members, Member, i);
		if (!member->wanted)
			continue;
		stop(look, member, &sums, "Scaling activity initiated by the service's deletion");
		g_ptr_array_add(stopped, (gpointer)ecs_task_id(member->task));
	}
	say_stopped(look, stopped);
	drop_deployments(look);
	if (look->members->len > 0)
		return;
	look->service =
		value_with_take(value_steal(&look->service), "status", value_string("INACTIVE"));
	set_internal_take(look, "inactiveSince", value_int(region_now(look->region)));
	region_tags_clear(look->region, look->scope, value_get_text(look->service, "serviceArn"));
}

/* Forgets a service that was deleted a while ago, with its records. */
static void forget(Look *look) {
	static const char *const kinds[] = {ECS_SERVICE_DEPLOYMENTS, ECS_SERVICE_REVISIONS};
	Store *store = region_store(look->region);
	gint64 left = value_get_int(internal_of(look), "inactiveSince", 0) +
		      INACTIVE_KEPT_S * SECOND - region_now(look->region);
	if (left > 0) {
		region_wake_after(look->region, ECS_SERVICE_CONTROLLER, (double)left / SECOND);
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
static void tend(Look *look) {
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

static char *key_of(StoreScope scope, const char *id) {
	return g_strdup_printf("%s/%s/%s", scope.account, scope.region, id);
}

/* The tasks of all services that are not over, by service. */
static GHashTable *tasks_by_service(Region *region) {
	GHashTable *all = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, ECS_TASKS);
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

static int by_age(gconstpointer a, gconstpointer b) {
	const Member *first = a, *second = b;
	double one = value_to_double(value_get(first->task, "createdAt"), 0);
	double other = value_to_double(value_get(second->task, "createdAt"), 0);
	return one < other ? -1 : one > other ? 1 : 0;
}

static void control(Region *region, gpointer data) {
	Scheduler *scheduler = data;
	Store *store = region_store(region);
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) tasks = tasks_by_service(region);
	if (!store_begin(store, &error)) {
		g_warning("ECS services: %s", error->message);
		return;
	}
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, ECS_SERVICES);
	const char *id;
	Value service;
	while (store_iter_next(&iter, &id, &service)) {
		Look look = {.region = region,
			.scope = store_iter_scope(&iter),
			.id = id,
			.service = value_ref(service),
			.retry_now = scheduler->image_pushed};
		g_auto(Value) primary = value_ref(ecs_primary_deployment(service));
		look.primary = primary;
		look.members = g_array_new(FALSE, FALSE, sizeof(Member));
		g_array_set_clear_func(look.members, member_clear);
		g_autofree char *key = key_of(look.scope, id);
		GArray *own = g_hash_table_lookup(tasks, key);
		for (guint i = 0; own && i < own->len; i++)
			add_member(&look, g_array_index(own, Value, i));
		g_array_sort(look.members, by_age);
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
