/* VPCs and their subnets. */
#include <string.h>

#include "region/services/ec2/internal.h"

/* ---- VPCs ---- */

static gboolean invalid_cidr(const char *cidr, GError **error) {
	wire_error_set(error, "InvalidParameterValue",
		"Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
		cidr ? cidr : "");
	return FALSE;
}

static Value create_vpc(RegionCall *call, Value input, GError **error) {
	const char *text = value_get_text(input, "CidrBlock");
	Ec2Cidr cidr;
	if (!text) {
		wire_error_set(error, "MissingParameter",
			"Either 'cidrBlock' or 'ipv4IpamPoolId' must be provided.");
		return VALUE_NOTHING;
	}
	if (!ec2_cidr_parse(text, &cidr)) {
		invalid_cidr(text, error);
		return VALUE_NOTHING;
	}
	if (cidr.length < 16 || cidr.length > 28) {
		wire_error_set(error, "InvalidVpc.Range", "The CIDR '%s' is invalid.", text);
		return VALUE_NOTHING;
	}
	if (value_get_bool(input, "AmazonProvidedIpv6CidrBlock")) {
		wire_error_set(error, "UnsupportedOperation",
			"Terrarium has no IPv6: AmazonProvidedIpv6CidrBlock is not supported.");
		return VALUE_NOTHING;
	}
	g_autofree char *id = region_ec2_id("vpc");
	Value vpc = value_object_take("VpcId", value_string(id), "CidrBlock", value_string(text),
		"State", value_string("available"), "IsDefault", value_bool(FALSE),
		"InstanceTenancy",
		value_string(value_text_or(value_get(input, "InstanceTenancy"), "default")),
		"OwnerId", value_string(call->scope.account), "DhcpOptionsId",
		value_string("dopt-00000000000000000"), "CidrBlockAssociationSet",
		value_tuple_take(1, ec2_vpc_block_new(text)), NULL);
	ec2_put(call, EC2_VPC, id, value_ref(vpc));
	ec2_put(call, EC2_VPC_ATTRIBUTES, id,
		value_object_take("EnableDnsSupport", value_bool(TRUE), "EnableDnsHostnames",
			value_bool(FALSE), "EnableNetworkAddressUsageMetrics", value_bool(FALSE),
			NULL));
	ec2_tag_new(call, input, "vpc", id);
	g_autofree char *table = ec2_route_table_create_main(call, id);
	g_autofree char *group = ec2_group_create_default(call, id);
	ec2_acl_create_default(call, id);
	return value_object_take("Vpc", ec2_with_tags(call, id, vpc), NULL);
}

static const Ec2Filter vpc_filters[] = {{"vpc-id", "VpcId"}, {"cidr", "CidrBlock"},
	{"cidr-block", "CidrBlock"}, {"state", "State"}, {"is-default", "IsDefault"},
	{"isDefault", "IsDefault"}, {"owner-id", "OwnerId"}, {"dhcp-options-id", "DhcpOptionsId"},
	{"cidr-block-association.cidr-block", "CidrBlockAssociationSet.CidrBlock"},
	{"cidr-block-association.association-id", "CidrBlockAssociationSet.AssociationId"},
	{"cidr-block-association.state", "CidrBlockAssociationSet.CidrBlockState.State"}, {NULL}};

static Value describe_vpcs(RegionCall *call, Value input, GError **error) {
	static const Ec2Describe describe = {
		EC2_VPC, "VpcIds", "Vpcs", "InvalidVpcID.NotFound", "vpc ID", vpc_filters, NULL};
	return ec2_describe(call, input, &describe, error);
}

static Value find_vpc(RegionCall *call, const char *id, GError **error) {
	return ec2_find(call, EC2_VPC, id, "InvalidVpcID.NotFound", "vpc ID", error);
}

/* What goes with its VPC: the main route table, the default group and ACL. */
static void delete_of_vpc(RegionCall *call, const char *kind, const char *vpc) {
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, kind);
	const char *id;
	Value object;
	while (store_iter_next(&iter, &id, &object))
		if (g_strcmp0(value_get_text(object, "VpcId"), vpc) == 0)
			ec2_forget(call, kind, id);
}

static guint count_of_vpc(RegionCall *call, const char *kind, const char *vpc) {
	guint n = 0;
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, kind);
	const char *id;
	Value object;
	while (store_iter_next(&iter, &id, &object))
		n += g_strcmp0(value_get_text(object, "VpcId"), vpc) == 0;
	return n;
}

static gboolean has_gateway(RegionCall *call, const char *vpc) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_INTERNET_GATEWAY);
	const char *id;
	Value object;
	while (store_iter_next(&iter, &id, &object)) {
		Value attachment = value_at(value_get(object, "Attachments"), 0);
		if (g_strcmp0(value_get_text(attachment, "VpcId"), vpc) == 0)
			return TRUE;
	}
	return FALSE;
}

static Value delete_vpc(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "VpcId");
	g_auto(Value) vpc = find_vpc(call, id, error);
	if (value_is_null(vpc))
		return VALUE_NOTHING;
	if (count_of_vpc(call, EC2_SUBNET, id) > 0 || has_gateway(call, id) ||
		count_of_vpc(call, EC2_SECURITY_GROUP, id) > 1 ||
		count_of_vpc(call, EC2_ROUTE_TABLE, id) > 1 ||
		count_of_vpc(call, EC2_NETWORK_ACL, id) > 1) {
		wire_error_set(error, "DependencyViolation",
			"The vpc '%s' has dependencies and cannot be deleted.", id);
		return VALUE_NOTHING;
	}
	delete_of_vpc(call, EC2_ROUTE_TABLE, id);
	delete_of_vpc(call, EC2_NETWORK_ACL, id);
	ec2_groups_delete_of_vpc(call, id);
	ec2_forget(call, EC2_VPC_ATTRIBUTES, id);
	ec2_forget(call, EC2_VPC, id);
	return VALUE_NOTHING;
}

/* ---- attributes of VPCs ---- */

static char *attribute_member(const char *name) {
	char *member = g_strdup(name);
	*member = g_ascii_toupper(*member);
	return member;
}

static Value describe_vpc_attribute(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "VpcId");
	g_auto(Value) vpc = find_vpc(call, id, error);
	if (value_is_null(vpc))
		return VALUE_NOTHING;
	g_autofree char *member = attribute_member(value_get_text(input, "Attribute"));
	g_auto(Value) attributes =
		store_get(region_store(call->region), call->scope, EC2_VPC_ATTRIBUTES, id);
	return value_object_take("VpcId", value_string(id), member,
		value_object_take("Value", value_ref(value_get(attributes, member)), NULL), NULL);
}

static Value modify_vpc_attribute(RegionCall *call, Value input, GError **error) {
	static const char *const members[] = {
		"EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"};
	const char *id = value_get_text(input, "VpcId");
	g_auto(Value) vpc = find_vpc(call, id, error);
	if (value_is_null(vpc))
		return VALUE_NOTHING;
	g_auto(Value) attributes =
		store_get(region_store(call->region), call->scope, EC2_VPC_ATTRIBUTES, id);
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(input, members[i]))
			attributes = value_with_take(value_steal(&attributes), members[i],
				value_ref(value_get_path(input, members[i], "Value", NULL)));
	ec2_put(call, EC2_VPC_ATTRIBUTES, id, value_steal(&attributes));
	return VALUE_NOTHING;
}

/* ---- subnets ---- */

static gboolean conflicts(RegionCall *call, const char *vpc, Ec2Cidr cidr) {
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, EC2_SUBNET);
	const char *id;
	Value subnet;
	while (store_iter_next(&iter, &id, &subnet)) {
		Ec2Cidr other;
		if (g_strcmp0(value_get_text(subnet, "VpcId"), vpc) == 0 &&
			ec2_cidr_parse(value_get_text(subnet, "CidrBlock"), &other) &&
			ec2_cidr_overlaps(cidr, other))
			return TRUE;
	}
	return FALSE;
}

static gboolean check_subnet(
	RegionCall *call, Value vpc, const char *text, Ec2Cidr *cidr, GError **error) {
	if (!ec2_cidr_parse(text, cidr))
		return invalid_cidr(text, error);
	if (cidr->length < 16 || cidr->length > 28 || !ec2_vpc_holds(vpc, *cidr)) {
		wire_error_set(error, "InvalidSubnet.Range", "The CIDR '%s' is invalid.", text);
		return FALSE;
	}
	if (conflicts(call, value_get_text(vpc, "VpcId"), *cidr)) {
		wire_error_set(error, "InvalidSubnet.Conflict",
			"The CIDR '%s' conflicts with another subnet", text);
		return FALSE;
	}
	return TRUE;
}

static Value create_subnet(RegionCall *call, Value input, GError **error) {
	const char *text = value_get_text(input, "CidrBlock");
	g_auto(Value) vpc = find_vpc(call, value_get_text(input, "VpcId"), error);
	Ec2Cidr cidr;
	if (value_is_null(vpc) || !check_subnet(call, vpc, text, &cidr, error))
		return VALUE_NOTHING;
	g_autofree char *zone = ec2_zone_choose(call, input, error);
	if (!zone)
		return VALUE_NOTHING;
	g_autofree char *id = region_ec2_id("subnet");
	g_autofree char *zone_id = ec2_zone_id(call->scope.region, zone);
	g_autofree char *arn = region_arn(call->scope, "ec2", "subnet/%s", id);
	Value subnet = value_object_take("SubnetId", value_string(id), "SubnetArn",
		value_string(arn), "VpcId", value_ref(value_get(vpc, "VpcId")), "CidrBlock",
		value_string(text), "AvailabilityZone", value_string(zone), "AvailabilityZoneId",
		value_string(zone_id), "State", value_string("available"), "OwnerId",
		value_string(call->scope.account), "AvailableIpAddressCount",
		value_int(((gint64)1 << (32 - cidr.length)) - 5), "DefaultForAz", value_bool(FALSE),
		"MapPublicIpOnLaunch", value_bool(FALSE), "AssignIpv6AddressOnCreation",
		value_bool(FALSE), "Ipv6CidrBlockAssociationSet", value_empty_tuple(),
		"MapCustomerOwnedIpOnLaunch", value_bool(FALSE), "EnableDns64", value_bool(FALSE),
		"Ipv6Native", value_bool(FALSE), "PrivateDnsNameOptionsOnLaunch",
		value_object_take("HostnameType", value_string("ip-name"),
			"EnableResourceNameDnsARecord", value_bool(FALSE),
			"EnableResourceNameDnsAAAARecord", value_bool(FALSE), NULL),
		NULL);
	ec2_put(call, EC2_SUBNET, id, value_ref(subnet));
	ec2_acl_subnet_arrives(call, id, value_get_text(vpc, "VpcId"));
	ec2_tag_new(call, input, "subnet", id);
	return value_object_take("Subnet", ec2_with_tags(call, id, subnet), NULL);
}

static Value complete_subnet(RegionCall *call, const char *id, Value subnet) {
	gint64 used = 0;
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, EC2_INTERFACE);
	const char *interface_id;
	Value interface;
	while (store_iter_next(&iter, &interface_id, &interface))
		used += g_strcmp0(value_get_text(interface, "SubnetId"), id) == 0;
	gint64 all = value_get_int(subnet, "AvailableIpAddressCount", 0);
	return value_with_take(subnet, "AvailableIpAddressCount", value_int(all - used));
}

static Value describe_subnets(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {{"subnet-id", "SubnetId"}, {"vpc-id", "VpcId"},
		{"cidr-block", "CidrBlock"}, {"cidr", "CidrBlock"},
		{"availability-zone", "AvailabilityZone"}, {"availabilityZone", "AvailabilityZone"},
		{"availability-zone-id", "AvailabilityZoneId"}, {"state", "State"},
		{"default-for-az", "DefaultForAz"}, {"defaultForAz", "DefaultForAz"},
		{"map-public-ip-on-launch", "MapPublicIpOnLaunch"}, {"owner-id", "OwnerId"},
		{"subnet-arn", "SubnetArn"}, {NULL}};
	static const Ec2Describe describe = {EC2_SUBNET, "SubnetIds", "Subnets",
		"InvalidSubnetID.NotFound", "subnet ID", filters, complete_subnet};
	return ec2_describe(call, input, &describe, error);
}

static Value find_subnet(RegionCall *call, const char *id, GError **error) {
	return ec2_find(call, EC2_SUBNET, id, "InvalidSubnetID.NotFound", "subnet ID", error);
}

static Value modify_subnet_attribute(RegionCall *call, Value input, GError **error) {
	static const char *const members[] = {"MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation",
		"EnableDns64", "MapCustomerOwnedIpOnLaunch"};
	const char *id = value_get_text(input, "SubnetId");
	g_auto(Value) subnet = find_subnet(call, id, error);
	if (value_is_null(subnet))
		return VALUE_NOTHING;
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(input, members[i]))
			subnet = value_with_take(value_steal(&subnet), members[i],
				value_ref(value_get_path(input, members[i], "Value", NULL)));
	ec2_put(call, EC2_SUBNET, id, value_steal(&subnet));
	return VALUE_NOTHING;
}

static Value delete_subnet(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "SubnetId");
	g_auto(Value) subnet = find_subnet(call, id, error);
	if (value_is_null(subnet))
		return VALUE_NOTHING;
	if (ec2_any(call, EC2_INTERFACE, "SubnetId", id)) {
		wire_error_set(error, "DependencyViolation",
			"The subnet '%s' has dependencies and cannot be deleted.", id);
		return VALUE_NOTHING;
	}
	ec2_subnet_leaves(call, id);
	ec2_acl_subnet_leaves(call, id);
	ec2_forget(call, EC2_SUBNET, id);
	return VALUE_NOTHING;
}

const RegionOperation ec2_vpc_operations[] = {
	{"CreateVpc", create_vpc},
	{"DescribeVpcs", describe_vpcs, .reads_only = TRUE},
	{"DeleteVpc", delete_vpc},
	{"DescribeVpcAttribute", describe_vpc_attribute, .reads_only = TRUE},
	{"ModifyVpcAttribute", modify_vpc_attribute},
	{"CreateSubnet", create_subnet},
	{"DescribeSubnets", describe_subnets, .reads_only = TRUE},
	{"ModifySubnetAttribute", modify_subnet_attribute},
	{"DeleteSubnet", delete_subnet},
	{NULL},
};

/* ---- for other services ---- */

Value ec2_subnet_get(Region *region, StoreScope scope, const char *subnet) {
	return store_get(region_store(region), scope, EC2_SUBNET, subnet);
}

Value ec2_vpc_get(Region *region, StoreScope scope, const char *vpc) {
	return store_get(region_store(region), scope, EC2_VPC, vpc);
}
