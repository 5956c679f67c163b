/* The JSON protocols' bodies. Timestamps are epoch seconds, blobs Base64 (AWS JSON 1.0 and 1.1). */
#include <stdio.h>
#include <string.h>

#include "value/json.h"
#include "wire/codec.h"

static Value decode(const WireShape *shape, Value json, GString *path, GError **error);

static Value mistyped(GString *path, const char *expected, GError **error) {
	if (!*error)
		wire_error_set(error, "SerializationException", "%s can not be converted to %s",
			path->len > 0 ? path->str : "the value", expected);
	return VALUE_NOTHING;
}

static Value decode_structure(const WireShape *shape, Value json, GString *path, GError **error) {
	if (!value_is_mapping(json))
		return mistyped(path, "an object", error);
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, json); value_iter_next(&iter, &key, &element) && !*error;) {
		const Member *member = NULL;
		for (guint i = 0; i < shape->members->len && !member; i++) {
			const Member *each = &g_array_index(shape->members, Member, i);
			if (g_str_equal(
				    each->location_name ? each->location_name : each->name, key))
				member = each;
		}
		if (!member || value_is_null(element))
			continue;
		gsize before = path->len;
		g_string_append_printf(path, "%s%s", before > 0 ? "." : "", key);
		value_builder_set_take(
			object, member->name, decode(member->shape, element, path, error));
		g_string_truncate(path, before);
	}
	return value_builder_end(g_steal_pointer(&object));
}

static Value decode_list(const WireShape *shape, Value json, GString *path, GError **error) {
	if (!value_is_sequence(json))
		return mistyped(path, "a list", error);
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(json) && !*error; i++)
		value_builder_add_take(
			list, decode(shape->element.shape, value_at(json, i), path, error));
	return value_builder_end(g_steal_pointer(&list));
}

static Value decode_map(const WireShape *shape, Value json, GString *path, GError **error) {
	if (!value_is_mapping(json))
		return mistyped(path, "a map", error);
	g_autoptr(ValueBuilder) map = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, json); value_iter_next(&iter, &key, &element) && !*error;)
		value_builder_set_take(
			map, key, decode(shape->element.shape, element, path, error));
	return value_builder_end(g_steal_pointer(&map));
}

static Value decode_blob(Value json, GString *path, GError **error) {
	if (!value_text(json))
		return mistyped(path, "a blob", error);
	gsize size;
	g_autofree guchar *bytes = g_base64_decode(value_text(json), &size);
	return value_string_sized((const char *)bytes, size);
}

static Value decode_scalar(const WireShape *shape, Value json, GString *path, GError **error) {
	ValueKind kind = value_kind(json);
	switch (shape->type) {
	case SHAPE_STRING:
		return kind == VALUE_STRING ? value_ref(json) : mistyped(path, "a string", error);
	case SHAPE_INTEGER:
		if (kind == VALUE_NUMBER)
			return value_is_integer(json) ? value_ref(json) : value_floor(json);
		return mistyped(path, "an integer", error);
	case SHAPE_FLOAT:
		return kind == VALUE_NUMBER ? value_ref(json) : mistyped(path, "a number", error);
	case SHAPE_BOOLEAN:
		return kind == VALUE_BOOL ? value_ref(json) : mistyped(path, "a boolean", error);
	case SHAPE_TIMESTAMP: {
		g_auto(Value) time =
			kind == VALUE_STRING ? wire_time_parse(value_text(json)) : value_ref(json);
		return value_kind(time) == VALUE_NUMBER ? value_steal(&time)
							: mistyped(path, "a timestamp", error);
	}
	default:
		return decode_blob(json, path, error);
	}
}

static Value decode(const WireShape *shape, Value json, GString *path, GError **error) {
	if (shape->document)
		return value_ref(json);
	switch (shape->type) {
	case SHAPE_STRUCTURE:
		return decode_structure(shape, json, path, error);
	case SHAPE_LIST:
		return decode_list(shape, json, path, error);
	case SHAPE_MAP:
		return decode_map(shape, json, path, error);
	default:
		return decode_scalar(shape, json, path, error);
	}
}

Value wire_json_decode(const WireShape *shape, const char *text, gsize length, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) json =
		length > 0 ? value_from_json(text, (gssize)length, &local) : value_empty_object();
	if (local) {
		wire_error_set(error, "SerializationException", "the body is not valid JSON: %s",
			local->message);
		return VALUE_NOTHING;
	}
	if (!shape || value_is_null(json))
		return value_empty_object();
	g_autoptr(GString) path = g_string_new(NULL);
	g_autoptr(GError) problem = NULL;
	g_auto(Value) value = decode(shape, json, path, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return VALUE_NOTHING;
	}
	return value_steal(&value);
}

/* ---- writing ---- */

static Value encode(const WireShape *shape, Value value);

static Value encode_structure(const WireShape *shape, Value value) {
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		const Member *member = wire_member(shape, key);
		if (!member)
			g_critical("%s has no member %s", shape->name, key);
		else if (!value_is_null(element))
			value_builder_set_take(object,
				member->location_name ? member->location_name : key,
				encode(member->shape, element));
	}
	return value_builder_end(g_steal_pointer(&object));
}

static Value encode_elements(const WireShape *shape, Value value) {
	gboolean map = shape->type == SHAPE_MAP;
	g_autoptr(ValueBuilder) all = value_builder_new(map ? VALUE_OBJECT : VALUE_TUPLE, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		if (map)
			value_builder_set_take(
				all, key ? key : "", encode(shape->element.shape, element));
		else
			value_builder_add_take(all, encode(shape->element.shape, element));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value encode(const WireShape *shape, Value value) {
	if (shape->document)
		return value_ref(value);
	switch (shape->type) {
	case SHAPE_STRUCTURE:
		return encode_structure(shape, value);
	case SHAPE_LIST:
	case SHAPE_MAP:
		return encode_elements(shape, value);
	case SHAPE_BLOB:
		return value_string_take(g_base64_encode(
			(const guchar *)value_text_or(value, ""), value_text_length(value)));
	case SHAPE_TIMESTAMP: {
		const char *format = shape->timestamp_format;
		if (g_strcmp0(format, "iso8601") == 0)
			return value_string_take(wire_time_iso8601(value_to_double(value, 0)));
		return value_ref(value);
	}
	default:
		return value_ref(value);
	}
}

char *wire_json_encode(const WireShape *shape, Value value) {
	g_auto(Value) json = shape ? encode(shape, value) : value_empty_object();
	return value_to_json(json, VALUE_JSON_COMPACT);
}

/* ---- timestamps ---- */

char *wire_time_iso8601(double seconds) {
	gint64 milliseconds = (gint64)(seconds * 1000 + 0.5);
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(milliseconds / 1000);
	g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
	return g_strdup_printf("%s.%03dZ", text, (int)(milliseconds % 1000));
}

/* Names of days and months as HTTP has them, whatever the locale is. */
static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

char *wire_time_http(double seconds) {
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64)seconds);
	if (!time)
		return g_strdup("");
	g_autofree char *clock = g_date_time_format(time, "%Y %H:%M:%S GMT");
	return g_strdup_printf("%s, %02d %s %s", days[g_date_time_get_day_of_week(time) - 1],
		g_date_time_get_day_of_month(time), months[g_date_time_get_month(time) - 1], clock);
}

static Value parse_http_time(const char *text) {
	int day, year, hour, minute, second;
	char month[4];
	const char *comma = strchr(text, ',');
	if (!comma || sscanf(comma + 1, "%d %3s %d %d:%d:%d", &day, month, &year, &hour, &minute,
			      &second) != 6)
		return VALUE_NOTHING;
	for (int i = 0; i < 12; i++) {
		if (!g_str_equal(months[i], month))
			continue;
		g_autoptr(GDateTime) time =
			g_date_time_new_utc(year, i + 1, day, hour, minute, second);
		return time ? value_int(g_date_time_to_unix(time)) : VALUE_NOTHING;
	}
	return VALUE_NOTHING;
}

Value wire_time_parse(const char *text) {
	g_auto(Value) number = value_number_parse(text);
	if (!value_is_null(number))
		return value_steal(&number);
	if (strchr(text, ','))
		return parse_http_time(text);
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, utc);
	if (!time)
		return VALUE_NOTHING;
	return value_double(
		(double)g_date_time_to_unix(time) + g_date_time_get_microsecond(time) / 1e6);
}
