/*
 * S3 for the other services: objects as files. All functions take a bucket by its name alone, since
 * names are one space over all accounts and regions of the process, and ask for no permission: who
 * needs that asks iam_allows first ("s3:GetObject" on "arn:aws:s3:::bucket/key").
 *
 * Objects are immutable: what was opened stays readable though the object is replaced or deleted
 * meanwhile.
 */
#pragma once

#include "region/region.h"

/* ---- buckets ---- */

/* Is there such a bucket? Whose account and which region's it is goes to *scope (interned; may be
 * NULL). */
gboolean s3_bucket_exists(Region *region, const char *bucket, StoreScope *scope);
/* Whether new objects of it become new versions (versioning is Enabled). */
gboolean s3_bucket_is_versioned(Region *region, const char *bucket);

/* ---- reading ---- */

typedef struct {
	int fd; /* to read, at its beginning; the file may be longer than the object: read
		   `size` bytes */
	gint64 size;
	char *etag; /* without quotes: the content's MD5 in hex, or "…-N" of a multipart one */
	char *version_id; /* "null" where the bucket has no versions */
	char *content_type;
	gint64 modified; /* microseconds since the epoch */
	Value metadata; /* object of texts: x-amz-meta-… without that prefix */
} S3Object;

/* Opens an object; version NULL: the current one. FALSE with an error NoSuchBucket, NoSuchKey or
 * NoSuchVersion. */
gboolean s3_object_open(Region *region, const char *bucket, const char *key, const char *version,
	S3Object *object, GError **error);
/* The same without opening the file: fd is -1. */
gboolean s3_object_stat(Region *region, const char *bucket, const char *key, const char *version,
	S3Object *object, GError **error);
/* Closes and frees what is in it (not the struct). */
void s3_object_clear(S3Object *object);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(S3Object, s3_object_clear)

/* ---- writing ---- */

typedef struct {
	const char *content_type; /* NULL: binary/octet-stream */
	Value metadata; /* object of texts, or VALUE_NOTHING; borrowed for the call */
	const char *kms_key_id; /* shown as its encryption; NULL: the bucket's */
	const char *canned_acl, *cache_control; /* as PutObject has them; or NULL */
} S3PutOptions;

/* Called in the loop when the object is there, durably, or with an error (NoSuchBucket, or the
 * disk's). Never called when the region ends before. */
typedef void (*S3PutDone)(Region *region, const char *bucket, const char *key, const char *version,
	const char *etag, const GError *error, gpointer data);

/* Makes a file an object: it is moved (or copied from another file system) into the bucket, read
 * once for its digests, and forced to disk, by a thread. The file belongs to S3 from now on,
 * whatever happens: on failure it is gone too. Its folder need not be S3's. `done` may be NULL. */
void s3_object_put_file(Region *region, const char *bucket, const char *key, const char *path,
	const S3PutOptions *options, S3PutDone done, gpointer data);

/* Deletes as the API does: version NULL makes a delete marker where the bucket has versions. What
 * is not there is no error. Inside the open transaction, or in one of its own if none is open. */
gboolean s3_object_delete(
	Region *region, const char *bucket, const char *key, const char *version, GError **error);

/* ---- knowing ---- */

/* Called in the loop after an object was made or deleted by whatever way ("ObjectCreated:Put",
 * "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload", "ObjectRemoved:Delete",
 * "ObjectRemoved:DeleteMarkerCreated"), once it is durable. Version and etag may be NULL. Not told
 * of what happened before a crash: look when you start. */
typedef void (*S3Watch)(Region *region, const char *event, const char *bucket, const char *key,
	const char *version, const char *etag, gpointer data);
void s3_watch(Region *region, S3Watch watch, gpointer data);
