/* Type conversion functions, and those on marks. */
#include "lang/functions/functions.h"

static Value converted(Value value, const Type *type, int *blame, char **problem) {
	char *why = NULL;
	Value result = value_convert(value, type, &why);
	if (!why)
		return result;
	g_free(why);
	g_autofree char *from = type_friendly_name(value_type(value));
	g_autofree char *to = type_friendly_name(type);
	if (!value_text(value) || type_element(type))
		return lang_function_fail(blame, 0, problem, "cannot convert %s to %s", from, to);
	return lang_function_fail(blame, 0, problem, "cannot convert \"%s\" to %s; %s",
		value_text(value), to,
		type == type_bool() ? "only the strings \"true\" or \"false\" are allowed"
				    : "given string must be a decimal representation of a number");
}

FUNCTION(tobool) {
	return converted(arguments[0], type_bool(), blame, problem);
}

FUNCTION(tonumber) {
	return converted(arguments[0], type_number(), blame, problem);
}

FUNCTION(tostring) {
	return converted(arguments[0], type_string(), blame, problem);
}

FUNCTION(tolist) {
	return converted(arguments[0], type_list(type_any()), blame, problem);
}

FUNCTION(toset) {
	return converted(arguments[0], type_set(type_any()), blame, problem);
}

FUNCTION(tomap) {
	return converted(arguments[0], type_map(type_any()), blame, problem);
}

FUNCTION(sensitive) {
	return value_mark_sensitive(arguments[0]);
}

FUNCTION(nonsensitive) {
	return value_unmark(arguments[0]);
}

FUNCTION(issensitive) {
	return value_bool(value_is_sensitive(arguments[0]));
}

/* Nothing ephemeral reaches a value here, so there is none to make null. */
FUNCTION(ephemeralasnull) {
	return value_ref(arguments[0]);
}

/* type(x), of the console. */
FUNCTION(type) {
	return value_string_take(type_to_string(value_type(arguments[0])));
}

const LangFunctionSpec lang_type_specs[] = {
	{"ephemeralasnull", call_ephemeralasnull, "value:a!~", 'a', FALSE, TRUE},
	{"issensitive", call_issensitive, "value:a!~", 'b', FALSE, TRUE},
	{"nonsensitive", call_nonsensitive, "value:a!~", 'a', FALSE, TRUE},
	{"sensitive", call_sensitive, "value:a!~", 'a', FALSE, TRUE},
	{"tobool", call_tobool, "v:a!~", 'b', FALSE, TRUE},
	{"tolist", call_tolist, "v:a!~", 'a', FALSE, TRUE},
	{"tomap", call_tomap, "v:a!~", 'a', FALSE, TRUE},
	{"tonumber", call_tonumber, "v:a!~", 'n', FALSE, TRUE},
	{"toset", call_toset, "v:a!~", 'a', FALSE, TRUE},
	{"tostring", call_tostring, "v:a!~", 's', FALSE, TRUE},
	{"type", call_type, "value:a!~", 's', FALSE, TRUE},
	{NULL},
};
