/* What the network's state becomes, without a glass. */
#include "glass/net.h"

#include <string.h>

static NetState *one_vpc(void) {
	NetState *state = net_state_new();
	const char *const cidr[] = {"10.1.0.0/16", NULL}, *const groups[] = {"sg-a", NULL};
	net_state_vpc(state, "vpc-1", cidr);
	net_state_subnet(state, "subnet-1", "vpc-1", "10.1.1.0/24", "a", NULL);
	net_state_security_group(state, "sg-a", "vpc-1");
	net_state_interface(state, "eni-1", "subnet-1", "task", "10.1.1.4", groups);
	return state;
}

static void test_resolver(void) {
	g_autofree char *resolver = net_vpc_resolver("10.1.0.0/16");
	g_assert_cmpstr(resolver, ==, "10.1.0.2");
	g_assert_null(net_vpc_resolver("10.1.0.0"));
	g_assert_null(net_vpc_resolver("fd00::/64"));
}

static void test_rules(void) {
	g_autoptr(NetState) state = one_vpc();
	NetSecurityGroup *group = state->security_groups->pdata[0];
	net_security_group_rule(group, FALSE, 6, 443, 444, "192.0.2.0/24", NULL);
	net_security_group_rule(group, FALSE, 1, 8, -1, "0.0.0.0/0", NULL);
	net_security_group_rule(group, FALSE, 17, 53, 53, "::/0", NULL);
	net_security_group_rule(group, TRUE, 50, -1, -1, "0.0.0.0/0", NULL);
	g_autofree char *text = net_vpc_ruleset(state, "vpc-1", NULL);
	g_assert_nonnull(strstr(text, "ip saddr 192.0.2.0/24 tcp dport 443-444 meta mark set 1"));
	g_assert_nonnull(strstr(text, "icmp type 8 meta mark set 1"));
	g_assert_nonnull(strstr(text, "meta l4proto 50 meta mark set 1"));
	g_assert_null(strstr(text, "udp"));
	g_assert_nonnull(strstr(text, "10.1.0.2 } accept"));
	g_autoptr(GError) error = NULL;
	g_assert_null(net_vpc_ruleset(state, "vpc-2", &error));
	g_assert_nonnull(error);
}

static void test_acl(void) {
	g_autoptr(NetState) state = one_vpc();
	NetAcl *acl = net_state_acl(state, "acl-1", "vpc-1");
	net_acl_rule(acl, 200, FALSE, FALSE, -1, -1, -1, "0.0.0.0/0");
	net_acl_rule(acl, 100, FALSE, TRUE, 6, 22, 22, "0.0.0.0/0");
	((NetSubnet *)state->subnets->pdata[0])->acl = g_strdup("acl-1");
	g_autofree char *text = net_vpc_ruleset(state, "vpc-1", NULL);
	const char *deny = strstr(text, "tcp dport 22-22 drop");
	const char *allow = strstr(text, "\nreturn\n");
	g_assert_nonnull(deny);
	g_assert_nonnull(allow);
	g_assert_true(deny < allow);
}

static void test_public(void) {
	g_autoptr(NetState) state = one_vpc();
	net_interface_public(state->interfaces->pdata[0], 0, "198.51.100.7");
	g_autofree char *text = net_vpc_ruleset(state, "vpc-1", NULL);
	g_assert_nonnull(strstr(text, "198.51.100.7 : 10.1.1.4"));
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/net/resolver", test_resolver);
	g_test_add_func("/net/rules", test_rules);
	g_test_add_func("/net/acl", test_acl);
	g_test_add_func("/net/public", test_public);
	return g_test_run();
}
