/* Internet gateways, Elastic IPs and NAT gateways. */
#include <string.h>

#include "base/text.h"
#include "region/services/ec2/internal.h"

/* ---- internet gateways ---- */

static Value create_gateway(RegionCall *call, Value input, GError **error) {
	g_autofree char *id = region_ec2_id("igw");
	Value gateway = value_object_take("InternetGatewayId", value_string(id), "OwnerId",
		value_string(call->scope.account), "Attachments", value_empty_tuple(), NULL);
	ec2_put(call, EC2_INTERNET_GATEWAY, id, value_ref(gateway));
	ec2_tag_new(call, input, "internet-gateway", id);
	return value_object_take("InternetGateway", ec2_with_tags(call, id, gateway), NULL);
}

static Value describe_gateways(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {{"internet-gateway-id", "InternetGatewayId"},
		{"attachment.vpc-id", "Attachments.VpcId"},
		{"attachment.state", "Attachments.State"}, {"owner-id", "OwnerId"}, {NULL}};
	static const Ec2Describe describe = {EC2_INTERNET_GATEWAY, "InternetGatewayIds",
		"InternetGateways", "InvalidInternetGatewayID.NotFound", "internetGateway ID",
		filters, NULL};
	return ec2_describe(call, input, &describe, error);
}

static Value find_gateway(RegionCall *call, Value input, GError **error) {
	return ec2_find(call, EC2_INTERNET_GATEWAY, value_get_text(input, "InternetGatewayId"),
		"InvalidInternetGatewayID.NotFound", "internetGateway ID", error);
}

static const char *attached_to(Value gateway) {
	return value_get_text(value_at(value_get(gateway, "Attachments"), 0), "VpcId");
}

static gboolean vpc_has_gateway(RegionCall *call, const char *vpc) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_INTERNET_GATEWAY);
	const char *id;
	Value gateway;
	while (store_iter_next(&iter, &id, &gateway))
		if (g_strcmp0(attached_to(gateway), vpc) == 0)
			return TRUE;
	return FALSE;
}

static Value attach_gateway(RegionCall *call, Value input, GError **error) {
	const char *vpc_id = value_get_text(input, "VpcId");
	g_auto(Value) gateway = find_gateway(call, input, error);
	if (value_is_null(gateway))
		return VALUE_NOTHING;
	g_auto(Value) vpc =
		ec2_find(call, EC2_VPC, vpc_id, "InvalidVpcID.NotFound", "vpc ID", error);
	if (value_is_null(vpc))
		return VALUE_NOTHING;
	const char *id = value_get_text(gateway, "InternetGatewayId");
	if (attached_to(gateway)) {
		wire_error_set(error, "Resource.AlreadyAssociated",
			"resource %s is already attached to network %s", id, attached_to(gateway));
		return VALUE_NOTHING;
	}
	if (vpc_has_gateway(call, vpc_id)) {
		wire_error_set(error, "InvalidParameterValue",
			"Network %s already has an internet gateway attached", vpc_id);
		return VALUE_NOTHING;
	}
	ec2_put(call, EC2_INTERNET_GATEWAY, id,
		value_with_take(value_ref(gateway), "Attachments",
			value_tuple_take(1, value_object_take("State", value_string("available"),
						    "VpcId", value_string(vpc_id), NULL))));
	return VALUE_NOTHING;
}

static Value detach_gateway(RegionCall *call, Value input, GError **error) {
	const char *vpc = value_get_text(input, "VpcId");
	g_auto(Value) gateway = find_gateway(call, input, error);
	if (value_is_null(gateway))
		return VALUE_NOTHING;
	const char *id = value_get_text(gateway, "InternetGatewayId");
	if (g_strcmp0(attached_to(gateway), vpc) != 0) {
		wire_error_set(error, "Gateway.NotAttached",
			"resource %s is not attached to network %s", id, vpc);
		return VALUE_NOTHING;
	}
	ec2_put(call, EC2_INTERNET_GATEWAY, id,
		value_with_take(value_ref(gateway), "Attachments", value_empty_tuple()));
	return VALUE_NOTHING;
}

static Value delete_gateway(RegionCall *call, Value input, GError **error) {
	g_auto(Value) gateway = find_gateway(call, input, error);
	if (value_is_null(gateway))
		return VALUE_NOTHING;
	const char *id = value_get_text(gateway, "InternetGatewayId");
	if (attached_to(gateway)) {
		wire_error_set(error, "DependencyViolation",
			"The internetGateway '%s' has dependencies and cannot be deleted.", id);
		return VALUE_NOTHING;
	}
	ec2_forget(call, EC2_INTERNET_GATEWAY, id);
	return VALUE_NOTHING;
}

/* ---- Elastic IPs ---- */

/* From the block that is kept for documentation (RFC 5737, and 198.18.0.0/15 of RFC 2544): such an
 * address is nobody's. */
#define POOL_BASE ((198u << 24) | (18u << 16))
#define POOL_SIZE (1u << 17)

char *ec2_public_address(Region *region, StoreScope scope) {
	/* One count for all accounts and regions, as addresses are the machine's. */
	StoreScope all = {"", ""};
	guint64 number = (guint64)store_next(region_store(region), all, "ec2/public-address");
	return ec2_address_text(POOL_BASE + (guint32)(number % (POOL_SIZE - 1)) + 1);
}

static Value allocate_address(RegionCall *call, Value input, GError **error) {
	const char *domain = value_text_or(value_get(input, "Domain"), "vpc");
	if (!g_str_equal(domain, "vpc")) {
		wire_error_set(error, "InvalidParameterValue",
			"The address domain '%s' is not supported: EC2-Classic is retired.",
			domain);
		return VALUE_NOTHING;
	}
	g_autofree char *id = region_ec2_id("eipalloc");
	g_autofree char *address = ec2_public_address(call->region, call->scope);
	Value elastic = value_object_take("AllocationId", value_string(id), "PublicIp",
		value_string(address), "Domain", value_string("vpc"), "PublicIpv4Pool",
		value_string("amazon"), "NetworkBorderGroup", value_string(call->scope.region),
		NULL);
	ec2_put(call, EC2_ADDRESS, id, value_ref(elastic));
	ec2_tag_new(call, input, "elastic-ip", id);
	return elastic;
}

static Value describe_addresses(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {{"allocation-id", "AllocationId"},
		{"association-id", "AssociationId"}, {"public-ip", "PublicIp"},
		{"domain", "Domain"}, {"instance-id", "InstanceId"},
		{"network-interface-id", "NetworkInterfaceId"},
		{"private-ip-address", "PrivateIpAddress"},
		{"network-border-group", "NetworkBorderGroup"}, {NULL}};
	static const Ec2Describe describe = {EC2_ADDRESS, "AllocationIds", "Addresses",
		"InvalidAllocationID.NotFound", "allocation ID", filters, NULL};
	return ec2_describe(call, input, &describe, error);
}

/* The provider asks for the reverse name of an address; there is none. */
static Value describe_addresses_attribute(RegionCall *call, Value input, GError **error) {
	Value ids = value_get(input, "AllocationIds");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(ids); i++) {
		g_auto(Value) address = ec2_find(call, EC2_ADDRESS, value_text(value_at(ids, i)),
			"InvalidAllocationID.NotFound", "allocation ID", error);
		if (value_is_null(address))
			return VALUE_NOTHING;
		value_builder_add_take(
			all, value_object_take("AllocationId", value_ref(value_at(ids, i)),
				     "PublicIp", value_ref(value_get(address, "PublicIp")), NULL));
	}
	return value_object_take("Addresses", value_builder_end(g_steal_pointer(&all)), NULL);
}

static Value release_address(RegionCall *call, Value input, GError **error) {
	g_auto(Value) address = ec2_find(call, EC2_ADDRESS, value_get_text(input, "AllocationId"),
		"InvalidAllocationID.NotFound", "allocation ID", error);
	if (value_is_null(address))
		return VALUE_NOTHING;
	if (value_has(address, "AssociationId")) {
		wire_error_set(error, "InvalidIPAddress.InUse", "Address %s is in use.",
			value_get_text(address, "PublicIp"));
		return VALUE_NOTHING;
	}
	ec2_forget(call, EC2_ADDRESS, value_get_text(address, "AllocationId"));
	return VALUE_NOTHING;
}

/* ---- NAT gateways ---- */

static gboolean check_allocation(Value address, GError **error) {
	if (!value_has(address, "AssociationId"))
		return TRUE;
	wire_error_set(error, "Resource.AlreadyAssociated",
		"Elastic IP address [%s] is already associated",
		value_get_text(address, "AllocationId"));
	return FALSE;
}

/* The gateway's interface and its place in the address; without an allocation (private) only the
 * former. */
static Value gateway_address(RegionCall *call, Value interface, Value address) {
	Value place = value_object_take("NetworkInterfaceId",
		value_ref(value_get(interface, "NetworkInterfaceId")), "PrivateIp",
		value_ref(value_get(interface, "PrivateIpAddress")), "IsPrimary", value_bool(TRUE),
		"Status", value_string("succeeded"), NULL);
	if (value_is_null(address))
		return place;
	g_autofree char *association = region_ec2_id("eipassoc");
	const char *id = value_get_text(address, "AllocationId");
	Value used = value_merge(address, VALUE_NOTHING);
	used = value_with_take(used, "AssociationId", value_string(association));
	used = value_with_take(
		used, "NetworkInterfaceId", value_ref(value_get(interface, "NetworkInterfaceId")));
	used = value_with_take(used, "NetworkInterfaceOwnerId", value_string(call->scope.account));
	used = value_with_take(
		used, "PrivateIpAddress", value_ref(value_get(interface, "PrivateIpAddress")));
	ec2_put(call, EC2_ADDRESS, id, used);
	place = value_with_take(place, "AllocationId", value_string(id));
	place = value_with_take(place, "AssociationId", value_string(association));
	return value_with_take(place, "PublicIp", value_ref(value_get(address, "PublicIp")));
}

static Value create_nat(RegionCall *call, Value input, GError **error) {
	const char *subnet_id = value_get_text(input, "SubnetId");
	const char *allocation = value_get_text(input, "AllocationId");
	gboolean private = g_strcmp0(value_get_text(input, "ConnectivityType"), "private") == 0;
	g_auto(Value) subnet = ec2_find(
		call, EC2_SUBNET, subnet_id, "InvalidSubnetID.NotFound", "subnet ID", error);
	g_auto(Value) address = VALUE_NOTHING;
	if (value_is_null(subnet))
		return VALUE_NOTHING;
	if (!private && !allocation) {
		wire_error_set(error, "MissingParameter",
			"The request must contain the parameter AllocationId");
		return VALUE_NOTHING;
	}
	if (allocation) {
		address = ec2_find(call, EC2_ADDRESS, allocation, "InvalidAllocationID.NotFound",
			"allocation ID", error);
		if (value_is_null(address) || !check_allocation(address, error))
			return VALUE_NOTHING;
	}
	g_autofree char *id = region_ec2_id("nat");
	g_autofree char *description = g_strdup_printf("Interface for NAT Gateway %s", id);
	Ec2InterfaceRequest request = {.subnet = subnet_id,
		.groups = VALUE_NOTHING,
		.description = description,
		.type = "nat_gateway",
		.requester = "amazon-nat"};
	g_auto(Value) interface = ec2_interface_create(call->region, call->scope, &request, error);
	if (value_is_null(interface))
		return VALUE_NOTHING;
	Value nat = value_object_take("NatGatewayId", value_string(id), "VpcId",
		value_ref(value_get(subnet, "VpcId")), "SubnetId", value_string(subnet_id), "State",
		value_string(region_glass(call->region) ? "pending" : "available"),
		"ConnectivityType", value_string(private ? "private" : "public"), "CreateTime",
		region_timestamp(call->region), "NatGatewayAddresses",
		value_tuple_take(1, gateway_address(call, interface, address)), NULL);
	ec2_put(call, EC2_NAT_GATEWAY, id, value_ref(nat));
	ec2_tag_new(call, input, "natgateway", id);
	return value_object_take("NatGateway", ec2_with_tags(call, id, nat), NULL);
}

static Value describe_nats(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {{"nat-gateway-id", "NatGatewayId"}, {"vpc-id", "VpcId"},
		{"subnet-id", "SubnetId"}, {"state", "State"}, {NULL}};
	static const Ec2Describe describe = {EC2_NAT_GATEWAY, "NatGatewayIds", "NatGateways",
		"NatGatewayNotFound", "NatGateway", filters, NULL};
	/* The one describe call whose filters are under the singular name. */
	g_auto(Value) plural = value_has(input, "Filter")
				       ? value_with_take(value_ref(input), "Filters",
						 value_ref(value_get(input, "Filter")))
				       : value_ref(input);
	return ec2_describe(call, plural, &describe, error);
}

static void release_association(RegionCall *call, Value place) {
	const char *id = value_get_text(place, "AllocationId");
	Value address = id ? store_get(region_store(call->region), call->scope, EC2_ADDRESS, id)
			   : VALUE_NOTHING;
	if (value_is_null(address))
		return;
	static const char *const members[] = {"AssociationId", "NetworkInterfaceId",
		"NetworkInterfaceOwnerId", "PrivateIpAddress"};
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		address = value_without_take(address, members[i]);
	ec2_put(call, EC2_ADDRESS, id, address);
}

/* A deleted gateway can be described for a while, as on AWS; nothing of it is left but that. */
static Value delete_nat(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "NatGatewayId");
	g_auto(Value) nat =
		ec2_find(call, EC2_NAT_GATEWAY, id, "NatGatewayNotFound", "NatGateway", error);
	if (value_is_null(nat))
		return VALUE_NOTHING;
	Value place = value_at(value_get(nat, "NatGatewayAddresses"), 0);
	release_association(call, place);
	ec2_interface_delete(
		call->region, call->scope, value_get_text(place, "NetworkInterfaceId"));
	g_auto(Value) gone = value_with_take(value_ref(nat), "State", value_string("deleted"));
	gone = value_with_take(value_steal(&gone), "DeleteTime", region_timestamp(call->region));
	ec2_put(call, EC2_NAT_GATEWAY, id, value_steal(&gone));
	return value_object_take("NatGatewayId", value_string(id), NULL);
}

const RegionOperation ec2_gateway_operations[] = {
	{"CreateInternetGateway", create_gateway},
	{"DescribeInternetGateways", describe_gateways, .reads_only = TRUE},
	{"AttachInternetGateway", attach_gateway},
	{"DetachInternetGateway", detach_gateway},
	{"DeleteInternetGateway", delete_gateway},
	{"AllocateAddress", allocate_address},
	{"DescribeAddresses", describe_addresses, .reads_only = TRUE},
	{"DescribeAddressesAttribute", describe_addresses_attribute, .reads_only = TRUE},
	{"ReleaseAddress", release_address},
	{"CreateNatGateway", create_nat},
	{"DescribeNatGateways", describe_nats, .reads_only = TRUE},
	{"DeleteNatGateway", delete_nat},
	{NULL},
};
