/* Builds and tests by CodeBuild. */
#include <string.h>

#include "region/services/codebuild/codebuild.h"
#include "region/services/codepipeline/internal.h"
#include "value/json.h"

#define HOURS_8 480
#define URL "https://console.aws.amazon.com/codebuild/home?region=%s#/builds/%s/view/new"

/* ---- beginning ---- */

static char *output_path(const char *folder, const char *name) {
	g_autofree char *base = g_strconcat("out-", name, ".zip", NULL);
	return g_build_filename(folder, base, NULL);
}

/* The artifacts with the primary one first. NULL: the action has failed. */
static GArray *inputs_of(PipelineAction *action, GPtrArray *texts) {
	Value inputs = value_get(action->declaration, "inputArtifacts");
	const char *primary = value_get_text(action->configuration, "PrimarySource");
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(CodebuildArtifact));
	for (gsize i = 0; i < value_length(inputs); i++) {
		const char *name = value_get_text(value_at(inputs, i), "name");
		char *path = pipeline_artifact_file(action, name);
		if (!path)
			return NULL;
		char *arn = pipeline_artifact_arn(action, name);
		Value place = value_get(pipeline_internal(action->execution, "artifacts"), name);
		CodebuildArtifact artifact = {.name = name,
			.zip = path,
			.location = arn,
			.revision = value_get_text(place, "revision")};
		g_ptr_array_add(texts, path);
		g_ptr_array_add(texts, arn);
		if (g_strcmp0(primary, name) == 0)
			g_array_prepend_val(all, artifact);
		else
			g_array_append_val(all, artifact);
	}
	return g_steal_pointer(&all);
}

static GArray *outputs_of(PipelineAction *action, const char *folder, GPtrArray *texts) {
	Value outputs = value_get(action->declaration, "outputArtifacts");
	GArray *all = g_array_new(FALSE, FALSE, sizeof(CodebuildArtifact));
	for (gsize i = 0; i < value_length(outputs); i++) {
		const char *name = value_get_text(value_at(outputs, i), "name");
		char *path = output_path(folder, name);
		CodebuildArtifact artifact = {.name = name, .zip = path};
		g_ptr_array_add(texts, path);
		g_array_append_val(all, artifact);
	}
	return all;
}

/* EnvironmentVariables: JSON text. FALSE: it is none, and the action has failed. */
static gboolean environment_of(PipelineAction *action, Value *environment) {
	const char *text = value_get_text(action->configuration, "EnvironmentVariables");
	g_autoptr(GError) error = NULL;
	if (!text)
		return TRUE;
	*environment = value_from_json(text, -1, &error);
	gboolean good = !error && value_is_sequence(*environment);
	for (gsize i = 0; good && i < value_length(*environment); i++)
		good = value_get_text(value_at(*environment, i), "name") &&
		       value_get_text(value_at(*environment, i), "value");
	if (!good)
		pipeline_action_fail(action, "ConfigurationError",
			"The EnvironmentVariables of the action are no JSON list of objects with "
			"name and value%s%s",
			error ? ": " : ".", error ? error->message : "");
	return good;
}

static void start(PipelineAction *action, const CodebuildRequest *request) {
	Store *store = region_store(action->region);
	g_autoptr(GError) error = NULL;
	if (!store_begin(store, NULL))
		return;
	g_autofree char *id = codebuild_start(action->region, action->scope, request, &error);
	if (!id) {
		store_rollback(store);
		pipeline_action_fail(action, "ConfigurationError", "Error calling startBuild: %s",
			error->message);
		return;
	}
	g_autofree char *url = g_strdup_printf(URL, action->scope.region, id);
	pipeline_action_note(action, value_object_take("build", value_string(id), NULL), id, url);
	store_commit(store, NULL);
}

static void begin(PipelineAction *action) {
	const char *project = value_get_text(action->configuration, "ProjectName");
	g_autofree char *arn = region_arn(action->scope, "codebuild", "project/%s", project);
	g_autofree char *initiator = g_strconcat("codepipeline/", action->pipeline, NULL);
	g_autofree char *folder = pipeline_action_folder(action);
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_auto(Value) environment = VALUE_NOTHING;
	if (!pipeline_action_may(
		    action, "codebuild:StartBuild", arn, "Error calling startBuild: ") ||
		!environment_of(action, &environment))
		return;
	g_autoptr(GArray) inputs = inputs_of(action, texts);
	if (!inputs)
		return;
	g_autoptr(GArray) outputs = outputs_of(action, folder, texts);
	CodebuildRequest request = {.project = project,
		.initiator = initiator,
		.inputs = (const CodebuildArtifact *)(gpointer)inputs->data,
		.n_inputs = inputs->len,
		.outputs = (const CodebuildArtifact *)(gpointer)outputs->data,
		.n_outputs = outputs->len,
		.environment = environment};
	start(action, &request);
}

/* ---- ending ---- */

static Value exported(Value build) {
	Value variables = value_get(build, "exportedEnvironmentVariables");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = 0; i < value_length(variables); i++) {
		const char *name = value_get_text(value_at(variables, i), "name");
		if (name)
			value_builder_set_take(all, name,
				value_string(value_text_or(
					value_get(value_at(variables, i), "value"), "")));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static void finish(PipelineAction *action, Value build, const char *id) {
	Value outputs = value_get(action->declaration, "outputArtifacts");
	g_autofree char *folder = pipeline_action_folder(action);
	g_autoptr(ValueBuilder) files = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = 0; i < value_length(outputs); i++) {
		const char *name = value_get_text(value_at(outputs, i), "name");
		char *path = output_path(folder, name);
		if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
			g_free(path);
			pipeline_action_fail(action, "JobFailed",
				"The build %s has made no output artifact '%s'.", id, name);
			return;
		}
		value_builder_set_take(files, name, value_string_take(path));
	}
	Value outcome = value_object_take(
		"externalId", value_string(id), "variables", exported(build), NULL);
	PipelineAction *again = pipeline_action_reload(action);
	if (again)
		pipeline_action_deliver(again, value_builder_end(g_steal_pointer(&files)), outcome);
	else
		value_unref(outcome);
}

static void run(PipelineAction *action) {
	const char *id = value_get_text(pipeline_action_work(action), "build");
	if (!id) {
		begin(action);
		return;
	}
	g_auto(Value) build =
		store_get(region_store(action->region), action->scope, CODEBUILD_BUILDS, id);
	if (value_is_null(build)) {
		pipeline_action_fail(action, "JobFailed", "The build %s is gone.", id);
		return;
	}
	if (!codebuild_ended(build))
		return;
	g_autofree char *reason = codebuild_reason(build);
	if (reason)
		pipeline_action_fail(action, "JobFailed", "%s", reason);
	else
		finish(action, build, id);
}

static void stop(PipelineAction *action) {
	const char *id = value_get_text(pipeline_action_work(action), "build");
	if (id)
		codebuild_stop(action->region, action->scope, id);
}

static const PipelineConfigurationKey keys[] = {{"ProjectName", .required = TRUE},
	{"PrimarySource"}, {"EnvironmentVariables"}, {"BatchEnabled", .values = "true false"},
	{"CombineArtifacts", .lacking = TRUE}, {NULL}};

const PipelineProvider pipeline_build = {
	"Build", "AWS", "CodeBuild", 1, 5, 0, 5, keys, HOURS_8, run, stop};
const PipelineProvider pipeline_test = {
	"Test", "AWS", "CodeBuild", 1, 5, 0, 5, keys, HOURS_8, run, stop};
