/* libFuzzer: any bytes as an image's manifest or index, and as its config. */
#include "fuzz.h"

#include "glass/image.h"

static void read_manifest(GBytes *document, const char *media_type) {
	g_autoptr(GError) error = NULL;
	g_autoptr(ImageManifest) manifest = image_manifest_parse(document, media_type, &error);
	g_assert_true(!manifest == !!error);
	if (manifest && manifest->is_index)
		image_manifest_for_host(manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autoptr(GBytes) document = g_bytes_new(data, size);
	read_manifest(document, NULL);
	read_manifest(document, IMAGE_OCI_MANIFEST);
	read_manifest(document, IMAGE_DOCKER_LIST);
	g_autoptr(GError) error = NULL;
	g_autoptr(ImageConfig) config = image_config_parse(document, &error);
	g_assert_true(!config == !!error);
	return 0;
}
