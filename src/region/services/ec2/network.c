/*
 * The network controller: declares to the glass what the store has of VPCs, subnets, routes,
 * security groups, interfaces and gateways, of all accounts and regions, whenever it changed.
 */
#include <string.h>

#include "glass/net.h"
#include "region/services/ec2/internal.h"

#define NAME "ec2/network"
#define RETRY_S 5

typedef struct {
	Region *region; /* NULL: the region has stopped */
	gboolean busy, again;
	GHashTable *applying, *ready; /* ids of interfaces */
	GPtrArray *notified; /* names of controllers */
	GHashTable *vpcs; /* id -> OpenVpc: those that the glass has */
	GArray *watches; /* of Watch */
} Network;

typedef struct {
	StoreScope scope;
	gboolean applied; /* was in the last state that was applied */
} OpenVpc;

typedef struct {
	Ec2VpcWatch watch;
	gpointer data;
} Watch;

static const StoreScope everywhere = {NULL, NULL};

/* ---- the store as a network ---- */

typedef void (*Declare)(
	NetState *state, Network *network, StoreScope scope, const char *id, Value object);

static void declare_all(NetState *state, Network *network, const char *kind, Declare declare) {
	g_auto(StoreIter) iter = store_iter(region_store(network->region), everywhere, kind);
	const char *id;
	Value object;
	while (store_iter_next(&iter, &id, &object))
		declare(state, network, store_iter_scope(&iter), id, object);
}

static void declare_vpc(
	NetState *state, Network *network, StoreScope scope, const char *id, Value vpc) {
	const char *const cidrs[] = {value_get_text(vpc, "CidrBlock"), NULL};
	net_state_vpc(state, id, cidrs);
	if (!g_hash_table_contains(network->vpcs, id)) {
		OpenVpc *open = g_new0(OpenVpc, 1);
		open->scope =
			(StoreScope){g_intern_string(scope.account), g_intern_string(scope.region)};
		g_hash_table_insert(network->vpcs, g_strdup(id), open);
	}
}

static void declare_routes(
	NetState *state, Network *network, StoreScope scope, const char *id, Value table) {
	Store *store = region_store(network->region);
	NetRouteTable *declared = net_state_route_table(state, id, value_get_text(table, "VpcId"));
	Value routes = value_get(table, "Routes");
	for (gsize i = 0; i < value_length(routes); i++) {
		Value route = value_at(routes, i);
		const char *cidr = value_get_text(route, "DestinationCidrBlock");
		const char *gateway = value_get_text(route, "GatewayId");
		const char *nat = value_get_text(route, "NatGatewayId");
		const char *interface = value_get_text(route, "NetworkInterfaceId");
		if (g_strcmp0(gateway, "local") == 0)
			continue;
		g_auto(Value) target = store_get(store, scope,
			gateway ? EC2_INTERNET_GATEWAY
			: nat	? EC2_NAT_GATEWAY
				: EC2_INTERFACE,
			gateway ? gateway
			: nat	? nat
				: interface);
		gboolean there = gateway ? value_length(value_get(target, "Attachments")) > 0
					 : !value_is_null(target) &&
						   g_strcmp0(value_get_text(target, "State"),
							   "deleted") != 0;
		net_route_table_route(declared, cidr,
			!there	  ? NET_ROUTE_BLACKHOLE
			: gateway ? NET_ROUTE_INTERNET_GATEWAY
			: nat	  ? NET_ROUTE_NAT_GATEWAY
				  : NET_ROUTE_INTERFACE,
			gateway ? gateway
			: nat	? nat
				: interface);
	}
}

/* The table that a subnet is associated with, else the VPC's main one. Caller frees. */
static char *table_of(Network *network, StoreScope scope, const char *subnet, const char *vpc) {
	g_autofree char *main = NULL;
	g_auto(StoreIter) iter = store_iter(region_store(network->region), scope, EC2_ROUTE_TABLE);
	const char *id;
	Value table;
	while (store_iter_next(&iter, &id, &table)) {
		Value all = value_get(table, "Associations");
		for (gsize i = 0; i < value_length(all); i++) {
			Value each = value_at(all, i);
			if (g_strcmp0(value_get_text(each, "SubnetId"), subnet) == 0)
				return g_strdup(id);
			if (value_get_bool(each, "Main") &&
				g_strcmp0(value_get_text(table, "VpcId"), vpc) == 0) {
				g_free(main);
				main = g_strdup(id);
			}
		}
	}
	return g_steal_pointer(&main);
}

static void declare_subnet(
	NetState *state, Network *network, StoreScope scope, const char *id, Value subnet) {
	const char *vpc = value_get_text(subnet, "VpcId");
	g_autofree char *table = table_of(network, scope, id, vpc);
	net_state_subnet(state, id, vpc, value_get_text(subnet, "CidrBlock"),
		value_get_text(subnet, "AvailabilityZone"), table);
}

static int protocol_number(const char *name) {
	if (!name || g_str_equal(name, "-1"))
		return -1;
	return g_str_equal(name, "tcp")	     ? 6
	       : g_str_equal(name, "udp")    ? 17
	       : g_str_equal(name, "icmp")   ? 1
	       : g_str_equal(name, "icmpv6") ? 58
					     : atoi(name);
}

static void declare_group(
	NetState *state, Network *network, StoreScope scope, const char *id, Value group) {
	NetSecurityGroup *declared =
		net_state_security_group(state, id, value_get_text(group, "VpcId"));
	g_auto(StoreIter) iter =
		store_iter(region_store(network->region), scope, EC2_SECURITY_GROUP_RULE);
	const char *rule_id;
	Value rule;
	while (store_iter_next(&iter, &rule_id, &rule)) {
		/* There is no IPv6 here: such a rule lets nothing through. */
		if (g_strcmp0(value_get_text(rule, "GroupId"), id) != 0 ||
			value_has(rule, "CidrIpv6"))
			continue;
		net_security_group_rule(declared, value_get_bool(rule, "IsEgress"),
			protocol_number(value_get_text(rule, "IpProtocol")),
			(int)value_get_int(rule, "FromPort", -1),
			(int)value_get_int(rule, "ToPort", -1), value_get_text(rule, "CidrIpv4"),
			value_text(value_get_path(rule, "ReferencedGroupInfo", "GroupId", NULL)));
	}
}

/* Which of its namespace's devices an interface is: the one that the namespace is named by is the
 * first. */
static int index_of(Network *network, StoreScope scope, const char *interface, const char *owner) {
	int index = 0;
	if (g_str_equal(interface, owner))
		return 0;
	g_auto(StoreIter) iter = store_iter(region_store(network->region), scope, EC2_INTERFACE);
	const char *id;
	Value other;
	while (store_iter_next(&iter, &id, &other)) {
		g_autofree char *its_owner = ec2_interface_owner(network->region, scope, id);
		if (g_str_equal(id, owner) || !g_str_equal(its_owner, owner))
			continue;
		index++;
		if (g_str_equal(id, interface))
			return index;
	}
	return index;
}

/* Caller frees; NULL: none. */
static char *public_address_of(
	Network *network, StoreScope scope, const char *id, Value interface) {
	const char *own = value_text(value_get_path(interface, "Association", "PublicIp", NULL));
	if (own)
		return g_strdup(own);
	g_auto(StoreIter) iter = store_iter(region_store(network->region), scope, EC2_ADDRESS);
	const char *allocation;
	Value address;
	while (store_iter_next(&iter, &allocation, &address))
		if (g_strcmp0(value_get_text(address, "NetworkInterfaceId"), id) == 0)
			return g_strdup(value_get_text(address, "PublicIp"));
	return NULL;
}

static void declare_interface(
	NetState *state, Network *network, StoreScope scope, const char *id, Value interface) {
	gboolean is_nat = g_strcmp0(value_get_text(interface, "InterfaceType"), "nat_gateway") == 0;
	g_autofree char *owner = ec2_interface_owner(network->region, scope, id);
	g_autoptr(GPtrArray) groups = g_ptr_array_new();
	Value listed = value_get(interface, "Groups");
	for (gsize i = 0; i < value_length(listed); i++)
		g_ptr_array_add(groups, (gpointer)value_get_text(value_at(listed, i), "GroupId"));
	g_ptr_array_add(groups, NULL);
	NetInterface *declared = net_state_interface(state, id,
		value_get_text(interface, "SubnetId"), is_nat ? NULL : owner,
		value_get_text(interface, "PrivateIpAddress"), (const char *const *)groups->pdata);
	declared->index = index_of(network, scope, id, owner);
	declared->no_source_dest_check = !value_get_bool(interface, "SourceDestCheck");
	declared->mac = g_strdup(value_get_text(interface, "MacAddress"));
	g_autofree char *public = public_address_of(network, scope, id, interface);
	if (public)
		net_interface_public(declared, 0, public);
	g_hash_table_add(network->applying, g_strdup(id));
}

static void declare_gateway(
	NetState *state, Network *network, StoreScope scope, const char *id, Value gateway) {
	const char *vpc = value_get_text(value_at(value_get(gateway, "Attachments"), 0), "VpcId");
	if (vpc)
		net_state_internet_gateway(state, id, vpc);
}

static void declare_nat(
	NetState *state, Network *network, StoreScope scope, const char *id, Value nat) {
	Value place = value_at(value_get(nat, "NatGatewayAddresses"), 0);
	if (g_strcmp0(value_get_text(nat, "State"), "deleted") != 0)
		net_state_nat_gateway(state, id, value_get_text(place, "NetworkInterfaceId"));
}

static NetState *wanted_state(Network *network) {
	NetState *state = net_state_new();
	declare_all(state, network, EC2_VPC, declare_vpc);
	declare_all(state, network, EC2_ROUTE_TABLE, declare_routes);
	declare_all(state, network, EC2_SUBNET, declare_subnet);
	declare_all(state, network, EC2_SECURITY_GROUP, declare_group);
	declare_all(state, network, EC2_INTERFACE, declare_interface);
	declare_all(state, network, EC2_INTERNET_GATEWAY, declare_gateway);
	declare_all(state, network, EC2_NAT_GATEWAY, declare_nat);
	return state;
}

/* ---- applying ---- */

static void network_free(gpointer data) {
	Network *network = data;
	g_hash_table_unref(network->applying);
	g_hash_table_unref(network->ready);
	g_ptr_array_unref(network->notified);
	g_hash_table_unref(network->vpcs);
	g_array_unref(network->watches);
	g_free(network);
}

/* A gateway whose interface is there is available. */
static void finish_gateways(Network *network) {
	Store *store = region_store(network->region);
	g_auto(StoreIter) iter = store_iter(store, everywhere, EC2_NAT_GATEWAY);
	const char *id;
	Value nat;
	while (store_iter_next(&iter, &id, &nat)) {
		Value place = value_at(value_get(nat, "NatGatewayAddresses"), 0);
		const char *interface = value_get_text(place, "NetworkInterfaceId");
		if (g_strcmp0(value_get_text(nat, "State"), "pending") != 0 || !interface ||
			!g_hash_table_contains(network->ready, interface) ||
			!store_begin(store, NULL))
			continue;
		store_put_take(store, store_iter_scope(&iter), EC2_NAT_GATEWAY, id,
			value_with_take(value_ref(nat), "State", value_string("available")));
		store_commit(store, NULL);
	}
}

/* ---- VPCs that come and go ---- */

static void tell(Network *network, StoreScope scope, const char *vpc, gboolean there) {
	for (guint i = 0; i < network->watches->len; i++) {
		const Watch *each = &g_array_index(network->watches, Watch, i);
		each->watch(network->region, scope, vpc, there, each->data);
	}
}

/* A VPC that was deleted meanwhile goes with the next state. */
static void tell_of_vpcs(Network *network) {
	GHashTableIter open;
	gpointer id, value;
	g_hash_table_iter_init(&open, network->vpcs);
	while (g_hash_table_iter_next(&open, &id, &value)) {
		OpenVpc *vpc = value;
		if (store_has(region_store(network->region), vpc->scope, EC2_VPC, id))
			continue;
		tell(network, vpc->scope, id, FALSE);
		g_hash_table_iter_remove(&open);
	}
	g_hash_table_iter_init(&open, network->vpcs);
	while (g_hash_table_iter_next(&open, &id, &value)) {
		OpenVpc *vpc = value;
		if (!vpc->applied)
			tell(network, vpc->scope, id, TRUE);
		vpc->applied = TRUE;
	}
}

static void on_applied(GObject *source, GAsyncResult *result, gpointer data) {
	Network *network = data;
	g_autoptr(GError) error = NULL;
	gboolean fine = net_apply_finish(result, &error);
	network->busy = FALSE;
	if (!network->region) {
		network_free(network);
		return;
	}
	if (!fine) {
		g_warning("the network could not be brought up to date: %s", error->message);
		region_wake_after(network->region, NAME, RETRY_S);
		return;
	}
	g_hash_table_unref(network->ready);
	network->ready = g_hash_table_ref(network->applying);
	finish_gateways(network);
	tell_of_vpcs(network);
	for (guint i = 0; i < network->notified->len; i++)
		region_wake(network->region, network->notified->pdata[i]);
	if (network->again)
		region_wake(network->region, NAME);
}

static void control(Region *region, gpointer data) {
	Network *network = data;
	network->again = network->busy;
	if (network->busy)
		return;
	g_hash_table_unref(network->applying);
	network->applying = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(NetState) state = wanted_state(network);
	network->busy = TRUE;
	net_apply_async(region_glass(region), state, on_applied, network);
}

/* ---- for others ---- */

gboolean ec2_network_start(Region *region, GError **error) {
	if (!region_glass(region))
		return TRUE;
	Network *network = g_new0(Network, 1);
	network->region = region;
	network->applying = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	network->ready = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	network->notified = g_ptr_array_new_with_free_func(g_free);
	network->vpcs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	network->watches = g_array_new(FALSE, FALSE, sizeof(Watch));
	region_set_data(region, NAME, network, NULL);
	region_controller_add(region, NAME, control, network);
	region_wake_on(region, NAME, "ec2/");
	return TRUE;
}

void ec2_network_stop(Region *region) {
	Network *network = region_data(region, NAME);
	if (!network)
		return;
	network->region = NULL;
	if (!network->busy)
		network_free(network);
}

gboolean ec2_interface_ready(Region *region, const char *interface) {
	const Network *network = region_data(region, NAME);
	return network && g_hash_table_contains(network->ready, interface);
}

void ec2_network_notify(Region *region, const char *controller) {
	Network *network = region_data(region, NAME);
	if (network)
		g_ptr_array_add(network->notified, g_strdup(controller));
}

void ec2_vpc_watch(Region *region, Ec2VpcWatch watch, gpointer data) {
	Network *network = region_data(region, NAME);
	if (!network)
		return;
	Watch added = {watch, data};
	g_array_append_val(network->watches, added);
}
