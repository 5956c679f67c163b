/* Rules of listeners, in order of their priorities; the default one comes last. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "region/services/elbv2/internal.h"

#define MOST_RULES 100
#define DEFAULT "default"

static gboolean is_default(Value rule) {
	return value_get_bool(rule, "IsDefault");
}

static gint64 priority_of(Value rule) {
	return is_default(rule) ? G_MAXINT64
				: g_ascii_strtoll(value_get_text(rule, "Priority"), NULL, 10);
}

static int compare(gconstpointer a, gconstpointer b) {
	gint64 first = priority_of(*(const Value *)a), second = priority_of(*(const Value *)b);
	return first < second ? -1 : first > second;
}

Value elbv2_rules(Region *region, StoreScope scope, const char *listener_arn) {
	g_autoptr(GArray) rules = g_array_new(FALSE, FALSE, sizeof(Value));
	g_autofree char *prefix = elbv2_rule_prefix(listener_arn);
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, ELBV2_RULE, prefix);
	const char *arn;
	Value rule;
	while (store_iter_next(&iter, &arn, &rule)) {
		Value own = value_ref(rule);
		g_array_append_val(rules, own);
	}
	g_array_sort(rules, compare);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < rules->len; i++)
		value_builder_add_take(all, g_array_index(rules, Value, i));
	return value_builder_end(g_steal_pointer(&all));
}

void elbv2_put_default_rule(RegionCall *call, const char *listener_arn, Value actions) {
	g_auto(Value) rules = elbv2_rules(call->region, call->scope, listener_arn);
	Value last = value_at(rules, MAX(value_length(rules), 1) - 1);
	if (!value_is_null(last)) {
		elbv2_put(call, ELBV2_RULE, value_get_text(last, "RuleArn"),
			value_with_take(value_ref(last), "Actions", value_ref(actions)));
		return;
	}
	g_autofree char *prefix = elbv2_rule_prefix(listener_arn), *id = text_random_hex(16);
	g_autofree char *arn = g_strconcat(prefix, id, NULL);
	elbv2_put(call, ELBV2_RULE, arn,
		value_object_take("RuleArn", value_string(arn), "Priority", value_string(DEFAULT),
			"Conditions", value_empty_tuple(), "Actions", value_ref(actions),
			"IsDefault", value_bool(TRUE), NULL));
}

static Value listed(Value rule_taken) {
	return value_object_take("Rules", value_tuple_take(1, elbv2_view_take(rule_taken)), NULL);
}

static gboolean refuse_transforms(Value input, GError **error) {
	if (value_length(value_get(input, "Transforms")) == 0)
		return FALSE;
	wire_error_set(error, "InvalidConfigurationRequest",
		"Terrarium does not support transforms of rules (Transforms).");
	return TRUE;
}

static gboolean check_priority(Value rules, gint64 priority, GError **error) {
	if (value_length(rules) > MOST_RULES) {
		wire_error_set(
			error, "TooManyRules", "The maximum number of rules is '%d'", MOST_RULES);
		return FALSE;
	}
	for (gsize i = 0; i < value_length(rules); i++) {
		if (priority_of(value_at(rules, i)) != priority)
			continue;
		wire_error_set(error, "PriorityInUse",
			"Priority '%" G_GINT64_FORMAT "' is currently in use", priority);
		return FALSE;
	}
	return TRUE;
}

static Value balancer_of_listener(RegionCall *call, const char *listener_arn, GError **error) {
	g_auto(Value) listener = elbv2_find(call, ELBV2_LISTENER, listener_arn, error);
	return value_is_null(listener)
		       ? VALUE_NOTHING
		       : elbv2_find(call, ELBV2_LOAD_BALANCER,
				 value_get_text(listener, "LoadBalancerArn"), error);
}

Value elbv2_create_rule(RegionCall *call, Value input, GError **error) {
	const char *listener_arn = value_get_text(input, "ListenerArn");
	gint64 priority = value_get_int(input, "Priority", 0);
	g_auto(Value) balancer = balancer_of_listener(call, listener_arn, error);
	if (value_is_null(balancer) || refuse_transforms(input, error) ||
		!elbv2_tags_check(value_get(input, "Tags"), error))
		return VALUE_NOTHING;
	g_auto(Value) rules = elbv2_rules(call->region, call->scope, listener_arn);
	if (!check_priority(rules, priority, error))
		return VALUE_NOTHING;
	g_auto(Value) conditions = elbv2_conditions(value_get(input, "Conditions"), error);
	if (value_is_null(conditions))
		return VALUE_NOTHING;
	Value actions = elbv2_actions(call, balancer, value_get(input, "Actions"), error);
	if (value_is_null(actions))
		return VALUE_NOTHING;
	g_autofree char *prefix = elbv2_rule_prefix(listener_arn), *id = text_random_hex(16);
	g_autofree char *arn = g_strconcat(prefix, id, NULL);
	Value rule = value_object_take("RuleArn", value_string(arn), "Priority",
		value_string_printf("%" G_GINT64_FORMAT, priority), "Conditions",
		value_steal(&conditions), "Actions", actions, "IsDefault", value_bool(FALSE), NULL);
	elbv2_put(call, ELBV2_RULE, arn, value_ref(rule));
	elbv2_tags_create(call, arn, value_get(input, "Tags"));
	return listed(rule);
}

Value elbv2_describe_rules(RegionCall *call, Value input, GError **error) {
	Value arns = value_get(input, "RuleArns");
	const char *listener_arn = value_get_text(input, "ListenerArn");
	if ((listener_arn != NULL) == (value_length(arns) > 0)) {
		wire_error_set(error, "ValidationError",
			"You must specify either listener rule ARNs or a listener ARN");
		return VALUE_NOTHING;
	}
	if (listener_arn) {
		g_auto(Value) listener = elbv2_find(call, ELBV2_LISTENER, listener_arn, error);
		return value_is_null(listener)
			       ? VALUE_NOTHING
			       : elbv2_page(input, "Rules",
					 elbv2_rules(call->region, call->scope, listener_arn),
					 error);
	}
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(arns); i++) {
		Value rule = elbv2_find(call, ELBV2_RULE, value_text(value_at(arns, i)), error);
		if (value_is_null(rule))
			return VALUE_NOTHING;
		value_builder_add_take(all, elbv2_view_take(rule));
	}
	return elbv2_page(input, "Rules", value_builder_end(g_steal_pointer(&all)), error);
}

/* A rule that may be changed or deleted. */
static Value find_own(RegionCall *call, const char *arn, const char *done, GError **error) {
	Value rule = elbv2_find(call, ELBV2_RULE, arn, error);
	if (value_is_null(rule) || !is_default(rule))
		return rule;
	value_unref(rule);
	wire_error_set(error, "OperationNotPermitted", "Default rule '%s' cannot be %s", arn, done);
	return VALUE_NOTHING;
}

Value elbv2_modify_rule(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "RuleArn");
	g_auto(Value) rule = find_own(call, arn, "modified", error);
	if (value_is_null(rule) || refuse_transforms(input, error))
		return VALUE_NOTHING;
	if (value_has(input, "Conditions")) {
		Value conditions = elbv2_conditions(value_get(input, "Conditions"), error);
		if (value_is_null(conditions))
			return VALUE_NOTHING;
		rule = value_with_take(value_steal(&rule), "Conditions", conditions);
	}
	if (value_has(input, "Actions")) {
		g_autofree char *balancer_arn = elbv2_balancer_of(arn);
		g_auto(Value) balancer = elbv2_find(call, ELBV2_LOAD_BALANCER, balancer_arn, error);
		Value actions =
			value_is_null(balancer)
				? VALUE_NOTHING
				: elbv2_actions(call, balancer, value_get(input, "Actions"), error);
		if (value_is_null(actions))
			return VALUE_NOTHING;
		rule = value_with_take(value_steal(&rule), "Actions", actions);
	}
	elbv2_put(call, ELBV2_RULE, arn, value_ref(rule));
	return listed(value_steal(&rule));
}

Value elbv2_delete_rule(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "RuleArn");
	g_auto(Value) rule = find_own(call, arn, "deleted", error);
	if (!value_is_null(rule))
		elbv2_forget(call, ELBV2_RULE, arn);
	return VALUE_NOTHING;
}

/* The priority that SetRulePriorities gives to a rule, else the one it has. */
static gint64 priority_after(Value rule, Value pairs) {
	for (gsize i = 0; i < value_length(pairs); i++) {
		Value pair = value_at(pairs, i);
		if (g_strcmp0(value_get_text(pair, "RuleArn"), value_get_text(rule, "RuleArn")) ==
			0)
			return value_get_int(pair, "Priority", priority_of(rule));
	}
	return priority_of(rule);
}

/* No two rules of the listener may have the same priority afterwards. */
static gboolean check_priorities(RegionCall *call, Value rule, Value pairs, GError **error) {
	g_autofree char *listener = elbv2_listener_of_rule(value_get_text(rule, "RuleArn"));
	g_auto(Value) rules = elbv2_rules(call->region, call->scope, listener);
	for (gsize i = 0; i < value_length(rules); i++)
		for (gsize j = 0; j < i; j++) {
			gint64 priority = priority_after(value_at(rules, i), pairs);
			if (priority != priority_after(value_at(rules, j), pairs))
				continue;
			wire_error_set(error, "PriorityInUse",
				"Priority '%" G_GINT64_FORMAT "' is currently in use", priority);
			return FALSE;
		}
	return TRUE;
}

Value elbv2_set_rule_priorities(RegionCall *call, Value input, GError **error) {
	Value pairs = value_get(input, "RulePriorities");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(pairs); i++) {
		Value pair = value_at(pairs, i);
		const char *arn = value_get_text(pair, "RuleArn");
		g_auto(Value) rule = find_own(call, arn, "given a priority", error);
		if (value_is_null(rule) || !check_priorities(call, rule, pairs, error))
			return VALUE_NOTHING;
		value_builder_add_take(all, value_with_take(value_steal(&rule), "Priority",
						    value_string_printf("%" G_GINT64_FORMAT,
							    value_get_int(pair, "Priority", 0))));
	}
	g_auto(Value) rules = value_builder_end(g_steal_pointer(&all));
	for (gsize i = 0; i < value_length(rules); i++)
		elbv2_put(call, ELBV2_RULE, value_get_text(value_at(rules, i), "RuleArn"),
			value_ref(value_at(rules, i)));
	return value_object_take("Rules", value_steal(&rules), NULL);
}
