/* DB subnet groups: which subnets of one VPC an instance's interface may be in. */
#include <string.h>

#include "region/services/ec2/ec2.h"
#include "region/services/rds/internal.h"

static const char *const no_filters[] = {NULL};

Value rds_subnet_group(Region *region, StoreScope scope, const char *name, GError **error) {
	g_autofree char *lower = rds_name(name, "subgrp");
	Value group = store_get(region_store(region), scope, RDS_SUBNET_GROUPS, lower);
	if (value_is_null(group))
		wire_error_set(error, "DBSubnetGroupNotFoundFault",
			"DB subnet group '%s' does not exist.", lower);
	return group;
}

static gboolean has_two_zones(Value subnets) {
	for (gsize i = 1; i < value_length(subnets); i++) {
		Value first = value_get_path(
			value_at(subnets, 0), "SubnetAvailabilityZone", "Name", NULL);
		Value other = value_get_path(
			value_at(subnets, i), "SubnetAvailabilityZone", "Name", NULL);
		if (!value_equal(first, other))
			return TRUE;
	}
	return FALSE;
}

/* The group's Subnets and VpcId set from ids, with RDS's errors. Takes it. */
static Value with_subnets_take(RegionCall *call, Value group, Value ids, GError **error) {
	g_auto(Value) owned = group;
	g_autofree char *vpc = NULL;
	g_autoptr(ValueBuilder) subnets = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(ids); i++) {
		const char *id = value_text_or(value_at(ids, i), "");
		g_auto(Value) subnet = ec2_subnet_get(call->region, call->scope, id);
		const char *its_vpc = value_get_text(subnet, "VpcId");
		if (!its_vpc) {
			wire_error_set(error, "InvalidSubnet",
				"Some input subnets in :[%s] are "
				"invalid.",
				id);
			return VALUE_NOTHING;
		}
		if (vpc && !g_str_equal(vpc, its_vpc)) {
			wire_error_set(error, "InvalidSubnet",
				"The subnets are not all in the same VPC: %s is in %s.", id,
				its_vpc);
			return VALUE_NOTHING;
		}
		if (!vpc)
			vpc = g_strdup(its_vpc);
		value_builder_add_take(subnets,
			value_object_take("SubnetIdentifier", value_string(id), "SubnetStatus",
				value_string("Active"), "SubnetAvailabilityZone",
				value_object_take("Name",
					value_ref(value_get(subnet, "AvailabilityZone")), NULL),
				"SubnetOutpost", value_empty_object(), NULL));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&subnets));
	if (!has_two_zones(all)) {
		wire_error_set(error, "DBSubnetGroupDoesNotCoverEnoughAZs",
			"The DB subnet group doesn't meet Availability Zone (AZ) coverage "
			"requirement. Current AZ coverage: %s. Add subnets to cover at least 2 "
			"AZs.",
			value_text_or(value_get_path(value_at(all, 0), "SubnetAvailabilityZone",
					      "Name", NULL),
				"none"));
		return VALUE_NOTHING;
	}
	return value_with_take(value_with_take(value_steal(&owned), "Subnets", value_steal(&all)),
		"VpcId", value_string(vpc));
}

static Value answer(Value group_taken) {
	return value_object_take("DBSubnetGroup", group_taken, NULL);
}

static gboolean check_name(const char *name, GError **error) {
	gsize length = strlen(name);
	if (length > 0 && length <= 255 && !g_str_equal(name, "default") &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._ -") == length)
		return TRUE;
	wire_error_set(error, "InvalidParameterValue",
		"The parameter DBSubnetGroupName must be provided and must not be blank or "
		"'default', and holds letters, digits, spaces, hyphens, underscores and periods "
		"only: %s",
		name);
	return FALSE;
}

Value rds_create_subnet_group(RegionCall *call, Value input, GError **error) {
	g_autofree char *name = g_ascii_strdown(value_get_text(input, "DBSubnetGroupName"), -1);
	if (!check_name(name, error))
		return VALUE_NOTHING;
	if (store_has(region_store(call->region), call->scope, RDS_SUBNET_GROUPS, name)) {
		wire_error_set(error, "DBSubnetGroupAlreadyExists",
			"The DB subnet group '%s' already exists.", name);
		return VALUE_NOTHING;
	}
	g_autofree char *arn = region_arn(call->scope, "rds", "subgrp:%s", name);
	Value group = value_object_take("DBSubnetGroupName", value_string(name),
		"DBSubnetGroupDescription", value_ref(value_get(input, "DBSubnetGroupDescription")),
		"DBSubnetGroupArn", value_string(arn), "SubnetGroupStatus",
		value_string("Complete"), "SupportedNetworkTypes",
		value_tuple_take(1, value_string("IPV4")), NULL);
	group = with_subnets_take(call, group, value_get(input, "SubnetIds"), error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	store_put(region_store(call->region), call->scope, RDS_SUBNET_GROUPS, name, group);
	rds_tag_new(call, arn, value_get(input, "Tags"));
	return answer(group);
}

Value rds_describe_subnet_groups(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "DBSubnetGroupName");
	if (!rds_check_filters(value_get(input, "Filters"), no_filters, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	if (name) {
		Value group = rds_subnet_group(call->region, call->scope, name, error);
		if (value_is_null(group))
			return VALUE_NOTHING;
		value_builder_add_take(found, group);
	} else {
		g_auto(StoreIter) iter =
			store_iter(region_store(call->region), call->scope, RDS_SUBNET_GROUPS);
		const char *id;
		Value group;
		while (store_iter_next(&iter, &id, &group))
			value_builder_add_take(found, value_ref(group));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&found));
	return rds_page(call, input, "DBSubnetGroups", all, error);
}

static gboolean is_used(RegionCall *call, const char *name) {
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, RDS_INSTANCES);
	const char *id;
	Value instance;
	while (store_iter_next(&iter, &id, &instance))
		if (g_strcmp0(value_text(value_get_path(
				      instance, "DBSubnetGroup", "DBSubnetGroupName", NULL)),
			    name) == 0)
			return TRUE;
	return FALSE;
}

/* A subnet that an instance is in cannot leave its group. */
static gboolean check_in_use(RegionCall *call, const char *name, Value ids, GError **error) {
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, RDS_INSTANCES);
	const char *id;
	Value instance;
	while (store_iter_next(&iter, &id, &instance)) {
		const char *group = value_text(
			value_get_path(instance, "DBSubnetGroup", "DBSubnetGroupName", NULL));
		const char *subnet =
			value_text(value_get_path(instance, RDS_INTERNAL, "Subnet", NULL));
		if (g_strcmp0(group, name) == 0 && subnet && !rds_lists(ids, subnet)) {
			wire_error_set(error, "SubnetAlreadyInUse",
				"The subnet %s is in use by DB instance %s.", subnet, id);
			return FALSE;
		}
	}
	return TRUE;
}

Value rds_modify_subnet_group(RegionCall *call, Value input, GError **error) {
	Value group = rds_subnet_group(
		call->region, call->scope, value_get_text(input, "DBSubnetGroupName"), error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	g_autofree char *name = g_strdup(value_get_text(group, "DBSubnetGroupName"));
	if (!check_in_use(call, name, value_get(input, "SubnetIds"), error)) {
		value_unref(group);
		return VALUE_NOTHING;
	}
	if (value_has(input, "DBSubnetGroupDescription"))
		group = value_with_take(group, "DBSubnetGroupDescription",
			value_ref(value_get(input, "DBSubnetGroupDescription")));
	group = with_subnets_take(call, group, value_get(input, "SubnetIds"), error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	store_put(region_store(call->region), call->scope, RDS_SUBNET_GROUPS, name, group);
	return answer(group);
}

Value rds_delete_subnet_group(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = rds_subnet_group(
		call->region, call->scope, value_get_text(input, "DBSubnetGroupName"), error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	const char *name = value_get_text(group, "DBSubnetGroupName");
	if (is_used(call, name)) {
		wire_error_set(error, "InvalidDBSubnetGroupStateFault",
			"Cannot delete the subnet group '%s' because at least one database "
			"instance is still using it.",
			name);
		return VALUE_NOTHING;
	}
	region_tags_clear(call->region, call->scope, value_get_text(group, "DBSubnetGroupArn"));
	store_delete(region_store(call->region), call->scope, RDS_SUBNET_GROUPS, name);
	return VALUE_NOTHING;
}
