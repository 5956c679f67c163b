/* The S3 source: an object of a bucket with versions, which must be a zip file. */
#include "region/services/codepipeline/internal.h"
#include "region/services/s3/s3.h"

/* The object's key, and its version or NULL: as this execution was started with, or as configured
 * and the newest. */
static const char *wanted(const PipelineAction *action, const char **version) {
	const char *key = pipeline_action_revision(action, "S3_OBJECT_KEY");
	*version = pipeline_action_revision(action, "S3_OBJECT_VERSION_ID");
	return key ? key : value_get_text(action->configuration, "S3ObjectKey");
}

static gboolean may_read(PipelineAction *action, const char *bucket, const char *key) {
	g_autofree char *object = g_strdup_printf("arn:aws:s3:::%s/%s", bucket, key);
	g_autofree char *prefix = g_strdup_printf(
		"The service role or action role doesn't have the permissions required to access "
		"the Amazon S3 bucket named %s. Update the IAM role permissions, and then try "
		"again. ",
		bucket);
	return pipeline_action_may(action, "s3:GetObject", object, prefix);
}

static Value outcome_of(
	const PipelineAction *action, const char *bucket, const char *key, const S3Object *object) {
	Value variables = value_object_take("BucketName", value_string(bucket), "ETag",
		value_string(object->etag), "ObjectKey", value_string(key), "VersionId",
		value_string(object->version_id), NULL);
	return value_object_take("variables", variables, "revision",
		value_string(object->version_id), "revisionSummary",
		value_string_printf("Amazon S3 version id: %s", object->version_id), "externalId",
		value_string(object->version_id), "revisionUrl",
		value_string_printf(
			"https://console.aws.amazon.com/s3/object/%s?prefix=%s", bucket, key),
		NULL);
}

static void run(PipelineAction *action) {
	const char *bucket = value_get_text(action->configuration, "S3Bucket"), *version;
	const char *key = wanted(action, &version);
	const char *output = value_get_text(
		value_at(value_get(action->declaration, "outputArtifacts"), 0), "name");
	g_autoptr(GError) error = NULL;
	g_auto(S3Object) object = {.fd = -1};
	if (!may_read(action, bucket, key))
		return;
	if (s3_bucket_exists(action->region, bucket, NULL) &&
		!s3_bucket_is_versioned(action->region, bucket)) {
		pipeline_action_fail(action, "ConfigurationError",
			"The Amazon S3 bucket '%s' must have versioning enabled to be the source "
			"of a "
			"pipeline.",
			bucket);
		return;
	}
	g_autofree char *folder = pipeline_action_folder(action);
	char *path = g_build_filename(folder, "source.zip", NULL);
	g_auto(Value) files = value_object_take(output, value_string_take(path), NULL);
	if (!s3_object_open(action->region, bucket, key, version, &object, &error) ||
		!pipeline_file_from(
			object.fd, object.size, value_text(value_get(files, output)), &error)) {
		pipeline_action_fail(action, "ConfigurationError",
			"The action failed because no object with the key '%s' could be read from "
			"the Amazon S3 bucket '%s': %s",
			key, bucket, error->message);
		return;
	}
	PipelineAction *again = pipeline_action_reload(action);
	if (again)
		pipeline_action_deliver(
			again, value_steal(&files), outcome_of(action, bucket, key, &object));
}

static Value revisions(Region *region, StoreScope scope, Value pipeline, Value action) {
	Value configuration = value_get(action, "configuration");
	const char *polls = value_text_or(value_get(configuration, "PollForSourceChanges"), "true");
	g_auto(S3Object) object = {.fd = -1};
	if (g_ascii_strcasecmp(polls, "false") == 0 ||
		!s3_object_stat(region, value_get_text(configuration, "S3Bucket"),
			value_get_text(configuration, "S3ObjectKey"), NULL, &object, NULL))
		return value_empty_object();
	return value_object_take("", value_string(object.version_id), NULL);
}

static const PipelineConfigurationKey keys[] = {{"S3Bucket", .required = TRUE},
	{"S3ObjectKey", .required = TRUE}, {"PollForSourceChanges", .values = "true false"},
	{"AllowOverrideForS3ObjectKey", .values = "true false"}, {NULL}};

const PipelineProvider pipeline_source_s3 = {.category = "Source",
	.owner = "AWS",
	.provider = "S3",
	.min_outputs = 1,
	.max_outputs = 1,
	.configuration = keys,
	.timeout_minutes = 60,
	.run = run,
	.revisions = revisions,
	.trigger = "PollForSourceChanges"};
