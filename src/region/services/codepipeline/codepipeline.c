/* CodePipeline: its operations. */
#include "region/services/codepipeline/internal.h"

extern const RegionService region_codepipeline, region_codepipeline_sources;

static const RegionOperation operations[] = {
	{"CreatePipeline", pipeline_create},
	{"DeletePipeline", pipeline_delete},
	{"DisableStageTransition", pipeline_disable_transition},
	{"EnableStageTransition", pipeline_enable_transition},
	{"GetPipeline", pipeline_read, .reads_only = TRUE},
	{"GetPipelineExecution", pipeline_get_execution, .reads_only = TRUE},
	{"GetPipelineState", pipeline_get_state, .reads_only = TRUE},
	{"ListActionExecutions", pipeline_list_action_executions, .reads_only = TRUE},
	{"ListActionTypes", pipeline_list_action_types, .reads_only = TRUE},
	{"ListPipelineExecutions", pipeline_list_executions, .reads_only = TRUE},
	{"ListPipelines", pipeline_list, .reads_only = TRUE},
	{"ListRuleExecutions", pipeline_list_rule_executions, .reads_only = TRUE},
	{"ListRuleTypes", pipeline_list_rule_types, .reads_only = TRUE},
	{"ListTagsForResource", pipeline_list_tags, .reads_only = TRUE},
	{"ListWebhooks", pipeline_list_webhooks, .reads_only = TRUE},
	{"OverrideStageCondition", pipeline_override_condition, .reads_only = TRUE},
	{"PutActionRevision", pipeline_put_revision},
	{"PutApprovalResult", pipeline_put_approval},
	{"RetryStageExecution", pipeline_retry_stage},
	{"RollbackStage", pipeline_rollback_stage},
	{"StartPipelineExecution", pipeline_start_execution},
	{"StopPipelineExecution", pipeline_stop_execution},
	{"TagResource", pipeline_tag},
	{"UntagResource", pipeline_untag},
	{"UpdatePipeline", pipeline_update},
	{NULL},
};

static gboolean start(Region *region, GError **error) {
	pipeline_prune_start(region);
	return pipeline_executor_start(region, error);
}

const RegionService region_codepipeline = {
	.name = "codepipeline", .operations = operations, .start = start};

const RegionService region_codepipeline_sources = {.start = pipeline_sources_start};
