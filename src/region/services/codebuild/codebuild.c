/*
 * CodeBuild: the service's table of operations, and small things that its files share. What is not
 * in the table (batches, reports, fleets, webhooks, sandboxes) is refused by name.
 */
#include <string.h>

#include "region/services/codebuild/run.h"

extern const RegionService region_codebuild;

Value codebuild_view_take(Value object) {
	return value_has(object, CODEBUILD_INTERNAL)
		       ? value_without_take(object, CODEBUILD_INTERNAL)
		       : object;
}

Value codebuild_copy_take(Value base, Value input, const char *const *names) {
	for (; *names; names++)
		if (value_has(input, *names))
			base = value_with_take(base, *names, value_ref(value_get(input, *names)));
	return base;
}

Value codebuild_with_internal_take(Value object, const char *member, Value value) {
	Value internal = value_ref(value_get(object, CODEBUILD_INTERNAL));
	if (value_is_null(internal))
		internal = value_empty_object();
	internal = value_with_take(internal, member, value);
	return value_with_take(object, CODEBUILD_INTERNAL, internal);
}

Value codebuild_internal(Value object, const char *member) {
	return value_get_path(object, CODEBUILD_INTERNAL, member, NULL);
}

Value codebuild_invalid(GError **error, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	wire_error_set(error, "InvalidInputException", "%s", message);
	return VALUE_NOTHING;
}

char *codebuild_project_name(const char *name_or_arn) {
	g_autofree char *resource = NULL;
	if (!region_arn_parse(name_or_arn, NULL, NULL, NULL, &resource) ||
		!g_str_has_prefix(resource, "project/"))
		return g_strdup(name_or_arn);
	return g_strdup(resource + strlen("project/"));
}

/* ---- images that AWS keeps: all of them are served by one ---- */

static Value image(const char *name, const char *description) {
	return value_object_take(
		"name", value_string(name), "description", value_string(description), NULL);
}

static Value list_curated_images(RegionCall *call, Value input, GError **error) {
	Value standard = value_tuple_take(2,
		image("aws/codebuild/standard:7.0",
			"served by Terrarium's build image (Debian 12)"),
		image("aws/codebuild/standard:6.0",
			"served by Terrarium's build image (Debian 12)"));
	Value amazon = value_tuple_take(2,
		image("aws/codebuild/amazonlinux-x86_64-standard:5.0",
			"served by Terrarium's build image (Debian 12)"),
		image("aws/codebuild/amazonlinux2-x86_64-standard:5.0",
			"served by Terrarium's build image (Debian 12)"));
	Value platforms = value_tuple_take(2,
		value_object_take("platform", value_string("UBUNTU"), "languages",
			value_tuple_take(1, value_object_take("language", value_string("BASE"),
						    "images", standard, NULL)),
			NULL),
		value_object_take("platform", value_string("AMAZON_LINUX_2"), "languages",
			value_tuple_take(1, value_object_take("language", value_string("BASE"),
						    "images", amazon, NULL)),
			NULL));
	return value_object_take("platforms", platforms, NULL);
}

static const RegionOperation operations[] = {
	{"BatchDeleteBuilds", codebuild_batch_delete_builds},
	{"BatchGetBuilds", codebuild_batch_get_builds, .reads_only = TRUE},
	{"BatchGetProjects", codebuild_batch_get_projects, .reads_only = TRUE},
	{"CreateProject", codebuild_create_project},
	{"DeleteProject", codebuild_delete_project},
	{"InvalidateProjectCache", codebuild_invalidate_cache},
	{"ListBuilds", codebuild_list_builds, .reads_only = TRUE},
	{"ListBuildsForProject", codebuild_list_builds_for_project, .reads_only = TRUE},
	{"ListCuratedEnvironmentImages", list_curated_images, .reads_only = TRUE},
	{"ListProjects", codebuild_list_projects, .reads_only = TRUE},
	{"RetryBuild", codebuild_retry_build},
	{"StartBuild", codebuild_start_build},
	{"StopBuild", codebuild_stop_build},
	{"UpdateProject", codebuild_update_project},
	{"UpdateProjectVisibility", codebuild_update_visibility},
	{NULL},
};

const RegionService region_codebuild = {.name = "codebuild",
	.operations = operations,
	.start = codebuild_run_start,
	.stop = codebuild_run_stop,
	.routes = codebuild_routes};
