/*
 * The blob store: content-addressed files under <home>/blobs/sha256, shared by the registry, the
 * image store and builds. Plain files, written by the region from outside the glass and only read
 * inside. A blob appears whole or not at all (written aside, checked, renamed).
 *
 * A digest is "sha256:" and 64 lower-case hexadecimal digits. Nothing here is asynchronous: an
 * append is one write of what the caller has in hand.
 */
#pragma once

#include <gio/gio.h>

typedef struct Blobs Blobs;

#define BLOBS_ERROR blobs_error_quark()
GQuark blobs_error_quark(void);
typedef enum {
	BLOBS_ERROR_DIGEST, /* not a digest, or the content is not what the digest says */
	BLOBS_ERROR_UNKNOWN, /* no such blob */
	BLOBS_ERROR_UPLOAD_UNKNOWN, /* no such upload session */
	BLOBS_ERROR_RANGE, /* an append that does not begin where the upload ends */
	BLOBS_ERROR_FULL, /* no space left */
	BLOBS_ERROR_IO,
} BlobsError;

/* Opens (and makes) the store below `home`; what uploads a killed process left is kept and can go
 * on. */
Blobs *blobs_open(const char *home, GError **error);
void blobs_free(Blobs *blobs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Blobs, blobs_free)

/* Is it "sha256:" and 64 lower-case hexadecimal digits? */
gboolean blobs_digest_valid(const char *digest);
/* "sha256:…" of bytes. Caller frees. */
char *blobs_digest_of(const void *data, gsize length);

/* Whether the blob is there; *size (may be NULL) gets its bytes. Mounting a blob into another
 * repository is this question: all repositories share the store. */
gboolean blobs_has(Blobs *blobs, const char *digest, goffset *size);
/* A descriptor to read from; the caller closes it. -1 and BLOBS_ERROR_UNKNOWN if there is none. */
int blobs_open_blob(Blobs *blobs, const char *digest, goffset *size, GError **error);
/* The whole of a small blob (a manifest, a config): refuses more than `limit` bytes. */
GBytes *blobs_read(Blobs *blobs, const char *digest, gsize limit, GError **error);
/* Its file, as the region sees it. Caller frees. */
char *blobs_path(Blobs *blobs, const char *digest);
/* Stores bytes. Returns the digest (caller frees). */
char *blobs_put(Blobs *blobs, const void *data, gsize length, GError **error);
/* Stores a file by moving it in if it is what `digest` says (hashed here; the file must be on the
 * same file system and be the region's own). */
gboolean blobs_adopt_file(Blobs *blobs, const char *path, const char *digest, GError **error);
/* Removes a blob; FALSE and BLOBS_ERROR_UNKNOWN if there is none. */
gboolean blobs_delete(Blobs *blobs, const char *digest, GError **error);

/* Upload sessions: survive the process. */
char *blobs_upload_begin(Blobs *blobs, GError **error); /* a session id; caller frees */
/* Bytes received so far, or -1. */
goffset blobs_upload_offset(Blobs *blobs, const char *upload, GError **error);
/* Appends; `offset` must be where the upload ends (BLOBS_ERROR_RANGE), or -1 for "wherever".
 * Failing leaves the upload as it was. */
gboolean blobs_upload_append(Blobs *blobs, const char *upload, goffset offset, const void *data,
	gsize length, GError **error);
/* Ends the session: it becomes the blob `digest` if it is what that says (else BLOBS_ERROR_DIGEST,
 * and the session stays). */
gboolean blobs_upload_commit(Blobs *blobs, const char *upload, const char *digest, GError **error);
/* A descriptor of what was received so far, for a thread that forces it to disk (fdatasync) before
 * the commit, which then has nothing to wait for; the caller closes it. -1: no such session. */
int blobs_upload_file(Blobs *blobs, const char *upload, GError **error);
gboolean blobs_upload_cancel(Blobs *blobs, const char *upload, GError **error);

/* Deletes blobs that are not in `referenced` (a set of digests: char* -> anything) and uploads,
 * both only if nothing has touched them for `min_age` seconds (a push sends its blobs before the
 * manifest that names them). Returns bytes freed. */
guint64 blobs_gc(Blobs *blobs, GHashTable *referenced, gint64 min_age);
