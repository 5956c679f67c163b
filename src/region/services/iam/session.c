/* Sessions: keys that AWS's services and STS hand out for a time, and whom a role trusts. */
#include <string.h>

#include "base/text.h"
#include "region/services/iam/internal.h"
#include "region/services/iam/policy.h"

#define CURRENT "iam/role-session" /* role ARN, blank, session name -> the key in use */
/* Keys of sessions that ended are known for a while, so that they are refused as expired. */
#define KEPT_AFTER_END (7 * 24 * 3600)

char *iam_random_secret(void) {
	return text_random(40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

char *iam_random_key_id(const char *prefix) {
	g_autofree char *rest = text_random(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
	return g_strconcat(prefix, rest, NULL);
}

static gint64 seconds_now(Region *region) {
	return region_now(region) / G_USEC_PER_SEC;
}

/* ---- roles ---- */

/* The name at the end of "arn:aws:iam::000000000000:role/path/name"; NULL if it is none of the
 * account's. */
static const char *role_name(StoreScope global, const char *arn) {
	g_autofree char *prefix = g_strdup_printf("arn:aws:iam::%s:role/", global.account);
	return arn && g_str_has_prefix(arn, prefix) ? strrchr(arn, '/') + 1 : NULL;
}

Value iam_role_get(Region *region, StoreScope global, const char *role_arn) {
	const char *name = role_name(global, role_arn);
	if (!name)
		return VALUE_NOTHING;
	const StoreScope scope = {global.account, ""};
	g_auto(Value) role = store_get(region_store(region), scope, IAM_ROLES, name);
	if (g_strcmp0(value_get_text(role, "Arn"), role_arn) != 0)
		return VALUE_NOTHING;
	return value_without_take(value_steal(&role), IAM_INTERNAL);
}

gboolean iam_trusts(Value role, const char *action, const char *const *principals, Value context) {
	const PolicyRequest request = {.action = action,
		.resource = value_get_text(role, "Arn"),
		.context = context,
		.principals = principals};
	return policy_evaluate_text(value_get_text(role, "AssumeRolePolicyDocument"), &request) ==
	       POLICY_ALLOWS;
}

/* What a service tells of itself: against the confused deputy. */
static Value service_context(StoreScope scope, const char *service) {
	g_autofree char *prefix = g_strndup(service, strcspn(service, ".-"));
	g_autofree char *source = g_strdup_printf("arn:aws:%s:%s:%s:*", prefix,
		*scope.region ? scope.region : "us-east-1", scope.account);
	return value_object_take("aws:sourceaccount", value_string(scope.account), "aws:sourcearn",
		value_string(source), "aws:principalisawsservice", value_string("true"), NULL);
}

static gboolean trusts_service(StoreScope scope, Value role, const char *service, GError **error) {
	if (!service)
		return TRUE;
	g_autofree char *who = g_strconcat("Service:", service, NULL);
	const char *const principals[] = {who, NULL};
	g_auto(Value) context = service_context(scope, service);
	if (iam_trusts(role, "sts:AssumeRole", principals, context))
		return TRUE;
	wire_error_set_status(error, 403, "AccessDenied",
		"%s is unable to assume the role '%s'. Please verify that the role being passed "
		"has the proper trust relationship and permissions.",
		service, value_get_text(role, "Arn"));
	return FALSE;
}

/* ---- sessions ---- */

static void forget_ended(Region *region) {
	gint64 now = seconds_now(region);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), iam_issued, IAM_KEYS, "ASIA");
	const char *id;
	Value key;
	while (store_iter_next(&iter, &id, &key))
		if (value_get_int(key, "Expires", 0) + KEPT_AFTER_END < now)
			store_delete(region_store(region), iam_issued, IAM_KEYS, id);
	g_auto(StoreIter) uses = store_iter(region_store(region), (StoreScope){0}, CURRENT);
	while (store_iter_next(&uses, &id, &key))
		if (value_get_int(key, "Expires", 0) < now)
			store_delete(region_store(region), store_iter_scope(&uses), CURRENT, id);
}

Value iam_session_new(Region *region, const char *account, const char *arn, const char *id,
	Value role, Value policies, gint64 seconds) {
	forget_ended(region);
	g_autofree char *key_id = iam_random_key_id("ASIA");
	g_autofree char *token = text_random(
		356, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	Value key = value_object_take("AccessKeyId", value_string(key_id), "SecretAccessKey",
		value_string_take(iam_random_secret()), "SessionToken", value_string(token),
		"Account", value_string(account), "Arn", value_string(arn), "PrincipalId",
		value_string(id), "Status", value_string("Active"), "CreateDate",
		region_timestamp(region), "Expires", value_int(seconds_now(region) + seconds),
		NULL);
	if (!value_is_null(role))
		key = value_with_take(key, "RoleId", value_ref(value_get(role, "RoleId")));
	if (value_length(policies) > 0)
		key = value_with_take(key, "Policies", value_ref(policies));
	store_put(region_store(region), iam_issued, IAM_KEYS, key_id, key);
	return key;
}

Value iam_session_credentials(Value key) {
	return value_object_take("AccessKeyId", value_ref(value_get(key, "AccessKeyId")),
		"SecretAccessKey", value_ref(value_get(key, "SecretAccessKey")), "SessionToken",
		value_ref(value_get(key, "SessionToken")), "Expiration",
		value_ref(value_get(key, "Expires")), NULL);
}

/* The key of that session that is in use, if it serves long enough. */
static Value current(
	Region *region, StoreScope global, const char *id, Value role, gint64 seconds) {
	g_auto(Value) pointer = store_get(region_store(region), global, CURRENT, id);
	const char *key_id = value_get_text(pointer, "AccessKeyId");
	g_auto(Value) key = key_id ? store_get(region_store(region), iam_issued, IAM_KEYS, key_id)
				   : VALUE_NOTHING;
	gboolean serves = value_get_int(key, "Expires", 0) - seconds_now(region) > seconds / 2 &&
			  value_equal(value_get(key, "RoleId"), value_get(role, "RoleId"));
	return serves ? value_steal(&key) : VALUE_NOTHING;
}

Value iam_role_session(Region *region, StoreScope scope, const char *role_arn, const char *session,
	const char *service, gint64 seconds, GError **error) {
	const StoreScope global = {scope.account, ""};
	g_auto(Value) role = iam_role_get(region, global, role_arn);
	if (value_is_null(role)) {
		iam_no_such(error, "The role %s cannot be found.", role_arn ? role_arn : "");
		return VALUE_NOTHING;
	}
	if (!trusts_service(scope, role, service, error))
		return VALUE_NOTHING;
	const char *name = value_get_text(role, "RoleName");
	g_autofree char *arn = g_strdup_printf(
		"arn:aws:sts::%s:assumed-role/%s/%s", global.account, name, session);
	g_autofree char *principal =
		g_strdup_printf("%s:%s", value_get_text(role, "RoleId"), session);
	g_autofree char *id = g_strdup_printf("%s %s", role_arn, session);
	g_auto(Value) key = current(region, global, id, role, seconds);
	if (value_is_null(key)) {
		key = iam_session_new(
			region, global.account, arn, principal, role, VALUE_NOTHING, seconds);
		store_put_take(region_store(region), global, CURRENT, id,
			value_object_take("AccessKeyId", value_ref(value_get(key, "AccessKeyId")),
				"Expires", value_ref(value_get(key, "Expires")), NULL));
	}
	return value_with_take(iam_session_credentials(key), "Arn", value_string(arn));
}
