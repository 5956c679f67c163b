/*
 * Versions of a secret and their staging labels: each label is on one version, AWSCURRENT always on
 * one, and versions that have none go when there are too many.
 */
#include "region/services/secretsmanager/internal.h"

#define MOST_VERSIONS_WITHOUT_LABEL 100
#define LARGEST_VALUE 65536

gboolean secret_has_stage(Value version, const char *stage) {
	Value stages = value_get(version, "Stages");
	for (gsize i = 0; i < value_length(stages); i++)
		if (g_strcmp0(value_text(value_at(stages, i)), stage) == 0)
			return TRUE;
	return FALSE;
}

const char *secret_version_of_stage(Value secret, const char *stage) {
	Value versions = value_get(secret, "Versions");
	for (gsize i = 0; i < value_length(versions); i++)
		if (secret_has_stage(value_at(versions, i), stage))
			return value_key_at(versions, i);
	return NULL;
}

static Value with_version(Value secret_taken, const char *id, Value version_taken) {
	Value versions =
		value_with_take(value_ref(value_get(secret_taken, "Versions")), id, version_taken);
	return value_with_take(secret_taken, "Versions", versions);
}

static Value set_stages(Value secret_taken, const char *id, const char *without, const char *with) {
	Value version = value_get_path(secret_taken, "Versions", id, NULL);
	Value before = value_get(version, "Stages");
	g_autoptr(ValueBuilder) stages = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(before); i++) {
		const char *stage = value_text(value_at(before, i));
		if (g_strcmp0(stage, without) != 0 && g_strcmp0(stage, with) != 0)
			value_builder_add_take(stages, value_string(stage));
	}
	if (with)
		value_builder_add_take(stages, value_string(with));
	return with_version(secret_taken, id,
		value_with_take(
			value_ref(version), "Stages", value_builder_end(g_steal_pointer(&stages))));
}

/* Moves a label to a version; what had AWSCURRENT gets AWSPREVIOUS. */
static Value move_stage(Value secret_taken, const char *stage, const char *to) {
	Value secret = secret_taken;
	g_autofree char *from = g_strdup(secret_version_of_stage(secret, stage));
	if (g_strcmp0(from, to) == 0)
		return secret;
	if (from && g_str_equal(stage, "AWSCURRENT")) {
		g_autofree char *previous =
			g_strdup(secret_version_of_stage(secret, "AWSPREVIOUS"));
		if (previous)
			secret = set_stages(secret, previous, "AWSPREVIOUS", NULL);
		secret = set_stages(secret, from, stage, "AWSPREVIOUS");
	} else if (from)
		secret = set_stages(secret, from, stage, NULL);
	return set_stages(secret, to, NULL, stage);
}

/* Versions without a label go when there are too many of them, the oldest first. */
static Value prune_versions(Value secret_taken) {
	Value versions = value_get(secret_taken, "Versions");
	guint unlabelled = 0;
	const char *oldest = NULL;
	double date = 0;
	for (gsize i = 0; i < value_length(versions); i++) {
		Value version = value_at(versions, i);
		if (value_length(value_get(version, "Stages")) > 0)
			continue;
		double created = value_to_double(value_get(version, "CreatedDate"), 0);
		if (unlabelled++ == 0 || created < date) {
			oldest = value_key_at(versions, i);
			date = created;
		}
	}
	if (unlabelled <= MOST_VERSIONS_WITHOUT_LABEL)
		return secret_taken;
	Value fewer = value_without_take(value_ref(versions), oldest);
	return value_with_take(secret_taken, "Versions", fewer);
}

static gboolean check_value(Value input, GError **error) {
	const char *given = value_has(input, "SecretString") ? "SecretString" : "SecretBinary";
	if (value_has(input, "SecretString") && value_has(input, "SecretBinary")) {
		wire_error_set(error, "InvalidParameterException",
			"You can't specify both a binary secret value and a string secret value.");
		return FALSE;
	}
	if (value_text_length(value_get(input, given)) <= LARGEST_VALUE)
		return TRUE;
	wire_error_set(error, "InvalidParameterException",
		"The secret value is too large: %d bytes at most.", LARGEST_VALUE);
	return FALSE;
}

/* Bytes as text, since the store's JSON has no place for them; null for none. */
static Value encoded(Value bytes) {
	if (value_is_null(bytes))
		return VALUE_NOTHING;
	g_autofree char *text =
		g_base64_encode((const guchar *)value_text(bytes), value_text_length(bytes));
	return value_string(text);
}

static gboolean same_value(Value version, Value input) {
	g_auto(Value) binary = encoded(value_get(input, "SecretBinary"));
	return value_equal(value_get(version, "SecretString"), value_get(input, "SecretString")) &&
	       value_equal(value_get(version, "SecretBinary64"), binary);
}

Value secret_add_version(
	RegionCall *call, Value secret_taken, Value input, char **version_id, GError **error) {
	g_auto(Value) secret = secret_taken;
	const char *token = value_get_text(input, "ClientRequestToken");
	*version_id = token ? g_strdup(token) : g_uuid_string_random();
	Value there = value_get_path(secret, "Versions", *version_id, NULL);
	if (!check_value(input, error))
		return VALUE_NOTHING;
	if (!value_is_null(there)) {
		if (same_value(there, input))
			return value_steal(&secret);
		wire_error_set(error, "ResourceExistsException",
			"You can't use ClientRequestToken %s because that value is already in use "
			"for "
			"a version of secret %s.",
			*version_id, value_get_text(secret, "ARN"));
		return VALUE_NOTHING;
	}
	Value version = value_object_take(
		"CreatedDate", region_timestamp(call->region), "Stages", value_empty_tuple(), NULL);
	if (value_has(input, "SecretString"))
		version = value_with_take(
			version, "SecretString", value_ref(value_get(input, "SecretString")));
	if (value_has(input, "SecretBinary"))
		version = value_with_take(
			version, "SecretBinary64", encoded(value_get(input, "SecretBinary")));
	Value changed = with_version(value_steal(&secret), *version_id, version);
	Value stages = value_get(input, "VersionStages");
	if (value_length(stages) == 0)
		changed = move_stage(changed, "AWSCURRENT", *version_id);
	for (gsize i = 0; i < value_length(stages); i++)
		changed = move_stage(changed, value_text(value_at(stages, i)), *version_id);
	return prune_versions(
		value_with_take(changed, "LastChangedDate", region_timestamp(call->region)));
}

gboolean secret_has_value(Value input) {
	return value_has(input, "SecretString") || value_has(input, "SecretBinary");
}

Value secret_version_not_found(const char *what, const char *id, GError **error) {
	wire_error_set(error, "ResourceNotFoundException",
		"Secrets Manager can't find the specified secret value for %s: %s", what, id);
	return VALUE_NOTHING;
}

Value secret_update_stage(RegionCall *call, Value input, GError **error) {
	const char *stage = value_get_text(input, "VersionStage");
	const char *to = value_get_text(input, "MoveToVersionId");
	const char *from = value_get_text(input, "RemoveFromVersionId");
	g_auto(Value) secret = secret_find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	if (to && value_is_null(value_get_path(secret, "Versions", to, NULL)))
		return secret_version_not_found("VersionId", to, error);
	const char *present = secret_version_of_stage(secret, stage);
	if (!to && g_str_equal(stage, "AWSCURRENT")) {
		wire_error_set(error, "InvalidParameterException",
			"You can only move staging label AWSCURRENT to a different secret version. "
			"It "
			"can't be completely removed.");
		return VALUE_NOTHING;
	}
	if (present && g_strcmp0(present, from) != 0 && g_strcmp0(present, to) != 0) {
		wire_error_set(error, "InvalidParameterException",
			"The parameter RemoveFromVersionId must be set to version %s, which has "
			"the "
			"staging label %s.",
			present, stage);
		return VALUE_NOTHING;
	}
	Value output = secret_named(secret);
	secret_put(call, to	   ? move_stage(value_ref(secret), stage, to)
			 : present ? set_stages(value_ref(secret), present, stage, NULL)
				   : value_ref(secret));
	return output;
}
