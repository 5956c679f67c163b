/*
 * terraform fmt: the canonical style. Works on lines of tokens and changes nothing but the blanks
 * between them: indentation by open brackets, one blank where tokens want one, and equals signs and
 * comments of neighbouring lines in columns. Must never change what a file means.
 */
#include <string.h>

#include "lang/tokens.h"

typedef struct {
	const char *end;
	GArray *tokens;
} Scanner;

static void scan_expression(Scanner *scanner, const char **at, gboolean inside);

/* ---- tokens ---- */

static void add(Scanner *scanner, TokenKind kind, const char *start, const char *end) {
	Token token = {.kind = kind, .start = start, .end = end};
	g_array_append_val(scanner->tokens, token);
}

static gboolean at_sequence(const char *p) {
	return (*p == '$' || *p == '%') && p[1] == '{';
}

/* Text up to a sequence or `stop` (in quotes; NULL: to the heredoc's next line). */
static const char *skip_text(const char *p, const char *end, gboolean quoted) {
	while (p < end && !at_sequence(p)) {
		if (quoted && *p == '"')
			break;
		if (quoted && *p == '\\' && p + 1 < end)
			p++;
		else if ((*p == '$' || *p == '%') && p[1] == *p && p[2] == '{')
			p += 2;
		if (*p++ == '\n' && !quoted)
			break;
	}
	return MIN(p, end);
}

/* "${" … "}" */
static void scan_sequence(Scanner *scanner, const char **at) {
	const char *open = *at;
	*at += open[2] == '~' ? 3 : 2;
	add(scanner, TOKEN_SEQUENCE_OPEN, open, *at);
	scan_expression(scanner, at, TRUE);
}

static void scan_quoted(Scanner *scanner, const char **at) {
	while (*at < scanner->end && **at != '"') {
		if (at_sequence(*at)) {
			scan_sequence(scanner, at);
			continue;
		}
		const char *stop = skip_text(*at, scanner->end, TRUE);
		add(scanner, TOKEN_TEXT, *at, stop);
		*at = stop;
	}
	if (*at < scanner->end) {
		add(scanner, TOKEN_QUOTE_CLOSE, *at, *at + 1);
		(*at)++;
	}
}

/* The end of the marker if the line at p is the heredoc's last, else NULL. */
static const char *marker_end(const char *p, const char *name, gsize length) {
	p += strspn(p, " \t");
	if (strncmp(p, name, length) != 0)
		return NULL;
	const char *rest = p + length + strspn(p + length, " \t\r");
	return *rest == '\n' || *rest == '\0' ? p + length : NULL;
}

static void scan_heredoc(Scanner *scanner, const Token *open, const char **at) {
	const char *name = open->start + (open->start[2] == '-' ? 3 : 2);
	gsize length = token_identifier(name, scanner->end);
	gboolean line_start = TRUE;
	while (*at < scanner->end) {
		const char *close = line_start ? marker_end(*at, name, length) : NULL;
		if (close) {
			add(scanner, TOKEN_HEREDOC_CLOSE, *at, close);
			*at = close;
			return;
		}
		if (at_sequence(*at)) {
			scan_sequence(scanner, at);
			line_start = FALSE;
			continue;
		}
		const char *stop = skip_text(*at, scanner->end, FALSE);
		add(scanner, TOKEN_TEXT, *at, stop);
		*at = stop;
		line_start = stop[-1] == '\n';
	}
}

/* Everything to the end, or (inside a sequence) to its closing brace. */
static void scan_expression(Scanner *scanner, const char **at, gboolean inside) {
	guint open = 0;
	for (;;) {
		Token token = token_next(*at, scanner->end);
		*at = token.end;
		if (token.kind == TOKEN_EOF)
			return;
		gboolean tilde_end = token.kind == TOKEN_TILDE && *token.end == '}';
		if (inside && open == 0 && (token.kind == TOKEN_BRACE_CLOSE || tilde_end)) {
			*at += tilde_end;
			add(scanner, TOKEN_SEQUENCE_CLOSE, token.start, *at);
			return;
		}
		open += token.kind == TOKEN_BRACE_OPEN;
		open -= token.kind == TOKEN_BRACE_CLOSE && open > 0;
		g_array_append_val(scanner->tokens, token);
		if (token.kind == TOKEN_QUOTE)
			scan_quoted(scanner, at);
		else if (token.kind == TOKEN_HEREDOC)
			scan_heredoc(scanner, &token, at);
	}
}

/* ---- lines ---- */

typedef struct {
	Token *lead, *assign, *comment; /* parts of one array of tokens; n may be 0 */
	gsize n_lead, n_assign, n_comment;
} Line;

static int bracket_change(const Token *token) {
	switch (token->kind) {
	case TOKEN_BRACE_OPEN:
	case TOKEN_BRACKET_OPEN:
	case TOKEN_PARENTHESIS_OPEN:
	case TOKEN_SEQUENCE_OPEN:
		return 1;
	case TOKEN_BRACE_CLOSE:
	case TOKEN_BRACKET_CLOSE:
	case TOKEN_PARENTHESIS_CLOSE:
	case TOKEN_SEQUENCE_CLOSE:
		return -1;
	default:
		return 0;
	}
}

static int net_brackets(const Token *tokens, gsize n) {
	int net = 0;
	for (gsize i = 0; i < n; i++)
		net += bracket_change(&tokens[i]);
	return net;
}

/* Takes the comment at the end and a whole "= …" off the line's lead. */
static Line line_of(Token *tokens, gsize n) {
	Line line = {.lead = tokens, .n_lead = n};
	if (n > 1 && tokens[n - 1].kind == TOKEN_COMMENT) {
		line.comment = &tokens[n - 1];
		line.n_comment = 1;
		line.n_lead = n - 1;
	}
	for (gsize i = 1; i < line.n_lead; i++) {
		if (tokens[i].kind != TOKEN_ASSIGN)
			continue;
		if (net_brackets(tokens + i, line.n_lead - i) == 0) {
			line.assign = tokens + i;
			line.n_assign = line.n_lead - i;
			line.n_lead = i;
		}
		break;
	}
	return line;
}

static GArray *split_lines(GArray *tokens) {
	GArray *lines = g_array_new(FALSE, FALSE, sizeof(Line));
	Token *all = (Token *)(void *)tokens->data;
	gsize start = 0;
	for (gsize i = 0; i <= tokens->len; i++) {
		if (i < tokens->len && all[i].kind != TOKEN_NEWLINE)
			continue;
		if (i < tokens->len || i > start) {
			Line line = line_of(all + start, i - start);
			g_array_append_val(lines, line);
		}
		start = i + 1;
	}
	return lines;
}

/* ---- indentation ---- */

static void close_brackets(GArray *open, int closed) {
	while (closed > 0 && open->len > 0) {
		int *last = &g_array_index(open, int, open->len - 1);
		if (closed < *last) {
			*last -= closed;
			return;
		}
		closed -= *last;
		g_array_set_size(open, open->len - 1);
	}
}

static void indent_lines(GArray *lines) {
	g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(int));
	for (guint i = 0; i < lines->len; i++) {
		Line *line = &g_array_index(lines, Line, i);
		if (line->n_lead == 0)
			continue;
		int net = net_brackets(line->lead, line->n_lead) +
			  net_brackets(line->assign, line->n_assign);
		if (net < 0)
			close_brackets(open, -net);
		line->lead[0].spaces = 2 * open->len;
		if (net > 0)
			g_array_append_val(open, net);
	}
}

/* ---- blanks between tokens ---- */

static gboolean is_word(const Token *token, const char *word) {
	return token && token->kind == TOKEN_NAME &&
	       (gsize)(token->end - token->start) == strlen(word) &&
	       memcmp(token->start, word, strlen(word)) == 0;
}

static gboolean is_template_start(TokenKind kind) {
	return kind == TOKEN_TEXT || kind == TOKEN_QUOTE || kind == TOKEN_HEREDOC;
}

static gboolean is_template_end(TokenKind kind) {
	return kind == TOKEN_TEXT || kind == TOKEN_QUOTE_CLOSE || kind == TOKEN_HEREDOC_CLOSE;
}

/* A minus after something that has a value is the binary one. */
static gboolean ends_operand(const Token *before) {
	return before && (before->kind == TOKEN_NAME || before->kind == TOKEN_NUMBER ||
				 before->kind == TOKEN_PARENTHESIS_CLOSE ||
				 before->kind == TOKEN_BRACKET_CLOSE);
}

static gboolean space_in_braces(const Token *left, const Token *right) {
	return left->kind != TOKEN_BRACE_OPEN || right->kind != TOKEN_BRACE_CLOSE;
}

static gboolean space_between(const Token *before, const Token *left, const Token *right) {
	TokenKind l = left->kind, r = right->kind;
	if (l == TOKEN_NAME && r == TOKEN_PARENTHESIS_OPEN)
		return FALSE;
	if (l == TOKEN_DOT || r == TOKEN_DOT || l == TOKEN_DOUBLE_COLON || r == TOKEN_DOUBLE_COLON)
		return FALSE;
	if (r == TOKEN_COMMA || r == TOKEN_ELLIPSIS)
		return FALSE;
	if (l == TOKEN_COMMA)
		return TRUE;
	if (is_template_start(l) || is_template_end(r))
		return FALSE;
	if (is_word(left, "in") && before && before->kind == TOKEN_NAME)
		return TRUE;
	if (r == TOKEN_BRACKET_OPEN &&
		(l == TOKEN_NAME || l == TOKEN_NUMBER || bracket_change(left) < 0))
		return FALSE;
	if (l == TOKEN_MINUS)
		return ends_operand(before);
	if (l == TOKEN_NOT)
		return FALSE;
	if (l == TOKEN_BRACE_OPEN || r == TOKEN_BRACE_CLOSE)
		return space_in_braces(left, right);
	if (l == TOKEN_SEQUENCE_OPEN && r == TOKEN_BRACE_OPEN)
		return TRUE;
	if (l == TOKEN_BRACE_CLOSE && r == TOKEN_SEQUENCE_CLOSE)
		return TRUE;
	if (l == TOKEN_SEQUENCE_CLOSE && r == TOKEN_SEQUENCE_OPEN)
		return FALSE;
	return bracket_change(left) <= 0 && bracket_change(right) >= 0;
}

static void space_tokens(Token *tokens, gsize n) {
	for (gsize i = 1; i < n; i++)
		tokens[i].spaces =
			space_between(i > 1 ? &tokens[i - 2] : NULL, &tokens[i - 1], &tokens[i]);
}

/* ---- columns ---- */

static gsize width(const Token *tokens, gsize n) {
	gsize columns = 0;
	for (gsize i = 0; i < n; i++)
		columns += tokens[i].spaces +
			   (gsize)g_utf8_strlen(tokens[i].start, tokens[i].end - tokens[i].start);
	return columns;
}

/* Of each run of lines that have the cell, all cells begin in one column. */
static void align(GArray *lines, gboolean comments) {
	for (guint start = 0, end; start < lines->len; start = end + 1) {
		gsize widest = 0;
		for (end = start; end < lines->len; end++) {
			Line *line = &g_array_index(lines, Line, end);
			if ((comments ? line->n_comment : line->n_assign) == 0)
				break;
			gsize columns = width(line->lead, line->n_lead) +
					(comments ? width(line->assign, line->n_assign) : 0);
			widest = MAX(widest, columns);
		}
		for (guint i = start; i < end; i++) {
			Line *line = &g_array_index(lines, Line, i);
			gsize columns = width(line->lead, line->n_lead) +
					(comments ? width(line->assign, line->n_assign) : 0);
			Token *cell = comments ? line->comment : line->assign;
			cell->spaces = (guint)(widest - columns + 1);
		}
	}
}

/* ---- writing ---- */

static void write_tokens(GString *out, const Token *tokens, gsize n) {
	for (gsize i = 0; i < n; i++) {
		g_string_append_printf(out, "%*s", (int)tokens[i].spaces, "");
		gsize length = (gsize)(tokens[i].end - tokens[i].start);
		if (tokens[i].kind == TOKEN_COMMENT)
			while (length > 0 && strchr(" \t\r", tokens[i].start[length - 1]))
				length--;
		g_string_append_len(out, tokens[i].start, (gssize)length);
	}
}

static char *write_lines(const GArray *lines, gboolean final_newline) {
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < lines->len; i++) {
		const Line *line = &g_array_index(lines, Line, i);
		write_tokens(out, line->lead, line->n_lead);
		write_tokens(out, line->assign, line->n_assign);
		write_tokens(out, line->comment, line->n_comment);
		if (i + 1 < lines->len || final_newline)
			g_string_append_c(out, '\n');
	}
	return g_string_free(out, FALSE);
}

char *lang_format(const char *filename, const char *text, gsize length, Diags *diags) {
	guint errors = diags_error_count(diags);
	g_autoptr(LangFile) file = lang_parse(filename, text, length, diags);
	if (diags_error_count(diags) > errors)
		return NULL;
	g_autofree char *copy = g_strndup(text, length);
	Scanner scanner = {copy + strlen(copy), g_array_new(FALSE, FALSE, sizeof(Token))};
	const char *at = copy;
	scan_expression(&scanner, &at, FALSE);
	g_autoptr(GArray) tokens = scanner.tokens;
	g_autoptr(GArray) lines = split_lines(tokens);
	indent_lines(lines);
	for (guint i = 0; i < lines->len; i++) {
		Line *line = &g_array_index(lines, Line, i);
		space_tokens(line->lead, line->n_lead);
		space_tokens(line->assign, line->n_assign);
	}
	align(lines, FALSE);
	align(lines, TRUE);
	return write_lines(lines, length > 0 && text[length - 1] == '\n');
}
