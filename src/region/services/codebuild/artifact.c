/*
 * Artifacts: gathered by a job in the glass into zip files (or folders) of the build's folder, and
 * handed over from there: to CodePipeline by a rename, to S3 as objects.
 */
#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "glass/job.h"
#include "region/services/codebuild/pack.h"
#include "region/services/codebuild/run.h"
#include "region/services/iam/iam.h"
#include "region/services/s3/s3.h"

/* One artifact: how it is packed, and where it goes. */
typedef struct {
	PackRequest request;
	char *from; /* the zip, as the region sees it */
	char *to; /* CodePipeline's file, or the key in S3 (of a folder: its prefix) */
	char *bucket; /* or NULL */
	gboolean primary;
} Piece;

typedef struct {
	Region *region;
	StoreScope scope;
	Value build, spec;
	GArray *pieces; /* of Piece */
	guint objects; /* on their way to S3 */
	GError *error; /* the first one */
} Work;

static void piece_clear(gpointer data) {
	Piece *piece = data;
	pack_request_clear(&piece->request);
	g_free(piece->from);
	g_free(piece->to);
	g_free(piece->bucket);
}

static void work_free(gpointer data) {
	Work *work = data;
	value_clear(&work->build);
	value_clear(&work->spec);
	g_array_unref(work->pieces);
	g_clear_error(&work->error);
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

static Piece *add_piece(
	Work *work, const char *prefix, Value artifact, const char *to, gboolean plain) {
	g_autofree char *file = g_strconcat(prefix, plain ? "-files" : ".zip", NULL);
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
		.symlinks = !plain && value_get_bool(artifact, "symlinks"),
		.plain = plain,
		.zip = g_strdup_printf(
			GLASS_HOME "/" CODEBUILD_JOBS "/%s/%s", codebuild_uuid(work->build), file)};
	g_array_append_val(work->pieces, piece);
	return &g_array_index(work->pieces, Piece, work->pieces->len - 1);
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
		add_piece(work, "primary", primary, value_get_text(value_at(outputs, 0), "zip"),
			FALSE);
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
					value_get_text(value_at(outputs, i), "zip"), FALSE);
		}
	}
	return TRUE;
}

/* path/[build id/]name, as the project has them. Caller frees. */
static char *key_of(const Work *work, const char *prefix, Value artifacts, Value spec) {
	g_autofree char *written = expanded_member(work, prefix, spec, "name");
	gboolean overrides = value_get_bool(artifacts, "overrideArtifactName") && *written;
	const char *name = overrides ? written : value_text_or(value_get(artifacts, "name"), "");
	gboolean by_id = g_strcmp0(value_get_text(artifacts, "namespaceType"), "BUILD_ID") == 0;
	g_autoptr(GString) key = g_string_new(NULL);
	const char *const steps[] = {value_text_or(value_get(artifacts, "path"), ""),
		by_id ? codebuild_uuid(work->build) : "", g_str_equal(name, "/") ? "" : name};
	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
		const char *step = steps[i] + strspn(steps[i], "/");
		gsize length = strlen(step);
		while (length > 0 && step[length - 1] == '/')
			length--;
		if (length > 0)
			g_string_append_printf(
				key, "%s%.*s", key->len ? "/" : "", (int)length, step);
	}
	return g_string_free(g_steal_pointer(&key), FALSE);
}

static gboolean add_object(
	Work *work, const char *prefix, Value artifacts, Value spec, GError **error) {
	g_autofree char *key = key_of(work, prefix, artifacts, spec);
	gboolean plain = g_strcmp0(value_get_text(artifacts, "packaging"), "ZIP") != 0;
	const char *bucket = value_get_text(artifacts, "location");
	const char *role = value_get_text(work->build, "serviceRole");
	g_autofree char *arn = g_strdup_printf("arn:aws:s3:::%s/%s", bucket, key);
	if (!iam_allows(work->region, (StoreScope){work->scope.account, ""}, role, "s3:PutObject",
		    arn)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
			"CLIENT_ERROR: Error in UPLOAD_ARTIFACTS phase: AccessDenied: %s is not "
			"authorized to perform: s3:PutObject on resource: %s",
			role, arn);
		return FALSE;
	}
	Piece *piece = add_piece(work, prefix, spec, key, plain);
	piece->bucket = g_strdup(bucket);
	piece->primary = g_str_equal(prefix, "primary");
	return TRUE;
}

static gboolean is_s3(Value artifacts) {
	return g_strcmp0(value_get_text(artifacts, "type"), "S3") == 0;
}

/* Those secondary artifacts that both the project and the buildspec have. */
static gboolean add_secondary_objects(Work *work, GError **error) {
	Value secondary = codebuild_internal(work->build, "secondaryArtifacts");
	Value written = value_get(work->spec, "secondaryArtifacts");
	for (gsize i = 0; i < value_length(secondary); i++) {
		Value each = value_at(secondary, i);
		const char *name = value_get_text(each, "artifactIdentifier");
		for (gsize at = 0; at < value_length(written); at++) {
			g_autofree char *prefix = g_strdup_printf("secondary-%zu", at);
			if (g_strcmp0(value_key_at(written, at), name) == 0 && is_s3(each) &&
				!add_object(work, prefix, each, value_at(written, at), error))
				return FALSE;
		}
	}
	return TRUE;
}

static gboolean add_all(Work *work, GError **error) {
	Value artifacts = codebuild_internal(work->build, "artifacts");
	Value primary = value_get(work->spec, "artifacts");
	if (g_strcmp0(value_get_text(artifacts, "type"), "CODEPIPELINE") == 0)
		return add_outputs(work, error);
	if (is_s3(artifacts) && value_length(value_get(primary, "files")) == 0)
		return missing("the project's bucket", error);
	if (is_s3(artifacts) && !add_object(work, "primary", artifacts, primary, error))
		return FALSE;
	return add_secondary_objects(work, error);
}

/* ---- the job ---- */

static GBytes *pack_job(gpointer data, GError **error) {
	const Work *work = data;
	g_autofree char *job =
		g_strdup_printf(GLASS_HOME "/" CODEBUILD_JOBS "/%s", codebuild_uuid(work->build));
	if (!codebuild_job_lock(job, error))
		return NULL;
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

/* ---- to S3 ---- */

/* What the build tells of its artifacts, once they are there. */
static Value told(const Work *work) {
	for (guint i = 0; i < work->pieces->len; i++) {
		const Piece *piece = &g_array_index(work->pieces, Piece, i);
		if (!piece->primary || !piece->bucket)
			continue;
		Value view = value_ref(value_get(work->build, "artifacts"));
		view = value_with_take(view, "location",
			value_string_printf("arn:aws:s3:::%s/%s", piece->bucket, piece->to));
		return value_object_take("artifacts", view, NULL);
	}
	return value_empty_object();
}

static void value_free(gpointer data) {
	value_clear(data);
	g_free(data);
}

/* Ends the task, which it takes, when nothing is on its way any more. */
static void finish_objects(GTask *task) {
	Work *work = g_task_get_task_data(task);
	if (work->objects > 0)
		return;
	if (work->error) {
		g_prefix_error(&work->error, "CLIENT_ERROR: Error in UPLOAD_ARTIFACTS phase: ");
		g_task_return_error(task, g_steal_pointer(&work->error));
	} else {
		Value *answer = g_new(Value, 1);
		*answer = told(work);
		g_task_return_pointer(task, answer, value_free);
	}
	g_object_unref(task);
}

static void on_put(Region *region, const char *bucket, const char *key, const char *version,
	const char *etag, const GError *error, gpointer data) {
	GTask *task = data;
	Work *work = g_task_get_task_data(task);
	if (error && !work->error)
		work->error = g_error_copy(error);
	work->objects--;
	finish_objects(task);
}

static void put(GTask *task, const char *bucket, const char *key, const char *path) {
	Work *work = g_task_get_task_data(task);
	S3PutOptions options = {0};
	work->objects++;
	s3_object_put_file(work->region, bucket, key, path, &options, on_put, task);
}

/* A folder's files, each an object below the prefix. Links are not followed. */
static void put_folder(GTask *task, const char *bucket, const char *prefix, const char *path) {
	Work *work = g_task_get_task_data(task);
	g_autoptr(GDir) dir = g_dir_open(path, 0, work->error ? NULL : &work->error);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		g_autofree char *key =
			*prefix ? g_strconcat(prefix, "/", name, NULL) : g_strdup(name);
		if (g_file_test(file, G_FILE_TEST_IS_SYMLINK))
			continue;
		if (g_file_test(file, G_FILE_TEST_IS_DIR))
			put_folder(task, bucket, key, file);
		else
			put(task, bucket, key, file);
	}
}

static void on_packed(GObject *source, GAsyncResult *result, gpointer data) {
	GTask *task = data;
	Work *work = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(GBytes) bytes = glass_job_finish(result, &error);
	if (!bytes) {
		g_task_return_error(task, error);
		g_object_unref(task);
		return;
	}
	work->objects = 1; /* until all were begun */
	for (guint i = 0; !work->error && i < work->pieces->len; i++) {
		const Piece *piece = &g_array_index(work->pieces, Piece, i);
		if (!piece->bucket)
			hand_over(piece, &work->error);
		else if (piece->request.plain)
			put_folder(task, piece->bucket, piece->to, piece->from);
		else
			put(task, piece->bucket, piece->to, piece->from);
	}
	work->objects--;
	finish_objects(task);
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
	if (!add_all(work, &error)) {
		g_task_return_error(task, error);
		return;
	}
	glass_job_async(region_glass(region), NULL, pack_job, work, cancellable, on_packed,
		g_object_ref(task));
}

gboolean codebuild_artifacts_finish(GAsyncResult *result, Value *told, GError **error) {
	Value *answer = g_task_propagate_pointer(G_TASK(result), error);
	if (!answer)
		return FALSE;
	*told = *answer;
	g_free(answer);
	return TRUE;
}
