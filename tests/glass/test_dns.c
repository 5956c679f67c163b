/* The resolver of a VPC for real: a region with a glass, asked from inside the VPC's namespace. */
#include <glib/gstdio.h>
#include <ldns/ldns.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "glass/job.h"
#include "glass/net.h"
#include "region/dns.h"
#include "region/internal.h"

#define WAIT_MS 20000

static const StoreScope here = {"000000000000", "us-east-1"};
static Region *region;

static void call(const char *operation, Value input_taken) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) input = input_taken;
	g_auto(Value) output = region_call(region, here, "ec2", operation, input, &error);
	g_assert_no_error(error);
}

static char *create_vpc(void) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) input = value_object_take("CidrBlock", value_string("10.9.0.0/24"), NULL);
	g_auto(Value) output = region_call(region, here, "ec2", "CreateVpc", input, &error);
	g_assert_no_error(error);
	return g_strdup(value_text(value_get_path(output, "Vpc", "VpcId", NULL)));
}

static guint8 *question(const char *name, ldns_rr_type type, gsize *length) {
	guint8 *wire;
	ldns_pkt *packet =
		ldns_pkt_query_new(ldns_dname_new_frm_str(name), type, LDNS_RR_CLASS_IN, LDNS_RD);
	g_assert_cmpint(ldns_pkt2wire(&wire, packet, length), ==, LDNS_STATUS_OK);
	ldns_pkt_free(packet);
	return wire;
}

/* Turns the loop until the socket is readable. FALSE: in vain, or the connection is refused. */
static gboolean wait_readable(int fd, int timeout_ms) {
	gint64 until = g_get_monotonic_time() + timeout_ms * 1000;
	struct pollfd ready = {fd, POLLIN};
	while (g_get_monotonic_time() < until) {
		if (poll(&ready, 1, 5) == 1)
			return (ready.revents & POLLIN) && !(ready.revents & POLLERR);
		g_main_context_iteration(NULL, FALSE);
	}
	return FALSE;
}

/* The answer as text, "RCODE record record…" without the owners; NULL if there is none. */
static char *ask(const char *vpc, const char *server, const char *name, ldns_rr_type type) {
	g_autoptr(GError) error = NULL;
	guint8 answer[2048];
	gsize length;
	int fd = glass_connect(region_glass(region), vpc, SOCK_DGRAM, server, 53, &error);
	if (fd < 0)
		return NULL;
	guint8 *wire = question(name, type, &length);
	gssize sent = send(fd, wire, length, 0);
	free(wire);
	gboolean came = sent == (gssize)length && wait_readable(fd, 1000);
	gssize n = came ? recv(fd, answer, sizeof answer, 0) : -1;
	close(fd);
	ldns_pkt *packet = NULL;
	if (n < 0 || ldns_wire2pkt(&packet, answer, (gsize)n) != LDNS_STATUS_OK)
		return NULL;
	char *code = ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet));
	GString *text = g_string_new(code);
	free(code);
	for (gsize i = 0; i < ldns_pkt_ancount(packet); i++) {
		char *data =
			ldns_rdf2str(ldns_rr_rdf(ldns_rr_list_rr(ldns_pkt_answer(packet), i), 0));
		g_string_append_printf(text, " %s", data);
		free(data);
	}
	ldns_pkt_free(packet);
	return g_string_free(text, FALSE);
}

static void check(const char *vpc, const char *name, ldns_rr_type type, const char *expected) {
	const char *const servers[] = {"10.9.0.2", NET_ADDRESS_RESOLVER};
	for (guint i = 0; i < G_N_ELEMENTS(servers); i++) {
		g_autofree char *answer = ask(vpc, servers[i], name, type);
		g_assert_cmpstr(answer, ==, expected);
	}
}

/* Until the resolver answers, or no longer does. */
static void wait_for(const char *vpc, gboolean answering) {
	gint64 until = g_get_monotonic_time() + WAIT_MS * 1000;
	while (g_get_monotonic_time() < until) {
		g_autofree char *answer = ask(vpc, "10.9.0.2", "localhost", LDNS_RR_TYPE_A);
		if ((answer != NULL) == answering)
			return;
		for (int i = 0; i < 20; i++, g_usleep(1000))
			g_main_context_iteration(NULL, FALSE);
	}
	g_assert_not_reached();
}

static gboolean other_names(
	Region *the_region, const char *vpc, const char *name, GPtrArray *addresses, guint *ttl) {
	if (!g_str_equal(name, "db.example.localhost"))
		return FALSE;
	g_ptr_array_add(addresses, g_strdup("10.9.0.77"));
	return TRUE;
}

static void check_tcp(const char *vpc) {
	g_autoptr(GError) error = NULL;
	gsize length;
	int fd = glass_connect(region_glass(region), vpc, SOCK_STREAM, "10.9.0.2", 53, &error);
	g_assert_no_error(error);
	guint8 *wire = question("ip-10-9-0-5.ec2.internal", LDNS_RR_TYPE_A, &length);
	guint8 prefix[] = {0, (guint8)length}, answer[512];
	g_assert_cmpint(send(fd, prefix, 2, 0), ==, 2);
	g_assert_cmpint(send(fd, wire, length, 0), ==, (gssize)length);
	free(wire);
	g_assert_true(wait_readable(fd, 2000));
	g_assert_cmpint(recv(fd, answer, sizeof answer, 0), >, (gssize)length);
	close(fd);
}

static void check_names(const char *vpc) {
	check(vpc, "ip-10-9-0-5.ec2.internal", LDNS_RR_TYPE_A, "NOERROR 10.9.0.5");
	check(vpc, "IP-10-9-0-5.EC2.internal", LDNS_RR_TYPE_A, "NOERROR 10.9.0.5");
	check(vpc, "ip-10-9-0-5.ec2.internal", LDNS_RR_TYPE_AAAA, "NOERROR");
	check(vpc, "ip-10-8-0-5.ec2.internal", LDNS_RR_TYPE_A, "NXDOMAIN");
	check(vpc, "5.0.9.10.in-addr.arpa", LDNS_RR_TYPE_PTR, "NOERROR ip-10-9-0-5.ec2.internal.");
	check(vpc, "5.0.8.10.in-addr.arpa", LDNS_RR_TYPE_PTR, "NXDOMAIN");
	check(vpc, "ec2-203-0-113-5.compute-1.amazonaws.com", LDNS_RR_TYPE_A,
		"NOERROR 203.0.113.5");
	check(vpc, "ecs.us-east-1.amazonaws.com", LDNS_RR_TYPE_A, "NOERROR 169.254.170.2");
	check(vpc, "000000000000.dkr.ecr.us-east-1.amazonaws.com", LDNS_RR_TYPE_A,
		"NOERROR 169.254.170.2");
	check(vpc, "bucket.s3.us-east-1.amazonaws.com", LDNS_RR_TYPE_A, "NOERROR 169.254.170.2");
	check(vpc, "x.abc.us-east-1.rds.amazonaws.com", LDNS_RR_TYPE_A, "NXDOMAIN");
	check(vpc, "db.example.localhost", LDNS_RR_TYPE_A, "NOERROR 10.9.0.77");
	check(vpc, "other.localhost", LDNS_RR_TYPE_A, "NOERROR 127.0.0.1");
}

static void test_resolver(void) {
	g_autoptr(GError) error = NULL;
	g_autofree char *home = g_strdup_printf("/tmp/test-dns-%d", getpid());
	RegionOptions options = {.home = home, .port = 20000 + (guint)getpid() % 10000};
	region = region_new(&options, &error);
	if (g_error_matches(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED)) {
		g_test_skip(error->message);
		return;
	}
	g_assert_no_error(error);
	region_dns_source_add(region, other_names);
	g_autofree char *vpc = create_vpc();
	wait_for(vpc, TRUE);
	check_names(vpc);
	check_tcp(vpc);
	for (int on = 0; on < 2; on++) {
		call("ModifyVpcAttribute",
			value_object_take("VpcId", value_string(vpc), "EnableDnsSupport",
				value_object_take("Value", value_bool(on), NULL), NULL));
		wait_for(vpc, on);
	}
	/* A new process takes over. */
	region_free(region);
	region = region_new(&options, &error);
	g_assert_no_error(error);
	wait_for(vpc, TRUE);
	call("DeleteVpc", value_object_take("VpcId", value_string(vpc), NULL));
	wait_for(vpc, FALSE);
	region_free(region);
	g_assert_true(glass_destroy_home(home, &error));
	g_assert_no_error(error);
	const char *remove[] = {"rm", "-rf", home, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
		NULL, NULL, NULL, NULL));
}

int main(int argc, char **argv) {
	if (argc > 1 && g_str_equal(argv[1], "glass-init"))
		return glass_init_main(argc, argv);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dns/resolver", test_resolver);
	return g_test_run();
}
