/* Builds: made from a project and the overrides of a call; what happens to them is run.c's. */
#include <string.h>

#include "base/text.h"
#include "region/services/codebuild/internal.h"

#define MOST_PER_PAGE 100

/* ---- making ---- */

/* `base` with those members of `input` that are named here under other names: pairs, ended by NULL.
 */
static Value override_take(Value base, Value input, const char *const *pairs) {
	for (; pairs[0]; pairs += 2)
		if (value_has(input, pairs[0]))
			base = value_with_take(
				base, pairs[1], value_ref(value_get(input, pairs[0])));
	return base;
}

/* Variables of the call go over those of the same name. */
static Value merge_variables(Value before, Value over) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(before); i++) {
		const char *name = value_get_text(value_at(before, i), "name");
		gboolean replaced = FALSE;
		for (gsize j = 0; j < value_length(over); j++)
			replaced |= g_strcmp0(value_get_text(value_at(over, j), "name"), name) == 0;
		if (!replaced)
			value_builder_add_take(all, value_ref(value_at(before, i)));
	}
	for (gsize i = 0; i < value_length(over); i++) {
		Value variable = value_ref(value_at(over, i));
		if (!value_has(variable, "type"))
			variable = value_with_take(variable, "type", value_string("PLAINTEXT"));
		value_builder_add_take(all, variable);
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value environment_of(Value project, Value input) {
	static const char *const pairs[] = {"environmentTypeOverride", "type", "imageOverride",
		"image", "computeTypeOverride", "computeType", "certificateOverride", "certificate",
		"privilegedModeOverride", "privilegedMode", "registryCredentialOverride",
		"registryCredential", "imagePullCredentialsTypeOverride",
		"imagePullCredentialsType", "fleetOverride", "fleet", NULL};
	Value environment = value_ref(value_get(project, "environment"));
	Value variables = merge_variables(value_get(environment, "environmentVariables"),
		value_get(input, "environmentVariablesOverride"));
	environment = override_take(environment, input, pairs);
	return value_with_take(environment, "environmentVariables", variables);
}

static Value source_of(Value project, Value input) {
	static const char *const pairs[] = {"sourceTypeOverride", "type", "sourceLocationOverride",
		"location", "sourceAuthOverride", "auth", "gitCloneDepthOverride", "gitCloneDepth",
		"gitSubmodulesConfigOverride", "gitSubmodulesConfig", "buildspecOverride",
		"buildspec", "insecureSslOverride", "insecureSsl", "reportBuildStatusOverride",
		"reportBuildStatus", "buildStatusConfigOverride", "buildStatusConfig", NULL};
	Value source = value_ref(value_get(project, "source"));
	const char *type = value_get_text(input, "sourceTypeOverride");
	/* Another type's location means nothing. */
	if (type && g_strcmp0(type, value_get_text(source, "type")) != 0)
		source = value_without_take(source, "location");
	return override_take(source, input, pairs);
}

/* The project's settings with the call's over them, for the checks that a project goes through. */
static Value settings_of(Value project, Value input) {
	static const char *const kept[] = {"cache", "serviceRole", "timeoutInMinutes",
		"queuedTimeoutInMinutes", "encryptionKey", "vpcConfig", "logsConfig",
		"secondarySources", "secondarySourceVersions", "artifacts", "secondaryArtifacts",
		"sourceVersion", "autoRetryLimit", NULL};
	static const char *const pairs[] = {"cacheOverride", "cache", "serviceRoleOverride",
		"serviceRole", "timeoutInMinutesOverride", "timeoutInMinutes",
		"queuedTimeoutInMinutesOverride", "queuedTimeoutInMinutes", "encryptionKeyOverride",
		"encryptionKey", "logsConfigOverride", "logsConfig", "secondarySourcesOverride",
		"secondarySources", "secondarySourcesVersionOverride", "secondarySourceVersions",
		"artifactsOverride", "artifacts", "secondaryArtifactsOverride",
		"secondaryArtifacts", "sourceVersion", "sourceVersion", "autoRetryLimitOverride",
		"autoRetryLimit", NULL};
	Value settings = codebuild_copy_take(value_empty_object(), project, kept);
	settings = override_take(settings, input, pairs);
	settings = value_with_take(settings, "environment", environment_of(project, input));
	return value_with_take(settings, "source", source_of(project, input));
}

/* Where an artifact will be: "arn:aws:s3:::bucket/path/name". */
static Value artifact_view(Value artifacts) {
	static const char *const kept[] = {
		"artifactIdentifier", "encryptionDisabled", "overrideArtifactName", NULL};
	const char *location = value_get_text(artifacts, "location");
	Value view = codebuild_copy_take(value_empty_object(), artifacts, kept);
	if (!location)
		return value_with_take(view, "location", value_string(""));
	return value_with_take(view, "location", value_string_printf("arn:aws:s3:::%s", location));
}

static Value logs_of(StoreScope scope, const char *project, const char *uuid, Value config) {
	Value cloud = value_get(config, "cloudWatchLogs");
	Value logs = value_object_take("cloudWatchLogs", value_ref(cloud), "s3Logs",
		value_ref(value_get(config, "s3Logs")), NULL);
	if (g_strcmp0(value_get_text(cloud, "status"), "ENABLED") != 0)
		return logs;
	const char *given = value_get_text(cloud, "groupName");
	const char *prefix = value_get_text(cloud, "streamName");
	g_autofree char *own = g_strconcat(CODEBUILD_LOGS, project, NULL);
	const char *group = given && *given ? given : own;
	g_autofree char *stream =
		prefix && *prefix ? g_strconcat(prefix, "/", uuid, NULL) : g_strdup(uuid);
	g_autofree char *arn =
		region_arn(scope, "logs", "log-group:%s:log-stream:%s", group, stream);
	logs = value_with_take(logs, "groupName", value_string(group));
	logs = value_with_take(logs, "streamName", value_string(stream));
	logs = value_with_take(logs, "cloudWatchLogsArn", value_string(arn));
	return value_with_take(logs, "deepLink",
		value_string_printf("https://console.aws.amazon.com/cloudwatch/home?region=%s#"
				    "logsV2:log-groups/log-group/%s/log-events/%s",
			scope.region, group, stream));
}

static Value with_versions_take(Value build, Value settings) {
	const char *version = value_get_text(settings, "sourceVersion");
	if (version && *version)
		build = value_with_take(build, "sourceVersion", value_string(version));
	return build;
}

/* The build that a call with the same token has started, or VALUE_NOTHING. */
static Value same_token(Region *region, StoreScope scope, Value input) {
	const char *token = value_get_text(input, "idempotencyToken");
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, CODEBUILD_BUILDS);
	const char *id;
	Value build;
	while (token && store_iter_next(&iter, &id, &build)) {
		Value request = codebuild_internal(build, "request");
		if (g_strcmp0(value_get_text(request, "idempotencyToken"), token) == 0 &&
			value_equal(request, input))
			return value_ref(build);
	}
	return VALUE_NOTHING;
}

static gboolean within_limit(Region *region, StoreScope scope, Value project, GError **error) {
	gint64 limit = value_get_int(project, "concurrentBuildLimit", 0), running = 0;
	const char *name = value_get_text(project, "name");
	if (limit < 1)
		return TRUE;
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, CODEBUILD_BUILDS);
	const char *id;
	Value build;
	while (store_iter_next(&iter, &id, &build))
		running += !codebuild_ended(build) &&
			   g_strcmp0(value_get_text(build, "projectName"), name) == 0;
	if (running < limit)
		return TRUE;
	wire_error_set(error, "AccountLimitExceededException",
		"Cannot have more than %" G_GINT64_FORMAT " active builds for the project", limit);
	return FALSE;
}

static gint64 next_number(Region *region, StoreScope scope, Value project) {
	gint64 number = value_to_int(codebuild_internal(project, "buildNumber"), 0) + 1;
	Value counted =
		codebuild_with_internal_take(value_ref(project), "buildNumber", value_int(number));
	store_put_take(region_store(region), scope, CODEBUILD_PROJECTS,
		value_get_text(project, "name"), counted);
	return number;
}

void codebuild_build_put_take(Region *region, StoreScope scope, Value build) {
	store_put_take(
		region_store(region), scope, CODEBUILD_BUILDS, value_get_text(build, "id"), build);
}

static Value assemble(Region *region, StoreScope scope, Value project, Value input, Value settings,
	const char *initiator) {
	static const char *const kept[] = {"source", "secondarySources", "secondarySourceVersions",
		"cache", "environment", "serviceRole", "timeoutInMinutes", "queuedTimeoutInMinutes",
		"encryptionKey", "vpcConfig", NULL};
	const char *name = value_get_text(project, "name");
	g_autofree char *uuid = g_uuid_string_random();
	g_autofree char *id = g_strdup_printf("%s:%s", name, uuid);
	g_autofree char *arn = region_arn(scope, "codebuild", "build/%s", id);
	gint64 now = region_now(region), retries = value_get_int(settings, "autoRetryLimit", 0);
	Value build = value_object_take("id", value_string(id), "arn", value_string(arn),
		"buildNumber", value_int(next_number(region, scope, project)), "projectName",
		value_string(name), "startTime", region_timestamp(region), "buildStatus",
		value_string("IN_PROGRESS"), "buildComplete", value_bool(FALSE), "initiator",
		value_string(initiator), "logs",
		logs_of(scope, name, uuid, value_get(settings, "logsConfig")), "artifacts",
		artifact_view(value_get(settings, "artifacts")), NULL);
	build = codebuild_copy_take(build, settings, kept);
	build = with_versions_take(build, settings);
	if (retries > 0)
		build = value_with_take(build, "autoRetryConfig",
			value_object_take("autoRetryLimit", value_int(retries), "autoRetryNumber",
				value_int(0), NULL));
	Value secondary = value_get(settings, "secondaryArtifacts");
	g_autoptr(ValueBuilder) views = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(secondary); i++)
		value_builder_add_take(views, artifact_view(value_at(secondary, i)));
	build = value_with_take(
		build, "secondaryArtifacts", value_builder_end(g_steal_pointer(&views)));
	build = codebuild_with_internal_take(build, "request", value_ref(input));
	build = codebuild_with_internal_take(
		build, "artifacts", value_ref(value_get(settings, "artifacts")));
	build = codebuild_with_internal_take(build, "secondaryArtifacts", value_ref(secondary));
	build = codebuild_with_internal_take(
		build, "generation", value_ref(codebuild_internal(project, "generation")));
	build = codebuild_phase_begin_take(build, "SUBMITTED", now);
	build = codebuild_phase_end_take(build, "SUCCEEDED", NULL, NULL, now);
	return codebuild_phase_begin_take(build, "QUEUED", now);
}

Value codebuild_build_new(Region *region, StoreScope scope, Value project, Value input,
	const char *initiator, GError **error) {
	if (value_get_bool(input, "debugSessionEnabled")) {
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not implement CodeBuild's debug sessions.");
		return VALUE_NOTHING;
	}
	Value same = same_token(region, scope, input);
	if (!value_is_null(same))
		return same;
	g_auto(Value) settings = settings_of(project, input);
	if (!codebuild_check(region, scope, settings, error) ||
		!within_limit(region, scope, project, error))
		return VALUE_NOTHING;
	return assemble(region, scope, project, input, settings, initiator);
}

/* ---- StartBuild and what is like it ---- */

/* As the API names who calls: a user's name, "role/session", "root". Caller frees. */
static char *initiator_of(const RegionCall *call) {
	g_autofree char *resource = NULL;
	if (!region_arn_parse(call->principal_arn, NULL, NULL, NULL, &resource))
		return g_strdup(call->principal_arn);
	if (g_str_has_prefix(resource, "assumed-role/"))
		return g_strdup(resource + strlen("assumed-role/"));
	const char *name = strrchr(resource, '/');
	return g_strdup(name ? name + 1 : resource);
}

static Value answer_take(Value build) {
	return value_object_take("build", codebuild_view_take(build), NULL);
}

static Value start(RegionCall *call, Value input, GError **error) {
	g_auto(Value) project = codebuild_project_find(
		call->region, call->scope, value_get_text(input, "projectName"), error);
	if (value_is_null(project))
		return VALUE_NOTHING;
	g_autofree char *initiator = initiator_of(call);
	Value build =
		codebuild_build_new(call->region, call->scope, project, input, initiator, error);
	if (value_is_null(build))
		return VALUE_NOTHING;
	if (g_strcmp0(value_text(value_get_path(build, "source", "type", NULL)), "CODEPIPELINE") ==
		0) {
		value_clear(&build);
		return codebuild_invalid(error,
			"Cannot start a build of project %s: its source type is CODEPIPELINE, and "
			"only a pipeline has that source",
			value_get_text(project, "name"));
	}
	return build;
}

Value codebuild_start_build(RegionCall *call, Value input, GError **error) {
	Value build = start(call, input, error);
	if (value_is_null(build))
		return VALUE_NOTHING;
	codebuild_build_put_take(call->region, call->scope, value_ref(build));
	return answer_take(build);
}

/* The id behind an id or an ARN. Caller frees. */
static char *build_id(const char *id_or_arn) {
	g_autofree char *resource = NULL;
	if (!region_arn_parse(id_or_arn, NULL, NULL, NULL, &resource) ||
		!g_str_has_prefix(resource, "build/"))
		return g_strdup(id_or_arn);
	return g_strdup(resource + strlen("build/"));
}

static Value find(RegionCall *call, const char *id_or_arn, GError **error) {
	g_autofree char *id = build_id(id_or_arn);
	Value build = store_get(region_store(call->region), call->scope, CODEBUILD_BUILDS, id);
	if (value_is_null(build)) {
		g_autofree char *arn = region_arn(call->scope, "codebuild", "build/%s", id);
		wire_error_set(
			error, "ResourceNotFoundException", "Build cannot be found: %s", arn);
	}
	return build;
}

Value codebuild_retry_build(RegionCall *call, Value input, GError **error) {
	const char *given = value_get_text(input, "id");
	if (!given)
		return codebuild_invalid(error, "Build ID is required");
	g_auto(Value) before = find(call, given, error);
	if (value_is_null(before))
		return VALUE_NOTHING;
	if (!codebuild_ended(before))
		return codebuild_invalid(error, "Build %s has not ended yet", given);
	if (value_has(value_get(before, CODEBUILD_INTERNAL), "outputs"))
		return codebuild_invalid(error,
			"Build %s was started by a pipeline: retry the pipeline's stage", given);
	Value request = value_without_take(
		value_ref(codebuild_internal(before, "request")), "idempotencyToken");
	const char *token = value_get_text(input, "idempotencyToken");
	if (token)
		request = value_with_take(request, "idempotencyToken", value_string(token));
	Value build = start(call, request, error);
	value_clear(&request);
	if (value_is_null(build))
		return VALUE_NOTHING;
	codebuild_build_put_take(call->region, call->scope, value_ref(build));
	return answer_take(build);
}

void codebuild_auto_retry(Region *region, StoreScope scope, Value *build) {
	g_auto(Value) config = value_ref(value_get(*build, "autoRetryConfig"));
	gint64 number = value_get_int(config, "autoRetryNumber", 0);
	if (number >= value_get_int(config, "autoRetryLimit", 0))
		return;
	g_auto(Value) project =
		codebuild_project_find(region, scope, value_get_text(*build, "projectName"), NULL);
	if (value_is_null(project))
		return;
	g_auto(Value) request = value_without_take(
		value_ref(codebuild_internal(*build, "request")), "idempotencyToken");
	Value next = codebuild_build_new(
		region, scope, project, request, value_get_text(*build, "initiator"), NULL);
	if (value_is_null(next))
		return;
	const char *arn = value_get_text(next, "arn");
	Value told = value_with_take(value_ref(config), "nextAutoRetry", value_string(arn));
	Value own = value_with_take(value_ref(config), "autoRetryNumber", value_int(number + 1));
	own = value_with_take(own, "previousAutoRetry", value_ref(value_get(*build, "arn")));
	*build = value_with_take(value_steal(build), "autoRetryConfig", told);
	codebuild_build_put_take(region, scope, value_with_take(next, "autoRetryConfig", own));
}

static Value artifact_values(const CodebuildArtifact *artifacts, gsize n) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < n; i++) {
		Value each = value_object_take("name", value_string(artifacts[i].name), "zip",
			value_string(artifacts[i].zip), NULL);
		if (artifacts[i].location)
			each = value_with_take(
				each, "location", value_string(artifacts[i].location));
		if (artifacts[i].revision)
			each = value_with_take(
				each, "revision", value_string(artifacts[i].revision));
		value_builder_add_take(all, each);
	}
	return value_builder_end(g_steal_pointer(&all));
}

char *codebuild_start(
	Region *region, StoreScope scope, const CodebuildRequest *request, GError **error) {
	g_auto(Value) project = codebuild_project_find(region, scope, request->project, error);
	if (value_is_null(project))
		return NULL;
	const char *source = value_text(value_get_path(project, "source", "type", NULL));
	if (g_strcmp0(source, "CODEPIPELINE") != 0) {
		codebuild_invalid(error,
			"Project %s has source type %s: a pipeline's build needs CODEPIPELINE",
			request->project, source);
		return NULL;
	}
	g_auto(Value) input =
		value_object_take("projectName", value_ref(value_get(project, "name")), NULL);
	if (value_length(request->environment) > 0)
		input = value_with_take(value_steal(&input), "environmentVariablesOverride",
			value_ref(request->environment));
	Value build = codebuild_build_new(region, scope, project, input, request->initiator, error);
	if (value_is_null(build))
		return NULL;
	build = codebuild_with_internal_take(
		build, "inputs", artifact_values(request->inputs, request->n_inputs));
	build = codebuild_with_internal_take(
		build, "outputs", artifact_values(request->outputs, request->n_outputs));
	const CodebuildArtifact *first = request->n_inputs ? &request->inputs[0] : NULL;
	if (first && first->location)
		build = value_with_take(build, "sourceVersion", value_string(first->location));
	if (first && first->revision)
		build = value_with_take(
			build, "resolvedSourceVersion", value_string(first->revision));
	/* AWS: "CodeBuild does not support auto-retry for CodePipeline". */
	build = value_without_take(build, "autoRetryConfig");
	char *id = g_strdup(value_get_text(build, "id"));
	codebuild_build_put_take(region, scope, build);
	return id;
}

/* ---- StopBuild ---- */

void codebuild_stop(Region *region, StoreScope scope, const char *id) {
	Value build = store_get(region_store(region), scope, CODEBUILD_BUILDS, id);
	if (value_is_null(build) || codebuild_ended(build)) {
		value_clear(&build);
		return;
	}
	codebuild_build_put_take(
		region, scope, codebuild_with_internal_take(build, "stop", value_bool(TRUE)));
}

Value codebuild_stop_build(RegionCall *call, Value input, GError **error) {
	g_auto(Value) build = find(call, value_get_text(input, "id"), error);
	if (value_is_null(build))
		return VALUE_NOTHING;
	codebuild_stop(call->region, call->scope, value_get_text(build, "id"));
	return answer_take(value_steal(&build));
}

/* ---- reading ---- */

Value codebuild_batch_get_builds(RegionCall *call, Value input, GError **error) {
	Value ids = value_get(input, "ids");
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) missing = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(ids); i++) {
		Value build = find(call, value_text(value_at(ids, i)), NULL);
		if (value_is_null(build))
			value_builder_add_take(missing, value_ref(value_at(ids, i)));
		else
			value_builder_add_take(found, codebuild_view_take(build));
	}
	return value_object_take("builds", value_builder_end(g_steal_pointer(&found)),
		"buildsNotFound", value_builder_end(g_steal_pointer(&missing)), NULL);
}

Value codebuild_batch_delete_builds(RegionCall *call, Value input, GError **error) {
	Value ids = value_get(input, "ids");
	g_autoptr(ValueBuilder) deleted = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) kept = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(ids); i++) {
		const char *given = value_text(value_at(ids, i));
		g_auto(Value) build = find(call, given, NULL);
		if (!value_is_null(build) && codebuild_ended(build)) {
			store_delete(region_store(call->region), call->scope, CODEBUILD_BUILDS,
				value_get_text(build, "id"));
			value_builder_add_take(deleted, value_ref(value_get(build, "arn")));
			continue;
		}
		value_builder_add_take(
			kept, value_object_take("id", value_string(given), "statusCode",
				      value_string(value_is_null(build) ? "BUILD_NOT_FOUND"
									: "BUILD_IN_PROGRESS"),
				      NULL));
	}
	return value_object_take("buildsDeleted", value_builder_end(g_steal_pointer(&deleted)),
		"buildsNotDeleted", value_builder_end(g_steal_pointer(&kept)), NULL);
}

typedef struct {
	char *id;
	double start;
	gint64 number;
} Entry;

static void entry_clear(gpointer data) {
	g_free(((Entry *)data)->id);
}

static int latest_first(gconstpointer a, gconstpointer b) {
	const Entry *first = a, *second = b;
	if (first->start != second->start)
		return first->start > second->start ? -1 : 1;
	return first->number > second->number ? -1 : first->number < second->number;
}

static Value list(RegionCall *call, Value input, const char *project, GError **error) {
	const char *order = value_text_or(value_get(input, "sortOrder"), "DESCENDING");
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(Entry));
	g_array_set_clear_func(entries, entry_clear);
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, CODEBUILD_BUILDS);
	const char *id;
	Value build;
	while (store_iter_next(&iter, &id, &build)) {
		if (project && g_strcmp0(value_get_text(build, "projectName"), project) != 0)
			continue;
		Entry entry = {g_strdup(id), value_to_double(value_get(build, "startTime"), 0),
			value_get_int(build, "buildNumber", 0)};
		g_array_append_val(entries, entry);
	}
	g_array_sort(entries, latest_first);
	g_autoptr(ValueBuilder) ids = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < entries->len; i++) {
		guint at = g_str_equal(order, "DESCENDING") ? i : entries->len - 1 - i;
		value_builder_add_take(ids, value_string(g_array_index(entries, Entry, at).id));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&ids));
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	g_auto(Value) page = region_page(all, MOST_PER_PAGE, value_get_text(input, "nextToken"),
		"InvalidInputException", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value output = value_object_take("ids", value_steal(&page), NULL);
	return next ? value_with_take(output, "nextToken", value_string(next)) : output;
}

Value codebuild_list_builds(RegionCall *call, Value input, GError **error) {
	return list(call, input, NULL, error);
}

Value codebuild_list_builds_for_project(RegionCall *call, Value input, GError **error) {
	g_auto(Value) project = codebuild_project_find(
		call->region, call->scope, value_get_text(input, "projectName"), error);
	if (value_is_null(project))
		return VALUE_NOTHING;
	return list(call, input, value_get_text(project, "name"), error);
}
