/* Requests, responses and errors of the wire. */
#include <string.h>
#include <unistd.h>

#include "wire/wire.h"

/* ---- messages ---- */

WireRequest *wire_request_new(const char *method, const char *path, const char *query) {
	WireRequest *request = g_new0(WireRequest, 1);
	request->method = g_strdup(method);
	request->path = g_strdup(path);
	request->query = g_strdup(query ? query : "");
	request->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	request->body = g_bytes_new_static("", 0);
	return request;
}

void wire_request_free(WireRequest *request) {
	if (!request)
		return;
	g_free(request->method);
	g_free(request->path);
	g_free(request->query);
	g_free(request->peer);
	g_free(request->vpc);
	g_hash_table_unref(request->headers);
	g_bytes_unref(request->body);
	g_free(request);
}

WireResponse *wire_response_new(int status) {
	WireResponse *response = g_new0(WireResponse, 1);
	response->status = status;
	response->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	response->body = g_bytes_new_static("", 0);
	response->file = -1;
	return response;
}

void wire_response_free(WireResponse *response) {
	if (!response)
		return;
	g_hash_table_unref(response->headers);
	g_bytes_unref(response->body);
	if (response->file >= 0)
		close(response->file);
	g_free(response);
}

void wire_request_set_header(WireRequest *request, const char *name, const char *value) {
	g_hash_table_insert(request->headers, g_ascii_strdown(name, -1), g_strdup(value));
}

void wire_response_set_header(WireResponse *response, const char *name, const char *value) {
	g_hash_table_insert(response->headers, g_ascii_strdown(name, -1), g_strdup(value));
}

void wire_response_set_body(
	WireResponse *response, const char *content_type, const void *bytes, gsize length) {
	wire_response_set_header(response, "content-type", content_type);
	g_bytes_unref(response->body);
	response->body = g_bytes_new(bytes, length);
}

void wire_response_take_file(WireResponse *response, int fd, goffset offset, goffset length) {
	response->file = fd;
	response->file_offset = offset;
	response->file_length = length;
}

/* ---- errors ---- */

typedef struct {
	char *code;
	int status;
	Value members;
} WireErrorPrivate;

static void wire_error_private_init(WireErrorPrivate *private) {
	*private = (WireErrorPrivate){0};
}

static void wire_error_private_copy(const WireErrorPrivate *from, WireErrorPrivate *to) {
	to->code = g_strdup(from->code);
	to->status = from->status;
	to->members = value_ref(from->members);
}

static void wire_error_private_clear(WireErrorPrivate *private) {
	g_free(private->code);
	value_clear(&private->members);
}

G_DEFINE_EXTENDED_ERROR(WireError, wire_error)

static void G_GNUC_PRINTF(4, 0) set_error(
	GError **error, int status, const char *code, const char *format, va_list arguments) {
	if (!error)
		return;
	g_return_if_fail(!*error);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	*error = g_error_new_literal(
		WIRE_ERROR, status >= 500 ? WIRE_ERROR_RECEIVER : WIRE_ERROR_SENDER, message);
	WireErrorPrivate *private = wire_error_get_private(*error);
	private->code = g_strdup(code);
	private->status = status;
}

void wire_error_set(GError **error, const char *code, const char *message, ...) {
	va_list arguments;
	va_start(arguments, message);
	set_error(error, 0, code, message, arguments);
	va_end(arguments);
}

void wire_error_set_status(GError **error, int status, const char *code, const char *message, ...) {
	va_list arguments;
	va_start(arguments, message);
	set_error(error, status, code, message, arguments);
	va_end(arguments);
}

const char *wire_error_code(const GError *error) {
	if (error->domain != WIRE_ERROR)
		return "";
	const WireErrorPrivate *private = wire_error_get_private(error);
	return private->code ? private->code : "";
}

int wire_error_status(const GError *error) {
	return error->domain == WIRE_ERROR ? wire_error_get_private(error)->status : 0;
}

Value wire_error_members(const GError *error) {
	return error->domain == WIRE_ERROR ? wire_error_get_private(error)->members : VALUE_NOTHING;
}

void wire_error_set_members_take(GError *error, Value members) {
	g_return_if_fail(error->domain == WIRE_ERROR);
	WireErrorPrivate *private = wire_error_get_private(error);
	value_clear(&private->members);
	private->members = members;
}
