/*
 * Uploads of the OCI distribution API: POST begins one (or does it all: a blob of another
 * repository is mounted, ?digest= brings the content along), PATCH appends, PUT ends it. Bytes go
 * to the blob store as they arrive; what a broken connection has brought stays, and the client may
 * go on from there. Content is forced to disk by a thread before the blob appears, so that the loop
 * need not wait.
 */
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "region/services/ecr/registry.h"

typedef struct {
	HttpSink sink;
	Blobs *blobs;
	char *upload;
	goffset end; /* where the upload ends */
	gboolean fresh; /* begun by this request, or without room to go on: goes with it when it
			   fails */
	GError *error;
} Upload;

static gboolean upload_write(HttpSink *sink, const void *bytes, gsize length) {
	Upload *upload = (Upload *)sink;
	if (!blobs_upload_append(
		    upload->blobs, upload->upload, upload->end, bytes, length, &upload->error)) {
		/* What there is of it would keep others from what room is left. */
		upload->fresh |=
			g_error_matches(upload->error, BLOBS_ERROR, BLOBS_ERROR_FULL) != FALSE;
		return FALSE;
	}
	upload->end += (goffset)length;
	return TRUE;
}

static void upload_free(HttpSink *sink) {
	Upload *upload = (Upload *)sink;
	if (upload->fresh)
		blobs_upload_cancel(upload->blobs, upload->upload, NULL);
	g_free(upload->upload);
	g_clear_error(&upload->error);
	g_free(upload);
}

/* ---- the head ---- */

static const char *digest_of(const RegistryCall *call) {
	return g_hash_table_lookup(call->query, "digest");
}

static void describe_upload(
	WireResponse *response, const RegistryCall *call, const char *upload, goffset end) {
	g_autofree char *location =
		g_strdup_printf("/v2/%s/blobs/uploads/%s", call->repository, upload);
	g_autofree char *range = g_strdup_printf("0-%" G_GOFFSET_FORMAT, end > 0 ? end - 1 : 0);
	wire_response_set_header(response, "location", location);
	wire_response_set_header(response, "range", range);
	wire_response_set_header(response, "docker-upload-uuid", upload);
}

/* A Content-Range ("0-99", with or without "bytes ") that does not begin where the upload ends. */
static WireResponse *check_range(const RegistryCall *call, goffset end) {
	const char *range = g_hash_table_lookup(call->request->headers, "content-range");
	if (range && g_str_has_prefix(range, "bytes "))
		range += strlen("bytes ");
	if (!range || g_ascii_strtoll(range, NULL, 10) == end)
		return NULL;
	WireResponse *response = registry_error(416, "BLOB_UPLOAD_INVALID",
		"the chunk begins at %s, the upload ends at %" G_GOFFSET_FORMAT, range, end);
	describe_upload(response, call, call->reference, end);
	return response;
}

HttpSink *registry_upload_open(RegistryCall *call, WireResponse **refusal) {
	Blobs *blobs = region_blobs(call->region);
	const char *method = call->request->method;
	gboolean fresh = g_str_equal(method, "POST");
	if (call->resource != REGISTRY_UPLOAD || (fresh && !digest_of(call)) ||
		!(fresh || g_str_equal(method, "PATCH") || g_str_equal(method, "PUT")))
		return NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *upload =
		fresh ? blobs_upload_begin(blobs, &error) : g_strdup(call->reference);
	goffset end = upload ? blobs_upload_offset(blobs, upload, &error) : -1;
	*refusal = error ? registry_error_of(error) : check_range(call, end);
	if (*refusal)
		return NULL;
	Upload *sink = g_new0(Upload, 1);
	*sink = (Upload){.sink = {upload_write, upload_free},
		.blobs = blobs,
		.upload = g_steal_pointer(&upload),
		.end = end,
		.fresh = fresh};
	return &sink->sink;
}

/* ---- the end ---- */

typedef struct {
	Region *region;
	HttpReply *reply;
	char *upload, *digest;
	char *repository;
} Ending;

static void ending_free(gpointer data) {
	Ending *ending = data;
	http_reply_unref(ending->reply);
	g_free(ending->upload);
	g_free(ending->digest);
	g_free(ending->repository);
	g_free(ending);
}

/* In a thread: only the descriptor is touched. */
static void force_to_disk(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
	int fd = GPOINTER_TO_INT(g_object_get_data(G_OBJECT(task), "fd"));
	fdatasync(fd);
	close(fd);
	g_task_return_boolean(task, TRUE);
}

/* Back in the loop: the blob appears. */
static void commit(GObject *source, GAsyncResult *result, gpointer data) {
	Ending *ending = g_task_get_task_data(G_TASK(result));
	RegistryCall call = {.repository = ending->repository};
	g_autoptr(GError) error = NULL;
	if (http_reply_is_gone(ending->reply))
		return; /* the region may be gone too; the client goes on when it comes again */
	gboolean done = blobs_upload_commit(
		region_blobs(ending->region), ending->upload, ending->digest, &error);
	http_reply_send(ending->reply,
		done ? registry_blob_created(&call, ending->digest) : registry_error_of(error));
}

static WireResponse *finish(RegistryCall *call, Upload *upload, HttpReply *reply) {
	const char *digest = digest_of(call);
	g_autoptr(GError) error = NULL;
	if (!blobs_digest_valid(digest))
		return registry_error(400, "DIGEST_INVALID", "not a sha256 digest: %s",
			digest ? digest : "(none)");
	int fd = blobs_upload_file(upload->blobs, upload->upload, &error);
	if (fd < 0)
		return registry_error_of(error);
	upload->fresh = FALSE;
	Ending *ending = g_new0(Ending, 1);
	*ending = (Ending){call->region, http_reply_ref(reply), g_strdup(upload->upload),
		g_strdup(digest), g_strdup(call->repository)};
	g_autoptr(GTask) task = g_task_new(NULL, NULL, commit, NULL);
	g_task_set_task_data(task, ending, ending_free);
	g_object_set_data(G_OBJECT(task), "fd", GINT_TO_POINTER(fd));
	g_task_run_in_thread(task, force_to_disk);
	return NULL;
}

/* ---- requests ---- */

static WireResponse *accepted(const RegistryCall *call, const char *upload, goffset end) {
	WireResponse *response = registry_response(202);
	describe_upload(response, call, upload, end);
	return response;
}

static WireResponse *begin(RegistryCall *call) {
	Blobs *blobs = region_blobs(call->region);
	const char *mount = g_hash_table_lookup(call->query, "mount");
	g_autoptr(GError) error = NULL;
	if (mount && blobs_has(blobs, mount, NULL)) {
		registry_touch(call->region, mount);
		return registry_blob_created(call, mount);
	}
	g_autofree char *upload = blobs_upload_begin(blobs, &error);
	return upload ? accepted(call, upload, 0) : registry_error_of(error);
}

static WireResponse *status(RegistryCall *call) {
	g_autoptr(GError) error = NULL;
	goffset end = blobs_upload_offset(region_blobs(call->region), call->reference, &error);
	if (end < 0)
		return registry_error_of(error);
	WireResponse *response = registry_response(204);
	describe_upload(response, call, call->reference, end);
	return response;
}

static WireResponse *cancel(RegistryCall *call) {
	g_autoptr(GError) error = NULL;
	return blobs_upload_cancel(region_blobs(call->region), call->reference, &error)
		       ? registry_response(204)
		       : registry_error_of(error);
}

WireResponse *registry_upload(RegistryCall *call, HttpReply *reply) {
	Upload *upload = (Upload *)http_reply_sink(reply);
	const char *method = call->request->method;
	if (upload && upload->error)
		return registry_error_of(upload->error);
	if (upload)
		return g_str_equal(method, "PATCH") ? accepted(call, upload->upload, upload->end)
						    : finish(call, upload, reply);
	if (g_str_equal(method, "POST"))
		return begin(call);
	if (g_str_equal(method, "GET") || g_str_equal(method, "HEAD"))
		return status(call);
	return g_str_equal(method, "DELETE")
		       ? cancel(call)
		       : registry_error(405, "UNSUPPORTED", "no such operation on uploads");
}
