/*
 * Rules of stage conditions, and webhooks: there are none (declarations with conditions, and
 * PutWebhook, are refused by name). So what lists them tells of none, and no condition can be
 * overridden.
 */
#include "region/services/codepipeline/internal.h"

Value pipeline_list_rule_types(RegionCall *call, Value input, GError **error) {
	return value_object_take("ruleTypes", value_empty_tuple(), NULL);
}

Value pipeline_list_webhooks(RegionCall *call, Value input, GError **error) {
	return value_object_take("webhooks", value_empty_tuple(), NULL);
}

Value pipeline_list_rule_executions(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "pipelineName");
	Value filter = value_get(input, "filter"),
	      latest = value_get(filter, "latestInPipelineExecution");
	const char *id =
		value_get_text(value_is_null(latest) ? filter : latest, "pipelineExecutionId");
	g_auto(Value) pipeline = pipeline_get(call->region, call->scope, name, error);
	if (value_is_null(pipeline))
		return VALUE_NOTHING;
	g_auto(Value) execution =
		id ? pipeline_execution_find(call, name, id, error) : VALUE_NOTHING;
	return id && value_is_null(execution)
		       ? VALUE_NOTHING
		       : value_object_take("ruleExecutionDetails", value_empty_tuple(), NULL);
}

Value pipeline_override_condition(RegionCall *call, Value input, GError **error) {
	const char *stage = value_get_text(input, "stageName");
	g_auto(Value) pipeline = pipeline_get(
		call->region, call->scope, value_get_text(input, "pipelineName"), error);
	if (value_is_null(pipeline) ||
		!pipeline_stage_find(value_get(pipeline, "declaration"), stage, NULL, error))
		return VALUE_NOTHING;
	wire_error_set(error, "ConditionNotOverridableException",
		"Unable to override because the condition does not allow overrides: the stage '%s' "
		"has no condition of the type %s",
		stage, value_get_text(input, "conditionType"));
	return VALUE_NOTHING;
}
