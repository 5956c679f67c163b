/* Managed policies: customers' own, with versions, and AWS's. */
#include <string.h>

#include "region/services/iam/internal.h"
#include "region/services/iam/managed_files.h"
#include "value/json.h"

#define MOST_VERSIONS 5
/* When AWS's policies are said to be made: 2020-01-01. */
#define AWS_POLICIES_SINCE 1577836800

extern const RegionService region_iam_policies;

/* ---- AWS's own ---- */

/* Name behind "policy/" -> document, or null where only the name is known. Made once from
 * managed_policies.json, as models are. */
static Value aws_policies(void) {
	static Value policies;
	if (value_is_null(policies)) {
		g_autoptr(GError) broken = NULL;
		policies = value_from_json(
			iam_managed_files[0].text, (gssize)iam_managed_files[0].length, &broken);
		g_assert_no_error(broken);
	}
	return policies;
}

static gboolean is_aws(const char *arn) {
	return g_str_has_prefix(arn, IAM_AWS_POLICY);
}

/* The Policy shape of one of AWS's, with its one version; VALUE_NOTHING if we know none such. */
static Value aws_policy(const char *arn) {
	const char *name = arn + strlen(IAM_AWS_POLICY);
	if (!is_aws(arn) || !value_has(aws_policies(), name))
		return VALUE_NOTHING;
	Value document = value_get(aws_policies(), name);
	g_autofree char *path = g_strdup_printf("/%s", name);
	char *slash = strrchr(path, '/');
	Value versions = value_empty_object();
	if (!value_is_null(document))
		versions = value_with_take(versions, "v1",
			value_object_take("Document",
				value_string_take(value_to_json(document, VALUE_JSON_COMPACT)),
				"CreateDate", value_int(AWS_POLICIES_SINCE), NULL));
	Value shown_name = value_string(slash + 1);
	slash[1] = '\0';
	g_autofree char *id = g_compute_checksum_for_string(G_CHECKSUM_SHA256, arn, -1);
	g_autofree char *upper = g_ascii_strup(id, 17);
	return value_object_take("PolicyName", shown_name, "PolicyId",
		value_string_printf("ANPA%s", upper), "Arn", value_string(arn), "Path",
		value_string(path), "DefaultVersionId", value_string("v1"), "IsAttachable",
		value_bool(TRUE), "PermissionsBoundaryUsageCount", value_int(0), "CreateDate",
		value_int(AWS_POLICIES_SINCE), "UpdateDate", value_int(AWS_POLICIES_SINCE),
		IAM_INTERNAL, value_object_take("Versions", versions, NULL), NULL);
}

/* ---- customers' ---- */

static Value find_policy(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "PolicyArn");
	Value policy = is_aws(arn) ? aws_policy(arn)
				   : store_get(region_store(call->region), call->global,
					     IAM_POLICIES, arn);
	if (value_is_null(policy))
		iam_no_such(error, "Policy %s does not exist or is not attachable.", arn);
	return policy;
}

/* The same to change it: AWS's are not for that. */
static Value find_own(RegionCall *call, Value input, GError **error) {
	if (!is_aws(value_get_text(input, "PolicyArn")))
		return find_policy(call, input, error);
	wire_error_set_status(error, 403, "AccessDenied",
		"User: %s is not authorized to change the AWS managed policy %s.",
		call->principal_arn, value_get_text(input, "PolicyArn"));
	return VALUE_NOTHING;
}

static void put_policy_object(RegionCall *call, Value policy_taken) {
	store_put_take(region_store(call->region), call->global, IAM_POLICIES,
		value_get_text(policy_taken, "Arn"), policy_taken);
}

char *iam_managed_document(
	Region *region, StoreScope global, const char *policy_arn, gboolean *known) {
	g_auto(Value) policy = is_aws(policy_arn) ? aws_policy(policy_arn)
						  : store_get(region_store(region), global,
							    IAM_POLICIES, policy_arn);
	const char *version = value_get_text(policy, "DefaultVersionId");
	const char *document = version ? value_text(value_get_path(iam_inside(policy, "Versions"),
						 version, "Document", NULL))
				       : NULL;
	*known = document || !is_aws(policy_arn);
	return g_strdup(document);
}

gboolean iam_is_attachable(RegionCall *call, const char *arn, GError **error) {
	if (is_aws(arn) ? value_has(aws_policies(), arn + strlen(IAM_AWS_POLICY))
			: store_has(region_store(call->region), call->global, IAM_POLICIES, arn))
		return TRUE;
	if (is_aws(arn))
		iam_no_such(error,
			"Policy %s is not among the AWS managed policies that Terrarium knows.",
			arn);
	else
		iam_no_such(error, "Policy %s does not exist or is not attachable.", arn);
	return FALSE;
}

static Value policy_view(RegionCall *call, Value policy) {
	return value_with_take(iam_view(call, policy), "AttachmentCount",
		value_int(iam_attachment_count(
			call->region, call->global, value_get_text(policy, "Arn"))));
}

static Value new_version(RegionCall *call, const char *document) {
	return value_object_take("Document", value_string(document), "CreateDate",
		region_timestamp(call->region), NULL);
}

static Value version_view(Value policy, const char *id, gboolean with_document) {
	Value version = value_get(iam_inside(policy, "Versions"), id);
	Value shown = value_object_take("VersionId", value_string(id), "IsDefaultVersion",
		value_bool(g_strcmp0(id, value_get_text(policy, "DefaultVersionId")) == 0),
		"CreateDate", value_ref(value_get(version, "CreateDate")), NULL);
	return with_document ? value_with_take(shown, "Document",
				       iam_encoded(value_get_text(version, "Document")))
			     : shown;
}

static Value create_policy(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "PolicyName");
	const char *path = value_text_or(value_get(input, "Path"), "/");
	const char *document = value_get_text(input, "PolicyDocument");
	if (!iam_check_document(document, FALSE, error))
		return VALUE_NOTHING;
	g_autofree char *arn = region_arn(call->global, "iam", "policy%s%s", path, name);
	if (store_has(region_store(call->region), call->global, IAM_POLICIES, arn)) {
		wire_error_set_status(error, 409, "EntityAlreadyExists",
			"A policy called %s already exists. Duplicate names are not allowed.",
			name);
		return VALUE_NOTHING;
	}
	g_auto(Value) now = region_timestamp(call->region);
	g_auto(Value) policy = value_object_take("PolicyName", value_string(name), "PolicyId",
		iam_unique_id("ANPA"), "Arn", value_string(arn), "Path", value_string(path),
		"DefaultVersionId", value_string("v1"), "IsAttachable", value_bool(TRUE),
		"PermissionsBoundaryUsageCount", value_int(0), "CreateDate", value_ref(now),
		"UpdateDate", value_ref(now), IAM_INTERNAL,
		value_object_take("Last", value_int(1), "Versions",
			value_object_take("v1", new_version(call, document), NULL), NULL),
		NULL);
	if (value_has(input, "Description"))
		policy = value_with_take(value_steal(&policy), "Description",
			value_ref(value_get(input, "Description")));
	put_policy_object(call, value_ref(policy));
	iam_set_tags(call, input, policy);
	return value_object_take("Policy", policy_view(call, policy), NULL);
}

static Value get_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	return value_is_null(policy) ? VALUE_NOTHING
				     : value_object_take("Policy", policy_view(call, policy), NULL);
}

static gboolean is_listed(RegionCall *call, Value input, Value policy) {
	const char *prefix = value_text_or(value_get(input, "PathPrefix"), "/");
	return g_str_has_prefix(value_get_text(policy, "Path"), prefix) &&
	       (!value_get_bool(input, "OnlyAttached") ||
		       iam_attachment_count(
			       call->region, call->global, value_get_text(policy, "Arn")) > 0);
}

static Value list_policies(RegionCall *call, Value input, GError **error) {
	const char *scope = value_text_or(value_get(input, "Scope"), "All");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->global, IAM_POLICIES);
	const char *arn;
	Value policy;
	while (!g_str_equal(scope, "AWS") && store_iter_next(&iter, &arn, &policy))
		if (is_listed(call, input, policy))
			value_builder_add_take(
				all, value_without_take(policy_view(call, policy), "Tags"));
	for (gsize i = 0; !g_str_equal(scope, "Local") && i < value_length(aws_policies()); i++) {
		g_autofree char *name =
			g_strconcat(IAM_AWS_POLICY, value_key_at(aws_policies(), i), NULL);
		g_auto(Value) own = aws_policy(name);
		if (is_listed(call, input, own))
			value_builder_add_take(
				all, value_without_take(policy_view(call, own), "Tags"));
	}
	return iam_page(call, input, "Policies", value_builder_end(g_steal_pointer(&all)), error);
}

static Value no_version(Value input, GError **error) {
	gboolean unheld = is_aws(value_get_text(input, "PolicyArn")) &&
			  g_strcmp0(value_get_text(input, "VersionId"), "v1") == 0;
	if (unheld) {
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not hold the document of AWS's policy %s: it can be "
			"attached, not read, and allows nothing.",
			value_get_text(input, "PolicyArn"));
		return VALUE_NOTHING;
	}
	wire_error_set_status(error, 404, "NoSuchEntity",
		"Policy %s version %s does not exist or is not attachable.",
		value_get_text(input, "PolicyArn"), value_get_text(input, "VersionId"));
	return VALUE_NOTHING;
}

static Value get_version(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	const char *id = value_get_text(input, "VersionId");
	if (value_is_null(policy))
		return VALUE_NOTHING;
	if (!value_has(iam_inside(policy, "Versions"), id))
		return no_version(input, error);
	return value_object_take("PolicyVersion", version_view(policy, id, TRUE), NULL);
}

static Value list_versions(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	if (value_is_null(policy))
		return VALUE_NOTHING;
	Value versions = iam_inside(policy, "Versions");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = value_length(versions); i-- > 0;)
		value_builder_add_take(all, version_view(policy, value_key_at(versions, i), FALSE));
	return iam_page(call, input, "Versions", value_builder_end(g_steal_pointer(&all)), error);
}

static Value create_version(RegionCall *call, Value input, GError **error) {
	const char *document = value_get_text(input, "PolicyDocument");
	g_auto(Value) policy = find_own(call, input, error);
	if (value_is_null(policy) || !iam_check_document(document, FALSE, error))
		return VALUE_NOTHING;
	if (value_length(iam_inside(policy, "Versions")) >= MOST_VERSIONS) {
		wire_error_set_status(error, 409, "LimitExceeded",
			"A managed policy can have up to %d versions. Before you create a new "
			"version, "
			"you must delete an existing version.",
			MOST_VERSIONS);
		return VALUE_NOTHING;
	}
	gint64 number = value_to_int(iam_inside(policy, "Last"), 0) + 1;
	g_autofree char *id = g_strdup_printf("v%" G_GINT64_FORMAT, number);
	Value versions = value_with_take(
		value_ref(iam_inside(policy, "Versions")), id, new_version(call, document));
	policy = iam_with_inside(value_steal(&policy), "Versions", versions);
	policy = iam_with_inside(value_steal(&policy), "Last", value_int(number));
	if (value_get_bool(input, "SetAsDefault"))
		policy =
			value_with_take(value_steal(&policy), "DefaultVersionId", value_string(id));
	policy =
		value_with_take(value_steal(&policy), "UpdateDate", region_timestamp(call->region));
	put_policy_object(call, value_ref(policy));
	return value_object_take("PolicyVersion", version_view(policy, id, FALSE), NULL);
}

static Value delete_version(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_own(call, input, error);
	const char *id = value_get_text(input, "VersionId");
	if (value_is_null(policy))
		return VALUE_NOTHING;
	if (!value_has(iam_inside(policy, "Versions"), id))
		return no_version(input, error);
	if (g_strcmp0(id, value_get_text(policy, "DefaultVersionId")) == 0) {
		wire_error_set_status(error, 409, "DeleteConflict",
			"Cannot delete the default version of a policy.");
		return VALUE_NOTHING;
	}
	Value left = value_without_take(value_ref(iam_inside(policy, "Versions")), id);
	put_policy_object(call, iam_with_inside(value_ref(policy), "Versions", left));
	return VALUE_NOTHING;
}

static Value delete_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_own(call, input, error);
	if (value_is_null(policy))
		return VALUE_NOTHING;
	const char *arn = value_get_text(policy, "Arn");
	const char *left = iam_attachment_count(call->region, call->global, arn) > 0
				   ? "Cannot delete a policy attached to "
				     "entities."
			   : value_length(iam_inside(policy, "Versions")) > 1
				   ? "This policy has more than one version. Before you delete a "
				     "policy, you must delete the policy's versions."
				   : NULL;
	if (left) {
		wire_error_set_status(error, 409, "DeleteConflict", "%s", left);
		return VALUE_NOTHING;
	}
	region_tags_clear(call->region, call->global, arn);
	store_delete(region_store(call->region), call->global, IAM_POLICIES, arn);
	return VALUE_NOTHING;
}

static Value tag_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_own(call, input, error);
	if (!value_is_null(policy))
		iam_set_tags(call, input, policy);
	return VALUE_NOTHING;
}

static Value untag_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_own(call, input, error);
	if (!value_is_null(policy))
		iam_remove_tags(call, input, policy);
	return VALUE_NOTHING;
}

static Value set_default(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_own(call, input, error);
	if (value_is_null(policy))
		return VALUE_NOTHING;
	if (!value_has(iam_inside(policy, "Versions"), value_get_text(input, "VersionId")))
		return no_version(input, error);
	policy = value_with_take(
		value_steal(&policy), "DefaultVersionId", value_ref(value_get(input, "VersionId")));
	put_policy_object(call, value_with_take(value_steal(&policy), "UpdateDate",
					region_timestamp(call->region)));
	return VALUE_NOTHING;
}

static Value list_policy_tags(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	if (value_is_null(policy))
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags(call->region, call->global, value_get_text(policy, "Arn"));
	return iam_page(call, input, "Tags", region_tags_to_list(tags, "Key", "Value"), error);
}

/* ---- who has it ---- */

static Value entities(RegionCall *call, const IamHolder *holder, const char *arn, Value input) {
	const char *filter = value_get_text(input, "EntityFilter");
	const char *prefix = value_text_or(value_get(input, "PathPrefix"), "/");
	g_autofree char *id_member = g_strconcat(holder->shape, "Id", NULL);
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->global, holder->kind);
	const char *name;
	Value object;
	while ((!filter || g_str_equal(filter, holder->shape)) &&
		store_iter_next(&iter, &name, &object))
		if (value_has(iam_inside(object, "Attached"), arn) &&
			g_str_has_prefix(value_get_text(object, "Path"), prefix))
			value_builder_add_take(found,
				value_object_take(holder->member, value_string(name), id_member,
					value_ref(value_get(object, id_member)), NULL));
	return value_builder_end(g_steal_pointer(&found));
}

static Value list_entities(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	if (value_is_null(policy))
		return VALUE_NOTHING;
	const char *arn = value_get_text(policy, "Arn");
	return value_object_take("PolicyRoles", entities(call, &iam_role, arn, input),
		"PolicyUsers", entities(call, &iam_user, arn, input), "PolicyGroups",
		entities(call, &iam_group, arn, input), "IsTruncated", value_bool(FALSE), NULL);
}

static const RegionOperation operations[] = {
	{"CreatePolicy", create_policy},
	{"GetPolicy", get_policy, .reads_only = TRUE},
	{"ListPolicies", list_policies, .reads_only = TRUE},
	{"GetPolicyVersion", get_version, .reads_only = TRUE},
	{"ListPolicyVersions", list_versions, .reads_only = TRUE},
	{"CreatePolicyVersion", create_version},
	{"DeletePolicyVersion", delete_version},
	{"SetDefaultPolicyVersion", set_default},
	{"DeletePolicy", delete_policy},
	{"ListEntitiesForPolicy", list_entities, .reads_only = TRUE},
	{"TagPolicy", tag_policy},
	{"UntagPolicy", untag_policy},
	{"ListPolicyTags", list_policy_tags, .reads_only = TRUE},
	{NULL},
};

const RegionService region_iam_policies = {.name = "iam", .operations = operations};
