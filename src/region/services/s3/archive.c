/*
 * Archived objects (storage classes GLACIER and DEEP_ARCHIVE): read only after RestoreObject, and
 * for as many days as that said. On one machine nothing has to be fetched, so what is asked for is
 * restored at once.
 */
#include <string.h>

#include "region/services/s3/internal.h"
#include "wire/codec.h"

#define RESTORED "_Restored" /* of an info: until when, seconds since the epoch */
#define DAY_S 86400

gboolean s3_class_is_archive(const char *class) {
	return g_strcmp0(class, "GLACIER") == 0 || g_strcmp0(class, "DEEP_ARCHIVE") == 0;
}

static gboolean is_restored(Region *region, const S3Version *version) {
	gint64 until = value_get_int(version->info, RESTORED, 0);
	return until > region_now(region) / G_USEC_PER_SEC;
}

static gboolean wrong_state(const S3Version *version, const char *message, GError **error) {
	wire_error_set_status(error, 403, "InvalidObjectState", "%s", message);
	wire_error_set_members_take(
		*error, value_object_take("StorageClass",
				value_string(value_text_or(
					value_get(version->info, "StorageClass"), "STANDARD")),
				NULL));
	return FALSE;
}

gboolean s3_archive_check(Region *region, const S3Version *version, GError **error) {
	return !s3_class_is_archive(value_get_text(version->info, "StorageClass")) ||
	       is_restored(region, version) ||
	       wrong_state(
		       version, "The operation is not valid for the object's storage class", error);
}

void s3_archive_describe(Region *region, const S3Version *version, ValueBuilder *output) {
	if (!is_restored(region, version))
		return;
	g_autofree char *until = wire_time_http((double)value_get_int(version->info, RESTORED, 0));
	value_builder_set_take(output, "Restore",
		value_string_printf("ongoing-request=\"false\", expiry-date=\"%s\"", until));
}

static Value restore(RegionCall *call, Value input, GError **error) {
	Value wanted = value_get(input, "RestoreRequest");
	gint64 days = value_get_int(wanted, "Days", -1);
	g_auto(S3Version) version = {0};
	if (!s3_version_find(call->region, value_get_text(input, "Bucket"),
		    value_get_text(input, "Key"), value_get_text(input, "VersionId"), &version,
		    error))
		return VALUE_NOTHING;
	if (value_has(wanted, "Type") || value_has(wanted, "OutputLocation")) {
		s3_fail_not_implemented(error, "restoring by a query");
	} else if (!s3_class_is_archive(value_get_text(version.info, "StorageClass"))) {
		wrong_state(&version,
			"Restore is not allowed for the object's current storage class", error);
	} else if (days < 1) {
		s3_fail(error, "MalformedXML");
	} else {
		/* Days end at midnight. */
		gint64 now = region_now(call->region) / G_USEC_PER_SEC;
		version.info = value_with_take(
			version.info, RESTORED, value_int((now / DAY_S + 1 + days) * DAY_S));
		s3_version_update(call->region, &version);
	}
	return *error ? VALUE_NOTHING : value_empty_object();
}

const RegionOperation s3_archive_operations[] = {
	{"RestoreObject", restore},
	{NULL},
};
