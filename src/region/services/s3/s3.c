/* S3 as the region sees it: its tables of operations, its door, and the tag calls of S3 Control, by
 * which newer clients tag buckets. */
#include <string.h>

#include "region/services/s3/table.h"

extern const RegionService region_s3, region_s3_settings, region_s3_objects, region_s3_lists,
	region_s3_uploads, region_s3_copies, region_s3_archives, region_s3_acls, region_s3_control;
extern const RegionHttpRoute s3_routes[];

static gboolean start(Region *region, GError **error) {
	if (!s3_table_open(region, error) || !s3_files_open(region, error))
		return FALSE;
	s3_lifecycle_start(region);
	s3_log_start(region);
	return TRUE;
}

/* ---- S3 Control ---- */

static char *tagged_bucket(RegionCall *call, Value input, GError **error) {
	g_autofree char *resource = NULL;
	const char *arn = value_get_text(input, "ResourceArn");
	if (!region_arn_parse(arn, NULL, NULL, NULL, &resource) || strchr(resource, '/') ||
		strchr(resource, ':')) {
		s3_fail_not_implemented(error, "tags of anything but buckets and objects");
		return NULL;
	}
	g_auto(Value) bucket = s3_bucket_find(call->region, resource, error);
	return value_is_null(bucket) ? NULL : g_steal_pointer(&resource);
}

static Value list_tags(RegionCall *call, Value input, GError **error) {
	g_autofree char *bucket = tagged_bucket(call, input, error);
	if (!bucket)
		return VALUE_NOTHING;
	g_auto(Value) tags = s3_setting(call->region, bucket, "tagging");
	return value_object_take("Tags", region_tags_to_list(tags, "Key", "Value"), NULL);
}

static Value tag(RegionCall *call, Value input, GError **error) {
	g_autofree char *bucket = tagged_bucket(call, input, error);
	g_autoptr(GError) local = NULL;
	if (!bucket)
		return VALUE_NOTHING;
	g_auto(Value) added = s3_tags_of_list(value_get(input, "Tags"), 50, &local);
	g_auto(Value) before = s3_setting(call->region, bucket, "tagging");
	g_auto(Value) tags = value_merge(before, added);
	if (local || !s3_tags_check(tags, 50, &local))
		g_propagate_error(error, g_steal_pointer(&local));
	else
		s3_setting_put(call->region, bucket, "tagging", value_ref(tags));
	return VALUE_NOTHING;
}

static Value untag(RegionCall *call, Value input, GError **error) {
	g_autofree char *bucket = tagged_bucket(call, input, error);
	if (!bucket)
		return VALUE_NOTHING;
	Value tags = s3_setting(call->region, bucket, "tagging"),
	      keys = value_get(input, "TagKeys");
	for (gsize i = 0; i < value_length(keys) && !value_is_null(tags); i++)
		tags = value_without_take(tags, value_text(value_at(keys, i)));
	if (!value_is_null(tags))
		s3_setting_put(call->region, bucket, "tagging", tags);
	return VALUE_NOTHING;
}

static const RegionOperation control_operations[] = {
	{"ListTagsForResource", list_tags, TRUE},
	{"TagResource", tag},
	{"UntagResource", untag},
	{NULL},
};

const RegionService region_s3 = {
	.name = "s3", .operations = s3_bucket_operations, .start = start, .routes = s3_routes};
const RegionService region_s3_settings = {.name = "s3", .operations = s3_setting_operations};
const RegionService region_s3_objects = {.name = "s3", .operations = s3_object_operations};
const RegionService region_s3_lists = {.name = "s3", .operations = s3_list_operations};
const RegionService region_s3_uploads = {.name = "s3", .operations = s3_multipart_operations};
const RegionService region_s3_copies = {.name = "s3", .operations = s3_copy_operations};
const RegionService region_s3_archives = {.name = "s3", .operations = s3_archive_operations};
const RegionService region_s3_acls = {.name = "s3", .operations = s3_acl_operations};
const RegionService region_s3_control = {.name = "s3control", .operations = control_operations};
