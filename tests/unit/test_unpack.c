/*
 * Layers unpacked into a folder: whiteouts, links, modes, and archives that mean harm. Each
 * unpacking runs in a process of its own, as unpack_layer asks for.
 */
#include "glass/unpack.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

typedef struct {
	const char *path;
	mode_t mode; /* type and permissions */
	const char *text; /* contents, or the target of a link */
	gboolean hard_link;
} Entry;

typedef struct {
	char *folder, *archive;
	char message[512]; /* of the error, "" if there was none */
} Unpacked;

static void write_archive(const char *path, const Entry *entries, int filter) {
	struct archive *tar = archive_write_new();
	archive_write_set_format_pax_restricted(tar);
	archive_write_add_filter(tar, filter);
	g_assert_cmpint(archive_write_open_filename(tar, path), ==, ARCHIVE_OK);
	for (const Entry *at = entries; at->path; at++) {
		struct archive_entry *entry = archive_entry_new();
		archive_entry_set_pathname(entry, at->path);
		archive_entry_set_mode(entry, at->mode);
		archive_entry_set_uid(entry, getuid());
		archive_entry_set_gid(entry, getgid());
		if (at->hard_link)
			archive_entry_set_hardlink(entry, at->text);
		else if (S_ISLNK(at->mode))
			archive_entry_set_symlink(entry, at->text);
		gboolean data = S_ISREG(at->mode) && at->text && !at->hard_link;
		archive_entry_set_size(entry, data ? (gint64)strlen(at->text) : 0);
		g_assert_cmpint(archive_write_header(tar, entry), ==, ARCHIVE_OK);
		if (data)
			archive_write_data(tar, at->text, strlen(at->text));
		archive_entry_free(entry);
	}
	archive_write_close(tar);
	archive_write_free(tar);
}

/* In a child: unpacks and writes the error's text into the pipe. */
static void unpack_in_child(const Unpacked *result, int output) {
	g_autoptr(GError) error = NULL;
	int archive = open(result->archive, O_RDONLY | O_CLOEXEC);
	if (!unpack_layer(archive, result->folder, &error) &&
		write(output, error->message, strlen(error->message)) < 0)
		_exit(1);
	_exit(0);
}

static Unpacked unpack(const Entry *entries, int filter) {
	Unpacked result = {.folder = g_dir_make_tmp("unpack-XXXXXX", NULL)};
	result.archive = g_strconcat(result.folder, ".tar", NULL);
	write_archive(result.archive, entries, filter);
	int ends[2];
	g_assert_cmpint(pipe(ends), ==, 0);
	pid_t child = fork();
	if (child == 0)
		unpack_in_child(&result, ends[1]);
	close(ends[1]);
	ssize_t length = read(ends[0], result.message, sizeof result.message - 1);
	g_assert_cmpint(length, >=, 0);
	close(ends[0]);
	int status;
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_cmpint(status, ==, 0);
	return result;
}

static void clean(Unpacked *result) {
	g_autofree char *command =
		g_strdup_printf("rm -rf '%s' '%s'", result->folder, result->archive);
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
	g_free(result->folder);
	g_free(result->archive);
}

static struct stat look(const Unpacked *result, const char *name) {
	g_autofree char *path = g_build_filename(result->folder, name, NULL);
	struct stat status = {0};
	if (lstat(path, &status) != 0)
		status.st_mode = 0;
	return status;
}

static gboolean is_opaque(const Unpacked *result, const char *name) {
	g_autofree char *path = g_build_filename(result->folder, name, NULL);
	char value[2];
	return lgetxattr(path, "user.overlay.opaque", value, sizeof value) == 1 && value[0] == 'y';
}

static void test_plain(gconstpointer filter) {
	static const Entry entries[] = {
		{"./usr/", S_IFDIR | 0750},
		{"usr/file", S_IFREG | 04755, "contents"},
		{"/usr/hard", S_IFREG | 04755, "usr/file", TRUE},
		{"usr/soft", S_IFLNK | 0777, "/etc/passwd"},
		{"usr/na\xc3\xafve", S_IFREG | 0600, "x"},
		{"usr/null", S_IFCHR | 0666},
		{NULL},
	};
	Unpacked result = unpack(entries, GPOINTER_TO_INT(filter));
	g_assert_cmpstr(result.message, ==, "");
	g_assert_cmpint(look(&result, "usr").st_mode, ==, S_IFDIR | 0750);
	struct stat file = look(&result, "usr/file");
	g_assert_cmpint(file.st_mode, ==, S_IFREG | 04755);
	g_assert_cmpint(file.st_size, ==, 8);
	g_assert_cmpuint(look(&result, "usr/hard").st_ino, ==, file.st_ino);
	g_assert_true(S_ISLNK(look(&result, "usr/soft").st_mode));
	g_assert_cmpint(look(&result, "usr/na\xc3\xafve").st_mode, ==, S_IFREG | 0600);
	g_assert_cmpint(look(&result, "usr/null").st_mode, ==, 0);
	clean(&result);
}

static void test_whiteouts(void) {
	static const Entry entries[] = {
		{"gone/.wh.file", S_IFREG | 0600},
		{"opaque/", S_IFDIR | 0755},
		{"opaque/.wh..wh..opq", S_IFREG | 0600},
		{"opaque/new", S_IFREG | 0600, "x"},
		{".wh.replaced", S_IFREG | 0600},
		{"replaced/", S_IFDIR | 0755},
		{"later/", S_IFDIR | 0755},
		{".wh.later", S_IFREG | 0600},
		{".wh..wh.plnk", S_IFREG | 0600},
		{NULL},
	};
	Unpacked result = unpack(entries, ARCHIVE_FILTER_GZIP);
	g_assert_cmpstr(result.message, ==, "");
	struct stat gone = look(&result, "gone/file");
	g_assert_true(S_ISCHR(gone.st_mode));
	g_assert_cmpuint(gone.st_rdev, ==, 0);
	g_assert_true(is_opaque(&result, "opaque"));
	g_assert_true(S_ISREG(look(&result, "opaque/new").st_mode));
	g_assert_true(is_opaque(&result, "replaced"));
	g_assert_true(is_opaque(&result, "later"));
	g_assert_cmpint(look(&result, ".wh..wh.plnk").st_mode, ==, 0);
	clean(&result);
}

static void refuse(const Entry *entries) {
	Unpacked result = unpack(entries, ARCHIVE_FILTER_NONE);
	g_assert_true(g_str_has_prefix(result.message, "failed to register layer: "));
	g_assert_false(g_file_test("/tmp/unpack-escaped", G_FILE_TEST_EXISTS));
	clean(&result);
}

static void test_refused(void) {
	refuse((const Entry[]){{"../unpack-escaped", S_IFREG | 0600, "x"}, {NULL}});
	refuse((const Entry[]){{"a/../../unpack-escaped", S_IFREG | 0600, "x"}, {NULL}});
	refuse((const Entry[]){{"../.wh.unpack-escaped", S_IFREG | 0600}, {NULL}});
	refuse((const Entry[]){{"link", S_IFLNK | 0777, "/tmp"},
		{"link/unpack-escaped", S_IFREG | 0600, "x"}, {NULL}});
	refuse((const Entry[]){{"link", S_IFLNK | 0777, "/tmp"},
		{"link/.wh.unpack-escaped", S_IFREG | 0600}, {NULL}});
	refuse((const Entry[]){{"hard", S_IFREG | 0600, "../../etc/passwd", TRUE}, {NULL}});
	refuse((const Entry[]){{".wh...", S_IFREG | 0600}, {NULL}});
}

static void test_absolute(void) {
	static const Entry entries[] = {{"/tmp/unpack-escaped", S_IFREG | 0600, "x"}, {NULL}};
	Unpacked result = unpack(entries, ARCHIVE_FILTER_NONE);
	g_assert_cmpstr(result.message, ==, "");
	g_assert_true(S_ISREG(look(&result, "tmp/unpack-escaped").st_mode));
	g_assert_false(g_file_test("/tmp/unpack-escaped", G_FILE_TEST_EXISTS));
	clean(&result);
}

static void test_garbage(void) {
	Unpacked result = {.folder = g_dir_make_tmp("unpack-XXXXXX", NULL)};
	result.archive = g_strconcat(result.folder, ".tar", NULL);
	g_assert_true(g_file_set_contents(result.archive, "\x1f\x8b not gzip at all", -1, NULL));
	g_autoptr(GError) error = NULL;
	g_autofree char *here = g_get_current_dir();
	int archive = open(result.archive, O_RDONLY | O_CLOEXEC);
	g_assert_false(unpack_layer(archive, result.folder, &error));
	g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
	close(archive);
	g_assert_cmpint(chdir(here), ==, 0);
	clean(&result);
}

int main(int argc, char **argv) {
	setlocale(LC_CTYPE, "C.UTF-8");
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/unpack/plain", GINT_TO_POINTER(ARCHIVE_FILTER_NONE), test_plain);
	g_test_add_data_func("/unpack/gzip", GINT_TO_POINTER(ARCHIVE_FILTER_GZIP), test_plain);
	g_test_add_data_func("/unpack/zstd", GINT_TO_POINTER(ARCHIVE_FILTER_ZSTD), test_plain);
	g_test_add_func("/unpack/whiteouts", test_whiteouts);
	g_test_add_func("/unpack/refused", test_refused);
	g_test_add_func("/unpack/absolute", test_absolute);
	g_test_add_func("/unpack/garbage", test_garbage);
	return g_test_run();
}
