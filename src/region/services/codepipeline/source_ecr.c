/*
 * The ECR source: an image, as a zip file with an imageDetail.json that tells of it. A pipeline
 * that the API or Terraform has made polls its tag (CodePipeline's user guide: "Amazon ECR source
 * actions and EventBridge resources"); rules of EventBridge, which only AWS's console makes
 * unasked, are not implemented.
 */
#include <string.h>

#include "region/services/codepipeline/internal.h"
#include "value/json.h"

/* The digest that the execution was started for; NULL: what the tag means is taken. */
static const char *wanted(const PipelineAction *action) {
	return pipeline_action_revision(action, "IMAGE_DIGEST");
}

/* The image as DescribeImages tells it; VALUE_NOTHING: the action has failed. */
static Value describe(PipelineAction *action, const char *repository, const char *tag) {
	const char *digest = wanted(action);
	g_autoptr(GError) error = NULL;
	g_auto(Value) request = value_object_take("repositoryName", value_string(repository),
		"imageIds",
		value_tuple_take(
			1, digest ? value_object_take("imageDigest", value_string(digest), NULL)
				  : value_object_take("imageTag", value_string(tag), NULL)),
		NULL);
	g_auto(Value) answer = region_call(
		action->region, action->scope, "ecr", "DescribeImages", request, &error);
	if (!error)
		return value_ref(value_at(value_get(answer, "imageDetails"), 0));
	pipeline_action_fail(action, "ConfigurationError",
		"The image with the %s '%s' of the Amazon ECR repository '%s' is not available: "
		"%s",
		digest ? "digest" : "tag", digest ? digest : tag, repository, error->message);
	return VALUE_NOTHING;
}

/* imageDetail.json. */
static char *detail_of(Value image, const char *uri) {
	g_autoptr(GDateTime) pushed = g_date_time_new_from_unix_utc(
		(gint64)value_to_double(value_get(image, "imagePushedAt"), 0));
	g_autofree char *when = g_date_time_format(pushed, "%a %b %d %H:%M:%S UTC %Y");
	Value tags = value_get(image, "imageTags");
	g_auto(Value) detail = value_object_take("ImageSizeInBytes",
		value_string_printf(
			"%" G_GINT64_FORMAT, value_get_int(image, "imageSizeInBytes", 0)),
		"ImageDigest", value_ref(value_get(image, "imageDigest")), "Version",
		value_string("1.0"), "ImagePushedAt", value_string(when), "RegistryId",
		value_ref(value_get(image, "registryId")), "RepositoryName",
		value_ref(value_get(image, "repositoryName")), "ImageURI", value_string(uri),
		"ImageTags", value_is_null(tags) ? value_empty_tuple() : value_ref(tags), NULL);
	return value_to_json(detail, VALUE_JSON_COMPACT);
}

/* The tag is told only where it has led to the image. */
static Value outcome_of(const PipelineAction *action, const char *repository, const char *tag,
	const char *digest, const char *uri) {
	Value variables = value_object_take("ImageDigest", value_string(digest), "ImageURI",
		value_string(uri), "RegistryId", value_string(action->scope.account),
		"RepositoryName", value_string(repository), NULL);
	if (!wanted(action))
		variables = value_with_take(variables, "ImageTag", value_string(tag));
	return value_object_take("variables", variables, "revision", value_string(digest),
		"revisionSummary", value_string(wanted(action) ? digest : tag), "externalId",
		value_string(digest), NULL);
}

static void run(PipelineAction *action) {
	const char *repository = value_get_text(action->configuration, "RepositoryName");
	const char *tag = value_text_or(value_get(action->configuration, "ImageTag"), "latest");
	const char *output = value_get_text(
		value_at(value_get(action->declaration, "outputArtifacts"), 0), "name");
	g_autofree char *arn = region_arn(action->scope, "ecr", "repository/%s", repository);
	g_autoptr(GError) error = NULL;
	if (!pipeline_action_may(action, "ecr:DescribeImages", arn, NULL))
		return;
	g_auto(Value) image = describe(action, repository, tag);
	const char *digest = value_get_text(image, "imageDigest");
	if (!digest)
		return;
	g_autofree char *uri = g_strdup_printf("%s.dkr.ecr.%s.amazonaws.com/%s@%s",
		action->scope.account, action->scope.region, repository, digest);
	g_autofree char *detail = detail_of(image, uri);
	g_autofree char *folder = pipeline_action_folder(action);
	g_autofree char *path = g_build_filename(folder, "source.zip", NULL);
	if (!pipeline_zip_write(path, "imageDetail.json", detail, strlen(detail), &error)) {
		pipeline_action_fail(action, "SystemUnavailable", "%s", error->message);
		return;
	}
	PipelineAction *again = pipeline_action_reload(action);
	if (again)
		pipeline_action_deliver(again, value_object_take(output, value_string(path), NULL),
			outcome_of(action, repository, tag, digest, uri));
}

static Value revisions(Region *region, StoreScope scope, Value pipeline, Value action) {
	Value configuration = value_get(action, "configuration");
	const char *tag = value_text_or(value_get(configuration, "ImageTag"), "latest");
	g_auto(Value) request = value_object_take("repositoryName",
		value_ref(value_get(configuration, "RepositoryName")), "imageIds",
		value_tuple_take(1, value_object_take("imageTag", value_string(tag), NULL)), NULL);
	g_auto(Value) answer = region_call(region, scope, "ecr", "DescribeImages", request, NULL);
	Value digest = value_get(value_at(value_get(answer, "imageDetails"), 0), "imageDigest");
	return value_is_null(digest) ? value_empty_object()
				     : value_object_take("", value_ref(digest), NULL);
}

static const PipelineConfigurationKey keys[] = {
	{"RepositoryName", .required = TRUE}, {"ImageTag"}, {NULL}};

const PipelineProvider pipeline_source_ecr = {.category = "Source",
	.owner = "AWS",
	.provider = "ECR",
	.min_outputs = 1,
	.max_outputs = 1,
	.configuration = keys,
	.timeout_minutes = 60,
	.run = run,
	.revisions = revisions,
	.trigger = "PollForSourceChanges"};
