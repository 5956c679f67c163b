/* Instances of a service, their health, and how they are found (DiscoverInstances). */
#include <arpa/inet.h>
#include <string.h>

#include "region/services/servicediscovery/internal.h"

extern const RegionService region_servicediscovery_instances;

#define MOST_ATTRIBUTES 30
#define MOST_ATTRIBUTES_LENGTH 5000
#define DISCOVER_PAGE 100
#define REVISIONS "servicediscovery/revision"

/* What is kept: { Id, Attributes, CreatorRequestId, Health }. Health is HEALTHY or UNHEALTHY and
 * counts only where the service keeps health. */

static char *key_of(const char *service_id, const char *instance) {
	return g_strdup_printf("%s/%s", service_id, instance);
}

static StoreIter instances_of(Region *region, StoreScope scope, const char *service_id) {
	g_autofree char *prefix = key_of(service_id, "");
	return store_iter_prefix(region_store(region), scope, DISCOVERY_INSTANCE, prefix);
}

guint discovery_instance_count(Region *region, StoreScope scope, const char *service_id) {
	g_auto(StoreIter) iter = instances_of(region, scope, service_id);
	return iter.rows->len;
}

/* The revision of a service's instances rises with each change. */
static void touch(Region *region, StoreScope scope, const char *service_id) {
	Store *store = region_store(region);
	store_put_take(store, scope, DISCOVERY_REVISION, service_id,
		value_int(store_next(store, scope, REVISIONS)));
}

static Value get(Region *region, StoreScope scope, const char *service_id, const char *instance) {
	g_autofree char *key = key_of(service_id, instance);
	return store_get(region_store(region), scope, DISCOVERY_INSTANCE, key);
}

static Value find(RegionCall *call, Value service, Value input, GError **error) {
	const char *id = value_get_text(input, "InstanceId");
	Value instance = get(call->region, call->scope, value_get_text(service, "Id"), id);
	if (value_is_null(instance))
		wire_error_set(error, "InstanceNotFound", "The instance %s can't be found.", id);
	return instance;
}

static Value find_service(RegionCall *call, Value input, GError **error) {
	return discovery_service(
		call->region, call->scope, value_get_text(input, "ServiceId"), error);
}

/* Borrowed. */
static const char *health_of(Value service, Value instance) {
	return discovery_has_health(service) ? value_get_text(instance, "Health") : "UNKNOWN";
}

/* ---- registering ---- */

static gboolean has_record(Value service, const char *type) {
	Value records = value_get_path(service, "DnsConfig", "DnsRecords", NULL);
	for (gsize i = 0; i < value_length(records); i++)
		if (g_str_equal(value_get_text(value_at(records, i), "Type"), type))
			return TRUE;
	return FALSE;
}

static gboolean is_address(const char *text, int family) {
	guint8 bytes[16];
	return inet_pton(family, text, bytes) == 1;
}

static gboolean is_port(const char *text) {
	gint64 port = text ? g_ascii_strtoll(text, NULL, 10) : 0;
	return port >= 1 && port <= 65535 && strspn(text, "0123456789") == strlen(text);
}

/* What Terrarium has not, by name. */
static gboolean check_served(Value attributes, GError **error) {
	static const char *const missing[] = {
		"AWS_ALIAS_DNS_NAME", "AWS_EC2_INSTANCE_ID", "AWS_INSTANCE_CNAME"};
	for (guint i = 0; i < G_N_ELEMENTS(missing); i++)
		if (value_has(attributes, missing[i])) {
			wire_error_set_status(error, 501, "NotImplemented",
				"Terrarium does not implement the attribute %s of Cloud Map "
				"instances.",
				missing[i]);
			return FALSE;
		}
	return TRUE;
}

static gboolean check_addresses(Value service, Value attributes, GError **error) {
	const char *v4 = value_get_text(attributes, "AWS_INSTANCE_IPV4");
	const char *v6 = value_get_text(attributes, "AWS_INSTANCE_IPV6");
	const char *port = value_get_text(attributes, "AWS_INSTANCE_PORT");
	if (v4 && !is_address(v4, AF_INET))
		discovery_invalid(error, "AWS_INSTANCE_IPV4 %s is not an IPv4 address.", v4);
	else if (v6 && !is_address(v6, AF_INET6))
		discovery_invalid(error, "AWS_INSTANCE_IPV6 %s is not an IPv6 address.", v6);
	else if (port && !is_port(port))
		discovery_invalid(error, "AWS_INSTANCE_PORT %s is not a port.", port);
	else if (has_record(service, "A") && !v4)
		discovery_invalid(error, "The service has an A record: the attribute "
					 "AWS_INSTANCE_IPV4 is required.");
	else if (has_record(service, "AAAA") && !v6)
		discovery_invalid(error, "The service has an AAAA record: the attribute "
					 "AWS_INSTANCE_IPV6 is required.");
	else if (has_record(service, "SRV") && (!port || (!v4 && !v6)))
		discovery_invalid(error,
			"The service has an SRV record: AWS_INSTANCE_PORT and AWS_INSTANCE_IPV4 or "
			"AWS_INSTANCE_IPV6 are required.");
	else
		return TRUE;
	return FALSE;
}

static gboolean check_attributes(Value service, Value attributes, GError **error) {
	gsize length = 0;
	const char *health = value_get_text(attributes, "AWS_INIT_HEALTH_STATUS");
	for (gsize i = 0; i < value_length(attributes); i++)
		length += strlen(value_key_at(attributes, i)) +
			  value_text_length(value_at(attributes, i));
	if (value_length(attributes) > MOST_ATTRIBUTES || length > MOST_ATTRIBUTES_LENGTH)
		discovery_invalid(error,
			"An instance can have %d attributes of %d characters in all.",
			MOST_ATTRIBUTES, MOST_ATTRIBUTES_LENGTH);
	else if (health && !discovery_has_health(service))
		discovery_invalid(error, "AWS_INIT_HEALTH_STATUS is for services with "
					 "HealthCheckCustomConfig only.");
	else if (health && !g_str_equal(health, "HEALTHY") && !g_str_equal(health, "UNHEALTHY"))
		discovery_invalid(error, "AWS_INIT_HEALTH_STATUS is HEALTHY or UNHEALTHY.");
	else
		return check_served(attributes, error) &&
		       check_addresses(service, attributes, error);
	return FALSE;
}

static gboolean register_in(Region *region, StoreScope scope, Value service, const char *instance,
	Value attributes, const char *creator, GError **error) {
	const char *service_id = value_get_text(service, "Id");
	g_autofree char *key = key_of(service_id, instance);
	if (!check_attributes(service, attributes, error))
		return FALSE;
	Value object = value_object_take("Id", value_string(instance), "Attributes",
		value_ref(attributes), "Health",
		value_string(
			value_text_or(value_get(attributes, "AWS_INIT_HEALTH_STATUS"), "HEALTHY")),
		NULL);
	if (creator)
		object = value_with_take(object, "CreatorRequestId", value_string(creator));
	store_put_take(region_store(region), scope, DISCOVERY_INSTANCE, key, object);
	touch(region, scope, service_id);
	return TRUE;
}

static Value register_instance(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find_service(call, input, error);
	const char *id = value_get_text(input, "InstanceId");
	if (value_is_null(service) ||
		!register_in(call->region, call->scope, service, id, value_get(input, "Attributes"),
			value_get_text(input, "CreatorRequestId"), error))
		return VALUE_NOTHING;
	return discovery_operation(call, "REGISTER_INSTANCE", "INSTANCE", id, "SERVICE",
		value_get_text(service, "Id"));
}

static gboolean deregister_from(
	Region *region, StoreScope scope, const char *service_id, const char *instance) {
	g_autofree char *key = key_of(service_id, instance);
	if (!store_delete(region_store(region), scope, DISCOVERY_INSTANCE, key))
		return FALSE;
	touch(region, scope, service_id);
	return TRUE;
}

static Value deregister_instance(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find_service(call, input, error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	g_auto(Value) instance = find(call, service, input, error);
	if (value_is_null(instance))
		return VALUE_NOTHING;
	const char *service_id = value_get_text(service, "Id");
	const char *id = value_get_text(instance, "Id");
	deregister_from(call->region, call->scope, service_id, id);
	return discovery_operation(
		call, "DEREGISTER_INSTANCE", "INSTANCE", id, "SERVICE", service_id);
}

/* ---- reading ---- */

static Value summary(RegionCall *call, Value instance) {
	return value_object_take("Id", value_ref(value_get(instance, "Id")), "Attributes",
		value_ref(value_get(instance, "Attributes")), "CreatedByAccount",
		value_string(call->scope.account), NULL);
}

static Value get_instance(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find_service(call, input, error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	g_auto(Value) instance = find(call, service, input, error);
	if (value_is_null(instance))
		return VALUE_NOTHING;
	Value answer = summary(call, instance);
	if (value_has(instance, "CreatorRequestId"))
		answer = value_with_take(answer, "CreatorRequestId",
			value_ref(value_get(instance, "CreatorRequestId")));
	return value_object_take(
		"Instance", answer, "ResourceOwner", value_string(call->scope.account), NULL);
}

static Value list_instances(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find_service(call, input, error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		instances_of(call->region, call->scope, value_get_text(service, "Id"));
	const char *key;
	Value each;
	while (store_iter_next(&iter, &key, &each))
		value_builder_add_take(all, summary(call, each));
	g_auto(Value) items = value_builder_end(g_steal_pointer(&all));
	return discovery_page(call, input, "Instances", items, error);
}

/* ---- health ---- */

static gboolean set_health(
	Region *region, StoreScope scope, Value service, const char *instance, const char *status) {
	const char *service_id = value_get_text(service, "Id");
	Value object = get(region, scope, service_id, instance);
	if (g_strcmp0(value_get_text(object, "Health"), status) == 0 || value_is_null(object)) {
		gboolean there = !value_is_null(object);
		value_unref(object);
		return there;
	}
	g_autofree char *key = key_of(service_id, instance);
	store_put_take(region_store(region), scope, DISCOVERY_INSTANCE, key,
		value_with_take(object, "Health", value_string(status)));
	touch(region, scope, service_id);
	return TRUE;
}

static Value update_health(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find_service(call, input, error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	const char *id = value_get_text(input, "InstanceId");
	if (!discovery_has_health(service))
		wire_error_set(error, "CustomHealthNotFound",
			"The service %s has no custom health check.",
			value_get_text(service, "Id"));
	else if (!set_health(
			 call->region, call->scope, service, id, value_get_text(input, "Status")))
		wire_error_set(error, "InstanceNotFound", "The instance %s can't be found.", id);
	return VALUE_NOTHING;
}

/* The instances that are asked for: all, or the named ones in order. */
static Value asked_instances(RegionCall *call, Value service, Value input, GError **error) {
	const char *service_id = value_get_text(service, "Id");
	Value ids = value_get(input, "Instances");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = instances_of(call->region, call->scope, service_id);
	const char *key;
	Value each;
	while (value_is_null(ids) && store_iter_next(&iter, &key, &each))
		value_builder_add_take(all, value_ref(each));
	for (gsize i = 0; i < value_length(ids); i++) {
		const char *id = value_text(value_at(ids, i));
		Value instance = get(call->region, call->scope, service_id, id);
		if (value_is_null(instance)) {
			wire_error_set(
				error, "InstanceNotFound", "The instance %s can't be found.", id);
			return VALUE_NOTHING;
		}
		value_builder_add_take(all, instance);
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value get_health(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find_service(call, input, error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	g_autoptr(GError) local = NULL;
	g_auto(Value) asked = asked_instances(call, service, input, &local);
	g_auto(Value) output =
		local ? VALUE_NOTHING : discovery_page(call, input, "Status", asked, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value page = value_get(output, "Status");
	g_autoptr(ValueBuilder) status = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = 0; i < value_length(page); i++) {
		Value each = value_at(page, i);
		value_builder_set_take(
			status, value_get_text(each, "Id"), value_string(health_of(service, each)));
	}
	return value_with_take(
		value_steal(&output), "Status", value_builder_end(g_steal_pointer(&status)));
}

/* ---- discovering ---- */

static void shuffle(GPtrArray *array) {
	for (guint i = array->len; i > 1; i--) {
		guint j = (guint)g_random_int_range(0, (gint32)i);
		gpointer other = array->pdata[i - 1];
		array->pdata[i - 1] = array->pdata[j];
		array->pdata[j] = other;
	}
}

typedef gboolean (*Passes)(Value service, Value instance, Value input);

/* Those of the tuple `values` that pass, in random order. */
static Value chosen(Value service, Value values, Passes passes, Value input) {
	g_autoptr(GPtrArray) indices = g_ptr_array_new();
	for (gsize i = 0; i < value_length(values); i++)
		if (passes(service, value_at(values, i), input))
			g_ptr_array_add(indices, GSIZE_TO_POINTER(i));
	shuffle(indices);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < indices->len; i++)
		value_builder_add_take(
			all, value_ref(value_at(values, GPOINTER_TO_SIZE(indices->pdata[i]))));
	return value_builder_end(g_steal_pointer(&all));
}

static Value all_of(Region *region, StoreScope scope, Value service) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = instances_of(region, scope, value_get_text(service, "Id"));
	const char *key;
	Value each;
	while (store_iter_next(&iter, &key, &each))
		value_builder_add_take(all, value_ref(each));
	return value_builder_end(g_steal_pointer(&all));
}

static gboolean any(Value service, Value instance, Value input) {
	return TRUE;
}

static gboolean is_healthy(Value service, Value instance, Value input) {
	return !discovery_has_health(service) ||
	       g_str_equal(value_get_text(instance, "Health"), "HEALTHY");
}

static gboolean is_unhealthy(Value service, Value instance, Value input) {
	return !discovery_has_health(service) || !is_healthy(service, instance, input);
}

static gboolean has_attributes(Value instance, Value wanted) {
	Value attributes = value_get(instance, "Attributes");
	for (gsize i = 0; i < value_length(wanted); i++)
		if (g_strcmp0(value_get_text(attributes, value_key_at(wanted, i)),
			    value_text(value_at(wanted, i))) != 0)
			return FALSE;
	return TRUE;
}

static gboolean has_required(Value service, Value instance, Value input) {
	return has_attributes(instance, value_get(input, "QueryParameters"));
}

static gboolean has_optional(Value service, Value instance, Value input) {
	return has_attributes(instance, value_get(input, "OptionalParameters"));
}

Value discovery_answering(Region *region, StoreScope scope, Value service) {
	g_auto(Value) all = all_of(region, scope, service);
	Value healthy = chosen(service, all, is_healthy, VALUE_NOTHING);
	if (value_length(healthy) > 0)
		return healthy;
	value_unref(healthy);
	return chosen(service, all, any, VALUE_NOTHING);
}

/* The instances that the call is about, in random order. */
static Value matching(RegionCall *call, Value service, Value input) {
	const char *health = value_text_or(value_get(input, "HealthStatus"), "HEALTHY");
	g_auto(Value) all = all_of(call->region, call->scope, service);
	g_auto(Value) required = chosen(service, all, has_required, input);
	g_auto(Value) optional = chosen(service, required, has_optional, input);
	Value of = value_length(optional) > 0 ? optional : required;
	if (g_str_equal(health, "ALL"))
		return value_ref(of);
	if (g_str_equal(health, "UNHEALTHY"))
		return chosen(service, of, is_unhealthy, input);
	Value healthy = chosen(service, of, is_healthy, input);
	if (value_length(healthy) > 0 || g_str_equal(health, "HEALTHY"))
		return healthy;
	value_unref(healthy);
	return value_ref(of);
}

/* Names may be of several namespaces (private ones of several VPCs): the first that has such a
 * service. VALUE_NOTHING and an error: there is none. */
static Value find_by_names(RegionCall *call, Value input, GError **error) {
	const char *namespace_name = value_get_text(input, "NamespaceName");
	const char *name = value_get_text(input, "ServiceName");
	gboolean found = FALSE;
	g_auto(StoreIter) namespaces =
		store_iter(region_store(call->region), call->scope, DISCOVERY_NAMESPACE);
	const char *namespace_id, *id;
	Value namespace, service;
	while (store_iter_next(&namespaces, &namespace_id, &namespace)) {
		if (!g_str_equal(value_get_text(namespace, "Name"), namespace_name))
			continue;
		found = TRUE;
		g_auto(StoreIter) services =
			store_iter(region_store(call->region), call->scope, DISCOVERY_SERVICE);
		while (store_iter_next(&services, &id, &service))
			if (g_str_equal(value_get_text(service, "NamespaceId"), namespace_id) &&
				g_str_equal(value_get_text(service, "Name"), name))
				return value_ref(service);
	}
	if (found)
		wire_error_set(error, "ServiceNotFound", "The service %s can't be found.", name);
	else
		wire_error_set(error, "NamespaceNotFound", "The namespace %s can't be found.",
			namespace_name);
	return VALUE_NOTHING;
}

static Value revision(RegionCall *call, Value service) {
	Value number = store_get(region_store(call->region), call->scope, DISCOVERY_REVISION,
		value_get_text(service, "Id"));
	return value_is_null(number) ? value_int(0) : number;
}

static Value discover(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find_by_names(call, input, error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	g_auto(Value) found = matching(call, service, input);
	gsize most = (gsize)value_get_int(input, "MaxResults", DISCOVER_PAGE);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(found) && i < most; i++) {
		Value each = value_at(found, i);
		value_builder_add_take(
			all, value_object_take("InstanceId", value_ref(value_get(each, "Id")),
				     "NamespaceName", value_ref(value_get(input, "NamespaceName")),
				     "ServiceName", value_ref(value_get(input, "ServiceName")),
				     "HealthStatus", value_string(health_of(service, each)),
				     "Attributes", value_ref(value_get(each, "Attributes")), NULL));
	}
	return value_object_take("Instances", value_builder_end(g_steal_pointer(&all)),
		"InstancesRevision", revision(call, service), NULL);
}

static Value discover_revision(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = find_by_names(call, input, error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	return value_object_take("InstancesRevision", revision(call, service), NULL);
}

/* ---- for other services ---- */

gboolean servicediscovery_register(Region *region, StoreScope scope, const char *service_arn,
	const char *instance, Value attributes, GError **error) {
	g_auto(Value) service = discovery_service(region, scope, service_arn, error);
	return !value_is_null(service) &&
	       register_in(region, scope, service, instance, attributes, NULL, error);
}

void servicediscovery_deregister(
	Region *region, StoreScope scope, const char *service_arn, const char *instance) {
	deregister_from(region, scope, discovery_plain_id(service_arn), instance);
}

void servicediscovery_health(Region *region, StoreScope scope, const char *service_arn,
	const char *instance, gboolean healthy) {
	g_auto(Value) service = discovery_service(region, scope, service_arn, NULL);
	if (!value_is_null(service))
		set_health(region, scope, service, instance, healthy ? "HEALTHY" : "UNHEALTHY");
}

static const RegionOperation operations[] = {
	{"RegisterInstance", register_instance},
	{"DeregisterInstance", deregister_instance},
	{"GetInstance", get_instance, .reads_only = TRUE},
	{"ListInstances", list_instances, .reads_only = TRUE},
	{"UpdateInstanceCustomHealthStatus", update_health},
	{"GetInstancesHealthStatus", get_health, .reads_only = TRUE},
	{"DiscoverInstances", discover, .reads_only = TRUE},
	{"DiscoverInstancesRevision", discover_revision, .reads_only = TRUE},
	{NULL},
};

const RegionService region_servicediscovery_instances = {
	.name = "servicediscovery", .operations = operations};
