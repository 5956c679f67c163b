/*
 * The packet filter of a VPC as nftables text: source checks, network ACLs (stateless, between
 * subnets), security groups (stateful, both directions), 1:1 translation at the internet gateway.
 * The text replaces the whole table in one transaction; conntrack is not touched by it, so
 * established connections go on as on AWS.
 *
 * A new connection must be allowed twice: by a group of the interface that it leaves (egress) and
 * by one of the interface that it enters (ingress). Each group's chain marks what it allows.
 */
#include "glass/net_plan.h"

static const char *const always_answering =
	NET_ADDRESS_RESOLVER ", " NET_ADDRESS_METADATA ", " NET_ADDRESS_TASK_METADATA;

static void append_protocol(GString *out, int protocol, int from, int to) {
	const char *name = protocol == 6 ? "tcp" : protocol == 17 ? "udp" : NULL;
	gboolean all_ports = from < 0 || (from == 0 && to == 65535);
	if (name && !all_ports)
		g_string_append_printf(out, "%s dport %d-%d ", name, from, to);
	else if (protocol == 1 && from >= 0 && to >= 0)
		g_string_append_printf(out, "icmp type %d icmp code %d ", from, to);
	else if (protocol == 1 && from >= 0)
		g_string_append_printf(out, "icmp type %d ", from);
	else if (protocol >= 0)
		g_string_append_printf(out, "meta l4proto %d ", protocol);
}

static gboolean append_peer(GString *out, const NetRule *rule) {
	const char *side = rule->egress ? "daddr" : "saddr";
	if (rule->group) {
		g_autofree char *set = net_device('m', rule->group);
		g_string_append_printf(out, "ip %s @%s ", side, set);
	} else if (rule->prefix_list) {
		g_autofree char *list = g_strjoinv(", ", rule->prefix_list);
		if (!*list)
			return FALSE;
		g_string_append_printf(out, "ip %s { %s } ", side, list);
	} else if (!rule->cidr || !net_is_cidr(rule->cidr)) {
		return FALSE; /* IPv6: there is none */
	} else if (!g_str_has_suffix(rule->cidr, "/0")) {
		g_string_append_printf(out, "ip %s %s ", side, rule->cidr);
	}
	return TRUE;
}

static void append_group(GString *out, const NetSecurityGroup *group, gboolean egress) {
	g_autofree char *chain = net_device(egress ? 'o' : 'i', group->id);
	g_string_append_printf(out, "chain %s {\n", chain);
	for (guint i = 0; i < group->rules->len; i++) {
		const NetRule *rule = group->rules->pdata[i];
		g_autoptr(GString) line = g_string_new(NULL);
		if (rule->egress != egress || !append_peer(line, rule))
			continue;
		append_protocol(line, rule->protocol, rule->from_port, rule->to_port);
		g_string_append_printf(out, "%smeta mark set 1\n", line->str);
	}
	g_string_append(out, "}\n");
}

static gboolean in_vpc(const NetState *state, const NetInterface *interface, const char *vpc) {
	const NetSubnet *subnet = net_find_subnet(state, interface->subnet);
	return subnet && g_str_equal(subnet->vpc, vpc) && net_interface_netns(state, interface);
}

/* A set with the elements that `choose` gives for the VPC's interfaces. */
typedef void (*Choose)(
	GString *out, const NetState *state, const NetInterface *interface, const void *data);

static void append_elements(GString *out, const char *name, const char *type, const NetState *state,
	const char *vpc, Choose choose, const void *data) {
	g_autoptr(GString) elements = g_string_new(NULL);
	for (guint i = 0; i < state->interfaces->len; i++)
		if (in_vpc(state, state->interfaces->pdata[i], vpc))
			choose(elements, state, state->interfaces->pdata[i], data);
	g_string_append_printf(out, "set %s {\ntype %s\n", name, type);
	if (elements->len)
		g_string_append_printf(out, "elements = { %s }\n", elements->str);
	g_string_append(out, "}\n");
}

static void choose_member(
	GString *out, const NetState *state, const NetInterface *interface, const void *group) {
	if (!interface->security_groups ||
		!g_strv_contains((const char *const *)interface->security_groups, group))
		return;
	for (guint i = 0; interface->addresses[i]; i++)
		g_string_append_printf(out, "%s, ", interface->addresses[i]);
}

static void choose_of_subnet(
	GString *out, const NetState *state, const NetInterface *interface, const void *subnet) {
	g_autofree char *device = net_device('e', interface->id);
	if (g_str_equal(interface->subnet, subnet))
		g_string_append_printf(out, "\"%s\", ", device);
}

static gboolean is_checked(const NetState *state, const NetInterface *interface) {
	return !interface->no_source_dest_check && !net_nat_of(state, interface);
}

static void choose_checked(
	GString *out, const NetState *state, const NetInterface *interface, const void *unused) {
	g_autofree char *device = net_device('e', interface->id);
	if (is_checked(state, interface))
		g_string_append_printf(out, "\"%s\", ", device);
}

static void choose_address(
	GString *out, const NetState *state, const NetInterface *interface, const void *unused) {
	g_autofree char *device = net_device('e', interface->id);
	for (guint i = 0; is_checked(state, interface) && interface->addresses[i]; i++)
		g_string_append_printf(out, "\"%s\" . %s, ", device, interface->addresses[i]);
}

/* One chain for each interface and direction, and the map that leads to it. */
static void append_interfaces(
	GString *out, const NetState *state, const char *vpc, gboolean egress) {
	g_autoptr(GString) map = g_string_new(NULL);
	for (guint i = 0; i < state->interfaces->len; i++) {
		const NetInterface *interface = state->interfaces->pdata[i];
		if (!in_vpc(state, interface, vpc))
			continue;
		g_autofree char *device = net_device('e', interface->id);
		g_autofree char *chain = net_device(egress ? 'x' : 'n', interface->id);
		g_string_append_printf(map, "\"%s\" : jump %s, ", device, chain);
		g_string_append_printf(out, "chain %s {\n", chain);
		if (net_nat_of(state, interface))
			g_string_append(out, "meta mark set 1\n");
		for (guint j = 0; interface->security_groups && interface->security_groups[j];
			j++) {
			g_autofree char *group =
				net_device(egress ? 'o' : 'i', interface->security_groups[j]);
			g_string_append_printf(out, "jump %s\n", group);
		}
		g_string_append(out, "}\n");
	}
	g_string_append_printf(out, "chain %s {\nmeta mark set 0\n", egress ? "leave" : "enter");
	g_string_append_printf(out, "%s \"igw\" meta mark set 1\n", egress ? "iifname" : "oifname");
	if (map->len)
		g_string_append_printf(
			out, "%s vmap { %s }\n", egress ? "iifname" : "oifname", map->str);
	g_string_append(out, "meta mark 0 drop\n}\n");
}

static int by_number(gconstpointer a, gconstpointer b) {
	const NetAclRule *first = *(NetAclRule *const *)a, *second = *(NetAclRule *const *)b;
	return first->number - second->number;
}

static void append_acl(GString *out, const NetAcl *acl, gboolean egress) {
	g_autofree char *chain = net_device(egress ? 'p' : 'q', acl->id);
	g_autoptr(GPtrArray) rules = g_ptr_array_new(); /* borrows */
	g_ptr_array_extend(rules, acl->rules, NULL, NULL);
	g_ptr_array_sort(rules, by_number);
	g_string_append_printf(out, "chain %s {\n", chain);
	for (guint i = 0; i < rules->len; i++) {
		const NetAclRule *rule = rules->pdata[i];
		if (rule->egress != egress || !rule->cidr || !net_is_cidr(rule->cidr))
			continue;
		if (!g_str_has_suffix(rule->cidr, "/0"))
			g_string_append_printf(
				out, "ip %s %s ", egress ? "daddr" : "saddr", rule->cidr);
		append_protocol(out, rule->protocol, rule->from_port, rule->to_port);
		g_string_append(out, rule->deny ? "drop\n" : "return\n");
	}
	g_string_append(out, "drop\n}\n");
}

/* A network ACL sees what crosses its subnet's border. */
static void append_acls(GString *out, const NetState *state, const char *vpc) {
	g_autoptr(GString) border = g_string_new("chain acls {\n");
	for (guint i = 0; i < state->acls->len; i++) {
		const NetAcl *acl = state->acls->pdata[i];
		if (!g_str_equal(acl->vpc, vpc))
			continue;
		append_acl(out, acl, TRUE);
		append_acl(out, acl, FALSE);
	}
	for (guint i = 0; i < state->subnets->len; i++) {
		const NetSubnet *subnet = state->subnets->pdata[i];
		if (!g_str_equal(subnet->vpc, vpc) || !subnet->acl)
			continue;
		g_autofree char *set = net_device('s', subnet->id);
		g_autofree char *out_chain = net_device('p', subnet->acl);
		g_autofree char *in_chain = net_device('q', subnet->acl);
		append_elements(out, set, "ifname", state, vpc, choose_of_subnet, subnet->id);
		g_string_append_printf(border,
			"iifname @%s oifname != @%s jump %s\noifname @%s iifname != @%s jump %s\n",
			set, set, out_chain, set, set, in_chain);
	}
	g_string_append_printf(out, "%s}\n", border->str);
}

/* Public addresses: translated 1:1 at the internet gateway; who has none does not pass it. */
static void append_gateway(GString *out, const NetState *state, const char *vpc) {
	g_autoptr(GString) in = g_string_new(NULL), to = g_string_new(NULL);
	g_autoptr(GString) who = g_string_new(NULL);
	for (guint i = 0; i < state->interfaces->len; i++) {
		const NetInterface *interface = state->interfaces->pdata[i];
		char **public = interface->public_addresses;
		if (!public || !in_vpc(state, interface, vpc))
			continue;
		for (guint j = 0; interface->addresses[j] && public[j]; j++) {
			if (!*public[j])
				continue;
			g_string_append_printf(
				in, "%s : %s, ", public[j], interface -> addresses[j]);
			g_string_append_printf(to, "%s : %s, ", interface->addresses[j], public[j]);
			g_string_append_printf(who, "%s, ", interface->addresses[j]);
		}
	}
	g_string_append(out, "chain gateway {\n");
	if (who->len)
		g_string_append_printf(out, "oifname \"igw\" ip saddr != { %s } drop\n", who->str);
	else
		g_string_append(out, "oifname \"igw\" drop\n");
	g_string_append(out, "}\n");
	if (!who->len)
		return;
	g_string_append_printf(out,
		"chain translate_in {\ntype nat hook prerouting priority -100; policy accept;\n"
		"iifname \"igw\" dnat to ip daddr map { %s }\n}\n"
		"chain translate_out {\ntype nat hook postrouting priority 100; policy accept;\n"
		"oifname \"igw\" snat to ip saddr map { %s }\n}\n",
		in->str, to->str);
}

static const NetVpc *find_vpc(const NetState *state, const char *id) {
	for (guint i = 0; i < state->vpcs->len; i++)
		if (g_str_equal(((NetVpc *)state->vpcs->pdata[i])->id, id))
			return state->vpcs->pdata[i];
	return NULL;
}

char *net_vpc_ruleset(const NetState *state, const char *id, GError **error) {
	const NetVpc *vpc = find_vpc(state, id);
	g_autofree char *resolver =
		vpc && vpc->cidrs && vpc->cidrs[0] ? net_vpc_resolver(vpc->cidrs[0]) : NULL;
	if (!resolver) {
		g_set_error(
			error, GLASS_ERROR, GLASS_ERROR_FAILED, "VPC %s: unknown or bad CIDR", id);
		return NULL;
	}
	GString *out = g_string_new(
		"add table ip terrarium\ndelete table ip terrarium\ntable ip terrarium {\n");
	append_elements(out, "checked", "ifname", state, id, choose_checked, NULL);
	append_elements(out, "own", "ifname . ipv4_addr", state, id, choose_address, NULL);
	for (guint i = 0; i < state->security_groups->len; i++) {
		const NetSecurityGroup *group = state->security_groups->pdata[i];
		if (!g_str_equal(group->vpc, id))
			continue;
		g_autofree char *set = net_device('m', group->id);
		append_elements(out, set, "ipv4_addr", state, id, choose_member, group->id);
	}
	for (guint i = 0; i < state->security_groups->len; i++) {
		const NetSecurityGroup *group = state->security_groups->pdata[i];
		if (!g_str_equal(group->vpc, id))
			continue;
		append_group(out, group, TRUE);
		append_group(out, group, FALSE);
	}
	append_interfaces(out, state, id, TRUE);
	append_interfaces(out, state, id, FALSE);
	append_acls(out, state, id);
	append_gateway(out, state, id);
	g_string_append_printf(out,
		"chain source {\ntype filter hook prerouting priority -300; policy accept;\n"
		"iifname @checked iifname . ip saddr != @own drop\n}\n"
		"chain input {\ntype filter hook input priority 0; policy drop;\n"
		"iifname \"lo\" accept\nct state established,related accept\n"
		"iifname != \"igw\" ip daddr { %s, %s } accept\n}\n"
		"chain forward {\ntype filter hook forward priority 0; policy drop;\n"
		"oifname @checked oifname . ip daddr != @own drop\n"
		"jump acls\njump gateway\nct state established,related accept\n"
		"ct state invalid drop\njump leave\njump enter\naccept\n}\n}\n",
		always_answering, resolver);
	return g_string_free(out, FALSE);
}
