/* Target groups of addresses, for HTTP and HTTPS. */
#include <string.h>

#include "base/text.h"
#include "region/services/ec2/ec2.h"
#include "region/services/elbv2/internal.h"

static gboolean fail(GError **error, const char *code, const char *format, ...) G_GNUC_PRINTF(3, 4);
static gboolean fail(GError **error, const char *code, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	wire_error_set(error, code, "%s", message);
	return FALSE;
}

/* ---- checking ---- */

static gboolean is_http(const char *protocol) {
	return g_str_equal(protocol, "HTTP") || g_str_equal(protocol, "HTTPS");
}

static gboolean check_kind(Value input, GError **error) {
	const char *type = value_text_or(value_get(input, "TargetType"), "instance");
	const char *protocol = value_get_text(input, "Protocol");
	const char *version = value_text_or(value_get(input, "ProtocolVersion"), "HTTP1");
	const char *addresses = value_text_or(value_get(input, "IpAddressType"), "ipv4");
	if (!g_str_equal(type, "ip"))
		return fail(error, "InvalidConfigurationRequest",
			"Terrarium does not support target groups of type '%s': use 'ip'.", type);
	if (!protocol || !value_has(input, "Port") || !value_has(input, "VpcId"))
		return fail(error, "ValidationError", "A %s must be specified",
			!protocol		    ? "protocol"
			: !value_has(input, "Port") ? "port"
						    : "VPC ID");
	if (!is_http(protocol))
		return fail(error, "InvalidConfigurationRequest",
			"Terrarium does not support target groups of protocol '%s': use HTTP or "
			"HTTPS.",
			protocol);
	if (!g_str_equal(version, "HTTP1"))
		return fail(error, "InvalidConfigurationRequest",
			"Terrarium does not support the protocol version '%s': use HTTP1.",
			version);
	if (value_has(input, "TargetControlPort"))
		return fail(error, "InvalidConfigurationRequest",
			"Terrarium does not support TargetControlPort.");
	return g_str_equal(addresses, "ipv4") ||
	       fail(error, "InvalidConfigurationRequest",
		       "Terrarium has no IPv6: IpAddressType '%s' is not supported.", addresses);
}

/* "200", "200,202", "200-299", within 200 to 499. */
static gboolean is_matcher(const char *text) {
	return g_regex_match_simple(
		"^[2-4][0-9]{2}(-[2-4][0-9]{2})?(,[2-4][0-9]{2}(-[2-4][0-9]{2})?)*$", text, 0, 0);
}

static gboolean check_health_check(Value group, GError **error) {
	const char *protocol = value_get_text(group, "HealthCheckProtocol");
	const char *path = value_get_text(group, "HealthCheckPath");
	const char *port = value_get_text(group, "HealthCheckPort");
	const char *codes = value_text(value_get_path(group, "Matcher", "HttpCode", NULL));
	if (!is_http(protocol))
		return fail(error, "ValidationError",
			"Health check protocol '%s' must be one of 'HTTP, HTTPS'", protocol);
	if (path[0] != '/')
		return fail(error, "ValidationError",
			"Health check path '%s' must begin with a '/' character", path);
	guint64 number;
	if (!g_str_equal(port, "traffic-port") &&
		!g_ascii_string_to_unsigned(port, 10, 1, 65535, &number, NULL))
		return fail(error, "ValidationError",
			"Health check port '%s' must be between '1' and '65535' or the value "
			"'traffic-port'",
			port);
	if (!is_matcher(codes))
		return fail(error, "ValidationError",
			"Health check matcher HTTP code '%s' must be within '200-499' inclusive",
			codes);
	if (value_get_int(group, "HealthCheckTimeoutSeconds", 0) >
		value_get_int(group, "HealthCheckIntervalSeconds", 0))
		return fail(error, "ValidationError",
			"Health check timeout '%d' must be smaller than or equal to the interval "
			"'%d'",
			(int)value_get_int(group, "HealthCheckTimeoutSeconds", 0),
			(int)value_get_int(group, "HealthCheckIntervalSeconds", 0));
	return value_get_bool(group, "HealthCheckEnabled") ||
	       fail(error, "ValidationError",
		       "Health check enabled must be true for target groups with target type "
		       "'ip'");
}

/* `group` with what `input` has of the health check. Takes the group. */
static Value with_health_check(Value group_taken, Value input, GError **error) {
	static const char *const members[] = {"HealthCheckEnabled", "HealthCheckIntervalSeconds",
		"HealthCheckPath", "HealthCheckPort", "HealthCheckProtocol",
		"HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount"};
	g_auto(Value) group = group_taken;
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(input, members[i]))
			group = value_with_take(value_steal(&group), members[i],
				value_ref(value_get(input, members[i])));
	Value codes = value_get_path(input, "Matcher", "HttpCode", NULL);
	if (!value_is_null(codes))
		group = value_with_take(value_steal(&group), "Matcher",
			value_object_take("HttpCode", value_ref(codes), NULL));
	if (!value_is_null(value_get_path(input, "Matcher", "GrpcCode", NULL))) {
		fail(error, "ValidationError",
			"A GRPC code can only be specified for the protocol version GRPC");
		return VALUE_NOTHING;
	}
	return check_health_check(group, error) ? value_steal(&group) : VALUE_NOTHING;
}

/* ---- answers ---- */

static Value view_take(RegionCall *call, Value group) {
	g_autofree char *balancer = elbv2_balancer_of_group(
		call->region, call->scope, value_get_text(group, "TargetGroupArn"));
	Value arns = balancer ? value_tuple_take(1, value_string(balancer)) : value_empty_tuple();
	return elbv2_view_take(value_with_take(group, "LoadBalancerArns", arns));
}

static Value listed(RegionCall *call, Value group_taken) {
	return value_object_take(
		"TargetGroups", value_tuple_take(1, view_take(call, group_taken)), NULL);
}

static Value find_by_name(RegionCall *call, const char *name) {
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, ELBV2_TARGET_GROUP);
	const char *arn;
	Value group;
	while (store_iter_next(&iter, &arn, &group))
		if (g_strcmp0(value_get_text(group, "TargetGroupName"), name) == 0)
			return value_ref(group);
	return VALUE_NOTHING;
}

/* ---- life ---- */

static Value new_group(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Name");
	g_autofree char *id = text_random_hex(16);
	g_autofree char *arn =
		region_arn(call->scope, "elasticloadbalancing", "targetgroup/%s/%s", name, id);
	Value group = value_object_take("TargetGroupArn", value_string(arn), "TargetGroupName",
		value_string(name), "Protocol", value_ref(value_get(input, "Protocol")), "Port",
		value_ref(value_get(input, "Port")), "VpcId", value_ref(value_get(input, "VpcId")),
		"TargetType", value_string("ip"), "ProtocolVersion", value_string("HTTP1"),
		"IpAddressType", value_string("ipv4"), "HealthCheckEnabled", value_bool(TRUE),
		"HealthCheckProtocol", value_string("HTTP"), "HealthCheckPort",
		value_string("traffic-port"), "HealthCheckPath", value_string("/"),
		"HealthCheckIntervalSeconds", value_int(30), "HealthCheckTimeoutSeconds",
		value_int(5), "HealthyThresholdCount", value_int(5), "UnhealthyThresholdCount",
		value_int(2), "Matcher", value_object_take("HttpCode", value_string("200"), NULL),
		NULL);
	return with_health_check(group, input, error);
}

static gboolean same_group(Value a, Value b) {
	g_auto(Value) first = value_without_take(elbv2_view_take(value_ref(a)), "TargetGroupArn");
	g_auto(Value) second = value_without_take(elbv2_view_take(value_ref(b)), "TargetGroupArn");
	return value_equal(first, second);
}

Value elbv2_create_target_group(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Name");
	if (!elbv2_check_name(name, "Target group", error) || !check_kind(input, error) ||
		!elbv2_tags_check(value_get(input, "Tags"), error))
		return VALUE_NOTHING;
	const char *vpc_id = value_get_text(input, "VpcId");
	g_auto(Value) vpc = ec2_vpc_get(call->region, call->scope, vpc_id);
	if (value_is_null(vpc)) {
		fail(error, "ValidationError", "The VPC ID '%s' is not found", vpc_id);
		return VALUE_NOTHING;
	}
	g_auto(Value) group = new_group(call, input, error);
	g_auto(Value) there = find_by_name(call, name);
	if (value_is_null(group))
		return VALUE_NOTHING;
	if (!value_is_null(there) && same_group(there, group))
		return listed(call, value_steal(&there));
	if (!value_is_null(there)) {
		fail(error, "DuplicateTargetGroupName",
			"A target group with the same name '%s' exists, but with different "
			"settings",
			name);
		return VALUE_NOTHING;
	}
	const char *arn = value_get_text(group, "TargetGroupArn");
	elbv2_put(call, ELBV2_TARGET_GROUP, arn, value_ref(group));
	elbv2_tags_create(call, arn, value_get(input, "Tags"));
	return listed(call, value_steal(&group));
}

static gboolean check_asked(RegionCall *call, Value input, GError **error) {
	Value arns = value_get(input, "TargetGroupArns"), names = value_get(input, "Names");
	const char *balancer_arn = value_get_text(input, "LoadBalancerArn");
	if ((value_length(arns) > 0) + (value_length(names) > 0) + (balancer_arn != NULL) > 1)
		return fail(error, "ValidationError",
			"You can specify only one of target group ARNs, names and a load balancer "
			"ARN");
	if (balancer_arn) {
		g_auto(Value) balancer = elbv2_find(call, ELBV2_LOAD_BALANCER, balancer_arn, error);
		return !value_is_null(balancer);
	}
	for (gsize i = 0; i < value_length(arns); i++) {
		g_auto(Value) group =
			elbv2_find(call, ELBV2_TARGET_GROUP, value_text(value_at(arns, i)), error);
		if (value_is_null(group))
			return FALSE;
	}
	for (gsize i = 0; i < value_length(names); i++) {
		g_auto(Value) group = find_by_name(call, value_text_or(value_at(names, i), ""));
		if (value_is_null(group))
			return fail(error, "TargetGroupNotFound",
				"One or more target groups not found");
	}
	return TRUE;
}

Value elbv2_describe_target_groups(RegionCall *call, Value input, GError **error) {
	Value arns = value_get(input, "TargetGroupArns"), names = value_get(input, "Names");
	const char *wanted = value_get_text(input, "LoadBalancerArn");
	if (!check_asked(call, input, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, ELBV2_TARGET_GROUP);
	const char *arn;
	Value group;
	while (store_iter_next(&iter, &arn, &group)) {
		if ((value_length(arns) > 0 && !elbv2_has_text(arns, arn)) ||
			(value_length(names) > 0 &&
				!elbv2_has_text(names, value_get_text(group, "TargetGroupName"))))
			continue;
		g_auto(Value) view = view_take(call, value_ref(group));
		if (!wanted || elbv2_has_text(value_get(view, "LoadBalancerArns"), wanted))
			value_builder_add_take(all, value_steal(&view));
	}
	return elbv2_page(input, "TargetGroups", value_builder_end(g_steal_pointer(&all)), error);
}

static Value find(RegionCall *call, Value input, GError **error) {
	return elbv2_find(call, ELBV2_TARGET_GROUP, value_get_text(input, "TargetGroupArn"), error);
}

Value elbv2_modify_target_group(RegionCall *call, Value input, GError **error) {
	Value group = find(call, input, error);
	if (!value_is_null(group))
		group = with_health_check(group, input, error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	elbv2_put(call, ELBV2_TARGET_GROUP, value_get_text(input, "TargetGroupArn"),
		value_ref(group));
	return listed(call, group);
}

static void forget_targets(RegionCall *call, const char *group_arn) {
	g_autofree char *prefix = g_strconcat(group_arn, " ", NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ELBV2_TARGET, prefix);
	const char *id;
	Value target;
	while (store_iter_next(&iter, &id, &target))
		elbv2_forget_target(call->region, call->scope, id);
}

Value elbv2_delete_target_group(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "TargetGroupArn");
	g_autoptr(GError) problem = NULL;
	g_auto(Value) group = find(call, input, &problem);
	if (value_is_null(group)) {
		if (!g_str_equal(wire_error_code(problem), "TargetGroupNotFound"))
			g_propagate_error(error, g_steal_pointer(&problem));
		return VALUE_NOTHING;
	}
	if (elbv2_group_in_use(call->region, call->scope, arn)) {
		fail(error, "ResourceInUse",
			"Target group '%s' is currently in use by a listener or a rule", arn);
		return VALUE_NOTHING;
	}
	forget_targets(call, arn);
	elbv2_forget(call, ELBV2_TARGET_GROUP, arn);
	return VALUE_NOTHING;
}

/* ---- attributes ---- */

Value elbv2_describe_target_group_attributes(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = find(call, input, error);
	return value_is_null(group)
		       ? VALUE_NOTHING
		       : value_object_take("Attributes",
				 elbv2_attributes(group, elbv2_group_attributes), NULL);
}

static gboolean check_stickiness(Value group, GError **error) {
	gboolean app = g_str_equal(
		elbv2_attribute(group, elbv2_group_attributes, "stickiness.type"), "app_cookie");
	const char *name =
		elbv2_attribute(group, elbv2_group_attributes, "stickiness.app_cookie.cookie_name");
	const char *enabled = elbv2_attribute(group, elbv2_group_attributes, "stickiness.enabled");
	if (!app || !g_str_equal(enabled, "true") || *name)
		return TRUE;
	return fail(error, "InvalidConfigurationRequest",
		"A cookie name must be specified for stickiness of type 'app_cookie'");
}

Value elbv2_modify_target_group_attributes(RegionCall *call, Value input, GError **error) {
	Value group = find(call, input, error);
	if (!value_is_null(group))
		group = elbv2_with_attributes(group, elbv2_group_attributes,
			value_get(input, "Attributes"), "Target group", error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	if (!check_stickiness(group, error)) {
		value_unref(group);
		return VALUE_NOTHING;
	}
	Value all = elbv2_attributes(group, elbv2_group_attributes);
	elbv2_put(call, ELBV2_TARGET_GROUP, value_get_text(input, "TargetGroupArn"), group);
	return value_object_take("Attributes", all, NULL);
}
