/*
 * Namespaces: HTTP ones, that only the API knows, and private DNS ones, that own a hosted zone of
 * one VPC.
 */
#include <string.h>

#include "region/services/ec2/ec2.h"
#include "region/services/servicediscovery/internal.h"

extern const RegionService region_servicediscovery_namespaces;

#define SOA_TTL 15
#define LONGEST_LABEL 63

Value discovery_namespace(Region *region, StoreScope scope, const char *id_or_arn, GError **error) {
	const char *id = discovery_plain_id(id_or_arn);
	Value found = store_get(region_store(region), scope, DISCOVERY_NAMESPACE, id);
	if (value_is_null(found))
		wire_error_set(
			error, "NamespaceNotFound", "The namespace %s can't be found.", id_or_arn);
	return found;
}

static void put(RegionCall *call, Value namespace_taken) {
	store_put_take(region_store(call->region), call->scope, DISCOVERY_NAMESPACE,
		value_get_text(namespace_taken, "Id"), namespace_taken);
}

/* ---- creating ---- */

/* Dots between labels of letters, digits, hyphens and underscores. */
static gboolean is_domain(const char *name) {
	g_auto(GStrv) labels = g_strsplit(name, ".", -1);
	for (guint i = 0; labels[i]; i++) {
		gsize length = strlen(labels[i]);
		if (length == 0 || length > LONGEST_LABEL || labels[i][0] == '-' ||
			labels[i][length - 1] == '-')
			return FALSE;
		for (const char *c = labels[i]; *c; c++)
			if (!g_ascii_isalnum(*c) && *c != '-' && *c != '_')
				return FALSE;
	}
	return TRUE;
}

static gboolean zone_is_of(Region *region, const char *account, Value namespace, const char *vpc) {
	const char *id = value_text(
		value_get_path(namespace, "Properties", "DnsProperties", "HostedZoneId", NULL));
	if (!id)
		return FALSE;
	g_auto(Value) zone =
		store_get(region_store(region), (StoreScope){account, ""}, ROUTE53_ZONE, id);
	Value first = value_at(value_get(zone, "VPCs"), 0);
	return g_strcmp0(value_get_text(first, "VPCId"), vpc) == 0;
}

/* The namespace that stands in the way of a new one: HTTP ones share one set of names, private ones
 * the set of their VPC. */
static Value find_same(RegionCall *call, const char *type, const char *name, const char *vpc) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, DISCOVERY_NAMESPACE);
	const char *id;
	Value each;
	while (store_iter_next(&iter, &id, &each)) {
		const char *its_name = value_get_text(each, "Name");
		if (!g_str_equal(value_get_text(each, "Type"), type))
			continue;
		if (vpc ? g_ascii_strcasecmp(its_name, name) == 0 &&
					zone_is_of(call->region, call->scope.account, each, vpc)
			: g_str_equal(its_name, name))
			return value_ref(each);
	}
	return VALUE_NOTHING;
}

/* The same request again is answered as before; another one for the same name is refused. */
static Value answer_same(Value same, Value input, GError **error) {
	const char *creator = value_get_text(same, "CreatorRequestId");
	if (creator && g_strcmp0(creator, value_get_text(input, "CreatorRequestId")) == 0)
		return value_object_take(
			"OperationId", value_ref(value_get(same, "CreateOperation")), NULL);
	wire_error_set(error, "NamespaceAlreadyExists", "The namespace %s already exists.",
		value_get_text(same, "Name"));
	wire_error_set_members_take(
		*error, value_object_take("NamespaceId", value_ref(value_get(same, "Id")),
				"CreatorRequestId", value_string(creator ? creator : ""), NULL));
	return VALUE_NOTHING;
}

/* Writes down a new namespace and its operation. */
static Value create(
	RegionCall *call, Value input, const char *id, const char *type, Value properties_taken) {
	g_autofree char *arn = region_arn(call->scope, "servicediscovery", "namespace/%s", id);
	Value output = discovery_operation(call, "CREATE_NAMESPACE", "NAMESPACE", id, NULL, NULL);
	Value namespace = value_object_take("Id", value_string(id), "Arn", value_string(arn),
		"Name", value_ref(value_get(input, "Name")), "Type", value_string(type),
		"Properties", properties_taken, "CreateDate", region_timestamp(call->region),
		"CreateOperation", value_ref(value_get(output, "OperationId")), NULL);
	static const char *const copied[] = {"Description", "CreatorRequestId"};
	for (guint i = 0; i < G_N_ELEMENTS(copied); i++)
		if (value_has(input, copied[i]))
	namespace = value_with_take(namespace, copied[i], value_ref(value_get(input, copied[i])));
	put(call, namespace);
	discovery_tag(call, input, arn);
	return output;
}

static Value http_properties(Value input) {
	return value_object_take("HttpName", value_ref(value_get(input, "Name")), NULL);
}

static Value create_http(RegionCall *call, Value input, GError **error) {
	g_auto(Value) same = find_same(call, "HTTP", value_get_text(input, "Name"), NULL);
	if (!value_is_null(same))
		return answer_same(same, input, error);
	g_autofree char *id = discovery_id("ns-", 16);
	return create(call, input, id, "HTTP",
		value_object_take("HttpProperties", http_properties(input), NULL));
}

/* Makes the namespace's zone. Returns its id; caller frees. */
static char *create_zone(RegionCall *call, Value input, const char *namespace_id) {
	g_autofree char *lower = discovery_id("", 20), *id = NULL;
	g_autofree char *letters = g_ascii_strup(lower, -1);
	id = g_strdup_printf("Z%s", letters);
	store_put_take(region_store(call->region), call->global, ROUTE53_ZONE, id,
		value_object_take("Id", value_string(id), "Name",
			value_string_printf("%s.", value_get_text(input, "Name")),
			"CallerReference", value_string(namespace_id), "Config",
			value_object_take("Comment",
				value_string(value_text_or(value_get(input, "Description"), "")),
				"PrivateZone", value_bool(TRUE), NULL),
			"LinkedService",
			value_object_take("ServicePrincipal",
				value_string("servicediscovery.amazonaws.com"), "Description",
				value_string_printf(
					"Owned by the Cloud Map namespace %s", namespace_id),
				NULL),
			"VPCs",
			value_tuple_take(
				1, value_object_take("VPCId", value_ref(value_get(input, "Vpc")),
					   "VPCRegion", value_string(call->scope.region), NULL)),
			"NamespaceId", value_string(namespace_id), NULL));
	return g_steal_pointer(&id);
}

static gint64 wanted_soa_ttl(Value properties, gint64 otherwise) {
	return value_get_int(
		value_get_path(properties, "DnsProperties", "SOA", NULL), "TTL", otherwise);
}

static Value create_private(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Name"), *vpc = value_get_text(input, "Vpc");
	if (!is_domain(name)) {
		discovery_invalid(error, "The name %s is not a valid domain name.", name);
		return VALUE_NOTHING;
	}
	g_auto(Value) same = find_same(call, "DNS_PRIVATE", name, vpc);
	if (!value_is_null(same))
		return answer_same(same, input, error);
	g_auto(Value) its_vpc = ec2_vpc_get(call->region, call->scope, vpc);
	if (value_is_null(its_vpc)) {
		g_autofree char *message = g_strdup_printf(
			"The VPC %s in region %s that you provided is not authorized to make the "
			"association, or does not exist. (Service: AmazonRoute53; Error Code: "
			"InvalidVPCId)",
			vpc, call->scope.region);
		return discovery_operation_failed(
			call, "CREATE_NAMESPACE", "CANNOT_CREATE_HOSTED_ZONE", message);
	}
	g_autofree char *id = discovery_id("ns-", 16), *zone = create_zone(call, input, id);
	gint64 ttl = wanted_soa_ttl(value_get(input, "Properties"), SOA_TTL);
	return create(call, input, id, "DNS_PRIVATE",
		value_object_take("DnsProperties",
			value_object_take("HostedZoneId", value_string(zone), "SOA",
				value_object_take("TTL", value_int(ttl), NULL), NULL),
			"HttpProperties", http_properties(input), NULL));
}

/* ---- reading ---- */

static Value complete(RegionCall *call, Value namespace_taken) {
	guint services = discovery_service_count(
		call->region, call->scope, value_get_text(namespace_taken, "Id"));
	return value_with_take(
		value_with_take(value_without_take(namespace_taken, "CreateOperation"),
			"ServiceCount", value_int(services)),
		"ResourceOwner", value_string(call->scope.account));
}

static Value get_namespace(RegionCall *call, Value input, GError **error) {
	Value namespace =
		discovery_namespace(call->region, call->scope, value_get_text(input, "Id"), error);
	if (value_is_null(namespace))
		return VALUE_NOTHING;
	return value_object_take("Namespace", complete(call, namespace), NULL);
}

static Value list_namespaces(RegionCall *call, Value input, GError **error) {
	static const DiscoveryFilter known[] = {{"TYPE", "Type"}, {"NAME", "Name"},
		{"HTTP_NAME", "Properties.HttpProperties.HttpName"},
		{"RESOURCE_OWNER", "ResourceOwnerKind"}, {NULL}};
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, DISCOVERY_NAMESPACE);
	const char *id;
	Value each;
	while (store_iter_next(&iter, &id, &each)) {
		g_auto(Value) whole = value_with_take(
			complete(call, value_ref(each)), "ResourceOwnerKind", value_string("SELF"));
		if (discovery_passes(whole, value_get(input, "Filters"), known, error))
			value_builder_add_take(
				all, value_without_take(value_steal(&whole), "ResourceOwnerKind"));
	}
	g_auto(Value) items = value_builder_end(g_steal_pointer(&all));
	return discovery_page(call, input, "Namespaces", items, error);
}

/* ---- changing ---- */

static Value find_of_type(RegionCall *call, Value input, const char *type, GError **error) {
	Value namespace =
		discovery_namespace(call->region, call->scope, value_get_text(input, "Id"), error);
	if (value_is_null(namespace) || g_str_equal(value_get_text(namespace, "Type"), type))
		return namespace;
	discovery_invalid(error, "The namespace %s is not of the type %s.",
		value_get_text(namespace, "Id"), type);
	value_unref(namespace);
	return VALUE_NOTHING;
}

static Value updated(RegionCall *call, Value namespace_taken, Value change) {
	g_autofree char *id = g_strdup(value_get_text(namespace_taken, "Id"));
	if (value_has(change, "Description"))
		namespace_taken = value_with_take(namespace_taken, "Description",
			value_ref(value_get(change, "Description")));
	put(call, namespace_taken);
	return discovery_operation(call, "UPDATE_NAMESPACE", "NAMESPACE", id, NULL, NULL);
}

static Value update_http(RegionCall *call, Value input, GError **error) {
	Value namespace = find_of_type(call, input, "HTTP", error);
	return value_is_null(namespace) ? VALUE_NOTHING
					: updated(call, namespace, value_get(input, "Namespace"));
}

static Value update_private(RegionCall *call, Value input, GError **error) {
	Value namespace = find_of_type(call, input, "DNS_PRIVATE", error);
	Value change = value_get(input, "Namespace");
	if (value_is_null(namespace))
		return VALUE_NOTHING;
	gint64 ttl = wanted_soa_ttl(value_get(change, "Properties"), -1);
	if (ttl >= 0) {
		Value properties = value_get(namespace, "Properties");
		Value dns = value_with_take(value_ref(value_get(properties, "DnsProperties")),
			"SOA", value_object_take("TTL", value_int(ttl), NULL));
		Value with_dns = value_with_take(value_ref(properties), "DnsProperties", dns);
		namespace = value_with_take(namespace, "Properties", with_dns);
	}
	return updated(call, namespace, change);
}

static Value delete_namespace(RegionCall *call, Value input, GError **error) {
	g_auto(Value) namespace =
		discovery_namespace(call->region, call->scope, value_get_text(input, "Id"), error);
	if (value_is_null(namespace))
		return VALUE_NOTHING;
	const char *id = value_get_text(namespace, "Id");
	if (discovery_service_count(call->region, call->scope, id) > 0) {
		wire_error_set(error, "ResourceInUse",
			"The namespace %s still has services, so it can't be deleted.", id);
		return VALUE_NOTHING;
	}
	const char *zone = value_text(
		value_get_path(namespace, "Properties", "DnsProperties", "HostedZoneId", NULL));
	if (zone)
		store_delete(region_store(call->region), call->global, ROUTE53_ZONE, zone);
	store_delete(region_store(call->region), call->scope, DISCOVERY_NAMESPACE, id);
	region_tags_clear(call->region, call->scope, value_get_text(namespace, "Arn"));
	return discovery_operation(call, "DELETE_NAMESPACE", "NAMESPACE", id, NULL, NULL);
}

static const RegionOperation operations[] = {
	{"CreateHttpNamespace", create_http},
	{"CreatePrivateDnsNamespace", create_private},
	{"GetNamespace", get_namespace, .reads_only = TRUE},
	{"ListNamespaces", list_namespaces, .reads_only = TRUE},
	{"UpdateHttpNamespace", update_http},
	{"UpdatePrivateDnsNamespace", update_private},
	{"DeleteNamespace", delete_namespace},
	{NULL},
};

const RegionService region_servicediscovery_namespaces = {
	.name = "servicediscovery", .operations = operations};
