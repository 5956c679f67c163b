/*
 * The characters under the parser: blanks and comments, names and punctuation, places, and how a
 * mistake is told once. Must never look ahead further than what it takes.
 */
#include "lang/parse.h"

LangExpr **parse_keep_all(Parser *parser, GPtrArray *array) {
	LangExpr **all = lang_file_allocate(parser->file, (array->len + 1) * sizeof *all);
	if (array->len > 0)
		memcpy(all, array->pdata, array->len * sizeof *all);
	return all;
}

/* ---- places ---- */

static void find_position(Parser *parser, gsize byte, guint *line, guint *column) {
	const gsize *starts = (const gsize *)(const void *)parser->lines->data;
	guint low = 0, high = parser->lines->len;
	while (high - low > 1) {
		guint middle = (low + high) / 2;
		if (starts[middle] <= byte)
			low = middle;
		else
			high = middle;
	}
	gboolean onward = parser->last_line == low + 1 && parser->last_byte <= byte;
	*line = low + 1;
	*column = onward ? parser->last_column : 1;
	for (gsize i = onward ? parser->last_byte : starts[low]; i < byte; i++)
		*column += ((guchar)parser->text[i] & 0xc0) != 0x80;
	parser->last_line = *line;
	parser->last_byte = byte;
	parser->last_column = *column;
}

SourceRange scan_range(Parser *parser, gsize start, gsize end) {
	if (parser->whole.filename)
		return parser->whole;
	SourceRange range = {.filename = parser->file->name, .start_byte = start, .end_byte = end};
	find_position(parser, start, &range.start_line, &range.start_column);
	find_position(parser, end, &range.end_line, &range.end_column);
	return range;
}

void scan_lines(Parser *parser) {
	parser->lines = g_array_new(FALSE, FALSE, sizeof(gsize));
	gsize start = 0;
	g_array_append_val(parser->lines, start);
	for (gsize i = 0; i < parser->end; i++)
		if (parser->text[i] == '\n') {
			start = i + 1;
			g_array_append_val(parser->lines, start);
		}
}

LangExpr *parse_node(Parser *parser, ExprKind kind, gsize start) {
	LangExpr *expr = lang_file_allocate(parser->file, sizeof *expr);
	expr->kind = kind;
	expr->range = scan_range(parser, start, MAX(parser->at, start));
	return expr;
}

LangExpr *parse_literal(Parser *parser, gsize start, Value value_taken) {
	LangExpr *expr = parse_node(parser, EXPR_LITERAL, start);
	expr->literal = value_taken;
	g_array_append_val(parser->file->literals, value_taken);
	return expr;
}

/* ---- errors ---- */

LangExpr *parse_broken(
	Parser *parser, gsize start, gsize end, const char *summary, const char *detail) {
	if (!parser->told)
		diags_error(parser->diags, scan_range(parser, start, MIN(end, parser->end)),
			summary, "%s", detail);
	parser->failed = parser->told = TRUE;
	return parse_literal(parser, start, value_unknown(type_any()));
}

/* Characters that stand for nothing in the language, but do in others. */
static const struct {
	char c;
	const char *summary, *detail;
} foreign[] = {
	{'\'', "Invalid character",
		"Single quotes are not valid. Use double quotes (\") to enclose strings."},
	{'`', "Invalid character",
		"The \"`\" character is not valid. To create a multi-line string, use the "
		"\"heredoc\" syntax, like \"<<EOT\"."},
	{';', "Invalid character",
		"The \";\" character is not valid. Use newlines to separate arguments and blocks, "
		"and commas to separate items in collection values."},
	{'&', "Unsupported operator",
		"Bitwise operators are not supported. Did you mean boolean AND (\"&&\")?"},
	{'|', "Unsupported operator",
		"Bitwise operators are not supported. Did you mean boolean OR (\"||\")?"},
	{'~', "Unsupported operator",
		"Bitwise operators are not supported. Did you mean boolean NOT (\"!\")?"},
	{'^', "Unsupported operator", "Bitwise operators are not supported."},
	{'@', "Invalid character", "This character is not used within the language."},
	{'$', "Invalid character", "This character is not used within the language."},
	{'\\', "Invalid character", "This character is not used within the language."},
};

static void tell_foreign(Parser *parser) {
	for (guint i = 0; i < G_N_ELEMENTS(foreign) && parser->at < parser->end; i++)
		if (foreign[i].c == scan_peek(parser))
			diags_error(parser->diags, scan_range(parser, parser->at, parser->at + 1),
				foreign[i].summary, "%s", foreign[i].detail);
}

LangExpr *parse_unexpected(Parser *parser, gsize from, const char *summary, const char *detail) {
	gboolean first = !parser->told;
	if (first)
		tell_foreign(parser);
	LangExpr *expr = parse_broken(parser, parser->at, scan_symbol_end(parser), summary, detail);
	if (first)
		diags_change(parser->diags, diags_count(parser->diags) - 1)->quoted =
			scan_range(parser, from, from);
	return expr;
}

static void skip_line_comment(Parser *parser) {
	while (parser->at < parser->end && parser->text[parser->at] != '\n')
		parser->at++;
}

static void skip_block_comment(Parser *parser) {
	gsize start = parser->at;
	const char *close =
		g_strstr_len(parser->text + start + 2, (gssize)(parser->end - start - 2), "*/");
	if (close) {
		parser->at = (gsize)(close - parser->text) + 2;
		return;
	}
	parser->at = parser->end;
	parse_broken(parser, start, start + 2, "Argument or block definition required",
		"An argument or block definition is required here. This comment is not closed by "
		"*/.");
}

void scan_blanks(Parser *parser) {
	for (;;) {
		char c = scan_peek(parser);
		if (c == ' ' || c == '\t' || c == '\r' || (c == '\n' && parser->enclosed > 0))
			parser->at++;
		else if (c == '#' || scan_looking_at(parser, "//"))
			skip_line_comment(parser);
		else if (scan_looking_at(parser, "/*"))
			skip_block_comment(parser);
		else
			return;
	}
}

void scan_newlines(Parser *parser) {
	parser->enclosed++;
	scan_blanks(parser);
	parser->enclosed--;
}

gboolean scan_take(Parser *parser, const char *punctuation) {
	scan_blanks(parser);
	if (!scan_looking_at(parser, punctuation))
		return FALSE;
	parser->at += strlen(punctuation);
	return TRUE;
}

/* ---- names ---- */

static gboolean starts_name(gunichar c) {
	return c == '_' || g_unichar_isalpha(c);
}

static gboolean continues_name(gunichar c) {
	return starts_name(c) || c == '-' || g_unichar_isdigit(c) || g_unichar_ismark(c);
}

static gunichar character_at(const Parser *parser, gsize byte) {
	if (byte >= parser->end)
		return 0;
	gunichar c = g_utf8_get_char_validated(parser->text + byte, (gssize)(parser->end - byte));
	return c == (gunichar)-1 || c == (gunichar)-2 ? 0 : c;
}

const char *scan_name(Parser *parser, SourceRange *range) {
	scan_blanks(parser);
	gsize start = parser->at;
	if (!starts_name(character_at(parser, start)))
		return NULL;
	gsize at = start;
	while (at < parser->end && continues_name(character_at(parser, at)))
		at += (gsize)(g_utf8_next_char(parser->text + at) - (parser->text + at));
	parser->at = at;
	if (range)
		*range = scan_range(parser, start, at);
	g_autofree char *name = g_strndup(parser->text + start, at - start);
	return g_intern_string(name);
}

gboolean scan_word(Parser *parser, const char *word) {
	scan_blanks(parser);
	gsize length = strlen(word);
	if (!scan_looking_at(parser, word) ||
		continues_name(character_at(parser, parser->at + length)))
		return FALSE;
	parser->at += length;
	return TRUE;
}

gsize scan_symbol_end(const Parser *parser) {
	gsize at = parser->at;
	while (at < parser->end && continues_name(character_at(parser, at)))
		at += (gsize)(g_utf8_next_char(parser->text + at) - (parser->text + at));
	return MIN(MAX(at, parser->at + 1), parser->end);
}

gboolean scan_at_name(const Parser *parser) {
	return starts_name(character_at(parser, parser->at));
}

gboolean lang_is_identifier(const char *name) {
	if (!starts_name(g_utf8_get_char(name)))
		return FALSE;
	for (const char *at = name; *at; at = g_utf8_next_char(at))
		if (!continues_name(g_utf8_get_char(at)))
			return FALSE;
	return TRUE;
}
