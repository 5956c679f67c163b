/*
 * The admin API's image builds: what AWS has no call for, and `terrarium image` speaks.
 *
 *   POST /_terrarium/images/build   the context as build_context_write wrote it
 *   POST /_terrarium/images/load    an image as docker save wrote it, or an OCI archive
 *
 * Query: tag=NAME[:TAG] (a repository of the region's registry, by its name or with the registry
 * before it), region=; of a build target=, argument=NAME=value and label=name=value (repeated),
 * no-cache=1. The answer comes as it goes, a JSON object a line: {"line": …} of what the build
 * says, and last {"digest": …, "image": …} or {"error": …}. When the client goes away the build
 * ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "glass/build.h"
#include "region/region.h"
#include "region/services/ecr/ecr.h"
#include "value/json.h"

#define PREFIX "/_terrarium/images/"
#define DATA "images"
#define DEFAULT_ACCOUNT "000000000000"
#define DEFAULT_REGION "us-east-1"
#define DEFAULT_TAG "latest"

extern const RegionService region_images;

/* One request; its body goes into a file without a name. */
typedef struct {
	HttpSink sink;
	int body;
	int problem; /* errno of a write that failed */
} Upload;

/* Where the image is to be put. */
typedef struct {
	char *account, *region, *repository, *tag; /* repository NULL: nowhere */
} Place;

typedef struct {
	Region *region;
	HttpReply *reply;
	GCancellable *cancellable;
	Place place;
} Call;

/* ---- the body ---- */

static gboolean upload_write(HttpSink *sink, const void *bytes, gsize length) {
	Upload *upload = (Upload *)sink;
	for (const char *p = bytes; length > 0;) {
		gssize n = write(upload->body, p, length);
		if (n < 0 && errno != EINTR) {
			upload->problem = errno;
			return FALSE;
		}
		if (n > 0) {
			p += n;
			length -= (gsize)n;
		}
	}
	return TRUE;
}

static void upload_free(HttpSink *sink) {
	Upload *upload = (Upload *)sink;
	close(upload->body);
	g_free(upload);
}

static WireResponse *refuse(int status, const char *format, ...) G_GNUC_PRINTF(2, 3);
static WireResponse *refuse(int status, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_auto(Value) object = value_object_take(
		"error", value_string_take(g_strdup_vprintf(format, arguments)), NULL);
	va_end(arguments);
	g_autofree char *json = value_to_json(object, VALUE_JSON_COMPACT);
	g_autofree char *line = g_strconcat(json, "\n", NULL);
	WireResponse *response = wire_response_new(status);
	wire_response_set_body(response, "application/x-ndjson", line, strlen(line));
	return response;
}

static HttpSink *open_upload(Region *region, const WireRequest *request, WireResponse **refusal) {
	if (!g_str_equal(request->method, "POST"))
		*refusal = refuse(405, "%s is not served here, only POST", request->method);
	else if (request->vpc)
		*refusal = refuse(403, "images are built from outside only");
	else if (!region_glass(region))
		*refusal =
			refuse(409, "this region runs without a glass (--no-glass), and so builds "
				    "no images");
	if (*refusal)
		return NULL;
	int body = open(region_home(region), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (body < 0) {
		*refusal = refuse(500, "cannot keep the request in %s: %s", region_home(region),
			g_strerror(errno));
		return NULL;
	}
	Upload *upload = g_new0(Upload, 1);
	*upload = (Upload){{upload_write, upload_free}, body};
	return &upload->sink;
}

/* ---- the place ---- */

static void place_clear(Place *place) {
	g_free(place->account);
	g_free(place->region);
	g_free(place->repository);
	g_free(place->tag);
}

/* "<account>.dkr.ecr.<region>.amazonaws.com" gives both; every other host must be this machine. */
static gboolean take_registry(Place *place, const char *host, GError **error) {
	g_auto(GStrv) parts = g_strsplit(host, ".", -1);
	if (g_strv_length(parts) == 6 && g_str_equal(parts[1], "dkr") &&
		g_str_equal(parts[2], "ecr") && g_str_equal(parts[4], "amazonaws")) {
		g_free(place->account);
		g_free(place->region);
		place->account = g_strdup(parts[0]);
		place->region = g_strdup(parts[3]);
		return TRUE;
	}
	if (g_str_has_prefix(host, "localhost") || g_str_has_prefix(host, "127.0.0.1"))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
		"%s is no registry of this region: give the repository's name alone", host);
	return FALSE;
}

/* [REGISTRY/]NAME[:TAG]. */
static gboolean place_parse(Place *place, const char *region, const char *text, GError **error) {
	place->account = g_strdup(DEFAULT_ACCOUNT);
	place->region = g_strdup(region ? region : DEFAULT_REGION);
	if (!text)
		return TRUE;
	const char *slash = strchr(text, '/');
	g_autofree char *host = slash ? g_strndup(text, (gsize)(slash - text)) : NULL;
	if (host && strpbrk(host, ".:")) {
		if (!take_registry(place, host, error))
			return FALSE;
		text = slash + 1;
	}
	const char *colon = strrchr(text, ':');
	place->repository = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
	place->tag = g_strdup(colon ? colon + 1 : DEFAULT_TAG);
	if (*place->repository && *place->tag && !strpbrk(text, "@ "))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s is no NAME[:TAG]", text);
	return FALSE;
}

/* A build is not begun for a repository that is not there. */
static gboolean place_exists(Region *region, const Place *place, GError **error) {
	StoreScope scope = {place->account, place->region};
	if (!place->repository ||
		store_has(region_store(region), scope, "ecr/repository", place->repository))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
		"there is no repository %s in %s: make it first (aws_ecr_repository, or "
		"aws ecr create-repository)",
		place->repository, place->region);
	return FALSE;
}

/* ---- the work ---- */

static void call_free(Call *call) {
	GPtrArray *calls = region_data(call->region, DATA);
	http_reply_on_gone(call->reply, NULL, NULL);
	g_ptr_array_remove_fast(calls, call);
	place_clear(&call->place);
	g_object_unref(call->cancellable);
	http_reply_unref(call->reply);
	g_free(call);
}

static void push_take(Call *call, Value object) {
	g_autofree char *json = value_to_json(object, VALUE_JSON_COMPACT);
	g_autofree char *line = g_strconcat(json, "\n", NULL);
	value_clear(&object);
	http_reply_push(call->reply, line, strlen(line));
}

static void on_line(const char *line, gpointer data) {
	g_autofree char *text = g_utf8_make_valid(line, -1);
	push_take(data, value_object_take("line", value_string(text), NULL));
}

static void on_gone(HttpReply *reply, gpointer data) {
	g_cancellable_cancel(((Call *)data)->cancellable);
}

static char *image_name(const Place *place) {
	return place->repository
		       ? g_strdup_printf("%s.dkr.ecr.%s.amazonaws.com/%s:%s", place->account,
				 place->region, place->repository, place->tag)
		       : g_strdup("");
}

static void on_built(GObject *source, GAsyncResult *result, gpointer data) {
	Call *call = data;
	const Place *place = &call->place;
	StoreScope scope = {place->account, place->region};
	g_autoptr(GError) error = NULL;
	g_autofree char *digest = build_run_finish(result, &error);
	g_autofree char *image = image_name(place);
	if (digest && place->repository)
		ecr_put_image(call->region, scope, place->repository, place->tag, digest, &error);
	if (error)
		push_take(call, value_object_take("error", value_string(error->message), NULL));
	else
		push_take(call, value_object_take("digest", value_string(digest), "image",
					value_string(image), NULL));
	http_reply_end(call->reply);
	call_free(call);
}

static Call *call_new(Region *region, HttpReply *reply, const Place *place) {
	Call *call = g_new0(Call, 1);
	*call = (Call){region, http_reply_ref(reply), g_cancellable_new(), *place};
	g_ptr_array_add(region_data(region, DATA), call);
	WireResponse *head = wire_response_new(200);
	wire_response_set_body(head, "application/x-ndjson", "", 0);
	http_reply_start(reply, head);
	http_reply_on_gone(reply, on_gone, call);
	return call;
}

/* The values of a parameter that may come more than once. */
static char **all_of(const char *query, const char *name) {
	g_autoptr(GStrvBuilder) values = g_strv_builder_new();
	GUriParamsIter iter;
	char *key, *value;
	g_uri_params_iter_init(&iter, query, -1, "&", G_URI_PARAMS_WWW_FORM);
	while (g_uri_params_iter_next(&iter, &key, &value, NULL)) {
		if (g_str_equal(key, name))
			g_strv_builder_add(values, value);
		g_free(key);
		g_free(value);
	}
	return g_strv_builder_end(values);
}

static void start_build(Call *call, const WireRequest *request, GHashTable *query, int body) {
	g_auto(GStrv) arguments = all_of(request->query, "argument");
	g_auto(GStrv) labels = all_of(request->query, "label");
	BuildSpec spec = {.context = body,
		.target = g_hash_table_lookup(query, "target"),
		.arguments = arguments,
		.labels = labels,
		.no_cache = g_hash_table_contains(query, "no-cache")};
	build_run_async(region_glass(call->region), region_blobs(call->region), &spec, on_line,
		call, call->cancellable, on_built, call);
}

static WireResponse *handle(
	Region *region, const WireRequest *request, HttpReply *reply, gboolean builds) {
	Upload *upload = (Upload *)http_reply_sink(reply);
	g_autoptr(GError) error = NULL;
	if (!upload)
		return refuse(400, "the request has no body");
	if (upload->problem)
		return refuse(507, "cannot keep the request: %s", g_strerror(upload->problem));
	g_autoptr(GHashTable) query =
		g_uri_parse_params(request->query, -1, "&", G_URI_PARAMS_WWW_FORM, &error);
	Place place = {0};
	if (!query ||
		!place_parse(&place, g_hash_table_lookup(query, "region"),
			g_hash_table_lookup(query, "tag"), &error) ||
		!place_exists(region, &place, &error)) {
		place_clear(&place);
		return refuse(400, "%s", error->message);
	}
	Call *call = call_new(region, reply, &place);
	if (builds)
		start_build(call, request, query, upload->body);
	else
		build_load_async(region_glass(region), region_blobs(region), upload->body, on_line,
			call, call->cancellable, on_built, call);
	return NULL;
}

static WireResponse *handle_build(Region *region, const WireRequest *request, HttpReply *reply) {
	return handle(region, request, reply, TRUE);
}

static WireResponse *handle_load(Region *region, const WireRequest *request, HttpReply *reply) {
	return handle(region, request, reply, FALSE);
}

static gboolean start(Region *region, GError **error) {
	region_set_data(region, DATA, g_ptr_array_new(), (GDestroyNotify)g_ptr_array_unref);
	return TRUE;
}

/* Builds die with the region: nobody would learn of their end. */
static void stop(Region *region) {
	GPtrArray *calls = region_data(region, DATA);
	for (guint i = 0; calls && i < calls->len; i++)
		g_cancellable_cancel(((Call *)calls->pdata[i])->cancellable);
}

static const RegionHttpRoute routes[] = {
	{.prefix = PREFIX "build", .handle = handle_build, .open = open_upload},
	{.prefix = PREFIX "load", .handle = handle_load, .open = open_upload},
	{.prefix = NULL},
};

const RegionService region_images = {.start = start, .stop = stop, .routes = routes};
