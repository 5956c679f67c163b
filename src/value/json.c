/* JSON to Value and back, with numbers kept exact. See json.h. */
#include "value/json.h"

#include <string.h>

#include "value/convert.h"

#define DEEPEST 512

G_DEFINE_QUARK(value - json - error - quark, value_json_error)

/* ---- reading ---- */

typedef struct {
	const char *text, *at, *end;
	guint depth;
	GError **error;
} Reader;

static Value read_value(Reader *reader, gboolean *fine);

static Value fail(Reader *reader, gboolean *fine, const char *problem) {
	*fine = FALSE;
	if (reader->error && !*reader->error) {
		guint line = 1, column = 1;
		for (const char *at = reader->text; at < reader->at; at++) {
			column = *at == '\n' ? 1 : column + 1;
			line += *at == '\n';
		}
		g_set_error(reader->error, VALUE_JSON_ERROR, 0, "line %u, column %u: %s", line,
			column,
			reader->at >= reader->end ? "unexpected end of JSON input" : problem);
	}
	return VALUE_NOTHING;
}

static void skip_blanks(Reader *reader) {
	while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at)
		reader->at++;
}

static gboolean take(Reader *reader, char character) {
	skip_blanks(reader);
	if (reader->at >= reader->end || *reader->at != character)
		return FALSE;
	reader->at++;
	return TRUE;
}

static gboolean read_hex(Reader *reader, guint *unit) {
	*unit = 0;
	for (int i = 0; i < 4; i++) {
		int digit = reader->at < reader->end ? g_ascii_xdigit_value(*reader->at) : -1;
		if (digit < 0)
			return FALSE;
		*unit = *unit * 16 + (guint)digit;
		reader->at++;
	}
	return TRUE;
}

/* After \u: a character, from a surrogate pair perhaps. Lone surrogates become U+FFFD. */
static gboolean read_escaped_unit(Reader *reader, GString *out) {
	guint unit, low;
	if (!read_hex(reader, &unit))
		return FALSE;
	if (unit >= 0xd800 && unit < 0xdc00 && reader->end - reader->at >= 6 &&
		reader->at[0] == '\\' && reader->at[1] == 'u') {
		const char *back = reader->at;
		reader->at += 2;
		if (!read_hex(reader, &low))
			return FALSE;
		if (low >= 0xdc00 && low < 0xe000)
			unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
		else
			reader->at = back;
	}
	if (unit >= 0xd800 && unit < 0xe000)
		unit = 0xfffd;
	if (unit == 0)
		g_string_append_c(out, '\0');
	else
		g_string_append_unichar(out, unit);
	return TRUE;
}

static gboolean read_escape(Reader *reader, GString *out) {
	if (reader->at >= reader->end)
		return FALSE;
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	char letter = *reader->at++;
	if (letter == 'u')
		return read_escaped_unit(reader, out);
	const char *found = letter ? strchr(letters, letter) : NULL;
	if (found)
		g_string_append_c(out, meanings[found - letters]);
	return found != NULL;
}

/* The text of a string, behind its opening quote; NULL after an error. */
static GString *read_string(Reader *reader, gboolean *fine) {
	g_autoptr(GString) out = g_string_new(NULL);
	while (reader->at < reader->end && *reader->at != '"') {
		const char *start = reader->at;
		while (reader->at < reader->end && *reader->at != '"' && *reader->at != '\\' &&
			(guchar)*reader->at >= 0x20)
			reader->at++;
		g_string_append_len(out, start, reader->at - start);
		if (reader->at >= reader->end || *reader->at == '"')
			break;
		if (*reader->at != '\\') {
			fail(reader, fine, "control character in a string");
			return NULL;
		}
		reader->at++;
		if (!read_escape(reader, out)) {
			fail(reader, fine, "invalid escape in a string");
			return NULL;
		}
	}
	if (reader->at >= reader->end) {
		fail(reader, fine, "unexpected end");
		return NULL;
	}
	reader->at++;
	return g_steal_pointer(&out);
}

static Value read_object(Reader *reader, gboolean *fine) {
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_OBJECT, NULL);
	if (take(reader, '}'))
		return value_builder_end(g_steal_pointer(&builder));
	do {
		if (!take(reader, '"'))
			return fail(reader, fine, "expected a string as key");
		g_autoptr(GString) key = read_string(reader, fine);
		if (!key)
			return VALUE_NOTHING;
		if (strlen(key->str) != key->len)
			return fail(reader, fine, "a zero byte in a key");
		if (!take(reader, ':'))
			return fail(reader, fine, "expected ':' after a key");
		Value value = read_value(reader, fine);
		if (!*fine)
			return VALUE_NOTHING;
		value_builder_set_take(builder, key->str, value);
	} while (take(reader, ','));
	if (!take(reader, '}'))
		return fail(reader, fine, "expected ',' or '}'");
	return value_builder_end(g_steal_pointer(&builder));
}

static Value read_array(Reader *reader, gboolean *fine) {
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_TUPLE, NULL);
	if (take(reader, ']'))
		return value_builder_end(g_steal_pointer(&builder));
	do {
		Value value = read_value(reader, fine);
		if (!*fine)
			return VALUE_NOTHING;
		value_builder_add_take(builder, value);
	} while (take(reader, ','));
	if (!take(reader, ']'))
		return fail(reader, fine, "expected ',' or ']'");
	return value_builder_end(g_steal_pointer(&builder));
}

static Value read_number(Reader *reader, gboolean *fine) {
	const char *start = reader->at;
	while (reader->at < reader->end &&
		(g_ascii_isdigit(*reader->at) || strchr("+-.eE", *reader->at)))
		reader->at++;
	g_autofree char *text = g_strndup(start, (gsize)(reader->at - start));
	const char *digits = text + (*text == '-');
	g_auto(Value) number = value_number_parse(text);
	if (value_is_null(number) || (digits[0] == '0' && g_ascii_isdigit(digits[1]))) {
		reader->at = start;
		return fail(reader, fine, "invalid character looking for a value");
	}
	return value_steal(&number);
}

static gboolean take_word(Reader *reader, const char *word) {
	gsize length = strlen(word);
	if ((gsize)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
		return FALSE;
	reader->at += length;
	return TRUE;
}

static Value read_nested(Reader *reader, gboolean *fine, Value (*read)(Reader *, gboolean *)) {
	if (++reader->depth > DEEPEST)
		return fail(reader, fine, "nested too deep");
	Value value = read(reader, fine);
	reader->depth--;
	return value;
}

static Value read_value(Reader *reader, gboolean *fine) {
	if (take(reader, '{'))
		return read_nested(reader, fine, read_object);
	if (take(reader, '['))
		return read_nested(reader, fine, read_array);
	if (take(reader, '"')) {
		g_autoptr(GString) text = read_string(reader, fine);
		return text ? value_string_sized(text->str, text->len) : VALUE_NOTHING;
	}
	if (take_word(reader, "true"))
		return value_bool(TRUE);
	if (take_word(reader, "false"))
		return value_bool(FALSE);
	if (take_word(reader, "null"))
		return VALUE_NOTHING;
	return read_number(reader, fine);
}

Value value_from_json(const char *text, gssize length, GError **error) {
	gsize size = length < 0 ? strlen(text) : (gsize)length;
	if (size == 0)
		text = ""; /* what GBytes has of nothing is NULL */
	const char *stop;
	g_autoptr(GError) local = NULL;
	Reader reader = {.text = text, .at = text, .end = text + size, .error = &local};
	gboolean fine = TRUE;
	g_auto(Value) value = VALUE_NOTHING;
	if (!g_utf8_validate_len(text, size, &stop)) {
		reader.at = stop;
		fail(&reader, &fine, *stop ? "invalid UTF-8" : "a zero byte");
	} else {
		value = read_value(&reader, &fine);
		skip_blanks(&reader);
		if (fine && reader.at < reader.end)
			fail(&reader, &fine, "invalid character after top-level value");
	}
	if (local)
		g_propagate_error(error, g_steal_pointer(&local));
	return fine ? value_steal(&value) : VALUE_NOTHING;
}

/* ---- reading, typed ---- */

static Value typed(Value plain, const Type *type, char **problem);

/* {"type": …, "value": …} */
static Value typed_any(Value plain, char **problem) {
	if (value_is_null(plain))
		return VALUE_NOTHING;
	const Type *type = type_from_json(value_get(plain, "type"));
	if (!type) {
		*problem = g_strdup("missing type information");
		return VALUE_NOTHING;
	}
	return typed(value_get(plain, "value"), type, problem);
}

static Value typed_elements(Value plain, const Type *type, char **problem) {
	static const ValueKind kinds[] = {[TYPE_KIND_LIST] = VALUE_LIST,
		[TYPE_KIND_SET] = VALUE_SET,
		[TYPE_KIND_MAP] = VALUE_MAP};
	g_autoptr(ValueBuilder) builder =
		value_builder_new(kinds[type_kind(type)], type_element(type));
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, plain); !*problem && value_iter_next(&iter, &key, &element);) {
		Value converted = typed(element, type_element(type), problem);
		if (key)
			value_builder_set_take(builder, key, converted);
		else
			value_builder_add_take(builder, converted);
	}
	return value_builder_end(g_steal_pointer(&builder));
}

/* Attributes that the JSON lacks are null: a state of an older schema; those that the type lacks
 * are dropped. */
static Value typed_object(Value plain, const Type *type, char **problem) {
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = 0; !*problem && i < type_length(type); i++) {
		const TypeAttribute *attribute = type_attribute_at(type, i);
		value_builder_set_take(builder, attribute->name,
			typed(value_get(plain, attribute->name), attribute->type, problem));
	}
	return value_builder_end(g_steal_pointer(&builder));
}

static Value typed_tuple(Value plain, const Type *type, char **problem) {
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; !*problem && i < type_length(type); i++)
		value_builder_add_take(
			builder, typed(value_at(plain, i), type_tuple_at(type, i), problem));
	return value_builder_end(g_steal_pointer(&builder));
}

static Value typed(Value plain, const Type *type, char **problem) {
	TypeKind kind = type_kind(type);
	if (kind == TYPE_KIND_ANY)
		return typed_any(plain, problem);
	if (value_is_null(plain))
		return value_null(type);
	gboolean mapping = kind == TYPE_KIND_MAP || kind == TYPE_KIND_OBJECT;
	gboolean container = kind >= TYPE_KIND_LIST;
	if (container && (mapping ? !value_is_mapping(plain) : !value_is_sequence(plain))) {
		g_autofree char *name = type_friendly_name(type);
		*problem = g_strdup_printf("%s expected", name);
		return VALUE_NOTHING;
	}
	if (kind == TYPE_KIND_OBJECT)
		return typed_object(plain, type, problem);
	if (kind == TYPE_KIND_TUPLE)
		return typed_tuple(plain, type, problem);
	if (container)
		return typed_elements(plain, type, problem);
	return value_convert(plain, type, problem);
}

Value value_from_json_typed(const char *text, gssize length, const Type *type, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) plain = value_from_json(text, length, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	g_autofree char *problem = NULL;
	g_auto(Value) value = typed(plain, type, &problem);
	if (problem) {
		g_set_error(error, VALUE_JSON_ERROR, 0, "%s", problem);
		return VALUE_NOTHING;
	}
	return value_steal(&value);
}

/* ---- writing ---- */

typedef struct {
	GString *out;
	ValueJsonFlags flags;
	guint depth;
} Writer;

static void write_unit(GString *out, guint unit) {
	g_string_append_printf(out, "\\u%04x", unit);
}

static void write_character(Writer *writer, gunichar character, const char *at, gsize length) {
	static const char plain[] = "\"\\\n\r\t\b\f", escaped[] = "\"\\nrtbf";
	const char *found = character && character < 0x80 ? strchr(plain, (char)character) : NULL;
	gboolean html = writer->flags & VALUE_JSON_ESCAPE_HTML &&
			(character == '<' || character == '>' || character == '&');
	if (found)
		g_string_append_printf(writer->out, "\\%c", escaped[found - plain]);
	else if (character < 0x20 || html || character == 0x2028 || character == 0x2029)
		write_unit(writer->out, character);
	else
		g_string_append_len(writer->out, at, (gssize)length);
}

static void write_text(Writer *writer, const char *text, gsize length) {
	g_string_append_c(writer->out, '"');
	for (const char *at = text, *end = text + length; at < end;) {
		gunichar character = g_utf8_get_char_validated(at, end - at);
		if (*at == '\0')
			character = 0;
		if (character == (gunichar)-1 || character == (gunichar)-2) {
			g_string_append(writer->out, "\\ufffd");
			at++;
			continue;
		}
		gsize size = *at ? (gsize)(g_utf8_next_char(at) - at) : 1;
		write_character(writer, character, at, size);
		at += size;
	}
	g_string_append_c(writer->out, '"');
}

static void write_value(Writer *writer, Value value);

static void new_line(Writer *writer) {
	if (!(writer->flags & VALUE_JSON_PRETTY))
		return;
	g_string_append_c(writer->out, '\n');
	for (guint i = 0; i < writer->depth; i++)
		g_string_append(writer->out, "  ");
}

static void write_container(Writer *writer, Value value) {
	gboolean mapping = value_is_mapping(value);
	g_string_append_c(writer->out, mapping ? '{' : '[');
	writer->depth++;
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		if (iter.next > 1)
			g_string_append_c(writer->out, ',');
		new_line(writer);
		if (mapping) {
			write_text(writer, key, strlen(key));
			g_string_append(
				writer->out, writer->flags & VALUE_JSON_PRETTY ? ": " : ":");
		}
		write_value(writer, element);
	}
	writer->depth--;
	if (value_length(value) > 0)
		new_line(writer);
	g_string_append_c(writer->out, mapping ? '}' : ']');
}

static void write_value(Writer *writer, Value value) {
	switch (value_kind(value)) {
	case VALUE_UNKNOWN:
		g_critical("an unknown value cannot be written as JSON");
		G_GNUC_FALLTHROUGH;
	case VALUE_NULL:
		g_string_append(writer->out, "null");
		break;
	case VALUE_BOOL:
		g_string_append(writer->out, value_to_bool(value) ? "true" : "false");
		break;
	case VALUE_NUMBER: {
		g_autofree char *number = value_number_to_string(value);
		g_string_append(writer->out, number);
		break;
	}
	case VALUE_STRING:
		write_text(writer, value_text(value), value_text_length(value));
		break;
	default:
		write_container(writer, value);
	}
}

char *value_to_json(Value value, ValueJsonFlags flags) {
	Writer writer = {.out = g_string_new(NULL), .flags = flags};
	write_value(&writer, value);
	return g_string_free(writer.out, FALSE);
}

/* ---- types ---- */

static Value object_type_to_json(const Type *type) {
	g_autoptr(ValueBuilder) attributes = value_builder_new(VALUE_OBJECT, NULL);
	g_autoptr(ValueBuilder) optional = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < type_length(type); i++) {
		const TypeAttribute *attribute = type_attribute_at(type, i);
		value_builder_set_take(attributes, attribute->name, type_to_json(attribute->type));
		if (attribute->optional)
			value_builder_add_take(optional, value_string(attribute->name));
	}
	Value json = value_tuple_take(
		2, value_string("object"), value_builder_end(g_steal_pointer(&attributes)));
	if (value_builder_length(optional) == 0)
		return json;
	return value_append_take(json, value_builder_end(g_steal_pointer(&optional)));
}

Value type_to_json(const Type *type) {
	switch (type_kind(type)) {
	case TYPE_KIND_ANY:
		return value_string("dynamic");
	case TYPE_KIND_BOOL:
		return value_string("bool");
	case TYPE_KIND_NUMBER:
		return value_string("number");
	case TYPE_KIND_STRING:
		return value_string("string");
	case TYPE_KIND_LIST:
		return value_tuple_take(2, value_string("list"), type_to_json(type_element(type)));
	case TYPE_KIND_SET:
		return value_tuple_take(2, value_string("set"), type_to_json(type_element(type)));
	case TYPE_KIND_MAP:
		return value_tuple_take(2, value_string("map"), type_to_json(type_element(type)));
	case TYPE_KIND_OBJECT:
		return object_type_to_json(type);
	case TYPE_KIND_TUPLE:
		break;
	}
	g_autoptr(ValueBuilder) elements = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < type_length(type); i++)
		value_builder_add_take(elements, type_to_json(type_tuple_at(type, i)));
	return value_tuple_take(
		2, value_string("tuple"), value_builder_end(g_steal_pointer(&elements)));
}

static const Type *primitive_from_json(const char *name) {
	const struct {
		const char *name;
		const Type *type;
	} primitives[] = {{"dynamic", type_any()}, {"bool", type_bool()}, {"number", type_number()},
		{"string", type_string()}};
	for (guint i = 0; i < G_N_ELEMENTS(primitives); i++)
		if (g_strcmp0(primitives[i].name, name) == 0)
			return primitives[i].type;
	return NULL;
}

static const Type *object_from_json(Value attributes) {
	gsize n = value_length(attributes);
	g_autofree TypeAttribute *all = g_new0(TypeAttribute, MAX(n, 1));
	for (gsize i = 0; i < n; i++) {
		all[i].name = value_key_at(attributes, i);
		all[i].type = type_from_json(value_at(attributes, i));
		if (!all[i].type)
			return NULL;
	}
	return type_object(all, n);
}

static const Type *tuple_from_json(Value elements) {
	gsize n = value_length(elements);
	g_autofree const Type **all = g_new0(const Type *, MAX(n, 1));
	for (gsize i = 0; i < n; i++) {
		all[i] = type_from_json(value_at(elements, i));
		if (!all[i])
			return NULL;
	}
	return type_tuple(all, n);
}

const Type *type_from_json(Value json) {
	if (value_text(json))
		return primitive_from_json(value_text(json));
	const char *kind = value_text_or(value_at(json, 0), "");
	Value inner = value_at(json, 1);
	if (g_str_equal(kind, "object"))
		return object_from_json(inner);
	if (g_str_equal(kind, "tuple"))
		return tuple_from_json(inner);
	const Type *(*collection)(const Type *) = g_str_equal(kind, "list")  ? type_list
						  : g_str_equal(kind, "set") ? type_set
						  : g_str_equal(kind, "map") ? type_map
									     : NULL;
	const Type *element = collection ? type_from_json(inner) : NULL;
	return element ? collection(element) : NULL;
}
