/* ECR: repositories, their settings, policies and tags, and what the registry says of itself. */
#include <string.h>

#include "region/services/ecr/internal.h"
#include "value/json.h"

extern const RegionService region_ecr;

#define TOKEN_HOURS 12

/* ---- shared ---- */

StoreScope ecr_scope(RegionCall *call, Value input) {
	const char *registry = value_get_text(input, "registryId");
	gboolean administrator = g_str_has_suffix(call->principal_arn, ":root");
	if (!registry || !administrator)
		return call->scope;
	return (StoreScope){g_intern_string(registry), call->scope.region};
}

/* Another account's registry is only the administrator's to see. */
static gboolean is_visible(RegionCall *call, Value input) {
	const char *registry = value_get_text(input, "registryId");
	return !registry || g_str_equal(registry, ecr_scope(call, input).account);
}

static void no_repository(const char *name, const char *registry, GError **error) {
	wire_error_set(error, "RepositoryNotFoundException",
		"The repository with name '%s' does not exist in the registry with id '%s'", name,
		registry);
}

Value ecr_repository(Region *region, StoreScope scope, const char *name, GError **error) {
	Value found = store_get(region_store(region), scope, ECR_REPOSITORIES, name);
	if (value_is_null(found))
		no_repository(name, scope.account, error);
	return found;
}

gboolean ecr_check_repository(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "repositoryName");
	StoreScope scope = ecr_scope(call, input);
	if (is_visible(call, input) &&
		store_has(region_store(call->region), scope, ECR_REPOSITORIES, name))
		return TRUE;
	no_repository(name, value_text_or(value_get(input, "registryId"), scope.account), error);
	return FALSE;
}

Value ecr_answer(RegionCall *call, Value input) {
	return value_object_take("repositoryName", value_ref(value_get(input, "repositoryName")),
		"registryId", value_string(ecr_scope(call, input).account), NULL);
}

Value ecr_page(Value input, const char *member, Value items_taken, GError **error) {
	g_auto(Value) items = items_taken;
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	g_auto(Value) page = region_page(items, value_get_int(input, "maxResults", ECR_PAGE),
		value_get_text(input, "nextToken"), "InvalidParameterException", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value output = value_object_take(member, value_steal(&page), NULL);
	return next ? value_with_take(output, "nextToken", value_string(next)) : output;
}

char *ecr_key(const char *repository, const char *rest) {
	return g_strdup_printf("%s\n%s", repository, rest);
}

/* ---- repositories ---- */

static gboolean check_mutability(Value input, GError **error) {
	gboolean excludes = g_str_has_suffix(
		value_text_or(value_get(input, "imageTagMutability"), "MUTABLE"), "_EXCLUSION");
	if (excludes == (value_length(value_get(input, "imageTagMutabilityExclusionFilters")) > 0))
		return TRUE;
	wire_error_set(error, "InvalidParameterException",
		excludes ? "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to "
			   "satisfy constraint: 'exclusion filters are required by this "
			   "imageTagMutability'"
			 : "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to "
			   "satisfy constraint: 'imageTagMutability must be one with exclusion'");
	return FALSE;
}

static Value with_mutability(Value repository_taken, Value input) {
	Value filters = value_get(input, "imageTagMutabilityExclusionFilters");
	Value changed = value_with_take(repository_taken, "imageTagMutability",
		value_string(value_text_or(value_get(input, "imageTagMutability"), "MUTABLE")));
	return value_length(filters) > 0
		       ? value_with_take(
				 changed, "imageTagMutabilityExclusionFilters", value_ref(filters))
		       : value_without_take(changed, "imageTagMutabilityExclusionFilters");
}

static Value scanning(Value input) {
	return value_object_take("scanOnPush",
		value_bool(value_to_bool(
			value_get_path(input, "imageScanningConfiguration", "scanOnPush", NULL))),
		NULL);
}

static Value encryption(Value input) {
	Value given = value_get(input, "encryptionConfiguration");
	return value_is_null(given)
		       ? value_object_take("encryptionType", value_string("AES256"), NULL)
		       : value_ref(given);
}

static Value create_repository(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "repositoryName");
	StoreScope scope = ecr_scope(call, input);
	if (store_has(region_store(call->region), scope, ECR_REPOSITORIES, name)) {
		wire_error_set(error, "RepositoryAlreadyExistsException",
			"The repository with name '%s' already exists in the registry with id '%s'",
			name, scope.account);
		return VALUE_NOTHING;
	}
	if (!check_mutability(input, error))
		return VALUE_NOTHING;
	g_autofree char *arn = region_arn(scope, "ecr", "repository/%s", name);
	Value repository = value_object_take("repositoryName", value_string(name), "registryId",
		value_string(scope.account), "repositoryArn", value_string(arn), "repositoryUri",
		value_string_printf(
			"%s.dkr.ecr.%s.amazonaws.com/%s", scope.account, scope.region, name),
		"createdAt", region_timestamp(call->region), "imageScanningConfiguration",
		scanning(input), "encryptionConfiguration", encryption(input), NULL);
	repository = with_mutability(repository, input);
	store_put(region_store(call->region), scope, ECR_REPOSITORIES, name, repository);
	g_auto(Value) tags = region_tags_from_list(value_get(input, "tags"), "Key", "Value");
	region_tags_set(call->region, scope, arn, tags);
	return value_object_take("repository", repository, NULL);
}

static Value named_repositories(RegionCall *call, Value input, GError **error) {
	Value names = value_get(input, "repositoryNames");
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(names); i++) {
		const char *name = value_text(value_at(names, i));
		Value repository =
			ecr_repository(call->region, ecr_scope(call, input), name, error);
		if (value_is_null(repository))
			return VALUE_NOTHING;
		value_builder_add_take(found, repository);
	}
	return value_builder_end(g_steal_pointer(&found));
}

static Value all_repositories(RegionCall *call, Value input) {
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), ecr_scope(call, input), ECR_REPOSITORIES);
	const char *name;
	Value repository;
	while (store_iter_next(&iter, &name, &repository))
		value_builder_add_take(found, value_ref(repository));
	return value_builder_end(g_steal_pointer(&found));
}

static Value describe_repositories(RegionCall *call, Value input, GError **error) {
	gboolean by_name = value_length(value_get(input, "repositoryNames")) > 0;
	if (!is_visible(call, input)) {
		wire_error_set(error, "RepositoryNotFoundException",
			"The registry with id '%s' is another account's",
			value_get_text(input, "registryId"));
		return VALUE_NOTHING;
	}
	g_auto(Value) found =
		by_name ? named_repositories(call, input, error) : all_repositories(call, input);
	if (value_is_null(found))
		return VALUE_NOTHING;
	return ecr_page(input, "repositories", value_steal(&found), error);
}

static gboolean has_images(Region *region, StoreScope scope, const char *name) {
	g_autofree char *prefix = ecr_key(name, "");
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, ECR_IMAGES, prefix);
	const char *id;
	Value image;
	return store_iter_next(&iter, &id, &image);
}

static Value delete_repository(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "repositoryName");
	StoreScope scope = ecr_scope(call, input);
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	if (!value_get_bool(input, "force") && has_images(call->region, scope, name)) {
		wire_error_set(error, "RepositoryNotEmptyException",
			"The repository with name '%s' in registry with id '%s' cannot be deleted "
			"because it still contains images",
			name, scope.account);
		return VALUE_NOTHING;
	}
	Store *store = region_store(call->region);
	Value repository = store_get(store, scope, ECR_REPOSITORIES, name);
	ecr_images_delete_all(call->region, scope, name);
	store_delete(store, scope, ECR_POLICIES, name);
	store_delete(store, scope, ECR_LIFECYCLES, name);
	store_delete(store, scope, ECR_PREVIEWS, name);
	store_delete(store, scope, ECR_REPOSITORIES, name);
	region_tags_clear(call->region, scope, value_get_text(repository, "repositoryArn"));
	return value_object_take("repository", repository, NULL);
}

/* ---- settings ---- */

static void put_repository(RegionCall *call, Value input, Value repository_taken) {
	store_put_take(region_store(call->region), ecr_scope(call, input), ECR_REPOSITORIES,
		value_get_text(input, "repositoryName"), repository_taken);
}

static Value get_repository(RegionCall *call, Value input, GError **error) {
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	return store_get(region_store(call->region), ecr_scope(call, input), ECR_REPOSITORIES,
		value_get_text(input, "repositoryName"));
}

static Value put_mutability(RegionCall *call, Value input, GError **error) {
	Value repository = get_repository(call, input, error);
	if (value_is_null(repository) || !check_mutability(input, error)) {
		value_unref(repository);
		return VALUE_NOTHING;
	}
	put_repository(call, input, with_mutability(repository, input));
	return with_mutability(ecr_answer(call, input), input);
}

static Value put_scanning(RegionCall *call, Value input, GError **error) {
	Value repository = get_repository(call, input, error);
	if (value_is_null(repository))
		return VALUE_NOTHING;
	put_repository(call, input,
		value_with_take(repository, "imageScanningConfiguration", scanning(input)));
	return value_with_take(
		ecr_answer(call, input), "imageScanningConfiguration", scanning(input));
}

/* ---- the repository's policy ---- */

static Value policy_answer(RegionCall *call, Value input, Value text_taken) {
	return value_with_take(ecr_answer(call, input), "policyText", text_taken);
}

static Value set_policy(RegionCall *call, Value input, GError **error) {
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	Value text = value_get(input, "policyText");
	g_auto(Value) policy = value_from_json(value_text(text), -1, NULL);
	if (!value_is_mapping(policy) || !value_has(policy, "Statement")) {
		wire_error_set(error, "InvalidParameterException",
			"Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid "
			"repository policy provided'");
		return VALUE_NOTHING;
	}
	store_put(region_store(call->region), ecr_scope(call, input), ECR_POLICIES,
		value_get_text(input, "repositoryName"), text);
	return policy_answer(call, input, value_ref(text));
}

static Value get_policy(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "repositoryName");
	StoreScope scope = ecr_scope(call, input);
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	Value text = store_get(region_store(call->region), scope, ECR_POLICIES, name);
	if (!value_is_null(text))
		return policy_answer(call, input, text);
	wire_error_set(error, "RepositoryPolicyNotFoundException",
		"Repository policy does not exist for the repository with name '%s' in the "
		"registry with id '%s'",
		name, scope.account);
	return VALUE_NOTHING;
}

static Value delete_policy(RegionCall *call, Value input, GError **error) {
	Value answer = get_policy(call, input, error);
	if (!value_is_null(answer))
		store_delete(region_store(call->region), ecr_scope(call, input), ECR_POLICIES,
			value_get_text(input, "repositoryName"));
	return answer;
}

/* ---- the registry ---- */

static Value describe_registry(RegionCall *call, Value input, GError **error) {
	return value_object_take("registryId", value_string(call->scope.account),
		"replicationConfiguration", value_object_take("rules", value_empty_tuple(), NULL),
		NULL);
}

static Value token_for(RegionCall *call, const char *registry) {
	gint64 expires = region_now(call->region) + TOKEN_HOURS * G_TIME_SPAN_HOUR;
	g_autofree char *token = ecr_token_for(call, registry, expires);
	g_autofree char *login = g_strdup_printf("AWS:%s", token);
	g_autofree char *encoded = g_base64_encode((const guchar *)login, strlen(login));
	return value_object_take("authorizationToken", value_string(encoded), "expiresAt",
		value_double((double)(expires / 1000) / 1000), "proxyEndpoint",
		value_string_printf(
			"https://%s.dkr.ecr.%s.amazonaws.com", registry, call->scope.region),
		NULL);
}

static Value get_token(RegionCall *call, Value input, GError **error) {
	Value registries = value_get(input, "registryIds");
	g_autoptr(ValueBuilder) tokens = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(registries); i++)
		value_builder_add_take(
			tokens, token_for(call, value_text(value_at(registries, i))));
	if (value_length(registries) == 0)
		value_builder_add_take(tokens, token_for(call, call->scope.account));
	return value_object_take(
		"authorizationData", value_builder_end(g_steal_pointer(&tokens)), NULL);
}

/* ---- tags ---- */

static gboolean check_arn(RegionCall *call, const char *arn, GError **error) {
	g_autofree char *resource = NULL;
	if (!region_arn_parse(arn, NULL, NULL, NULL, &resource) ||
		!g_str_has_prefix(resource, "repository/")) {
		wire_error_set(error, "InvalidParameterException",
			"Invalid parameter at 'resourceArn' failed to satisfy constraint: "
			"'Invalid ARN'");
		return FALSE;
	}
	g_auto(Value) repository =
		ecr_repository(call->region, call->scope, resource + strlen("repository/"), error);
	return !value_is_null(repository);
}

static Value tag_resource(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "resourceArn");
	g_auto(Value) tags = region_tags_from_list(value_get(input, "tags"), "Key", "Value");
	if (check_arn(call, arn, error))
		region_tags_set(call->region, call->scope, arn, tags);
	return VALUE_NOTHING;
}

static Value untag_resource(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "resourceArn");
	Value keys = value_get(input, "tagKeys");
	if (!check_arn(call, arn, error))
		return VALUE_NOTHING;
	for (gsize i = 0; i < value_length(keys); i++)
		region_tags_remove(call->region, call->scope, arn, value_text(value_at(keys, i)));
	return VALUE_NOTHING;
}

static Value list_tags(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "resourceArn");
	if (!check_arn(call, arn, error))
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags(call->region, call->scope, arn);
	return value_object_take("tags", region_tags_to_list(tags, "Key", "Value"), NULL);
}

static const RegionOperation operations[] = {
	{"CreateRepository", create_repository, FALSE},
	{"DescribeRepositories", describe_repositories, TRUE},
	{"DeleteRepository", delete_repository, FALSE},
	{"PutImageTagMutability", put_mutability, FALSE},
	{"PutImageScanningConfiguration", put_scanning, FALSE},
	{"SetRepositoryPolicy", set_policy, FALSE},
	{"GetRepositoryPolicy", get_policy, TRUE},
	{"DeleteRepositoryPolicy", delete_policy, FALSE},
	{"DescribeRegistry", describe_registry, TRUE},
	{"GetAuthorizationToken", get_token, FALSE},
	{"TagResource", tag_resource, FALSE},
	{"UntagResource", untag_resource, FALSE},
	{"ListTagsForResource", list_tags, TRUE},
	{NULL, NULL, FALSE},
};

const RegionService region_ecr = {.name = "ecr", .operations = operations};
