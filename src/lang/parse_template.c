/*
 * Templates: quoted strings, heredocs and whole texts, with the language nested in them. Read into
 * parts first, since ~ and <<- work on what stands beside them, then made to one expression.
 *
 *   template   = { text | "${" [ "~" ] expr [ "~" ] "}" | "%{" [ "~" ] directive [ "~" ] "}" }
 *   directive  = "if" expr | "else" | "endif" | "for" name [ "," name ] "in" expr | "endfor"
 *   heredoc    = ( "<<" | "<<-" ) name newline { line } name
 */
#include "base/text.h"
#include "lang/parse.h"

/* ---- parts ---- */

/* What a template is read from: a quoted string, a heredoc's lines, or a whole text. */
typedef enum { QUOTED, HEREDOC, WHOLE } TemplateSource;

typedef enum {
	PART_TEXT,
	PART_VALUE,
	PART_IF,
	PART_ELSE,
	PART_END_IF,
	PART_FOR,
	PART_END_FOR
} PartKind;

typedef struct {
	PartKind kind;
	GString *text;
	gsize start, end;
	LangExpr *expr; /* of VALUE and IF; the collection of FOR */
	const char *key_name, *value_name;
	gboolean trim_before, trim_after;
	gboolean line_start; /* of TEXT in a heredoc: begins a line */
} Part;

static void part_free(gpointer data) {
	Part *part = data;
	if (part->text)
		g_string_free(part->text, TRUE);
	g_free(part);
}

static Part *part_new(GPtrArray *parts, PartKind kind, gsize start) {
	Part *part = g_new0(Part, 1);
	part->kind = kind;
	part->start = start;
	if (kind == PART_TEXT)
		part->text = g_string_new(NULL);
	g_ptr_array_add(parts, part);
	return part;
}

/* Text in Unicode's composed form, which the language compares. */
static Value text_value(const GString *text) {
	gboolean whole = strlen(text->str) == text->len;
	g_autofree char *composed =
		whole ? g_utf8_normalize(text->str, (gssize)text->len, G_NORMALIZE_NFC) : NULL;
	return composed ? value_string(composed) : value_string_sized(text->str, text->len);
}

/* The text part to append to: the last one, or a new one. */
static GString *text_part(Parser *parser, GPtrArray *parts) {
	Part *last = parts->len > 0 ? parts->pdata[parts->len - 1] : NULL;
	if (!last || last->kind != PART_TEXT)
		last = part_new(parts, PART_TEXT, parser->at);
	return last->text;
}

static void parse_unicode_escape(Parser *parser, GString *out, gsize start, int digits) {
	gunichar c = 0;
	for (int i = 0; i < digits; i++) {
		int digit = g_ascii_xdigit_value(scan_peek(parser));
		if (digit < 0) {
			parse_broken(parser, start, parser->at + 1, "Invalid escape sequence",
				digits == 4 ? "The \\u escape sequence must be followed by four "
					      "hexadecimal digits."
					    : "The \\U escape sequence must be followed by "
					      "eight hexadecimal digits.");
			return;
		}
		c = c * 16 + (gunichar)digit;
		parser->at++;
	}
	if (g_unichar_validate(c))
		g_string_append_unichar(out, c);
	else
		parse_broken(parser, start, parser->at, "Invalid escape sequence",
			"This is no Unicode character.");
}

static void parse_escape(Parser *parser, GString *out) {
	gsize start = parser->at;
	char letter = scan_peek_at(parser, 1);
	parser->at = MIN(parser->at + 2, parser->end);
	static const char letters[] = "nrt\"\\", meanings[] = "\n\r\t\"\\";
	const char *found = letter ? strchr(letters, letter) : NULL;
	if (found)
		g_string_append_c(out, meanings[found - letters]);
	else if (letter == 'u' || letter == 'U')
		parse_unicode_escape(parser, out, start, letter == 'u' ? 4 : 8);
	else {
		g_autofree char *detail = g_strdup_printf(
			"The symbol \"%c\" is not a valid escape sequence selector.", letter);
		parse_broken(parser, start, parser->at, "Invalid escape sequence", detail);
	}
}

static const char *directive_word(PartKind kind) {
	static const char *const words[] = {[PART_IF] = "if",
		[PART_ELSE] = "else",
		[PART_END_IF] = "endif",
		[PART_FOR] = "for",
		[PART_END_FOR] = "endfor"};
	return words[kind];
}

/* Behind "${", or "%{" and its keyword: the closing brace. */
static void close_sequence(Parser *parser, Part *part, const char *keyword) {
	scan_blanks(parser);
	if (scan_peek(parser) == '~') {
		part->trim_after = TRUE;
		parser->at++;
	}
	if (scan_peek(parser) == '}') {
		parser->at++;
		part->end = parser->at;
		return;
	}
	if (parser->at >= parser->end) {
		parse_broken(parser, part->start, parser->at, "Unterminated template string",
			"No closing marker was found for the string.");
		return;
	}
	g_autofree char *summary =
		keyword ? g_strdup_printf("Extra characters in %s marker", keyword)
			: g_strdup("Extra characters after interpolation "
				   "expression");
	parse_unexpected(parser, part->start, summary,
		keyword ? "Expected a closing brace to end the sequence, but found extra "
			  "characters."
			: "Expected a closing brace to end the interpolation expression, but found "
			  "extra characters.\n\nThis can happen when you include interpolation "
			  "syntax for another language, such as shell scripting, but forget to "
			  "escape the interpolation start token. If this is an embedded sequence "
			  "for "
			  "another language, escape it by starting with \"$${\" instead of just "
			  "\"${\".");
}

static void parse_interpolation(Parser *parser, GPtrArray *parts) {
	gsize start = parser->at;
	parser->at += 2;
	Part *part = part_new(parts, PART_VALUE, start);
	if (scan_peek(parser) == '~') {
		part->trim_before = TRUE;
		parser->at++;
	}
	parser->enclosed++;
	part->expr = parse_expr(parser);
	close_sequence(parser, part, NULL);
	parser->enclosed--;
}

static void parse_for_directive(Parser *parser, Part *part) {
	part->kind = PART_FOR;
	part->value_name = scan_name(parser, NULL);
	const char *wrong =
		part->value_name ? NULL : "For directive requires variable name after 'for'.";
	if (part->value_name && scan_take(parser, ",")) {
		part->key_name = part->value_name;
		part->value_name = scan_name(parser, NULL);
		if (!part->value_name)
			wrong = "For directive requires value variable name after comma.";
	}
	if (!wrong && !scan_word(parser, "in"))
		wrong = "For directive requires 'in' keyword after names.";
	part->expr = wrong ? parse_unexpected(parser, part->start, "Invalid 'for' directive", wrong)
			   : parse_expr(parser);
}

/* Returns what stands for the condition that there is not. */
static LangExpr *refuse_keyword(Parser *parser) {
	static const char *const words[] = {"if", "for", "else", "endif", "endfor"};
	gsize start = parser->at;
	const char *word = scan_name(parser, NULL);
	if (!word)
		return parse_unexpected(parser, start, "Invalid template directive",
			"A template directive keyword (\"if\", \"for\", etc) is expected at the "
			"beginning of a %{ sequence.");
	g_autofree char *hint = text_suggestion(word, words, G_N_ELEMENTS(words));
	g_autofree char *detail =
		g_strdup_printf("\"%s\" is not a valid template control keyword.%s", word, hint);
	return parse_broken(parser, start, parser->at, "Invalid template control keyword", detail);
}

static void parse_directive(Parser *parser, GPtrArray *parts) {
	gsize start = parser->at;
	parser->at += 2;
	Part *part = part_new(parts, PART_IF, start);
	if (scan_peek(parser) == '~') {
		part->trim_before = TRUE;
		parser->at++;
	}
	parser->enclosed++;
	if (scan_word(parser, "if"))
		part->expr = parse_expr(parser);
	else if (scan_word(parser, "else"))
		part->kind = PART_ELSE;
	else if (scan_word(parser, "endif"))
		part->kind = PART_END_IF;
	else if (scan_word(parser, "for"))
		parse_for_directive(parser, part);
	else if (scan_word(parser, "endfor"))
		part->kind = PART_END_FOR;
	else
		part->expr = refuse_keyword(parser);
	close_sequence(parser, part, directive_word(part->kind));
	parser->enclosed--;
}

/* One thing of a template: a character of text, an escape, an interpolation, a directive. */
static void parse_template_piece(Parser *parser, GPtrArray *parts, TemplateSource source) {
	if (scan_looking_at(parser, "$${") || scan_looking_at(parser, "%%{")) {
		g_string_append_len(text_part(parser, parts), parser->text + parser->at + 1, 2);
		parser->at += 3;
	} else if (scan_looking_at(parser, "${")) {
		parse_interpolation(parser, parts);
	} else if (scan_looking_at(parser, "%{")) {
		parse_directive(parser, parts);
	} else if (source == QUOTED && scan_peek(parser) == '\\') {
		parse_escape(parser, text_part(parser, parts));
	} else {
		g_string_append_c(text_part(parser, parts), parser->text[parser->at]);
		parser->at++;
	}
}

/* ---- from parts to expressions ---- */

/* A ~ eats the blanks of its side up to and including one newline. */
static void trim_end(GString *text) {
	gsize length = text->len;
	while (length > 0 && g_ascii_isspace(text->str[length - 1]))
		length--;
	g_string_truncate(text, length);
}

static void trim_start(GString *text) {
	gsize blanks = 0;
	while (blanks < text->len && g_ascii_isspace(text->str[blanks]))
		blanks++;
	g_string_erase(text, 0, (gssize)blanks);
}

static void trim_parts(GPtrArray *parts) {
	for (guint i = 0; i < parts->len; i++) {
		Part *part = parts->pdata[i];
		Part *before = i > 0 ? parts->pdata[i - 1] : NULL;
		Part *after = i + 1 < parts->len ? parts->pdata[i + 1] : NULL;
		if (part->trim_before && before && before->kind == PART_TEXT)
			trim_end(before->text);
		if (part->trim_after && after && after->kind == PART_TEXT)
			trim_start(after->text);
	}
}

static LangExpr *template_until(Parser *parser, GPtrArray *parts, guint *next, PartKind stop,
	gboolean *stopped_at_else, const Part *opening);

static LangExpr *template_if(Parser *parser, GPtrArray *parts, guint *next) {
	const Part *part = parts->pdata[(*next)++];
	LangExpr *expr = parse_node(parser, EXPR_IF_DIRECTIVE, part->start);
	gboolean has_else = FALSE;
	expr->condition = part->expr;
	expr->then = template_until(parser, parts, next, PART_END_IF, &has_else, part);
	if (has_else)
		expr->otherwise = template_until(parser, parts, next, PART_END_IF, NULL, part);
	return expr;
}

static LangExpr *template_for(Parser *parser, GPtrArray *parts, guint *next) {
	const Part *part = parts->pdata[(*next)++];
	LangExpr *expr = parse_node(parser, EXPR_FOR_DIRECTIVE, part->start);
	expr->key_name = part->key_name;
	expr->value_name = part->value_name;
	expr->collection = part->expr;
	expr->result = template_until(parser, parts, next, PART_END_FOR, NULL, part);
	return expr;
}

/* Nothing closes the directive. */
static void refuse_end(Parser *parser, const Part *opening) {
	const char *word = directive_word(opening->kind);
	SourceRange range = scan_range(parser, opening->start, opening->end);
	g_autofree char *detail = g_strdup_printf(
		"The %s directive at %s:%u,%u-%u is missing its corresponding end%s directive.",
		word, range.filename, range.start_line, range.start_column, range.end_column, word);
	parse_broken(parser, opening->start, opening->end, "Unexpected end of template", detail);
}

static LangExpr *template_until(Parser *parser, GPtrArray *parts, guint *next, PartKind stop,
	gboolean *stopped_at_else, const Part *opening) {
	g_autoptr(GPtrArray) items = g_ptr_array_new();
	LangExpr *expr = parse_node(parser, EXPR_TEMPLATE, opening->start);
	gboolean ended = FALSE;
	while (*next < parts->len) {
		Part *part = parts->pdata[*next];
		gboolean is_else = part->kind == PART_ELSE && stopped_at_else;
		if ((part->kind == stop && stop != PART_TEXT) || is_else) {
			(*next)++;
			if (stopped_at_else)
				*stopped_at_else = is_else;
			ended = TRUE;
			break;
		}
		if (part->kind == PART_TEXT) {
			g_ptr_array_add(
				items, parse_literal(parser, part->start, text_value(part->text)));
			(*next)++;
		} else if (part->kind == PART_VALUE) {
			g_ptr_array_add(items, part->expr);
			(*next)++;
		} else if (part->kind == PART_IF) {
			g_ptr_array_add(items, template_if(parser, parts, next));
		} else if (part->kind == PART_FOR) {
			g_ptr_array_add(items, template_for(parser, parts, next));
		} else {
			g_autofree char *summary = g_strdup_printf(
				"Unexpected %s directive", directive_word(part->kind));
			parse_broken(parser, part->start, part->end, summary,
				"The control directives within this template are unbalanced.");
			(*next)++;
		}
	}
	if (!ended && stop != PART_TEXT)
		refuse_end(parser, opening);
	expr->items = parse_keep_all(parser, items);
	expr->n_items = items->len;
	return expr;
}

/* The expression of a template's parts: a literal, the one value in it, or a joining. */
static LangExpr *template_of(Parser *parser, GPtrArray *parts, gsize start) {
	trim_parts(parts);
	const Part *only = parts->len == 1 ? parts->pdata[0] : NULL;
	if (parts->len == 0)
		return parse_literal(parser, start, value_string(""));
	if (only && only->kind == PART_TEXT)
		return parse_literal(parser, start, text_value(only->text));
	if (only && only->kind == PART_VALUE) {
		LangExpr *wrap = parse_node(parser, EXPR_WRAP, start);
		wrap->object = only->expr;
		return wrap;
	}
	guint next = 0;
	return template_until(parser, parts, &next, PART_TEXT, NULL, &(Part){.start = start});
}

LangExpr *parse_quoted(Parser *parser) {
	gsize start = parser->at++;
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
	while (parser->at < parser->end && scan_peek(parser) != '"' && scan_peek(parser) != '\n' &&
		!parser->failed)
		parse_template_piece(parser, parts, QUOTED);
	if (scan_peek(parser) == '"')
		parser->at++;
	else if (!parser->failed)
		return parse_broken(parser, scan_peek(parser) == '\n' ? parser->at : start,
			scan_peek(parser) == '\n' ? parser->at + 1 : parser->at,
			scan_peek(parser) == '\n' ? "Invalid multi-line string"
						  : "Unterminated template string",
			scan_peek(parser) == '\n'
				? "Quoted strings may not be split over multiple "
				  "lines. To produce a multi-line "
				  "string, either use the \\n escape to represent a "
				  "newline character or use the "
				  "\"heredoc\" multi-line template syntax."
				: "No closing marker was found for the string.");
	return template_of(parser, parts, start);
}

LangExpr *parse_template(Parser *parser) {
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
	while (parser->at < parser->end && !parser->failed)
		parse_template_piece(parser, parts, WHOLE);
	return template_of(parser, parts, 0);
}

/* ---- heredocs ---- */

/* Whether the line that begins here is the end marker, blanks before it aside. */
static gboolean at_marker(const Parser *parser, const char *marker, gsize *behind) {
	gsize at = parser->at;
	while (at < parser->end && (parser->text[at] == ' ' || parser->text[at] == '\t'))
		at++;
	gsize length = strlen(marker);
	if (parser->end - at < length || memcmp(parser->text + at, marker, length) != 0)
		return FALSE;
	at += length;
	*behind = at;
	while (at < parser->end && (parser->text[at] == ' ' || parser->text[at] == '\r'))
		at++;
	return at >= parser->end || strchr("\n,)]}", parser->text[at]) != NULL;
}

static void mark_line_start(Parser *parser, GPtrArray *parts) {
	part_new(parts, PART_TEXT, parser->at)->line_start = TRUE;
}

static gsize indent_of(const GString *text) {
	return strspn(text->str, " \t");
}

/* <<-: the least indent of all lines is taken off each. */
static void remove_indent(GPtrArray *parts) {
	gsize least = G_MAXSIZE;
	for (guint i = 0; i < parts->len; i++) {
		const Part *part = parts->pdata[i];
		if (!part->line_start)
			continue;
		gsize indent = indent_of(part->text);
		gboolean last_of_line =
			i + 1 == parts->len || ((Part *)parts->pdata[i + 1])->line_start;
		gboolean blank = last_of_line &&
				 (indent == part->text->len || part->text->str[indent] == '\n');
		if (!blank)
			least = MIN(least, indent);
	}
	for (guint i = 0; i < parts->len && least < G_MAXSIZE; i++) {
		Part *part = parts->pdata[i];
		if (part->line_start)
			g_string_erase(part->text, 0, (gssize)MIN(least, indent_of(part->text)));
	}
}

/* Lines became parts of their own: texts that follow each other are one again. */
static void join_texts(GPtrArray *parts) {
	for (guint i = 1; i < parts->len;) {
		Part *before = parts->pdata[i - 1], *part = parts->pdata[i];
		if (before->kind == PART_TEXT && part->kind == PART_TEXT) {
			g_string_append_len(before->text, part->text->str, (gssize)part->text->len);
			g_ptr_array_remove_index(parts, i);
		} else {
			i++;
		}
	}
	if (parts->len > 1 && ((Part *)parts->pdata[0])->kind == PART_TEXT &&
		((Part *)parts->pdata[0])->text->len == 0)
		g_ptr_array_remove_index(parts, 0);
}

LangExpr *parse_heredoc(Parser *parser) {
	gsize start = parser->at;
	gboolean flush = scan_looking_at(parser, "<<-");
	parser->at += flush ? 3 : 2;
	const char *marker = scan_name(parser, NULL);
	if (scan_peek(parser) == '\r')
		parser->at++;
	if (!marker || scan_peek(parser) != '\n')
		return parse_broken(parser, start, parser->at + 1, "Invalid heredoc",
			"A heredoc begins with << or <<-, a marker and the end of the line.");
	gsize content = ++parser->at;
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
	gsize behind = 0;
	while (parser->at < parser->end && !at_marker(parser, marker, &behind)) {
		mark_line_start(parser, parts);
		gboolean line_over = FALSE;
		while (parser->at < parser->end && !line_over && !parser->failed) {
			line_over = scan_peek(parser) == '\n';
			parse_template_piece(parser, parts, HEREDOC);
		}
		if (parser->failed)
			break;
	}
	if (!at_marker(parser, marker, &behind))
		return parse_unexpected(parser, content, "Unterminated template string",
			"No closing marker was found for the string.");
	parser->at = behind;
	if (flush)
		remove_indent(parts);
	join_texts(parts);
	LangExpr *expr = template_of(parser, parts, start);
	return expr;
}
