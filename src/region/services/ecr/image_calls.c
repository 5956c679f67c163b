/* ECR: the API's calls about images. */
#include <string.h>

#include "region/services/ecr/internal.h"

extern const RegionService region_ecr_images;

static const char *repository_of(Value input) {
	return value_get_text(input, "repositoryName");
}

/* ---- which image a call means ---- */

static Value failure(Value image_id, const char *code, const char *reason) {
	return value_object_take("imageId", value_ref(image_id), "failureCode", value_string(code),
		"failureReason", value_string(reason), NULL);
}

/* The digest of the image that {imageDigest, imageTag} names (caller frees); else NULL, and
 * *failed gets what the batch calls say. */
static char *find_image(RegionCall *call, Value input, Value image_id, Value *failed) {
	StoreScope scope = ecr_scope(call, input);
	const char *digest = value_get_text(image_id, "imageDigest");
	const char *tag = value_get_text(image_id, "imageTag");
	if (!digest && !tag)
		*failed = failure(image_id, "MissingDigestAndTag",
			"Invalid request parameters: both tag and digest cannot be null");
	else if (digest && !blobs_digest_valid(digest))
		*failed = failure(image_id, "InvalidImageDigest",
			"Invalid request parameters: image digest should satisfy the regex "
			"'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'");
	if (!value_is_null(*failed))
		return NULL;
	g_autofree char *tagged =
		tag ? ecr_tag_digest(call->region, scope, repository_of(input), tag) : NULL;
	const char *wanted = digest ? digest : tagged;
	g_auto(Value) image = wanted ? ecr_image(call->region, scope, repository_of(input), wanted)
				     : VALUE_NOTHING;
	if (value_is_null(image)) {
		*failed = failure(image_id, "ImageNotFound", "Requested image not found");
		return NULL;
	}
	if (digest && tag && g_strcmp0(tagged, digest) != 0) {
		*failed = failure(image_id, "ImageTagDoesNotMatchDigest",
			"Requested image tag does not match digest");
		return NULL;
	}
	return g_strdup(wanted);
}

/* ---- PutImage, BatchGetImage ---- */

static Value image_answer(RegionCall *call, Value input, const char *digest, const char *tag,
	const char *manifest, gsize length, const char *media_type) {
	Value id = value_object_take("imageDigest", value_string(digest), NULL);
	if (tag)
		id = value_with_take(id, "imageTag", value_string(tag));
	Value answer = value_with_take(ecr_answer(call, input), "imageId", id);
	answer = value_with_take(answer, "imageManifest", value_string_sized(manifest, length));
	return value_with_take(answer, "imageManifestMediaType", value_string(media_type));
}

/* PutImage refuses what is there already, unlike a push. */
static gboolean check_new(RegionCall *call, Value input, const char *digest, GError **error) {
	StoreScope scope = ecr_scope(call, input);
	const char *tag = value_get_text(input, "imageTag");
	g_auto(Value) image = ecr_image(call->region, scope, repository_of(input), digest);
	g_autofree char *tagged =
		tag ? ecr_tag_digest(call->region, scope, repository_of(input), tag) : NULL;
	if (value_is_null(image) || (tag && g_strcmp0(tagged, digest) != 0))
		return TRUE;
	wire_error_set(error, "ImageAlreadyExistsException",
		"Image with digest '%s' and tag '%s' already exists in the repository with name "
		"'%s' in registry with id '%s'",
		digest, tag ? tag : "null", repository_of(input), scope.account);
	return FALSE;
}

static gboolean check_digest(Value input, const char *digest, GError **error) {
	const char *said = value_get_text(input, "imageDigest");
	if (!said || g_str_equal(said, digest))
		return TRUE;
	wire_error_set(error, "ImageDigestDoesNotMatchException",
		"Image digest '%s' does not match with specified value '%s'", digest, said);
	return FALSE;
}

static Value put_image(RegionCall *call, Value input, GError **error) {
	StoreScope scope = ecr_scope(call, input);
	Value manifest = value_get(input, "imageManifest");
	const char *text = value_text(manifest);
	gsize length = value_text_length(manifest);
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	g_autofree char *digest = blobs_digest_of(text, length);
	if (!check_digest(input, digest, error) || !check_new(call, input, digest, error))
		return VALUE_NOTHING;
	g_autoptr(GBytes) document = g_bytes_new(text, length);
	if (!ecr_image_put(call->region, scope, repository_of(input),
		    value_get_text(input, "imageTag"), document,
		    value_get_text(input, "imageManifestMediaType"), NULL, error))
		return VALUE_NOTHING;
	g_auto(Value) image = ecr_image(call->region, scope, repository_of(input), digest);
	return value_object_take("image",
		image_answer(call, input, digest, value_get_text(input, "imageTag"), text, length,
			value_get_text(image, "mediaType")),
		NULL);
}

static gboolean is_accepted(Value accepted, const char *media_type) {
	for (gsize i = 0; i < value_length(accepted); i++)
		if (g_strcmp0(value_text(value_at(accepted, i)), media_type) == 0)
			return TRUE;
	return value_length(accepted) == 0;
}

/* One image's answer; null when its type is not accepted, which is no failure in ECR. */
static Value get_image(
	RegionCall *call, Value input, Value image_id, const char *digest, GError **error) {
	g_auto(Value) image =
		ecr_image(call->region, ecr_scope(call, input), repository_of(input), digest);
	const char *media_type = value_get_text(image, "mediaType");
	if (!is_accepted(value_get(input, "acceptedMediaTypes"), media_type))
		return VALUE_NOTHING;
	g_autoptr(GBytes) manifest = ecr_image_manifest(call->region, digest, error);
	if (!manifest)
		return VALUE_NOTHING;
	gsize length;
	const char *text = g_bytes_get_data(manifest, &length);
	return image_answer(call, input, digest, value_get_text(image_id, "imageTag"), text, length,
		media_type);
}

static Value batch_get(RegionCall *call, Value input, GError **error) {
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) images = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	Value ids = value_get(input, "imageIds");
	g_autoptr(GError) local = NULL;
	for (gsize i = 0; i < value_length(ids) && !local; i++) {
		g_auto(Value) failed = VALUE_NOTHING;
		g_autofree char *digest = find_image(call, input, value_at(ids, i), &failed);
		g_auto(Value) image =
			digest ? get_image(call, input, value_at(ids, i), digest, &local)
			       : VALUE_NOTHING;
		if (!digest)
			value_builder_add_take(failures, value_steal(&failed));
		else if (!value_is_null(image))
			value_builder_add_take(images, value_steal(&image));
	}
	if (local) {
		wire_error_set(error, "ServerException", "%s", local->message);
		return VALUE_NOTHING;
	}
	return value_object_take("images", value_builder_end(g_steal_pointer(&images)), "failures",
		value_builder_end(g_steal_pointer(&failures)), NULL);
}

/* ---- BatchDeleteImage ---- */

static void add_id(ValueBuilder *ids, const char *digest, const char *tag) {
	Value id = value_object_take("imageDigest", value_string(digest), NULL);
	value_builder_add_take(ids, tag ? value_with_take(id, "imageTag", value_string(tag)) : id);
}

static void delete_one(RegionCall *call, Value input, Value image_id, ValueBuilder *deleted,
	ValueBuilder *failures) {
	StoreScope scope = ecr_scope(call, input);
	const char *repository = repository_of(input);
	const char *tag = value_get_text(image_id, "imageTag");
	g_auto(Value) failed = VALUE_NOTHING;
	g_autofree char *digest = find_image(call, input, image_id, &failed);
	if (!digest) {
		value_builder_add_take(failures, value_steal(&failed));
		return;
	}
	if (tag) {
		ecr_tag_delete(call->region, scope, repository, tag);
		add_id(deleted, digest, tag);
		return;
	}
	g_autofree char *parent = ecr_image_parent(call->region, scope, repository, digest);
	if (parent) {
		g_autofree char *reason = g_strdup_printf(
			"Requested image referenced by manifest list: [%s]", parent);
		value_builder_add_take(
			failures, failure(image_id, "ImageReferencedByManifestList", reason));
		return;
	}
	g_autoptr(GHashTable) all = ecr_tags_by_digest(call->region, scope, repository);
	GPtrArray *tags = g_hash_table_lookup(all, digest);
	for (guint i = 0; tags && i < tags->len; i++)
		add_id(deleted, digest, g_ptr_array_index(tags, i));
	if (!tags)
		add_id(deleted, digest, NULL);
	ecr_image_delete(call->region, scope, repository, digest);
}

static Value batch_delete(RegionCall *call, Value input, GError **error) {
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) deleted = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	Value ids = value_get(input, "imageIds");
	for (gsize i = 0; i < value_length(ids); i++)
		delete_one(call, input, value_at(ids, i), deleted, failures);
	return value_object_take("imageIds", value_builder_end(g_steal_pointer(&deleted)),
		"failures", value_builder_end(g_steal_pointer(&failures)), NULL);
}

/* ---- lists ---- */

/* Whether the filter lets an image with these tags (or NULL) pass. */
static gboolean passes(Value input, const GPtrArray *tags) {
	const char *wanted =
		value_text_or(value_get_path(input, "filter", "tagStatus", NULL), "ANY");
	const char *status =
		value_text_or(value_get_path(input, "filter", "imageStatus", NULL), "ACTIVE");
	if (!g_str_equal(status, "ACTIVE") && !g_str_equal(status, "ANY"))
		return FALSE;
	return g_str_equal(wanted, "ANY") || g_str_equal(wanted, "TAGGED") == (tags != NULL);
}

static Value list_images(RegionCall *call, Value input, GError **error) {
	StoreScope scope = ecr_scope(call, input);
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	g_autoptr(GHashTable) all = ecr_tags_by_digest(call->region, scope, repository_of(input));
	g_autoptr(ValueBuilder) ids = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *prefix = ecr_key(repository_of(input), "");
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), scope, ECR_IMAGES, prefix);
	const char *id;
	Value image;
	while (store_iter_next(&iter, &id, &image)) {
		const char *digest = id + strlen(prefix);
		GPtrArray *tags = g_hash_table_lookup(all, digest);
		if (!passes(input, tags))
			continue;
		for (guint i = 0; tags && i < tags->len; i++)
			add_id(ids, digest, g_ptr_array_index(tags, i));
		if (!tags)
			add_id(ids, digest, NULL);
	}
	return ecr_page(input, "imageIds", value_builder_end(g_steal_pointer(&ids)), error);
}

static Value tag_list(const GPtrArray *tags) {
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < tags->len; i++)
		value_builder_add_take(list, value_string(g_ptr_array_index(tags, i)));
	return value_builder_end(g_steal_pointer(&list));
}

static Value details(RegionCall *call, Value input, Value image, const GPtrArray *tags) {
	Value all = value_with_take(
		ecr_answer(call, input), "imageDigest", value_ref(value_get(image, "digest")));
	if (tags)
		all = value_with_take(all, "imageTags", tag_list(tags));
	all = value_with_take(all, "imageSizeInBytes", value_ref(value_get(image, "size")));
	all = value_with_take(all, "imagePushedAt", value_ref(value_get(image, "pushedAt")));
	all = value_with_take(
		all, "imageManifestMediaType", value_ref(value_get(image, "mediaType")));
	if (value_has(image, "artifactType"))
		all = value_with_take(
			all, "artifactMediaType", value_ref(value_get(image, "artifactType")));
	if (value_has(image, "subject"))
		all = value_with_take(
			all, "subjectManifestDigest", value_ref(value_get(image, "subject")));
	return value_with_take(all, "imageStatus", value_string("ACTIVE"));
}

static gboolean describe_named(
	RegionCall *call, Value input, GHashTable *tags, ValueBuilder *found, GError **error) {
	StoreScope scope = ecr_scope(call, input);
	Value ids = value_get(input, "imageIds");
	for (gsize i = 0; i < value_length(ids); i++) {
		Value wanted = value_at(ids, i);
		g_auto(Value) failed = VALUE_NOTHING;
		g_autofree char *digest = find_image(call, input, wanted, &failed);
		if (!digest) {
			wire_error_set(error, "ImageNotFoundException",
				"The image with imageId {imageDigest:'%s', imageTag:'%s'} does not "
				"exist within the repository with name '%s' in the registry with "
				"id "
				"'%s'",
				value_text_or(value_get(wanted, "imageDigest"), "null"),
				value_text_or(value_get(wanted, "imageTag"), "null"),
				repository_of(input), scope.account);
			return FALSE;
		}
		g_auto(Value) image = ecr_image(call->region, scope, repository_of(input), digest);
		value_builder_add_take(
			found, details(call, input, image, g_hash_table_lookup(tags, digest)));
	}
	return TRUE;
}

static void describe_all(RegionCall *call, Value input, GHashTable *tags, ValueBuilder *found) {
	g_autofree char *prefix = ecr_key(repository_of(input), "");
	g_auto(StoreIter) iter = store_iter_prefix(
		region_store(call->region), ecr_scope(call, input), ECR_IMAGES, prefix);
	const char *id;
	Value image;
	while (store_iter_next(&iter, &id, &image)) {
		const GPtrArray *names = g_hash_table_lookup(tags, id + strlen(prefix));
		if (passes(input, names))
			value_builder_add_take(found, details(call, input, image, names));
	}
}

static Value describe_images(RegionCall *call, Value input, GError **error) {
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	g_autoptr(GHashTable) tags =
		ecr_tags_by_digest(call->region, ecr_scope(call, input), repository_of(input));
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	if (value_length(value_get(input, "imageIds")) == 0)
		describe_all(call, input, tags, found);
	else if (!describe_named(call, input, tags, found, error))
		return VALUE_NOTHING;
	return ecr_page(input, "imageDetails", value_builder_end(g_steal_pointer(&found)), error);
}

static Value list_referrers(RegionCall *call, Value input, GError **error) {
	const char *digest = value_text(value_get_path(input, "subjectId", "imageDigest", NULL));
	const char *status =
		value_text_or(value_get_path(input, "filter", "artifactStatus", NULL), "ACTIVE");
	gboolean active = g_str_equal(status, "ACTIVE") || g_str_equal(status, "ANY");
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	g_auto(Value) found =
		ecr_image_referrers(call->region, ecr_scope(call, input), repository_of(input),
			digest, value_get_path(input, "filter", "artifactTypes", NULL));
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; active && i < value_length(found); i++)
		value_builder_add_take(all, value_with_take(value_ref(value_at(found, i)),
						    "artifactStatus", value_string("ACTIVE")));
	return ecr_page(input, "referrers", value_builder_end(g_steal_pointer(&all)), error);
}

static const RegionOperation operations[] = {
	{"PutImage", put_image, FALSE},
	{"BatchGetImage", batch_get, TRUE},
	{"BatchDeleteImage", batch_delete, FALSE},
	{"ListImages", list_images, TRUE},
	{"DescribeImages", describe_images, TRUE},
	{"ListImageReferrers", list_referrers, TRUE},
	{NULL, NULL, FALSE},
};

const RegionService region_ecr_images = {.name = "ecr", .operations = operations};
