/*
 * DB parameter groups. The default ones are there without being kept. A change reaches the
 * instances of a group through their own settings: dynamic parameters at once, the others with the
 * next reboot.
 */
#include <math.h>
#include <string.h>

#include "region/services/rds/internal.h"

#define VALUES "Values"

static const char *const no_filters[] = {NULL};

/* ---- finding ---- */

static Value make_group(
	StoreScope scope, const char *name, const char *family, const char *description) {
	g_autofree char *arn = region_arn(scope, "rds", "pg:%s", name);
	return value_object_take("DBParameterGroupName", value_string(name),
		"DBParameterGroupFamily", value_string(family), "Description",
		value_string(description), "DBParameterGroupArn", value_string(arn), RDS_INTERNAL,
		value_object_take(VALUES, value_empty_object(), NULL), NULL);
}

static Value default_group(StoreScope scope, const char *family) {
	g_autofree char *name = g_strconcat("default.", family, NULL);
	g_autofree char *description = g_strconcat("Default parameter group for ", family, NULL);
	return make_group(scope, name, family, description);
}

static gboolean is_default(const char *name) {
	return g_str_has_prefix(name, "default.");
}

Value rds_parameter_group(Region *region, StoreScope scope, const char *name, GError **error) {
	g_autofree char *lower = rds_name(name, "pg");
	if (is_default(lower) && rds_family_engine(lower + strlen("default.")))
		return default_group(scope, lower + strlen("default."));
	Value group = store_get(region_store(region), scope, RDS_PARAMETER_GROUPS, lower);
	if (value_is_null(group))
		wire_error_set(
			error, "DBParameterGroupNotFound", "DBParameterGroup not found: %s", lower);
	return group;
}

Value rds_parameter_settings(Value group) {
	Value values = value_get_path(group, RDS_INTERNAL, VALUES, NULL);
	g_autoptr(ValueBuilder) settings = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(values); i++)
		value_builder_add_take(settings,
			value_string_printf("%s=%s", value_key_at(values, i),
				value_text_or(value_get(value_at(values, i), "Value"), "")));
	return value_builder_end(g_steal_pointer(&settings));
}

static const RdsParameter *parameters_of(const char *family) {
	return g_str_has_prefix(family, "postgres") ? rds_parameters_postgres
						    : rds_parameters_mysql;
}

static const RdsParameter *find_parameter(const char *family, const char *name) {
	for (const RdsParameter *each = parameters_of(family); each->name; each++)
		if (g_ascii_strcasecmp(each->name, name) == 0)
			return each;
	return NULL;
}

/* ---- groups ---- */

Value rds_create_parameter_group(RegionCall *call, Value input, GError **error) {
	g_autofree char *name = g_ascii_strdown(value_get_text(input, "DBParameterGroupName"), -1);
	const char *family = value_get_text(input, "DBParameterGroupFamily");
	if (!rds_check_name(name, "DBParameterGroupName", 255, error))
		return VALUE_NOTHING;
	if (!rds_family_engine(family)) {
		wire_error_set(error, "InvalidParameterValue",
			"ParameterGroupFamily %s is not a valid parameter group family", family);
		return VALUE_NOTHING;
	}
	if (store_has(region_store(call->region), call->scope, RDS_PARAMETER_GROUPS, name)) {
		wire_error_set(error, "DBParameterGroupAlreadyExists",
			"Parameter group %s already exists", name);
		return VALUE_NOTHING;
	}
	Value group = make_group(call->scope, name, family, value_get_text(input, "Description"));
	store_put(region_store(call->region), call->scope, RDS_PARAMETER_GROUPS, name, group);
	rds_tag_new(call, value_get_text(group, "DBParameterGroupArn"), value_get(input, "Tags"));
	return value_object_take("DBParameterGroup", rds_view_take(group), NULL);
}

typedef struct {
	StoreScope scope;
	ValueBuilder *found;
} Defaults;

static void add_default(const char *family, gpointer data) {
	Defaults *defaults = data;
	value_builder_add_take(
		defaults->found, rds_view_take(default_group(defaults->scope, family)));
}

Value rds_describe_parameter_groups(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "DBParameterGroupName");
	if (!rds_check_filters(value_get(input, "Filters"), no_filters, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	if (name) {
		Value group = rds_parameter_group(call->region, call->scope, name, error);
		if (value_is_null(group))
			return VALUE_NOTHING;
		value_builder_add_take(found, rds_view_take(group));
	} else {
		Defaults defaults = {call->scope, found};
		rds_families(add_default, &defaults);
		g_auto(StoreIter) iter =
			store_iter(region_store(call->region), call->scope, RDS_PARAMETER_GROUPS);
		const char *id;
		Value group;
		while (store_iter_next(&iter, &id, &group))
			value_builder_add_take(found, rds_view_take(value_ref(group)));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&found));
	return rds_page(call, input, "DBParameterGroups", all, error);
}

static gboolean uses(Value instance, const char *group) {
	return g_strcmp0(value_get_text(value_at(value_get(instance, "DBParameterGroups"), 0),
				 "DBParameterGroupName"),
		       group) == 0;
}

/* One of the account's own groups, to be changed. */
static Value find_own(RegionCall *call, Value input, const char *to, GError **error) {
	g_autofree char *name = rds_name(value_get_text(input, "DBParameterGroupName"), "pg");
	if (is_default(name)) {
		wire_error_set(error, "InvalidDBParameterGroupState",
			"Default DBParameterGroup cannot be %s: %s", to, name);
		return VALUE_NOTHING;
	}
	return rds_parameter_group(call->region, call->scope, name, error);
}

Value rds_delete_parameter_group(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = find_own(call, input, "deleted", error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	const char *name = value_get_text(group, "DBParameterGroupName");
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, RDS_INSTANCES);
	const char *id;
	Value instance;
	while (store_iter_next(&iter, &id, &instance))
		if (uses(instance, name)) {
			wire_error_set(error, "InvalidDBParameterGroupState",
				"One or more database instances are still members of this "
				"parameter group %s, so the group cannot be deleted",
				name);
			return VALUE_NOTHING;
		}
	region_tags_clear(call->region, call->scope, value_get_text(group, "DBParameterGroupArn"));
	store_delete(region_store(call->region), call->scope, RDS_PARAMETER_GROUPS, name);
	return VALUE_NOTHING;
}

/* ---- values ---- */

static gboolean out_of_range(const RdsParameter *parameter, const char *value) {
	char *end;
	double number = g_ascii_strtod(value, &end);
	if (end == value || *end || (parameter->type == RDS_INTEGER && number != floor(number)))
		return TRUE;
	return (parameter->minimum && number < g_ascii_strtod(parameter->minimum, NULL)) ||
	       (parameter->maximum && number > g_ascii_strtod(parameter->maximum, NULL));
}

static gboolean is_boolean(const char *value) {
	static const char *const words[] = {"0", "1", "on", "off", "true", "false", NULL};
	g_autofree char *lower = g_ascii_strdown(value, -1);
	return g_strv_contains(words, lower);
}

static gboolean check_value(
	const RdsParameter *parameter, const char *value, const char *method, GError **error) {
	if (strpbrk(value, "\n\r")) {
		wire_error_set(error, "InvalidParameterValue",
			"Invalid parameter value: %s for: %s", value, parameter->name);
		return FALSE;
	}
	if (parameter->is_static && g_strcmp0(method, "immediate") == 0) {
		wire_error_set(error, "InvalidParameterCombination",
			"cannot use immediate apply method for static parameter");
		return FALSE;
	}
	/* A formula of the instance's size: kept, but not computed here. */
	if (strchr(value, '{'))
		return TRUE;
	gboolean number = parameter->type == RDS_INTEGER || parameter->type == RDS_FLOAT;
	if ((number && out_of_range(parameter, value)) ||
		(parameter->type == RDS_BOOLEAN && !is_boolean(value))) {
		wire_error_set(error, "InvalidParameterValue",
			"Invalid parameter value: %s for: %s", value, parameter->name);
		return FALSE;
	}
	return TRUE;
}

static Value with_setting_take(Value settings, const char *name, const char *value) {
	g_autoptr(ValueBuilder) left = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *prefix = g_strconcat(name, "=", NULL);
	for (gsize i = 0; i < value_length(settings); i++)
		if (!g_str_has_prefix(value_text_or(value_at(settings, i), ""), prefix))
			value_builder_add_take(left, value_ref(value_at(settings, i)));
	if (value)
		value_builder_add_take(left, value_string_printf("%s=%s", name, value));
	value_unref(settings);
	return value_builder_end(g_steal_pointer(&left));
}

/* Brings a changed value (NULL: the engine's own) to the group's instances: now, or by a reboot. */
static void spread(
	RegionCall *call, const char *group, const char *name, const char *value, gboolean now) {
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, RDS_INSTANCES);
	const char *id;
	Value instance;
	while (store_iter_next(&iter, &id, &instance)) {
		if (!uses(instance, group))
			continue;
		Value changed = value_ref(instance);
		if (now) {
			Value settings = value_ref(
				value_get_path(instance, RDS_INTERNAL, "Parameters", NULL));
			changed = rds_with_internal_take(
				changed, "Parameters", with_setting_take(settings, name, value));
		} else {
			changed = value_with_take(changed, "DBParameterGroups",
				value_tuple_take(
					1, value_object_take("DBParameterGroupName",
						   value_string(group), "ParameterApplyStatus",
						   value_string("pending-reboot"), NULL)));
		}
		rds_instance_put(call->region, call->scope, changed);
	}
}

static Value put_values(RegionCall *call, Value group_taken, Value values_taken) {
	const char *name = value_get_text(group_taken, "DBParameterGroupName");
	Value answer = value_object_take("DBParameterGroupName", value_string(name), NULL);
	Value changed = rds_with_internal_take(value_ref(group_taken), VALUES, values_taken);
	store_put_take(
		region_store(call->region), call->scope, RDS_PARAMETER_GROUPS, name, changed);
	value_unref(group_taken);
	return answer;
}

static const RdsParameter *find_listed(Value group, Value parameter, GError **error) {
	const char *name = value_text_or(value_get(parameter, "ParameterName"), "");
	const RdsParameter *known =
		find_parameter(value_get_text(group, "DBParameterGroupFamily"), name);
	if (!known)
		wire_error_set(error, "InvalidParameterValue",
			"Could not find parameter with name: %s", name);
	return known;
}

Value rds_modify_parameter_group(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = find_own(call, input, "modified", error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	Value parameters = value_get(input, "Parameters");
	if (value_length(parameters) > 20) {
		wire_error_set(error, "InvalidParameterValue",
			"A maximum of 20 parameters can be modified in a single request.");
		return VALUE_NOTHING;
	}
	g_auto(Value) values = value_ref(value_get_path(group, RDS_INTERNAL, VALUES, NULL));
	for (gsize i = 0; i < value_length(parameters); i++) {
		Value each = value_at(parameters, i);
		const RdsParameter *known = find_listed(group, each, error);
		const char *value = value_text_or(value_get(each, "ParameterValue"), "");
		const char *method = value_get_text(each, "ApplyMethod");
		if (!known || !check_value(known, value, method, error))
			return VALUE_NOTHING;
		values = value_with_take(value_steal(&values), known->name,
			value_object_take("Value", value_string(value), "Method",
				value_string(method ? method : "pending-reboot"), NULL));
		spread(call, value_get_text(group, "DBParameterGroupName"), known->name, value,
			g_strcmp0(method, "immediate") == 0);
	}
	return put_values(call, value_steal(&group), value_steal(&values));
}

Value rds_reset_parameter_group(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = find_own(call, input, "reset", error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	const char *name = value_get_text(group, "DBParameterGroupName");
	g_auto(Value) values = value_ref(value_get_path(group, RDS_INTERNAL, VALUES, NULL));
	if (value_get_bool(input, "ResetAllParameters")) {
		for (gsize i = 0; i < value_length(values); i++) {
			const char *key = value_key_at(values, i);
			const RdsParameter *known = find_parameter(
				value_get_text(group, "DBParameterGroupFamily"), key);
			spread(call, name, key, NULL, known && !known->is_static);
		}
		return put_values(call, value_steal(&group), value_empty_object());
	}
	Value parameters = value_get(input, "Parameters");
	for (gsize i = 0; i < value_length(parameters); i++) {
		const RdsParameter *known = find_listed(group, value_at(parameters, i), error);
		const char *method = value_get_text(value_at(parameters, i), "ApplyMethod");
		if (!known || !check_value(known, "{", method, error))
			return VALUE_NOTHING;
		values = value_without_take(value_steal(&values), known->name);
		spread(call, name, known->name, NULL, g_strcmp0(method, "immediate") == 0);
	}
	return put_values(call, value_steal(&group), value_steal(&values));
}

/* ---- DescribeDBParameters ---- */

static Value describe_parameter(const RdsParameter *parameter, Value set) {
	static const char *const types[] = {"string", "boolean", "integer", "float"};
	Value described = value_object_take("ParameterName", value_string(parameter->name),
		"DataType", value_string(types[parameter->type]), "ApplyType",
		value_string(parameter->is_static ? "static" : "dynamic"), "IsModifiable",
		value_bool(TRUE), "Source",
		value_string(value_is_null(set) ? "engine-default" : "user"), "ApplyMethod",
		value_string(value_text_or(value_get(set, "Method"), "pending-reboot")), NULL);
	if (!value_is_null(set))
		described = value_with_take(
			described, "ParameterValue", value_ref(value_get(set, "Value")));
	if (parameter->type == RDS_BOOLEAN)
		return value_with_take(described, "AllowedValues", value_string("0,1"));
	if (parameter->minimum)
		return value_with_take(described, "AllowedValues",
			value_string_printf("%s-%s", parameter->minimum, parameter->maximum));
	return described;
}

static Value describe_all(const char *family, Value values, const char *source) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (const RdsParameter *each = parameters_of(family); each->name; each++) {
		Value set = value_get(values, each->name);
		const char *own = value_is_null(set) ? "engine-default" : "user";
		if (!source || g_str_equal(source, own))
			value_builder_add_take(all, describe_parameter(each, set));
	}
	return value_builder_end(g_steal_pointer(&all));
}

Value rds_describe_parameters(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = rds_parameter_group(
		call->region, call->scope, value_get_text(input, "DBParameterGroupName"), error);
	if (value_is_null(group) ||
		!rds_check_filters(value_get(input, "Filters"), no_filters, error))
		return VALUE_NOTHING;
	g_auto(Value) all = describe_all(value_get_text(group, "DBParameterGroupFamily"),
		value_get_path(group, RDS_INTERNAL, VALUES, NULL), value_get_text(input, "Source"));
	return rds_page(call, input, "Parameters", all, error);
}

Value rds_describe_default_parameters(RegionCall *call, Value input, GError **error) {
	const char *family = value_get_text(input, "DBParameterGroupFamily");
	if (!rds_family_engine(family)) {
		wire_error_set(error, "InvalidParameterValue",
			"Invalid DB parameter group family: %s", family);
		return VALUE_NOTHING;
	}
	g_auto(Value) all = describe_all(family, VALUE_NOTHING, NULL);
	Value page = rds_page(call, input, "Parameters", all, error);
	if (value_is_null(page))
		return VALUE_NOTHING;
	return value_object_take("EngineDefaults",
		value_with_take(page, "DBParameterGroupFamily", value_string(family)), NULL);
}
