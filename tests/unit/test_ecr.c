/* ECR towards the other services: references to digests, images of builds, what is collected and
 * what is kept, tokens, and the wake-up of who waits for an image. */
#include <glib.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utime.h>

#include "region/internal.h"
#include "region/services/ecr/internal.h"

static const StoreScope here = {"000000000000", "us-east-1"};

#define URI "000000000000.dkr.ecr.us-east-1.amazonaws.com/"

static guint free_port(void) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, length), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
	close(fd);
	return ntohs(address.sin_port);
}

/* ---- a region with images ---- */

typedef struct {
	char *home;
	Region *region;
} Fixture;

static void make_repository(Region *region, const char *name) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) input = value_object_take("repositoryName", value_string(name), NULL);
	g_auto(Value) made = region_call(region, here, "ecr", "CreateRepository", input, &error);
	g_assert_no_error(error);
}

static void set_up(Fixture *fixture, gconstpointer data) {
	fixture->home = g_dir_make_tmp("ecr-XXXXXX", NULL);
	RegionOptions options = {.home = fixture->home, .port = free_port(), .no_glass = TRUE};
	g_autoptr(GError) error = NULL;
	fixture->region = region_new(&options, &error);
	g_assert_no_error(error);
	make_repository(fixture->region, "team/app");
}

static void tear_down(Fixture *fixture, gconstpointer data) {
	region_free(fixture->region);
	const char *remove[] = {"rm", "-r", fixture->home, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
		NULL, NULL, NULL, NULL));
	g_free(fixture->home);
}

static char *put(Region *region, const char *text) {
	char *digest = blobs_put(region_blobs(region), text, strlen(text), NULL);
	g_assert_nonnull(digest);
	return digest;
}

/* A manifest with its config and one layer, all blobs. Caller frees. */
static char *make_manifest(Region *region, const char *seed, const char *architecture) {
	g_autofree char *config_text = g_strdup_printf(
		"{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":"
		"\"layers\",\"diff_ids\":[\"sha256:%064d\"]}}",
		architecture, 1);
	g_autofree char *config = put(region, config_text);
	g_autofree char *layer = put(region, seed);
	g_autofree char *manifest = g_strdup_printf(
		"{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_OCI_MANIFEST
		"\",\"config\":{\"mediaType\":\"" IMAGE_OCI_CONFIG
		"\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
		"\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}]}",
		config, strlen(config_text), layer, strlen(seed));
	return put(region, manifest);
}

static char *make_image(Region *region, const char *seed) {
	return make_manifest(region, seed, image_host_architecture());
}

static char *make_index(Region *region, const char *manifest) {
	g_autofree char *index =
		g_strdup_printf("{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_OCI_INDEX
				"\",\"manifests\":[{\"mediaType\":\"" IMAGE_OCI_MANIFEST
				"\",\"digest\":\"%s\",\"size\":1,\"platform\":{\"os\":\"linux\","
				"\"architecture\":\"%s\"}}]}",
			manifest, image_host_architecture());
	return put(region, index);
}

static void put_image(Region *region, const char *tag, const char *digest) {
	g_autoptr(GError) error = NULL;
	ecr_put_image(region, here, "team/app", tag, digest, &error);
	g_assert_no_error(error);
	g_assert_false(store_in_transaction(region_store(region)));
}

/* ---- references ---- */

static void assert_resolves(Region *region, const char *image, const char *digest) {
	g_autoptr(GError) error = NULL;
	g_autofree char *found = ecr_resolve(region, here, image, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(found, ==, digest);
}

static void assert_fails(Region *region, const char *image, const char *part) {
	g_autoptr(GError) error = NULL;
	g_autofree char *found = ecr_resolve(region, here, image, &error);
	g_assert_null(found);
	g_assert_true(g_str_has_prefix(error->message, "CannotPullContainerError: "));
	g_assert_nonnull(strstr(error->message, part));
}

static void test_resolve(Fixture *fixture, gconstpointer data) {
	Region *region = fixture->region;
	g_autofree char *one = make_image(region, "one");
	g_autofree char *two = make_image(region, "two");
	put_image(region, "latest", one);
	put_image(region, "v2", two);
	assert_resolves(region, URI "team/app", one);
	assert_resolves(region, URI "team/app:v2", two);
	assert_resolves(region, "localhost:4566/team/app:v2", two);
	assert_resolves(region, "127.0.0.1:4566/team/app", one);
	g_autofree char *by_digest = g_strdup_printf(URI "team/app@%s", two);
	assert_resolves(region, by_digest, two);
	g_autofree char *both = g_strdup_printf(URI "team/app:v1@%s", two);
	assert_resolves(region, both, two);
	assert_fails(region, URI "team/app:none", "not found");
	assert_fails(region, URI "none", "not found");
	assert_fails(region, "111122223333.dkr.ecr.us-east-1.amazonaws.com/team/app", "not found");
	assert_fails(region, "000000000000.dkr.ecr.eu-west-1.amazonaws.com/team/app", "not found");
	assert_fails(region, "nginx:latest", "another registry");
	assert_fails(region, "docker.io/library/nginx", "another registry");
	assert_fails(region, URI "team/app@sha256:0", "not found");
	assert_fails(region, "", "another registry");
}

static void test_platforms(Fixture *fixture, gconstpointer data) {
	Region *region = fixture->region;
	g_autofree char *one = make_image(region, "one");
	g_autofree char *index = make_index(region, one);
	g_autoptr(GError) error = NULL;
	/* An index needs its images in the repository. */
	g_assert_false(ecr_put_image(region, here, "team/app", "multi", index, &error));
	g_assert_cmpstr(wire_error_code(error), ==, "ReferencedImagesNotFoundException");
	g_assert_false(store_in_transaction(region_store(region)));
	put_image(region, NULL, one);
	put_image(region, "multi", index);
	assert_resolves(region, URI "team/app:multi", one);
	g_autofree char *foreign = make_manifest(region, "far", "s390x");
	put_image(region, "foreign", foreign);
	assert_fails(region, URI "team/app:foreign", "s390x");
}

/* A build's image is part of the transaction that is open. */
static void test_joins_transaction(Fixture *fixture, gconstpointer data) {
	Region *region = fixture->region;
	g_autofree char *one = make_image(region, "one");
	g_assert_true(store_begin(region_store(region), NULL));
	g_assert_true(ecr_put_image(region, here, "team/app", "latest", one, NULL));
	g_assert_true(store_in_transaction(region_store(region)));
	store_rollback(region_store(region));
	assert_fails(region, URI "team/app", "not found");
	g_autoptr(GError) error = NULL;
	g_autofree char *missing = g_strdup_printf("sha256:%064d", 0);
	g_assert_false(ecr_put_image(region, here, "team/app", "latest", missing, &error));
	g_assert_error(error, BLOBS_ERROR, BLOBS_ERROR_UNKNOWN);
}

/* ---- who waits ---- */

static void wake(Region *region, gpointer data) {
	(*(guint *)data)++;
}

static gboolean quit(gpointer loop) {
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static void spin(guint milliseconds) {
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_timeout_add(milliseconds, quit, loop);
	g_main_loop_run(loop);
}

static void test_wakes(Fixture *fixture, gconstpointer data) {
	Region *region = fixture->region;
	guint wakes = 0;
	region_controller_add(region, "waiting", wake, &wakes);
	region_wake_on(region, "waiting", "ecr/image");
	spin(20);
	guint before = wakes;
	g_autofree char *one = make_image(region, "one");
	put_image(region, "latest", one);
	spin(20);
	g_assert_cmpuint(wakes, ==, before + 1);
	put_image(region, "again", one);
	spin(20);
	g_assert_cmpuint(wakes, ==, before + 2);
}

/* ---- collection ---- */

/* Makes all blobs old enough to go. */
static void age(Region *region) {
	g_autofree char *folder = g_build_filename(region_home(region), "blobs", "sha256", NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		struct utimbuf times = {.actime = 1, .modtime = 1};
		g_assert_cmpint(utime(path, &times), ==, 0);
	}
}

static void collect(Region *region) {
	age(region);
	region_wake(region, ECR_GC);
	spin(20);
}

static void put_task(Region *region, const char *digest, const char *status) {
	Value container = value_object_take("imageDigest", value_string(digest), NULL);
	g_assert_true(store_begin(region_store(region), NULL));
	store_put_take(region_store(region), here, "ecs/task", "a",
		value_object_take("lastStatus", value_string(status), "containers",
			value_tuple_take(1, container), NULL));
	g_assert_true(store_commit(region_store(region), NULL));
}

static void test_collection(Fixture *fixture, gconstpointer data) {
	Region *region = fixture->region;
	Blobs *blobs = region_blobs(region);
	g_autofree char *held = make_image(region, "held");
	g_autofree char *run = make_image(region, "run");
	g_autofree char *kept = make_image(region, "kept");
	g_autofree char *loose = make_image(region, "loose");
	g_autofree char *layer = blobs_digest_of("held", 4);
	g_autofree char *loose_layer = blobs_digest_of("loose", 5);
	put_image(region, "latest", held);
	put_task(region, run, "RUNNING");
	g_assert_true(ecr_keep_image(region, "test", kept, NULL));
	region_wake(region, ECR_GC);
	spin(20);
	g_assert_true(blobs_has(blobs, loose, NULL)); /* too young */
	collect(region);
	g_assert_false(blobs_has(blobs, loose, NULL));
	g_assert_false(blobs_has(blobs, loose_layer, NULL));
	g_assert_true(blobs_has(blobs, held, NULL) && blobs_has(blobs, layer, NULL));
	g_assert_true(blobs_has(blobs, run, NULL) && blobs_has(blobs, kept, NULL));
	put_task(region, run, "STOPPED");
	g_assert_true(ecr_keep_image(region, "test", NULL, NULL));
	collect(region);
	g_assert_false(blobs_has(blobs, run, NULL) || blobs_has(blobs, kept, NULL));
	assert_resolves(region, URI "team/app", held);
}

/* ---- tokens ---- */

static gboolean is_good(Region *region, const char *password) {
	g_auto(EcrToken) token = {0};
	return ecr_token_check(region, password, &token);
}

static void test_tokens(Fixture *fixture, gconstpointer data) {
	Region *region = fixture->region;
	EcrToken token = {.scope = {"111122223333", "eu-west-1"},
		.principal_arn = "arn:aws:iam::111122223333:user/a",
		.principal_id = "AIDA",
		.access_key_id = "AKIA"};
	g_assert_false(is_good(region, "none"));
	g_assert_true(store_begin(region_store(region), NULL));
	g_autofree char *good =
		ecr_token_new(region, &token, region_now(region) + G_TIME_SPAN_HOUR);
	g_autofree char *late = ecr_token_new(region, &token, region_now(region) - 1);
	g_assert_true(store_commit(region_store(region), NULL));
	g_auto(EcrToken) read = {0};
	g_assert_true(ecr_token_check(region, good, &read));
	g_assert_cmpstr(read.scope.account, ==, "111122223333");
	g_assert_cmpstr(read.scope.region, ==, "eu-west-1");
	g_assert_cmpstr(read.principal_arn, ==, token.principal_arn);
	g_assert_cmpstr(read.access_key_id, ==, "AKIA");
	g_assert_false(is_good(region, late));
	good[0]++;
	g_assert_false(is_good(region, good));
	g_assert_false(is_good(region, NULL));
}

/* ---- hosts ---- */

static void test_hosts(void) {
	StoreScope scope;
	g_assert_true(ecr_host_scope("111122223333.dkr.ecr.eu-west-1.amazonaws.com", &scope));
	g_assert_cmpstr(scope.account, ==, "111122223333");
	g_assert_cmpstr(scope.region, ==, "eu-west-1");
	g_assert_true(ecr_host_scope("111122223333.dkr.ecr.eu-west-1.localhost", &scope));
	g_assert_false(ecr_host_scope("111122223333.dkr.ecr.eu-west-1.amazonaws.org", &scope));
	g_assert_false(ecr_host_scope("public.ecr.aws", &scope));
	g_assert_false(ecr_host_scope("api.ecr.eu-west-1.amazonaws.com", &scope));
	g_assert_false(ecr_host_scope("", &scope));
}

#define ADD(name, test) g_test_add("/ecr/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	ADD("resolve", test_resolve);
	ADD("platforms", test_platforms);
	ADD("joins_transaction", test_joins_transaction);
	ADD("wakes", test_wakes);
	ADD("collection", test_collection);
	ADD("tokens", test_tokens);
	g_test_add_func("/ecr/hosts", test_hosts);
	return g_test_run();
}
