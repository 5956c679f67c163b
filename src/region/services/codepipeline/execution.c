/*
 * Executions: started, stopped, retried, rolled back, and how one ends. Their steps in between are
 * the executor's.
 */
#include <string.h>

#include "region/services/codepipeline/internal.h"

#define MOST_AT_ONCE 50

static char *new_uuid(void) {
	return g_uuid_string_random();
}

/* ---- the store ---- */

Value pipeline_execution_get(Region *region, StoreScope scope, const char *name, const char *id) {
	g_autofree char *key = pipeline_id(name, id, NULL);
	return store_get(region_store(region), scope, PIPELINE_EXECUTIONS, key);
}

void pipeline_execution_put_take(Region *region, StoreScope scope, Value taken) {
	Store *store = region_store(region);
	Value execution = value_with_take(taken, "lastUpdateTime", region_timestamp(region));
	g_autofree char *key = pipeline_id(value_get_text(execution, "pipelineName"),
		value_get_text(execution, "pipelineExecutionId"), NULL);
	if (g_strcmp0(value_text(pipeline_internal(execution, "phase")), "ended") == 0)
		store_delete(store, scope, PIPELINE_ACTIVE, key);
	else if (!store_has(store, scope, PIPELINE_ACTIVE, key))
		store_put_take(store, scope, PIPELINE_ACTIVE, key, value_bool(TRUE));
	store_put_take(store, scope, PIPELINE_EXECUTIONS, key, execution);
}

Value pipeline_execution_declaration(Region *region, StoreScope scope, Value execution) {
	return pipeline_version(region, scope, value_get_text(execution, "pipelineName"),
		value_get_int(execution, "pipelineVersion", 1));
}

static int by_number(gconstpointer a, gconstpointer b) {
	gint64 first = value_to_int(pipeline_internal(*(const Value *)a, "number"), 0);
	gint64 second = value_to_int(pipeline_internal(*(const Value *)b, "number"), 0);
	return first < second ? -1 : first > second;
}

static void clear_value(gpointer data) {
	value_clear(data);
}

GArray *pipeline_executions(Region *region, StoreScope scope, const char *name, const char *kind) {
	Store *store = region_store(region);
	GArray *all = g_array_new(FALSE, FALSE, sizeof(Value));
	g_autofree char *prefix = g_strconcat(name, "/", NULL);
	g_auto(StoreIter) iter = store_iter_prefix(store, scope, kind, prefix);
	const char *id;
	Value object;
	g_array_set_clear_func(all, clear_value);
	while (store_iter_next(&iter, &id, &object)) {
		Value execution = store_get(store, scope, PIPELINE_EXECUTIONS, id);
		if (!value_is_null(execution))
			g_array_append_val(all, execution);
	}
	g_array_sort(all, by_number);
	return all;
}

/* ---- starting ---- */

static const char *text_of(Value list, const char *name) {
	return value_get_text(pipeline_named(list, "name", name, NULL), "value");
}

/* [{name, resolvedValue}], or an error when one has no value, or none of that name is declared. */
static Value resolved_variables(Value declaration, Value given, GError **error) {
	Value declared = value_get(declaration, "variables");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(given); i++) {
		const char *name = value_get_text(value_at(given, i), "name");
		if (value_is_null(pipeline_named(declared, "name", name, NULL))) {
			wire_error_set(error, "ValidationException",
				"The pipeline has no variable named '%s'", name);
			return VALUE_NOTHING;
		}
	}
	for (gsize i = 0; i < value_length(declared); i++) {
		const char *name = value_get_text(value_at(declared, i), "name");
		const char *value = text_of(given, name);
		if (!value)
			value = value_get_text(value_at(declared, i), "defaultValue");
		if (!value) {
			wire_error_set(error, "ValidationException",
				"The pipeline variable '%s' has no default value: a value must be "
				"given for it",
				name);
			return VALUE_NOTHING;
		}
		value_builder_add_take(all, value_object_take("name", value_string(name),
						    "resolvedValue", value_string(value), NULL));
	}
	return value_builder_end(g_steal_pointer(&all));
}

/* May a source action be told a revision of that type? */
static gboolean takes_revision(Value action, const char *type) {
	static const char *const types[][2] = {{"CodeStarSourceConnection", "COMMIT_ID"},
		{"CodeStarSourceConnection", PIPELINE_BRANCH}, {"ECR", "IMAGE_DIGEST"},
		{"S3", "S3_OBJECT_VERSION_ID"}, {"S3", "S3_OBJECT_KEY"}};
	for (guint i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_str_equal(type, types[i][1]) &&
			pipeline_is(value_get(action, "actionTypeId"), "provider", types[i][0]))
			return TRUE;
	return FALSE;
}

/* An object's key is fixed, unless the action says that it is not. */
static gboolean is_fixed(Value action, const char *type) {
	const char *allowed = value_text_or(
		value_get_path(action, "configuration", "AllowOverrideForS3ObjectKey", NULL),
		"false");
	return g_str_equal(type, "S3_OBJECT_KEY") && g_ascii_strcasecmp(allowed, "true") != 0;
}

/* {action: {type: revision}}, or an error. */
static Value checked_overrides(Value declaration, Value given, GError **error) {
	Value sources = value_get(value_at(value_get(declaration, "stages"), 0), "actions");
	g_auto(Value) all = value_empty_object();
	for (gsize i = 0; i < value_length(given); i++) {
		Value override = value_at(given, i);
		const char *name = value_get_text(override, "actionName");
		const char *type = value_get_text(override, "revisionType");
		Value action = pipeline_named(sources, "name", name, NULL);
		gboolean fits = takes_revision(action, type);
		if (!fits || is_fixed(action, type)) {
			wire_error_set(error, "ValidationException",
				fits ? "The source revision of type %s is not allowed by the "
				       "source action named '%s': its "
				       "AllowOverrideForS3ObjectKey is not true"
				     : "The source revision of type %s does not fit a source "
				       "action named '%s'",
				type, name);
			return VALUE_NOTHING;
		}
		Value own = value_ref(value_get(all, name));
		if (value_is_null(own))
			own = value_empty_object();
		own = value_with_take(own, type, value_ref(value_get(override, "revisionValue")));
		all = value_with_take(value_steal(&all), name, own);
	}
	return value_steal(&all);
}

static gboolean has_room(Region *region, StoreScope scope, Value declaration, GError **error) {
	const char *mode = value_get_text(declaration, "executionMode");
	if (g_strcmp0(mode, "SUPERSEDED") == 0)
		return TRUE;
	g_autoptr(GArray) active = pipeline_executions(
		region, scope, value_get_text(declaration, "name"), PIPELINE_ACTIVE);
	if (active->len < MOST_AT_ONCE)
		return TRUE;
	wire_error_set(error, "ConcurrentPipelineExecutionsLimitExceededException",
		"The pipeline has reached the limit for concurrent pipeline executions (%d) in the "
		"execution mode %s.",
		MOST_AT_ONCE, mode);
	return FALSE;
}

static Value internal_new(Region *region, StoreScope scope, const char *name, guint stage) {
	g_autofree char *counter = pipeline_id("codepipeline", name, NULL);
	return value_object_take("number",
		value_int(store_next(region_store(region), scope, counter)), "phase",
		value_string("waiting"), "stage", value_int(stage), "actions", value_empty_object(),
		"stages", value_empty_object(), "artifacts", value_empty_object(), "namespaces",
		value_empty_object(), NULL);
}

static Value execution_new(Region *region, Value declaration, const char *id, const char *type,
	const char *trigger, const char *detail) {
	return value_object_take("pipelineName", value_ref(value_get(declaration, "name")),
		"pipelineVersion", value_ref(value_get(declaration, "version")),
		"pipelineExecutionId", value_string(id), "status", value_string("InProgress"),
		"executionMode", value_ref(value_get(declaration, "executionMode")),
		"executionType", value_string(type), "artifactRevisions", value_empty_tuple(),
		"startTime", region_timestamp(region), "trigger",
		value_object_take("triggerType", value_string(trigger), "triggerDetail",
			value_string(detail ? detail : ""), NULL),
		NULL);
}

char *pipeline_start(Region *region, StoreScope scope, const char *name, const PipelineStart *start,
	GError **error) {
	g_auto(Value) pipeline = pipeline_get(region, scope, name, error);
	Value declaration = value_get(pipeline, "declaration");
	if (value_is_null(pipeline) || !has_room(region, scope, declaration, error))
		return NULL;
	g_autoptr(GError) local = NULL;
	g_auto(Value) variables = resolved_variables(declaration, start->variables, &local);
	g_auto(Value) overrides =
		local ? VALUE_NOTHING : checked_overrides(declaration, start->overrides, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	char *id = new_uuid();
	Value execution =
		execution_new(region, declaration, id, "STANDARD", start->trigger, start->detail);
	if (value_length(variables) > 0)
		execution = value_with_take(execution, "variables", value_ref(variables));
	execution = value_with_take(execution, "internal",
		value_with_take(
			internal_new(region, scope, name, 0), "overrides", value_ref(overrides)));
	pipeline_execution_put_take(region, scope, execution);
	return id;
}

Value pipeline_start_execution(RegionCall *call, Value input, GError **error) {
	Store *store = region_store(call->region);
	const char *name = value_get_text(input, "name");
	const char *token = value_get_text(input, "clientRequestToken");
	g_autofree char *known = token ? pipeline_id(name, token, NULL) : NULL;
	g_auto(Value) former =
		known ? store_get(store, call->scope, PIPELINE_TOKENS, known) : VALUE_NOTHING;
	if (!value_is_null(former))
		return value_object_take("pipelineExecutionId", value_ref(former), NULL);
	PipelineStart start = {"StartPipelineExecution", call->principal_arn,
		value_get(input, "variables"), value_get(input, "sourceRevisions")};
	g_autofree char *id = pipeline_start(call->region, call->scope, name, &start, error);
	if (id && known)
		store_put_take(store, call->scope, PIPELINE_TOKENS, known, value_string(id));
	return id ? value_object_take("pipelineExecutionId", value_string(id), NULL)
		  : VALUE_NOTHING;
}

/* ---- finding what a call names ---- */

Value pipeline_execution_find(RegionCall *call, const char *name, const char *id, GError **error) {
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	if (value_is_null(pipeline))
		return VALUE_NOTHING;
	Value execution = pipeline_execution_get(call->region, call->scope, name, id);
	if (value_is_null(execution))
		wire_error_set(error, "PipelineExecutionNotFoundException",
			"Execution '%s' does not exist for pipeline '%s'", id, name);
	return execution;
}

gboolean pipeline_stage_find(Value declaration, const char *stage, guint *index, GError **error) {
	if (!value_is_null(pipeline_named(value_get(declaration, "stages"), "name", stage, index)))
		return TRUE;
	wire_error_set(error, "StageNotFoundException",
		"Pipeline '%s' does not have a stage with name '%s'",
		value_get_text(declaration, "name"), stage);
	return FALSE;
}

/* ---- ending ---- */

static const char *current_stage(Value declaration, Value execution) {
	return value_get_text(
		value_at(value_get(declaration, "stages"),
			(gsize)value_to_int(pipeline_internal(execution, "stage"), 0)),
		"name");
}

/* The stage is free for the next one. */
static void leave_stage(
	Region *region, StoreScope scope, Value execution, const char *stage, const char *status) {
	const char *name = value_get_text(execution, "pipelineName");
	const char *id = value_get_text(execution, "pipelineExecutionId");
	Value record = pipeline_stage_get(region, scope, name, stage);
	if (pipeline_is(record, "holder", id))
		record = value_without_take(record, "holder");
	Value latest = value_get(record, "latest");
	if (pipeline_is(latest, "pipelineExecutionId", id))
		record = value_with_take(record, "latest",
			value_with_take(value_ref(latest), "status", value_string(status)));
	pipeline_stage_put_take(region, scope, name, stage, record);
}

Value pipeline_execution_end_take(Region *region, StoreScope scope, Value execution_taken,
	const char *stage_status, const char *status, const char *summary) {
	Value execution = execution_taken;
	if (stage_status) {
		g_auto(Value) declaration =
			pipeline_execution_declaration(region, scope, execution);
		g_autofree char *stage = g_strdup(current_stage(declaration, execution));
		Value stages = value_with_take(value_ref(pipeline_internal(execution, "stages")),
			stage, value_string(stage_status));
		leave_stage(region, scope, execution, stage, stage_status);
		execution = pipeline_with_internal_take(execution, "stages", stages);
	}
	if (status) {
		execution = value_with_take(execution, "status", value_string(status));
		execution = pipeline_with_internal_take(execution, "phase", value_string("ended"));
	}
	if (summary)
		execution = value_with_take(execution, "statusSummary", value_string(summary));
	pipeline_execution_put_take(region, scope, value_ref(execution));
	return execution;
}

/* ---- stopping ---- */

static void abandon_actions(RegionCall *call, Value execution) {
	Value actions = pipeline_internal(execution, "actions");
	const char *name = value_get_text(execution, "pipelineName");
	const char *id = value_get_text(execution, "pipelineExecutionId");
	for (gsize i = 0; i < value_length(actions); i++) {
		g_autofree char *key =
			pipeline_id(name, id, value_text_or(value_at(actions, i), ""));
		Value record =
			store_get(region_store(call->region), call->scope, PIPELINE_ACTIONS, key);
		if (pipeline_is(record, "status", "InProgress")) {
			record = value_with_take(record, "status", value_string("Abandoned"));
			record = value_with_take(
				record, "lastUpdateTime", region_timestamp(call->region));
			store_put_take(region_store(call->region), call->scope, PIPELINE_ACTIONS,
				key, value_ref(record));
			pipeline_action_clean(
				call->region, value_text_or(value_at(actions, i), ""));
		}
		value_unref(record);
	}
}

Value pipeline_stop_execution(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "pipelineExecutionId");
	const char *reason = value_get_text(input, "reason");
	gboolean abandon = value_get_bool(input, "abandon");
	g_auto(Value) execution =
		pipeline_execution_find(call, value_get_text(input, "pipelineName"), id, error);
	if (value_is_null(execution))
		return VALUE_NOTHING;
	if (pipeline_is(execution, "status", "Stopping") && !abandon) {
		wire_error_set(error, "DuplicatedStopRequestException",
			"The pipeline execution is already in a Stopping state. If you already "
			"chose to stop and wait, you cannot make that request again. You can "
			"choose "
			"to stop and abandon now, but be aware that this option can lead to failed "
			"tasks or out of sequence tasks. If you already chose to stop and abandon, "
			"you cannot make that request again.");
		return VALUE_NOTHING;
	}
	if (g_strcmp0(value_text(pipeline_internal(execution, "phase")), "ended") == 0) {
		wire_error_set(error, "PipelineExecutionNotStoppableException",
			"Unable to stop the pipeline execution. The execution might already be in "
			"a "
			"Stopped state, or it might no longer be in progress.");
		return VALUE_NOTHING;
	}
	Value stopped =
		value_with_take(value_steal(&execution), "status", value_string("Stopping"));
	stopped = value_with_take(stopped, "stopTrigger",
		value_object_take("reason", value_string(reason ? reason : ""), NULL));
	gboolean runs = g_strcmp0(value_text(pipeline_internal(stopped, "phase")), "running") == 0;
	if (abandon && runs)
		abandon_actions(call, stopped);
	if (abandon || !runs)
		value_unref(pipeline_execution_end_take(call->region, call->scope, stopped,
			runs ? "Stopped" : NULL, "Stopped", reason));
	else
		pipeline_execution_put_take(call->region, call->scope, stopped);
	return value_object_take("pipelineExecutionId", value_string(id), NULL);
}

/* ---- retrying ---- */

static Value counted(Value retry, const char *trigger) {
	gboolean automatic = g_str_equal(trigger, "AutomatedStageRetry");
	const char *member = automatic ? "autoStageRetryAttempt" : "manualStageRetryAttempt";
	Value counts = value_is_null(retry) ? value_empty_object() : value_ref(retry);
	gint64 before = value_get_int(counts, member, 0);
	counts = value_with_take(counts, member, value_int(before + 1));
	return value_with_take(counts, "latestRetryTrigger", value_string(trigger));
}

/* Of the actions of its stage, those that need not be done again. */
static Value succeeded_actions(Region *region, StoreScope scope, Value execution) {
	Value actions = pipeline_internal(execution, "actions");
	const char *name = value_get_text(execution, "pipelineName");
	const char *id = value_get_text(execution, "pipelineExecutionId");
	g_autoptr(ValueBuilder) kept = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = 0; i < value_length(actions); i++) {
		g_autofree char *key =
			pipeline_id(name, id, value_text_or(value_at(actions, i), ""));
		g_auto(Value) record =
			store_get(region_store(region), scope, PIPELINE_ACTIONS, key);
		if (pipeline_is(record, "status", "Succeeded"))
			value_builder_set_take(
				kept, value_key_at(actions, i), value_ref(value_at(actions, i)));
	}
	return value_builder_end(g_steal_pointer(&kept));
}

void pipeline_execution_retry_take(Region *region, StoreScope scope, Value execution_taken,
	gboolean all, const char *trigger) {
	Value execution = execution_taken;
	g_auto(Value) declaration = pipeline_execution_declaration(region, scope, execution);
	const char *stage = current_stage(declaration, execution);
	const char *id = value_get_text(execution, "pipelineExecutionId");
	g_autofree char *name = g_strdup(value_get_text(execution, "pipelineName"));
	Value record = pipeline_stage_get(region, scope, name, stage);
	Value retry = counted(value_get(record, "retry"), trigger);
	record = value_with_take(record, "retry", retry);
	record = value_with_take(record, "latest",
		value_object_take("pipelineExecutionId", value_string(id), "status",
			value_string("InProgress"), "type",
			value_ref(value_get(execution, "executionType")), NULL));
	if (!pipeline_is(execution, "executionMode", "PARALLEL"))
		record = value_with_take(record, "holder", value_string(id));
	pipeline_stage_put_take(region, scope, name, stage, record);
	Value kept = all ? value_empty_object() : succeeded_actions(region, scope, execution);
	Value stages = value_with_take(value_ref(pipeline_internal(execution, "stages")), stage,
		value_string("InProgress"));
	execution = pipeline_with_internal_take(execution, "actions", kept);
	execution = pipeline_with_internal_take(execution, "stages", stages);
	execution = pipeline_with_internal_take(execution, "phase", value_string("running"));
	execution = value_without_take(execution, "statusSummary");
	execution = value_without_take(execution, "stopTrigger");
	execution = value_with_take(execution, "status", value_string("InProgress"));
	pipeline_execution_put_take(region, scope, execution);
}

/* The stages of both versions are the same, by name. */
static gboolean same_stages(Value a, Value b) {
	Value first = value_get(a, "stages"), second = value_get(b, "stages");
	if (value_length(first) != value_length(second))
		return FALSE;
	for (gsize i = 0; i < value_length(first); i++)
		if (!pipeline_is(value_at(first, i), "name",
			    value_get_text(value_at(second, i), "name")))
			return FALSE;
	return TRUE;
}

static gboolean is_retryable(
	RegionCall *call, Value execution, Value declaration, const char *stage, GError **error) {
	const char *id = value_get_text(execution, "pipelineExecutionId");
	const char *status =
		value_text_or(value_get(pipeline_internal(execution, "stages"), stage), "");
	g_auto(Value) own = pipeline_execution_declaration(call->region, call->scope, execution);
	g_auto(Value) record = pipeline_stage_get(
		call->region, call->scope, value_get_text(declaration, "name"), stage);
	const char *latest = value_get_text(value_get(record, "latest"), "pipelineExecutionId");
	if (!pipeline_is(execution, "executionMode", "PARALLEL") && g_strcmp0(latest, id) != 0) {
		wire_error_set(error, "NotLatestPipelineExecutionException",
			"The stage '%s' has been retried or run by a newer execution: '%s' is not "
			"its "
			"latest pipeline execution",
			stage, id);
		return FALSE;
	}
	if (!same_stages(own, declaration) ||
		g_strcmp0(value_text(pipeline_internal(execution, "phase")), "ended") != 0 ||
		g_strcmp0(current_stage(own, execution), stage) != 0 ||
		(!g_str_equal(status, "Failed") && !g_str_equal(status, "Stopped"))) {
		wire_error_set(error, "StageNotRetryableException",
			"The stage '%s' is not retryable: the pipeline structure or stage state "
			"might have changed while actions awaited retry, or the stage contains no "
			"failed actions",
			stage);
		return FALSE;
	}
	return TRUE;
}

Value pipeline_retry_stage(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "pipelineName");
	const char *stage = value_get_text(input, "stageName");
	const char *id = value_get_text(input, "pipelineExecutionId");
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	Value declaration = value_get(pipeline, "declaration");
	if (value_is_null(pipeline) || !pipeline_stage_find(declaration, stage, NULL, error))
		return VALUE_NOTHING;
	g_auto(Value) execution = pipeline_execution_find(call, name, id, error);
	if (value_is_null(execution) || !is_retryable(call, execution, declaration, stage, error))
		return VALUE_NOTHING;
	/* What was mended meanwhile counts: it goes on with the pipeline as it is now. */
	Value again = value_with_take(value_steal(&execution), "pipelineVersion",
		value_ref(value_get(declaration, "version")));
	pipeline_execution_retry_take(call->region, call->scope, again,
		pipeline_is(input, "retryMode", "ALL_ACTIONS"), "ManualStageRetry");
	return value_object_take("pipelineExecutionId", value_string(id), NULL);
}

/* ---- rolling back ---- */

char *pipeline_roll_back(Region *region, StoreScope scope, Value target, guint stage,
	const char *trigger, const char *detail) {
	g_auto(Value) declaration = pipeline_execution_declaration(region, scope, target);
	char *id = new_uuid();
	static const char *const kept[] = {"artifacts", "namespaces", NULL};
	Value execution = execution_new(region, declaration, id, "ROLLBACK", trigger, detail);
	Value internal = internal_new(region, scope, value_get_text(declaration, "name"), stage);
	for (guint i = 0; kept[i]; i++)
		internal = value_with_take(
			internal, kept[i], value_ref(pipeline_internal(target, kept[i])));
	internal = value_with_take(internal, "only", value_bool(TRUE));
	execution = value_with_take(execution, "internal", internal);
	execution = value_with_take(
		execution, "artifactRevisions", value_ref(value_get(target, "artifactRevisions")));
	if (value_has(target, "variables"))
		execution = value_with_take(
			execution, "variables", value_ref(value_get(target, "variables")));
	execution = value_with_take(execution, "rollbackMetadata",
		value_object_take("rollbackTargetPipelineExecutionId",
			value_ref(value_get(target, "pipelineExecutionId")), NULL));
	pipeline_execution_put_take(region, scope, execution);
	return id;
}

/* Why the stage cannot go back to what the execution had; NULL: it can. */
static const char *rollback_obstacle(
	Value declaration, guint index, Value record, Value target, const char *stage) {
	if (pipeline_is(declaration, "executionMode", "PARALLEL"))
		return "stages of a pipeline in the execution mode PARALLEL cannot be rolled back";
	if (index == 0)
		return "a source stage cannot be rolled back";
	if (value_has(record, "holder"))
		return "an execution is in progress in the stage";
	if (pipeline_is(target, "executionType", "ROLLBACK"))
		return "the target is a rollback itself";
	if (!pipeline_is(pipeline_internal(target, "stages"), stage, "Succeeded"))
		return "it did not succeed in that stage";
	return NULL;
}

Value pipeline_rollback_stage(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "pipelineName");
	const char *stage = value_get_text(input, "stageName");
	const char *id = value_get_text(input, "targetPipelineExecutionId");
	guint index = 0;
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	Value declaration = value_get(pipeline, "declaration");
	if (value_is_null(pipeline) || !pipeline_stage_find(declaration, stage, &index, error))
		return VALUE_NOTHING;
	g_auto(Value) target = pipeline_execution_find(call, name, id, error);
	if (value_is_null(target))
		return VALUE_NOTHING;
	g_auto(Value) record = pipeline_stage_get(call->region, call->scope, name, stage);
	if (value_get_int(target, "pipelineVersion", 0) !=
		value_get_int(declaration, "version", 0)) {
		wire_error_set(error, "PipelineExecutionOutdatedException",
			"The specified pipeline execution is outdated and cannot be used as a "
			"target pipeline execution for rollback.");
		return VALUE_NOTHING;
	}
	const char *obstacle = rollback_obstacle(declaration, index, record, target, stage);
	if (obstacle) {
		wire_error_set(error, "UnableToRollbackStageException",
			"Unable to roll back the stage '%s' to the execution '%s': %s.", stage, id,
			obstacle);
		return VALUE_NOTHING;
	}
	g_autofree char *started = pipeline_roll_back(
		call->region, call->scope, target, index, "ManualRollback", call->principal_arn);
	return value_object_take("pipelineExecutionId", value_string(started), NULL);
}
