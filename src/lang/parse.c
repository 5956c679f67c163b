/*
 * The parser of the native syntax: text to tree, by recursive descent straight on the characters
 * (scan.c), since templates nest the language in its own strings. Grammar (HCL native syntax
 * specification):
 *
 *   body       = { attribute | block }
 *   attribute  = name "=" expr newline
 *   block      = name { name | string } "{" newline body "}" newline
 *
 * and of expr in parse_expr.c, of templates in parse_template.c. After an error the parser goes on
 * behind it, to find more. Must never evaluate.
 */
#include "lang/parse.h"

/* ---- bodies ---- */

static void parse_body(Parser *parser, LangBody *body, gboolean nested);

/* To the end of the line, and of what is opened on it: where to go on after an error. */
static void recover(Parser *parser) {
	guint open = 0;
	while (parser->at < parser->end) {
		char c = scan_peek(parser);
		if (c == '\n' && open == 0)
			break;
		open += c == '{' || c == '[' || c == '(';
		if (c == '}' || c == ']' || c == ')') {
			if (open == 0 && c == '}')
				break;
			open -= open > 0;
		}
		parser->at++;
	}
	parser->failed = FALSE;
	parser->enclosed = 0;
}

static void end_line(Parser *parser, const char *what) {
	scan_blanks(parser);
	char c = scan_peek(parser);
	if (parser->failed) {
		recover(parser);
	} else if (c == '\n') {
		parser->at++;
	} else if (parser->at < parser->end && c != '}') {
		g_autofree char *summary = g_strdup_printf("Missing newline after %s", what);
		parse_broken(parser, parser->at, parser->at + 1, summary,
			g_str_equal(what, "argument")
				? "An argument definition must end with a newline."
				: "A block definition must end with a newline.");
		recover(parser);
	}
}

static void parse_attribute(
	Parser *parser, LangBody *body, const char *name, SourceRange name_range) {
	LangExpr *expr = parse_expr(parser);
	LangAttribute *other = lang_body_attribute(body, name);
	if (other)
		diags_error(parser->diags, name_range, "Attribute redefined",
			"The argument \"%s\" was already set at %s:%u,%u-%u. Each argument may be "
			"set only once.",
			name, other->name_range.filename, other->name_range.start_line,
			other->name_range.start_column, other->name_range.end_column);
	LangAttribute *attribute = lang_file_allocate(parser->file, sizeof *attribute);
	attribute->name = name;
	attribute->expr = expr;
	attribute->name_range = name_range;
	attribute->range = scan_range(parser, name_range.start_byte, expr->range.end_byte);
	if (!other)
		g_ptr_array_add(body->attributes, attribute);
	end_line(parser, "argument");
}

/* Labels: names or quoted strings without templates. */
static gboolean parse_labels(Parser *parser, LangBlock *block) {
	g_autoptr(GPtrArray) labels = g_ptr_array_new();
	g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(SourceRange));
	for (;;) {
		scan_blanks(parser);
		gsize start = parser->at;
		const char *label = NULL;
		if (scan_peek(parser) == '"') {
			LangExpr *expr = parse_quoted(parser);
			label = expr->kind == EXPR_LITERAL ? value_text(expr->literal) : NULL;
			if (!label) {
				parse_broken(parser, start, parser->at, "Invalid string literal",
					"Template sequences are not allowed in this string.");
				return FALSE;
			}
			label = g_intern_string(label);
		} else {
			label = scan_name(parser, NULL);
		}
		if (!label)
			break;
		SourceRange range = scan_range(parser, start, parser->at);
		g_ptr_array_add(labels, (gpointer)label);
		g_array_append_val(ranges, range);
	}
	block->n_labels = labels->len;
	block->labels = lang_file_allocate(parser->file, (labels->len + 1) * sizeof *block->labels);
	block->label_ranges =
		lang_file_allocate(parser->file, (labels->len + 1) * sizeof(SourceRange));
	for (guint i = 0; i < labels->len; i++) {
		block->labels[i] = labels->pdata[i];
		block->label_ranges[i] = g_array_index(ranges, SourceRange, i);
	}
	return TRUE;
}

static void parse_block_body(Parser *parser, LangBlock *block, gsize start) {
	gsize open = parser->at - 1;
	block->body = lang_file_new_body(parser->file);
	if (++parser->depth > DEEPEST) {
		parse_broken(parser, start, parser->at, "Blocks nested too deep",
			"Blocks may not be nested this deep.");
		recover(parser);
	} else {
		parse_body(parser, block->body, TRUE);
	}
	parser->depth--;
	block->body->end = scan_range(parser, parser->at, parser->at);
	if (scan_peek(parser) == '}')
		parser->at++;
	else
		parse_broken(parser, open, open + 1, "Unclosed configuration block",
			"There is no closing brace for this block before the end of the file. This "
			"may be caused "
			"by incorrect brace nesting elsewhere in this file.");
	block->body->range = scan_range(parser, open, parser->at);
	end_line(parser, "block definition");
}

static void parse_block(Parser *parser, LangBody *body, const char *type, SourceRange type_range) {
	LangBlock *block = lang_file_allocate(parser->file, sizeof *block);
	block->type = type;
	block->type_range = type_range;
	gboolean fine = parse_labels(parser, block);
	block->header = scan_range(parser, type_range.start_byte,
		block->n_labels > 0 ? block->label_ranges[block->n_labels - 1].end_byte
				    : type_range.end_byte);
	if (fine && scan_take(parser, "{")) {
		parse_block_body(parser, block, type_range.start_byte);
		g_ptr_array_add(body->blocks, block);
		return;
	}
	if (block->n_labels == 0)
		parse_broken(parser, parser->at, parser->at + 1, "Invalid block definition",
			"A block definition must have block content delimited by \"{\" and \"}\", "
			"starting on the "
			"same line as the block header; an argument needs an equals sign.");
	else
		parse_broken(parser, parser->at, parser->at + 1, "Invalid block definition",
			"Either a quoted string block label or an opening brace (\"{\") is "
			"expected here.");
	recover(parser);
}

static void parse_item(Parser *parser, LangBody *body) {
	SourceRange range;
	const char *name = scan_name(parser, &range);
	if (!name) {
		parse_broken(parser, parser->at, parser->at + 1, "Invalid argument name",
			"Argument names must not be quoted; expected an argument or a block "
			"definition here.");
		gsize before = parser->at;
		recover(parser);
		if (parser->at == before)
			parser->at++;
		return;
	}
	scan_blanks(parser);
	if (scan_peek(parser) == '=' && scan_peek_at(parser, 1) != '=') {
		parser->at++;
		parse_attribute(parser, body, name, range);
	} else {
		parse_block(parser, body, name, range);
	}
}

static void parse_body(Parser *parser, LangBody *body, gboolean nested) {
	gsize start = parser->at;
	for (;;) {
		scan_newlines(parser);
		if (parser->at >= parser->end || (nested && scan_peek(parser) == '}'))
			break;
		parse_item(parser, body);
	}
	body->range = scan_range(parser, start, parser->at);
	body->end = scan_range(parser, parser->at, parser->at);
}

/* ---- entry points ---- */

static Parser parser_new(const char *filename, const char *text, gsize length, Diags *diags) {
	Parser parser = {
		.file = lang_file_new(filename), .text = text, .end = length, .diags = diags};
	scan_lines(&parser);
	const char *stop;
	if (!g_utf8_validate_len(text, length, &stop)) {
		gsize at = (gsize)(stop - text);
		parse_broken(&parser, at, at + 1, "Invalid character encoding",
			"All input files must be UTF-8 encoded. Ensure that UTF-8 encoding is "
			"selected in your editor.");
		parser.end = at;
		parser.failed = FALSE;
	}
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		parser.at = 3;
	return parser;
}

LangFile *lang_parse(const char *filename, const char *text, gsize length, Diags *diags) {
	Parser parser = parser_new(filename, text, length, diags);
	parser.file->body = lang_file_new_body(parser.file);
	parse_body(&parser, parser.file->body, FALSE);
	g_array_unref(parser.lines);
	return parser.file;
}

LangFile *lang_parse_expression(
	const char *filename, const char *text, gsize length, Diags *diags) {
	Parser parser = parser_new(filename, text, length, diags);
	guint errors = diags_error_count(diags);
	parser.enclosed = 1;
	LangExpr *expr = parse_expr(&parser);
	scan_blanks(&parser);
	if (!parser.failed && parser.at < parser.end)
		parse_broken(&parser, parser.at, parser.at + 1, "Extra characters after expression",
			"An expression was successfully parsed, but extra characters were found "
			"after it.");
	parser.file->expr = diags_error_count(diags) > errors ? NULL : expr;
	g_array_unref(parser.lines);
	return parser.file;
}

LangFile *lang_parse_template(const char *filename, const char *text, gsize length, Diags *diags) {
	Parser parser = parser_new(filename, text, length, diags);
	guint errors = diags_error_count(diags);
	LangExpr *expr = parse_template(&parser);
	parser.file->expr = diags_error_count(diags) > errors ? NULL : expr;
	g_array_unref(parser.lines);
	return parser.file;
}

LangExpr *lang_parse_part(
	LangFile *file, const char *text, gboolean template, SourceRange range, Diags *diags) {
	Parser parser = {.file = file,
		.text = text,
		.end = strlen(text),
		.whole = range,
		.diags = diags,
		.enclosed = 1};
	scan_lines(&parser);
	guint errors = diags_error_count(diags);
	LangExpr *expr;
	if (template) {
		expr = parse_template(&parser);
	} else {
		expr = parse_expr(&parser);
		scan_blanks(&parser);
		if (parser.at < parser.end)
			expr = NULL;
	}
	g_array_unref(parser.lines);
	return diags_error_count(diags) > errors ? NULL : expr;
}
