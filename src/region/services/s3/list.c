/*
 * Listings: objects (versions 1 and 2 of the call), versions, uploads. All walk an index from a
 * bound on, and jump over what a delimiter makes one common prefix, so that a page costs what it
 * shows, not what the bucket holds.
 */
#include <string.h>

#include "region/services/s3/internal.h"
#include "value/json.h"

#define MOST_KEYS 1000

typedef struct Page Page;
struct Page {
	Region *region;
	Value input, bucket;
	const char *prefix, *delimiter; /* "": none */
	const char *marker; /* a key or common prefix that the page begins behind; or NULL */
	const char *id_marker; /* of a version or upload of that key; or NULL */
	gint64 most;
	gboolean encode; /* keys in URL's encoding */
	gboolean passed; /* the id marker was seen */
	ValueBuilder *items, *markers, *prefixes;
	gint64 count;
	gboolean truncated;
	char *last, *last_id; /* the last that the page shows */
	/* Shows the row that the statement is at. */
	void (*show)(Page *page, sqlite3_stmt *statement);
};

static void page_clear(Page *page) {
	g_clear_pointer(&page->items, value_builder_free);
	g_clear_pointer(&page->markers, value_builder_free);
	g_clear_pointer(&page->prefixes, value_builder_free);
	g_free(page->last);
	g_free(page->last_id);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Page, page_clear)

static Value text_of(const Page *page, const char *text) {
	if (!page->encode)
		return value_string(text);
	return value_string_take(g_uri_escape_string(text, "/", FALSE));
}

/* ---- walking ---- */

/* The least key behind all that begin with `prefix`: its last byte is one more. */
static void set_behind_prefix(GString *bound, const char *prefix) {
	g_string_assign(bound, prefix);
	bound->str[bound->len - 1]++;
}

/* The least key behind `key`: a zero byte more. */
static void set_behind_key(GString *bound, const char *key) {
	g_string_assign(bound, key);
	g_string_append_c(bound, '\0');
}

static void set_start(const Page *page, GString *bound) {
	g_string_assign(bound, page->prefix);
	if (!page->marker || strcmp(page->marker, page->prefix) < 0)
		return;
	if (page->id_marker)
		g_string_assign(bound, page->marker);
	else
		set_behind_key(bound, page->marker);
}

/* Column 0 is the key, 1 the id of what is listed. Rows up to the id marker were shown before. */
static gboolean is_passed(Page *page, sqlite3_stmt *statement) {
	if (!page->id_marker || page->passed ||
		!g_str_equal(s3_column(statement, 0), page->marker)) {
		page->passed = TRUE;
		return TRUE;
	}
	page->passed = g_str_equal(s3_column(statement, 1), page->id_marker);
	return FALSE;
}

/* The common prefix that a key belongs to; NULL: it is shown itself. Caller frees. */
static char *common_prefix(const Page *page, const char *key) {
	if (!*page->delimiter)
		return NULL;
	const char *found = strstr(key + strlen(page->prefix), page->delimiter);
	return found ? g_strndup(key, (gsize)(found - key) + strlen(page->delimiter)) : NULL;
}

static gboolean is_full(Page *page) {
	page->truncated = page->count >= page->most;
	return page->truncated;
}

static void show_prefix(Page *page, const char *common) {
	value_builder_add_take(
		page->prefixes, value_object_take("Prefix", text_of(page, common), NULL));
	page->count++;
	g_free(page->last);
	page->last = g_strdup(common);
	g_clear_pointer(&page->last_id, g_free);
}

static void show_row(Page *page, sqlite3_stmt *statement) {
	page->count++;
	g_free(page->last);
	g_free(page->last_id);
	page->last = g_strdup(s3_column(statement, 0));
	page->last_id = g_strdup(s3_column(statement, 1));
	page->show(page, statement);
}

static void bind(sqlite3_stmt *statement, const char *bucket, const GString *bound) {
	s3_bind_text(statement, 1, bucket);
	sqlite3_bind_text(statement, 2, bound->str, (int)bound->len, SQLITE_TRANSIENT);
}

static void walk(Page *page, const char *sql) {
	g_autoptr(GString) bound = g_string_new(NULL);
	const char *bucket = value_get_text(page->bucket, "Name");
	set_start(page, bound);
	sqlite3_stmt *statement = s3_sql(page->region, sql);
	bind(statement, bucket, bound);
	while (page->most > 0 && sqlite3_step(statement) == SQLITE_ROW) {
		const char *key = s3_column(statement, 0);
		if (!g_str_has_prefix(key, page->prefix))
			break;
		if (!is_passed(page, statement))
			continue;
		g_autofree char *common = common_prefix(page, key);
		gboolean shown = common && page->marker && g_str_equal(common, page->marker);
		if (!shown && is_full(page))
			break;
		if (!common) {
			show_row(page, statement);
			continue;
		}
		if (!shown)
			show_prefix(page, common);
		set_behind_prefix(bound, common);
		sqlite3_reset(statement);
		bind(statement, bucket, bound);
	}
	sqlite3_reset(statement);
}

static void open_page(Page *page, RegionCall *call, Value input, Value bucket, const char *most) {
	page->region = call->region;
	page->input = input;
	page->bucket = bucket;
	page->prefix = value_text_or(value_get(input, "Prefix"), "");
	page->delimiter = value_text_or(value_get(input, "Delimiter"), "");
	page->most = CLAMP(value_get_int(input, most, MOST_KEYS), 0, MOST_KEYS);
	page->encode = g_strcmp0(value_get_text(input, "EncodingType"), "url") == 0;
	page->items = value_builder_new(VALUE_TUPLE, NULL);
	page->markers = value_builder_new(VALUE_TUPLE, NULL);
	page->prefixes = value_builder_new(VALUE_TUPLE, NULL);
}

static gboolean check_most(Value input, const char *name, GError **error) {
	if (value_get_int(input, name, 0) >= 0)
		return TRUE;
	return s3_fail_argument(error,
		"Argument maxKeys must be an integer between 0 and 2147483647", "maxKeys", "-1");
}

/* What all answers have. */
static Value close_page(Page *page, const char *items, const char *most) {
	Value output = value_object_take(items, value_builder_end(g_steal_pointer(&page->items)),
		"CommonPrefixes", value_builder_end(g_steal_pointer(&page->prefixes)),
		"IsTruncated", value_bool(page->truncated), most, value_int(page->most), "Prefix",
		text_of(page, page->prefix), NULL);
	if (*page->delimiter)
		output = value_with_take(output, "Delimiter", text_of(page, page->delimiter));
	if (page->encode)
		output = value_with_take(output, "EncodingType", value_string("url"));
	return output;
}

/* ---- objects ---- */

static const char current_sql[] = "SELECT key, id, size, etag, modified, info FROM s3_versions "
				  "WHERE bucket = ?1 AND key >= ?2 "
				  "AND latest = 1 AND marker = 0 ORDER BY key";

static Value describe(Page *page, sqlite3_stmt *statement) {
	g_auto(Value) info = value_from_json(s3_column(statement, 5), -1, NULL);
	Value item = value_object_take("Key", text_of(page, s3_column(statement, 0)), "Size",
		value_int(sqlite3_column_int64(statement, 2)), "ETag",
		value_string_take(s3_quoted(s3_column(statement, 3))), "LastModified",
		value_double((double)sqlite3_column_int64(statement, 4) / G_USEC_PER_SEC),
		"StorageClass",
		value_string(value_text_or(value_get(info, "StorageClass"), "STANDARD")), NULL);
	for (S3Digest each = 0; each < S3_N_DIGESTS; each++)
		if (value_has(info, s3_digest_member(each)))
			item = value_with_take(item, "ChecksumAlgorithm",
				value_tuple_take(1, value_string(s3_digest_name(each))));
	if (value_has(info, "ChecksumType"))
		item = value_with_take(
			item, "ChecksumType", value_ref(value_get(info, "ChecksumType")));
	return item;
}

static void show_object(Page *page, sqlite3_stmt *statement) {
	Value item = describe(page, statement);
	if (!value_has(page->input, "FetchOwner") ? !value_has(page->input, "_V2")
						  : value_get_bool(page->input, "FetchOwner"))
		item = value_with_take(item, "Owner", s3_owner_of(page->bucket));
	value_builder_add_take(page->items, item);
}

static Value list_objects(RegionCall *call, Value input, GError **error) {
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	if (value_is_null(bucket) || !check_most(input, "MaxKeys", error))
		return VALUE_NOTHING;
	g_auto(Page) page = {.show = show_object};
	open_page(&page, call, input, bucket, "MaxKeys");
	page.marker = value_get_text(input, "Marker");
	walk(&page, current_sql);
	Value output = close_page(&page, "Contents", "MaxKeys");
	output = value_with_take(output, "Name", value_ref(value_get(bucket, "Name")));
	output = value_with_take(output, "Marker", text_of(&page, page.marker ? page.marker : ""));
	if (page.truncated && *page.delimiter)
		output = value_with_take(output, "NextMarker", text_of(&page, page.last));
	return output;
}

static Value list_objects_v2(RegionCall *call, Value given, GError **error) {
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(given, "Bucket"), error);
	if (value_is_null(bucket) || !check_most(given, "MaxKeys", error))
		return VALUE_NOTHING;
	g_auto(Value) input = value_with_take(value_ref(given), "_V2", value_bool(TRUE));
	const char *token = value_get_text(input, "ContinuationToken");
	const char *start = value_get_text(input, "StartAfter");
	gsize length = 0;
	g_autofree guchar *bytes = token ? g_base64_decode(token, &length) : NULL;
	g_autofree char *after = bytes ? g_strndup((const char *)bytes, length) : NULL;
	if (token && (!after || !*after || !g_utf8_validate(after, -1, NULL))) {
		s3_fail_argument(error, "The continuation token provided is incorrect",
			"continuation-token", token);
		return VALUE_NOTHING;
	}
	g_auto(Page) page = {.show = show_object};
	open_page(&page, call, input, bucket, "MaxKeys");
	page.marker = after ? after : start;
	walk(&page, current_sql);
	Value output = close_page(&page, "Contents", "MaxKeys");
	output = value_with_take(output, "Name", value_ref(value_get(bucket, "Name")));
	output = value_with_take(output, "KeyCount", value_int(page.count));
	if (token)
		output = value_with_take(output, "ContinuationToken", value_string(token));
	if (start)
		output = value_with_take(output, "StartAfter", text_of(&page, start));
	if (page.truncated)
		output = value_with_take(output, "NextContinuationToken",
			value_string_take(
				g_base64_encode((const guchar *)page.last, strlen(page.last))));
	return output;
}

/* ---- versions ---- */

static const char versions_sql[] = "SELECT key, id, size, etag, modified, info, latest, marker "
				   "FROM s3_versions WHERE bucket = "
				   "?1 AND key >= ?2 ORDER BY key, row DESC";

static void show_version(Page *page, sqlite3_stmt *statement) {
	gboolean marker = sqlite3_column_int(statement, 7);
	Value item = marker ? value_object_take("Key", text_of(page, s3_column(statement, 0)),
				      "LastModified",
				      value_double((double)sqlite3_column_int64(statement, 4) /
						   G_USEC_PER_SEC),
				      NULL)
			    : describe(page, statement);
	item = value_with_take(item, "VersionId", value_string(s3_column(statement, 1)));
	item = value_with_take(item, "IsLatest", value_bool(sqlite3_column_int(statement, 6) != 0));
	item = value_with_take(item, "Owner", s3_owner_of(page->bucket));
	value_builder_add_take(marker ? page->markers : page->items, item);
}

static Value list_versions(RegionCall *call, Value input, GError **error) {
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	if (value_is_null(bucket) || !check_most(input, "MaxKeys", error))
		return VALUE_NOTHING;
	g_auto(Page) page = {.show = show_version};
	open_page(&page, call, input, bucket, "MaxKeys");
	page.marker = value_get_text(input, "KeyMarker");
	page.id_marker = value_get_text(input, "VersionIdMarker");
	if (page.id_marker && (!page.marker || !*page.id_marker)) {
		s3_fail_argument(error,
			"A version-id marker cannot be specified without a key marker.",
			"version-id-marker", page.id_marker);
		return VALUE_NOTHING;
	}
	walk(&page, versions_sql);
	Value output = close_page(&page, "Versions", "MaxKeys");
	output = value_with_take(
		output, "DeleteMarkers", value_builder_end(g_steal_pointer(&page.markers)));
	output = value_with_take(output, "Name", value_ref(value_get(bucket, "Name")));
	output = value_with_take(
		output, "KeyMarker", text_of(&page, page.marker ? page.marker : ""));
	output = value_with_take(
		output, "VersionIdMarker", value_string(page.id_marker ? page.id_marker : ""));
	if (page.truncated) {
		output = value_with_take(output, "NextKeyMarker", text_of(&page, page.last));
		if (page.last_id)
			output = value_with_take(
				output, "NextVersionIdMarker", value_string(page.last_id));
	}
	return output;
}

/* ---- uploads ---- */

static const char uploads_sql[] =
	"SELECT key, id, initiated, info FROM s3_uploads WHERE bucket = ?1 AND key >= ?2 ORDER BY "
	"key, id";

static void show_upload(Page *page, sqlite3_stmt *statement) {
	g_auto(Value) info = value_from_json(s3_column(statement, 3), -1, NULL);
	Value item = value_object_take("Key", text_of(page, s3_column(statement, 0)), "UploadId",
		value_string(s3_column(statement, 1)), "Initiated",
		value_double((double)sqlite3_column_int64(statement, 2) / G_USEC_PER_SEC),
		"StorageClass",
		value_string(value_text_or(value_get(info, "StorageClass"), "STANDARD")), "Owner",
		s3_owner_of(page->bucket), "Initiator", s3_owner_of(page->bucket), NULL);
	if (value_has(info, "_ChecksumAlgorithm")) {
		item = value_with_take(item, "ChecksumAlgorithm",
			value_ref(value_get(info, "_ChecksumAlgorithm")));
		item = value_with_take(
			item, "ChecksumType", value_ref(value_get(info, "ChecksumType")));
	}
	value_builder_add_take(page->items, item);
}

static Value list_uploads(RegionCall *call, Value input, GError **error) {
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	if (value_is_null(bucket))
		return VALUE_NOTHING;
	g_auto(Page) page = {.show = show_upload};
	open_page(&page, call, input, bucket, "MaxUploads");
	page.marker = value_get_text(input, "KeyMarker");
	page.id_marker = page.marker ? value_get_text(input, "UploadIdMarker") : NULL;
	if (page.id_marker && !*page.id_marker)
		page.id_marker = NULL;
	walk(&page, uploads_sql);
	Value output = close_page(&page, "Uploads", "MaxUploads");
	output = value_with_take(output, "Bucket", value_ref(value_get(bucket, "Name")));
	output = value_with_take(
		output, "KeyMarker", text_of(&page, page.marker ? page.marker : ""));
	output = value_with_take(
		output, "UploadIdMarker", value_string(page.id_marker ? page.id_marker : ""));
	if (page.truncated) {
		output = value_with_take(output, "NextKeyMarker", text_of(&page, page.last));
		if (page.last_id)
			output = value_with_take(
				output, "NextUploadIdMarker", value_string(page.last_id));
	}
	return output;
}

const RegionOperation s3_list_operations[] = {
	{"ListMultipartUploads", list_uploads, TRUE},
	{"ListObjectVersions", list_versions, TRUE},
	{"ListObjects", list_objects, TRUE},
	{"ListObjectsV2", list_objects_v2, TRUE},
	{NULL},
};
