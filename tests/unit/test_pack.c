/* Packing artifacts: patterns, folders, links that lead out. */
#include <archive.h>
#include <archive_entry.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "region/services/codebuild/pack.h"

static void test_patterns(void) {
	static const struct {
		const char *pattern, *path;
		gboolean matches;
	} cases[] = {
		{"**/*", "a", TRUE},
		{"**/*", "a/b/.c", TRUE},
		{"*", "a", TRUE},
		{"*", "a/b", FALSE},
		{"dir/*", "dir/a", TRUE},
		{"dir/*", "dir/a/b", FALSE},
		{"dir/**/*", "dir/a/b", TRUE},
		{"dir/**/*", "dir/a", TRUE},
		{"./imagedefinitions.json", "imagedefinitions.json", TRUE},
		{"*.js?n", "x.json", TRUE},
		{"a+b(c)", "a+b(c)", TRUE},
		{"a.b", "axb", FALSE},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(
			pack_matches(cases[i].pattern, cases[i].path), ==, cases[i].matches);
}

/* The names in a zip, sorted as they come, with '@' before links. Caller frees. */
static char *names_in(const char *path) {
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	GString *names = g_string_new(NULL);
	archive_read_support_format_zip_seekable(archive);
	g_assert_cmpint(archive_read_open_filename(archive, path, 4096), ==, ARCHIVE_OK);
	while (archive_read_next_header(archive, &entry) == ARCHIVE_OK)
		g_string_append_printf(names, "%s%s%s", names->len ? " " : "",
			archive_entry_filetype(entry) == AE_IFLNK ? "@" : "",
			archive_entry_pathname(entry));
	archive_read_free(archive);
	return g_string_free(names, FALSE);
}

typedef struct {
	char *folder, *root, *zip;
} Files;

static void write_file(const Files *files, const char *name) {
	g_autofree char *path = g_build_filename(files->root, name, NULL);
	g_autofree char *parent = g_path_get_dirname(path);
	g_assert_cmpint(g_mkdir_with_parents(parent, 0755), ==, 0);
	g_assert_true(g_file_set_contents(path, name, -1, NULL));
}

static void link_to(const Files *files, const char *target, const char *name) {
	g_autofree char *path = g_build_filename(files->root, name, NULL);
	g_assert_cmpint(symlink(target, path), ==, 0);
}

static void set_up(Files *files, gconstpointer data) {
	files->folder = g_dir_make_tmp("pack-XXXXXX", NULL);
	files->root = g_build_filename(files->folder, "src", NULL);
	files->zip = g_build_filename(files->folder, "out.zip", NULL);
	write_file(files, "one");
	write_file(files, "out/a");
	write_file(files, "out/deep/b");
	write_file(files, "out/deep/a");
	link_to(files, "a", "out/link");
	link_to(files, "/etc/passwd", "out/far");
	link_to(files, "../one", "out/up");
	g_autofree char *secret = g_build_filename(files->folder, "secret", NULL);
	g_assert_true(g_file_set_contents(secret, "s", -1, NULL));
	link_to(files, "../../secret", "out/secret");
}

static void tear_down(Files *files, gconstpointer data) {
	const char *const argv[] = {"rm", "-rf", files->folder, NULL};
	g_spawn_sync(
		NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
	g_free(files->folder);
	g_free(files->root);
	g_free(files->zip);
}

static void expect(const Files *files, const char *base, const char *pattern, const char *exclude,
	gboolean discard, gboolean symlinks, const char *names, const char *problem) {
	char *patterns[] = {(char *)pattern, NULL}, *excluded[] = {(char *)exclude, NULL};
	PackRequest request = {files->root, (char *)base, patterns, excluded, discard, symlinks,
		FALSE, files->zip};
	g_autoptr(GError) error = NULL;
	guint n = pack_write(&request, &error);
	if (problem) {
		g_assert_cmpuint(n, ==, 0);
		g_assert_cmpstr(error->message, ==, problem);
		return;
	}
	g_assert_no_error(error);
	g_autofree char *found = names_in(files->zip);
	g_assert_cmpstr(found, ==, names);
}

static void test_pack(Files *files, gconstpointer data) {
	expect(files, "", "one", NULL, FALSE, FALSE, "one", NULL);
	expect(files, "out", "**/*", NULL, FALSE, FALSE, "a deep/a deep/b link", NULL);
	expect(files, "out", "**/*", "deep/*", FALSE, TRUE, "a @far @link @secret @up", NULL);
	expect(files, ".", "out/deep/*", NULL, TRUE, FALSE, "a b", NULL);
	char *patterns[] = {(char *)"out/deep/*", NULL};
	g_autofree char *plain = g_build_filename(files->folder, "plain", NULL);
	g_autofree char *copy = g_build_filename(plain, "out/deep/b", NULL), *text = NULL;
	PackRequest request = {files->root, (char *)"", patterns, NULL, FALSE, FALSE, TRUE, plain};
	g_assert_cmpuint(pack_write(&request, NULL), ==, 2);
	g_assert_true(g_file_get_contents(copy, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "out/deep/b");
	expect(files, "out", "nothing", NULL, FALSE, FALSE, NULL,
		"CLIENT_ERROR: no matching artifact paths found");
	expect(files, "none", "*", NULL, FALSE, FALSE, NULL,
		"CLIENT_ERROR: no matching base directory path found for none");
	expect(files, "../", "*", NULL, FALSE, FALSE, NULL,
		"CLIENT_ERROR: no matching base directory path found for ../");
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pack/patterns", test_patterns);
	g_test_add("/pack/write", Files, NULL, set_up, test_pack, tear_down);
	return g_test_run();
}
