/* Network interfaces: addresses out of subnets, for whatever runs in a VPC. See ec2.h. */
#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "region/services/ec2/internal.h"

/* Whose namespace an interface is in, where that is not its own: not part of the API's shape. */

/* AWS keeps the first four addresses of a subnet and the last one. */
#define RESERVED 4

/* ---- addresses ---- */

static GHashTable *used_addresses(Region *region, StoreScope scope, const char *subnet) {
	GHashTable *used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, EC2_INTERFACE);
	const char *id;
	Value interface;
	while (store_iter_next(&iter, &id, &interface))
		if (g_strcmp0(value_get_text(interface, "SubnetId"), subnet) == 0)
			g_hash_table_add(
				used, g_strdup(value_get_text(interface, "PrivateIpAddress")));
	return used;
}

/* A free address, going round the subnet so that one that was just given back rests for a while.
 * NULL: none is left. */
static char *free_address(Region *region, StoreScope scope, Value subnet) {
	Ec2Cidr cidr;
	const char *id = value_get_text(subnet, "SubnetId");
	if (!ec2_cidr_parse(value_get_text(subnet, "CidrBlock"), &cidr))
		return NULL;
	g_autoptr(GHashTable) used = used_addresses(region, scope, id);
	guint32 size = (1u << (32 - cidr.length)) - RESERVED - 1;
	g_autofree char *counter = g_strdup_printf("ec2/address/%s", id);
	guint64 start = (guint64)store_next(region_store(region), scope, counter) - 1;
	for (guint32 i = 0; i < size; i++) {
		guint32 offset = (guint32)((start + i) % size);
		char *address = ec2_address_text(cidr.base + RESERVED + offset);
		if (!g_hash_table_contains(used, address))
			return address;
		g_free(address);
	}
	return NULL;
}

static char *mac_of(const char *address) {
	struct in_addr parsed;
	inet_pton(AF_INET, address, &parsed);
	const guint8 *bytes = (const guint8 *)&parsed.s_addr;
	/* Locally administered: 02. */
	return g_strdup_printf("02:ec:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
}

static char *private_name(const char *region, const char *address) {
	g_autofree char *dashed = g_strdelimit(g_strdup(address), ".", '-');
	return g_str_equal(region, "us-east-1")
		       ? g_strdup_printf("ip-%s.ec2.internal", dashed)
		       : g_strdup_printf("ip-%s.%s.compute.internal", dashed, region);
}

/* ---- groups ---- */

static Value group_entry(Value group) {
	return value_object_take("GroupId", value_ref(value_get(group, "GroupId")), "GroupName",
		value_ref(value_get(group, "GroupName")), NULL);
}

static Value default_groups(Region *region, StoreScope scope, const char *vpc) {
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, EC2_SECURITY_GROUP);
	const char *id;
	Value group;
	while (store_iter_next(&iter, &id, &group))
		if (g_strcmp0(value_get_text(group, "VpcId"), vpc) == 0 &&
			g_strcmp0(value_get_text(group, "GroupName"), "default") == 0)
			return value_tuple_take(1, group_entry(group));
	return value_empty_tuple();
}

/* The groups as an interface lists them; VALUE_NOTHING and an error for one that is not there. */
static Value read_groups(
	Region *region, StoreScope scope, const char *vpc, Value ids, GError **error) {
	if (value_is_null(ids))
		return default_groups(region, scope, vpc);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(ids); i++) {
		const char *id = value_text_or(value_at(ids, i), "");
		g_auto(Value) group = ec2_group_get(region, scope, id);
		if (value_is_null(group)) {
			wire_error_set(error, "InvalidGroup.NotFound",
				"The security group '%s' does not exist", id);
			return VALUE_NOTHING;
		}
		if (g_strcmp0(value_get_text(group, "VpcId"), vpc) != 0) {
			wire_error_set(error, "InvalidParameterValue",
				"You have specified two resources that belong to different "
				"networks: security group %s is not in %s.",
				id, vpc);
			return VALUE_NOTHING;
		}
		value_builder_add_take(all, group_entry(group));
	}
	return value_builder_end(g_steal_pointer(&all));
}

/* ---- life ---- */

/* A service's interface is attached to something that is the service's own. */
static Value with_requester(Value interface_taken, const char *requester) {
	g_autofree char *id = region_ec2_id("eni-attach");
	Value interface = value_with_take(interface_taken, "RequesterId", value_string(requester));
	return value_with_take(interface, "Attachment",
		value_object_take("AttachmentId", value_string(id), "InstanceOwnerId",
			value_string(requester), "DeviceIndex", value_int(1), "Status",
			value_string("attached"), "DeleteOnTermination", value_bool(FALSE), NULL));
}

Value ec2_interface_create(
	Region *region, StoreScope scope, const Ec2InterfaceRequest *request, GError **error) {
	g_auto(Value) subnet = ec2_subnet_get(region, scope, request->subnet);
	if (value_is_null(subnet)) {
		wire_error_set(error, "InvalidSubnetID.NotFound",
			"The subnet ID '%s' does not exist", request->subnet);
		return VALUE_NOTHING;
	}
	const char *vpc = value_get_text(subnet, "VpcId");
	gboolean is_nat = g_strcmp0(request->type, "nat_gateway") == 0;
	g_auto(Value) groups = is_nat ? value_empty_tuple()
				      : read_groups(region, scope, vpc, request->groups, error);
	if (value_is_null(groups))
		return VALUE_NOTHING;
	g_autofree char *address = free_address(region, scope, subnet);
	if (!address) {
		wire_error_set(error, "InsufficientFreeAddressesInSubnet",
			"The specified subnet does not have enough free addresses to satisfy the "
			"request.");
		return VALUE_NOTHING;
	}
	g_autofree char *id = region_ec2_id("eni"), *mac = mac_of(address);
	g_autofree char *name = private_name(scope.region, address);
	Value interface = value_object_take("NetworkInterfaceId", value_string(id), "SubnetId",
		value_string(request->subnet), "VpcId", value_string(vpc), "AvailabilityZone",
		value_ref(value_get(subnet, "AvailabilityZone")), "Description",
		value_string(request->description ? request->description : ""), "OwnerId",
		value_string(scope.account), "RequesterManaged",
		value_bool(request->requester != NULL), "Status", value_string("in-use"),
		"MacAddress", value_string(mac), "PrivateIpAddress", value_string(address),
		"PrivateDnsName", value_string(name), "SourceDestCheck", value_bool(!is_nat),
		"InterfaceType", value_string(request->type ? request->type : "interface"),
		"Groups", value_steal(&groups), "PrivateIpAddresses",
		value_tuple_take(
			1, value_object_take("PrivateIpAddress", value_string(address), "Primary",
				   value_bool(TRUE), "PrivateDnsName", value_string(name), NULL)),
		NULL);
	if (request->requester)
		interface = with_requester(interface, request->requester);
	if (request->public_address) {
		g_autofree char *public = ec2_public_address(region, scope);
		interface = value_with_take(interface, "Association",
			value_object_take("PublicIp", value_string(public), "IpOwnerId",
				value_string("amazon"), NULL));
	}
	store_put(region_store(region), scope, EC2_INTERFACE, id, interface);
	return interface;
}

void ec2_interface_join(
	Region *region, StoreScope scope, const char *interface, const char *owner_interface) {
	store_put_take(region_store(region), scope, EC2_INTERFACE_OWNER, interface,
		value_object_take("Owner", value_string(owner_interface), NULL));
}

char *ec2_interface_owner(Region *region, StoreScope scope, const char *interface) {
	g_auto(Value) owner =
		store_get(region_store(region), scope, EC2_INTERFACE_OWNER, interface);
	return g_strdup(value_text_or(value_get(owner, "Owner"), interface));
}

gboolean ec2_interface_set_groups(
	Region *region, StoreScope scope, const char *interface, Value groups, GError **error) {
	g_auto(Value) object = ec2_interface_get(region, scope, interface);
	if (value_is_null(object)) {
		wire_error_set(error, "InvalidNetworkInterfaceID.NotFound",
			"The networkInterface ID '%s' does not exist", interface);
		return FALSE;
	}
	Value list = read_groups(region, scope, value_get_text(object, "VpcId"), groups, error);
	if (value_is_null(list))
		return FALSE;
	store_put_take(region_store(region), scope, EC2_INTERFACE, interface,
		value_with_take(value_steal(&object), "Groups", list));
	return TRUE;
}

void ec2_interface_delete(Region *region, StoreScope scope, const char *interface) {
	if (!interface)
		return;
	store_delete(region_store(region), scope, EC2_INTERFACE, interface);
	store_delete(region_store(region), scope, EC2_INTERFACE_OWNER, interface);
	region_tags_clear(region, scope, interface);
}

Value ec2_interface_get(Region *region, StoreScope scope, const char *interface) {
	return store_get(region_store(region), scope, EC2_INTERFACE, interface);
}

/* ---- the API ---- */

static Value complete_interface(RegionCall *call, const char *id, Value interface) {
	g_auto(Value) tags = region_tags(call->region, call->scope, id);
	return value_with_take(interface, "TagSet", region_tags_to_list(tags, "Key", "Value"));
}

/* An interface's tags are under another name than everything else's. */
static Value rename_tags(Value output_taken) {
	g_auto(Value) output = output_taken;
	Value all = value_get(output, "NetworkInterfaces");
	g_autoptr(ValueBuilder) renamed = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(all); i++)
		value_builder_add_take(
			renamed, value_without_take(value_ref(value_at(all, i)), "Tags"));
	return value_with_take(value_ref(output), "NetworkInterfaces",
		value_builder_end(g_steal_pointer(&renamed)));
}

static Value describe_interfaces(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {{"network-interface-id", "NetworkInterfaceId"},
		{"subnet-id", "SubnetId"}, {"vpc-id", "VpcId"}, {"status", "Status"},
		{"description", "Description"}, {"group-id", "Groups.GroupId"},
		{"group-name", "Groups.GroupName"}, {"requester-id", "RequesterId"},
		{"requester-managed", "RequesterManaged"}, {"mac-address", "MacAddress"},
		{"private-ip-address", "PrivateIpAddress"}, {"private-dns-name", "PrivateDnsName"},
		{"addresses.private-ip-address", "PrivateIpAddresses.PrivateIpAddress"},
		{"association.public-ip", "Association.PublicIp"},
		{"attachment.instance-id", "Attachment.InstanceId"},
		{"attachment.attachment-id", "Attachment.AttachmentId"},
		{"attachment.instance-owner-id", "Attachment.InstanceOwnerId"},
		{"attachment.status", "Attachment.Status"},
		{"availability-zone", "AvailabilityZone"}, {"owner-id", "OwnerId"},
		{"interface-type", "InterfaceType"}, {NULL}};
	static const Ec2Describe describe = {EC2_INTERFACE, "NetworkInterfaceIds",
		"NetworkInterfaces", "InvalidNetworkInterfaceID.NotFound", "networkInterface ID",
		filters, complete_interface};
	Value output = ec2_describe(call, input, &describe, error);
	return value_is_null(output) ? output : rename_tags(output);
}

const RegionOperation ec2_interface_operations[] = {
	{"DescribeNetworkInterfaces", describe_interfaces, .reads_only = TRUE},
	{NULL},
};
