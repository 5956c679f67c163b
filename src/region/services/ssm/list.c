/* Lists of parameters: by path, by filters, and the history of one. */
#include <string.h>

#include "region/services/ssm/internal.h"

/* ---- filters ---- */

/* What filters are about. */
typedef struct {
	RegionCall *call;
	Value parameter, version; /* borrowed */
} Candidate;

static gboolean is_one_of(const char *text, const char *const *words) {
	for (; *words; words++)
		if (g_str_equal(*words, text))
			return TRUE;
	return FALSE;
}

static gboolean compare(const char *text, const char *wanted, const char *option) {
	if (!text)
		return FALSE;
	if (g_str_equal(option, "BeginsWith"))
		return g_str_has_prefix(text, wanted);
	return g_str_equal(option, "Contains") ? strstr(text, wanted) != NULL
					       : g_str_equal(text, wanted);
}

/* Whether a name lies below a path: right below it, or at any depth. */
static gboolean below(const char *name, const char *path, gboolean recursive) {
	gsize length = strlen(path);
	while (length > 0 && path[length - 1] == '/')
		length--;
	if (*name != '/')
		return length == 0; /* names without a slash hang on the root */
	if (strncmp(name, path, length) != 0 || name[length] != '/')
		return FALSE;
	return recursive || !strchr(name + length + 1, '/');
}

static gboolean fits(
	const Candidate *candidate, const char *key, const char *option, const char *wanted) {
	const char *name = value_get_text(candidate->parameter, "Name");
	if (g_str_equal(key, "Name")) /* a slash in front may be left out */
		return compare(name + (*name == '/'), wanted + (*wanted == '/'), option);
	if (g_str_equal(key, "Path"))
		return below(name, wanted, g_str_equal(option, "Recursive"));
	if (!g_str_has_prefix(key, "tag:"))
		return compare(value_get_text(candidate->version, key), wanted, option);
	g_auto(Value) tags = region_tags(candidate->call->region, candidate->call->scope,
		value_get_text(candidate->parameter, "ARN"));
	return compare(value_get_text(tags, key + strlen("tag:")), wanted, option);
}

static gboolean has_tag(const Candidate *candidate, const char *key) {
	g_auto(Value) tags = region_tags(candidate->call->region, candidate->call->scope,
		value_get_text(candidate->parameter, "ARN"));
	return value_has(tags, key);
}

static const char *option_of(Value filter) {
	gboolean path = g_strcmp0(value_get_text(filter, "Key"), "Path") == 0;
	return value_text_or(value_get(filter, "Option"), path ? "OneLevel" : "Equals");
}

static gboolean passes(const Candidate *candidate, Value filters) {
	for (gsize i = 0; i < value_length(filters); i++) {
		Value filter = value_at(filters, i), wanted = value_get(filter, "Values");
		const char *key = value_get_text(filter, "Key");
		gboolean any =
			value_length(wanted) == 0 && has_tag(candidate, key + strlen("tag:"));
		for (gsize j = 0; !any && j < value_length(wanted); j++)
			any = fits(
				candidate, key, option_of(filter), value_text(value_at(wanted, j)));
		if (!any)
			return FALSE;
	}
	return TRUE;
}

static gboolean refuse(GError **error, const char *code, const char *format, const char *what) {
	g_autofree char *message = g_strdup_printf(format, what);
	wire_error_set(error, code, "%s", message);
	return FALSE;
}

static gboolean check_filter(Value filter, const char *const *keys, GError **error) {
	static const char *const plain[] = {"Equals", "BeginsWith", NULL};
	static const char *const of_name[] = {"Equals", "BeginsWith", "Contains", NULL};
	static const char *const of_path[] = {"Recursive", "OneLevel", NULL};
	const char *key = value_get_text(filter, "Key"), *option = option_of(filter);
	gboolean tag = g_str_has_prefix(key, "tag:");
	if (tag ? !is_one_of("tag:", keys) : !is_one_of(key, keys))
		return refuse(error, "InvalidFilterKey",
			"The following filter key is not valid: %s.", key);
	const char *const *options = g_str_equal(key, "Name")	? of_name
				     : g_str_equal(key, "Path") ? of_path
								: plain;
	if (!is_one_of(option, options))
		return refuse(error, "InvalidFilterOption",
			"The following filter option is not valid: %s.", option);
	Value wanted = value_get(filter, "Values");
	if (value_length(wanted) == 0 && !tag)
		return refuse(error, "InvalidFilterValue",
			"The following filter values are missing : null for filter key %s", key);
	for (gsize i = 0; g_str_equal(key, "Path") && i < value_length(wanted); i++)
		if (*value_text(value_at(wanted, i)) != '/')
			return refuse(error, "ValidationException",
				"The parameter doesn't meet the parameter name requirements. The "
				"parameter name must begin with a forward slash \"/\": %s",
				value_text(value_at(wanted, i)));
	return TRUE;
}

static gboolean check_filters(Value filters, const char *const *keys, GError **error) {
	for (gsize i = 0; i < value_length(filters); i++)
		if (!check_filter(value_at(filters, i), keys, error))
			return FALSE;
	return TRUE;
}

/* A page of `items` (taken) as `member` of the output. */
static Value paged(Value input, Value items, gint64 most, const char *member, GError **error) {
	const RegionPaging paging = {
		"MaxResults", "NextToken", "NextToken", most, "InvalidNextToken"};
	return region_page_answer(input, &paging, member, items, error);
}

/* ---- by path ---- */

/* The filters without those on labels, which choose the version. */
static const char *label_of(Value filters, Value *others) {
	g_autoptr(ValueBuilder) rest = value_builder_new(VALUE_TUPLE, NULL);
	const char *label = NULL;
	for (gsize i = 0; i < value_length(filters); i++) {
		Value filter = value_at(filters, i);
		if (g_str_equal(value_get_text(filter, "Key"), "Label"))
			label = value_text(value_at(value_get(filter, "Values"), 0));
		else
			value_builder_add_take(rest, value_ref(filter));
	}
	*others = value_builder_end(g_steal_pointer(&rest));
	return label;
}

Value ssm_get_by_path(RegionCall *call, Value input, GError **error) {
	static const char *const keys[] = {"Type", "KeyId", "Label", NULL};
	const char *path = value_get_text(input, "Path");
	if (*path != '/') {
		refuse(error, "ValidationException",
			"The parameter doesn't meet the parameter name requirements. The parameter "
			"name must begin with a forward slash \"/\": %s",
			path);
		return VALUE_NOTHING;
	}
	if (!check_filters(value_get(input, "ParameterFilters"), keys, error))
		return VALUE_NOTHING;
	g_auto(Value) filters = VALUE_NOTHING;
	const char *label = label_of(value_get(input, "ParameterFilters"), &filters);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, SSM_PARAMETERS);
	const char *name;
	Value parameter;
	while (store_iter_next(&iter, &name, &parameter)) {
		Candidate candidate = {call, parameter, ssm_version(parameter, label)};
		if (!below(name, path, value_get_bool(input, "Recursive")) ||
			value_is_null(candidate.version) || !passes(&candidate, filters))
			continue;
		g_autofree char *selector = label ? g_strconcat(":", label, NULL) : NULL;
		value_builder_add_take(all, ssm_told(parameter, candidate.version, selector,
						    value_get_bool(input, "WithDecryption")));
	}
	return paged(input, value_builder_end(g_steal_pointer(&all)), 10, "Parameters", error);
}

/* ---- descriptions ---- */

/* Members of a version that `names` lists and it has, over `output`. */
static Value with_members(Value output, Value version, const char *const *names) {
	for (; *names; names++)
		if (value_has(version, *names))
			output = value_with_take(
				output, *names, value_ref(value_get(version, *names)));
	return output;
}

static Value description(Value parameter) {
	static const char *const members[] = {"Type", "KeyId", "LastModifiedDate",
		"LastModifiedUser", "Description", "AllowedPattern", "Version", "Tier", "DataType",
		NULL};
	Value output = value_object_take("Name", value_ref(value_get(parameter, "Name")), "ARN",
		value_ref(value_get(parameter, "ARN")), "Policies", value_empty_tuple(), NULL);
	return with_members(output, ssm_latest(parameter), members);
}

/* The older form of filters: beginnings of names, whole types and keys. */
static Value modern(Value filters) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(filters); i++) {
		Value filter = value_at(filters, i);
		gboolean name = g_str_equal(value_get_text(filter, "Key"), "Name");
		value_builder_add_take(all, value_with_take(value_ref(filter), "Option",
						    value_string(name ? "BeginsWith" : "Equals")));
	}
	return value_builder_end(g_steal_pointer(&all));
}

Value ssm_describe(RegionCall *call, Value input, GError **error) {
	static const char *const keys[] = {
		"Name", "Type", "KeyId", "Path", "Tier", "DataType", "tag:", NULL};
	if (value_length(value_get(input, "Filters")) > 0 &&
		value_length(value_get(input, "ParameterFilters")) > 0) {
		wire_error_set(error, "ValidationException",
			"You can use either Filters or ParameterFilters in a single request.");
		return VALUE_NOTHING;
	}
	g_auto(Value) filters = value_length(value_get(input, "Filters")) > 0
					? modern(value_get(input, "Filters"))
					: value_ref(value_get(input, "ParameterFilters"));
	if (!check_filters(filters, keys, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	/* No other account shares its parameters with this one. */
	gboolean shared = value_get_bool(input, "Shared");
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, SSM_PARAMETERS);
	const char *name;
	Value parameter;
	while (!shared && store_iter_next(&iter, &name, &parameter)) {
		Candidate candidate = {call, parameter, ssm_latest(parameter)};
		if (passes(&candidate, filters))
			value_builder_add_take(all, description(parameter));
	}
	return paged(input, value_builder_end(g_steal_pointer(&all)), 50, "Parameters", error);
}

Value ssm_history(RegionCall *call, Value input, GError **error) {
	static const char *const members[] = {"Type", "KeyId", "LastModifiedDate",
		"LastModifiedUser", "Description", "Value", "AllowedPattern", "Version", "Labels",
		"Tier", "DataType", NULL};
	g_auto(SsmName) name = {0};
	g_auto(Value) parameter =
		ssm_find(call->region, call->scope, value_get_text(input, "Name"), &name);
	if (value_is_null(parameter) || name.selector)
		return ssm_not_found(value_get_text(input, "Name"), error);
	gboolean decrypted = value_get_bool(input, "WithDecryption");
	Value versions = value_get(parameter, "Versions");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(versions); i++) {
		Value version = value_at(versions, i);
		Value told = value_object_take("Name", value_ref(value_get(parameter, "Name")),
			"Policies", value_empty_tuple(), NULL);
		told = with_members(told, version, members);
		if (value_has(version, "Cipher") && !decrypted)
			told = value_with_take(
				told, "Value", value_ref(value_get(version, "Cipher")));
		value_builder_add_take(all, told);
	}
	return paged(input, value_builder_end(g_steal_pointer(&all)), 50, "Parameters", error);
}
