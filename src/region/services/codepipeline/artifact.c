/* Artifacts: zip files that lie in the artifact bucket, and are files while an action works on
 * them. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "region/services/codepipeline/internal.h"
#include "region/services/connections/connections.h"
#include "region/services/iam/iam.h"
#include "region/services/s3/s3.h"

#define BLOCK 65536

/* ---- folders ---- */

static char *folder_of(Region *region, const char *id) {
	return g_build_filename(region_home(region), "codepipeline", id, NULL);
}

char *pipeline_action_folder(const PipelineAction *action) {
	char *folder = folder_of(action->region, action->id);
	g_mkdir_with_parents(folder, 0700);
	return folder;
}

static void remove_tree(const char *path) {
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		if (g_file_test(inner, G_FILE_TEST_IS_DIR) &&
			!g_file_test(inner, G_FILE_TEST_IS_SYMLINK))
			remove_tree(inner);
		else
			g_unlink(inner);
	}
	g_clear_pointer(&dir, g_dir_close);
	g_rmdir(path);
}

void pipeline_action_clean(Region *region, const char *id) {
	g_autofree char *folder = folder_of(region, id);
	remove_tree(folder);
}

/* ---- objects and files ---- */

static gboolean fail_file(GError **error, const char *path) {
	int code = errno;
	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code), "cannot write %s: %s", path,
		g_strerror(code));
	return FALSE;
}

static gboolean copy(int from, int to, gint64 size) {
	loff_t offset = 0;
	while (offset < size) {
		ssize_t done = copy_file_range(from, &offset, to, NULL, (size_t)(size - offset), 0);
		if (done > 0 || (done < 0 && errno == EINTR))
			continue;
		if (done == 0 || (errno != EXDEV && errno != EINVAL && errno != ENOSYS))
			return FALSE;
		char block[BLOCK];
		ssize_t got =
			pread(from, block, MIN(sizeof block, (size_t)(size - offset)), offset);
		if (got <= 0 || write(to, block, (size_t)got) != got)
			return FALSE;
		offset += got;
	}
	return TRUE;
}

gboolean pipeline_file_from(int fd, gint64 size, const char *path, GError **error) {
	struct stat info;
	g_autofree char *own = g_strdup_printf("/proc/self/fd/%d", fd);
	g_unlink(path);
	if (fstat(fd, &info) == 0 && info.st_size == size &&
		linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return TRUE;
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0)
		return fail_file(error, path);
	gboolean copied = copy(fd, to, size) || fail_file(error, path);
	close(to);
	return copied;
}

/* ---- artifacts ---- */

static Value place_of(const PipelineAction *action, const char *name) {
	return value_get(pipeline_internal(action->execution, "artifacts"), name);
}

Value pipeline_artifact_target(const PipelineAction *action, const char *name) {
	return value_get(pipeline_internal(action->record, "outputs"), name);
}

char *pipeline_artifact_arn(const PipelineAction *action, const char *name) {
	Value place = place_of(action, name);
	return g_strdup_printf("arn:aws:s3:::%s/%s", value_get_text(place, "bucket"),
		value_get_text(place, "key"));
}

/* What CODEBUILD_CLONE_REF makes is for builds only. */
static gboolean is_usable(PipelineAction *action, const char *name, const char *path) {
	g_auto(Value) reference = connections_reference_read(path);
	if (value_is_null(reference) || pipeline_is(value_get(action->declaration, "actionTypeId"),
						"provider", "CodeBuild"))
		return TRUE;
	pipeline_action_fail(action, "ConfigurationError",
		"The input artifact '%s' is a reference to the Git repository %s "
		"(OutputArtifactFormat CODEBUILD_CLONE_REF), which only CodeBuild actions can use.",
		name, value_get_text(reference, "FullRepositoryName"));
	return FALSE;
}

char *pipeline_artifact_file(PipelineAction *action, const char *name) {
	Value place = place_of(action, name);
	const char *bucket = value_get_text(place, "bucket"), *key = value_get_text(place, "key");
	StoreScope global = {action->scope.account, ""};
	g_autoptr(GError) error = NULL;
	g_auto(S3Object) object = {.fd = -1};
	if (!bucket) {
		pipeline_action_fail(action, "ConfigurationError",
			"The input artifact '%s' was not made by any action of this execution.",
			name);
		return NULL;
	}
	g_autofree char *arn = pipeline_artifact_arn(action, name);
	if (!iam_allows(action->region, global, action->role, "s3:GetObject", arn)) {
		pipeline_action_fail(action, "PermissionError",
			"Unable to access the artifact with Amazon S3 object key '%s' located in "
			"the "
			"Amazon S3 artifact bucket '%s'. The provided role does not have "
			"sufficient "
			"permissions.",
			key, bucket);
		return NULL;
	}
	g_autofree char *folder = pipeline_action_folder(action);
	g_autofree char *base = g_strconcat("in-", name, ".zip", NULL);
	char *path = g_build_filename(folder, base, NULL);
	if (s3_object_open(action->region, bucket, key, NULL, &object, &error) &&
		pipeline_file_from(object.fd, object.size, path, &error)) {
		if (is_usable(action, name, path))
			return path;
		g_free(path);
		return NULL;
	}
	pipeline_action_fail(action, "ConfigurationError",
		"Unable to access the artifact with Amazon S3 object key '%s' located in the "
		"Amazon "
		"S3 artifact bucket '%s': %s",
		key, bucket, error->message);
	g_free(path);
	return NULL;
}

/* ---- zips ---- */

static GBytes *read_entry(struct archive *archive, gsize most, GError **error) {
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	guint8 block[BLOCK];
	la_ssize_t got;
	while ((got = archive_read_data(archive, block, sizeof block)) > 0 && bytes->len <= most)
		g_byte_array_append(bytes, block, (guint)got);
	if (got < 0 || bytes->len > most) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
			got < 0 ? archive_error_string(archive) : "it is too large");
		return NULL;
	}
	return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

GBytes *pipeline_zip_read(const char *zip, const char *name, gsize most, GError **error) {
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	GBytes *bytes = NULL;
	archive_read_support_format_zip(archive);
	int result = archive_read_open_filename(archive, zip, BLOCK);
	while (result == ARCHIVE_OK &&
		(result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		const char *path = archive_entry_pathname(entry);
		if (path && g_str_has_prefix(path, "./"))
			path += 2;
		if (g_strcmp0(path, name) == 0) {
			bytes = read_entry(archive, most, error);
			break;
		}
	}
	if (result < ARCHIVE_WARN)
		g_set_error(
			error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", archive_error_string(archive));
	archive_read_free(archive);
	return bytes;
}

gboolean pipeline_zip_write(
	const char *zip, const char *name, const char *bytes, gsize length, GError **error) {
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)length);
	gboolean written = archive_write_set_format_zip(archive) == ARCHIVE_OK &&
			   archive_write_open_filename(archive, zip) == ARCHIVE_OK &&
			   archive_write_header(archive, entry) == ARCHIVE_OK &&
			   archive_write_data(archive, bytes, length) == (la_ssize_t)length &&
			   archive_write_close(archive) == ARCHIVE_OK;
	if (!written)
		g_set_error(
			error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", archive_error_string(archive));
	archive_entry_free(entry);
	archive_write_free(archive);
	return written;
}
