/*
 * Targets of groups and their health. A deregistered one stays as draining until the balancer is
 * done with it; without a glass nothing has to be drained, so it goes at once.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "region/services/ec2/ec2.h"
#include "region/services/elbv2/internal.h"

#define MOST_TARGETS 1000
#define SUBNET "ec2/subnet"

char *elbv2_target_id(const char *group_arn, const char *address, int port) {
	return g_strdup_printf("%s %s:%d", group_arn, address, port);
}

static Value health(const char *state, const char *reason, const char *description) {
	Value shown = value_object_take("State", value_string(state), NULL);
	if (reason)
		shown = value_with_take(shown, "Reason", value_string(reason));
	if (description && *description)
		shown = value_with_take(shown, "Description", value_string(description));
	return shown;
}

void elbv2_forget_target(Region *region, StoreScope scope, const char *target_id) {
	store_delete(region_store(region), scope, ELBV2_TARGET, target_id);
	store_delete(region_store(region), scope, ELBV2_TARGET_HEALTH, target_id);
}

void elbv2_put_health(Region *region, StoreScope scope, const char *target_id, const char *state,
	const char *reason, const char *description) {
	Store *store = region_store(region);
	g_auto(Value) now = health(state, reason, description);
	g_auto(Value) before = store_get(store, scope, ELBV2_TARGET_HEALTH, target_id);
	gboolean own = !store_in_transaction(store);
	if (value_equal(now, before) || (own && !store_begin(store, NULL)))
		return;
	store_put(store, scope, ELBV2_TARGET_HEALTH, target_id, now);
	if (own)
		store_commit(store, NULL);
}

/* ---- addresses ---- */

static gboolean is_inside(const char *cidr, const char *address) {
	struct in_addr base, own;
	g_auto(GStrv) parts = g_strsplit(cidr ? cidr : "", "/", 2);
	if (g_strv_length(parts) != 2 || inet_pton(AF_INET, parts[0], &base) != 1 ||
		inet_pton(AF_INET, address, &own) != 1)
		return FALSE;
	int length = atoi(parts[1]);
	guint32 mask = length == 0 ? 0 : ~0u << (32 - length);
	return (ntohl(base.s_addr) & mask) == (ntohl(own.s_addr) & mask);
}

/* The zone of an address of the VPC: its subnet's. Caller frees; NULL: it is in none. */
static char *zone_of(Region *region, StoreScope scope, const char *vpc, const char *address) {
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, SUBNET);
	const char *id;
	Value subnet;
	while (store_iter_next(&iter, &id, &subnet))
		if (g_strcmp0(value_get_text(subnet, "VpcId"), vpc) == 0 &&
			is_inside(value_get_text(subnet, "CidrBlock"), address))
			return g_strdup(value_get_text(subnet, "AvailabilityZone"));
	return NULL;
}

static char *check_target(
	Region *region, StoreScope scope, Value group, Value target, GError **error) {
	static const char *const private[] = {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"};
	const char *address = value_get_text(target, "Id");
	struct in_addr parsed;
	if (inet_pton(AF_INET, address, &parsed) != 1) {
		wire_error_set(error, "ValidationError",
			"The IP address '%s' is not a valid IPv4 address", address);
		return NULL;
	}
	char *zone = zone_of(region, scope, value_get_text(group, "VpcId"), address);
	if (zone)
		return zone;
	gboolean all = g_strcmp0(value_get_text(target, "AvailabilityZone"), "all") == 0;
	for (guint i = 0; all && i < G_N_ELEMENTS(private); i++)
		if (is_inside(private[i], address))
			return g_strdup("all");
	if (all)
		wire_error_set(error, "InvalidTarget",
			"The IP address '%s' is not in a range of private addresses", address);
	else
		wire_error_set(error, "ValidationError",
			"The IP address '%s' is not within any subnet of VPC '%s': its "
			"Availability Zone must be 'all'",
			address, value_get_text(group, "VpcId"));
	return NULL;
}

/* ---- registering ---- */

static guint count_targets(Region *region, StoreScope scope, const char *group_arn) {
	guint n = 0;
	g_autofree char *prefix = g_strconcat(group_arn, " ", NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, ELBV2_TARGET, prefix);
	const char *id;
	Value target;
	while (store_iter_next(&iter, &id, &target))
		n++;
	return n;
}

static gboolean add_target(
	Region *region, StoreScope scope, Value group, Value wanted, GError **error) {
	const char *arn = value_get_text(group, "TargetGroupArn");
	const char *address = value_text_or(value_get(wanted, "Id"), "");
	gint64 port = value_get_int(wanted, "Port", value_get_int(group, "Port", 0));
	g_autofree char *zone = check_target(region, scope, group, wanted, error);
	if (!zone)
		return FALSE;
	g_autofree char *id = elbv2_target_id(arn, address, (int)port);
	g_auto(Value) before = store_get(region_store(region), scope, ELBV2_TARGET, id);
	if (!value_is_null(before) && !value_get_bool(before, "Draining"))
		return TRUE;
	if (value_is_null(before) && count_targets(region, scope, arn) >= MOST_TARGETS) {
		wire_error_set(error, "TooManyTargets",
			"The maximum number of targets of a target group is '%d'", MOST_TARGETS);
		return FALSE;
	}
	store_put_take(region_store(region), scope, ELBV2_TARGET, id,
		value_object_take("TargetGroupArn", value_string(arn), "Id", value_string(address),
			"Port", value_int(port), "AvailabilityZone", value_string(zone), "Draining",
			value_bool(FALSE), NULL));
	elbv2_put_health(region, scope, id, "initial", "Elb.RegistrationInProgress",
		"Target registration is in progress");
	return TRUE;
}

static void drain(Region *region, StoreScope scope, const char *id) {
	Value target = store_get(region_store(region), scope, ELBV2_TARGET, id);
	if (value_is_null(target))
		return;
	g_autofree char *balancer =
		elbv2_balancer_of_group(region, scope, value_get_text(target, "TargetGroupArn"));
	if (!region_glass(region) || !balancer) {
		value_unref(target);
		elbv2_forget_target(region, scope, id);
		return;
	}
	store_put_take(region_store(region), scope, ELBV2_TARGET, id,
		value_with_take(target, "Draining", value_bool(TRUE)));
	elbv2_put_health(region, scope, id, "draining", "Target.DeregistrationInProgress",
		"Target deregistration is in progress");
}

Value elbv2_register_targets(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = elbv2_find(
		call, ELBV2_TARGET_GROUP, value_get_text(input, "TargetGroupArn"), error);
	Value targets = value_get(input, "Targets");
	for (gsize i = 0; !value_is_null(group) && i < value_length(targets); i++)
		if (!add_target(call->region, call->scope, group, value_at(targets, i), error))
			return VALUE_NOTHING;
	return VALUE_NOTHING;
}

/* The targets of the group that {Id, Port} means: all ports of the address without one. */
static Value targets_meant(RegionCall *call, Value group, Value wanted) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *prefix = g_strconcat(value_get_text(group, "TargetGroupArn"), " ",
		value_get_text(wanted, "Id"), ":", NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ELBV2_TARGET, prefix);
	const char *id;
	Value target;
	while (store_iter_next(&iter, &id, &target))
		if (!value_has(wanted, "Port") ||
			value_get_int(target, "Port", 0) == value_get_int(wanted, "Port", 0))
			value_builder_add_take(all, value_string(id));
	return value_builder_end(g_steal_pointer(&all));
}

Value elbv2_deregister_targets(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = elbv2_find(
		call, ELBV2_TARGET_GROUP, value_get_text(input, "TargetGroupArn"), error);
	Value targets = value_get(input, "Targets");
	for (gsize i = 0; !value_is_null(group) && i < value_length(targets); i++) {
		g_auto(Value) ids = targets_meant(call, group, value_at(targets, i));
		if (value_length(ids) == 0) {
			wire_error_set(error, "InvalidTarget",
				"The following targets are not registered with the target group: "
				"'%s'",
				value_get_text(value_at(targets, i), "Id"));
			return VALUE_NOTHING;
		}
		for (gsize j = 0; j < value_length(ids); j++)
			drain(call->region, call->scope, value_text(value_at(ids, j)));
	}
	return VALUE_NOTHING;
}

/* ---- health ---- */

/* {State, Reason, Description} of a target, which may be registered or not. */
static Value health_of(Region *region, StoreScope scope, const char *group_arn, const char *id) {
	g_auto(Value) target = store_get(region_store(region), scope, ELBV2_TARGET, id);
	if (value_is_null(target))
		return health("unused", "Target.NotRegistered",
			"Target is not registered to the target group");
	if (!elbv2_group_in_use(region, scope, group_arn))
		return health("unused", "Target.NotInUse",
			"Target group is not configured to receive traffic from the load balancer");
	Value known = store_get(region_store(region), scope, ELBV2_TARGET_HEALTH, id);
	return value_is_null(known) ? health("initial", "Elb.RegistrationInProgress",
					      "Target registration is in progress")
				    : known;
}

static Value description(RegionCall *call, Value group, const char *address, gint64 port) {
	const char *arn = value_get_text(group, "TargetGroupArn");
	const char *check_port = value_get_text(group, "HealthCheckPort");
	g_autofree char *id = elbv2_target_id(arn, address, (int)port);
	g_auto(Value) target = store_get(region_store(call->region), call->scope, ELBV2_TARGET, id);
	Value shown = value_object_take("Id", value_string(address), "Port", value_int(port), NULL);
	if (!value_is_null(target))
		shown = value_with_take(shown, "AvailabilityZone",
			value_ref(value_get(target, "AvailabilityZone")));
	return value_object_take("Target", shown, "HealthCheckPort",
		g_str_equal(check_port, "traffic-port")
			? value_string_printf("%" G_GINT64_FORMAT, port)
			: value_string(check_port),
		"TargetHealth", health_of(call->region, call->scope, arn, id), NULL);
}

Value elbv2_describe_target_health(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = elbv2_find(
		call, ELBV2_TARGET_GROUP, value_get_text(input, "TargetGroupArn"), error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	Value wanted = value_get(input, "Targets");
	gint64 default_port = value_get_int(group, "Port", 0);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(wanted); i++) {
		Value each = value_at(wanted, i);
		value_builder_add_take(
			all, description(call, group, value_text_or(value_get(each, "Id"), ""),
				     value_get_int(each, "Port", default_port)));
	}
	g_autofree char *prefix = g_strconcat(value_get_text(group, "TargetGroupArn"), " ", NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ELBV2_TARGET, prefix);
	const char *id;
	Value target;
	while (value_length(wanted) == 0 && store_iter_next(&iter, &id, &target))
		value_builder_add_take(all, description(call, group, value_get_text(target, "Id"),
						    value_get_int(target, "Port", default_port)));
	return value_object_take(
		"TargetHealthDescriptions", value_builder_end(g_steal_pointer(&all)), NULL);
}

/* ---- for others ---- */

gboolean elbv2_register(Region *region, StoreScope scope, const char *group_arn,
	const char *address, int port, GError **error) {
	g_auto(Value) group = store_get(region_store(region), scope, ELBV2_TARGET_GROUP, group_arn);
	if (value_is_null(group)) {
		wire_error_set(
			error, "TargetGroupNotFound", "Target group '%s' not found", group_arn);
		return FALSE;
	}
	g_auto(Value) target =
		value_object_take("Id", value_string(address), "Port", value_int(port), NULL);
	return add_target(region, scope, group, target, error);
}

void elbv2_deregister(
	Region *region, StoreScope scope, const char *group_arn, const char *address, int port) {
	g_autofree char *id = elbv2_target_id(group_arn, address, port);
	drain(region, scope, id);
}

const char *elbv2_target_state(
	Region *region, StoreScope scope, const char *group_arn, const char *address, int port) {
	g_autofree char *id = elbv2_target_id(group_arn, address, port);
	g_auto(Value) known = health_of(region, scope, group_arn, id);
	return g_intern_string(value_get_text(known, "State"));
}

gboolean elbv2_group_in_use(Region *region, StoreScope scope, const char *group_arn) {
	g_autofree char *balancer = elbv2_balancer_of_group(region, scope, group_arn);
	return balancer != NULL;
}
