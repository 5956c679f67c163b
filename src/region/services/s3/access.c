/*
 * Who may what in S3: IAM's policies, the bucket's own policy, and what is public. An explicit deny
 * of either counts against everyone, the account's root too, which may still mend the policy
 * itself. Another account's callers need both policies; callers without a signature need the
 * bucket's, or an ACL for everyone.
 */
#include <string.h>

#include "region/services/iam/policy.h"
#include "region/services/s3/internal.h"

static gboolean denied(const S3Call *call, const char *action, const char *resource,
	const char *why, GError **error) {
	if (call->anonymous)
		return s3_fail(error, "AccessDenied");
	wire_error_set_status(error, 403, "AccessDenied",
		"User: %s is not authorized to perform: %s on resource: \"%s\" %s",
		call->call.principal_arn, action, resource, why);
	return FALSE;
}

/* What conditions see. Nothing that comes here has left the machine, so it counts as secure: the
 * usual bucket policy against plain HTTP is not about it. */
static Value context_of(const S3Call *call) {
	static const char *const members[][2] = {{"Prefix", "s3:prefix"},
		{"Delimiter", "s3:delimiter"}, {"ACL", "s3:x-amz-acl"},
		{"VersionId", "s3:versionid"},
		{"ServerSideEncryption", "s3:x-amz-server-side-encryption"},
		{"SSEKMSKeyId", "s3:x-amz-server-side-encryption-aws-kms-key-id"},
		{"StorageClass", "s3:x-amz-storage-class"}};
	Value context = value_with_take(region_request_context(&call->caller, call->call.request),
		"aws:securetransport", value_string("true"));
	for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
		const char *text = value_get_text(call->input, members[i][0]);
		if (text)
			context = value_with_take(context, members[i][1], value_string(text));
	}
	return context;
}

static PolicyDecision bucket_decision(const S3Call *call, const char *action, const char *resource,
	Value context, gboolean *is_public) {
	const char *bucket = value_get_text(call->bucket, "Name");
	g_auto(Value) setting = s3_setting(call->call.region, bucket, "policy");
	const char *text = value_text(setting);
	*is_public = FALSE;
	if (!text)
		return POLICY_SILENT;
	const char *arn = call->anonymous ? "anonymous" : call->call.principal_arn;
	g_autofree char *who = g_strconcat("AWS:", arn, NULL);
	const char *role_arn = value_get_text(context, "aws:principalarn");
	g_autofree char *role = role_arn ? g_strconcat("AWS:", role_arn, NULL) : NULL;
	const char *const principals[] = {who, role, NULL};
	const PolicyRequest request = {.action = action,
		.resource = resource,
		.context = context,
		.principals = principals};
	PolicyDecision decision = policy_evaluate_text(text, &request);
	const char *const nobody[] = {"AWS:anonymous", NULL};
	const PolicyRequest anyone = {action, resource, context, nobody};
	*is_public =
		decision == POLICY_ALLOWS && policy_evaluate_text(text, &anyone) == POLICY_ALLOWS;
	return decision;
}

static gboolean blocks(const S3Call *call, const char *name) {
	g_auto(Value) block = s3_setting(
		call->call.region, value_get_text(call->bucket, "Name"), "publicAccessBlock");
	return value_get_bool(block, name);
}

static gboolean permit_on(const S3Call *call, const char *action, const char *resource,
	const char *key, GError **error) {
	g_auto(Value) context = context_of(call);
	gboolean has_bucket = !value_is_null(call->bucket), is_public = FALSE;
	PolicyDecision decision =
		has_bucket ? bucket_decision(call, action, resource, context, &is_public)
			   : POLICY_SILENT;
	gboolean mends = strstr(action, ":PutBucketPolicy") ||
			 strstr(action, "DeleteBucketPolicy") || strstr(action, ":GetBucketPolicy");
	gboolean root = !call->anonymous && g_str_has_suffix(call->call.principal_arn, ":root");
	if (decision == POLICY_DENIES && !(root && mends))
		return denied(call, action, resource,
			"with an explicit deny in a resource-based policy", error);
	gboolean allowed =
		decision == POLICY_ALLOWS && !(is_public && blocks(call, "RestrictPublicBuckets"));
	gboolean own = !call->anonymous &&
		       (!has_bucket || g_strcmp0(value_get_text(call->bucket, "Account"),
					       call->call.scope.account) == 0);
	if (!own && !allowed)
		allowed = s3_acl_allows(call->call.region, call->bucket, action, key,
			value_get_text(call->input, "VersionId"),
			call->anonymous ? "" : call->call.scope.account);
	if (call->anonymous)
		return allowed || denied(call, action, resource, "", error);
	if (!own && !allowed)
		return denied(call, action, resource,
			"because no resource-based policy allows the action", error);
	g_autoptr(GError) local = NULL;
	if (region_permit(&call->caller, call->call.request, action, resource, context, &local))
		return TRUE;
	if (own && allowed && !strstr(local->message, "explicit deny"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

gboolean s3_permit(const S3Call *call, const char *action, const char *key, GError **error) {
	const char *bucket = value_get_text(call->bucket, "Name");
	g_autofree char *resource = g_strdup_printf(
		"arn:aws:s3:::%s%s%s", bucket ? bucket : "*", key ? "/" : "", key ? key : "");
	return permit_on(call, action, resource, key, error);
}

/* "s3:GetObject" of a version has a name of its own. */
static char *action_of(const S3Call *call) {
	static const char *const versioned[] = {"s3:GetObject", "s3:DeleteObject",
		"s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging",
		"s3:GetObjectAcl", "s3:PutObjectAcl", "s3:GetObjectAttributes", NULL};
	g_autofree char *action = region_action(call->call.operation);
	if (!value_has(call->input, "VersionId") || !g_strv_contains(versioned, action))
		return g_steal_pointer(&action);
	GString *name = g_string_new(action);
	g_string_replace(name, "Object", "ObjectVersion", 1);
	return g_string_free(name, FALSE);
}

/* A copy reads what it copies. */
static gboolean permit_source(const S3Call *call, GError **error) {
	const char *source = value_get_text(call->input, "CopySource");
	if (!source)
		return TRUE;
	g_autofree char *cut = g_strndup(source, strcspn(source, "?"));
	g_autofree char *plain = g_uri_unescape_string(cut, NULL);
	const char *name = plain ? plain + (*plain == '/') : "";
	const char *slash = strchr(name, '/');
	if (!slash)
		return TRUE; /* it is refused later */
	g_autofree char *bucket = g_strndup(name, (gsize)(slash - name));
	S3Call other = *call;
	g_auto(Value) found = s3_bucket(call->call.region, bucket);
	other.bucket = found;
	return value_is_null(found) || s3_permit(&other, "s3:GetObject", slash + 1, error);
}

gboolean s3_permit_call(const S3Call *call, GError **error) {
	g_autofree char *action = action_of(call);
	const char *name = wire_operation_name(call->call.operation);
	const char *key = value_get_text(call->input, "Key");
	if (g_str_equal(name, "DeleteObjects")) /* each is asked for, and answered, alone */
		return TRUE;
	const char *arn = value_get_text(call->input, "ResourceArn");
	if (arn)
		return permit_on(call, action, arn, NULL, error);
	g_autoptr(GPtrArray) resources = region_resources(&call->call, call->input);
	for (guint i = 0; i < resources->len; i++)
		if (!permit_on(call, action, resources->pdata[i], key, error))
			return FALSE;
	if (value_has(call->input, "Tagging") && g_str_equal(action, "s3:PutObject") &&
		!s3_permit(call, "s3:PutObjectTagging", key, error))
		return FALSE;
	if (value_has(call->input, "ACL") && g_str_equal(action, "s3:PutObject") &&
		!s3_permit(call, "s3:PutObjectAcl", key, error))
		return FALSE;
	return permit_source(call, error);
}
