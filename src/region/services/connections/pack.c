/* A folder as a zip file, links and modes kept: written in a thread, by libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "region/services/connections/internal.h"

#define BLOCK 65536

typedef struct {
	char *folder, *zip;
} Pack;

static void pack_free(gpointer data) {
	Pack *pack = data;
	g_free(pack->folder);
	g_free(pack->zip);
	g_free(pack);
}

static gboolean failed(struct archive *archive, GError **error) {
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot pack the repository: %s",
		archive_error_string(archive));
	return FALSE;
}

static gboolean write_data(struct archive *zip, const char *path, GError **error) {
	g_autofree char *block = g_malloc(BLOCK);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	gssize got = fd < 0 ? -1 : 1;
	while (got > 0) {
		got = read(fd, block, BLOCK);
		if (got > 0 && archive_write_data(zip, block, (gsize)got) < 0) {
			close(fd);
			return failed(zip, error);
		}
	}
	if (fd >= 0)
		close(fd);
	if (got == 0)
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot read %s", path);
	return FALSE;
}

/* One entry, under its name seen from the folder. */
static gboolean write_entry(
	struct archive *zip, struct archive_entry *entry, gsize root, GError **error) {
	g_autofree char *path = g_strdup(archive_entry_sourcepath(entry));
	if (strlen(path) <= root)
		return TRUE;
	archive_entry_set_pathname(entry, path + root + 1);
	if (archive_write_header(zip, entry) < ARCHIVE_OK)
		return failed(zip, error);
	return archive_entry_filetype(entry) != AE_IFREG || write_data(zip, path, error);
}

static gboolean write_all(struct archive *zip, struct archive *disk, gsize root, GError **error) {
	for (;;) {
		struct archive_entry *entry = archive_entry_new();
		int result = archive_read_next_header2(disk, entry);
		gboolean fine = result == ARCHIVE_EOF ||
				(result >= ARCHIVE_WARN ? write_entry(zip, entry, root, error)
							: failed(disk, error));
		archive_entry_free(entry);
		if (!fine || result == ARCHIVE_EOF)
			return fine;
		archive_read_disk_descend(disk);
	}
}

static void run(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
	const Pack *pack = data;
	g_autoptr(GError) error = NULL;
	struct archive *zip = archive_write_new();
	struct archive *disk = archive_read_disk_new();
	archive_write_set_format_zip(zip);
	archive_read_disk_set_symlink_physical(disk);
	gboolean fine = (archive_write_open_filename(zip, pack->zip) == ARCHIVE_OK ||
				failed(zip, &error)) &&
			(archive_read_disk_open(disk, pack->folder) == ARCHIVE_OK ||
				failed(disk, &error)) &&
			write_all(zip, disk, strlen(pack->folder), &error) &&
			(archive_write_close(zip) == ARCHIVE_OK || failed(zip, &error));
	archive_write_free(zip);
	archive_read_free(disk);
	if (fine)
		g_task_return_boolean(task, TRUE);
	else
		g_task_return_error(task, g_steal_pointer(&error));
}

void connections_pack_async(
	const char *folder, const char *zip, GAsyncReadyCallback callback, gpointer user_data) {
	g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
	Pack *pack = g_new0(Pack, 1);
	*pack = (Pack){g_strdup(folder), g_strdup(zip)};
	g_task_set_task_data(task, pack, pack_free);
	g_task_run_in_thread(task, run);
}

gboolean connections_pack_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_boolean(G_TASK(result), error);
}
