/*
 * libFuzzer: what an image says turned into what crun is told. The bytes are the config's, then
 * after zero bytes /etc/passwd and /etc/group of the image.
 */
#include "fuzz.h"

#include <glib/gstdio.h>
#include <string.h>

#include "glass/oci.h"

/* The bytes up to the next zero; *data and *size go on behind it. */
static GBytes *part(const uint8_t **data, size_t *size) {
	const uint8_t *end = *size ? memchr(*data, 0, *size) : NULL;
	size_t length = end ? (size_t)(end - *data) : *size;
	GBytes *bytes = g_bytes_new(*data, length);
	*data += length + (end != NULL);
	*size -= length + (end != NULL);
	return bytes;
}

static void write_part(const char *name, const uint8_t **data, size_t *size) {
	g_autoptr(GBytes) bytes = part(data, size);
	gsize length;
	const void *text = g_bytes_get_data(bytes, &length);
	g_autofree char *path = fuzz_file(name, text ? text : "", length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autofree char *etc = g_build_filename(fuzz_folder(), "etc", NULL);
	g_mkdir(etc, 0755);
	g_autoptr(GBytes) document = part(&data, &size);
	g_autoptr(ImageConfig) config = image_config_parse(document, NULL);
	if (!config)
		return 0;
	write_part("etc/passwd", &data, &size);
	write_part("etc/group", &data, &size);
	g_autoptr(ContainerSpec) spec = container_spec_new("app", "sha256:0");
	const OciPlace place = {.root = fuzz_folder(), .hostname = "host"};
	g_autoptr(GPtrArray) differences = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	g_autofree char *text = oci_config(spec, config, &place, differences, &error);
	g_assert_true(!text == !!error);
	return 0;
}
