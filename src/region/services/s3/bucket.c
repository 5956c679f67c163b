/* Buckets: one name space over all accounts and regions, so they are kept in the scope of none. */
#include <stdio.h>
#include <string.h>

#include "region/services/s3/internal.h"

Value s3_bucket(Region *region, const char *name) {
	return store_get(region_store(region), S3_EVERYWHERE, S3_BUCKETS, name);
}

Value s3_bucket_find(Region *region, const char *name, GError **error) {
	Value bucket = s3_bucket(region, name);
	if (value_is_null(bucket))
		s3_no_such_bucket(error, name);
	return bucket;
}

void s3_bucket_put(Region *region, Value bucket_taken) {
	store_put_take(region_store(region), S3_EVERYWHERE, S3_BUCKETS,
		value_get_text(bucket_taken, "Name"), bucket_taken);
}

/* ---- creation ---- */

/* User guide, "General purpose bucket naming rules". */
static gboolean is_valid_name(const char *name) {
	static const char *const prefixes[] = {"xn--", "sthree-", NULL};
	static const char *const suffixes[] = {
		"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", NULL};
	gsize length = strlen(name);
	gboolean is_address = TRUE;
	if (length < 3 || length > 63 || !g_ascii_isalnum(name[0]) ||
		!g_ascii_isalnum(name[length - 1]) || strstr(name, ".."))
		return FALSE;
	for (const char *at = name; *at; at++) {
		if (!g_ascii_islower(*at) && !g_ascii_isdigit(*at) && *at != '.' && *at != '-')
			return FALSE;
		is_address &= g_ascii_isdigit(*at) || *at == '.';
	}
	for (guint i = 0; prefixes[i]; i++)
		if (g_str_has_prefix(name, prefixes[i]))
			return FALSE;
	for (guint i = 0; suffixes[i]; i++)
		if (g_str_has_suffix(name, suffixes[i]))
			return FALSE;
	guint a, b, c, d;
	return !(is_address && sscanf(name, "%u.%u.%u.%u", &a, &b, &c, &d) == 4);
}

/* Where the bucket shall be: what the body says must fit the endpoint, but for us-east-1's, which
 * is the old global one. */
static const char *location_of(const RegionCall *call, Value configuration, GError **error) {
	const char *here = call->scope.region;
	const char *wanted = value_get_text(configuration, "LocationConstraint");
	if (wanted && g_str_equal(wanted, "EU"))
		wanted = "eu-west-1";
	if (wanted && g_str_equal(wanted, "us-east-1")) {
		s3_fail_about(error, "InvalidLocationConstraint", "LocationConstraint", wanted);
		return NULL;
	}
	if (!wanted && g_str_equal(here, "us-east-1"))
		return here;
	if (wanted && (g_str_equal(wanted, here) || g_str_equal(here, "us-east-1")))
		return wanted;
	if (wanted)
		wire_error_set_status(error, 400, "IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific "
			"endpoint "
			"this request was sent to.",
			wanted);
	else
		s3_fail(error, "IllegalLocationConstraintException");
	return NULL;
}

/* Who creates a bucket that is there. */
static gboolean may_create_again(
	const RegionCall *call, Value there, const char *location, GError **error) {
	const char *name = value_get_text(there, "Name");
	if (g_strcmp0(value_get_text(there, "Account"), call->scope.account) != 0)
		return s3_fail_about(error, "BucketAlreadyExists", "BucketName", name);
	/* The old behaviour of the old region: no error. */
	if (g_str_equal(location, "us-east-1") &&
		g_strcmp0(value_get_text(there, "Region"), location) == 0)
		return TRUE;
	return s3_fail_about(error, "BucketAlreadyOwnedByYou", "BucketName", name);
}

static gboolean has_grants(Value input) {
	static const char *const headers[] = {
		"GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"};
	for (guint i = 0; i < G_N_ELEMENTS(headers); i++)
		if (value_has(input, headers[i]))
			return TRUE;
	return FALSE;
}

static gboolean check_creation(Value input, const char *ownership, GError **error) {
	const char *acl = value_get_text(input, "ACL");
	Value configuration = value_get(input, "CreateBucketConfiguration");
	gboolean grants = has_grants(input);
	if (value_get_bool(input, "ObjectLockEnabledForBucket"))
		return s3_fail_not_implemented(error, "Object Lock");
	if (value_has(configuration, "Location") || value_has(configuration, "Bucket"))
		return s3_fail_not_implemented(error, "directory buckets");
	if ((grants || (acl && !g_str_equal(acl, "private"))) &&
		g_str_equal(ownership, "BucketOwnerEnforced")) {
		wire_error_set(error, "InvalidBucketAclWithObjectOwnership",
			"Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced "
			"setting");
		return FALSE;
	}
	return TRUE;
}

static Value created(const char *name) {
	return value_object_take("Location", value_string_printf("/%s", name), "BucketArn",
		value_string_printf("arn:aws:s3:::%s", name), NULL);
}

/* New buckets let nothing out, and know no ACLs. */
static gboolean put_defaults(
	Region *region, const char *name, const char *ownership, Value input, GError **error) {
	s3_setting_put(region, name, "publicAccessBlock",
		value_object_take("BlockPublicAcls", value_bool(TRUE), "IgnorePublicAcls",
			value_bool(TRUE), "BlockPublicPolicy", value_bool(TRUE),
			"RestrictPublicBuckets", value_bool(TRUE), NULL));
	g_auto(Value) rule = value_object_take("ObjectOwnership", value_string(ownership), NULL);
	s3_setting_put(region, name, "ownershipControls",
		value_object_take("Rules", value_tuple_take(1, value_ref(rule)), NULL));
	if (g_str_equal(ownership, "BucketOwnerEnforced"))
		return TRUE;
	g_auto(Value) bucket = s3_bucket(region, name);
	g_auto(Value) acl = s3_acl_of_input(region, bucket, input, error);
	if (!value_is_null(acl))
		s3_setting_put(region, name, "acl", value_ref(acl));
	return !*error;
}

static Value create_bucket(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Bucket");
	Value configuration = value_get(input, "CreateBucketConfiguration");
	const char *ownership =
		value_text_or(value_get(input, "ObjectOwnership"), "BucketOwnerEnforced");
	if (!is_valid_name(name)) {
		s3_fail_about(error, "InvalidBucketName", "BucketName", name);
		return VALUE_NOTHING;
	}
	const char *location = location_of(call, configuration, error);
	g_auto(Value) there = s3_bucket(call->region, name);
	if (!location || !check_creation(input, ownership, error))
		return VALUE_NOTHING;
	if (!value_is_null(there))
		return may_create_again(call, there, location, error) ? created(name)
								      : VALUE_NOTHING;
	Value given = value_get(configuration, "Tags");
	g_autoptr(GError) local = NULL;
	g_auto(Value) tags = s3_tags_of_list(given, 50, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	s3_bucket_put(call->region,
		value_object_take("Name", value_string(name), "Account",
			value_string(call->scope.account), "Region", value_string(location),
			"CreationDate", region_timestamp(call->region), "ObjectOwnership",
			value_string(ownership), NULL));
	if (!put_defaults(call->region, name, ownership, input, error))
		return VALUE_NOTHING;
	if (value_length(tags) > 0)
		s3_setting_put(call->region, name, "tagging", value_ref(tags));
	return created(name);
}

/* ---- deletion ---- */

static gboolean has_versions(Region *region, const char *name) {
	sqlite3_stmt *statement =
		s3_sql(region, "SELECT 1 FROM s3_versions WHERE bucket = ?1 LIMIT 1");
	s3_bind_text(statement, 1, name);
	gboolean any = sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_reset(statement);
	return any;
}

static void abort_uploads(Region *region, const char *name) {
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	sqlite3_stmt *statement =
		s3_sql(region, "SELECT key, id FROM s3_uploads WHERE bucket = ?1");
	s3_bind_text(statement, 1, name);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		g_ptr_array_add(keys, g_strdup(s3_column(statement, 0)));
		g_ptr_array_add(keys, g_strdup(s3_column(statement, 1)));
	}
	sqlite3_reset(statement);
	for (guint i = 0; i < keys->len; i += 2) {
		g_auto(S3Upload) upload = {0};
		if (s3_upload_find(region, name, keys->pdata[i], keys->pdata[i + 1], &upload, NULL))
			s3_upload_remove(region, &upload);
	}
}

static Value delete_bucket(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Bucket");
	g_auto(Value) bucket = s3_bucket_find(call->region, name, error);
	if (value_is_null(bucket))
		return VALUE_NOTHING;
	if (has_versions(call->region, name)) {
		wire_error_set_status(error, 409, "BucketNotEmpty",
			"The bucket you tried to delete is not empty%s",
			value_has(bucket, "Versioning")
				? ". You must delete all versions in the bucket."
				: "");
		wire_error_set_members_take(
			*error, value_object_take("BucketName", value_string(name), NULL));
		return VALUE_NOTHING;
	}
	abort_uploads(call->region, name);
	s3_settings_clear(call->region, name);
	store_delete(region_store(call->region), S3_EVERYWHERE, S3_BUCKETS, name);
	return VALUE_NOTHING;
}

/* ---- reading ---- */

static Value head_bucket(RegionCall *call, Value input, GError **error) {
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	if (value_is_null(bucket))
		return VALUE_NOTHING;
	return value_object_take("BucketRegion", value_ref(value_get(bucket, "Region")),
		"BucketArn", value_string_printf("arn:aws:s3:::%s", value_get_text(bucket, "Name")),
		"AccessPointAlias", value_bool(FALSE), NULL);
}

static Value get_location(RegionCall *call, Value input, GError **error) {
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	const char *region = value_get_text(bucket, "Region");
	if (!region || g_str_equal(region, "us-east-1"))
		return value_empty_object();
	return value_object_take("LocationConstraint", value_string(region), NULL);
}

static Value list_buckets(RegionCall *call, Value input, GError **error) {
	const char *prefix = value_text_or(value_get(input, "Prefix"), "");
	const char *wanted = value_get_text(input, "BucketRegion");
	const char *after = value_text_or(value_get(input, "ContinuationToken"), "");
	gint64 most = value_get_int(input, "MaxBuckets", 10000);
	g_autoptr(ValueBuilder) buckets = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *next = NULL, *last = NULL;
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), S3_EVERYWHERE, S3_BUCKETS, prefix);
	const char *name;
	Value bucket;
	while (store_iter_next(&iter, &name, &bucket)) {
		const char *place = value_get_text(bucket, "Region");
		if (g_strcmp0(value_get_text(bucket, "Account"), call->scope.account) != 0 ||
			strcmp(name, after) <= 0 || (wanted && !g_str_equal(place, wanted)))
			continue;
		if ((gint64)value_builder_length(buckets) >= most) {
			next = g_steal_pointer(&last);
			break;
		}
		g_free(last);
		last = g_strdup(name);
		value_builder_add_take(
			buckets, value_object_take("Name", value_string(name), "CreationDate",
					 value_ref(value_get(bucket, "CreationDate")),
					 "BucketRegion", value_string(place), "BucketArn",
					 value_string_printf("arn:aws:s3:::%s", name), NULL));
	}
	Value output =
		value_object_take("Buckets", value_builder_end(g_steal_pointer(&buckets)), "Owner",
			value_object_take("ID",
				value_string_take(s3_canonical_id(call->scope.account)), NULL),
			NULL);
	if (*prefix)
		output = value_with_take(output, "Prefix", value_string(prefix));
	if (next)
		output = value_with_take(output, "ContinuationToken", value_string(next));
	return output;
}

/* ---- versioning ---- */

static Value put_versioning(RegionCall *call, Value input, GError **error) {
	Value wanted = value_get(input, "VersioningConfiguration");
	const char *status = value_get_text(wanted, "Status");
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	if (value_is_null(bucket))
		return VALUE_NOTHING;
	if (g_strcmp0(value_get_text(wanted, "MFADelete"), "Enabled") == 0) {
		s3_fail_not_implemented(error, "MFA Delete");
		return VALUE_NOTHING;
	}
	if (!status) {
		wire_error_set(error, "IllegalVersioningConfigurationException",
			"The Versioning element must be specified");
		return VALUE_NOTHING;
	}
	s3_bucket_put(call->region,
		value_with_take(value_steal(&bucket), "Versioning", value_string(status)));
	return VALUE_NOTHING;
}

static Value get_versioning(RegionCall *call, Value input, GError **error) {
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	if (!value_has(bucket, "Versioning"))
		return value_empty_object();
	return value_object_take("Status", value_ref(value_get(bucket, "Versioning")), NULL);
}

const RegionOperation s3_bucket_operations[] = {
	{"CreateBucket", create_bucket},
	{"DeleteBucket", delete_bucket},
	{"GetBucketLocation", get_location, TRUE},
	{"GetBucketVersioning", get_versioning, TRUE},
	{"HeadBucket", head_bucket, TRUE},
	{"ListBuckets", list_buckets, TRUE},
	{"PutBucketVersioning", put_versioning},
	{NULL},
};
