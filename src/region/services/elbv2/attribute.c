/* Attributes of balancers, listeners and target groups: texts by key, with AWS's defaults. */
#include <string.h>

#include "region/services/elbv2/internal.h"

#define BOOL "^(true|false)$"
#define S3 "log files in S3 are not written"

const Elbv2Attribute elbv2_balancer_attributes[] = {
	{"access_logs.s3.bucket", ""},
	{"access_logs.s3.enabled", "false", "^false$", S3},
	{"access_logs.s3.prefix", ""},
	{"client_keep_alive.seconds", "3600", "^3600$", "the duration of connections is fixed"},
	{"connection_logs.s3.bucket", ""},
	{"connection_logs.s3.enabled", "false", "^false$", S3},
	{"connection_logs.s3.prefix", ""},
	{"deletion_protection.enabled", "false", BOOL},
	{"health_check_logs.s3.bucket", ""},
	{"health_check_logs.s3.enabled", "false", "^false$", S3},
	{"health_check_logs.s3.prefix", ""},
	{"idle_timeout.timeout_seconds", "60", "^[1-9][0-9]{0,2}$|^[1-3][0-9]{3}$|^4000$"},
	{"ipv6.deny_all_igw_traffic", "false", BOOL},
	{"load_balancing.cross_zone.enabled", "true", "^true$",
		"an Application Load Balancer balances over all zones"},
	{"routing.http.desync_mitigation_mode", "defensive", "^defensive$",
		"there is no other desync mitigation mode"},
	{"routing.http.drop_invalid_header_fields.enabled", "false", BOOL},
	{"routing.http.preserve_host_header.enabled", "false", BOOL},
	{"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", "^false$",
		"there are no TLS listeners"},
	{"routing.http.xff_client_port.enabled", "false", "^false$",
		"X-Forwarded-For is without ports"},
	{"routing.http.xff_header_processing.mode", "append", "^(append|preserve|remove)$"},
	{"routing.http2.enabled", "true", BOOL},
	{"waf.fail_open.enabled", "false", BOOL},
	{"zonal_shift.config.enabled", "false", "^false$", "there is no zonal shift"},
	{NULL},
};

const Elbv2Attribute elbv2_group_attributes[] = {
	{"deregistration_delay.timeout_seconds", "300",
		"^[0-9]{1,3}$|^[12][0-9]{3}$|^3[0-5][0-9]{2}$|^3600$"},
	{"load_balancing.algorithm.anomaly_mitigation", "off", "^off$",
		"there is no anomaly mitigation"},
	{"load_balancing.algorithm.type", "round_robin",
		"^(round_robin|least_outstanding_requests)$",
		"weighted random routing is not implemented"},
	{"load_balancing.cross_zone.enabled", "use_load_balancer_configuration",
		"^(use_load_balancer_configuration|true)$",
		"targets of all zones are balanced over"},
	{"slow_start.duration_seconds", "0", "^0$|^[3-9][0-9]$|^[1-8][0-9]{2}$|^900$"},
	{"stickiness.app_cookie.cookie_name", ""},
	{"stickiness.app_cookie.duration_seconds", "86400", "^[1-9][0-9]{0,5}$"},
	{"stickiness.enabled", "false", BOOL},
	{"stickiness.lb_cookie.duration_seconds", "86400", "^[1-9][0-9]{0,5}$"},
	{"stickiness.type", "lb_cookie", "^(lb_cookie|app_cookie)$"},
	{"target_group_health.dns_failover.minimum_healthy_targets.count", "1", "^(1|off)$",
		"DNS failover between zones is not implemented"},
	{"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", "^off$",
		"DNS failover between zones is not implemented"},
	{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", "^1$",
		"requests go to unhealthy targets when no target is healthy"},
	{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off",
		"^off$", "requests go to unhealthy targets when no target is healthy"},
	{NULL},
};

#define FIXED_HEADER "^$", "headers of listeners are not changed"

const Elbv2Attribute elbv2_listener_attributes[] = {
	{"routing.http.response.access_control_allow_credentials.header_value", "", FIXED_HEADER},
	{"routing.http.response.access_control_allow_headers.header_value", "", FIXED_HEADER},
	{"routing.http.response.access_control_allow_methods.header_value", "", FIXED_HEADER},
	{"routing.http.response.access_control_allow_origin.header_value", "", FIXED_HEADER},
	{"routing.http.response.access_control_expose_headers.header_value", "", FIXED_HEADER},
	{"routing.http.response.access_control_max_age.header_value", "", FIXED_HEADER},
	{"routing.http.response.content_security_policy.header_value", "", FIXED_HEADER},
	{"routing.http.response.server.enabled", "true", "^true$",
		"headers of listeners are not changed"},
	{"routing.http.response.strict_transport_security.header_value", "", FIXED_HEADER},
	{"routing.http.response.x_content_type_options.header_value", "", FIXED_HEADER},
	{"routing.http.response.x_frame_options.header_value", "", FIXED_HEADER},
	{NULL},
};

static const Elbv2Attribute *find(const Elbv2Attribute *known, const char *key) {
	for (; known->key; known++)
		if (g_str_equal(known->key, key))
			return known;
	return NULL;
}

const char *elbv2_attribute(Value object, const Elbv2Attribute *known, const char *key) {
	const Elbv2Attribute *attribute = find(known, key);
	g_return_val_if_fail(attribute != NULL, "");
	Value set = value_get_path(object, ELBV2_INTERNAL, "Attributes", NULL);
	return value_text_or(value_get(set, key), attribute->value);
}

Value elbv2_attributes(Value object, const Elbv2Attribute *known) {
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	for (const Elbv2Attribute *each = known; each->key; each++)
		value_builder_add_take(list,
			value_object_take("Key", value_string(each->key), "Value",
				value_string(elbv2_attribute(object, known, each->key)), NULL));
	return value_builder_end(g_steal_pointer(&list));
}

static gboolean check(const Elbv2Attribute *known, const char *key, const char *value,
	const char *what, GError **error) {
	const Elbv2Attribute *attribute = find(known, key);
	if (!attribute) {
		wire_error_set(error, "ValidationError", "%s attribute key '%s' is not recognized",
			what, key);
		return FALSE;
	}
	if (!attribute->pattern || g_regex_match_simple(attribute->pattern, value, 0, 0))
		return TRUE;
	if (attribute->refusal)
		wire_error_set(error, "InvalidConfigurationRequest",
			"Terrarium does not support the value '%s' of the attribute '%s': %s.",
			value, key, attribute->refusal);
	else
		wire_error_set(error, "ValidationError",
			"'%s' is not a valid value for the attribute '%s'", value, key);
	return FALSE;
}

Value elbv2_with_attributes(Value object_taken, const Elbv2Attribute *known, Value list,
	const char *what, GError **error) {
	g_auto(Value) object = object_taken;
	Value before = value_get_path(object, ELBV2_INTERNAL, "Attributes", NULL);
	g_auto(Value) set = value_is_null(before) ? value_empty_object() : value_ref(before);
	for (gsize i = 0; i < value_length(list); i++) {
		const char *key = value_text_or(value_get(value_at(list, i), "Key"), "");
		const char *value = value_text_or(value_get(value_at(list, i), "Value"), "");
		if (!check(known, key, value, what, error))
			return VALUE_NOTHING;
		set = value_with_take(value_steal(&set), key, value_string(value));
	}
	return elbv2_with_internal(value_steal(&object), "Attributes", value_steal(&set));
}
