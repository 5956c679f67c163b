/*
 * The manual approval: waits for PutApprovalResult (history.c). Its token is its external id too,
 * by which those of pipelines in the mode PARALLEL are answered. Nobody is notified: there is no
 * SNS.
 */
#include "region/services/codepipeline/internal.h"

#define WEEK_MINUTES (7 * 24 * 60)

static void wait(PipelineAction *action) {
}

static const PipelineConfigurationKey keys[] = {
	{"CustomData"}, {"ExternalEntityLink"}, {"NotificationArn", .lacking = TRUE}, {NULL}};

const PipelineProvider pipeline_approval = {.category = "Approval",
	.owner = "AWS",
	.provider = "Manual",
	.configuration = keys,
	.timeout_minutes = WEEK_MINUTES,
	.run = wait};
