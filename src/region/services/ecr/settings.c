/*
 * ECR: what the registry has been told for all its repositories. Nothing can be: images are not
 * scanned, not fetched from elsewhere and not copied to elsewhere, and the calls that would set so
 * are refused by name. So what reads these settings tells of none.
 */
#include "region/services/ecr/internal.h"

extern const RegionService region_ecr_settings;

/* ---- scanning ---- */

static Value scanning_of(Value repository) {
	gboolean on_push = value_to_bool(
		value_get_path(repository, "imageScanningConfiguration", "scanOnPush", NULL));
	return value_object_take("repositoryArn", value_ref(value_get(repository, "repositoryArn")),
		"repositoryName", value_ref(value_get(repository, "repositoryName")), "scanOnPush",
		value_bool(on_push), "scanFrequency",
		value_string(on_push ? "SCAN_ON_PUSH" : "MANUAL"), "appliedScanFilters",
		value_empty_tuple(), NULL);
}

static Value batch_get_scanning(RegionCall *call, Value input, GError **error) {
	Value names = value_get(input, "repositoryNames");
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(names); i++) {
		const char *name = value_text(value_at(names, i));
		g_autoptr(GError) local = NULL;
		g_auto(Value) repository = ecr_repository(call->region, call->scope, name, &local);
		if (local)
			value_builder_add_take(failures,
				value_object_take("repositoryName", value_string(name),
					"failureCode", value_string("REPOSITORY_NOT_FOUND"),
					"failureReason", value_string(local->message), NULL));
		else
			value_builder_add_take(found, scanning_of(repository));
	}
	return value_object_take("scanningConfigurations",
		value_builder_end(g_steal_pointer(&found)), "failures",
		value_builder_end(g_steal_pointer(&failures)), NULL);
}

static Value get_scanning(RegionCall *call, Value input, GError **error) {
	return value_object_take("registryId", value_string(call->scope.account),
		"scanningConfiguration",
		value_object_take(
			"scanType", value_string("BASIC"), "rules", value_empty_tuple(), NULL),
		NULL);
}

/* ---- the policy, what is fetched from elsewhere ---- */

static Value get_policy(RegionCall *call, Value input, GError **error) {
	wire_error_set(error, "RegistryPolicyNotFoundException",
		"Registry policy does not exist in the registry with id '%s'", call->scope.account);
	return VALUE_NOTHING;
}

static Value list_cache_rules(RegionCall *call, Value input, GError **error) {
	Value prefixes = value_get(input, "ecrRepositoryPrefixes");
	if (value_length(prefixes) == 0)
		return ecr_page(input, "pullThroughCacheRules", value_empty_tuple(), error);
	wire_error_set(error, "PullThroughCacheRuleNotFoundException",
		"The pull through cache rule with the repository prefix '%s' does not exist in the "
		"registry with id '%s'",
		value_text(value_at(prefixes, 0)), call->scope.account);
	return VALUE_NOTHING;
}

static Value list_templates(RegionCall *call, Value input, GError **error) {
	Value page = ecr_page(input, "repositoryCreationTemplates", value_empty_tuple(), error);
	return value_is_null(page)
		       ? page
		       : value_with_take(page, "registryId", value_string(call->scope.account));
}

static const RegionOperation operations[] = {
	{"BatchGetRepositoryScanningConfiguration", batch_get_scanning, TRUE},
	{"GetRegistryScanningConfiguration", get_scanning, TRUE},
	{"GetRegistryPolicy", get_policy, TRUE},
	{"DescribePullThroughCacheRules", list_cache_rules, TRUE},
	{"DescribeRepositoryCreationTemplates", list_templates, TRUE},
	{NULL, NULL, FALSE},
};

const RegionService region_ecr_settings = {.name = "ecr", .operations = operations};
