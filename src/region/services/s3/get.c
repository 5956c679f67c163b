/* GetObject and HeadObject: the same answer, with a part of a file behind it or without. */
#include <string.h>
#include <unistd.h>

#include "region/services/s3/internal.h"
#include "wire/codec.h"

typedef struct {
	gint64 start, length;
	gboolean partial;
} Span;

/* ---- ranges ---- */

static gboolean unsatisfiable(const char *range, gint64 size, GError **error) {
	s3_fail(error, "InvalidRange");
	wire_error_set_members_take(
		*error, value_object_take("RangeRequested", value_string(range), "ActualObjectSize",
				value_string_printf("%" G_GINT64_FORMAT, size), NULL));
	return FALSE;
}

/* "bytes=0-9", "bytes=10-", "bytes=-5". Others, and several at once, are no range to S3: it sends
 * the whole. */
static gboolean take_range(const char *range, gint64 size, Span *span, GError **error) {
	if (!range || !g_str_has_prefix(range, "bytes=") || strchr(range, ','))
		return TRUE;
	const char *from = range + strlen("bytes=");
	const char *dash = strchr(from, '-');
	char *end;
	if (!dash || (dash == from && !g_ascii_isdigit(dash[1])))
		return TRUE;
	gint64 first = dash == from ? 0 : g_ascii_strtoll(from, &end, 10);
	if (dash > from && end != dash)
		return TRUE;
	gint64 last = dash[1] ? g_ascii_strtoll(dash + 1, &end, 10) : size - 1;
	if (dash[1] && *end)
		return TRUE;
	if (dash == from) {
		if (last == 0 || size == 0)
			return unsatisfiable(range, size, error);
		first = MAX(size - last, 0);
		last = size - 1;
	} else if (dash[1] && last < first) {
		return TRUE;
	}
	if (first >= size)
		return unsatisfiable(range, size, error);
	*span = (Span){first, MIN(last, size - 1) - first + 1, TRUE};
	return TRUE;
}

static gboolean take_part(Value parts, gint64 number, gint64 size, Span *span, GError **error) {
	gint64 n = (gint64)MAX(value_length(parts), 1);
	if (number < 1 || number > n)
		return s3_fail(error, "InvalidPartNumber");
	*span = (Span){0, size, TRUE};
	for (gint64 i = 0; value_length(parts) > 0 && i < number; i++) {
		span->start += i > 0 ? span->length : 0;
		span->length = value_to_int(value_at(parts, (gsize)i), 0);
	}
	return TRUE;
}

static gboolean find_span(Value input, const S3Version *version, Span *span, GError **error) {
	*span = (Span){0, version->size, FALSE};
	if (value_has(input, "PartNumber"))
		return take_part(value_get(version->info, "_Parts"),
			value_get_int(input, "PartNumber", 0), version->size, span, error);
	return take_range(value_get_text(input, "Range"), version->size, span, error);
}

/* ---- the answer ---- */

static void add_headers(ValueBuilder *output, Value info, Value input) {
	static const char *const members[][2] = {{"CacheControl", "ResponseCacheControl"},
		{"ContentDisposition", "ResponseContentDisposition"},
		{"ContentEncoding", "ResponseContentEncoding"},
		{"ContentLanguage", "ResponseContentLanguage"},
		{"ContentType", "ResponseContentType"}, {"Expires", "ResponseExpires"},
		{"Metadata", ""}, {"StorageClass", ""}, {"WebsiteRedirectLocation", ""}};
	for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
		Value instead = value_get(input, members[i][1]);
		Value own = value_get(info, members[i][0]);
		if (value_kind(instead) == VALUE_NUMBER) /* ResponseExpires */
			value_builder_set_take(output, members[i][0],
				value_string_take(wire_time_http(value_to_double(instead, 0))));
		else if (!value_is_null(instead))
			value_builder_set_take(output, members[i][0], value_ref(instead));
		else if (!value_is_null(own))
			value_builder_set_take(output, members[i][0], value_ref(own));
	}
}

static Value describe(const S3Call *call, const S3Version *version, const Span *span) {
	g_autoptr(ValueBuilder) output = value_builder_new(VALUE_OBJECT, NULL);
	const WireShape *shape = wire_operation_output(call->call.operation);
	Value info = version->info;
	add_headers(output, info, call->input);
	value_builder_set_take(output, "AcceptRanges", value_string("bytes"));
	value_builder_set_take(output, "ETag", value_string_take(s3_quoted(version->etag)));
	value_builder_set_take(
		output, "LastModified", value_int(version->modified / G_USEC_PER_SEC));
	s3_add_version_id(output, call->bucket, version->id);
	s3_info_encryption(output, info);
	if (g_strcmp0(value_get_text(call->input, "ChecksumMode"), "ENABLED") == 0 &&
		(!span->partial || value_has(call->input, "PartNumber")))
		s3_info_checksums(output, info);
	s3_archive_describe(call->call.region, version, output);
	if (span->partial)
		value_builder_set_take(output, "ContentRange",
			value_string_printf("bytes %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT
					    "/%" G_GINT64_FORMAT,
				span->start, span->start + span->length - 1, version->size));
	Value parts = value_get(info, "_Parts"), tags = value_get(info, "_Tags");
	if (value_length(parts) > 0 && value_has(call->input, "PartNumber"))
		value_builder_set_take(
			output, "PartsCount", value_int((gint64)value_length(parts)));
	if (value_length(tags) > 0 && wire_shape_member(shape, "TagCount"))
		value_builder_set_take(output, "TagCount", value_int((gint64)value_length(tags)));
	return value_builder_end(g_steal_pointer(&output));
}

static WireResponse *refuse(const S3Call *call, const S3Version *version, const GError *error) {
	WireResponse *response = s3_call_refuse(call, error);
	if (version->etag && g_str_equal(wire_error_code(error), "NotModified")) {
		g_autofree char *etag = s3_quoted(version->etag);
		g_autofree char *modified =
			wire_time_http((double)(version->modified / G_USEC_PER_SEC));
		wire_response_set_header(response, "etag", etag);
		wire_response_set_header(response, "last-modified", modified);
	}
	if (g_str_equal(wire_error_code(error), "InvalidRange")) {
		g_autofree char *range =
			g_strdup_printf("bytes */%" G_GINT64_FORMAT, version->size);
		wire_response_set_header(response, "content-range", range);
	}
	return response;
}

/* A delete marker says so in headers. */
static WireResponse *refuse_marker(const S3Call *call, const char *id, const GError *error) {
	WireResponse *response = s3_call_refuse(call, error);
	g_auto(S3Version) marker = {0};
	if (s3_version_get(call->call.region, value_get_text(call->bucket, "Name"),
		    value_get_text(call->input, "Key"), id, &marker) &&
		marker.marker) {
		wire_response_set_header(response, "x-amz-delete-marker", "true");
		wire_response_set_header(response, "x-amz-version-id", marker.id);
		if (id)
			wire_response_set_header(response, "allow", "DELETE");
	}
	return response;
}

static WireResponse *refuse_unknown(const S3Call *call) {
	g_autoptr(GError) error = NULL;
	s3_fail(&error, "AccessDenied");
	return s3_call_refuse(call, error);
}

WireResponse *s3_serve_get(Region *region, S3Call *call, HttpReply *reply) {
	g_autoptr(GError) error = NULL;
	g_auto(S3Version) version = {0};
	const char *id = value_get_text(call->input, "VersionId");
	Span span;
	if (!s3_version_find(region, value_get_text(call->bucket, "Name"),
		    value_get_text(call->input, "Key"), id, &version, &error)) {
		/* Who may not list a bucket is not told what is not in it. */
		if (!s3_permit(call, "s3:ListBucket", NULL, NULL))
			return refuse_unknown(call);
		return refuse_marker(call, id, error);
	}
	gboolean reads = g_str_equal(wire_operation_name(call->call.operation), "GetObject");
	if (!s3_condition_check(call->input, "", &version, &error) ||
		(reads && !s3_archive_check(region, &version, &error)) ||
		!find_span(call->input, &version, &span, &error))
		return refuse(call, &version, error);
	int fd = span.length > 0 ? s3_file_open(region, version.file, &error) : -1;
	if (error)
		return s3_call_refuse(call, error);
	g_auto(Value) output = describe(call, &version, &span);
	WireResponse *response = s3_call_answer(call, output);
	if (span.partial)
		response->status = 206;
	wire_response_take_file(response, fd, span.start, span.length);
	s3_log_answer(call, response, NULL);
	s3_log_size(call, version.size);
	return response;
}
