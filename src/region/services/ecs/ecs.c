/*
 * ECS: the service's table of operations, and small things that its files share. The operations
 * themselves are in the files beside, each with a table of its own.
 */
#include <string.h>

#include "region/services/ecs/internal.h"

extern const RegionService region_ecs;

Value ecs_view_take(Value object) {
	return value_has(object, ECS_INTERNAL) ? value_without_take(object, ECS_INTERNAL) : object;
}

char *ecs_name(const char *name_or_arn, const char *resource_type) {
	g_autofree char *resource = NULL;
	if (!region_arn_parse(name_or_arn, NULL, NULL, NULL, &resource))
		return g_strdup(name_or_arn);
	g_autofree char *prefix = g_strconcat(resource_type, "/", NULL);
	if (!g_str_has_prefix(resource, prefix))
		return g_strdup(name_or_arn);
	return g_strdup(strrchr(resource, '/') + 1);
}

Value ecs_failure(const char *arn, const char *reason) {
	return value_object_take("arn", value_string(arn), "reason", value_string(reason), NULL);
}

gboolean ecs_has_word(Value words, const char *word) {
	for (gsize i = 0; i < value_length(words); i++)
		if (g_strcmp0(value_text(value_at(words, i)), word) == 0)
			return TRUE;
	return FALSE;
}

Value ecs_page(RegionCall *call, Value input, const char *member, Value items, gint64 most,
	GError **error) {
	gint64 max = value_get_int(input, "maxResults", most);
	if (max < 1 || max > 100) {
		wire_error_set(error, "InvalidParameterException",
			"maxResults must be between 1 and 100.");
		return VALUE_NOTHING;
	}
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	g_auto(Value) page = region_page(items, max, value_get_text(input, "nextToken"),
		"InvalidParameterException", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	return value_object_take(member, value_steal(&page), "nextToken", value_string(next), NULL);
}

Value ecs_pick(Value input, const char *const *names) {
	g_autoptr(ValueBuilder) picked = value_builder_new(VALUE_OBJECT, NULL);
	for (; *names; names++)
		if (value_has(input, *names))
			value_builder_set_take(picked, *names, value_ref(value_get(input, *names)));
	return value_builder_end(g_steal_pointer(&picked));
}

static const RegionOperation operations[] = {
	{"CreateCluster", ecs_create_cluster},
	{"DescribeClusters", ecs_describe_clusters, .reads_only = TRUE},
	{"ListClusters", ecs_list_clusters, .reads_only = TRUE},
	{"UpdateCluster", ecs_update_cluster},
	{"UpdateClusterSettings", ecs_update_cluster},
	{"PutClusterCapacityProviders", ecs_put_cluster_capacity_providers},
	{"DeleteCluster", ecs_delete_cluster},
	{"DescribeCapacityProviders", ecs_describe_capacity_providers, .reads_only = TRUE},
	{"RegisterTaskDefinition", ecs_register_task_definition},
	{"DeregisterTaskDefinition", ecs_deregister_task_definition},
	{"DescribeTaskDefinition", ecs_describe_task_definition, .reads_only = TRUE},
	{"ListTaskDefinitions", ecs_list_task_definitions, .reads_only = TRUE},
	{"ListTaskDefinitionFamilies", ecs_list_task_definition_families, .reads_only = TRUE},
	{"DeleteTaskDefinitions", ecs_delete_task_definitions},
	{"RunTask", ecs_run_task},
	{"StopTask", ecs_stop_task},
	{"DescribeTasks", ecs_describe_tasks, .reads_only = TRUE},
	{"ListTasks", ecs_list_tasks, .reads_only = TRUE},
	{"CreateService", ecs_create_service},
	{"UpdateService", ecs_update_service},
	{"DeleteService", ecs_delete_service},
	{"DescribeServices", ecs_describe_services, .reads_only = TRUE},
	{"ListServices", ecs_list_services, .reads_only = TRUE},
	{"ListServiceDeployments", ecs_list_service_deployments, .reads_only = TRUE},
	{"DescribeServiceDeployments", ecs_describe_service_deployments, .reads_only = TRUE},
	{"DescribeServiceRevisions", ecs_describe_service_revisions, .reads_only = TRUE},
	{"StopServiceDeployment", ecs_stop_service_deployment},
	{"TagResource", ecs_tag_resource},
	{"UntagResource", ecs_untag_resource},
	{"ListTagsForResource", ecs_list_tags_for_resource, .reads_only = TRUE},
	{"PutAccountSetting", ecs_put_account_setting},
	{"PutAccountSettingDefault", ecs_put_account_setting_default},
	{"DeleteAccountSetting", ecs_delete_account_setting},
	{"ListAccountSettings", ecs_list_account_settings, .reads_only = TRUE},
	{NULL},
};

static gboolean start(Region *region, GError **error) {
	return ecs_tasks_start(region, error) && ecs_scheduler_start(region, error);
}

const RegionService region_ecs = {
	.name = "ecs", .operations = operations, .start = start, .routes = ecs_routes};
