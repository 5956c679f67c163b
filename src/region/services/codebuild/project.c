/* Projects: what CreateProject and UpdateProject take, checked, with AWS's defaults. */
#include <string.h>

#include "glass/image.h"
#include "region/services/codebuild/internal.h"
#include "region/services/ec2/ec2.h"
#include "region/services/iam/iam.h"

#define DEFAULT_TIMEOUT 60
#define DEFAULT_QUEUED_TIMEOUT 480

/* ---- checking ---- */

static gboolean refuse(GError **error, const char *what) {
	wire_error_set_status(
		error, 501, "NotImplemented", "Terrarium does not implement CodeBuild's %s.", what);
	return FALSE;
}

static gboolean fail(GError **error, const char *message) {
	codebuild_invalid(error, "%s", message);
	return FALSE;
}

static gboolean check_machine(Value environment, GError **error) {
	static const char *const served[] = {"LINUX_CONTAINER", "ARM_CONTAINER", NULL};
	static const char *const types[] = {"BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM",
		"BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_XLARGE", "BUILD_GENERAL1_2XLARGE", NULL};
	const char *type = value_get_text(environment, "type");
	const char *compute = value_get_text(environment, "computeType");
	if (type && !g_strv_contains(served, type)) {
		g_autofree char *what = g_strdup_printf("environment type %s", type);
		return refuse(error, what);
	}
	gboolean is_arm = g_str_equal(image_host_architecture(), "arm64");
	if (type && g_str_equal(type, "ARM_CONTAINER") != is_arm) {
		g_autofree char *what = g_strdup_printf("environment type %s on this machine (%s)",
			type, image_host_architecture());
		return refuse(error, what);
	}
	if (compute && !g_strv_contains(types, compute)) {
		g_autofree char *what = g_strdup_printf("compute type %s", compute);
		return refuse(error, what);
	}
	return TRUE;
}

static gboolean check_variables(Value variables, GError **error) {
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (gsize i = 0; i < value_length(variables); i++) {
		const char *name = value_get_text(value_at(variables, i), "name");
		if (!g_hash_table_add(seen, (char *)name)) {
			codebuild_invalid(error,
				"Invalid environment variables: duplicate environment variable: %s",
				name);
			return FALSE;
		}
		if (strchr(name, '=')) {
			codebuild_invalid(error,
				"Invalid environment variables: environment variable name is "
				"invalid: %s",
				name);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean check_environment(Value environment, GError **error) {
	if (value_is_null(environment))
		return TRUE;
	if (value_length(value_get(environment, "fleet")) > 0)
		return refuse(error, "reserved capacity fleets");
	if (value_length(value_get(environment, "dockerServer")) > 0)
		return refuse(error, "docker servers");
	if (value_length(value_get(environment, "registryCredential")) > 0)
		return refuse(
			error, "registry credentials: images come from the region's registry");
	if (value_has(environment, "certificate"))
		return refuse(
			error, "environment certificate: builds trust what this machine trusts");
	return check_machine(environment, error) &&
	       check_variables(value_get(environment, "environmentVariables"), error);
}

static gboolean check_source(Value source, gboolean secondary, GError **error) {
	const char *type = value_get_text(source, "type");
	const char *location = value_get_text(source, "location");
	const char *buildspec = value_get_text(source, "buildspec");
	if (!type)
		return TRUE;
	gboolean located = !g_str_equal(type, "CODEPIPELINE") && !g_str_equal(type, "NO_SOURCE");
	if (located && (!location || !*location))
		return fail(error, "Invalid project source: location is required");
	if (!located && location && *location) {
		codebuild_invalid(error,
			"Invalid project source: location must not be set for source type %s",
			type);
		return FALSE;
	}
	if (located && (g_str_has_prefix(location, "/") || g_str_has_prefix(location, "file:")))
		return fail(error,
			"Invalid project source: location must be a repository or a bucket, not a "
			"path on this machine");
	if (g_str_equal(type, "S3") && !strchr(location, '/'))
		return fail(error,
			"Invalid project source: location must be in the form of <bucket>/<key>");
	if (secondary && !value_get_text(source, "sourceIdentifier"))
		return fail(error,
			"Invalid secondary source: source identifier is required for secondary "
			"sources");
	if (!secondary && g_str_equal(type, "NO_SOURCE") && (!buildspec || !*buildspec))
		return fail(error,
			"Project source type NO_SOURCE requires a buildspec to be specified in the "
			"source");
	return TRUE;
}

static gboolean check_artifacts(Value artifacts, gboolean secondary, GError **error) {
	const char *type = value_get_text(artifacts, "type");
	const char *location = value_get_text(artifacts, "location");
	if (type && g_str_equal(type, "S3") && (!location || !*location))
		return fail(
			error, "Invalid artifacts: location must be specified for S3 artifacts");
	if (secondary && type && !value_get_text(artifacts, "artifactIdentifier"))
		return fail(error, "Invalid secondary artifacts: artifact identifier is required "
				   "for secondary "
				   "artifacts");
	return TRUE;
}

static gboolean check_pipeline(Value source, Value artifacts, GError **error) {
	const char *from = value_get_text(source, "type"), *to = value_get_text(artifacts, "type");
	if (!from || !to || g_str_equal(from, "CODEPIPELINE") == g_str_equal(to, "CODEPIPELINE"))
		return TRUE;
	return fail(error,
		"Invalid input: when using CodePipeline both, sourceType, and artifactType must be "
		"set to: CODEPIPELINE");
}

static gboolean check_list(
	Value list, gboolean (*check)(Value, gboolean, GError **), GError **error) {
	for (gsize i = 0; i < value_length(list); i++)
		if (!check(value_at(list, i), TRUE, error))
			return FALSE;
	return TRUE;
}

static gboolean check_logs(Value logs, GError **error) {
	const char *status =
		value_text_or(value_get_path(logs, "s3Logs", "status", NULL), "DISABLED");
	return g_str_equal(status, "DISABLED") || refuse(error, "logs in S3");
}

static gboolean check_cache(Value cache, GError **error) {
	const char *type = value_text_or(value_get(cache, "type"), "NO_CACHE");
	if (g_str_equal(type, "S3"))
		return refuse(error, "cache in S3 (LOCAL is there)");
	if (g_str_equal(type, "LOCAL") && value_length(value_get(cache, "modes")) == 0)
		return fail(error, "Invalid cache: modes is required for LOCAL cache type");
	return TRUE;
}

static gboolean check_vpc(Region *region, StoreScope scope, Value config, GError **error) {
	Value subnets = value_get(config, "subnets"),
	      groups = value_get(config, "securityGroupIds");
	const char *vpc = value_get_text(config, "vpcId");
	if (!vpc || !*vpc)
		return TRUE;
	if (value_length(subnets) == 0 || value_length(groups) == 0)
		return fail(error, "Invalid vpcConfig: subnets and security groups are required");
	for (gsize i = 0; i < value_length(subnets); i++) {
		const char *id = value_text_or(value_at(subnets, i), "");
		g_auto(Value) subnet = ec2_subnet_get(region, scope, id);
		if (g_strcmp0(value_get_text(subnet, "VpcId"), vpc) != 0) {
			codebuild_invalid(error, "Invalid vpc subnet: %s is not in %s", id, vpc);
			return FALSE;
		}
	}
	for (gsize i = 0; i < value_length(groups); i++) {
		const char *id = value_text_or(value_at(groups, i), "");
		g_auto(Value) group = ec2_group_get(region, scope, id);
		if (g_strcmp0(value_get_text(group, "VpcId"), vpc) != 0) {
			codebuild_invalid(
				error, "Invalid security group: %s is not in %s", id, vpc);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean check_role(Region *region, StoreScope scope, const char *role, GError **error) {
	g_autoptr(GError) local = NULL;
	if (!role)
		return TRUE;
	g_auto(Value) session = iam_role_session(
		region, scope, role, "AWSCodeBuild", CODEBUILD_SERVICE, 3600, &local);
	if (!local)
		return TRUE;
	codebuild_invalid(error,
		"CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please "
		"verify that: 1) The provided service role exists, 2) The role name is "
		"case-sensitive and matches exactly, and 3) The role has the necessary trust "
		"policy "
		"configured. (%s)",
		local->message);
	return FALSE;
}

gboolean codebuild_check(Region *region, StoreScope scope, Value settings, GError **error) {
	Value source = value_get(settings, "source"), artifacts = value_get(settings, "artifacts");
	if (value_length(value_get(settings, "fileSystemLocations")) > 0)
		return refuse(error, "file systems (EFS)");
	if (value_length(value_get(settings, "buildBatchConfig")) > 0)
		return refuse(error, "batch builds");
	if (value_get_bool(settings, "badgeEnabled"))
		return refuse(error, "build badges");
	return check_environment(value_get(settings, "environment"), error) &&
	       check_source(source, FALSE, error) && check_artifacts(artifacts, FALSE, error) &&
	       check_pipeline(source, artifacts, error) &&
	       check_list(value_get(settings, "secondarySources"), check_source, error) &&
	       check_list(value_get(settings, "secondaryArtifacts"), check_artifacts, error) &&
	       check_logs(value_get(settings, "logsConfig"), error) &&
	       check_cache(value_get(settings, "cache"), error) &&
	       check_vpc(region, scope, value_get(settings, "vpcConfig"), error) &&
	       check_role(region, scope, value_get_text(settings, "serviceRole"), error);
}

/* ---- defaults ---- */

static Value with_default_take(Value object, const char *member, Value otherwise) {
	if (!value_is_null(value_get(object, member))) {
		value_clear(&otherwise);
		return object;
	}
	return value_with_take(object, member, otherwise);
}

static Value complete_environment_take(Value environment) {
	environment = with_default_take(environment, "environmentVariables", value_empty_tuple());
	environment = with_default_take(environment, "privilegedMode", value_bool(FALSE));
	environment = with_default_take(
		environment, "imagePullCredentialsType", value_string("CODEBUILD"));
	Value variables = value_get(environment, "environmentVariables");
	g_autoptr(ValueBuilder) typed = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(variables); i++)
		value_builder_add_take(typed, with_default_take(value_ref(value_at(variables, i)),
						      "type", value_string("PLAINTEXT")));
	return value_with_take(
		environment, "environmentVariables", value_builder_end(g_steal_pointer(&typed)));
}

/* What AWS tells of artifacts in S3 beyond what it was given. */
static Value complete_artifacts_take(Value artifacts, const char *project) {
	const char *type = value_text_or(value_get(artifacts, "type"), "");
	if (g_str_equal(type, "CODEPIPELINE")) {
		artifacts = with_default_take(artifacts, "name", value_string(project));
		artifacts = with_default_take(artifacts, "packaging", value_string("NONE"));
	}
	if (g_str_equal(type, "S3")) {
		artifacts = with_default_take(artifacts, "name", value_string(project));
		artifacts = with_default_take(artifacts, "packaging", value_string("NONE"));
		artifacts = with_default_take(artifacts, "namespaceType", value_string("NONE"));
	}
	if (!g_str_equal(type, "NO_ARTIFACTS"))
		artifacts = with_default_take(artifacts, "encryptionDisabled", value_bool(FALSE));
	return artifacts;
}

static Value complete_source_take(Value source) {
	return with_default_take(source, "insecureSsl", value_bool(FALSE));
}

static Value complete_each(Value list, Value (*complete)(Value)) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(list); i++)
		value_builder_add_take(all, complete(value_ref(value_at(list, i))));
	return value_builder_end(g_steal_pointer(&all));
}

static Value complete_logs_take(Value logs) {
	if (value_is_null(logs))
		logs = value_empty_object();
	logs = with_default_take(
		logs, "cloudWatchLogs", value_object_take("status", value_string("ENABLED"), NULL));
	return with_default_take(logs, "s3Logs",
		value_object_take("status", value_string("DISABLED"), "encryptionDisabled",
			value_bool(FALSE), NULL));
}

static Value complete_take(StoreScope scope, Value project) {
	g_autofree char *name = g_strdup(value_get_text(project, "name"));
	g_autofree char *key = region_arn(scope, "kms", "alias/aws/s3");
	project = with_default_take(project, "timeoutInMinutes", value_int(DEFAULT_TIMEOUT));
	project = with_default_take(
		project, "queuedTimeoutInMinutes", value_int(DEFAULT_QUEUED_TIMEOUT));
	project = with_default_take(project, "encryptionKey", value_string(key));
	project = with_default_take(
		project, "cache", value_object_take("type", value_string("NO_CACHE"), NULL));
	project = with_default_take(project, "secondarySources", value_empty_tuple());
	project = with_default_take(project, "secondaryArtifacts", value_empty_tuple());
	project = with_default_take(project, "secondarySourceVersions", value_empty_tuple());
	project = with_default_take(project, "projectVisibility", value_string("PRIVATE"));
	project = value_with_take(
		project, "badge", value_object_take("badgeEnabled", value_bool(FALSE), NULL));
	project = value_with_take(project, "environment",
		complete_environment_take(value_ref(value_get(project, "environment"))));
	project = value_with_take(
		project, "source", complete_source_take(value_ref(value_get(project, "source"))));
	project = value_with_take(project, "artifacts",
		complete_artifacts_take(value_ref(value_get(project, "artifacts")), name));
	project = value_with_take(project, "secondarySources",
		complete_each(value_get(project, "secondarySources"), complete_source_take));
	return value_with_take(project, "logsConfig",
		complete_logs_take(value_ref(value_get(project, "logsConfig"))));
}

/* ---- operations ---- */

static const char *const settable[] = {"description", "source", "secondarySources", "sourceVersion",
	"secondarySourceVersions", "artifacts", "secondaryArtifacts", "cache", "environment",
	"serviceRole", "timeoutInMinutes", "queuedTimeoutInMinutes", "encryptionKey", "vpcConfig",
	"logsConfig", "concurrentBuildLimit", "autoRetryLimit", "tags", NULL};

Value codebuild_project_find(Region *region, StoreScope scope, const char *name, GError **error) {
	g_autofree char *plain = codebuild_project_name(name);
	Value project = store_get(region_store(region), scope, CODEBUILD_PROJECTS, plain);
	if (value_is_null(project))
		wire_error_set(error, "ResourceNotFoundException",
			"Project cannot be found: arn:aws:codebuild:%s:%s:project/%s", scope.region,
			scope.account, plain);
	return project;
}

static Value put_take(RegionCall *call, Value project) {
	store_put(region_store(call->region), call->scope, CODEBUILD_PROJECTS,
		value_get_text(project, "name"), project);
	return value_object_take("project", codebuild_view_take(project), NULL);
}

Value codebuild_create_project(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "name");
	if (store_has(region_store(call->region), call->scope, CODEBUILD_PROJECTS, name)) {
		g_autofree char *arn = region_arn(call->scope, "codebuild", "project/%s", name);
		wire_error_set(
			error, "ResourceAlreadyExistsException", "Project already exists: %s", arn);
		return VALUE_NOTHING;
	}
	if (!codebuild_check(call->region, call->scope, input, error))
		return VALUE_NOTHING;
	g_autofree char *arn = region_arn(call->scope, "codebuild", "project/%s", name);
	Value project = value_object_take("name", value_string(name), "arn", value_string(arn),
		"created", region_timestamp(call->region), "lastModified",
		region_timestamp(call->region), NULL);
	project = codebuild_copy_take(project, input, settable);
	project = with_default_take(project, "tags", value_empty_tuple());
	/* No project before it had storage of this generation. */
	project = codebuild_with_internal_take(
		project, "generation", value_int(region_now(call->region)));
	return put_take(call, complete_take(call->scope, project));
}

/* An update that says so takes a setting away: "" for a text, a config without a VPC, 0 or less for
 * a limit. */
static Value drop_emptied_take(Value project) {
	static const char *const texts[] = {"sourceVersion", "description", "encryptionKey"};
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		if (g_strcmp0(value_get_text(project, texts[i]), "") == 0)
			project = value_without_take(project, texts[i]);
	const char *vpc = value_text(value_get_path(project, "vpcConfig", "vpcId", NULL));
	if (value_has(project, "vpcConfig") && (!vpc || !*vpc))
		project = value_without_take(project, "vpcConfig");
	if (value_get_int(project, "concurrentBuildLimit", 1) < 1)
		project = value_without_take(project, "concurrentBuildLimit");
	return project;
}

Value codebuild_update_project(RegionCall *call, Value input, GError **error) {
	Value project = codebuild_project_find(
		call->region, call->scope, value_get_text(input, "name"), error);
	if (value_is_null(project))
		return VALUE_NOTHING;
	project = codebuild_copy_take(project, input, settable);
	g_auto(Value) merged = value_merge(project, input);
	if (!codebuild_check(call->region, call->scope, merged, error)) {
		value_clear(&project);
		return VALUE_NOTHING;
	}
	project = value_with_take(project, "lastModified", region_timestamp(call->region));
	return put_take(call, complete_take(call->scope, drop_emptied_take(project)));
}

Value codebuild_delete_project(RegionCall *call, Value input, GError **error) {
	g_autofree char *name = codebuild_project_name(value_get_text(input, "name"));
	store_delete(region_store(call->region), call->scope, CODEBUILD_PROJECTS, name);
	codebuild_project_gone(call->region);
	return VALUE_NOTHING;
}

Value codebuild_batch_get_projects(RegionCall *call, Value input, GError **error) {
	Value names = value_get(input, "names");
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) missing = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(names); i++) {
		g_autofree char *name = codebuild_project_name(value_text(value_at(names, i)));
		Value project = store_get(
			region_store(call->region), call->scope, CODEBUILD_PROJECTS, name);
		if (value_is_null(project))
			value_builder_add_take(missing, value_ref(value_at(names, i)));
		else
			value_builder_add_take(found, codebuild_view_take(project));
	}
	return value_object_take("projects", value_builder_end(g_steal_pointer(&found)),
		"projectsNotFound", value_builder_end(g_steal_pointer(&missing)), NULL);
}

typedef struct {
	const char *name;
	double time;
} Entry;

static int by_time(gconstpointer a, gconstpointer b) {
	const Entry *first = a, *second = b;
	return first->time < second->time ? -1 : first->time > second->time;
}

Value codebuild_list_projects(RegionCall *call, Value input, GError **error) {
	const char *by = value_text_or(value_get(input, "sortBy"), "NAME");
	const char *order = value_text_or(value_get(input, "sortOrder"), "ASCENDING");
	const char *member = g_str_equal(by, "CREATED_TIME") ? "created" : "lastModified";
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(Entry));
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, CODEBUILD_PROJECTS);
	const char *id;
	Value project;
	while (store_iter_next(&iter, &id, &project)) {
		Entry entry = {g_intern_string(id), value_to_double(value_get(project, member), 0)};
		g_array_append_val(entries, entry);
	}
	if (!g_str_equal(by, "NAME"))
		g_array_sort(entries, by_time);
	g_autoptr(ValueBuilder) names = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < entries->len; i++) {
		guint at = g_str_equal(order, "ASCENDING") ? i : entries->len - 1 - i;
		value_builder_add_take(names, value_string(g_array_index(entries, Entry, at).name));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&names));
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	g_auto(Value) page = region_page(all, 100, value_get_text(input, "nextToken"),
		"InvalidInputException", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value output = value_object_take("projects", value_steal(&page), NULL);
	return next ? value_with_take(output, "nextToken", value_string(next)) : output;
}

Value codebuild_update_visibility(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "projectArn");
	const char *visibility = value_get_text(input, "projectVisibility");
	if (!g_str_equal(visibility, "PRIVATE")) {
		refuse(error, "public builds");
		return VALUE_NOTHING;
	}
	Value project = codebuild_project_find(call->region, call->scope, arn, error);
	if (value_is_null(project))
		return VALUE_NOTHING;
	project = value_with_take(project, "projectVisibility", value_string(visibility));
	store_put_take(region_store(call->region), call->scope, CODEBUILD_PROJECTS,
		value_get_text(project, "name"), project);
	return value_object_take("projectArn", value_string(arn), "projectVisibility",
		value_string(visibility), NULL);
}

/* The next build gets folders of a new name; the former ones are swept away. */
Value codebuild_invalidate_cache(RegionCall *call, Value input, GError **error) {
	Value project = codebuild_project_find(
		call->region, call->scope, value_get_text(input, "projectName"), error);
	if (value_is_null(project))
		return VALUE_NOTHING;
	gint64 generation = value_to_int(codebuild_internal(project, "generation"), 1);
	project = codebuild_with_internal_take(project, "generation", value_int(generation + 1));
	store_put_take(region_store(call->region), call->scope, CODEBUILD_PROJECTS,
		value_get_text(project, "name"), project);
	codebuild_project_gone(call->region);
	return VALUE_NOTHING;
}
