/* hashicorp/http: what a URL answers, over libcurl. */
#include <curl/curl.h>
#include <string.h>

#include "provider/plain/plain.h"

typedef struct {
	GByteArray *body;
	GHashTable *headers; /* name as Go writes it -> text */
} Answer;

static void answer_clear(Answer *answer) {
	g_byte_array_unref(answer->body);
	g_hash_table_unref(answer->headers);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)

static size_t take_body(char *bytes, size_t size, size_t n, void *data) {
	g_byte_array_append(((Answer *)data)->body, (const guint8 *)bytes, (guint)(size * n));
	return size * n;
}

/* "content-type" as "Content-Type". */
static char *header_name(const char *text, gsize length) {
	char *name = g_ascii_strdown(text, (gssize)length);
	for (char *at = name; *at; at++)
		if (at == name || at[-1] == '-')
			*at = g_ascii_toupper(*at);
	return name;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *data) {
	Answer *answer = data;
	g_autofree char *line = g_strndup(bytes, size * n);
	const char *colon = strchr(line, ':');
	if (g_str_has_prefix(line, "HTTP/"))
		g_hash_table_remove_all(answer->headers);
	if (!colon)
		return size * n;
	char *name = header_name(line, (gsize)(colon - line));
	char *value = g_strstrip(g_strdup(colon + 1));
	const char *before = g_hash_table_lookup(answer->headers, name);
	if (before) {
		char *joined = g_strdup_printf("%s, %s", before, value);
		g_free(value);
		value = joined;
	}
	g_hash_table_replace(answer->headers, name, value);
	return size * n;
}

static struct curl_slist *request_headers(Value wanted) {
	struct curl_slist *list = NULL;
	Value headers = value_get(wanted, "request_headers");
	for (gsize i = 0; i < value_length(headers); i++) {
		g_autofree char *line = g_strdup_printf("%s: %s", value_key_at(headers, i),
			value_text_or(value_at(headers, i), ""));
		list = curl_slist_append(list, line);
	}
	return list;
}

static void prepare(CURL *curl, Value wanted, Answer *answer) {
	const char *method = value_get_text(wanted, "method");
	Value body = value_get(wanted, "request_body");
	const char *authorities = value_get_text(wanted, "ca_cert_pem");
	curl_easy_setopt(curl, CURLOPT_URL, value_get_text(wanted, "url"));
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(
		curl, CURLOPT_TIMEOUT_MS, (long)value_get_int(wanted, "request_timeout_ms", 0));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
	if (g_strcmp0(method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (!value_is_null(body)) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)value_text_length(body));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, value_text(body));
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method ? method : "GET");
	} else if (g_strcmp0(method, "POST") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
	}
	if (value_get_bool(wanted, "insecure")) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (authorities) {
		struct curl_blob blob = {(void *)authorities, strlen(authorities), CURL_BLOB_COPY};
		curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
	}
}

/* One request; the status, or 0 with *problem (caller frees). */
static long ask(Value wanted, Answer *answer, char **problem) {
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = request_headers(wanted);
	long status = 0;
	prepare(curl, wanted, answer);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	CURLcode code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	else
		*problem = g_strdup(curl_easy_strerror(code));
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return status;
}

static Value describe(Value wanted, const Answer *answer, long status) {
	const GByteArray *body = answer->body;
	g_autoptr(ValueBuilder) headers = value_builder_new(VALUE_MAP, type_string());
	GHashTableIter iter;
	gpointer name, text;
	g_hash_table_iter_init(&iter, answer->headers);
	while (g_hash_table_iter_next(&iter, &name, &text))
		value_builder_set_take(headers, name, value_string(text));
	g_auto(Value) readable =
		value_string_take(g_utf8_make_valid((const char *)body->data, (gssize)body->len));
	Value made = value_with_take(value_ref(wanted), "id", value_ref(value_get(wanted, "url")));
	made = value_with_take(made, "body", value_ref(readable));
	made = value_with_take(made, "response_body", value_ref(readable));
	made = value_with_take(made, "response_body_base64",
		value_string_take(g_base64_encode(body->data, body->len)));
	made = value_with_take(
		made, "response_headers", value_builder_end(g_steal_pointer(&headers)));
	return value_with_take(made, "status_code", value_int(status));
}

/* Waits before the nth repetition: longer each time, between the block's bounds. */
static gboolean wait_to_repeat(Value retry, gint64 n, GCancellable *cancellable) {
	gint64 least = value_get_int(retry, "min_delay_ms", 1000);
	gint64 most = value_get_int(retry, "max_delay_ms", 30000);
	gint64 end = g_get_monotonic_time() + 1000 * MIN(MAX(most, least), least << MIN(n, 20));
	while (g_get_monotonic_time() < end) {
		if (cancellable && g_cancellable_is_cancelled(cancellable))
			return FALSE;
		g_usleep((gulong)CLAMP(end - g_get_monotonic_time(), 0, 50000));
	}
	return TRUE;
}

static Value read_http(Value wanted, GCancellable *cancellable, Diags *diags) {
	Value retry = value_get(wanted, "retry");
	gint64 attempts = value_get_int(retry, "attempts", 0);
	for (gint64 n = 0;; n++) {
		g_auto(Answer) answer = {g_byte_array_new(),
			g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
		g_autofree char *problem = NULL;
		long status = ask(wanted, &answer, &problem);
		gboolean again = problem || (status >= 500 && status != 501) || status == 429;
		if (again && n < attempts && wait_to_repeat(retry, n, cancellable))
			continue;
		if (problem)
			return plain_fail(diags, "Error making request", "%s: %s",
				value_get_text(wanted, "url"), problem);
		g_byte_array_append(answer.body, (const guint8 *)"", 1);
		g_byte_array_set_size(answer.body, answer.body->len - 1);
		return describe(wanted, &answer, status);
	}
}

static const PlainType types[] = {
	{"http", .is_data = TRUE, .create = read_http},
	{NULL},
};

PLAIN_PROVIDER(http, "3.5.0", types);
