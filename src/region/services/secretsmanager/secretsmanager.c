/*
 * Secrets Manager: secrets and their versions with staging labels. A secret is kept under its name,
 * with its versions inside (value, date, stages); what leaves is made from that.
 */
#include "region/services/secretsmanager/secretsmanager.h"

#include <string.h>

#include "base/text.h"
#include "value/json.h"

extern const RegionService region_secretsmanager;

#define SECRETS "secretsmanager/secret"
#define SWEEPER "secretsmanager/sweep"
#define DAY_S 86400
#define MOST_VERSIONS_WITHOUT_LABEL 100
#define LARGEST_VALUE 65536

/* ---- finding ---- */

static Value not_found(GError **error) {
	wire_error_set(error, "ResourceNotFoundException",
		"Secrets Manager can't find the specified secret.");
	return VALUE_NOTHING;
}

static Value by_arn(Region *region, StoreScope scope, const char *arn) {
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, SECRETS);
	const char *name;
	Value secret;
	gboolean partial = TRUE;
	Value near = VALUE_NOTHING;
	while (store_iter_next(&iter, &name, &secret)) {
		const char *own = value_get_text(secret, "ARN");
		if (g_str_equal(own, arn)) {
			value_unref(near);
			return value_ref(secret);
		}
		/* An ARN without the six letters at its end is enough if it is clear. */
		gsize length = strlen(own) - strlen("-AbCdEf");
		if (strlen(arn) == length && strncmp(own, arn, length) == 0 && partial) {
			near = value_ref(secret);
			partial = FALSE;
		}
	}
	return near;
}

/* A secret by name or ARN, or VALUE_NOTHING. */
static Value lookup(Region *region, StoreScope scope, const char *id) {
	return g_str_has_prefix(id, "arn:") ? by_arn(region, scope, id)
					    : store_get(region_store(region), scope, SECRETS, id);
}

static Value find(RegionCall *call, Value input, GError **error) {
	Value secret = lookup(call->region, call->scope, value_get_text(input, "SecretId"));
	return value_is_null(secret) ? not_found(error) : secret;
}

/* One that is not waiting for its deletion. */
static Value find_live(RegionCall *call, Value input, GError **error) {
	Value secret = find(call, input, error);
	if (!value_has(secret, "DeletedDate"))
		return secret;
	value_unref(secret);
	wire_error_set(error, "InvalidRequestException",
		"You can't perform this operation on the secret because it was marked for "
		"deletion.");
	return VALUE_NOTHING;
}

static void put(RegionCall *call, Value secret_taken) {
	store_put_take(region_store(call->region), call->scope, SECRETS,
		value_get_text(secret_taken, "Name"), secret_taken);
}

static Value named(Value secret) {
	return value_object_take("ARN", value_ref(value_get(secret, "ARN")), "Name",
		value_ref(value_get(secret, "Name")), NULL);
}

/* ---- versions ---- */

static gboolean has_stage(Value version, const char *stage) {
	Value stages = value_get(version, "Stages");
	for (gsize i = 0; i < value_length(stages); i++)
		if (g_strcmp0(value_text(value_at(stages, i)), stage) == 0)
			return TRUE;
	return FALSE;
}

/* Borrowed; NULL if no version has the stage. */
static const char *version_of_stage(Value secret, const char *stage) {
	Value versions = value_get(secret, "Versions");
	for (gsize i = 0; i < value_length(versions); i++)
		if (has_stage(value_at(versions, i), stage))
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
	g_autofree char *from = g_strdup(version_of_stage(secret, stage));
	if (g_strcmp0(from, to) == 0)
		return secret;
	if (from && g_str_equal(stage, "AWSCURRENT")) {
		g_autofree char *previous = g_strdup(version_of_stage(secret, "AWSPREVIOUS"));
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

/* Adds the input's value as a version under its token, with the stages that it names (AWSCURRENT).
 * The same again is no change; another value under the same token is refused. */
static Value add_version(
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

static gboolean has_value(Value input) {
	return value_has(input, "SecretString") || value_has(input, "SecretBinary");
}

/* ---- secrets ---- */

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+=.@!-"

static gboolean check_name(RegionCall *call, const char *name, GError **error) {
	if (strspn(name, NAME_CHARACTERS) != strlen(name)) {
		wire_error_set(error, "ValidationException",
			"Invalid name. Must be a valid name containing alphanumeric characters, or "
			"any "
			"of the following: -/_+=.@!");
		return FALSE;
	}
	g_auto(Value) there = store_get(region_store(call->region), call->scope, SECRETS, name);
	if (value_is_null(there))
		return TRUE;
	if (value_has(there, "DeletedDate"))
		wire_error_set(error, "InvalidRequestException",
			"You can't create this secret because a secret with this name is already "
			"scheduled for deletion.");
	else
		wire_error_set(error, "ResourceExistsException",
			"The operation failed because the secret %s already exists.", name);
	return FALSE;
}

static gboolean refuse_replicas(Value input, GError **error) {
	if (value_length(value_get(input, "AddReplicaRegions")) == 0)
		return FALSE;
	wire_error_set(error, "InvalidParameterException",
		"Terrarium does not replicate secrets to other regions.");
	return TRUE;
}

static Value create_secret(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Name");
	if (refuse_replicas(input, error) || !check_name(call, name, error))
		return VALUE_NOTHING;
	g_autofree char *suffix =
		text_random(6, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	g_autofree char *arn =
		region_arn(call->scope, "secretsmanager", "secret:%s-%s", name, suffix);
	Value secret = value_object_take("Name", value_string(name), "ARN", value_string(arn),
		"CreatedDate", region_timestamp(call->region), "LastChangedDate",
		region_timestamp(call->region), "Versions", value_empty_object(), NULL);
	static const char *const optional[] = {"Description", "KmsKeyId"};
	for (guint i = 0; i < G_N_ELEMENTS(optional); i++)
		if (value_has(input, optional[i]))
			secret = value_with_take(
				secret, optional[i], value_ref(value_get(input, optional[i])));
	g_autofree char *version = NULL;
	if (has_value(input)) {
		secret = add_version(call, secret, input, &version, error);
		if (value_is_null(secret))
			return VALUE_NOTHING;
	}
	Value output = named(secret);
	put(call, secret);
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	region_tags_set(call->region, call->scope, arn, tags);
	return version ? value_with_take(output, "VersionId", value_string(version)) : output;
}

static Value put_secret_value(RegionCall *call, Value input, GError **error) {
	Value secret = find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	if (!has_value(input)) {
		value_unref(secret);
		wire_error_set(error, "InvalidRequestException",
			"You must provide either SecretString or SecretBinary.");
		return VALUE_NOTHING;
	}
	g_autofree char *version = NULL;
	secret = add_version(call, secret, input, &version, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	Value output = value_with_take(named(secret), "VersionId", value_string(version));
	output = value_with_take(output, "VersionStages",
		value_ref(value_get_path(secret, "Versions", version, "Stages", NULL)));
	put(call, secret);
	return output;
}

static Value update_secret(RegionCall *call, Value input, GError **error) {
	static const char *const settable[] = {"Description", "KmsKeyId"};
	Value secret = find_live(call, input, error);
	g_autofree char *version = NULL;
	if (!value_is_null(secret) && has_value(input))
		secret = add_version(call, secret, input, &version, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	for (guint i = 0; i < G_N_ELEMENTS(settable); i++)
		if (value_has(input, settable[i]))
			secret = value_with_take(
				secret, settable[i], value_ref(value_get(input, settable[i])));
	secret = value_with_take(secret, "LastChangedDate", region_timestamp(call->region));
	Value output = named(secret);
	put(call, secret);
	return version ? value_with_take(output, "VersionId", value_string(version)) : output;
}

/* ---- reading ---- */

static Value version_not_found(const char *what, const char *id, GError **error) {
	wire_error_set(error, "ResourceNotFoundException",
		"Secrets Manager can't find the specified secret value for %s: %s", what, id);
	return VALUE_NOTHING;
}

/* The id (borrowed) of the version that an input means; NULL and an error. */
static const char *wanted_version(Value secret, Value input, GError **error) {
	const char *id = value_get_text(input, "VersionId");
	const char *stage = value_get_text(input, "VersionStage");
	if (id) {
		Value version = value_get_path(secret, "Versions", id, NULL);
		if (value_is_null(version)) {
			version_not_found("VersionId", id, error);
			return NULL;
		}
		if (stage && !has_stage(version, stage)) {
			wire_error_set(error, "InvalidRequestException",
				"You provided a VersionStage that is not associated to the "
				"provided "
				"VersionId.");
			return NULL;
		}
		return id;
	}
	const char *found = version_of_stage(secret, stage ? stage : "AWSCURRENT");
	if (!found)
		version_not_found("staging label", stage ? stage : "AWSCURRENT", error);
	return found;
}

static Value secret_value(Value secret, Value input, GError **error) {
	const char *id = wanted_version(secret, input, error);
	if (!id)
		return VALUE_NOTHING;
	Value version = value_get_path(secret, "Versions", id, NULL);
	Value output = value_with_take(named(secret), "VersionId", value_string(id));
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

static Value get_secret_value(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = find_live(call, input, error);
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
	Value output = named(secret);
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(secret, members[i]))
			output = value_with_take(
				output, members[i], value_ref(value_get(secret, members[i])));
	g_auto(Value) tags = region_tags(call->region, call->scope, value_get_text(secret, "ARN"));
	output = value_with_take(output, "Tags", region_tags_to_list(tags, "Key", "Value"));
	return value_with_take(output, stages, stages_of(secret));
}

static Value describe_secret(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = find(call, input, error);
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

static Value list_secrets(RegionCall *call, Value input, GError **error) {
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
	g_auto(Value) items = value_builder_end(g_steal_pointer(&all));
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	Value page = region_page(items, value_get_int(input, "MaxResults", 100),
		value_get_text(input, "NextToken"), "InvalidNextTokenException", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value output = value_object_take("SecretList", page, NULL);
	return next ? value_with_take(output, "NextToken", value_string(next)) : output;
}

static Value list_versions(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = find(call, input, error);
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
	return value_with_take(named(secret), "Versions", value_builder_end(g_steal_pointer(&all)));
}

static Value update_stage(RegionCall *call, Value input, GError **error) {
	const char *stage = value_get_text(input, "VersionStage");
	const char *to = value_get_text(input, "MoveToVersionId");
	const char *from = value_get_text(input, "RemoveFromVersionId");
	g_auto(Value) secret = find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	if (to && value_is_null(value_get_path(secret, "Versions", to, NULL)))
		return version_not_found("VersionId", to, error);
	const char *present = version_of_stage(secret, stage);
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
	Value output = named(secret);
	put(call, to	    ? move_stage(value_ref(secret), stage, to)
		  : present ? set_stages(value_ref(secret), present, stage, NULL)
			    : value_ref(secret));
	return output;
}

/* ---- the end of a secret ---- */

static void forget(Region *region, StoreScope scope, Value secret) {
	region_tags_clear(region, scope, value_get_text(secret, "ARN"));
	store_delete(region_store(region), scope, SECRETS, value_get_text(secret, "Name"));
}

static Value delete_secret(RegionCall *call, Value input, GError **error) {
	gboolean force = value_get_bool(input, "ForceDeleteWithoutRecovery");
	gint64 days = value_get_int(input, "RecoveryWindowInDays", 30);
	if (force && value_has(input, "RecoveryWindowInDays")) {
		wire_error_set(error, "InvalidParameterException",
			"You can't use ForceDeleteWithoutRecovery in conjunction with "
			"RecoveryWindowInDays.");
		return VALUE_NOTHING;
	}
	if (days < 7 || days > 30) {
		wire_error_set(error, "InvalidParameterException",
			"The RecoveryWindowInDays value must be between 7 and 30 days "
			"(inclusive).");
		return VALUE_NOTHING;
	}
	g_auto(Value) secret = force ? find(call, input, error) : find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	double now = (double)region_now(call->region) / G_USEC_PER_SEC;
	double date = force ? now : now + (double)days * DAY_S;
	Value output = value_with_take(named(secret), "DeletionDate", value_double(date));
	if (force)
		forget(call->region, call->scope, secret);
	else
		put(call, value_with_take(value_ref(secret), "DeletedDate", value_double(date)));
	return output;
}

static Value restore_secret(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = find(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	put(call, value_without_take(value_ref(secret), "DeletedDate"));
	return named(secret);
}

/* Secrets whose recovery window is over go. */
static void sweep(Region *region, gpointer data) {
	Store *store = region_store(region);
	double now = (double)region_now(region) / G_USEC_PER_SEC;
	g_auto(StoreIter) iter = store_iter(store, (StoreScope){NULL, NULL}, SECRETS);
	const char *name;
	Value secret;
	while (store_iter_next(&iter, &name, &secret)) {
		double date = value_to_double(value_get(secret, "DeletedDate"), 0);
		if (date <= 0 || date > now || !store_begin(store, NULL))
			continue;
		forget(region, store_iter_scope(&iter), secret);
		store_commit(store, NULL);
	}
	region_wake_after(region, SWEEPER, 3600);
}

static gboolean start(Region *region, GError **error) {
	region_controller_add(region, SWEEPER, sweep, NULL);
	return TRUE;
}

/* ---- tags and policies ---- */

static Value tag_resource(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	region_tags_set(call->region, call->scope, value_get_text(secret, "ARN"), tags);
	return VALUE_NOTHING;
}

static Value untag_resource(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = find_live(call, input, error);
	Value keys = value_get(input, "TagKeys");
	for (gsize i = 0; !value_is_null(secret) && i < value_length(keys); i++)
		region_tags_remove(call->region, call->scope, value_get_text(secret, "ARN"),
			value_text(value_at(keys, i)));
	return VALUE_NOTHING;
}

static Value get_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = find(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	Value output = named(secret);
	return value_has(secret, "Policy") ? value_with_take(output, "ResourcePolicy",
						     value_ref(value_get(secret, "Policy")))
					   : output;
}

static Value put_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	g_autoptr(GError) broken = NULL;
	const char *text = value_get_text(input, "ResourcePolicy");
	g_auto(Value) policy = value_from_json(text, -1, &broken);
	if (broken || !value_is_mapping(policy) || !value_has(policy, "Statement")) {
		wire_error_set(error, "MalformedPolicyDocumentException",
			"This resource policy contains invalid Json: %s",
			broken ? broken->message : "it has no Statement");
		return VALUE_NOTHING;
	}
	put(call, value_with_take(value_ref(secret), "Policy", value_string(text)));
	return named(secret);
}

static Value delete_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	put(call, value_without_take(value_ref(secret), "Policy"));
	return named(secret);
}

/* ---- passwords ---- */

static const struct {
	const char *exclude, *characters;
} password_sets[] = {
	{"ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"},
	{"ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"ExcludeNumbers", "0123456789"},
	{"ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
};

static char *without_characters(const char *from, const char *excluded) {
	g_autoptr(GString) left = g_string_new(NULL);
	for (const char *at = from; *at; at++)
		if (!strchr(excluded, *at))
			g_string_append_c(left, *at);
	return g_string_free(g_steal_pointer(&left), FALSE);
}

static gboolean has_one_of(const char *text, const char *characters) {
	return !*characters || strpbrk(text, characters) != NULL;
}

static Value random_password(RegionCall *call, Value input, GError **error) {
	const char *excluded = value_text_or(value_get(input, "ExcludeCharacters"), "");
	gint64 length = value_get_int(input, "PasswordLength", 32);
	gboolean each = !value_has(input, "RequireEachIncludedType") ||
			value_get_bool(input, "RequireEachIncludedType");
	g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) all = g_string_new(value_get_bool(input, "IncludeSpace") ? " " : "");
	for (guint i = 0; i < G_N_ELEMENTS(password_sets); i++) {
		if (value_get_bool(input, password_sets[i].exclude))
			continue;
		char *set = without_characters(password_sets[i].characters, excluded);
		g_ptr_array_add(sets, set);
		g_string_append(all, set);
	}
	if (all->len == 0 || length < (gint64)sets->len) {
		wire_error_set(error, "InvalidParameterException",
			"The password can't be generated: too much is excluded for its length.");
		return VALUE_NOTHING;
	}
	for (;;) {
		g_autofree char *password = text_random((gsize)length, all->str);
		gboolean fine = TRUE;
		for (guint i = 0; each && i < sets->len; i++)
			fine &= has_one_of(password, sets->pdata[i]);
		if (fine)
			return value_object_take("RandomPassword", value_string(password), NULL);
	}
}

static const RegionOperation operations[] = {
	{"CreateSecret", create_secret},
	{"PutSecretValue", put_secret_value},
	{"UpdateSecret", update_secret},
	{"GetSecretValue", get_secret_value, .reads_only = TRUE},
	{"DescribeSecret", describe_secret, .reads_only = TRUE},
	{"ListSecrets", list_secrets, .reads_only = TRUE},
	{"ListSecretVersionIds", list_versions, .reads_only = TRUE},
	{"UpdateSecretVersionStage", update_stage},
	{"DeleteSecret", delete_secret},
	{"RestoreSecret", restore_secret},
	{"TagResource", tag_resource},
	{"UntagResource", untag_resource},
	{"GetResourcePolicy", get_policy, .reads_only = TRUE},
	{"PutResourcePolicy", put_policy},
	{"DeleteResourcePolicy", delete_policy},
	{"GetRandomPassword", random_password, .reads_only = TRUE},
	{NULL},
};

const RegionService region_secretsmanager = {
	.name = "secretsmanager", .operations = operations, .start = start};

/* ---- for ECS ---- */

static char *key_of(Value text, const char *key, const char *value_from, GError **error) {
	g_autoptr(GError) broken = NULL;
	g_auto(Value) json = value_from_json(value_text_or(text, ""), -1, &broken);
	Value found = value_get(json, key);
	if (broken || value_is_null(found)) {
		wire_error_set(error, "ResourceInitializationError",
			"ResourceInitializationError: unable to pull secrets or registry auth: "
			"execution resource retrieval failed: unable to retrieve secret from asm: "
			"retrieved secret from Secrets Manager did not contain json key %s (%s)",
			key, value_from);
		return NULL;
	}
	return value_text(found) ? g_strdup(value_text(found))
				 : value_to_json(found, VALUE_JSON_COMPACT);
}

char *secretsmanager_resolve(
	Region *region, StoreScope scope, const char *value_from, GError **error) {
	/* arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, and then key, stage and version. */
	g_auto(GStrv) parts = g_strsplit(value_from, ":", -1);
	guint n = g_strv_length(parts);
	gboolean is_arn = n >= 7 && g_str_equal(parts[0], "arn");
	const char *key = is_arn && n > 7 ? parts[7] : "";
	const char *stage = is_arn && n > 8 ? parts[8] : "",
		   *version = is_arn && n > 9 ? parts[9] : "";
	g_autofree char *id = is_arn ? g_strdup_printf("%s:%s:%s:%s:%s:%s:%s", parts[0], parts[1],
					       parts[2], parts[3], parts[4], parts[5], parts[6])
				     : g_strdup(value_from);
	g_auto(Value) secret = lookup(region, scope, id);
	g_auto(Value) input =
		value_object_take("VersionId", *version ? value_string(version) : VALUE_NOTHING,
			"VersionStage", *stage ? value_string(stage) : VALUE_NOTHING, NULL);
	g_autoptr(GError) local = NULL;
	g_auto(Value) value = value_is_null(secret) || value_has(secret, "DeletedDate")
				      ? not_found(&local)
				      : secret_value(secret, input, &local);
	if (local) {
		wire_error_set(error, "ResourceInitializationError",
			"ResourceInitializationError: unable to pull secrets or registry auth: "
			"execution resource retrieval failed: unable to retrieve secret from asm: "
			"%s: %s (%s)",
			wire_error_code(local), local->message, value_from);
		return NULL;
	}
	Value text = value_get(value, "SecretString");
	return *key ? key_of(text, key, value_from, error) : g_strdup(value_text_or(text, ""));
}
