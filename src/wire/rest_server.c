/* The server's end of the REST protocols: which operation, its input, its answer. See rest.h. */
#include <string.h>

#include "wire/rest.h"

#define S3_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* ---- whose ---- */

/* The bucket that S3's host names begin with ("b.s3.us-east-1.amazonaws.com", "b.s3.localhost",
 * "b.localhost" of clients that put it before any host), or NULL. *is_s3: it is S3's host. Caller
 * frees. */
static char *bucket_of_host(const WireRequest *request, gboolean *is_s3) {
	const char *host = g_hash_table_lookup(request->headers, "host");
	g_autofree char *name = host ? g_ascii_strdown(host, (gssize)strcspn(host, ":")) : NULL;
	*is_s3 = FALSE;
	if (!name)
		return NULL;
	gboolean local = g_str_has_suffix(name, ".localhost");
	gboolean amazon = g_str_has_suffix(name, ".amazonaws.com");
	if (!local && !amazon)
		return NULL;
	name[strlen(name) - strlen(local ? ".localhost" : ".amazonaws.com")] = '\0';
	g_auto(GStrv) labels = g_strsplit(name, ".", -1);
	guint n = g_strv_length(labels);
	/* "s3" as the last label, or as the last but the region, perhaps with "dualstack". */
	for (guint back = 1; back <= 3 && back <= n; back++) {
		const char *label = labels[n - back];
		if (!g_str_equal(label, "s3") && !g_str_has_prefix(label, "s3-"))
			continue;
		if (g_str_equal(label, "s3-control"))
			return NULL;
		*is_s3 = TRUE;
		g_clear_pointer(&labels[n - back], g_free);
		char *bucket = n > back ? g_strjoinv(".", labels) : NULL;
		for (guint i = n - back + 1; i < n; i++)
			g_free(g_steal_pointer(&labels[i]));
		return bucket;
	}
	return local ? g_strdup(name) : NULL;
}

gboolean wire_is_s3(const WireRequest *request, const char *scope) {
	if (scope)
		return g_str_equal(scope, "s3") || g_str_equal(scope, "s3express");
	gboolean is_s3;
	g_free(bucket_of_host(request, &is_s3));
	return is_s3 || strstr(request->query, "AWSAccessKeyId=");
}

/* The path with the bucket that stands in the host. Caller frees. */
static char *full_path(const WireService *service, const WireRequest *request) {
	gboolean is_s3;
	g_autofree char *bucket =
		g_str_equal(service->name, "s3") ? bucket_of_host(request, &is_s3) : NULL;
	return bucket ? g_strconcat("/", bucket, request->path, NULL) : g_strdup(request->path);
}

/* ---- matching ---- */

typedef struct {
	GHashTable *labels; /* name -> text, still encoded; or NULL */
	guint literals; /* parts of the path that had to be so */
} PathMatch;

static void take_label(
	PathMatch *match, const char *label, gsize label_length, const char *text, gsize length) {
	if (match->labels)
		g_hash_table_insert(
			match->labels, g_strndup(label, label_length), g_strndup(text, length));
}

/* "/{Bucket}/{Key+}" against "/b/a/c"; what follows the template's ? is not looked at. */
static gboolean match_path(const char *template, const char *path, PathMatch *match) {
	const char *t = template, *p = path;
	while (*t && *t != '?') {
		if (*t == '{') {
			const char *end = strchr(t, '}');
			gboolean greedy = end[-1] == '+';
			gsize length = greedy ? strlen(p) : strcspn(p, "/");
			if (length == 0)
				return FALSE;
			take_label(
				match, t + 1, (gsize)(end - t - 1 - (greedy ? 1 : 0)), p, length);
			p += length;
			t = end + 1;
			continue;
		}
		if (*t != *p)
			return FALSE;
		if (*t != '/')
			match->literals++;
		t++;
		p++;
	}
	return *p == '\0' || (p > path + 1 && g_str_equal(p, "/"));
}

static gboolean has_parameter(const WireRequest *request, const char *name, gsize length) {
	for (const char *at = request->query; *at;) {
		gsize whole = strcspn(at, "&");
		gsize own = MIN(strcspn(at, "="), whole);
		if (own == length && strncmp(at, name, length) == 0)
			return TRUE;
		at += whole + (at[whole] == '&');
	}
	return FALSE;
}

/* Whether the parameters that the template fixes are there ("?list-type=2"); how many. */
static gboolean match_query(const char *template, const WireRequest *request, guint *score) {
	const char *question = strchr(template, '?');
	g_auto(GStrv) wanted = g_strsplit(question ? question + 1 : "", "&", -1);
	for (char **each = wanted; *each; each++) {
		if (!**each || g_str_has_prefix(*each, "x-id="))
			continue;
		const char *equals = strchr(*each, '=');
		if (!has_parameter(
			    request, *each, equals ? (gsize)(equals - *each) : strlen(*each)))
			return FALSE;
		if (equals) {
			g_auto(GStrv) given = g_strsplit(request->query, "&", -1);
			if (!g_strv_contains((const char *const *)given, *each))
				return FALSE;
		}
		++*score;
	}
	return TRUE;
}

/* Whether the required members of query and headers are there; how many. */
static gboolean match_required(const WireShape *input, const WireRequest *request, guint *score) {
	for (guint i = 0; input && i < input->members->len; i++) {
		const Member *member = &g_array_index(input->members, Member, i);
		const char *name = member->location_name ? member->location_name : member->name;
		if (!member->required)
			continue;
		if (member->location == LOCATION_QUERY &&
			!has_parameter(request, name, strlen(name)))
			return FALSE;
		if (member->location == LOCATION_HEADER) {
			g_autofree char *lower = g_ascii_strdown(name, -1);
			/* Of those only what tells copies from puts counts: others are missed
			 * later. */
			if (!g_hash_table_contains(request->headers, lower)) {
				if (g_str_has_prefix(lower, "x-amz-copy-source"))
					return FALSE;
				continue;
			}
		}
		if (member->location == LOCATION_QUERY || member->location == LOCATION_HEADER)
			++*score;
	}
	return TRUE;
}

const WireOperation *wire_rest_match(const WireService *service, const WireRequest *request) {
	g_autofree char *path = full_path(service, request);
	const WireOperation *best = NULL;
	guint best_score = 0;
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, service->operations);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const WireOperation *operation = value;
		PathMatch match = {0};
		guint score = 0;
		if (!g_str_equal(operation->method, request->method) ||
			!match_path(operation->uri, path, &match) ||
			!match_query(operation->uri, request, &score) ||
			!match_required(operation->input, request, &score))
			continue;
		score += 1000 * match.literals;
		if (!best || score > best_score ||
			(score == best_score && strcmp(operation->name, best->name) < 0)) {
			best = operation;
			best_score = score;
		}
	}
	return best;
}

/* ---- input ---- */

static gboolean read_labels(
	const WireOperation *operation, const char *path, ValueBuilder *object, GError **error) {
	g_autoptr(GHashTable) labels =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	PathMatch match = {.labels = labels};
	match_path(operation->uri, path, &match);
	for (guint i = 0; operation->input && i < operation->input->members->len; i++) {
		const Member *member = &g_array_index(operation->input->members, Member, i);
		const char *name = member->location_name ? member->location_name : member->name;
		const char *raw =
			member->location == LOCATION_URI ? g_hash_table_lookup(labels, name) : NULL;
		if (!raw)
			continue;
		g_autofree char *text = g_uri_unescape_string(raw, NULL);
		if (!text || !g_utf8_validate(text, -1, NULL)) {
			wire_error_set(error, "InvalidURI", "Couldn't parse the specified URI.");
			return FALSE;
		}
		Value value = wire_rest_value_of_text(member, text, error);
		value_builder_set_take(object, member->name, value);
		if (error && *error)
			return FALSE;
	}
	return TRUE;
}

static char *unescaped(const char *text) {
	g_autofree char *copy = g_strdup(text);
	g_strdelimit(copy, "+", ' ');
	char *plain = g_uri_unescape_string(copy, NULL);
	if (plain && g_utf8_validate(plain, -1, NULL))
		return plain;
	g_free(plain);
	return g_strdup("");
}

/* A query's parameter: one of a list adds to it, a map takes all that no other member wants. */
static void read_parameter(const WireShape *input, const char *name, const char *text,
	GHashTable *lists, ValueBuilder *object, GError **error) {
	for (guint i = 0; input && i < input->members->len; i++) {
		const Member *member = &g_array_index(input->members, Member, i);
		const char *own = member->location_name ? member->location_name : member->name;
		if (member->location != LOCATION_QUERY || !g_str_equal(own, name))
			continue;
		if (member->shape->type != SHAPE_LIST) {
			value_builder_set_take(
				object, member->name, wire_rest_value_of_text(member, text, error));
			return;
		}
		ValueBuilder *list = g_hash_table_lookup(lists, member->name);
		if (!list) {
			list = value_builder_new(VALUE_TUPLE, NULL);
			g_hash_table_insert(lists, (char *)member->name, list);
		}
		value_builder_add_take(
			list, wire_rest_value_of_text(&member->shape->element, text, error));
		return;
	}
}

static gboolean read_query(
	const WireShape *input, const char *query, ValueBuilder *object, GError **error) {
	g_autoptr(GError) local = NULL;
	g_autoptr(GHashTable) lists = g_hash_table_new(g_str_hash, g_str_equal);
	g_auto(GStrv) pairs = g_strsplit(query, "&", -1);
	for (char **pair = pairs; *pair; pair++) {
		char *equals = strchr(*pair, '=');
		if (equals)
			*equals = '\0';
		g_autofree char *name = unescaped(*pair);
		g_autofree char *text = unescaped(equals ? equals + 1 : "");
		if (!local)
			read_parameter(input, name, text, lists, object, &local);
	}
	GHashTableIter iter;
	gpointer name, list;
	g_hash_table_iter_init(&iter, lists);
	while (g_hash_table_iter_next(&iter, &name, &list))
		value_builder_set_take(object, name, value_builder_end(list));
	if (!local)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

Value wire_rest_decode_input(const WireRoute *route, const WireRequest *request, GError **error) {
	const WireOperation *operation = route->operation;
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	g_autofree char *path = full_path(route->service, request);
	if (!read_labels(operation, path, object, error) ||
		!read_query(operation->input, request->query, object, error) ||
		!wire_rest_read_headers(operation->input, request->headers, object, error) ||
		!wire_rest_read_body(
			route->service, operation->input, request->body, object, error))
		return VALUE_NOTHING;
	return value_builder_end(g_steal_pointer(&object));
}

/* ---- answers ---- */

/* The outermost elements of S3's answers have names that the models do not know. */
static const char *const roots[][2] = {
	{"AbortMultipartUpload", NULL},
	{"CompleteMultipartUpload", "CompleteMultipartUploadResult"},
	{"CreateMultipartUpload", "InitiateMultipartUploadResult"},
	{"DeleteObjects", "DeleteResult"},
	{"GetBucketAccelerateConfiguration", "AccelerateConfiguration"},
	{"GetBucketAcl", "AccessControlPolicy"},
	{"GetBucketCors", "CORSConfiguration"},
	{"GetBucketLifecycleConfiguration", "LifecycleConfiguration"},
	{"GetBucketLogging", "BucketLoggingStatus"},
	{"GetBucketNotificationConfiguration", "NotificationConfiguration"},
	{"GetBucketRequestPayment", "RequestPaymentConfiguration"},
	{"GetBucketTagging", "Tagging"},
	{"GetBucketVersioning", "VersioningConfiguration"},
	{"GetBucketWebsite", "WebsiteConfiguration"},
	{"GetObjectAcl", "AccessControlPolicy"},
	{"GetObjectAttributes", "GetObjectAttributesResponse"},
	{"GetObjectTagging", "Tagging"},
	{"ListBuckets", "ListAllMyBucketsResult"},
	{"ListMultipartUploads", "ListMultipartUploadsResult"},
	{"ListObjectVersions", "ListVersionsResult"},
	{"ListObjects", "ListBucketResult"},
	{"ListObjectsV2", "ListBucketResult"},
	{"ListParts", "ListPartsResult"},
};

static const char *root_of(const WireOperation *operation) {
	for (guint i = 0; i < G_N_ELEMENTS(roots); i++)
		if (g_str_equal(roots[i][0], operation->name) && roots[i][1])
			return roots[i][1];
	return operation->output ? operation->output->name : operation->name;
}

static void set_header(gpointer message, const char *name, const char *value) {
	/* The server counts the body itself. */
	if (g_ascii_strcasecmp(name, "content-length") != 0)
		wire_response_set_header(message, name, value);
}

/* The one answer whose outermost element is the member itself. */
static GBytes *location_document(Value output) {
	const char *place = value_get_text(output, "LocationConstraint");
	GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				    "<LocationConstraint xmlns=\"" S3_NAMESPACE "\"");
	if (place)
		g_string_append_printf(out, ">%s</LocationConstraint>", place);
	else
		g_string_append(out, "/>");
	return g_string_free_to_bytes(out);
}

WireResponse *wire_rest_encode_output(
	const WireRoute *route, Value output, const char *request_id) {
	const WireOperation *operation = route->operation;
	gboolean s3 = g_str_equal(route->service->name, "s3");
	WireResponse *response = wire_response_new(operation->status);
	for (guint i = 0; operation->output && i < operation->output->members->len; i++) {
		const Member *member = &g_array_index(operation->output->members, Member, i);
		if (member->location == LOCATION_STATUS)
			response->status =
				(int)value_get_int(output, member->name, operation->status);
	}
	wire_rest_write_headers(operation->output, output, set_header, response);
	const char *type = "application/xml";
	g_bytes_unref(response->body);
	if (g_str_equal(operation->name, "GetBucketLocation"))
		response->body = location_document(output);
	else
		response->body = wire_rest_write_body(route->service, operation->output, output,
			root_of(operation), s3 ? S3_NAMESPACE : route->service->xml_namespace,
			&type);
	if (type)
		wire_response_set_header(response, "content-type", type);
	return response;
}
