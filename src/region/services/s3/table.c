/* S3's tables and their statements. Names of buckets are one space over all accounts, so the tables
 * go by them alone. */
#include "region/services/s3/table.h"

#include <string.h>

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS s3_versions (row INTEGER PRIMARY KEY AUTOINCREMENT, bucket "
	"TEXT "
	"NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, latest INTEGER NOT NULL, marker INTEGER "
	"NOT "
	"NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified INTEGER NOT NULL, file TEXT, "
	"info "
	"TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS s3_versions_by_key ON s3_versions (bucket, key, row DESC);"
	"CREATE INDEX IF NOT EXISTS s3_versions_current ON s3_versions (bucket, key) WHERE latest "
	"= "
	"1 AND marker = 0;"
	"CREATE INDEX IF NOT EXISTS s3_versions_by_file ON s3_versions (file);"
	"CREATE TABLE IF NOT EXISTS s3_uploads (id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key "
	"TEXT "
	"NOT NULL, initiated INTEGER NOT NULL, file TEXT, slot INTEGER NOT NULL, info TEXT NOT "
	"NULL) "
	"WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS s3_small (file TEXT PRIMARY KEY, bytes BLOB NOT NULL);"
	"CREATE INDEX IF NOT EXISTS s3_uploads_by_key ON s3_uploads (bucket, key, id);"
	"CREATE INDEX IF NOT EXISTS s3_uploads_by_file ON s3_uploads (file);"
	"CREATE TABLE IF NOT EXISTS s3_parts (upload TEXT NOT NULL, number INTEGER NOT NULL, file "
	"TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, "
	"modified "
	"INTEGER NOT NULL, checksums TEXT NOT NULL, PRIMARY KEY (upload, number)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS s3_parts_by_file ON s3_parts (file);";

static void state_free(gpointer data) {
	S3State *state = data;
	g_clear_handle_id(&state->release_source, g_source_remove);
	g_clear_handle_id(&state->commit_source, g_source_remove);
	g_clear_pointer(&state->ready, g_ptr_array_unref);
	g_clear_handle_id(&state->tell_source, g_source_remove);
	g_hash_table_unref(state->statements);
	g_hash_table_unref(state->released);
	g_hash_table_unref(state->busy_slots);
	g_hash_table_unref(state->logs);
	g_array_unref(state->watches);
	g_ptr_array_unref(state->untold);
	g_free(state->folder);
	*state->alive = 0;
	g_rc_box_release(state->alive);
	g_free(state);
}

static void free_lines(gpointer lines) {
	g_string_free(lines, TRUE);
}

static void finalize(gpointer statement) {
	sqlite3_finalize(statement);
}

gboolean s3_table_open(Region *region, GError **error) {
	if (!store_table(region_store(region), schema, error))
		return FALSE;
	S3State *state = g_new0(S3State, 1);
	state->folder = g_build_filename(region_home(region), "s3", NULL);
	state->alive = g_rc_box_new0(gint);
	*state->alive = 1;
	state->statements = g_hash_table_new_full(NULL, NULL, NULL, finalize);
	state->released = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	state->busy_slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	state->ready = s3_put_queue_new();
	state->logs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_lines);
	state->watches = g_array_new(FALSE, FALSE, sizeof(S3Watching));
	state->untold = g_ptr_array_new_with_free_func(s3_news_free);
	region_set_data(region, "s3", state, state_free);
	return TRUE;
}

S3State *s3_state(Region *region) {
	return region_data(region, "s3");
}

sqlite3_stmt *s3_sql(Region *region, const char *sql) {
	S3State *state = s3_state(region);
	sqlite3_stmt *statement = g_hash_table_lookup(state->statements, sql);
	if (statement) {
		sqlite3_reset(statement);
		sqlite3_clear_bindings(statement);
		return statement;
	}
	sqlite3 *db = store_sqlite(region_store(region));
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
		SQLITE_OK)
		g_error("S3's tables cannot be read: %s (%s)", sqlite3_errmsg(db), sql);
	g_hash_table_insert(state->statements, (gpointer)sql, statement);
	return statement;
}

void s3_bind_text(sqlite3_stmt *statement, int index, const char *text) {
	sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}

const char *s3_column(sqlite3_stmt *statement, int index) {
	return (const char *)sqlite3_column_text(statement, index);
}

void s3_run(Region *region, sqlite3_stmt *statement) {
	int result = sqlite3_step(statement);
	if (result != SQLITE_DONE)
		g_error("S3's tables cannot be written: %s",
			sqlite3_errmsg(store_sqlite(region_store(region))));
	sqlite3_reset(statement);
}
