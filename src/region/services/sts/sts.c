/* STS: who calls, and keys for a time. Federation is not served. */
#include <string.h>

#include "region/services/iam/internal.h"
#include "region/services/iam/policy.h"

extern const RegionService region_sts;

#define SHORTEST_S 900
#define CHAINED_S 3600 /* the longest session of a role that a session assumed */

/* ---- who ---- */

static Value get_caller_identity(RegionCall *call, Value input, GError **error) {
	return value_object_take("Account", value_string(call->scope.account), "Arn",
		value_string(call->principal_arn), "UserId", value_string(call->principal_id),
		NULL);
}

static Value get_access_key_info(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "AccessKeyId");
	g_autoptr(IamKey) key = iam_key_get(call->region, id);
	if (key)
		return value_object_take("Account", value_string(key->account), NULL);
	wire_error_set(error, "ValidationError", "The region issued no access key %s.", id);
	return VALUE_NOTHING;
}

/* ---- sessions ---- */

static gboolean is_session(const RegionCall *call) {
	return strstr(call->principal_arn, ":assumed-role/") != NULL;
}

static gboolean is_length(gint64 seconds, gint64 longest, GError **error) {
	if (seconds >= SHORTEST_S && seconds <= longest)
		return TRUE;
	wire_error_set(error, "ValidationError",
		"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
	return FALSE;
}

static Value get_session_token(RegionCall *call, Value input, GError **error) {
	gint64 seconds = value_get_int(input, "DurationSeconds", 12 * 3600);
	if (is_session(call)) {
		wire_error_set_status(error, 403, "AccessDenied",
			"Cannot call GetSessionToken with session credentials");
		return VALUE_NOTHING;
	}
	if (value_has(input, "SerialNumber")) {
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not implement SerialNumber of sts:GetSessionToken: there "
			"are no MFA devices.");
		return VALUE_NOTHING;
	}
	g_auto(Value) key = iam_session_new(call->region, call->scope.account, call->principal_arn,
		call->principal_id, VALUE_NOTHING, VALUE_NOTHING, seconds);
	return value_object_take("Credentials", iam_session_credentials(key), NULL);
}

/* Does the role's trust policy let the caller in? A policy that names the account leaves it to the
 * caller's own policies, which were asked already. */
static gboolean is_trusted(RegionCall *call, Value role, Value input) {
	g_autofree char *who = g_strconcat("AWS:", call->principal_arn, NULL);
	g_auto(Value) context =
		iam_principal_context(call->region, call->principal_arn, call->principal_id);
	g_autofree char *as_role =
		g_strconcat("AWS:", value_get_text(context, "aws:principalarn"), NULL);
	const char *const principals[] = {who, as_role, NULL};
	if (value_has(input, "ExternalId"))
		context = value_with_take(value_steal(&context), "sts:externalid",
			value_ref(value_get(input, "ExternalId")));
	context = value_with_take(value_steal(&context), "sts:rolesessionname",
		value_ref(value_get(input, "RoleSessionName")));
	return iam_trusts(role, "sts:AssumeRole", principals, context);
}

/* The session policies that the call gives: a tuple of documents. */
static Value session_policies(RegionCall *call, Value input, GError **error) {
	g_autoptr(ValueBuilder) policies = value_builder_new(VALUE_TUPLE, NULL);
	const char *own = value_get_text(input, "Policy");
	Value arns = value_get(input, "PolicyArns");
	if (own && !iam_check_document(own, FALSE, error))
		return VALUE_NOTHING;
	if (own)
		value_builder_add_take(policies, value_string(own));
	for (gsize i = 0; i < value_length(arns); i++) {
		const char *arn = value_text_or(value_get(value_at(arns, i), "arn"), "");
		gboolean known;
		g_autofree char *document =
			iam_managed_document(call->region, call->global, arn, &known);
		if (!document) {
			wire_error_set(error, "ValidationError",
				"Policy %s does not exist, or Terrarium does not hold its "
				"document.",
				arn);
			return VALUE_NOTHING;
		}
		value_builder_add_take(policies, value_string(document));
	}
	return value_builder_end(g_steal_pointer(&policies));
}

static Value deny_assuming(RegionCall *call, const char *role_arn, GError **error) {
	wire_error_set_status(error, 403, "AccessDenied",
		"User: %s is not authorized to perform: sts:AssumeRole on resource: %s",
		call->principal_arn, role_arn);
	return VALUE_NOTHING;
}

static gboolean is_served(Value input, GError **error) {
	static const char *const unserved[] = {
		"SerialNumber", "Tags", "TransitiveTagKeys", "SourceIdentity", "ProvidedContexts"};
	for (guint i = 0; i < G_N_ELEMENTS(unserved); i++)
		if (value_has(input, unserved[i])) {
			wire_error_set_status(error, 501, "NotImplemented",
				"Terrarium does not implement %s of sts:AssumeRole.", unserved[i]);
			return FALSE;
		}
	return TRUE;
}

static Value assume_role(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "RoleArn");
	const char *session = value_get_text(input, "RoleSessionName");
	g_auto(Value) role = iam_role_get(call->region, call->global, arn);
	if (!is_served(input, error))
		return VALUE_NOTHING;
	if (value_is_null(role) || !is_trusted(call, role, input))
		return deny_assuming(call, arn, error);
	gint64 seconds = value_get_int(input, "DurationSeconds", 3600);
	gint64 longest =
		is_session(call) ? CHAINED_S : value_get_int(role, "MaxSessionDuration", 3600);
	if (!is_length(seconds, longest, error))
		return VALUE_NOTHING;
	g_autoptr(GError) local = NULL;
	g_auto(Value) policies = session_policies(call, input, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	g_autofree char *id = g_strdup_printf("%s:%s", value_get_text(role, "RoleId"), session);
	g_autofree char *session_arn = g_strdup_printf("arn:aws:sts::%s:assumed-role/%s/%s",
		call->scope.account, value_get_text(role, "RoleName"), session);
	g_auto(Value) key = iam_session_new(
		call->region, call->scope.account, session_arn, id, role, policies, seconds);
	return value_object_take("Credentials", iam_session_credentials(key), "AssumedRoleUser",
		value_object_take(
			"AssumedRoleId", value_string(id), "Arn", value_string(session_arn), NULL),
		NULL);
}

static const RegionOperation operations[] = {
	{"GetCallerIdentity", get_caller_identity, .reads_only = TRUE},
	{"GetAccessKeyInfo", get_access_key_info, .reads_only = TRUE},
	{"GetSessionToken", get_session_token},
	{"AssumeRole", assume_role},
	{NULL},
};

const RegionService region_sts = {.name = "sts", .operations = operations};
