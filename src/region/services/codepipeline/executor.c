/*
 * The executor: leads executions through their stages. Called whenever something may have changed,
 * it takes each execution as many steps as it can go, each in one transaction, and lets the actions
 * in progress look how far their work is.
 */
#include <gio/gio.h>
#include <string.h>

#include "region/services/codepipeline/internal.h"

static const StoreScope everywhere = {NULL, NULL};

static gboolean has_phase(Value execution, const char *phase) {
	return g_strcmp0(value_text(pipeline_internal(execution, "phase")), phase) == 0;
}

static gboolean is_parallel(Value execution) {
	return pipeline_is(execution, "executionMode", "PARALLEL");
}

static gint64 number_of(Value execution) {
	return value_to_int(pipeline_internal(execution, "number"), 0);
}

static gsize stage_of(Value execution) {
	return (gsize)value_to_int(pipeline_internal(execution, "stage"), 0);
}

/* ---- entering a stage ---- */

/* Another execution that waits for the same stage: a newer one, or an older one. */
static gboolean waits_too(Region *region, StoreScope scope, Value execution, gboolean newer) {
	g_autoptr(GArray) active = pipeline_executions(
		region, scope, value_get_text(execution, "pipelineName"), PIPELINE_ACTIVE);
	for (guint i = 0; i < active->len; i++) {
		Value other = g_array_index(active, Value, i);
		gint64 difference = number_of(other) - number_of(execution);
		if (has_phase(other, "waiting") && stage_of(other) == stage_of(execution) &&
			(newer ? difference > 0 : difference < 0) && !is_parallel(other) &&
			pipeline_is(other, "status", "InProgress"))
			return TRUE;
	}
	return FALSE;
}

static gboolean may_enter(Region *region, StoreScope scope, Value execution, Value record) {
	Value transition = value_get(record, "transition");
	if (!value_is_null(transition) && !value_get_bool(transition, "enabled"))
		return FALSE;
	if (is_parallel(execution))
		return TRUE;
	return !value_has(record, "holder") &&
	       !(pipeline_is(execution, "executionMode", "QUEUED") &&
		       waits_too(region, scope, execution, FALSE));
}

static gboolean enter(Region *region, StoreScope scope, Value execution, const char *stage) {
	const char *name = value_get_text(execution, "pipelineName");
	const char *id = value_get_text(execution, "pipelineExecutionId");
	g_auto(Value) record = pipeline_stage_get(region, scope, name, stage);
	if (pipeline_is(execution, "status", "Stopping")) {
		value_unref(pipeline_execution_end_take(
			region, scope, value_ref(execution), NULL, "Stopped", NULL));
		return TRUE;
	}
	if (pipeline_is(execution, "executionMode", "SUPERSEDED") &&
		waits_too(region, scope, execution, TRUE)) {
		value_unref(pipeline_execution_end_take(
			region, scope, value_ref(execution), NULL, "Superseded", NULL));
		return TRUE;
	}
	if (!may_enter(region, scope, execution, record))
		return FALSE;
	Value entered = value_without_take(value_steal(&record), "retry");
	if (!is_parallel(execution))
		entered = value_with_take(entered, "holder", value_string(id));
	entered = value_with_take(entered, "latest",
		value_object_take("pipelineExecutionId", value_string(id), "status",
			value_string("InProgress"), "type",
			value_ref(value_get(execution, "executionType")), NULL));
	pipeline_stage_put_take(region, scope, name, stage, entered);
	Value stages = value_with_take(value_ref(pipeline_internal(execution, "stages")), stage,
		value_string("InProgress"));
	Value in =
		pipeline_with_internal_take(value_ref(execution), "phase", value_string("running"));
	in = pipeline_with_internal_take(in, "actions", value_empty_object());
	pipeline_execution_put_take(
		region, scope, pipeline_with_internal_take(in, "stages", stages));
	return TRUE;
}

/* ---- in a stage ---- */

static char *status_of(Region *region, StoreScope scope, Value execution, const char *action) {
	const char *id = value_text(value_get(pipeline_internal(execution, "actions"), action));
	if (!id)
		return NULL;
	g_autofree char *key = pipeline_id(value_get_text(execution, "pipelineName"),
		value_get_text(execution, "pipelineExecutionId"), id);
	g_auto(Value) record = store_get(region_store(region), scope, PIPELINE_ACTIONS, key);
	return g_strdup(value_get_text(record, "status"));
}

typedef struct {
	guint missing, running, failed; /* of the group that is its turn */
	gint64 order; /* of that group */
	gboolean done; /* all groups are */
} Progress;

static Progress progress_of(Region *region, StoreScope scope, Value execution, Value stage) {
	Value actions = value_get(stage, "actions");
	Progress progress = {.order = G_MAXINT64, .done = TRUE};
	for (gsize i = 0; i < value_length(actions); i++) {
		Value action = value_at(actions, i);
		gint64 order = value_get_int(action, "runOrder", 1);
		g_autofree char *status =
			status_of(region, scope, execution, value_get_text(action, "name"));
		if (g_strcmp0(status, "Succeeded") == 0 || order > progress.order)
			continue;
		if (order < progress.order)
			progress = (Progress){.order = order};
		progress.missing += !status;
		progress.running += g_strcmp0(status, "InProgress") == 0;
		progress.failed += status && g_strcmp0(status, "InProgress") != 0;
	}
	return progress;
}

static void begin_group(
	Region *region, StoreScope scope, Value execution_taken, Value stage, gint64 order) {
	Value execution = execution_taken;
	Value actions = value_get(stage, "actions");
	for (gsize i = 0; i < value_length(actions); i++) {
		Value action = value_at(actions, i);
		const char *name = value_get_text(action, "name");
		if (value_get_int(action, "runOrder", 1) == order &&
			!value_has(pipeline_internal(execution, "actions"), name))
			execution =
				pipeline_action_begin_take(region, scope, execution, stage, action);
	}
	pipeline_execution_put_take(region, scope, execution);
}

/* The newest execution before this one that succeeded in the stage as the pipeline is now. */
static Value roll_back_target(
	Region *region, StoreScope scope, Value execution, const char *stage) {
	g_autoptr(GArray) all = pipeline_executions(
		region, scope, value_get_text(execution, "pipelineName"), PIPELINE_EXECUTIONS);
	for (guint i = all->len; i-- > 0;) {
		Value each = g_array_index(all, Value, i);
		if (number_of(each) < number_of(execution) &&
			value_get_int(each, "pipelineVersion", 0) ==
				value_get_int(execution, "pipelineVersion", 0) &&
			pipeline_is(each, "executionType", "STANDARD") &&
			pipeline_is(pipeline_internal(each, "stages"), stage, "Succeeded"))
			return value_ref(each);
	}
	return VALUE_NOTHING;
}

static void fail_stage(Region *region, StoreScope scope, Value execution, Value stage) {
	const char *name = value_get_text(stage, "name");
	const char *result = value_get_text(value_get(stage, "onFailure"), "result");
	g_auto(Value) record =
		pipeline_stage_get(region, scope, value_get_text(execution, "pipelineName"), name);
	gint64 tried = value_get_int(value_get(record, "retry"), "autoStageRetryAttempt", 0);
	g_auto(Value) ended = pipeline_execution_end_take(
		region, scope, value_ref(execution), "Failed", "Failed", NULL);
	if (g_strcmp0(result, "RETRY") == 0 && tried == 0) {
		const char *mode = value_text(value_get_path(
			stage, "onFailure", "retryConfiguration", "retryMode", NULL));
		pipeline_execution_retry_take(region, scope, value_steal(&ended),
			g_strcmp0(mode, "ALL_ACTIONS") == 0, "AutomatedStageRetry");
	} else if (g_strcmp0(result, "ROLLBACK") == 0 && stage_of(execution) > 0 &&
		   pipeline_is(execution, "executionType", "STANDARD")) {
		g_auto(Value) target = roll_back_target(region, scope, execution, name);
		if (!value_is_null(target))
			g_free(pipeline_roll_back(region, scope, target, (guint)stage_of(execution),
				"AutomatedRollback",
				value_get_text(execution, "pipelineExecutionId")));
	}
}

static void leave(Region *region, StoreScope scope, Value execution, gsize n_stages) {
	gboolean last = stage_of(execution) + 1 == n_stages ||
			value_to_bool(pipeline_internal(execution, "only"));
	Value left = pipeline_execution_end_take(
		region, scope, value_ref(execution), "Succeeded", last ? "Succeeded" : NULL, NULL);
	if (last) {
		value_unref(left);
		return;
	}
	left = pipeline_with_internal_take(left, "phase", value_string("waiting"));
	left = pipeline_with_internal_take(
		left, "stage", value_int((gint64)stage_of(execution) + 1));
	pipeline_execution_put_take(
		region, scope, pipeline_with_internal_take(left, "actions", value_empty_object()));
}

static gboolean go_on(
	Region *region, StoreScope scope, Value execution, Value stage, gsize n_stages) {
	Progress progress = progress_of(region, scope, execution, stage);
	gboolean stopping = pipeline_is(execution, "status", "Stopping");
	if (progress.done) {
		leave(region, scope, execution, n_stages);
		return TRUE;
	}
	if (progress.missing > 0 && progress.failed == 0 && !stopping) {
		begin_group(region, scope, value_ref(execution), stage, progress.order);
		return TRUE;
	}
	if (progress.running > 0)
		return FALSE;
	if (stopping)
		value_unref(pipeline_execution_end_take(region, scope, value_ref(execution),
			progress.failed > 0 ? "Failed" : "Stopped", "Stopped", NULL));
	else
		fail_stage(region, scope, execution, stage);
	return TRUE;
}

/* ---- steps ---- */

/* One step, inside a transaction. FALSE: it has to wait for something. */
static gboolean step(Region *region, StoreScope scope, Value execution) {
	g_auto(Value) declaration = pipeline_execution_declaration(region, scope, execution);
	Value stages = value_get(declaration, "stages");
	Value stage = value_at(stages, stage_of(execution));
	if (value_is_null(stage) || has_phase(execution, "ended"))
		return FALSE;
	if (has_phase(execution, "waiting"))
		return enter(region, scope, execution, value_get_text(stage, "name"));
	return go_on(region, scope, execution, stage, value_length(stages));
}

static gboolean step_once(Region *region, StoreScope scope, const char *key) {
	Store *store = region_store(region);
	if (!store_begin(store, NULL))
		return FALSE;
	g_auto(Value) execution = store_get(store, scope, PIPELINE_EXECUTIONS, key);
	gboolean moved = !value_is_null(execution) && step(region, scope, execution);
	if (moved)
		return store_commit(store, NULL);
	store_rollback(store);
	return FALSE;
}

/* ---- actions in progress ---- */

static void time_out(PipelineAction *action, const PipelineProvider *provider, gint64 deadline) {
	Store *store = region_store(action->region);
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(deadline);
	g_autofree char *text = g_date_time_format_iso8601(when);
	if (!store_begin(store, NULL))
		return;
	if (provider->stop)
		provider->stop(action);
	pipeline_action_fail(action, "JobFailed",
		"The action '%s' has timed out: it had until %s to end.",
		value_get_text(action->record, "actionName"), text);
	store_commit(store, NULL);
}

static void run_action(
	Region *region, StoreScope scope, const char *name, const char *execution, const char *id) {
	g_autoptr(PipelineAction) action = pipeline_action_load(region, scope, name, execution, id);
	if (!action || pipeline_action_is_busy(action))
		return;
	const PipelineProvider *provider =
		pipeline_provider(value_get(action->declaration, "actionTypeId"));
	gint64 deadline = value_to_int(pipeline_internal(action->record, "deadline"), 0);
	gint64 left = deadline - region_now(region) / G_USEC_PER_SEC;
	if (left <= 0) {
		time_out(action, provider, deadline);
		return;
	}
	region_wake_after(region, PIPELINE_CONTROLLER, (double)left);
	provider->run(action);
}

static void run_actions(Region *region, StoreScope scope, const char *key) {
	g_auto(Value) execution = store_get(region_store(region), scope, PIPELINE_EXECUTIONS, key);
	if (!has_phase(execution, "running"))
		return;
	Value actions = pipeline_internal(execution, "actions");
	for (gsize i = 0; i < value_length(actions); i++)
		run_action(region, scope, value_get_text(execution, "pipelineName"),
			value_get_text(execution, "pipelineExecutionId"),
			value_text_or(value_at(actions, i), ""));
}

/* ---- the controller ---- */

static void control(Region *region, gpointer data) {
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, PIPELINE_ACTIVE);
	const char *key;
	Value active;
	while (store_iter_next(&iter, &key, &active)) {
		StoreScope scope = store_iter_scope(&iter);
		while (step_once(region, scope, key))
			;
		run_actions(region, scope, key);
	}
}

/* Folders of actions that have ended meanwhile. */
static void sweep_folders(Region *region) {
	g_autofree char *root = g_build_filename(region_home(region), "codepipeline", NULL);
	g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, PIPELINE_ACTIVE);
	const char *key, *name;
	while (store_iter_next(&iter, &key, NULL)) {
		g_auto(Value) execution = store_get(
			region_store(region), store_iter_scope(&iter), PIPELINE_EXECUTIONS, key);
		Value actions = pipeline_internal(execution, "actions");
		for (gsize i = 0; i < value_length(actions); i++)
			g_hash_table_add(wanted, g_strdup(value_text_or(value_at(actions, i), "")));
	}
	g_autoptr(GDir) dir = g_dir_open(root, 0, NULL);
	while (dir && (name = g_dir_read_name(dir)))
		if (!g_hash_table_contains(wanted, name))
			pipeline_action_clean(region, name);
}

static void forget_busy(gpointer data) {
	g_hash_table_unref(data);
}

gboolean pipeline_executor_start(Region *region, GError **error) {
	region_set_data(region, PIPELINE_CONTROLLER,
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), forget_busy);
	sweep_folders(region);
	region_controller_add(region, PIPELINE_CONTROLLER, control, NULL);
	region_wake_on(region, PIPELINE_CONTROLLER, "codepipeline/");
	region_wake_on(region, PIPELINE_CONTROLLER, "codebuild/build");
	region_wake_on(region, PIPELINE_CONTROLLER, "ecs/service");
	region_wake(region, PIPELINE_CONTROLLER);
	return TRUE;
}
