/*
 * From blobs to a process: an image made here, its layers unpacked inside the glass, mounted and
 * run by crun as its runtime config says.
 */
#include "glass/job.h"
#include "glass/layer.h"
#include "glass/oci.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSYBOX "/bin/busybox"

typedef struct {
	char *home;
	Glass *glass; /* NULL: no glass on this machine, the test is skipped */
	Blobs *blobs;
	Layers *layers;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	fixture->home = g_dir_make_tmp("glass-run-XXXXXX", NULL);
	g_assert_cmpint(chmod(fixture->home, 0755), ==, 0);
	fixture->glass = glass_open(fixture->home, &error);
	if (g_error_matches(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED)) {
		g_test_skip(error->message);
		return;
	}
	g_assert_no_error(error);
	fixture->blobs = blobs_open(fixture->home, &error);
	g_assert_no_error(error);
	fixture->layers = layers_new(fixture->glass, fixture->blobs);
}

static void run_shell(const char *script) {
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	g_autoptr(GError) error = NULL;
	int status = 0;
	g_spawn_sync(
		NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
	g_assert_no_error(error);
	g_assert_cmpint(status, ==, 0);
}

static void tear_down(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	layers_free(fixture->layers);
	blobs_free(fixture->blobs);
	if (fixture->glass) {
		const char *const argv[] = {"sh", "-c",
			"umount " GLASS_HOME "/run/merged; "
			"rm -rf " GLASS_HOME "/layers " GLASS_HOME "/run",
			NULL};
		glass_run_sync(fixture->glass, NULL, argv, NULL, NULL, NULL, NULL, NULL);
		glass_destroy(fixture->glass, &error);
		g_assert_no_error(error);
	}
	g_autofree char *script = g_strdup_printf("rm -rf '%s'", fixture->home);
	run_shell(script);
	g_free(fixture->home);
}

/* The digest of a tar made of what `script` leaves in a new folder. */
static char *put_layer(Blobs *blobs, const char *script) {
	g_autofree char *folder = g_dir_make_tmp("layer-XXXXXX", NULL);
	g_autofree char *tar = g_strconcat(folder, ".tar.gz", NULL);
	g_autofree char *whole =
		g_strdup_printf("set -e; cd '%s'; chmod 755 .; %s; "
				"tar --owner=0 --group=0 --numeric-owner -czf '%s' .; rm -r '%s'",
			folder, script, tar, folder);
	run_shell(whole);
	g_autofree char *bytes = NULL;
	gsize length;
	g_assert_true(g_file_get_contents(tar, &bytes, &length, NULL));
	g_assert_cmpint(unlink(tar), ==, 0);
	return blobs_put(blobs, bytes, length, NULL);
}

static Image *put_image(Blobs *blobs, const char *bottom, const char *top) {
	g_autoptr(GError) error = NULL;
	g_autofree char *config = g_strdup_printf(
		"{\"os\":\"linux\",\"architecture\":\"%s\",\"config\":{\"User\":\"app\","
		"\"Env\":[\"GREETING=hello\"],\"Cmd\":[\"/bin/sh\",\"-c\","
		"\"echo $GREETING $(id -u):$(id -g) $(hostname) $(ls /data)\"]}}",
		image_host_architecture());
	g_autofree char *config_digest = blobs_put(blobs, config, strlen(config), NULL);
	g_autofree char *manifest = g_strdup_printf(
		"{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":1},\"layers\":["
		"{\"digest\":\"%s\",\"size\":1},{\"digest\":\"%s\",\"size\":1}]}",
		config_digest, bottom, top);
	g_autofree char *digest = blobs_put(blobs, manifest, strlen(manifest), NULL);
	Image *image = image_open(blobs, digest, &error);
	g_assert_no_error(error);
	return image;
}

static void keep_result(GObject *source, GAsyncResult *result, gpointer data) {
	*(GAsyncResult **)data = g_object_ref(result);
}

static void wait_for(GAsyncResult **result) {
	while (!*result)
		g_main_context_iteration(NULL, TRUE);
}

static char *run_image(Fixture *fixture, const Image *image, char **folders) {
	g_autoptr(GError) error = NULL;
	g_autofree char *bundle = glass_make_folder(fixture->glass, "run", &error);
	g_assert_no_error(error);
	g_autofree char *merged = g_build_filename(bundle, "merged", NULL);
	g_autoptr(ContainerSpec) spec = container_spec_new("web", image->digest);
	spec->environment = g_strsplit("GREETING=hi", ",", -1);
	/* The accounts of the image are in its lower layer, where they can be read before the
	 * mount. */
	g_autofree char *hex = g_path_get_basename(folders[1]);
	g_autofree char *accounts = g_build_filename(fixture->home, "layers", hex, NULL);
	OciPlace place = {.root = accounts, .hostname = "task-1", .file_limit = 1024};
	g_autofree char *config = oci_config(spec, image->config, &place, NULL, &error);
	g_assert_no_error(error);
	g_auto(GStrv) parts = g_strsplit(config, accounts, -1);
	g_autofree char *text = g_strjoinv(merged, parts);
	g_autoptr(GBytes) input = g_bytes_new(text, strlen(text));
	g_autofree char *lower = g_strjoinv(":", folders);
	g_autofree char *script = g_strdup_printf(
		"set -e; cd %s; cat > config.json; mkdir merged upper work; "
		"mount -t overlay overlay -o userxattr,lowerdir=%s,upperdir=upper,workdir=work "
		"merged; "
		"exec crun --root /run/crun --cgroup-manager=disabled run -b . t1 < /dev/null",
		bundle, lower);
	const char *const argv[] = {"sh", "-c", script, NULL};
	g_autoptr(GBytes) output = NULL;
	glass_run_sync(fixture->glass, NULL, argv, NULL, input, &output, NULL, &error);
	g_assert_no_error(error);
	gsize length;
	const char *said = g_bytes_get_data(output, &length);
	return g_strchomp(g_strndup(said, length));
}

static void test_image(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	if (!fixture->glass)
		return;
	g_assert_true(g_file_test(BUSYBOX, G_FILE_TEST_EXISTS)); /* package busybox-static */
	g_autofree char *bottom = put_layer(fixture->blobs,
		"mkdir bin etc proc sys dev data; cp " BUSYBOX " bin; cd bin; "
		"for a in sh id hostname ls; do ln -s busybox $a; done; cd ..; "
		"echo app:x:101:102::/: > etc/passwd; touch data/old data/kept");
	g_autofree char *top = put_layer(fixture->blobs, "mkdir data; touch data/.wh.old data/new");
	g_autoptr(Image) image = put_image(fixture->blobs, bottom, top);

	g_autoptr(GAsyncResult) first = NULL;
	g_autoptr(GAsyncResult) second = NULL;
	layers_unpack_async(fixture->layers, image, keep_result, &first);
	layers_unpack_async(fixture->layers, image, keep_result, &second);
	wait_for(&first);
	wait_for(&second);
	g_auto(GStrv) folders = layers_unpack_finish(fixture->layers, first, &error);
	g_assert_no_error(error);
	g_auto(GStrv) same = layers_unpack_finish(fixture->layers, second, &error);
	g_assert_true(g_strv_equal((const char *const *)folders, (const char *const *)same));
	g_assert_cmpuint(g_strv_length(folders), ==, 2);
	g_assert_true(g_str_has_suffix(folders[0], top + strlen("sha256:")));

	g_autofree char *said = run_image(fixture, image, folders);
	g_assert_cmpstr(said, ==, "hi 101:102 task-1 kept new");
}

static void test_broken(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	if (!fixture->glass)
		return;
	g_autofree char *bad = blobs_put(fixture->blobs, "\x1f\x8b no", 5, NULL);
	g_autoptr(Image) image = put_image(fixture->blobs, bad, bad);
	g_autoptr(GAsyncResult) result = NULL;
	layers_unpack_async(fixture->layers, image, keep_result, &result);
	wait_for(&result);
	g_assert_null(layers_unpack_finish(fixture->layers, result, &error));
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, "failed to register layer"));
	g_autofree char *folder = g_build_filename(fixture->home, "layers", NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	g_assert_null(g_dir_read_name(dir));
}

int main(int argc, char **argv) {
	if (argc > 1 && g_str_equal(argv[1], "glass-init"))
		return glass_init_main(argc, argv);
	g_test_init(&argc, &argv, NULL);
	g_test_add("/run/image", Fixture, NULL, set_up, test_image, tear_down);
	g_test_add("/run/broken-layer", Fixture, NULL, set_up, test_broken, tear_down);
	return g_test_run();
}
