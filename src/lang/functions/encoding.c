/* Encoding functions: JSON, YAML, CSV, Base64, URL. */
#include <string.h>
#include <yaml.h>
#include <zlib.h>

#include "lang/functions/functions.h"

FUNCTION(jsonencode) {
	return value_string_take(value_to_json(arguments[0], VALUE_JSON_ESCAPE_HTML));
}

FUNCTION(jsondecode) {
	g_autoptr(GError) error = NULL;
	Value value = value_from_json(
		value_text(arguments[0]), (gssize)value_text_length(arguments[0]), &error);
	if (error)
		return lang_function_fail(blame, -1, problem, "%s", error->message);
	return value;
}

FUNCTION(base64encode) {
	return value_string_take(g_base64_encode(
		(const guchar *)value_text(arguments[0]), value_text_length(arguments[0])));
}

/* Groups of four characters, line ends aside; padding is at the end only. */
static gboolean is_padded(const char *text) {
	gsize n = 0, padding = 0;
	for (; *text; text++) {
		if (*text == '\r' || *text == '\n')
			continue;
		if (padding > 0 && *text != '=')
			return FALSE;
		padding += *text == '=';
		n++;
	}
	return n % 4 == 0 && padding <= 2;
}

FUNCTION(base64decode) {
	const char *text = value_text(arguments[0]);
	gsize length = strspn(
		text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n");
	gsize size;
	g_autofree guchar *bytes = g_base64_decode(text, &size);
	if (text[length] || !is_padded(text))
		return lang_function_fail(
			blame, -1, problem, "failed to decode base64 data \"%s\"", text);
	if (!g_utf8_validate_len((const char *)bytes, size, NULL))
		return lang_function_fail(blame, 0, problem,
			"the result of decoding the provided string is not valid UTF-8");
	return value_string_sized((const char *)bytes, size);
}

FUNCTION(base64gzip) {
	z_stream stream = {0};
	deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	gsize length = value_text_length(arguments[0]);
	gsize bound = deflateBound(&stream, length) + 64;
	g_autofree guchar *out = g_malloc(bound);
	stream.next_in = (Bytef *)value_text(arguments[0]);
	stream.avail_in = (uInt)length;
	stream.next_out = out;
	stream.avail_out = (uInt)bound;
	deflate(&stream, Z_FINISH);
	gsize size = stream.total_out;
	deflateEnd(&stream);
	return value_string_take(g_base64_encode(out, size));
}

FUNCTION(urlencode) {
	GString *out = g_string_new(NULL);
	for (const guchar *at = (const guchar *)value_text(arguments[0]); *at; at++) {
		if (g_ascii_isalnum(*at) || strchr("-_.~", *at))
			g_string_append_c(out, (char)*at);
		else if (*at == ' ')
			g_string_append_c(out, '+');
		else
			g_string_append_printf(out, "%%%02X", *at);
	}
	return value_string_take(g_string_free(out, FALSE));
}

FUNCTION(urldecode) {
	g_autofree char *plain = g_strdelimit(g_strdup(value_text(arguments[0])), "+", ' ');
	g_autofree char *text = g_uri_unescape_string(plain, NULL);
	if (!text)
		return lang_function_fail(
			blame, 0, problem, "failed to decode URL '%s'", value_text(arguments[0]));
	return value_string(text);
}

/* ---- other encodings of text ---- */

FUNCTION(textencodebase64) {
	gsize size;
	g_autofree char *bytes =
		g_convert(value_text(arguments[0]), (gssize)value_text_length(arguments[0]),
			value_text(arguments[1]), "UTF-8", NULL, &size, NULL);
	if (!bytes)
		return lang_function_fail(blame, 1, problem,
			"\"%s\" is not a supported IANA encoding name or alias in this Terraform "
			"version",
			value_text(arguments[1]));
	return value_string_take(g_base64_encode((const guchar *)bytes, size));
}

FUNCTION(textdecodebase64) {
	gsize size, length;
	g_autofree guchar *bytes = g_base64_decode(value_text(arguments[0]), &size);
	g_autofree char *text = g_convert((const char *)bytes, (gssize)size, "UTF-8",
		value_text(arguments[1]), NULL, &length, NULL);
	if (!text)
		return lang_function_fail(blame, 1, problem,
			"the given text cannot be decoded as %s", value_text(arguments[1]));
	return value_string_sized(text, length);
}

/* ---- CSV (RFC 4180) ---- */

/* One field, from `at`; returns behind it. */
static const char *csv_field(const char *at, GString *field) {
	g_string_truncate(field, 0);
	if (*at != '"') {
		gsize length = strcspn(at, ",\r\n");
		g_string_append_len(field, at, (gssize)length);
		return at + length;
	}
	for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
		at += *at == '"';
		g_string_append_c(field, *at);
	}
	return *at ? at + 1 : at;
}

static GPtrArray *csv_record(const char **at) {
	GPtrArray *record = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) field = g_string_new(NULL);
	for (;;) {
		*at = csv_field(*at, field);
		g_ptr_array_add(record, g_strdup(field->str));
		if (**at != ',')
			break;
		(*at)++;
	}
	*at += **at == '\r';
	*at += **at == '\n';
	return record;
}

FUNCTION(csvdecode) {
	const char *at = value_text(arguments[0]);
	if (!*at)
		return lang_function_fail(blame, 0, problem, "missing header line");
	g_autoptr(GPtrArray) header = csv_record(&at);
	for (guint i = 0; i < header->len; i++)
		for (guint j = 0; j < i; j++)
			if (g_str_equal(header->pdata[i], header->pdata[j]))
				return lang_function_fail(blame, -1, problem,
					"duplicate column name \"%s\"", (char *)header->pdata[i]);
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_LIST, type_any());
	guint line = 1;
	while (*at) {
		line++;
		g_autoptr(GPtrArray) record = csv_record(&at);
		if (record->len == 1 && !*(char *)record->pdata[0])
			continue;
		if (record->len != header->len)
			return lang_function_fail(blame, -1, problem,
				"CSV parse error on line %u: wrong number of fields", line);
		ValueBuilder *object = value_builder_new(VALUE_OBJECT, NULL);
		for (guint i = 0; i < record->len; i++)
			value_builder_set_take(
				object, header->pdata[i], value_string(record->pdata[i]));
		value_builder_add_take(list, value_builder_end(object));
	}
	return value_builder_end(g_steal_pointer(&list));
}

/* ---- YAML: written as Terraform does, keys and strings in quotes ---- */

static void yaml_text(GString *out, const char *text) {
	g_auto(Value) value = value_string(text);
	g_autofree char *json = value_to_json(value, VALUE_JSON_COMPACT);
	g_string_append(out, json);
}

static gboolean is_block_text(Value value) {
	const char *text = value_text(value);
	return text && strchr(text, '\n') && g_str_has_suffix(text, "\n") && *text != ' ' &&
	       *text != '\n';
}

static void yaml_value(GString *out, Value value, guint indent, gboolean in_list);

static void yaml_indent(GString *out, guint indent) {
	for (guint i = 0; i < indent; i++)
		g_string_append_c(out, ' ');
}

static void yaml_block_text(GString *out, const char *text, guint indent) {
	g_string_append(out, g_str_has_suffix(text, "\n\n") ? "|+\n" : "|\n");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; line[0] && line[1]; line++) {
		if (**line)
			yaml_indent(out, indent);
		g_string_append_printf(out, "%s\n", *line);
	}
}

static void yaml_scalar(GString *out, Value value, guint indent) {
	if (is_block_text(value)) {
		yaml_block_text(out, value_text(value), indent);
		return;
	}
	if (value_text(value)) {
		yaml_text(out, value_text(value));
	} else {
		g_autofree char *json = value_to_json(value, VALUE_JSON_COMPACT);
		g_string_append(out, json);
	}
	g_string_append_c(out, '\n');
}

static void yaml_mapping(GString *out, Value value, guint indent, gboolean in_list) {
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		if (!in_list || iter.next > 1)
			yaml_indent(out, indent);
		yaml_text(out, key);
		g_string_append_c(out, ':');
		gboolean nested = value_length(element) > 0;
		g_string_append_c(out, nested ? '\n' : ' ');
		yaml_value(out, element, value_is_sequence(element) ? indent : indent + 2, FALSE);
	}
}

static void yaml_sequence(GString *out, Value value, guint indent, gboolean in_list) {
	for (gsize i = 0; i < value_length(value); i++) {
		if (!in_list || i > 0)
			yaml_indent(out, indent);
		g_string_append(out, "- ");
		yaml_value(out, value_at(value, i), indent + 2, TRUE);
	}
}

static void yaml_value(GString *out, Value value, guint indent, gboolean in_list) {
	if (value_is_mapping(value) && value_length(value) > 0)
		yaml_mapping(out, value, indent, in_list);
	else if (value_is_sequence(value) && value_length(value) > 0)
		yaml_sequence(out, value, indent, in_list);
	else if (value_is_mapping(value) || value_is_sequence(value))
		g_string_append(out, value_is_mapping(value) ? "{}\n" : "[]\n");
	else
		yaml_scalar(out, value, indent);
}

FUNCTION(yamlencode) {
	GString *out = g_string_new(NULL);
	yaml_value(out, arguments[0], 0, FALSE);
	return value_string_take(g_string_free(out, FALSE));
}

/* ---- YAML: read ---- */

static gboolean matches(const char *text, const char *pattern) {
	return g_regex_match_simple(pattern, text, 0, 0);
}

/* A plain scalar by YAML's core schema. */
static Value yaml_plain(const char *text) {
	if (matches(text, "^(|~|null|Null|NULL)$"))
		return VALUE_NOTHING;
	if (matches(text, "^(true|True|TRUE)$"))
		return value_bool(TRUE);
	if (matches(text, "^(false|False|FALSE)$"))
		return value_bool(FALSE);
	if (matches(text, "^0x[0-9a-fA-F]+$"))
		return value_int((gint64)g_ascii_strtoull(text + 2, NULL, 16));
	if (matches(text, "^0o?[0-7]+$"))
		return value_int(
			(gint64)g_ascii_strtoull(text + (text[1] == 'o' ? 2 : 1), NULL, 8));
	if (matches(text, "^[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?$")) {
		g_autofree char *end =
			g_str_has_suffix(text, ".") ? g_strdup_printf("%s0", text) : g_strdup(text);
		const char *digits = *end == '+' ? end + 1 : end;
		g_autofree char *full =
			*digits == '.' ? g_strdup_printf("0%s", digits) : g_strdup(digits);
		g_auto(Value) number = value_number_parse(full);
		if (!value_is_null(number))
			return value_steal(&number);
	}
	return value_string(text);
}

static Value yaml_node(yaml_document_t *document, yaml_node_t *node, guint depth, char **problem) {
	if (depth > 100) {
		*problem = g_strdup("the document is nested too deep, or refers to itself");
		return VALUE_NOTHING;
	}
	if (node->type == YAML_SCALAR_NODE) {
		const char *text = (const char *)node->data.scalar.value;
		gboolean plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		return plain ? yaml_plain(text)
			     : value_string_sized(text, node->data.scalar.length);
	}
	gboolean mapping = node->type == YAML_MAPPING_NODE;
	g_autoptr(ValueBuilder) builder =
		value_builder_new(mapping ? VALUE_OBJECT : VALUE_TUPLE, NULL);
	if (!mapping) {
		for (yaml_node_item_t *item = node->data.sequence.items.start;
			item < node->data.sequence.items.top && !*problem; item++)
			value_builder_add_take(builder,
				yaml_node(document, yaml_document_get_node(document, *item),
					depth + 1, problem));
		return value_builder_end(g_steal_pointer(&builder));
	}
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		pair < node->data.mapping.pairs.top && !*problem; pair++) {
		yaml_node_t *key = yaml_document_get_node(document, pair->key);
		Value value = yaml_node(document, yaml_document_get_node(document, pair->value),
			depth + 1, problem);
		const char *name =
			key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
		gboolean merge = g_str_equal(name, "<<") && value_is_mapping(value);
		for (gsize i = 0; merge && i < value_length(value); i++)
			value_builder_set_take(
				builder, value_key_at(value, i), value_ref(value_at(value, i)));
		if (merge)
			value_unref(value);
		else
			value_builder_set_take(builder, name, value);
	}
	return value_builder_end(g_steal_pointer(&builder));
}

FUNCTION(yamldecode) {
	yaml_parser_t parser;
	yaml_document_t document;
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(
		&parser, (const guchar *)value_text(arguments[0]), value_text_length(arguments[0]));
	Value value = VALUE_NOTHING;
	*blame = 0;
	if (!yaml_parser_load(&parser, &document)) {
		*problem = g_strdup_printf("on line %lu, column %lu: %s",
			(unsigned long)parser.problem_mark.line + 1,
			(unsigned long)parser.problem_mark.column + 1,
			parser.problem ? parser.problem : "cannot be read");
	} else {
		yaml_node_t *root = yaml_document_get_root_node(&document);
		if (root)
			value = yaml_node(&document, root, 0, problem);
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	return value;
}

const LangFunctionSpec lang_encoding_specs[] = {
	{"base64decode", call_base64decode, "str:s", 's'},
	{"base64encode", call_base64encode, "str:s", 's'},
	{"base64gzip", call_base64gzip, "str:s", 's'},
	{"csvdecode", call_csvdecode, "str:s", 'a'},
	{"jsondecode", call_jsondecode, "str:s", 'a'},
	{"jsonencode", call_jsonencode, "val:a!", 's'},
	{"textdecodebase64", call_textdecodebase64, "source:s encoding:s", 's'},
	{"textencodebase64", call_textencodebase64, "string:s encoding:s", 's'},
	{"urldecode", call_urldecode, "str:s", 's'},
	{"urlencode", call_urlencode, "str:s", 's'},
	{"yamldecode", call_yamldecode, "src:s", 'a'},
	{"yamlencode", call_yamlencode, "value:a!", 's'},
	{NULL},
};
