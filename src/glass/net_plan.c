/*
 * From what is wanted of the network to the items that make it (see DESIGN's table). Pure: touches
 * nothing. Every packet between interfaces is routed by the VPC's namespace, so every one is
 * filtered.
 */
#include "glass/net_plan.h"

#include <string.h>

#define NEXT_HOP "169.254.1.1"
#define EDGE_SIDE "169.254.2.1"
#define GATEWAY_SIDE "169.254.2.2"

enum { PHASE_NAMESPACE, PHASE_SYSCTL, PHASE_RULES, PHASE_LINK, PHASE_ADDRESS, PHASE_ROUTE };

void net_item_free(NetItem *item) {
	g_free(item->key);
	g_free(item->netns);
	g_free(item->make);
	g_free(item->undo);
	g_free(item);
}

char *net_device(char prefix, const char *id) {
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
	return g_strdup_printf("%c%.13s", prefix, sum);
}

const NetSubnet *net_find_subnet(const NetState *state, const char *id) {
	for (guint i = 0; id && i < state->subnets->len; i++)
		if (g_str_equal(((NetSubnet *)state->subnets->pdata[i])->id, id))
			return state->subnets->pdata[i];
	return NULL;
}

const NetInterface *net_find_interface(const NetState *state, const char *id) {
	for (guint i = 0; id && i < state->interfaces->len; i++)
		if (g_str_equal(((NetInterface *)state->interfaces->pdata[i])->id, id))
			return state->interfaces->pdata[i];
	return NULL;
}

const NetNatGateway *net_nat_of(const NetState *state, const NetInterface *interface) {
	for (guint i = 0; i < state->nat_gateways->len; i++) {
		const NetNatGateway *nat = state->nat_gateways->pdata[i];
		if (g_strcmp0(nat->interface, interface->id) == 0)
			return nat;
	}
	return NULL;
}

const char *net_interface_netns(const NetState *state, const NetInterface *interface) {
	const NetNatGateway *nat = net_nat_of(state, interface);
	return nat ? nat->id : interface->owner;
}

gboolean net_has_internet_gateway(const NetState *state, const char *vpc) {
	for (guint i = 0; i < state->internet_gateways->len; i++)
		if (g_strcmp0(((NetInternetGateway *)state->internet_gateways->pdata[i])->vpc,
			    vpc) == 0)
			return TRUE;
	return FALSE;
}

static gboolean is_ipv4(const char *text) {
	g_autoptr(GInetAddress) address = text ? g_inet_address_new_from_string(text) : NULL;
	return address && g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV4;
}

gboolean net_is_cidr(const char *text) {
	g_autoptr(GInetAddressMask) mask =
		text ? g_inet_address_mask_new_from_string(text, NULL) : NULL;
	return mask && g_inet_address_mask_get_family(mask) == G_SOCKET_FAMILY_IPV4;
}

static gboolean is_name(const char *text) {
	return text && *text && *text != '.' && !g_str_equal(text, NET_EDGE) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(text);
}

/* What is given to other programs as text must be what it says it is. */
static gboolean refuse(GError **error, const char *kind, const char *id, const char *what) {
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "%s %s: %s", kind, id ? id : "(none)",
		what);
	return FALSE;
}

static gboolean known_group(const NetState *state, const char *id, const char *vpc) {
	for (guint i = 0; i < state->security_groups->len; i++) {
		const NetSecurityGroup *group = state->security_groups->pdata[i];
		if (g_str_equal(group->id, id) && g_str_equal(group->vpc, vpc))
			return TRUE;
	}
	return FALSE;
}

static gboolean check_interface(
	const NetState *state, const NetInterface *interface, GError **error) {
	const NetSubnet *subnet = net_find_subnet(state, interface->subnet);
	const char *netns = net_interface_netns(state, interface);
	if (!subnet || !interface->id)
		return refuse(error, "interface", interface->id, "its subnet is unknown");
	if (netns && !is_name(netns))
		return refuse(error, "interface", interface->id, "bad owner name");
	if (!interface->addresses || !interface->addresses[0])
		return refuse(error, "interface", interface->id, "it has no address");
	for (guint i = 0; interface->addresses[i]; i++)
		if (!is_ipv4(interface->addresses[i]))
			return refuse(error, "interface", interface->id, "bad address");
	for (guint i = 0; interface->public_addresses && interface->public_addresses[i]; i++)
		if (*interface->public_addresses[i] && !is_ipv4(interface->public_addresses[i]))
			return refuse(error, "interface", interface->id, "bad public address");
	if (interface->mac &&
		strspn(interface->mac, "0123456789abcdefABCDEF:") != strlen(interface->mac))
		return refuse(error, "interface", interface->id, "bad MAC address");
	for (guint i = 0; interface->security_groups && interface->security_groups[i]; i++)
		if (!known_group(state, interface->security_groups[i], subnet->vpc))
			return refuse(error, "interface", interface->id, "unknown security group");
	return TRUE;
}

static gboolean check(const NetState *state, GError **error) {
	for (guint i = 0; i < state->vpcs->len; i++) {
		const NetVpc *vpc = state->vpcs->pdata[i];
		if (!is_name(vpc->id) || !vpc->cidrs || !vpc->cidrs[0])
			return refuse(error, "VPC", vpc->id, "bad id or no CIDR");
		for (guint j = 0; vpc->cidrs[j]; j++)
			if (!net_is_cidr(vpc->cidrs[j]))
				return refuse(error, "VPC", vpc->id, "bad CIDR");
	}
	for (guint i = 0; i < state->subnets->len; i++) {
		const NetSubnet *subnet = state->subnets->pdata[i];
		if (!is_name(subnet->vpc) || !net_is_cidr(subnet->cidr))
			return refuse(error, "subnet", subnet->id, "bad CIDR or VPC");
	}
	for (guint i = 0; i < state->security_groups->len; i++) {
		const NetSecurityGroup *group = state->security_groups->pdata[i];
		for (guint j = 0; j < group->rules->len; j++) {
			const NetRule *rule = group->rules->pdata[j];
			if (rule->group && !known_group(state, rule->group, group->vpc))
				return refuse(error, "security group", group->id,
					"a rule names an unknown group");
			for (guint k = 0; rule->prefix_list && rule->prefix_list[k]; k++)
				if (!net_is_cidr(rule->prefix_list[k]))
					return refuse(error, "security group", group->id,
						"bad prefix list");
		}
	}
	for (guint i = 0; i < state->interfaces->len; i++)
		if (!check_interface(state, state->interfaces->pdata[i], error))
			return FALSE;
	return TRUE;
}

/* Takes make and undo. */
static void add(GPtrArray *items, int phase, NetItemKind kind, const char *netns, char *key,
	char *make, char *undo) {
	NetItem *item = g_new0(NetItem, 1);
	*item = (NetItem){key, kind, phase, g_strdup(netns), make, undo};
	g_ptr_array_add(items, item);
}

static void add_namespace(GPtrArray *items, const char *name, gboolean routes) {
	add(items, PHASE_NAMESPACE, NET_ITEM_NAMESPACE, NULL, g_strdup_printf("ns/%s", name),
		g_strdup(name), g_strdup(name));
	add(items, PHASE_SYSCTL, NET_ITEM_SYSCTL, name, g_strdup_printf("sysctl/%s", name),
		g_strdup_printf("ipv6/conf/default/disable_ipv6 1\n"
				"ipv4/conf/all/rp_filter 0\nipv4/conf/default/rp_filter 0\n"
				"ipv4/conf/all/send_redirects 0\n"
				"ipv4/conf/default/send_redirects 0\n"
				"ipv4/ip_unprivileged_port_start 0\nipv4/ip_forward %d\n",
			routes),
		NULL);
	add(items, PHASE_LINK, NET_ITEM_LINK, name, g_strdup_printf("lo/%s", name),
		g_strdup("link set lo up\n"), NULL);
}

static guint table_number(const char *id) {
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
	sum[7] = '\0';
	return 1000 + (guint)g_ascii_strtoull(sum, NULL, 16);
}

static gboolean plan_vpc(
	GPtrArray *items, const NetState *state, const NetVpc *vpc, GError **error) {
	char *rules = net_vpc_ruleset(state, vpc->id, error);
	if (!rules)
		return FALSE;
	g_autofree char *resolver = net_vpc_resolver(vpc->cidrs[0]);
	add_namespace(items, vpc->id, TRUE);
	add(items, PHASE_RULES, NET_ITEM_RULES, vpc->id, g_strdup_printf("nft/%s", vpc->id), rules,
		NULL);
	add(items, PHASE_ADDRESS, NET_ITEM_LINK, vpc->id, g_strdup_printf("answer/%s", vpc->id),
		g_strdup_printf("addr replace %s/32 dev lo\naddr replace " NET_ADDRESS_RESOLVER
				"/32 dev lo\naddr replace " NET_ADDRESS_METADATA
				"/32 dev lo\naddr replace " NET_ADDRESS_TASK_METADATA
				"/32 dev lo\n",
			resolver),
		NULL);
	add(items, PHASE_ADDRESS, NET_ITEM_LINK, vpc->id, g_strdup_printf("local/%s", vpc->id),
		g_strdup("rule add pref 100 lookup main\n"), g_strdup("rule del pref 100\n"));
	if (!net_has_internet_gateway(state, vpc->id))
		return TRUE;
	g_autofree char *device = net_device('v', vpc->id);
	add(items, PHASE_LINK, NET_ITEM_LINK, NULL, g_strdup_printf("igw/%s", vpc->id),
		g_strdup_printf("link add name %s type veth peer name igw netns %s\n"
				"link set %s up\naddr replace " EDGE_SIDE "/32 dev %s\n",
			device, vpc->id, device, device),
		g_strdup_printf("link del %s\n", device));
	add(items, PHASE_ADDRESS, NET_ITEM_LINK, vpc->id, g_strdup_printf("gateway/%s", vpc->id),
		g_strdup("link set igw up\naddr replace " GATEWAY_SIDE "/32 dev igw\n"
			 "route replace " EDGE_SIDE "/32 dev igw\n"),
		NULL);
	return TRUE;
}

static void plan_subnet(GPtrArray *items, const NetSubnet *subnet) {
	if (!subnet->route_table)
		return;
	guint table = table_number(subnet->route_table);
	add(items, PHASE_ROUTE, NET_ITEM_LINK, subnet->vpc,
		g_strdup_printf("subnet/%s", subnet->id),
		g_strdup_printf("rule add from %s pref 1000 lookup %u\n", subnet->cidr, table),
		g_strdup_printf("rule del from %s pref 1000 lookup %u\n", subnet->cidr, table));
}

/* Where a route leads, as ip says it. Caller frees. */
static char *destination(
	const NetState *state, const NetRouteTable *table, const NetRoute *route, char **note) {
	const NetInterface *through = NULL;
	if (route->kind == NET_ROUTE_INTERNET_GATEWAY &&
		net_has_internet_gateway(state, table->vpc))
		return g_strdup("via " EDGE_SIDE " dev igw onlink");
	if (route->kind == NET_ROUTE_INTERFACE)
		through = net_find_interface(state, route->target);
	for (guint i = 0; route->kind == NET_ROUTE_NAT_GATEWAY && i < state->nat_gateways->len;
		i++) {
		const NetNatGateway *nat = state->nat_gateways->pdata[i];
		if (g_strcmp0(nat->id, route->target) == 0)
			through = net_find_interface(state, nat->interface);
	}
	if (!through || !net_interface_netns(state, through))
		return NULL;
	g_autofree char *addresses = g_strjoinv(" ", through->addresses);
	*note = g_strdup_printf("%s %s %s", net_interface_netns(state, through), addresses,
		through->mac ? through->mac : "");
	g_autofree char *device = net_device('e', through->id);
	return g_strdup_printf("via %s dev %s onlink", through->addresses[0], device);
}

/* `note` changes when the device that the route leads to is made anew, and the route with it. */
static void add_route(GPtrArray *items, const NetRouteTable *table, const char *cidr,
	const char *to, const char *note) {
	guint number = table_number(table->id);
	add(items, PHASE_ROUTE, NET_ITEM_LINK, table->vpc,
		g_strdup_printf("route/%s/%s", table->id, cidr),
		to ? g_strdup_printf("# %s\nroute replace %s %s table %u\n", note ? note : "", cidr,
			     to, number)
		   : g_strdup_printf("route replace blackhole %s table %u\n", cidr, number),
		g_strdup_printf("route del %s table %u\n", cidr, number));
}

static gboolean plan_route_table(
	GPtrArray *items, const NetState *state, const NetRouteTable *table, GError **error) {
	for (guint i = 0; i < state->vpcs->len; i++) {
		const NetVpc *vpc = state->vpcs->pdata[i];
		for (guint j = 0; g_str_equal(vpc->id, table->vpc) && vpc->cidrs[j]; j++)
			add_route(items, table, vpc->cidrs[j], NULL, NULL);
	}
	for (guint i = 0; i < table->routes->len; i++) {
		const NetRoute *route = table->routes->pdata[i];
		if (route->kind == NET_ROUTE_LOCAL || (route->cidr && strchr(route->cidr, ':')))
			continue; /* local is there already; there is no IPv6 */
		if (!net_is_cidr(route->cidr))
			return refuse(error, "route table", table->id, "bad CIDR");
		g_autofree char *note = NULL, *to = destination(state, table, route, &note);
		add_route(items, table, route->cidr, to, note);
	}
	return TRUE;
}

static char *owner_commands(const NetInterface *interface, const char *link, char **undo) {
	g_autofree char *note = g_strdelimit(g_strdup(link), "\n", ' ');
	GString *make = g_string_new(NULL), *back = g_string_new(NULL);
	guint table = 100 + interface->index;
	g_string_append_printf(make, "# %s\nlink set eth%d up\n", note, interface->index);
	for (guint i = 0; interface->addresses[i]; i++)
		g_string_append_printf(make, "addr replace %s/32 dev eth%d\n",
			interface->addresses[i], interface->index);
	if (interface->index == 0)
		g_string_append(make, "route replace " NEXT_HOP " dev eth0 scope link\n");
	if (interface->index == 0)
		g_string_append(make, "route replace default via " NEXT_HOP " dev eth0\n");
	/* Each interface answers through itself. */
	for (guint i = 0; interface->index > 0 && interface->addresses[i]; i++) {
		g_string_append_printf(make,
			"route replace default via " NEXT_HOP
			" dev eth%d onlink table %u\nrule add from %s pref 200 lookup %u\n",
			interface->index, table, interface->addresses[i], table);
		g_string_append_printf(back, "rule del from %s pref 200 lookup %u\n",
			interface->addresses[i], table);
	}
	*undo = g_string_free(back, FALSE);
	return g_string_free(make, FALSE);
}

static void plan_interface(GPtrArray *items, GHashTable *namespaces, const NetState *state,
	const NetInterface *interface) {
	const char *netns = net_interface_netns(state, interface);
	if (!netns)
		return;
	const NetSubnet *subnet = net_find_subnet(state, interface->subnet);
	gboolean nat = net_nat_of(state, interface) != NULL;
	if (g_hash_table_add(namespaces, g_strdup(netns)))
		add_namespace(items, netns, nat);
	g_autofree char *device = net_device('e', interface->id);
	GString *link = g_string_new(NULL);
	g_string_append_printf(
		link, "link add name %s type veth peer name eth%d ", device, interface->index);
	if (interface->mac)
		g_string_append_printf(link, "address %s ", interface->mac);
	g_string_append_printf(link,
		"netns %s\nlink set %s up\naddr replace " NEXT_HOP "/32 dev %s\n", netns, device,
		device);
	for (guint i = 0; interface->addresses[i]; i++)
		g_string_append_printf(
			link, "route replace %s/32 dev %s\n", interface->addresses[i], device);
	char *undo, *make = owner_commands(interface, link->str, &undo);
	add(items, PHASE_ADDRESS, NET_ITEM_LINK, netns, g_strdup_printf("owner/%s", interface->id),
		make, undo);
	add(items, PHASE_LINK, NET_ITEM_LINK, subnet->vpc, g_strdup_printf("eni/%s", interface->id),
		g_string_free(link, FALSE), g_strdup_printf("link del %s\n", device));
	if (nat)
		add(items, PHASE_RULES, NET_ITEM_RULES, netns, g_strdup_printf("nft/%s", netns),
			g_strdup("add table ip terrarium\ndelete table ip terrarium\n"
				 "table ip terrarium {\nchain forward {\n"
				 "type filter hook forward priority 0; policy accept;\n"
				 "ct state invalid drop\n}\nchain postrouting {\n"
				 "type nat hook postrouting priority 100; policy accept;\n"
				 "oifname \"eth0\" masquerade\n}\n}\n"),
			NULL);
	if (!net_has_internet_gateway(state, subnet->vpc))
		return;
	g_autofree char *edge = net_device('v', subnet->vpc);
	for (guint i = 0; interface->public_addresses && interface->public_addresses[i]; i++)
		if (*interface->public_addresses[i])
			add(items, PHASE_ROUTE, NET_ITEM_LINK, NULL,
				g_strdup_printf("public/%s", interface->public_addresses[i]),
				g_strdup_printf("route replace %s/32 via " GATEWAY_SIDE
						" dev %s onlink\n",
					interface->public_addresses[i], edge),
				g_strdup_printf(
					"route del %s/32\n", interface->public_addresses[i]));
}

static int by_phase(gconstpointer a, gconstpointer b) {
	const NetItem *first = *(NetItem *const *)a, *second = *(NetItem *const *)b;
	if (first->phase != second->phase)
		return first->phase - second->phase;
	int order = g_strcmp0(first->netns, second->netns);
	return order ? order : strcmp(first->key, second->key);
}

GPtrArray *net_plan(const NetState *state, GError **error) {
	if (!check(state, error))
		return NULL;
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)net_item_free);
	g_autoptr(GHashTable) namespaces =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < state->vpcs->len; i++)
		if (!plan_vpc(items, state, state->vpcs->pdata[i], error))
			return NULL;
	for (guint i = 0; i < state->subnets->len; i++)
		plan_subnet(items, state->subnets->pdata[i]);
	for (guint i = 0; i < state->route_tables->len; i++)
		if (!plan_route_table(items, state, state->route_tables->pdata[i], error))
			return NULL;
	for (guint i = 0; i < state->interfaces->len; i++)
		plan_interface(items, namespaces, state, state->interfaces->pdata[i]);
	g_ptr_array_sort(items, by_phase);
	return g_steal_pointer(&items);
}
