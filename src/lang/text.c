/* Values written as configuration would have them: for outputs, the console and generated files. */
#include <string.h>

#include "lang/syntax.h"

static void write_value(GString *out, Value value, guint indent);

static void write_indent(GString *out, guint indent) {
	for (guint i = 0; i < indent; i++)
		g_string_append_c(out, ' ');
}

static void write_quoted(GString *out, const char *text) {
	g_string_append_c(out, '"');
	for (const char *at = text; *at; at++) {
		if (*at == '\n')
			g_string_append(out, "\\n");
		else if (*at == '\r')
			g_string_append(out, "\\r");
		else if (*at == '\t')
			g_string_append(out, "\\t");
		else if (*at == '"' || *at == '\\')
			g_string_append_printf(out, "\\%c", *at);
		else
			g_string_append_c(out, *at);
	}
	g_string_append_c(out, '"');
}

static void write_text(GString *out, const char *text, guint indent) {
	if (!strchr(text, '\n')) {
		write_quoted(out, text);
		return;
	}
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GString) marker = g_string_new("EOT");
	while (g_strv_contains((const char *const *)lines, marker->str))
		g_string_append_c(marker, '_');
	g_string_append_printf(out, "%s%s\n", indent > 0 ? "<<-" : "<<", marker->str);
	for (char **line = lines; *line; line++) {
		write_indent(out, indent);
		g_string_append_printf(out, "%s\n", *line);
	}
	write_indent(out, indent);
	g_string_append(out, marker->str);
}

static void write_key(GString *out, const char *key) {
	write_quoted(out, key);
}

static void write_sequence(GString *out, Value value, guint indent) {
	g_string_append(out, value_kind(value) == VALUE_SET    ? "toset(["
			     : value_kind(value) == VALUE_LIST ? "tolist(["
							       : "[");
	for (gsize i = 0; i < value_length(value); i++) {
		g_string_append_c(out, '\n');
		write_indent(out, indent + 2);
		write_value(out, value_at(value, i), indent + 2);
		g_string_append_c(out, ',');
	}
	if (value_length(value) > 0) {
		g_string_append_c(out, '\n');
		write_indent(out, indent);
	}
	g_string_append(out, value_kind(value) == VALUE_TUPLE ? "]" : "])");
}

static void write_mapping(GString *out, Value value, guint indent) {
	gboolean map = value_kind(value) == VALUE_MAP;
	g_string_append(out, map ? "tomap({" : "{");
	for (gsize i = 0; i < value_length(value); i++) {
		g_string_append_c(out, '\n');
		write_indent(out, indent + 2);
		write_key(out, value_key_at(value, i));
		g_string_append(out, " = ");
		write_value(out, value_at(value, i), indent + 2);
	}
	if (value_length(value) > 0) {
		g_string_append_c(out, '\n');
		write_indent(out, indent);
	}
	g_string_append(out, map ? "})" : "}");
}

static void write_null(GString *out, Value value) {
	const Type *type = value_type(value);
	static const char *const calls[] = {[TYPE_KIND_BOOL] = "tobool",
		[TYPE_KIND_NUMBER] = "tonumber",
		[TYPE_KIND_STRING] = "tostring"};
	TypeKind kind = type_kind(type);
	if (kind >= TYPE_KIND_BOOL && kind <= TYPE_KIND_STRING)
		g_string_append_printf(out, "%s(null)", calls[kind]);
	else
		g_string_append(out, "null");
}

static void write_value(GString *out, Value value, guint indent) {
	if (value_is_sensitive(value)) {
		g_string_append(out, "(sensitive value)");
		return;
	}
	switch (value_kind(value)) {
	case VALUE_NULL:
		write_null(out, value);
		break;
	case VALUE_UNKNOWN:
		g_string_append(out, "(known after apply)");
		break;
	case VALUE_BOOL:
		g_string_append(out, value_to_bool(value) ? "true" : "false");
		break;
	case VALUE_NUMBER: {
		g_autofree char *number = value_number_to_string(value);
		g_string_append(out, number);
		break;
	}
	case VALUE_STRING:
		write_text(out, value_text(value), indent);
		break;
	case VALUE_LIST:
	case VALUE_SET:
	case VALUE_TUPLE:
		write_sequence(out, value, indent);
		break;
	case VALUE_MAP:
	case VALUE_OBJECT:
		write_mapping(out, value, indent);
		break;
	}
}

char *lang_value_to_text(Value value, guint indent) {
	GString *out = g_string_new(NULL);
	write_value(out, value, indent);
	return g_string_free(out, FALSE);
}
