/*
 * The JSON syntax of the language: the same tree as the native syntax's. Objects, arrays and
 * literals become constructors and literals; every string is a template, and also holds the
 * expression that it spells, for places that want a reference or a type ("depends_on", "type").
 * Which properties are blocks is told by lang_body_content's caller.
 */
#include <string.h>

#include "lang/syntax.h"
#include "value/json.h"

#define DEEPEST 200

typedef struct {
	LangFile *file;
	const char *text;
	const char *at, *end;
	const char *line_start; /* places are found by walking along */
	guint line;
	guint depth;
	Diags *diags;
} Reader;

static LangExpr *read_value(Reader *reader);

static SourceRange here(Reader *reader, const char *start) {
	const char *end = reader->at;
	guint column = g_utf8_strlen(reader->line_start,
			       MAX(start, reader->line_start) - reader->line_start) +
		       1;
	return (SourceRange){
		.filename = reader->file->name,
		.start_line = reader->line,
		.start_column = column,
		.end_line = reader->line,
		.end_column = column + g_utf8_strlen(start, end - start),
		.start_byte = start - reader->text,
		.end_byte = end - reader->text,
	};
}

static void skip_blanks(Reader *reader) {
	for (; reader->at < reader->end && strchr(" \t\r\n", *reader->at); reader->at++) {
		if (*reader->at == '\n') {
			reader->line++;
			reader->line_start = reader->at + 1;
		}
	}
}

static gpointer fail(Reader *reader, const char *summary, const char *detail) {
	diags_error(reader->diags, here(reader, reader->at), summary, "%s", detail);
	return NULL;
}

static LangExpr *new_expr(Reader *reader, ExprKind kind, SourceRange range) {
	LangExpr *expr = lang_file_allocate(reader->file, sizeof *expr);
	expr->kind = kind;
	expr->range = range;
	return expr;
}

static LangExpr *new_literal(Reader *reader, SourceRange range, Value value_taken) {
	LangExpr *expr = new_expr(reader, EXPR_LITERAL, range);
	expr->literal = value_taken;
	g_array_append_val(reader->file->literals, value_taken);
	return expr;
}

static gboolean take(Reader *reader, char punctuation) {
	skip_blanks(reader);
	if (reader->at >= reader->end || *reader->at != punctuation)
		return FALSE;
	reader->at++;
	return TRUE;
}

/* The text of the string at the quote, decoded, or NULL. Caller frees. */
static char *take_string(Reader *reader) {
	const char *start = reader->at++;
	while (reader->at < reader->end && *reader->at != '"' && *reader->at != '\n')
		reader->at += *reader->at == '\\' && reader->at + 1 < reader->end ? 2 : 1;
	if (reader->at >= reader->end || *reader->at != '"') {
		reader->at = start;
		return fail(reader, "Invalid JSON string",
			"A string must end with a quote on the line where it begins.");
	}
	reader->at++;
	g_auto(Value) value = value_from_json(start, reader->at - start, NULL);
	if (value_kind(value) != VALUE_STRING) {
		reader->at = start;
		return fail(reader, "Invalid JSON string",
			"This string holds an escape sequence or a character that JSON does not "
			"have.");
	}
	return g_strdup(value_text(value));
}

/* Whether the text may spell a reference or a type. */
static gboolean may_be_expression(const char *text) {
	return (g_ascii_isalpha(*text) || *text == '_') && strlen(text) < 4096 &&
	       !strstr(text, "://") && !strpbrk(text, "$%/\\<>|&;");
}

/* A string that looks like a template. It need not be one: where nothing can be referred to, it
 * stands for itself; so what is wrong with it is told when it is evaluated. */
static LangExpr *read_template(Reader *reader, const char *text, SourceRange range) {
	g_autoptr(Diags) own = diags_new();
	LangExpr *expr = lang_parse_part(reader->file, text, TRUE, range, own);
	if (!expr) {
		expr = new_literal(reader, range, VALUE_NOTHING);
		const Diag *diag = diags_at(own, 0);
		expr->problem = g_intern_string(diag->summary);
		expr->problem_detail = g_intern_string(diag->detail);
	}
	expr->verbatim = g_intern_string(text);
	return expr;
}

static LangExpr *read_string(Reader *reader) {
	const char *start = reader->at;
	g_autofree char *text = take_string(reader);
	if (!text)
		return NULL;
	SourceRange range = here(reader, start);
	LangExpr *expr = strstr(text, "${") || strstr(text, "%{")
				 ? read_template(reader, text, range)
				 : new_literal(reader, range, value_string(text));
	if (may_be_expression(text)) {
		g_autoptr(Diags) unheeded = diags_new();
		LangExpr *spelt = lang_parse_part(reader->file, text, FALSE, range, unheeded);
		if (spelt && (spelt->kind == EXPR_TRAVERSAL || spelt->kind == EXPR_CALL))
			expr->spelt = spelt;
	}
	return expr;
}

static LangExpr **keep(Reader *reader, const GPtrArray *array) {
	LangExpr **all = lang_file_allocate(reader->file, (array->len + 1) * sizeof *all);
	for (guint i = 0; i < array->len; i++)
		all[i] = array->pdata[i];
	return all;
}

/* property = string ":" value */
static gboolean read_property(Reader *reader, GPtrArray *keys, GPtrArray *values) {
	skip_blanks(reader);
	if (reader->at >= reader->end || *reader->at != '"')
		return fail(reader, "Invalid JSON object property name",
			       "A JSON object property name must be a quoted string.") != NULL;
	LangExpr *key = read_string(reader);
	if (!key)
		return FALSE;
	if (!take(reader, ':'))
		return fail(reader, "Missing property value colon",
			       "A colon must appear between an object property's name and its "
			       "value.") != NULL;
	LangExpr *value = read_value(reader);
	if (!value)
		return FALSE;
	g_ptr_array_add(keys, key);
	g_ptr_array_add(values, value);
	return TRUE;
}

static LangExpr *read_object(Reader *reader) {
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	g_autoptr(GPtrArray) values = g_ptr_array_new();
	LangExpr *expr = new_expr(reader, EXPR_OBJECT, here(reader, reader->at));
	reader->at++;
	if (!take(reader, '}')) {
		do {
			if (!read_property(reader, keys, values))
				return NULL;
		} while (take(reader, ','));
		if (!take(reader, '}'))
			return fail(reader, "Missing attribute separator",
				"A comma must appear before each subsequent property in an object, "
				"and "
				"a brace at its end.");
	}
	expr->items = keep(reader, keys);
	expr->values = keep(reader, values);
	expr->n_items = keys->len;
	expr->range.end_byte = reader->at - reader->text;
	return expr;
}

static LangExpr *read_array(Reader *reader) {
	g_autoptr(GPtrArray) elements = g_ptr_array_new();
	LangExpr *expr = new_expr(reader, EXPR_TUPLE, here(reader, reader->at));
	reader->at++;
	if (!take(reader, ']')) {
		do {
			LangExpr *element = read_value(reader);
			if (!element)
				return NULL;
			g_ptr_array_add(elements, element);
		} while (take(reader, ','));
		if (!take(reader, ']'))
			return fail(reader, "Missing item separator",
				"A comma must appear before each subsequent value in an array, and "
				"a "
				"bracket at its end.");
	}
	expr->items = keep(reader, elements);
	expr->n_items = elements->len;
	expr->range.end_byte = reader->at - reader->text;
	return expr;
}

/* A number, true, false or null. */
static LangExpr *read_literal(Reader *reader) {
	const char *start = reader->at;
	while (reader->at < reader->end &&
		(g_ascii_isalnum(*reader->at) || strchr("+-.", *reader->at)))
		reader->at++;
	g_autoptr(GError) error = NULL;
	g_auto(Value) value = value_from_json(start, reader->at - start, &error);
	if (reader->at == start || error) {
		reader->at = start;
		return fail(reader, "Invalid JSON value",
			"Expected an object, an array, a quoted string, a number, true, false or "
			"null.");
	}
	return new_literal(reader, here(reader, start), value_steal(&value));
}

static LangExpr *read_value(Reader *reader) {
	skip_blanks(reader);
	if (reader->at >= reader->end)
		return fail(
			reader, "Missing JSON value", "The file ends where a value is expected.");
	if (*reader->at == '"')
		return read_string(reader);
	if (*reader->at != '{' && *reader->at != '[')
		return read_literal(reader);
	if (++reader->depth > DEEPEST)
		return fail(reader, "JSON nested too deeply", "Values are nested too deeply here.");
	LangExpr *expr = *reader->at == '{' ? read_object(reader) : read_array(reader);
	reader->depth--;
	return expr;
}

/* ---- bodies ---- */

static const char *property_name(const LangExpr *key) {
	const char *text = key->kind == EXPR_LITERAL ? value_text(key->literal) : NULL;
	return text ? g_intern_string(text) : NULL;
}

/* Adds the properties of an object (or of every object in an array) as attributes. */
static gboolean add_properties(LangFile *file, LangBody *body, const LangExpr *expr) {
	if (expr->kind == EXPR_TUPLE) {
		for (guint i = 0; i < expr->n_items; i++)
			if (!add_properties(file, body, expr->items[i]))
				return FALSE;
		return TRUE;
	}
	if (expr->kind != EXPR_OBJECT)
		return FALSE;
	for (guint i = 0; i < expr->n_items; i++) {
		LangAttribute *attribute = lang_file_allocate(file, sizeof *attribute);
		attribute->name = property_name(expr->items[i]);
		if (!attribute->name || g_str_equal(attribute->name, "//"))
			continue; /* a comment */
		attribute->expr = expr->values[i];
		attribute->name_range = expr->items[i]->range;
		attribute->range = source_range_join(attribute->name_range, attribute->expr->range);
		g_ptr_array_add(body->attributes, attribute);
	}
	return TRUE;
}

static LangBody *new_body(LangFile *file, const LangExpr *expr, Diags *diags) {
	LangBody *body = lang_file_new_body(file);
	body->json = file;
	if (!expr)
		return body;
	body->range = body->end = expr->range;
	if (!add_properties(file, body, expr))
		diags_error(diags, expr->range, "Incorrect JSON value type",
			"Either a JSON object or a JSON array of objects is required here.");
	return body;
}

LangFile *lang_parse_json(const char *filename, const char *text, gsize length, Diags *diags) {
	Reader reader = {.file = lang_file_new(filename),
		.text = text,
		.at = text,
		.end = text + length,
		.line_start = text,
		.line = 1,
		.diags = diags};
	LangExpr *root = NULL;
	if (g_utf8_validate_len(text, length, NULL)) {
		root = read_value(&reader);
		skip_blanks(&reader);
		if (root && reader.at < reader.end)
			fail(&reader, "Extraneous data after value",
				"Extra characters appear after the JSON value.");
	} else {
		fail(&reader, "Invalid character encoding",
			"All input files must be UTF-8 encoded.");
	}
	reader.file->expr = root;
	reader.file->body = new_body(reader.file, root, diags);
	return reader.file;
}

typedef struct {
	LangBody *content;
	const LangAttribute *attribute;
	const LangBlockType *type;
	const LangExpr *keys[8]; /* the labels so far */
	Diags *diags;
} Unpacking;

static void add_block(Unpacking *unpacking, const LangExpr *expr) {
	if (expr->kind != EXPR_OBJECT) {
		diags_error(unpacking->diags, expr->range, "Incorrect JSON value type",
			"Either a JSON object or a JSON array is required, representing the "
			"contents of one or more \"%s\" blocks.",
			unpacking->type->type);
		return;
	}
	LangFile *file = unpacking->content->json;
	guint n = unpacking->type->n_labels;
	LangBlock *block = lang_file_allocate(file, sizeof *block);
	block->type = unpacking->attribute->name;
	block->type_range = block->header = unpacking->attribute->name_range;
	block->n_labels = n;
	block->labels = lang_file_allocate(file, (n + 1) * sizeof *block->labels);
	block->label_ranges = lang_file_allocate(file, (n + 1) * sizeof *block->label_ranges);
	for (guint i = 0; i < n; i++) {
		block->labels[i] = property_name(unpacking->keys[i]);
		block->label_ranges[i] = unpacking->keys[i]->range;
	}
	if (n > 0)
		block->header = block->label_ranges[n - 1];
	block->body = new_body(file, expr, unpacking->diags);
	block->body->header = block->header;
	g_ptr_array_add(unpacking->content->blocks, block);
}

/* Objects nested once a label, each level maybe in arrays; then the bodies. */
static void unpack(Unpacking *unpacking, const LangExpr *expr, guint level) {
	if (expr->kind == EXPR_LITERAL && value_is_null(expr->literal))
		return;
	if (expr->kind == EXPR_TUPLE) {
		for (guint i = 0; i < expr->n_items; i++)
			unpack(unpacking, expr->items[i], level);
		return;
	}
	if (level == unpacking->type->n_labels) {
		add_block(unpacking, expr);
		return;
	}
	if (expr->kind != EXPR_OBJECT) {
		diags_error(unpacking->diags, expr->range, "Incorrect JSON value type",
			"A JSON object is required, whose keys represent the %s block's labels.",
			unpacking->type->type);
		return;
	}
	for (guint i = 0; i < expr->n_items; i++) {
		unpacking->keys[level] = expr->items[i];
		const char *name = property_name(expr->items[i]);
		if (name && !g_str_equal(name, "//"))
			unpack(unpacking, expr->values[i], level + 1);
	}
}

LangBody *lang_body_content(LangBody *body, const LangBlockType *types, Diags *diags) {
	if (!body->json)
		return body;
	LangBody *content = lang_file_new_body(body->json);
	content->json = body->json;
	content->range = body->range;
	content->end = body->end;
	g_ptr_array_extend(content->blocks, body->blocks, NULL, NULL);
	for (guint i = 0; i < body->attributes->len; i++) {
		LangAttribute *attribute = body->attributes->pdata[i];
		const LangBlockType *type = types;
		while (type->type && !g_str_equal(type->type, attribute->name))
			type++;
		if (type->type && type->n_labels <= 8) {
			Unpacking unpacking = {content, attribute, type, {NULL}, diags};
			unpack(&unpacking, attribute->expr, 0);
		} else if (lang_body_attribute(content, attribute->name)) {
			diags_error(diags, attribute->name_range, "Duplicate argument",
				"The argument \"%s\" was already set.", attribute->name);
		} else {
			g_ptr_array_add(content->attributes, attribute);
		}
	}
	return content;
}
