/*
 * IAM: roles with their inline and attached policies, and customer managed policies with versions.
 * Everything is global to the account. Policies are kept and given back; they are not evaluated.
 */
#include <string.h>

#include "base/text.h"
#include "region/region.h"
#include "value/json.h"

extern const RegionService region_iam;

#define ROLES "iam/role" /* by name: the Role shape, with its policies under INTERNAL */
#define POLICIES "iam/policy" /* by ARN: the Policy shape, with its versions under INTERNAL */
#define INTERNAL "internal"
#define MOST_VERSIONS 5
#define AWS_POLICY "arn:aws:iam::aws:policy/"

/* Policies that AWS manages and that can be attached here. Their documents are AWS's and not held:
 * GetPolicy of them says so. */
static const char *const aws_policies[] = {"service-role/AmazonECSTaskExecutionRolePolicy",
	"service-role/AmazonEC2ContainerServiceRole",
	"service-role/AmazonEC2ContainerServiceforEC2Role",
	"service-role/AmazonECSInfrastructureRolePolicyForVolumes",
	"service-role/AmazonRDSEnhancedMonitoringRole", "AmazonECS_FullAccess",
	"AmazonEC2ContainerRegistryFullAccess", "AmazonEC2ContainerRegistryPowerUser",
	"AmazonEC2ContainerRegistryReadOnly", "AmazonRDSFullAccess", "AmazonS3FullAccess",
	"AmazonS3ReadOnlyAccess", "AmazonSQSFullAccess", "AmazonSSMFullAccess",
	"AmazonSSMManagedInstanceCore", "AmazonSSMReadOnlyAccess", "AWSCodeBuildAdminAccess",
	"AWSCodePipeline_FullAccess", "AWSXRayDaemonWriteAccess", "AdministratorAccess",
	"CloudWatchAgentServerPolicy", "CloudWatchFullAccess", "CloudWatchLogsFullAccess",
	"PowerUserAccess", "ReadOnlyAccess", "SecretsManagerReadWrite", NULL};

/* ---- common ---- */

static Value find(
	RegionCall *call, const char *kind, const char *id, const char *what, GError **error) {
	Value object =
		id ? store_get(region_store(call->region), call->global, kind, id) : VALUE_NOTHING;
	if (value_is_null(object))
		wire_error_set_status(error, 404, "NoSuchEntity",
			g_str_equal(what, "role")
				? "The role with name %s cannot be found."
				: "Policy %s does not exist or is not attachable.",
			id ? id : "");
	return object;
}

static Value find_role(RegionCall *call, Value input, GError **error) {
	return find(call, ROLES, value_get_text(input, "RoleName"), "role", error);
}

static void put_role(RegionCall *call, Value role_taken) {
	store_put_take(region_store(call->region), call->global, ROLES,
		value_get_text(role_taken, "RoleName"), role_taken);
}

static void put_policy_object(RegionCall *call, Value policy_taken) {
	store_put_take(region_store(call->region), call->global, POLICIES,
		value_get_text(policy_taken, "Arn"), policy_taken);
}

/* What is kept beside the API's shape. Borrowed. */
static Value inside(Value object, const char *name) {
	return value_get_path(object, INTERNAL, name, NULL);
}

static Value with_inside(Value object_taken, const char *name, Value value_taken) {
	Value internal = value_with_take(
		value_merge(value_get(object_taken, INTERNAL), VALUE_NOTHING), name, value_taken);
	return value_with_take(object_taken, INTERNAL, internal);
}

/* Unique ids: a prefix that says of what, and 17 characters. */
static Value unique_id(const char *prefix) {
	g_autofree char *random = text_random(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
	return value_string_printf("%s%s", prefix, random);
}

static Value encoded(const char *document) {
	return value_string_take(g_uri_escape_string(document, NULL, FALSE));
}

static gboolean check_document(const char *text, gboolean trust, GError **error) {
	g_autoptr(GError) broken = NULL;
	g_auto(Value) document = value_from_json(text ? text : "", -1, &broken);
	Value statements = value_get(document, "Statement");
	const char *wrong = broken			    ? broken->message
			    : !value_is_mapping(document)   ? "it is no JSON object"
			    : value_length(statements) == 0 ? "it has no Statement"
							    : NULL;
	g_auto(Value) list = value_is_mapping(statements)
				     ? value_tuple_take(1, value_ref(statements))
				     : value_ref(statements);
	for (gsize i = 0; !wrong && i < value_length(list); i++) {
		Value each = value_at(list, i);
		const char *effect = value_text_or(value_get(each, "Effect"), "");
		if (!g_str_equal(effect, "Allow") && !g_str_equal(effect, "Deny"))
			wrong = "a statement's Effect is neither Allow nor Deny";
		else if (!value_has(each, "Action") && !value_has(each, "NotAction"))
			wrong = "a statement has no Action";
		else if (trust && !value_has(each, "Principal"))
			wrong = "a statement has no Principal";
		else if (!trust && !value_has(each, "Resource") && !value_has(each, "NotResource"))
			wrong = "a statement has no Resource";
	}
	if (!wrong)
		return TRUE;
	wire_error_set(error, "MalformedPolicyDocument", "The policy is not valid: %s.", wrong);
	return FALSE;
}

static Value page_of(
	RegionCall *call, Value input, const char *member, Value items_taken, GError **error) {
	g_auto(Value) items = items_taken;
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	Value page = region_page(items, value_get_int(input, "MaxItems", 100),
		value_get_text(input, "Marker"), "ValidationError", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value output =
		value_object_take(member, page, "IsTruncated", value_bool(next != NULL), NULL);
	return next ? value_with_take(output, "Marker", value_string(next)) : output;
}

/* The shape as it is answered. */
static Value view(RegionCall *call, Value object) {
	Value shown = value_without_take(value_ref(object), INTERNAL);
	const char *trust = value_get_text(object, "AssumeRolePolicyDocument");
	if (trust)
		shown = value_with_take(shown, "AssumeRolePolicyDocument", encoded(trust));
	g_auto(Value) tags = region_tags(call->region, call->global, value_get_text(object, "Arn"));
	return value_with_take(shown, "Tags", region_tags_to_list(tags, "Key", "Value"));
}

static void set_tags(RegionCall *call, Value input, Value object) {
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	region_tags_set(call->region, call->global, value_get_text(object, "Arn"), tags);
}

static void remove_tags(RegionCall *call, Value input, Value object) {
	Value keys = value_get(input, "TagKeys");
	for (gsize i = 0; i < value_length(keys); i++)
		region_tags_remove(call->region, call->global, value_get_text(object, "Arn"),
			value_text(value_at(keys, i)));
}

/* ---- roles ---- */

static Value create_role(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "RoleName");
	const char *path = value_text_or(value_get(input, "Path"), "/");
	const char *trust = value_get_text(input, "AssumeRolePolicyDocument");
	if (!check_document(trust, TRUE, error))
		return VALUE_NOTHING;
	if (store_has(region_store(call->region), call->global, ROLES, name)) {
		wire_error_set_status(error, 409, "EntityAlreadyExists",
			"Role with name %s already exists.", name);
		return VALUE_NOTHING;
	}
	g_autofree char *arn = region_arn(call->global, "iam", "role%s%s", path, name);
	g_auto(Value) role = value_object_take("RoleName", value_string(name), "Path",
		value_string(path), "Arn", value_string(arn), "RoleId", unique_id("AROA"),
		"CreateDate", region_timestamp(call->region), "AssumeRolePolicyDocument",
		value_string(trust), "MaxSessionDuration",
		value_int(value_get_int(input, "MaxSessionDuration", 3600)), INTERNAL,
		value_empty_object(), NULL);
	if (value_has(input, "Description"))
		role = value_with_take(value_steal(&role), "Description",
			value_ref(value_get(input, "Description")));
	if (value_has(input, "PermissionsBoundary"))
		role = value_with_take(value_steal(&role), "PermissionsBoundary",
			value_object_take("PermissionsBoundaryType", value_string("Policy"),
				"PermissionsBoundaryArn",
				value_ref(value_get(input, "PermissionsBoundary")), NULL));
	put_role(call, value_ref(role));
	set_tags(call, input, role);
	return value_object_take("Role", view(call, role), NULL);
}

static Value get_role(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = find_role(call, input, error);
	return value_is_null(role) ? VALUE_NOTHING
				   : value_object_take("Role", view(call, role), NULL);
}

static Value list_roles(RegionCall *call, Value input, GError **error) {
	const char *prefix = value_text_or(value_get(input, "PathPrefix"), "/");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->global, ROLES);
	const char *name;
	Value role;
	while (store_iter_next(&iter, &name, &role))
		if (g_str_has_prefix(value_get_text(role, "Path"), prefix))
			value_builder_add_take(all, value_without_take(view(call, role), "Tags"));
	return page_of(call, input, "Roles", value_builder_end(g_steal_pointer(&all)), error);
}

static Value update_role(RegionCall *call, Value input, GError **error) {
	static const char *const members[] = {"Description", "MaxSessionDuration"};
	g_auto(Value) role = find_role(call, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(input, members[i]))
			role = value_with_take(value_steal(&role), members[i],
				value_ref(value_get(input, members[i])));
	put_role(call, value_steal(&role));
	return VALUE_NOTHING;
}

static Value update_trust(RegionCall *call, Value input, GError **error) {
	const char *document = value_get_text(input, "PolicyDocument");
	g_auto(Value) role = find_role(call, input, error);
	if (value_is_null(role) || !check_document(document, TRUE, error))
		return VALUE_NOTHING;
	put_role(call, value_with_take(value_ref(role), "AssumeRolePolicyDocument",
			       value_string(document)));
	return VALUE_NOTHING;
}

static Value delete_role(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = find_role(call, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	const char *left = value_length(inside(role, "Attached")) > 0 ? "detach all policies"
			   : value_length(inside(role, "Inline")) > 0 ? "delete policies"
								      : NULL;
	if (left) {
		wire_error_set_status(
			error, 409, "DeleteConflict", "Cannot delete entity, must %s first.", left);
		return VALUE_NOTHING;
	}
	region_tags_clear(call->region, call->global, value_get_text(role, "Arn"));
	store_delete(
		region_store(call->region), call->global, ROLES, value_get_text(role, "RoleName"));
	return VALUE_NOTHING;
}

static Value tag_role(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = find_role(call, input, error);
	if (!value_is_null(role))
		set_tags(call, input, role);
	return VALUE_NOTHING;
}

static Value untag_role(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = find_role(call, input, error);
	if (!value_is_null(role))
		remove_tags(call, input, role);
	return VALUE_NOTHING;
}

/* There are no instance profiles, as there are no instances. */
static Value list_profiles(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = find_role(call, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	return value_object_take(
		"InstanceProfiles", value_empty_tuple(), "IsTruncated", value_bool(FALSE), NULL);
}

/* ---- inline policies ---- */

static Value put_role_policy(RegionCall *call, Value input, GError **error) {
	const char *document = value_get_text(input, "PolicyDocument");
	g_auto(Value) role = find_role(call, input, error);
	if (value_is_null(role) || !check_document(document, FALSE, error))
		return VALUE_NOTHING;
	g_auto(Value) policies = value_merge(inside(role, "Inline"), VALUE_NOTHING);
	policies = value_with_take(value_steal(&policies), value_get_text(input, "PolicyName"),
		value_string(document));
	put_role(call, with_inside(value_ref(role), "Inline", value_steal(&policies)));
	return VALUE_NOTHING;
}

static Value no_inline(Value input, GError **error) {
	wire_error_set_status(error, 404, "NoSuchEntity",
		"The role policy with name %s cannot be found.",
		value_get_text(input, "PolicyName"));
	return VALUE_NOTHING;
}

static Value get_role_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = find_role(call, input, error);
	const char *name = value_get_text(input, "PolicyName");
	if (value_is_null(role))
		return VALUE_NOTHING;
	const char *document = value_get_text(inside(role, "Inline"), name);
	if (!document)
		return no_inline(input, error);
	return value_object_take("RoleName", value_ref(value_get(role, "RoleName")), "PolicyName",
		value_string(name), "PolicyDocument", encoded(document), NULL);
}

static Value delete_role_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = find_role(call, input, error);
	const char *name = value_get_text(input, "PolicyName");
	if (value_is_null(role))
		return VALUE_NOTHING;
	if (!value_has(inside(role, "Inline"), name))
		return no_inline(input, error);
	Value left = value_without_take(value_ref(inside(role, "Inline")), name);
	put_role(call, with_inside(value_ref(role), "Inline", left));
	return VALUE_NOTHING;
}

static Value list_role_policies(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = find_role(call, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	Value policies = inside(role, "Inline");
	g_autoptr(ValueBuilder) names = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(policies); i++)
		value_builder_add_take(names, value_string(value_key_at(policies, i)));
	return page_of(
		call, input, "PolicyNames", value_builder_end(g_steal_pointer(&names)), error);
}

/* ---- attachments ---- */

static gboolean is_attachable(RegionCall *call, const char *arn, GError **error) {
	if (g_str_has_prefix(arn, AWS_POLICY)) {
		if (g_strv_contains(aws_policies, arn + strlen(AWS_POLICY)))
			return TRUE;
		wire_error_set_status(error, 404, "NoSuchEntity",
			"Policy %s is not among the AWS managed policies that Terrarium knows.",
			arn);
		return FALSE;
	}
	g_auto(Value) policy = find(call, POLICIES, arn, "policy", error);
	return !value_is_null(policy);
}

static Value attach(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "PolicyArn");
	g_auto(Value) role = find_role(call, input, error);
	if (value_is_null(role) || !is_attachable(call, arn, error))
		return VALUE_NOTHING;
	g_auto(Value) attached = value_merge(inside(role, "Attached"), VALUE_NOTHING);
	attached = value_with_take(value_steal(&attached), arn, value_bool(TRUE));
	put_role(call, with_inside(value_ref(role), "Attached", value_steal(&attached)));
	return VALUE_NOTHING;
}

static Value detach(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "PolicyArn");
	g_auto(Value) role = find_role(call, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	if (!value_has(inside(role, "Attached"), arn)) {
		wire_error_set_status(error, 404, "NoSuchEntity", "Policy %s was not found.", arn);
		return VALUE_NOTHING;
	}
	Value left = value_without_take(value_ref(inside(role, "Attached")), arn);
	put_role(call, with_inside(value_ref(role), "Attached", left));
	return VALUE_NOTHING;
}

static Value list_attached(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = find_role(call, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	Value attached = inside(role, "Attached");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(attached); i++) {
		const char *arn = value_key_at(attached, i);
		value_builder_add_take(
			all, value_object_take("PolicyArn", value_string(arn), "PolicyName",
				     value_string(strrchr(arn, '/') + 1), NULL));
	}
	return page_of(
		call, input, "AttachedPolicies", value_builder_end(g_steal_pointer(&all)), error);
}

/* ---- managed policies ---- */

static Value find_policy(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "PolicyArn");
	if (g_str_has_prefix(arn, AWS_POLICY)) {
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not hold the documents of AWS's own policies: %s can be "
			"attached, not read.",
			arn);
		return VALUE_NOTHING;
	}
	return find(call, POLICIES, arn, "policy", error);
}

static gint64 attachment_count(RegionCall *call, const char *arn) {
	gint64 n = 0;
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->global, ROLES);
	const char *name;
	Value role;
	while (store_iter_next(&iter, &name, &role))
		n += value_has(inside(role, "Attached"), arn);
	return n;
}

static Value policy_view(RegionCall *call, Value policy) {
	return value_with_take(view(call, policy), "AttachmentCount",
		value_int(attachment_count(call, value_get_text(policy, "Arn"))));
}

static Value new_version(RegionCall *call, const char *document) {
	return value_object_take("Document", value_string(document), "CreateDate",
		region_timestamp(call->region), NULL);
}

static Value version_view(Value policy, const char *id, gboolean with_document) {
	Value version = value_get(inside(policy, "Versions"), id);
	Value shown = value_object_take("VersionId", value_string(id), "IsDefaultVersion",
		value_bool(g_strcmp0(id, value_get_text(policy, "DefaultVersionId")) == 0),
		"CreateDate", value_ref(value_get(version, "CreateDate")), NULL);
	return with_document ? value_with_take(shown, "Document",
				       encoded(value_get_text(version, "Document")))
			     : shown;
}

static Value create_policy(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "PolicyName");
	const char *path = value_text_or(value_get(input, "Path"), "/");
	const char *document = value_get_text(input, "PolicyDocument");
	if (!check_document(document, FALSE, error))
		return VALUE_NOTHING;
	g_autofree char *arn = region_arn(call->global, "iam", "policy%s%s", path, name);
	if (store_has(region_store(call->region), call->global, POLICIES, arn)) {
		wire_error_set_status(error, 409, "EntityAlreadyExists",
			"A policy called %s already exists. Duplicate names are not allowed.",
			name);
		return VALUE_NOTHING;
	}
	g_auto(Value) now = region_timestamp(call->region);
	g_auto(Value) policy = value_object_take("PolicyName", value_string(name), "PolicyId",
		unique_id("ANPA"), "Arn", value_string(arn), "Path", value_string(path),
		"DefaultVersionId", value_string("v1"), "IsAttachable", value_bool(TRUE),
		"PermissionsBoundaryUsageCount", value_int(0), "CreateDate", value_ref(now),
		"UpdateDate", value_ref(now), INTERNAL,
		value_object_take("Last", value_int(1), "Versions",
			value_object_take("v1", new_version(call, document), NULL), NULL),
		NULL);
	if (value_has(input, "Description"))
		policy = value_with_take(value_steal(&policy), "Description",
			value_ref(value_get(input, "Description")));
	put_policy_object(call, value_ref(policy));
	set_tags(call, input, policy);
	return value_object_take("Policy", policy_view(call, policy), NULL);
}

static Value get_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	return value_is_null(policy) ? VALUE_NOTHING
				     : value_object_take("Policy", policy_view(call, policy), NULL);
}

static Value list_policies(RegionCall *call, Value input, GError **error) {
	const char *prefix = value_text_or(value_get(input, "PathPrefix"), "/");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->global, POLICIES);
	const char *arn;
	Value policy;
	if (g_strcmp0(value_get_text(input, "Scope"), "AWS") == 0) {
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not list AWS's own policies.");
		return VALUE_NOTHING;
	}
	while (store_iter_next(&iter, &arn, &policy))
		if (g_str_has_prefix(value_get_text(policy, "Path"), prefix) &&
			(!value_get_bool(input, "OnlyAttached") || attachment_count(call, arn) > 0))
			value_builder_add_take(
				all, value_without_take(policy_view(call, policy), "Tags"));
	return page_of(call, input, "Policies", value_builder_end(g_steal_pointer(&all)), error);
}

static Value no_version(Value input, GError **error) {
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
	if (!value_has(inside(policy, "Versions"), id))
		return no_version(input, error);
	return value_object_take("PolicyVersion", version_view(policy, id, TRUE), NULL);
}

static Value list_versions(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	if (value_is_null(policy))
		return VALUE_NOTHING;
	Value versions = inside(policy, "Versions");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = value_length(versions); i-- > 0;)
		value_builder_add_take(all, version_view(policy, value_key_at(versions, i), FALSE));
	return page_of(call, input, "Versions", value_builder_end(g_steal_pointer(&all)), error);
}

static Value create_version(RegionCall *call, Value input, GError **error) {
	const char *document = value_get_text(input, "PolicyDocument");
	g_auto(Value) policy = find_policy(call, input, error);
	if (value_is_null(policy) || !check_document(document, FALSE, error))
		return VALUE_NOTHING;
	if (value_length(inside(policy, "Versions")) >= MOST_VERSIONS) {
		wire_error_set_status(error, 409, "LimitExceeded",
			"A managed policy can have up to %d versions. Before you create a new "
			"version, "
			"you must delete an existing version.",
			MOST_VERSIONS);
		return VALUE_NOTHING;
	}
	gint64 number = value_to_int(inside(policy, "Last"), 0) + 1;
	g_autofree char *id = g_strdup_printf("v%" G_GINT64_FORMAT, number);
	Value versions = value_with_take(
		value_ref(inside(policy, "Versions")), id, new_version(call, document));
	policy = with_inside(value_steal(&policy), "Versions", versions);
	policy = with_inside(value_steal(&policy), "Last", value_int(number));
	if (value_get_bool(input, "SetAsDefault"))
		policy =
			value_with_take(value_steal(&policy), "DefaultVersionId", value_string(id));
	policy =
		value_with_take(value_steal(&policy), "UpdateDate", region_timestamp(call->region));
	put_policy_object(call, value_ref(policy));
	return value_object_take("PolicyVersion", version_view(policy, id, FALSE), NULL);
}

static Value delete_version(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	const char *id = value_get_text(input, "VersionId");
	if (value_is_null(policy))
		return VALUE_NOTHING;
	if (!value_has(inside(policy, "Versions"), id))
		return no_version(input, error);
	if (g_strcmp0(id, value_get_text(policy, "DefaultVersionId")) == 0) {
		wire_error_set_status(error, 409, "DeleteConflict",
			"Cannot delete the default version of a policy.");
		return VALUE_NOTHING;
	}
	Value left = value_without_take(value_ref(inside(policy, "Versions")), id);
	put_policy_object(call, with_inside(value_ref(policy), "Versions", left));
	return VALUE_NOTHING;
}

static Value delete_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	if (value_is_null(policy))
		return VALUE_NOTHING;
	const char *arn = value_get_text(policy, "Arn");
	const char *left = attachment_count(call, arn) > 0 ? "Cannot delete a policy attached to "
							     "entities."
			   : value_length(inside(policy, "Versions")) > 1
				   ? "This policy has more than one version. Before you delete a "
				     "policy, you must delete the policy's versions."
				   : NULL;
	if (left) {
		wire_error_set_status(error, 409, "DeleteConflict", "%s", left);
		return VALUE_NOTHING;
	}
	region_tags_clear(call->region, call->global, arn);
	store_delete(region_store(call->region), call->global, POLICIES, arn);
	return VALUE_NOTHING;
}

static Value tag_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	if (!value_is_null(policy))
		set_tags(call, input, policy);
	return VALUE_NOTHING;
}

static Value untag_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = find_policy(call, input, error);
	if (!value_is_null(policy))
		remove_tags(call, input, policy);
	return VALUE_NOTHING;
}

static const RegionOperation operations[] = {
	{"CreateRole", create_role},
	{"GetRole", get_role, .reads_only = TRUE},
	{"ListRoles", list_roles, .reads_only = TRUE},
	{"UpdateRole", update_role},
	{"UpdateAssumeRolePolicy", update_trust},
	{"DeleteRole", delete_role},
	{"TagRole", tag_role},
	{"UntagRole", untag_role},
	{"ListInstanceProfilesForRole", list_profiles, .reads_only = TRUE},
	{"PutRolePolicy", put_role_policy},
	{"GetRolePolicy", get_role_policy, .reads_only = TRUE},
	{"DeleteRolePolicy", delete_role_policy},
	{"ListRolePolicies", list_role_policies, .reads_only = TRUE},
	{"AttachRolePolicy", attach},
	{"DetachRolePolicy", detach},
	{"ListAttachedRolePolicies", list_attached, .reads_only = TRUE},
	{"CreatePolicy", create_policy},
	{"GetPolicy", get_policy, .reads_only = TRUE},
	{"ListPolicies", list_policies, .reads_only = TRUE},
	{"GetPolicyVersion", get_version, .reads_only = TRUE},
	{"ListPolicyVersions", list_versions, .reads_only = TRUE},
	{"CreatePolicyVersion", create_version},
	{"DeletePolicyVersion", delete_version},
	{"DeletePolicy", delete_policy},
	{"TagPolicy", tag_policy},
	{"UntagPolicy", untag_policy},
	{NULL},
};

const RegionService region_iam = {.name = "iam", .operations = operations};
