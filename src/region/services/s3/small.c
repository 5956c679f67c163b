/*
 * Small objects: their bytes lie in a table, not in files of their own. A put of a few KiB is then
 * one commit, where a file would be two more things to force to disk, and files that come and go by
 * the thousand are slow to make. To readers a small object is a descriptor as any other.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/text.h"
#include "region/services/s3/internal.h"

#define MARK '+' /* ids of small ones begin so */
/* What is left to the store, so that on a full disk it can still delete. */
#define RESERVE (G_GUINT64_CONSTANT(32) << 20)

gboolean s3_file_is_small(const char *id) {
	return id && *id == MARK;
}

/* Bytes that the store's file holds for nothing: what was deleted leaves them. */
static guint64 unused(Region *region) {
	sqlite3_stmt *statement = s3_sql(region, "SELECT freelist_count * page_size FROM "
						 "pragma_freelist_count, pragma_page_size");
	guint64 bytes = sqlite3_step(statement) == SQLITE_ROW
				? (guint64)sqlite3_column_int64(statement, 0)
				: 0;
	sqlite3_reset(statement);
	return bytes;
}

gboolean s3_small_has_room(Region *region, GError **error) {
	struct statvfs disk;
	if (statvfs(region_home(region), &disk) != 0 ||
		(guint64)disk.f_bavail * disk.f_frsize > RESERVE ||
		unused(region) > S3_LARGEST_SMALL * 16)
		return TRUE;
	wire_error_set_status(error, 507, "InsufficientStorage",
		"The machine's disk is full: less than %d MiB are left", (int)(RESERVE >> 20));
	return FALSE;
}

char *s3_small_new(Region *region, const void *bytes, gsize length, GError **error) {
	g_autofree char *random = text_random_hex(24);
	g_autofree char *id = g_strdup_printf("%c%s", MARK, random);
	sqlite3_stmt *statement =
		s3_sql(region, "INSERT INTO s3_small (file, bytes) VALUES (?1, ?2)");
	s3_bind_text(statement, 1, id);
	sqlite3_bind_blob(statement, 2, length > 0 ? bytes : "", (int)length, SQLITE_TRANSIENT);
	int result = sqlite3_step(statement);
	sqlite3_reset(statement);
	if (result == SQLITE_DONE)
		return g_steal_pointer(&id);
	wire_error_set_status(error, result == SQLITE_FULL ? 507 : 500,
		result == SQLITE_FULL ? "InsufficientStorage" : "InternalError",
		"The object cannot be written: %s", sqlite3_errstr(result));
	return NULL;
}

static gboolean write_all(int fd, const char *bytes, gsize length) {
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return FALSE;
		bytes += n;
		length -= (gsize)n;
	}
	return TRUE;
}

int s3_small_open(Region *region, const char *id, GError **error) {
	sqlite3_stmt *statement = s3_sql(region, "SELECT bytes FROM s3_small WHERE file = ?1");
	s3_bind_text(statement, 1, id);
	gboolean found = sqlite3_step(statement) == SQLITE_ROW;
	int fd = found ? memfd_create("s3", MFD_CLOEXEC) : -1;
	gboolean fine = fd >= 0 &&
			write_all(fd, sqlite3_column_blob(statement, 0),
				(gsize)sqlite3_column_bytes(statement, 0)) &&
			lseek(fd, 0, SEEK_SET) == 0;
	int code = errno;
	sqlite3_reset(statement);
	if (fine)
		return fd;
	if (fd >= 0)
		close(fd);
	g_set_error(error, G_FILE_ERROR, found ? g_file_error_from_errno(code) : G_FILE_ERROR_NOENT,
		"the small object %s: %s", id, found ? g_strerror(code) : "not in its table");
	return -1;
}

void s3_small_delete(Region *region, const char *id) {
	sqlite3_stmt *statement = s3_sql(region, "DELETE FROM s3_small WHERE file = ?1");
	s3_bind_text(statement, 1, id);
	s3_run(region, statement);
}

void s3_small_sweep(Region *region) {
	Store *store = region_store(region);
	g_autoptr(GError) error = NULL;
	if (!store_begin(store, &error)) {
		g_warning("small objects cannot be swept: %s", error->message);
		return;
	}
	s3_run(region, s3_sql(region, "DELETE FROM s3_small WHERE file NOT IN (SELECT file FROM "
				      "s3_versions WHERE file IS NOT NULL)"));
	if (!store_commit(store, &error))
		g_warning("small objects cannot be swept: %s", error->message);
}
