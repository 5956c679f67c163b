/* Access keys: those of users, and the look-up of every key that the region issued. */
#include <string.h>

#include "region/services/iam/internal.h"

extern const RegionService region_iam_keys;

#define MOST_KEYS 2
#define USES "iam/key-uses" /* in memory: id -> Use */
/* A deleted key stays known, so that it is refused and never taken for a stranger's. */
#define DELETED "Deleted"

/* ---- uses ---- */

typedef struct {
	gint64 time; /* microseconds */
	char *service, *region;
} Use;

static void use_free(gpointer data) {
	Use *use = data;
	g_free(use->service);
	g_free(use->region);
	g_free(use);
}

void iam_key_used(
	Region *region, const char *access_key_id, const char *service, const char *region_name) {
	GHashTable *uses = region_data(region, USES);
	if (!uses) {
		uses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, use_free);
		region_set_data(region, USES, uses, (GDestroyNotify)g_hash_table_unref);
	}
	Use *use = g_new0(Use, 1);
	*use = (Use){region_now(region), g_strdup(service), g_strdup(region_name)};
	g_hash_table_replace(uses, g_strdup(access_key_id), use);
}

/* ---- every key ---- */

void iam_key_free(IamKey *key) {
	if (!key)
		return;
	g_free(key->access_key_id);
	g_free(key->secret);
	g_free(key->token);
	g_free(key->account);
	g_free(key->arn);
	g_free(key->id);
	value_clear(&key->session_policies);
	g_free(key);
}

/* Is whom it was issued to still there? A role or user made anew under its name is another. */
static gboolean has_owner(Region *region, Value object) {
	const char *arn = value_get_text(object, "Arn");
	const char *user = value_get_text(object, "UserName");
	const char *role_id = value_get_text(object, "RoleId");
	const StoreScope global = {value_get_text(object, "Account"), ""};
	if (!user && !role_id)
		return TRUE;
	const char *name = user ? user : strstr(arn, ":assumed-role/") + strlen(":assumed-role/");
	g_autofree char *role = g_strndup(name, strcspn(name, "/"));
	g_auto(Value) owner = store_get(
		region_store(region), global, user ? IAM_USERS : IAM_ROLES, user ? user : role);
	return user ? g_strcmp0(value_get_text(owner, "UserId"),
			      value_get_text(object, "PrincipalId")) == 0
		    : g_strcmp0(value_get_text(owner, "RoleId"), role_id) == 0;
}

IamKey *iam_key_get(Region *region, const char *access_key_id) {
	g_auto(Value) object = store_get(region_store(region), iam_issued, IAM_KEYS, access_key_id);
	if (value_is_null(object))
		return NULL;
	IamKey *key = g_new0(IamKey, 1);
	key->access_key_id = g_strdup(access_key_id);
	key->secret = g_strdup(value_get_text(object, "SecretAccessKey"));
	key->token = g_strdup(value_get_text(object, "SessionToken"));
	key->expires = value_get_int(object, "Expires", 0);
	key->active = g_strcmp0(value_get_text(object, "Status"), "Active") == 0 &&
		      has_owner(region, object);
	key->account = g_strdup(value_get_text(object, "Account"));
	key->arn = g_strdup(value_get_text(object, "Arn"));
	key->id = g_strdup(value_get_text(object, "PrincipalId"));
	key->session_policies = value_ref(value_get(object, "Policies"));
	key->issued = (gint64)value_to_double(value_get(object, "CreateDate"), 0);
	return key;
}

void iam_root_key_put(
	Region *region, const char *account, const char *access_key_id, const char *secret) {
	store_put_take(region_store(region), iam_issued, IAM_KEYS, access_key_id,
		value_object_take("AccessKeyId", value_string(access_key_id), "SecretAccessKey",
			value_string(secret), "Account", value_string(account), "Arn",
			value_string_printf("arn:aws:iam::%s:root", account), "PrincipalId",
			value_string(account), "Status", value_string("Active"), "CreateDate",
			region_timestamp(region), NULL));
}

/* ---- users' keys ---- */

/* The user that the input names, else the caller's own. */
static Value user_of(RegionCall *call, Value input, GError **error) {
	if (value_has(input, "UserName"))
		return iam_find(call, &iam_user, input, error);
	const char *user = strstr(call->principal_arn, ":user/");
	if (user)
		return iam_find_named(call, &iam_user, strrchr(user, '/') + 1, error);
	wire_error_set(error, "ValidationError",
		"Must specify userName when calling with non-User credentials");
	return VALUE_NOTHING;
}

static Value keys_of(RegionCall *call, const char *user) {
	g_autoptr(ValueBuilder) keys = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), iam_issued, IAM_KEYS, "AKIA");
	const char *id;
	Value key;
	while (store_iter_next(&iter, &id, &key))
		if (g_strcmp0(value_get_text(key, "UserName"), user) == 0 &&
			g_strcmp0(value_get_text(key, "Account"), call->scope.account) == 0 &&
			g_strcmp0(value_get_text(key, "Status"), DELETED) != 0)
			value_builder_add_take(keys, value_ref(key));
	return value_builder_end(g_steal_pointer(&keys));
}

gsize iam_user_key_count(RegionCall *call, const char *user) {
	g_auto(Value) keys = keys_of(call, user);
	return value_length(keys);
}

static Value key_view(Value key, gboolean with_secret) {
	Value shown = value_object_take("UserName", value_ref(value_get(key, "UserName")),
		"AccessKeyId", value_ref(value_get(key, "AccessKeyId")), "Status",
		value_ref(value_get(key, "Status")), "CreateDate",
		value_ref(value_get(key, "CreateDate")), NULL);
	return with_secret ? value_with_take(shown, "SecretAccessKey",
				     value_ref(value_get(key, "SecretAccessKey")))
			   : shown;
}

static Value create(RegionCall *call, Value input, GError **error) {
	g_auto(Value) user = user_of(call, input, error);
	if (value_is_null(user))
		return VALUE_NOTHING;
	const char *name = value_get_text(user, "UserName");
	if (iam_user_key_count(call, name) >= MOST_KEYS) {
		wire_error_set_status(error, 409, "LimitExceeded",
			"Cannot exceed quota for AccessKeysPerUser: %d", MOST_KEYS);
		return VALUE_NOTHING;
	}
	g_autofree char *id = iam_random_key_id("AKIA");
	g_auto(Value) key = value_object_take("AccessKeyId", value_string(id), "SecretAccessKey",
		value_string_take(iam_random_secret()), "UserName", value_string(name), "Account",
		value_string(call->scope.account), "Arn", value_ref(value_get(user, "Arn")),
		"PrincipalId", value_ref(value_get(user, "UserId")), "Status",
		value_string("Active"), "CreateDate", region_timestamp(call->region), NULL);
	store_put(region_store(call->region), iam_issued, IAM_KEYS, id, key);
	return value_object_take("AccessKey", key_view(key, TRUE), NULL);
}

static Value list(RegionCall *call, Value input, GError **error) {
	g_auto(Value) user = user_of(call, input, error);
	if (value_is_null(user))
		return VALUE_NOTHING;
	g_auto(Value) keys = keys_of(call, value_get_text(user, "UserName"));
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(keys); i++)
		value_builder_add_take(all, key_view(value_at(keys, i), FALSE));
	return iam_page(
		call, input, "AccessKeyMetadata", value_builder_end(g_steal_pointer(&all)), error);
}

/* A user's key that is not deleted. */
static Value find_key(RegionCall *call, const char *user, const char *id, GError **error) {
	g_auto(Value) key = store_get(region_store(call->region), iam_issued, IAM_KEYS, id);
	if (value_has(key, "UserName") &&
		g_strcmp0(value_get_text(key, "Account"), call->scope.account) == 0 &&
		g_strcmp0(value_get_text(key, "Status"), DELETED) != 0 &&
		(!user || g_strcmp0(value_get_text(key, "UserName"), user) == 0))
		return value_steal(&key);
	iam_no_such(error, "The Access Key with id %s cannot be found.", id);
	return VALUE_NOTHING;
}

static Value set_status(RegionCall *call, Value input, const char *status, GError **error) {
	const char *id = value_get_text(input, "AccessKeyId");
	g_auto(Value) user = user_of(call, input, error);
	if (value_is_null(user))
		return VALUE_NOTHING;
	g_auto(Value) key = find_key(call, value_get_text(user, "UserName"), id, error);
	if (!value_is_null(key))
		store_put_take(region_store(call->region), iam_issued, IAM_KEYS, id,
			value_with_take(value_steal(&key), "Status", value_string(status)));
	return VALUE_NOTHING;
}

static Value update(RegionCall *call, Value input, GError **error) {
	return set_status(call, input, value_get_text(input, "Status"), error);
}

static Value delete (RegionCall *call, Value input, GError **error) {
	return set_status(call, input, DELETED, error);
}

static Value last_used(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "AccessKeyId");
	g_auto(Value) key = find_key(call, NULL, id, error);
	if (value_is_null(key))
		return VALUE_NOTHING;
	GHashTable *uses = region_data(call->region, USES);
	const Use *use = uses ? g_hash_table_lookup(uses, id) : NULL;
	Value last = value_object_take("ServiceName", value_string(use ? use->service : "N/A"),
		"Region", value_string(use ? use->region : "N/A"), NULL);
	if (use)
		last = value_with_take(last, "LastUsedDate", value_int(use->time / G_USEC_PER_SEC));
	return value_object_take(
		"UserName", value_ref(value_get(key, "UserName")), "AccessKeyLastUsed", last, NULL);
}

static const RegionOperation operations[] = {
	{"CreateAccessKey", create},
	{"ListAccessKeys", list, .reads_only = TRUE},
	{"UpdateAccessKey", update},
	{"DeleteAccessKey", delete},
	{"GetAccessKeyLastUsed", last_used, .reads_only = TRUE},
	{NULL},
};

const RegionService region_iam_keys = {.name = "iam", .operations = operations};
