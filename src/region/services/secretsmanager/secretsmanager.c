/*
 * Secrets Manager: secrets as objects, made, changed, tagged, and forgotten when their recovery
 * window is over. A secret is kept under its name, with its versions inside (version.c); what
 * leaves is made from that (read.c).
 */
#include "region/services/secretsmanager/internal.h"

#include <string.h>

#include "base/text.h"
#include "value/json.h"

extern const RegionService region_secretsmanager;

#define SWEEPER "secretsmanager/sweep"
#define DAY_S 86400

/* ---- finding ---- */

Value secret_not_found(GError **error) {
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

Value secret_lookup(Region *region, StoreScope scope, const char *id) {
	return g_str_has_prefix(id, "arn:") ? by_arn(region, scope, id)
					    : store_get(region_store(region), scope, SECRETS, id);
}

Value secret_find(RegionCall *call, Value input, GError **error) {
	Value secret = secret_lookup(call->region, call->scope, value_get_text(input, "SecretId"));
	return value_is_null(secret) ? secret_not_found(error) : secret;
}

Value secret_find_live(RegionCall *call, Value input, GError **error) {
	Value secret = secret_find(call, input, error);
	if (!value_has(secret, "DeletedDate"))
		return secret;
	value_unref(secret);
	wire_error_set(error, "InvalidRequestException",
		"You can't perform this operation on the secret because it was marked for "
		"deletion.");
	return VALUE_NOTHING;
}

void secret_put(RegionCall *call, Value secret_taken) {
	store_put_take(region_store(call->region), call->scope, SECRETS,
		value_get_text(secret_taken, "Name"), secret_taken);
}

Value secret_named(Value secret) {
	return value_object_take("ARN", value_ref(value_get(secret, "ARN")), "Name",
		value_ref(value_get(secret, "Name")), NULL);
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
	if (secret_has_value(input)) {
		secret = secret_add_version(call, secret, input, &version, error);
		if (value_is_null(secret))
			return VALUE_NOTHING;
	}
	Value output = secret_named(secret);
	secret_put(call, secret);
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	region_tags_set(call->region, call->scope, arn, tags);
	return version ? value_with_take(output, "VersionId", value_string(version)) : output;
}

static Value put_secret_value(RegionCall *call, Value input, GError **error) {
	Value secret = secret_find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	if (!secret_has_value(input)) {
		value_unref(secret);
		wire_error_set(error, "InvalidRequestException",
			"You must provide either SecretString or SecretBinary.");
		return VALUE_NOTHING;
	}
	g_autofree char *version = NULL;
	secret = secret_add_version(call, secret, input, &version, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	Value output = value_with_take(secret_named(secret), "VersionId", value_string(version));
	output = value_with_take(output, "VersionStages",
		value_ref(value_get_path(secret, "Versions", version, "Stages", NULL)));
	secret_put(call, secret);
	return output;
}

static Value update_secret(RegionCall *call, Value input, GError **error) {
	static const char *const settable[] = {"Description", "KmsKeyId"};
	Value secret = secret_find_live(call, input, error);
	g_autofree char *version = NULL;
	if (!value_is_null(secret) && secret_has_value(input))
		secret = secret_add_version(call, secret, input, &version, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	for (guint i = 0; i < G_N_ELEMENTS(settable); i++)
		if (value_has(input, settable[i]))
			secret = value_with_take(
				secret, settable[i], value_ref(value_get(input, settable[i])));
	secret = value_with_take(secret, "LastChangedDate", region_timestamp(call->region));
	Value output = secret_named(secret);
	secret_put(call, secret);
	return version ? value_with_take(output, "VersionId", value_string(version)) : output;
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
	g_auto(Value) secret =
		force ? secret_find(call, input, error) : secret_find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	double now = (double)region_now(call->region) / G_USEC_PER_SEC;
	double date = force ? now : now + (double)days * DAY_S;
	Value output = value_with_take(secret_named(secret), "DeletionDate", value_double(date));
	if (force)
		forget(call->region, call->scope, secret);
	else
		secret_put(call,
			value_with_take(value_ref(secret), "DeletedDate", value_double(date)));
	return output;
}

static Value restore_secret(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = secret_find(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	secret_put(call, value_without_take(value_ref(secret), "DeletedDate"));
	return secret_named(secret);
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
	g_auto(Value) secret = secret_find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	region_tags_set(call->region, call->scope, value_get_text(secret, "ARN"), tags);
	return VALUE_NOTHING;
}

static Value untag_resource(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = secret_find_live(call, input, error);
	Value keys = value_get(input, "TagKeys");
	for (gsize i = 0; !value_is_null(secret) && i < value_length(keys); i++)
		region_tags_remove(call->region, call->scope, value_get_text(secret, "ARN"),
			value_text(value_at(keys, i)));
	return VALUE_NOTHING;
}

static Value get_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = secret_find(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	Value output = secret_named(secret);
	return value_has(secret, "Policy") ? value_with_take(output, "ResourcePolicy",
						     value_ref(value_get(secret, "Policy")))
					   : output;
}

static Value put_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = secret_find_live(call, input, error);
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
	secret_put(call, value_with_take(value_ref(secret), "Policy", value_string(text)));
	return secret_named(secret);
}

static Value delete_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) secret = secret_find_live(call, input, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	secret_put(call, value_without_take(value_ref(secret), "Policy"));
	return secret_named(secret);
}

static const RegionOperation operations[] = {
	{"CreateSecret", create_secret},
	{"PutSecretValue", put_secret_value},
	{"UpdateSecret", update_secret},
	{"GetSecretValue", secret_get_value, .reads_only = TRUE},
	{"DescribeSecret", secret_describe, .reads_only = TRUE},
	{"ListSecrets", secret_list, .reads_only = TRUE},
	{"ListSecretVersionIds", secret_list_versions, .reads_only = TRUE},
	{"UpdateSecretVersionStage", secret_update_stage},
	{"DeleteSecret", delete_secret},
	{"RestoreSecret", restore_secret},
	{"TagResource", tag_resource},
	{"UntagResource", untag_resource},
	{"GetResourcePolicy", get_policy, .reads_only = TRUE},
	{"PutResourcePolicy", put_policy},
	{"DeleteResourcePolicy", delete_policy},
	{"GetRandomPassword", secret_random_password, .reads_only = TRUE},
	{NULL},
};

const RegionService region_secretsmanager = {
	.name = "secretsmanager", .operations = operations, .start = start};
