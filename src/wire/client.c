/*
 * The client: requests made by the model, signed, sent with libcurl, retried as AWS SDKs do in
 * their standard mode (three attempts, exponential back-off with full jitter, at most 20 s).
 */
#include "wire/client.h"

#include <curl/curl.h>
#include <string.h>

#include "value/json.h"
#include "wire/codec.h"
#include "wire/rest.h"

#define LONGEST_BACKOFF_S 20

struct WireClient {
	char *endpoint_url, *region;
	char *access_key, *secret_key, *token;
	guint max_attempts;
	GHashTable *service_endpoints;
	GCancellable *cancellable;
	GMutex lock; /* guards idle */
	GPtrArray *idle; /* CURL handles to use again: their connections stay open */
};

WireClient *wire_client_new(const WireClientOptions *options) {
	static gsize once;
	if (g_once_init_enter(&once)) {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		g_once_init_leave(&once, 1);
	}
	WireClient *client = g_new0(WireClient, 1);
	client->endpoint_url = g_strdup(options->endpoint_url);
	client->region = g_strdup(options->region);
	client->access_key = g_strdup(options->credentials.access_key_id);
	client->secret_key = g_strdup(options->credentials.secret_access_key);
	client->token = g_strdup(options->credentials.session_token);
	client->max_attempts = options->max_attempts ? options->max_attempts : 3;
	if (options->service_endpoints)
		client->service_endpoints = g_hash_table_ref(options->service_endpoints);
	if (options->cancellable)
		client->cancellable = g_object_ref(options->cancellable);
	g_mutex_init(&client->lock);
	client->idle = g_ptr_array_new_with_free_func(curl_easy_cleanup);
	return client;
}

void wire_client_free(WireClient *client) {
	if (!client)
		return;
	g_free(client->endpoint_url);
	g_free(client->region);
	g_free(client->access_key);
	g_free(client->secret_key);
	g_free(client->token);
	g_clear_pointer(&client->service_endpoints, g_hash_table_unref);
	g_clear_object(&client->cancellable);
	g_ptr_array_unref(client->idle);
	g_mutex_clear(&client->lock);
	g_free(client);
}

/* ---- one exchange ---- */

static CURL *borrow_handle(WireClient *client) {
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);
	if (client->idle->len == 0)
		return curl_easy_init();
	return g_ptr_array_steal_index_fast(client->idle, client->idle->len - 1);
}

static void return_handle(WireClient *client, CURL *handle) {
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);
	g_ptr_array_add(client->idle, handle);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *data) {
	g_byte_array_append(data, (const guint8 *)bytes, (guint)(size * n));
	return size * n;
}

static size_t take_header(char *line, size_t size, size_t n, void *data) {
	g_autofree char *text = g_strndup(line, size * n);
	char *colon = strchr(text, ':');
	if (colon) {
		*colon = '\0';
		wire_response_set_header(data, g_strstrip(text), g_strstrip(colon + 1));
	}
	return size * n;
}

static int check_cancelled(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
	return data && g_cancellable_is_cancelled(data);
}

static struct curl_slist *curl_headers(const WireRequest *request) {
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	if (!g_hash_table_contains(request->headers, "content-type"))
		list = curl_slist_append(list, "Content-Type:");
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, request->headers);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		g_autofree char *line = g_strdup_printf("%s: %s", (char *)name, (char *)value);
		list = curl_slist_append(list, line);
	}
	return list;
}

static WireResponse *exchange(
	WireClient *client, const char *url, const WireRequest *request, GError **error) {
	g_autoptr(WireResponse) response = wire_response_new(0);
	GByteArray *body = g_byte_array_new();
	struct curl_slist *headers = curl_headers(request);
	gsize length;
	const char *data = g_bytes_get_data(request->body, &length);
	CURL *handle = borrow_handle(client);
	curl_easy_reset(handle);
	curl_easy_setopt(handle, CURLOPT_URL, url);
	curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
	if (g_str_equal(request->method, "HEAD"))
		curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
	if (length > 0 || !g_str_equal(request->method, "HEAD")) {
		curl_easy_setopt(handle, CURLOPT_POSTFIELDS, data ? data : "");
		curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
	}
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 10L);
	curl_easy_setopt(handle, CURLOPT_TIMEOUT, 120L);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(handle, CURLOPT_HEADERDATA, response);
	curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, check_cancelled);
	curl_easy_setopt(handle, CURLOPT_XFERINFODATA, client->cancellable);
	if (client->endpoint_url)
		curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
	CURLcode code = curl_easy_perform(handle);
	long status = 0;
	curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
	return_handle(client, handle);
	curl_slist_free_all(headers);
	g_bytes_unref(response->body);
	response->body = g_byte_array_free_to_bytes(body);
	response->status = (int)status;
	if (code == CURLE_OK)
		return g_steal_pointer(&response);
	g_set_error(
		error, WIRE_ERROR, WIRE_ERROR_TRANSPORT, "%s: %s", url, curl_easy_strerror(code));
	return NULL;
}

/* ---- requests and answers by the model ---- */

static void fill_tokens(const WireShape *shape, Value *input) {
	for (guint i = 0; shape && i < shape->members->len; i++) {
		const Member *member = &g_array_index(shape->members, Member, i);
		if (!member->token || value_has(*input, member->name))
			continue;
		g_autofree char *uuid = g_uuid_string_random();
		*input = value_with_take(value_steal(input), member->name, value_string(uuid));
	}
}

static gboolean is_rest(const WireService *service) {
	return service->protocol == WIRE_PROTOCOL_REST_JSON ||
	       service->protocol == WIRE_PROTOCOL_REST_XML;
}

WireRequest *wire_encode_input(const WireOperation *operation, Value input, GError **error) {
	const WireService *service = operation->service;
	if (is_rest(service))
		return wire_rest_encode_input(operation, input, error);
	WireRequest *request = wire_request_new("POST", "/", "");
	g_autofree char *body = NULL;
	if (service->protocol == WIRE_PROTOCOL_JSON) {
		g_autofree char *target =
			g_strdup_printf("%s.%s", service->target_prefix, operation->name);
		g_autofree char *type =
			g_strdup_printf("application/x-amz-json-%s", service->json_version);
		wire_request_set_header(request, "x-amz-target", target);
		wire_request_set_header(request, "content-type", type);
		body = wire_json_encode(operation->input, input);
	} else if (service->protocol == WIRE_PROTOCOL_EC2 ||
		   service->protocol == WIRE_PROTOCOL_QUERY) {
		wire_request_set_header(request, "content-type",
			"application/x-www-form-urlencoded; charset=utf-8");
		body = wire_form_encode(operation, input);
	} else {
		g_set_error(error, WIRE_ERROR, WIRE_ERROR_MALFORMED,
			"the protocol of %s is not implemented by Terrarium", service->name);
		wire_request_free(request);
		return NULL;
	}
	g_bytes_unref(request->body);
	request->body = g_bytes_new(body, strlen(body));
	return request;
}

/* "com.amazonaws.ecs#ClusterNotFoundException:http://…" → the code alone. */
static char *plain_code(const char *code) {
	const char *hash = strrchr(code, '#');
	const char *start = hash ? hash + 1 : code;
	return g_strndup(start, strcspn(start, ":"));
}

static void json_error(
	const WireResponse *response, const char *text, gsize length, GError **error) {
	g_auto(Value) body = value_from_json(text, (gssize)length, NULL);
	const char *type = g_hash_table_lookup(response->headers, "x-amzn-errortype");
	if (!type)
		type = value_get_text(body, "__type");
	if (!type)
		type = value_get_text(body, "code");
	const char *message = value_get_text(body, "message");
	if (!message)
		message = value_get_text(body, "Message");
	g_autofree char *code = plain_code(type ? type : "UnknownError");
	wire_error_set_status(error, response->status, code, "%s", message ? message : "");
	if (error && *error)
		wire_error_set_members_take(*error, value_steal(&body));
}

static void answer_error(
	const WireOperation *operation, const WireResponse *response, GError **error) {
	gsize length;
	const char *text = g_bytes_get_data(response->body, &length);
	if (operation->service->protocol == WIRE_PROTOCOL_JSON ||
		operation->service->protocol == WIRE_PROTOCOL_REST_JSON) {
		json_error(response, text, length, error);
		return;
	}
	g_autofree char *code = NULL;
	g_autofree char *message = NULL;
	if (wire_xml_error(text ? text : "", length, &code, &message))
		wire_error_set_status(error, response->status, code, "%s", message ? message : "");
	else if (is_rest(operation->service) && response->status >= 300)
		/* Answers to HEAD have no body. */
		wire_error_set_status(error, response->status,
			response->status == 404	  ? "NotFound"
			: response->status == 403 ? "Forbidden"
			: response->status == 301 ? "PermanentRedirect"
						  : "BadRequest",
			"HTTP status %d", response->status);
	else
		g_set_error(error, WIRE_ERROR, WIRE_ERROR_MALFORMED,
			"HTTP status %d without an error that can be read", response->status);
}

Value wire_decode_output(
	const WireOperation *operation, const WireResponse *response, GError **error) {
	if (response->status < 200 || response->status >= 300) {
		answer_error(operation, response, error);
		return VALUE_NOTHING;
	}
	if (is_rest(operation->service))
		return wire_rest_decode_output(operation, response, error);
	gsize length;
	const char *text = g_bytes_get_data(response->body, &length);
	if (operation->service->protocol == WIRE_PROTOCOL_JSON)
		return wire_json_decode(operation->output, text ? text : "", length, error);
	gboolean ec2 = operation->service->protocol == WIRE_PROTOCOL_EC2;
	return wire_xml_decode(
		operation->output, operation->result_wrapper, text ? text : "", length, ec2, error);
}

/* ---- calls ---- */

static const char *endpoint_of(WireClient *client, const WireService *service, char **made) {
	const char *own = client->service_endpoints
				  ? g_hash_table_lookup(client->service_endpoints, service->name)
				  : NULL;
	if (own || client->endpoint_url)
		return own ? own : client->endpoint_url;
	/* IAM has one endpoint for all regions. */
	if (g_str_equal(service->endpoint_prefix, "iam"))
		*made = g_strdup("https://iam.amazonaws.com");
	else
		*made = g_strdup_printf(
			"https://%s.%s.amazonaws.com", service->endpoint_prefix, client->region);
	return *made;
}

static gboolean is_throttling(const char *code) {
	static const char *const codes[] = {"Throttling", "ThrottlingException",
		"ThrottledException", "RequestThrottledException", "TooManyRequestsException",
		"ProvisionedThroughputExceededException", "TransactionInProgressException",
		"RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException",
		"RequestThrottled", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException",
		NULL};
	return g_strv_contains(codes, code);
}

static gboolean may_retry(const GError *error) {
	if (error->domain != WIRE_ERROR || error->code == WIRE_ERROR_MALFORMED)
		return FALSE;
	if (error->code == WIRE_ERROR_TRANSPORT)
		return TRUE;
	int status = wire_error_status(error);
	return status == 500 || status == 502 || status == 503 || status == 504 ||
	       is_throttling(wire_error_code(error));
}

static Value call_once(
	WireClient *client, const WireOperation *operation, Value input, GError **error) {
	g_autoptr(WireRequest) request = wire_encode_input(operation, input, error);
	if (!request)
		return VALUE_NOTHING;
	g_autofree char *made = NULL;
	const char *endpoint = endpoint_of(client, operation->service, &made);
	g_autoptr(GUri) uri = g_uri_parse(endpoint, G_URI_FLAGS_NONE, error);
	if (!uri)
		return VALUE_NOTHING;
	int port = g_uri_get_port(uri);
	g_autofree char *host = port > 0 ? g_strdup_printf("%s:%d", g_uri_get_host(uri), port)
					 : g_strdup(g_uri_get_host(uri));
	wire_request_set_header(request, "host", host);
	wire_request_set_header(request, "user-agent", "terrarium/" TERRARIUM_VERSION);
	WireCredentials credentials = {client->access_key, client->secret_key, client->token};
	sigv4_sign(request, &credentials, client->region, operation->service->signing_name,
		g_get_real_time() / G_USEC_PER_SEC);
	g_autofree char *url = g_strdup_printf("%.*s%s%s%s", (int)strcspn(endpoint + 8, "/") + 8,
		endpoint, request->path, *request->query ? "?" : "", request->query);
	g_autoptr(WireResponse) response = exchange(client, url, request, error);
	return response ? wire_decode_output(operation, response, error) : VALUE_NOTHING;
}

Value wire_client_call(WireClient *client, const char *service_name, const char *name, Value input,
	GError **error) {
	const WireService *service = wire_service(service_name);
	const WireOperation *operation = service ? wire_operation(service, name) : NULL;
	if (!operation) {
		g_set_error(error, WIRE_ERROR, WIRE_ERROR_MALFORMED, "there is no model of %s:%s",
			service_name, name);
		return VALUE_NOTHING;
	}
	g_auto(Value) full = value_ref(input);
	fill_tokens(operation->input, &full);
	for (guint attempt = 1;; attempt++) {
		g_autoptr(GError) local = NULL;
		g_auto(Value) output = call_once(client, operation, full, &local);
		if (!local)
			return value_steal(&output);
		if (attempt >= client->max_attempts || !may_retry(local)) {
			g_propagate_error(error, g_steal_pointer(&local));
			return VALUE_NOTHING;
		}
		double longest = MIN(1 << attempt, LONGEST_BACKOFF_S);
		g_usleep((gulong)(g_random_double() * longest * G_USEC_PER_SEC / 4));
	}
}
