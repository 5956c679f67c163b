/* ECR: the API's calls about layers, which some clients use in place of the OCI ones. All
 * repositories share the blob store, so a layer that is there is there for each. */
#include <string.h>

#include "region/services/ecr/internal.h"

extern const RegionService region_ecr_layers;

#define PART_SIZE 10485760
#define LAYER_MEDIA_TYPE "application/vnd.docker.image.rootfs.diff.tar.gzip"

static Value check_layer(RegionCall *call, const char *digest) {
	goffset size = 0;
	gboolean there = blobs_has(region_blobs(call->region), digest, &size);
	Value layer = value_object_take("layerDigest", value_string(digest), "layerAvailability",
		value_string(there ? "AVAILABLE" : "UNAVAILABLE"), NULL);
	if (!there)
		return layer;
	layer = value_with_take(layer, "layerSize", value_int(size));
	return value_with_take(layer, "mediaType", value_string(LAYER_MEDIA_TYPE));
}

static Value check_availability(RegionCall *call, Value input, GError **error) {
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	Value digests = value_get(input, "layerDigests");
	g_autoptr(ValueBuilder) layers = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(digests); i++) {
		const char *digest = value_text(value_at(digests, i));
		if (blobs_digest_valid(digest))
			value_builder_add_take(layers, check_layer(call, digest));
		else
			value_builder_add_take(failures,
				value_object_take("layerDigest", value_string(digest),
					"failureCode", value_string("InvalidLayerDigest"),
					"failureReason",
					value_string("Invalid layer digest: it must be sha256: and "
						     "64 hexadecimal digits"),
					NULL));
	}
	return value_object_take("layers", value_builder_end(g_steal_pointer(&layers)), "failures",
		value_builder_end(g_steal_pointer(&failures)), NULL);
}

static Value get_download_url(RegionCall *call, Value input, GError **error) {
	const char *digest = value_get_text(input, "layerDigest");
	const char *repository = value_get_text(input, "repositoryName");
	StoreScope scope = ecr_scope(call, input);
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	if (!blobs_has(region_blobs(call->region), digest, NULL)) {
		wire_error_set(error, "LayersNotFoundException",
			"The layer with digest '%s' does not exist in the repository with name "
			"'%s' in the registry with id '%s'",
			digest, repository, scope.account);
		return VALUE_NOTHING;
	}
	g_autofree char *token =
		ecr_token_for(call, scope.account, region_now(call->region) + G_TIME_SPAN_HOUR);
	g_autofree char *escaped = g_uri_escape_string(token, NULL, FALSE);
	return value_object_take("layerDigest", value_string(digest), "downloadUrl",
		value_string_printf("http://127.0.0.1:%u/v2/%s/blobs/%s?token=%s",
			region_api_port(call->region), repository, digest, escaped),
		NULL);
}

/* ---- uploads ---- */

/* The API spells upload ids as UUIDs, the blob store without hyphens. Caller frees both. */
static char *upload_spelt(const char *upload) {
	return g_strdup_printf("%.8s-%.4s-%.4s-%.4s-%.12s", upload, upload + 8, upload + 12,
		upload + 16, upload + 20);
}

static char *upload_of(Value input) {
	g_auto(GStrv) groups = g_strsplit(value_get_text(input, "uploadId"), "-", -1);
	return g_strjoinv("", groups);
}

/* The store's own errors in ECR's words. */
static void upload_error(RegionCall *call, Value input, const GError *cause, GError **error) {
	const char *upload = value_get_text(input, "uploadId");
	const char *repository = value_get_text(input, "repositoryName");
	if (g_error_matches(cause, BLOBS_ERROR, BLOBS_ERROR_UPLOAD_UNKNOWN))
		wire_error_set(error, "UploadNotFoundException",
			"Upload with id '%s' for repository with name '%s' in the registry with id "
			"'%s' does not exist",
			upload, repository, ecr_scope(call, input).account);
	else if (g_error_matches(cause, BLOBS_ERROR, BLOBS_ERROR_DIGEST))
		wire_error_set(error, "InvalidLayerException", "%s", cause->message);
	else
		wire_error_set_status(error, 500, "ServerException", "%s", cause->message);
}

static Value initiate(RegionCall *call, Value input, GError **error) {
	g_autoptr(GError) local = NULL;
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	g_autofree char *upload = blobs_upload_begin(region_blobs(call->region), &local);
	if (!upload) {
		upload_error(call, input, local, error);
		return VALUE_NOTHING;
	}
	return value_object_take("uploadId", value_string_take(upload_spelt(upload)), "partSize",
		value_int(PART_SIZE), NULL);
}

static gboolean wrong_part(
	RegionCall *call, Value input, goffset end, const char *why, GError **error) {
	g_autoptr(GError) local = NULL;
	wire_error_set(&local, "InvalidLayerPartException", "%s", why);
	Value members = value_with_take(
		ecr_answer(call, input), "uploadId", value_ref(value_get(input, "uploadId")));
	wire_error_set_members_take(local,
		value_with_take(members, "lastValidByteReceived", value_int(MAX(end - 1, 0))));
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static gboolean append_part(RegionCall *call, Value input, GError **error) {
	Blobs *blobs = region_blobs(call->region);
	g_autofree char *upload = upload_of(input);
	Value part = value_get(input, "layerPartBlob");
	gint64 first = value_get_int(input, "partFirstByte", 0);
	gint64 last = value_get_int(input, "partLastByte", 0);
	g_autoptr(GError) local = NULL;
	goffset end = blobs_upload_offset(blobs, upload, &local);
	if (end >= 0 && last - first + 1 != (gint64)value_text_length(part))
		return wrong_part(call, input, end,
			"The part's bytes are not as many as partFirstByte and partLastByte say",
			error);
	if (end >= 0 && first != end)
		return wrong_part(call, input, end,
			"The part does not begin where the last one ended", error);
	if (end >= 0 && blobs_upload_append(blobs, upload, first, value_text(part),
				value_text_length(part), &local))
		return TRUE;
	upload_error(call, input, local, error);
	return FALSE;
}

static Value upload_part(RegionCall *call, Value input, GError **error) {
	if (!ecr_check_repository(call, input, error) || !append_part(call, input, error))
		return VALUE_NOTHING;
	Value answer = value_with_take(
		ecr_answer(call, input), "uploadId", value_ref(value_get(input, "uploadId")));
	return value_with_take(
		answer, "lastByteReceived", value_ref(value_get(input, "partLastByte")));
}

static gboolean commit(RegionCall *call, Value input, const char *digest, GError **error) {
	Blobs *blobs = region_blobs(call->region);
	g_autofree char *upload = upload_of(input);
	g_autoptr(GError) local = NULL;
	goffset end = blobs_upload_offset(blobs, upload, &local);
	if (end == 0) {
		wire_error_set(error, "EmptyUploadException",
			"The upload with id '%s' has no parts", value_get_text(input, "uploadId"));
		return FALSE;
	}
	if (end > 0 && blobs_has(blobs, digest, NULL)) {
		blobs_upload_cancel(blobs, upload, NULL);
		wire_error_set(error, "LayerAlreadyExistsException",
			"The layer with digest '%s' already exists in the repository with name "
			"'%s'",
			digest, value_get_text(input, "repositoryName"));
		return FALSE;
	}
	if (end > 0 && blobs_upload_commit(blobs, upload, digest, &local))
		return TRUE;
	upload_error(call, input, local, error);
	return FALSE;
}

static Value complete(RegionCall *call, Value input, GError **error) {
	const char *digest = value_text(value_at(value_get(input, "layerDigests"), 0));
	if (!ecr_check_repository(call, input, error) || !commit(call, input, digest, error))
		return VALUE_NOTHING;
	Value answer = value_with_take(
		ecr_answer(call, input), "uploadId", value_ref(value_get(input, "uploadId")));
	return value_with_take(answer, "layerDigest", value_string(digest));
}

static const RegionOperation operations[] = {
	{"BatchCheckLayerAvailability", check_availability, TRUE},
	{"GetDownloadUrlForLayer", get_download_url, FALSE},
	{"InitiateLayerUpload", initiate, FALSE},
	{"UploadLayerPart", upload_part, FALSE},
	{"CompleteLayerUpload", complete, FALSE},
	{NULL, NULL, FALSE},
};

const RegionService region_ecr_layers = {.name = "ecr", .operations = operations};
