/* S3 as other services use it: files that become objects, objects that are opened, and who is told.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "region/internal.h"
#include "region/services/s3/s3.h"

static const StoreScope here = {"000000000000", "us-east-1"};

typedef struct {
	char *home;
	Region *region;
	GMainLoop *loop;
	char *version, *etag, *code; /* of the last put that was done */
	GString *told; /* "event key;" of all that was told */
} Fixture;

static void on_object(Region *region, const char *event, const char *bucket, const char *key,
	const char *version, const char *etag, gpointer data) {
	Fixture *fixture = data;
	g_assert_cmpstr(bucket, ==, "files");
	g_string_append_printf(fixture->told, "%s %s;", event, key);
}

static void call(Fixture *fixture, const char *operation, Value input_taken) {
	g_auto(Value) input = input_taken;
	g_autoptr(GError) error = NULL;
	g_auto(Value) output = region_call(fixture->region, here, "s3", operation, input, &error);
	g_assert_no_error(error);
}

static void set_up(Fixture *fixture, gconstpointer data) {
	fixture->home = g_dir_make_tmp("s3-XXXXXX", NULL);
	/* Port 0: whatever is free; nothing is asked of it. */
	RegionOptions options = {.home = fixture->home, .no_glass = TRUE};
	g_autoptr(GError) error = NULL;
	fixture->region = region_new(&options, &error);
	g_assert_no_error(error);
	fixture->loop = g_main_loop_new(NULL, FALSE);
	fixture->told = g_string_new(NULL);
	s3_watch(fixture->region, on_object, fixture);
	call(fixture, "CreateBucket", value_object_take("Bucket", value_string("files"), NULL));
}

static void tear_down(Fixture *fixture, gconstpointer data) {
	region_free(fixture->region);
	g_main_loop_unref(fixture->loop);
	g_string_free(fixture->told, TRUE);
	g_free(fixture->version);
	g_free(fixture->etag);
	g_free(fixture->code);
	const char *remove[] = {"rm", "-r", fixture->home, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
		NULL, NULL, NULL, NULL));
	g_free(fixture->home);
}

static void on_put(Region *region, const char *bucket, const char *key, const char *version,
	const char *etag, const GError *error, gpointer data) {
	Fixture *fixture = data;
	g_free(fixture->version);
	g_free(fixture->etag);
	g_free(fixture->code);
	fixture->version = g_strdup(version);
	fixture->etag = g_strdup(etag);
	fixture->code = error ? g_strdup(wire_error_code(error)) : NULL;
	g_main_loop_quit(fixture->loop);
}

/* Puts a file with that text, and waits; the file is gone afterwards, whatever happened. */
static void put(Fixture *fixture, const char *bucket, const char *key, const char *text,
	const S3PutOptions *options) {
	g_autofree char *path = g_build_filename(fixture->home, "given", NULL);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	s3_object_put_file(fixture->region, bucket, key, path, options, on_put, fixture);
	g_main_loop_run(fixture->loop);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void settle(void) {
	while (g_main_context_iteration(NULL, FALSE))
		continue;
}

static void check_content(Fixture *fixture, const char *version, const char *text) {
	g_auto(S3Object) object = {.fd = -1};
	g_autoptr(GError) error = NULL;
	char bytes[64] = {0};
	g_assert_true(s3_object_open(fixture->region, "files", "k", version, &object, &error));
	g_assert_no_error(error);
	g_assert_cmpint(object.size, ==, strlen(text));
	g_assert_cmpint(read(object.fd, bytes, sizeof bytes - 1), ==, (gssize)strlen(text));
	g_assert_cmpstr(bytes, ==, text);
}

static void test_put(Fixture *fixture, gconstpointer data) {
	g_auto(Value) metadata = value_object_take("who", value_string("me"), NULL);
	const S3PutOptions options = {.content_type = "text/plain", .metadata = metadata};
	put(fixture, "files", "k", "hello", &options);
	g_assert_null(fixture->code);
	g_assert_cmpstr(fixture->version, ==, "null");
	g_assert_cmpstr(fixture->etag, ==, "5d41402abc4b2a76b9719d911017c592");
	check_content(fixture, NULL, "hello");
	g_auto(S3Object) object = {.fd = -1};
	g_assert_true(s3_object_stat(fixture->region, "files", "k", NULL, &object, NULL));
	g_assert_cmpstr(object.content_type, ==, "text/plain");
	g_assert_cmpstr(object.etag, ==, fixture->etag);
	g_assert_cmpstr(value_get_text(object.metadata, "who"), ==, "me");
	g_assert_cmpint(object.fd, ==, -1);
	settle();
	g_assert_cmpstr(fixture->told->str, ==, "ObjectCreated:Put k;");
}

/* What was opened stays readable though the object is replaced and deleted. */
static void test_open(Fixture *fixture, gconstpointer data) {
	put(fixture, "files", "k", "first", NULL);
	g_auto(S3Object) object = {.fd = -1};
	g_assert_true(s3_object_open(fixture->region, "files", "k", NULL, &object, NULL));
	put(fixture, "files", "k", "second", NULL);
	settle();
	g_assert_true(s3_object_delete(fixture->region, "files", "k", NULL, NULL));
	settle();
	char bytes[8] = {0};
	g_assert_cmpint(read(object.fd, bytes, 5), ==, 5);
	g_assert_cmpstr(bytes, ==, "first");
	g_autoptr(GError) error = NULL;
	g_auto(S3Object) gone = {.fd = -1};
	g_assert_false(s3_object_open(fixture->region, "files", "k", NULL, &gone, &error));
	g_assert_cmpstr(wire_error_code(error), ==, "NoSuchKey");
	g_assert_cmpstr(fixture->told->str, ==,
		"ObjectCreated:Put k;ObjectCreated:Put k;ObjectRemoved:Delete k;");
}

static void test_versions(Fixture *fixture, gconstpointer data) {
	g_auto(Value) status = value_object_take("Status", value_string("Enabled"), NULL);
	g_assert_false(s3_bucket_is_versioned(fixture->region, "files"));
	call(fixture, "PutBucketVersioning",
		value_object_take("Bucket", value_string("files"), "VersioningConfiguration",
			value_ref(status), NULL));
	g_assert_true(s3_bucket_is_versioned(fixture->region, "files"));
	put(fixture, "files", "k", "one", NULL);
	g_autofree char *first = g_strdup(fixture->version);
	put(fixture, "files", "k", "two", NULL);
	g_assert_cmpstr(first, !=, fixture->version);
	check_content(fixture, first, "one");
	check_content(fixture, NULL, "two");
	g_assert_true(s3_object_delete(fixture->region, "files", "k", NULL, NULL));
	g_assert_true(s3_object_delete(fixture->region, "files", "k", first, NULL));
	settle();
	g_assert_true(g_str_has_suffix(
		fixture->told->str, "ObjectRemoved:DeleteMarkerCreated k;ObjectRemoved:Delete k;"));
	g_autoptr(GError) error = NULL;
	g_auto(S3Object) gone = {.fd = -1};
	g_assert_false(s3_object_stat(fixture->region, "files", "k", first, &gone, &error));
	g_assert_cmpstr(wire_error_code(error), ==, "NoSuchVersion");
}

/* No bucket: an error, no object, no file left, and nobody is told. */
static void test_refusals(Fixture *fixture, gconstpointer data) {
	StoreScope scope;
	g_assert_true(s3_bucket_exists(fixture->region, "files", &scope));
	g_assert_cmpstr(scope.account, ==, here.account);
	g_assert_false(s3_bucket_exists(fixture->region, "none", NULL));
	put(fixture, "none", "k", "lost", NULL);
	g_assert_cmpstr(fixture->code, ==, "NoSuchBucket");
	g_assert_null(fixture->version);
	settle();
	for (guint i = 0; i < 256; i++) {
		g_autofree char *path = g_strdup_printf("%s/s3/objects/%02x", fixture->home, i);
		g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
		g_assert_null(g_dir_read_name(folder));
	}
	g_assert_cmpstr(fixture->told->str, ==, "");
}

/* What is rolled back never happened. */
static void test_rollback(Fixture *fixture, gconstpointer data) {
	put(fixture, "files", "k", "kept", NULL);
	settle();
	g_string_truncate(fixture->told, 0);
	Store *store = region_store(fixture->region);
	g_assert_true(store_begin(store, NULL));
	g_assert_true(s3_object_delete(fixture->region, "files", "k", NULL, NULL));
	store_rollback(store);
	settle();
	check_content(fixture, NULL, "kept");
	g_assert_cmpstr(fixture->told->str, ==, "");
}

static void add(const char *path, void (*test)(Fixture *fixture, gconstpointer data)) {
	g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	add("/s3/files/put", test_put);
	add("/s3/files/open", test_open);
	add("/s3/files/versions", test_versions);
	add("/s3/files/refusals", test_refusals);
	add("/s3/files/rollback", test_rollback);
	return g_test_run();
}
