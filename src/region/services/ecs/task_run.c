/*
 * The task controller: carries each task of the store from PROVISIONING to STOPPED, as what runs in
 * the glass says. Every step is one transaction; what a killed process left half done is found
 * again in the store and goes on from there.
 *
 *   PROVISIONING  its interface is made, the network does not have it yet
 *   PENDING       images and secrets are looked up, its containers start
 *   RUNNING       it is registered with its target groups and Cloud Map
 *   DEACTIVATING  told to stop: deregistered, connections drain
 *   STOPPING      its containers are told to end
 *   STOPPED       its interface is gone
 */
#include <string.h>

#include "region/doors.h"
#include "region/services/ec2/ec2.h"
#include "region/services/ecs/internal.h"
#include "region/services/elbv2/elbv2.h"
#include "region/services/servicediscovery/servicediscovery.h"

#define SECOND G_USEC_PER_SEC
#define STOPPED_KEPT_S 3600

static const StoreScope everywhere = {NULL, NULL};

typedef struct {
	Region *region;
	Tasks *tasks; /* NULL without a glass */
	gboolean swept; /* what nobody knows of was removed after the start */
	GHashTable *places; /* id of a task that runs -> Place */
} Runner;

/* Where a task is in the store. */
typedef struct {
	StoreScope scope;
	char *id;
} Place;

/* A task that is being looked at. */
typedef struct {
	Runner *runner;
	Region *region;
	StoreScope scope;
	char *id; /* in the store */
	Value task; /* changed while it is looked at */
	gboolean advanced; /* it was decided about */
	Task *running; /* what the glass has of it, or NULL */
	TaskSpec *spec; /* what is to be run once the decision is kept, or NULL */
} Look;

/* ---- changing ---- */

static void set_take(Look *look, const char *member, Value value) {
	look->task = value_with_take(value_steal(&look->task), member, value);
}

static void set_internal_take(Look *look, const char *member, Value value) {
	Value internal =
		value_with_take(value_ref(value_get(look->task, ECS_INTERNAL)), member, value);
	set_take(look, ECS_INTERNAL, internal);
}

static void set_status(Look *look, const char *status) {
	set_take(look, "lastStatus", value_string(status));
	set_take(look, "version", value_int(value_get_int(look->task, "version", 0) + 1));
}

static Value internal_of(const Look *look) {
	return value_get(look->task, ECS_INTERNAL);
}

/* ---- targets and Cloud Map ---- */

static char *address_of(const Look *look) {
	g_auto(Value) interface = ecs_task_interface(look->region, look->scope, look->task);
	return g_strdup(value_text_or(value_get(interface, "PrivateIpAddress"), ""));
}

static Value service_of(const Look *look) {
	const char *id = value_get_text(internal_of(look), "service");
	return id ? store_get(region_store(look->region), look->scope, ECS_SERVICES, id)
		  : VALUE_NOTHING;
}

static void register_targets(Look *look, Value service, const char *address) {
	Value balancers = value_get(service, "loadBalancers");
	g_autoptr(ValueBuilder) targets = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(balancers); i++) {
		const char *group = value_get_text(value_at(balancers, i), "targetGroupArn");
		int port = (int)value_get_int(value_at(balancers, i), "containerPort", 0);
		g_autoptr(GError) error = NULL;
		if (!elbv2_register(look->region, look->scope, group, address, port, &error)) {
			ecs_service_say(look->region, look->scope,
				value_get_text(internal_of(look), "service"),
				"failed to register targets in (target-group %s) with (error %s)",
				group, error->message);
			continue;
		}
		ecs_service_say(look->region, look->scope,
			value_get_text(internal_of(look), "service"),
			"registered 1 targets in (target-group %s)", group);
		value_builder_add_take(targets, value_object_take("group", value_string(group),
							"port", value_int(port), NULL));
	}
	set_internal_take(look, "targets", value_builder_end(g_steal_pointer(&targets)));
}

/* Is it as healthy as its own checks can tell? */
static gboolean seems_healthy(const Look *look) {
	const char *health = value_text_or(value_get(look->task, "healthStatus"), "UNKNOWN");
	if (!g_str_equal(health, "UNKNOWN"))
		return g_str_equal(health, "HEALTHY");
	g_auto(Value) definition = ecs_task_definition_of(look->region, look->scope, look->task);
	return !ecs_is_checked(definition);
}

static Value instance_attributes(
	const Look *look, Value service, Value registry, const char *address) {
	g_auto(Value) definition = ecs_task_definition_of(look->region, look->scope, look->task);
	gint64 port = value_get_int(registry, "containerPort", value_get_int(registry, "port", 0));
	g_autofree char *cluster = g_strndup(look->id, strcspn(look->id, "/"));
	Value attributes = value_object_take("AWS_INSTANCE_IPV4", value_string(address),
		"AWS_INIT_HEALTH_STATUS",
		value_string(seems_healthy(look) ? "HEALTHY" : "UNHEALTHY"), "AVAILABILITY_ZONE",
		value_ref(value_get(look->task, "availabilityZone")), "REGION",
		value_string(look->scope.region), "ECS_CLUSTER_NAME", value_string(cluster),
		"ECS_SERVICE_NAME", value_ref(value_get(service, "serviceName")),
		"ECS_TASK_DEFINITION_FAMILY", value_ref(value_get(definition, "family")), NULL);
	if (port > 0)
		attributes = value_with_take(attributes, "AWS_INSTANCE_PORT",
			value_string_printf("%" G_GINT64_FORMAT, port));
	return attributes;
}

static void register_instances(Look *look, Value service, const char *address) {
	Value registries = value_get(service, "serviceRegistries");
	g_autoptr(ValueBuilder) registered = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(registries); i++) {
		const char *arn = value_get_text(value_at(registries, i), "registryArn");
		g_auto(Value) attributes =
			instance_attributes(look, service, value_at(registries, i), address);
		g_autoptr(GError) error = NULL;
		if (servicediscovery_register(look->region, look->scope, arn,
			    ecs_task_id(look->task), attributes, &error))
			value_builder_add_take(
				registered, value_object_take("arn", value_string(arn), NULL));
		else
			ecs_service_say(look->region, look->scope,
				value_get_text(internal_of(look), "service"),
				"failed to register (task %s) in (service-discovery %s) with "
				"(error "
				"%s)",
				ecs_task_id(look->task), arn, error->message);
	}
	set_internal_take(look, "registries", value_builder_end(g_steal_pointer(&registered)));
}

static void register_all(Look *look) {
	g_auto(Value) service = service_of(look);
	if (value_is_null(service))
		return;
	g_autofree char *address = address_of(look);
	register_targets(look, service, address);
	register_instances(look, service, address);
}

/* Takes it out of target groups (where it drains) and Cloud Map. */
static void deregister_all(Look *look) {
	if (value_get_bool(internal_of(look), "deregistered"))
		return;
	Value targets = value_get(internal_of(look), "targets");
	Value registries = value_get(internal_of(look), "registries");
	const char *service = value_get_text(internal_of(look), "service");
	g_autofree char *address = address_of(look);
	for (gsize i = 0; i < value_length(targets); i++) {
		const char *group = value_get_text(value_at(targets, i), "group");
		elbv2_deregister(look->region, look->scope, group, address,
			(int)value_get_int(value_at(targets, i), "port", 0));
		ecs_service_say(look->region, look->scope, service,
			"deregistered 1 targets in (target-group %s)", group);
	}
	if (value_length(targets) > 0)
		ecs_service_say(look->region, look->scope, service,
			"has begun draining connections on 1 tasks.");
	for (gsize i = 0; i < value_length(registries); i++)
		servicediscovery_deregister(look->region, look->scope,
			value_get_text(value_at(registries, i), "arn"), ecs_task_id(look->task));
	set_internal_take(look, "registries", value_empty_tuple());
	set_internal_take(look, "deregistered", value_bool(TRUE));
}

static gboolean is_drained(const Look *look) {
	Value targets = value_get(internal_of(look), "targets");
	g_autofree char *address = address_of(look);
	for (gsize i = 0; i < value_length(targets); i++)
		if (g_str_equal(elbv2_target_state(look->region, look->scope,
					value_get_text(value_at(targets, i), "group"), address,
					(int)value_get_int(value_at(targets, i), "port", 0)),
			    "draining"))
			return FALSE;
	return TRUE;
}

static void tell_health(const Look *look) {
	Value registries = value_get(internal_of(look), "registries");
	for (gsize i = 0; i < value_length(registries); i++)
		servicediscovery_health(look->region, look->scope,
			value_get_text(value_at(registries, i), "arn"), ecs_task_id(look->task),
			seems_healthy(look));
}

/* ---- what runs ---- */

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

static void observe(Look *look, const Task *running) {
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
	set_take(look, "containers", value_builder_end(g_steal_pointer(&after)));
	const char *health = health_word(task_health(running));
	gboolean changed = g_strcmp0(value_get_text(look->task, "healthStatus"), health) != 0;
	set_take(look, "healthStatus", value_string(health));
	if (changed)
		tell_health(look);
}

/* ---- the steps ---- */

static void want_stop(Look *look, const char *stop_code, const char *reason) {
	if (!ecs_task_wanted(look->task))
		return;
	set_take(look, "desiredStatus", value_string("STOPPED"));
	set_take(look, "stoppingAt", region_timestamp(look->region));
	set_take(look, "stopCode", value_string(stop_code));
	set_take(look, "stoppedReason", value_string(reason));
}

/* The end: whatever it had goes. */
static void finish(Look *look) {
	const char *credentials = value_get_text(internal_of(look), "credentials");
	deregister_all(look);
	if (credentials)
		door_credentials_remove(look->region, look->scope, credentials);
	ec2_interface_delete(
		look->region, look->scope, value_get_text(internal_of(look), "interface"));
	Value containers = value_get(look->task, "containers");
	g_autoptr(ValueBuilder) ended = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(containers); i++)
		value_builder_add_take(ended, value_with_take(value_ref(value_at(containers, i)),
						      "lastStatus", value_string("STOPPED")));
	set_take(look, "containers", value_builder_end(g_steal_pointer(&ended)));
	set_take(look, "executionStoppedAt", region_timestamp(look->region));
	set_take(look, "stoppedAt", region_timestamp(look->region));
	set_take(look, "connectivity", value_string("DISCONNECTED"));
	set_internal_take(look, "targets", value_empty_tuple());
	set_status(look, "STOPPED");
	ecs_service_task_stopped(look->region, look->scope, look->task);
}

/* The id by which its containers get the credentials of its role. FALSE: the role cannot be had. */
static gboolean give_credentials(Look *look, Value definition, GError **error) {
	const char *role = ecs_task_role(look->task, definition, "taskRoleArn");
	if (!role || value_get_text(internal_of(look), "credentials"))
		return TRUE;
	g_auto(Value) interface = ecs_task_interface(look->region, look->scope, look->task);
	g_autofree char *id = door_id();
	if (!door_credentials_add(look->region, look->scope, id, value_get_text(interface, "VpcId"),
		    value_get_text(interface, "PrivateIpAddress"), role, ecs_task_id(look->task),
		    error))
		return FALSE;
	set_internal_take(look, "credentials", value_string(id));
	return TRUE;
}

/* Looks up what it needs; the spec to run it by, or NULL and why not. */
static TaskSpec *prepare(Look *look, GError **error) {
	gboolean adopting = value_has(internal_of(look), "images");
	g_auto(Value) definition = ecs_task_definition_of(look->region, look->scope, look->task);
	g_auto(Value) images = VALUE_NOTHING;
	if (!adopting && (!give_credentials(look, definition, error) ||
				 !ecs_task_log_check(look->region, look->scope, definition,
					 ecs_task_id(look->task), error)))
		return NULL;
	TaskSpec *spec =
		ecs_task_spec(look->region, look->scope, look->task, adopting, &images, error);
	if (spec && !adopting) {
		set_internal_take(look, "images", value_steal(&images));
		set_take(look, "pullStartedAt", region_timestamp(look->region));
	}
	return spec;
}

/* A task that ended before anybody saw it run has run all the same. */
static void note_start(Look *look, const Task *running) {
	gint64 started = 0;
	for (guint i = 0; i < task_container_count(running); i++)
		started = MAX(started, task_container(running, i).started_at);
	if (started > 0) {
		Value when = value_double((double)(started / 1000) / 1000);
		set_take(look, "pullStoppedAt", value_ref(when));
		set_take(look, "startedAt", when);
	}
}

/* One look at a task inside a transaction. Returns the spec that is to be run once it is committed,
 * or NULL. */
static TaskSpec *step(Look *look, Task *running) {
	gboolean launched = value_has(internal_of(look), "images");
	if (ecs_task_is(look->task, "PROVISIONING")) {
		if (!ecs_task_wanted(look->task))
			finish(look);
		else if (ec2_interface_ready(
				 look->region, value_get_text(internal_of(look), "interface")))
			set_status(look, "PENDING");
		return NULL;
	}
	if (!running) {
		if (!launched && !ecs_task_wanted(look->task)) {
			finish(look);
			return NULL;
		}
		if (!launched && !ec2_interface_ready(look->region,
					 value_get_text(internal_of(look), "interface")))
			return NULL;
		g_autoptr(GError) error = NULL;
		TaskSpec *spec = prepare(look, &error);
		if (!spec) {
			want_stop(look, "TaskFailedToStart", error->message);
			finish(look);
		}
		return spec;
	}
	observe(look, running);
	TaskStatus status = task_status(running);
	if (ecs_task_is(look->task, "PENDING") && status == TASK_RUNNING) {
		set_status(look, "RUNNING");
		set_take(look, "pullStoppedAt", region_timestamp(look->region));
		set_take(look, "startedAt", region_timestamp(look->region));
		set_take(look, "connectivity", value_string("CONNECTED"));
		set_take(look, "connectivityAt", region_timestamp(look->region));
		if (ecs_task_wanted(look->task))
			register_all(look);
	}
	if (status == TASK_STOPPED && !value_has(look->task, "startedAt"))
		note_start(look, running);
	if (status == TASK_STOPPING || status == TASK_STOPPED)
		want_stop(look,
			task_stop_code(running) ? task_stop_code(running)
						: "EssentialContainerExited",
			task_stopped_reason(running) ? task_stopped_reason(running)
						     : "Essential container in task exited");
	if (status == TASK_STOPPED) {
		finish(look);
	} else if (!ecs_task_wanted(look->task)) {
		if (ecs_task_is(look->task, "RUNNING")) {
			deregister_all(look);
			set_status(look, "DEACTIVATING");
		}
		if (ecs_task_is(look->task, "PENDING") ||
			(ecs_task_is(look->task, "DEACTIVATING") && is_drained(look)))
			set_status(look, "STOPPING");
	}
	return NULL;
}

/* After the commit: what runs follows what was decided. */
static void follow(Look *look) {
	Task *running = look->running;
	g_autoptr(GError) error = NULL;
	if (look->spec) {
		Place *place = g_new0(Place, 1);
		*place = (Place){
			{g_intern_string(look->scope.account), g_intern_string(look->scope.region)},
			g_strdup(look->id)};
		g_hash_table_insert(look->runner->places, g_strdup(ecs_task_id(look->task)), place);
		if (!tasks_run(look->runner->tasks, g_steal_pointer(&look->spec), &error)) {
			Store *store = region_store(look->region);
			if (!store_begin(store, NULL))
				return;
			want_stop(look, "TaskFailedToStart", error->message);
			finish(look);
			store_put(store, look->scope, ECS_TASKS, look->id, look->task);
			store_commit(store, NULL);
			return;
		}
		region_wake(look->region, ECS_TASK_CONTROLLER);
		return;
	}
	if (!running)
		return;
	if (ecs_task_is(look->task, "STOPPED")) {
		task_forget(running);
		g_hash_table_remove(look->runner->places, ecs_task_id(look->task));
	} else if (ecs_task_is(look->task, "STOPPING") && task_status(running) != TASK_STOPPING) {
		task_stop(running, value_get_text(look->task, "stopCode"),
			value_get_text(look->task, "stoppedReason"));
	}
}

/* Decides, inside the open transaction. */
static void advance(Look *look) {
	g_auto(Value) before = value_ref(look->task);
	look->running = ecs_task_running(look->region, look->task);
	look->spec = step(look, look->running);
	look->advanced = TRUE;
	if (!value_equal(before, look->task))
		store_put(region_store(look->region), look->scope, ECS_TASKS, look->id, look->task);
}

/* Stopped tasks can be described for an hour. */
static void forget_stopped(Look *look) {
	double stopped = value_to_double(value_get(look->task, "stoppedAt"), 0);
	double left = stopped + STOPPED_KEPT_S - (double)region_now(look->region) / SECOND;
	Store *store = region_store(look->region);
	if (left > 0) {
		region_wake_after(look->region, ECS_TASK_CONTROLLER, left);
		return;
	}
	store_delete(store, look->scope, ECS_TASKS, look->id);
	region_tags_clear(look->region, look->scope, value_get_text(look->task, "taskArn"));
}

/* ---- the controller ---- */

static void look_clear(gpointer data) {
	Look *look = data;
	g_free(look->id);
	value_clear(&look->task);
	task_spec_free(look->spec);
}

/* All tasks of the store, to be looked at. */
static GArray *all_tasks(Runner *runner) {
	GArray *looks = g_array_new(FALSE, FALSE, sizeof(Look));
	g_array_set_clear_func(looks, look_clear);
	g_auto(StoreIter) iter = store_iter(region_store(runner->region), everywhere, ECS_TASKS);
	const char *id;
	Value task;
	while (store_iter_next(&iter, &id, &task)) {
		StoreScope scope = store_iter_scope(&iter);
		Look look = {.runner = runner,
			.region = runner->region,
			.scope = {g_intern_string(scope.account), g_intern_string(scope.region)},
			.id = g_strdup(id),
			.task = value_ref(task)};
		g_array_append_val(looks, look);
	}
	return looks;
}

typedef void (*EachTask)(Look *look);

/* Calls it on every task, in one transaction. FALSE: nothing of that was kept. */
static gboolean each_task(Region *region, GArray *looks, EachTask call) {
	Store *store = region_store(region);
	g_autoptr(GError) error = NULL;
	if (store_begin(store, &error)) {
		for (guint i = 0; i < looks->len; i++)
			call(&g_array_index(looks, Look, i));
		if (store_commit(store, &error))
			return TRUE;
	}
	g_warning("ECS tasks: %s", error->message);
	return FALSE;
}

static void tend(Look *look) {
	if (ecs_task_is(look->task, "STOPPED"))
		forget_stopped(look);
	else if (look->runner->tasks ||
		 (ecs_task_is(look->task, "PROVISIONING") && !ecs_task_wanted(look->task)))
		advance(look);
}

/* ECS's ids are hexadecimal digits; other services' have a word before a dash. */
static gboolean is_ecs_task(const char *id) {
	return !strchr(id, '-');
}

static void control(Region *region, gpointer data) {
	Runner *runner = data;
	g_autoptr(GArray) looks = all_tasks(runner);
	if (!each_task(region, looks, tend))
		return;
	for (guint i = 0; i < looks->len; i++)
		if (g_array_index(looks, Look, i).advanced)
			follow(&g_array_index(looks, Look, i));
	if (runner->tasks && !runner->swept) {
		runner->swept = TRUE;
		tasks_sweep(runner->tasks, is_ecs_task);
	}
}

Task *ecs_task_running(Region *region, Value task) {
	const Runner *runner = region_data(region, ECS_TASK_CONTROLLER);
	return runner && runner->tasks ? tasks_get(runner->tasks, ecs_task_id(task)) : NULL;
}

/* ---- what the glass tells ---- */

static void on_changed(Task *task, gpointer data) {
	region_wake(((Runner *)data)->region, ECS_TASK_CONTROLLER);
}

static void on_log(Task *task, const TaskLogLine *lines, gsize n_lines, gpointer data) {
	Runner *runner = data;
	const Place *place = g_hash_table_lookup(runner->places, task_id(task));
	g_return_if_fail(place != NULL);
	g_auto(Value) stored =
		store_get(region_store(runner->region), place->scope, ECS_TASKS, place->id);
	if (!value_is_null(stored))
		ecs_task_log(runner->region, place->scope, stored, lines, n_lines);
}

/* The glass is a new one: what ran in the former one has ended. */
static void lost(Look *look) {
	if (ecs_task_is(look->task, "STOPPED") || ecs_task_is(look->task, "PROVISIONING"))
		return;
	want_stop(look, "TerminationNotice", "The machine that the task ran on was stopped.");
	finish(look);
	store_put(region_store(look->region), look->scope, ECS_TASKS, look->id, look->task);
}

static void place_free(gpointer data) {
	g_free(((Place *)data)->id);
	g_free(data);
}

static void runner_free(gpointer data) {
	Runner *runner = data;
	tasks_free(runner->tasks);
	g_hash_table_unref(runner->places);
	g_free(runner);
}

gboolean ecs_tasks_start(Region *region, GError **error) {
	static const TaskEvents events = {.changed = on_changed, .log = on_log};
	Runner *runner = g_new0(Runner, 1);
	runner->region = region;
	runner->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, place_free);
	region_set_data(region, ECS_TASK_CONTROLLER, runner, runner_free);
	Glass *glass = region_glass(region);
	if (glass) {
		runner->tasks = tasks_new(
			glass, region_blobs(region), region_layers(region), &events, runner);
		g_autoptr(GArray) looks = all_tasks(runner);
		if (!glass_adopted(glass))
			each_task(region, looks, lost);
	}
	region_controller_add(region, ECS_TASK_CONTROLLER, control, runner);
	region_wake_on(region, ECS_TASK_CONTROLLER, ECS_TASKS);
	region_wake_on(region, ECS_TASK_CONTROLLER, "elbv2/target-health");
	ec2_network_notify(region, ECS_TASK_CONTROLLER);
	door_task_metadata_set(region, ecs_task_metadata);
	return TRUE;
}
