/*
 * The door of S3: which requests are its own, who calls, which bucket they mean, and who serves
 * them: bodies that are files by functions of their own, all else by the table of operations.
 * Requests without a signature are the developer's on this machine, as everywhere; elsewhere (a
 * VPC, a strict region) they are everybody's, and get what is public.
 */
#include <string.h>

#include "region/services/s3/internal.h"
#include "wire/codec.h"
#include "wire/rest.h"
#include "wire/sigv4.h"

/* ---- whose request ---- */

static gboolean is_signed(const WireRequest *request) {
	return g_hash_table_contains(request->headers, "authorization") ||
	       strstr(request->query, "X-Amz-Credential=");
}

/* A plain request for a path that nobody else serves: a public object, a presigned URL of the old
 * kind. */
static gboolean is_plain(const WireRequest *request) {
	if (s3_is_form(request))
		return !request->vpc && !g_str_has_prefix(request->path, "/_terrarium");
	const char *type = g_hash_table_lookup(request->headers, "content-type");
	return !is_signed(request) && !request->vpc &&
	       !g_hash_table_contains(request->headers, "x-amz-target") &&
	       !strstr(request->query, "Action=") &&
	       !g_str_has_prefix(type ? type : "", "application/x-www-form-urlencoded") &&
	       !g_str_has_prefix(request->path, "/_terrarium") && strlen(request->path) > 3;
}

static char *scope_of(const WireRequest *request) {
	g_autoptr(SigV4Claim) claim = sigv4_claim(request, NULL);
	return claim ? g_strdup(claim->service) : NULL;
}

/* By its signature or its host. */
static gboolean is_addressed(const WireRequest *request) {
	const char *authorization = g_hash_table_lookup(request->headers, "authorization");
	if (g_hash_table_contains(request->headers, "x-amz-target"))
		return FALSE;
	if (authorization && g_str_has_prefix(authorization, "AWS "))
		return TRUE;
	g_autofree char *scope = scope_of(request);
	return wire_is_s3(request, scope);
}

/* ---- old signatures, and presigned URLs that are over ---- */

static char *parameter(const WireRequest *request, const char *name) {
	g_autoptr(GHashTable) query = wire_form_parse(request->query, strlen(request->query));
	return g_strdup(g_hash_table_lookup(query, name));
}

static gboolean expired(gint64 when, gint64 now, GError **error) {
	g_autofree char *then = wire_time_iso8601((double)when);
	g_autofree char *server = wire_time_iso8601((double)now);
	wire_error_set_status(error, 403, "AccessDenied", "Request has expired");
	wire_error_set_members_take(*error, value_object_take("Expires", value_string(then),
						    "ServerTime", value_string(server), NULL));
	return FALSE;
}

/* Signature version 2 is taken from the developer only, whose signature nobody checks. */
static gboolean check_version_2(Region *region, const WireRequest *request, GError **error) {
	const char *header = g_hash_table_lookup(request->headers, "authorization");
	g_autofree char *key = parameter(request, "AWSAccessKeyId");
	if (!key && header && g_str_has_prefix(header, "AWS "))
		key = g_strndup(header + 4, strcspn(header + 4, ":"));
	if (!key)
		return TRUE;
	g_autoptr(IamKey) known = iam_key_get(region, key);
	if (known || request->vpc || region_is_strict(region)) {
		wire_error_set_status(error, 400, "InvalidRequest",
			"The authorization mechanism you have provided is not supported. Please "
			"use "
			"AWS4-HMAC-SHA256.");
		return FALSE;
	}
	g_autofree char *expires = parameter(request, "Expires");
	gint64 when = expires ? g_ascii_strtoll(expires, NULL, 10) : G_MAXINT64;
	gint64 now = region_now(region) / G_USEC_PER_SEC;
	return when >= now || expired(when, now, error);
}

static gboolean check_presigned(Region *region, const WireRequest *request, GError **error) {
	g_autoptr(SigV4Claim) claim = sigv4_claim(request, NULL);
	gint64 now = region_now(region) / G_USEC_PER_SEC;
	if (!claim || !claim->presigned)
		return check_version_2(region, request, error);
	if (claim->expires < 0 || claim->expires > 604800) {
		wire_error_set_status(error, 400, "AuthorizationQueryParametersError",
			"X-Amz-Expires must be less than a week (in seconds); that is, the given "
			"X-Amz-Expires must be less than 604800 seconds");
		return FALSE;
	}
	return claim->time + claim->expires >= now ||
	       expired(claim->time + claim->expires, now, error);
}

/* ---- who and what ---- */

static gboolean authenticate(
	S3Call *call, const WireRequest *request, const S3Asker *asker, GError **error) {
	Region *region = call->call.region;
	if (!asker)
		return region_authenticate(region, request, &call->caller, error);
	if (asker->form)
		return region_authenticate_form(
			region, request, asker->claim, asker->policy, &call->caller, error);
	wire_error_set(error, "MissingAuthenticationToken", "Nobody is asked for");
	return FALSE;
}

static gboolean identify(
	S3Call *call, const WireRequest *request, const S3Asker *asker, GError **error) {
	Region *region = call->call.region;
	g_autoptr(GError) local = NULL;
	if (!asker && !check_presigned(region, request, error))
		return FALSE;
	if (!authenticate(call, request, asker, &local)) {
		if (!g_str_equal(wire_error_code(local), "MissingAuthenticationToken")) {
			region_refusal_for(WIRE_PROTOCOL_REST_XML, &local);
			g_propagate_error(error, g_steal_pointer(&local));
			return FALSE;
		}
		call->anonymous = TRUE;
		call->caller.region = region;
		call->caller.scope = (StoreScope){"", "us-east-1"};
		call->caller.arn = g_strdup("anonymous");
		call->caller.id = g_strdup("anonymous");
	}
	call->call.scope = call->caller.scope;
	call->call.global = (StoreScope){call->call.scope.account, ""};
	call->call.access_key_id = call->caller.access_key_id;
	call->call.principal_arn = call->caller.arn;
	call->call.principal_id = call->caller.id;
	return TRUE;
}

static char *bucket_name(const S3Call *call) {
	const char *arn = value_get_text(call->input, "ResourceArn");
	if (!arn)
		return g_strdup(value_get_text(call->input, "Bucket"));
	g_autofree char *resource = NULL;
	return region_arn_parse(arn, NULL, NULL, NULL, &resource) ? g_steal_pointer(&resource)
								  : NULL;
}

static gboolean check_region(S3Call *call, GError **error) {
	const char *own = value_get_text(call->bucket, "Region");
	const char *name = wire_operation_name(call->call.operation);
	if (g_strcmp0(own, call->call.scope.region) == 0 || g_str_equal(name, "GetBucketLocation"))
		return TRUE;
	g_autofree char *endpoint = g_strdup_printf("s3.%s.amazonaws.com", own);
	s3_fail(error, "PermanentRedirect");
	wire_error_set_members_take(
		*error, value_object_take("Endpoint", value_string(endpoint), "Bucket",
				value_ref(value_get(call->bucket, "Name")), NULL));
	return FALSE;
}

static gboolean find_bucket(S3Call *call, gboolean names_region, GError **error) {
	g_autofree char *name = bucket_name(call);
	if (!name || g_str_equal(wire_operation_name(call->call.operation), "CreateBucket"))
		return TRUE;
	call->bucket = s3_bucket(call->call.region, name);
	if (value_is_null(call->bucket))
		return s3_no_such_bucket(error, name);
	const char *owner = value_get_text(call->bucket, "Account");
	const char *expected = value_get_text(call->input, "ExpectedBucketOwner");
	if (expected && !g_str_equal(expected, owner))
		return s3_fail(error, "AccessDenied");
	if (!names_region) {
		/* Who names no account and region means the bucket's. */
		call->call.scope.region = g_intern_string(value_get_text(call->bucket, "Region"));
		if (!call->anonymous)
			call->call.scope.account = g_intern_string(owner);
		call->call.global.account = call->call.scope.account;
		return TRUE;
	}
	return check_region(call, error);
}

/* What a browser is told of a page's request. A page of another origin than this machine's gets no
 * further without a rule for it; but forms may be sent by any page, as their policy is signed. */
static gboolean take_origin(
	S3Call *call, const WireRequest *request, const S3Asker *asker, GError **error) {
	const char *origin = g_hash_table_lookup(request->headers, "origin");
	const char *bucket = value_get_text(call->bucket, "Name");
	gboolean form = asker && asker->form;
	if (!origin || !bucket)
		return TRUE;
	call->cors = s3_cors_headers(
		call->call.region, bucket, origin, form ? "POST" : request->method, NULL);
	if (!value_is_null(call->cors) || form || !region_is_foreign(request))
		return TRUE;
	g_auto(Value) rules = s3_setting(call->call.region, bucket, "cors");
	return s3_cors_refuse(error, rules);
}

gboolean s3_call_begin(S3Call *call, Region *region, const WireRequest *request,
	const S3Asker *asker, GError **error) {
	*call = (S3Call){.request_id = g_uuid_string_random()};
	call->route =
		(WireRoute){.service = wire_service("s3"), .protocol = WIRE_PROTOCOL_REST_XML};
	call->call.region = region;
	call->call.request = request;
	call->call.request_id = call->request_id;
	WireRoute route;
	if (!wire_route(request, &route, error))
		return FALSE;
	call->route = route;
	call->call.operation = route.operation;
	if (!identify(call, request, asker, error))
		return FALSE;
	call->input = wire_decode_input(&route, request, error);
	if (error && *error)
		return FALSE;
	gboolean names_region = asker ? asker->claim != NULL : is_signed(request);
	if (!find_bucket(call, names_region, error))
		return FALSE;
	s3_log_begin(call, request, asker);
	return take_origin(call, request, asker, error) && s3_permit_call(call, error);
}

void s3_call_clear(S3Call *call) {
	s3_log_end(call);
	region_caller_clear(&call->caller);
	g_clear_pointer(&call->request_id, g_free);
	value_clear(&call->input);
	value_clear(&call->bucket);
	value_clear(&call->cors);
}

S3Call *s3_call_of(RegionCall *call) {
	return (S3Call *)((char *)call - G_STRUCT_OFFSET(S3Call, call));
}

/* ---- answers ---- */

WireResponse *s3_call_answer(const S3Call *call, Value output) {
	WireResponse *response = wire_encode_output(&call->route, output, call->request_id);
	s3_cors_dress(response, call->cors);
	s3_log_answer(call, response, NULL);
	return response;
}

WireResponse *s3_call_refuse(const S3Call *call, const GError *error) {
	WireResponse *response = wire_encode_error(&call->route, error, call->request_id);
	const char *region = value_get_text(call->bucket, "Region");
	if (region && g_str_equal(wire_error_code(error), "PermanentRedirect"))
		wire_response_set_header(response, "x-amz-bucket-region", region);
	/* What errors have to say in headers comes with their names. */
	Value marker = value_get(wire_error_members(error), "DeleteMarker");
	if (!value_is_null(marker))
		wire_response_set_header(response, "x-amz-delete-marker", "true");
	s3_log_answer(call, response, wire_error_code(error));
	s3_cors_dress(response, call->cors);
	return response;
}

/* ---- serving ---- */

/* Digests of bodies that are read whole. */
static gboolean check_digests(const WireRequest *request, GError **error) {
	gsize length;
	const void *bytes = g_bytes_get_data(request->body, &length);
	const char *md5 = g_hash_table_lookup(request->headers, "content-md5");
	const char *sha256 = g_hash_table_lookup(request->headers, "x-amz-content-sha256");
	g_autoptr(S3Digests) digests = s3_digests_new();
	for (S3Digest each = 0; each < S3_N_DIGESTS; each++)
		if (g_hash_table_contains(request->headers, s3_digest_header(each)) ||
			(md5 && each == S3_MD5) || (sha256 && each == S3_SHA256))
			s3_digests_want(digests, each);
	s3_digests_update(digests, bytes, length);
	s3_digests_end(digests);
	g_autofree char *own_md5 = s3_digests_base64(digests, S3_MD5);
	g_autofree char *own_sha256 = s3_digests_hex(digests, S3_SHA256);
	if (md5 && !g_str_equal(md5, own_md5))
		return s3_fail(error, "BadDigest");
	if (sha256 && strlen(sha256) == 64 && g_ascii_strcasecmp(sha256, own_sha256) != 0)
		return s3_fail(error, "XAmzContentSHA256Mismatch");
	/* Of a completed upload the header tells the object's, not the body's. */
	if (strstr(request->query, "uploadId="))
		return TRUE;
	for (S3Digest each = 0; each < S3_N_DIGESTS; each++) {
		g_autofree char *own = s3_digests_base64(digests, each);
		const char *given = g_hash_table_lookup(request->headers, s3_digest_header(each));
		if (given && !g_str_equal(given, own)) {
			wire_error_set(error, "BadDigest",
				"The %s you specified did not match the calculated checksum.",
				s3_digest_name(each));
			return FALSE;
		}
	}
	return TRUE;
}

static const struct {
	const char *operation;
	S3Serve serve;
} served[] = {
	{"GetObject", s3_serve_get},
	{"HeadObject", s3_serve_get},
	{"CompleteMultipartUpload", s3_serve_complete},
	{"UploadPartCopy", s3_serve_part_copy},
};

static WireResponse *run(S3Call *call, GError **error) {
	const RegionOperation *operation = region_operation_find(call->call.operation, error);
	g_auto(Value) output =
		operation ? region_operation_run(&call->call, operation, call->input, error)
			  : VALUE_NOTHING;
	return *error ? NULL : s3_call_answer(call, output);
}

static WireResponse *serve(
	Region *region, const WireRequest *request, HttpReply *reply, S3Call *call) {
	g_autoptr(GError) error = NULL;
	if (!s3_call_begin(call, region, request, NULL, &error) || !check_digests(request, &error))
		return s3_call_refuse(call, error);
	const char *name = wire_operation_name(call->call.operation);
	for (guint i = 0; i < G_N_ELEMENTS(served); i++)
		if (g_str_equal(served[i].operation, name))
			return served[i].serve(region, call, reply);
	WireResponse *response = run(call, &error);
	return response ? response : s3_call_refuse(call, error);
}

/* Answers to HEAD have no body. */
static WireResponse *without_body(const WireRequest *request, WireResponse *response) {
	if (response && g_str_equal(request->method, "HEAD")) {
		g_bytes_unref(response->body);
		response->body = g_bytes_new_static("", 0);
	}
	return response;
}

static WireResponse *handle(Region *region, const WireRequest *request, HttpReply *reply) {
	HttpSink *sink = http_reply_sink(reply);
	if (sink)
		return sink->field ? s3_post_finish(region, sink, reply)
				   : s3_put_finish(region, sink, reply);
	if (g_str_equal(request->method, "OPTIONS"))
		return s3_serve_preflight(region, request);
	S3Call call = {0};
	WireResponse *response = serve(region, request, reply, &call);
	s3_call_clear(&call);
	return without_body(request, response);
}

/* Only what becomes a file is streamed. */
static HttpSink *open_sink(Region *region, const WireRequest *request, WireResponse **refusal) {
	WireRoute route;
	if (s3_is_form(request))
		return s3_post_open(region, request);
	if (!g_str_equal(request->method, "PUT") || !wire_route(request, &route, NULL) ||
		!(g_str_equal(wire_operation_name(route.operation), "PutObject") ||
			g_str_equal(wire_operation_name(route.operation), "UploadPart")))
		return NULL;
	S3Call call = {0};
	g_autoptr(GError) error = NULL;
	WireRequest head = *request;
	head.streamed = TRUE;
	HttpSink *sink = NULL;
	if (s3_call_begin(&call, region, &head, NULL, &error)) {
		call.call.request = request;
		sink = s3_put_open(region, &call, request, refusal);
	} else {
		*refusal = s3_call_refuse(&call, error);
	}
	s3_call_clear(&call);
	return sink;
}

static WireResponse *handle_website(Region *region, const WireRequest *request, HttpReply *reply) {
	return without_body(request, s3_serve_website(region, request, reply));
}

const RegionHttpRoute s3_routes[] = {
	{.matches = s3_is_website, .handle = handle_website, .serves_foreign = TRUE},
	{.matches = is_addressed, .handle = handle, .open = open_sink, .serves_foreign = TRUE},
	{.prefix = "/",
		.matches = is_plain,
		.handle = handle,
		.open = open_sink,
		.serves_foreign = TRUE},
	{NULL},
};
