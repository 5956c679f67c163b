/*
 * What DNS says of private namespaces: straight from the store. The zone says which VPC may ask,
 * the namespace's services and their instances are the records.
 */
#include <string.h>

#include "region/dns.h"
#include "region/services/ec2/ec2.h"
#include "region/services/servicediscovery/internal.h"

#define MOST_ANSWERS 8 /* of MULTIVALUE */
#define SRV_PRIORITY 1
#define SRV_WEIGHT 1

/* ---- finding the zone ---- */

static gboolean is_of_vpc(Value zone, const char *vpc) {
	Value vpcs = value_get(zone, "VPCs");
	for (gsize i = 0; i < value_length(vpcs); i++)
		if (g_strcmp0(value_get_text(value_at(vpcs, i), "VPCId"), vpc) == 0)
			return TRUE;
	return FALSE;
}

/* `name` without ".zone" at its end: "" for the zone itself, NULL outside of it. Caller frees. */
static char *label_in(const char *name, const char *zone) {
	gsize length = strlen(name), tail = strlen(zone);
	if (g_str_equal(name, zone))
		return g_strdup("");
	if (length <= tail || !g_str_has_suffix(name, zone) || name[length - tail - 1] != '.')
		return NULL;
	return g_strndup(name, length - tail - 1);
}

/* The zone's name as DNS names are compared. Caller frees. */
static char *domain_of(Value zone) {
	char *name = g_ascii_strdown(value_get_text(zone, "Name"), -1);
	gsize length = strlen(name);
	if (length > 0 && name[length - 1] == '.')
		name[length - 1] = '\0';
	return name;
}

/* The VPC's Cloud Map zone with the longest name that `name` is in. */
static Value find_zone(Region *region, StoreScope scope, const char *vpc, const char *name) {
	Value best = VALUE_NOTHING;
	gsize best_length = 0;
	StoreScope global = {scope.account, ""};
	g_auto(StoreIter) iter = store_iter(region_store(region), global, ROUTE53_ZONE);
	const char *id;
	Value zone;
	while (store_iter_next(&iter, &id, &zone)) {
		if (!is_of_vpc(zone, vpc) || !value_has(zone, "NamespaceId"))
			continue;
		g_autofree char *domain = domain_of(zone), *label = label_in(name, domain);
		if (!label || strlen(domain) < best_length)
			continue;
		best_length = strlen(domain);
		value_unref(best);
		best = value_ref(zone);
	}
	return best;
}

/* ---- records ---- */

typedef struct {
	Region *region;
	StoreScope scope;
	const char *domain;
	DnsRecords *records;
} Answer;

static guint ttl_of(Value service, const char *type) {
	Value records = value_get_path(service, "DnsConfig", "DnsRecords", NULL);
	for (gsize i = 0; i < value_length(records); i++)
		if (g_str_equal(value_get_text(value_at(records, i), "Type"), type))
			return (guint)value_get_int(value_at(records, i), "TTL", 0);
	return 0;
}

static gboolean has_record(Value service, const char *type) {
	Value records = value_get_path(service, "DnsConfig", "DnsRecords", NULL);
	for (gsize i = 0; i < value_length(records); i++)
		if (g_str_equal(value_get_text(value_at(records, i), "Type"), type))
			return TRUE;
	return FALSE;
}

/* The addresses of an instance, of the types that are wanted. */
static void add_addresses(const Answer *answer, const char *owner, Value instance, gboolean v4,
	gboolean v6, guint ttl) {
	Value attributes = value_get(instance, "Attributes");
	const char *first = value_get_text(attributes, "AWS_INSTANCE_IPV4");
	const char *second = value_get_text(attributes, "AWS_INSTANCE_IPV6");
	if (v4 && first)
		dns_records_address(answer->records, owner, first, ttl);
	if (v6 && second)
		dns_records_address(answer->records, owner, second, ttl);
}

static void add_service(const Answer *answer, Value service, Value instance) {
	g_autofree char *target = g_strdup_printf("%s.%s.%s.", value_get_text(instance, "Id"),
		value_get_text(service, "Name"), answer->domain);
	const char *port =
		value_text(value_get_path(instance, "Attributes", "AWS_INSTANCE_PORT", NULL));
	guint ttl = ttl_of(service, "SRV");
	dns_records_service(answer->records, SRV_PRIORITY, SRV_WEIGHT,
		port ? (guint)g_ascii_strtoull(port, NULL, 10) : 0, target, ttl);
	add_addresses(answer, target, instance, TRUE, TRUE, ttl);
}

static void answer_service(const Answer *answer, Value service) {
	g_auto(Value) instances = discovery_answering(answer->region, answer->scope, service);
	const char *policy =
		value_text(value_get_path(service, "DnsConfig", "RoutingPolicy", NULL));
	gsize most = g_strcmp0(policy, "WEIGHTED") == 0 ? 1 : MOST_ANSWERS;
	for (gsize i = 0; i < value_length(instances) && i < most; i++) {
		Value each = value_at(instances, i);
		if (has_record(service, "SRV"))
			add_service(answer, service, each);
		else
			add_addresses(answer, NULL, each, has_record(service, "A"),
				has_record(service, "AAAA"),
				ttl_of(service, has_record(service, "A") ? "A" : "AAAA"));
	}
	if (value_length(instances) == 0)
		dns_records_none(answer->records); /* a record comes with the first instance */
}

/* "instance.service": what an SRV record leads to. */
static void answer_instance(const Answer *answer, Value service, const char *instance) {
	g_autofree char *prefix = g_strdup_printf("%s/", value_get_text(service, "Id"));
	g_auto(StoreIter) iter = store_iter_prefix(
		region_store(answer->region), answer->scope, DISCOVERY_INSTANCE, prefix);
	const char *id;
	Value each;
	while (store_iter_next(&iter, &id, &each))
		if (g_ascii_strcasecmp(value_get_text(each, "Id"), instance) == 0) {
			add_addresses(answer, NULL, each, TRUE, TRUE, ttl_of(service, "SRV"));
			return;
		}
	dns_records_none(answer->records);
}

/* A label below the zone: a service's, an instance's, or the end of one ("b" of "a.b"). */
static void answer_label(const Answer *answer, const char *namespace_id, const char *label) {
	gboolean inside = FALSE;
	g_autofree char *below = g_strdup_printf(".%s", label);
	g_auto(StoreIter) iter =
		store_iter(region_store(answer->region), answer->scope, DISCOVERY_SERVICE);
	const char *id;
	Value service;
	while (store_iter_next(&iter, &id, &service)) {
		if (g_strcmp0(value_get_text(service, "NamespaceId"), namespace_id) != 0 ||
			!value_has(service, "DnsConfig"))
			continue;
		g_autofree char *name = g_ascii_strdown(value_get_text(service, "Name"), -1);
		g_autofree char *instance = label_in(label, name);
		inside |= g_str_has_suffix(name, below);
		if (instance && !*instance) {
			answer_service(answer, service);
			return;
		}
		if (instance && has_record(service, "SRV")) {
			answer_instance(answer, service, instance);
			return;
		}
	}
	if (!inside)
		dns_records_none(answer->records);
}

/* Said once for each VPC: the user looks for a long time otherwise. */
static void tell_of_hostnames(Region *region, const char *vpc) {
	g_autofree char *name = g_strdup_printf("servicediscovery/told-%s", vpc);
	if (region_data(region, name))
		return;
	region_set_data(region, name, region, NULL);
	g_message("%s has enableDnsHostnames off: as on AWS, its private DNS names are not "
		  "answered",
		vpc);
}

static gboolean answer_name(
	Region *region, StoreScope scope, const char *vpc, const char *name, DnsRecords *records) {
	g_auto(Value) zone = find_zone(region, scope, vpc, name);
	if (value_is_null(zone))
		return FALSE;
	if (!ec2_vpc_attribute(region, scope, vpc, "EnableDnsHostnames")) {
		tell_of_hostnames(region, vpc);
		return FALSE;
	}
	const char *namespace_id = value_get_text(zone, "NamespaceId");
	g_auto(Value) namespace =
		store_get(region_store(region), scope, DISCOVERY_NAMESPACE, namespace_id);
	g_autofree char *domain = domain_of(zone), *label = label_in(name, domain);
	Value soa = value_get_path(namespace, "Properties", "DnsProperties", "SOA", NULL);
	dns_records_zone(records, domain, (guint)value_get_int(soa, "TTL", 0));
	Answer answer = {region, scope, domain, records};
	if (*label)
		answer_label(&answer, namespace_id, label);
	return TRUE;
}

void discovery_names_start(Region *region) {
	region_dns_zones_add(region, answer_name);
}
