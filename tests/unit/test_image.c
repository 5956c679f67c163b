/* Manifests, indexes and configs: what is read, what is refused and in which words. */
#include "glass/image.h"

#include <string.h>

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CONFIG                                                                                     \
	"{\"os\":\"linux\",\"architecture\":\"%s\",\"config\":{\"Env\":[\"A=b\",\"C=\"],"          \
	"\"Cmd\":[\"sh\",\"-c\"],\"Entrypoint\":null,\"User\":\"app:app\","                        \
	"\"WorkingDir\":\"/srv\",\"ExposedPorts\":{\"80/tcp\":{}},\"StopSignal\":\"SIGQUIT\","     \
	"\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"],\"Interval\":5000000000,\"Retries\":2}},"    \
	"\"rootfs\":{\"diff_ids\":[\"" A "\"]}}"

static ImageManifest *parse(const char *text, const char *media_type, GError **error) {
	g_autoptr(GBytes) document = g_bytes_new(text, strlen(text));
	return image_manifest_parse(document, media_type, error);
}

static void refuse(const char *text, const char *media_type, ImageError code) {
	g_autoptr(GError) error = NULL;
	g_assert_null(parse(text, media_type, &error));
	g_assert_error(error, IMAGE_ERROR, (int)code);
}

static void test_manifest(void) {
	g_autoptr(GError) error = NULL;
	g_autoptr(ImageManifest) manifest =
		parse("{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\",\"size\":7},"
		      "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\","
		      "\"digest\":\"" B "\",\"size\":9}]}",
			IMAGE_OCI_MANIFEST "; charset=utf-8", &error);
	g_assert_no_error(error);
	g_assert_false(manifest->is_index);
	g_assert_cmpstr(manifest->config->digest, ==, A);
	g_assert_cmpuint(manifest->layers->len, ==, 1);
	const ImageDescriptor *layer = manifest->layers->pdata[0];
	g_assert_cmpint(layer->size, ==, 9);
}

static void test_refused(void) {
	refuse("[]", NULL, IMAGE_ERROR_INVALID);
	refuse("{\"schemaVersion\":2", NULL, IMAGE_ERROR_INVALID);
	refuse("{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, IMAGE_ERROR_UNSUPPORTED);
	refuse("{\"schemaVersion\":2,\"mediaType\":\"text/plain\"}", NULL, IMAGE_ERROR_UNSUPPORTED);
	refuse("{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_OCI_INDEX "\",\"manifests\":[]}",
		IMAGE_OCI_MANIFEST, IMAGE_ERROR_INVALID);
	refuse("{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:../"
	       "x\",\"size\":1},\"layers\":[]}",
		NULL, IMAGE_ERROR_INVALID);
	refuse("{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\",\"size\":-1},\"layers\":[]}",
		NULL, IMAGE_ERROR_INVALID);
	refuse("{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\",\"size\":1}}", NULL,
		IMAGE_ERROR_INVALID);
}

static void test_config(void) {
	g_autoptr(GError) error = NULL;
	g_autofree char *text = g_strdup_printf(CONFIG, "amd64");
	g_autoptr(GBytes) document = g_bytes_new(text, strlen(text));
	g_autoptr(ImageConfig) config = image_config_parse(document, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(config->environment[0], ==, "A=b");
	g_assert_cmpstr(config->command[1], ==, "-c");
	g_assert_null(config->entry_point);
	g_assert_cmpstr(config->user, ==, "app:app");
	g_assert_cmpstr(config->working_directory, ==, "/srv");
	g_assert_cmpstr(config->exposed_ports[0], ==, "80/tcp");
	g_assert_cmpstr(config->stop_signal, ==, "SIGQUIT");
	g_assert_cmpint(config->healthcheck->interval, ==, G_GINT64_CONSTANT(5000000000));
	g_assert_cmpint(config->healthcheck->retries, ==, 2);
	g_assert_cmpstr(config->diff_ids[0], ==, A);
}

/* Puts a config for `architecture`, a layer, their manifest and an index of it; the index's digest.
 */
static char *put_image(Blobs *blobs, const char *architecture, char **manifest_digest) {
	g_autofree char *config = g_strdup_printf(CONFIG, architecture);
	g_autofree char *config_digest = blobs_put(blobs, config, strlen(config), NULL);
	g_autofree char *layer = blobs_put(blobs, "layer", 5, NULL);
	g_autofree char *manifest =
		g_strdup_printf("{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":100},"
				"\"layers\":[{\"digest\":\"%s\",\"size\":5}]}",
			config_digest, layer);
	*manifest_digest = blobs_put(blobs, manifest, strlen(manifest), NULL);
	g_autofree char *index = g_strdup_printf(
		"{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_DOCKER_LIST "\",\"manifests\":["
		"{\"digest\":\"" A "\",\"size\":1,\"platform\":{\"os\":\"windows\","
		"\"architecture\":\"%s\"}},{\"digest\":\"%s\",\"size\":1,\"platform\":"
		"{\"os\":\"linux\",\"architecture\":\"%s\"}}]}",
		architecture, *manifest_digest, architecture);
	return blobs_put(blobs, index, strlen(index), NULL);
}

static void test_open(void) {
	g_autoptr(GError) error = NULL;
	g_autofree char *home = g_dir_make_tmp("image-XXXXXX", NULL);
	g_autoptr(Blobs) blobs = blobs_open(home, NULL);
	g_autofree char *manifest = NULL, *foreign_manifest = NULL;
	g_autofree char *index = put_image(blobs, image_host_architecture(), &manifest);
	g_autoptr(Image) image = image_open(blobs, index, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(image->manifest_digest, ==, manifest);
	g_assert_cmpint(image->size, ==, 105);

	g_autoptr(GHashTable) set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	image_references(blobs, index, set);
	g_assert_cmpuint(g_hash_table_size(set), ==, 5);

	g_autofree char *foreign = put_image(blobs, "z80", &foreign_manifest);
	g_assert_null(image_open(blobs, foreign, &error));
	g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED);
	g_clear_error(&error);
	g_assert_null(image_open(blobs, foreign_manifest, &error));
	g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED);
	g_clear_error(&error);

	const ImageDescriptor *layer = image->manifest->layers->pdata[0];
	g_assert_true(blobs_delete(blobs, layer->digest, NULL));
	g_assert_null(image_open(blobs, index, &error));
	g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_MISSING);
	g_autofree char *command = g_strdup_printf("rm -r '%s'", home);
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/image/manifest", test_manifest);
	g_test_add_func("/image/refused", test_refused);
	g_test_add_func("/image/config", test_config);
	g_test_add_func("/image/open", test_open);
	return g_test_run();
}
