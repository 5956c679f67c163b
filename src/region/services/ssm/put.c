/* PutParameter: what a name, a value, a tier may be, and the new version. */
#include <string.h>

#include "base/text.h"
#include "region/services/ssm/internal.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/"
#define BASE64_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"
#define MOST_LEVELS 15
#define MOST_VERSIONS 100
#define MOST_STANDARD 4096
#define MOST_ADVANCED 8192
#define DEFAULT_KEY "alias/aws/ssm"

static gboolean invalid(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean invalid(GError **error, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	wire_error_set(error, "ValidationException", "%s", message);
	return FALSE;
}

/* ---- checks ---- */

static gboolean check_name(const char *name, GError **error) {
	const char *first = name + (*name == '/');
	guint levels = 0;
	for (const char *at = name; *at; at++)
		levels += *at == '/';
	if (strchr(name, '/') && *name != '/')
		return invalid(error, "Parameter name must be a fully qualified name.");
	if (*name == '/' && g_ascii_strncasecmp(first, "aws", 3) == 0) {
		wire_error_set(error, "AccessDeniedException",
			"No access to reserved parameter name: %s.", name);
		return FALSE;
	}
	if (g_ascii_strncasecmp(first, "aws", 3) == 0 ||
		g_ascii_strncasecmp(first, "ssm", 3) == 0 || !*first ||
		strspn(name, NAME_CHARACTERS) != strlen(name) || strstr(name, "//") ||
		g_str_has_suffix(name, "/"))
		return invalid(error,
			"Parameter name: can't be prefixed with \"aws\" or \"ssm\" "
			"(case-insensitive). If formed as a path, it can consist of sub-paths "
			"divided by slash symbol; each sub-path can be formed as a mix of letters, "
			"numbers and the following 3 symbols .-_");
	if (levels <= MOST_LEVELS)
		return TRUE;
	wire_error_set(error, "HierarchyLevelLimitExceededException",
		"Hierarchy can't have more than %d levels: %s.", MOST_LEVELS, name);
	return FALSE;
}

static gboolean check_pattern(const char *pattern, const char *value, GError **error) {
	if (!pattern || !*pattern)
		return TRUE;
	g_autoptr(GError) broken = NULL;
	g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, &broken);
	if (!regex) {
		wire_error_set(error, "InvalidAllowedPatternException",
			"The regular expression %s is not valid: %s", pattern, broken->message);
		return FALSE;
	}
	if (g_regex_match(regex, value, 0, NULL))
		return TRUE;
	wire_error_set(error, "ParameterPatternMismatchException",
		"Parameter value, cannot be validated against allowedPattern: %s", pattern);
	return FALSE;
}

/* What we serve only in part says so by name. */
static gboolean check_served(Value input, GError **error) {
	const char *type = value_text_or(value_get(input, "DataType"), "text");
	const char *policies = value_text_or(value_get(input, "Policies"), "");
	if (*policies && !g_str_equal(policies, "[]") && !g_str_equal(policies, "{}")) {
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not implement parameter policies (Policies of "
			"ssm:PutParameter).");
		return FALSE;
	}
	if (g_str_equal(type, "text"))
		return TRUE;
	if (!g_str_has_prefix(type, "aws:"))
		return invalid(error,
			"The following data type is not supported: %s (Data type names are all "
			"lowercase.)",
			type);
	wire_error_set_status(error, 501, "NotImplemented",
		"Terrarium does not implement parameters of the data type %s, only text.", type);
	return FALSE;
}

static gboolean check_value(Value input, Value before, const char *type, GError **error) {
	const char *value = value_text_or(value_get(input, "Value"), "");
	if (!*value)
		return invalid(error,
			"1 validation error detected: Value '' at 'value' failed to satisfy "
			"constraint: Member must have length greater than or equal to 1.");
	if (value_has(input, "KeyId") && !g_str_equal(type, "SecureString"))
		return invalid(
			error, "KeyId is valid only for parameters of the type SecureString.");
	/* A pattern that is not given anew stays. */
	Value from = value_has(input, "AllowedPattern") ? input : before;
	return check_pattern(value_get_text(from, "AllowedPattern"), value, error);
}

/* The tier that the value gets; NULL and an error. */
static const char *tier_of(Value input, Value before, GError **error) {
	const char *asked = value_get_text(input, "Tier");
	const char *had = value_text_or(value_get(before, "Tier"), "Standard");
	const char *value = value_text_or(value_get(input, "Value"), "");
	gsize size = strlen(value);
	gboolean was_advanced = g_str_equal(had, "Advanced");
	const char *tier = asked ? asked : had;
	if (g_str_equal(tier, "Intelligent-Tiering"))
		tier = was_advanced || size > MOST_STANDARD ? "Advanced" : "Standard";
	if (was_advanced && g_str_equal(tier, "Standard"))
		invalid(error,
			"This parameter uses the advanced-parameter tier. You can't downgrade a "
			"parameter from the advanced-parameter tier to the standard-parameter "
			"tier. "
			"If necessary, you can delete the advanced parameter and recreate it as a "
			"standard parameter.");
	else if (g_str_equal(tier, "Standard") && size > MOST_STANDARD)
		invalid(error,
			"Standard tier parameters support a maximum parameter value of %d "
			"characters. To create a larger parameter value, upgrade the parameter to "
			"use the advanced-parameter tier.",
			MOST_STANDARD);
	else if (size > MOST_ADVANCED)
		invalid(error,
			"Advanced tier parameters support a maximum parameter value of %d "
			"characters.",
			MOST_ADVANCED);
	else
		return tier;
	return NULL;
}

/* ---- the version ---- */

/* What GetParameter gives of a SecureString without decryption: it tells nothing of the value. */
static char *cipher(const char *value) {
	g_autofree char *text = text_random(96 + strlen(value) / 3 * 4, BASE64_CHARACTERS);
	return g_strconcat("AQICAHh", text, "==", NULL);
}

static Value new_version(
	RegionCall *call, Value input, Value before, const char *type, const char *tier) {
	static const char *const kept[] = {"Description", "AllowedPattern"};
	const char *value = value_get_text(input, "Value");
	Value version =
		value_object_take("Version", value_int(value_get_int(before, "Version", 0) + 1),
			"Value", value_string(value), "Type", value_string(type), "Tier",
			value_string(tier), "DataType", value_string("text"), "Labels",
			value_empty_tuple(), "LastModifiedDate", region_timestamp(call->region),
			"LastModifiedUser", value_string(call->principal_arn), NULL);
	for (guint i = 0; i < G_N_ELEMENTS(kept); i++) {
		Value given = value_get(value_has(input, kept[i]) ? input : before, kept[i]);
		if (!value_is_null(given))
			version = value_with_take(version, kept[i], value_ref(given));
	}
	if (!g_str_equal(type, "SecureString"))
		return version;
	const char *key = value_text_or(value_get(before, "KeyId"), DEFAULT_KEY);
	version = value_with_take(version, "Cipher", value_string_take(cipher(value)));
	return value_with_take(
		version, "KeyId", value_string(value_text_or(value_get(input, "KeyId"), key)));
}

/* Room for one more: the oldest goes, unless it has a label. */
static Value drop_oldest(Value parameter_taken, GError **error) {
	Value versions = value_get(parameter_taken, "Versions");
	Value oldest = value_at(versions, 0);
	if (value_length(versions) < MOST_VERSIONS)
		return parameter_taken;
	if (value_length(value_get(oldest, "Labels")) > 0) {
		wire_error_set(error, "ParameterMaxVersionLimitExceeded",
			"You attempted to create a new version of %s by calling the PutParameter "
			"API "
			"with the overwrite flag. Version %" G_GINT64_FORMAT
			", the oldest version, can't be deleted because it has a label associated "
			"with it. Move the label to another version of the parameter, and try "
			"again.",
			value_get_text(parameter_taken, "Name"),
			value_get_int(oldest, "Version", 0));
		value_unref(parameter_taken);
		return VALUE_NOTHING;
	}
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 1; i < value_length(versions); i++)
		value_builder_add_take(all, value_ref(value_at(versions, i)));
	return value_with_take(
		parameter_taken, "Versions", value_builder_end(g_steal_pointer(&all)));
}

/* ---- the call ---- */

static gboolean check_overwrite(Value input, Value parameter, GError **error) {
	gboolean overwrite = value_get_bool(input, "Overwrite");
	if (overwrite && value_length(value_get(input, "Tags")) > 0)
		return invalid(error,
			"Invalid request: tags and overwrite can't be used together. To create a "
			"parameter with tags, please remove overwrite flag. To update tags for an "
			"existing parameter, please use AddTagsToResource or "
			"RemoveTagsFromResource.");
	if (value_is_null(parameter) && !value_has(input, "Type"))
		return invalid(error, "A parameter type is required when you create a parameter.");
	if (value_is_null(parameter) || overwrite)
		return TRUE;
	wire_error_set(error, "ParameterAlreadyExists",
		"The parameter already exists. To overwrite this value, set the overwrite option "
		"in "
		"the request to true.");
	return FALSE;
}

Value ssm_put_parameter(RegionCall *call, Value input, GError **error) {
	g_auto(SsmName) name = {0};
	g_auto(Value) parameter =
		ssm_find(call->region, call->scope, value_get_text(input, "Name"), &name);
	Value before = ssm_latest(parameter);
	if (!check_name(value_get_text(input, "Name"), error) || !check_served(input, error) ||
		!check_overwrite(input, parameter, error))
		return VALUE_NOTHING;
	const char *type = value_text_or(
		value_get(input, "Type"), value_text_or(value_get(before, "Type"), "String"));
	const char *tier =
		check_value(input, before, type, error) ? tier_of(input, before, error) : NULL;
	if (!tier)
		return VALUE_NOTHING;
	g_autofree char *arn = ssm_parameter_arn(call->scope, name.name);
	g_auto(Value) version = new_version(call, input, before, type, tier);
	g_auto(Value) changed =
		value_is_null(parameter)
			? value_object_take("Name", value_string(name.name), "ARN",
				  value_string(arn), "Versions", value_empty_tuple(), NULL)
			: drop_oldest(value_ref(parameter), error);
	if (value_is_null(changed))
		return VALUE_NOTHING;
	Value versions =
		value_append_take(value_ref(value_get(changed, "Versions")), value_ref(version));
	ssm_put_take(call, value_with_take(value_steal(&changed), "Versions", versions));
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	if (value_is_null(parameter))
		region_tags_set(call->region, call->scope, arn, tags);
	return value_object_take("Version", value_ref(value_get(version, "Version")), "Tier",
		value_string(tier), NULL);
}
