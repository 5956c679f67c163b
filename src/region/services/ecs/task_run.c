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
#include "region/services/ecs/task_run.h"

#define STOPPED_KEPT_S 3600

static const StoreScope everywhere = {NULL, NULL};

struct EcsRunner {
	Region *region;
	Tasks *tasks; /* NULL without a glass */
	gboolean swept; /* what nobody knows of was removed after the start */
	GHashTable *places; /* id of a task that runs -> Place */
};

/* Where a task is in the store. */
typedef struct {
	StoreScope scope;
	char *id;
} Place;

void task_look_set_take(TaskLook *look, const char *member, Value value) {
	look->task = value_with_take(value_steal(&look->task), member, value);
}

void task_look_set_internal_take(TaskLook *look, const char *member, Value value) {
	Value internal =
		value_with_take(value_ref(value_get(look->task, ECS_INTERNAL)), member, value);
	task_look_set_take(look, ECS_INTERNAL, internal);
}

static void set_status(TaskLook *look, const char *status) {
	task_look_set_take(look, "lastStatus", value_string(status));
	task_look_set_take(look, "version", value_int(value_get_int(look->task, "version", 0) + 1));
}

Value task_look_internal(const TaskLook *look) {
	return value_get(look->task, ECS_INTERNAL);
}

/* ---- the steps ---- */

static void want_stop(TaskLook *look, const char *stop_code, const char *reason) {
	look->task = ecs_task_told_take(look->region, value_steal(&look->task), stop_code, reason);
}

/* The end: whatever it had goes. */
static void finish(TaskLook *look) {
	const char *credentials = value_get_text(task_look_internal(look), "credentials");
	task_targets_deregister(look);
	if (credentials)
		door_credentials_remove(look->region, look->scope, credentials);
	ec2_interface_delete(
		look->region, look->scope, value_get_text(task_look_internal(look), "interface"));
	Value containers = value_get(look->task, "containers");
	g_autoptr(ValueBuilder) ended = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(containers); i++)
		value_builder_add_take(ended, value_with_take(value_ref(value_at(containers, i)),
						      "lastStatus", value_string("STOPPED")));
	task_look_set_take(look, "containers", value_builder_end(g_steal_pointer(&ended)));
	task_look_set_take(look, "executionStoppedAt", region_timestamp(look->region));
	task_look_set_take(look, "stoppedAt", region_timestamp(look->region));
	task_look_set_take(look, "connectivity", value_string("DISCONNECTED"));
	task_look_set_internal_take(look, "targets", value_empty_tuple());
	set_status(look, "STOPPED");
	ecs_service_task_stopped(look->region, look->scope, look->task);
}

/* The id by which its containers get the credentials of its role. FALSE: the role cannot be had. */
static gboolean give_credentials(TaskLook *look, Value definition, GError **error) {
	const char *role = ecs_task_role(look->task, definition, "taskRoleArn");
	if (!role || value_get_text(task_look_internal(look), "credentials"))
		return TRUE;
	g_auto(Value) interface = ecs_task_interface(look->region, look->scope, look->task);
	g_autofree char *id = door_id();
	if (!door_credentials_add(look->region, look->scope, id, value_get_text(interface, "VpcId"),
		    value_get_text(interface, "PrivateIpAddress"), role, ecs_task_id(look->task),
		    error))
		return FALSE;
	task_look_set_internal_take(look, "credentials", value_string(id));
	return TRUE;
}

/* Looks up what it needs; the spec to run it by, or NULL and why not. */
static TaskSpec *prepare(TaskLook *look, GError **error) {
	gboolean adopting = value_has(task_look_internal(look), "images");
	g_auto(Value) definition = ecs_task_definition_of(look->region, look->scope, look->task);
	g_auto(Value) images = VALUE_NOTHING;
	if (!adopting && (!give_credentials(look, definition, error) ||
				 !ecs_task_log_check(look->region, look->scope, definition,
					 ecs_task_id(look->task), error)))
		return NULL;
	TaskSpec *spec =
		ecs_task_spec(look->region, look->scope, look->task, adopting, &images, error);
	if (spec && !adopting) {
		task_look_set_internal_take(look, "images", value_steal(&images));
		task_look_set_take(look, "pullStartedAt", region_timestamp(look->region));
	}
	return spec;
}

/* A task that ended before anybody saw it run has run all the same. */
static void note_start(TaskLook *look, const Task *running) {
	gint64 started = 0;
	for (guint i = 0; i < task_container_count(running); i++)
		started = MAX(started, task_container(running, i).started_at);
	if (started > 0) {
		Value when = value_double((double)(started / 1000) / 1000);
		task_look_set_take(look, "pullStoppedAt", value_ref(when));
		task_look_set_take(look, "startedAt", when);
	}
}

/* Its network is not there yet. */
static void step_provisioning(TaskLook *look) {
	if (!ecs_task_wanted(look->task))
		finish(look);
	else if (ec2_interface_ready(
			 look->region, value_get_text(task_look_internal(look), "interface")))
		set_status(look, "PENDING");
}

/* Nothing of it runs: the spec to run it by, or NULL. */
static TaskSpec *step_idle(TaskLook *look) {
	gboolean launched = value_has(task_look_internal(look), "images");
	if (!launched && !ecs_task_wanted(look->task)) {
		finish(look);
		return NULL;
	}
	if (!launched && !ec2_interface_ready(look->region,
				 value_get_text(task_look_internal(look), "interface")))
		return NULL;
	g_autoptr(GError) error = NULL;
	TaskSpec *spec = prepare(look, &error);
	if (!spec) {
		want_stop(look, "TaskFailedToStart", error->message);
		finish(look);
	}
	return spec;
}

static void begin_running(TaskLook *look) {
	set_status(look, "RUNNING");
	task_look_set_take(look, "pullStoppedAt", region_timestamp(look->region));
	task_look_set_take(look, "startedAt", region_timestamp(look->region));
	task_look_set_take(look, "connectivity", value_string("CONNECTED"));
	task_look_set_take(look, "connectivityAt", region_timestamp(look->region));
	if (ecs_task_wanted(look->task))
		task_targets_register(look);
}

/* It was told to stop: deregistered first, then drained, then ended. */
static void step_towards_stop(TaskLook *look) {
	if (ecs_task_is(look->task, "RUNNING")) {
		task_targets_deregister(look);
		set_status(look, "DEACTIVATING");
	}
	if (ecs_task_is(look->task, "PENDING") ||
		(ecs_task_is(look->task, "DEACTIVATING") && task_targets_drained(look)))
		set_status(look, "STOPPING");
}

static void step_running(TaskLook *look, Task *running) {
	task_observe(look, running);
	TaskStatus status = task_status(running);
	if (ecs_task_is(look->task, "PENDING") && status == TASK_RUNNING)
		begin_running(look);
	if (status == TASK_STOPPED && !value_has(look->task, "startedAt"))
		note_start(look, running);
	if (status == TASK_STOPPING || status == TASK_STOPPED)
		want_stop(look,
			task_stop_code(running) ? task_stop_code(running)
						: "EssentialContainerExited",
			task_stopped_reason(running) ? task_stopped_reason(running)
						     : "Essential container in task exited");
	if (status == TASK_STOPPED)
		finish(look);
	else if (!ecs_task_wanted(look->task))
		step_towards_stop(look);
}

/* One look at a task inside a transaction. Returns the spec that is to be run once it is committed,
 * or NULL. */
static TaskSpec *step(TaskLook *look, Task *running) {
	if (ecs_task_is(look->task, "PROVISIONING")) {
		step_provisioning(look);
		return NULL;
	}
	if (!running)
		return step_idle(look);
	step_running(look, running);
	return NULL;
}

/* After the commit: what runs follows what was decided. */
static void follow(TaskLook *look) {
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
static void advance(TaskLook *look) {
	g_auto(Value) before = value_ref(look->task);
	look->running = ecs_task_running(look->region, look->task);
	look->spec = step(look, look->running);
	look->advanced = TRUE;
	if (!value_equal(before, look->task))
		store_put(region_store(look->region), look->scope, ECS_TASKS, look->id, look->task);
}

/* Stopped tasks can be described for an hour. */
static void forget_stopped(TaskLook *look) {
	double stopped = value_to_double(value_get(look->task, "stoppedAt"), 0);
	double left = stopped + STOPPED_KEPT_S - (double)region_now(look->region) / G_USEC_PER_SEC;
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
	TaskLook *look = data;
	g_free(look->id);
	value_clear(&look->task);
	task_spec_free(look->spec);
}

/* All tasks of the store, to be looked at. */
static GArray *all_tasks(EcsRunner *runner) {
	GArray *looks = g_array_new(FALSE, FALSE, sizeof(TaskLook));
	g_array_set_clear_func(looks, look_clear);
	g_auto(StoreIter) iter = store_iter(region_store(runner->region), everywhere, ECS_TASKS);
	const char *id;
	Value task;
	while (store_iter_next(&iter, &id, &task)) {
		StoreScope scope = store_iter_scope(&iter);
		TaskLook look = {.runner = runner,
			.region = runner->region,
			.scope = {g_intern_string(scope.account), g_intern_string(scope.region)},
			.id = g_strdup(id),
			.task = value_ref(task)};
		g_array_append_val(looks, look);
	}
	return looks;
}

typedef void (*EachTask)(TaskLook *look);

/* Calls it on every task, in one transaction. FALSE: nothing of that was kept. */
static gboolean each_task(Region *region, GArray *looks, EachTask call) {
	Store *store = region_store(region);
	g_autoptr(GError) error = NULL;
	if (store_begin(store, &error)) {
		for (guint i = 0; i < looks->len; i++)
			call(&g_array_index(looks, TaskLook, i));
		if (store_commit(store, &error))
			return TRUE;
	}
	g_warning("ECS tasks: %s", error->message);
	return FALSE;
}

static void tend(TaskLook *look) {
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
	EcsRunner *runner = data;
	g_autoptr(GArray) looks = all_tasks(runner);
	if (!each_task(region, looks, tend))
		return;
	for (guint i = 0; i < looks->len; i++)
		if (g_array_index(looks, TaskLook, i).advanced)
			follow(&g_array_index(looks, TaskLook, i));
	if (runner->tasks && !runner->swept) {
		runner->swept = TRUE;
		tasks_sweep(runner->tasks, is_ecs_task);
	}
}

Task *ecs_task_running(Region *region, Value task) {
	const EcsRunner *runner = region_data(region, ECS_TASK_CONTROLLER);
	return runner && runner->tasks ? tasks_get(runner->tasks, ecs_task_id(task)) : NULL;
}

/* ---- what the glass tells ---- */

static void on_changed(Task *task, gpointer data) {
	region_wake(((EcsRunner *)data)->region, ECS_TASK_CONTROLLER);
}

static void on_log(Task *task, const TaskLogLine *lines, gsize n_lines, gpointer data) {
	EcsRunner *runner = data;
	const Place *place = g_hash_table_lookup(runner->places, task_id(task));
	g_return_if_fail(place != NULL);
	g_auto(Value) stored =
		store_get(region_store(runner->region), place->scope, ECS_TASKS, place->id);
	if (!value_is_null(stored))
		ecs_task_log(runner->region, place->scope, stored, lines, n_lines);
}

/* The glass is a new one: what ran in the former one has ended. */
static void lost(TaskLook *look) {
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
	EcsRunner *runner = data;
	tasks_free(runner->tasks);
	g_hash_table_unref(runner->places);
	g_free(runner);
}

gboolean ecs_tasks_start(Region *region, GError **error) {
	static const TaskEvents events = {.changed = on_changed, .log = on_log};
	EcsRunner *runner = g_new0(EcsRunner, 1);
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
