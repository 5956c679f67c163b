/* The action types that we have, and those of AWS that we lack and say so. */
#include "region/services/codepipeline/internal.h"

const PipelineProvider *const pipeline_providers[] = {
	&pipeline_source_connection,
	&pipeline_source_s3,
	&pipeline_source_ecr,
	&pipeline_build,
	&pipeline_test,
	&pipeline_approval,
	&pipeline_deploy_ecs,
	&pipeline_deploy_s3,
	NULL,
};

/* Category, owner, provider. */
static const char *const lacking[][3] = {
	{"Source", "AWS", "CodeCommit"},
	{"Source", "ThirdParty", "GitHub"},
	{"Build", "AWS", "ECRBuildAndPublish"},
	{"Build", "Custom", "Jenkins"},
	{"Test", "Custom", "Jenkins"},
	{"Test", "AWS", "DeviceFarm"},
	{"Test", "ThirdParty", "BlazeMeter"},
	{"Test", "ThirdParty", "GhostInspector"},
	{"Deploy", "AWS", "AppConfig"},
	{"Deploy", "AWS", "CloudFormation"},
	{"Deploy", "AWS", "CloudFormationStackInstances"},
	{"Deploy", "AWS", "CloudFormationStackSet"},
	{"Deploy", "AWS", "CodeDeploy"},
	{"Deploy", "AWS", "CodeDeployToECS"},
	{"Deploy", "AWS", "EC2"},
	{"Deploy", "AWS", "EKS"},
	{"Deploy", "AWS", "ElasticBeanstalk"},
	{"Deploy", "AWS", "Lambda"},
	{"Deploy", "AWS", "OpsWorks"},
	{"Deploy", "AWS", "ServiceCatalog"},
	{"Deploy", "ThirdParty", "AlexaSkillsKit"},
	{"Invoke", "AWS", "CodePipeline"},
	{"Invoke", "AWS", "InspectorScan"},
	{"Invoke", "AWS", "Lambda"},
	{"Invoke", "AWS", "StepFunctions"},
	{"Invoke", "ThirdParty", "Snyk"},
	{"Compute", "AWS", "Commands"},
};

static gboolean is_type(Value type, const char *category, const char *owner, const char *provider) {
	return pipeline_is(type, "category", category) && pipeline_is(type, "owner", owner) &&
	       pipeline_is(type, "provider", provider);
}

const PipelineProvider *pipeline_provider(Value type) {
	for (const PipelineProvider *const *each = pipeline_providers; *each; each++)
		if (is_type(type, (*each)->category, (*each)->owner, (*each)->provider) &&
			pipeline_is(type, "version", "1"))
			return *each;
	return NULL;
}

gboolean pipeline_is_known_type(Value type) {
	for (guint i = 0; i < G_N_ELEMENTS(lacking); i++)
		if (is_type(type, lacking[i][0], lacking[i][1], lacking[i][2]))
			return TRUE;
	return FALSE;
}

static Value describe(const PipelineProvider *provider) {
	g_autoptr(ValueBuilder) keys = value_builder_new(VALUE_TUPLE, NULL);
	for (const PipelineConfigurationKey *key = provider->configuration; key->key; key++)
		value_builder_add_take(
			keys, value_object_take("name", value_string(key->key), "required",
				      value_bool(key->required), "key", value_bool(key->required),
				      "secret", value_bool(FALSE), NULL));
	Value id = value_object_take("category", value_string(provider->category), "owner",
		value_string(provider->owner), "provider", value_string(provider->provider),
		"version", value_string("1"), NULL);
	return value_object_take("id", id, "actionConfigurationProperties",
		value_builder_end(g_steal_pointer(&keys)), "inputArtifactDetails",
		value_object_take("minimumCount", value_int(provider->min_inputs), "maximumCount",
			value_int(provider->max_inputs), NULL),
		"outputArtifactDetails",
		value_object_take("minimumCount", value_int(provider->min_outputs), "maximumCount",
			value_int(provider->max_outputs), NULL),
		NULL);
}

Value pipeline_list_action_types(RegionCall *call, Value input, GError **error) {
	const char *owner = value_get_text(input, "actionOwnerFilter");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (const PipelineProvider *const *each = pipeline_providers; *each; each++)
		if (!owner || g_str_equal(owner, (*each)->owner))
			value_builder_add_take(all, describe(*each));
	g_auto(Value) items = value_builder_end(g_steal_pointer(&all));
	return pipeline_page(call, input, "actionTypes", items, 100, error);
}
