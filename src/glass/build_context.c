/*
 * What a build is given: its context folder as a tar, without what .dockerignore names. Runs on the
 * side that may read the folder (the glass's root may not).
 */
#include "glass/build.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- .dockerignore ---- */

/* Docker's patterns: those of Go's filepath.Match, and ** for any number of folders. A pattern that
 * matches a folder matches all below it. */
static GRegex *pattern_regex(const char *pattern) {
	g_autoptr(GString) regex = g_string_new("^");
	for (const char *p = pattern; *p; p++) {
		if (p[0] == '*' && p[1] == '*') {
			p++;
			if (p[1] == '/') {
				p++;
				g_string_append(regex, "(?:.*/)?");
			} else {
				g_string_append(regex, ".*");
			}
		} else if (*p == '*') {
			g_string_append(regex, "[^/]*");
		} else if (*p == '?') {
			g_string_append(regex, "[^/]");
		} else if (*p == '[' && strchr(p + 1, ']')) {
			const char *end = strchr(p + 1, ']');
			g_string_append_len(regex, p, end - p + 1);
			p = end;
		} else {
			char one[] = {*p == '\\' && p[1] ? *++p : *p, '\0'};
			g_autofree char *escaped = g_regex_escape_string(one, 1);
			g_string_append(regex, escaped);
		}
	}
	g_string_append(regex, "(?:/.*)?$");
	return g_regex_new(regex->str, G_REGEX_RAW | G_REGEX_DOTALL, 0, NULL);
}

/* A pattern without what is only spelling: "./a/", "/a" and "a" are the same. NULL for none. */
static char *pattern_clean(const char *line, gboolean *negated) {
	g_autofree char *text = g_strstrip(g_strdup(line));
	if (*text == '#' || !*text)
		return NULL;
	*negated = *text == '!';
	const char *begin = g_strstrip(text + (*negated ? 1 : 0));
	while (g_str_has_prefix(begin, "./"))
		begin += 2;
	while (*begin == '/')
		begin++;
	char *clean = g_strdup(begin);
	for (gsize n = strlen(clean); n > 0 && clean[n - 1] == '/'; n--)
		clean[n - 1] = '\0';
	return clean;
}

gboolean build_ignores(const char *const *lines, const char *path) {
	gboolean ignored = FALSE;
	for (gsize i = 0; lines && lines[i]; i++) {
		gboolean negated;
		g_autofree char *pattern = pattern_clean(lines[i], &negated);
		g_autoptr(GRegex) regex = pattern && *pattern ? pattern_regex(pattern) : NULL;
		if (regex && g_regex_match(regex, path, 0, NULL))
			ignored = !negated;
	}
	return ignored;
}

static gboolean has_exceptions(char **lines) {
	for (gsize i = 0; lines && lines[i]; i++)
		if (g_str_has_prefix(g_strchug(lines[i]), "!"))
			return TRUE;
	return FALSE;
}

/* ---- the tar ---- */

typedef struct {
	struct archive *archive;
	char **ignore;
	gboolean exceptions; /* a folder left out may hold what is not */
} Writer;

static gboolean archive_failed(Writer *writer, const char *path, GError **error) {
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", path,
		archive_error_string(writer->archive));
	return FALSE;
}

static gboolean file_failed(const char *path, GError **error) {
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot read %s: %s", path,
		g_strerror(errno));
	return FALSE;
}

/* As much as the header promised: a file that shrinks meanwhile is filled up by libarchive. */
static gboolean write_content(Writer *writer, const char *path, goffset size, GError **error) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return file_failed(path, error);
	g_autofree char *part = g_malloc(1 << 16);
	gssize n = 0;
	while (size > 0 && (n = read(fd, part, MIN(size, 1 << 16))) > 0) {
		if (archive_write_data(writer->archive, part, (gsize)n) < 0) {
			close(fd);
			return archive_failed(writer, path, error);
		}
		size -= n;
	}
	close(fd);
	return n >= 0 || file_failed(path, error);
}

/* Files belong to root in a build, whoever has them here. */
static gboolean write_file(Writer *writer, const char *path, const char *name,
	const struct stat *status, GError **error) {
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, status->st_mode);
	archive_entry_set_mtime(entry, status->st_mtim.tv_sec, 0);
	archive_entry_set_size(entry, S_ISREG(status->st_mode) ? status->st_size : 0);
	if (S_ISLNK(status->st_mode)) {
		g_autofree char *target = g_file_read_link(path, NULL);
		archive_entry_set_symlink(entry, target ? target : "");
	}
	int written = archive_write_header(writer->archive, entry);
	archive_entry_free(entry);
	if (written < ARCHIVE_WARN)
		return archive_failed(writer, path, error);
	return !S_ISREG(status->st_mode) || write_content(writer, path, status->st_size, error);
}

static gboolean write_folder(
	Writer *writer, const char *path, const char *relative, GError **error);

static gboolean write_entry(
	Writer *writer, const char *path, const char *relative, GError **error) {
	struct stat status;
	if (lstat(path, &status) < 0)
		return file_failed(path, error);
	gboolean ignored = build_ignores((const char *const *)writer->ignore, relative);
	if (ignored && !(S_ISDIR(status.st_mode) && writer->exceptions))
		return TRUE;
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
		return TRUE; /* sockets and devices are nobody's source */
	g_autofree char *name = g_build_filename("context", relative, NULL);
	if (!ignored && !write_file(writer, path, name, &status, error))
		return FALSE;
	return !S_ISDIR(status.st_mode) || write_folder(writer, path, relative, error);
}

static int by_name(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean write_folder(
	Writer *writer, const char *path, const char *relative, GError **error) {
	g_autoptr(GDir) folder = g_dir_open(path, 0, error);
	if (!folder)
		return FALSE;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;
	while ((name = g_dir_read_name(folder)))
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, by_name);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *inner = g_build_filename(path, names->pdata[i], NULL);
		g_autofree char *below = *relative
						 ? g_build_filename(relative, names->pdata[i], NULL)
						 : g_strdup(names->pdata[i]);
		if (!write_entry(writer, inner, below, error))
			return FALSE;
	}
	return TRUE;
}

static char *find_dockerfile(const char *folder, const char *dockerfile, GError **error) {
	if (dockerfile) {
		g_autofree char *path = g_canonicalize_filename(dockerfile, folder);
		if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
			return g_steal_pointer(&path);
		g_set_error(
			error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no Dockerfile %s", path);
		return NULL;
	}
	static const char *const names[] = {"Dockerfile", "Containerfile"};
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(folder, names[i], NULL);
		if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
			return g_steal_pointer(&path);
	}
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
		"there is no Dockerfile and no Containerfile in %s", folder);
	return NULL;
}

static char **read_ignore(const char *folder, const char *dockerfile) {
	g_autofree char *own = g_strconcat(dockerfile, ".dockerignore", NULL);
	g_autofree char *common = g_build_filename(folder, ".dockerignore", NULL);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(own, &text, NULL, NULL) &&
		!g_file_get_contents(common, &text, NULL, NULL))
		return NULL;
	return g_strsplit(text, "\n", -1);
}

static gboolean write_all(
	Writer *writer, const char *folder, const char *dockerfile, GError **error) {
	struct stat status;
	if (stat(dockerfile, &status) < 0)
		return file_failed(dockerfile, error);
	if (!write_file(writer, dockerfile, "Dockerfile", &status, error))
		return FALSE;
	if (stat(folder, &status) < 0)
		return file_failed(folder, error);
	return write_file(writer, folder, "context", &status, error) &&
	       write_folder(writer, folder, "", error);
}

gboolean build_context_write(const char *folder, const char *dockerfile, int fd, GError **error) {
	if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY, "%s is no folder", folder);
		return FALSE;
	}
	g_autofree char *file = find_dockerfile(folder, dockerfile, error);
	if (!file)
		return FALSE;
	g_auto(GStrv) ignore = read_ignore(folder, file);
	Writer writer = {archive_write_new(), ignore, has_exceptions(ignore)};
	archive_write_set_format_pax_restricted(writer.archive);
	archive_write_set_bytes_per_block(writer.archive, 1 << 16);
	gboolean done = archive_write_open_fd(writer.archive, fd) == ARCHIVE_OK ||
			archive_failed(&writer, folder, error);
	done = done && write_all(&writer, folder, file, error);
	if (done && archive_write_close(writer.archive) != ARCHIVE_OK)
		done = archive_failed(&writer, folder, error);
	archive_write_free(writer.archive);
	return done;
}
