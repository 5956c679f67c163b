/* What is kept of an object beside its bytes: headers, metadata, encryption, tags, ACL; and how it
 * is shown. */
#include <string.h>

#include "region/services/s3/internal.h"

#define LONGEST_KEY 1024 /* bytes */
#define LARGEST_METADATA 2048

gboolean s3_key_check(const char *key, GError **error) {
	return strlen(key) <= LONGEST_KEY || s3_fail(error, "KeyTooLongError");
}

char *s3_quoted(const char *etag) {
	return g_strdup_printf("\"%s\"", etag);
}

void s3_add_version_id(ValueBuilder *output, Value bucket, const char *id) {
	if (value_has(bucket, "Versioning") && id)
		value_builder_set_take(output, "VersionId", value_string(id));
}

/* ---- tags ---- */

gboolean s3_tags_check(Value tags, guint most, GError **error) {
	if (value_length(tags) > most) {
		wire_error_set(error, most == 10 ? "BadRequest" : "InvalidTag",
			most == 10 ? "Object tags cannot be greater than %u"
				   : "Bucket tag count cannot be greater than %u",
			most);
		return FALSE;
	}
	for (gsize i = 0; i < value_length(tags); i++) {
		const char *key = value_key_at(tags, i), *text = value_text(value_at(tags, i));
		if (!*key || g_utf8_strlen(key, -1) > 128 || g_str_has_prefix(key, "aws:")) {
			wire_error_set(error, "InvalidTag",
				g_str_has_prefix(key, "aws:")
					? "System tags cannot be added/updated by requester"
					: "The TagKey you have provided is invalid");
			return FALSE;
		}
		if (text && g_utf8_strlen(text, -1) > 256) {
			wire_error_set(
				error, "InvalidTag", "The TagValue you have provided is invalid");
			return FALSE;
		}
	}
	return TRUE;
}

Value s3_tags_of_list(Value list, guint most, GError **error) {
	g_auto(Value) tags = region_tags_from_list(list, "Key", "Value");
	if (value_length(tags) != value_length(list)) {
		wire_error_set(
			error, "InvalidTag", "Cannot provide multiple Tags with the same key");
		return VALUE_NOTHING;
	}
	return s3_tags_check(tags, most, error) ? value_steal(&tags) : VALUE_NOTHING;
}

Value s3_tags_of_header(const char *text, GError **error) {
	g_autoptr(ValueBuilder) tags = value_builder_new(VALUE_OBJECT, NULL);
	g_auto(GStrv) pairs = g_strsplit(text, "&", -1);
	for (char **pair = pairs; *pair; pair++) {
		if (!**pair)
			continue;
		g_strdelimit(*pair, "+", ' ');
		char *equals = strchr(*pair, '=');
		if (equals)
			*equals = '\0';
		g_autofree char *key = g_uri_unescape_string(*pair, NULL);
		g_autofree char *value = g_uri_unescape_string(equals ? equals + 1 : "", NULL);
		if (!key || !value) {
			s3_fail_argument(error,
				"The header 'x-amz-tagging' shall be encoded as UTF-8 then "
				"URLEncoded "
				"URL query parameters without tag name duplicates.",
				"x-amz-tagging", text);
			return VALUE_NOTHING;
		}
		value_builder_set_take(tags, key, value_string(value));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&tags));
	return s3_tags_check(all, 10, error) ? value_steal(&all) : VALUE_NOTHING;
}

/* ---- encryption ---- */

static char *key_arn(Value bucket, const char *id) {
	const StoreScope scope = {
		value_get_text(bucket, "Account"), value_get_text(bucket, "Region")};
	if (!id)
		return region_arn(scope, "kms", "alias/aws/s3");
	if (g_str_has_prefix(id, "arn:"))
		return g_strdup(id);
	return region_arn(scope, "kms", "%s%s", g_str_has_prefix(id, "alias/") ? "" : "key/", id);
}

/* As the request says, else as the bucket does, else AES256. */
static void add_encryption(Region *region, ValueBuilder *info, Value bucket, Value input) {
	g_auto(Value) setting = s3_setting(region, value_get_text(bucket, "Name"), "encryption");
	Value rule = value_at(value_get(setting, "Rules"), 0);
	Value usual = value_get(rule, "ApplyServerSideEncryptionByDefault");
	const char *algorithm = value_get_text(input, "ServerSideEncryption");
	const char *key = value_get_text(input, "SSEKMSKeyId");
	if (!algorithm) {
		algorithm = value_text_or(value_get(usual, "SSEAlgorithm"), "AES256");
		key = key ? key : value_get_text(usual, "KMSMasterKeyID");
	}
	value_builder_set_take(info, "ServerSideEncryption", value_string(algorithm));
	if (!g_str_has_prefix(algorithm, "aws:kms"))
		return;
	value_builder_set_take(info, "SSEKMSKeyId", value_string_take(key_arn(bucket, key)));
	Value bucket_key = value_get(input, "BucketKeyEnabled");
	if (value_is_null(bucket_key))
		bucket_key = value_get(rule, "BucketKeyEnabled");
	if (!value_is_null(bucket_key))
		value_builder_set_take(info, "BucketKeyEnabled", value_ref(bucket_key));
	Value context = value_get(input, "SSEKMSEncryptionContext");
	if (!value_is_null(context))
		value_builder_set_take(info, "SSEKMSEncryptionContext", value_ref(context));
}

void s3_info_encryption(ValueBuilder *output, Value info) {
	static const char *const members[] = {"ServerSideEncryption", "SSEKMSKeyId",
		"SSEKMSEncryptionContext", "BucketKeyEnabled"};
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(info, members[i]))
			value_builder_set_take(
				output, members[i], value_ref(value_get(info, members[i])));
}

void s3_info_checksums(ValueBuilder *output, Value info) {
	for (S3Digest each = 0; each < S3_N_DIGESTS; each++)
		if (value_has(info, s3_digest_member(each)))
			value_builder_set_take(output, s3_digest_member(each),
				value_ref(value_get(info, s3_digest_member(each))));
	if (value_has(info, "ChecksumType"))
		value_builder_set_take(
			output, "ChecksumType", value_ref(value_get(info, "ChecksumType")));
}

/* ---- what requests say ---- */

static gboolean check_unserved(Value input, GError **error) {
	static const char *const members[][2] = {
		{"SSECustomerAlgorithm", "encryption with keys of the customer's (SSE-C)"},
		{"WriteOffsetBytes", "appending to objects"}};
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(input, members[i][0]))
			return s3_fail_not_implemented(error, members[i][1]);
	if (value_has(input, "ObjectLockMode") || value_has(input, "ObjectLockLegalHoldStatus")) {
		wire_error_set(
			error, "InvalidRequest", "Bucket is missing Object Lock Configuration");
		return FALSE;
	}
	return TRUE;
}

static gboolean check_metadata(Value metadata, GError **error) {
	gsize size = 0;
	for (gsize i = 0; i < value_length(metadata); i++)
		size += strlen(value_key_at(metadata, i)) +
			value_text_length(value_at(metadata, i));
	return size <= LARGEST_METADATA || s3_fail(error, "MetadataTooLarge");
}

/* "aws-chunked" is about the transfer only. */
static char *content_encoding(const char *text) {
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	GString *out = g_string_new(NULL);
	for (char **part = parts; *part; part++) {
		const char *one = g_strstrip(*part);
		if (*one && g_ascii_strcasecmp(one, "aws-chunked") != 0)
			g_string_append_printf(out, "%s%s", out->len ? "," : "", one);
	}
	return g_string_free(out, FALSE);
}

Value s3_info_of_input(const RegionCall *call, Value bucket, Value input, GError **error) {
	static const char *const members[] = {"CacheControl", "ContentDisposition",
		"ContentLanguage", "Expires", "Metadata", "WebsiteRedirectLocation"};
	g_autoptr(GError) local = NULL;
	g_auto(Value) acl = s3_acl_of_input(call->region, bucket, input, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	if (!check_unserved(input, error) || !check_metadata(value_get(input, "Metadata"), error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) info = value_builder_new(VALUE_OBJECT, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(input, members[i]))
			value_builder_set_take(
				info, members[i], value_ref(value_get(input, members[i])));
	value_builder_set_take(info, "ContentType",
		value_string(value_text_or(value_get(input, "ContentType"), S3_DEFAULT_TYPE)));
	g_autofree char *encoding =
		content_encoding(value_text_or(value_get(input, "ContentEncoding"), ""));
	if (*encoding)
		value_builder_set_take(info, "ContentEncoding", value_string(encoding));
	const char *class = value_get_text(input, "StorageClass");
	if (class && !g_str_equal(class, "STANDARD"))
		value_builder_set_take(info, "StorageClass", value_string(class));
	if (!value_is_null(acl))
		value_builder_set_take(info, "_Acl", value_ref(acl));
	add_encryption(call->region, info, bucket, input);
	const char *tagging = value_get_text(input, "Tagging");
	if (tagging)
		value_builder_set_take(info, "_Tags", s3_tags_of_header(tagging, &local));
	if (!local)
		return value_builder_end(g_steal_pointer(&info));
	g_propagate_error(error, g_steal_pointer(&local));
	return VALUE_NOTHING;
}
