/*
 * Inside of parsing: the parser's state, and what its files share. What others call is in lang.h
 * (lang_parse and its like). All nodes belong to the parser's file.
 */
#pragma once

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
	gboolean failed; /* what is being read is broken: out of it, to where it goes on */
	gboolean told; /* an error was: what comes after it may follow from it, and is not told */
} Parser;

/* ---- characters ---- */

/* The character that comes next, and the one `ahead` of it; '\0' behind the end. */
static inline char scan_peek_at(const Parser *parser, gsize ahead) {
	return parser->at + ahead < parser->end ? parser->text[parser->at + ahead] : '\0';
}

static inline char scan_peek(const Parser *parser) {
	return scan_peek_at(parser, 0);
}

/* Whether that text comes next, right here. */
static inline gboolean scan_looking_at(const Parser *parser, const char *word) {
	gsize length = strlen(word);
	return parser->at + length <= parser->end &&
	       memcmp(parser->text + parser->at, word, length) == 0;
}

/* ---- scan.c ---- */

/* Finds out where each line begins: before anything else. */
void scan_lines(Parser *parser);
SourceRange scan_range(Parser *parser, gsize start, gsize end);
/* Skips blanks and comments; newlines only where they do not matter, or (scan_newlines) all. */
void scan_blanks(Parser *parser);
void scan_newlines(Parser *parser);
/* Takes the punctuation if it comes next, blanks aside. */
gboolean scan_take(Parser *parser, const char *punctuation);
/* The same of a word, as a whole. */
gboolean scan_word(Parser *parser, const char *word);
/* The name that comes next (interned), or NULL. */
const char *scan_name(Parser *parser, SourceRange *range);
/* Where the symbol ends that begins right here: a name, a number, punctuation, a newline. */
gsize scan_symbol_end(const Parser *parser);
/* Whether a name begins right here. */
gboolean scan_at_name(const Parser *parser);

/* ---- nodes (scan.c) ---- */

/* A node from `start` to where the parser is. */
LangExpr *parse_node(Parser *parser, ExprKind kind, gsize start);
LangExpr *parse_literal(Parser *parser, gsize start, Value value_taken);
/* An array of expressions, moved into the file. */
LangExpr **parse_keep_all(Parser *parser, GPtrArray *array);
/* Says what is wrong, unless something was already, and gives a node to go on with. */
LangExpr *parse_broken(
	Parser *parser, gsize start, gsize end, const char *summary, const char *detail);
/* The same of what comes next, where something else should; quoted from `from` on. */
LangExpr *parse_unexpected(Parser *parser, gsize from, const char *summary, const char *detail);

/* ---- parse_expr.c, parse_template.c ---- */

/* Any expression. Never NULL: after an error, a node to go on with. */
LangExpr *parse_expr(Parser *parser);
/* At a quote; at << or <<-; all of the text. */
LangExpr *parse_quoted(Parser *parser);
LangExpr *parse_heredoc(Parser *parser);
LangExpr *parse_template(Parser *parser);
