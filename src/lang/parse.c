/*
 * The parser of the native syntax: text to tree, by recursive descent straight on the characters,
 * since templates nest the language in its own strings. Grammar (HCL native syntax specification):
 *
 *   body       = { attribute | block }
 *   attribute  = name "=" expr newline
 *   block      = name { name | string } "{" newline body "}" newline
 *   expr       = or [ "?" expr ":" expr ]
 *   or …       = binary operators by precedence: || && (== !=) (< <= > >=) (+ -) (* / %)
 *   unary      = ( "!" | "-" ) unary | postfix
 *   postfix    = primary { "." name | "." digits | ".*" | "[" expr "]" | "[*]" }
 *   primary    = number | template | heredoc | word | name "(" args ")" | "(" expr ")" | tuple |
 * object tuple      = "[" ( { expr "," } | for ) "]" object     = "{" ( { key ( "=" | ":" ) expr (
 * "," | newline ) } | for ) "}" for        = "for" name [ "," name ] "in" expr ":" expr [ "=>" expr
 * [ "..." ] ] [ "if" expr ] template   = { text | "${" expr "}" | "%{" directive "}" }
 *
 * After an error the parser goes on behind it, to find more. Must never evaluate.
 */
#include <string.h>

#include "lang/syntax.h"

#define DEEPEST 200 /* nested expressions: beyond that the stack is in danger */

typedef struct {
	LangFile *file;
	const char *text;
	gsize at, end;
	guint enclosed; /* > 0: inside brackets, where newlines do not matter */
	guint depth;
	GArray *lines; /* gsize: where each line begins */
	SourceRange whole; /* where all of it is said to be, if it has a file name */
	gsize last_byte; /* of the last place found, with its column: lines may be long */
	guint last_line, last_column;
	Diags *diags;
	gboolean failed; /* the expression being read is broken: stay quiet until it is over */
} Parser;

static LangExpr *parse_expr(Parser *parser);

/* ---- memory ---- */

LangFile *lang_file_new(const char *filename) {
	LangFile *file = g_new0(LangFile, 1);
	file->name = g_intern_string(filename);
	file->memory = g_ptr_array_new_with_free_func(g_free);
	file->arrays = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	file->literals = g_array_new(FALSE, FALSE, sizeof(Value));
	g_array_set_clear_func(file->literals, (GDestroyNotify)value_clear);
	return file;
}

void lang_file_free(LangFile *file) {
	if (!file)
		return;
	g_ptr_array_unref(file->memory);
	g_ptr_array_unref(file->arrays);
	g_array_unref(file->literals);
	g_free(file);
}

gpointer lang_file_allocate(LangFile *file, gsize size) {
	gpointer memory = g_malloc0(size);
	g_ptr_array_add(file->memory, memory);
	return memory;
}

LangBody *lang_file_new_body(LangFile *file) {
	LangBody *body = lang_file_allocate(file, sizeof *body);
	body->attributes = g_ptr_array_new();
	body->blocks = g_ptr_array_new();
	g_ptr_array_add(file->arrays, body->attributes);
	g_ptr_array_add(file->arrays, body->blocks);
	return body;
}

/* A growing array of expressions, moved into the file at its end. */
static LangExpr **keep_all(Parser *parser, GPtrArray *array) {
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

static SourceRange range_of(Parser *parser, gsize start, gsize end) {
	if (parser->whole.filename)
		return parser->whole;
	SourceRange range = {.filename = parser->file->name, .start_byte = start, .end_byte = end};
	find_position(parser, start, &range.start_line, &range.start_column);
	find_position(parser, end, &range.end_line, &range.end_column);
	return range;
}

static void find_lines(Parser *parser) {
	parser->lines = g_array_new(FALSE, FALSE, sizeof(gsize));
	gsize start = 0;
	g_array_append_val(parser->lines, start);
	for (gsize i = 0; i < parser->end; i++)
		if (parser->text[i] == '\n') {
			start = i + 1;
			g_array_append_val(parser->lines, start);
		}
}

static LangExpr *expr_new(Parser *parser, ExprKind kind, gsize start) {
	LangExpr *expr = lang_file_allocate(parser->file, sizeof *expr);
	expr->kind = kind;
	expr->range = range_of(parser, start, MAX(parser->at, start));
	return expr;
}

static LangExpr *literal_new(Parser *parser, gsize start, Value value_taken) {
	LangExpr *expr = expr_new(parser, EXPR_LITERAL, start);
	expr->literal = value_taken;
	g_array_append_val(parser->file->literals, value_taken);
	return expr;
}

/* ---- errors ---- */

static LangExpr *broken(
	Parser *parser, gsize start, gsize end, const char *summary, const char *detail) {
	if (!parser->failed)
		diags_error(parser->diags, range_of(parser, start, MIN(end, parser->end)), summary,
			"%s", detail);
	parser->failed = TRUE;
	return literal_new(parser, start, value_unknown(type_any()));
}

/* ---- characters ---- */

static char peek_at(const Parser *parser, gsize ahead) {
	return parser->at + ahead < parser->end ? parser->text[parser->at + ahead] : '\0';
}

static char peek(const Parser *parser) {
	return peek_at(parser, 0);
}

static gboolean looking_at(const Parser *parser, const char *word) {
	gsize length = strlen(word);
	return parser->at + length <= parser->end &&
	       memcmp(parser->text + parser->at, word, length) == 0;
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
	broken(parser, start, start + 2, "Unterminated comment",
		"This comment is not closed by */.");
}

/* Skips blanks and comments; newlines only where they do not matter. */
static void skip_blanks(Parser *parser) {
	for (;;) {
		char c = peek(parser);
		if (c == ' ' || c == '\t' || c == '\r' || (c == '\n' && parser->enclosed > 0))
			parser->at++;
		else if (c == '#' || looking_at(parser, "//"))
			skip_line_comment(parser);
		else if (looking_at(parser, "/*"))
			skip_block_comment(parser);
		else
			return;
	}
}

static void skip_newlines(Parser *parser) {
	parser->enclosed++;
	skip_blanks(parser);
	parser->enclosed--;
}

/* Takes the punctuation if it comes next. */
static gboolean take(Parser *parser, const char *punctuation) {
	skip_blanks(parser);
	if (!looking_at(parser, punctuation))
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

/* The name that comes next (interned), or NULL. */
static const char *take_name(Parser *parser, SourceRange *range) {
	skip_blanks(parser);
	gsize start = parser->at;
	if (!starts_name(character_at(parser, start)))
		return NULL;
	gsize at = start;
	while (at < parser->end && continues_name(character_at(parser, at)))
		at += (gsize)(g_utf8_next_char(parser->text + at) - (parser->text + at));
	parser->at = at;
	if (range)
		*range = range_of(parser, start, at);
	g_autofree char *name = g_strndup(parser->text + start, at - start);
	return g_intern_string(name);
}

/* Whether this word comes next, as a whole. */
static gboolean take_word(Parser *parser, const char *word) {
	skip_blanks(parser);
	gsize length = strlen(word);
	if (!looking_at(parser, word) || continues_name(character_at(parser, parser->at + length)))
		return FALSE;
	parser->at += length;
	return TRUE;
}

gboolean lang_is_identifier(const char *name) {
	if (!starts_name(g_utf8_get_char(name)))
		return FALSE;
	for (const char *at = name; *at; at = g_utf8_next_char(at))
		if (!continues_name(g_utf8_get_char(at)))
			return FALSE;
	return TRUE;
}

/* ---- numbers ---- */

static LangExpr *parse_number(Parser *parser) {
	gsize start = parser->at;
	while (g_ascii_isdigit(peek(parser)))
		parser->at++;
	if (peek(parser) == '.' && g_ascii_isdigit(peek_at(parser, 1)))
		for (parser->at++; g_ascii_isdigit(peek(parser));)
			parser->at++;
	if (peek(parser) == 'e' || peek(parser) == 'E') {
		gsize sign = peek_at(parser, 1) == '+' || peek_at(parser, 1) == '-';
		if (g_ascii_isdigit(peek_at(parser, 1 + sign)))
			for (parser->at += 1 + sign; g_ascii_isdigit(peek(parser));)
				parser->at++;
	}
	g_autofree char *text = g_strndup(parser->text + start, parser->at - start);
	return literal_new(parser, start, value_number_parse(text));
}

/* ---- templates ---- */

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
		int digit = g_ascii_xdigit_value(peek(parser));
		if (digit < 0) {
			broken(parser, start, parser->at + 1, "Invalid escape sequence",
				"The \\u escape sequence must be followed by four hexadecimal "
				"digits, \\U by eight.");
			return;
		}
		c = c * 16 + (gunichar)digit;
		parser->at++;
	}
	if (g_unichar_validate(c))
		g_string_append_unichar(out, c);
	else
		broken(parser, start, parser->at, "Invalid escape sequence",
			"This is no Unicode character.");
}

static void parse_escape(Parser *parser, GString *out) {
	gsize start = parser->at;
	char letter = peek_at(parser, 1);
	parser->at = MIN(parser->at + 2, parser->end);
	static const char letters[] = "nrt\"\\", meanings[] = "\n\r\t\"\\";
	const char *found = letter ? strchr(letters, letter) : NULL;
	if (found)
		g_string_append_c(out, meanings[found - letters]);
	else if (letter == 'u' || letter == 'U')
		parse_unicode_escape(parser, out, start, letter == 'u' ? 4 : 8);
	else
		broken(parser, start, parser->at, "Invalid escape sequence",
			"The symbol after the backslash is not a valid escape sequence selector.");
}

/* Behind "${" or "%{": the inside, to its closing brace. */
static gboolean close_sequence(Parser *parser, Part *part, gsize start) {
	skip_blanks(parser);
	if (peek(parser) == '~') {
		part->trim_after = TRUE;
		parser->at++;
	}
	if (peek(parser) == '}') {
		parser->at++;
		part->end = parser->at;
		return TRUE;
	}
	broken(parser, parser->at, parser->at + 1,
		"Extra characters after interpolation expression",
		"Expected a closing brace to end the interpolation expression, but found extra "
		"characters.");
	(void)start;
	return FALSE;
}

static void parse_interpolation(Parser *parser, GPtrArray *parts) {
	gsize start = parser->at;
	parser->at += 2;
	Part *part = part_new(parts, PART_VALUE, start);
	if (peek(parser) == '~') {
		part->trim_before = TRUE;
		parser->at++;
	}
	parser->enclosed++;
	part->expr = parse_expr(parser);
	close_sequence(parser, part, start);
	parser->enclosed--;
}

static void parse_for_directive(Parser *parser, Part *part) {
	part->kind = PART_FOR;
	part->value_name = take_name(parser, NULL);
	if (part->value_name && take(parser, ",")) {
		part->key_name = part->value_name;
		part->value_name = take_name(parser, NULL);
	}
	if (!part->value_name || !take_word(parser, "in")) {
		part->expr = broken(parser, part->start, parser->at + 1, "Invalid 'for' directive",
			"The 'for' directive requires names, the keyword 'in' and a collection.");
		return;
	}
	part->expr = parse_expr(parser);
}

static void parse_directive(Parser *parser, GPtrArray *parts) {
	gsize start = parser->at;
	parser->at += 2;
	Part *part = part_new(parts, PART_IF, start);
	if (peek(parser) == '~') {
		part->trim_before = TRUE;
		parser->at++;
	}
	parser->enclosed++;
	if (take_word(parser, "if"))
		part->expr = parse_expr(parser);
	else if (take_word(parser, "else"))
		part->kind = PART_ELSE;
	else if (take_word(parser, "endif"))
		part->kind = PART_END_IF;
	else if (take_word(parser, "for"))
		parse_for_directive(parser, part);
	else if (take_word(parser, "endfor"))
		part->kind = PART_END_FOR;
	else
		broken(parser, start, parser->at + 1, "Invalid template directive",
			"A template directive begins with if, else, endif, for or endfor.");
	close_sequence(parser, part, start);
	parser->enclosed--;
}

/* One thing of a template: a character of text, an escape, an interpolation, a directive. */
static void parse_template_piece(Parser *parser, GPtrArray *parts, TemplateSource source) {
	if (looking_at(parser, "$${") || looking_at(parser, "%%{")) {
		g_string_append_len(text_part(parser, parts), parser->text + parser->at + 1, 2);
		parser->at += 3;
	} else if (looking_at(parser, "${")) {
		parse_interpolation(parser, parts);
	} else if (looking_at(parser, "%{")) {
		parse_directive(parser, parts);
	} else if (source == QUOTED && peek(parser) == '\\') {
		parse_escape(parser, text_part(parser, parts));
	} else {
		g_string_append_c(text_part(parser, parts), parser->text[parser->at]);
		parser->at++;
	}
}

/* ---- templates: from parts to expressions ---- */

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
	gboolean *stopped_at_else, gsize start);

static LangExpr *template_if(Parser *parser, GPtrArray *parts, guint *next) {
	const Part *part = parts->pdata[(*next)++];
	LangExpr *expr = expr_new(parser, EXPR_IF_DIRECTIVE, part->start);
	gboolean has_else = FALSE;
	expr->condition = part->expr;
	expr->then = template_until(parser, parts, next, PART_END_IF, &has_else, part->start);
	if (has_else)
		expr->otherwise =
			template_until(parser, parts, next, PART_END_IF, NULL, part->start);
	return expr;
}

static LangExpr *template_for(Parser *parser, GPtrArray *parts, guint *next) {
	const Part *part = parts->pdata[(*next)++];
	LangExpr *expr = expr_new(parser, EXPR_FOR_DIRECTIVE, part->start);
	expr->key_name = part->key_name;
	expr->value_name = part->value_name;
	expr->collection = part->expr;
	expr->result = template_until(parser, parts, next, PART_END_FOR, NULL, part->start);
	return expr;
}

static const char *directive_word(PartKind kind) {
	return kind == PART_END_IF ? "endif" : kind == PART_END_FOR ? "endfor" : "else";
}

static LangExpr *template_until(Parser *parser, GPtrArray *parts, guint *next, PartKind stop,
	gboolean *stopped_at_else, gsize start) {
	g_autoptr(GPtrArray) items = g_ptr_array_new();
	LangExpr *expr = expr_new(parser, EXPR_TEMPLATE, start);
	while (*next < parts->len) {
		Part *part = parts->pdata[*next];
		gboolean is_else = part->kind == PART_ELSE && stopped_at_else;
		if ((part->kind == stop && stop != PART_TEXT) || is_else) {
			(*next)++;
			if (stopped_at_else)
				*stopped_at_else = is_else;
			break;
		}
		if (part->kind == PART_TEXT) {
			g_ptr_array_add(
				items, literal_new(parser, part->start, text_value(part->text)));
			(*next)++;
		} else if (part->kind == PART_VALUE) {
			g_ptr_array_add(items, part->expr);
			(*next)++;
		} else if (part->kind == PART_IF) {
			g_ptr_array_add(items, template_if(parser, parts, next));
		} else if (part->kind == PART_FOR) {
			g_ptr_array_add(items, template_for(parser, parts, next));
		} else {
			g_autofree char *detail = g_strdup_printf(
				"Here is an %s without the directive that it would end.",
				directive_word(part->kind));
			broken(parser, part->start, part->end, "Unexpected template directive",
				detail);
			(*next)++;
		}
	}
	expr->items = keep_all(parser, items);
	expr->n_items = items->len;
	return expr;
}

/* The expression of a template's parts: a literal, the one value in it, or a joining. */
static LangExpr *template_of(Parser *parser, GPtrArray *parts, gsize start) {
	trim_parts(parts);
	const Part *only = parts->len == 1 ? parts->pdata[0] : NULL;
	if (parts->len == 0)
		return literal_new(parser, start, value_string(""));
	if (only && only->kind == PART_TEXT)
		return literal_new(parser, start, text_value(only->text));
	if (only && only->kind == PART_VALUE) {
		LangExpr *wrap = expr_new(parser, EXPR_WRAP, start);
		wrap->object = only->expr;
		return wrap;
	}
	guint next = 0;
	LangExpr *expr = template_until(parser, parts, &next, PART_TEXT, NULL, start);
	return expr;
}

static LangExpr *parse_quoted(Parser *parser) {
	gsize start = parser->at++;
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
	while (parser->at < parser->end && peek(parser) != '"' && peek(parser) != '\n' &&
		!parser->failed)
		parse_template_piece(parser, parts, QUOTED);
	if (peek(parser) == '"')
		parser->at++;
	else if (!parser->failed)
		return broken(parser, start, parser->at,
			peek(parser) == '\n' ? "Invalid multi-line string"
					     : "Unterminated template string",
			peek(parser) == '\n' ? "Quoted strings may not be split over multiple "
					       "lines. To produce a multi-line "
					       "string, either use the \\n escape to represent a "
					       "newline character or use the "
					       "\"heredoc\" multi-line template syntax."
					     : "No closing marker was found for the string.");
	return template_of(parser, parts, start);
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

static LangExpr *parse_heredoc(Parser *parser) {
	gsize start = parser->at;
	gboolean flush = looking_at(parser, "<<-");
	parser->at += flush ? 3 : 2;
	const char *marker = take_name(parser, NULL);
	if (peek(parser) == '\r')
		parser->at++;
	if (!marker || peek(parser) != '\n')
		return broken(parser, start, parser->at + 1, "Invalid heredoc",
			"A heredoc begins with << or <<-, a marker and the end of the line.");
	parser->at++;
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
	gsize behind = 0;
	while (parser->at < parser->end && !at_marker(parser, marker, &behind)) {
		mark_line_start(parser, parts);
		gboolean line_over = FALSE;
		while (parser->at < parser->end && !line_over && !parser->failed) {
			line_over = peek(parser) == '\n';
			parse_template_piece(parser, parts, HEREDOC);
		}
		if (parser->failed)
			break;
	}
	if (!at_marker(parser, marker, &behind))
		return broken(parser, start, start + 2, "Unterminated template string",
			"No closing marker was found for the string.");
	parser->at = behind;
	if (flush)
		remove_indent(parts);
	join_texts(parts);
	LangExpr *expr = template_of(parser, parts, start);
	return expr;
}

/* ---- primary expressions ---- */

static LangExpr *parse_for(Parser *parser, gsize start, gboolean object) {
	LangExpr *expr = expr_new(parser, EXPR_FOR, start);
	expr->value_name = take_name(parser, NULL);
	if (expr->value_name && take(parser, ",")) {
		expr->key_name = expr->value_name;
		expr->value_name = take_name(parser, NULL);
	}
	if (!expr->value_name || !take_word(parser, "in"))
		return broken(parser, start, parser->at + 1, "Invalid 'for' expression",
			"For expression requires names for the elements, then the 'in' keyword.");
	expr->collection = parse_expr(parser);
	if (!take(parser, ":"))
		return broken(parser, start, parser->at + 1, "Invalid 'for' expression",
			"For expression requires a colon after the collection expression.");
	expr->result = parse_expr(parser);
	if (object) {
		if (!take(parser, "=>"))
			return broken(parser, start, parser->at + 1, "Invalid 'for' expression",
				"For expression in an object must give a key and a value, "
				"separated by =>.");
		expr->result_key = expr->result;
		expr->result = parse_expr(parser);
		expr->grouped = take(parser, "...");
	}
	if (take_word(parser, "if"))
		expr->filter = parse_expr(parser);
	if (!take(parser, object ? "}" : "]"))
		return broken(parser, parser->at, parser->at + 1, "Invalid 'for' expression",
			"Extra characters after the end of the 'for' expression.");
	expr->range = range_of(parser, start, parser->at);
	return expr;
}

static LangExpr *parse_tuple(Parser *parser) {
	gsize start = parser->at++;
	parser->enclosed++;
	LangExpr *expr = NULL;
	if (take_word(parser, "for")) {
		expr = parse_for(parser, start, FALSE);
		parser->enclosed--;
		return expr;
	}
	g_autoptr(GPtrArray) items = g_ptr_array_new();
	while (!parser->failed && !take(parser, "]")) {
		g_ptr_array_add(items, parse_expr(parser));
		if (parser->failed || take(parser, "]"))
			break;
		if (!take(parser, ",")) {
			broken(parser, parser->at, parser->at + 1, "Missing item separator",
				"Expected a comma to mark the beginning of the next item.");
			break;
		}
	}
	parser->enclosed--;
	expr = expr_new(parser, EXPR_TUPLE, start);
	expr->items = keep_all(parser, items);
	expr->n_items = items->len;
	return expr;
}

/* Behind an object's item: its separator, or the end. FALSE: neither. */
static gboolean end_item(Parser *parser, gboolean *over) {
	skip_blanks(parser);
	gboolean separated = peek(parser) == ',' || peek(parser) == '\n';
	if (peek(parser) == ',')
		parser->at++;
	skip_newlines(parser);
	*over = take(parser, "}");
	return separated || *over;
}

static LangExpr *parse_object(Parser *parser) {
	gsize start = parser->at++;
	guint outer = parser->enclosed;
	parser->enclosed = 1;
	if (take_word(parser, "for")) {
		LangExpr *loop = parse_for(parser, start, TRUE);
		parser->enclosed = outer;
		return loop;
	}
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	g_autoptr(GPtrArray) values = g_ptr_array_new();
	gboolean over = take(parser, "}");
	parser->enclosed = 0; /* a newline separates items too */
	while (!over && !parser->failed) {
		skip_newlines(parser);
		g_ptr_array_add(keys, parse_expr(parser));
		if (!parser->failed &&
			(looking_at(parser, "=>") || (!take(parser, "=") && !take(parser, ":"))))
			broken(parser, parser->at, parser->at + 1, "Missing attribute value",
				"Expected an attribute value, introduced by an equals sign "
				"(\"=\").");
		g_ptr_array_add(
			values, parser->failed ? keys->pdata[keys->len - 1] : parse_expr(parser));
		if (!parser->failed && !end_item(parser, &over))
			broken(parser, parser->at, parser->at + 1, "Missing attribute separator",
				"Expected a newline or comma to mark the beginning of the next "
				"attribute.");
	}
	parser->enclosed = outer;
	LangExpr *expr = expr_new(parser, EXPR_OBJECT, start);
	expr->items = keep_all(parser, keys);
	expr->values = keep_all(parser, values);
	expr->n_items = keys->len;
	return expr;
}

static LangExpr *parse_call(Parser *parser, gsize start, const char *name, SourceRange name_range) {
	parser->at++;
	parser->enclosed++;
	g_autoptr(GPtrArray) arguments = g_ptr_array_new();
	gboolean expand = FALSE;
	while (!parser->failed && !take(parser, ")")) {
		g_ptr_array_add(arguments, parse_expr(parser));
		expand = take(parser, "...");
		if (parser->failed || take(parser, ")"))
			break;
		if (expand || !take(parser, ",")) {
			broken(parser, parser->at, parser->at + 1, "Missing argument separator",
				"A comma is required to separate each function argument from the "
				"next.");
			break;
		}
	}
	parser->enclosed--;
	LangExpr *expr = expr_new(parser, EXPR_CALL, start);
	expr->name = name;
	expr->name_range = name_range;
	expr->items = keep_all(parser, arguments);
	expr->n_items = arguments->len;
	expr->expand = expand;
	return expr;
}

/* provider::aws::arn_parse: the rest of a namespaced function's name. */
static const char *take_namespaces(Parser *parser, const char *name) {
	while (looking_at(parser, "::")) {
		parser->at += 2;
		const char *more = take_name(parser, NULL);
		if (!more)
			return name;
		g_autofree char *whole = g_strdup_printf("%s::%s", name, more);
		name = g_intern_string(whole);
	}
	return name;
}

static LangExpr *parse_word(Parser *parser) {
	gsize start = parser->at;
	SourceRange range;
	const char *name = take_name(parser, &range);
	name = take_namespaces(parser, name);
	gsize behind = parser->at;
	skip_blanks(parser);
	if (peek(parser) == '(')
		return parse_call(parser, start, name, range);
	parser->at = behind;
	if (g_str_equal(name, "true") || g_str_equal(name, "false"))
		return literal_new(parser, start, value_bool(g_str_equal(name, "true")));
	if (g_str_equal(name, "null"))
		return literal_new(parser, start, VALUE_NOTHING);
	LangExpr *expr = expr_new(parser, EXPR_TRAVERSAL, start);
	expr->traversal = (LangTraversal){.root = name, .range = range, .root_range = range};
	return expr;
}

static LangExpr *parse_parentheses(Parser *parser) {
	gsize start = parser->at++;
	parser->enclosed++;
	LangExpr *inner = parse_expr(parser);
	if (!take(parser, ")"))
		broken(parser, parser->at, parser->at + 1, "Unbalanced parentheses",
			"Expected a closing parenthesis to terminate the expression.");
	parser->enclosed--;
	LangExpr *expr = expr_new(parser, EXPR_PARENTHESES, start);
	expr->object = inner;
	return expr;
}

static LangExpr *parse_primary(Parser *parser) {
	skip_blanks(parser);
	char c = peek(parser);
	if (g_ascii_isdigit(c))
		return parse_number(parser);
	if (c == '"')
		return parse_quoted(parser);
	if (looking_at(parser, "<<"))
		return parse_heredoc(parser);
	if (c == '[')
		return parse_tuple(parser);
	if (c == '{')
		return parse_object(parser);
	if (c == '(')
		return parse_parentheses(parser);
	if (starts_name(character_at(parser, parser->at)))
		return parse_word(parser);
	return broken(parser, parser->at, parser->at + 1, "Invalid expression",
		"Expected the start of an expression, but found an invalid expression token.");
}

/* ---- postfix ---- */

/* One more literal step for an expression: in its traversal if it is nothing but one, else a node.
 */
static LangExpr *add_step(Parser *parser, LangExpr *expr, gsize start, LangStep step) {
	if (expr->kind == EXPR_TRAVERSAL) {
		LangTraversal *traversal = &expr->traversal;
		LangStep *steps =
			lang_file_allocate(parser->file, (traversal->n_steps + 1) * sizeof *steps);
		if (traversal->n_steps > 0)
			memcpy(steps, traversal->steps, traversal->n_steps * sizeof *steps);
		steps[traversal->n_steps++] = step;
		traversal->steps = steps;
		traversal->range = range_of(parser, start, parser->at);
		expr->range = traversal->range;
		return expr;
	}
	LangExpr *node =
		expr_new(parser, step.kind == LANG_STEP_NAME ? EXPR_ATTRIBUTE : EXPR_INDEX, start);
	node->object = expr;
	if (step.kind == LANG_STEP_NAME) {
		node->attribute = step.name;
		node->attribute_range = step.range;
	} else {
		node->key = literal_new(parser, step.range.start_byte, value_ref(step.index));
	}
	return node;
}

static LangExpr *index_step(
	Parser *parser, LangExpr *expr, gsize start, gsize from, Value index_taken) {
	g_array_append_val(parser->file->literals, index_taken);
	LangStep step = {.kind = LANG_STEP_INDEX,
		.index = index_taken,
		.range = range_of(parser, from, parser->at)};
	return add_step(parser, expr, start, step);
}

/* .name, .0, .0.1 */
static LangExpr *parse_dot(Parser *parser, LangExpr *expr, gsize start) {
	gsize from = parser->at++;
	if (g_ascii_isdigit(peek(parser))) {
		gsize digits = parser->at;
		while (g_ascii_isdigit(peek(parser)))
			parser->at++;
		g_autofree char *text = g_strndup(parser->text + digits, parser->at - digits);
		return index_step(parser, expr, start, from, value_number_parse(text));
	}
	const char *name = take_name(parser, NULL);
	if (!name)
		return broken(parser, from, parser->at + 1, "Invalid attribute name",
			"An attribute name is required after a dot.");
	LangStep step = {
		.kind = LANG_STEP_NAME, .name = name, .range = range_of(parser, from, parser->at)};
	return add_step(parser, expr, start, step);
}

static LangExpr *parse_index(Parser *parser, LangExpr *expr, gsize start) {
	gsize from = parser->at++;
	parser->enclosed++;
	LangExpr *key = parse_expr(parser);
	gboolean closed = take(parser, "]");
	parser->enclosed--;
	if (!closed)
		return broken(parser, from, parser->at + 1, "Missing close bracket on index",
			"The index operator must end with a closing bracket (\"]\").");
	ValueKind kind = key->kind == EXPR_LITERAL ? value_kind(key->literal) : VALUE_NULL;
	if (kind == VALUE_STRING || kind == VALUE_NUMBER)
		return index_step(parser, expr, start, from, value_ref(key->literal));
	LangExpr *node = expr_new(parser, EXPR_INDEX, start);
	node->object = expr;
	node->key = key;
	return node;
}

static LangExpr *parse_steps(Parser *parser, LangExpr *expr, gsize start, gboolean names_only);

static LangExpr *parse_splat(Parser *parser, LangExpr *expr, gsize start, gboolean full) {
	parser->at += full ? 3 : 2;
	LangExpr *each = expr_new(parser, EXPR_EACH, parser->at);
	LangExpr *node = expr_new(parser, EXPR_SPLAT, start);
	node->object = expr;
	node->body = parse_steps(parser, each, start, !full);
	node->range = range_of(parser, start, parser->at);
	return node;
}

static gboolean at_full_splat(const Parser *parser) {
	return looking_at(parser, "[*]");
}

static LangExpr *parse_steps(Parser *parser, LangExpr *expr, gsize start, gboolean names_only) {
	while (!parser->failed) {
		gsize behind = parser->at;
		skip_blanks(parser);
		if (looking_at(parser, ".*"))
			expr = parse_splat(parser, expr, start, FALSE);
		else if (peek(parser) == '.' && !looking_at(parser, "..."))
			expr = parse_dot(parser, expr, start);
		else if (!names_only && at_full_splat(parser))
			expr = parse_splat(parser, expr, start, TRUE);
		else if (!names_only && peek(parser) == '[')
			expr = parse_index(parser, expr, start);
		else {
			parser->at = behind;
			return expr;
		}
	}
	return expr;
}

static LangExpr *parse_postfix(Parser *parser) {
	skip_blanks(parser);
	gsize start = parser->at;
	LangExpr *expr = parse_primary(parser);
	return parse_steps(parser, expr, start, FALSE);
}

/* ---- operators ---- */

static LangExpr *parse_unary(Parser *parser) {
	skip_blanks(parser);
	gsize start = parser->at;
	char c = peek(parser);
	if (c != '-' && (c != '!' || peek_at(parser, 1) == '='))
		return parse_postfix(parser);
	parser->at++;
	LangExpr *operand = parse_unary(parser);
	LangExpr *expr = expr_new(parser, EXPR_UNARY, start);
	expr->op = c == '-' ? OP_NEGATE : OP_NOT;
	expr->right = operand;
	return expr;
}

static const struct {
	const char *text;
	Operator op;
	int level;
} operators[] = {
	{"||", OP_OR, 0},
	{"&&", OP_AND, 1},
	{"==", OP_EQUAL, 2},
	{"!=", OP_NOT_EQUAL, 2},
	{">=", OP_GREATER_EQUAL, 3},
	{"<=", OP_LESS_EQUAL, 3},
	{">", OP_GREATER, 3},
	{"<", OP_LESS, 3},
	{"+", OP_ADD, 4},
	{"-", OP_SUBTRACT, 4},
	{"*", OP_MULTIPLY, 5},
	{"/", OP_DIVIDE, 5},
	{"%", OP_MODULO, 5},
};

#define HIGHEST_LEVEL 5

static gboolean take_operator(Parser *parser, int level, Operator *op) {
	skip_blanks(parser);
	for (guint i = 0; i < G_N_ELEMENTS(operators); i++) {
		if (operators[i].level != level || !looking_at(parser, operators[i].text))
			continue;
		if (operators[i].op == OP_MODULO && peek_at(parser, 1) == '{')
			continue;
		*op = operators[i].op;
		parser->at += strlen(operators[i].text);
		return TRUE;
	}
	return FALSE;
}

static LangExpr *parse_binary(Parser *parser, int level) {
	if (level > HIGHEST_LEVEL)
		return parse_unary(parser);
	skip_blanks(parser);
	gsize start = parser->at;
	LangExpr *left = parse_binary(parser, level + 1);
	Operator op;
	while (!parser->failed && take_operator(parser, level, &op)) {
		LangExpr *right = parse_binary(parser, level + 1);
		LangExpr *expr = expr_new(parser, EXPR_BINARY, start);
		expr->op = op;
		expr->left = left;
		expr->right = right;
		left = expr;
	}
	return left;
}

static LangExpr *parse_conditional(Parser *parser) {
	skip_blanks(parser);
	gsize start = parser->at;
	LangExpr *condition = parse_binary(parser, 0);
	if (parser->failed || !take(parser, "?"))
		return condition;
	LangExpr *then = parse_expr(parser);
	if (!take(parser, ":"))
		return broken(parser, start, parser->at + 1,
			"Missing false expression in conditional",
			"The conditional operator (...?...:...) requires a false expression, "
			"delimited by a colon.");
	LangExpr *otherwise = parse_expr(parser);
	LangExpr *expr = expr_new(parser, EXPR_CONDITIONAL, start);
	expr->condition = condition;
	expr->then = then;
	expr->otherwise = otherwise;
	return expr;
}

static LangExpr *parse_expr(Parser *parser) {
	if (parser->depth >= DEEPEST)
		return broken(parser, parser->at, parser->at + 1, "Expression nested too deep",
			"Expressions may not be nested this deep.");
	parser->depth++;
	LangExpr *expr = parse_conditional(parser);
	parser->depth--;
	return expr;
}

/* ---- bodies ---- */

static void parse_body(Parser *parser, LangBody *body, gboolean nested);

/* To the end of the line, and of what is opened on it: where to go on after an error. */
static void recover(Parser *parser) {
	guint open = 0;
	while (parser->at < parser->end) {
		char c = peek(parser);
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
	skip_blanks(parser);
	char c = peek(parser);
	if (parser->failed) {
		recover(parser);
	} else if (c == '\n') {
		parser->at++;
	} else if (parser->at < parser->end && c != '}') {
		g_autofree char *summary = g_strdup_printf("Missing newline after %s", what);
		broken(parser, parser->at, parser->at + 1, summary,
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
	attribute->range = range_of(parser, name_range.start_byte, expr->range.end_byte);
	if (!other)
		g_ptr_array_add(body->attributes, attribute);
	end_line(parser, "argument");
}

/* Labels: names or quoted strings without templates. */
static gboolean parse_labels(Parser *parser, LangBlock *block) {
	g_autoptr(GPtrArray) labels = g_ptr_array_new();
	g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(SourceRange));
	for (;;) {
		skip_blanks(parser);
		gsize start = parser->at;
		const char *label = NULL;
		if (peek(parser) == '"') {
			LangExpr *expr = parse_quoted(parser);
			label = expr->kind == EXPR_LITERAL ? value_text(expr->literal) : NULL;
			if (!label) {
				broken(parser, start, parser->at, "Invalid string literal",
					"Template sequences are not allowed in this string.");
				return FALSE;
			}
			label = g_intern_string(label);
		} else {
			label = take_name(parser, NULL);
		}
		if (!label)
			break;
		SourceRange range = range_of(parser, start, parser->at);
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
		broken(parser, start, parser->at, "Blocks nested too deep",
			"Blocks may not be nested this deep.");
		recover(parser);
	} else {
		parse_body(parser, block->body, TRUE);
	}
	parser->depth--;
	block->body->end = range_of(parser, parser->at, parser->at);
	if (peek(parser) == '}')
		parser->at++;
	else
		broken(parser, open, open + 1, "Unclosed configuration block",
			"There is no closing brace for this block before the end of the file. This "
			"may be caused "
			"by incorrect brace nesting elsewhere in this file.");
	block->body->range = range_of(parser, open, parser->at);
	end_line(parser, "block definition");
}

static void parse_block(Parser *parser, LangBody *body, const char *type, SourceRange type_range) {
	LangBlock *block = lang_file_allocate(parser->file, sizeof *block);
	block->type = type;
	block->type_range = type_range;
	gboolean fine = parse_labels(parser, block);
	block->header = range_of(parser, type_range.start_byte,
		block->n_labels > 0 ? block->label_ranges[block->n_labels - 1].end_byte
				    : type_range.end_byte);
	if (fine && take(parser, "{")) {
		parse_block_body(parser, block, type_range.start_byte);
		g_ptr_array_add(body->blocks, block);
		return;
	}
	if (block->n_labels == 0)
		broken(parser, parser->at, parser->at + 1, "Invalid block definition",
			"A block definition must have block content delimited by \"{\" and \"}\", "
			"starting on the "
			"same line as the block header; an argument needs an equals sign.");
	else
		broken(parser, parser->at, parser->at + 1, "Invalid block definition",
			"Either a quoted string block label or an opening brace (\"{\") is "
			"expected here.");
	recover(parser);
}

static void parse_item(Parser *parser, LangBody *body) {
	SourceRange range;
	const char *name = take_name(parser, &range);
	if (!name) {
		broken(parser, parser->at, parser->at + 1, "Invalid argument name",
			"Argument names must not be quoted; expected an argument or a block "
			"definition here.");
		gsize before = parser->at;
		recover(parser);
		if (parser->at == before)
			parser->at++;
		return;
	}
	skip_blanks(parser);
	if (peek(parser) == '=' && peek_at(parser, 1) != '=') {
		parser->at++;
		parse_attribute(parser, body, name, range);
	} else {
		parse_block(parser, body, name, range);
	}
}

static void parse_body(Parser *parser, LangBody *body, gboolean nested) {
	gsize start = parser->at;
	for (;;) {
		skip_newlines(parser);
		if (parser->at >= parser->end || (nested && peek(parser) == '}'))
			break;
		parse_item(parser, body);
	}
	body->range = range_of(parser, start, parser->at);
	body->end = range_of(parser, parser->at, parser->at);
}

/* ---- entry points ---- */

static Parser parser_new(const char *filename, const char *text, gsize length, Diags *diags) {
	Parser parser = {
		.file = lang_file_new(filename), .text = text, .end = length, .diags = diags};
	find_lines(&parser);
	const char *stop;
	if (!g_utf8_validate_len(text, length, &stop)) {
		gsize at = (gsize)(stop - text);
		broken(&parser, at, at + 1, "Invalid character encoding",
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
	skip_blanks(&parser);
	if (!parser.failed && parser.at < parser.end)
		broken(&parser, parser.at, parser.at + 1, "Extra characters after expression",
			"An expression was successfully parsed, but extra characters were found "
			"after it.");
	parser.file->expr = diags_error_count(diags) > errors ? NULL : expr;
	g_array_unref(parser.lines);
	return parser.file;
}

LangFile *lang_parse_template(const char *filename, const char *text, gsize length, Diags *diags) {
	Parser parser = parser_new(filename, text, length, diags);
	guint errors = diags_error_count(diags);
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
	while (parser.at < parser.end && !parser.failed)
		parse_template_piece(&parser, parts, WHOLE);
	LangExpr *expr = template_of(&parser, parts, 0);
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
	find_lines(&parser);
	guint errors = diags_error_count(diags);
	LangExpr *expr;
	if (template) {
		g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
		while (parser.at < parser.end && !parser.failed)
			parse_template_piece(&parser, parts, WHOLE);
		expr = template_of(&parser, parts, 0);
	} else {
		expr = parse_expr(&parser);
		skip_blanks(&parser);
		if (parser.at < parser.end)
			expr = NULL;
	}
	g_array_unref(parser.lines);
	return diags_error_count(diags) > errors ? NULL : expr;
}

LangBody *lang_file_body(LangFile *file) {
	return file->body;
}

LangExpr *lang_file_expr(LangFile *file) {
	return file->expr;
}

const char *lang_file_name(const LangFile *file) {
	return file->name;
}

LangAttribute *lang_body_attribute(const LangBody *body, const char *name) {
	for (guint i = 0; i < body->attributes->len; i++) {
		LangAttribute *attribute = body->attributes->pdata[i];
		if (g_str_equal(attribute->name, name))
			return attribute;
	}
	return NULL;
}
