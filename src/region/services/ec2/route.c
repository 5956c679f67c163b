/* Route tables, their routes and associations. */
#include <string.h>

#include "region/services/ec2/internal.h"

/* ---- tables ---- */

static Value local_route(const char *cidr) {
	return value_object_take("DestinationCidrBlock", value_string(cidr), "GatewayId",
		value_string("local"), "Origin", value_string("CreateRouteTable"), "State",
		value_string("active"), NULL);
}

static Value new_table(RegionCall *call, const char *id, const char *vpc_id) {
	g_auto(Value) vpc = ec2_vpc_get(call->region, call->scope, vpc_id);
	g_auto(GStrv) blocks = ec2_vpc_blocks(vpc);
	g_autoptr(ValueBuilder) routes = value_builder_new(VALUE_TUPLE, NULL);
	for (char **block = blocks; *block; block++)
		value_builder_add_take(routes, local_route(*block));
	return value_object_take("RouteTableId", value_string(id), "VpcId", value_string(vpc_id),
		"OwnerId", value_string(call->scope.account), "Routes",
		value_builder_end(g_steal_pointer(&routes)), "Associations", value_empty_tuple(),
		"PropagatingVgws", value_empty_tuple(), NULL);
}

static Value association(const char *id, const char *table, const char *subnet) {
	Value object =
		value_object_take("RouteTableAssociationId", value_string(id), "RouteTableId",
			value_string(table), "Main", value_bool(subnet == NULL), "AssociationState",
			value_object_take("State", value_string("associated"), NULL), NULL);
	return subnet ? value_with_take(object, "SubnetId", value_string(subnet)) : object;
}

char *ec2_route_table_create_main(RegionCall *call, const char *vpc) {
	char *id = region_ec2_id("rtb");
	g_autofree char *main = region_ec2_id("rtbassoc");
	ec2_put(call, EC2_ROUTE_TABLE, id,
		value_with_take(new_table(call, id, vpc), "Associations",
			value_tuple_take(1, association(main, id, NULL))));
	return id;
}

static Value create_table(RegionCall *call, Value input, GError **error) {
	const char *vpc_id = value_get_text(input, "VpcId");
	g_auto(Value) vpc =
		ec2_find(call, EC2_VPC, vpc_id, "InvalidVpcID.NotFound", "vpc ID", error);
	if (value_is_null(vpc))
		return VALUE_NOTHING;
	g_autofree char *id = region_ec2_id("rtb");
	Value table = new_table(call, id, vpc_id);
	ec2_put(call, EC2_ROUTE_TABLE, id, value_ref(table));
	ec2_tag_new(call, input, "route-table", id);
	return value_object_take("RouteTable", ec2_with_tags(call, id, table), NULL);
}

static Value find_table(RegionCall *call, const char *id, GError **error) {
	return ec2_find(
		call, EC2_ROUTE_TABLE, id, "InvalidRouteTableID.NotFound", "routeTable ID", error);
}

/* Whether a route's gateway is still there: else it is a black hole. */
static gboolean leads_somewhere(RegionCall *call, Value route) {
	const char *nat = value_get_text(route, "NatGatewayId");
	const char *gateway = value_get_text(route, "GatewayId");
	Store *store = region_store(call->region);
	if (nat) {
		g_auto(Value) object = store_get(store, call->scope, EC2_NAT_GATEWAY, nat);
		return g_strcmp0(value_get_text(object, "State"), "deleted") != 0 &&
		       !value_is_null(object);
	}
	if (!gateway || g_str_equal(gateway, "local"))
		return TRUE;
	g_auto(Value) object = store_get(store, call->scope, EC2_INTERNET_GATEWAY, gateway);
	return value_length(value_get(object, "Attachments")) > 0;
}

static Value complete_table(RegionCall *call, const char *id, Value table_taken) {
	g_auto(Value) table = table_taken;
	Value routes = value_get(table, "Routes");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(routes); i++) {
		Value route = value_at(routes, i);
		value_builder_add_take(all,
			value_with_take(value_ref(route), "State",
				value_string(
					leads_somewhere(call, route) ? "active" : "blackhole")));
	}
	return value_with_take(
		value_ref(table), "Routes", value_builder_end(g_steal_pointer(&all)));
}

static Value describe_tables(RegionCall *call, Value input, GError **error) {
	static const Ec2Filter filters[] = {{"route-table-id", "RouteTableId"}, {"vpc-id", "VpcId"},
		{"association.main", "Associations.Main"},
		{"association.subnet-id", "Associations.SubnetId"},
		{"association.route-table-association-id", "Associations.RouteTableAssociationId"},
		{"association.route-table-id", "Associations.RouteTableId"},
		{"route.destination-cidr-block", "Routes.DestinationCidrBlock"},
		{"route.gateway-id", "Routes.GatewayId"},
		{"route.nat-gateway-id", "Routes.NatGatewayId"}, {"route.state", "Routes.State"},
		{"owner-id", "OwnerId"}, {NULL}};
	static const Ec2Describe describe = {EC2_ROUTE_TABLE, "RouteTableIds", "RouteTables",
		"InvalidRouteTableID.NotFound", "routeTable ID", filters, complete_table};
	return ec2_describe(call, input, &describe, error);
}

static Value delete_table(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "RouteTableId");
	g_auto(Value) table = find_table(call, id, error);
	if (value_is_null(table))
		return VALUE_NOTHING;
	if (value_length(value_get(table, "Associations")) > 0) {
		wire_error_set(error, "DependencyViolation",
			"The routeTable '%s' has dependencies and cannot be deleted.", id);
		return VALUE_NOTHING;
	}
	ec2_forget(call, EC2_ROUTE_TABLE, id);
	return VALUE_NOTHING;
}

/* ---- routes ---- */

static gssize find_route(Value table, const char *cidr) {
	Value routes = value_get(table, "Routes");
	for (gsize i = 0; i < value_length(routes); i++)
		if (g_strcmp0(value_get_text(value_at(routes, i), "DestinationCidrBlock"), cidr) ==
			0)
			return (gssize)i;
	return -1;
}

/* The routes without the one at `index`, and `route` behind them unless it is null. */
static Value changed_routes(Value table, gssize index, Value route_taken) {
	g_auto(Value) route = route_taken;
	Value routes = value_get(table, "Routes");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(routes); i++)
		if ((gssize)i != index)
			value_builder_add_take(all, value_ref(value_at(routes, i)));
	if (!value_is_null(route))
		value_builder_add_take(all, value_steal(&route));
	return value_with_take(
		value_ref(table), "Routes", value_builder_end(g_steal_pointer(&all)));
}

/* Calls `change` for each table of a VPC, and keeps what it makes of it. */
static void change_tables(RegionCall *call, const char *vpc, const char *cidr,
	Value (*change)(Value table, const char *cidr)) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_ROUTE_TABLE);
	const char *id;
	Value table;
	while (store_iter_next(&iter, &id, &table))
		if (g_strcmp0(value_get_text(table, "VpcId"), vpc) == 0)
			ec2_put(call, EC2_ROUTE_TABLE, id, change(table, cidr));
}

static Value with_local(Value table, const char *cidr) {
	return changed_routes(table, find_route(table, cidr), local_route(cidr));
}

static Value without_local(Value table, const char *cidr) {
	return changed_routes(table, find_route(table, cidr), VALUE_NOTHING);
}

void ec2_routes_add_local(RegionCall *call, const char *vpc, const char *cidr) {
	change_tables(call, vpc, cidr, with_local);
}

void ec2_routes_remove_local(RegionCall *call, const char *vpc, const char *cidr) {
	change_tables(call, vpc, cidr, without_local);
}

static gboolean unsupported_target(Value input, GError **error) {
	static const char *const members[] = {"EgressOnlyInternetGatewayId", "InstanceId",
		"TransitGatewayId", "LocalGatewayId", "CarrierGatewayId", "VpcPeeringConnectionId",
		"VpcEndpointId", "CoreNetworkArn", "DestinationIpv6CidrBlock",
		"DestinationPrefixListId"};
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(input, members[i])) {
			wire_error_set(error, "UnsupportedOperation",
				"Terrarium does not support routes with %s.", members[i]);
			return TRUE;
		}
	return FALSE;
}

/* The route that an input describes; null and an error if its target is not there. */
static Value read_route(RegionCall *call, Value input, Value table, GError **error) {
	const char *cidr = value_get_text(input, "DestinationCidrBlock");
	const char *gateway = value_get_text(input, "GatewayId");
	const char *nat = value_get_text(input, "NatGatewayId");
	const char *interface = value_get_text(input, "NetworkInterfaceId");
	Ec2Cidr parsed;
	if (unsupported_target(input, error))
		return VALUE_NOTHING;
	if (!ec2_cidr_parse(cidr, &parsed)) {
		wire_error_set(error, "InvalidParameterValue",
			"Value (%s) for parameter destinationCidrBlock is invalid. This is not a "
			"valid CIDR block.",
			cidr ? cidr : "");
		return VALUE_NOTHING;
	}
	if ((gateway != NULL) + (nat != NULL) + (interface != NULL) != 1) {
		wire_error_set(error, "InvalidParameterCombination",
			"The request must contain exactly one target of the route: a gateway, a "
			"NAT "
			"gateway or a network interface.");
		return VALUE_NOTHING;
	}
	g_auto(Value) target =
		gateway ? ec2_find(call, EC2_INTERNET_GATEWAY, gateway, "InvalidGatewayID.NotFound",
				  "gateway ID", error)
		: nat	? ec2_find(call, EC2_NAT_GATEWAY, nat, "InvalidNatGatewayID.NotFound",
				  "natGateway ID", error)
			: ec2_find(call, EC2_INTERFACE, interface,
				  "InvalidNetworkInterfaceID.NotFound", "networkInterface ID", error);
	if (value_is_null(target))
		return VALUE_NOTHING;
	const char *attached =
		value_get_text(value_at(value_get(target, "Attachments"), 0), "VpcId");
	if (gateway && g_strcmp0(attached, value_get_text(table, "VpcId")) != 0) {
		wire_error_set(error, "InvalidParameterValue",
			"route table %s and network gateway %s belong to different networks",
			value_get_text(table, "RouteTableId"), gateway);
		return VALUE_NOTHING;
	}
	return value_object_take("DestinationCidrBlock", value_string(cidr),
		gateway ? "GatewayId"
		: nat	? "NatGatewayId"
			: "NetworkInterfaceId",
		value_string(gateway ? gateway
			     : nat   ? nat
				     : interface),
		"Origin", value_string("CreateRoute"), "State", value_string("active"), NULL);
}

/* Whether a destination is a block of the VPC itself, which only local routes lead to. */
static gboolean is_local(RegionCall *call, Value table, const char *cidr) {
	g_auto(Value) vpc = ec2_vpc_get(call->region, call->scope, value_get_text(table, "VpcId"));
	return ec2_vpc_is_block(vpc, cidr);
}

static Value create_route(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "RouteTableId");
	g_auto(Value) table = find_table(call, id, error);
	if (value_is_null(table))
		return VALUE_NOTHING;
	g_auto(Value) route = read_route(call, input, table, error);
	if (value_is_null(route))
		return VALUE_NOTHING;
	const char *cidr = value_get_text(route, "DestinationCidrBlock");
	gssize index = find_route(table, cidr);
	if (is_local(call, table, cidr) ||
		(index >= 0 &&
			!value_equal(value_at(value_get(table, "Routes"), (gsize)index), route))) {
		wire_error_set(error, "RouteAlreadyExists",
			"The route identified by %s already exists.", cidr);
		return VALUE_NOTHING;
	}
	ec2_put(call, EC2_ROUTE_TABLE, id, changed_routes(table, index, value_steal(&route)));
	return ec2_done();
}

static Value replace_route(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "RouteTableId");
	g_auto(Value) table = find_table(call, id, error);
	if (value_is_null(table))
		return VALUE_NOTHING;
	g_auto(Value) route = read_route(call, input, table, error);
	if (value_is_null(route))
		return VALUE_NOTHING;
	const char *cidr = value_get_text(route, "DestinationCidrBlock");
	gssize index = find_route(table, cidr);
	if (index < 0) {
		wire_error_set(error, "InvalidParameterValue",
			"There is no route defined for '%s' in the route table. Use CreateRoute "
			"instead.",
			cidr);
		return VALUE_NOTHING;
	}
	ec2_put(call, EC2_ROUTE_TABLE, id, changed_routes(table, index, value_steal(&route)));
	return VALUE_NOTHING;
}

static Value delete_route(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "RouteTableId");
	const char *cidr = value_get_text(input, "DestinationCidrBlock");
	g_auto(Value) table = find_table(call, id, error);
	if (value_is_null(table))
		return VALUE_NOTHING;
	gssize index = find_route(table, cidr);
	if (index < 0) {
		wire_error_set(error, "InvalidRoute.NotFound",
			"no route with destination-cidr-block %s in route table %s",
			cidr ? cidr : "", id);
		return VALUE_NOTHING;
	}
	if (is_local(call, table, cidr)) {
		wire_error_set(error, "InvalidParameterValue",
			"cannot remove local route %s in route table %s", cidr, id);
		return VALUE_NOTHING;
	}
	ec2_put(call, EC2_ROUTE_TABLE, id, changed_routes(table, index, VALUE_NOTHING));
	return VALUE_NOTHING;
}

/* ---- associations ---- */

/* The table that has the association of a member and value, and where it is in it. */
static Value find_association(
	RegionCall *call, const char *member, const char *value, gsize *index) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, EC2_ROUTE_TABLE);
	const char *id;
	Value table;
	while (store_iter_next(&iter, &id, &table)) {
		Value all = value_get(table, "Associations");
		for (*index = 0; *index < value_length(all); (*index)++)
			if (g_strcmp0(value_get_text(value_at(all, *index), member), value) == 0)
				return value_ref(table);
	}
	return VALUE_NOTHING;
}

static void put_associations(RegionCall *call, Value table, gssize without, Value added_taken) {
	g_auto(Value) added = added_taken;
	Value before = value_get(table, "Associations");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(before); i++)
		if ((gssize)i != without)
			value_builder_add_take(all, value_ref(value_at(before, i)));
	if (!value_is_null(added))
		value_builder_add_take(all, value_steal(&added));
	ec2_put(call, EC2_ROUTE_TABLE, value_get_text(table, "RouteTableId"),
		value_with_take(value_ref(table), "Associations",
			value_builder_end(g_steal_pointer(&all))));
}

void ec2_subnet_leaves(RegionCall *call, const char *subnet) {
	gsize index;
	g_auto(Value) table = find_association(call, "SubnetId", subnet, &index);
	if (!value_is_null(table))
		put_associations(call, table, (gssize)index, VALUE_NOTHING);
}

static Value associated(const char *id) {
	return value_object_take("AssociationId", value_string(id), "AssociationState",
		value_object_take("State", value_string("associated"), NULL), NULL);
}

static Value associate_table(RegionCall *call, Value input, GError **error) {
	const char *subnet_id = value_get_text(input, "SubnetId");
	g_auto(Value) table = find_table(call, value_get_text(input, "RouteTableId"), error);
	if (value_is_null(table))
		return VALUE_NOTHING;
	if (!subnet_id) {
		wire_error_set(error, "UnsupportedOperation",
			"Terrarium associates route tables with subnets only, not with gateways.");
		return VALUE_NOTHING;
	}
	g_auto(Value) subnet = ec2_find(
		call, EC2_SUBNET, subnet_id, "InvalidSubnetID.NotFound", "subnet ID", error);
	if (value_is_null(subnet))
		return VALUE_NOTHING;
	if (g_strcmp0(value_get_text(subnet, "VpcId"), value_get_text(table, "VpcId")) != 0) {
		wire_error_set(error, "InvalidParameterValue",
			"Route table %s and subnet %s belong to different networks",
			value_get_text(table, "RouteTableId"), subnet_id);
		return VALUE_NOTHING;
	}
	gsize index;
	g_auto(Value) other = find_association(call, "SubnetId", subnet_id, &index);
	Value present = value_at(value_get(other, "Associations"), index);
	const char *present_id = value_get_text(present, "RouteTableAssociationId");
	if (!value_is_null(other) && value_equal(other, table))
		return associated(present_id);
	if (!value_is_null(other)) {
		wire_error_set(error, "Resource.AlreadyAssociated",
			"the specified association for route table %s conflicts with an existing "
			"association",
			value_get_text(table, "RouteTableId"));
		return VALUE_NOTHING;
	}
	g_autofree char *id = region_ec2_id("rtbassoc");
	put_associations(
		call, table, -1, association(id, value_get_text(table, "RouteTableId"), subnet_id));
	return associated(id);
}

static Value no_association(const char *id, GError **error) {
	wire_error_set(error, "InvalidAssociationID.NotFound",
		"The association ID '%s' does not exist", id);
	return VALUE_NOTHING;
}

static Value disassociate_table(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "AssociationId");
	gsize index;
	g_auto(Value) table = find_association(call, "RouteTableAssociationId", id, &index);
	if (value_is_null(table))
		return no_association(id, error);
	if (value_get_bool(value_at(value_get(table, "Associations"), index), "Main")) {
		wire_error_set(error, "InvalidParameterValue",
			"cannot disassociate the main route table association %s", id);
		return VALUE_NOTHING;
	}
	put_associations(call, table, (gssize)index, VALUE_NOTHING);
	return VALUE_NOTHING;
}

static Value replace_association(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "AssociationId");
	gsize index;
	g_auto(Value) before = find_association(call, "RouteTableAssociationId", id, &index);
	if (value_is_null(before))
		return no_association(id, error);
	g_auto(Value) subnet = value_ref(
		value_get(value_at(value_get(before, "Associations"), index), "SubnetId"));
	put_associations(call, before, (gssize)index, VALUE_NOTHING);
	/* Read after the write: it may be the same table. */
	g_auto(Value) after = find_table(call, value_get_text(input, "RouteTableId"), error);
	if (value_is_null(after))
		return VALUE_NOTHING;
	g_autofree char *new_id = region_ec2_id("rtbassoc");
	put_associations(call, after, -1,
		association(new_id, value_get_text(after, "RouteTableId"), value_text(subnet)));
	return value_object_take("NewAssociationId", value_string(new_id), "AssociationState",
		value_object_take("State", value_string("associated"), NULL), NULL);
}

const RegionOperation ec2_route_operations[] = {
	{"CreateRouteTable", create_table},
	{"DescribeRouteTables", describe_tables, .reads_only = TRUE},
	{"DeleteRouteTable", delete_table},
	{"CreateRoute", create_route},
	{"ReplaceRoute", replace_route},
	{"DeleteRoute", delete_route},
	{"AssociateRouteTable", associate_table},
	{"DisassociateRouteTable", disassociate_table},
	{"ReplaceRouteTableAssociation", replace_association},
	{NULL},
};
