/* hashicorp/local: files of this machine. A relative path starts where the command runs. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "provider/plain/digests.h"
#include "provider/plain/plain.h"

static int mode_of(Value object, const char *attribute, int otherwise) {
	const char *text = value_get_text(object, attribute);
	return text ? (int)g_ascii_strtoull(text, NULL, 8) : otherwise;
}

/* The bytes that are to be in the file; FALSE after an error. */
static gboolean content_of(Value wanted, char **bytes, gsize *n, Diags *diags) {
	const char *source = value_get_text(wanted, "source");
	const char *base64 = value_get_text(wanted, "content_base64");
	if (source) {
		g_autoptr(GError) error = NULL;
		if (!g_file_get_contents(source, bytes, n, &error))
			plain_fail(diags, "Unable to read the source", "%s", error->message);
		return *bytes != NULL;
	}
	if (base64) {
		*bytes = (char *)g_base64_decode(base64, n);
		return TRUE;
	}
	Value content = value_get(wanted, "content");
	if (value_is_null(content))
		content = value_get(wanted, "sensitive_content");
	*n = value_text_length(content);
	*bytes = g_memdup2(value_text_or(content, ""), *n + 1);
	return TRUE;
}

static gboolean write_file(const char *path, int mode, const char *bytes, gsize n) {
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (file < 0)
		return FALSE;
	gsize done = 0;
	while (done < n) {
		ssize_t wrote = write(file, bytes + done, n - done);
		if (wrote < 0 && errno != EINTR)
			break;
		done += wrote > 0 ? (gsize)wrote : 0;
	}
	int problem = errno;
	gboolean fine = close(file) == 0 && done == n;
	if (done < n)
		errno = problem;
	return fine;
}

static Value with_digests(Value object, const char *bytes, gsize n) {
	Value made = plain_with_digests_take(
		value_ref(object), "content_", "sha1", (const guint8 *)bytes, n);
	return value_with_take(made, "id", value_ref(value_get(made, "content_sha1")));
}

static Value create_file(Value wanted, GCancellable *cancellable, Diags *diags) {
	const char *path = value_get_text(wanted, "filename");
	g_autofree char *bytes = NULL;
	gsize n = 0;
	if (!content_of(wanted, &bytes, &n, diags))
		return VALUE_NOTHING;
	g_autofree char *folder = g_path_get_dirname(path);
	if (g_mkdir_with_parents(folder, mode_of(wanted, "directory_permission", 0777)) != 0)
		return plain_fail(
			diags, "Unable to make the folder", "%s: %s", folder, g_strerror(errno));
	if (!write_file(path, mode_of(wanted, "file_permission", 0777), bytes, n))
		return plain_fail(
			diags, "Unable to write the file", "%s: %s", path, g_strerror(errno));
	return with_digests(wanted, bytes, n);
}

/* A file that is gone or was changed is not the one that was made. */
static gboolean is_unchanged(Value prior) {
	g_autofree char *bytes = NULL;
	gsize n;
	if (!g_file_get_contents(value_get_text(prior, "filename"), &bytes, &n, NULL))
		return FALSE;
	g_autofree char *sha1 =
		g_compute_checksum_for_data(G_CHECKSUM_SHA1, (const guchar *)bytes, n);
	return g_strcmp0(sha1, value_get_text(prior, "id")) == 0;
}

static gboolean remove_file(Value prior, GCancellable *cancellable, Diags *diags) {
	const char *path = value_get_text(prior, "filename");
	if (g_unlink(path) == 0 || errno == ENOENT)
		return TRUE;
	plain_fail(diags, "Unable to delete the file", "%s: %s", path, g_strerror(errno));
	return FALSE;
}

static Value read_file(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autofree char *bytes = NULL;
	gsize n;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(value_get_text(wanted, "filename"), &bytes, &n, &error))
		return plain_fail(diags, "Read local file failed", "%s", error->message);
	g_autofree char *base64 = g_base64_encode((const guchar *)bytes, n);
	Value made = value_with_take(value_ref(wanted), "content",
		value_string_take(g_utf8_make_valid(bytes, (gssize)n)));
	g_auto(Value) whole = value_with_take(made, "content_base64", value_string(base64));
	return with_digests(whole, bytes, n);
}

static const PlainType types[] = {
	{"local_file", .create = create_file, .is_there = is_unchanged, .remove = remove_file},
	{"local_file", .is_data = TRUE, .create = read_file},
	{"local_sensitive_file", .create = create_file, .is_there = is_unchanged,
		.remove = remove_file},
	{"local_sensitive_file", .is_data = TRUE, .create = read_file},
	{NULL},
};

PLAIN_PROVIDER(local, "2.5.3", types);
