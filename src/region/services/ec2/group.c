/* Security groups. Their rules are in group_rule.c. */
#include <string.h>

#include "region/services/ec2/internal.h"

static Value all_traffic(RegionCall *call, const char *group, gboolean egress) {
	return value_object_take("GroupId", value_string(group), "GroupOwnerId",
		value_string(call->scope.account), "IsEgress", value_bool(egress), "IpProtocol",
		value_string("-1"), "FromPort", value_int(-1), "ToPort", value_int(-1),
		egress ? "CidrIpv4" : "ReferencedGroupInfo",
		egress ? value_string("0.0.0.0/0")
		       : value_object_take("GroupId", value_string(group), "UserId",
				 value_string(call->scope.account), NULL),
		NULL);
}

static char *new_group(
	RegionCall *call, const char *vpc, const char *name, const char *description) {
	char *id = region_ec2_id("sg");
	g_autofree char *arn = region_arn(call->scope, "ec2", "security-group/%s", id);
	ec2_put(call, EC2_SECURITY_GROUP, id,
		value_object_take("GroupId", value_string(id), "GroupName", value_string(name),
			"Description", value_string(description), "VpcId", value_string(vpc),
			"OwnerId", value_string(call->scope.account), "SecurityGroupArn",
			value_string(arn), NULL));
	value_unref(ec2_rule_put(call, all_traffic(call, id, TRUE)));
	return id;
}

char *ec2_group_create_default(RegionCall *call, const char *vpc) {
	char *id = new_group(call, vpc, "default", "default VPC security group");
	value_unref(ec2_rule_put(call, all_traffic(call, id, FALSE)));
	return id;
}

static gboolean name_is_taken(RegionCall *call, const char *vpc, const char *name) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_SECURITY_GROUP);
	const char *id;
	Value group;
	while (store_iter_next(&iter, &id, &group))
		if (g_strcmp0(value_get_text(group, "VpcId"), vpc) == 0 &&
			g_strcmp0(value_get_text(group, "GroupName"), name) == 0)
			return TRUE;
	return FALSE;
}

static Value create_group(RegionCall *call, Value input, GError **error) {
	const char *given = value_get_text(input, "VpcId");
	const char *name = value_get_text(input, "GroupName");
	g_autofree char *vpc_id =
		given ? g_strdup(given) : ec2_default_vpc(call->region, call->scope);
	if (!vpc_id) {
		wire_error_set(error, "VPCIdNotSpecified",
			"No default VPC for this user. GroupName is only supported for EC2-Classic "
			"and default VPC.");
		return VALUE_NOTHING;
	}
	g_auto(Value) vpc =
		ec2_find(call, EC2_VPC, vpc_id, "InvalidVpcID.NotFound", "vpc ID", error);
	if (value_is_null(vpc))
		return VALUE_NOTHING;
	if (g_str_has_prefix(name, "sg-") || g_str_equal(name, "default")) {
		wire_error_set(error, "InvalidParameterValue",
			"Invalid security group name '%s': 'default' and names that begin with "
			"'sg-' are reserved.",
			name);
		return VALUE_NOTHING;
	}
	if (name_is_taken(call, vpc_id, name)) {
		wire_error_set(error, "InvalidGroup.Duplicate",
			"The security group '%s' already exists for VPC '%s'", name, vpc_id);
		return VALUE_NOTHING;
	}
	g_autofree char *id = new_group(call, vpc_id, name, value_get_text(input, "Description"));
	g_autofree char *arn = region_arn(call->scope, "ec2", "security-group/%s", id);
	ec2_tag_new(call, input, "security-group", id);
	return ec2_with_tags(call, id,
		value_object_take(
			"GroupId", value_string(id), "SecurityGroupArn", value_string(arn), NULL));
}

static Value complete_group(RegionCall *call, const char *id, Value group) {
	group = value_with_take(group, "IpPermissions", ec2_rules_permissions(call, id, FALSE));
	return value_with_take(group, "IpPermissionsEgress", ec2_rules_permissions(call, id, TRUE));
}

static Value describe_groups(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {{"group-id", "GroupId"}, {"group-name", "GroupName"},
		{"vpc-id", "VpcId"}, {"description", "Description"}, {"owner-id", "OwnerId"},
		{"ip-permission.group-id", "IpPermissions.UserIdGroupPairs.GroupId"},
		{"ip-permission.cidr", "IpPermissions.IpRanges.CidrIp"},
		{"ip-permission.protocol", "IpPermissions.IpProtocol"},
		{"ip-permission.from-port", "IpPermissions.FromPort"},
		{"ip-permission.to-port", "IpPermissions.ToPort"},
		{"egress.ip-permission.cidr", "IpPermissionsEgress.IpRanges.CidrIp"}, {NULL}};
	static const Ec2Describe describe = {EC2_SECURITY_GROUP, "GroupIds", "SecurityGroups",
		"InvalidGroup.NotFound", "security group", filters, complete_group};
	g_auto(Value) whole = ec2_describe(call, input, &describe, error);
	if (!value_has(input, "GroupNames") || value_is_null(whole))
		return value_steal(&whole);
	Value groups = value_get(whole, "SecurityGroups");
	g_autoptr(ValueBuilder) named = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(groups); i++)
		if (ec2_is_listed(value_get(input, "GroupNames"),
			    value_get_text(value_at(groups, i), "GroupName")))
			value_builder_add_take(named, value_ref(value_at(groups, i)));
	return value_object_take(
		"SecurityGroups", value_builder_end(g_steal_pointer(&named)), NULL);
}

static gboolean is_used(RegionCall *call, const char *id) {
	Store *store = region_store(call->region);
	g_auto(StoreIter) interfaces = store_iter(store, call->scope, EC2_INTERFACE);
	const char *other;
	Value object;
	while (store_iter_next(&interfaces, &other, &object)) {
		Value groups = value_get(object, "Groups");
		for (gsize i = 0; i < value_length(groups); i++)
			if (g_strcmp0(value_get_text(value_at(groups, i), "GroupId"), id) == 0)
				return TRUE;
	}
	g_auto(StoreIter) rules = store_iter(store, call->scope, EC2_SECURITY_GROUP_RULE);
	while (store_iter_next(&rules, &other, &object))
		if (g_strcmp0(value_get_text(object, "GroupId"), id) != 0 &&
			g_strcmp0(value_text(value_get_path(
					  object, "ReferencedGroupInfo", "GroupId", NULL)),
				id) == 0)
			return TRUE;
	return FALSE;
}

static void forget_group(RegionCall *call, const char *group) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_SECURITY_GROUP_RULE);
	const char *id;
	Value rule;
	while (store_iter_next(&iter, &id, &rule))
		if (g_strcmp0(value_get_text(rule, "GroupId"), group) == 0)
			ec2_forget(call, EC2_SECURITY_GROUP_RULE, id);
	ec2_forget(call, EC2_SECURITY_GROUP, group);
}

void ec2_groups_delete_of_vpc(RegionCall *call, const char *vpc) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_SECURITY_GROUP);
	const char *id;
	Value group;
	while (store_iter_next(&iter, &id, &group))
		if (g_strcmp0(value_get_text(group, "VpcId"), vpc) == 0)
			forget_group(call, id);
}

static Value delete_group(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "GroupId");
	g_auto(Value) group = ec2_find(
		call, EC2_SECURITY_GROUP, id, "InvalidGroup.NotFound", "security group", error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	if (g_strcmp0(value_get_text(group, "GroupName"), "default") == 0) {
		wire_error_set(error, "CannotDelete",
			"the specified group: \"%s\" name: \"default\" cannot be deleted by a user",
			id);
		return VALUE_NOTHING;
	}
	if (is_used(call, id)) {
		wire_error_set(
			error, "DependencyViolation", "resource %s has a dependent object", id);
		return VALUE_NOTHING;
	}
	forget_group(call, id);
	return value_object_take("Return", value_bool(TRUE), "GroupId", value_string(id), NULL);
}

const RegionOperation ec2_group_operations[] = {
	{"CreateSecurityGroup", create_group},
	{"DescribeSecurityGroups", describe_groups, .reads_only = TRUE},
	{"DeleteSecurityGroup", delete_group},
	{NULL},
};

Value ec2_group_get(Region *region, StoreScope scope, const char *group) {
	return store_get(region_store(region), scope, EC2_SECURITY_GROUP, group);
}
