/* DNS: messages as they come from the network, answers to them, forwarding, and the server's
 * sockets; all on loopback. */
#include <errno.h>
#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "region/dns_server.h"
#include "region/dns_upstream.h"

/* ---- messages ---- */

/* A question as a client writes it. */
static GBytes *ask(const char *name, ldns_rr_type type, guint edns) {
	ldns_pkt *packet =
		ldns_pkt_query_new(ldns_dname_new_frm_str(name), type, LDNS_RR_CLASS_IN, LDNS_RD);
	ldns_pkt_set_id(packet, 0xbeef);
	if (edns)
		ldns_pkt_set_edns_udp_size(packet, (guint16)edns);
	guint8 *wire;
	gsize length;
	g_assert_cmpint(ldns_pkt2wire(&wire, packet, &length), ==, LDNS_STATUS_OK);
	ldns_pkt_free(packet);
	return g_bytes_new_with_free_func(wire, length, free, wire);
}

static DnsQuery *parse(GBytes *message) {
	g_autoptr(GBytes) refusal = NULL;
	gsize length;
	const guint8 *data = g_bytes_get_data(message, &length);
	DnsQuery *query = dns_query_parse(data, length, &refusal);
	g_assert_nonnull(query);
	g_assert_null(refusal);
	return query;
}

static ldns_pkt *packet_of(GBytes *message) {
	ldns_pkt *packet = NULL;
	gsize length;
	const guint8 *data = g_bytes_get_data(message, &length);
	g_assert_cmpint(ldns_wire2pkt(&packet, data, length), ==, LDNS_STATUS_OK);
	g_assert_true(ldns_pkt_qr(packet));
	g_assert_cmpint(ldns_pkt_id(packet), ==, 0xbeef);
	return packet;
}

static ldns_pkt *answer_to(
	const char *name, ldns_rr_type type, guint edns, const DnsRecords *records) {
	g_autoptr(GBytes) message = ask(name, type, edns);
	g_autoptr(DnsQuery) query = parse(message);
	g_autoptr(GBytes) answer = dns_answer(query, records, dns_query_limit(query));
	return packet_of(answer);
}

static void check_record(const ldns_rr_list *section, gsize index, const char *expected) {
	char *text = ldns_rr2str(ldns_rr_list_rr(section, index));
	g_strdelimit(g_strstrip(text), "\t", ' ');
	g_assert_cmpstr(text, ==, expected);
	free(text);
}

static void test_names(void) {
	g_autoptr(GBytes) message = ask("WeB.Shop.Internal.", LDNS_RR_TYPE_A, 0);
	g_autoptr(DnsQuery) query = parse(message);
	g_assert_cmpstr(query->name, ==, "web.shop.internal");
	g_assert_cmpuint(dns_query_limit(query), ==, 512);
	g_autoptr(GBytes) root = ask(".", LDNS_RR_TYPE_NS, 4096);
	g_autoptr(DnsQuery) of_root = parse(root);
	g_assert_cmpstr(of_root->name, ==, "");
	g_assert_cmpuint(dns_query_limit(of_root), ==, 1232);
}

static void check_refusal(const guint8 *data, gsize length, int code) {
	g_autoptr(GBytes) refusal = NULL;
	g_assert_null(dns_query_parse(data, length, &refusal));
	if (code < 0) {
		g_assert_null(refusal);
		return;
	}
	g_assert_nonnull(refusal);
	const guint8 *answer = g_bytes_get_data(refusal, NULL);
	g_assert_cmpmem(answer, 2, data, 2);
	g_assert_true(answer[2] & 0x80);
	g_assert_cmpint(answer[3] & 0xf, ==, code);
}

static void test_refusals(void) {
	guint8 message[] = {0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1};
	check_refusal(message, 5, -1);
	check_refusal(message, 14, LDNS_RCODE_FORMERR); /* cut off */
	message[16] = 252; /* AXFR */
	check_refusal(message, sizeof message, LDNS_RCODE_REFUSED);
	message[16] = 1;
	message[18] = 3; /* chaos */
	check_refusal(message, sizeof message, LDNS_RCODE_REFUSED);
	message[18] = 1;
	message[2] = 0x29; /* UPDATE */
	check_refusal(message, sizeof message, LDNS_RCODE_NOTIMPL);
	message[2] = 0x81; /* an answer */
	check_refusal(message, sizeof message, -1);
	message[2] = 0x01;
	message[5] = 0; /* no question */
	check_refusal(message, 12, LDNS_RCODE_FORMERR);
	guint8 loop[] = {0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1};
	check_refusal(loop, sizeof loop, LDNS_RCODE_FORMERR);
}

static void test_edns_version(void) {
	g_autoptr(GBytes) message = ask("a.", LDNS_RR_TYPE_A, 1232);
	gsize length;
	g_autofree guint8 *data =
		g_memdup2(g_bytes_get_data(message, &length), g_bytes_get_size(message));
	data[g_bytes_get_size(message) - 5] = 1; /* OPT: …, version, flags (2), length (2) */
	g_autoptr(GBytes) refusal = NULL;
	g_assert_null(dns_query_parse(data, g_bytes_get_size(message), &refusal));
	g_assert_nonnull(refusal);
	ldns_pkt *packet = packet_of(refusal);
	g_assert_cmpint(
		ldns_pkt_edns_extended_rcode(packet) << 4 | ldns_pkt_get_rcode(packet), ==, 16);
	ldns_pkt_free(packet);
}

static void test_answers(void) {
	g_autoptr(DnsRecords) records = dns_records_new();
	dns_records_zone(records, "shop.internal", 15);
	dns_records_address(records, NULL, "10.0.0.5", 30);
	dns_records_address(records, NULL, "not an address", 30);
	dns_records_service(records, 1, 2, 8080, "a.web.shop.internal", 30);
	dns_records_address(records, "a.web.shop.internal", "10.0.0.5", 30);
	ldns_pkt *address = answer_to("WEB.shop.internal", LDNS_RR_TYPE_A, 0, records);
	g_assert_cmpint(ldns_pkt_get_rcode(address), ==, LDNS_RCODE_NOERROR);
	g_assert_true(ldns_pkt_ra(address) && ldns_pkt_rd(address));
	g_assert_cmpint(ldns_pkt_ancount(address), ==, 1);
	check_record(ldns_pkt_answer(address), 0, "WEB.shop.internal. 30 IN A 10.0.0.5");
	ldns_pkt_free(address);
	ldns_pkt *service = answer_to("web.shop.internal", LDNS_RR_TYPE_SRV, 1232, records);
	check_record(ldns_pkt_answer(service), 0,
		"web.shop.internal. 30 IN SRV 1 2 8080 a.web.shop.internal.");
	check_record(ldns_pkt_additional(service), 0, "a.web.shop.internal. 30 IN A 10.0.0.5");
	g_assert_true(ldns_pkt_edns(service));
	ldns_pkt_free(service);
	/* The name exists, but not with that type. */
	ldns_pkt *nodata = answer_to("web.shop.internal", LDNS_RR_TYPE_AAAA, 0, records);
	g_assert_cmpint(ldns_pkt_get_rcode(nodata), ==, LDNS_RCODE_NOERROR);
	g_assert_cmpint(ldns_pkt_ancount(nodata), ==, 0);
	g_assert_cmpint(ldns_pkt_nscount(nodata), ==, 1);
	g_assert_cmpint(ldns_rr_get_type(ldns_rr_list_rr(ldns_pkt_authority(nodata), 0)), ==,
		LDNS_RR_TYPE_SOA);
	g_assert_cmpint(ldns_rr_ttl(ldns_rr_list_rr(ldns_pkt_authority(nodata), 0)), ==, 15);
	ldns_pkt_free(nodata);
}

static void test_none(void) {
	g_autoptr(DnsRecords) records = dns_records_new();
	dns_records_zone(records, "shop.internal", 15);
	dns_records_none(records);
	ldns_pkt *none = answer_to("no.shop.internal", LDNS_RR_TYPE_A, 0, records);
	g_assert_cmpint(ldns_pkt_get_rcode(none), ==, LDNS_RCODE_NXDOMAIN);
	g_assert_cmpint(ldns_pkt_nscount(none), ==, 1);
	ldns_pkt_free(none);
}

static void test_apex(void) {
	g_autoptr(DnsRecords) records = dns_records_new();
	dns_records_zone(records, "shop.internal", 15);
	ldns_pkt *soa = answer_to("shop.internal", LDNS_RR_TYPE_SOA, 0, records);
	g_assert_cmpint(ldns_pkt_ancount(soa), ==, 1);
	ldns_pkt_free(soa);
	ldns_pkt *ns = answer_to("shop.internal", LDNS_RR_TYPE_NS, 0, records);
	check_record(ldns_pkt_answer(ns), 0, "shop.internal. 172800 IN NS ns-0.awsdns-00.com.");
	ldns_pkt_free(ns);
}

static void test_truncation(void) {
	g_autoptr(DnsRecords) records = dns_records_new();
	for (int i = 0; i < 60; i++) {
		g_autofree char *address = g_strdup_printf("10.0.0.%d", i);
		dns_records_address(records, NULL, address, 30);
	}
	ldns_pkt *cut = answer_to("many.shop.internal", LDNS_RR_TYPE_A, 0, records);
	g_assert_true(ldns_pkt_tc(cut));
	g_assert_cmpint(ldns_pkt_ancount(cut), >, 20);
	g_assert_cmpint(ldns_pkt_ancount(cut), <, 60);
	ldns_pkt_free(cut);
	ldns_pkt *whole = answer_to("many.shop.internal", LDNS_RR_TYPE_A, 4096, records);
	g_assert_false(ldns_pkt_tc(whole));
	g_assert_cmpint(ldns_pkt_ancount(whole), ==, 60);
	ldns_pkt_free(whole);
}

/* ---- a server on loopback, as the upstream and as itself ---- */

typedef struct {
	DnsServer *server;
	guint16 port;
	guint asked, ignore; /* how many questions came; how many of them are to be ignored first */
	gboolean many, fails;
} Loopback;

/* -1: the port is taken. */
static int bind_loopback(int type, guint16 *port) {
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&address, length) < 0) {
		g_assert_cmpint(errno, ==, EADDRINUSE);
		close(fd);
		return -1;
	}
	if (type == SOCK_STREAM)
		g_assert_cmpint(listen(fd, 8), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void on_question(DnsQuery *query, DnsClient *client, gpointer data) {
	Loopback *loopback = data;
	g_autoptr(DnsRecords) records = dns_records_new();
	g_autoptr(GBytes) answer = NULL;
	for (int i = 0; i < (loopback->many ? 100 : 1); i++) {
		g_autofree char *address = g_strdup_printf("192.0.2.%d", i);
		dns_records_address(records, NULL, address, 5);
	}
	if (loopback->fails)
		answer = dns_answer_failure(query, LDNS_RCODE_REFUSED);
	else if (loopback->asked >= loopback->ignore)
		answer = dns_answer(query, records, dns_client_limit(client, query));
	loopback->asked++;
	dns_client_answer(client, answer);
	dns_query_free(query);
}

static void loopback_open(Loopback *loopback) {
	/* A port that is free for UDP may be taken for TCP. */
	int udp = -1, tcp = -1;
	while (tcp < 0) {
		if (udp >= 0)
			close(udp);
		loopback->port = 0;
		udp = bind_loopback(SOCK_DGRAM, &loopback->port);
		tcp = bind_loopback(SOCK_STREAM, &loopback->port);
	}
	loopback->server = dns_server_new(udp, tcp, on_question, loopback);
}

typedef struct {
	gboolean done;
	int code; /* -1: no answer */
	guint addresses;
} Outcome;

static void on_answer(const ldns_pkt *answer, gpointer data) {
	Outcome *outcome = data;
	outcome->done = TRUE;
	outcome->code = answer ? (int)ldns_pkt_get_rcode(answer) : -1;
	outcome->addresses = answer ? ldns_pkt_ancount(answer) : 0;
}

static Outcome forward(Loopback *loopback, const char *resolv_conf) {
	g_autofree char *path = NULL;
	close(g_file_open_tmp("resolv-XXXXXX", &path, NULL));
	g_assert_true(g_file_set_contents(path, resolv_conf, -1, NULL));
	DnsUpstream *upstream = dns_upstream_new(path, loopback->port);
	g_autoptr(GBytes) message = ask("example.com.", LDNS_RR_TYPE_A, 0);
	g_autoptr(DnsQuery) query = parse(message);
	Outcome outcome = {0};
	dns_upstream_ask(upstream, query, on_answer, &outcome);
	while (!outcome.done)
		g_main_context_iteration(NULL, TRUE);
	dns_upstream_free(upstream);
	g_unlink(path);
	return outcome;
}

#define ONE_SERVER "# comment\nsearch x\nnameserver 127.0.0.1\noptions ndots:1 timeout:1\n"

static void test_forward(void) {
	Loopback loopback = {0};
	loopback_open(&loopback);
	Outcome plain = forward(&loopback, ONE_SERVER);
	g_assert_cmpint(plain.code, ==, 0);
	g_assert_cmpuint(plain.addresses, ==, 1);
	loopback.many = TRUE; /* too much for UDP */
	loopback.asked = 0;
	Outcome by_tcp = forward(&loopback, ONE_SERVER);
	g_assert_cmpuint(by_tcp.addresses, ==, 100);
	g_assert_cmpuint(loopback.asked, ==, 2);
	loopback.many = FALSE;
	loopback.asked = 0;
	loopback.ignore = 1; /* the first is lost */
	g_assert_cmpint(forward(&loopback, ONE_SERVER).code, ==, 0);
	g_assert_cmpuint(loopback.asked, ==, 2);
	dns_server_free(loopback.server);
}

static void test_forward_failures(void) {
	Loopback loopback = {.fails = TRUE};
	loopback_open(&loopback);
	g_assert_cmpint(forward(&loopback, ONE_SERVER).code, ==, LDNS_RCODE_REFUSED);
	g_assert_cmpint(forward(&loopback, "nameserver nonsense\n").code, ==, -1);
	loopback.fails = FALSE;
	loopback.asked = 0;
	loopback.ignore = 99;
	g_assert_cmpint(forward(&loopback, ONE_SERVER "options attempts:1\n").code, ==, -1);
	g_assert_cmpuint(loopback.asked, ==, 1);
	dns_server_free(loopback.server);
	/* Nobody is there at all: another server answers. */
	Loopback second = {0};
	loopback_open(&second);
	Outcome outcome = forward(&second, "nameserver 127.0.0.9\n" ONE_SERVER);
	g_assert_cmpint(outcome.code, ==, 0);
	dns_server_free(second.server);
}

/* Questions on one TCP connection, cut anywhere; and the server goes while one waits. */
static void test_tcp(void) {
	Loopback loopback = {.many = TRUE};
	loopback_open(&loopback);
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(loopback.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	g_autoptr(GBytes) message = ask("a.example.", LDNS_RR_TYPE_A, 0);
	g_autoptr(GByteArray) out = g_byte_array_new();
	guint8 prefix[] = {0, (guint8)g_bytes_get_size(message)};
	for (int i = 0; i < 2; i++) {
		g_byte_array_append(out, prefix, 2);
		g_byte_array_append(
			out, g_bytes_get_data(message, NULL), (guint)g_bytes_get_size(message));
	}
	for (guint i = 0; i < out->len; i += 7) {
		guint part = MIN(7, out->len - i);
		g_assert_cmpint(send(fd, out->data + i, part, 0), ==, part);
		while (g_main_context_iteration(NULL, FALSE))
			;
	}
	while (loopback.asked < 2)
		g_main_context_iteration(NULL, TRUE);
	while (g_main_context_iteration(NULL, FALSE))
		;
	guint8 answers[8192];
	gssize n = recv(fd, answers, sizeof answers, MSG_DONTWAIT);
	gssize length = answers[0] << 8 | answers[1];
	g_assert_cmpint(length, >, 1600);
	g_assert_cmpint(n, ==, 2 * (length + 2));
	dns_server_free(loopback.server);
	g_assert_cmpint(recv(fd, answers, sizeof answers, 0), ==, 0);
	close(fd);
}

/* More than one additional record is no question's. */
static void test_many_additional(void) {
	static const guint8 message[] = {0xbe, 0xef, 1, 0, 0, 1, 0, 0, 0, 0, 0, 2, 1, 'a', 0, 0, 1,
		0, 1, 0, 0, 0xfa, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0xfa, 0, 0xff, 0, 0, 0, 0, 0, 0};
	g_autoptr(GBytes) refusal = NULL;
	g_assert_null(dns_query_parse(message, sizeof message, &refusal));
	g_assert_nonnull(refusal);
	const guint8 *answer = g_bytes_get_data(refusal, NULL);
	g_assert_cmpint(answer[3] & 0x0f, ==, LDNS_RCODE_FORMERR);
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dns/names", test_names);
	g_test_add_func("/dns/refusals", test_refusals);
	g_test_add_func("/dns/edns-version", test_edns_version);
	g_test_add_func("/dns/many-additional", test_many_additional);
	g_test_add_func("/dns/answers", test_answers);
	g_test_add_func("/dns/none", test_none);
	g_test_add_func("/dns/apex", test_apex);
	g_test_add_func("/dns/truncation", test_truncation);
	g_test_add_func("/dns/forward", test_forward);
	g_test_add_func("/dns/forward-failures", test_forward_failures);
	g_test_add_func("/dns/tcp", test_tcp);
	return g_test_run();
}
