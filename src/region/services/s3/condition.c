/* Conditional requests: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, in the
 * order of RFC 9110, 13.2.2; of writes the first two only. */
#include <string.h>

#include "region/services/s3/internal.h"

static gboolean failed(GError **error, const char *condition) {
	return s3_fail_about(error, "PreconditionFailed", "Condition", condition);
}

static gboolean etag_matches(const char *list, const char *etag) {
	g_auto(GStrv) parts = g_strsplit(list, ",", -1);
	for (char **part = parts; *part; part++) {
		char *one = g_strstrip(*part);
		if (g_str_has_prefix(one, "W/"))
			one += 2;
		gsize length = strlen(one);
		if (length >= 2 && *one == '"' && one[length - 1] == '"') {
			one[length - 1] = '\0';
			one++;
		}
		if (g_str_equal(one, "*") || g_str_equal(one, etag))
			return TRUE;
	}
	return FALSE;
}

static Value member(Value input, const char *prefix, const char *name) {
	g_autofree char *full = g_strconcat(prefix, name, NULL);
	return value_get(input, full);
}

gboolean s3_condition_check(
	Value input, const char *prefix, const S3Version *version, GError **error) {
	const char *match = value_text(member(input, prefix, "IfMatch"));
	const char *none_match = value_text(member(input, prefix, "IfNoneMatch"));
	Value since = member(input, prefix, "IfModifiedSince");
	Value unmodified = member(input, prefix, "IfUnmodifiedSince");
	/* Dates of HTTP know no fractions. */
	double modified = (double)(version->modified / G_USEC_PER_SEC);
	const char *unchanged = *prefix ? "PreconditionFailed" : "NotModified";
	if (match && !etag_matches(match, version->etag))
		return failed(error, "If-Match");
	if (!match && !value_is_null(unmodified) && modified > value_to_double(unmodified, 0))
		return failed(error, "If-Unmodified-Since");
	if (none_match && etag_matches(none_match, version->etag))
		return s3_fail_about(error, unchanged, "Condition", "If-None-Match");
	if (!none_match && !value_is_null(since) && modified <= value_to_double(since, 0))
		return s3_fail_about(error, unchanged, "Condition", "If-Modified-Since");
	return TRUE;
}

gboolean s3_condition_check_write(
	Region *region, const char *bucket, const char *key, Value input, GError **error) {
	const char *match = value_get_text(input, "IfMatch");
	const char *none_match = value_get_text(input, "IfNoneMatch");
	if (!match && !none_match)
		return TRUE;
	g_auto(S3Version) now = {0};
	gboolean there = s3_version_get(region, bucket, key, NULL, &now) && !now.marker;
	if (none_match && !g_str_equal(none_match, "*"))
		return s3_fail_not_implemented(error, "If-None-Match of writes with an ETag");
	if (none_match && there)
		return failed(error, "If-None-Match");
	if (match && !there)
		return s3_no_such_key(error, key);
	return !match || etag_matches(match, now.etag) || failed(error, "If-Match");
}
