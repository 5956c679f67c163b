/* The network for real: one VPC with public, app and db subnets, a second VPC with the same
 * addresses, and a "world" behind the edge. */
#include "glass/job.h"
#include "glass/net.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char *home;
static Glass *glass;
static gboolean acl_denies;

#define WORLD "203.0.113.9"
#define EIP_NAT "198.51.100.1"
#define EIP_WEB "198.51.100.2"

/* Can `from` open a TCP connection to address:port? */
static gboolean reaches(const char *from, const char *address, guint16 port) {
	g_autoptr(GError) error = NULL;
	int fd = glass_connect(glass, from, SOCK_STREAM, address, port, &error);
	if (fd < 0) {
		g_test_message("%s", error->message);
		return FALSE;
	}
	struct pollfd ready = {fd, POLLOUT};
	int problem = 1;
	socklen_t length = sizeof problem;
	if (poll(&ready, 1, 700) == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &length);
	close(fd);
	return problem == 0;
}

static int serve(const char *netns, const char *address, guint16 port) {
	g_autoptr(GError) error = NULL;
	int fd = glass_listen(glass, netns, SOCK_STREAM, address, port, &error);
	g_assert_no_error(error);
	return fd;
}

static NetState *make_state(gboolean nat, gboolean db_open) {
	NetState *state = net_state_new();
	const char *const cidr[] = {"10.0.0.0/24", NULL};
	net_state_vpc(state, "vpc-1", cidr);
	net_state_vpc(state, "vpc-2", cidr);
	net_state_internet_gateway(state, "igw-1", "vpc-1");
	net_route_table_route(net_state_route_table(state, "rtb-public", "vpc-1"), "0.0.0.0/0",
		NET_ROUTE_INTERNET_GATEWAY, "igw-1");
	NetRouteTable *private = net_state_route_table(state, "rtb-private", "vpc-1");
	net_state_route_table(state, "rtb-other", "vpc-2");
	net_state_subnet(state, "subnet-pub", "vpc-1", "10.0.0.0/27", "a", "rtb-public");
	net_state_subnet(state, "subnet-app", "vpc-1", "10.0.0.64/27", "a", "rtb-private");
	net_state_subnet(state, "subnet-db", "vpc-1", "10.0.0.128/27", "b", "rtb-private");
	net_state_subnet(state, "subnet-other", "vpc-2", "10.0.0.0/24", "a", "rtb-other");
	NetAcl *acl = net_state_acl(state, "acl-1", "vpc-1");
	net_acl_rule(acl, 100, FALSE, acl_denies, 6, 5432, 5432, "10.0.0.64/27");
	net_acl_rule(acl, 200, FALSE, FALSE, -1, -1, -1, "0.0.0.0/0");
	net_acl_rule(acl, 100, TRUE, FALSE, -1, -1, -1, "0.0.0.0/0");
	((NetSubnet *)state->subnets->pdata[2])->acl = g_strdup("acl-1");
	NetSecurityGroup *web = net_state_security_group(state, "sg-web", "vpc-1");
	NetSecurityGroup *app = net_state_security_group(state, "sg-app", "vpc-1");
	NetSecurityGroup *db = net_state_security_group(state, "sg-db", "vpc-1");
	NetSecurityGroup *other = net_state_security_group(state, "sg-other", "vpc-2");
	net_security_group_rule(web, FALSE, 6, 80, 80, "0.0.0.0/0", NULL);
	net_security_group_rule(web, TRUE, -1, -1, -1, "0.0.0.0/0", NULL);
	net_security_group_rule(app, FALSE, 6, 3000, 3000, NULL, "sg-web");
	net_security_group_rule(app, TRUE, -1, -1, -1, "0.0.0.0/0", NULL);
	if (db_open)
		net_security_group_rule(db, FALSE, 6, 5432, 5432, NULL, "sg-app");
	net_security_group_rule(other, FALSE, -1, -1, -1, "0.0.0.0/0", NULL);
	net_security_group_rule(other, TRUE, -1, -1, -1, "0.0.0.0/0", NULL);
	const char *const in_web[] = {"sg-web", NULL}, *const in_app[] = {"sg-app", NULL};
	const char *const in_db[] = {"sg-db", NULL}, *const in_other[] = {"sg-other", NULL};
	net_interface_public(
		net_state_interface(state, "eni-web", "subnet-pub", "web", "10.0.0.5", in_web), 0,
		EIP_WEB);
	net_state_interface(state, "eni-app", "subnet-app", "app", "10.0.0.70", in_app);
	net_state_interface(state, "eni-db", "subnet-db", "db", "10.0.0.135", in_db);
	net_state_interface(state, "eni-other", "subnet-other", "other", "10.0.0.200", in_other);
	if (!nat)
		return state;
	net_interface_public(
		net_state_interface(state, "eni-nat", "subnet-pub", NULL, "10.0.0.6", NULL), 0,
		EIP_NAT);
	net_state_nat_gateway(state, "nat-1", "eni-nat");
	net_route_table_route(private, "0.0.0.0/0", NET_ROUTE_NAT_GATEWAY, "nat-1");
	return state;
}

static void apply(gboolean nat, gboolean db_open) {
	g_autoptr(GError) error = NULL;
	g_autoptr(NetState) state = make_state(nat, db_open);
	gint64 began = g_get_monotonic_time();
	net_apply_sync(glass, state, &error);
	g_assert_no_error(error);
	g_test_message(
		"applied in %" G_GINT64_FORMAT " ms", (g_get_monotonic_time() - began) / 1000);
}

static void make_world(void) {
	g_autoptr(GError) error = NULL;
	const char *const argv[] = {"sh", "-c",
		"ip netns add world && ip link add w0 type veth peer name eth0 netns world && "
		"ip addr add 203.0.113.1/24 dev w0 && ip link set w0 up && "
		"ip -n world link set lo up && ip -n world link set eth0 up && "
		"ip -n world addr add 203.0.113.9/24 dev eth0 && "
		"ip -n world route add 198.51.100.0/24 via 203.0.113.1",
		NULL};
	glass_run_sync(glass, NULL, argv, NULL, NULL, NULL, NULL, &error);
	g_assert_no_error(error);
}

static void test_network(void) {
	g_autoptr(GError) error = NULL;
	glass = glass_open(home, &error);
	if (g_error_matches(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED)) {
		g_test_skip(error->message);
		return;
	}
	g_assert_no_error(error);
	apply(FALSE, TRUE);
	make_world();
	int fds[] = {serve("web", "0.0.0.0", 80), serve("web", "0.0.0.0", 81),
		serve("app", "0.0.0.0", 3000), serve("db", "0.0.0.0", 5432),
		serve("db", "0.0.0.0", 22), serve("other", "0.0.0.0", 80),
		serve("world", WORLD, 443), serve("vpc-1", "10.0.0.2", 53),
		serve("vpc-1", NET_ADDRESS_TASK_METADATA, 80)};
	/* Security groups, both directions, with references, over subnets. */
	g_assert_true(reaches("web", "10.0.0.70", 3000));
	g_assert_true(reaches("app", "10.0.0.5", 80));
	g_assert_false(reaches("app", "10.0.0.5", 81));
	g_assert_true(reaches("app", "10.0.0.135", 5432));
	g_assert_false(reaches("app", "10.0.0.135", 22));
	g_assert_false(reaches("web", "10.0.0.135", 5432));
	g_assert_false(reaches("db", "10.0.0.5", 80)); /* db has no egress rule */
	/* The VPC's own addresses answer in spite of the groups; the other VPC is out of reach. */
	g_assert_true(reaches("db", "10.0.0.2", 53));
	g_assert_true(reaches("db", NET_ADDRESS_TASK_METADATA, 80));
	g_assert_false(reaches("app", "10.0.0.200", 80));
	/* The VPC's namespace itself reaches its interfaces (for health checks). */
	g_assert_true(reaches("vpc-1", "10.0.0.135", 5432));
	/* Elastic IP out and in; a private subnet has no way out but through NAT. */
	g_assert_true(reaches("web", WORLD, 443));
	g_assert_true(reaches("world", EIP_WEB, 80));
	g_assert_false(reaches("world", EIP_WEB, 81));
	g_assert_false(reaches("app", WORLD, 443));
	apply(TRUE, TRUE);
	g_assert_true(reaches("app", WORLD, 443));
	/* A rule withdrawn stops new connections, not the established one. */
	int open = glass_connect(glass, "app", SOCK_STREAM, "10.0.0.135", 5432, &error);
	g_usleep(200000);
	apply(TRUE, FALSE);
	g_assert_false(reaches("app", "10.0.0.135", 5432));
	int peer = -1;
	for (int next; (next = accept(fds[3], NULL, NULL)) >= 0;) {
		if (peer >= 0)
			close(peer);
		peer = next;
	}
	char byte = 0;
	struct pollfd ready = {peer, POLLIN};
	g_assert_cmpint(write(open, "x", 1), ==, 1);
	g_assert_cmpint(poll(&ready, 1, 1000), ==, 1);
	g_assert_cmpint(read(peer, &byte, 1), ==, 1);
	g_assert_cmpint(byte, ==, 'x');
	/* The other process's view: adopted, it finds nothing to do and can go back. */
	glass_close(glass);
	glass = glass_open(home, &error);
	g_assert_no_error(error);
	g_assert_true(glass_adopted(glass));
	apply(FALSE, TRUE);
	g_assert_true(reaches("app", "10.0.0.135", 5432));
	g_assert_false(reaches("app", WORLD, 443));
	acl_denies = TRUE;
	apply(FALSE, TRUE);
	g_assert_false(reaches("app", "10.0.0.135", 5432));
	close(open);
	close(peer);
	for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	g_autoptr(NetState) nothing = net_state_new();
	net_apply_sync(glass, nothing, &error);
	g_assert_no_error(error);
	g_autoptr(GBytes) left = NULL;
	const char *const list[] = {"ls", "/run/netns", NULL};
	glass_run_sync(glass, NULL, list, NULL, NULL, &left, NULL, &error);
	gsize length;
	const char *text = g_bytes_get_data(left, &length);
	g_autofree char *names = g_strndup(text, length);
	g_assert_cmpstr(names, ==, "edge\nworld\n");
	g_assert_true(glass_destroy(g_steal_pointer(&glass), &error));
}

int main(int argc, char **argv) {
	if (argc > 1 && g_str_equal(argv[1], "glass-init"))
		return glass_init_main(argc, argv);
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	home = g_dir_make_tmp("terrarium-net-XXXXXX", NULL);
	g_test_add_func("/net/vpc", test_network);
	int failed = g_test_run();
	glass_destroy_home(home, NULL);
	const char *const remove[] = {"rm", "-rf", home, NULL};
	g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		NULL);
	g_free(home);
	return failed;
}
