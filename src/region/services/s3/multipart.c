/* Uploads in parts: their rows, and the calls that begin, list and abort them. What parts bring
 * comes by put.c and copy.c, how they become an object is in complete.c. */
#include <string.h>

#include "base/text.h"
#include "region/services/s3/internal.h"
#include "value/json.h"

/* ---- rows ---- */

void s3_upload_clear(S3Upload *upload) {
	g_clear_pointer(&upload->id, g_free);
	g_clear_pointer(&upload->bucket, g_free);
	g_clear_pointer(&upload->key, g_free);
	g_clear_pointer(&upload->file, g_free);
	value_clear(&upload->info);
}

void s3_part_clear(S3Part *part) {
	g_clear_pointer(&part->file, g_free);
	g_clear_pointer(&part->etag, g_free);
	value_clear(&part->checksums);
}

gboolean s3_upload_find(Region *region, const char *bucket, const char *key, const char *id,
	S3Upload *out, GError **error) {
	sqlite3_stmt *statement = s3_sql(region,
		"SELECT id, bucket, key, initiated, file, slot, info FROM s3_uploads WHERE id = ?1 "
		"AND bucket = ?2 AND key = ?3");
	s3_bind_text(statement, 1, id);
	s3_bind_text(statement, 2, bucket);
	s3_bind_text(statement, 3, key);
	gboolean found = sqlite3_step(statement) == SQLITE_ROW;
	if (found)
		*out = (S3Upload){.id = g_strdup(s3_column(statement, 0)),
			.bucket = g_strdup(s3_column(statement, 1)),
			.key = g_strdup(s3_column(statement, 2)),
			.initiated = sqlite3_column_int64(statement, 3),
			.file = g_strdup(s3_column(statement, 4)),
			.slot = sqlite3_column_int64(statement, 5),
			.info = value_from_json(s3_column(statement, 6), -1, NULL)};
	sqlite3_reset(statement);
	return found || s3_fail_about(error, "NoSuchUpload", "UploadId", id);
}

void s3_upload_set_slots(Region *region, const S3Upload *upload) {
	sqlite3_stmt *statement =
		s3_sql(region, "UPDATE s3_uploads SET file = ?2, slot = ?3 WHERE id = ?1");
	s3_bind_text(statement, 1, upload->id);
	s3_bind_text(statement, 2, upload->file);
	sqlite3_bind_int64(statement, 3, upload->slot);
	s3_run(region, statement);
}

static void read_part(sqlite3_stmt *statement, S3Part *out) {
	*out = (S3Part){.number = (guint)sqlite3_column_int(statement, 0),
		.file = g_strdup(s3_column(statement, 1)),
		.offset = sqlite3_column_int64(statement, 2),
		.size = sqlite3_column_int64(statement, 3),
		.etag = g_strdup(s3_column(statement, 4)),
		.modified = sqlite3_column_int64(statement, 5),
		.checksums = value_from_json(s3_column(statement, 6), -1, NULL)};
}

gboolean s3_part_get(Region *region, const char *upload, guint number, S3Part *out) {
	sqlite3_stmt *statement = s3_sql(region,
		"SELECT number, file, start, size, etag, modified, checksums FROM s3_parts WHERE "
		"upload = ?1 AND number = ?2");
	s3_bind_text(statement, 1, upload);
	sqlite3_bind_int(statement, 2, (int)number);
	gboolean found = sqlite3_step(statement) == SQLITE_ROW;
	if (found)
		read_part(statement, out);
	sqlite3_reset(statement);
	return found;
}

void s3_part_put(Region *region, const char *upload, const S3Part *part) {
	g_auto(S3Part) before = {0};
	if (s3_part_get(region, upload, part->number, &before))
		s3_file_release(region, before.file);
	g_autofree char *checksums = value_to_json(part->checksums, VALUE_JSON_COMPACT);
	sqlite3_stmt *statement =
		s3_sql(region, "INSERT OR REPLACE INTO s3_parts (upload, number, file, start, "
			       "size, etag, modified, "
			       "checksums) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
	s3_bind_text(statement, 1, upload);
	sqlite3_bind_int(statement, 2, (int)part->number);
	s3_bind_text(statement, 3, part->file);
	sqlite3_bind_int64(statement, 4, part->offset);
	sqlite3_bind_int64(statement, 5, part->size);
	s3_bind_text(statement, 6, part->etag);
	sqlite3_bind_int64(statement, 7, part->modified);
	s3_bind_text(statement, 8, checksums);
	s3_run(region, statement);
}

void s3_upload_remove(Region *region, const S3Upload *upload) {
	sqlite3_stmt *files =
		s3_sql(region, "SELECT DISTINCT file FROM s3_parts WHERE upload = ?1");
	s3_bind_text(files, 1, upload->id);
	while (sqlite3_step(files) == SQLITE_ROW)
		s3_file_release(region, s3_column(files, 0));
	sqlite3_reset(files);
	sqlite3_stmt *parts = s3_sql(region, "DELETE FROM s3_parts WHERE upload = ?1");
	s3_bind_text(parts, 1, upload->id);
	s3_run(region, parts);
	sqlite3_stmt *own = s3_sql(region, "DELETE FROM s3_uploads WHERE id = ?1");
	s3_bind_text(own, 1, upload->id);
	s3_run(region, own);
	s3_file_release(region, upload->file);
}

/* ---- calls ---- */

/* Which digest the parts have, and how that of the whole comes of them. */
static gboolean take_checksum(
	ValueBuilder *info, ValueBuilder *output, Value input, GError **error) {
	const char *name = value_get_text(input, "ChecksumAlgorithm");
	const char *type = value_get_text(input, "ChecksumType");
	S3Digest digest;
	if (!name)
		return TRUE;
	if (!s3_digest_by_name(name, &digest))
		return s3_fail_not_implemented(error, name);
	if (!type)
		type = digest == S3_CRC64NVME ? "FULL_OBJECT" : "COMPOSITE";
	gboolean full = g_str_equal(type, "FULL_OBJECT");
	if ((full && !s3_digest_is_crc(digest)) || (!full && digest == S3_CRC64NVME)) {
		wire_error_set(error, "InvalidRequest",
			"The %s checksum type cannot be used with the %s checksum algorithm.", type,
			name);
		return FALSE;
	}
	value_builder_set_take(info, "_ChecksumAlgorithm", value_string(name));
	value_builder_set_take(info, "ChecksumType", value_string(type));
	value_builder_set_take(output, "ChecksumAlgorithm", value_string(name));
	value_builder_set_take(output, "ChecksumType", value_string(type));
	return TRUE;
}

static Value create(RegionCall *call, Value input, GError **error) {
	Region *region = call->region;
	const char *name = value_get_text(input, "Bucket"), *key = value_get_text(input, "Key");
	g_auto(Value) bucket = s3_bucket_find(region, name, error);
	if (value_is_null(bucket))
		return VALUE_NOTHING;
	if (!s3_key_check(key, error)) {
		return VALUE_NOTHING;
	}
	g_autoptr(GError) local = NULL;
	g_auto(Value) plain = s3_info_of_input(call, bucket, input, &local);
	g_autoptr(ValueBuilder) more = value_builder_new(VALUE_OBJECT, NULL);
	g_autoptr(ValueBuilder) output = value_builder_new(VALUE_OBJECT, NULL);
	if (local || !take_checksum(more, output, input, &local)) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	g_auto(Value) checksum = value_builder_end(g_steal_pointer(&more));
	g_auto(Value) info = value_merge(plain, checksum);
	g_autofree char *text = value_to_json(info, VALUE_JSON_COMPACT);
	g_autofree char *id =
		text_random(64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._");
	sqlite3_stmt *statement = s3_sql(region,
		"INSERT INTO s3_uploads (id, bucket, key, initiated, file, slot, info) VALUES (?1, "
		"?2, ?3, ?4, NULL, 0, ?5)");
	s3_bind_text(statement, 1, id);
	s3_bind_text(statement, 2, name);
	s3_bind_text(statement, 3, key);
	sqlite3_bind_int64(statement, 4, region_now(region));
	s3_bind_text(statement, 5, text);
	s3_run(region, statement);
	value_builder_set_take(output, "Bucket", value_string(name));
	value_builder_set_take(output, "Key", value_string(key));
	value_builder_set_take(output, "UploadId", value_string(id));
	s3_info_encryption(output, info);
	return value_builder_end(g_steal_pointer(&output));
}

static Value abort_upload(RegionCall *call, Value input, GError **error) {
	g_auto(S3Upload) upload = {0};
	if (s3_upload_find(call->region, value_get_text(input, "Bucket"),
		    value_get_text(input, "Key"), value_get_text(input, "UploadId"), &upload,
		    error))
		s3_upload_remove(call->region, &upload);
	return VALUE_NOTHING;
}

static Value shown_part(const S3Part *part) {
	g_auto(Value) own = value_object_take("PartNumber", value_int(part->number), "ETag",
		value_string_take(s3_quoted(part->etag)), "Size", value_int(part->size),
		"LastModified", value_double((double)part->modified / G_USEC_PER_SEC), NULL);
	return value_merge(own, part->checksums);
}

static Value list_parts(RegionCall *call, Value input, GError **error) {
	Region *region = call->region;
	g_auto(S3Upload) upload = {0};
	const char *name = value_get_text(input, "Bucket"), *key = value_get_text(input, "Key");
	if (!s3_upload_find(region, name, key, value_get_text(input, "UploadId"), &upload, error))
		return VALUE_NOTHING;
	const char *marker = value_get_text(input, "PartNumberMarker");
	gint64 after = marker ? g_ascii_strtoll(marker, NULL, 10) : 0;
	gint64 most = CLAMP(value_get_int(input, "MaxParts", 1000), 0, 1000);
	sqlite3_stmt *statement = s3_sql(region,
		"SELECT number, file, start, size, etag, modified, checksums FROM s3_parts WHERE "
		"upload = ?1 AND number > ?2 ORDER BY number LIMIT ?3");
	s3_bind_text(statement, 1, upload.id);
	sqlite3_bind_int64(statement, 2, after);
	sqlite3_bind_int64(statement, 3, most + 1);
	g_autoptr(ValueBuilder) parts = value_builder_new(VALUE_TUPLE, NULL);
	gboolean more = FALSE;
	gint64 last = after;
	while (sqlite3_step(statement) == SQLITE_ROW) {
		g_auto(S3Part) part = {0};
		read_part(statement, &part);
		more = (gint64)value_builder_length(parts) >= most;
		if (more)
			break;
		last = part.number;
		value_builder_add_take(parts, shown_part(&part));
	}
	sqlite3_reset(statement);
	g_auto(Value) bucket = s3_bucket(region, name);
	Value output = value_object_take("Bucket", value_string(name), "Key", value_string(key),
		"UploadId", value_string(upload.id), "MaxParts", value_int(most), "IsTruncated",
		value_bool(more), "PartNumberMarker",
		value_string_printf("%" G_GINT64_FORMAT, after), "StorageClass",
		value_string(value_text_or(value_get(upload.info, "StorageClass"), "STANDARD")),
		"Owner", s3_owner_of(bucket), "Initiator", s3_owner_of(bucket), "Parts",
		value_builder_end(g_steal_pointer(&parts)), NULL);
	if (more)
		output = value_with_take(output, "NextPartNumberMarker",
			value_string_printf("%" G_GINT64_FORMAT, last));
	if (value_has(upload.info, "_ChecksumAlgorithm")) {
		output = value_with_take(output, "ChecksumAlgorithm",
			value_ref(value_get(upload.info, "_ChecksumAlgorithm")));
		output = value_with_take(
			output, "ChecksumType", value_ref(value_get(upload.info, "ChecksumType")));
	}
	return output;
}

const RegionOperation s3_multipart_operations[] = {
	{"AbortMultipartUpload", abort_upload},
	{"CreateMultipartUpload", create},
	{"ListParts", list_parts, TRUE},
	{NULL},
};
