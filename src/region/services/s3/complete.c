/*
 * CompleteMultipartUpload: the parts become an object. If they lie one behind the other in one
 * file, as parts of one size do, that file is the object; else a thread puts them together (copies
 * inside the kernel, which file systems that can share blocks do without copying).
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "region/services/s3/table.h"

#define SMALLEST_PART (5 * 1024 * 1024)

typedef struct {
	S3Call call;
	HttpReply *reply;
	S3Upload upload;
	GArray *parts; /* of S3Part, those that were chosen */
	GPtrArray *paths; /* of the parts, for the thread */
	gint64 size;
	char *file; /* of the whole */
	char *path;
	int fd; /* to be written; -1: the file is there */
	gboolean committed;
	GError *error;
} Completion;

static void completion_free(gpointer data) {
	Completion *completion = data;
	gboolean alive = !http_reply_is_gone(completion->reply);
	if (completion->fd >= 0)
		close(completion->fd);
	if (alive && completion->fd >= 0 && !completion->committed)
		s3_file_release(completion->call.call.region, completion->file);
	http_reply_unref(completion->reply);
	s3_call_clear(&completion->call);
	s3_upload_clear(&completion->upload);
	g_array_unref(completion->parts);
	g_ptr_array_unref(completion->paths);
	g_free(completion->file);
	g_free(completion->path);
	g_clear_error(&completion->error);
	g_free(completion);
}

/* ---- choosing ---- */

static gboolean is_same_etag(const char *given, const char *own) {
	gsize length = strlen(given);
	gboolean quoted = length >= 2 && *given == '"';
	return strlen(own) == length - (quoted ? 2 : 0) &&
	       strncmp(given + (quoted ? 1 : 0), own, strlen(own)) == 0;
}

static gboolean is_as_said(Value said, const S3Part *part) {
	const char *etag = value_get_text(said, "ETag");
	if (etag && !is_same_etag(etag, part->etag))
		return FALSE;
	for (S3Digest each = 0; each < S3_N_DIGESTS; each++) {
		const char *given = value_get_text(said, s3_digest_member(each));
		const char *own = value_get_text(part->checksums, s3_digest_member(each));
		if (given && own && !g_str_equal(given, own))
			return FALSE;
	}
	return TRUE;
}

static gboolean choose(Completion *completion, GError **error) {
	Region *region = completion->call.call.region;
	Value said = value_get_path(completion->call.input, "MultipartUpload", "Parts", NULL);
	gint64 last = 0;
	if (value_length(said) == 0)
		return s3_fail(error, "MalformedXML");
	for (gsize i = 0; i < value_length(said); i++) {
		gint64 number = value_get_int(value_at(said, i), "PartNumber", 0);
		S3Part part = {0};
		if (number <= last)
			return s3_fail(error, "InvalidPartOrder");
		last = number;
		if (!s3_part_get(region, completion->upload.id, (guint)number, &part))
			return s3_fail(error, "InvalidPart");
		g_array_append_val(completion->parts, part);
		if (!is_as_said(value_at(said, i), &part))
			return s3_fail(error, "InvalidPart");
		if (part.size < SMALLEST_PART && i + 1 < value_length(said))
			return s3_fail(error, "EntityTooSmall");
		completion->size += part.size;
		g_ptr_array_add(completion->paths, s3_file_path(region, part.file));
	}
	return TRUE;
}

/* Whether one file holds all parts, in order, from its beginning on. */
static gboolean is_one_file(const Completion *completion) {
	gint64 end = 0;
	const S3Part *first = &g_array_index(completion->parts, S3Part, 0);
	for (guint i = 0; i < completion->parts->len; i++) {
		const S3Part *part = &g_array_index(completion->parts, S3Part, i);
		if (!g_str_equal(part->file, first->file) || part->offset != end)
			return FALSE;
		end += part->size;
	}
	return TRUE;
}

/* ---- putting together: in a thread ---- */

static gboolean copy_by_hand(int from, off_t *offset, int to, gint64 *left) {
	char block[65536];
	ssize_t n = pread(from, block, (size_t)MIN(*left, (gint64)sizeof block), *offset);
	for (ssize_t done = 0; n > 0 && done < n;) {
		ssize_t written = write(to, block + done, (size_t)(n - done));
		if (written < 0 && errno != EINTR)
			return FALSE;
		done += MAX(written, 0);
	}
	*offset += MAX(n, 0);
	*left -= MAX(n, 0);
	return n > 0 || (n < 0 && errno == EINTR);
}

static gboolean append_part(const S3Part *part, const char *path, int to) {
	int from = open(path, O_RDONLY | O_CLOEXEC);
	off_t offset = part->offset;
	gint64 left = part->size;
	gboolean fine = from >= 0;
	while (fine && left > 0) {
		ssize_t n = copy_file_range(from, &offset, to, NULL, (size_t)left, 0);
		if (n > 0)
			left -= n;
		else
			fine = copy_by_hand(from, &offset, to, &left);
	}
	int code = errno;
	if (from >= 0)
		close(from);
	errno = code;
	return fine;
}

static void put_together(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
	Completion *completion = data;
	GError *error = NULL;
	for (guint i = 0; i < completion->parts->len; i++) {
		if (append_part(&g_array_index(completion->parts, S3Part, i),
			    completion->paths->pdata[i], completion->fd))
			continue;
		g_task_return_new_error(task, G_FILE_ERROR, g_file_error_from_errno(errno),
			"putting the parts together: %s", g_strerror(errno));
		return;
	}
	if (s3_file_sync(completion->fd, completion->path, &error))
		g_task_return_boolean(task, TRUE);
	else
		g_task_return_error(task, error);
}

/* ---- the object ---- */

static char *whole_etag(const GArray *parts) {
	g_autoptr(S3Digests) digests = s3_digests_new();
	s3_digests_want(digests, S3_MD5);
	for (guint i = 0; i < parts->len; i++) {
		const char *hex = g_array_index(parts, S3Part, i).etag;
		guint8 bytes[16];
		for (guint j = 0; j < sizeof bytes; j++)
			bytes[j] = (guint8)(g_ascii_xdigit_value(hex[2 * j]) << 4 |
					    g_ascii_xdigit_value(hex[2 * j + 1]));
		s3_digests_update(digests, bytes, sizeof bytes);
	}
	s3_digests_end(digests);
	g_autofree char *md5 = s3_digests_hex(digests, S3_MD5);
	return g_strdup_printf("%s-%u", md5, parts->len);
}

/* The digest of the whole out of those of the parts: of a CRC that of the bytes, else a digest of
 * digests. NULL: a part has none. Caller frees. */
static char *whole_checksum(const GArray *parts, S3Digest digest, gboolean full) {
	g_autoptr(S3Digests) sum = s3_digests_new();
	guint8 crc[S3_LARGEST_DIGEST] = {0};
	gsize size = s3_digest_length(digest);
	s3_digests_want(sum, digest);
	for (guint i = 0; i < parts->len; i++) {
		const S3Part *part = &g_array_index(parts, S3Part, i);
		const char *text = value_get_text(part->checksums, s3_digest_member(digest));
		gsize length = 0;
		g_autofree guchar *bytes = g_base64_decode(text ? text : "", &length);
		if (length != size)
			return NULL;
		if (full && i > 0)
			s3_crc_combine(digest, crc, bytes, part->size);
		else if (full)
			memcpy(crc, bytes, size);
		else
			s3_digests_update(sum, bytes, length);
	}
	if (full)
		return g_base64_encode(crc, size);
	s3_digests_end(sum);
	g_autofree char *text = s3_digests_base64(sum, digest);
	return g_strdup_printf("%s-%u", text, parts->len);
}

static gboolean add_checksum(const Completion *completion, ValueBuilder *info, GError **error) {
	const char *name = value_get_text(completion->upload.info, "_ChecksumAlgorithm");
	const char *type = value_get_text(completion->upload.info, "ChecksumType");
	/* What nobody agreed on S3 takes a CRC of; here the parts have it too. */
	S3Digest digest = S3_CRC64NVME;
	if (name)
		s3_digest_by_name(name, &digest);
	gboolean full = !type || g_str_equal(type, "FULL_OBJECT");
	g_autofree char *own = whole_checksum(completion->parts, digest, full);
	if (!own)
		return TRUE;
	const char *given = value_get_text(completion->call.input, s3_digest_member(digest));
	/* With or without the number of parts behind it. */
	if (given && strncmp(given, own, strcspn(own, "-")) != 0) {
		wire_error_set(error, "BadDigest",
			"The %s you specified did not match the calculated checksum.",
			s3_digest_name(digest));
		return FALSE;
	}
	value_builder_set_take(info, s3_digest_member(digest), value_string(own));
	value_builder_set_take(
		info, "ChecksumType", value_string(full ? "FULL_OBJECT" : "COMPOSITE"));
	return TRUE;
}

static Value whole_info(const Completion *completion, GError **error) {
	g_autoptr(ValueBuilder) more = value_builder_new(VALUE_OBJECT, NULL);
	g_autoptr(ValueBuilder) sizes = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) sums = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < completion->parts->len; i++) {
		const S3Part *part = &g_array_index(completion->parts, S3Part, i);
		value_builder_add_take(sizes, value_int(part->size));
		value_builder_add_take(sums, value_ref(part->checksums));
	}
	value_builder_set_take(more, "_Parts", value_builder_end(g_steal_pointer(&sizes)));
	if (value_has(completion->upload.info, "_ChecksumAlgorithm"))
		value_builder_set_take(
			more, "_PartChecksums", value_builder_end(g_steal_pointer(&sums)));
	if (!add_checksum(completion, more, error))
		return VALUE_NOTHING;
	g_auto(Value) own = value_builder_end(g_steal_pointer(&more));
	g_auto(Value) merged = value_merge(completion->upload.info, own);
	return value_without_take(value_steal(&merged), "_ChecksumAlgorithm");
}

static Value keep(Completion *completion) {
	Region *region = completion->call.call.region;
	S3Upload *upload = &completion->upload;
	GError **error = &completion->error;
	g_auto(Value) bucket = s3_bucket_find(region, upload->bucket, error);
	g_auto(S3Upload) again = {0};
	if (*error ||
		!s3_upload_find(region, upload->bucket, upload->key, upload->id, &again, error) ||
		!s3_condition_check_write(
			region, upload->bucket, upload->key, completion->call.input, error))
		return VALUE_NOTHING;
	g_auto(Value) info = whole_info(completion, error);
	if (*error)
		return VALUE_NOTHING;
	g_auto(S3Version) version = {.bucket = g_strdup(upload->bucket),
		.key = g_strdup(upload->key),
		.size = completion->size,
		.etag = whole_etag(completion->parts),
		.modified = region_now(region),
		.file = g_strdup(completion->file),
		.info = value_ref(info)};
	s3_version_add(region, bucket, &version);
	s3_upload_remove(region, upload);
	s3_tell_later(region, "ObjectCreated:CompleteMultipartUpload", &version);
	g_autoptr(ValueBuilder) output = value_builder_new(VALUE_OBJECT, NULL);
	value_builder_set_take(output, "Bucket", value_string(upload->bucket));
	value_builder_set_take(output, "Key", value_string(upload->key));
	value_builder_set_take(output, "ETag", value_string_take(s3_quoted(version.etag)));
	value_builder_set_take(output, "Location",
		value_string_printf("http://127.0.0.1:%u/%s/%s", region_api_port(region),
			upload->bucket, upload->key));
	s3_add_version_id(output, bucket, version.id);
	s3_info_encryption(output, info);
	s3_info_checksums(output, info);
	return value_builder_end(g_steal_pointer(&output));
}

static WireResponse *commit(Completion *completion) {
	Store *store = region_store(completion->call.call.region);
	g_auto(Value) output = VALUE_NOTHING;
	if (!completion->error && store_begin(store, &completion->error)) {
		output = keep(completion);
		if (completion->error)
			store_rollback(store);
		else
			completion->committed = store_commit(store, &completion->error);
	}
	return completion->error ? s3_call_refuse(&completion->call, completion->error)
				 : s3_call_answer(&completion->call, output);
}

static void on_together(GObject *source, GAsyncResult *result, gpointer data) {
	Completion *completion = g_task_get_task_data(G_TASK(result));
	if (http_reply_is_gone(completion->reply))
		return;
	g_task_propagate_boolean(G_TASK(result), &completion->error);
	http_reply_send(completion->reply, commit(completion));
}

static gboolean prepare(Completion *completion, GError **error) {
	Region *region = completion->call.call.region;
	Value input = completion->call.input;
	if (!s3_upload_find(region, value_get_text(input, "Bucket"), value_get_text(input, "Key"),
		    value_get_text(input, "UploadId"), &completion->upload, error) ||
		!choose(completion, error))
		return FALSE;
	Value said = value_get(input, "MpuObjectSize");
	if (!value_is_null(said) && value_to_int(said, 0) != completion->size) {
		wire_error_set(error, "InvalidRequest",
			"The provided 'x-amz-mp-object-size' header does not match what was "
			"computed.");
		return FALSE;
	}
	if (is_one_file(completion))
		completion->file = g_strdup(g_array_index(completion->parts, S3Part, 0).file);
	else
		completion->file = s3_file_new(region, &completion->fd, error);
	if (completion->file)
		completion->path = s3_file_path(region, completion->file);
	return completion->file != NULL;
}

static void clear_part(gpointer part) {
	s3_part_clear(part);
}

WireResponse *s3_serve_complete(Region *region, S3Call *call, HttpReply *reply) {
	Completion *completion = g_new0(Completion, 1);
	completion->call = *call;
	*call = (S3Call){0};
	completion->call.call.request = NULL;
	completion->reply = http_reply_ref(reply);
	completion->fd = -1;
	completion->parts = g_array_new(FALSE, FALSE, sizeof(S3Part));
	g_array_set_clear_func(completion->parts, clear_part);
	completion->paths = g_ptr_array_new_with_free_func(g_free);
	if (prepare(completion, &completion->error) && completion->fd >= 0) {
		g_autoptr(GTask) task = g_task_new(NULL, NULL, on_together, NULL);
		g_task_set_task_data(task, completion, completion_free);
		g_task_run_in_thread(task, put_together);
		return NULL;
	}
	http_reply_send(reply, commit(completion));
	completion_free(completion);
	return NULL;
}
