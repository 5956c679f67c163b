/*
 * ECS's account settings: what is set for a principal, over the account's default, over AWS's.
 * Those that matter here are kept and given back; containerInsights is the default of new clusters.
 */
#include <string.h>

#include "region/services/ecs/internal.h"

static const struct {
	const char *name, *value;
} defaults[] = {
	{"awsvpcTrunking", "disabled"},
	{"containerInsights", "disabled"},
	{"containerInstanceLongArnFormat", "enabled"},
	{"defaultLogDriverMode", "non-blocking"},
	{"fargateEventWindows", "disabled"},
	{"fargateFIPSMode", "disabled"},
	{"fargateTaskRetirementWaitPeriod", "7"},
	{"guardDutyActivate", "off"},
	{"serviceLongArnFormat", "enabled"},
	{"tagResourceAuthorization", "off"},
	{"taskLongArnFormat", "enabled"},
};

static Value get(RegionCall *call, const char *name, const char *principal) {
	g_autofree char *id = g_strdup_printf("%s %s", name, principal);
	return store_get(region_store(call->region), call->scope, ECS_ACCOUNT_SETTINGS, id);
}

static const char *effective(RegionCall *call, const char *name, const char *principal) {
	g_auto(Value) own = get(call, name, principal);
	g_auto(Value) account = get(call, name, "");
	const char *value = value_text_or(own, value_text(account));
	if (value)
		return g_intern_string(value);
	for (guint i = 0; i < G_N_ELEMENTS(defaults); i++)
		if (g_str_equal(defaults[i].name, name))
			return defaults[i].value;
	return "";
}

const char *ecs_account_setting(RegionCall *call, const char *name) {
	return effective(call, name, call->principal_arn);
}

static Value setting(const char *name, const char *value, const char *principal) {
	return value_object_take("name", value_string(name), "value", value_string(value),
		"principalArn", value_string(principal), "type",
		value_string(g_str_equal(name, "guardDutyActivate") ? "aws_managed" : "user"),
		NULL);
}

static gboolean check(const char *name, const char *value, GError **error) {
	gboolean on_off = g_str_equal(name, "tagResourceAuthorization");
	gboolean days = g_str_equal(name, "fargateTaskRetirementWaitPeriod");
	gboolean mode = g_str_equal(name, "defaultLogDriverMode");
	gboolean insights = g_str_equal(name, "containerInsights");
	static const char *const states[] = {"enabled", "disabled", NULL};
	static const char *const switches[] = {"on", "off", NULL};
	static const char *const waits[] = {"0", "7", "14", NULL};
	static const char *const modes[] = {"blocking", "non-blocking", NULL};
	const char *const *valid = on_off ? switches : days ? waits : mode ? modes : states;
	if (g_str_equal(name, "guardDutyActivate")) {
		wire_error_set(error, "InvalidParameterException",
			"The setting guardDutyActivate is managed by AWS and cannot be modified.");
		return FALSE;
	}
	if (g_strv_contains(valid, value) || (insights && g_str_equal(value, "enhanced")))
		return TRUE;
	g_autofree char *all = g_strjoinv(", ", (char **)valid);
	wire_error_set(error, "InvalidParameterException",
		"The setting value '%s' is not valid for %s. Valid values: %s%s.", value, name, all,
		insights ? ", enhanced" : "");
	return FALSE;
}

static Value put(RegionCall *call, Value input, const char *principal, GError **error) {
	const char *name = value_get_text(input, "name"), *value = value_get_text(input, "value");
	if (!check(name, value, error))
		return VALUE_NOTHING;
	g_autofree char *id = g_strdup_printf("%s %s", name, principal);
	store_put_take(region_store(call->region), call->scope, ECS_ACCOUNT_SETTINGS, id,
		value_string(value));
	return value_object_take("setting",
		setting(name, value, *principal ? principal : call->principal_arn), NULL);
}

static const char *principal_of(RegionCall *call, Value input) {
	return value_text_or(value_get(input, "principalArn"), call->principal_arn);
}

Value ecs_put_account_setting(RegionCall *call, Value input, GError **error) {
	return put(call, input, principal_of(call, input), error);
}

Value ecs_put_account_setting_default(RegionCall *call, Value input, GError **error) {
	return put(call, input, "", error);
}

Value ecs_delete_account_setting(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "name"), *principal = principal_of(call, input);
	g_autofree char *id = g_strdup_printf("%s %s", name, principal);
	g_auto(Value) before = get(call, name, principal);
	store_delete(region_store(call->region), call->scope, ECS_ACCOUNT_SETTINGS, id);
	return value_object_take("setting",
		setting(name, value_text_or(before, effective(call, name, principal)), principal),
		NULL);
}

Value ecs_list_account_settings(RegionCall *call, Value input, GError **error) {
	const char *principal = principal_of(call, input);
	const char *wanted = value_get_text(input, "name");
	const char *wanted_value = value_get_text(input, "value");
	gboolean all = value_get_bool(input, "effectiveSettings");
	g_autoptr(ValueBuilder) settings = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(defaults); i++) {
		const char *name = defaults[i].name;
		g_auto(Value) own = get(call, name, principal);
		const char *value = all ? effective(call, name, principal) : value_text(own);
		if (value && (!wanted || g_str_equal(wanted, name)) &&
			(!wanted_value || g_str_equal(wanted_value, value)))
			value_builder_add_take(settings, setting(name, value, principal));
	}
	g_auto(Value) list = value_builder_end(g_steal_pointer(&settings));
	return ecs_page(call, input, "settings", list, 10, error);
}
