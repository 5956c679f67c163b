/*
 * The resolver of every VPC: its sockets come and go with the VPC's namespace and its attribute
 * enableDnsSupport; questions are answered from zones, then sources, then what is the region's own
 * (API endpoints, localhost), and passed on to the host's resolvers otherwise.
 */
#include "region/dns.h"

#include <string.h>
#include <unistd.h>

#include "glass/job.h"
#include "glass/net.h"
#include "region/dns_server.h"
#include "region/dns_upstream.h"
#include "region/services/ec2/ec2.h"

extern const RegionService region_dns;

#define NAME "dns"
#define PORT 53
#define TTL 60
#define RETRY_S 2
#define HOST_RESOLVERS "/etc/resolv.conf"
#define AWS_DOMAIN ".amazonaws.com"

typedef struct {
	Region *region;
	GArray *sources; /* of RegionDnsSource */
	GArray *zones; /* of RegionDnsZones */
	GHashTable *vpcs; /* id -> Vpc: whose namespace is there */
	DnsUpstream *upstream;
} Dns;

typedef struct {
	Dns *dns;
	StoreScope scope;
	char *id;
	DnsServer *servers[2]; /* NULL: not open */
} Vpc;

/* A question that was passed on. */
typedef struct {
	DnsQuery *query;
	DnsClient *client;
} Forwarded;

static void vpc_free(gpointer data) {
	Vpc *vpc = data;
	for (guint i = 0; i < G_N_ELEMENTS(vpc->servers); i++)
		dns_server_free(vpc->servers[i]);
	g_free(vpc->id);
	g_free(vpc);
}

static void dns_free(gpointer data) {
	Dns *dns = data;
	g_hash_table_unref(dns->vpcs);
	dns_upstream_free(dns->upstream);
	g_array_unref(dns->sources);
	g_array_unref(dns->zones);
	g_free(dns);
}

/* Made by whoever comes first: a source, or the start. */
static Dns *dns_of(Region *region) {
	Dns *dns = region_data(region, NAME);
	if (dns)
		return dns;
	dns = g_new0(Dns, 1);
	dns->region = region;
	dns->sources = g_array_new(FALSE, FALSE, sizeof(RegionDnsSource));
	dns->zones = g_array_new(FALSE, FALSE, sizeof(RegionDnsZones));
	dns->vpcs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, vpc_free);
	region_set_data(region, NAME, dns, dns_free);
	return dns;
}

void region_dns_source_add(Region *region, RegionDnsSource source) {
	g_array_append_val(dns_of(region)->sources, source);
}

void region_dns_zones_add(Region *region, RegionDnsZones zones) {
	g_array_append_val(dns_of(region)->zones, zones);
}

/* ---- what is known ---- */

static gboolean ask_sources(const Vpc *vpc, const char *name, DnsRecords *records) {
	const Dns *dns = vpc->dns;
	for (guint i = 0; i < dns->sources->len; i++) {
		g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
		guint ttl = TTL;
		if (!g_array_index(dns->sources, RegionDnsSource, i)(
			    dns->region, vpc->id, name, addresses, &ttl))
			continue;
		for (guint j = 0; j < addresses->len; j++)
			dns_records_address(records, NULL, addresses->pdata[j], ttl);
		return TRUE;
	}
	return FALSE;
}

/* Names in amazonaws.com that are of things, not of the API: what no source knows of these does not
 * exist. ("x.<region>.rds" is a database, "rds.<region>" the API.) */
static gboolean is_of_a_thing(const char *name) {
	static const char *const domains[] = {".elb" AWS_DOMAIN, ".rds" AWS_DOMAIN,
		".cache" AWS_DOMAIN, ".compute" AWS_DOMAIN, ".compute-1" AWS_DOMAIN,
		".vpce" AWS_DOMAIN};
	for (guint i = 0; i < G_N_ELEMENTS(domains); i++)
		if (g_str_has_suffix(name, domains[i]))
			return TRUE;
	return strstr(name, ".elb.") != NULL; /* network load balancers: "x.elb.<region>" */
}

/* The API's own names lead to the region: nothing in a VPC reaches the real AWS by accident. */
static gboolean answer_own(const char *name, DnsRecords *records) {
	if (g_str_equal(name, "localhost") || g_str_has_suffix(name, ".localhost"))
		dns_records_address(records, NULL, "127.0.0.1", TTL);
	else if (g_str_has_suffix(name, AWS_DOMAIN) && is_of_a_thing(name))
		dns_records_none(records);
	else if (g_str_has_suffix(name, AWS_DOMAIN) || g_str_has_suffix(name, ".api.aws"))
		dns_records_address(records, NULL, NET_ADDRESS_TASK_METADATA, TTL);
	else
		return FALSE;
	return TRUE;
}

static gboolean resolve(const Vpc *vpc, const char *name, DnsRecords *records) {
	const Dns *dns = vpc->dns;
	for (guint i = 0; i < dns->zones->len; i++)
		if (g_array_index(dns->zones, RegionDnsZones, i)(
			    dns->region, vpc->scope, vpc->id, name, records))
			return TRUE;
	return ask_sources(vpc, name, records) || answer_own(name, records);
}

/* ---- questions ---- */

static void on_forwarded(const ldns_pkt *packet, gpointer data) {
	Forwarded *forwarded = data;
	const DnsQuery *query = forwarded->query;
	gsize limit = dns_client_limit(forwarded->client, query);
	g_autoptr(GBytes) answer = packet ? dns_answer_forwarded(query, packet, limit)
					  : dns_answer_failure(query, LDNS_RCODE_SERVFAIL);
	dns_client_answer(forwarded->client, answer);
	dns_query_free(forwarded->query);
	g_free(forwarded);
}

static void on_question(DnsQuery *query, DnsClient *client, gpointer data) {
	const Vpc *vpc = data;
	g_autoptr(DnsRecords) records = dns_records_new();
	if (!resolve(vpc, query->name, records)) {
		Forwarded *forwarded = g_new0(Forwarded, 1);
		*forwarded = (Forwarded){query, client};
		dns_upstream_ask(vpc->dns->upstream, query, on_forwarded, forwarded);
		return;
	}
	g_autoptr(GBytes) answer = dns_answer(query, records, dns_client_limit(client, query));
	dns_client_answer(client, answer);
	dns_query_free(query);
}

/* ---- VPCs ---- */

static DnsServer *open_server(Vpc *vpc, const char *address, GError **error) {
	Glass *glass = region_glass(vpc->dns->region);
	int udp = glass_listen(glass, vpc->id, SOCK_DGRAM, address, PORT, error);
	if (udp < 0)
		return NULL;
	int tcp = glass_listen(glass, vpc->id, SOCK_STREAM, address, PORT, error);
	if (tcp >= 0)
		return dns_server_new(udp, tcp, on_question, vpc);
	close(udp);
	return NULL;
}

static gboolean open_servers(Vpc *vpc, GError **error) {
	g_auto(Value) object = ec2_vpc_get(vpc->dns->region, vpc->scope, vpc->id);
	g_autofree char *resolver = net_vpc_resolver(value_get_text(object, "CidrBlock"));
	const char *const addresses[] = {resolver, NET_ADDRESS_RESOLVER};
	for (guint i = 0; resolver && i < G_N_ELEMENTS(addresses); i++) {
		if (!vpc->servers[i])
			vpc->servers[i] = open_server(vpc, addresses[i], error);
		if (!vpc->servers[i])
			return FALSE;
	}
	return TRUE;
}

/* Opens and closes what is to be open and closed. */
static void settle(Vpc *vpc) {
	g_autoptr(GError) error = NULL;
	if (!ec2_vpc_attribute(vpc->dns->region, vpc->scope, vpc->id, "EnableDnsSupport")) {
		for (guint i = 0; i < G_N_ELEMENTS(vpc->servers); i++)
			g_clear_pointer(&vpc->servers[i], dns_server_free);
		return;
	}
	if (open_servers(vpc, &error))
		return;
	g_warning("%s has no name server yet: %s", vpc->id, error->message);
	region_wake_after(vpc->dns->region, NAME, RETRY_S);
}

static void control(Region *region, gpointer data) {
	Dns *dns = data;
	GHashTableIter iter;
	gpointer vpc;
	g_hash_table_iter_init(&iter, dns->vpcs);
	while (g_hash_table_iter_next(&iter, NULL, &vpc))
		settle(vpc);
}

static void on_vpc(
	Region *region, StoreScope scope, const char *id, gboolean there, gpointer data) {
	Dns *dns = data;
	if (!there) {
		g_hash_table_remove(dns->vpcs, id);
		return;
	}
	Vpc *vpc = g_new0(Vpc, 1);
	vpc->dns = dns;
	vpc->scope = (StoreScope){g_intern_string(scope.account), g_intern_string(scope.region)};
	vpc->id = g_strdup(id);
	g_hash_table_replace(dns->vpcs, vpc->id, vpc);
	settle(vpc);
}

static gboolean start(Region *region, GError **error) {
	Dns *dns = dns_of(region);
	if (!region_glass(region))
		return TRUE;
	dns->upstream = dns_upstream_new(HOST_RESOLVERS, PORT);
	region_controller_add(region, NAME, control, dns);
	region_wake_on(region, NAME, "ec2/vpc-attributes");
	ec2_vpc_watch(region, on_vpc, dns);
	return TRUE;
}

/* Nobody is answered from here on; what the services keep for their names goes next. */
static void stop(Region *region) {
	Dns *dns = dns_of(region);
	g_hash_table_remove_all(dns->vpcs);
	g_clear_pointer(&dns->upstream, dns_upstream_free);
}

const RegionService region_dns = {.start = start, .stop = stop};
