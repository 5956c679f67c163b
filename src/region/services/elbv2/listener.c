/* Listeners of balancers. Their default actions are kept as the default rule, too. */
#include <string.h>

#include "base/text.h"
#include "region/services/elbv2/internal.h"

#define MOST_LISTENERS 50

static gboolean check_protocol(Value input, GError **error) {
	const char *protocol = value_get_text(input, "Protocol");
	if (protocol && g_str_equal(protocol, "HTTPS")) {
		wire_error_set(error, "UnsupportedProtocol",
			"Terrarium does not support HTTPS listeners: there are no certificates. "
			"Use "
			"HTTP.");
		return FALSE;
	}
	if (protocol && !g_str_equal(protocol, "HTTP")) {
		wire_error_set(error, "ValidationError",
			"Protocol '%s' must be one of 'HTTP, HTTPS'", protocol);
		return FALSE;
	}
	static const char *const tls[] = {"Certificates", "SslPolicy", "AlpnPolicy"};
	for (guint i = 0; i < G_N_ELEMENTS(tls); i++) {
		if (value_is_null(value_get(input, tls[i])) ||
			(value_is_sequence(value_get(input, tls[i])) &&
				value_length(value_get(input, tls[i])) == 0))
			continue;
		wire_error_set(error, "InvalidConfigurationRequest",
			"%s cannot be specified for an HTTP listener", tls[i]);
		return FALSE;
	}
	const char *mode = value_text(value_get_path(input, "MutualAuthentication", "Mode", NULL));
	if (!mode || g_str_equal(mode, "off"))
		return TRUE;
	wire_error_set(error, "InvalidConfigurationRequest",
		"MutualAuthentication cannot be specified for an HTTP listener");
	return FALSE;
}

/* The listener of a balancer on a port, or VALUE_NOTHING; *count gets how many it has. */
static Value listener_on(RegionCall *call, const char *balancer, gint64 port, guint *count) {
	g_autofree char *prefix = elbv2_listener_prefix(balancer);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ELBV2_LISTENER, prefix);
	Value found = VALUE_NOTHING;
	const char *arn;
	Value listener;
	*count = 0;
	while (store_iter_next(&iter, &arn, &listener)) {
		++*count;
		if (value_get_int(listener, "Port", 0) == port)
			found = value_ref(listener);
	}
	return found;
}

static Value listed(Value listener_taken) {
	return value_object_take(
		"Listeners", value_tuple_take(1, elbv2_view_take(listener_taken)), NULL);
}

/* Nothing stands in the way of a new listener; or *existing is the very same. */
static gboolean may_create(RegionCall *call, Value balancer, Value input, Value actions,
	Value *existing, GError **error) {
	guint count;
	gint64 port = value_get_int(input, "Port", 0);
	const char *arn = value_get_text(balancer, "LoadBalancerArn");
	*existing = listener_on(call, arn, port, &count);
	if (!value_is_null(*existing)) {
		if (value_equal(value_get(*existing, "DefaultActions"), actions))
			return TRUE;
		value_clear(existing);
		wire_error_set(error, "DuplicateListener",
			"A listener already exists on this port for this load balancer '%s'", arn);
		return FALSE;
	}
	if (count < MOST_LISTENERS)
		return TRUE;
	wire_error_set(error, "TooManyListeners",
		"The maximum number of listeners of a load balancer is '%d'", MOST_LISTENERS);
	return FALSE;
}

Value elbv2_create_listener(RegionCall *call, Value input, GError **error) {
	const char *balancer_arn = value_get_text(input, "LoadBalancerArn");
	g_auto(Value) balancer = elbv2_find(call, ELBV2_LOAD_BALANCER, balancer_arn, error);
	if (value_is_null(balancer) || !check_protocol(input, error) ||
		!elbv2_tags_check(value_get(input, "Tags"), error))
		return VALUE_NOTHING;
	if (!value_has(input, "Protocol") || !value_has(input, "Port")) {
		wire_error_set(error, "ValidationError", "A %s must be specified",
			value_has(input, "Port") ? "protocol" : "port");
		return VALUE_NOTHING;
	}
	g_auto(Value) actions =
		elbv2_actions(call, balancer, value_get(input, "DefaultActions"), error);
	Value existing = VALUE_NOTHING;
	if (value_is_null(actions) || !may_create(call, balancer, input, actions, &existing, error))
		return VALUE_NOTHING;
	if (!value_is_null(existing))
		return listed(existing);
	g_autofree char *prefix = elbv2_listener_prefix(balancer_arn);
	g_autofree char *id = text_random_hex(16), *arn = g_strconcat(prefix, id, NULL);
	Value listener = value_object_take("ListenerArn", value_string(arn), "LoadBalancerArn",
		value_string(balancer_arn), "Port", value_ref(value_get(input, "Port")), "Protocol",
		value_string("HTTP"), "DefaultActions", value_ref(actions), NULL);
	elbv2_put(call, ELBV2_LISTENER, arn, value_ref(listener));
	elbv2_put_default_rule(call, arn, actions);
	elbv2_tags_create(call, arn, value_get(input, "Tags"));
	elbv2_publish_listeners(call->region, call->scope, balancer_arn);
	return listed(listener);
}

static Value listeners_by_arn(RegionCall *call, Value arns, GError **error) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(arns); i++) {
		Value listener =
			elbv2_find(call, ELBV2_LISTENER, value_text(value_at(arns, i)), error);
		if (value_is_null(listener))
			return VALUE_NOTHING;
		value_builder_add_take(all, elbv2_view_take(listener));
	}
	return value_builder_end(g_steal_pointer(&all));
}

Value elbv2_describe_listeners(RegionCall *call, Value input, GError **error) {
	Value arns = value_get(input, "ListenerArns");
	const char *balancer_arn = value_get_text(input, "LoadBalancerArn");
	if (!balancer_arn && value_length(arns) == 0) {
		wire_error_set(error, "ValidationError",
			"You must specify either listener ARNs or a load balancer ARN");
		return VALUE_NOTHING;
	}
	if (!balancer_arn) {
		Value items = listeners_by_arn(call, arns, error);
		return value_is_null(items) ? VALUE_NOTHING
					    : elbv2_page(input, "Listeners", items, error);
	}
	g_auto(Value) balancer = elbv2_find(call, ELBV2_LOAD_BALANCER, balancer_arn, error);
	if (value_is_null(balancer))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *prefix = elbv2_listener_prefix(balancer_arn);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ELBV2_LISTENER, prefix);
	const char *arn;
	Value listener;
	while (store_iter_next(&iter, &arn, &listener))
		if (value_length(arns) == 0 || elbv2_has_text(arns, arn))
			value_builder_add_take(all, elbv2_view_take(value_ref(listener)));
	return elbv2_page(input, "Listeners", value_builder_end(g_steal_pointer(&all)), error);
}

static gboolean check_port(RegionCall *call, Value listener, gint64 port, GError **error) {
	guint count;
	g_auto(Value) other =
		listener_on(call, value_get_text(listener, "LoadBalancerArn"), port, &count);
	if (value_is_null(other) || g_str_equal(value_get_text(other, "ListenerArn"),
					    value_get_text(listener, "ListenerArn")))
		return TRUE;
	wire_error_set(error, "DuplicateListener",
		"A listener already exists on this port for this load balancer '%s'",
		value_get_text(listener, "LoadBalancerArn"));
	return FALSE;
}

Value elbv2_modify_listener(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "ListenerArn");
	g_auto(Value) listener = elbv2_find(call, ELBV2_LISTENER, arn, error);
	if (value_is_null(listener) || !check_protocol(input, error))
		return VALUE_NOTHING;
	gint64 port = value_get_int(input, "Port", value_get_int(listener, "Port", 0));
	if (!check_port(call, listener, port, error))
		return VALUE_NOTHING;
	listener = value_with_take(value_steal(&listener), "Port", value_int(port));
	g_autofree char *balancer_arn = elbv2_balancer_of(arn);
	if (value_has(input, "DefaultActions")) {
		g_auto(Value) balancer = elbv2_find(call, ELBV2_LOAD_BALANCER, balancer_arn, error);
		Value actions = value_is_null(balancer)
					? VALUE_NOTHING
					: elbv2_actions(call, balancer,
						  value_get(input, "DefaultActions"), error);
		if (value_is_null(actions))
			return VALUE_NOTHING;
		elbv2_put_default_rule(call, arn, actions);
		listener = value_with_take(value_steal(&listener), "DefaultActions", actions);
	}
	elbv2_put(call, ELBV2_LISTENER, arn, value_ref(listener));
	elbv2_publish_listeners(call->region, call->scope, balancer_arn);
	return listed(value_steal(&listener));
}

void elbv2_forget_listener(RegionCall *call, const char *listener_arn) {
	g_autofree char *prefix = elbv2_rule_prefix(listener_arn);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ELBV2_RULE, prefix);
	const char *arn;
	Value rule;
	while (store_iter_next(&iter, &arn, &rule))
		elbv2_forget(call, ELBV2_RULE, arn);
	elbv2_forget(call, ELBV2_LISTENER, listener_arn);
}

Value elbv2_delete_listener(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "ListenerArn");
	g_auto(Value) listener = elbv2_find(call, ELBV2_LISTENER, arn, error);
	if (value_is_null(listener))
		return VALUE_NOTHING;
	elbv2_forget_listener(call, arn);
	elbv2_publish_listeners(
		call->region, call->scope, value_get_text(listener, "LoadBalancerArn"));
	return VALUE_NOTHING;
}

Value elbv2_describe_listener_attributes(RegionCall *call, Value input, GError **error) {
	g_auto(Value) listener =
		elbv2_find(call, ELBV2_LISTENER, value_get_text(input, "ListenerArn"), error);
	return value_is_null(listener)
		       ? VALUE_NOTHING
		       : value_object_take("Attributes",
				 elbv2_attributes(listener, elbv2_listener_attributes), NULL);
}

Value elbv2_modify_listener_attributes(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "ListenerArn");
	Value listener = elbv2_find(call, ELBV2_LISTENER, arn, error);
	if (value_is_null(listener))
		return VALUE_NOTHING;
	listener = elbv2_with_attributes(listener, elbv2_listener_attributes,
		value_get(input, "Attributes"), "Listener", error);
	if (value_is_null(listener))
		return VALUE_NOTHING;
	Value all = elbv2_attributes(listener, elbv2_listener_attributes);
	elbv2_put(call, ELBV2_LISTENER, arn, listener);
	return value_object_take("Attributes", all, NULL);
}

Value elbv2_describe_listener_certificates(RegionCall *call, Value input, GError **error) {
	g_auto(Value) listener =
		elbv2_find(call, ELBV2_LISTENER, value_get_text(input, "ListenerArn"), error);
	return value_is_null(listener)
		       ? VALUE_NOTHING
		       : elbv2_page(input, "Certificates", value_empty_tuple(), error);
}
