/* What is common to both ends of the REST protocols: values in paths, queries, headers and bodies.
 * See rest.h. */
#include "wire/rest.h"

#include <string.h>

#include "value/json.h"

/* ---- texts ---- */

/* Timestamps in headers are those of HTTP, elsewhere ISO 8601. */
static const char *timestamp_format(const Member *member) {
	if (member->timestamp_format)
		return member->timestamp_format;
	if (member->shape->timestamp_format)
		return member->shape->timestamp_format;
	return member->location == LOCATION_HEADER ? "rfc822" : "iso8601";
}

static Value list_of_text(const Member *member, const char *text, GError **error) {
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	for (char **part = parts; *part && !*error; part++)
		value_builder_add_take(list,
			wire_rest_value_of_text(&member->shape->element, g_strstrip(*part), error));
	return value_builder_end(g_steal_pointer(&list));
}

static Value not_a(const Member *member, const char *what, GError **error) {
	wire_error_set(error, "InvalidArgument", "Provided %s not %s",
		member->location_name ? member->location_name : "value", what);
	return VALUE_NOTHING;
}

Value wire_rest_value_of_text(const Member *member, const char *text, GError **error) {
	switch (member->shape->type) {
	case SHAPE_BOOLEAN:
		if (g_ascii_strcasecmp(text, "true") == 0)
			return value_bool(TRUE);
		return g_ascii_strcasecmp(text, "false") == 0 ? value_bool(FALSE)
							      : not_a(member, "a boolean", error);
	case SHAPE_INTEGER:
	case SHAPE_FLOAT: {
		Value number = value_number_parse(text);
		gboolean fine = member->shape->type == SHAPE_FLOAT ? !value_is_null(number)
								   : value_is_integer(number);
		if (fine)
			return number;
		value_clear(&number);
		return not_a(member, "an integer or within integer range", error);
	}
	case SHAPE_TIMESTAMP: {
		Value time = wire_time_parse(text);
		return value_is_null(time) ? not_a(member, "a timestamp", error) : time;
	}
	case SHAPE_LIST:
		return list_of_text(member, text, error);
	case SHAPE_BLOB: {
		gsize size;
		g_autofree guchar *bytes = g_base64_decode(text, &size);
		return value_string_sized((const char *)bytes, size);
	}
	default: {
		/* Headers may bring Latin-1. */
		g_autofree char *valid =
			g_utf8_validate(text, -1, NULL)
				? NULL
				: g_convert(text, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
		return value_string(valid ? valid : text);
	}
	}
}

char *wire_rest_text_of_value(const Member *member, Value value) {
	if (value_kind(value) == VALUE_BOOL)
		return g_strdup(value_to_bool(value) ? "true" : "false");
	if (member->shape->type == SHAPE_TIMESTAMP) {
		const char *format = timestamp_format(member);
		double seconds = value_to_double(value, 0);
		if (g_str_equal(format, "rfc822"))
			return wire_time_http(seconds);
		if (g_str_equal(format, "iso8601"))
			return wire_time_iso8601(seconds);
		return value_number_to_string(value);
	}
	if (value_kind(value) == VALUE_NUMBER)
		return value_number_to_string(value);
	if (member->shape->type == SHAPE_BLOB)
		return g_base64_encode(
			(const guchar *)value_text_or(value, ""), value_text_length(value));
	if (member->shape->type == SHAPE_LIST) {
		GString *all = g_string_new(NULL);
		for (gsize i = 0; i < value_length(value); i++) {
			g_autofree char *one = wire_rest_text_of_value(
				&member->shape->element, value_at(value, i));
			g_string_append_printf(all, "%s%s", i ? "," : "", one);
		}
		return g_string_free(all, FALSE);
	}
	return g_strdup(value_text_or(value, ""));
}

/* ---- headers ---- */

static void read_header_map(const Member *member, GHashTable *headers, ValueBuilder *object) {
	g_autoptr(ValueBuilder) map = value_builder_new(VALUE_OBJECT, NULL);
	const Member plain = {.shape = member->shape->element.shape};
	g_autofree char *prefix =
		g_ascii_strdown(member->location_name ? member->location_name : "", -1);
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, headers);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (g_str_has_prefix(name, prefix) && ((char *)name)[strlen(prefix)])
			value_builder_set_take(map, (char *)name + strlen(prefix),
				wire_rest_value_of_text(&plain, value, NULL));
	if (value_builder_length(map) > 0)
		value_builder_set_take(
			object, member->name, value_builder_end(g_steal_pointer(&map)));
}

gboolean wire_rest_read_headers(
	const WireShape *shape, GHashTable *headers, ValueBuilder *object, GError **error) {
	g_autoptr(GError) local = NULL;
	for (guint i = 0; shape && i < shape->members->len && !local; i++) {
		const Member *member = &g_array_index(shape->members, Member, i);
		if (member->location == LOCATION_HEADERS)
			read_header_map(member, headers, object);
		if (member->location != LOCATION_HEADER)
			continue;
		g_autofree char *name = g_ascii_strdown(
			member->location_name ? member->location_name : member->name, -1);
		const char *text = g_hash_table_lookup(headers, name);
		if (text)
			value_builder_set_take(object, member->name,
				wire_rest_value_of_text(member, text, &local));
	}
	if (local)
		g_propagate_error(error, g_steal_pointer(&local));
	return !error || !*error;
}

void wire_rest_write_headers(
	const WireShape *shape, Value value, WireRestSetHeader set, gpointer message) {
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		const Member *member = wire_member(shape, key);
		if (!member || value_is_null(element))
			continue;
		const char *name = member->location_name ? member->location_name : member->name;
		if (member->location == LOCATION_HEADER) {
			g_autofree char *text = wire_rest_text_of_value(member, element);
			set(message, name, text);
		}
		for (gsize i = 0; member->location == LOCATION_HEADERS && i < value_length(element);
			i++) {
			g_autofree char *full = g_strconcat(
				member->location_name ? name : "", value_key_at(element, i), NULL);
			set(message, full, value_text_or(value_at(element, i), ""));
		}
	}
}

/* ---- bodies ---- */

gboolean wire_rest_has_body_members(const WireShape *shape) {
	for (guint i = 0; shape && i < shape->members->len; i++)
		if (g_array_index(shape->members, Member, i).location == LOCATION_BODY)
			return TRUE;
	return FALSE;
}

Value wire_rest_body_members(const WireShape *shape, Value value) {
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		const Member *member = wire_member(shape, key);
		if (!member)
			g_critical("%s has no member %s", shape->name, key);
		else if (member->location == LOCATION_BODY)
			value_builder_set_take(object, key, value_ref(element));
	}
	return value_builder_end(g_steal_pointer(&object));
}

static Value decode_document(const WireService *service, const WireShape *shape, const char *text,
	gsize length, GError **error) {
	if (service->protocol == WIRE_PROTOCOL_REST_JSON)
		return wire_json_decode(shape, text, length, error);
	g_autoptr(GError) local = NULL;
	Value value = wire_xml_decode(shape, NULL, text, length, FALSE, &local);
	if (local)
		wire_error_set(error, "MalformedXML",
			"The XML you provided was not well-formed or did not validate against our "
			"published schema");
	return value;
}

gboolean wire_rest_read_body(const WireService *service, const WireShape *shape, GBytes *body,
	ValueBuilder *object, GError **error) {
	gsize length;
	const char *text = g_bytes_get_data(body, &length);
	if (!shape || length == 0)
		return TRUE;
	g_autoptr(GError) local = NULL;
	const Member *payload = shape->payload ? wire_member(shape, shape->payload) : NULL;
	if (payload && payload->shape->type == SHAPE_STRUCTURE) {
		value_builder_set_take(object, payload->name,
			decode_document(service, payload->shape, text, length, &local));
	} else if (payload) {
		value_builder_set_take(object, payload->name, value_string_sized(text, length));
	} else if (wire_rest_has_body_members(shape)) {
		g_auto(Value) members = decode_document(service, shape, text, length, &local);
		for (gsize i = 0; i < value_length(members); i++) {
			const char *key = value_key_at(members, i);
			const Member *member = wire_member(shape, key);
			if (member && member->location == LOCATION_BODY)
				value_builder_set_take(
					object, key, value_ref(value_at(members, i)));
		}
	}
	if (!local)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static GBytes *xml_document(
	const WireShape *shape, Value value, const char *root, const char *namespace) {
	GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	g_string_append_printf(out, "<%s", root);
	if (namespace)
		g_string_append_printf(out, " xmlns=\"%s\"", namespace);
	g_string_append_c(out, '>');
	wire_xml_encode(out, shape, value, FALSE);
	g_string_append_printf(out, "</%s>", root);
	return g_string_free_to_bytes(out);
}

static GBytes *json_document(const WireShape *shape, Value value) {
	char *text = wire_json_encode(shape, value);
	return g_bytes_new_take(text, strlen(text));
}

GBytes *wire_rest_write_body(const WireService *service, const WireShape *shape, Value value,
	const char *root, const char *namespace, const char **type) {
	gboolean json = service->protocol == WIRE_PROTOCOL_REST_JSON;
	const char *document_type = json ? "application/json" : "application/xml";
	const Member *payload = shape && shape->payload ? wire_member(shape, shape->payload) : NULL;
	Value body = payload ? value_get(value, payload->name) : VALUE_NOTHING;
	*type = NULL;
	if (payload && value_is_null(body))
		return g_bytes_new_static("", 0);
	if (payload && payload->shape->type != SHAPE_STRUCTURE)
		return g_bytes_new(value_text_or(body, ""), value_text_length(body));
	if (!payload && !wire_rest_has_body_members(shape))
		return g_bytes_new_static("", 0);
	*type = document_type;
	if (payload && json)
		return json_document(payload->shape, body);
	if (payload)
		return xml_document(payload->shape, body,
			payload->location_name ? payload->location_name : payload->shape->name,
			payload->xml_namespace ? payload->xml_namespace : namespace);
	g_auto(Value) members = wire_rest_body_members(shape, value);
	return json ? json_document(shape, members) : xml_document(shape, members, root, namespace);
}
