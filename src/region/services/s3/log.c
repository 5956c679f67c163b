/*
 * Server access logs (User guide, "Amazon S3 server access log format"): a line for each request to
 * a bucket that has them, gathered in memory and delivered as objects of the target bucket every
 * few minutes, if that bucket lets the service. Best effort, as S3's own: what was gathered when
 * the region is killed is lost.
 */
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "region/services/iam/policy.h"
#include "region/services/s3/table.h"

#define CONTROLLER "s3/logs"
#define DELIVERY_S 300
#define MOST_GATHERED (1 << 20) /* bytes of a bucket's lines, to be delivered at once */
#define SERVICE "logging.s3.amazonaws.com"

struct S3LogEntry {
	gint64 time, start; /* of the region's clock; monotonic */
	char *peer, *request_line, *referer, *agent, *host;
	const char *method, *signature, *authentication;
	char *resource; /* of the operation: "OBJECT" */
	int status; /* 0: not answered */
	char *code; /* an error's, or NULL */
	gint64 sent, size; /* of the answer's body; of the object; -1: none */
	gboolean website;
};

void s3_log_free(S3LogEntry *entry) {
	if (!entry)
		return;
	g_free(entry->peer);
	g_free(entry->request_line);
	g_free(entry->referer);
	g_free(entry->agent);
	g_free(entry->host);
	g_free(entry->resource);
	g_free(entry->code);
	g_free(entry);
}

/* ---- one request ---- */

/* What the operation is about, as the log's third part of its name. Caller frees. */
static char *resource_of(const S3Call *call, const WireRequest *request) {
	static const char *const names[][2] = {{"AbortMultipartUpload", "UPLOAD"},
		{"CompleteMultipartUpload", "UPLOAD"}, {"CopyObject", "OBJECT"},
		{"CreateBucket", "BUCKET"}, {"CreateMultipartUpload", "UPLOADS"},
		{"DeleteBucket", "BUCKET"}, {"DeleteObject", "OBJECT"},
		{"DeleteObjects", "MULTI_OBJECT_DELETE"}, {"GetBucketLogging", "LOGGING_STATUS"},
		{"GetBucketPolicy", "BUCKETPOLICY"}, {"GetObject", "OBJECT"},
		{"HeadBucket", "BUCKET"}, {"HeadObject", "OBJECT"},
		{"ListMultipartUploads", "UPLOADS"}, {"ListObjectVersions", "BUCKETVERSIONS"},
		{"ListObjects", "BUCKET"}, {"ListObjectsV2", "BUCKET"}, {"ListParts", "UPLOAD"},
		{"PutBucketLogging", "LOGGING_STATUS"}, {"PutBucketPolicy", "BUCKETPOLICY"},
		{"PutObject", "OBJECT"}, {"UploadPart", "PART"}, {"UploadPartCopy", "PART"}};
	const char *operation = wire_operation_name(call->call.operation);
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_str_equal(names[i][0], operation))
			return g_strdup(names[i][1]);
	/* The others stand in the query. */
	return g_ascii_strup(request->query, (gssize)strcspn(request->query, "=&"));
}

static char *text_or_dash(const char *text) {
	return g_strdup(text && *text ? text : "-");
}

void s3_log_begin(S3Call *call, const WireRequest *request, const S3Asker *asker) {
	const char *bucket = value_get_text(call->bucket, "Name");
	g_auto(Value) logging =
		bucket ? s3_setting(call->call.region, bucket, "logging") : VALUE_NOTHING;
	if (!value_has(logging, "LoggingEnabled"))
		return;
	S3LogEntry *entry = g_new0(S3LogEntry, 1);
	gboolean form = asker && asker->form;
	const char *authorization = g_hash_table_lookup(request->headers, "authorization");
	gboolean in_query = strstr(request->query, "X-Amz-Signature=") != NULL;
	gboolean copies = g_str_has_prefix(wire_operation_name(call->call.operation), "Copy");
	entry->time = region_now(call->call.region);
	entry->start = g_get_monotonic_time();
	entry->peer = text_or_dash(request->peer);
	/* A form was sent to the bucket. */
	entry->request_line =
		form ? g_strdup_printf("POST /%s HTTP/1.1", bucket)
		     : g_strdup_printf("%s %s%s%s HTTP/1.1", request->method, request->path,
			       *request->query ? "?" : "", request->query);
	entry->referer = text_or_dash(g_hash_table_lookup(request->headers, "referer"));
	entry->agent = text_or_dash(g_hash_table_lookup(request->headers, "user-agent"));
	entry->host = text_or_dash(g_hash_table_lookup(request->headers, "host"));
	entry->method = copies ? "COPY" : form ? "POST" : g_intern_string(request->method);
	entry->signature = authorization || in_query ? "SigV4" : "-";
	entry->authentication = authorization ? "AuthHeader" : in_query ? "QueryString" : "-";
	entry->resource = resource_of(call, request);
	entry->size = -1;
	entry->website = asker && asker->anyone;
	call->log = entry;
}

void s3_log_answer(const S3Call *call, const WireResponse *response, const char *code) {
	S3LogEntry *entry = call->log;
	if (!entry)
		return;
	entry->status = response->status;
	entry->sent = response->file >= 0 ? response->file_length
					  : (gint64)g_bytes_get_size(response->body);
	g_free(entry->code);
	entry->code = g_strdup(code);
}

void s3_log_size(const S3Call *call, gint64 size) {
	if (call->log)
		call->log->size = size;
}

static char *number_or_dash(gint64 number, gboolean known) {
	return known ? g_strdup_printf("%" G_GINT64_FORMAT, number) : g_strdup("-");
}

/* Text in quotes cannot have any itself. */
static void append_quoted(GString *line, const char *text) {
	g_string_append(line, " \"");
	for (const char *at = text; *at; at++)
		if (*at == '"')
			g_string_append(line, "%22");
		else
			g_string_append_c(line, g_ascii_iscntrl(*at) ? ' ' : *at);
	g_string_append_c(line, '"');
}

static void append_line(GString *line, const S3Call *call) {
	const S3LogEntry *entry = call->log;
	const char *key = value_get_text(call->input, "Key");
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(entry->time / G_USEC_PER_SEC);
	g_autofree char *when = g_date_time_format(time, "%d/%b/%Y:%H:%M:%S +0000");
	g_autofree char *name = key ? g_uri_escape_string(key, "/", FALSE) : g_strdup("-");
	g_autofree char *sent = number_or_dash(entry->sent, entry->sent > 0);
	g_autofree char *size = number_or_dash(entry->size, entry->size >= 0);
	g_autofree char *version = text_or_dash(value_get_text(call->input, "VersionId"));
	g_autofree char *owner = s3_canonical_id(value_get_text(call->bucket, "Account"));
	gint64 taken = (g_get_monotonic_time() - entry->start) / 1000;
	g_string_append_printf(line, "%s %s [%s] %s %s %s %s.%s.%s %s", owner,
		value_get_text(call->bucket, "Name"), when, entry->peer,
		call->anonymous ? "-" : call->call.principal_arn, call->request_id,
		entry->website ? "WEBSITE" : "REST", entry->method, entry->resource, name);
	append_quoted(line, entry->request_line);
	g_string_append_printf(line, " %d %s %s %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
		entry->status, entry->code ? entry->code : "-", sent, size, taken, taken);
	append_quoted(line, entry->referer);
	append_quoted(line, entry->agent);
	g_string_append_printf(line, " %s %s %s - %s %s - - -\n", version, call->request_id,
		entry->signature, entry->authentication, entry->host);
}

void s3_log_end(S3Call *call) {
	Region *region = call->call.region;
	if (!call->log || call->log->status == 0) {
		g_clear_pointer(&call->log, s3_log_free);
		return;
	}
	GHashTable *logs = s3_state(region)->logs;
	const char *bucket = value_get_text(call->bucket, "Name");
	GString *lines = g_hash_table_lookup(logs, bucket);
	if (!lines) {
		lines = g_string_new(NULL);
		g_hash_table_insert(logs, g_strdup(bucket), lines);
		region_wake_after(region, CONTROLLER, DELIVERY_S);
	}
	append_line(lines, call);
	if (lines->len > MOST_GATHERED)
		region_wake(region, CONTROLLER);
	g_clear_pointer(&call->log, s3_log_free);
}

/* ---- delivery ---- */

/* May the service put it there? By the bucket's policy, or an ACL for the log delivery group. */
static gboolean is_allowed(Region *region, Value source, Value target, const char *key) {
	const char *name = value_get_text(target, "Name");
	g_auto(Value) setting = s3_setting(region, name, "policy");
	g_autofree char *resource = g_strdup_printf("arn:aws:s3:::%s/%s", name, key);
	g_auto(Value) context = value_object_take("aws:sourcearn",
		value_string_printf("arn:aws:s3:::%s", value_get_text(source, "Name")),
		"aws:sourceaccount", value_ref(value_get(source, "Account")), "aws:securetransport",
		value_string("true"), "aws:principalisawsservice", value_string("true"), NULL);
	const char *const principals[] = {"Service:" SERVICE, NULL};
	const PolicyRequest request = {.action = "s3:PutObject",
		.resource = resource,
		.context = context,
		.principals = principals};
	PolicyDecision decision = value_text(setting)
					  ? policy_evaluate_text(value_text(setting), &request)
					  : POLICY_SILENT;
	return decision == POLICY_ALLOWS ||
	       (decision == POLICY_SILENT && s3_acl_delivers_logs(region, target));
}

/* Caller frees. */
static char *key_of(Region *region, Value source, Value logging) {
	Value format = value_get(logging, "TargetObjectKeyFormat");
	Value parts = value_get(format, "PartitionedPrefix");
	const char *dates = value_get_text(parts, "PartitionDateSource");
	g_autofree char *unique = text_random(16, "0123456789ABCDEF");
	g_autoptr(GDateTime) now =
		g_date_time_new_from_unix_utc(region_now(region) / G_USEC_PER_SEC);
	/* What is named after its events is named after their day. */
	g_autofree char *time = g_date_time_format(now,
		g_strcmp0(dates, "EventTime") == 0 ? "%Y-%m-%d-00-00-00" : "%Y-%m-%d-%H-%M-%S");
	g_autofree char *day = g_date_time_format(now, "%Y/%m/%d");
	g_autofree char *folders =
		value_is_null(parts)
			? g_strdup("")
			: g_strdup_printf("%s/%s/%s/%s/", value_get_text(source, "Account"),
				  value_get_text(source, "Region"), value_get_text(source, "Name"),
				  day);
	return g_strdup_printf("%s%s%s-%s", value_text_or(value_get(logging, "TargetPrefix"), ""),
		folders, time, unique);
}

static gboolean write_lines(int fd, const GString *lines) {
	for (gsize done = 0; done < lines->len;) {
		ssize_t n = write(fd, lines->str + done, lines->len - done);
		if (n < 0)
			return FALSE;
		done += (gsize)n;
	}
	return TRUE;
}

static void deliver(Region *region, const char *bucket, const GString *lines) {
	g_auto(Value) source = s3_bucket(region, bucket);
	g_auto(Value) setting = s3_setting(region, bucket, "logging");
	Value logging = value_get(setting, "LoggingEnabled");
	const char *target = value_get_text(logging, "TargetBucket");
	g_auto(Value) there = target ? s3_bucket(region, target) : VALUE_NOTHING;
	if (value_is_null(source) || value_is_null(there))
		return;
	g_autofree char *key = key_of(region, source, logging);
	if (!is_allowed(region, source, there, key))
		return;
	g_autoptr(GError) error = NULL;
	int fd = -1;
	g_autofree char *file = s3_file_new(region, &fd, &error);
	gboolean written = file && write_lines(fd, lines);
	if (fd >= 0)
		close(fd);
	const S3PutOptions options = {.content_type = "text/plain"};
	g_autofree char *path = file ? s3_file_path(region, file) : NULL;
	if (written)
		s3_object_put_file(region, target, key, path, &options, NULL, NULL);
	else
		g_warning("access logs of %s cannot be written", bucket);
}

static void run(Region *region, gpointer data) {
	GHashTable *logs = s3_state(region)->logs;
	GHashTableIter iter;
	gpointer bucket, lines;
	g_hash_table_iter_init(&iter, logs);
	while (g_hash_table_iter_next(&iter, &bucket, &lines)) {
		deliver(region, bucket, lines);
		g_hash_table_iter_remove(&iter);
	}
}

void s3_log_start(Region *region) {
	region_controller_add(region, CONTROLLER, run, NULL);
}

/* ---- what is kept ---- */

gboolean s3_log_check(Region *region, const char *bucket, Value status, GError **error) {
	Value logging = value_get(status, "LoggingEnabled");
	const char *target = value_get_text(logging, "TargetBucket");
	if (value_is_null(logging))
		return TRUE;
	if (value_length(value_get(logging, "TargetGrants")) > 0)
		return s3_fail_not_implemented(error, "grants on log files");
	g_auto(Value) own = s3_bucket(region, bucket);
	g_auto(Value) there = target ? s3_bucket(region, target) : VALUE_NOTHING;
	const char *problem =
		value_is_null(there) ? "does not exist"
		: g_strcmp0(value_get_text(own, "Account"), value_get_text(there, "Account")) != 0
			? "must be owned by the same account as the source bucket"
		: g_strcmp0(value_get_text(own, "Region"), value_get_text(there, "Region")) != 0
			? "must be in the same location as the source bucket"
			: NULL;
	if (!problem)
		return TRUE;
	wire_error_set(error, "InvalidTargetBucketForLogging", "The target bucket for logging %s",
		problem);
	return FALSE;
}
