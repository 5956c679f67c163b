/*
 * Files that match patterns, into a zip. The files are a build's: links among them must not lead
 * out of the folder that is packed.
 */
#include "region/services/codebuild/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 65536
#define DEEPEST 128

typedef struct {
	const PackRequest *request;
	GPtrArray *files, *exclude; /* of GRegex */
	int base;
	GPtrArray *found; /* of char*: paths below the base */
} Pack;

void pack_request_clear(PackRequest *request) {
	g_free(request->root);
	g_free(request->base);
	g_strfreev(request->files);
	g_strfreev(request->exclude);
	g_free(request->zip);
}

/* ---- patterns ---- */

static GRegex *pattern_regex(const char *pattern) {
	g_autoptr(GString) text = g_string_new("^");
	while (g_str_has_prefix(pattern, "./"))
		pattern += 2;
	while (*pattern) {
		if (g_str_has_prefix(pattern, "**/")) {
			g_string_append(text, "(?:.*/)?");
			pattern += 3;
		} else if (g_str_has_prefix(pattern, "**")) {
			g_string_append(text, ".*");
			pattern += 2;
		} else {
			g_autofree char *literal = g_regex_escape_string(pattern, 1);
			g_string_append(text, *pattern == '*'	? "[^/]*"
					      : *pattern == '?' ? "[^/]"
								: literal);
			pattern++;
		}
	}
	g_string_append(text, "$");
	return g_regex_new(text->str, G_REGEX_DOTALL | G_REGEX_RAW, 0, NULL);
}

gboolean pack_matches(const char *pattern, const char *path) {
	g_autoptr(GRegex) regex = pattern_regex(pattern);
	return regex && g_regex_match(regex, path, 0, NULL);
}

static GPtrArray *regexes(char **patterns) {
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)g_regex_unref);
	for (; patterns && *patterns; patterns++) {
		GRegex *regex = pattern_regex(*patterns);
		if (regex)
			g_ptr_array_add(all, regex);
	}
	return all;
}

static gboolean matches_any(const GPtrArray *patterns, const char *path) {
	for (guint i = 0; i < patterns->len; i++)
		if (g_regex_match(patterns->pdata[i], path, 0, NULL))
			return TRUE;
	return FALSE;
}

/* ---- walking ---- */

static int open_beneath(int folder, const char *path, guint64 flags) {
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
	return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

static gboolean is_file(const Pack *pack, const char *path, mode_t mode) {
	struct stat status;
	if (S_ISREG(mode))
		return TRUE;
	if (!S_ISLNK(mode))
		return FALSE;
	if (pack->request->symlinks)
		return TRUE;
	int fd = open_beneath(pack->base, path, O_PATH);
	gboolean leads = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	if (fd >= 0)
		close(fd);
	return leads;
}

static void walk(Pack *pack, const char *folder, guint depth) {
	int fd = open_beneath(pack->base, *folder ? folder : ".", O_RDONLY | O_DIRECTORY);
	DIR *stream = fd < 0 || depth > DEEPEST ? NULL : fdopendir(fd);
	if (!stream) {
		if (fd >= 0)
			close(fd);
		return;
	}
	const struct dirent *entry;
	while ((entry = readdir(stream))) {
		struct stat status;
		if (g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, "..") ||
			fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		g_autofree char *path = *folder ? g_build_filename(folder, entry->d_name, NULL)
						: g_strdup(entry->d_name);
		if (S_ISDIR(status.st_mode))
			walk(pack, path, depth + 1);
		else if (is_file(pack, path, status.st_mode) && matches_any(pack->files, path) &&
			 !matches_any(pack->exclude, path))
			g_ptr_array_add(pack->found, g_steal_pointer(&path));
	}
	closedir(stream);
}

static int by_name(gconstpointer a, gconstpointer b) {
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- writing ---- */

static gboolean archive_failed(struct archive *archive, const char *path, GError **error) {
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "CLIENT_ERROR: cannot pack %s: %s", path,
		archive_error_string(archive) ? archive_error_string(archive) : g_strerror(errno));
	return FALSE;
}

static gboolean copy(struct archive *archive, int fd, gint64 size) {
	g_autofree char *block = g_malloc(BLOCK);
	while (size > 0) {
		gssize n = read(fd, block, (gsize)MIN(size, BLOCK));
		if (n <= 0 || archive_write_data(archive, block, (size_t)n) < 0)
			return FALSE;
		size -= n;
	}
	return TRUE;
}

static gboolean add_link(
	const Pack *pack, struct archive *archive, struct archive_entry *entry, const char *path) {
	char target[4096];
	gssize n = readlinkat(pack->base, path, target, sizeof target - 1);
	if (n < 0)
		return FALSE;
	target[n] = '\0';
	archive_entry_set_filetype(entry, AE_IFLNK);
	archive_entry_set_symlink(entry, target);
	return archive_write_header(archive, entry) >= ARCHIVE_WARN;
}

static gboolean add_file(
	const Pack *pack, struct archive *archive, struct archive_entry *entry, const char *path) {
	struct stat status;
	int fd = open_beneath(pack->base, path, O_RDONLY | O_NONBLOCK);
	gboolean fine = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	if (fine) {
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_perm(entry, status.st_mode & 0777);
		archive_entry_set_size(entry, status.st_size);
		archive_entry_set_mtime(entry, status.st_mtime, 0);
		fine = archive_write_header(archive, entry) >= ARCHIVE_WARN &&
		       copy(archive, fd, status.st_size);
	}
	if (fd >= 0)
		close(fd);
	return fine;
}

static gboolean add(const Pack *pack, struct archive *archive, const char *path, const char *name) {
	struct stat status;
	struct archive_entry *entry = archive_entry_new();
	g_autofree char *place = g_build_filename(pack->request->zip, name, NULL);
	archive_entry_set_pathname(entry, pack->request->plain ? place : name);
	archive_entry_set_perm(entry, 0777);
	gboolean is_link = pack->request->symlinks &&
			   fstatat(pack->base, path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			   S_ISLNK(status.st_mode);
	gboolean fine = is_link ? add_link(pack, archive, entry, path)
				: add_file(pack, archive, entry, path);
	archive_entry_free(entry);
	return fine;
}

static guint write_zip(const Pack *pack, GError **error) {
	gboolean plain = pack->request->plain;
	struct archive *archive = plain ? archive_write_disk_new() : archive_write_new();
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!plain)
		archive_write_set_format_zip(archive);
	gboolean fine = plain ||
			archive_write_open_filename(archive, pack->request->zip) == ARCHIVE_OK ||
			archive_failed(archive, pack->request->zip, error);
	for (guint i = 0; i < pack->found->len && fine; i++) {
		const char *path = pack->found->pdata[i];
		char *name = pack->request->discard ? g_path_get_basename(path) : g_strdup(path);
		if (g_hash_table_add(names, name) && !add(pack, archive, path, name))
			fine = archive_failed(archive, path, error);
	}
	if (fine && archive_write_close(archive) < ARCHIVE_WARN)
		fine = archive_failed(archive, pack->request->zip, error);
	archive_write_free(archive);
	return fine ? g_hash_table_size(names) : 0;
}

static int open_base(const PackRequest *request) {
	int root = open(request->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *base = *request->base ? request->base : ".";
	int fd = root < 0 ? -1 : open_beneath(root, base, O_RDONLY | O_DIRECTORY);
	if (root >= 0)
		close(root);
	return fd;
}

guint pack_write(const PackRequest *request, GError **error) {
	Pack pack = {request, regexes(request->files), regexes(request->exclude),
		open_base(request), g_ptr_array_new_with_free_func(g_free)};
	guint n = 0;
	if (pack.base < 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"CLIENT_ERROR: no matching base directory path found for %s",
			request->base);
	} else {
		walk(&pack, "", 0);
		g_ptr_array_sort(pack.found, by_name);
		if (pack.found->len == 0)
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
				"CLIENT_ERROR: no matching artifact paths found");
		else
			n = write_zip(&pack, error);
		close(pack.base);
	}
	g_ptr_array_unref(pack.files);
	g_ptr_array_unref(pack.exclude);
	g_ptr_array_unref(pack.found);
	return n;
}
