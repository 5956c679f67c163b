/*
 * POST of a form: how a browser uploads without knowing a key (S3 API reference, "POST Object").
 * The fields before the file say what PutObject's headers say, so the form becomes a put of its
 * own: when the file begins, the fields are checked (signature, permission, policy), and its bytes
 * go where a put's go. Fields are held in memory, and are few; the file never is.
 */
#include <string.h>

#include "region/services/s3/internal.h"
#include "wire/codec.h"

#define MOST_FIELDS (20 * 1024) /* bytes before the file */

typedef struct {
	HttpSink sink;
	Region *region;
	const WireRequest *request;
	GHashTable *fields; /* name in lower case -> GString */
	gsize size; /* of the fields */
	GString *open; /* the field that comes now, in `fields` */
	GHashTable *texts; /* the fields when the file began: name -> text */
	WireRequest *as_put;
	S3Call call; /* until the put takes it */
	HttpSink *put; /* NULL until the file began, or when it is refused */
	WireResponse *refusal;
	gint64 length, least, most; /* of the file; what the policy allows */
} Post;

gboolean s3_is_form(const WireRequest *request) {
	const char *type = g_hash_table_lookup(request->headers, "content-type");
	return g_str_equal(request->method, "POST") && type && !*request->query &&
	       g_ascii_strncasecmp(type, "multipart/form-data", strlen("multipart/form-data")) == 0;
}

/* What errors need that no call has. */
static void set_call(Post *post, Value cors_taken) {
	post->call = (S3Call){.request_id = g_uuid_string_random(), .cors = cors_taken};
	post->call.route =
		(WireRoute){.service = wire_service("s3"), .protocol = WIRE_PROTOCOL_REST_XML};
}

static void sink_free(HttpSink *sink) {
	Post *post = (Post *)sink;
	if (post->put)
		post->put->free(post->put);
	s3_call_clear(&post->call);
	g_clear_pointer(&post->texts, g_hash_table_unref);
	g_hash_table_unref(post->fields);
	wire_request_free(post->as_put);
	wire_response_free(post->refusal);
	g_free(post);
}

static gboolean refuse(Post *post, const GError *error) {
	if (!post->refusal)
		post->refusal = s3_call_refuse(&post->call, error);
	return FALSE;
}

static gboolean fail(Post *post, const char *code) {
	g_autoptr(GError) error = NULL;
	s3_fail(&error, code);
	return refuse(post, error);
}

/* ---- the fields, as a put's head ---- */

static const char *text_of(const Post *post, const char *name) {
	return g_hash_table_lookup(post->texts, name);
}

/* "${filename}" stands for the file's own name, without its folders. */
static void close_fields(Post *post, const char *file_name) {
	const char *name = file_name ? file_name : "";
	for (const char *at = name; *at; at++)
		if (*at == '/' || *at == '\\')
			name = at + 1;
	post->texts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, post->fields);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		GString *text = g_string_new(((GString *)value)->str);
		g_string_replace(text, "${filename}", name, 0);
		g_hash_table_insert(post->texts, key, g_string_free(text, FALSE));
	}
}

/* The tagging field is XML, the header a query. */
static gboolean add_tagging(Post *post, const char *xml, GError **error) {
	const WireShape *input =
		wire_operation_input(wire_operation(wire_service("s3"), "PutObjectTagging"));
	g_auto(Value) tagging = wire_xml_decode(
		wire_shape_member(input, "Tagging"), NULL, xml, strlen(xml), FALSE, error);
	if (*error)
		return FALSE;
	g_auto(Value) tags = s3_tags_of_list(value_get(tagging, "TagSet"), 10, error);
	g_autoptr(GString) query = g_string_new(NULL);
	for (gsize i = 0; i < value_length(tags) && !*error; i++) {
		g_autofree char *key = g_uri_escape_string(value_key_at(tags, i), NULL, FALSE);
		g_autofree char *value =
			g_uri_escape_string(value_text(value_at(tags, i)), NULL, FALSE);
		g_string_append_printf(query, "%s%s=%s", i > 0 ? "&" : "", key, value);
	}
	wire_request_set_header(post->as_put, "x-amz-tagging", query->str);
	return !*error;
}

/* Names of fields that are names of PutObject's headers. */
static gboolean is_header(const char *name) {
	static const char *const plain[] = {"cache-control", "content-disposition",
		"content-encoding", "content-language", "content-md5", "content-type", "expires",
		NULL};
	static const char *const signing[] = {"x-amz-algorithm", "x-amz-credential", "x-amz-date",
		"x-amz-security-token", "x-amz-signature", NULL};
	return g_strv_contains(plain, name) ||
	       (g_str_has_prefix(name, "x-amz-") && !g_strv_contains(signing, name));
}

static gboolean make_put(Post *post, GError **error) {
	const WireRequest *request = post->request;
	const char *key = text_of(post, "key");
	const char *origin = g_hash_table_lookup(request->headers, "origin");
	gsize length = strlen(request->path);
	while (length > 0 && request->path[length - 1] == '/')
		length--;
	g_autofree char *escaped = g_uri_escape_string(key, "/", FALSE);
	g_autofree char *path = g_strdup_printf("%.*s/%s", (int)length, request->path, escaped);
	post->as_put = wire_request_new("PUT", path, "");
	post->as_put->vpc = g_strdup(request->vpc);
	post->as_put->peer = g_strdup(request->peer);
	post->as_put->streamed = TRUE;
	GHashTableIter iter;
	gpointer name, text;
	g_hash_table_iter_init(&iter, post->texts);
	while (g_hash_table_iter_next(&iter, &name, &text))
		if (is_header(name))
			wire_request_set_header(post->as_put, name, text);
	wire_request_set_header(
		post->as_put, "host", g_hash_table_lookup(request->headers, "host"));
	wire_request_set_header(post->as_put, "transfer-encoding", "chunked");
	if (origin)
		wire_request_set_header(post->as_put, "origin", origin);
	if (text_of(post, "acl"))
		wire_request_set_header(post->as_put, "x-amz-acl", text_of(post, "acl"));
	return !text_of(post, "tagging") || add_tagging(post, text_of(post, "tagging"), error);
}

/* ---- who and what ---- */

/* Signature version 2 is taken from the developer only, as elsewhere. */
static gboolean check_version_2(Post *post, GError **error) {
	const char *key = text_of(post, "awsaccesskeyid");
	if (!key)
		return TRUE;
	g_autoptr(IamKey) known = iam_key_get(post->region, key);
	if (!known && !post->request->vpc && !region_is_strict(post->region) &&
		!region_is_foreign(post->request))
		return TRUE;
	wire_error_set_status(error, 400, "InvalidRequest",
		"The authorization mechanism you have provided is not supported. Please use "
		"AWS4-HMAC-SHA256.");
	return FALSE;
}

/* A form is sent to the bucket, and the key comes behind its path. */
static gboolean is_sent_elsewhere(const Post *post) {
	const WireOperation *operation = post->call.call.operation;
	const char *key = value_get_text(post->call.input, "Key");
	return !operation || !g_str_equal(wire_operation_name(operation), "PutObject") ||
	       (key && !g_str_equal(key, text_of(post, "key")));
}

static gboolean check_policy(Post *post, GError **error) {
	const char *policy = text_of(post, "policy");
	post->most = G_MAXINT64;
	if (!policy)
		return TRUE;
	g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTableIter iter;
	gpointer name, text;
	g_hash_table_iter_init(&iter, post->texts);
	while (g_hash_table_iter_next(&iter, &name, &text))
		g_hash_table_insert(fields, name, text);
	g_hash_table_insert(
		fields, (gpointer) "bucket", (gpointer)value_get_text(post->call.bucket, "Name"));
	return s3_post_policy_check(post->region, policy, fields, &post->least, &post->most, error);
}

static gboolean check_head(Post *post, GError **error) {
	if (!text_of(post, "key") || !*text_of(post, "key"))
		return s3_fail_argument(error,
			"Bucket POST must contain a field named 'key'.  If it is specified, please "
			"check the order of the fields.",
			"key", NULL);
	g_autoptr(GError) local = NULL;
	g_autoptr(SigV4Claim) claim = sigv4_claim_of_form(post->texts, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (claim && !text_of(post, "policy"))
		return s3_fail_argument(error,
			"Bucket POST must contain a field named 'policy'.  If it is specified, "
			"please check the order of the fields.",
			"policy", NULL);
	if (!check_version_2(post, error) || !make_put(post, error))
		return FALSE;
	const S3Asker asker = {.form = TRUE, .claim = claim, .policy = text_of(post, "policy")};
	s3_call_clear(&post->call);
	gboolean fine = s3_call_begin(&post->call, post->region, post->as_put, &asker, error);
	if (is_sent_elsewhere(post)) {
		g_clear_error(error);
		return s3_fail(error, "MethodNotAllowed");
	}
	return fine && check_policy(post, error);
}

/* ---- the answer ---- */

static char *escaped_location(const Post *post, const char *bucket, const char *key) {
	const char *host = g_hash_table_lookup(post->request->headers, "host");
	g_autofree char *path = g_uri_escape_string(key, "/", FALSE);
	gboolean in_path = strlen(post->request->path) > 1;
	return g_strdup_printf(
		"http://%s%s%s/%s", host, in_path ? "/" : "", in_path ? bucket : "", path);
}

/* Where the browser is sent, if that is an address at all; caller frees. */
static char *redirection(const Post *post, const char *bucket, const char *key, const char *etag) {
	const char *wanted = text_of(post, "success_action_redirect");
	wanted = wanted ? wanted : text_of(post, "redirect");
	g_autoptr(GUri) uri = wanted ? g_uri_parse(wanted, G_URI_FLAGS_ENCODED, NULL) : NULL;
	if (!uri || !g_uri_get_host(uri))
		return NULL;
	g_autofree char *name = g_uri_escape_string(key, NULL, FALSE);
	g_autofree char *tag = g_uri_escape_string(etag, NULL, FALSE);
	const char *query = g_uri_get_query(uri);
	g_autofree char *more = g_strdup_printf("%s%sbucket=%s&key=%s&etag=%s", query ? query : "",
		query && *query ? "&" : "", bucket, name, tag);
	return g_uri_join(G_URI_FLAGS_ENCODED, g_uri_get_scheme(uri), g_uri_get_userinfo(uri),
		g_uri_get_host(uri), g_uri_get_port(uri), g_uri_get_path(uri), more,
		g_uri_get_fragment(uri));
}

static WireResponse *answer(const S3Call *call, Value output, gpointer data) {
	Post *post = data;
	const char *bucket = value_get_text(call->bucket, "Name");
	const char *key = value_get_text(call->input, "Key"),
		   *etag = value_get_text(output, "ETag");
	const char *wanted = text_of(post, "success_action_status");
	WireResponse *response = s3_call_answer(call, output);
	g_autofree char *location = escaped_location(post, bucket, key);
	g_autofree char *elsewhere = redirection(post, bucket, key, etag);
	wire_response_set_header(response, "location", elsewhere ? elsewhere : location);
	if (elsewhere) {
		response->status = 303;
	} else if (g_strcmp0(wanted, "201") == 0) {
		g_autofree char *xml = g_markup_printf_escaped(
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>%s"
			"</Location><Bucket>%s</Bucket><Key>%s</Key><ETag>%s</ETag></PostResponse>",
			location, bucket, key, etag);
		response->status = 201;
		wire_response_set_body(response, "application/xml", xml, strlen(xml));
	} else {
		response->status = g_strcmp0(wanted, "200") == 0 ? 200 : 204;
	}
	s3_log_answer(call, response, NULL);
	return response;
}

/* ---- the body ---- */

/* What becomes a header is one line. */
static gboolean are_texts(const Post *post) {
	GHashTableIter iter;
	gpointer name, text;
	g_hash_table_iter_init(&iter, post->texts);
	while (g_hash_table_iter_next(&iter, &name, &text))
		if (!g_utf8_validate(text, -1, NULL) || (is_header(name) && strpbrk(text, "\r\n")))
			return FALSE;
	return TRUE;
}

static gboolean begin_file(Post *post, const char *file_name) {
	g_autoptr(GError) error = NULL;
	close_fields(post, file_name);
	if (!are_texts(post))
		return fail(post, "MalformedPOSTRequest");
	if (!check_head(post, &error))
		return refuse(post, error);
	Value cors = value_ref(post->call.cors);
	post->put = s3_put_open(post->region, &post->call, post->as_put, &post->refusal);
	set_call(post, cors);
	if (!post->put)
		return FALSE;
	s3_put_answer_by(post->put, answer, post);
	return TRUE;
}

static gboolean take_file(Post *post, const HttpField *field) {
	if (field->offset == 0 && post->length > 0)
		return fail(post, "IncorrectNumberOfFilesInPostRequest");
	if (!post->texts && !begin_file(post, field->file_name))
		return FALSE;
	post->length += (gint64)field->length;
	if (post->length > post->most)
		return fail(post, "EntityTooLarge");
	/* What goes wrong here the put tells at its end. */
	if (post->put->write && !post->put->write(post->put, field->bytes, field->length))
		post->put->write = NULL;
	return TRUE;
}

static gboolean take_text(Post *post, const HttpField *field) {
	if (field->offset == 0) {
		post->open = g_string_new(NULL);
		g_hash_table_replace(post->fields, g_ascii_strdown(field->name, -1), post->open);
		post->size += strlen(field->name);
	}
	post->size += field->length;
	if (post->size > MOST_FIELDS)
		return fail(post, "MaxPostPreDataLengthExceeded");
	g_string_append_len(post->open, field->bytes, (gssize)field->length);
	return TRUE;
}

static gboolean sink_field(HttpSink *sink, const HttpField *field) {
	Post *post = (Post *)sink;
	if (post->refusal)
		return FALSE;
	if (!field || !field->name)
		return fail(post, "MalformedPOSTRequest");
	if (g_ascii_strcasecmp(field->name, "file") == 0)
		return take_file(post, field);
	/* What comes behind the file is not looked at. */
	return post->texts || take_text(post, field);
}

static void free_text(gpointer text) {
	g_string_free(text, TRUE);
}

HttpSink *s3_post_open(Region *region, const WireRequest *request) {
	Post *post = g_new0(Post, 1);
	post->sink = (HttpSink){.free = sink_free, .field = sink_field};
	post->region = region;
	post->request = request;
	post->fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_text);
	set_call(post, VALUE_NOTHING);
	return &post->sink;
}

WireResponse *s3_post_finish(Region *region, HttpSink *sink, HttpReply *reply) {
	Post *post = (Post *)sink;
	if (!post->refusal && !post->texts)
		fail(post, "IncorrectNumberOfFilesInPostRequest");
	if (!post->refusal && post->length < post->least)
		fail(post, "EntityTooSmall");
	return post->refusal ? g_steal_pointer(&post->refusal)
			     : s3_put_finish(region, post->put, reply);
}
