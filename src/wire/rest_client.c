/* The client's end of the REST protocols. S3's buckets always stand in the path. See rest.h. */
#include <string.h>

#include "wire/rest.h"

/* ---- requests ---- */

static void append_escaped(GString *out, const char *text, gboolean greedy) {
	g_string_append_uri_escaped(out, text, greedy ? "/" : NULL, FALSE);
}

/* The value of the label "{Key+}" in a path. */
static gboolean append_label(
	GString *out, const WireShape *shape, Value input, const char *label, GError **error) {
	gboolean greedy = g_str_has_suffix(label, "+");
	g_autofree char *name = g_strndup(label, strlen(label) - (greedy ? 1 : 0));
	for (guint i = 0; shape && i < shape->members->len; i++) {
		const Member *member = &g_array_index(shape->members, Member, i);
		if (member->location != LOCATION_URI ||
			g_strcmp0(member->location_name ? member->location_name : member->name,
				name) != 0)
			continue;
		g_autofree char *text =
			wire_rest_text_of_value(member, value_get(input, member->name));
		if (*text) {
			append_escaped(out, text, greedy);
			return TRUE;
		}
	}
	wire_error_set(error, "ValidationException", "the request needs %s", name);
	return FALSE;
}

static char *path_of(const WireOperation *operation, Value input, GError **error) {
	g_autoptr(GString) out = g_string_new(NULL);
	for (const char *at = operation->uri; *at && *at != '?'; at++) {
		const char *end = *at == '{' ? strchr(at, '}') : NULL;
		if (!end) {
			g_string_append_c(out, *at);
			continue;
		}
		g_autofree char *label = g_strndup(at + 1, (gsize)(end - at - 1));
		if (!append_label(out, operation->input, input, label, error))
			return NULL;
		at = end;
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static void append_parameter(GString *out, const char *name, const char *text) {
	if (out->len > 0)
		g_string_append_c(out, '&');
	append_escaped(out, name, FALSE);
	g_string_append_c(out, '=');
	append_escaped(out, text, FALSE);
}

static void append_member(GString *out, const Member *member, Value value) {
	const char *name = member->location_name ? member->location_name : member->name;
	if (member->shape->type == SHAPE_LIST || member->shape->type == SHAPE_MAP) {
		for (gsize i = 0; i < value_length(value); i++) {
			g_autofree char *text = wire_rest_text_of_value(
				&member->shape->element, value_at(value, i));
			append_parameter(out,
				member->shape->type == SHAPE_MAP ? value_key_at(value, i) : name,
				text);
		}
		return;
	}
	g_autofree char *text = wire_rest_text_of_value(member, value);
	append_parameter(out, name, text);
}

static char *query_of(const WireOperation *operation, Value input) {
	const char *question = strchr(operation->uri, '?');
	GString *out = g_string_new(question ? question + 1 : "");
	for (guint i = 0; operation->input && i < operation->input->members->len; i++) {
		const Member *member = &g_array_index(operation->input->members, Member, i);
		Value value = value_get(input, member->name);
		if (member->location == LOCATION_QUERY && !value_is_null(value))
			append_member(out, member, value);
	}
	return g_string_free(out, FALSE);
}

static void set_header(gpointer message, const char *name, const char *value) {
	wire_request_set_header(message, name, value);
}

/* S3 wants a digest of what its settings are made of. */
static void set_digest(WireRequest *request) {
	gsize length;
	const void *bytes = g_bytes_get_data(request->body, &length);
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_MD5);
	guint8 digest[16];
	gsize size = sizeof digest;
	g_checksum_update(checksum, bytes, (gssize)length);
	g_checksum_get_digest(checksum, digest, &size);
	g_autofree char *text = g_base64_encode(digest, size);
	wire_request_set_header(request, "content-md5", text);
}

WireRequest *wire_rest_encode_input(const WireOperation *operation, Value input, GError **error) {
	g_autofree char *path = path_of(operation, input, error);
	if (!path)
		return NULL;
	g_autofree char *query = query_of(operation, input);
	g_autoptr(WireRequest) request = wire_request_new(operation->method, path, query);
	wire_rest_write_headers(operation->input, input, set_header, request);
	const char *type;
	g_bytes_unref(request->body);
	request->body = wire_rest_write_body(operation->service, operation->input, input,
		operation->input_name ? operation->input_name
		: operation->input    ? operation->input->name
				      : "",
		operation->input_namespace, &type);
	if (type)
		wire_request_set_header(request, "content-type", type);
	if (type && g_str_equal(operation->service->name, "s3"))
		set_digest(request);
	return g_steal_pointer(&request);
}

/* ---- answers ---- */

Value wire_rest_decode_output(
	const WireOperation *operation, const WireResponse *response, GError **error) {
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	const WireShape *shape = operation->output;
	if (!wire_rest_read_headers(shape, response->headers, object, error) ||
		!wire_rest_read_body(operation->service, shape, response->body, object, error))
		return VALUE_NOTHING;
	for (guint i = 0; shape && i < shape->members->len; i++) {
		const Member *member = &g_array_index(shape->members, Member, i);
		if (member->location == LOCATION_STATUS)
			value_builder_set_take(object, member->name, value_int(response->status));
	}
	g_auto(Value) output = value_builder_end(g_steal_pointer(&object));
	/* The one answer whose outermost element is the member itself. */
	if (g_str_equal(operation->name, "GetBucketLocation")) {
		gsize length;
		const char *text = g_bytes_get_data(response->body, &length);
		g_autofree char *place = wire_xml_root_text(text ? text : "", length);
		if (place && *place)
			return value_object_take("LocationConstraint", value_string(place), NULL);
		return value_empty_object();
	}
	return value_steal(&output);
}
