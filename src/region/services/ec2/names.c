/*
 * The names that EC2 gives to addresses: private ones ("ip-10-0-0-5.ec2.internal"), which exist for
 * every address of the VPC, public ones ("ec2-203-0-113-5.compute-1.amazonaws.com"), which lead to
 * the private address inside the VPC, and what addresses are called in reverse.
 */
#include <stdio.h>
#include <string.h>

#include "glass/net.h"
#include "region/dns.h"
#include "region/services/ec2/internal.h"

#define TTL 60
#define SOA_TTL 60
#define REVERSE ".in-addr.arpa"

extern const RegionService region_ec2_names;

gboolean ec2_vpc_attribute(Region *region, StoreScope scope, const char *vpc, const char *name) {
	g_auto(Value) attributes = store_get(region_store(region), scope, EC2_VPC_ATTRIBUTES, vpc);
	return value_get_bool(attributes, name);
}

/* ---- addresses ---- */

/* Four numbers with `separator` between them and nothing else. */
static gboolean parse_address(const char *text, char separator, guint32 *address) {
	*address = 0;
	for (int i = 0; i < 4; i++) {
		guint number = 0, digits = 0;
		for (; g_ascii_isdigit(*text) && digits < 4; text++, digits++)
			number = number * 10 + (guint)(*text - '0');
		if (digits == 0 || number > 255 || *text != (i < 3 ? separator : '\0'))
			return FALSE;
		*address = *address << 8 | number;
		text++;
	}
	return TRUE;
}

static gboolean is_within(guint32 address, const char *block) {
	Ec2Cidr outer, inner = {address, 32};
	return ec2_cidr_parse(block, &outer) && ec2_cidr_contains(outer, inner);
}

static gboolean is_of_vpc(Value vpc, guint32 address) {
	return ec2_vpc_holds(vpc, (Ec2Cidr){address, 32});
}

/* Addresses that no name server of the world has anything to say about. */
static gboolean is_private(guint32 address) {
	static const char *const blocks[] = {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"};
	for (guint i = 0; i < G_N_ELEMENTS(blocks); i++)
		if (is_within(address, blocks[i]))
			return TRUE;
	return FALSE;
}

/* The private address in the VPC that the public one leads to, or NULL. Caller frees. */
static char *behind_public(Region *region, StoreScope scope, const char *vpc, const char *public) {
	g_autofree char *associated = NULL;
	g_auto(StoreIter) addresses = store_iter(region_store(region), scope, EC2_ADDRESS);
	const char *id;
	Value each;
	while (store_iter_next(&addresses, &id, &each))
		if (g_strcmp0(value_get_text(each, "PublicIp"), public) == 0)
			associated = g_strdup(value_get_text(each, "NetworkInterfaceId"));
	g_auto(StoreIter) interfaces = store_iter(region_store(region), scope, EC2_INTERFACE);
	while (store_iter_next(&interfaces, &id, &each)) {
		const char *own = value_text(value_get_path(each, "Association", "PublicIp", NULL));
		if (g_strcmp0(value_get_text(each, "VpcId"), vpc) == 0 &&
			(g_strcmp0(own, public) == 0 || g_strcmp0(associated, id) == 0))
			return g_strdup(value_get_text(each, "PrivateIpAddress"));
	}
	return NULL;
}

/* ---- names ---- */

/* Caller frees. */
static char *private_domain(const char *region) {
	return g_str_equal(region, "us-east-1") ? g_strdup("ec2.internal")
						: g_strdup_printf("%s.compute.internal", region);
}

static char *public_domain(const char *region) {
	return g_str_equal(region, "us-east-1")
		       ? g_strdup("compute-1.amazonaws.com")
		       : g_strdup_printf("%s.compute.amazonaws.com", region);
}

/* What stands before ".domain" (NULL: the name is not in it). Caller frees. */
static char *label_in(const char *name, const char *domain) {
	gsize length = strlen(name), tail = strlen(domain);
	if (length <= tail + 1 || !g_str_has_suffix(name, domain) || name[length - tail - 1] != '.')
		return NULL;
	return g_strndup(name, length - tail - 1);
}

static void answer_private(Value vpc, const char *label, DnsRecords *records) {
	guint32 address;
	if (g_str_equal(label, "instance-data"))
		dns_records_address(records, NULL, NET_ADDRESS_METADATA, TTL);
	else if (g_str_has_prefix(label, "ip-") && parse_address(label + 3, '-', &address) &&
		 is_of_vpc(vpc, address)) {
		g_autofree char *text = ec2_address_text(address);
		dns_records_address(records, NULL, text, TTL);
	} else
		dns_records_none(records);
}

static gboolean answer_public(
	Region *region, StoreScope scope, const char *vpc, const char *label, DnsRecords *records) {
	guint32 address;
	if (!g_str_has_prefix(label, "ec2-") || !parse_address(label + 4, '-', &address)) {
		dns_records_none(records);
		return TRUE;
	}
	g_autofree char *public = ec2_address_text(address);
	g_autofree char *private = behind_public(region, scope, vpc, public);
	dns_records_address(records, NULL, private ? private : public, TTL);
	return TRUE;
}

static gboolean answer_reverse(
	Region *region, StoreScope scope, Value vpc, const char *name, DnsRecords *records) {
	guint32 backwards;
	g_autofree char *digits = g_strndup(name, strlen(name) - strlen(REVERSE));
	if (!parse_address(digits, '.', &backwards))
		return FALSE;
	guint32 address = GUINT32_SWAP_LE_BE(backwards);
	g_autofree char *text = ec2_address_text(address), *dashed = g_strdup(text);
	g_strdelimit(dashed, ".", '-');
	if (is_of_vpc(vpc, address)) {
		g_autofree char *domain = private_domain(scope.region);
		g_autofree char *target = g_strdup_printf("ip-%s.%s.", dashed, domain);
		dns_records_pointer(records, target, TTL);
		return TRUE;
	}
	if (is_within(address, "127.0.0.0/8")) {
		dns_records_pointer(records, "localhost.", TTL);
		return TRUE;
	}
	if (is_private(address)) {
		dns_records_none(records);
		return TRUE;
	}
	g_autofree char *private = behind_public(region, scope, value_get_text(vpc, "VpcId"), text);
	if (!private)
		return FALSE;
	g_autofree char *domain = public_domain(scope.region);
	g_autofree char *target = g_strdup_printf("ec2-%s.%s.", dashed, domain);
	dns_records_pointer(records, target, TTL);
	return TRUE;
}

static gboolean answer_name(
	Region *region, StoreScope scope, const char *id, const char *name, DnsRecords *records) {
	g_autofree char *inside = private_domain(scope.region);
	g_autofree char *outside = public_domain(scope.region);
	g_autofree char *private = label_in(name, inside), *public = label_in(name, outside);
	gboolean reverse = g_str_has_suffix(name, REVERSE);
	if (!private && !public && !reverse)
		return FALSE;
	g_auto(Value) vpc = ec2_vpc_get(region, scope, id);
	if (reverse)
		return answer_reverse(region, scope, vpc, name, records);
	dns_records_zone(records, private ? inside : outside, SOA_TTL);
	if (public)
		return answer_public(region, scope, id, public, records);
	answer_private(vpc, private, records);
	return TRUE;
}

static gboolean start(Region *region, GError **error) {
	region_dns_zones_add(region, answer_name);
	return TRUE;
}

const RegionService region_ec2_names = {.start = start};
