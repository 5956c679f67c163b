/* What the API tells of executions, stages and actions; transitions; answers to approvals. */
#include <string.h>

#include "region/services/codepipeline/internal.h"

/* ---- executions ---- */

/* An object of those members that `object` has. */
static Value picked(Value object, const char *const *members) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	for (guint i = 0; members[i]; i++)
		if (value_has(object, members[i]))
			value_builder_set_take(
				all, members[i], value_ref(value_get(object, members[i])));
	return value_builder_end(g_steal_pointer(&all));
}

Value pipeline_get_execution(RegionCall *call, Value input, GError **error) {
	static const char *const members[] = {"pipelineName", "pipelineVersion",
		"pipelineExecutionId", "status", "statusSummary", "artifactRevisions", "variables",
		"trigger", "executionMode", "executionType", "rollbackMetadata", NULL};
	const char *name = value_get_text(input, "pipelineName");
	const char *id = value_get_text(input, "pipelineExecutionId");
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	if (value_is_null(pipeline))
		return VALUE_NOTHING;
	g_auto(Value) execution = pipeline_execution_find(call, name, id, error);
	return value_is_null(execution)
		       ? VALUE_NOTHING
		       : value_object_take("pipelineExecution", picked(execution, members), NULL);
}

static Value summary_of(Value execution) {
	static const char *const members[] = {"pipelineExecutionId", "status", "statusSummary",
		"startTime", "lastUpdateTime", "trigger", "stopTrigger", "executionMode",
		"executionType", "rollbackMetadata", NULL};
	Value revisions = pipeline_internal(execution, "revisions");
	return value_with_take(picked(execution, members), "sourceRevisions",
		value_is_null(revisions) ? value_empty_tuple() : value_ref(revisions));
}

Value pipeline_list_executions(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "pipelineName");
	const char *stage =
		value_text(value_get_path(input, "filter", "succeededInStage", "stageName", NULL));
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	if (value_is_null(pipeline))
		return VALUE_NOTHING;
	g_autoptr(GArray) executions =
		pipeline_executions(call->region, call->scope, name, PIPELINE_EXECUTIONS);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = executions->len; i-- > 0;) {
		Value execution = g_array_index(executions, Value, i);
		if (!stage ||
			pipeline_is(pipeline_internal(execution, "stages"), stage, "Succeeded"))
			value_builder_add_take(all, summary_of(execution));
	}
	g_auto(Value) items =
		pipeline_history_take(call->region, value_builder_end(g_steal_pointer(&all)));
	return pipeline_page(call, input, "pipelineExecutionSummaries", items, 100, error);
}

/* ---- actions ---- */

static int newest_first(gconstpointer a, gconstpointer b) {
	gint64 first = value_to_int(pipeline_internal(*(const Value *)a, "number"), 0);
	gint64 second = value_to_int(pipeline_internal(*(const Value *)b, "number"), 0);
	return first > second ? -1 : first < second;
}

static void clear_value(gpointer data) {
	value_clear(data);
}

/* Only the newest of each action. */
static Value only_latest(GArray *records) {
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < records->len; i++) {
		Value record = g_array_index(records, Value, i);
		if (g_hash_table_add(seen, pipeline_id(value_get_text(record, "stageName"),
						   value_get_text(record, "actionName"), NULL)))
			value_builder_add_take(all, pipeline_view_take(value_ref(record)));
	}
	return value_builder_end(g_steal_pointer(&all));
}

Value pipeline_list_action_executions(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "pipelineName");
	Value filter = value_get(input, "filter"),
	      latest = value_get(filter, "latestInPipelineExecution");
	const char *execution =
		value_get_text(value_is_null(latest) ? filter : latest, "pipelineExecutionId");
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	if (value_is_null(pipeline))
		return VALUE_NOTHING;
	g_autofree char *prefix = pipeline_id(name, execution ? execution : "", NULL);
	g_autoptr(GArray) records = g_array_new(FALSE, FALSE, sizeof(Value));
	g_array_set_clear_func(records, clear_value);
	g_auto(StoreIter) iter = store_iter_prefix(
		region_store(call->region), call->scope, PIPELINE_ACTIONS, prefix);
	const char *id;
	Value record;
	while (store_iter_next(&iter, &id, &record)) {
		Value kept = value_ref(record);
		g_array_append_val(records, kept);
	}
	g_array_sort(records, newest_first);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < records->len; i++)
		value_builder_add_take(
			all, pipeline_view_take(value_ref(g_array_index(records, Value, i))));
	g_auto(Value) items = value_builder_end(g_steal_pointer(&all));
	if (pipeline_is(latest, "startTimeRange", "Latest")) {
		value_clear(&items);
		items = only_latest(records);
	}
	items = pipeline_history_take(call->region, value_steal(&items));
	return pipeline_page(call, input, "actionExecutionDetails", items, 100, error);
}

/* ---- the state of a pipeline ---- */

/* ActionExecution of an ActionExecutionDetail. In the mode PARALLEL it tells no token: several
 * executions may wait for the same approval, and each is known by its external id. */
static Value action_execution(Value record, gboolean parallel) {
	Value result = value_get_path(record, "output", "executionResult", NULL);
	Value made = value_object_take("actionExecutionId",
		value_ref(value_get(record, "actionExecutionId")), "status",
		value_ref(value_get(record, "status")), "lastStatusChange",
		value_ref(value_get(record, "lastUpdateTime")), NULL);
	static const char *const same[] = {
		"externalExecutionId", "externalExecutionUrl", "errorDetails", NULL};
	for (guint i = 0; same[i]; i++)
		if (value_has(result, same[i]))
			made = value_with_take(
				made, same[i], value_ref(value_get(result, same[i])));
	if (value_has(result, "externalExecutionSummary"))
		made = value_with_take(
			made, "summary", value_ref(value_get(result, "externalExecutionSummary")));
	if (value_has(record, "updatedBy"))
		made = value_with_take(
			made, "lastUpdatedBy", value_ref(value_get(record, "updatedBy")));
	const char *token = value_text(pipeline_internal(record, "token"));
	if (token && !parallel && pipeline_is(record, "status", "InProgress"))
		made = value_with_take(made, "token", value_string(token));
	return made;
}

static Value latest_record(RegionCall *call, const char *name, Value stage, const char *action) {
	Value latest = value_get_path(stage, "actions", action, NULL);
	if (value_is_null(latest))
		return VALUE_NOTHING;
	g_autofree char *key = pipeline_id(
		name, value_get_text(latest, "execution"), value_get_text(latest, "id"));
	return store_get(region_store(call->region), call->scope, PIPELINE_ACTIONS, key);
}

/* entityUrl: what the action is about. */
static Value entity_url(Value action, StoreScope scope) {
	Value configuration = value_get(action, "configuration");
	const char *project = value_get_text(configuration, "ProjectName");
	const char *service = value_get_text(configuration, "ServiceName");
	const char *link = value_get_text(configuration, "ExternalEntityLink");
	if (project)
		return value_string_printf(
			"https://console.aws.amazon.com/codebuild/home?region=%s#/projects/%s/view",
			scope.region, project);
	if (service)
		return value_string_printf("https://console.aws.amazon.com/ecs/home?region=%s#/"
					   "clusters/%s/services/%s",
			scope.region, value_get_text(configuration, "ClusterName"), service);
	return value_string(link);
}

static Value action_state(
	RegionCall *call, const char *name, Value stage, Value action, gboolean parallel) {
	const char *action_name = value_get_text(action, "name");
	Value made = value_object_take("actionName", value_string(action_name), NULL);
	Value revision = value_get_path(stage, "revisions", action_name, NULL);
	g_auto(Value) record = latest_record(call, name, stage, action_name);
	g_auto(Value) url = entity_url(action, call->scope);
	if (!value_is_null(revision))
		made = value_with_take(made, "currentRevision", value_ref(revision));
	if (!value_is_null(record))
		made = value_with_take(made, "latestExecution", action_execution(record, parallel));
	return value_is_null(url) ? made : value_with_take(made, "entityUrl", value_ref(url));
}

static Value inbound(Value execution) {
	return value_object_take("pipelineExecutionId",
		value_ref(value_get(execution, "pipelineExecutionId")), "status",
		value_string("InProgress"), "type",
		value_ref(value_get(execution, "executionType")), NULL);
}

static Value stage_state(RegionCall *call, Value declaration, guint index, GArray *active) {
	const char *name = value_get_text(declaration, "name");
	Value declared = value_at(value_get(declaration, "stages"), index);
	gboolean parallel = pipeline_is(declaration, "executionMode", "PARALLEL");
	const char *stage_name = value_get_text(declared, "name");
	g_auto(Value) stage = pipeline_stage_get(call->region, call->scope, name, stage_name);
	g_autoptr(ValueBuilder) actions = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) waiting = value_builder_new(VALUE_TUPLE, NULL);
	Value all = value_get(declared, "actions"), transition = value_get(stage, "transition");
	for (gsize i = 0; i < value_length(all); i++)
		value_builder_add_take(
			actions, action_state(call, name, stage, value_at(all, i), parallel));
	for (guint i = 0; i < active->len; i++) {
		Value execution = g_array_index(active, Value, i);
		if (value_to_int(pipeline_internal(execution, "stage"), 0) == index &&
			g_strcmp0(value_text(pipeline_internal(execution, "phase")), "waiting") ==
				0)
			value_builder_add_take(waiting, inbound(execution));
	}
	g_auto(Value) inbounds = value_builder_end(g_steal_pointer(&waiting));
	Value made = value_object_take("stageName", value_string(stage_name), "actionStates",
		value_builder_end(g_steal_pointer(&actions)), "inboundExecutions",
		value_ref(inbounds), NULL);
	made = value_with_take(made, "inboundTransitionState",
		value_is_null(transition) ? value_object_take("enabled", value_bool(TRUE), NULL)
					  : value_ref(transition));
	if (value_length(inbounds) > 0)
		made = value_with_take(made, "inboundExecution",
			value_ref(value_at(inbounds, value_length(inbounds) - 1)));
	if (value_has(stage, "latest"))
		made = value_with_take(
			made, "latestExecution", value_ref(value_get(stage, "latest")));
	if (value_has(stage, "retry"))
		made = value_with_take(
			made, "retryStageMetadata", value_ref(value_get(stage, "retry")));
	return made;
}

Value pipeline_get_state(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "name");
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	if (value_is_null(pipeline))
		return VALUE_NOTHING;
	Value declaration = value_get(pipeline, "declaration");
	Value stages = value_get(declaration, "stages");
	g_autoptr(GArray) active =
		pipeline_executions(call->region, call->scope, name, PIPELINE_ACTIVE);
	g_autoptr(ValueBuilder) states = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < value_length(stages); i++)
		value_builder_add_take(states, stage_state(call, declaration, i, active));
	return value_object_take("pipelineName", value_string(name), "pipelineVersion",
		value_ref(value_get_path(pipeline, "declaration", "version", NULL)), "stageStates",
		value_builder_end(g_steal_pointer(&states)), "created",
		value_ref(value_get(pipeline, "created")), "updated",
		value_ref(value_get(pipeline, "updated")), NULL);
}

/* ---- transitions ---- */

/* The declared stage that a call names, borrowed from *pipeline. */
static Value find_stage(RegionCall *call, Value input, Value *pipeline, GError **error) {
	const char *name = value_get_text(input, "pipelineName");
	const char *stage = value_get_text(input, "stageName");
	guint index;
	*pipeline = pipeline_get(call->region, call->scope, name, error);
	Value declaration = value_get(*pipeline, "declaration");
	if (value_is_null(*pipeline) || !pipeline_stage_find(declaration, stage, &index, error))
		return VALUE_NOTHING;
	return value_at(value_get(declaration, "stages"), index);
}

/* The stage whose inbound transition is meant: of an outbound one, the stage after. */
static const char *inbound_stage(Value pipeline, Value input, GError **error) {
	Value stages = value_get_path(pipeline, "declaration", "stages", NULL);
	guint index = 0;
	pipeline_named(stages, "name", value_get_text(input, "stageName"), &index);
	if (pipeline_is(input, "transitionType", "Outbound"))
		index++;
	const char *stage = value_get_text(value_at(stages, index), "name");
	if (stage && index > 0)
		return stage;
	wire_error_set(error, "ValidationException", "The stage '%s' has no %s transition",
		value_get_text(input, "stageName"), stage ? "inbound" : "outbound");
	return NULL;
}

static Value set_transition(RegionCall *call, Value input, gboolean enabled, GError **error) {
	g_auto(Value) pipeline = VALUE_NOTHING;
	if (value_is_null(find_stage(call, input, &pipeline, error)))
		return VALUE_NOTHING;
	const char *name = value_get_text(input, "pipelineName");
	const char *stage = inbound_stage(pipeline, input, error);
	if (!stage)
		return VALUE_NOTHING;
	Value transition = value_object_take("enabled", value_bool(enabled), "lastChangedBy",
		value_string(call->principal_arn), "lastChangedAt", region_timestamp(call->region),
		NULL);
	if (!enabled)
		transition = value_with_take(
			transition, "disabledReason", value_ref(value_get(input, "reason")));
	pipeline_stage_put_take(call->region, call->scope, name, stage,
		value_with_take(pipeline_stage_get(call->region, call->scope, name, stage),
			"transition", transition));
	return VALUE_NOTHING;
}

Value pipeline_enable_transition(RegionCall *call, Value input, GError **error) {
	return set_transition(call, input, TRUE, error);
}

Value pipeline_disable_transition(RegionCall *call, Value input, GError **error) {
	return set_transition(call, input, FALSE, error);
}

/* ---- approvals ---- */

/* The approval with that token, which tells of several executions that wait in the mode PARALLEL
 * which one is meant. It is looked for among executions, not in the pipeline's structure, which may
 * have changed since. */
static Value find_approval(RegionCall *call, Value input) {
	const char *name = value_get_text(input, "pipelineName");
	g_autofree char *prefix = g_strconcat(name, "/", NULL);
	g_auto(StoreIter) iter = store_iter_prefix(
		region_store(call->region), call->scope, PIPELINE_ACTIONS, prefix);
	Value each;
	while (store_iter_next(&iter, NULL, &each))
		if (g_strcmp0(value_text(pipeline_internal(each, "token")),
			    value_get_text(input, "token")) == 0 &&
			pipeline_is(each, "actionName", value_get_text(input, "actionName")) &&
			pipeline_is(each, "stageName", value_get_text(input, "stageName")))
			return value_ref(each);
	return VALUE_NOTHING;
}

/* Why there is none. */
static void no_approval(RegionCall *call, Value input, GError **error) {
	g_auto(Value) pipeline = VALUE_NOTHING;
	Value declared = find_stage(call, input, &pipeline, error);
	if (value_is_null(declared))
		return;
	const char *name = value_get_text(input, "actionName");
	Value action = pipeline_named(value_get(declared, "actions"), "name", name, NULL);
	if (!pipeline_is(value_get(action, "actionTypeId"), "category", "Approval"))
		wire_error_set(error, "ActionNotFoundException",
			"Stage '%s' does not have an approval action with name '%s'",
			value_get_text(input, "stageName"), name);
	else
		wire_error_set(error, "InvalidApprovalTokenException",
			"The approval token is not valid for the action '%s'", name);
}

Value pipeline_put_approval(RegionCall *call, Value input, GError **error) {
	g_auto(Value) record = find_approval(call, input);
	if (value_is_null(record)) {
		no_approval(call, input, error);
		return VALUE_NOTHING;
	}
	g_autoptr(PipelineAction) running = pipeline_action_load(call->region, call->scope,
		value_get_text(input, "pipelineName"),
		value_get_text(record, "pipelineExecutionId"),
		value_get_text(record, "actionExecutionId"));
	if (!running) {
		wire_error_set(error, "ApprovalAlreadyCompletedException",
			"The approval action '%s' has already been approved or rejected",
			value_get_text(input, "actionName"));
		return VALUE_NOTHING;
	}
	Value result = value_get(input, "result");
	const char *summary = value_text_or(value_get(result, "summary"), "");
	running->updated_by = g_strdup(call->principal_arn);
	if (pipeline_is(result, "status", "Approved"))
		pipeline_action_succeed(running,
			*summary ? value_object_take("summary", value_string(summary), NULL)
				 : value_empty_object());
	else
		pipeline_action_fail(running, "JobFailed", "%s",
			*summary ? summary : "The approval was rejected.");
	return value_object_take("approvedAt", region_timestamp(call->region), NULL);
}
