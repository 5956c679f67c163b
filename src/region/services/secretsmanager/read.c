/* What is told of secrets: values, descriptions, lists and their filters. Changes nothing. */
#include "region/services/secretsmanager/internal.h"

/* The id (borrowed) of the version that an input means; NULL and an error. */
static const char *wanted_version(Value secret, Value input, GError **error) {
	const char *id = value_get_text(input, "VersionId");
	const char *stage = value_get_text(input, "VersionStage");
	if (id) {
		Value version = value_get_path(secret, "Versions", id, NULL);
		if (value_is_null(version)) {
			secret_version_not_found("VersionId", id, error);
			return NULL;
		}
		if (stage && !secret_has_stage(version, stage)) {
			wire_error_set(error, "InvalidRequestException",
				"You provided a VersionStage that is not associated to the "
				"provided "
				"VersionId.");
			return NULL;
		}
		return id;
	}
	const char *found = secret_version_of_stage(secret, stage ? stage : "AWSCURRENT");
	if (!found)
		secret_version_not_found("staging label", stage ? stage : "AWSCURRENT", error);
	return found;
}

Value secret_value(Value secret, Value input, GError **error) {
	const char *id = wanted_version(secret, input, error);
	if (!id)
		return VALUE_NOTHING;
	Value version = value_get_path(secret, "Versions", id, NULL);
	Value output = value_with_take(secret_named(secret), "VersionId", value_string(id));
	output = value_with_take(output, "VersionStages", value_ref(value_get(version, "Stages")));
	output = value_with_take(
		output, "CreatedDate", value_ref(value_get(version, "CreatedDate")));
	if (value_has(version, "SecretString"))
		return value_with_take(
			output, "SecretString", value_ref(value_get(version, "SecretString")));
	gsize length;
	g_autofree guchar *bytes =
		g_base64_decode(value_text_or(value_get(version, "SecretBinary64"), ""), &length);
	return value_with_take(
		output, "SecretBinary", value_string_sized((const char *)bytes, length));
}

Value secret_get_value(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = secret_find_live(call, input, error);
	return value_is_null(secret) ? VALUE_NOTHING : secret_value(secret, input, error);
}

static Value stages_of(Value secret) {
	Value versions = value_get(secret, "Versions");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = 0; i < value_length(versions); i++) {
		Value stages = value_get(value_at(versions, i), "Stages");
		if (value_length(stages) > 0)
			value_builder_set_take(all, value_key_at(versions, i), value_ref(stages));
	}
	return value_builder_end(g_steal_pointer(&all));
}

/* What describe and list share; the stages are under another name in each. */
static Value description(RegionCall *call, Value secret, const char *stages) {
	static const char *const members[] = {
		"Description", "KmsKeyId", "CreatedDate", "LastChangedDate", "DeletedDate"};
	Value output = secret_named(secret);
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(secret, members[i]))
			output = value_with_take(
				output, members[i], value_ref(value_get(secret, members[i])));
	g_auto(Value) tags = region_tags(call->region, call->scope, value_get_text(secret, "ARN"));
	output = value_with_take(output, "Tags", region_tags_to_list(tags, "Key", "Value"));
	return value_with_take(output, stages, stages_of(secret));
}

Value secret_describe(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = secret_find(call, input, error);
	return value_is_null(secret) ? VALUE_NOTHING
				     : description(call, secret, "VersionIdsToStages");
}

static gboolean begins(const char *text, Value prefixes) {
	for (gsize i = 0; i < value_length(prefixes); i++) {
		const char *prefix = value_text_or(value_at(prefixes, i), "");
		gboolean negated = *prefix == '!';
		if (g_str_has_prefix(text ? text : "", prefix + negated) != negated)
			return TRUE;
	}
	return FALSE;
}

static gboolean tag_begins(Value entry, const char *member, Value prefixes) {
	Value tags = value_get(entry, "Tags");
	for (gsize i = 0; i < value_length(tags); i++)
		if (begins(value_get_text(value_at(tags, i), member), prefixes))
			return TRUE;
	return FALSE;
}

static gboolean passes(Value entry, Value filters) {
	for (gsize i = 0; i < value_length(filters); i++) {
		const char *key = value_text_or(value_get(value_at(filters, i), "Key"), "all");
		Value wanted = value_get(value_at(filters, i), "Values");
		gboolean any = g_str_equal(key, "all"), fits = FALSE;
		if (any || g_str_equal(key, "name"))
			fits |= begins(value_get_text(entry, "Name"), wanted);
		if (any || g_str_equal(key, "description"))
			fits |= begins(value_get_text(entry, "Description"), wanted);
		if (any || g_str_equal(key, "tag-key"))
			fits |= tag_begins(entry, "Key", wanted);
		if (any || g_str_equal(key, "tag-value"))
			fits |= tag_begins(entry, "Value", wanted);
		if (!fits)
			return FALSE;
	}
	return TRUE;
}

Value secret_list(RegionCall *call, Value input, GError **error) {
	static const RegionPaging paging = {
		"MaxResults", "NextToken", "NextToken", 100, "InvalidNextTokenException"};
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, SECRETS);
	const char *name;
	Value secret;
	while (store_iter_next(&iter, &name, &secret)) {
		if (value_has(secret, "DeletedDate") &&
			!value_get_bool(input, "IncludePlannedDeletion"))
			continue;
		g_auto(Value) entry = description(call, secret, "SecretVersionsToStages");
		if (passes(entry, value_get(input, "Filters")))
			value_builder_add_take(all, value_steal(&entry));
	}
	return region_page_answer(
		input, &paging, "SecretList", value_builder_end(g_steal_pointer(&all)), error);
}

Value secret_list_versions(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = secret_find(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	Value versions = value_get(secret, "Versions");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(versions); i++) {
		Value version = value_at(versions, i);
		Value stages = value_get(version, "Stages");
		if (value_length(stages) == 0 && !value_get_bool(input, "IncludeDeprecated"))
			continue;
		value_builder_add_take(
			all, value_object_take("VersionId", value_string(value_key_at(versions, i)),
				     "VersionStages", value_ref(stages), "CreatedDate",
				     value_ref(value_get(version, "CreatedDate")), NULL));
	}
	return value_with_take(
		secret_named(secret), "Versions", value_builder_end(g_steal_pointer(&all)));
}
