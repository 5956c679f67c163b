/*
 * The network controller: declares to the glass what the store has of VPCs, subnets, routes,
 * security groups, interfaces and gateways, of all accounts and regions, whenever it changed.
 */
#include <string.h>

#include "glass/net.h"
#include "region/services/ec2/internal.h"

#define NAME "ec2/network"
#define RETRY_S 5

typedef struct Lookups Lookups;

typedef struct {
	Region *region; /* NULL: the region has stopped */
	gboolean busy, again;
	GHashTable *applying, *ready; /* ids of interfaces */
	GPtrArray *notified; /* names of controllers */
	GHashTable *vpcs; /* id -> OpenVpc: those that the glass has */
	GArray *watches; /* of Watch */
	Lookups *lookups; /* while the network is declared */
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

/* What is looked up again and again while the network is declared. */
struct Lookups {
	GHashTable *idle; /* ids of default VPCs that nothing lives in: they are not built */
	GHashTable *acls; /* subnet -> id of its network ACL */
	GHashTable *tables; /* subnet or VPC (its main one) -> id of the route table */
	GHashTable *addresses; /* interface -> the Elastic IP that is associated with it */
	GHashTable *owners; /* interface -> the one whose namespace it is in, if that is another */
	GHashTable *indexes; /* owner -> number of interfaces seen in its namespace so far */
};

static void declare_all(NetState *state, Network *network, const char *kind, Declare declare) {
	g_auto(StoreIter) iter = store_iter(region_store(network->region), everywhere, kind);
	const char *id;
	Value object;
	while (store_iter_next(&iter, &id, &object)) {
		const char *vpc = value_get_text(object, "VpcId");
		if (!vpc || !g_hash_table_contains(network->lookups->idle, vpc))
			declare(state, network, store_iter_scope(&iter), id, object);
	}
}

static void declare_vpc(
	NetState *state, Network *network, StoreScope scope, const char *id, Value vpc) {
	g_auto(GStrv) blocks = ec2_vpc_blocks(vpc);
	net_state_vpc(state, id, (const char *const *)blocks);
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

static void note_table(
	NetState *state, Network *network, StoreScope scope, const char *id, Value table) {
	Value all = value_get(table, "Associations");
	for (gsize i = 0; i < value_length(all); i++) {
		Value each = value_at(all, i);
		const char *subnet = value_get_text(each, "SubnetId");
		if (subnet || value_get_bool(each, "Main"))
			g_hash_table_insert(network->lookups->tables,
				g_strdup(subnet ? subnet : value_get_text(table, "VpcId")),
				g_strdup(id));
	}
}

static void note_acl(NetState *state, Network *network, StoreScope scope, const char *subnet,
	Value association) {
	g_hash_table_insert(network->lookups->acls, g_strdup(subnet),
		g_strdup(value_get_text(association, "NetworkAclId")));
}

static void note_address(
	NetState *state, Network *network, StoreScope scope, const char *id, Value address) {
	const char *interface = value_get_text(address, "NetworkInterfaceId");
	if (interface)
		g_hash_table_insert(network->lookups->addresses, g_strdup(interface),
			g_strdup(value_get_text(address, "PublicIp")));
}

static void note_owner(
	NetState *state, Network *network, StoreScope scope, const char *id, Value owner) {
	g_hash_table_insert(
		network->lookups->owners, g_strdup(id), g_strdup(value_get_text(owner, "Owner")));
}

/* A default VPC is built when the first interface comes, and stays while the region runs. */
static void find_idle(Network *network) {
	GHashTable *idle = network->lookups->idle;
	Store *store = region_store(network->region);
	const char *id;
	Value object;
	g_auto(StoreIter) vpcs = store_iter(store, everywhere, EC2_VPC);
	while (store_iter_next(&vpcs, &id, &object))
		if (value_get_bool(object, "IsDefault") &&
			!g_hash_table_contains(network->vpcs, id))
			g_hash_table_add(idle, g_strdup(id));
	g_auto(StoreIter) interfaces = store_iter(store, everywhere, EC2_INTERFACE);
	while (g_hash_table_size(idle) > 0 && store_iter_next(&interfaces, &id, &object))
		g_hash_table_remove(idle, value_get_text(object, "VpcId"));
}

static GHashTable *texts_new(void) {
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void look_up(Network *network, NetState *state) {
	network->lookups = g_new0(Lookups, 1);
	network->lookups->idle = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	find_idle(network);
	network->lookups->acls = texts_new();
	network->lookups->tables = texts_new();
	network->lookups->addresses = texts_new();
	network->lookups->owners = texts_new();
	network->lookups->indexes = g_hash_table_new(g_str_hash, g_str_equal);
	declare_all(state, network, EC2_NETWORK_ACL_ASSOCIATION, note_acl);
	declare_all(state, network, EC2_ROUTE_TABLE, note_table);
	declare_all(state, network, EC2_ADDRESS, note_address);
	declare_all(state, network, EC2_INTERFACE_OWNER, note_owner);
}

static void lookups_free(Lookups *lookups) {
	g_hash_table_unref(lookups->idle);
	g_hash_table_unref(lookups->acls);
	g_hash_table_unref(lookups->tables);
	g_hash_table_unref(lookups->addresses);
	g_hash_table_unref(lookups->owners);
	g_hash_table_unref(lookups->indexes);
	g_free(lookups);
}

static void declare_subnet(
	NetState *state, Network *network, StoreScope scope, const char *id, Value subnet) {
	const char *vpc = value_get_text(subnet, "VpcId");
	const char *own = g_hash_table_lookup(network->lookups->tables, id);
	const char *table = own ? own : g_hash_table_lookup(network->lookups->tables, vpc);
	NetSubnet *declared = net_state_subnet(state, id, vpc, value_get_text(subnet, "CidrBlock"),
		value_get_text(subnet, "AvailabilityZone"), table);
	declared->acl = g_strdup(g_hash_table_lookup(network->lookups->acls, id));
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

static void declare_acl(
	NetState *state, Network *network, StoreScope scope, const char *id, Value acl) {
	NetAcl *declared = net_state_acl(state, id, value_get_text(acl, "VpcId"));
	Value entries = value_get(acl, "Entries");
	for (gsize i = 0; i < value_length(entries); i++) {
		Value entry = value_at(entries, i);
		Value ports = value_get(entry, "PortRange"),
		      icmp = value_get(entry, "IcmpTypeCode");
		gint64 from = value_get_int(ports, "From", value_get_int(icmp, "Type", -1));
		gint64 to = value_get_int(ports, "To", value_get_int(icmp, "Code", -1));
		net_acl_rule(declared, (int)value_get_int(entry, "RuleNumber", 0),
			value_get_bool(entry, "Egress"),
			g_strcmp0(value_get_text(entry, "RuleAction"), "deny") == 0,
			protocol_number(value_get_text(entry, "Protocol")), (int)from, (int)to,
			value_get_text(entry, "CidrBlock"));
	}
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
static int index_of(Network *network, const char *interface, const char *owner) {
	if (g_str_equal(interface, owner))
		return 0;
	const char *known = g_intern_string(owner);
	int index = 1 + GPOINTER_TO_INT(g_hash_table_lookup(network->lookups->indexes, known));
	g_hash_table_insert(network->lookups->indexes, (gpointer)known, GINT_TO_POINTER(index));
	return index;
}

static void declare_interface(
	NetState *state, Network *network, StoreScope scope, const char *id, Value interface) {
	gboolean is_nat = g_strcmp0(value_get_text(interface, "InterfaceType"), "nat_gateway") == 0;
	const char *joined = g_hash_table_lookup(network->lookups->owners, id);
	const char *owner = joined ? joined : id;
	g_autoptr(GPtrArray) groups = g_ptr_array_new();
	Value listed = value_get(interface, "Groups");
	for (gsize i = 0; i < value_length(listed); i++)
		g_ptr_array_add(groups, (gpointer)value_get_text(value_at(listed, i), "GroupId"));
	g_ptr_array_add(groups, NULL);
	NetInterface *declared = net_state_interface(state, id,
		value_get_text(interface, "SubnetId"), is_nat ? NULL : owner,
		value_get_text(interface, "PrivateIpAddress"), (const char *const *)groups->pdata);
	declared->index = index_of(network, id, owner);
	declared->no_source_dest_check = !value_get_bool(interface, "SourceDestCheck");
	declared->mac = g_strdup(value_get_text(interface, "MacAddress"));
	const char *own = value_text(value_get_path(interface, "Association", "PublicIp", NULL));
	const char *public = own ? own : g_hash_table_lookup(network->lookups->addresses, id);
	if (public)
		net_interface_public(declared, 0, public);
	g_hash_table_add(network->applying, g_strdup(id));
}

static void declare_gateway(
	NetState *state, Network *network, StoreScope scope, const char *id, Value gateway) {
	const char *vpc = value_get_text(value_at(value_get(gateway, "Attachments"), 0), "VpcId");
	if (vpc && !g_hash_table_contains(network->lookups->idle, vpc))
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
	look_up(network, state);
	declare_all(state, network, EC2_VPC, declare_vpc);
	declare_all(state, network, EC2_ROUTE_TABLE, declare_routes);
	declare_all(state, network, EC2_NETWORK_ACL, declare_acl);
	declare_all(state, network, EC2_SUBNET, declare_subnet);
	declare_all(state, network, EC2_SECURITY_GROUP, declare_group);
	declare_all(state, network, EC2_INTERFACE, declare_interface);
	declare_all(state, network, EC2_INTERNET_GATEWAY, declare_gateway);
	declare_all(state, network, EC2_NAT_GATEWAY, declare_nat);
	g_clear_pointer(&network->lookups, lookups_free);
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
