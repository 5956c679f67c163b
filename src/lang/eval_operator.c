/* Operators: their operands' types, what is known before both are, and Terraform's equality. */
#include "lang/eval.h"
#include "value/convert.h"

Value lang_equals(Value a, Value b) {
	if (value_is_null(a) || value_is_null(b))
		return value_is_known(a) && value_is_known(b)
			       ? value_bool(value_is_null(a) && value_is_null(b))
			       : value_unknown(type_bool());
	if (!value_is_wholly_known(a) || !value_is_wholly_known(b))
		return value_unknown(type_bool());
	if (value_type(a) == value_type(b))
		return value_bool(value_equal(a, b));
	const Type *types[] = {value_type(a), value_type(b)};
	/* Different primitives are never equal, containers may differ in what they were written as.
	 */
	if (!type_element(types[0]) && !type_element(types[1]) &&
		type_kind(types[0]) < TYPE_KIND_LIST)
		return value_bool(FALSE);
	const Type *type = type_unify(types, 2);
	if (!type)
		return value_bool(FALSE);
	g_auto(Value) first = value_convert(a, type, NULL);
	g_auto(Value) second = value_convert(b, type, NULL);
	return value_bool(value_equal(first, second));
}

/* To Terraform a list never equals a tuple, nor a map an object. */
static gboolean different_kinds(const Context *context, Value a, Value b) {
	return !context->scope->lenient && value_is_known(a) && value_is_known(b) &&
	       !value_is_null(a) && !value_is_null(b) && value_kind(a) != value_kind(b);
}

static Value operand(const LangExpr *expr, const Context *context, const Type *type,
	const char *side, Value *original) {
	*original = eval_expr(expr, context);
	if (value_is_null(*original) && context->scope->lenient)
		return type == type_bool() ? value_bool(FALSE) : value_null(type);
	if (value_is_null(*original)) {
		eval_fail(context, expr->range, "Operation failed",
			"Error during operation: argument must not be null.");
		return value_unknown(type);
	}
	g_autofree char *problem = NULL;
	Value converted = value_convert(*original, type, &problem);
	if (!problem)
		return converted;
	eval_fail(context, expr->range, "Invalid operand", "Unsuitable value for %soperand: %s.",
		side, problem);
	return value_unknown(type);
}

static Value compute_logic(Operator op, Value a, Value b) {
	gboolean decisive = op == OP_OR;
	gboolean known_a = value_is_known(a), known_b = value_is_known(b);
	if ((known_a && value_to_bool(a) == decisive) || (known_b && value_to_bool(b) == decisive))
		return value_bool(decisive);
	return known_a && known_b ? value_bool(!decisive) : value_unknown(type_bool());
}

static Value compute_comparison(Operator op, Value a, Value b) {
	int order = value_compare_numbers(a, b);
	return value_bool(op == OP_GREATER	   ? order > 0
			  : op == OP_GREATER_EQUAL ? order >= 0
			  : op == OP_LESS	   ? order < 0
						   : order <= 0);
}

static Value compute_numbers(const LangExpr *expr, const Context *context, Value a, Value b) {
	static const ValueOperator arithmetic[] = {
		[OP_ADD] = VALUE_ADD,
		[OP_SUBTRACT] = VALUE_SUBTRACT,
		[OP_MULTIPLY] = VALUE_MULTIPLY,
		[OP_DIVIDE] = VALUE_DIVIDE,
		[OP_MODULO] = VALUE_MODULO,
	};
	gboolean compares = expr->op >= OP_GREATER && expr->op <= OP_LESS_EQUAL;
	if (!value_is_known(a) || !value_is_known(b))
		return value_unknown(compares ? type_bool() : type_number());
	if (value_is_null(a) || value_is_null(b))
		return compares ? value_bool(FALSE) : value_null(type_number());
	if (compares)
		return compute_comparison(expr->op, a, b);
	Value result = value_arithmetic(arithmetic[expr->op], a, b);
	if (value_is_null(result))
		return eval_fail(context, expr->range,
			expr->op == OP_MODULO ? "Invalid operand" : "Division by zero",
			"Cannot divide by zero.");
	return result;
}

/* && and || of programs stop at the first operand that decides. */
static gboolean decides_early(
	const LangExpr *expr, const Context *context, Value left, Value *result) {
	gboolean logic = expr->op == OP_AND || expr->op == OP_OR;
	if (!context->scope->lenient || !logic || !value_is_known(left))
		return FALSE;
	*result = value_bool(expr->op == OP_OR);
	return value_to_bool(left) == (expr->op == OP_OR);
}

Value eval_binary(const LangExpr *expr, const Context *context) {
	if (expr->op == OP_EQUAL || expr->op == OP_NOT_EQUAL) {
		g_auto(Value) a = eval_expr(expr->left, context);
		g_auto(Value) b = eval_expr(expr->right, context);
		Value equal =
			different_kinds(context, a, b) ? value_bool(FALSE) : lang_equals(a, b);
		if (expr->op == OP_NOT_EQUAL && value_is_known(equal))
			equal = value_bool(!value_to_bool(equal));
		gboolean sensitive = value_has_sensitive(a) || value_has_sensitive(b);
		return sensitive ? value_mark_sensitive(equal) : equal;
	}
	gboolean logic = expr->op == OP_OR || expr->op == OP_AND;
	const Type *type = logic ? type_bool() : type_number();
	g_auto(Value) original_a = VALUE_NOTHING;
	g_auto(Value) original_b = VALUE_NOTHING;
	g_auto(Value) a = operand(expr->left, context, type, "left ", &original_a);
	Value early;
	if (decides_early(expr, context, a, &early))
		return early;
	g_auto(Value) b = operand(expr->right, context, type, "right ", &original_b);
	Value result = logic ? compute_logic(expr->op, a, b) : compute_numbers(expr, context, a, b);
	return eval_marked_like(result, original_a, original_b);
}

Value eval_unary(const LangExpr *expr, const Context *context) {
	const Type *type = expr->op == OP_NOT ? type_bool() : type_number();
	g_auto(Value) original = VALUE_NOTHING;
	g_auto(Value) value = operand(expr->right, context, type, "unary ", &original);
	Value result;
	if (!value_is_known(value))
		result = value_unknown(type);
	else if (value_is_null(value))
		result = value_ref(value);
	else if (expr->op == OP_NOT)
		result = value_bool(!value_to_bool(value));
	else
		result = value_negate(value);
	return eval_marked_like(result, original, VALUE_NOTHING);
}
