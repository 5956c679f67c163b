/*
 * PutObject and UploadPart: the body goes into a file and through its digests as it arrives; at its
 * end all digests that the client gave are compared, a thread forces the file to disk, and then the
 * row that makes it an object is committed. Until that commit nothing is visible, and what a broken
 * connection or a killed region leaves is nobody's file. Small objects are gathered in memory, and
 * committed with their row (small.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "region/services/s3/chunked.h"
#include "region/services/s3/table.h"

#define SMALLEST_SLOT (5 * 1024 * 1024)

typedef struct {
	HttpSink sink;
	guint references;
	S3Call call;
	gboolean is_part;
	char *file;
	int fd;
	gboolean own_file; /* nothing else is in it */
	GByteArray *small; /* instead of a file: the bytes of a small object; or NULL */
	char *busy; /* the place that it takes in the upload's file, or NULL */
	gint64 offset, size; /* of what was written */
	gint64 expected; /* bytes of the body; -1: not known */
	S3Digests *digests;
	char *given[S3_N_DIGESTS]; /* Base64, by the client; or NULL */
	S3Digest shown; /* the one that is kept */
	char *md5, *sha256; /* Content-MD5 (Base64), x-amz-content-sha256 (hex); or NULL */
	SigV4Claim *claim;
	S3Chunked *chunked; /* NULL: the body comes as it is */
	char *trailer; /* name of the trailing header with a digest; or NULL */
	Value info; /* of the object */
	gboolean committed;
	S3PutAnswer answer; /* NULL: the operation's own */
	gpointer answer_data;
	HttpReply *reply; /* while a thread works */
	GError *error;
} Put;

static void put_unref(gpointer data) {
	Put *put = data;
	if (--put->references > 0)
		return;
	Region *region = put->call.call.region;
	/* The region may be gone when a thread comes back late: then there is no state. */
	S3State *state = put->reply && http_reply_is_gone(put->reply) ? NULL : s3_state(region);
	if (put->fd >= 0)
		close(put->fd);
	if (state && put->busy)
		g_hash_table_remove(state->busy_slots, put->busy);
	if (state && put->own_file && !put->committed)
		s3_file_release(region, put->file);
	http_reply_unref(put->reply);
	s3_call_clear(&put->call);
	s3_digests_free(put->digests);
	for (guint i = 0; i < S3_N_DIGESTS; i++)
		g_free(put->given[i]);
	g_free(put->file);
	g_free(put->busy);
	g_free(put->md5);
	g_free(put->sha256);
	g_free(put->trailer);
	g_clear_pointer(&put->small, g_byte_array_unref);
	s3_chunked_free(put->chunked);
	sigv4_claim_free(put->claim);
	value_clear(&put->info);
	g_clear_error(&put->error);
	g_free(put);
}

/* ---- the body ---- */

static gboolean write_bytes(const void *bytes, gsize length, gpointer data) {
	Put *put = data;
	const char *at = bytes;
	if (put->size + (gint64)length > S3_LARGEST_PUT)
		return s3_fail(&put->error, "EntityTooLarge");
	if (put->small && put->size + (gint64)length > put->expected)
		return s3_fail(&put->error, "IncompleteBody");
	s3_digests_update(put->digests, bytes, length);
	if (put->small) {
		g_byte_array_append(put->small, bytes, (guint)length);
		put->size += (gint64)length;
		return TRUE;
	}
	while (length > 0) {
		ssize_t n = pwrite(put->fd, at, length, put->offset + put->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int code = errno;
			wire_error_set_status(&put->error, code == ENOSPC ? 507 : 500,
				code == ENOSPC ? "InsufficientStorage" : "InternalError",
				"The object cannot be written: %s", g_strerror(code));
			return FALSE;
		}
		at += n;
		length -= (gsize)n;
		put->size += n;
	}
	return TRUE;
}

static gboolean sink_write(HttpSink *sink, const void *bytes, gsize length) {
	Put *put = (Put *)sink;
	return put->chunked ? s3_chunked_feed(put->chunked, bytes, length, &put->error)
			    : write_bytes(bytes, length, put);
}

static void sink_free(HttpSink *sink) {
	put_unref(sink);
}

/* ---- the head ---- */

static const char *header(const WireRequest *request, const char *name) {
	return g_hash_table_lookup(request->headers, name);
}

static gboolean take_length(Put *put, const WireRequest *request) {
	const char *length = header(request, "content-length");
	const char *decoded = header(request, "x-amz-decoded-content-length");
	const char *text = decoded ? decoded : put->chunked ? NULL : length;
	put->expected = text ? g_ascii_strtoll(text, NULL, 10) : -1;
	if (!length && !header(request, "transfer-encoding"))
		return s3_fail(&put->error, "MissingContentLength");
	return put->expected <= S3_LARGEST_PUT || s3_fail(&put->error, "EntityTooLarge");
}

/* Which digests are wanted: those that the client gives, or will give behind the body; the one that
 * it names; MD5 for the ETag; where none is named, S3's own choice. */
static gboolean take_digests(Put *put, const WireRequest *request) {
	static const char *const unknown[] = {
		"x-amz-checksum-xxhash64", "x-amz-checksum-xxhash3", "x-amz-checksum-xxhash128"};
	const char *name = value_get_text(put->call.input, "ChecksumAlgorithm");
	const char *trailer = header(request, "x-amz-trailer");
	gboolean any = FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(unknown); i++)
		if (header(request, unknown[i]))
			return s3_fail_not_implemented(&put->error, "XXHash checksums");
	put->shown = S3_CRC64NVME;
	for (S3Digest each = 0; each < S3_N_DIGESTS; each++) {
		put->given[each] = g_strdup(header(request, s3_digest_header(each)));
		if (!put->given[each])
			continue;
		put->shown = each;
		any = TRUE;
		s3_digests_want(put->digests, each);
	}
	if (trailer && put->chunked) {
		put->trailer = g_ascii_strdown(trailer, -1);
		g_strstrip(put->trailer);
		any = s3_digest_by_header(put->trailer, &put->shown);
		if (!any)
			return s3_fail_not_implemented(&put->error, "the trailing header");
	} else if (name && !any) {
		any = s3_digest_by_name(name, &put->shown);
		if (!any)
			return s3_fail_not_implemented(&put->error, name);
	}
	s3_digests_want(put->digests, put->shown);
	s3_digests_want(put->digests, S3_MD5);
	put->md5 = g_strdup(header(request, "content-md5"));
	gsize length = 0;
	if (put->md5)
		g_free(g_base64_decode(put->md5, &length));
	if (put->md5 && length != 16)
		return s3_fail(&put->error, "InvalidDigest");
	const char *sha256 = header(request, "x-amz-content-sha256");
	if (sha256 && strlen(sha256) == 64) {
		put->sha256 = g_strdup(sha256);
		s3_digests_want(put->digests, S3_SHA256);
	}
	return TRUE;
}

static gboolean take_form(Put *put, const WireRequest *request) {
	const char *sha256 = header(request, "x-amz-content-sha256");
	const char *encoding = header(request, "content-encoding");
	gboolean streaming = sha256 && g_str_has_prefix(sha256, "STREAMING-");
	if (!streaming && !(encoding && strstr(encoding, "aws-chunked")))
		return TRUE;
	if (streaming && strstr(sha256, "ECDSA"))
		return s3_fail_not_implemented(&put->error, "signature version 4a");
	gboolean is_signed = streaming && strstr(sha256, "AWS4-HMAC");
	put->claim = is_signed ? sigv4_claim(request, NULL) : NULL;
	const char *secret = put->call.caller.key ? put->call.caller.key->secret : NULL;
	put->chunked = s3_chunked_new(write_bytes, put, put->claim, secret);
	return TRUE;
}

/* ---- where it goes ---- */

/* Parts of one size lie in one file, each in its place, so that the whole need not be put together
 * in the end. The first part tells the size. What does not fit gets a file of its own. */
static gboolean take_slot(Put *put, S3Upload *upload, guint number) {
	Region *region = put->call.call.region;
	if (!upload->file && put->expected >= SMALLEST_SLOT) {
		g_autofree char *file = s3_file_new(region, &put->fd, &put->error);
		if (!file)
			return FALSE;
		upload->file = g_steal_pointer(&file);
		upload->slot = put->expected;
		if (!store_begin(region_store(region), &put->error))
			return FALSE;
		s3_upload_set_slots(region, upload);
		if (!store_commit(region_store(region), &put->error))
			return FALSE;
	}
	g_autofree char *busy = g_strdup_printf("%s %u", upload->id, number);
	g_auto(S3Part) before = {0};
	if (!upload->file || put->expected < 0 || put->expected > upload->slot ||
		g_hash_table_contains(s3_state(region)->busy_slots, busy) ||
		s3_part_get(region, upload->id, number, &before))
		return TRUE;
	g_autofree char *path = s3_file_path(region, upload->file);
	if (put->fd < 0)
		put->fd = open(path, O_RDWR | O_CLOEXEC);
	if (put->fd < 0)
		return TRUE;
	put->file = g_strdup(upload->file);
	put->offset = (gint64)(number - 1) * upload->slot;
	put->busy = g_steal_pointer(&busy);
	g_hash_table_add(s3_state(region)->busy_slots, g_strdup(put->busy));
	return TRUE;
}

static gboolean open_file(Put *put) {
	if (put->file)
		return TRUE;
	if (!put->is_part && put->expected >= 0 && put->expected <= S3_LARGEST_SMALL) {
		put->small = g_byte_array_sized_new((guint)put->expected);
		return s3_small_has_room(put->call.call.region, &put->error);
	}
	if (put->fd >= 0)
		close(put->fd);
	put->file = s3_file_new(put->call.call.region, &put->fd, &put->error);
	put->own_file = put->file != NULL;
	return put->file != NULL;
}

static gboolean prepare_part(Put *put) {
	Value input = put->call.input;
	gint64 number = value_get_int(input, "PartNumber", 0);
	g_auto(S3Upload) upload = {0};
	if (number < 1 || number > S3_MOST_PARTS)
		return s3_fail_argument(&put->error,
			"Part number must be an integer between 1 and 10000, inclusive",
			"partNumber", NULL);
	if (!s3_upload_find(put->call.call.region, value_get_text(input, "Bucket"),
		    value_get_text(input, "Key"), value_get_text(input, "UploadId"), &upload,
		    &put->error))
		return FALSE;
	/* A part has the digest that was agreed on when the upload began. */
	S3Digest agreed;
	const char *name = value_get_text(upload.info, "_ChecksumAlgorithm");
	if (name && s3_digest_by_name(name, &agreed) && !put->trailer) {
		s3_digests_want(put->digests, agreed);
		put->shown = agreed;
	}
	return take_slot(put, &upload, (guint)number);
}

static gboolean prepare_object(Put *put) {
	Value input = put->call.input;
	const char *key = value_get_text(input, "Key");
	if (!s3_key_check(key, &put->error) ||
		!s3_condition_check_write(put->call.call.region, value_get_text(input, "Bucket"),
			key, input, &put->error))
		return FALSE;
	put->info = s3_info_of_input(&put->call.call, put->call.bucket, input, &put->error);
	return !put->error;
}

HttpSink *s3_put_open(
	Region *region, S3Call *call, const WireRequest *request, WireResponse **refusal) {
	Put *put = g_new0(Put, 1);
	put->sink = (HttpSink){sink_write, sink_free};
	put->references = 1;
	put->fd = -1;
	put->digests = s3_digests_new();
	put->call = *call;
	*call = (S3Call){0};
	put->call.call.request_id = put->call.request_id;
	put->is_part = g_str_equal(wire_operation_name(put->call.call.operation), "UploadPart");
	if (take_form(put, request) && take_length(put, request) && take_digests(put, request) &&
		(put->is_part ? prepare_part(put) : prepare_object(put)) && open_file(put))
		return &put->sink;
	*refusal = s3_call_refuse(&put->call, put->error);
	put_unref(put);
	return NULL;
}

/* ---- the end ---- */

static gboolean mismatch(Put *put, const char *name) {
	wire_error_set(&put->error, "BadDigest",
		"The %s you specified did not match the calculated checksum.", name);
	return FALSE;
}

static gboolean check_body(Put *put) {
	if (put->error)
		return FALSE;
	gboolean whole = put->expected < 0 || put->size == put->expected;
	if (!whole || (put->chunked && !s3_chunked_is_complete(put->chunked)))
		return s3_fail(&put->error, "IncompleteBody");
	s3_digests_end(put->digests);
	g_autofree char *md5 = s3_digests_base64(put->digests, S3_MD5);
	if (put->md5 && !g_str_equal(put->md5, md5))
		return s3_fail(&put->error, "BadDigest");
	g_autofree char *sha256 = put->sha256 ? s3_digests_hex(put->digests, S3_SHA256) : NULL;
	if (sha256 && g_ascii_strcasecmp(sha256, put->sha256) != 0)
		return s3_fail(&put->error, "XAmzContentSHA256Mismatch");
	if (put->trailer) {
		const char *given = s3_chunked_trailer(put->chunked, put->trailer);
		if (!given) {
			wire_error_set(&put->error, "MalformedTrailerError",
				"The request contained trailing data that was not well-formed or "
				"did "
				"not conform to our published schema.");
			return FALSE;
		}
		put->given[put->shown] = g_strdup(given);
	}
	for (S3Digest each = 0; each < S3_N_DIGESTS; each++) {
		if (!put->given[each])
			continue;
		g_autofree char *own = s3_digests_base64(put->digests, each);
		if (!g_str_equal(own, put->given[each]))
			return mismatch(put, s3_digest_name(each));
	}
	return TRUE;
}

static Value shown_checksum(const Put *put) {
	return value_object_take(s3_digest_member(put->shown),
		value_string_take(s3_digests_base64(put->digests, put->shown)), NULL);
}

static Value keep_part(Put *put) {
	Region *region = put->call.call.region;
	Value input = put->call.input;
	g_auto(S3Upload) upload = {0};
	if (!s3_upload_find(region, value_get_text(input, "Bucket"), value_get_text(input, "Key"),
		    value_get_text(input, "UploadId"), &upload, &put->error))
		return VALUE_NOTHING;
	g_auto(S3Part) part = {.number = (guint)value_get_int(input, "PartNumber", 0),
		.file = g_strdup(put->file),
		.offset = put->offset,
		.size = put->size,
		.etag = s3_digests_hex(put->digests, S3_MD5),
		.modified = region_now(region),
		.checksums = shown_checksum(put)};
	s3_part_put(region, upload.id, &part);
	g_autoptr(ValueBuilder) output = value_builder_new(VALUE_OBJECT, NULL);
	value_builder_set_take(output, "ETag", value_string_take(s3_quoted(part.etag)));
	s3_info_encryption(output, upload.info);
	g_auto(Value) rest = value_builder_end(g_steal_pointer(&output));
	return value_merge(rest, part.checksums);
}

/* *failed: the whole transaction is spoilt. */
static Value keep_object(Put *put, GError **failed) {
	Region *region = put->call.call.region;
	const char *name = value_get_text(put->call.input, "Bucket");
	const char *key = value_get_text(put->call.input, "Key");
	g_auto(Value) bucket = s3_bucket_find(region, name, &put->error);
	if (put->error ||
		!s3_condition_check_write(region, name, key, put->call.input, &put->error))
		return VALUE_NOTHING;
	g_autofree char *file =
		put->small ? s3_small_new(region, put->small->data, put->small->len, failed)
			   : g_strdup(put->file);
	if (!file)
		return VALUE_NOTHING;
	g_auto(Value) checksum = shown_checksum(put);
	g_auto(S3Version) version = {.bucket = g_strdup(name),
		.key = g_strdup(key),
		.size = put->size,
		.etag = s3_digests_hex(put->digests, S3_MD5),
		.modified = region_now(region),
		.file = g_steal_pointer(&file),
		.info = value_with_take(value_merge(put->info, checksum), "ChecksumType",
			value_string("FULL_OBJECT"))};
	s3_version_add(region, bucket, &version);
	s3_log_size(&put->call, put->size);
	s3_tell_later(region, "ObjectCreated:Put", &version);
	g_autoptr(ValueBuilder) output = value_builder_new(VALUE_OBJECT, NULL);
	value_builder_set_take(output, "ETag", value_string_take(s3_quoted(version.etag)));
	s3_add_version_id(output, bucket, version.id);
	s3_info_encryption(output, version.info);
	s3_info_checksums(output, version.info);
	return value_builder_end(g_steal_pointer(&output));
}

static WireResponse *answer_of(Put *put, Value output) {
	if (put->error)
		return s3_call_refuse(&put->call, put->error);
	return put->answer ? put->answer(&put->call, output, put->answer_data)
			   : s3_call_answer(&put->call, output);
}

GPtrArray *s3_put_queue_new(void) {
	return g_ptr_array_new_with_free_func(put_unref);
}

/* Puts that are ready at the same time are committed at once: the disk is waited for once. Each
 * finds out before it writes whether it may, so none takes the others down. */
static gboolean commit_ready(gpointer data) {
	Region *region = data;
	S3State *state = s3_state(region);
	Store *store = region_store(region);
	g_autoptr(GPtrArray) ready = g_steal_pointer(&state->ready);
	g_autofree Value *outputs = g_new0(Value, ready->len);
	g_autoptr(GError) error = NULL;
	state->ready = s3_put_queue_new();
	state->commit_source = 0;
	gboolean begun = store_begin(store, &error);
	for (guint i = 0; i < ready->len && begun && !error; i++) {
		Put *put = ready->pdata[i];
		if (put->error || http_reply_is_gone(put->reply))
			continue;
		outputs[i] = put->is_part ? keep_part(put) : keep_object(put, &error);
		put->committed = !put->error;
	}
	if (begun && error)
		store_rollback(store);
	else if (begun)
		store_commit(store, &error);
	for (guint i = 0; i < ready->len; i++) {
		Put *put = ready->pdata[i];
		put->committed &= !error;
		if (error && !put->error)
			put->error = g_error_copy(error);
		if (!http_reply_is_gone(put->reply))
			http_reply_send(put->reply, answer_of(put, outputs[i]));
		value_unref(outputs[i]);
	}
	return G_SOURCE_REMOVE;
}

/* Takes a reference. */
static void commit_soon(Put *put_taken) {
	Region *region = put_taken->call.call.region;
	S3State *state = s3_state(region);
	g_ptr_array_add(state->ready, put_taken);
	if (!state->commit_source)
		state->commit_source =
			g_idle_add_full(G_PRIORITY_DEFAULT, commit_ready, region, NULL);
}

/* In a thread: only the descriptor and the path are touched. */
static void force_to_disk(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
	Put *put = data;
	GError *error = NULL;
	const char *path = g_object_get_data(G_OBJECT(task), "path");
	if (s3_file_sync(put->fd, path, &error))
		g_task_return_boolean(task, TRUE);
	else
		g_task_return_error(task, error);
}

static void on_disk(GObject *source, GAsyncResult *result, gpointer data) {
	Put *put = g_task_get_task_data(G_TASK(result));
	if (http_reply_is_gone(put->reply))
		return;
	if (!put->error)
		g_task_propagate_boolean(G_TASK(result), &put->error);
	put->references++;
	commit_soon(put);
}

void s3_put_answer_by(HttpSink *sink, S3PutAnswer answer, gpointer data) {
	Put *put = (Put *)sink;
	put->answer = answer;
	put->answer_data = data;
}

WireResponse *s3_put_finish(Region *region, HttpSink *sink, HttpReply *reply) {
	Put *put = (Put *)sink;
	if (!check_body(put))
		return s3_call_refuse(&put->call, put->error);
	put->call.call.request = NULL; /* it may go before the answer is there */
	put->reply = http_reply_ref(reply);
	put->references++;
	if (put->small) {
		commit_soon(put);
		return NULL;
	}
	g_autoptr(GTask) task = g_task_new(NULL, NULL, on_disk, NULL);
	g_object_set_data_full(G_OBJECT(task), "path", s3_file_path(region, put->file), g_free);
	g_task_set_task_data(task, put, put_unref);
	g_task_run_in_thread(task, force_to_disk);
	return NULL;
}
