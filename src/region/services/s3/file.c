/*
 * The bytes of objects and parts: files under <home>/s3/objects/<two digits>/, named by a number of
 * their own, never changed once something in the tables refers to them, shared by copies. A file is
 * forced to disk before the row that needs it is committed; one that no row needs is nobody's, and
 * is swept when the region starts.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/text.h"
#include "region/services/s3/table.h"

#define ID_LENGTH 24

char *s3_file_path(Region *region, const char *id) {
	return g_strdup_printf("%s/objects/%.2s/%s", s3_state(region)->folder, id, id);
}

static gboolean failed(GError **error, const char *path) {
	int code = errno;
	if (code == ENOSPC || code == EDQUOT)
		wire_error_set_status(error, 507, "InsufficientStorage",
			"The machine's disk is full: %s", g_strerror(code));
	else
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code), "%s: %s", path,
			g_strerror(code));
	return FALSE;
}

char *s3_file_new(Region *region, int *fd, GError **error) {
	g_autofree char *id = text_random_hex(ID_LENGTH);
	g_autofree char *path = s3_file_path(region, id);
	*fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return g_steal_pointer(&id);
	failed(error, path);
	return NULL;
}

int s3_file_open(Region *region, const char *id, GError **error) {
	if (s3_file_is_small(id))
		return s3_small_open(region, id, error);
	g_autofree char *path = s3_file_path(region, id);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		failed(error, path);
	return fd;
}

gboolean s3_file_sync(int fd, const char *path, GError **error) {
	if (fdatasync(fd) != 0)
		return failed(error, path);
	g_autofree char *folder = g_path_get_dirname(path);
	int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean fine = folder_fd >= 0 && fsync(folder_fd) == 0;
	if (!fine)
		failed(error, folder);
	if (folder_fd >= 0)
		close(folder_fd);
	return fine;
}

/* ---- what is needed no more ---- */

static gboolean is_needed(Region *region, const char *id) {
	sqlite3_stmt *statement = s3_sql(region,
		"SELECT 1 FROM s3_versions WHERE file = ?1 UNION ALL SELECT 1 FROM s3_parts WHERE "
		"file = ?1 UNION ALL SELECT 1 FROM s3_uploads WHERE file = ?1 LIMIT 1");
	s3_bind_text(statement, 1, id);
	gboolean needed = sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_reset(statement);
	return needed;
}

static void delete_one(Region *region, const char *id) {
	g_autofree char *path = s3_file_path(region, id);
	if (is_needed(region, id))
		return;
	if (s3_file_is_small(id))
		s3_small_delete(region, id);
	else
		g_unlink(path);
}

static gboolean delete_released(gpointer data) {
	Region *region = data;
	S3State *state = s3_state(region);
	Store *store = region_store(region);
	g_autoptr(GError) error = NULL;
	GHashTableIter iter;
	gpointer id;
	guint left = 200;
	gboolean begun = store_begin(store, &error);
	g_hash_table_iter_init(&iter, state->released);
	while (begun && left-- > 0 && g_hash_table_iter_next(&iter, &id, NULL)) {
		delete_one(region, id);
		g_hash_table_iter_remove(&iter);
	}
	if (!begun || !store_commit(store, &error))
		g_warning("deleted objects leave their bytes until the next start: %s",
			error->message);
	if (begun && g_hash_table_size(state->released) > 0)
		return G_SOURCE_CONTINUE;
	state->release_source = 0;
	return G_SOURCE_REMOVE;
}

void s3_file_release(Region *region, const char *id) {
	S3State *state = s3_state(region);
	if (!id)
		return;
	g_hash_table_add(state->released, g_strdup(id));
	if (!state->release_source)
		state->release_source = g_idle_add(delete_released, region);
}

/* ---- the start ---- */

static GHashTable *needed_files(Region *region) {
	GHashTable *needed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	sqlite3_stmt *statement = s3_sql(region, "SELECT file FROM s3_versions UNION SELECT file "
						 "FROM s3_parts UNION SELECT file FROM "
						 "s3_uploads");
	while (sqlite3_step(statement) == SQLITE_ROW)
		if (s3_column(statement, 0))
			g_hash_table_add(needed, g_strdup(s3_column(statement, 0)));
	sqlite3_reset(statement);
	return needed;
}

static void sweep_folder(const char *folder, GHashTable *needed) {
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (!g_hash_table_contains(needed, name))
			g_unlink(path);
	}
}

/* Folders are made once, so that their own entries need not be forced to disk each time. */
gboolean s3_files_open(Region *region, GError **error) {
	s3_small_sweep(region);
	g_autoptr(GHashTable) needed = needed_files(region);
	for (guint i = 0; i < 256; i++) {
		g_autofree char *folder =
			g_strdup_printf("%s/objects/%02x", s3_state(region)->folder, i);
		if (g_file_test(folder, G_FILE_TEST_IS_DIR))
			sweep_folder(folder, needed);
		else if (g_mkdir_with_parents(folder, 0700) != 0)
			return failed(error, folder);
	}
	return TRUE;
}
