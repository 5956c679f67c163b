/*
 * Manifests, indexes and configs of images, read from JSON that outsiders wrote: every member is
 * checked before it is believed, every digest before it is used. Relies on the blob store; runs
 * nothing.
 */
#include "glass/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <jansson.h>

#define DOCUMENT_LIMIT (4 * 1024 * 1024) /* the distribution specification's least maximum */
#define DOCKER_SCHEMA_1 "application/vnd.docker.distribution.manifest.v1"

G_DEFINE_QUARK(image - error - quark, image_error)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* ---- reading JSON ---- */

static json_t *parse(GBytes *document, const char *what, GError **error) {
	json_error_t place;
	gsize length = 0;
	const char *text = g_bytes_get_data(document, &length);
	json_t *root = json_loadb(text ? text : "", length, 0, &place);
	if (json_is_object(root))
		return root;
	g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID, "the %s is not a JSON object: %s",
		what, root ? "it is something else" : place.text);
	json_decref(root);
	return NULL;
}

static char *copy_string(json_t *object, const char *name) {
	const char *text = json_string_value(json_object_get(object, name));
	return text && *text ? g_strdup(text) : NULL;
}

/* An array of strings; NULL if it is absent, empty or null. */
static char **copy_strings(json_t *object, const char *name) {
	g_autoptr(GStrvBuilder) strings = g_strv_builder_new();
	json_t *array = json_object_get(object, name), *item;
	gsize index;
	json_array_foreach(array, index, item) {
		if (json_is_string(item))
			g_strv_builder_add(strings, json_string_value(item));
	}
	return json_array_size(array) ? g_strv_builder_end(strings) : NULL;
}

/* The keys of an object, "key=value" where values are strings; NULL if there are none. */
static char **copy_keys(json_t *object, const char *name) {
	g_autoptr(GStrvBuilder) strings = g_strv_builder_new();
	json_t *members = json_object_get(object, name), *value;
	const char *key;
	json_object_foreach(members, key, value) {
		g_autofree char *pair = json_is_string(value) ? g_strdup_printf("%s=%s", key,
									json_string_value(value))
							      : g_strdup(key);
		g_strv_builder_add(strings, pair);
	}
	return json_object_size(members) ? g_strv_builder_end(strings) : NULL;
}

/* ---- manifests ---- */

static void descriptor_free(gpointer data) {
	ImageDescriptor *descriptor = data;
	if (!descriptor)
		return;
	g_free(descriptor->media_type);
	g_free(descriptor->digest);
	g_free(descriptor->os);
	g_free(descriptor->architecture);
	g_free(descriptor->variant);
	g_free(descriptor);
}

void image_manifest_free(ImageManifest *manifest) {
	if (!manifest)
		return;
	g_free(manifest->media_type);
	g_free(manifest->artifact_type);
	descriptor_free(manifest->config);
	g_ptr_array_unref(manifest->layers);
	g_ptr_array_unref(manifest->manifests);
	g_free(manifest);
}

static ImageDescriptor *descriptor_parse(json_t *object, const char *what, GError **error) {
	json_t *size = json_object_get(object, "size");
	const char *digest = json_string_value(json_object_get(object, "digest"));
	if (!blobs_digest_valid(digest) || !json_is_integer(size) || json_integer_value(size) < 0) {
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
			"the manifest's %s needs a sha256 digest and a size (digest: %s)", what,
			digest ? digest : "absent");
		return NULL;
	}
	ImageDescriptor *descriptor = g_new0(ImageDescriptor, 1);
	json_t *platform = json_object_get(object, "platform");
	descriptor->media_type = copy_string(object, "mediaType");
	descriptor->digest = g_strdup(digest);
	descriptor->size = json_integer_value(size);
	descriptor->os = copy_string(platform, "os");
	descriptor->architecture = copy_string(platform, "architecture");
	descriptor->variant = copy_string(platform, "variant");
	return descriptor;
}

static gboolean descriptors_parse(
	json_t *root, const char *name, GPtrArray *descriptors, GError **error) {
	json_t *array = json_object_get(root, name), *item;
	gsize index;
	if (!json_is_array(array)) {
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
			"the manifest has no array \"%s\"", name);
		return FALSE;
	}
	json_array_foreach(array, index, item) {
		g_autofree char *what = g_strdup_printf("%s[%" G_GSIZE_FORMAT "]", name, index);
		ImageDescriptor *descriptor = descriptor_parse(item, what, error);
		if (!descriptor)
			return FALSE;
		g_ptr_array_add(descriptors, descriptor);
	}
	return TRUE;
}

/* The document's media type: what it says itself, what the client said, or what its members tell.
 */
static char *media_type_of(json_t *root, const char *said, GError **error) {
	const char *own = json_string_value(json_object_get(root, "mediaType"));
	gsize length = said ? strcspn(said, "; ") : 0;
	g_autofree char *given = length ? g_strndup(said, length) : NULL;
	if (own && given && !g_str_equal(own, given)) {
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
			"the manifest says it is %s, the client says it is %s", own, given);
		return NULL;
	}
	if (own)
		return g_strdup(own);
	if (given)
		return g_steal_pointer(&given);
	if (json_object_get(root, "fsLayers"))
		return g_strdup(DOCKER_SCHEMA_1 "+json");
	return g_strdup(json_object_get(root, "manifests") ? IMAGE_OCI_INDEX : IMAGE_OCI_MANIFEST);
}

static gboolean media_type_check(ImageManifest *manifest, GError **error) {
	const char *type = manifest->media_type;
	manifest->is_index =
		g_str_equal(type, IMAGE_OCI_INDEX) || g_str_equal(type, IMAGE_DOCKER_LIST);
	if (manifest->is_index || g_str_equal(type, IMAGE_OCI_MANIFEST) ||
		g_str_equal(type, IMAGE_DOCKER_MANIFEST))
		return TRUE;
	if (g_str_has_prefix(type, DOCKER_SCHEMA_1))
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
			"Docker image manifest version 2, schema 1 is not supported; push the "
			"image with a "
			"current client");
	else
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
			"manifests of media type %s are not supported", type);
	return FALSE;
}

ImageManifest *image_manifest_parse(GBytes *document, const char *media_type, GError **error) {
	g_autoptr(json_t) root = parse(document, "manifest", error);
	if (!root)
		return NULL;
	g_autoptr(ImageManifest) manifest = g_new0(ImageManifest, 1);
	manifest->layers = g_ptr_array_new_with_free_func(descriptor_free);
	manifest->manifests = g_ptr_array_new_with_free_func(descriptor_free);
	manifest->artifact_type = copy_string(root, "artifactType");
	manifest->media_type = media_type_of(root, media_type, error);
	if (!manifest->media_type || !media_type_check(manifest, error))
		return NULL;
	if (json_integer_value(json_object_get(root, "schemaVersion")) != 2) {
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
			"the manifest's schemaVersion is not 2");
		return NULL;
	}
	if (manifest->is_index) {
		if (!descriptors_parse(root, "manifests", manifest->manifests, error))
			return NULL;
		return g_steal_pointer(&manifest);
	}
	manifest->config = descriptor_parse(json_object_get(root, "config"), "config", error);
	if (!manifest->config || !descriptors_parse(root, "layers", manifest->layers, error))
		return NULL;
	return g_steal_pointer(&manifest);
}

const char *image_host_architecture(void) {
	static const char *const names[][2] = {
		{"x86_64", "amd64"},
		{"aarch64", "arm64"},
		{"armv7l", "arm"},
		{"i686", "386"},
		{"ppc64le", "ppc64le"},
		{"riscv64", "riscv64"},
		{"s390x", "s390x"},
	};
	struct utsname host;
	if (uname(&host) == 0) {
		for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
			if (g_str_equal(host.machine, names[i][0]))
				return names[i][1];
		}
	}
	return "unknown";
}

const ImageDescriptor *image_manifest_for_host(const ImageManifest *index) {
	for (guint i = 0; i < index->manifests->len; i++) {
		const ImageDescriptor *entry = index->manifests->pdata[i];
		if (g_strcmp0(entry->os, "linux") == 0 &&
			g_strcmp0(entry->architecture, image_host_architecture()) == 0)
			return entry;
	}
	return NULL;
}

/* ---- configs ---- */

void image_config_free(ImageConfig *config) {
	if (!config)
		return;
	char **const lists[] = {config->environment, config->command, config->entry_point,
		config->exposed_ports, config->volumes, config->labels, config->diff_ids};
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
		g_strfreev(lists[i]);
	g_free(config->os);
	g_free(config->architecture);
	g_free(config->created);
	g_free(config->user);
	g_free(config->working_directory);
	g_free(config->stop_signal);
	if (config->healthcheck)
		g_strfreev(config->healthcheck->test);
	g_free(config->healthcheck);
	g_free(config);
}

static ImageHealthcheck *healthcheck_parse(json_t *object) {
	char **test = copy_strings(object, "Test");
	if (!test)
		return NULL;
	ImageHealthcheck *check = g_new0(ImageHealthcheck, 1);
	check->test = test;
	check->interval = json_integer_value(json_object_get(object, "Interval"));
	check->timeout = json_integer_value(json_object_get(object, "Timeout"));
	check->start_period = json_integer_value(json_object_get(object, "StartPeriod"));
	check->retries = (int)json_integer_value(json_object_get(object, "Retries"));
	return check;
}

ImageConfig *image_config_parse(GBytes *document, GError **error) {
	g_autoptr(json_t) root = parse(document, "image config", error);
	if (!root)
		return NULL;
	json_t *run = json_object_get(root, "config");
	ImageConfig *config = g_new0(ImageConfig, 1);
	config->os = copy_string(root, "os");
	config->architecture = copy_string(root, "architecture");
	config->created = copy_string(root, "created");
	config->diff_ids = copy_strings(json_object_get(root, "rootfs"), "diff_ids");
	config->environment = copy_strings(run, "Env");
	config->command = copy_strings(run, "Cmd");
	config->entry_point = copy_strings(run, "Entrypoint");
	config->user = copy_string(run, "User");
	config->working_directory = copy_string(run, "WorkingDir");
	config->stop_signal = copy_string(run, "StopSignal");
	config->exposed_ports = copy_keys(run, "ExposedPorts");
	config->volumes = copy_keys(run, "Volumes");
	config->labels = copy_keys(run, "Labels");
	config->healthcheck = healthcheck_parse(json_object_get(run, "Healthcheck"));
	return config;
}

/* ---- images in the store ---- */

void image_free(Image *image) {
	if (!image)
		return;
	g_free(image->digest);
	g_free(image->manifest_digest);
	image_manifest_free(image->manifest);
	image_config_free(image->config);
	g_free(image);
}

static ImageManifest *read_manifest(Blobs *blobs, const char *digest, GError **error) {
	g_autoptr(GBytes) document = blobs_read(blobs, digest, DOCUMENT_LIMIT, error);
	return document ? image_manifest_parse(document, NULL, error) : NULL;
}

/* The manifest to run: of an index, this host's. */
static gboolean resolve(Blobs *blobs, Image *image, GError **error) {
	image->manifest_digest = g_strdup(image->digest);
	image->manifest = read_manifest(blobs, image->digest, error);
	if (!image->manifest || !image->manifest->is_index)
		return image->manifest != NULL;
	const ImageDescriptor *entry = image_manifest_for_host(image->manifest);
	if (!entry) {
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
			"image Manifest does not contain descriptor matching platform 'linux/%s'",
			image_host_architecture());
		return FALSE;
	}
	g_free(image->manifest_digest);
	image->manifest_digest = g_strdup(entry->digest);
	g_clear_pointer(&image->manifest, image_manifest_free);
	image->manifest = read_manifest(blobs, image->manifest_digest, error);
	if (image->manifest && image->manifest->is_index)
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
			"an index within an index is not supported");
	return image->manifest && !image->manifest->is_index;
}

static gboolean check_layers(Blobs *blobs, Image *image, GError **error) {
	image->size = image->manifest->config->size;
	for (guint i = 0; i < image->manifest->layers->len; i++) {
		const ImageDescriptor *layer = image->manifest->layers->pdata[i];
		image->size += layer->size;
		if (!blobs_has(blobs, layer->digest, NULL)) {
			g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_MISSING,
				"layer %s of image %s is not in the store", layer->digest,
				image->digest);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean check_platform(const ImageConfig *config, GError **error) {
	const char *host = image_host_architecture();
	if ((!config->os || g_str_equal(config->os, "linux")) &&
		(!config->architecture || g_str_equal(config->architecture, host)))
		return TRUE;
	g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
		"the image is for %s/%s, this machine is linux/%s",
		config->os ? config->os : "linux",
		config->architecture ? config->architecture : host, host);
	return FALSE;
}

Image *image_open(Blobs *blobs, const char *digest, GError **error) {
	g_autoptr(Image) image = g_new0(Image, 1);
	image->digest = g_strdup(digest);
	if (!resolve(blobs, image, error))
		return NULL;
	const char *config_digest = image->manifest->config->digest;
	g_autoptr(GBytes) document = blobs_read(blobs, config_digest, DOCUMENT_LIMIT, error);
	if (!document)
		return NULL;
	image->config = image_config_parse(document, error);
	if (!image->config || !check_platform(image->config, error) ||
		!check_layers(blobs, image, error))
		return NULL;
	return g_steal_pointer(&image);
}

void image_references(Blobs *blobs, const char *digest, GHashTable *referenced) {
	if (!g_hash_table_add(referenced, g_strdup(digest)))
		return;
	g_autoptr(ImageManifest) manifest = read_manifest(blobs, digest, NULL);
	if (!manifest)
		return;
	if (manifest->config)
		g_hash_table_add(referenced, g_strdup(manifest->config->digest));
	for (guint i = 0; i < manifest->layers->len; i++) {
		const ImageDescriptor *layer = manifest->layers->pdata[i];
		g_hash_table_add(referenced, g_strdup(layer->digest));
	}
	for (guint i = 0; i < manifest->manifests->len; i++) {
		const ImageDescriptor *entry = manifest->manifests->pdata[i];
		image_references(blobs, entry->digest, referenced);
	}
}

/* ---- image layouts ---- */

/* Copies one blob of a layout into the store, by way of an upload (hashed on the way). */
static gboolean import_blob(Blobs *blobs, const char *folder, const char *digest, GError **error) {
	if (blobs_has(blobs, digest, NULL))
		return TRUE;
	g_autofree char *path =
		g_build_filename(folder, "blobs", "sha256", digest + strlen("sha256:"), NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_MISSING,
			"the image layout lacks %s: %s", path, g_strerror(errno));
		return FALSE;
	}
	g_autofree char *upload = blobs_upload_begin(blobs, error);
	g_autofree char *chunk = g_malloc(1 << 20);
	gboolean done = upload != NULL;
	ssize_t got = 0;
	while (done && (got = read(fd, chunk, 1 << 20)) > 0)
		done = blobs_upload_append(blobs, upload, -1, chunk, (gsize)got, error);
	close(fd);
	if (done && got < 0) {
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_MISSING, "cannot read %s", path);
		done = FALSE;
	}
	done = done && blobs_upload_commit(blobs, upload, digest, error);
	if (!done && upload)
		blobs_upload_cancel(blobs, upload, NULL);
	return done;
}

/* A manifest or index of the layout and all that it names. */
static gboolean import_tree(
	Blobs *blobs, const char *folder, const char *digest, guint depth, GError **error) {
	if (!import_blob(blobs, folder, digest, error))
		return FALSE;
	g_autoptr(ImageManifest) manifest = read_manifest(blobs, digest, error);
	gboolean done = manifest != NULL;
	if (done && manifest->config)
		done = import_blob(blobs, folder, manifest->config->digest, error);
	for (guint i = 0; done && i < manifest->layers->len; i++) {
		const ImageDescriptor *layer = manifest->layers->pdata[i];
		done = import_blob(blobs, folder, layer->digest, error);
	}
	for (guint i = 0; done && depth > 0 && i < manifest->manifests->len; i++) {
		const ImageDescriptor *entry = manifest->manifests->pdata[i];
		done = import_tree(blobs, folder, entry->digest, depth - 1, error);
	}
	return done;
}

char *image_import_layout(Blobs *blobs, const char *folder, GError **error) {
	g_autofree char *path = g_build_filename(folder, "index.json", NULL);
	char *text = NULL;
	gsize length = 0;
	if (!g_file_get_contents(path, &text, &length, error))
		return NULL;
	g_autoptr(GBytes) document = g_bytes_new_take(text, length);
	g_autoptr(ImageManifest) index = image_manifest_parse(document, NULL, error);
	if (!index)
		return NULL;
	if (!index->is_index || index->manifests->len != 1) {
		g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
			"%s must name exactly one image, it names %u", path, index->manifests->len);
		return NULL;
	}
	const ImageDescriptor *entry = index->manifests->pdata[0];
	return import_tree(blobs, folder, entry->digest, 2, error) ? g_strdup(entry->digest) : NULL;
}
