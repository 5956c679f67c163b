/*
 * Images: OCI image manifests, indexes and configs, and Docker's version 2 schema 2 of the same.
 * Parsing only: nothing here touches the network or the glass.
 */
#pragma once

#include <gio/gio.h>

#include "glass/blobs.h"

#define IMAGE_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define IMAGE_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define IMAGE_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define IMAGE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define IMAGE_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define IMAGE_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

#define IMAGE_ERROR image_error_quark()
GQuark image_error_quark(void);
typedef enum {
	IMAGE_ERROR_INVALID, /* not a manifest, index or config */
	IMAGE_ERROR_UNSUPPORTED, /* one that we do not run: schema 1, another platform, an artifact
				  */
	IMAGE_ERROR_MISSING, /* names a blob that is not in the store */
} ImageError;

typedef struct {
	char *media_type;
	char *digest;
	gint64 size;
	char *os, *architecture, *variant; /* of an index's entries; or NULL */
} ImageDescriptor;

/* A manifest, or an index (manifest list) of them. */
typedef struct {
	gboolean is_index;
	char *media_type;
	char *artifact_type; /* or NULL */
	ImageDescriptor *config; /* NULL for an index */
	GPtrArray *layers; /* of ImageDescriptor, bottom first; empty for an index */
	GPtrArray *manifests; /* of ImageDescriptor; empty for a manifest */
} ImageManifest;

/* Parses. `media_type` is what the client said (Content-Type), or NULL to go by the document; if
 * both say one they must agree. */
ImageManifest *image_manifest_parse(GBytes *document, const char *media_type, GError **error);
void image_manifest_free(ImageManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageManifest, image_manifest_free)

/* Of an index, the entry for this host's platform ("linux", "amd64"), else NULL. Borrowed. */
const ImageDescriptor *image_manifest_for_host(const ImageManifest *index);
/* "amd64", "arm64", …: this host's architecture in OCI's words. */
const char *image_host_architecture(void);

/* Docker's HEALTHCHECK; times in nanoseconds as in the config, 0: default. */
typedef struct {
	char **test; /* {"CMD", …}, {"CMD-SHELL", "…"}, {"NONE"} */
	gint64 interval, timeout, start_period;
	int retries;
} ImageHealthcheck;

/* What an image says about how to run it. Absent members are NULL. */
typedef struct {
	char *os, *architecture, *created;
	char **environment; /* "NAME=value" */
	char **command, **entry_point;
	char *user, *working_directory, *stop_signal;
	char **exposed_ports; /* "80/tcp" */
	char **volumes; /* paths */
	char **labels; /* "name=value" */
	char **diff_ids; /* digests of the unpacked layers, bottom first */
	ImageHealthcheck *healthcheck;
} ImageConfig;

/* Reads an image's config document. NULL and an error if it is none. Caller frees. */
ImageConfig *image_config_parse(GBytes *document, GError **error);
void image_config_free(ImageConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageConfig, image_config_free)

/* An image ready to be unpacked: an index resolved to this host's manifest, its config read, and
 * every layer in the store. */
typedef struct {
	char *digest; /* as asked for */
	char *manifest_digest; /* of the manifest itself (differs when `digest` is an index) */
	ImageManifest *manifest;
	ImageConfig *config;
	gint64 size; /* bytes of config and layers, as AWS's imageSizeInBytes */
} Image;

/* Opens the image of a digest (manifest or index). NULL and an error if something of it is
 * missing or wrong, or it is not for this machine. Caller frees. */
Image *image_open(Blobs *blobs, const char *digest, GError **error);
void image_free(Image *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Image, image_free)

/* Adds every digest that the image `digest` (manifest or index) needs, itself included, to a set of
 * char* for blobs_gc. Missing ones are passed over. */
void image_references(Blobs *blobs, const char *digest, GHashTable *referenced);

/* Loads an OCI image layout folder (index.json, blobs/) or a docker-archive already unpacked as
 * such into the store. Returns the digest of its one image (caller frees). */
char *image_import_layout(Blobs *blobs, const char *folder, GError **error);
