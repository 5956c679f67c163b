/*
 * The default VPC: an account has one in each region, with a subnet in each zone, a way to the
 * internet, and the usual group and network ACL (VPC user guide, "Default VPCs"). It may be
 * deleted, and made again. It is put together by the same operations that users call.
 */
#include <string.h>

#include "region/services/ec2/internal.h"

#define BLOCK "172.31.0.0/16"
/* Written once the default VPC was made for the first time: a deleted one stays deleted. */
#define SETTLED "ec2/settled"

static Value of_scope(RegionCall *call, const char *operation, Value input_taken, GError **error) {
	g_auto(Value) input = input_taken;
	return region_call(call->region, call->scope, "ec2", operation, input, error);
}

/* The same, where only success counts. */
static gboolean carry_out(
	RegionCall *call, const char *operation, Value input_taken, GError **error) {
	g_autoptr(GError) local = NULL;
	value_unref(of_scope(call, operation, input_taken, &local));
	if (!local)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static Value on(void) {
	return value_object_take("Value", value_bool(TRUE), NULL);
}

char *ec2_default_vpc(Region *region, StoreScope scope) {
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, EC2_VPC);
	const char *id;
	Value vpc;
	while (store_iter_next(&iter, &id, &vpc))
		if (value_get_bool(vpc, "IsDefault"))
			return g_strdup(id);
	return NULL;
}

/* ---- subnets ---- */

/* The id of the default subnet of a zone; NULL: there is none. Caller frees. */
static char *subnet_of_zone(RegionCall *call, const char *zone) {
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, EC2_SUBNET);
	const char *id;
	Value subnet;
	while (store_iter_next(&iter, &id, &subnet))
		if (value_get_bool(subnet, "DefaultForAz") &&
			g_strcmp0(value_get_text(subnet, "AvailabilityZone"), zone) == 0)
			return g_strdup(id);
	return NULL;
}

/* A subnet of 4,096 addresses in the first such part of the default VPC that is free. Returns its
 * id (caller frees), or NULL and an error. */
static char *make_subnet(RegionCall *call, const char *vpc, const char *zone, GError **error) {
	for (int part = 0; part < 16; part++) {
		g_autofree char *block = g_strdup_printf("172.31.%d.0/20", part * 16);
		g_autoptr(GError) local = NULL;
		g_auto(Value) made = of_scope(call, "CreateSubnet",
			value_object_take("VpcId", value_string(vpc), "CidrBlock",
				value_string(block), "AvailabilityZone", value_string(zone), NULL),
			&local);
		if (local && g_str_equal(wire_error_code(local), "InvalidSubnet.Conflict"))
			continue;
		if (local) {
			g_propagate_error(error, g_steal_pointer(&local));
			return NULL;
		}
		Value subnet = value_get(made, "Subnet");
		char *id = g_strdup(value_get_text(subnet, "SubnetId"));
		g_auto(Value) kept =
			store_get(region_store(call->region), call->scope, EC2_SUBNET, id);
		kept = value_with_take(value_steal(&kept), "DefaultForAz", value_bool(TRUE));
		ec2_put(call, EC2_SUBNET, id,
			value_with_take(
				value_steal(&kept), "MapPublicIpOnLaunch", value_bool(TRUE)));
		return id;
	}
	wire_error_set(error, "InsufficientFreeAddressesInSubnet",
		"The default VPC %s has no free block of the size /20.", vpc);
	return NULL;
}

static Value create_default_subnet(RegionCall *call, Value input, GError **error) {
	g_autofree char *vpc = ec2_default_vpc(call->region, call->scope);
	if (!vpc) {
		wire_error_set(error, "DefaultVpcDoesNotExist",
			"No default VPC exists for this account in this region.");
		return VALUE_NOTHING;
	}
	g_autofree char *zone = ec2_zone_choose(call, input, error);
	if (!zone)
		return VALUE_NOTHING;
	g_autofree char *there = subnet_of_zone(call, zone);
	if (there) {
		wire_error_set(error, "DefaultSubnetAlreadyExistsInAvailabilityZone",
			"'%s' is already the default subnet in %s.", there, zone);
		return VALUE_NOTHING;
	}
	g_autofree char *id = make_subnet(call, vpc, zone, error);
	if (!id)
		return VALUE_NOTHING;
	ec2_tag_new(call, input, "subnet", id);
	return value_object_take("Subnet",
		ec2_with_tags(call, id, ec2_subnet_get(call->region, call->scope, id)), NULL);
}

/* ---- the VPC ---- */

static char *main_table(RegionCall *call, const char *vpc) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_ROUTE_TABLE);
	const char *id;
	Value table;
	while (store_iter_next(&iter, &id, &table))
		if (g_strcmp0(value_get_text(table, "VpcId"), vpc) == 0)
			return g_strdup(id); /* a new VPC has no other */
	return NULL;
}

static gboolean connect_to_internet(RegionCall *call, const char *vpc, GError **error) {
	g_auto(Value) made = of_scope(call, "CreateInternetGateway", value_empty_object(), error);
	const char *gateway =
		value_text(value_get_path(made, "InternetGateway", "InternetGatewayId", NULL));
	g_autofree char *table = main_table(call, vpc);
	return gateway &&
	       carry_out(call, "AttachInternetGateway",
		       value_object_take("VpcId", value_string(vpc), "InternetGatewayId",
			       value_string(gateway), NULL),
		       error) &&
	       carry_out(call, "CreateRoute",
		       value_object_take("RouteTableId", value_string(table),
			       "DestinationCidrBlock", value_string("0.0.0.0/0"), "GatewayId",
			       value_string(gateway), NULL),
		       error);
}

/* Returns the VPC's id (caller frees), or NULL and an error. */
static char *make_vpc(RegionCall *call, GError **error) {
	g_auto(Value) made = of_scope(call, "CreateVpc",
		value_object_take("CidrBlock", value_string(BLOCK), NULL), error);
	if (value_is_null(made))
		return NULL;
	g_autofree char *id = g_strdup(value_text(value_get_path(made, "Vpc", "VpcId", NULL)));
	ec2_put(call, EC2_VPC, id,
		value_with_take(
			ec2_vpc_get(call->region, call->scope, id), "IsDefault", value_bool(TRUE)));
	if (!carry_out(call, "ModifyVpcAttribute",
		    value_object_take("VpcId", value_string(id), "EnableDnsHostnames", on(), NULL),
		    error) ||
		!connect_to_internet(call, id, error))
		return NULL;
	for (const char *letter = EC2_ZONES; *letter; letter++) {
		g_autofree char *zone = g_strdup_printf("%s%c", call->scope.region, *letter);
		g_autofree char *subnet = make_subnet(call, id, zone, error);
		if (!subnet)
			return NULL;
	}
	return g_steal_pointer(&id);
}

static Value create_default_vpc(RegionCall *call, Value input, GError **error) {
	g_autofree char *there = ec2_default_vpc(call->region, call->scope);
	if (there) {
		wire_error_set(error, "DefaultVpcAlreadyExists",
			"A Default VPC already exists for this account in this region.");
		return VALUE_NOTHING;
	}
	g_autofree char *id = make_vpc(call, error);
	if (!id)
		return VALUE_NOTHING;
	return value_object_take(
		"Vpc", ec2_with_tags(call, id, ec2_vpc_get(call->region, call->scope, id)), NULL);
}

gboolean ec2_default_settle(RegionCall *call, GError **error) {
	Store *store = region_store(call->region);
	if (store_has(store, call->scope, SETTLED, "default"))
		return TRUE;
	store_put_take(store, call->scope, SETTLED, "default", value_empty_object());
	g_autofree char *vpc = make_vpc(call, error);
	return vpc != NULL;
}

const RegionOperation ec2_default_operations[] = {
	{"CreateDefaultVpc", create_default_vpc},
	{"CreateDefaultSubnet", create_default_subnet},
	{NULL},
};
