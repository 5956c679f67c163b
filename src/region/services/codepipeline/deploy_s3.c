/*
 * Deployments to S3: the artifact as it is under one key, or what is in it under a prefix.
 * Unpacking is a thread's work; each file becomes an object whole, and the action may begin anew at
 * any time.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "region/services/codepipeline/internal.h"
#include "region/services/s3/s3.h"

#define BLOCK 65536

typedef struct {
	PipelineAction *action;
	char *zip, *folder; /* folder: where to unpack */
	char *prefix; /* ObjectKey, its variables replaced; or NULL */
	GPtrArray *keys; /* char*: names inside the artifact */
	GPtrArray *paths; /* char*: the files of them */
	guint next;
} Deployment;

static void deployment_free(Deployment *deployment) {
	pipeline_action_free(deployment->action);
	g_free(deployment->zip);
	g_free(deployment->folder);
	g_free(deployment->prefix);
	g_ptr_array_unref(deployment->keys);
	g_ptr_array_unref(deployment->paths);
	g_free(deployment);
}

static const char *setting(const Deployment *deployment, const char *key) {
	return value_get_text(deployment->action->configuration, key);
}

/* ---- unpacking (a thread) ---- */

static gboolean is_safe(const char *name) {
	g_auto(GStrv) parts = g_strsplit(name, "/", -1);
	return *name && *name != '/' && !g_strv_contains((const char *const *)parts, "..");
}

static gboolean write_file(struct archive *archive, const char *path, GError **error) {
	g_autoptr(GFile) file = g_file_new_for_path(path);
	g_autoptr(GFileOutputStream) out = g_file_replace(file, NULL, FALSE,
		G_FILE_CREATE_PRIVATE | G_FILE_CREATE_REPLACE_DESTINATION, NULL, error);
	char block[BLOCK];
	la_ssize_t got = 0;
	while (out && (got = archive_read_data(archive, block, sizeof block)) > 0)
		if (!g_output_stream_write_all(
			    G_OUTPUT_STREAM(out), block, (gsize)got, NULL, NULL, error))
			return FALSE;
	if (got < 0)
		g_set_error(
			error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", archive_error_string(archive));
	return out && got == 0 && g_output_stream_close(G_OUTPUT_STREAM(out), NULL, error);
}

static gboolean unpack_entry(Deployment *deployment, struct archive *archive,
	struct archive_entry *entry, GError **error) {
	const char *name = archive_entry_pathname(entry);
	if (name && g_str_has_prefix(name, "./"))
		name += 2;
	if (!name || archive_entry_filetype(entry) != AE_IFREG)
		return TRUE;
	if (!is_safe(name)) {
		g_set_error(
			error, G_IO_ERROR, G_IO_ERROR_FAILED, "the name %s leads out of it", name);
		return FALSE;
	}
	g_autofree char *number = g_strdup_printf("%u", deployment->paths->len);
	char *path = g_build_filename(deployment->folder, number, NULL);
	g_ptr_array_add(deployment->paths, path);
	g_ptr_array_add(deployment->keys, g_strdup(name));
	return write_file(archive, path, error);
}

static gboolean unpack(Deployment *deployment, GError **error) {
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	gboolean good = TRUE;
	g_mkdir_with_parents(deployment->folder, 0700);
	archive_read_support_format_zip(archive);
	int result = archive_read_open_filename(archive, deployment->zip, BLOCK);
	while (good && result >= ARCHIVE_WARN &&
		(result = archive_read_next_header(archive, &entry)) >= ARCHIVE_WARN &&
		result != ARCHIVE_EOF)
		good = unpack_entry(deployment, archive, entry, error);
	if (good && result < ARCHIVE_WARN) {
		g_set_error(
			error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", archive_error_string(archive));
		good = FALSE;
	}
	archive_read_free(archive);
	return good;
}

static void unpack_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
	GError *error = NULL;
	if (unpack(data, &error))
		g_task_return_boolean(task, TRUE);
	else
		g_task_return_error(task, error);
}

/* ---- putting ---- */

static char *key_of(const Deployment *deployment) {
	const char *prefix = deployment->prefix;
	const char *name = g_ptr_array_index(deployment->keys, deployment->next);
	if (!*name)
		return g_strdup(prefix);
	if (!prefix || !*prefix)
		return g_strdup(name);
	return g_strconcat(prefix, g_str_has_suffix(prefix, "/") ? "" : "/", name, NULL);
}

static void put_next(Deployment *deployment);

static void on_put(Region *region, const char *bucket, const char *key, const char *version,
	const char *etag, const GError *error, gpointer data) {
	Deployment *deployment = data;
	if (!error) {
		put_next(deployment);
		return;
	}
	pipeline_action_set_busy(deployment->action, FALSE);
	pipeline_action_fail(deployment->action, "ConfigurationError",
		"Unable to upload the object '%s' to the Amazon S3 bucket '%s': %s", key, bucket,
		error->message);
	deployment_free(deployment);
}

static gboolean may_put(PipelineAction *action, const char *bucket, const char *key) {
	static const char lead[] = "Unable to access the deployment bucket. ";
	g_autofree char *arn = g_strdup_printf("arn:aws:s3:::%s/%s", bucket, key);
	return pipeline_action_may(action, "s3:PutObject", arn, lead) &&
	       (!value_has(action->configuration, "CannedACL") ||
		       pipeline_action_may(action, "s3:PutObjectAcl", arn, lead));
}

static void put_next(Deployment *deployment) {
	PipelineAction *action = deployment->action;
	const char *bucket = setting(deployment, "BucketName");
	if (deployment->next == deployment->keys->len) {
		pipeline_action_set_busy(action, FALSE);
		pipeline_action_succeed(action,
			value_object_take("summary", value_string("Deployment Succeeded"), NULL));
		deployment_free(deployment);
		return;
	}
	g_autofree char *key = key_of(deployment);
	if (!may_put(action, bucket, key)) {
		pipeline_action_set_busy(action, FALSE);
		deployment_free(deployment);
		return;
	}
	g_autofree char *type = g_content_type_guess(key, NULL, 0, NULL);
	g_autofree char *mime = g_content_type_get_mime_type(type);
	S3PutOptions options = {.content_type = mime ? mime : "application/octet-stream",
		.kms_key_id = setting(deployment, "KMSEncryptionKeyARN"),
		.canned_acl = setting(deployment, "CannedACL"),
		.cache_control = setting(deployment, "CacheControl")};
	const char *path = g_ptr_array_index(deployment->paths, deployment->next++);
	s3_object_put_file(action->region, bucket, key, path, &options, on_put, deployment);
}

static void on_unpacked(GObject *source, GAsyncResult *result, gpointer data) {
	Deployment *deployment = data;
	g_autoptr(GError) error = NULL;
	if (g_task_propagate_boolean(G_TASK(result), &error)) {
		put_next(deployment);
		return;
	}
	pipeline_action_set_busy(deployment->action, FALSE);
	pipeline_action_fail(deployment->action, "ConfigurationError",
		"The input artifact cannot be extracted: %s", error->message);
	deployment_free(deployment);
}

/* ---- the action ---- */

/* ObjectKey with {datetime} and {uuid} replaced: by when the action has begun and by its own id,
 * which stay what they are when it begins anew. Caller frees. */
static char *prefix_of(const PipelineAction *action) {
	const char *prefix = value_get_text(action->configuration, "ObjectKey");
	g_autoptr(GDateTime) begun = g_date_time_new_from_unix_utc(
		(gint64)value_to_double(value_get(action->record, "startTime"), 0));
	g_autofree char *when = g_date_time_format(begun, "%Y-%m-%d_%H-%M-%S");
	g_autoptr(GString) text = g_string_new(prefix);
	g_string_replace(text, "{datetime}", when, 0);
	g_string_replace(text, "{uuid}", action->id, 0);
	return prefix ? g_strdup(text->str) : NULL;
}

static void run(PipelineAction *action) {
	g_autofree char *prefix = prefix_of(action);
	const char *extract = value_get_text(action->configuration, "Extract");
	gboolean extracts = extract && g_ascii_strcasecmp(extract, "true") == 0;
	const char *artifact = value_get_text(
		value_at(value_get(action->declaration, "inputArtifacts"), 0), "name");
	if (!extracts && (!prefix || !*prefix)) {
		pipeline_action_fail(action, "ConfigurationError",
			"The ObjectKey must be given when Extract is false.");
		return;
	}
	char *zip = pipeline_artifact_file(action, artifact);
	PipelineAction *again = zip ? pipeline_action_reload(action) : NULL;
	if (!again) {
		g_free(zip);
		return;
	}
	g_autofree char *folder = pipeline_action_folder(action);
	Deployment *deployment = g_new0(Deployment, 1);
	*deployment = (Deployment){.action = again,
		.zip = zip,
		.folder = g_build_filename(folder, "files", NULL),
		.prefix = g_steal_pointer(&prefix),
		.keys = g_ptr_array_new_with_free_func(g_free),
		.paths = g_ptr_array_new_with_free_func(g_free)};
	pipeline_action_set_busy(again, TRUE);
	if (!extracts) {
		g_ptr_array_add(deployment->keys, g_strdup(""));
		g_ptr_array_add(deployment->paths, g_strdup(zip));
		put_next(deployment);
		return;
	}
	g_autoptr(GTask) task = g_task_new(NULL, NULL, on_unpacked, deployment);
	g_task_set_task_data(task, deployment, NULL);
	g_task_run_in_thread(task, unpack_thread);
}

static const PipelineConfigurationKey keys[] = {{"BucketName", .required = TRUE},
	{"Extract", .required = TRUE, .values = "true false"}, {"ObjectKey"},
	{"CannedACL",
		.values = "private public-read public-read-write authenticated-read aws-exec-read "
			  "bucket-owner-read bucket-owner-full-control"},
	{"KMSEncryptionKeyARN"}, {"CacheControl"}, {NULL}};

const PipelineProvider pipeline_deploy_s3 = {.category = "Deploy",
	.owner = "AWS",
	.provider = "S3",
	.min_inputs = 1,
	.max_inputs = 1,
	.configuration = keys,
	.timeout_minutes = 90,
	.run = run};
