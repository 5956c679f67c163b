/* What other services use of S3. See s3.h. */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "region/services/s3/table.h"

/* ---- buckets ---- */

gboolean s3_bucket_exists(Region *region, const char *name, StoreScope *scope) {
	g_auto(Value) bucket = s3_bucket(region, name);
	if (value_is_null(bucket))
		return FALSE;
	if (scope)
		*scope = (StoreScope){g_intern_string(value_get_text(bucket, "Account")),
			g_intern_string(value_get_text(bucket, "Region"))};
	return TRUE;
}

gboolean s3_bucket_is_versioned(Region *region, const char *name) {
	g_auto(Value) bucket = s3_bucket(region, name);
	return g_strcmp0(value_get_text(bucket, "Versioning"), "Enabled") == 0;
}

/* ---- reading ---- */

gboolean s3_object_stat(Region *region, const char *bucket, const char *key, const char *version,
	S3Object *object, GError **error) {
	g_auto(S3Version) found = {0};
	*object = (S3Object){.fd = -1};
	g_auto(Value) there = s3_bucket_find(region, bucket, error);
	if (value_is_null(there) || !s3_version_find(region, bucket, key, version, &found, error))
		return FALSE;
	*object = (S3Object){.fd = -1,
		.size = found.size,
		.etag = g_strdup(found.etag),
		.version_id = g_strdup(found.id),
		.content_type = g_strdup(
			value_text_or(value_get(found.info, "ContentType"), S3_DEFAULT_TYPE)),
		.modified = found.modified,
		.metadata = value_ref(value_get(found.info, "Metadata"))};
	return TRUE;
}

gboolean s3_object_open(Region *region, const char *bucket, const char *key, const char *version,
	S3Object *object, GError **error) {
	g_auto(S3Version) found = {0};
	if (!s3_object_stat(region, bucket, key, version, object, error) ||
		!s3_version_find(region, bucket, key, version, &found, error))
		return FALSE;
	object->fd = s3_file_open(region, found.file, error);
	if (object->fd >= 0)
		return TRUE;
	s3_object_clear(object);
	return FALSE;
}

void s3_object_clear(S3Object *object) {
	if (object->fd > 0)
		close(object->fd);
	g_free(object->etag);
	g_free(object->version_id);
	g_free(object->content_type);
	value_clear(&object->metadata);
	*object = (S3Object){.fd = -1};
}

/* ---- writing ---- */

typedef struct {
	Region *region;
	gint *alive; /* 0: the region has gone meanwhile */
	char *bucket, *key, *from;
	char *file, *path;
	gint64 size;
	S3Digests *digests;
	Value input; /* as PutObject would say it */
	S3PutDone done;
	gpointer data;
} PutFile;

static void put_file_free(gpointer data) {
	PutFile *put = data;
	g_unlink(put->from); /* if it could not be moved */
	g_rc_box_release(put->alive);
	g_free(put->bucket);
	g_free(put->key);
	g_free(put->from);
	g_free(put->file);
	g_free(put->path);
	s3_digests_free(put->digests);
	value_clear(&put->input);
	g_free(put);
}

static gboolean copy_bytes(int from, int to) {
	gsize block = 1 << 18;
	g_autofree char *bytes = g_malloc(block);
	ssize_t n;
	while ((n = read(from, bytes, block)) != 0) {
		if (n < 0 && errno != EINTR)
			return FALSE;
		for (ssize_t done = 0; done < n;) {
			ssize_t written = write(to, bytes + done, (gsize)(n - done));
			if (written < 0 && errno != EINTR)
				return FALSE;
			done += MAX(written, 0);
		}
	}
	return TRUE;
}

/* By a rename, or, from another file system, by a copy. */
static gboolean move_file(const char *from, const char *to) {
	if (g_rename(from, to) == 0)
		return g_chmod(to, 0600) == 0;
	if (errno != EXDEV)
		return FALSE;
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
	gboolean fine = out >= 0 && copy_bytes(in, out);
	int code = errno;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	errno = code;
	return fine;
}

static gboolean digest_file(PutFile *put, int fd) {
	gsize block = 1 << 18;
	g_autofree char *bytes = g_malloc(block);
	ssize_t n;
	while ((n = read(fd, bytes, block)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return FALSE;
		s3_digests_update(put->digests, bytes, (gsize)n);
		put->size += n;
	}
	s3_digests_end(put->digests);
	return TRUE;
}

static void take_file(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
	PutFile *put = data;
	GError *error = NULL;
	int fd = move_file(put->from, put->path) ? open(put->path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0 || !digest_file(put, fd))
		g_set_error(&error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s",
			put->from, g_strerror(errno));
	else
		s3_file_sync(fd, put->path, &error);
	if (fd >= 0)
		close(fd);
	if (error)
		g_task_return_error(task, error);
	else
		g_task_return_boolean(task, TRUE);
}

static gboolean keep(PutFile *put, S3Version *version, GError **error) {
	Region *region = put->region;
	g_auto(Value) bucket = s3_bucket_find(region, put->bucket, error);
	if (value_is_null(bucket))
		return FALSE;
	const RegionCall call = {.region = region};
	g_auto(Value) info = s3_info_of_input(&call, bucket, put->input, error);
	if (value_is_null(info))
		return FALSE;
	g_auto(Value) checksum = value_object_take("ChecksumCRC64NVME",
		value_string_take(s3_digests_base64(put->digests, S3_CRC64NVME)), "ChecksumType",
		value_string("FULL_OBJECT"), NULL);
	*version = (S3Version){.bucket = g_strdup(put->bucket),
		.key = g_strdup(put->key),
		.size = put->size,
		.etag = s3_digests_hex(put->digests, S3_MD5),
		.modified = region_now(region),
		.file = g_strdup(put->file),
		.info = value_merge(info, checksum)};
	s3_version_add(region, bucket, version);
	s3_tell_later(region, "ObjectCreated:Put", version);
	return TRUE;
}

static void on_taken(GObject *source, GAsyncResult *result, gpointer data) {
	PutFile *put = g_task_get_task_data(G_TASK(result));
	g_autoptr(GError) error = NULL;
	g_auto(S3Version) version = {0};
	if (!*put->alive)
		return;
	Store *store = region_store(put->region);
	if (g_task_propagate_boolean(G_TASK(result), &error) && store_begin(store, &error)) {
		if (keep(put, &version, &error))
			store_commit(store, &error);
		else
			store_rollback(store);
	}
	if (error)
		s3_file_release(put->region, put->file);
	if (put->done)
		put->done(put->region, put->bucket, put->key, error ? NULL : version.id,
			error ? NULL : version.etag, error, put->data);
}

void s3_object_put_file(Region *region, const char *bucket, const char *key, const char *path,
	const S3PutOptions *options, S3PutDone done, gpointer data) {
	PutFile *put = g_new0(PutFile, 1);
	g_autoptr(GError) error = NULL;
	int fd = -1;
	*put = (PutFile){.region = region,
		.alive = g_rc_box_acquire(s3_state(region)->alive),
		.bucket = g_strdup(bucket),
		.key = g_strdup(key),
		.from = g_strdup(path),
		.digests = s3_digests_new(),
		.input = value_empty_object(),
		.done = done,
		.data = data};
	s3_digests_want(put->digests, S3_MD5);
	s3_digests_want(put->digests, S3_CRC64NVME);
	if (options && options->content_type)
		put->input = value_with_take(
			put->input, "ContentType", value_string(options->content_type));
	if (options && value_length(options->metadata) > 0)
		put->input = value_with_take(put->input, "Metadata", value_ref(options->metadata));
	if (options && options->canned_acl)
		put->input = value_with_take(put->input, "ACL", value_string(options->canned_acl));
	if (options && options->cache_control)
		put->input = value_with_take(
			put->input, "CacheControl", value_string(options->cache_control));
	if (options && options->kms_key_id) {
		put->input = value_with_take(
			put->input, "ServerSideEncryption", value_string("aws:kms"));
		put->input = value_with_take(
			put->input, "SSEKMSKeyId", value_string(options->kms_key_id));
	}
	put->file = s3_file_new(region, &fd, &error);
	if (!put->file) {
		if (done)
			done(region, bucket, key, NULL, NULL, error, data);
		put_file_free(put);
		return;
	}
	close(fd);
	put->path = s3_file_path(region, put->file);
	g_autoptr(GTask) task = g_task_new(NULL, NULL, on_taken, NULL);
	g_task_set_task_data(task, put, put_file_free);
	g_task_run_in_thread(task, take_file);
}

gboolean s3_object_delete(
	Region *region, const char *bucket, const char *key, const char *version, GError **error) {
	Store *store = region_store(region);
	gboolean own = !store_in_transaction(store), marker;
	g_autofree char *made = NULL;
	g_auto(Value) there = s3_bucket_find(region, bucket, error);
	if (value_is_null(there) || (own && !store_begin(store, error)))
		return FALSE;
	gboolean done = s3_version_delete(region, there, key, version, &marker, &made, error);
	if (own && done)
		return store_commit(store, error);
	if (own)
		store_rollback(store);
	return done;
}

/* ---- knowing ---- */

typedef struct {
	char *event, *bucket, *key, *id, *etag;
} S3News;

void s3_news_free(gpointer data) {
	S3News *news = data;
	g_free(news->event);
	g_free(news->bucket);
	g_free(news->key);
	g_free(news->id);
	g_free(news->etag);
	g_free(news);
}

/* What was rolled back never happened. */
static gboolean is_true(Region *region, const S3News *news) {
	g_auto(S3Version) version = {0};
	gboolean there = s3_version_get(region, news->bucket, news->key, news->id, &version);
	return there != g_str_equal(news->event, "ObjectRemoved:Delete");
}

static gboolean tell_all(gpointer data) {
	Region *region = data;
	S3State *state = s3_state(region);
	g_autoptr(GPtrArray) untold = state->untold;
	state->untold = g_ptr_array_new_with_free_func(s3_news_free);
	state->tell_source = 0;
	for (guint i = 0; i < untold->len; i++) {
		const S3News *news = untold->pdata[i];
		for (guint j = 0; j < state->watches->len && is_true(region, news); j++) {
			S3Watching each = g_array_index(state->watches, S3Watching, j);
			each.watch(region, news->event, news->bucket, news->key, news->id,
				news->etag, each.data);
		}
	}
	return G_SOURCE_REMOVE;
}

void s3_tell_later(Region *region, const char *event, const S3Version *version) {
	S3State *state = s3_state(region);
	if (state->watches->len == 0)
		return;
	S3News *news = g_new0(S3News, 1);
	*news = (S3News){g_strdup(event), g_strdup(version->bucket), g_strdup(version->key),
		g_strdup(version->id), g_strdup(version->etag)};
	g_ptr_array_add(state->untold, news);
	if (!state->tell_source)
		state->tell_source = g_idle_add(tell_all, region);
}

void s3_watch(Region *region, S3Watch watch, gpointer data) {
	S3Watching watching = {watch, data};
	g_array_append_val(s3_state(region)->watches, watching);
}
