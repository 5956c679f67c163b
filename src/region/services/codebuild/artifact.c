/*
 * Artifacts: gathered by a job in the glass into zip files of the build's folder, and handed over
 * from there: to CodePipeline by a rename.
 */
#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "glass/job.h"
#include "region/services/codebuild/pack.h"
#include "region/services/codebuild/run.h"

/* One artifact: how it is packed, and where it goes. */
typedef struct {
	PackRequest request;
	char *from; /* the zip, as the region sees it */
	char *to; /* CodePipeline's file */
} Piece;

typedef struct {
	Region *region;
	StoreScope scope;
	Value build, spec;
	GArray *pieces; /* of Piece */
} Work;

static void piece_clear(gpointer data) {
	Piece *piece = data;
	pack_request_clear(&piece->request);
	g_free(piece->from);
	g_free(piece->to);
}

static void work_free(gpointer data) {
	Work *work = data;
	value_clear(&work->build);
	value_clear(&work->spec);
	g_array_unref(work->pieces);
	g_free(work);
}

/* ---- what is wanted ---- */

/* A text of the buildspec, as the build's shell expanded it. Caller frees. */
static char *expanded(const Work *work, const char *name, const char *text) {
	g_autofree char *path = codebuild_job_path(work->region, work->build, "expanded");
	g_autofree char *file = g_build_filename(path, name, NULL), *value = NULL;
	gboolean plain = !g_file_test(file, G_FILE_TEST_IS_SYMLINK);
	return plain && g_file_get_contents(file, &value, NULL, NULL) ? g_steal_pointer(&value)
								      : g_strdup(text);
}

static char *expanded_member(
	const Work *work, const char *prefix, Value artifact, const char *member) {
	g_autofree char *name = g_strdup_printf("%s-%s", prefix, member);
	return expanded(work, name, value_text_or(value_get(artifact, member), ""));
}

/* Patterns and folders may be written from the root of the container: below the source folder they
 * mean the same without it. */
static char *below_source_take(const Work *work, char *path) {
	g_autofree char *given = path;
	g_autofree char *folder = codebuild_source_folder(work->build, NULL);
	if (g_str_equal(given, folder))
		return g_strdup("");
	gsize length = strlen(folder);
	gboolean inside = g_str_has_prefix(given, folder) && given[length] == '/';
	return g_strdup(inside ? given + length + 1 : given);
}

static char **texts_of(Value list) {
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();
	for (gsize i = 0; i < value_length(list); i++)
		g_strv_builder_add(all, value_text(value_at(list, i)));
	return g_strv_builder_end(all);
}

static char **files_of(const Work *work, const char *prefix, Value artifact) {
	Value files = value_get(artifact, "files");
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();
	for (gsize i = 0; i < value_length(files); i++) {
		g_autofree char *name = g_strdup_printf("%s-file-%zu", prefix, i);
		g_autofree char *text = below_source_take(
			work, expanded(work, name, value_text(value_at(files, i))));
		g_strv_builder_add(all, text);
	}
	return g_strv_builder_end(all);
}

static void add_piece(Work *work, const char *prefix, Value artifact, const char *to) {
	g_autofree char *file = g_strdup_printf("%s.zip", prefix);
	g_autofree char *folder = codebuild_source_folder(work->build, NULL);
	Piece piece = {
		.from = codebuild_job_path(work->region, work->build, file), .to = g_strdup(to)};
	piece.request = (PackRequest){
		.root = g_strdup_printf(GLASS_HOME "/" CODEBUILD_JOBS "/%s%s",
			codebuild_uuid(work->build), folder + strlen(CODEBUILD_HOME)),
		.base = below_source_take(work, expanded_member(work, prefix, artifact, "base")),
		.files = files_of(work, prefix, artifact),
		.exclude = texts_of(value_get(artifact, "exclude")),
		.discard = value_get_bool(artifact, "discard"),
		.symlinks = value_get_bool(artifact, "symlinks"),
		.zip = g_strdup_printf(
			GLASS_HOME "/" CODEBUILD_JOBS "/%s/%s", codebuild_uuid(work->build), file)};
	g_array_append_val(work->pieces, piece);
}

static gboolean missing(const char *name, GError **error) {
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
		"CLIENT_ERROR: the buildspec has no artifacts for %s", name);
	return FALSE;
}

/* With one output the buildspec's artifacts go there; with more, the secondary ones by name. */
static gboolean add_outputs(Work *work, GError **error) {
	Value outputs = codebuild_internal(work->build, "outputs");
	Value primary = value_get(work->spec, "artifacts");
	Value secondary = value_get(work->spec, "secondaryArtifacts");
	gboolean single = value_length(outputs) == 1 && value_length(value_get(primary, "files"));
	if (single) {
		add_piece(work, "primary", primary, value_get_text(value_at(outputs, 0), "zip"));
		return TRUE;
	}
	for (gsize i = 0; i < value_length(outputs); i++) {
		const char *name = value_get_text(value_at(outputs, i), "name");
		if (!value_has(secondary, name))
			return missing(name, error);
		for (gsize at = 0; at < value_length(secondary); at++) {
			g_autofree char *prefix = g_strdup_printf("secondary-%zu", at);
			if (g_str_equal(value_key_at(secondary, at), name))
				add_piece(work, prefix, value_at(secondary, at),
					value_get_text(value_at(outputs, i), "zip"));
		}
	}
	return TRUE;
}

static gboolean add_all(Work *work, GError **error) {
	Value artifacts = codebuild_internal(work->build, "artifacts");
	const char *type = value_text_or(value_get(artifacts, "type"), "NO_ARTIFACTS");
	if (g_str_equal(type, "CODEPIPELINE"))
		return add_outputs(work, error);
	if (g_str_equal(type, "NO_ARTIFACTS"))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
		"CLIENT_ERROR: NotImplemented: Terrarium does not implement artifacts in %s yet",
		type);
	return FALSE;
}

/* ---- the job ---- */

static GBytes *pack_job(gpointer data, GError **error) {
	const Work *work = data;
	for (guint i = 0; i < work->pieces->len; i++)
		if (pack_write(&g_array_index(work->pieces, Piece, i).request, error) == 0)
			return NULL;
	return g_bytes_new(NULL, 0);
}

static gboolean hand_over(const Piece *piece, GError **error) {
	if (rename(piece->from, piece->to) == 0)
		return TRUE;
	g_autoptr(GFile) from = g_file_new_for_path(piece->from);
	g_autoptr(GFile) to = g_file_new_for_path(piece->to);
	return g_file_move(from, to, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, error);
}

static void on_packed(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GTask) task = data;
	Work *work = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(GBytes) bytes = glass_job_finish(result, &error);
	for (guint i = 0; bytes && !error && i < work->pieces->len; i++)
		hand_over(&g_array_index(work->pieces, Piece, i), &error);
	if (error)
		g_task_return_error(task, error);
	else
		g_task_return_boolean(task, TRUE);
}

void codebuild_artifacts_async(Region *region, StoreScope scope, Value build, Value spec,
	GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data) {
	g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, data);
	Work *work = g_new0(Work, 1);
	*work = (Work){region, scope, value_ref(build), value_ref(spec),
		g_array_new(FALSE, FALSE, sizeof(Piece))};
	g_array_set_clear_func(work->pieces, piece_clear);
	g_task_set_task_data(task, work, work_free);
	GError *error = NULL;
	if (!add_all(work, &error))
		g_task_return_error(task, error);
	else if (work->pieces->len == 0)
		g_task_return_boolean(task, TRUE);
	else
		glass_job_async(region_glass(region), NULL, pack_job, work, cancellable, on_packed,
			g_object_ref(task));
}

gboolean codebuild_artifacts_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_boolean(G_TASK(result), error);
}
