/*
 * The blob store, on plain files: blobs/sha256/<hex> for what is whole, uploads/<id> for what
 * arrives. Relies on rename(2) being atomic and on nobody else writing below its folders. Must
 * never show a blob whose content was not hashed here.
 */
#include "glass/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <openssl/evp.h>

#define DIGEST_PREFIX "sha256:"
#define DIGEST_LENGTH (7 + 64)
#define HASH_CHUNK (256 * 1024)

G_DEFINE_QUARK(blobs - error - quark, blobs_error)

/* The running hash of an upload, so that its commit need not read it again. */
typedef struct {
	EVP_MD_CTX *hash;
	goffset hashed;
} UploadHash;

struct Blobs {
	char *folder; /* blobs/sha256 */
	char *uploads;
	GHashTable *hashes; /* upload id -> UploadHash, of this process's sessions */
};

static void upload_hash_free(gpointer data) {
	UploadHash *upload = data;
	EVP_MD_CTX_free(upload->hash);
	g_free(upload);
}

static UploadHash *upload_hash_new(void) {
	UploadHash *upload = g_new0(UploadHash, 1);
	upload->hash = EVP_MD_CTX_new();
	EVP_DigestInit_ex(upload->hash, EVP_sha256(), NULL);
	return upload;
}

/* Ends the hash; its digest. */
static char *hash_digest(EVP_MD_CTX *hash) {
	guchar sum[EVP_MAX_MD_SIZE];
	guint length = 0;
	EVP_DigestFinal_ex(hash, sum, &length);
	GString *text = g_string_new(DIGEST_PREFIX);
	for (guint i = 0; i < length; i++)
		g_string_append_printf(text, "%02x", sum[i]);
	return g_string_free(text, FALSE);
}

static gboolean fail_errno(GError **error, const char *what, const char *path) {
	int number = errno;
	g_set_error(error, BLOBS_ERROR,
		number == ENOSPC || number == EDQUOT ? BLOBS_ERROR_FULL : BLOBS_ERROR_IO,
		"%s %s: %s", what, path, g_strerror(number));
	return FALSE;
}

Blobs *blobs_open(const char *home, GError **error) {
	g_autoptr(Blobs) blobs = g_new0(Blobs, 1);
	blobs->folder = g_build_filename(home, "blobs", "sha256", NULL);
	blobs->uploads = g_build_filename(home, "blobs", "uploads", NULL);
	blobs->hashes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, upload_hash_free);
	if (g_mkdir_with_parents(blobs->folder, 0755) != 0) {
		fail_errno(error, "cannot make", blobs->folder);
		return NULL;
	}
	if (g_mkdir_with_parents(blobs->uploads, 0755) != 0) {
		fail_errno(error, "cannot make", blobs->uploads);
		return NULL;
	}
	return g_steal_pointer(&blobs);
}

void blobs_free(Blobs *blobs) {
	if (!blobs)
		return;
	g_free(blobs->folder);
	g_free(blobs->uploads);
	g_hash_table_unref(blobs->hashes);
	g_free(blobs);
}

gboolean blobs_digest_valid(const char *digest) {
	if (!digest || strlen(digest) != DIGEST_LENGTH || !g_str_has_prefix(digest, DIGEST_PREFIX))
		return FALSE;
	return strspn(digest + strlen(DIGEST_PREFIX), "0123456789abcdef") == 64;
}

char *blobs_digest_of(const void *data, gsize length) {
	UploadHash *hash = upload_hash_new();
	EVP_DigestUpdate(hash->hash, data, length);
	char *digest = hash_digest(hash->hash);
	upload_hash_free(hash);
	return digest;
}

char *blobs_path(Blobs *blobs, const char *digest) {
	return g_build_filename(blobs->folder, digest + strlen(DIGEST_PREFIX), NULL);
}

gboolean blobs_has(Blobs *blobs, const char *digest, goffset *size) {
	if (!blobs_digest_valid(digest))
		return FALSE;
	g_autofree char *path = blobs_path(blobs, digest);
	struct stat status;
	if (stat(path, &status) != 0)
		return FALSE;
	if (size)
		*size = status.st_size;
	return TRUE;
}

int blobs_open_blob(Blobs *blobs, const char *digest, goffset *size, GError **error) {
	if (!blobs_digest_valid(digest)) {
		g_set_error(error, BLOBS_ERROR, BLOBS_ERROR_DIGEST, "not a sha256 digest: %s",
			digest ? digest : "(none)");
		return -1;
	}
	g_autofree char *path = blobs_path(blobs, digest);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		g_set_error(error, BLOBS_ERROR, BLOBS_ERROR_UNKNOWN, "blob unknown: %s", digest);
		return -1;
	}
	struct stat status;
	if (fd < 0 || fstat(fd, &status) != 0) {
		fail_errno(error, "cannot open", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (size)
		*size = status.st_size;
	return fd;
}

GBytes *blobs_read(Blobs *blobs, const char *digest, gsize limit, GError **error) {
	goffset size = 0;
	int fd = blobs_open_blob(blobs, digest, &size, error);
	if (fd < 0)
		return NULL;
	close(fd);
	if ((guint64)size > limit) {
		g_set_error(error, BLOBS_ERROR, BLOBS_ERROR_RANGE,
			"blob %s has %" G_GINT64_FORMAT " bytes, more than the %" G_GSIZE_FORMAT
			" that it may have",
			digest, (gint64)size, limit);
		return NULL;
	}
	g_autofree char *path = blobs_path(blobs, digest);
	char *contents = NULL;
	gsize length = 0;
	if (!g_file_get_contents(path, &contents, &length, error))
		return NULL;
	return g_bytes_new_take(contents, length);
}

static gboolean write_all(int fd, const void *data, gsize length) {
	const char *at = data;
	while (length > 0) {
		ssize_t written = write(fd, at, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return FALSE;
		at += written;
		length -= (gsize)written;
	}
	return TRUE;
}

char *blobs_put(Blobs *blobs, const void *data, gsize length, GError **error) {
	g_autofree char *digest = blobs_digest_of(data, length);
	if (blobs_has(blobs, digest, NULL)) {
		g_autofree char *path = blobs_path(blobs, digest);
		utimensat(AT_FDCWD, path, NULL, 0); /* wanted again: gc's min_age counts anew */
		return g_steal_pointer(&digest);
	}
	g_autofree char *upload = blobs_upload_begin(blobs, error);
	if (!upload)
		return NULL;
	if (!blobs_upload_append(blobs, upload, 0, data, length, error) ||
		!blobs_upload_commit(blobs, upload, digest, error)) {
		blobs_upload_cancel(blobs, upload, NULL);
		return NULL;
	}
	return g_steal_pointer(&digest);
}

/* Adds the file from `offset` on to the hash. */
static gboolean hash_file(EVP_MD_CTX *hash, int fd, goffset offset) {
	g_autofree guchar *chunk = g_malloc(HASH_CHUNK);
	for (;;) {
		ssize_t got = pread(fd, chunk, HASH_CHUNK, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		EVP_DigestUpdate(hash, chunk, (gsize)got);
		offset += got;
	}
}

/* Renames a hashed file to its blob's name; its content is on disk first. */
static gboolean place(Blobs *blobs, const char *path, int fd, const char *digest, GError **error) {
	g_autofree char *blob = blobs_path(blobs, digest);
	if (fchmod(fd, 0644) != 0 || fdatasync(fd) != 0 || rename(path, blob) != 0)
		return fail_errno(error, "cannot store", blob);
	return TRUE;
}

static gboolean check_digest(const char *actual, const char *digest, GError **error) {
	if (g_str_equal(actual, digest))
		return TRUE;
	g_set_error(error, BLOBS_ERROR, BLOBS_ERROR_DIGEST,
		"provided digest did not match uploaded content: %s was given, the content is %s",
		digest, actual);
	return FALSE;
}

gboolean blobs_adopt_file(Blobs *blobs, const char *path, const char *digest, GError **error) {
	if (!blobs_digest_valid(digest)) {
		g_set_error(
			error, BLOBS_ERROR, BLOBS_ERROR_DIGEST, "not a sha256 digest: %s", digest);
		return FALSE;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno(error, "cannot open", path);
	UploadHash *upload = upload_hash_new();
	gboolean done = hash_file(upload->hash, fd, 0) || fail_errno(error, "cannot read", path);
	g_autofree char *actual = hash_digest(upload->hash);
	upload_hash_free(upload);
	done = done && check_digest(actual, digest, error) && place(blobs, path, fd, digest, error);
	close(fd);
	return done;
}

gboolean blobs_delete(Blobs *blobs, const char *digest, GError **error) {
	g_autofree char *path = blobs_digest_valid(digest) ? blobs_path(blobs, digest) : NULL;
	if (path && unlink(path) == 0)
		return TRUE;
	if (path && errno != ENOENT)
		return fail_errno(error, "cannot delete", path);
	g_set_error(error, BLOBS_ERROR, BLOBS_ERROR_UNKNOWN, "blob unknown: %s",
		digest ? digest : "(none)");
	return FALSE;
}

/* ---- uploads ---- */

/* Opens an upload's file; its name is what blobs_upload_begin makes and nothing else. */
static int upload_open(Blobs *blobs, const char *upload, char **path, GError **error) {
	if (upload && strlen(upload) == 32 && strspn(upload, "0123456789abcdef") == 32) {
		*path = g_build_filename(blobs->uploads, upload, NULL);
		int fd = open(*path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT) {
			fail_errno(error, "cannot open", *path);
			return -1;
		}
	}
	g_set_error(error, BLOBS_ERROR, BLOBS_ERROR_UPLOAD_UNKNOWN, "blob upload unknown: %s",
		upload ? upload : "(none)");
	return -1;
}

char *blobs_upload_begin(Blobs *blobs, GError **error) {
	g_autofree char *uuid = g_uuid_string_random();
	g_auto(GStrv) groups = g_strsplit(uuid, "-", -1);
	g_autofree char *upload = g_strjoinv("", groups);
	g_autofree char *path = g_build_filename(blobs->uploads, upload, NULL);
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0) {
		fail_errno(error, "cannot make", path);
		return NULL;
	}
	close(fd);
	g_hash_table_insert(blobs->hashes, g_strdup(upload), upload_hash_new());
	return g_steal_pointer(&upload);
}

goffset blobs_upload_offset(Blobs *blobs, const char *upload, GError **error) {
	g_autofree char *path = NULL;
	int fd = upload_open(blobs, upload, &path, error);
	if (fd < 0)
		return -1;
	goffset size = lseek(fd, 0, SEEK_END);
	close(fd);
	return size;
}

static gboolean append(Blobs *blobs, int fd, const char *path, const char *upload, goffset offset,
	const void *data, gsize length, GError **error) {
	goffset end = lseek(fd, 0, SEEK_END);
	if (offset >= 0 && offset != end) {
		g_set_error(error, BLOBS_ERROR, BLOBS_ERROR_RANGE,
			"upload %s has %" G_GINT64_FORMAT
			" bytes; a part that begins at %" G_GINT64_FORMAT " does not follow",
			upload, (gint64)end, (gint64)offset);
		return FALSE;
	}
	if (!write_all(fd, data, length)) {
		fail_errno(error, "cannot write", path);
		if (ftruncate(fd, end) != 0)
			g_hash_table_remove(blobs->hashes, upload);
		return FALSE;
	}
	UploadHash *running = g_hash_table_lookup(blobs->hashes, upload);
	if (running && running->hashed == end) {
		EVP_DigestUpdate(running->hash, data, length);
		running->hashed += (goffset)length;
	}
	return TRUE;
}

gboolean blobs_upload_append(Blobs *blobs, const char *upload, goffset offset, const void *data,
	gsize length, GError **error) {
	g_autofree char *path = NULL;
	int fd = upload_open(blobs, upload, &path, error);
	if (fd < 0)
		return FALSE;
	gboolean done = append(blobs, fd, path, upload, offset, data, length, error);
	close(fd);
	return done;
}

/* The digest of what an upload holds: the running hash, and what it has not seen (a session of a
 * process that was killed) read from the file. */
static char *upload_digest(Blobs *blobs, const char *upload, int fd) {
	UploadHash *running = g_hash_table_lookup(blobs->hashes, upload);
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	if (running)
		EVP_MD_CTX_copy_ex(hash, running->hash);
	else
		EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
	char *digest =
		hash_file(hash, fd, running ? running->hashed : 0) ? hash_digest(hash) : NULL;
	EVP_MD_CTX_free(hash);
	return digest;
}

gboolean blobs_upload_commit(Blobs *blobs, const char *upload, const char *digest, GError **error) {
	if (!blobs_digest_valid(digest)) {
		g_set_error(error, BLOBS_ERROR, BLOBS_ERROR_DIGEST, "not a sha256 digest: %s",
			digest ? digest : "(none)");
		return FALSE;
	}
	g_autofree char *path = NULL;
	int fd = upload_open(blobs, upload, &path, error);
	if (fd < 0)
		return FALSE;
	g_autofree char *actual = upload_digest(blobs, upload, fd);
	gboolean done = actual ? check_digest(actual, digest, error)
			       : fail_errno(error, "cannot read", path);
	done = done && place(blobs, path, fd, digest, error);
	close(fd);
	if (done)
		g_hash_table_remove(blobs->hashes, upload);
	return done;
}

int blobs_upload_file(Blobs *blobs, const char *upload, GError **error) {
	g_autofree char *path = NULL;
	return upload_open(blobs, upload, &path, error);
}

gboolean blobs_upload_cancel(Blobs *blobs, const char *upload, GError **error) {
	g_autofree char *path = NULL;
	int fd = upload_open(blobs, upload, &path, error);
	if (fd < 0)
		return FALSE;
	close(fd);
	g_hash_table_remove(blobs->hashes, upload);
	return unlink(path) == 0 || fail_errno(error, "cannot remove", path);
}

/* ---- garbage ---- */

/* Removes the files of a folder that are old enough and not referenced. */
static guint64 collect(const char *folder, GHashTable *referenced, gint64 before) {
	guint64 freed = 0;
	const char *name;
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_autofree char *digest = g_strconcat(DIGEST_PREFIX, name, NULL);
		struct stat status;
		if (referenced && g_hash_table_contains(referenced, digest))
			continue;
		if (lstat(path, &status) == 0 && status.st_mtime <= before && unlink(path) == 0)
			freed += (guint64)status.st_size;
	}
	return freed;
}

guint64 blobs_gc(Blobs *blobs, GHashTable *referenced, gint64 min_age) {
	gint64 before = g_get_real_time() / G_USEC_PER_SEC - min_age;
	return collect(blobs->folder, referenced, before) + collect(blobs->uploads, NULL, before);
}
