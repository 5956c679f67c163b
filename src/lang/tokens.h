/*
 * The tokens of native syntax for the formatter, which must keep what the parser drops: comments,
 * blanks, the way a number or string is written.
 */
#pragma once

#include "lang/lang.h"

typedef enum {
	TOKEN_EOF,
	TOKEN_NEWLINE,
	TOKEN_NAME,
	TOKEN_NUMBER,
	TOKEN_QUOTE, /* the " that opens a string */
	TOKEN_HEREDOC, /* <<EOT and its newline */
	TOKEN_COMMENT, /* without its newline */
	TOKEN_TEXT, /* of a template */
	TOKEN_QUOTE_CLOSE,
	TOKEN_HEREDOC_CLOSE,
	TOKEN_SEQUENCE_OPEN, /* ${ or %{, with ~ */
	TOKEN_SEQUENCE_CLOSE, /* }, with ~ */
	TOKEN_BRACE_OPEN,
	TOKEN_BRACE_CLOSE,
	TOKEN_BRACKET_OPEN,
	TOKEN_BRACKET_CLOSE,
	TOKEN_PARENTHESIS_OPEN,
	TOKEN_PARENTHESIS_CLOSE,
	TOKEN_ASSIGN,
	TOKEN_ARROW, /* => */
	TOKEN_COMMA,
	TOKEN_COLON,
	TOKEN_DOUBLE_COLON,
	TOKEN_DOT,
	TOKEN_ELLIPSIS,
	TOKEN_QUESTION,
	TOKEN_OR,
	TOKEN_AND,
	TOKEN_NOT,
	TOKEN_EQUAL,
	TOKEN_NOT_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_STAR,
	TOKEN_SLASH,
	TOKEN_PERCENT,
	TOKEN_TILDE,
	TOKEN_INVALID,
} TokenKind;

typedef struct {
	TokenKind kind;
	const char *start, *end;
	guint spaces; /* before it */
} Token;

/* The token at or after `from`, blanks skipped. `end` is a zero byte. Knows nothing of templates.
 */
Token token_next(const char *from, const char *end);
/* Length in bytes of the identifier at `at`, or 0. */
gsize token_identifier(const char *at, const char *end);
