/*
 * ECR's images: which manifests a repository holds, and what its tags mean. A record is {digest,
 * mediaType, size, pushedAt, number} and, where the manifest says so, {artifactType, subject,
 * annotations, manifests}; number counts pushes, for those of one millisecond.
 */
#include <string.h>

#include "base/text.h"
#include "region/services/ecr/internal.h"
#include "value/json.h"

#define LARGEST_MANIFEST (4 * 1024 * 1024)

/* ---- reading ---- */

Value ecr_image(Region *region, StoreScope scope, const char *repository, const char *digest) {
	g_autofree char *key = ecr_key(repository, digest);
	return store_get(region_store(region), scope, ECR_IMAGES, key);
}

char *ecr_tag_digest(Region *region, StoreScope scope, const char *repository, const char *tag) {
	g_autofree char *key = ecr_key(repository, tag);
	g_auto(Value) found = store_get(region_store(region), scope, ECR_TAGS, key);
	return g_strdup(value_get_text(found, "digest"));
}

GBytes *ecr_image_manifest(Region *region, const char *digest, GError **error) {
	return blobs_read(region_blobs(region), digest, LARGEST_MANIFEST, error);
}

GHashTable *ecr_tags_by_digest(Region *region, StoreScope scope, const char *repository) {
	GHashTable *tags = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	g_autofree char *prefix = ecr_key(repository, "");
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, ECR_TAGS, prefix);
	const char *id;
	Value tag;
	while (store_iter_next(&iter, &id, &tag)) {
		const char *digest = value_get_text(tag, "digest");
		GPtrArray *names = g_hash_table_lookup(tags, digest);
		if (!names) {
			names = g_ptr_array_new_with_free_func(g_free);
			g_hash_table_insert(tags, g_strdup(digest), names);
		}
		g_ptr_array_add(names, g_strdup(id + strlen(prefix)));
	}
	return tags;
}

static gboolean names_manifest(Value image, const char *digest) {
	Value manifests = value_get(image, "manifests");
	for (gsize i = 0; i < value_length(manifests); i++)
		if (g_strcmp0(value_text(value_at(manifests, i)), digest) == 0)
			return TRUE;
	return FALSE;
}

char *ecr_image_parent(
	Region *region, StoreScope scope, const char *repository, const char *digest) {
	g_autofree char *prefix = ecr_key(repository, "");
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, ECR_IMAGES, prefix);
	const char *id;
	Value image;
	while (store_iter_next(&iter, &id, &image))
		if (names_manifest(image, digest))
			return g_strdup(id + strlen(prefix));
	return NULL;
}

/* ---- referrers ---- */

static Value copy_member(Value to_taken, Value from, const char *member) {
	return value_has(from, member)
		       ? value_with_take(to_taken, member, value_ref(value_get(from, member)))
		       : to_taken;
}

static Value descriptor_of(Region *region, Value image) {
	goffset size = 0;
	const char *digest = value_get_text(image, "digest");
	blobs_has(region_blobs(region), digest, &size);
	Value descriptor = value_object_take("mediaType", value_ref(value_get(image, "mediaType")),
		"digest", value_string(digest), "size", value_int(size), NULL);
	static const char *const more[] = {"artifactType", "annotations"};
	for (gsize i = 0; i < G_N_ELEMENTS(more); i++)
		descriptor = copy_member(descriptor, image, more[i]);
	return descriptor;
}

static gboolean is_of(Value image, Value types) {
	for (gsize i = 0; i < value_length(types); i++)
		if (g_strcmp0(value_get_text(image, "artifactType"),
			    value_text(value_at(types, i))) == 0)
			return TRUE;
	return value_length(types) == 0;
}

Value ecr_image_referrers(
	Region *region, StoreScope scope, const char *repository, const char *digest, Value types) {
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *prefix = ecr_key(repository, "");
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, ECR_IMAGES, prefix);
	Value image;
	while (store_iter_next(&iter, NULL, &image))
		if (g_strcmp0(value_get_text(image, "subject"), digest) == 0 && is_of(image, types))
			value_builder_add_take(found, descriptor_of(region, image));
	return value_builder_end(g_steal_pointer(&found));
}

/* ---- what a manifest needs ---- */

static gboolean check_blob(
	Region *region, const char *repository, const ImageDescriptor *blob, GError **error) {
	if (blobs_has(region_blobs(region), blob->digest, NULL))
		return TRUE;
	wire_error_set(error, "LayersNotFoundException",
		"The layer with digest '%s' required by this image does not exist in the "
		"repository with name '%s'",
		blob->digest, repository);
	return FALSE;
}

/* Bytes of a manifest's config and layers, which must be there. -1: they are not. */
static gint64 size_of_manifest(
	Region *region, const char *repository, const ImageManifest *manifest, GError **error) {
	gint64 size = manifest->config->size;
	if (!check_blob(region, repository, manifest->config, error))
		return -1;
	for (guint i = 0; i < manifest->layers->len; i++) {
		const ImageDescriptor *layer = g_ptr_array_index(manifest->layers, i);
		if (!check_blob(region, repository, layer, error))
			return -1;
		size += layer->size;
	}
	return size;
}

/* Of an index: the largest of its images. */
static gint64 size_of_index(Region *region, StoreScope scope, const char *repository,
	const ImageManifest *index, GError **error) {
	gint64 size = 0;
	for (guint i = 0; i < index->manifests->len; i++) {
		const ImageDescriptor *entry = g_ptr_array_index(index->manifests, i);
		g_auto(Value) image = ecr_image(region, scope, repository, entry->digest);
		if (value_is_null(image)) {
			wire_error_set(error, "ReferencedImagesNotFoundException",
				"Images with digests '[%s]' required for pushing image into "
				"repository with name '%s' in the registry with id '%s' do not "
				"exist",
				entry->digest, repository, scope.account);
			return -1;
		}
		size = MAX(size, value_get_int(image, "size", 0));
	}
	return size;
}

static Value digests_of(GPtrArray *descriptors) {
	g_autoptr(ValueBuilder) digests = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < descriptors->len; i++) {
		const ImageDescriptor *each = g_ptr_array_index(descriptors, i);
		value_builder_add_take(digests, value_string(each->digest));
	}
	return value_builder_end(g_steal_pointer(&digests));
}

/* ---- pushing ---- */

/* Whether the tag may be given another meaning. */
static gboolean is_fixed(Value repository, const char *tag) {
	const char *mutability = value_get_text(repository, "imageTagMutability");
	Value filters = value_get(repository, "imageTagMutabilityExclusionFilters");
	gboolean fixed = g_str_has_prefix(mutability, "IMMUTABLE");
	for (gsize i = 0; i < value_length(filters); i++)
		if (text_wildcard_match(value_get_text(value_at(filters, i), "filter"), tag))
			return !fixed;
	return fixed;
}

static gboolean put_tag(Region *region, StoreScope scope, Value repository, const char *tag,
	const char *digest, GError **error) {
	const char *name = value_get_text(repository, "repositoryName");
	g_autofree char *before = ecr_tag_digest(region, scope, name, tag);
	if (g_strcmp0(before, digest) == 0)
		return TRUE;
	if (before && is_fixed(repository, tag)) {
		wire_error_set(error, "ImageTagAlreadyExistsException",
			"The image tag '%s' already exists in the '%s' repository and cannot be "
			"overwritten because the repository is immutable.",
			tag, name);
		return FALSE;
	}
	g_autofree char *key = ecr_key(name, tag);
	store_put_take(region_store(region), scope, ECR_TAGS, key,
		value_object_take("digest", value_string(digest), NULL));
	return TRUE;
}

static Value record_of(Region *region, StoreScope scope, const char *digest,
	const ImageManifest *manifest, GBytes *document, gint64 size) {
	gsize length;
	const char *text = g_bytes_get_data(document, &length);
	g_auto(Value) json = value_from_json(text, (gssize)length, NULL);
	Value record = value_object_take("digest", value_string(digest), "mediaType",
		value_string(manifest->media_type), "size", value_int(size), "pushedAt",
		region_timestamp(region), "number",
		value_int(store_next(region_store(region), scope, "ecr/push")), NULL);
	const char *subject = value_text(value_get_path(json, "subject", "digest", NULL));
	const char *type = manifest->artifact_type;
	if (!type && manifest->config)
		type = manifest->config->media_type;
	if (subject)
		record = value_with_take(record, "subject", value_string(subject));
	if (type)
		record = value_with_take(record, "artifactType", value_string(type));
	if (manifest->is_index)
		record = value_with_take(record, "manifests", digests_of(manifest->manifests));
	return copy_member(record, json, "annotations");
}

static ImageManifest *parse(GBytes *document, const char *media_type, GError **error) {
	g_autoptr(GError) local = NULL;
	ImageManifest *manifest = image_manifest_parse(document, media_type, &local);
	if (!manifest)
		wire_error_set(error, "InvalidParameterException",
			"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '%s'",
			local->message);
	return manifest;
}

gboolean ecr_image_put(Region *region, StoreScope scope, const char *repository, const char *tag,
	GBytes *document, const char *media_type, char **digest, GError **error) {
	g_auto(Value) there = ecr_repository(region, scope, repository, error);
	if (value_is_null(there))
		return FALSE;
	g_autoptr(ImageManifest) manifest = parse(document, media_type, error);
	if (!manifest)
		return FALSE;
	gint64 size = manifest->is_index ? size_of_index(region, scope, repository, manifest, error)
					 : size_of_manifest(region, repository, manifest, error);
	if (size < 0)
		return FALSE;
	gsize length;
	const void *bytes = g_bytes_get_data(document, &length);
	g_autofree char *made = blobs_put(region_blobs(region), bytes, length, error);
	if (!made || (tag && !put_tag(region, scope, there, tag, made, error)))
		return FALSE;
	g_autofree char *key = ecr_key(repository, made);
	if (!store_has(region_store(region), scope, ECR_IMAGES, key))
		store_put_take(region_store(region), scope, ECR_IMAGES, key,
			record_of(region, scope, made, manifest, document, size));
	if (digest)
		*digest = g_steal_pointer(&made);
	return TRUE;
}

/* ---- removing ---- */

static void delete_tags_of(
	Region *region, StoreScope scope, const char *repository, const char *digest) {
	g_autofree char *prefix = ecr_key(repository, "");
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, ECR_TAGS, prefix);
	const char *id;
	Value tag;
	while (store_iter_next(&iter, &id, &tag))
		if (g_strcmp0(value_get_text(tag, "digest"), digest) == 0)
			store_delete(region_store(region), scope, ECR_TAGS, id);
}

void ecr_image_delete(
	Region *region, StoreScope scope, const char *repository, const char *digest) {
	g_autofree char *key = ecr_key(repository, digest);
	delete_tags_of(region, scope, repository, digest);
	store_delete(region_store(region), scope, ECR_IMAGES, key);
}

void ecr_tag_delete(Region *region, StoreScope scope, const char *repository, const char *tag) {
	g_autofree char *digest = ecr_tag_digest(region, scope, repository, tag);
	g_autofree char *key = ecr_key(repository, tag);
	store_delete(region_store(region), scope, ECR_TAGS, key);
	g_autoptr(GHashTable) left = ecr_tags_by_digest(region, scope, repository);
	g_autofree char *parent =
		digest ? ecr_image_parent(region, scope, repository, digest) : NULL;
	if (digest && !parent && !g_hash_table_contains(left, digest))
		ecr_image_delete(region, scope, repository, digest);
}

void ecr_images_delete_all(Region *region, StoreScope scope, const char *repository) {
	g_autofree char *prefix = ecr_key(repository, "");
	static const char *const kinds[] = {ECR_TAGS, ECR_IMAGES};
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_auto(StoreIter) iter =
			store_iter_prefix(region_store(region), scope, kinds[i], prefix);
		const char *id;
		Value object;
		while (store_iter_next(&iter, &id, &object))
			store_delete(region_store(region), scope, kinds[i], id);
	}
}
