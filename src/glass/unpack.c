/*
 * Layers come from strangers: every name is checked before it touches the disk, by libarchive's own
 * guards for what it writes and by openat2's for the whiteouts that we write. Must never follow a
 * symbolic link of the archive, nor write outside the folder.
 */
#include "glass/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#define WHITEOUT ".wh."
#define WHITEOUT_META ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define OPAQUE_XATTR "user.overlay.opaque"
#define BLOCK (256 * 1024)
#define DISK_FLAGS                                                                                 \
	(ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |                     \
		ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_SYMLINKS |                          \
		ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

typedef struct archive ArchiveReader;
typedef struct archive ArchiveWriter;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveReader, archive_read_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveWriter, archive_write_free)

static gboolean fail(GError **error, const char *path, const char *why) {
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "failed to register layer: %s: %s",
		path, why ? why : "unknown error");
	return FALSE;
}

/* A name in the archive without leading "/" and "./" and trailing "/"; "." for the root. NULL if it
 * has a
 * "..". Caller frees. */
static char *relative(const char *name) {
	if (!name)
		return NULL;
	while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
		name++;
	g_auto(GStrv) parts = g_strsplit(name, "/", -1);
	if (g_strv_contains((const char *const *)parts, ".."))
		return NULL;
	gsize length = strlen(name);
	while (length > 0 && name[length - 1] == '/')
		length--;
	return length ? g_strndup(name, length) : g_strdup(".");
}

/* Opens a folder below the working directory without following any symbolic link. */
static int open_folder(const char *path) {
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

/* The folder of a whiteout, made if the layer has not named it. */
static int open_parent(ArchiveWriter *disk, const char *path, GError **error) {
	int fd = open_folder(path);
	if (fd < 0 && errno == ENOENT) {
		struct archive_entry *entry = archive_entry_new();
		archive_entry_set_pathname(entry, path);
		archive_entry_set_filetype(entry, AE_IFDIR);
		archive_entry_set_perm(entry, 0755);
		archive_write_header(disk, entry);
		archive_write_finish_entry(disk);
		archive_entry_free(entry);
		fd = open_folder(path);
	}
	if (fd < 0)
		fail(error, path, g_strerror(errno));
	return fd;
}

static gboolean make_opaque(int folder, const char *path, GError **error) {
	if (fsetxattr(folder, OPAQUE_XATTR, "y", 1, 0) == 0)
		return TRUE;
	return fail(error, path, g_strerror(errno));
}

/* A whiteout beside what the same layer has under that name hides only what lower layers have: a
 * folder becomes opaque, anything else already hides them. */
static gboolean hide_below(int parent, const char *name, GError **error) {
	int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return TRUE;
	gboolean done = make_opaque(folder, name, error);
	close(folder);
	return done;
}

static gboolean write_whiteout(ArchiveWriter *disk, const char *path, GError **error) {
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *base = g_path_get_basename(path);
	const char *hidden = base + strlen(WHITEOUT);
	gboolean opaque = g_str_equal(base, WHITEOUT_OPAQUE);
	if (!opaque && g_str_has_prefix(base, WHITEOUT_META))
		return TRUE; /* aufs's own bookkeeping */
	if (!*hidden || g_str_equal(hidden, ".") || g_str_equal(hidden, ".."))
		return fail(error, path, "a whiteout of nothing");
	int parent = open_parent(disk, folder, error);
	if (parent < 0)
		return FALSE;
	gboolean done;
	if (opaque)
		done = make_opaque(parent, folder, error);
	else if (mknodat(parent, hidden, S_IFCHR, makedev(0, 0)) == 0)
		done = TRUE;
	else if (errno == EEXIST)
		done = hide_below(parent, hidden, error);
	else
		done = fail(error, path, g_strerror(errno));
	close(parent);
	return done;
}

static gboolean is_whiteout(const char *path) {
	struct stat status;
	return lstat(path, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == 0;
}

/* Extended attributes that would not be obeyed inside, or would speak to overlayfs in the layer's
 * name. */
static void drop_xattrs(struct archive_entry *entry) {
	g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	const char *name;
	const void *value;
	size_t length;
	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &length) == ARCHIVE_OK) {
		if (g_str_has_prefix(name, "trusted.") || g_str_has_prefix(name, "user.overlay."))
			continue;
		g_ptr_array_add(kept, g_strdup(name));
		g_ptr_array_add(values, g_bytes_new(value, length));
	}
	archive_entry_xattr_clear(entry);
	for (guint i = 0; i < kept->len; i++) {
		gsize size;
		gconstpointer data = g_bytes_get_data(values->pdata[i], &size);
		archive_entry_xattr_add_entry(entry, kept->pdata[i], data, size);
	}
}

static gboolean copy_data(
	ArchiveReader *source, ArchiveWriter *disk, const char *path, GError **error) {
	const void *block;
	size_t length;
	la_int64_t offset;
	int got;
	while ((got = archive_read_data_block(source, &block, &length, &offset)) == ARCHIVE_OK) {
		if (archive_write_data_block(disk, block, length, offset) < ARCHIVE_OK)
			return fail(error, path, archive_error_string(disk));
	}
	return got == ARCHIVE_EOF || fail(error, path, archive_error_string(source));
}

static gboolean write_entry(ArchiveReader *source, ArchiveWriter *disk, struct archive_entry *entry,
	const char *path, GError **error) {
	gboolean was_whiteout = archive_entry_filetype(entry) == AE_IFDIR && is_whiteout(path);
	if (was_whiteout && unlink(path) != 0)
		return fail(error, path, g_strerror(errno));
	if (archive_write_header(disk, entry) < ARCHIVE_WARN)
		return fail(error, path, archive_error_string(disk));
	if (archive_entry_size(entry) > 0 && !copy_data(source, disk, path, error))
		return FALSE;
	int finished = archive_write_finish_entry(disk);
	if (finished < ARCHIVE_WARN ||
		(finished == ARCHIVE_WARN && archive_errno(disk) == EINVAL)) {
		/* EINVAL: an owner outside the ids that this user namespace has. */
		return fail(error, path, archive_error_string(disk));
	}
	return !was_whiteout || hide_below(AT_FDCWD, path, error);
}

static gboolean unpack_entry(
	ArchiveReader *source, ArchiveWriter *disk, struct archive_entry *entry, GError **error) {
	const char *name = archive_entry_pathname(entry);
	g_autofree char *path = relative(name);
	if (!path)
		return fail(error, name ? name : "(no name)", "the path leaves the layer");
	g_autofree char *base = g_path_get_basename(path);
	if (g_str_has_prefix(base, WHITEOUT))
		return write_whiteout(disk, path, error);
	mode_t type = archive_entry_filetype(entry);
	if (type == AE_IFCHR || type == AE_IFBLK)
		return TRUE;
	const char *target = archive_entry_hardlink(entry);
	if (target) {
		g_autofree char *linked = relative(target);
		if (!linked)
			return fail(error, path, "its hard link leaves the layer");
		archive_entry_set_hardlink(entry, linked);
	}
	archive_entry_set_pathname(entry, path);
	drop_xattrs(entry);
	return write_entry(source, disk, entry, path, error);
}

static ArchiveReader *open_reader(int archive, GError **error) {
	g_autoptr(ArchiveReader) source = archive_read_new();
	archive_read_support_filter_gzip(source);
	archive_read_support_filter_zstd(source);
	archive_read_support_format_tar(source);
	archive_read_support_format_empty(source);
	if (archive_read_open_fd(source, archive, BLOCK) != ARCHIVE_OK) {
		fail(error, "the archive", archive_error_string(source));
		return NULL;
	}
	return g_steal_pointer(&source);
}

gboolean unpack_layer(int archive, const char *folder, GError **error) {
	umask(022);
	setlocale(LC_CTYPE, "C.UTF-8"); /* names are UTF-8 in pax headers */
	if (chdir(folder) != 0)
		return fail(error, folder, g_strerror(errno));
	g_autoptr(ArchiveReader) source = open_reader(archive, error);
	if (!source)
		return FALSE;
	g_autoptr(ArchiveWriter) disk = archive_write_disk_new();
	archive_write_disk_set_options(disk, DISK_FLAGS);
	struct archive_entry *entry;
	int got;
	while ((got = archive_read_next_header(source, &entry)) == ARCHIVE_OK ||
		got == ARCHIVE_WARN) {
		if (!unpack_entry(source, disk, entry, error))
			return FALSE;
	}
	if (got != ARCHIVE_EOF)
		return fail(error, "the archive", archive_error_string(source));
	return archive_write_close(disk) >= ARCHIVE_WARN ||
	       fail(error, folder, archive_error_string(disk));
}
