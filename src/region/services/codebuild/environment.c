/*
 * The image that serves aws/codebuild/…: made of Debian in the glass when it is first needed, kept
 * in the blob store under the digest of its recipe, so that a new recipe is a new image. All others
 * are looked up in the region's registry.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "glass/build.h"
#include "region/services/codebuild/files.h"
#include "region/services/codebuild/run.h"
#include "region/services/ecr/ecr.h"
#include "region/status.h"
#include "value/json.h"

#define DATA "codebuild/environment"
#define KIND "codebuild/environment" /* by recipe: Digest */
#define CURATED "aws/codebuild/"
#define FOLDER "builds/environment"

static const StoreScope nowhere = {"codebuild", ""};

typedef struct {
	Region *region;
	CodebuildTell tell;
	GCancellable *cancellable; /* of the build under way; or NULL */
	char *problem; /* why the last one failed, until somebody was told; or NULL */
} Environment;

/* Caller frees. */
static char *recipe(void) {
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	for (const CodebuildFile *file = codebuild_environment; file->name; file++) {
		g_checksum_update(sum, (const guchar *)file->name, -1);
		g_checksum_update(sum, (const guchar *)file->text, (gssize)file->length);
	}
	return g_strndup(g_checksum_get_string(sum), 16);
}

static gboolean write_files(Glass *glass, const char *folder, GError **error) {
	g_autofree char *made = glass_make_folder(glass, FOLDER, error);
	if (!made)
		return FALSE;
	for (const CodebuildFile *file = codebuild_environment; file->name; file++) {
		g_autofree char *path = g_build_filename(folder, file->name, NULL);
		if (!g_file_set_contents(path, file->text, (gssize)file->length, error))
			return FALSE;
	}
	return TRUE;
}

static void on_line(const char *line, gpointer data) {
	Environment *environment = data;
	environment->tell(environment->region, line);
}

static gboolean keep(Region *region, const char *digest, GError **error) {
	g_autofree char *id = recipe();
	if (!store_begin(region_store(region), error))
		return FALSE;
	store_put_take(region_store(region), nowhere, KIND, id,
		value_object_take("Digest", value_string(digest), NULL));
	if (ecr_keep_image(region, DATA, digest, error))
		return store_commit(region_store(region), error);
	store_rollback(region_store(region));
	return FALSE;
}

static void on_built(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	g_autofree char *digest = build_run_finish(result, &error);
	/* A region that ends has freed everything. */
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	Environment *environment = data;
	g_clear_object(&environment->cancellable);
	if (!digest || !keep(environment->region, digest, &error))
		environment->problem = g_strdup(error->message);
	else
		environment->tell(environment->region, "The build image is ready.");
	region_wake(environment->region, CODEBUILD_CONTROLLER);
}

static gboolean prepare(Environment *environment, GError **error) {
	Region *region = environment->region;
	g_autofree char *folder = g_build_filename(region_home(region), FOLDER, NULL);
	int context = memfd_create("context", MFD_CLOEXEC);
	BuildSpec spec = {.context = context};
	gboolean fine = write_files(region_glass(region), folder, error) &&
			build_context_write(folder, NULL, context, error);
	if (fine) {
		environment->cancellable = g_cancellable_new();
		environment->tell(region,
			"Terrarium prepares the build image that serves aws/codebuild/… (once; it "
			"takes some minutes)");
		build_run_async(region_glass(region), region_blobs(region), &spec, on_line,
			environment, environment->cancellable, on_built, environment);
	}
	if (context >= 0)
		close(context);
	return fine;
}

static CodebuildImage own_image(Region *region, char **digest, GError **error) {
	Environment *environment = region_data(region, DATA);
	g_autofree char *id = recipe();
	g_auto(Value) known = store_get(region_store(region), nowhere, KIND, id);
	const char *kept = value_get_text(known, "Digest");
	if (kept && blobs_has(region_blobs(region), kept, NULL)) {
		*digest = g_strdup(kept);
		return CODEBUILD_IMAGE_READY;
	}
	if (environment->problem) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			"Terrarium could not prepare its build image: %s", environment->problem);
		g_clear_pointer(&environment->problem, g_free);
		return CODEBUILD_IMAGE_FAILED;
	}
	if (!environment->cancellable && !prepare(environment, error))
		return CODEBUILD_IMAGE_FAILED;
	return CODEBUILD_IMAGE_PENDING;
}

gboolean codebuild_image_is_curated(const char *image) {
	return image && g_str_has_prefix(image, CURATED);
}

CodebuildImage codebuild_image(
	Region *region, StoreScope scope, Value build, char **digest, GError **error) {
	const char *image = value_text(value_get_path(build, "environment", "image", NULL));
	if (codebuild_image_is_curated(image))
		return own_image(region, digest, error);
	*digest = ecr_resolve(region, scope, image ? image : "", error);
	return *digest ? CODEBUILD_IMAGE_READY : CODEBUILD_IMAGE_FAILED;
}

/* ---- made before it is needed ---- */

/* POST /_terrarium/codebuild/environment begins to prepare the image; GET tells whether it is
 * there. */
static WireResponse *handle(Region *region, const WireRequest *request, HttpReply *reply) {
	g_autoptr(GError) error = NULL;
	g_autofree char *digest = NULL, *id = recipe();
	g_auto(Value) known = store_get(region_store(region), nowhere, KIND, id);
	const char *kept = value_get_text(known, "Digest");
	gboolean there = kept && blobs_has(region_blobs(region), kept, NULL);
	const Environment *environment = region_data(region, DATA);
	CodebuildImage state = there ? CODEBUILD_IMAGE_READY : CODEBUILD_IMAGE_PENDING;
	if (!region_glass(region)) {
		state = CODEBUILD_IMAGE_FAILED;
		g_set_error(&error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
			"nothing is built without a glass");
	} else if (g_str_equal(request->method, "POST")) {
		state = own_image(region, &digest, &error);
	}
	const char *word = state == CODEBUILD_IMAGE_READY    ? "ready"
			   : state == CODEBUILD_IMAGE_FAILED ? "failed"
			   : environment->cancellable	     ? "preparing"
							     : "missing";
	g_auto(Value) answer = value_object_take("state", value_string(word), NULL);
	if (error)
		answer = value_with_take(
			value_steal(&answer), "error", value_string(error->message));
	g_autofree char *body = value_to_json(answer, VALUE_JSON_COMPACT);
	WireResponse *response = wire_response_new(200);
	wire_response_set_body(response, "application/json", body, strlen(body));
	return response;
}

const RegionHttpRoute codebuild_routes[] = {
	{.prefix = "/_terrarium/codebuild/environment", .handle = handle},
	{.prefix = NULL},
};

static void tell_difference(Region *region, GPtrArray *lines) {
	g_auto(StoreIter) iter =
		store_iter(region_store(region), (StoreScope){NULL, NULL}, CODEBUILD_PROJECTS);
	const char *name;
	Value project;
	while (store_iter_next(&iter, &name, &project)) {
		const char *image =
			value_text(value_get_path(project, "environment", "image", NULL));
		if (codebuild_image_is_curated(image))
			g_ptr_array_add(lines,
				g_strdup_printf("CodeBuild project %s: %s is served by Terrarium's "
						"build image (Debian 12 with docker, aws, git, jq, "
						"curl and unzip)",
					name, image));
	}
}

static void environment_free(gpointer data) {
	Environment *environment = data;
	g_clear_object(&environment->cancellable);
	g_free(environment->problem);
	g_free(environment);
}

void codebuild_environment_start(Region *region, CodebuildTell tell) {
	Environment *environment = g_new0(Environment, 1);
	*environment = (Environment){.region = region, .tell = tell};
	region_set_data(region, DATA, environment, environment_free);
	region_differences_add(region, tell_difference);
}

void codebuild_environment_stop(Region *region) {
	Environment *environment = region_data(region, DATA);
	if (environment && environment->cancellable)
		g_cancellable_cancel(environment->cancellable);
}
