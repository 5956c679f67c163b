/* IAM roles. */
#include <string.h>

#include "region/services/iam/internal.h"

extern const RegionService region_iam_roles;

/* ---- roles ---- */

static Value create_role(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "RoleName");
	const char *path = value_text_or(value_get(input, "Path"), "/");
	const char *trust = value_get_text(input, "AssumeRolePolicyDocument");
	static const char *const description[] = {"Description"};
	const char *boundary = value_get_text(input, "PermissionsBoundary");
	if (!iam_check_document(trust, TRUE, error) || !iam_is_new(call, &iam_role, name, error) ||
		(boundary && !iam_is_attachable(call, boundary, error)))
		return VALUE_NOTHING;
	g_autofree char *arn = region_arn(call->global, "iam", "role%s%s", path, name);
	g_auto(Value) role = value_object_take("RoleName", value_string(name), "Path",
		value_string(path), "Arn", value_string(arn), "RoleId", iam_unique_id("AROA"),
		"CreateDate", region_timestamp(call->region), "AssumeRolePolicyDocument",
		value_string(trust), "MaxSessionDuration",
		value_int(value_get_int(input, "MaxSessionDuration", 3600)), IAM_INTERNAL,
		value_empty_object(), NULL);
	role = iam_with_members(value_steal(&role), input, description, 1);
	role = iam_with_boundary(value_steal(&role), input);
	iam_put(call, &iam_role, value_ref(role));
	iam_set_tags(call, input, role);
	return value_object_take("Role", iam_view(call, role), NULL);
}

static Value get_role(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = iam_find(call, &iam_role, input, error);
	return value_is_null(role) ? VALUE_NOTHING
				   : value_object_take("Role", iam_view(call, role), NULL);
}

static Value list_roles(RegionCall *call, Value input, GError **error) {
	return iam_list(call, &iam_role, input, "Roles", error);
}

static Value update_role(RegionCall *call, Value input, GError **error) {
	static const char *const members[] = {"Description", "MaxSessionDuration"};
	g_auto(Value) role = iam_find(call, &iam_role, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	role = iam_with_members(value_steal(&role), input, members, G_N_ELEMENTS(members));
	iam_put(call, &iam_role, value_steal(&role));
	return VALUE_NOTHING;
}

static Value update_trust(RegionCall *call, Value input, GError **error) {
	const char *document = value_get_text(input, "PolicyDocument");
	g_auto(Value) role = iam_find(call, &iam_role, input, error);
	if (value_is_null(role) || !iam_check_document(document, TRUE, error))
		return VALUE_NOTHING;
	iam_put(call, &iam_role,
		value_with_take(
			value_ref(role), "AssumeRolePolicyDocument", value_string(document)));
	return VALUE_NOTHING;
}

static Value delete_role(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = iam_find(call, &iam_role, input, error);
	if (value_is_null(role) || !iam_holds_none(role, error))
		return VALUE_NOTHING;
	const char *name = value_get_text(role, "RoleName");
	g_auto(Value) profiles = iam_profiles_of(call, name);
	if (value_length(profiles) > 0) {
		wire_error_set_status(error, 409, "DeleteConflict",
			"Cannot delete entity, must remove roles from instance profile first.");
		return VALUE_NOTHING;
	}
	region_tags_clear(call->region, call->global, value_get_text(role, "Arn"));
	store_delete(region_store(call->region), call->global, IAM_ROLES, name);
	return VALUE_NOTHING;
}

/* ---- service-linked roles ---- */

/* Names that are not "AWSServiceRoleFor" and the service's first word, capitalised. */
static const char *const linked_names[][2] = {
	{"autoscaling.amazonaws.com", "AutoScaling"},
	{"ecs.amazonaws.com", "ECS"},
	{"ecs.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_ECSService"},
	{"rds.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_RDSCluster"},
	{"elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing"},
	{"rds.amazonaws.com", "RDS"},
	{"elasticache.amazonaws.com", "ElastiCache"},
	{"codestar-notifications.amazonaws.com", "CodeStarNotifications"},
	{"replication.ecr.amazonaws.com", "ECRReplication"},
	{"spot.amazonaws.com", "EC2Spot"},
};

static char *linked_role_name(const char *service, const char *suffix) {
	g_autofree char *word = NULL;
	for (guint i = 0; i < G_N_ELEMENTS(linked_names); i++)
		if (g_str_equal(linked_names[i][0], service))
			word = g_strdup(linked_names[i][1]);
	if (!word) {
		word = g_strndup(service, strcspn(service, "."));
		*word = g_ascii_toupper(*word);
	}
	return g_strdup_printf(
		"AWSServiceRoleFor%s%s%s", word, suffix ? "_" : "", suffix ? suffix : "");
}

static Value create_linked(RegionCall *call, Value input, GError **error) {
	static const char *const description[] = {"Description"};
	const char *service = value_get_text(input, "AWSServiceName");
	g_autofree char *name = linked_role_name(service, value_get_text(input, "CustomSuffix"));
	if (store_has(region_store(call->region), call->global, IAM_ROLES, name)) {
		wire_error_set(error, "InvalidInput",
			"Service role name %s has been taken in this account, please try a "
			"different suffix.",
			name);
		return VALUE_NOTHING;
	}
	g_autofree char *trust = g_strdup_printf(
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
		"{\"Service\":\"%s\"},\"Action\":\"sts:AssumeRole\"}]}",
		service);
	g_autofree char *path = g_strdup_printf("/aws-service-role/%s/", service);
	g_autofree char *arn = region_arn(call->global, "iam", "role%s%s", path, name);
	g_auto(Value) role = value_object_take("RoleName", value_string(name), "Path",
		value_string(path), "Arn", value_string(arn), "RoleId", iam_unique_id("AROA"),
		"CreateDate", region_timestamp(call->region), "AssumeRolePolicyDocument",
		value_string(trust), "MaxSessionDuration", value_int(3600), IAM_INTERNAL,
		value_empty_object(), NULL);
	role = iam_with_members(value_steal(&role), input, description, 1);
	iam_put(call, &iam_role, value_ref(role));
	return value_object_take("Role", iam_view(call, role), NULL);
}

/* What a deletion task is called: tasks succeed at once. */
static Value delete_linked(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = iam_find(call, &iam_role, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	const char *path = value_get_text(role, "Path");
	if (!g_str_has_prefix(path, "/aws-service-role/")) {
		wire_error_set(error, "InvalidInput", "Role %s is no service-linked role.",
			value_get_text(role, "RoleName"));
		return VALUE_NOTHING;
	}
	g_autofree char *uuid = g_uuid_string_random();
	Value task =
		value_string_printf("task%s%s/%s", path, value_get_text(role, "RoleName"), uuid);
	region_tags_clear(call->region, call->global, value_get_text(role, "Arn"));
	store_delete(region_store(call->region), call->global, IAM_ROLES,
		value_get_text(role, "RoleName"));
	return value_object_take("DeletionTaskId", task, NULL);
}

static Value linked_deletion(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "DeletionTaskId");
	if (!g_str_has_prefix(id, "task/aws-service-role/")) {
		iam_no_such(error, "The deletion task %s cannot be found.", id);
		return VALUE_NOTHING;
	}
	return value_object_take("Status", value_string("SUCCEEDED"), NULL);
}

static Value update_description(RegionCall *call, Value input, GError **error) {
	g_auto(Value) nothing = update_role(call, input, error);
	g_auto(Value) role = iam_find(call, &iam_role, input, NULL);
	return value_is_null(role) ? VALUE_NOTHING
				   : value_object_take("Role", iam_view(call, role), NULL);
}

static const RegionOperation operations[] = {
	{"CreateRole", create_role},
	{"GetRole", get_role, .reads_only = TRUE},
	{"ListRoles", list_roles, .reads_only = TRUE},
	{"UpdateRole", update_role},
	{"UpdateRoleDescription", update_description},
	{"UpdateAssumeRolePolicy", update_trust},
	{"DeleteRole", delete_role},
	{"CreateServiceLinkedRole", create_linked},
	{"DeleteServiceLinkedRole", delete_linked},
	{"GetServiceLinkedRoleDeletionStatus", linked_deletion, .reads_only = TRUE},
	{NULL},
};

const RegionService region_iam_roles = {.name = "iam", .operations = operations};
