/* Splits native syntax into tokens. Relies on a zero byte at the text's end; keeps no state. */
#include "lang/tokens.h"

#include <string.h>

/* Identifier = ID_Start (ID_Continue | '-')*; */
gsize token_identifier(const char *at, const char *end) {
	const char *p = at;
	while (p < end) {
		guchar byte = (guchar)*p;
		if (byte < 0x80) {
			gboolean continues = g_ascii_isdigit(byte) || byte == '-';
			if (!(g_ascii_isalpha(byte) || byte == '_' || (p > at && continues))) {
				break;
			}
			p++;
			continue;
		}
		gunichar c = g_utf8_get_char_validated(p, end - p);
		if (c >= 0x110000 || !(g_unichar_isalpha(c) || (p > at && g_unichar_isalnum(c)) ||
					     (p > at && g_unichar_ismark(c)))) {
			break;
		}
		p = g_utf8_next_char(p);
	}
	return p - at;
}

/* NumericLiteral = decimal+ ("." decimal+)? (("e"|"E") ("+"|"-")? decimal+)?; */
static const char *skip_number(const char *p) {
	while (g_ascii_isdigit(*p)) {
		p++;
	}
	if (*p == '.' && g_ascii_isdigit(p[1])) {
		for (p++; g_ascii_isdigit(*p);) {
			p++;
		}
	}
	if (*p == 'e' || *p == 'E') {
		const char *exponent = p + 1;
		if (*exponent == '+' || *exponent == '-') {
			exponent++;
		}
		if (g_ascii_isdigit(*exponent)) {
			for (p = exponent; g_ascii_isdigit(*p);) {
				p++;
			}
		}
	}
	return p;
}

/* "<<" "-"? Identifier Newline, or NULL. */
static const char *skip_heredoc_start(const char *end_of_text, const char *p) {
	p += 2;
	if (*p == '-') {
		p++;
	}
	gsize name = token_identifier(p, end_of_text);
	if (name == 0) {
		return NULL;
	}
	p += name;
	if (*p == '\r') {
		p++;
	}
	return *p == '\n' ? p + 1 : NULL;
}

static const struct {
	const char *text;
	TokenKind kind;
} symbols[] = {
	{"...", TOKEN_ELLIPSIS},
	{"::", TOKEN_DOUBLE_COLON},
	{"=>", TOKEN_ARROW},
	{"==", TOKEN_EQUAL},
	{"!=", TOKEN_NOT_EQUAL},
	{">=", TOKEN_GREATER_EQUAL},
	{"<=", TOKEN_LESS_EQUAL},
	{"&&", TOKEN_AND},
	{"||", TOKEN_OR},
	{"{", TOKEN_BRACE_OPEN},
	{"}", TOKEN_BRACE_CLOSE},
	{"[", TOKEN_BRACKET_OPEN},
	{"]", TOKEN_BRACKET_CLOSE},
	{"(", TOKEN_PARENTHESIS_OPEN},
	{")", TOKEN_PARENTHESIS_CLOSE},
	{"=", TOKEN_ASSIGN},
	{",", TOKEN_COMMA},
	{":", TOKEN_COLON},
	{".", TOKEN_DOT},
	{"?", TOKEN_QUESTION},
	{"!", TOKEN_NOT},
	{">", TOKEN_GREATER},
	{"<", TOKEN_LESS},
	{"+", TOKEN_PLUS},
	{"-", TOKEN_MINUS},
	{"*", TOKEN_STAR},
	{"/", TOKEN_SLASH},
	{"%", TOKEN_PERCENT},
	{"~", TOKEN_TILDE},
};

/* The end of the comment at p, or NULL if there is none. A line's comment leaves its newline. */
static const char *skip_comment(const char *end_of_text, const char *p) {
	if (*p == '#' || (*p == '/' && p[1] == '/')) {
		const char *newline = memchr(p, '\n', end_of_text - p);
		return newline ? newline : end_of_text;
	}
	if (*p == '/' && p[1] == '*') {
		const char *close = g_strstr_len(p + 2, end_of_text - p - 2, "*/");
		return close ? close + 2 : end_of_text;
	}
	return NULL;
}

static const char *classify(const char *end_of_text, const char *p, TokenKind *kind) {
	gsize name = token_identifier(p, end_of_text);
	if (name > 0) {
		*kind = TOKEN_NAME;
		return p + name;
	}
	if (g_ascii_isdigit(*p)) {
		*kind = TOKEN_NUMBER;
		return skip_number(p);
	}
	if (*p == '"') {
		*kind = TOKEN_QUOTE;
		return p + 1;
	}
	if (*p == '<' && p[1] == '<') {
		const char *end = skip_heredoc_start(end_of_text, p);
		if (end) {
			*kind = TOKEN_HEREDOC;
			return end;
		}
	}
	for (gsize i = 0; i < G_N_ELEMENTS(symbols); i++) {
		gsize length = strlen(symbols[i].text);
		if (strncmp(p, symbols[i].text, length) == 0) {
			*kind = symbols[i].kind;
			return p + length;
		}
	}
	*kind = TOKEN_INVALID;
	gunichar c = g_utf8_get_char_validated(p, end_of_text - p);
	return c < 0x110000 && c > 0 ? g_utf8_next_char(p) : p + 1;
}

Token token_next(const char *from, const char *end_of_text) {
	const char *p = from;
	while (*p == ' ' || *p == '\t' || (*p == '\r' && p[1] == '\n'))
		p++;
	Token token = {.start = p, .end = p};
	const char *comment = p < end_of_text ? skip_comment(end_of_text, p) : NULL;
	if (comment) {
		token.kind = TOKEN_COMMENT;
		token.end = comment;
	} else if (p >= end_of_text) {
		token.kind = TOKEN_EOF;
	} else if (*p == '\n') {
		token.kind = TOKEN_NEWLINE;
		token.end = p + 1;
	} else {
		token.end = classify(end_of_text, p, &token.kind);
	}
	return token;
}
