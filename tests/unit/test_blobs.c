/* The blob store: what is stored, what is refused, and what survives a restart. */
#include "glass/blobs.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

typedef struct {
	char *home;
	Blobs *blobs;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data) {
	fixture->home = g_dir_make_tmp("blobs-XXXXXX", NULL);
	fixture->blobs = blobs_open(fixture->home, NULL);
	g_assert_nonnull(fixture->blobs);
}

static void tear_down(Fixture *fixture, gconstpointer data) {
	g_autoptr(GHashTable) none = g_hash_table_new(g_str_hash, g_str_equal);
	blobs_gc(fixture->blobs, none, -10);
	blobs_free(fixture->blobs);
	const char *const folders[] = {"blobs/sha256", "blobs/uploads", "blobs", ""};
	for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(fixture->home, folders[i], NULL);
		g_assert_cmpint(g_rmdir(path), ==, 0);
	}
	g_free(fixture->home);
}

static void test_put(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	g_autofree char *digest = blobs_put(fixture->blobs, "hello", 5, &error);
	g_assert_cmpstr(digest, ==, HELLO);
	goffset size = 0;
	g_assert_true(blobs_has(fixture->blobs, HELLO, &size));
	g_assert_cmpint(size, ==, 5);
	g_autoptr(GBytes) bytes = blobs_read(fixture->blobs, HELLO, 5, &error);
	g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "hello", 5);
	g_assert_null(blobs_read(fixture->blobs, HELLO, 4, &error));
	g_assert_error(error, BLOBS_ERROR, BLOBS_ERROR_RANGE);
	g_clear_error(&error);
	g_assert_true(blobs_delete(fixture->blobs, HELLO, NULL));
	g_assert_false(blobs_delete(fixture->blobs, HELLO, &error));
	g_assert_error(error, BLOBS_ERROR, BLOBS_ERROR_UNKNOWN);
}

static void test_digests(void) {
	g_assert_true(blobs_digest_valid(HELLO));
	g_assert_false(blobs_digest_valid(NULL));
	g_assert_false(blobs_digest_valid("sha256:../../../../etc/passwd"));
	g_assert_false(blobs_digest_valid("sha512:" HELLO));
	g_autofree char *upper = g_ascii_strup(HELLO, -1);
	g_assert_false(blobs_digest_valid(upper));
}

static void test_upload(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	g_autofree char *upload = blobs_upload_begin(fixture->blobs, &error);
	g_assert_true(blobs_upload_append(fixture->blobs, upload, 0, "hel", 3, &error));
	g_assert_false(blobs_upload_append(fixture->blobs, upload, 0, "hel", 3, &error));
	g_assert_error(error, BLOBS_ERROR, BLOBS_ERROR_RANGE);
	g_clear_error(&error);
	g_assert_true(blobs_upload_append(fixture->blobs, upload, -1, "l", 1, &error));
	g_assert_cmpint(blobs_upload_offset(fixture->blobs, upload, NULL), ==, 4);
	g_assert_false(blobs_upload_commit(fixture->blobs, upload, HELLO, &error));
	g_assert_error(error, BLOBS_ERROR, BLOBS_ERROR_DIGEST);
	g_clear_error(&error);
	g_assert_false(blobs_has(fixture->blobs, HELLO, NULL));
	g_assert_true(blobs_upload_append(fixture->blobs, upload, 4, "o", 1, &error));
	g_assert_true(blobs_upload_commit(fixture->blobs, upload, HELLO, &error));
	g_assert_true(blobs_has(fixture->blobs, HELLO, NULL));
	g_assert_cmpint(blobs_upload_offset(fixture->blobs, upload, &error), ==, -1);
	g_assert_error(error, BLOBS_ERROR, BLOBS_ERROR_UPLOAD_UNKNOWN);
}

static void test_upload_names(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(blobs_upload_offset(fixture->blobs, "../sha256/x", &error), ==, -1);
	g_assert_error(error, BLOBS_ERROR, BLOBS_ERROR_UPLOAD_UNKNOWN);
}

static void test_upload_after_restart(Fixture *fixture, gconstpointer data) {
	g_autofree char *upload = blobs_upload_begin(fixture->blobs, NULL);
	g_assert_true(blobs_upload_append(fixture->blobs, upload, 0, "hel", 3, NULL));
	blobs_free(fixture->blobs);
	fixture->blobs = blobs_open(fixture->home, NULL);
	g_assert_cmpint(blobs_upload_offset(fixture->blobs, upload, NULL), ==, 3);
	g_assert_true(blobs_upload_append(fixture->blobs, upload, 3, "lo", 2, NULL));
	g_assert_true(blobs_upload_commit(fixture->blobs, upload, HELLO, NULL));
}

static void test_gc(Fixture *fixture, gconstpointer data) {
	g_autofree char *hello = blobs_put(fixture->blobs, "hello", 5, NULL);
	g_autofree char *other = blobs_put(fixture->blobs, "other!", 6, NULL);
	g_autoptr(GHashTable) referenced = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_add(referenced, hello);
	g_assert_cmpuint(blobs_gc(fixture->blobs, referenced, 3600), ==, 0);
	g_assert_cmpuint(blobs_gc(fixture->blobs, referenced, -10), ==, 6);
	g_assert_true(blobs_has(fixture->blobs, hello, NULL));
	g_assert_false(blobs_has(fixture->blobs, other, NULL));
}

static void test_adopt(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(fixture->home, "file", NULL);
	g_assert_true(g_file_set_contents(path, "hello!", 6, NULL));
	g_assert_false(blobs_adopt_file(fixture->blobs, path, HELLO, &error));
	g_assert_error(error, BLOBS_ERROR, BLOBS_ERROR_DIGEST);
	g_assert_true(g_file_set_contents(path, "hello", 5, NULL));
	g_assert_true(blobs_adopt_file(fixture->blobs, path, HELLO, NULL));
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	g_assert_true(blobs_has(fixture->blobs, HELLO, NULL));
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/blobs/digests", test_digests);
	g_test_add("/blobs/put", Fixture, NULL, set_up, test_put, tear_down);
	g_test_add("/blobs/upload", Fixture, NULL, set_up, test_upload, tear_down);
	g_test_add("/blobs/upload-names", Fixture, NULL, set_up, test_upload_names, tear_down);
	g_test_add("/blobs/upload-after-restart", Fixture, NULL, set_up, test_upload_after_restart,
		tear_down);
	g_test_add("/blobs/gc", Fixture, NULL, set_up, test_gc, tear_down);
	g_test_add("/blobs/adopt", Fixture, NULL, set_up, test_adopt, tear_down);
	return g_test_run();
}
