/*
 * Copies. Files never change, so a copy of an object is a row that shares the file; a part that is
 * copied refers to its stretch of the source's file, which a thread reads once for its digests (a
 * small source has no file: it gets one).
 */
#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "region/services/s3/internal.h"

/* "/bucket/key?versionId=…", encoded as in a URL. */
static gboolean find_source(RegionCall *call, Value input, S3Version *source, GError **error) {
	const char *text = value_get_text(input, "CopySource");
	const char *query = strstr(text, "?versionId=");
	const char *id = query ? query + strlen("?versionId=") : NULL;
	g_autofree char *cut = g_strndup(text, query ? (gsize)(query - text) : strlen(text));
	g_autofree char *plain = g_uri_unescape_string(cut, NULL);
	const char *name = plain ? plain + (*plain == '/') : "";
	const char *slash = strchr(name, '/');
	if (!slash || !slash[1] || !g_utf8_validate(name, -1, NULL))
		return s3_fail_argument(error,
			"Copy Source must mention the source bucket and key: "
			"sourcebucket/sourcekey",
			"x-amz-copy-source", text);
	g_autofree char *bucket = g_strndup(name, (gsize)(slash - name));
	g_auto(Value) there = s3_bucket_find(call->region, bucket, error);
	if (value_is_null(there) ||
		!s3_version_find(call->region, bucket, slash + 1, id, source, error))
		return FALSE;
	return s3_condition_check(input, "CopySource", source, error) &&
	       s3_archive_check(call->region, source, error);
}

/* ---- CopyObject ---- */

static gboolean replaces(Value input, const char *directive) {
	return g_strcmp0(value_get_text(input, directive), "REPLACE") == 0;
}

static gboolean check_sense(const S3Version *source, Value input, GError **error) {
	static const char *const changes[] = {"StorageClass", "ServerSideEncryption",
		"WebsiteRedirectLocation", "SSEKMSKeyId", "ChecksumAlgorithm"};
	if (source->size > S3_LARGEST_PUT) {
		wire_error_set(error, "InvalidRequest",
			"The specified copy source is larger than the maximum allowable size for a "
			"copy source: 5368709120");
		return FALSE;
	}
	gboolean same = g_str_equal(source->bucket, value_get_text(input, "Bucket")) &&
			g_str_equal(source->key, value_get_text(input, "Key")) && source->latest &&
			!replaces(input, "MetadataDirective");
	for (guint i = 0; i < G_N_ELEMENTS(changes); i++)
		same &= !value_has(input, changes[i]);
	if (!same)
		return TRUE;
	wire_error_set(error, "InvalidRequest",
		"This copy request is illegal because it is trying to copy an object to itself "
		"without changing the object's metadata, storage class, website redirect location "
		"or encryption attributes.");
	return FALSE;
}

/* What the copy has: by the request, but for what is to be as at the source. */
static Value info_of_copy(
	RegionCall *call, Value bucket, const S3Version *source, Value input, GError **error) {
	static const char *const headers[] = {"CacheControl", "ContentDisposition",
		"ContentEncoding", "ContentLanguage", "ContentType", "Expires", "Metadata"};
	g_autoptr(GError) local = NULL;
	Value info = s3_info_of_input(call, bucket, input, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	for (guint i = 0; i < G_N_ELEMENTS(headers) && !replaces(input, "MetadataDirective"); i++) {
		Value own = value_get(source->info, headers[i]);
		info = value_is_null(own) ? value_without_take(info, headers[i])
					  : value_with_take(info, headers[i], value_ref(own));
	}
	if (!replaces(input, "TaggingDirective") && value_has(source->info, "_Tags"))
		info = value_with_take(info, "_Tags", value_ref(value_get(source->info, "_Tags")));
	g_autoptr(ValueBuilder) checksums = value_builder_new(VALUE_OBJECT, NULL);
	s3_info_checksums(checksums, source->info);
	g_auto(Value) sums = value_builder_end(g_steal_pointer(&checksums));
	g_auto(Value) own = info;
	return value_merge(own, sums);
}

static gboolean check_digest(const S3Version *source, Value input, GError **error) {
	const char *name = value_get_text(input, "ChecksumAlgorithm");
	S3Digest digest;
	if (!name || (s3_digest_by_name(name, &digest) &&
			     value_has(source->info, s3_digest_member(digest))))
		return TRUE;
	return s3_fail_not_implemented(error, "a checksum of a copy that its source has not");
}

static Value copied(const S3Version *version, const S3Version *source, Value bucket) {
	g_autoptr(ValueBuilder) result = value_builder_new(VALUE_OBJECT, NULL);
	g_autoptr(ValueBuilder) output = value_builder_new(VALUE_OBJECT, NULL);
	value_builder_set_take(result, "ETag", value_string_take(s3_quoted(version->etag)));
	value_builder_set_take(
		result, "LastModified", value_double((double)version->modified / G_USEC_PER_SEC));
	s3_info_checksums(result, version->info);
	value_builder_set_take(
		output, "CopyObjectResult", value_builder_end(g_steal_pointer(&result)));
	s3_add_version_id(output, bucket, version->id);
	if (!g_str_equal(source->id, S3_NULL_VERSION))
		value_builder_set_take(output, "CopySourceVersionId", value_string(source->id));
	s3_info_encryption(output, version->info);
	return value_builder_end(g_steal_pointer(&output));
}

static Value copy_object(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "Bucket"), *key = value_get_text(input, "Key");
	g_auto(S3Version) source = {0};
	g_auto(Value) bucket = s3_bucket_find(call->region, name, error);
	if (value_is_null(bucket) || !s3_key_check(key, error) ||
		!find_source(call, input, &source, error) || !check_sense(&source, input, error) ||
		!check_digest(&source, input, error) ||
		!s3_condition_check_write(call->region, name, key, input, error))
		return VALUE_NOTHING;
	g_auto(Value) info = info_of_copy(call, bucket, &source, input, error);
	if (value_is_null(info))
		return VALUE_NOTHING;
	g_auto(S3Version) version = {.bucket = g_strdup(name),
		.key = g_strdup(key),
		.size = source.size,
		.etag = g_strdup(source.etag),
		.modified = region_now(call->region),
		.file = g_strdup(source.file),
		.info = value_ref(info)};
	s3_version_add(call->region, bucket, &version);
	s3_tell_later(call->region, "ObjectCreated:Copy", &version);
	return copied(&version, &source, bucket);
}

const RegionOperation s3_copy_operations[] = {
	{"CopyObject", copy_object},
	{NULL},
};

/* ---- UploadPartCopy ---- */

typedef struct {
	S3Call call;
	HttpReply *reply;
	S3Version source;
	gint64 start, size;
	int fd;
	char *file, *path; /* of its own, for a small source; or NULL */
	gboolean kept;
	S3Digests *digests;
	S3Digest shown;
	GError *error;
} PartCopy;

static void part_copy_free(gpointer data) {
	PartCopy *copy = data;
	if (copy->fd >= 0)
		close(copy->fd);
	if (copy->file && !copy->kept && !http_reply_is_gone(copy->reply))
		s3_file_release(copy->call.call.region, copy->file);
	g_free(copy->file);
	g_free(copy->path);
	http_reply_unref(copy->reply);
	s3_call_clear(&copy->call);
	s3_version_clear(&copy->source);
	s3_digests_free(copy->digests);
	g_clear_error(&copy->error);
	g_free(copy);
}

static void read_part(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
	PartCopy *copy = data;
	gsize block = 1 << 18;
	g_autofree char *bytes = g_malloc(block);
	for (gint64 done = 0; done < copy->size;) {
		ssize_t n = pread(copy->fd, bytes, (gsize)MIN((gint64)block, copy->size - done),
			copy->start + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			g_task_return_new_error(task, G_FILE_ERROR, G_FILE_ERROR_IO,
				"reading the source of a copy: %s",
				n < 0 ? g_strerror(errno) : "the file is too short");
			return;
		}
		s3_digests_update(copy->digests, bytes, (gsize)n);
		done += n;
	}
	s3_digests_end(copy->digests);
	GError *error = NULL;
	if (copy->path && !s3_file_sync(copy->fd, copy->path, &error))
		g_task_return_error(task, error);
	else
		g_task_return_boolean(task, TRUE);
}

static Value keep_part(PartCopy *copy) {
	Region *region = copy->call.call.region;
	Value input = copy->call.input;
	g_auto(S3Upload) upload = {0};
	if (!s3_upload_find(region, value_get_text(input, "Bucket"), value_get_text(input, "Key"),
		    value_get_text(input, "UploadId"), &upload, &copy->error))
		return VALUE_NOTHING;
	g_auto(Value) checksum = value_object_take(s3_digest_member(copy->shown),
		value_string_take(s3_digests_base64(copy->digests, copy->shown)), NULL);
	g_auto(S3Part) part = {.number = (guint)value_get_int(input, "PartNumber", 0),
		.file = g_strdup(copy->file ? copy->file : copy->source.file),
		.offset = copy->start,
		.size = copy->size,
		.etag = s3_digests_hex(copy->digests, S3_MD5),
		.modified = region_now(region),
		.checksums = value_ref(checksum)};
	s3_part_put(region, upload.id, &part);
	g_auto(Value) result = value_object_take("ETag", value_string_take(s3_quoted(part.etag)),
		"LastModified", value_double((double)part.modified / G_USEC_PER_SEC), NULL);
	g_autoptr(ValueBuilder) output = value_builder_new(VALUE_OBJECT, NULL);
	value_builder_set_take(output, "CopyPartResult", value_merge(result, checksum));
	if (!g_str_equal(copy->source.id, S3_NULL_VERSION))
		value_builder_set_take(
			output, "CopySourceVersionId", value_string(copy->source.id));
	s3_info_encryption(output, upload.info);
	return value_builder_end(g_steal_pointer(&output));
}

/* The source may have been deleted while it was read: then its file may be gone soon. */
static gboolean is_still_there(PartCopy *copy) {
	g_auto(S3Version) now = {0};
	const S3Version *source = &copy->source;
	return (s3_version_get(
			copy->call.call.region, source->bucket, source->key, source->id, &now) &&
		       g_strcmp0(now.file, source->file) == 0) ||
	       s3_no_such_key(&copy->error, source->key);
}

static WireResponse *commit(PartCopy *copy) {
	Store *store = region_store(copy->call.call.region);
	g_auto(Value) output = VALUE_NOTHING;
	if (!copy->error && is_still_there(copy) && store_begin(store, &copy->error)) {
		output = keep_part(copy);
		if (copy->error)
			store_rollback(store);
		else
			copy->kept = store_commit(store, &copy->error);
	}
	return copy->error ? s3_call_refuse(&copy->call, copy->error)
			   : s3_call_answer(&copy->call, output);
}

static void on_read(GObject *source, GAsyncResult *result, gpointer data) {
	PartCopy *copy = g_task_get_task_data(G_TASK(result));
	if (http_reply_is_gone(copy->reply))
		return;
	g_task_propagate_boolean(G_TASK(result), &copy->error);
	http_reply_send(copy->reply, commit(copy));
}

static gboolean take_range(PartCopy *copy, GError **error) {
	const char *range = value_get_text(copy->call.input, "CopySourceRange");
	long long first, last;
	int end = 0;
	copy->size = copy->source.size;
	if (!range)
		return TRUE;
	if (sscanf(range, "bytes=%lld-%lld%n", &first, &last, &end) != 2 || range[end] ||
		first < 0 || last < first)
		return s3_fail_argument(error,
			"The x-amz-copy-source-range value must be of the form bytes=first-last "
			"where "
			"first and last are the zero-based offsets of the first and last bytes to "
			"copy",
			"x-amz-copy-source-range", range);
	if (last >= copy->source.size)
		return s3_fail_argument(error, "Range specified is not valid for source object",
			"x-amz-copy-source-range", range);
	copy->start = first;
	copy->size = last - first + 1;
	return TRUE;
}

/* Parts lie in files, as they are put together by a thread. */
static gboolean give_file(PartCopy *copy, GError **error) {
	char bytes[S3_LARGEST_SMALL];
	ssize_t n = read(copy->fd, bytes, sizeof bytes);
	close(copy->fd);
	copy->file = s3_file_new(copy->call.call.region, &copy->fd, error);
	if (!copy->file)
		return FALSE;
	copy->path = s3_file_path(copy->call.call.region, copy->file);
	if (n == copy->source.size && write(copy->fd, bytes, (gsize)n) == n)
		return TRUE;
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_IO, "a part cannot be copied: %s",
		g_strerror(errno));
	return FALSE;
}

static gboolean prepare(PartCopy *copy, GError **error) {
	Region *region = copy->call.call.region;
	Value input = copy->call.input;
	gint64 number = value_get_int(input, "PartNumber", 0);
	g_auto(S3Upload) upload = {0};
	if (number < 1 || number > S3_MOST_PARTS)
		return s3_fail_argument(error,
			"Part number must be an integer between 1 and 10000, inclusive",
			"partNumber", NULL);
	if (!s3_upload_find(region, value_get_text(input, "Bucket"), value_get_text(input, "Key"),
		    value_get_text(input, "UploadId"), &upload, error) ||
		!find_source(&copy->call.call, input, &copy->source, error) ||
		!take_range(copy, error))
		return FALSE;
	const char *name = value_get_text(upload.info, "_ChecksumAlgorithm");
	copy->shown = S3_CRC64NVME;
	if (name)
		s3_digest_by_name(name, &copy->shown);
	s3_digests_want(copy->digests, S3_MD5);
	s3_digests_want(copy->digests, copy->shown);
	copy->fd = s3_file_open(region, copy->source.file, error);
	return copy->fd >= 0 && (!s3_file_is_small(copy->source.file) || give_file(copy, error));
}

WireResponse *s3_serve_part_copy(Region *region, S3Call *call, HttpReply *reply) {
	PartCopy *copy = g_new0(PartCopy, 1);
	copy->call = *call;
	*call = (S3Call){0};
	copy->call.call.request = NULL;
	copy->reply = http_reply_ref(reply);
	copy->fd = -1;
	copy->digests = s3_digests_new();
	if (!prepare(copy, &copy->error)) {
		WireResponse *response = s3_call_refuse(&copy->call, copy->error);
		part_copy_free(copy);
		return response;
	}
	g_autoptr(GTask) task = g_task_new(NULL, NULL, on_read, NULL);
	g_task_set_task_data(task, copy, part_copy_free);
	g_task_run_in_thread(task, read_part);
	return NULL;
}
