/*
 * Parameter Store of Systems Manager: finding, getting and deleting parameters, and the table of
 * its operations. What a parameter is in the store says internal.h.
 */
#include <string.h>

#include "region/services/ssm/internal.h"

extern const RegionService region_ssm;

/* ---- names ---- */

void ssm_name_clear(SsmName *name) {
	g_clear_pointer(&name->name, g_free);
	g_clear_pointer(&name->selector, g_free);
}

/* "arn:…:parameter/a/b" is "/a/b"; "…:parameter/a" may be "a" or "/a". Caller frees; NULL: it is no
 * parameter's ARN of this scope. */
static char *name_of_arn(Region *region, StoreScope scope, const char *arn) {
	g_autofree char *service = NULL, *place = NULL, *account = NULL, *resource = NULL;
	if (!region_arn_parse(arn, &service, &place, &account, &resource) ||
		!g_str_equal(service, "ssm") || !g_str_equal(place, scope.region) ||
		!g_str_equal(account, scope.account) || !g_str_has_prefix(resource, "parameter/"))
		return NULL;
	const char *path = resource + strlen("parameter");
	g_autofree char *name = g_strndup(path, strcspn(path, ":"));
	gboolean plain =
		!strchr(name + 1, '/') &&
		(!region || store_has(region_store(region), scope, SSM_PARAMETERS, name + 1));
	return g_strdup(plain ? path + 1 : path);
}

Value ssm_find(Region *region, StoreScope scope, const char *text, SsmName *name) {
	g_autofree char *of_arn =
		g_str_has_prefix(text, "arn:") ? name_of_arn(region, scope, text) : g_strdup(text);
	const char *whole = of_arn ? of_arn : text;
	const char *colon = of_arn ? strchr(whole, ':') : NULL;
	name->name = colon ? g_strndup(whole, (gsize)(colon - whole)) : g_strdup(whole);
	name->selector = g_strdup(colon);
	return store_get(region_store(region), scope, SSM_PARAMETERS, name->name);
}

char *ssm_parameter_arn(StoreScope scope, const char *name_or_arn) {
	if (g_str_has_prefix(name_or_arn, "arn:")) {
		/* Five colons lead to the resource, a sixth to the selector. */
		const char *at = name_or_arn;
		for (guint i = 0; at && i < 5; i++)
			at = strchr(at + 1, ':');
		const char *selector = at ? strchr(at + 1, ':') : NULL;
		return selector ? g_strndup(name_or_arn, (gsize)(selector - name_or_arn))
				: g_strdup(name_or_arn);
	}
	g_autofree char *name = g_strndup(name_or_arn, strcspn(name_or_arn, ":"));
	return region_arn(scope, "ssm", "parameter%s%s", *name == '/' ? "" : "/", name);
}

Value ssm_not_found(const char *name, GError **error) {
	wire_error_set(error, "ParameterNotFound", "Parameter %s not found.", name);
	return VALUE_NOTHING;
}

Value ssm_version_not_found(const char *name, const char *selector, GError **error) {
	gboolean number = g_ascii_isdigit(selector[0]);
	wire_error_set(error, "ParameterVersionNotFound",
		"Systems Manager could not find %s %s of %s. Verify the %s and try again.",
		number ? "version" : "label", selector, name, number ? "version" : "label");
	return VALUE_NOTHING;
}

/* ---- versions ---- */

Value ssm_latest(Value parameter) {
	Value versions = value_get(parameter, "Versions");
	return value_at(versions, value_length(versions) - 1);
}

static gboolean has_label(Value version, const char *label) {
	Value labels = value_get(version, "Labels");
	for (gsize i = 0; i < value_length(labels); i++)
		if (g_strcmp0(value_text(value_at(labels, i)), label) == 0)
			return TRUE;
	return FALSE;
}

Value ssm_version(Value parameter, const char *selector) {
	if (!selector)
		return ssm_latest(parameter);
	const char *wanted = selector + (*selector == ':');
	gboolean number = *wanted && strspn(wanted, "0123456789") == strlen(wanted);
	Value versions = value_get(parameter, "Versions");
	for (gsize i = 0; i < value_length(versions); i++) {
		Value version = value_at(versions, i);
		if (number ? value_get_int(version, "Version", 0) ==
					g_ascii_strtoll(wanted, NULL, 10)
			   : has_label(version, wanted))
			return version;
	}
	return VALUE_NOTHING;
}

Value ssm_with_version_take(Value parameter, Value version) {
	Value versions = value_get(parameter, "Versions");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(versions); i++) {
		Value each = value_at(versions, i);
		gboolean same =
			value_get_int(each, "Version", 0) == value_get_int(version, "Version", 0);
		value_builder_add_take(all, value_ref(same ? version : each));
	}
	value_unref(version);
	return value_with_take(parameter, "Versions", value_builder_end(g_steal_pointer(&all)));
}

void ssm_put_take(RegionCall *call, Value parameter) {
	store_put_take(region_store(call->region), call->scope, SSM_PARAMETERS,
		value_get_text(parameter, "Name"), parameter);
}

/* ---- getting ---- */

Value ssm_told(Value parameter, Value version, const char *selector, gboolean decrypted) {
	gboolean hidden = value_has(version, "Cipher") && !decrypted;
	Value told = value_object_take("Name", value_ref(value_get(parameter, "Name")), "ARN",
		value_ref(value_get(parameter, "ARN")), "Type",
		value_ref(value_get(version, "Type")), "Value",
		value_ref(value_get(version, hidden ? "Cipher" : "Value")), "Version",
		value_ref(value_get(version, "Version")), "LastModifiedDate",
		value_ref(value_get(version, "LastModifiedDate")), "DataType",
		value_ref(value_get(version, "DataType")), NULL);
	return selector ? value_with_take(told, "Selector", value_string(selector)) : told;
}

/* One parameter as asked for; VALUE_NOTHING and an error. */
static Value get_one(RegionCall *call, const char *text, gboolean decrypted, GError **error) {
	g_auto(SsmName) name = {0};
	g_auto(Value) parameter = ssm_find(call->region, call->scope, text, &name);
	if (value_is_null(parameter))
		return ssm_not_found(name.name, error);
	Value version = ssm_version(parameter, name.selector);
	if (value_is_null(version))
		return ssm_version_not_found(name.name, name.selector + 1, error);
	return ssm_told(parameter, version, name.selector, decrypted);
}

static Value get_parameter(RegionCall *call, Value input, GError **error) {
	Value found = get_one(call, value_get_text(input, "Name"),
		value_get_bool(input, "WithDecryption"), error);
	return value_is_null(found) ? found : value_object_take("Parameter", found, NULL);
}

static Value get_parameters(RegionCall *call, Value input, GError **error) {
	gboolean decrypted = value_get_bool(input, "WithDecryption");
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) invalid = value_builder_new(VALUE_TUPLE, NULL);
	Value names = value_get(input, "Names");
	for (gsize i = 0; i < value_length(names); i++) {
		Value one = get_one(call, value_text(value_at(names, i)), decrypted, NULL);
		if (value_is_null(one))
			value_builder_add_take(invalid, value_ref(value_at(names, i)));
		else
			value_builder_add_take(found, one);
	}
	return value_object_take("Parameters", value_builder_end(g_steal_pointer(&found)),
		"InvalidParameters", value_builder_end(g_steal_pointer(&invalid)), NULL);
}

char *ssm_resolve(Region *region, StoreScope scope, const char *name_or_arn, GError **error) {
	g_auto(SsmName) name = {0};
	g_auto(Value) parameter = ssm_find(region, scope, name_or_arn, &name);
	Value version = ssm_version(parameter, name.selector);
	if (value_is_null(parameter))
		ssm_not_found(name.name, error);
	else if (value_is_null(version))
		ssm_version_not_found(name.name, name.selector + 1, error);
	else
		return g_strdup(value_text_or(value_get(version, "Value"), ""));
	return NULL;
}

/* ---- the end of a parameter ---- */

static gboolean forget(RegionCall *call, const char *text) {
	g_auto(SsmName) name = {0};
	g_auto(Value) parameter = ssm_find(call->region, call->scope, text, &name);
	if (value_is_null(parameter) || name.selector)
		return FALSE;
	region_tags_clear(call->region, call->scope, value_get_text(parameter, "ARN"));
	return store_delete(region_store(call->region), call->scope, SSM_PARAMETERS, name.name);
}

static Value delete_parameter(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Name");
	return forget(call, name) ? VALUE_NOTHING : ssm_not_found(name, error);
}

static Value delete_parameters(RegionCall *call, Value input, GError **error) {
	g_autoptr(ValueBuilder) deleted = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) invalid = value_builder_new(VALUE_TUPLE, NULL);
	Value names = value_get(input, "Names");
	for (gsize i = 0; i < value_length(names); i++)
		value_builder_add_take(
			forget(call, value_text(value_at(names, i))) ? deleted : invalid,
			value_ref(value_at(names, i)));
	return value_object_take("DeletedParameters", value_builder_end(g_steal_pointer(&deleted)),
		"InvalidParameters", value_builder_end(g_steal_pointer(&invalid)), NULL);
}

static const RegionOperation operations[] = {
	{"PutParameter", ssm_put_parameter},
	{"GetParameter", get_parameter, .reads_only = TRUE},
	{"GetParameters", get_parameters, .reads_only = TRUE},
	{"GetParametersByPath", ssm_get_by_path, .reads_only = TRUE},
	{"GetParameterHistory", ssm_history, .reads_only = TRUE},
	{"DescribeParameters", ssm_describe, .reads_only = TRUE},
	{"DeleteParameter", delete_parameter},
	{"DeleteParameters", delete_parameters},
	{"LabelParameterVersion", ssm_label_version},
	{"UnlabelParameterVersion", ssm_unlabel_version},
	{"AddTagsToResource", ssm_add_tags},
	{"RemoveTagsFromResource", ssm_remove_tags},
	{"ListTagsForResource", ssm_list_tags, .reads_only = TRUE},
	{NULL},
};

const RegionService region_ssm = {.name = "ssm", .operations = operations};
