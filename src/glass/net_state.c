/* What is wanted of the network, as data: making and freeing it. */
#include "glass/net.h"

#include <arpa/inet.h>

static void vpc_free(gpointer data) {
	NetVpc *vpc = data;
	g_free(vpc->id);
	g_strfreev(vpc->cidrs);
	g_free(vpc);
}

static void subnet_free(gpointer data) {
	NetSubnet *subnet = data;
	g_free(subnet->id);
	g_free(subnet->vpc);
	g_free(subnet->cidr);
	g_free(subnet->zone);
	g_free(subnet->route_table);
	g_free(subnet->acl);
	g_free(subnet);
}

static void route_free(gpointer data) {
	NetRoute *route = data;
	g_free(route->cidr);
	g_free(route->target);
	g_free(route);
}

static void route_table_free(gpointer data) {
	NetRouteTable *table = data;
	g_free(table->id);
	g_free(table->vpc);
	g_ptr_array_unref(table->routes);
	g_free(table);
}

static void interface_free(gpointer data) {
	NetInterface *interface = data;
	g_free(interface->id);
	g_free(interface->subnet);
	g_free(interface->mac);
	g_free(interface->owner);
	g_strfreev(interface->addresses);
	g_strfreev(interface->public_addresses);
	g_strfreev(interface->security_groups);
	g_free(interface);
}

static void rule_free(gpointer data) {
	NetRule *rule = data;
	g_free(rule->cidr);
	g_free(rule->group);
	g_strfreev(rule->prefix_list);
	g_free(rule);
}

static void group_free(gpointer data) {
	NetSecurityGroup *group = data;
	g_free(group->id);
	g_free(group->vpc);
	g_ptr_array_unref(group->rules);
	g_free(group);
}

static void acl_rule_free(gpointer data) {
	NetAclRule *rule = data;
	g_free(rule->cidr);
	g_free(rule);
}

static void acl_free(gpointer data) {
	NetAcl *acl = data;
	g_free(acl->id);
	g_free(acl->vpc);
	g_ptr_array_unref(acl->rules);
	g_free(acl);
}

static void internet_gateway_free(gpointer data) {
	NetInternetGateway *gateway = data;
	g_free(gateway->id);
	g_free(gateway->vpc);
	g_free(gateway);
}

static void nat_gateway_free(gpointer data) {
	NetNatGateway *gateway = data;
	g_free(gateway->id);
	g_free(gateway->interface);
	g_free(gateway);
}

NetState *net_state_new(void) {
	NetState *state = g_new0(NetState, 1);
	state->vpcs = g_ptr_array_new_with_free_func(vpc_free);
	state->subnets = g_ptr_array_new_with_free_func(subnet_free);
	state->route_tables = g_ptr_array_new_with_free_func(route_table_free);
	state->interfaces = g_ptr_array_new_with_free_func(interface_free);
	state->security_groups = g_ptr_array_new_with_free_func(group_free);
	state->acls = g_ptr_array_new_with_free_func(acl_free);
	state->internet_gateways = g_ptr_array_new_with_free_func(internet_gateway_free);
	state->nat_gateways = g_ptr_array_new_with_free_func(nat_gateway_free);
	return state;
}

void net_state_free(NetState *state) {
	if (!state)
		return;
	GPtrArray *all[] = {state->vpcs, state->subnets, state->route_tables, state->interfaces,
		state->security_groups, state->acls, state->internet_gateways, state->nat_gateways};
	for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
		g_ptr_array_unref(all[i]);
	g_free(state);
}

NetVpc *net_state_vpc(NetState *state, const char *id, const char *const *cidrs) {
	NetVpc *vpc = g_new0(NetVpc, 1);
	vpc->id = g_strdup(id);
	vpc->cidrs = g_strdupv((char **)cidrs);
	g_ptr_array_add(state->vpcs, vpc);
	return vpc;
}

NetSubnet *net_state_subnet(NetState *state, const char *id, const char *vpc, const char *cidr,
	const char *zone, const char *route_table) {
	NetSubnet *subnet = g_new0(NetSubnet, 1);
	subnet->id = g_strdup(id);
	subnet->vpc = g_strdup(vpc);
	subnet->cidr = g_strdup(cidr);
	subnet->zone = g_strdup(zone);
	subnet->route_table = g_strdup(route_table);
	g_ptr_array_add(state->subnets, subnet);
	return subnet;
}

NetRouteTable *net_state_route_table(NetState *state, const char *id, const char *vpc) {
	NetRouteTable *table = g_new0(NetRouteTable, 1);
	table->id = g_strdup(id);
	table->vpc = g_strdup(vpc);
	table->routes = g_ptr_array_new_with_free_func(route_free);
	g_ptr_array_add(state->route_tables, table);
	return table;
}

void net_route_table_route(
	NetRouteTable *table, const char *cidr, NetRouteKind kind, const char *target) {
	NetRoute *route = g_new0(NetRoute, 1);
	*route = (NetRoute){g_strdup(cidr), kind, g_strdup(target)};
	g_ptr_array_add(table->routes, route);
}

NetInterface *net_state_interface(NetState *state, const char *id, const char *subnet,
	const char *owner, const char *address, const char *const *security_groups) {
	NetInterface *interface = g_new0(NetInterface, 1);
	interface->id = g_strdup(id);
	interface->subnet = g_strdup(subnet);
	interface->owner = g_strdup(owner);
	interface->addresses = g_new0(char *, 2);
	interface->addresses[0] = g_strdup(address);
	interface->security_groups = g_strdupv((char **)security_groups);
	g_ptr_array_add(state->interfaces, interface);
	return interface;
}

void net_interface_public(NetInterface *interface, guint position, const char *address) {
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	guint length = interface->public_addresses ? g_strv_length(interface->public_addresses) : 0;
	for (guint i = 0; i < MAX(length, position + 1); i++)
		g_strv_builder_add(builder, i == position ? address
					    : i < length  ? interface->public_addresses[i]
							  : "");
	g_strfreev(interface->public_addresses);
	interface->public_addresses = g_strv_builder_end(builder);
}

NetSecurityGroup *net_state_security_group(NetState *state, const char *id, const char *vpc) {
	NetSecurityGroup *group = g_new0(NetSecurityGroup, 1);
	group->id = g_strdup(id);
	group->vpc = g_strdup(vpc);
	group->rules = g_ptr_array_new_with_free_func(rule_free);
	g_ptr_array_add(state->security_groups, group);
	return group;
}

NetRule *net_security_group_rule(NetSecurityGroup *group, gboolean egress, int protocol,
	int from_port, int to_port, const char *cidr, const char *group_id) {
	NetRule *rule = g_new0(NetRule, 1);
	*rule = (NetRule){egress, protocol, from_port, to_port, g_strdup(cidr), g_strdup(group_id)};
	g_ptr_array_add(group->rules, rule);
	return rule;
}

NetAcl *net_state_acl(NetState *state, const char *id, const char *vpc) {
	NetAcl *acl = g_new0(NetAcl, 1);
	acl->id = g_strdup(id);
	acl->vpc = g_strdup(vpc);
	acl->rules = g_ptr_array_new_with_free_func(acl_rule_free);
	g_ptr_array_add(state->acls, acl);
	return acl;
}

void net_acl_rule(NetAcl *acl, int number, gboolean egress, gboolean deny, int protocol,
	int from_port, int to_port, const char *cidr) {
	NetAclRule *rule = g_new0(NetAclRule, 1);
	*rule = (NetAclRule){number, egress, deny, protocol, from_port, to_port, g_strdup(cidr)};
	g_ptr_array_add(acl->rules, rule);
}

void net_state_internet_gateway(NetState *state, const char *id, const char *vpc) {
	NetInternetGateway *gateway = g_new0(NetInternetGateway, 1);
	*gateway = (NetInternetGateway){g_strdup(id), g_strdup(vpc)};
	g_ptr_array_add(state->internet_gateways, gateway);
}

void net_state_nat_gateway(NetState *state, const char *id, const char *interface) {
	NetNatGateway *gateway = g_new0(NetNatGateway, 1);
	*gateway = (NetNatGateway){g_strdup(id), g_strdup(interface)};
	g_ptr_array_add(state->nat_gateways, gateway);
}

char *net_vpc_resolver(const char *cidr) {
	g_auto(GStrv) parts = g_strsplit(cidr, "/", 2);
	struct in_addr address;
	if (!parts[0] || !parts[1] || inet_pton(AF_INET, parts[0], &address) != 1)
		return NULL;
	address.s_addr = htonl(ntohl(address.s_addr) + 2);
	char text[INET_ADDRSTRLEN];
	return g_strdup(inet_ntop(AF_INET, &address, text, sizeof text));
}
