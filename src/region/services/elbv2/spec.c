/* A balancer of the store as the glass wants it: see glass/balancer.h. */
#include <stdlib.h>
#include <string.h>

#include "region/services/ec2/ec2.h"
#include "region/services/elbv2/internal.h"

/* ---- actions ---- */

static BalancerAction *make_forward(Value config) {
	BalancerAction *action = balancer_action_new(BALANCER_FORWARD);
	Value groups = value_get(config, "TargetGroups");
	for (gsize i = 0; i < value_length(groups); i++) {
		Value each = value_at(groups, i);
		balancer_action_forward(action, elbv2_id(value_get_text(each, "TargetGroupArn")),
			(int)value_get_int(each, "Weight", 1));
	}
	return action;
}

static BalancerAction *make_redirect(Value config) {
	BalancerAction *action = balancer_action_new(BALANCER_REDIRECT);
	action->protocol = g_strdup(value_get_text(config, "Protocol"));
	action->host = g_strdup(value_get_text(config, "Host"));
	action->port = g_strdup(value_get_text(config, "Port"));
	action->path = g_strdup(value_get_text(config, "Path"));
	action->query = g_strdup(value_get_text(config, "Query"));
	action->status =
		g_strcmp0(value_get_text(config, "StatusCode"), "HTTP_301") == 0 ? 301 : 302;
	return action;
}

static BalancerAction *make_fixed(Value config) {
	BalancerAction *action = balancer_action_new(BALANCER_FIXED_RESPONSE);
	action->status = atoi(value_text_or(value_get(config, "StatusCode"), "503"));
	action->content_type = g_strdup(value_get_text(config, "ContentType"));
	action->body = g_strdup(value_get_text(config, "MessageBody"));
	return action;
}

static BalancerAction *make_action(Value actions) {
	Value action = value_at(actions, 0);
	if (value_has(action, "RedirectConfig"))
		return make_redirect(value_get(action, "RedirectConfig"));
	if (value_has(action, "FixedResponseConfig"))
		return make_fixed(value_get(action, "FixedResponseConfig"));
	return make_forward(value_get(action, "ForwardConfig"));
}

/* ---- conditions ---- */

static void add_condition(BalancerRule *rule, Value condition) {
	static const struct {
		const char *config;
		BalancerConditionKind kind;
	} kinds[] = {{"PathPatternConfig", BALANCER_IF_PATH},
		{"HostHeaderConfig", BALANCER_IF_HOST}, {"HttpHeaderConfig", BALANCER_IF_HEADER},
		{"HttpRequestMethodConfig", BALANCER_IF_METHOD},
		{"QueryStringConfig", BALANCER_IF_QUERY},
		{"SourceIpConfig", BALANCER_IF_SOURCE_IP}};
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		Value config = value_get(condition, kinds[i].config);
		Value values = value_get(config, "Values");
		if (value_is_null(config))
			continue;
		g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
		for (gsize j = 0; j < value_length(values); j++) {
			Value each = value_at(values, j);
			const char *key = value_get_text(each, "Key");
			const char *value = value_text_or(
				value_is_mapping(each) ? value_get(each, "Value") : each, "");
			g_autofree char *text =
				key ? g_strdup_printf("%s=%s", key, value) : g_strdup(value);
			g_strv_builder_add(texts, text);
		}
		g_auto(GStrv) all = g_strv_builder_end(texts);
		balancer_rule_condition(rule, kinds[i].kind,
			value_get_text(config, "HttpHeaderName"), (const char *const *)all);
	}
}

/* ---- groups ---- */

static gint64 attribute_number(Value object, const Elbv2Attribute *known, const char *key) {
	return g_ascii_strtoll(elbv2_attribute(object, known, key), NULL, 10);
}

static gboolean is_on(Value object, const Elbv2Attribute *known, const char *key) {
	return g_str_equal(elbv2_attribute(object, known, key), "true");
}

static void fill_check(BalancerHealthCheck *check, Value group) {
	const char *port = value_get_text(group, "HealthCheckPort");
	check->enabled = value_get_bool(group, "HealthCheckEnabled");
	check->https = g_strcmp0(value_get_text(group, "HealthCheckProtocol"), "HTTPS") == 0;
	check->port = g_str_equal(port, "traffic-port") ? 0 : atoi(port);
	check->path = g_strdup(value_get_text(group, "HealthCheckPath"));
	check->matcher = g_strdup(value_text(value_get_path(group, "Matcher", "HttpCode", NULL)));
	check->interval = (int)value_get_int(group, "HealthCheckIntervalSeconds", 30);
	check->timeout = (int)value_get_int(group, "HealthCheckTimeoutSeconds", 5);
	check->healthy_threshold = (int)value_get_int(group, "HealthyThresholdCount", 5);
	check->unhealthy_threshold = (int)value_get_int(group, "UnhealthyThresholdCount", 2);
}

static void add_group(BalancerSpec *spec, Value group) {
	const Elbv2Attribute *known = elbv2_group_attributes;
	BalancerGroup *made =
		balancer_spec_group(spec, elbv2_id(value_get_text(group, "TargetGroupArn")));
	gboolean app = g_str_equal(elbv2_attribute(group, known, "stickiness.type"), "app_cookie");
	made->https = g_strcmp0(value_get_text(group, "Protocol"), "HTTPS") == 0;
	made->least_outstanding =
		g_str_equal(elbv2_attribute(group, known, "load_balancing.algorithm.type"),
			"least_outstanding_requests");
	made->deregistration_delay =
		(int)attribute_number(group, known, "deregistration_delay.timeout_seconds");
	made->slow_start = (int)attribute_number(group, known, "slow_start.duration_seconds");
	fill_check(&made->check, group);
	if (!is_on(group, known, "stickiness.enabled"))
		return;
	made->stickiness = (int)attribute_number(group, known,
		app ? "stickiness.app_cookie.duration_seconds"
		    : "stickiness.lb_cookie.duration_seconds");
	if (app)
		made->cookie = g_strdup(
			elbv2_attribute(group, known, "stickiness.app_cookie.cookie_name"));
}

static gboolean has_group(const BalancerSpec *spec, const char *id) {
	for (guint i = 0; i < spec->groups->len; i++)
		if (g_str_equal(((const BalancerGroup *)spec->groups->pdata[i])->id, id))
			return TRUE;
	return FALSE;
}

static void add_groups(Region *region, StoreScope scope, BalancerSpec *spec, Value actions) {
	Value groups = value_get_path(value_at(actions, 0), "ForwardConfig", "TargetGroups", NULL);
	for (gsize i = 0; i < value_length(groups); i++) {
		const char *arn = value_get_text(value_at(groups, i), "TargetGroupArn");
		g_auto(Value) group =
			store_get(region_store(region), scope, ELBV2_TARGET_GROUP, arn);
		if (!value_is_null(group) && !has_group(spec, elbv2_id(arn)))
			add_group(spec, group);
	}
}

/* ---- listeners ---- */

static void add_listener(Region *region, StoreScope scope, BalancerSpec *spec, Value listener) {
	const char *arn = value_get_text(listener, "ListenerArn");
	int port = elbv2_published_port(region, scope, arn);
	BalancerListener *made = balancer_spec_listener(
		spec, elbv2_id(arn), (int)value_get_int(listener, "Port", 80));
	made->published_fd = port ? elbv2_published_fd(region, port) : -1;
	made->published_port = made->published_fd >= 0 ? port : 0;
	g_auto(Value) rules = elbv2_rules(region, scope, arn);
	for (gsize i = 0; i < value_length(rules); i++) {
		Value rule = value_at(rules, i), actions = value_get(rule, "Actions");
		add_groups(region, scope, spec, actions);
		if (value_get_bool(rule, "IsDefault")) {
			made->default_action = make_action(actions);
			continue;
		}
		BalancerRule *added = balancer_listener_rule(made);
		Value conditions = value_get(rule, "Conditions");
		for (gsize j = 0; j < value_length(conditions); j++)
			add_condition(added, value_at(conditions, j));
		added->action = make_action(actions);
	}
}

/* ---- the whole ---- */

static void add_addresses(Region *region, StoreScope scope, BalancerSpec *spec, Value interfaces) {
	g_autoptr(GStrvBuilder) addresses = g_strv_builder_new();
	for (gsize i = 0; i < value_length(interfaces); i++) {
		g_auto(Value) interface = ec2_interface_get(
			region, scope, value_get_text(value_at(interfaces, i), "InterfaceId"));
		const char *address = value_get_text(interface, "PrivateIpAddress");
		if (address)
			g_strv_builder_add(addresses, address);
	}
	spec->addresses = g_strv_builder_end(addresses);
}

BalancerSpec *elbv2_spec(Region *region, StoreScope scope, Value balancer) {
	const Elbv2Attribute *known = elbv2_balancer_attributes;
	const char *arn = value_get_text(balancer, "LoadBalancerArn");
	Value interfaces = value_get_path(balancer, ELBV2_INTERNAL, "Interfaces", NULL);
	const char *owner = value_get_text(value_at(interfaces, 0), "InterfaceId");
	BalancerSpec *spec = balancer_spec_new(elbv2_id(arn), owner);
	const char *forwarded =
		elbv2_attribute(balancer, known, "routing.http.xff_header_processing.mode");
	add_addresses(region, scope, spec, interfaces);
	spec->idle_timeout = (int)attribute_number(balancer, known, "idle_timeout.timeout_seconds");
	spec->preserve_host = is_on(balancer, known, "routing.http.preserve_host_header.enabled");
	spec->drop_invalid_headers =
		is_on(balancer, known, "routing.http.drop_invalid_header_fields.enabled");
	spec->xff_remove = g_str_equal(forwarded, "remove");
	spec->xff_preserve = g_str_equal(forwarded, "preserve");
	g_autofree char *prefix = elbv2_listener_prefix(arn);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, ELBV2_LISTENER, prefix);
	const char *id;
	Value listener;
	while (store_iter_next(&iter, &id, &listener))
		add_listener(region, scope, spec, listener);
	return spec;
}
