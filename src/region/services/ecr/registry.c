/*
 * The registry as container tools see it: the OCI distribution API 1.1 at /v2/, over the same
 * repositories and images as ECR's own API. Names, answers and error codes are the specification's,
 * sentences ECR's. Who brings a token of GetAuthorizationToken may do what IAM lets its owner; on
 * loopback everyone else is the developer, unless the region is strict; inside VPCs nobody is.
 */
#include "region/services/ecr/registry.h"

#include <string.h>
#include <utime.h>

#include "region/services/iam/iam.h"
#include "value/json.h"

extern const RegionService region_ecr_registry;

#define DEFAULT_SCOPE ((StoreScope){"000000000000", "us-east-1"})
#define TAGS_PAGE 1000

/* ---- requests ---- */

gboolean ecr_host_scope(const char *host, StoreScope *scope) {
	g_auto(GStrv) parts = g_strsplit(host, ".", -1);
	guint n = g_strv_length(parts);
	gboolean ours =
		n >= 5 && strlen(parts[0]) == 12 && strspn(parts[0], "0123456789") == 12 &&
		g_str_equal(parts[1], "dkr") && g_str_equal(parts[2], "ecr") &&
		((n == 6 && g_str_equal(parts[4], "amazonaws") && g_str_equal(parts[5], "com")) ||
			(n == 5 && g_str_equal(parts[4], "localhost")));
	if (ours)
		*scope = (StoreScope){g_intern_string(parts[0]), g_intern_string(parts[3])};
	return ours;
}

static const char *header(const RegistryCall *call, const char *name) {
	return g_hash_table_lookup(call->request->headers, name);
}

/* The password of Basic authentication, or what a download URL carries. Caller frees. */
static char *token_of(const RegistryCall *call) {
	const char *in_query = g_hash_table_lookup(call->query, "token");
	const char *authorization = header(call, "authorization");
	if (in_query || !authorization || !g_str_has_prefix(authorization, "Basic "))
		return g_strdup(in_query);
	gsize length;
	g_autofree guchar *bytes = g_base64_decode(authorization + strlen("Basic "), &length);
	g_autofree char *login = g_strndup((const char *)bytes, length);
	return g_str_has_prefix(login, "AWS:") ? g_strdup(login + strlen("AWS:")) : NULL;
}

static StoreScope scope_of(const RegistryCall *call) {
	StoreScope scope = DEFAULT_SCOPE;
	const char *host = header(call, "host");
	g_autofree char *name = g_strndup(host ? host : "", host ? strcspn(host, ":") : 0);
	if (ecr_host_scope(name, &scope))
		return scope;
	g_auto(EcrToken) token = {.scope = scope};
	g_autofree char *password = token_of(call);
	return ecr_token_check(call->region, password, &token) ? token.scope : scope;
}

/* The first n parts of a path, and what the part behind them is about. */
static void take_apart(RegistryCall *call, char **parts, guint n, RegistryResource resource,
	const char *reference) {
	g_autofree char *rest = g_strdup(reference);
	g_clear_pointer(&parts[n], g_free);
	call->resource = resource;
	call->repository = g_strjoinv("/", parts);
	call->reference = g_steal_pointer(&rest);
}

/* "<name>/manifests/<reference>", "<name>/blobs/uploads/<id>", …: read from the right, since names
 * may hold such words too. */
static void parse_path(RegistryCall *call, const char *path) {
	char **parts = g_strsplit(path, "/", -1);
	guint n = g_strv_length(parts);
	const char *last = n > 0 ? parts[n - 1] : "";
	const char *before = n > 1 ? parts[n - 2] : "";
	call->resource = n <= 1 && !*last ? REGISTRY_BASE : REGISTRY_OTHER;
	if (n >= 4 && g_str_equal(before, "uploads") && g_str_equal(parts[n - 3], "blobs"))
		take_apart(call, parts, n - 3, REGISTRY_UPLOAD, last);
	else if (n >= 3 && g_str_equal(before, "blobs") && g_str_equal(last, "uploads"))
		take_apart(call, parts, n - 2, REGISTRY_UPLOAD, "");
	else if (n >= 3 && g_str_equal(before, "blobs"))
		take_apart(call, parts, n - 2, REGISTRY_BLOB, last);
	else if (n >= 3 && g_str_equal(before, "manifests"))
		take_apart(call, parts, n - 2, REGISTRY_MANIFEST, last);
	else if (n >= 3 && g_str_equal(before, "referrers"))
		take_apart(call, parts, n - 2, REGISTRY_REFERRERS, last);
	else if (n >= 3 && g_str_equal(before, "tags") && g_str_equal(last, "list"))
		take_apart(call, parts, n - 2, REGISTRY_TAGS, last);
	for (guint i = 0; i < n; i++)
		g_free(parts[i]);
	g_free(parts);
}

void registry_call_init(RegistryCall *call, Region *region, const WireRequest *request) {
	*call = (RegistryCall){.region = region, .request = request};
	call->query = g_uri_parse_params(request->query, -1, "&", G_URI_PARAMS_NONE, NULL);
	if (!call->query)
		call->query = g_hash_table_new(g_str_hash, g_str_equal);
	const char *sent = request->path + strlen("/v2");
	g_autofree char *path = g_uri_unescape_string(*sent ? sent + 1 : sent, NULL);
	parse_path(call, path ? path : "");
	call->scope = scope_of(call);
}

void registry_call_clear(RegistryCall *call) {
	g_free(call->repository);
	g_free(call->reference);
	g_hash_table_unref(call->query);
}

/* ---- answers ---- */

WireResponse *registry_response(int status) {
	WireResponse *response = wire_response_new(status);
	wire_response_set_header(response, "docker-distribution-api-version", "registry/2.0");
	return response;
}

static WireResponse *json_response(int status, const char *content_type, Value body_taken) {
	g_auto(Value) body = body_taken;
	g_autofree char *text = value_to_json(body, VALUE_JSON_COMPACT);
	WireResponse *response = registry_response(status);
	wire_response_set_body(response, content_type, text, strlen(text));
	return response;
}

static WireResponse *error_response(int status, const char *code, const char *message) {
	Value error = value_object_take(
		"code", value_string(code), "message", value_string(message), NULL);
	return json_response(status, "application/json",
		value_object_take("errors", value_tuple_take(1, error), NULL));
}

WireResponse *registry_error(int status, const char *code, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	return error_response(status, code, message);
}

static const struct {
	const char *ecr, *oci;
	int status;
} codes[] = {
	{"RepositoryNotFoundException", "NAME_UNKNOWN", 404},
	{"ImageTagAlreadyExistsException", "TAG_INVALID", 400},
	{"LayersNotFoundException", "MANIFEST_BLOB_UNKNOWN", 404},
	{"ReferencedImagesNotFoundException", "MANIFEST_BLOB_UNKNOWN", 404},
	{"InvalidParameterException", "MANIFEST_INVALID", 400},
};

WireResponse *registry_error_of(const GError *error) {
	if (error->domain == WIRE_ERROR)
		for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
			if (g_str_equal(wire_error_code(error), codes[i].ecr))
				return error_response(
					codes[i].status, codes[i].oci, error->message);
	if (error->domain != BLOBS_ERROR)
		return error_response(500, "UNKNOWN", error->message);
	switch (error->code) {
	case BLOBS_ERROR_DIGEST:
		return error_response(400, "DIGEST_INVALID", error->message);
	case BLOBS_ERROR_UNKNOWN:
		return error_response(404, "BLOB_UNKNOWN", error->message);
	case BLOBS_ERROR_UPLOAD_UNKNOWN:
		return error_response(404, "BLOB_UPLOAD_UNKNOWN", error->message);
	case BLOBS_ERROR_RANGE:
		return error_response(416, "BLOB_UPLOAD_INVALID", error->message);
	case BLOBS_ERROR_FULL:
		return error_response(507, "UNKNOWN", error->message);
	default:
		return error_response(500, "UNKNOWN", error->message);
	}
}

static WireResponse *unsupported(void) {
	return error_response(
		405, "UNSUPPORTED", "Terrarium's registry does not implement this operation");
}

static WireResponse *challenge(const RegistryCall *call) {
	const char *host = header(call, "host");
	g_autofree char *scheme = g_strdup_printf(
		"Basic realm=\"http://%s/\",service=\"ecr.amazonaws.com\"", host ? host : "");
	WireResponse *response = error_response(401, "UNAUTHORIZED",
		"authentication required: user AWS with the "
		"password of `aws ecr get-login-password`");
	wire_response_set_header(response, "www-authenticate", scheme);
	return response;
}

/* What IAM calls it, by method and resource; NULL: nothing that it knows. */
static const char *action_of(const RegistryCall *call) {
	static const struct {
		RegistryResource resource;
		const char *method, *action;
	} actions[] = {
		{REGISTRY_MANIFEST, "GET", "ecr:BatchGetImage"},
		{REGISTRY_MANIFEST, "HEAD", "ecr:BatchGetImage"},
		{REGISTRY_MANIFEST, "PUT", "ecr:PutImage"},
		{REGISTRY_MANIFEST, "DELETE", "ecr:BatchDeleteImage"},
		{REGISTRY_BLOB, "GET", "ecr:GetDownloadUrlForLayer"},
		{REGISTRY_BLOB, "HEAD", "ecr:BatchCheckLayerAvailability"},
		{REGISTRY_UPLOAD, "POST", "ecr:InitiateLayerUpload"},
		{REGISTRY_UPLOAD, "PATCH", "ecr:UploadLayerPart"},
		{REGISTRY_UPLOAD, "GET", "ecr:UploadLayerPart"},
		{REGISTRY_UPLOAD, "DELETE", "ecr:UploadLayerPart"},
		{REGISTRY_UPLOAD, "PUT", "ecr:CompleteLayerUpload"},
		{REGISTRY_TAGS, "GET", "ecr:ListImages"},
		{REGISTRY_REFERRERS, "GET", "ecr:ListImageReferrers"},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
		if (actions[i].resource == call->resource &&
			g_str_equal(actions[i].method, call->request->method))
			return actions[i].action;
	return NULL;
}

/* May the token's owner do it? By the policies of today, not those of when it was asked for. */
static WireResponse *forbid(const RegistryCall *call, const EcrToken *token) {
	const char *action = action_of(call);
	g_autoptr(GError) error = NULL;
	if (!g_str_equal(token->scope.account, call->scope.account))
		return error_response(403, "DENIED", "The token is another registry's");
	if (!action || !call->repository)
		return NULL;
	g_autofree char *resource =
		region_arn(call->scope, "ecr", "repository/%s", call->repository);
	g_autoptr(IamKey) key =
		token->access_key_id ? iam_key_get(call->region, token->access_key_id) : NULL;
	g_auto(Value) context =
		iam_principal_context(call->region, token->principal_arn, token->principal_id);
	const IamRequest wanted = {.scope = call->scope,
		.principal_arn = token->principal_arn,
		.session_policies = key ? key->session_policies : VALUE_NOTHING,
		.action = action,
		.resource = resource,
		.context = context};
	return iam_authorise(call->region, &wanted, &error)
		       ? NULL
		       : error_response(403, "DENIED", error->message);
}

/* Who brings no token of ours is the developer, where there is one: not under --strict, and not out
 * of a VPC. */
static WireResponse *authorise(const RegistryCall *call) {
	gboolean strict = region_is_strict(call->region);
	gboolean must_be_known = strict || call->request->vpc;
	g_autofree char *password = token_of(call);
	g_auto(EcrToken) token = {0};
	gboolean good = ecr_token_check(call->region, password, &token);
	gboolean developer = good && !token.access_key_id;
	if (!good || (developer && strict))
		return must_be_known ? challenge(call) : NULL;
	return developer && !must_be_known ? NULL : forbid(call, &token);
}

WireResponse *registry_refusal(const RegistryCall *call) {
	WireResponse *refusal = authorise(call);
	if (refusal || !call->repository)
		return refusal;
	g_autoptr(GError) error = NULL;
	g_auto(Value) there = ecr_repository(call->region, call->scope, call->repository, &error);
	return error ? registry_error_of(error) : NULL;
}

/* ---- manifests ---- */

static gboolean is_method(const RegistryCall *call, const char *method) {
	return g_str_equal(call->request->method, method);
}

/* The digest that the reference means; NULL: no such image. Caller frees. */
static char *manifest_digest(const RegistryCall *call) {
	g_autofree char *digest = strchr(call->reference, ':')
					  ? g_strdup(call->reference)
					  : ecr_tag_digest(call->region, call->scope,
						    call->repository, call->reference);
	if (!digest)
		return NULL;
	g_auto(Value) image = ecr_image(call->region, call->scope, call->repository, digest);
	return value_is_null(image) ? NULL : g_steal_pointer(&digest);
}

static WireResponse *manifest_unknown(const RegistryCall *call) {
	return registry_error(404, "MANIFEST_UNKNOWN",
		"Requested image not found: %s in the repository with name '%s'", call->reference,
		call->repository);
}

static WireResponse *get_manifest(const RegistryCall *call) {
	g_autofree char *digest = manifest_digest(call);
	g_autoptr(GError) error = NULL;
	if (!digest)
		return manifest_unknown(call);
	g_auto(Value) image = ecr_image(call->region, call->scope, call->repository, digest);
	g_autoptr(GBytes) manifest = ecr_image_manifest(call->region, digest, &error);
	if (!manifest)
		return registry_error_of(error);
	gsize length;
	const void *bytes = g_bytes_get_data(manifest, &length);
	WireResponse *response = registry_response(200);
	wire_response_set_body(response, value_get_text(image, "mediaType"), bytes, length);
	wire_response_set_header(response, "docker-content-digest", digest);
	return response;
}

static gboolean is_tag(const char *reference) {
	gsize length = strlen(reference);
	return length > 0 && length <= 128 && *reference != '.' && *reference != '-' &&
	       strspn(reference,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       length;
}

/* "application/json; charset=utf-8" is no media type of an image. Caller frees. */
static char *content_type(const RegistryCall *call) {
	const char *type = header(call, "content-type");
	if (!type)
		return NULL;
	g_autofree char *bare = g_strndup(type, strcspn(type, ";"));
	return g_str_equal(g_strstrip(bare), "application/json") ? NULL : g_steal_pointer(&bare);
}

/* In a transaction. */
static WireResponse *push_manifest(const RegistryCall *call, GError **error) {
	const char *tag = strchr(call->reference, ':') ? NULL : call->reference;
	g_autofree char *type = content_type(call);
	g_autofree char *digest = NULL;
	if (!ecr_image_put(call->region, call->scope, call->repository, tag, call->request->body,
		    type, &digest, error))
		return NULL;
	g_auto(Value) image = ecr_image(call->region, call->scope, call->repository, digest);
	g_autofree char *location =
		g_strdup_printf("/v2/%s/manifests/%s", call->repository, digest);
	WireResponse *response = registry_response(201);
	wire_response_set_header(response, "location", location);
	wire_response_set_header(response, "docker-content-digest", digest);
	if (value_has(image, "subject"))
		wire_response_set_header(response, "oci-subject", value_get_text(image, "subject"));
	return response;
}

static WireResponse *put_manifest(const RegistryCall *call) {
	Store *store = region_store(call->region);
	g_autoptr(GError) error = NULL;
	gsize length;
	const void *bytes = g_bytes_get_data(call->request->body, &length);
	gboolean by_digest = strchr(call->reference, ':') != NULL;
	g_autofree char *digest = blobs_digest_of(bytes, length);
	if (by_digest && !g_str_equal(digest, call->reference))
		return registry_error(400, "DIGEST_INVALID",
			"provided digest did not match uploaded content: %s was given, the content "
			"is %s",
			call->reference, digest);
	if (!by_digest && !is_tag(call->reference))
		return registry_error(
			400, "MANIFEST_INVALID", "%s is not a valid tag", call->reference);
	if (!store_begin(store, &error))
		return registry_error_of(error);
	g_autoptr(WireResponse) response = push_manifest(call, &error);
	if (!response)
		store_rollback(store);
	else
		store_commit(store, &error);
	return error ? registry_error_of(error) : g_steal_pointer(&response);
}

static WireResponse *delete_manifest(const RegistryCall *call) {
	Store *store = region_store(call->region);
	g_autoptr(GError) error = NULL;
	g_autofree char *digest = manifest_digest(call);
	if (!digest)
		return manifest_unknown(call);
	gboolean by_digest = strchr(call->reference, ':') != NULL;
	g_autofree char *parent =
		ecr_image_parent(call->region, call->scope, call->repository, digest);
	if (by_digest && parent)
		return registry_error(
			405, "DENIED", "Requested image referenced by manifest list: [%s]", parent);
	if (!store_begin(store, &error))
		return registry_error_of(error);
	if (by_digest)
		ecr_image_delete(call->region, call->scope, call->repository, digest);
	else
		ecr_tag_delete(call->region, call->scope, call->repository, call->reference);
	return store_commit(store, &error) ? registry_response(202) : registry_error_of(error);
}

static WireResponse *serve_manifest(const RegistryCall *call) {
	if (is_method(call, "GET") || is_method(call, "HEAD"))
		return get_manifest(call);
	if (is_method(call, "PUT"))
		return put_manifest(call);
	return is_method(call, "DELETE") ? delete_manifest(call) : unsupported();
}

/* ---- blobs ---- */

WireResponse *registry_blob_created(const RegistryCall *call, const char *digest) {
	g_autofree char *location = g_strdup_printf("/v2/%s/blobs/%s", call->repository, digest);
	WireResponse *response = registry_response(201);
	wire_response_set_header(response, "location", location);
	wire_response_set_header(response, "docker-content-digest", digest);
	return response;
}

typedef enum { RANGE_NONE, RANGE_PART, RANGE_OUTSIDE } Range;

/* "bytes=a-b", "bytes=a-", "bytes=-n"; several ranges are answered with the whole. */
static Range parse_range(const char *text, goffset size, goffset *first, goffset *length) {
	if (!text || !g_str_has_prefix(text, "bytes=") || strchr(text, ','))
		return RANGE_NONE;
	g_auto(GStrv) ends = g_strsplit(text + strlen("bytes="), "-", 2);
	guint64 from = 0, to = G_MAXINT64;
	if (g_strv_length(ends) != 2 ||
		(*ends[0] &&
			!g_ascii_string_to_unsigned(ends[0], 10, 0, G_MAXINT64, &from, NULL)) ||
		(*ends[1] && !g_ascii_string_to_unsigned(ends[1], 10, 0, G_MAXINT64, &to, NULL)) ||
		(!*ends[0] && !*ends[1]))
		return RANGE_NONE;
	if (!*ends[0]) { /* the last n */
		from = to < (guint64)size ? (guint64)size - to : 0;
		to = G_MAXINT64;
	}
	if (from >= (guint64)size || to < from)
		return RANGE_OUTSIDE;
	*first = (goffset)from;
	*length = (goffset)(MIN(to, (guint64)size - 1) - from + 1);
	return RANGE_PART;
}

void registry_touch(Region *region, const char *digest) {
	g_autofree char *path = blobs_path(region_blobs(region), digest);
	utime(path, NULL);
}

static WireResponse *get_blob(const RegistryCall *call) {
	g_autoptr(GError) error = NULL;
	goffset size = 0, first = 0, length;
	int fd = blobs_open_blob(region_blobs(call->region), call->reference, &size, &error);
	if (fd < 0)
		return registry_error_of(error);
	registry_touch(call->region, call->reference);
	length = size;
	Range range = parse_range(header(call, "range"), size, &first, &length);
	WireResponse *response = registry_response(range == RANGE_NONE	 ? 200
						   : range == RANGE_PART ? 206
									 : 416);
	g_autofree char *part =
		range == RANGE_PART ? g_strdup_printf("bytes %" G_GOFFSET_FORMAT
						      "-%" G_GOFFSET_FORMAT "/%" G_GOFFSET_FORMAT,
					      first, first + length - 1, size)
				    : g_strdup_printf("bytes */%" G_GOFFSET_FORMAT, size);
	if (range != RANGE_NONE)
		wire_response_set_header(response, "content-range", part);
	wire_response_set_header(response, "accept-ranges", "bytes");
	wire_response_set_header(response, "docker-content-digest", call->reference);
	wire_response_set_header(response, "content-type", "application/octet-stream");
	wire_response_take_file(response, fd, first, range == RANGE_OUTSIDE ? 0 : length);
	return response;
}

static WireResponse *serve_blob(const RegistryCall *call) {
	if (!blobs_digest_valid(call->reference))
		return registry_error(
			400, "DIGEST_INVALID", "not a sha256 digest: %s", call->reference);
	return is_method(call, "GET") || is_method(call, "HEAD") ? get_blob(call) : unsupported();
}

/* ---- tags and referrers ---- */

static gint compare_names(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the repository's tags behind `last`, sorted. */
static GPtrArray *tags_after(const RegistryCall *call, const char *last) {
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *prefix = ecr_key(call->repository, "");
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ECR_TAGS, prefix);
	const char *id;
	Value tag;
	while (store_iter_next(&iter, &id, &tag))
		if (strcmp(id + strlen(prefix), last) > 0)
			g_ptr_array_add(names, g_strdup(id + strlen(prefix)));
	g_ptr_array_sort(names, compare_names);
	return names;
}

static WireResponse *list_tags(const RegistryCall *call) {
	const char *n = g_hash_table_lookup(call->query, "n");
	const char *last = g_hash_table_lookup(call->query, "last");
	guint64 limit = TAGS_PAGE;
	if (n && !g_ascii_string_to_unsigned(n, 10, 0, TAGS_PAGE, &limit, NULL))
		return registry_error(400, "PAGINATION_NUMBER_INVALID",
			"n must be a number from 0 to %d", TAGS_PAGE);
	g_autoptr(GPtrArray) names = tags_after(call, last ? last : "");
	g_autoptr(ValueBuilder) tags = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < names->len && i < limit; i++)
		value_builder_add_take(tags, value_string(g_ptr_array_index(names, i)));
	WireResponse *response = json_response(200, "application/json",
		value_object_take("name", value_string(call->repository), "tags",
			value_builder_end(g_steal_pointer(&tags)), NULL));
	if (limit > 0 && names->len > limit) {
		g_autofree char *link = g_strdup_printf("</v2/%s/tags/list?n=%" G_GUINT64_FORMAT
							"&last=%s>; rel=\"next\"",
			call->repository, limit, (const char *)g_ptr_array_index(names, limit - 1));
		wire_response_set_header(response, "link", link);
	}
	return response;
}

static WireResponse *list_referrers(const RegistryCall *call) {
	const char *type = g_hash_table_lookup(call->query, "artifactType");
	if (!blobs_digest_valid(call->reference))
		return registry_error(
			400, "DIGEST_INVALID", "not a sha256 digest: %s", call->reference);
	g_auto(Value) types = type ? value_tuple_take(1, value_string(type)) : value_empty_tuple();
	WireResponse *response = json_response(200, IMAGE_OCI_INDEX,
		value_object_take("schemaVersion", value_int(2), "mediaType",
			value_string(IMAGE_OCI_INDEX), "manifests",
			ecr_image_referrers(call->region, call->scope, call->repository,
				call->reference, types),
			NULL));
	if (type)
		wire_response_set_header(response, "oci-filters-applied", "artifactType");
	return response;
}

/* ---- the route ---- */

static WireResponse *serve(RegistryCall *call, HttpReply *reply) {
	gboolean reads = is_method(call, "GET") || is_method(call, "HEAD");
	switch (call->resource) {
	case REGISTRY_BASE:
		return reads ? json_response(200, "application/json", value_empty_object())
			     : unsupported();
	case REGISTRY_MANIFEST:
		return serve_manifest(call);
	case REGISTRY_BLOB:
		return serve_blob(call);
	case REGISTRY_UPLOAD:
		return registry_upload(call, reply);
	case REGISTRY_TAGS:
		return reads ? list_tags(call) : unsupported();
	case REGISTRY_REFERRERS:
		return reads ? list_referrers(call) : unsupported();
	default:
		return unsupported();
	}
}

static WireResponse *handle(Region *region, const WireRequest *request, HttpReply *reply) {
	g_auto(RegistryCall) call;
	registry_call_init(&call, region, request);
	WireResponse *refusal = registry_refusal(&call);
	return refusal ? refusal : serve(&call, reply);
}

static HttpSink *open_body(Region *region, const WireRequest *request, WireResponse **refusal) {
	g_auto(RegistryCall) call;
	registry_call_init(&call, region, request);
	*refusal = registry_refusal(&call);
	return *refusal ? NULL : registry_upload_open(&call, refusal);
}

static const RegionHttpRoute routes[] = {
	{"/v2/", handle, open_body},
	{NULL, NULL, NULL},
};

const RegionService region_ecr_registry = {.routes = routes};
