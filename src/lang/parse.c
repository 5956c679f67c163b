/*
 * The parser of the native syntax: text to tree, by recursive descent straight on the characters
 * (scan.c), since templates nest the language in its own strings. Grammar (HCL native syntax
 * specification):
 *
 *   body       = { attribute | block }
 *   attribute  = name "=" expr newline
 *   block      = name { name | string } "{" ( newline body | name "=" expr ) "}" newline
 *
 * and of expr in parse_expr.c, of templates in parse_template.c. After an error the parser goes on
 * behind it, so that what follows has its names, but tells no second one. Must never evaluate.
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

static void end_line(Parser *parser, gsize from, const char *what) {
	scan_blanks(parser);
	char c = scan_peek(parser);
	gboolean argument = g_str_equal(what, "argument");
	if (parser->failed) {
		recover(parser);
	} else if (c == '\n') {
		parser->at++;
	} else if (parser->at < parser->end) {
		g_autofree char *summary = g_strdup_printf("Missing newline after %s", what);
		if (argument && c == ',')
			parse_unexpected(parser, from, "Unexpected comma after argument",
				"Argument definitions must be separated by newlines, not commas. "
				"An argument definition must end with a newline.");
		else
			parse_unexpected(parser, from, summary,
				argument ? "An argument definition must end with a newline."
					 : "A block definition must end with a newline.");
		recover(parser);
	}
}

/* Behind the equals sign. The end of the line is the caller's. */
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
					"Template sequences are not allowed in this string. To "
					"include a literal \"$\", double it (as \"$$\") to escape "
					"it.");
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

static gboolean is_equals(const Parser *parser) {
	return scan_peek(parser) == '=' && scan_peek_at(parser, 1) != '=';
}

/* Behind the only argument of a block on one line. */
static void end_single(Parser *parser) {
	scan_blanks(parser);
	char c = scan_peek(parser);
	if (!parser->failed && c != '}')
		parse_unexpected(parser, parser->at, "Invalid single-argument block definition",
			c == ','    ? "Single-line block syntax can include only one argument "
				      "definition. To define multiple arguments, use the "
				      "multi-line block syntax with one argument definition per "
				      "line."
			: c == '\n' ? "An argument definition on the same line as its containing "
				      "block creates a single-line block definition, which must "
				      "also be closed on the same line. Place the block's closing "
				      "brace immediately after the argument definition."
				    : "A single-line block definition must end with a closing "
				      "brace immediately after its single argument definition.");
	if (!parser->failed)
		return;
	recover(parser);
	parse_body(parser, lang_file_new_body(parser->file), TRUE);
}

/* block-on-one-line = "{" name "=" expr "}" */
static void parse_single(Parser *parser, LangBody *body) {
	gsize start = parser->at;
	SourceRange range;
	const char *name = scan_name(parser, &range);
	scan_blanks(parser);
	if (name && is_equals(parser)) {
		parser->at++;
		parse_attribute(parser, body, name, range);
	} else if (name &&
		   (scan_peek(parser) == '"' || scan_peek(parser) == '{' || scan_at_name(parser))) {
		g_autofree char *detail = g_strdup_printf(
			"A single-line block definition can contain only a single argument. If you "
			"meant to define argument \"%s\", use an equals sign to assign it a value. "
			"To define a nested block, place it on a line of its own within its parent "
			"block.",
			name);
		parse_broken(parser, start, range.end_byte, "Argument definition required", detail);
	} else {
		parser->at = start;
		parse_unexpected(parser, start, "Argument or block definition required",
			name ? "An argument or block definition is required here. To set an "
			       "argument, use the equals sign \"=\" to introduce the argument "
			       "value."
			     : "An argument or block definition is required here.");
	}
	end_single(parser);
}

static void parse_block_inside(Parser *parser, LangBody *body) {
	scan_blanks(parser);
	char c = scan_peek(parser);
	if (c == '\n' || c == '}' || parser->at >= parser->end) {
		parse_body(parser, body, TRUE);
		return;
	}
	gsize start = parser->at;
	parse_single(parser, body);
	body->range = scan_range(parser, start, parser->at);
}

static void parse_block_body(Parser *parser, LangBlock *block, gsize start) {
	gsize open = parser->at - 1;
	block->body = lang_file_new_body(parser->file);
	block->body->header = block->header;
	if (++parser->depth > DEEPEST) {
		parse_broken(parser, start, parser->at, "Blocks nested too deep",
			"Blocks may not be nested this deep.");
		recover(parser);
	} else {
		parse_block_inside(parser, block->body);
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
	end_line(parser, start, "block definition");
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
	parse_unexpected(parser, type_range.start_byte, "Invalid block definition",
		is_equals(parser) ? "The equals sign \"=\" indicates an argument definition, and "
				    "must not be used when defining a block."
		: scan_peek(parser) == '\n'
			? "A block definition must have block content delimited by \"{\" and "
			  "\"}\", starting on the same line as the block header."
			: "Either a quoted string block label or an opening brace (\"{\") is "
			  "expected here.");
	recover(parser);
}

static void parse_item(Parser *parser, LangBody *body) {
	SourceRange range;
	const char *name = scan_name(parser, &range);
	if (!name) {
		gboolean quoted = scan_peek(parser) == '"';
		parse_unexpected(parser, parser->at,
			quoted ? "Invalid argument name" : "Argument or block definition required",
			quoted ? "Argument names must not be quoted."
			       : "An argument or block definition is required here.");
		gsize before = parser->at;
		recover(parser);
		if (parser->at == before)
			parser->at++;
		return;
	}
	scan_blanks(parser);
	if (is_equals(parser)) {
		parser->at++;
		parse_attribute(parser, body, name, range);
		end_line(parser, range.start_byte, "argument");
	} else if (scan_peek(parser) == '"' || scan_peek(parser) == '{' || scan_at_name(parser)) {
		parse_block(parser, body, name, range);
	} else {
		parse_broken(parser, range.start_byte, range.end_byte,
			"Argument or block definition required",
			"An argument or block definition is required here. To set an argument, use "
			"the equals sign \"=\" to introduce the argument value.");
		recover(parser);
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
		parse_unexpected(&parser, 0, "Extra characters after expression",
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
