/*
 * The forms of the query and ec2 protocols: names with dots and numbers for what is nested.
 *   query: Tags.member.1.Key (or the element's own name), Attributes.entry.1.key
 *   ec2:   Filter.1.Value.1: lists are always flat, names begin with a capital
 */
#include <string.h>

#include "wire/codec.h"

GHashTable *wire_form_parse(const char *text, gsize length) {
	GHashTable *form = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *copy = g_strndup(text, length);
	g_auto(GStrv) pairs = g_strsplit(copy, "&", -1);
	for (char **pair = pairs; *pair; pair++) {
		if (!**pair)
			continue;
		g_strdelimit(*pair, "+", ' ');
		char *equals = strchr(*pair, '=');
		if (equals)
			*equals = '\0';
		char *name = g_uri_unescape_string(*pair, NULL);
		char *value = g_uri_unescape_string(equals ? equals + 1 : "", NULL);
		if (name && value) {
			g_hash_table_insert(form, name, value);
		} else {
			g_free(name);
			g_free(value);
		}
	}
	return form;
}

/* ---- names ---- */

static char *capitalised(const char *name) {
	char *text = g_strdup(name);
	text[0] = g_ascii_toupper(text[0]);
	return text;
}

/* A member's name in a form. */
static char *form_name(const Member *member, gboolean ec2) {
	if (ec2 && member->query_name)
		return g_strdup(member->query_name);
	if (ec2)
		return capitalised(member->location_name ? member->location_name : member->name);
	gboolean flat_list = member->shape->type == SHAPE_LIST &&
			     (member->flattened || member->shape->flattened) &&
			     member->shape->element.location_name;
	if (flat_list)
		return g_strdup(member->shape->element.location_name);
	return g_strdup(member->location_name ? member->location_name : member->name);
}

/* What stands between a list's name and the number: ".member", or nothing. */
static char *element_prefix(const Member *member, const char *prefix, gboolean ec2) {
	const WireShape *shape = member->shape;
	if (ec2 || member->flattened || shape->flattened)
		return g_strdup(prefix);
	if (shape->type == SHAPE_MAP)
		return g_strdup_printf("%s.entry", prefix);
	const char *name = shape->element.location_name;
	return g_strdup_printf("%s.%s", prefix, name ? name : "member");
}

/* ---- reading ---- */

static Value decode(const Member *member, GHashTable *form, const char *prefix, gboolean ec2,
	gboolean *found, GError **error);

/* Whether any name of the form is `prefix` or goes on behind it with a dot. */
static gboolean has_prefix(GHashTable *form, const char *prefix) {
	gsize length = strlen(prefix);
	GHashTableIter iter;
	gpointer name;
	g_hash_table_iter_init(&iter, form);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (strncmp(name, prefix, length) == 0 &&
			(((char *)name)[length] == '.' || ((char *)name)[length] == '\0'))
			return TRUE;
	return FALSE;
}

static Value decode_members(const WireShape *shape, GHashTable *form, const char *prefix,
	gboolean ec2, GError **error) {
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	for (guint i = 0; i < shape->members->len && !*error; i++) {
		const Member *member = &g_array_index(shape->members, Member, i);
		g_autofree char *name = form_name(member, ec2);
		g_autofree char *path =
			*prefix ? g_strdup_printf("%s.%s", prefix, name) : g_strdup(name);
		gboolean found = FALSE;
		Value value = decode(member, form, path, ec2, &found, error);
		if (found)
			value_builder_set_take(object, member->name, value);
	}
	return value_builder_end(g_steal_pointer(&object));
}

static Value decode_list(
	const Member *member, GHashTable *form, const char *prefix, gboolean ec2, GError **error) {
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *base = element_prefix(member, prefix, ec2);
	for (guint i = 1; !*error; i++) {
		g_autofree char *path = g_strdup_printf("%s.%u", base, i);
		gboolean found = FALSE;
		Value value = decode(&member->shape->element, form, path, ec2, &found, error);
		if (!found)
			break;
		value_builder_add_take(list, value);
	}
	return value_builder_end(g_steal_pointer(&list));
}

static Value decode_map(
	const Member *member, GHashTable *form, const char *prefix, gboolean ec2, GError **error) {
	g_autoptr(ValueBuilder) map = value_builder_new(VALUE_OBJECT, NULL);
	g_autofree char *base = element_prefix(member, prefix, ec2);
	const WireShape *shape = member->shape;
	const char *key_name = shape->key.location_name ? shape->key.location_name : "key";
	const char *value_name =
		shape->element.location_name ? shape->element.location_name : "value";
	for (guint i = 1; !*error; i++) {
		g_autofree char *key_path = g_strdup_printf("%s.%u.%s", base, i, key_name);
		g_autofree char *value_path = g_strdup_printf("%s.%u.%s", base, i, value_name);
		const char *key = g_hash_table_lookup(form, key_path);
		gboolean found = FALSE;
		if (!key)
			break;
		value_builder_set_take(
			map, key, decode(&shape->element, form, value_path, ec2, &found, error));
	}
	return value_builder_end(g_steal_pointer(&map));
}

static Value decode_text(
	const WireShape *shape, const char *path, const char *text, GError **error) {
	switch (shape->type) {
	case SHAPE_BOOLEAN:
		if (g_ascii_strcasecmp(text, "true") == 0 || g_str_equal(text, "1"))
			return value_bool(TRUE);
		if (g_ascii_strcasecmp(text, "false") == 0 || g_str_equal(text, "0"))
			return value_bool(FALSE);
		wire_error_set(error, "InvalidParameterValue",
			"Invalid value '%s' for %s: true or false", text, path);
		return VALUE_NOTHING;
	case SHAPE_INTEGER:
	case SHAPE_FLOAT: {
		Value number = value_number_parse(text);
		if (value_is_null(number))
			wire_error_set(error, "InvalidParameterValue",
				"Invalid value '%s' for %s: a number", text, path);
		return number;
	}
	case SHAPE_TIMESTAMP: {
		Value time = wire_time_parse(text);
		if (value_is_null(time))
			wire_error_set(error, "InvalidParameterValue",
				"Invalid value '%s' for %s: a timestamp", text, path);
		return time;
	}
	case SHAPE_BLOB: {
		gsize size;
		g_autofree guchar *bytes = g_base64_decode(text, &size);
		return value_string_sized((const char *)bytes, size);
	}
	default:
		return value_string(text);
	}
}

static Value decode(const Member *member, GHashTable *form, const char *prefix, gboolean ec2,
	gboolean *found, GError **error) {
	const WireShape *shape = member->shape;
	const char *text = g_hash_table_lookup(form, prefix);
	gboolean nested = shape->type <= SHAPE_MAP;
	*found = nested ? has_prefix(form, prefix) : text != NULL;
	if (!*found)
		return VALUE_NOTHING;
	if (shape->type == SHAPE_STRUCTURE)
		return decode_members(shape, form, prefix, ec2, error);
	if (shape->type == SHAPE_LIST)
		return decode_list(member, form, prefix, ec2, error);
	if (shape->type == SHAPE_MAP)
		return decode_map(member, form, prefix, ec2, error);
	return decode_text(shape, prefix, text, error);
}

Value wire_form_decode(const WireShape *shape, GHashTable *form, gboolean ec2, GError **error) {
	if (!shape)
		return value_empty_object();
	g_autoptr(GError) problem = NULL;
	g_auto(Value) value = decode_members(shape, form, "", ec2, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return VALUE_NOTHING;
	}
	return value_steal(&value);
}

/* ---- writing ---- */

static void encode(
	GString *out, const Member *member, const char *prefix, Value value, gboolean ec2);

static void append_pair(GString *out, const char *name, const char *text) {
	if (out->len > 0)
		g_string_append_c(out, '&');
	g_string_append_uri_escaped(out, name, NULL, FALSE);
	g_string_append_c(out, '=');
	g_string_append_uri_escaped(out, text, NULL, FALSE);
}

static void encode_members(
	GString *out, const WireShape *shape, const char *prefix, Value value, gboolean ec2) {
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		const Member *member = wire_member(shape, key);
		if (!member || value_is_null(element))
			continue;
		g_autofree char *name = form_name(member, ec2);
		g_autofree char *path =
			*prefix ? g_strdup_printf("%s.%s", prefix, name) : g_strdup(name);
		encode(out, member, path, element, ec2);
	}
}

static void encode_list(
	GString *out, const Member *member, const char *prefix, Value value, gboolean ec2) {
	g_autofree char *base = element_prefix(member, prefix, ec2);
	if (value_length(value) == 0 && !ec2)
		append_pair(out, prefix, "");
	for (gsize i = 0; i < value_length(value); i++) {
		g_autofree char *path = g_strdup_printf("%s.%" G_GSIZE_FORMAT, base, i + 1);
		encode(out, &member->shape->element, path, value_at(value, i), ec2);
	}
}

static void encode_map(
	GString *out, const Member *member, const char *prefix, Value value, gboolean ec2) {
	g_autofree char *base = element_prefix(member, prefix, ec2);
	const WireShape *shape = member->shape;
	for (gsize i = 0; i < value_length(value); i++) {
		g_autofree char *key = g_strdup_printf("%s.%" G_GSIZE_FORMAT ".%s", base, i + 1,
			shape->key.location_name ? shape->key.location_name : "key");
		g_autofree char *path = g_strdup_printf("%s.%" G_GSIZE_FORMAT ".%s", base, i + 1,
			shape->element.location_name ? shape->element.location_name : "value");
		append_pair(out, key, value_key_at(value, i));
		encode(out, &shape->element, path, value_at(value, i), ec2);
	}
}

static char *scalar_text(const WireShape *shape, Value value) {
	if (value_kind(value) == VALUE_BOOL)
		return g_strdup(value_to_bool(value) ? "true" : "false");
	if (shape->type == SHAPE_TIMESTAMP)
		return wire_time_iso8601(value_to_double(value, 0));
	if (value_kind(value) == VALUE_NUMBER)
		return value_number_to_string(value);
	if (shape->type == SHAPE_BLOB)
		return g_base64_encode(
			(const guchar *)value_text_or(value, ""), value_text_length(value));
	return g_strdup(value_text_or(value, ""));
}

static void encode(
	GString *out, const Member *member, const char *prefix, Value value, gboolean ec2) {
	const WireShape *shape = member->shape;
	if (shape->type == SHAPE_STRUCTURE) {
		encode_members(out, shape, prefix, value, ec2);
	} else if (shape->type == SHAPE_LIST) {
		encode_list(out, member, prefix, value, ec2);
	} else if (shape->type == SHAPE_MAP) {
		encode_map(out, member, prefix, value, ec2);
	} else {
		g_autofree char *text = scalar_text(shape, value);
		append_pair(out, prefix, text);
	}
}

char *wire_form_encode(const WireOperation *operation, Value input) {
	GString *out = g_string_new(NULL);
	append_pair(out, "Action", operation->name);
	append_pair(out, "Version", operation->service->api_version);
	if (operation->input)
		encode_members(out, operation->input, "", input,
			operation->service->protocol == WIRE_PROTOCOL_EC2);
	return g_string_free(out, FALSE);
}
