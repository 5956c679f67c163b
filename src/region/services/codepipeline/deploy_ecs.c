/*
 * Deployments to ECS: a new revision of the service's task definition with the images that
 * imagedefinitions.json names, and the service updated to it; done when that deployment is.
 */
#include <string.h>

#include "region/services/codepipeline/internal.h"
#include "value/json.h"

#define LARGEST_DEFINITIONS (100 * 1024)
#define URL "https://console.aws.amazon.com/ecs/home?region=%s#/clusters/%s/services/%s/deployments"

/* What DescribeTaskDefinition tells, but RegisterTaskDefinition does not take. */
static const char *const told_only[] = {"taskDefinitionArn", "revision", "status",
	"requiresAttributes", "compatibilities", "registeredAt", "registeredBy", "deregisteredAt",
	"deleteRequestedAt", NULL};

static const char *cluster_of(const PipelineAction *action) {
	return value_get_text(action->configuration, "ClusterName");
}

static const char *service_of(const PipelineAction *action) {
	return value_get_text(action->configuration, "ServiceName");
}

/* ---- imagedefinitions.json ---- */

/* [{name, imageUri}], or VALUE_NOTHING: the action has failed. */
static Value parse_images(PipelineAction *action, GBytes *bytes, const char *file) {
	gsize length;
	const char *text = g_bytes_get_data(bytes, &length);
	g_autoptr(GError) error = NULL;
	g_auto(Value) images = value_from_json(text, (gssize)length, &error);
	gboolean good = !error && value_is_sequence(images) && value_length(images) > 0;
	for (gsize i = 0; good && i < value_length(images); i++)
		good = value_get_text(value_at(images, i), "name") &&
		       value_get_text(value_at(images, i), "imageUri");
	if (good)
		return value_steal(&images);
	pipeline_action_fail(action, "ConfigurationError",
		"Invalid action configuration: The image definition file %s is not valid: %s", file,
		error ? error->message
		      : "it must be a JSON list of objects with \"name\" and \"imageUri\"");
	return VALUE_NOTHING;
}

static Value read_images(PipelineAction *action) {
	const char *file = value_text_or(
		value_get(action->configuration, "FileName"), "imagedefinitions.json");
	const char *artifact = value_get_text(
		value_at(value_get(action->declaration, "inputArtifacts"), 0), "name");
	g_autofree char *zip = pipeline_artifact_file(action, artifact);
	g_autoptr(GError) error = NULL;
	if (!zip)
		return VALUE_NOTHING;
	g_autoptr(GBytes) bytes = pipeline_zip_read(zip, file, LARGEST_DEFINITIONS, &error);
	if (bytes)
		return parse_images(action, bytes, file);
	Value place = value_get(pipeline_internal(action->execution, "artifacts"), artifact);
	if (error)
		pipeline_action_fail(action, "ConfigurationError",
			"Invalid action configuration: Exception while trying to read the image "
			"definition file %s from the artifact %s: %s",
			file, artifact, error->message);
	else
		pipeline_action_fail(action, "ConfigurationError",
			"Invalid action configuration: Did not find the image definition file %s "
			"in "
			"the input artifacts ZIP file. Verify the file is stored in your "
			"pipeline's "
			"Amazon S3 artifact bucket: %s key: %s",
			file, value_get_text(place, "bucket"), value_get_text(place, "key"));
	return VALUE_NOTHING;
}

/* ---- the service ---- */

static Value describe_service(PipelineAction *action, GError **error) {
	g_auto(Value) request = value_object_take("cluster", value_string(cluster_of(action)),
		"services", value_tuple_take(1, value_string(service_of(action))), NULL);
	g_auto(Value) answer = region_call(
		action->region, action->scope, "ecs", "DescribeServices", request, error);
	Value service = value_at(value_get(answer, "services"), 0);
	return value_ref(service);
}

static gboolean may_deploy(PipelineAction *action, Value definition) {
	static const char *const roles[] = {"taskRoleArn", "executionRoleArn"};
	g_autofree char *service = region_arn(
		action->scope, "ecs", "service/%s/%s", cluster_of(action), service_of(action));
	const struct {
		const char *call, *resource;
	} needed[] = {{"ecs:DescribeServices", service}, {"ecs:DescribeTaskDefinition", "*"},
		{"ecs:RegisterTaskDefinition", "*"}, {"ecs:UpdateService", service}};
	for (guint i = 0; i < G_N_ELEMENTS(needed); i++)
		if (!pipeline_action_may(action, needed[i].call, needed[i].resource,
			    "The provided role does not have sufficient permissions to access "
			    "ECS. "))
			return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(roles); i++) {
		const char *role = value_get_text(definition, roles[i]);
		if (role && !pipeline_action_may(action, "iam:PassRole", role, NULL))
			return FALSE;
	}
	return TRUE;
}

/* The definition's containers with other images. VALUE_NOTHING: the action has failed. */
static Value with_images(PipelineAction *action, Value definition, Value images) {
	Value containers = value_ref(value_get(definition, "containerDefinitions"));
	for (gsize i = 0; i < value_length(images); i++) {
		const char *name = value_get_text(value_at(images, i), "name");
		Value container = pipeline_named(containers, "name", name, NULL);
		if (value_is_null(container)) {
			value_unref(containers);
			pipeline_action_fail(action, "ConfigurationError",
				"Invalid action configuration: The AWS ECS container %s does not "
				"exist",
				name);
			return VALUE_NOTHING;
		}
		Value changed = value_with_take(value_ref(container), "image",
			value_ref(value_get(value_at(images, i), "imageUri")));
		containers = pipeline_with_named_take(containers, "name", changed);
	}
	return containers;
}

/* The id of the deployment that UpdateService has made. */
static char *update_service(PipelineAction *action, Value request, GError **error) {
	g_auto(Value) registered = region_call(
		action->region, action->scope, "ecs", "RegisterTaskDefinition", request, error);
	const char *arn =
		value_text(value_get_path(registered, "taskDefinition", "taskDefinitionArn", NULL));
	if (!arn)
		return NULL;
	g_auto(Value) update = value_object_take("cluster", value_string(cluster_of(action)),
		"service", value_string(service_of(action)), "taskDefinition", value_string(arn),
		NULL);
	g_auto(Value) updated =
		region_call(action->region, action->scope, "ecs", "UpdateService", update, error);
	Value deployments = value_get_path(updated, "service", "deployments", NULL);
	Value primary = pipeline_named(deployments, "status", "PRIMARY", NULL);
	return g_strdup(value_get_text(primary, "id"));
}

static void deploy(PipelineAction *action, Value request) {
	Store *store = region_store(action->region);
	g_autoptr(GError) error = NULL;
	if (!store_begin(store, NULL))
		return;
	g_autofree char *id = update_service(action, request, &error);
	if (!id) {
		store_rollback(store);
		pipeline_action_fail(action, "ConfigurationError",
			"The ECS service cannot be updated: %s",
			error ? error->message : "it has no deployment");
		return;
	}
	g_autofree char *url =
		g_strdup_printf(URL, action->scope.region, cluster_of(action), service_of(action));
	pipeline_action_note(
		action, value_object_take("deployment", value_string(id), NULL), id, url);
	store_commit(store, NULL);
}

/* DescribeTaskDefinition's answer as RegisterTaskDefinition takes it. */
static Value registrable_take(Value answer_taken) {
	Value definition = value_ref(value_get(answer_taken, "taskDefinition"));
	for (guint i = 0; told_only[i]; i++)
		definition = value_without_take(definition, told_only[i]);
	Value tags = value_get(answer_taken, "tags");
	if (value_length(tags) > 0)
		definition = value_with_take(definition, "tags", value_ref(tags));
	value_unref(answer_taken);
	return definition;
}

static void begin(PipelineAction *action) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) images = read_images(action);
	if (value_is_null(images))
		return;
	g_auto(Value) service = describe_service(action, &error);
	if (value_is_null(service) || !pipeline_is(service, "status", "ACTIVE")) {
		pipeline_action_fail(action, "ConfigurationError",
			"Invalid action configuration: The Amazon ECS service '%s' of the cluster "
			"'%s' cannot be deployed to: %s",
			service_of(action), cluster_of(action),
			error ? error->message : "it does not exist, or is not ACTIVE.");
		return;
	}
	g_auto(Value) ask =
		value_object_take("taskDefinition", value_ref(value_get(service, "taskDefinition")),
			"include", value_tuple_take(1, value_string("TAGS")), NULL);
	Value answer = region_call(
		action->region, action->scope, "ecs", "DescribeTaskDefinition", ask, &error);
	if (value_is_null(answer)) {
		pipeline_action_fail(action, "ConfigurationError", "%s", error->message);
		return;
	}
	g_auto(Value) definition = registrable_take(answer);
	if (!may_deploy(action, definition))
		return;
	Value containers = with_images(action, definition, images);
	if (value_is_null(containers))
		return;
	g_auto(Value) request =
		value_with_take(value_ref(definition), "containerDefinitions", containers);
	deploy(action, request);
}

/* ---- waiting for it ---- */

static void look(PipelineAction *action, const char *id) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) service = describe_service(action, &error);
	Value deployment = pipeline_named(value_get(service, "deployments"), "id", id, NULL);
	const char *state = value_get_text(deployment, "rolloutState");
	if (value_is_null(service) || !pipeline_is(service, "status", "ACTIVE"))
		pipeline_action_fail(action, "JobFailed", "The Amazon ECS service %s is gone.",
			service_of(action));
	else if (g_strcmp0(state, "FAILED") == 0)
		pipeline_action_fail(action, "JobFailed", "The ECS deployment %s failed: %s", id,
			value_text_or(value_get(deployment, "rolloutStateReason"), state));
	else if (!state || !pipeline_is(deployment, "status", "PRIMARY"))
		pipeline_action_fail(action, "JobFailed",
			"The ECS deployment %s was replaced by another one before it was complete.",
			id);
	else if (g_str_equal(state, "COMPLETED"))
		pipeline_action_succeed(
			action, value_object_take("externalId", value_string(id), "summary",
					value_string_printf("Deployment %s succeeded", id), NULL));
}

static void run(PipelineAction *action) {
	const char *id = value_get_text(pipeline_action_work(action), "deployment");
	if (id)
		look(action, id);
	else
		begin(action);
}

static const PipelineConfigurationKey keys[] = {{"ClusterName", .required = TRUE},
	{"ServiceName", .required = TRUE}, {"FileName"}, {"DeploymentTimeout"}, {NULL}};

const PipelineProvider pipeline_deploy_ecs = {.category = "Deploy",
	.owner = "AWS",
	.provider = "ECS",
	.min_inputs = 1,
	.max_inputs = 1,
	.configuration = keys,
	.timeout_minutes = 60,
	.run = run};
