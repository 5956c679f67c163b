/* Versions of objects, in their table: what is current, delete markers, deletion. */
#include <string.h>

#include "base/text.h"
#include "region/services/s3/internal.h"
#include "value/json.h"

void s3_version_clear(S3Version *version) {
	g_clear_pointer(&version->bucket, g_free);
	g_clear_pointer(&version->key, g_free);
	g_clear_pointer(&version->id, g_free);
	g_clear_pointer(&version->etag, g_free);
	g_clear_pointer(&version->file, g_free);
	value_clear(&version->info);
}

void s3_version_read(sqlite3_stmt *statement, S3Version *out) {
	*out = (S3Version){.row = sqlite3_column_int64(statement, 0),
		.bucket = g_strdup(s3_column(statement, 1)),
		.key = g_strdup(s3_column(statement, 2)),
		.id = g_strdup(s3_column(statement, 3)),
		.latest = sqlite3_column_int(statement, 4),
		.marker = sqlite3_column_int(statement, 5),
		.size = sqlite3_column_int64(statement, 6),
		.etag = g_strdup(s3_column(statement, 7)),
		.modified = sqlite3_column_int64(statement, 8),
		.file = g_strdup(s3_column(statement, 9)),
		.info = value_from_json(s3_column(statement, 10), -1, NULL)};
}

gboolean s3_version_get(
	Region *region, const char *bucket, const char *key, const char *id, S3Version *out) {
	sqlite3_stmt *statement = s3_sql(region,
		id ? "SELECT " S3_VERSION_COLUMNS
		     " FROM s3_versions WHERE bucket = ?1 AND key = ?2 AND id = ?3"
		   : "SELECT " S3_VERSION_COLUMNS
		     " FROM s3_versions WHERE bucket = ?1 AND key = ?2 ORDER BY row DESC LIMIT 1");
	s3_bind_text(statement, 1, bucket);
	s3_bind_text(statement, 2, key);
	if (id)
		s3_bind_text(statement, 3, id);
	gboolean found = sqlite3_step(statement) == SQLITE_ROW;
	if (found)
		s3_version_read(statement, out);
	sqlite3_reset(statement);
	return found;
}

gboolean s3_version_find(Region *region, const char *bucket, const char *key, const char *id,
	S3Version *out, GError **error) {
	if (!s3_version_get(region, bucket, key, id, out))
		return id ? s3_fail_about(error, "NoSuchVersion", "VersionId", id)
			  : s3_no_such_key(error, key);
	if (!out->marker)
		return TRUE;
	if (id)
		s3_fail(error, "MethodNotAllowed");
	else
		s3_no_such_key(error, key);
	/* Of the delete marker the answer says so, in headers. */
	g_auto(S3Version) marker = *out;
	*out = (S3Version){0};
	return FALSE;
}

static void set_latest(Region *region, gint64 row, gboolean latest) {
	sqlite3_stmt *statement =
		s3_sql(region, "UPDATE s3_versions SET latest = ?2 WHERE row = ?1");
	sqlite3_bind_int64(statement, 1, row);
	sqlite3_bind_int(statement, 2, latest);
	s3_run(region, statement);
}

static void delete_row(Region *region, const S3Version *version) {
	sqlite3_stmt *statement = s3_sql(region, "DELETE FROM s3_versions WHERE row = ?1");
	sqlite3_bind_int64(statement, 1, version->row);
	s3_run(region, statement);
	s3_file_release(region, version->file);
}

/* Ids that sort as AWS's look: letters and digits. */
static char *new_id(void) {
	return text_random(32, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._");
}

void s3_version_add(Region *region, Value bucket, S3Version *version) {
	gboolean enabled = g_strcmp0(value_get_text(bucket, "Versioning"), "Enabled") == 0;
	g_free(version->id);
	version->id = enabled ? new_id() : g_strdup(S3_NULL_VERSION);
	g_auto(S3Version) before = {0};
	if (s3_version_get(region, version->bucket, version->key, NULL, &before))
		set_latest(region, before.row, FALSE);
	g_auto(S3Version) replaced = {0};
	if (!enabled &&
		s3_version_get(region, version->bucket, version->key, S3_NULL_VERSION, &replaced))
		delete_row(region, &replaced);
	g_autofree char *info = value_to_json(version->info, VALUE_JSON_COMPACT);
	sqlite3_stmt *statement = s3_sql(region,
		"INSERT INTO s3_versions (bucket, key, id, latest, marker, size, etag, modified, "
		"file, info) VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9)");
	s3_bind_text(statement, 1, version->bucket);
	s3_bind_text(statement, 2, version->key);
	s3_bind_text(statement, 3, version->id);
	sqlite3_bind_int(statement, 4, version->marker);
	sqlite3_bind_int64(statement, 5, version->size);
	s3_bind_text(statement, 6, version->etag ? version->etag : "");
	sqlite3_bind_int64(statement, 7, version->modified);
	s3_bind_text(statement, 8, version->file);
	s3_bind_text(statement, 9, info);
	s3_run(region, statement);
	version->row = sqlite3_last_insert_rowid(store_sqlite(region_store(region)));
	version->latest = TRUE;
}

void s3_version_remove(Region *region, const S3Version *version) {
	delete_row(region, version);
	g_auto(S3Version) next = {0};
	if (version->latest && s3_version_get(region, version->bucket, version->key, NULL, &next))
		set_latest(region, next.row, TRUE);
}

void s3_version_update(Region *region, const S3Version *version) {
	g_autofree char *info = value_to_json(version->info, VALUE_JSON_COMPACT);
	sqlite3_stmt *statement = s3_sql(region, "UPDATE s3_versions SET info = ?2 WHERE row = ?1");
	sqlite3_bind_int64(statement, 1, version->row);
	s3_bind_text(statement, 2, info);
	s3_run(region, statement);
}

/* ---- deletion ---- */

static gboolean delete_version(Region *region, const char *bucket, const char *key, const char *id,
	gboolean *marker, char **made) {
	g_auto(S3Version) version = {0};
	*made = g_strdup(id);
	if (!s3_version_get(region, bucket, key, id, &version))
		return TRUE;
	*marker = version.marker;
	s3_version_remove(region, &version);
	s3_tell_later(region, "ObjectRemoved:Delete", &version);
	return TRUE;
}

gboolean s3_version_delete(Region *region, Value bucket, const char *key, const char *id,
	gboolean *marker, char **made, GError **error) {
	const char *name = value_get_text(bucket, "Name");
	const char *versioning = value_get_text(bucket, "Versioning");
	*marker = FALSE;
	*made = NULL;
	if (id)
		return delete_version(region, name, key, id, marker, made);
	g_auto(S3Version) current = {0};
	if (!versioning) {
		if (s3_version_get(region, name, key, NULL, &current)) {
			s3_version_remove(region, &current);
			s3_tell_later(region, "ObjectRemoved:Delete", &current);
		}
		return TRUE;
	}
	g_auto(S3Version) deleted = {.bucket = g_strdup(name),
		.key = g_strdup(key),
		.marker = TRUE,
		.modified = region_now(region),
		.info = value_empty_object()};
	s3_version_add(region, bucket, &deleted);
	*marker = TRUE;
	*made = g_strdup(deleted.id);
	s3_tell_later(region, "ObjectRemoved:DeleteMarkerCreated", &deleted);
	return TRUE;
}
