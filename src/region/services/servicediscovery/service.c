/* Services of a namespace: what records and what health its instances have. */
#include <string.h>

#include "region/services/servicediscovery/internal.h"

extern const RegionService region_servicediscovery_services;

#define MOST_ATTRIBUTES 30

Value discovery_service(Region *region, StoreScope scope, const char *id_or_arn, GError **error) {
	const char *id = discovery_plain_id(id_or_arn);
	Value found = store_get(region_store(region), scope, DISCOVERY_SERVICE, id);
	if (value_is_null(found))
		wire_error_set(
			error, "ServiceNotFound", "The service %s can't be found.", id_or_arn);
	return found;
}

gboolean discovery_has_health(Value service) {
	return value_has(service, "HealthCheckCustomConfig");
}

guint discovery_service_count(Region *region, StoreScope scope, const char *namespace_id) {
	guint n = 0;
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, DISCOVERY_SERVICE);
	const char *id;
	Value each;
	while (store_iter_next(&iter, &id, &each))
		n += g_strcmp0(value_get_text(each, "NamespaceId"), namespace_id) == 0;
	return n;
}

static Value find(RegionCall *call, Value input, const char *member, GError **error) {
	return discovery_service(call->region, call->scope, value_get_text(input, member), error);
}

static void put(RegionCall *call, Value service_taken) {
	store_put_take(region_store(call->region), call->scope, DISCOVERY_SERVICE,
		value_get_text(service_taken, "Id"), service_taken);
}

/* ---- creating ---- */

/* One of A, AAAA, both, or SRV. */
static gboolean check_records(Value records, GError **error) {
	gsize n = value_length(records);
	for (gsize i = 0; i < n; i++) {
		const char *type = value_get_text(value_at(records, i), "Type");
		if (g_str_equal(type, "CNAME")) {
			wire_error_set_status(error, 501, "NotImplemented",
				"Terrarium does not implement CNAME records of Cloud Map "
				"services.");
			return FALSE;
		}
		if (g_str_equal(type, "SRV") ? n > 1 : n > 2) {
			discovery_invalid(error, "This combination of DNS records is not valid.");
			return FALSE;
		}
	}
	if (n == 2 && g_str_equal(value_get_text(value_at(records, 0), "Type"),
			      value_get_text(value_at(records, 1), "Type"))) {
		discovery_invalid(error, "A type of DNS record is given twice.");
		return FALSE;
	}
	if (n == 0)
		discovery_invalid(error, "DnsConfig needs a DNS record.");
	return n > 0;
}

static gboolean check_new(Value input, Value namespace, GError **error) {
	gboolean http = g_str_equal(value_get_text(namespace, "Type"), "HTTP");
	gboolean dns = value_has(input, "DnsConfig");
	if (value_has(input, "HealthCheckConfig") && value_has(input, "HealthCheckCustomConfig"))
		discovery_invalid(error,
			"Specify HealthCheckConfig or HealthCheckCustomConfig, but not both.");
	else if (value_has(input, "HealthCheckConfig") && !http)
		discovery_invalid(error,
			"HealthCheckConfig is for public DNS namespaces and HTTP namespaces only.");
	else if (value_has(input, "HealthCheckConfig"))
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not implement Route 53 health checks (HealthCheckConfig).");
	else if (dns && (http || value_has(input, "Type")))
		discovery_invalid(error, "DnsConfig is not for services of the type HTTP.");
	else
		return !dns ||
		       check_records(value_get_path(input, "DnsConfig", "DnsRecords", NULL), error);
	return FALSE;
}

static gboolean same_name(Value service, const char *name, gboolean dns) {
	const char *own = value_get_text(service, "Name");
	return dns ? g_ascii_strcasecmp(own, name) == 0 : g_str_equal(own, name);
}

static Value find_same(RegionCall *call, const char *namespace_id, const char *name, gboolean dns) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, DISCOVERY_SERVICE);
	const char *id;
	Value each;
	while (store_iter_next(&iter, &id, &each))
		if (g_str_equal(value_get_text(each, "NamespaceId"), namespace_id) &&
			same_name(each, name, dns))
			return value_ref(each);
	return VALUE_NOTHING;
}

static Value complete(RegionCall *call, Value service_taken) {
	guint instances = discovery_instance_count(
		call->region, call->scope, value_get_text(service_taken, "Id"));
	return value_with_take(value_with_take(value_with_take(service_taken, "InstanceCount",
						       value_int(instances)),
				       "ResourceOwner", value_string(call->scope.account)),
		"CreatedByAccount", value_string(call->scope.account));
}

static Value answer_same(RegionCall *call, Value same, Value input, GError **error) {
	const char *creator = value_get_text(same, "CreatorRequestId");
	if (creator && g_strcmp0(creator, value_get_text(input, "CreatorRequestId")) == 0)
		return value_object_take("Service", complete(call, value_ref(same)), NULL);
	wire_error_set(error, "ServiceAlreadyExists", "The service %s already exists.",
		value_get_text(same, "Name"));
	wire_error_set_members_take(
		*error, value_object_take("ServiceId", value_ref(value_get(same, "Id")),
				"ServiceArn", value_ref(value_get(same, "Arn")), "CreatorRequestId",
				value_string(creator ? creator : ""), NULL));
	return VALUE_NOTHING;
}

static Value dns_config(Value input, const char *namespace_id) {
	Value config = value_get(input, "DnsConfig");
	return value_object_take("NamespaceId", value_string(namespace_id), "RoutingPolicy",
		value_string(value_text_or(value_get(config, "RoutingPolicy"), "MULTIVALUE")),
		"DnsRecords", value_ref(value_get(config, "DnsRecords")), NULL);
}

static Value new_service(RegionCall *call, Value input, const char *namespace_id) {
	g_autofree char *id = discovery_id("srv-", 16);
	g_autofree char *arn = region_arn(call->scope, "servicediscovery", "service/%s", id);
	gboolean dns = value_has(input, "DnsConfig");
	Value service = value_object_take("Id", value_string(id), "Arn", value_string(arn), "Name",
		value_ref(value_get(input, "Name")), "NamespaceId", value_string(namespace_id),
		"Type", value_string(dns ? "DNS_HTTP" : "HTTP"), "CreateDate",
		region_timestamp(call->region), NULL);
	if (dns)
		service = value_with_take(service, "DnsConfig", dns_config(input, namespace_id));
	if (value_has(input, "HealthCheckCustomConfig")) {
		g_auto(Value) usual = value_object_take("FailureThreshold", value_int(1), NULL);
		service = value_with_take(service, "HealthCheckCustomConfig",
			value_merge(usual, value_get(input, "HealthCheckCustomConfig")));
	}
	static const char *const copied[] = {"Description", "CreatorRequestId"};
	for (guint i = 0; i < G_N_ELEMENTS(copied); i++)
		if (value_has(input, copied[i]))
			service = value_with_take(
				service, copied[i], value_ref(value_get(input, copied[i])));
	discovery_tag(call, input, arn);
	return service;
}

static Value create_service(RegionCall *call, Value input, GError **error) {
	const char *named = value_get_text(input, "NamespaceId");
	const char *in_dns = value_text(value_get_path(input, "DnsConfig", "NamespaceId", NULL));
	if (!named && !in_dns) {
		discovery_invalid(error, "A service needs a NamespaceId.");
		return VALUE_NOTHING;
	}
	if (named && in_dns &&
		!g_str_equal(discovery_plain_id(named), discovery_plain_id(in_dns))) {
		discovery_invalid(error, "NamespaceId and DnsConfig.NamespaceId are not the same.");
		return VALUE_NOTHING;
	}
	g_auto(Value) namespace =
		discovery_namespace(call->region, call->scope, named ? named : in_dns, error);
	if (value_is_null(namespace) || !check_new(input, namespace, error))
		return VALUE_NOTHING;
	const char *namespace_id = value_get_text(namespace, "Id");
	g_auto(Value) same = find_same(
		call, namespace_id, value_get_text(input, "Name"), value_has(input, "DnsConfig"));
	if (!value_is_null(same))
		return answer_same(call, same, input, error);
	Value service = new_service(call, input, namespace_id);
	put(call, value_ref(service));
	return value_object_take("Service", complete(call, service), NULL);
}

/* ---- reading ---- */

static Value get_service(RegionCall *call, Value input, GError **error) {
	Value service = find(call, input, "Id", error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	return value_object_take("Service", complete(call, service), NULL);
}

static Value list_services(RegionCall *call, Value input, GError **error) {
	static const DiscoveryFilter known[] = {
		{"NAMESPACE_ID", "NamespaceId"}, {"RESOURCE_OWNER", "ResourceOwnerKind"}, {NULL}};
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, DISCOVERY_SERVICE);
	const char *id;
	Value each;
	while (store_iter_next(&iter, &id, &each)) {
		g_auto(Value) marked =
			value_with_take(value_ref(each), "ResourceOwnerKind", value_string("SELF"));
		if (discovery_passes(marked, value_get(input, "Filters"), known, error))
			value_builder_add_take(all, complete(call, value_ref(each)));
	}
	g_auto(Value) items = value_builder_end(g_steal_pointer(&all));
	return discovery_page(call, input, "Services", items, error);
}

/* ---- changing ---- */

static gboolean has_record(Value records, const char *type) {
	for (gsize i = 0; i < value_length(records); i++)
		if (g_str_equal(value_get_text(value_at(records, i), "Type"), type))
			return TRUE;
	return FALSE;
}

/* Only the TTL of a record may change. */
static gboolean check_change(Value service, Value change, GError **error) {
	Value records = value_get_path(change, "DnsConfig", "DnsRecords", NULL);
	Value before = value_get_path(service, "DnsConfig", "DnsRecords", NULL);
	if (value_has(change, "HealthCheckConfig")) {
		discovery_invalid(error,
			"HealthCheckConfig is for public DNS namespaces and HTTP namespaces only.");
		return FALSE;
	}
	gboolean same =
		!value_has(change, "DnsConfig") || value_length(records) == value_length(before);
	for (gsize i = 0; same && i < value_length(records); i++)
		same = has_record(before, value_get_text(value_at(records, i), "Type"));
	if (!same)
		discovery_invalid(error, "The types of a service's DNS records can't be changed.");
	return same;
}

static Value update_service(RegionCall *call, Value input, GError **error) {
	Value change = value_get(input, "Service");
	g_auto(Value) service = find(call, input, "Id", error);
	if (value_is_null(service) || !check_change(service, change, error))
		return VALUE_NOTHING;
	if (value_has(change, "Description"))
		service = value_with_take(value_steal(&service), "Description",
			value_ref(value_get(change, "Description")));
	if (value_has(change, "DnsConfig")) {
		Value config =
			value_with_take(value_ref(value_get(service, "DnsConfig")), "DnsRecords",
				value_ref(value_get_path(change, "DnsConfig", "DnsRecords", NULL)));
		service = value_with_take(value_steal(&service), "DnsConfig", config);
	}
	g_autofree char *id = g_strdup(value_get_text(service, "Id"));
	put(call, value_steal(&service));
	return discovery_operation(call, "UPDATE_SERVICE", "SERVICE", id, NULL, NULL);
}

static Value delete_service(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find(call, input, "Id", error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	const char *id = value_get_text(service, "Id");
	if (discovery_instance_count(call->region, call->scope, id) > 0) {
		wire_error_set(error, "ResourceInUse",
			"The service %s still has instances, so it can't be deleted.", id);
		return VALUE_NOTHING;
	}
	static const char *const kinds[] = {
		DISCOVERY_SERVICE, DISCOVERY_ATTRIBUTES, DISCOVERY_REVISION};
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
		store_delete(region_store(call->region), call->scope, kinds[i], id);
	region_tags_clear(call->region, call->scope, value_get_text(service, "Arn"));
	return VALUE_NOTHING;
}

/* ---- attributes of a service ---- */

static Value attributes_of(RegionCall *call, const char *id) {
	Value attributes =
		store_get(region_store(call->region), call->scope, DISCOVERY_ATTRIBUTES, id);
	return value_is_null(attributes) ? value_empty_object() : attributes;
}

static Value get_attributes(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find(call, input, "ServiceId", error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	return value_object_take("ServiceAttributes",
		value_object_take("ServiceArn", value_ref(value_get(service, "Arn")),
			"ResourceOwner", value_string(call->scope.account), "Attributes",
			attributes_of(call, value_get_text(service, "Id")), NULL),
		NULL);
}

static Value update_attributes(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find(call, input, "ServiceId", error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	const char *id = value_get_text(service, "Id");
	g_auto(Value) before = attributes_of(call, id);
	g_auto(Value) after = value_merge(before, value_get(input, "Attributes"));
	if (value_length(after) > MOST_ATTRIBUTES)
		wire_error_set(error, "ServiceAttributesLimitExceededException",
			"A service can have %d attributes at most.", MOST_ATTRIBUTES);
	else
		store_put(region_store(call->region), call->scope, DISCOVERY_ATTRIBUTES, id, after);
	return VALUE_NOTHING;
}

static Value delete_attributes(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find(call, input, "ServiceId", error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	const char *id = value_get_text(service, "Id");
	Value left = attributes_of(call, id), keys = value_get(input, "Attributes");
	for (gsize i = 0; i < value_length(keys); i++)
		left = value_without_take(left, value_text(value_at(keys, i)));
	store_put_take(region_store(call->region), call->scope, DISCOVERY_ATTRIBUTES, id, left);
	return VALUE_NOTHING;
}

static const RegionOperation operations[] = {
	{"CreateService", create_service},
	{"GetService", get_service, .reads_only = TRUE},
	{"ListServices", list_services, .reads_only = TRUE},
	{"UpdateService", update_service},
	{"DeleteService", delete_service},
	{"GetServiceAttributes", get_attributes, .reads_only = TRUE},
	{"UpdateServiceAttributes", update_attributes},
	{"DeleteServiceAttributes", delete_attributes},
	{NULL},
};

const RegionService region_servicediscovery_services = {
	.name = "servicediscovery", .operations = operations};
