/*
 * Expressions, a function for each rule of the grammar:
 *
 *   expr       = or [ "?" expr ":" expr ]
 *   or ...     = binary operators by precedence: || && (== !=) (< <= > >=) (+ -) (* / %)
 *   unary      = ( "!" | "-" ) unary | postfix
 *   postfix    = primary { "." name | "." digits | ".*" | "[" expr "]" | "[*]" }
 *   primary    = number | template | heredoc | word | name "(" args ")" | "(" expr ")"
 *              | tuple | object
 *   tuple      = "[" ( { expr "," } | for ) "]"
 *   object     = "{" ( { key ( "=" | ":" ) expr ( "," | newline ) } | for ) "}"
 *   for        = "for" name [ "," name ] "in" expr ":" expr [ "=>" expr [ "..." ] ] [ "if" expr ]
 *
 * After an error the rest is skipped; what is returned is whole enough to go on.
 */
#include "lang/parse.h"

/* ---- numbers ---- */

static LangExpr *parse_number(Parser *parser) {
	gsize start = parser->at;
	guint points = 0;
	while (g_ascii_isdigit(scan_peek(parser)) ||
		(scan_peek(parser) == '.' && g_ascii_isdigit(scan_peek_at(parser, 1)))) {
		points += scan_peek(parser) == '.';
		parser->at++;
	}
	if (points > 1)
		return parse_broken(parser, start, parser->at, "Invalid number literal",
			"Failed to recognize the value of this number literal.");
	if (scan_peek(parser) == 'e' || scan_peek(parser) == 'E') {
		gsize sign = scan_peek_at(parser, 1) == '+' || scan_peek_at(parser, 1) == '-';
		if (g_ascii_isdigit(scan_peek_at(parser, 1 + sign)))
			for (parser->at += 1 + sign; g_ascii_isdigit(scan_peek(parser));)
				parser->at++;
	}
	g_autofree char *text = g_strndup(parser->text + start, parser->at - start);
	return parse_literal(parser, start, value_number_parse(text));
}

/* ---- primary expressions ---- */

static LangExpr *bad_for(Parser *parser, gsize start, const char *detail) {
	scan_blanks(parser);
	return parse_unexpected(parser, start, "Invalid 'for' expression", detail);
}

/* What is opened at `start` needs something else here, or its end. */
static void missing(
	Parser *parser, gsize start, const char *what, const char *summary, const char *detail) {
	scan_blanks(parser);
	if (parser->at < parser->end) {
		parse_unexpected(parser, start, summary, detail);
		return;
	}
	g_autofree char *unterminated = g_strdup_printf("Unterminated %s", what);
	parse_broken(parser, start, start + 1, unterminated,
		"There is no corresponding closing bracket before the end of the file. This may be "
		"caused by incorrect bracket nesting elsewhere in this file.");
}

static LangExpr *parse_for(Parser *parser, gsize start, gboolean object) {
	LangExpr *expr = parse_node(parser, EXPR_FOR, start);
	expr->value_name = scan_name(parser, NULL);
	if (!expr->value_name)
		return bad_for(parser, start, "For expression requires variable name after 'for'.");
	if (scan_take(parser, ",")) {
		expr->key_name = expr->value_name;
		expr->value_name = scan_name(parser, NULL);
		if (!expr->value_name)
			return bad_for(parser, start,
				"For expression requires value variable name after comma.");
	}
	if (!scan_word(parser, "in"))
		return bad_for(parser, start,
			"For expression requires the 'in' keyword after its name declarations.");
	expr->collection = parse_expr(parser);
	if (!scan_take(parser, ":"))
		return bad_for(parser, start,
			"For expression requires a colon after the collection expression.");
	expr->result = parse_expr(parser);
	scan_blanks(parser);
	if (scan_looking_at(parser, "=>") != object)
		return bad_for(parser, start,
			object ? "Key expression is required when building an object."
			       : "Key expression is not valid when building a tuple.");
	if (object) {
		parser->at += 2;
		expr->result_key = expr->result;
		expr->result = parse_expr(parser);
		expr->grouped = scan_take(parser, "...");
	}
	if (scan_word(parser, "if"))
		expr->filter = parse_expr(parser);
	if (!scan_take(parser, object ? "}" : "]"))
		return bad_for(
			parser, start, "Extra characters after the end of the 'for' expression.");
	expr->range = scan_range(parser, start, parser->at);
	return expr;
}

static LangExpr *parse_tuple(Parser *parser) {
	gsize start = parser->at++;
	parser->enclosed++;
	LangExpr *expr = NULL;
	if (scan_word(parser, "for")) {
		expr = parse_for(parser, start, FALSE);
		parser->enclosed--;
		return expr;
	}
	g_autoptr(GPtrArray) items = g_ptr_array_new();
	while (!parser->failed && !scan_take(parser, "]")) {
		g_ptr_array_add(items, parse_expr(parser));
		if (parser->failed || scan_take(parser, "]"))
			break;
		if (!scan_take(parser, ",")) {
			missing(parser, start, "tuple constructor expression",
				"Missing item separator",
				"Expected a comma to mark the beginning of the next item.");
			break;
		}
	}
	parser->enclosed--;
	expr = parse_node(parser, EXPR_TUPLE, start);
	expr->items = parse_keep_all(parser, items);
	expr->n_items = items->len;
	return expr;
}

/* Behind an object's item: its separator, or the end. FALSE: neither. */
static gboolean end_item(Parser *parser, gboolean *over) {
	scan_blanks(parser);
	gboolean separated = scan_peek(parser) == ',' || scan_peek(parser) == '\n';
	if (scan_peek(parser) == ',')
		parser->at++;
	scan_newlines(parser);
	*over = scan_take(parser, "}");
	return separated || *over;
}

/* Behind a key that nothing is assigned to. */
static void missing_value(Parser *parser, gsize start) {
	scan_blanks(parser);
	gboolean over = scan_peek(parser) == '\n' || scan_peek(parser) == ',';
	missing(parser, start, "object constructor expression",
		over ? "Missing attribute value" : "Missing key/value separator",
		over ? "Expected an attribute value, introduced by an equals sign (\"=\")."
		     : "Expected an equals sign (\"=\") to mark the beginning of the attribute "
		       "value.");
}

static LangExpr *parse_object(Parser *parser) {
	gsize start = parser->at++;
	guint outer = parser->enclosed;
	parser->enclosed = 1;
	if (scan_word(parser, "for")) {
		LangExpr *loop = parse_for(parser, start, TRUE);
		parser->enclosed = outer;
		return loop;
	}
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	g_autoptr(GPtrArray) values = g_ptr_array_new();
	gboolean over = scan_take(parser, "}");
	parser->enclosed = 0; /* a newline separates items too */
	while (!over && !parser->failed) {
		scan_newlines(parser);
		g_ptr_array_add(keys, parse_expr(parser));
		if (!parser->failed &&
			(scan_looking_at(parser, "=>") ||
				(!scan_take(parser, "=") && !scan_take(parser, ":"))))
			missing_value(parser, start);
		g_ptr_array_add(values, parser->failed
						? parse_literal(parser, parser->at, VALUE_NOTHING)
						: parse_expr(parser));
		if (!parser->failed && !end_item(parser, &over))
			missing(parser, start, "object constructor expression",
				"Missing attribute separator",
				"Expected a newline or comma to mark the beginning of the next "
				"attribute.");
	}
	parser->enclosed = outer;
	LangExpr *expr = parse_node(parser, EXPR_OBJECT, start);
	expr->items = parse_keep_all(parser, keys);
	expr->values = parse_keep_all(parser, values);
	expr->n_items = keys->len;
	return expr;
}

static LangExpr *parse_call(Parser *parser, gsize start, const char *name, SourceRange name_range) {
	parser->at++;
	parser->enclosed++;
	g_autoptr(GPtrArray) arguments = g_ptr_array_new();
	gboolean expand = FALSE;
	while (!parser->failed && !scan_take(parser, ")")) {
		g_ptr_array_add(arguments, parse_expr(parser));
		expand = scan_take(parser, "...");
		if (parser->failed || scan_take(parser, ")"))
			break;
		if (expand || !scan_take(parser, ",")) {
			missing(parser, start, "function call",
				expand ? "Missing closing parenthesis"
				       : "Missing argument separator",
				expand ? "An expanded function argument (with ...) must be "
					 "immediately followed by closing parentheses."
				       : "A comma is required to separate each function argument "
					 "from the next.");
			break;
		}
	}
	parser->enclosed--;
	LangExpr *expr = parse_node(parser, EXPR_CALL, start);
	expr->name = name;
	expr->name_range = name_range;
	expr->items = parse_keep_all(parser, arguments);
	expr->n_items = arguments->len;
	expr->expand = expand;
	return expr;
}

/* provider::aws::arn_parse: the rest of a namespaced function's name. */
static const char *take_namespaces(Parser *parser, const char *name) {
	while (scan_looking_at(parser, "::")) {
		parser->at += 2;
		const char *more = scan_name(parser, NULL);
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
	const char *name = scan_name(parser, &range);
	name = take_namespaces(parser, name);
	gsize behind = parser->at;
	scan_blanks(parser);
	if (scan_peek(parser) == '(')
		return parse_call(parser, start, name, range);
	parser->at = behind;
	if (g_str_equal(name, "true") || g_str_equal(name, "false"))
		return parse_literal(parser, start, value_bool(g_str_equal(name, "true")));
	if (g_str_equal(name, "null"))
		return parse_literal(parser, start, VALUE_NOTHING);
	LangExpr *expr = parse_node(parser, EXPR_TRAVERSAL, start);
	expr->traversal = (LangTraversal){.root = name, .range = range, .root_range = range};
	return expr;
}

static LangExpr *parse_parentheses(Parser *parser) {
	gsize start = parser->at++;
	parser->enclosed++;
	LangExpr *inner = parse_expr(parser);
	if (!scan_take(parser, ")"))
		parse_unexpected(parser, start, "Unbalanced parentheses",
			"Expected a closing parenthesis to terminate the expression.");
	parser->enclosed--;
	LangExpr *expr = parse_node(parser, EXPR_PARENTHESES, start);
	expr->object = inner;
	return expr;
}

static LangExpr *parse_primary(Parser *parser) {
	scan_blanks(parser);
	char c = scan_peek(parser);
	if (g_ascii_isdigit(c))
		return parse_number(parser);
	if (c == '"')
		return parse_quoted(parser);
	if (scan_looking_at(parser, "<<"))
		return parse_heredoc(parser);
	if (c == '[')
		return parse_tuple(parser);
	if (c == '{')
		return parse_object(parser);
	if (c == '(')
		return parse_parentheses(parser);
	if (scan_at_name(parser))
		return parse_word(parser);
	return parse_unexpected(parser, parser->at, "Invalid expression",
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
		traversal->range = scan_range(parser, start, parser->at);
		expr->range = traversal->range;
		return expr;
	}
	LangExpr *node = parse_node(
		parser, step.kind == LANG_STEP_NAME ? EXPR_ATTRIBUTE : EXPR_INDEX, start);
	node->object = expr;
	if (step.kind == LANG_STEP_NAME) {
		node->attribute = step.name;
		node->attribute_range = step.range;
	} else {
		node->key = parse_literal(parser, step.range.start_byte, value_ref(step.index));
	}
	return node;
}

static LangExpr *index_step(
	Parser *parser, LangExpr *expr, gsize start, gsize from, Value index_taken) {
	g_array_append_val(parser->file->literals, index_taken);
	LangStep step = {.kind = LANG_STEP_INDEX,
		.index = index_taken,
		.range = scan_range(parser, from, parser->at)};
	return add_step(parser, expr, start, step);
}

/* .name, .0, .0.1 */
static LangExpr *parse_dot(Parser *parser, LangExpr *expr, gsize start) {
	gsize from = parser->at++;
	if (g_ascii_isdigit(scan_peek(parser))) {
		gsize digits = parser->at;
		while (g_ascii_isdigit(scan_peek(parser)))
			parser->at++;
		g_autofree char *text = g_strndup(parser->text + digits, parser->at - digits);
		return index_step(parser, expr, start, from, value_number_parse(text));
	}
	const char *name = scan_name(parser, NULL);
	if (!name)
		return parse_unexpected(parser, from, "Invalid attribute name",
			"An attribute name is required after a dot.");
	LangStep step = {.kind = LANG_STEP_NAME,
		.name = name,
		.range = scan_range(parser, from, parser->at)};
	return add_step(parser, expr, start, step);
}

static LangExpr *parse_index(Parser *parser, LangExpr *expr, gsize start) {
	gsize from = parser->at++;
	parser->enclosed++;
	LangExpr *key = parse_expr(parser);
	gboolean closed = scan_take(parser, "]");
	parser->enclosed--;
	if (!closed)
		return parse_unexpected(parser, from, "Missing close bracket on index",
			"The index operator must end with a closing bracket (\"]\").");
	ValueKind kind = key->kind == EXPR_LITERAL ? value_kind(key->literal) : VALUE_NULL;
	if (kind == VALUE_STRING || kind == VALUE_NUMBER)
		return index_step(parser, expr, start, from, value_ref(key->literal));
	LangExpr *node = parse_node(parser, EXPR_INDEX, start);
	node->object = expr;
	node->key = key;
	return node;
}

static LangExpr *parse_steps(Parser *parser, LangExpr *expr, gsize start, gboolean names_only);

static LangExpr *parse_splat(Parser *parser, LangExpr *expr, gsize start, gboolean full) {
	parser->at += full ? 3 : 2;
	LangExpr *each = parse_node(parser, EXPR_EACH, parser->at);
	LangExpr *node = parse_node(parser, EXPR_SPLAT, start);
	node->object = expr;
	node->body = parse_steps(parser, each, start, !full);
	node->range = scan_range(parser, start, parser->at);
	return node;
}

static gboolean at_full_splat(const Parser *parser) {
	return scan_looking_at(parser, "[*]");
}

static LangExpr *parse_steps(Parser *parser, LangExpr *expr, gsize start, gboolean names_only) {
	while (!parser->failed) {
		gsize behind = parser->at;
		scan_blanks(parser);
		if (scan_looking_at(parser, ".*"))
			expr = parse_splat(parser, expr, start, FALSE);
		else if (scan_peek(parser) == '.' && !scan_looking_at(parser, "..."))
			expr = parse_dot(parser, expr, start);
		else if (!names_only && at_full_splat(parser))
			expr = parse_splat(parser, expr, start, TRUE);
		else if (!names_only && scan_peek(parser) == '[')
			expr = parse_index(parser, expr, start);
		else {
			parser->at = behind;
			return expr;
		}
	}
	return expr;
}

static LangExpr *parse_postfix(Parser *parser) {
	scan_blanks(parser);
	gsize start = parser->at;
	LangExpr *expr = parse_primary(parser);
	return parse_steps(parser, expr, start, FALSE);
}

/* ---- operators ---- */

static LangExpr *parse_unary(Parser *parser) {
	scan_blanks(parser);
	gsize start = parser->at;
	char c = scan_peek(parser);
	if (c != '-' && (c != '!' || scan_peek_at(parser, 1) == '='))
		return parse_postfix(parser);
	parser->at++;
	LangExpr *operand = parse_unary(parser);
	LangExpr *expr = parse_node(parser, EXPR_UNARY, start);
	expr->op = c == '-' ? OP_NEGATE : OP_NOT;
	expr->right = operand;
	expr->range = scan_range(parser, start, operand->range.end_byte);
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
	scan_blanks(parser);
	for (guint i = 0; i < G_N_ELEMENTS(operators); i++) {
		if (operators[i].level != level || !scan_looking_at(parser, operators[i].text))
			continue;
		if (operators[i].op == OP_MODULO && scan_peek_at(parser, 1) == '{')
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
	scan_blanks(parser);
	gsize start = parser->at;
	LangExpr *left = parse_binary(parser, level + 1);
	Operator op;
	while (!parser->failed && take_operator(parser, level, &op)) {
		LangExpr *right = parse_binary(parser, level + 1);
		LangExpr *expr = parse_node(parser, EXPR_BINARY, start);
		expr->op = op;
		expr->left = left;
		expr->right = right;
		expr->range = scan_range(parser, start, right->range.end_byte);
		left = expr;
	}
	return left;
}

static LangExpr *parse_conditional(Parser *parser) {
	scan_blanks(parser);
	gsize start = parser->at;
	LangExpr *condition = parse_binary(parser, 0);
	if (parser->failed || !scan_take(parser, "?"))
		return condition;
	LangExpr *then = parse_expr(parser);
	if (!scan_take(parser, ":"))
		return parse_unexpected(parser, start, "Missing false expression in conditional",
			"The conditional operator (...?...:...) requires a false expression, "
			"delimited by a colon.");
	LangExpr *otherwise = parse_expr(parser);
	LangExpr *expr = parse_node(parser, EXPR_CONDITIONAL, start);
	expr->condition = condition;
	expr->then = then;
	expr->otherwise = otherwise;
	expr->range = scan_range(parser, start, otherwise->range.end_byte);
	return expr;
}

LangExpr *parse_expr(Parser *parser) {
	if (parser->depth >= DEEPEST)
		return parse_broken(parser, parser->at, parser->at + 1,
			"Expression nested too deep", "Expressions may not be nested this deep.");
	parser->depth++;
	LangExpr *expr = parse_conditional(parser);
	parser->depth--;
	return expr;
}
