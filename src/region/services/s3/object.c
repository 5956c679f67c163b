/* Deletion of objects; their tags and attributes. */
#include <string.h>

#include "region/services/s3/internal.h"

#define MOST_PARTS_SHOWN 1000

/* ---- deletion ---- */

static gboolean check_match(RegionCall *call, Value input, GError **error) {
	if (!value_has(input, "IfMatch"))
		return TRUE;
	return s3_condition_check_write(call->region, value_get_text(input, "Bucket"),
		value_get_text(input, "Key"), input, error);
}

static Value delete_object(RegionCall *call, Value input, GError **error) {
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	gboolean marker;
	g_autofree char *id = NULL;
	if (value_is_null(bucket) || !check_match(call, input, error) ||
		!s3_version_delete(call->region, bucket, value_get_text(input, "Key"),
			value_get_text(input, "VersionId"), &marker, &id, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) output = value_builder_new(VALUE_OBJECT, NULL);
	if (marker)
		value_builder_set_take(output, "DeleteMarker", value_bool(TRUE));
	s3_add_version_id(output, bucket, id);
	return value_builder_end(g_steal_pointer(&output));
}

static Value deleted(const char *key, const char *id, gboolean marker, const char *made) {
	Value each = value_object_take("Key", value_string(key), NULL);
	if (id)
		each = value_with_take(each, "VersionId", value_string(id));
	if (marker) {
		each = value_with_take(each, "DeleteMarker", value_bool(TRUE));
		each = value_with_take(each, "DeleteMarkerVersionId", value_string(made));
	}
	return each;
}

static Value refused(const char *key, const char *id, const GError *error) {
	Value each = value_object_take("Key", value_string(key), "Code",
		value_string(wire_error_code(error)), "Message", value_string(error->message),
		NULL);
	return id ? value_with_take(each, "VersionId", value_string(id)) : each;
}

/* The call that asks, for permission object by object. */
static gboolean may_delete(RegionCall *call, const char *key, const char *id, GError **error) {
	const S3Call *whole = call->request ? s3_call_of(call) : NULL;
	return !whole ||
	       s3_permit(whole, id ? "s3:DeleteObjectVersion" : "s3:DeleteObject", key, error);
}

/* The condition of one object of many, as the header has it of one. */
static gboolean check_wanted(RegionCall *call, Value input, Value object, GError **error) {
	const char *etag = value_get_text(object, "ETag");
	if (value_has(object, "LastModifiedTime") || value_has(object, "Size"))
		return s3_fail_not_implemented(error, "deletion by time or size");
	if (!etag)
		return TRUE;
	g_auto(Value) condition = value_object_take("IfMatch", value_string(etag), NULL);
	return s3_condition_check_write(call->region, value_get_text(input, "Bucket"),
		value_get_text(object, "Key"), condition, error);
}

static Value delete_objects(RegionCall *call, Value input, GError **error) {
	Value objects = value_get_path(input, "Delete", "Objects", NULL);
	gboolean quiet = value_get_bool(value_get(input, "Delete"), "Quiet");
	g_auto(Value) bucket = s3_bucket_find(call->region, value_get_text(input, "Bucket"), error);
	if (value_is_null(bucket))
		return VALUE_NOTHING;
	if (value_length(objects) == 0 || value_length(objects) > 1000) {
		s3_fail(error, "MalformedXML");
		return VALUE_NOTHING;
	}
	g_autoptr(ValueBuilder) done = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failed = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(objects); i++) {
		const char *key = value_get_text(value_at(objects, i), "Key");
		const char *id = value_get_text(value_at(objects, i), "VersionId");
		g_autoptr(GError) local = NULL;
		g_autofree char *made = NULL;
		gboolean marker = FALSE;
		if (id && !*id)
			id = NULL;
		if (!may_delete(call, key, id, &local) ||
			!check_wanted(call, input, value_at(objects, i), &local) ||
			!s3_version_delete(call->region, bucket, key, id, &marker, &made, &local))
			value_builder_add_take(failed, refused(key, id, local));
		else if (!quiet)
			value_builder_add_take(done, deleted(key, id, marker, made));
	}
	return value_object_take("Deleted", value_builder_end(g_steal_pointer(&done)), "Errors",
		value_builder_end(g_steal_pointer(&failed)), NULL);
}

/* ---- tags ---- */

static gboolean find(RegionCall *call, Value input, S3Version *version, GError **error) {
	return s3_version_find(call->region, value_get_text(input, "Bucket"),
		value_get_text(input, "Key"), value_get_text(input, "VersionId"), version, error);
}

static Value version_only(RegionCall *call, const S3Version *version) {
	g_auto(Value) bucket = s3_bucket(call->region, version->bucket);
	g_autoptr(ValueBuilder) output = value_builder_new(VALUE_OBJECT, NULL);
	s3_add_version_id(output, bucket, version->id);
	return value_builder_end(g_steal_pointer(&output));
}

static Value put_object_tags(RegionCall *call, Value input, GError **error) {
	g_auto(S3Version) version = {0};
	if (!find(call, input, &version, error))
		return VALUE_NOTHING;
	g_autoptr(GError) local = NULL;
	g_auto(Value) tags =
		s3_tags_of_list(value_get_path(input, "Tagging", "TagSet", NULL), 10, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	version.info = value_with_take(version.info, "_Tags", value_ref(tags));
	s3_version_update(call->region, &version);
	return version_only(call, &version);
}

static Value get_object_tags(RegionCall *call, Value input, GError **error) {
	g_auto(S3Version) version = {0};
	if (!find(call, input, &version, error))
		return VALUE_NOTHING;
	g_auto(Value) output = version_only(call, &version);
	return value_with_take(value_steal(&output), "TagSet",
		region_tags_to_list(value_get(version.info, "_Tags"), "Key", "Value"));
}

static Value delete_object_tags(RegionCall *call, Value input, GError **error) {
	g_auto(S3Version) version = {0};
	if (!find(call, input, &version, error))
		return VALUE_NOTHING;
	version.info = value_without_take(version.info, "_Tags");
	s3_version_update(call->region, &version);
	return version_only(call, &version);
}

static Value put_bucket_tags(RegionCall *call, Value input, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) tags =
		s3_tags_of_list(value_get_path(input, "Tagging", "TagSet", NULL), 50, &local);
	if (local)
		g_propagate_error(error, g_steal_pointer(&local));
	else
		s3_setting_put(
			call->region, value_get_text(input, "Bucket"), "tagging", value_ref(tags));
	return VALUE_NOTHING;
}

static Value get_bucket_tags(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Bucket");
	g_auto(Value) tags = s3_setting(call->region, name, "tagging");
	if (value_length(tags) > 0)
		return value_object_take("TagSet", region_tags_to_list(tags, "Key", "Value"), NULL);
	s3_fail_about(error, "NoSuchTagSet", "BucketName", name);
	return VALUE_NOTHING;
}

static Value delete_bucket_tags(RegionCall *call, Value input, GError **error) {
	s3_setting_delete(call->region, value_get_text(input, "Bucket"), "tagging");
	return VALUE_NOTHING;
}

/* ---- attributes ---- */

static gboolean asks_for(Value input, const char *name) {
	Value wanted = value_get(input, "ObjectAttributes");
	for (gsize i = 0; i < value_length(wanted); i++)
		if (g_strcmp0(value_text(value_at(wanted, i)), name) == 0)
			return TRUE;
	return FALSE;
}

/* A page of the parts; each is shown only where the upload had a checksum. */
static Value shown_parts(Value info, Value input) {
	Value sizes = value_get(info, "_Parts"), sums = value_get(info, "_PartChecksums");
	gint64 n = (gint64)value_length(sizes);
	gint64 first = CLAMP(value_get_int(input, "PartNumberMarker", 0), 0, n);
	gint64 most =
		CLAMP(value_get_int(input, "MaxParts", MOST_PARTS_SHOWN), 0, MOST_PARTS_SHOWN);
	gint64 last = MIN(first + most, n);
	g_autoptr(ValueBuilder) parts = value_builder_new(VALUE_TUPLE, NULL);
	for (gint64 i = first; i < last && value_length(sums) > 0; i++) {
		g_auto(Value) part = value_object_take("PartNumber", value_int(i + 1), "Size",
			value_ref(value_at(sizes, (gsize)i)), NULL);
		value_builder_add_take(parts, value_merge(part, value_at(sums, (gsize)i)));
	}
	Value output = value_object_take("TotalPartsCount", value_int(n), "MaxParts",
		value_int(most), "IsTruncated", value_bool(last < n), "PartNumberMarker",
		value_int(first), "NextPartNumberMarker", value_int(last), NULL);
	return value_builder_length(parts) == 0
		       ? output
		       : value_with_take(
				 output, "Parts", value_builder_end(g_steal_pointer(&parts)));
}

static Value get_attributes(RegionCall *call, Value input, GError **error) {
	g_auto(S3Version) version = {0};
	if (!find(call, input, &version, error))
		return VALUE_NOTHING;
	Value output = version_only(call, &version);
	output = value_with_take(
		output, "LastModified", value_int(version.modified / G_USEC_PER_SEC));
	if (asks_for(input, "ETag"))
		output = value_with_take(output, "ETag", value_string(version.etag));
	if (asks_for(input, "ObjectSize"))
		output = value_with_take(output, "ObjectSize", value_int(version.size));
	if (asks_for(input, "StorageClass"))
		output = value_with_take(output, "StorageClass",
			value_string(value_text_or(
				value_get(version.info, "StorageClass"), "STANDARD")));
	if (asks_for(input, "Checksum")) {
		g_autoptr(ValueBuilder) checksum = value_builder_new(VALUE_OBJECT, NULL);
		s3_info_checksums(checksum, version.info);
		if (value_builder_length(checksum) > 0)
			output = value_with_take(
				output, "Checksum", value_builder_end(g_steal_pointer(&checksum)));
	}
	if (asks_for(input, "ObjectParts") && value_length(value_get(version.info, "_Parts")) > 0)
		output = value_with_take(output, "ObjectParts", shown_parts(version.info, input));
	return output;
}

const RegionOperation s3_object_operations[] = {
	{"DeleteBucketTagging", delete_bucket_tags},
	{"DeleteObject", delete_object},
	{"DeleteObjectTagging", delete_object_tags},
	{"DeleteObjects", delete_objects},
	{"GetBucketTagging", get_bucket_tags, TRUE},
	{"GetObjectAttributes", get_attributes, TRUE},
	{"GetObjectTagging", get_object_tags, TRUE},
	{"PutBucketTagging", put_bucket_tags},
	{"PutObjectTagging", put_object_tags},
	{NULL},
};
