/* The buildspec of a build: read, and checked against what it runs in. */
#include <string.h>

#include "region/services/codebuild/buildspec.h"
#include "region/services/codebuild/run.h"

/* Our image has what container projects use, and no language runtimes. */
static gboolean check_runtimes(Value build, Value spec, GError **error) {
	const char *image = value_text(value_get_path(build, "environment", "image", NULL));
	Value phases = value_get(spec, "phases");
	for (gsize i = 0; i < value_length(phases); i++) {
		Value runtimes = value_get(value_at(phases, i), "runtimes");
		for (gsize j = 0; j < value_length(runtimes); j++) {
			const char *name = value_text(value_at(runtimes, j));
			if (g_str_equal(name, "docker") || !codebuild_image_is_curated(image))
				continue;
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
				"YAML_FILE_ERROR: Unknown runtime named '%s'. Terrarium's build "
				"image has docker only: use an image of your own that has it",
				name);
			return FALSE;
		}
	}
	return TRUE;
}

Value codebuild_spec(
	Region *region, StoreScope scope, Value build, const char *text, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) spec = buildspec_parse(text, strlen(text), &local);
	if (local) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "YAML_FILE_ERROR: %s",
			local->message);
		return VALUE_NOTHING;
	}
	Value warnings = value_get(spec, "warnings");
	for (gsize i = 0; i < value_length(warnings); i++)
		codebuild_say(region, scope, build, "%s", value_text(value_at(warnings, i)));
	return check_runtimes(build, spec, error) ? value_steal(&spec) : VALUE_NOTHING;
}
