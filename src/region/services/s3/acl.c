/*
 * Access control lists: canned ones by their names, grants by a body or by headers, kept as they
 * were given (a name, or {Grants}); and what they let others do (User guide, "Access control list
 * overview"). Buckets whose owner is enforced know none.
 */
#include <string.h>

#include "region/services/s3/internal.h"

#define ALL_USERS "http://acs.amazonaws.com/groups/global/AllUsers"
#define AUTHENTICATED_USERS "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
#define LOG_DELIVERY "http://acs.amazonaws.com/groups/s3/LogDelivery"
#define MOST_GRANTS 100

static gboolean is_enforced(Value bucket) {
	return g_strcmp0(value_get_text(bucket, "ObjectOwnership"), "BucketOwnerEnforced") == 0;
}

static gboolean blocks(Region *region, Value bucket, const char *name) {
	g_auto(Value) block =
		s3_setting(region, value_get_text(bucket, "Name"), "publicAccessBlock");
	return value_get_bool(block, name);
}

/* ---- what an ACL grants ---- */

static Value grantee_of(const char *type, const char *member, const char *text) {
	return value_object_take("Type", value_string(type), member, value_string(text), NULL);
}

static void add_grant(ValueBuilder *grants, Value grantee_taken, const char *permission) {
	value_builder_add_take(grants, value_object_take("Grantee", grantee_taken, "Permission",
					       value_string(permission), NULL));
}

char *s3_canonical_id(const char *account) {
	g_autofree char *named = g_strconcat("canonical user of ", account, NULL);
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, named, -1);
}

Value s3_owner_of(Value bucket) {
	return value_object_take(
		"ID", value_string_take(s3_canonical_id(value_get_text(bucket, "Account"))), NULL);
}

/* The grants that a canned ACL stands for, or those that were given. The caller owns them. */
static Value grants_of(Value bucket, Value acl) {
	static const char *const canned[][3] = {{"public-read", ALL_USERS, "READ"},
		{"public-read-write", ALL_USERS, "READ"}, {"public-read-write", ALL_USERS, "WRITE"},
		{"authenticated-read", AUTHENTICATED_USERS, "READ"},
		{"log-delivery-write", LOG_DELIVERY, "WRITE"},
		{"log-delivery-write", LOG_DELIVERY, "READ_ACP"}};
	if (value_is_mapping(acl))
		return value_ref(value_get(acl, "Grants"));
	g_autoptr(ValueBuilder) grants = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *owner = s3_canonical_id(value_get_text(bucket, "Account"));
	add_grant(grants, grantee_of("CanonicalUser", "ID", owner), "FULL_CONTROL");
	for (guint i = 0; i < G_N_ELEMENTS(canned); i++)
		if (g_strcmp0(value_text(acl), canned[i][0]) == 0)
			add_grant(grants, grantee_of("Group", "URI", canned[i][1]), canned[i][2]);
	return value_builder_end(g_steal_pointer(&grants));
}

static gboolean is_public_group(const char *uri) {
	return g_strcmp0(uri, ALL_USERS) == 0 || g_strcmp0(uri, AUTHENTICATED_USERS) == 0;
}

static gboolean is_public(Value bucket, Value acl) {
	g_auto(Value) grants = grants_of(bucket, acl);
	for (gsize i = 0; i < value_length(grants); i++)
		if (is_public_group(
			    value_get_text(value_get(value_at(grants, i), "Grantee"), "URI")))
			return TRUE;
	return FALSE;
}

/* Whether a grant is for the caller. Account: "" for one without a signature. */
static gboolean is_for(Value grantee, const char *account, gboolean groups) {
	const char *uri = value_get_text(grantee, "URI"), *id = value_get_text(grantee, "ID");
	if (uri)
		return groups && (g_str_equal(uri, ALL_USERS) ||
					 (*account && g_str_equal(uri, AUTHENTICATED_USERS)));
	g_autofree char *own = s3_canonical_id(account);
	return *account && g_strcmp0(id, own) == 0;
}

static gboolean grants(
	Value bucket, Value acl, const char *permission, const char *account, gboolean groups) {
	g_auto(Value) all = grants_of(bucket, acl);
	for (gsize i = 0; i < value_length(all); i++) {
		const char *given = value_get_text(value_at(all, i), "Permission");
		if ((g_strcmp0(given, permission) == 0 || g_strcmp0(given, "FULL_CONTROL") == 0) &&
			is_for(value_get(value_at(all, i), "Grantee"), account, groups))
			return TRUE;
	}
	return FALSE;
}

/* What a permission of an ACL is as an action of a policy. */
static const struct {
	const char *action, *permission;
	gboolean of_object;
} meanings[] = {
	{"s3:GetBucketAcl", "READ_ACP", FALSE},
	{"s3:GetObject", "READ", TRUE},
	{"s3:GetObjectAcl", "READ_ACP", TRUE},
	{"s3:GetObjectVersion", "READ", TRUE},
	{"s3:GetObjectVersionAcl", "READ_ACP", TRUE},
	{"s3:ListBucket", "READ", FALSE},
	{"s3:ListBucketMultipartUploads", "READ", FALSE},
	{"s3:ListBucketVersions", "READ", FALSE},
	{"s3:PutBucketAcl", "WRITE_ACP", FALSE},
	{"s3:PutObject", "WRITE", FALSE},
	{"s3:PutObjectAcl", "WRITE_ACP", TRUE},
	{"s3:PutObjectVersionAcl", "WRITE_ACP", TRUE},
};

gboolean s3_acl_allows(Region *region, Value bucket, const char *action, const char *key,
	const char *version_id, const char *account) {
	const char *name = value_get_text(bucket, "Name");
	if (!name || is_enforced(bucket))
		return FALSE;
	gboolean groups = !blocks(region, bucket, "IgnorePublicAcls");
	for (guint i = 0; i < G_N_ELEMENTS(meanings); i++) {
		if (!g_str_equal(meanings[i].action, action))
			continue;
		g_auto(S3Version) version = {0};
		if (meanings[i].of_object)
			return key && s3_version_get(region, name, key, version_id, &version) &&
			       grants(bucket, value_get(version.info, "_Acl"),
				       meanings[i].permission, account, groups);
		g_auto(Value) acl = s3_setting(region, name, "acl");
		return grants(bucket, acl, meanings[i].permission, account, groups);
	}
	return FALSE;
}

gboolean s3_acl_delivers_logs(Region *region, Value bucket) {
	g_auto(Value) acl = s3_setting(region, value_get_text(bucket, "Name"), "acl");
	g_auto(Value) all = is_enforced(bucket) ? VALUE_NOTHING : grants_of(bucket, acl);
	for (gsize i = 0; i < value_length(all); i++) {
		Value grantee = value_get(value_at(all, i), "Grantee");
		if (g_strcmp0(value_get_text(grantee, "URI"), LOG_DELIVERY) == 0 &&
			g_strcmp0(value_get_text(value_at(all, i), "Permission"), "WRITE") == 0)
			return TRUE;
	}
	return FALSE;
}

/* ---- what calls ask for ---- */

static gboolean bad_grant(const char *text, GError **error) {
	return s3_fail_argument(error, "Argument format not recognized", "x-amz-grant", text);
}

/* `id="…", uri="…"` as the headers have it. */
static gboolean take_header(
	ValueBuilder *out, const char *text, const char *permission, GError **error) {
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	for (char **part = parts; *part; part++) {
		char *name = g_strstrip(*part), *equals = strchr(name, '=');
		if (!equals)
			return bad_grant(text, error);
		*equals = '\0';
		char *value = equals + 1;
		gsize length = strlen(value);
		if (length >= 2 && *value == '"' && value[length - 1] == '"') {
			value[length - 1] = '\0';
			value++;
		}
		if (g_ascii_strcasecmp(name, "id") == 0)
			add_grant(out, grantee_of("CanonicalUser", "ID", value), permission);
		else if (g_ascii_strcasecmp(name, "uri") == 0)
			add_grant(out, grantee_of("Group", "URI", value), permission);
		else if (g_ascii_strcasecmp(name, "emailAddress") == 0)
			return s3_fail_not_implemented(error, "grants by e-mail address");
		else
			return bad_grant(text, error);
	}
	return TRUE;
}

/* {Grants} of the headers; VALUE_NOTHING: there are none, or an error. */
static Value of_headers(Value input, GError **error) {
	static const char *const headers[][2] = {{"GrantFullControl", "FULL_CONTROL"},
		{"GrantRead", "READ"}, {"GrantReadACP", "READ_ACP"}, {"GrantWrite", "WRITE"},
		{"GrantWriteACP", "WRITE_ACP"}};
	g_autoptr(ValueBuilder) grants = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(headers); i++) {
		const char *text = value_get_text(input, headers[i][0]);
		if (text && !take_header(grants, text, headers[i][1], error))
			return VALUE_NOTHING;
	}
	if (value_builder_length(grants) == 0)
		return VALUE_NOTHING;
	return value_object_take("Grants", value_builder_end(g_steal_pointer(&grants)), NULL);
}

static gboolean check_grants(Value acl, GError **error) {
	Value grants = value_get(acl, "Grants");
	if (value_length(grants) > MOST_GRANTS)
		return s3_fail(error, "MalformedACLError");
	for (gsize i = 0; i < value_length(grants); i++) {
		Value grantee = value_get(value_at(grants, i), "Grantee");
		const char *uri = value_get_text(grantee, "URI");
		if (value_has(grantee, "EmailAddress"))
			return s3_fail_not_implemented(error, "grants by e-mail address");
		if (!value_has(value_at(grants, i), "Permission") ||
			!(uri || value_has(grantee, "ID")))
			return s3_fail(error, "MalformedACLError");
		if (uri && !is_public_group(uri) && !g_str_equal(uri, LOG_DELIVERY))
			return s3_fail_argument(error, "Invalid group uri", "Group", uri);
	}
	return TRUE;
}

Value s3_acl_of_input(Region *region, Value bucket, Value input, GError **error) {
	const char *canned = value_get_text(input, "ACL");
	Value body = value_get(input, "AccessControlPolicy");
	g_autoptr(GError) local = NULL;
	g_auto(Value) acl = of_headers(input, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	if (canned && !value_is_null(acl)) {
		wire_error_set(error, "InvalidRequest",
			"Specifying both Canned ACLs and Header Grants is not allowed");
		return VALUE_NOTHING;
	}
	if (canned)
		acl = value_string(canned);
	else if (value_is_null(acl) && !value_is_null(body))
		acl = value_object_take("Grants",
			value_has(body, "Grants") ? value_ref(value_get(body, "Grants"))
						  : value_empty_tuple(),
			NULL);
	if (value_is_null(acl))
		return VALUE_NOTHING;
	if (is_enforced(bucket) && g_strcmp0(canned, "bucket-owner-full-control") != 0)
		s3_fail(error, "AccessControlListNotSupported");
	else if (check_grants(acl, error) && is_public(bucket, acl) &&
		 blocks(region, bucket, "BlockPublicAcls"))
		s3_fail(error, "AccessDenied");
	return *error ? VALUE_NOTHING : value_steal(&acl);
}

/* ---- the operations ---- */

static Value shown(Value bucket, Value acl) {
	return value_object_take(
		"Owner", s3_owner_of(bucket), "Grants", grants_of(bucket, acl), NULL);
}

/* The same of a call that is about nothing else. */
static Value wanted(RegionCall *call, Value bucket, Value input, GError **error) {
	Value acl = s3_acl_of_input(call->region, bucket, input, error);
	if (value_is_null(acl) && !*error) {
		/* Nothing was asked for; where ACLs are unknown that is what is wrong. */
		s3_fail(error, is_enforced(bucket) ? "AccessControlListNotSupported"
						   : "MissingRequestBodyError");
	}
	return acl;
}

static Value put_bucket_acl(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Bucket");
	g_auto(Value) bucket = s3_bucket_find(call->region, name, error);
	g_auto(Value) acl =
		value_is_null(bucket) ? VALUE_NOTHING : wanted(call, bucket, input, error);
	if (!value_is_null(acl))
		s3_setting_put(call->region, name, "acl", value_ref(acl));
	return VALUE_NOTHING;
}

static Value get_bucket_acl(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Bucket");
	g_auto(Value) bucket = s3_bucket_find(call->region, name, error);
	g_auto(Value) acl = s3_setting(call->region, name, "acl");
	return value_is_null(bucket) ? VALUE_NOTHING : shown(bucket, acl);
}

static gboolean find(RegionCall *call, Value input, S3Version *version, GError **error) {
	return s3_version_find(call->region, value_get_text(input, "Bucket"),
		value_get_text(input, "Key"), value_get_text(input, "VersionId"), version, error);
}

static Value put_object_acl(RegionCall *call, Value input, GError **error) {
	g_auto(S3Version) version = {0};
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	if (value_is_null(bucket) || !find(call, input, &version, error))
		return VALUE_NOTHING;
	g_auto(Value) acl = wanted(call, bucket, input, error);
	if (value_is_null(acl))
		return VALUE_NOTHING;
	version.info = value_with_take(version.info, "_Acl", value_ref(acl));
	s3_version_update(call->region, &version);
	return VALUE_NOTHING;
}

static Value get_object_acl(RegionCall *call, Value input, GError **error) {
	g_auto(S3Version) version = {0};
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	if (value_is_null(bucket) || !find(call, input, &version, error))
		return VALUE_NOTHING;
	return shown(bucket, value_get(version.info, "_Acl"));
}

const RegionOperation s3_acl_operations[] = {
	{"GetBucketAcl", get_bucket_acl, TRUE},
	{"GetObjectAcl", get_object_acl, TRUE},
	{"PutBucketAcl", put_bucket_acl},
	{"PutObjectAcl", put_object_acl},
	{NULL},
};
