/* Actions and conditions of rules: checked, and completed as the API shows them. */
#include <string.h>

#include "region/services/elbv2/internal.h"

#define MOST_GROUPS 5
#define MOST_VALUES 5

static Value refuse(GError **error, const char *code, const char *format, ...) G_GNUC_PRINTF(3, 4);
static Value refuse(GError **error, const char *code, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	wire_error_set(error, code, "%s", message);
	return VALUE_NOTHING;
}

/* ---- forward ---- */

char *elbv2_balancer_of_group(Region *region, StoreScope scope, const char *group_arn) {
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, ELBV2_RULE);
	const char *arn;
	Value rule;
	while (store_iter_next(&iter, &arn, &rule))
		if (elbv2_forwards_to(value_get(rule, "Actions"), group_arn))
			return elbv2_balancer_of(arn);
	return NULL;
}

gboolean elbv2_forwards_to(Value actions, const char *group_arn) {
	for (gsize i = 0; i < value_length(actions); i++) {
		Value groups =
			value_get_path(value_at(actions, i), "ForwardConfig", "TargetGroups", NULL);
		for (gsize j = 0; j < value_length(groups); j++)
			if (g_strcmp0(value_get_text(value_at(groups, j), "TargetGroupArn"),
				    group_arn) == 0)
				return TRUE;
	}
	return FALSE;
}

static gboolean check_group(RegionCall *call, Value balancer, const char *arn, GError **error) {
	g_auto(Value) group = elbv2_find(call, ELBV2_TARGET_GROUP, arn, error);
	if (value_is_null(group)) {
		if (g_str_equal(wire_error_code(*error), "TargetGroupNotFound")) {
			g_clear_error(error);
			wire_error_set(
				error, "TargetGroupNotFound", "Target group '%s' not found", arn);
		}
		return FALSE;
	}
	if (g_strcmp0(value_get_text(group, "VpcId"), value_get_text(balancer, "VpcId")) != 0) {
		refuse(error, "InvalidConfigurationRequest",
			"The following target groups are in a different VPC than load balancer "
			"'%s': %s",
			value_get_text(balancer, "LoadBalancerArn"), arn);
		return FALSE;
	}
	g_autofree char *used = elbv2_balancer_of_group(call->region, call->scope, arn);
	if (!used || g_str_equal(used, value_get_text(balancer, "LoadBalancerArn")))
		return TRUE;
	refuse(error, "TargetGroupAssociationLimit",
		"The following target groups cannot be associated with more than one load "
		"balancer: %s",
		arn);
	return FALSE;
}

/* The tuples of a forward action, each with its weight; a single group may be named without. */
static Value forward_groups(RegionCall *call, Value balancer, Value action, GError **error) {
	Value given = value_get_path(action, "ForwardConfig", "TargetGroups", NULL);
	const char *single = value_get_text(action, "TargetGroupArn");
	if (value_length(given) == 0 && !single)
		return refuse(error, "ValidationError",
			"A target group ARN must be specified for an action of type 'forward'");
	if (value_length(given) > MOST_GROUPS)
		return refuse(error, "TooManyTargetGroups",
			"The maximum number of target groups of a forward action is '%d'",
			MOST_GROUPS);
	if (single && value_length(given) > 0 &&
		(value_length(given) > 1 ||
			g_strcmp0(value_get_text(value_at(given, 0), "TargetGroupArn"), single) !=
				0))
		return refuse(error, "ValidationError",
			"You must specify either the target group ARN or a forward configuration "
			"that matches it");
	g_autoptr(ValueBuilder) groups = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < MAX(value_length(given), 1); i++) {
		Value each = value_at(given, i);
		const char *arn = value_text_or(value_get(each, "TargetGroupArn"), single);
		gint64 weight = value_get_int(each, "Weight", 1);
		if (!arn || weight < 0 || weight > 999)
			return refuse(error, "ValidationError",
				"A target group's weight must be between 0 and 999");
		if (!check_group(call, balancer, arn, error))
			return VALUE_NOTHING;
		value_builder_add_take(
			groups, value_object_take("TargetGroupArn", value_string(arn), "Weight",
					value_int(weight), NULL));
	}
	return value_builder_end(g_steal_pointer(&groups));
}

static Value forward(RegionCall *call, Value balancer, Value action, GError **error) {
	Value stickiness =
		value_get_path(action, "ForwardConfig", "TargetGroupStickinessConfig", NULL);
	if (value_get_bool(stickiness, "Enabled"))
		return refuse(error, "InvalidConfigurationRequest",
			"Terrarium does not support stickiness between the target groups of a "
			"forward action (TargetGroupStickinessConfig).");
	Value groups = forward_groups(call, balancer, action, error);
	if (value_is_null(groups))
		return VALUE_NOTHING;
	Value first = value_get(value_at(groups, 0), "TargetGroupArn");
	Value shown = value_object_take("Type", value_string("forward"), NULL);
	if (value_length(groups) == 1)
		shown = value_with_take(shown, "TargetGroupArn", value_ref(first));
	return value_with_take(shown, "ForwardConfig",
		value_object_take("TargetGroups", groups, "TargetGroupStickinessConfig",
			value_object_take("Enabled", value_bool(FALSE), NULL), NULL));
}

/* ---- redirect, fixed response ---- */

static Value redirect(Value action, GError **error) {
	static const char *const defaults[][2] = {{"Protocol", "#{protocol}"}, {"Port", "#{port}"},
		{"Host", "#{host}"}, {"Path", "/#{path}"}, {"Query", "#{query}"}};
	Value given = value_get(action, "RedirectConfig");
	if (value_is_null(given))
		return refuse(error, "ValidationError",
			"A redirect configuration must be specified for an action of type "
			"'redirect'");
	gboolean moves = FALSE;
	Value config =
		value_object_take("StatusCode", value_ref(value_get(given, "StatusCode")), NULL);
	for (guint i = 0; i < G_N_ELEMENTS(defaults); i++) {
		const char *text = value_text_or(value_get(given, defaults[i][0]), defaults[i][1]);
		moves |= i < 4 && !g_str_equal(text, defaults[i][1]);
		config = value_with_take(config, defaults[i][0], value_string(text));
	}
	const char *path = value_get_text(config, "Path");
	if (moves && path[0] == '/')
		return value_object_take(
			"Type", value_string("redirect"), "RedirectConfig", config, NULL);
	value_unref(config);
	return refuse(error, "InvalidLoadBalancerAction", "%s",
		moves ? "The redirect configuration's path must begin with '/'"
		      : "The redirect configuration is not valid because it creates a loop.");
}

static Value fixed_response(Value action, GError **error) {
	static const char *const types[] = {"text/plain", "text/css", "text/html",
		"application/javascript", "application/json", NULL};
	Value config = value_get(action, "FixedResponseConfig");
	const char *type = value_get_text(config, "ContentType");
	if (value_is_null(config))
		return refuse(error, "ValidationError",
			"A fixed response configuration must be specified for an action of type "
			"'fixed-response'");
	if (type && *type && !g_strv_contains(types, type))
		return refuse(error, "InvalidLoadBalancerAction",
			"The content type '%s' of a fixed response is not supported", type);
	return value_object_take("Type", value_string("fixed-response"), "FixedResponseConfig",
		value_ref(config), NULL);
}

static Value complete_action(RegionCall *call, Value balancer, Value action, GError **error) {
	const char *type = value_get_text(action, "Type");
	if (g_str_equal(type, "forward"))
		return forward(call, balancer, action, error);
	if (g_str_equal(type, "redirect"))
		return redirect(action, error);
	if (g_str_equal(type, "fixed-response"))
		return fixed_response(action, error);
	return refuse(error, "InvalidLoadBalancerAction",
		"Terrarium does not support actions of type '%s'.", type);
}

Value elbv2_actions(RegionCall *call, Value balancer, Value actions, GError **error) {
	if (value_length(actions) != 1)
		return refuse(error,
			value_length(actions) == 0 ? "ValidationError" : "TooManyActions",
			"An action must be specified: exactly one of 'forward', 'redirect' and "
			"'fixed-response'");
	Value action = value_at(actions, 0);
	Value shown = complete_action(call, balancer, action, error);
	if (value_is_null(shown))
		return VALUE_NOTHING;
	gint64 order = value_to_int(value_get(action, "Order"), 1);
	return value_tuple_take(1, value_with_take(shown, "Order", value_int(order)));
}

/* ---- conditions ---- */

typedef struct {
	const char *field, *config;
	gboolean values; /* the values are shown beside the configuration as well */
	gsize longest;
} Field;

static const Field fields[] = {
	{"host-header", "HostHeaderConfig", TRUE, 128},
	{"http-header", "HttpHeaderConfig", FALSE, 128},
	{"http-request-method", "HttpRequestMethodConfig", FALSE, 40},
	{"path-pattern", "PathPatternConfig", TRUE, 128},
	{"query-string", "QueryStringConfig", FALSE, 128},
	{"source-ip", "SourceIpConfig", FALSE, 64},
};

static const Field *find_field(const char *name) {
	for (guint i = 0; name && i < G_N_ELEMENTS(fields); i++)
		if (g_str_equal(fields[i].field, name))
			return &fields[i];
	return NULL;
}

/* The configuration that a condition has, in the new form or the old one ({Field, Values}). */
static Value condition_config(const Field *field, Value condition) {
	Value config = value_get(condition, field->config);
	Value values = value_get(condition, "Values");
	if (!value_is_null(config))
		return value_ref(config);
	return value_object_take(
		"Values", value_length(values) > 0 ? value_ref(values) : value_empty_tuple(), NULL);
}

static gboolean check_values(const Field *field, Value config, GError **error) {
	Value values = value_get(config, "Values");
	if (value_has(config, "RegexValues")) {
		refuse(error, "InvalidConfigurationRequest",
			"Terrarium does not support regular expressions in conditions "
			"(RegexValues).");
		return FALSE;
	}
	if (value_length(values) == 0) {
		refuse(error, "ValidationError", "A condition value must be specified");
		return FALSE;
	}
	gboolean header = g_str_equal(field->field, "http-header");
	if (header && !*value_text_or(value_get(config, "HttpHeaderName"), "")) {
		refuse(error, "ValidationError",
			"A header name must be specified for a condition of type 'http-header'");
		return FALSE;
	}
	for (gsize i = 0; i < value_length(values); i++) {
		Value each = value_at(values, i);
		const char *text =
			value_text_or(value_is_mapping(each) ? value_get(each, "Value") : each, "");
		if (*text && strlen(text) <= field->longest)
			continue;
		refuse(error, "ValidationError", "Condition value '%s' is not valid for '%s'", text,
			field->field);
		return FALSE;
	}
	return TRUE;
}

static Value complete_condition(Value condition, GError **error) {
	const char *name = value_get_text(condition, "Field");
	const Field *field = find_field(name);
	if (!field)
		return refuse(error, "ValidationError",
			"Condition field '%s' must be one of '[path-pattern, host-header, "
			"http-header, "
			"http-request-method, query-string, source-ip]'",
			name ? name : "");
	if (value_has(condition, "RegexValues"))
		return refuse(error, "InvalidConfigurationRequest",
			"Terrarium does not support regular expressions in conditions "
			"(RegexValues).");
	Value config = condition_config(field, condition);
	if (!check_values(field, config, error)) {
		value_unref(config);
		return VALUE_NOTHING;
	}
	Value shown = value_object_take("Field", value_string(name), NULL);
	if (field->values)
		shown = value_with_take(shown, "Values", value_ref(value_get(config, "Values")));
	return value_with_take(shown, field->config, config);
}

/* Paths, hosts and methods may be asked for once, as one value each would never match another. */
static gboolean check_once(Value conditions, GError **error) {
	static const char *const once[] = {
		"path-pattern", "host-header", "http-request-method", "source-ip"};
	for (guint i = 0; i < G_N_ELEMENTS(once); i++) {
		guint n = 0;
		for (gsize j = 0; j < value_length(conditions); j++)
			n += g_strcmp0(value_get_text(value_at(conditions, j), "Field"), once[i]) ==
			     0;
		if (n > 1) {
			refuse(error, "ValidationError", "A rule can only have one '%s' condition",
				once[i]);
			return FALSE;
		}
	}
	return TRUE;
}

Value elbv2_conditions(Value conditions, GError **error) {
	gsize values = 0;
	if (value_length(conditions) == 0)
		return refuse(error, "ValidationError", "A condition must be specified");
	if (!check_once(conditions, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(conditions); i++) {
		Value shown = complete_condition(value_at(conditions, i), error);
		if (value_is_null(shown))
			return VALUE_NOTHING;
		const Field *field = find_field(value_get_text(shown, "Field"));
		values += value_length(value_get_path(shown, field->config, "Values", NULL));
		value_builder_add_take(all, shown);
	}
	if (values > MOST_VALUES)
		return refuse(error, "ValidationError",
			"A rule can have at most '%d' condition values", MOST_VALUES);
	return value_builder_end(g_steal_pointer(&all));
}
