/*
 * Evaluation of expressions to values, with Terraform's rules for null, unknown and sensitive, and
 * its words for errors. A reference is never copied: a step into a value borrows it. Must never
 * know what a name means: the scope's resolver tells. Steps into values, operators, for and calls
 * have files of their own (eval_*.c).
 */
#include "lang/eval.h"
#include "value/convert.h"

/* ---- helpers ---- */

Value eval_anything(void) {
	return value_unknown(type_any());
}

Value eval_marked_like(Value value_taken, Value a, Value b) {
	if (!value_is_sensitive(a) && !value_is_sensitive(b))
		return value_taken;
	return value_mark_sensitive_take(value_taken);
}

Value eval_fail(
	const Context *context, SourceRange range, const char *summary, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *detail = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	diags_error(context->diags, range, summary, "%s", detail);
	return eval_anything();
}

static Value take_steps(const Context *context, Value value_taken, const LangStep *steps, guint n) {
	g_auto(Value) value = value_taken;
	for (guint i = 0; i < n; i++) {
		Value next =
			steps[i].kind == LANG_STEP_NAME
				? eval_get_attribute(context, value, steps[i].name, steps[i].range)
				: eval_get_index(context, value, steps[i].index, steps[i].range);
		value_clear(&value);
		value = next;
	}
	return value_steal(&value);
}

Value eval_traversal(const LangTraversal *traversal, const Context *context) {
	if (value_has(context->locals, traversal->root))
		return take_steps(context, value_ref(value_get(context->locals, traversal->root)),
			traversal->steps, traversal->n_steps);
	Value value = VALUE_NOTHING;
	guint used = 0;
	if (!context->scope->resolve) {
		return eval_fail(context, traversal->range, "Variables not allowed",
			"Variables may not be used here.");
	}
	if (!context->scope->resolve(
		    traversal, &value, &used, context->scope->data, context->diags))
		return eval_anything();
	const LangStep *rest = used < traversal->n_steps ? traversal->steps + used : NULL;
	return take_steps(context, value, rest, traversal->n_steps - used);
}

/* ---- templates ---- */

gboolean eval_append_text(GString *out, Value value, SourceRange range, const Context *context) {
	if (!value_is_known(value))
		return FALSE;
	if (value_is_null(value)) {
		eval_fail(context, range, "Invalid template interpolation value",
			"The expression result is null. Cannot include a null value in a string "
			"template.");
		return FALSE;
	}
	g_autofree char *problem = NULL;
	g_auto(Value) text = value_convert(value, type_string(), &problem);
	if (problem) {
		eval_fail(context, range, "Invalid template interpolation value",
			"Cannot include the given value in a string template: %s.", problem);
		return FALSE;
	}
	g_string_append_len(out, value_text(text), (gssize)value_text_length(text));
	return TRUE;
}

static Value eval_template(const LangExpr *expr, const Context *context) {
	g_autoptr(GString) out = g_string_new(NULL);
	gboolean known = TRUE, sensitive = FALSE;
	for (guint i = 0; i < expr->n_items; i++) {
		g_auto(Value) part = eval_expr(expr->items[i], context);
		sensitive = sensitive || value_has_sensitive(part);
		if (!eval_append_text(out, part, expr->items[i]->range, context))
			known = FALSE;
	}
	Value result =
		known ? value_string_sized(out->str, out->len) : value_unknown(type_string());
	if (!sensitive)
		return result;
	return value_mark_sensitive_take(result);
}

/* ---- conditions ---- */

int eval_truth(const Context *context, Value value, SourceRange range) {
	if (!value_is_known(value))
		return -1;
	if (value_is_null(value)) {
		if (context->scope->lenient)
			return 0;
		eval_fail(context, range, "Null condition",
			"The condition value is null. Conditions must either be true or false.");
		return -1;
	}
	g_autofree char *problem = NULL;
	g_auto(Value) boolean = value_convert(value, type_bool(), &problem);
	if (problem) {
		eval_fail(context, range, "Incorrect condition type",
			"The condition expression must be of type bool.");
		return -1;
	}
	return value_to_bool(boolean);
}

/* Both results of a conditional must have one type. */
static const Type *conditional_type(
	const LangExpr *expr, const Context *context, Value a, Value b) {
	if (value_is_null(a) && value_type(a) == type_any())
		return value_type(b);
	if (value_is_null(b) && value_type(b) == type_any())
		return value_type(a);
	const Type *types[] = {value_type(a), value_type(b)};
	const Type *type = type_unify(types, 2);
	if (!type && !context->scope->lenient) {
		g_autofree char *first = type_friendly_name(types[0]);
		g_autofree char *second = type_friendly_name(types[1]);
		eval_fail(context, expr->range, "Inconsistent conditional result types",
			"The true and false result expressions must have consistent types. The "
			"'true' value is %s, "
			"but the 'false' value is %s.",
			first, second);
	}
	return type;
}

static Value eval_conditional(const LangExpr *expr, const Context *context) {
	g_auto(Value) condition = eval_expr(expr->condition, context);
	int decided = eval_truth(context, condition, expr->condition->range);
	/* A program of a resource type takes one way only: the other one may make no sense. */
	if (context->scope->lenient && decided >= 0)
		return eval_expr(decided ? expr->then : expr->otherwise, context);
	g_auto(Value) then = eval_expr(expr->then, context);
	g_auto(Value) otherwise = eval_expr(expr->otherwise, context);
	const Type *type = conditional_type(expr, context, then, otherwise);
	if (!type)
		type = type_any();
	if (decided < 0)
		return eval_marked_like(value_unknown(type), condition, VALUE_NOTHING);
	Value converted = value_convert(decided ? then : otherwise, type, NULL);
	return eval_marked_like(converted, condition, VALUE_NOTHING);
}

static Value eval_if_directive(const LangExpr *expr, const Context *context) {
	g_auto(Value) condition = eval_expr(expr->condition, context);
	int decided = eval_truth(context, condition, expr->condition->range);
	if (decided < 0)
		return eval_marked_like(value_unknown(type_string()), condition, VALUE_NOTHING);
	const LangExpr *chosen = decided ? expr->then : expr->otherwise;
	Value result = chosen ? eval_expr(chosen, context) : value_string("");
	return eval_marked_like(result, condition, VALUE_NOTHING);
}

/* ---- constructors ---- */

static Value eval_tuple(const LangExpr *expr, const Context *context) {
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < expr->n_items; i++)
		value_builder_add_take(builder, eval_expr(expr->items[i], context));
	return value_builder_end(g_steal_pointer(&builder));
}

static Value eval_key(const LangExpr *expr, const Context *context) {
	const char *name = lang_bare_name(expr);
	if (expr->kind == EXPR_TRAVERSAL && !name)
		return eval_fail(context, expr->range, "Ambiguous attribute key",
			"If this expression is intended to be a reference, wrap it in parentheses. "
			"If it's instead intended as a literal name containing periods, wrap it in "
			"quotes to create a string literal.");
	return name ? value_string(name) : eval_expr(expr, context);
}

char *eval_key_text(const Context *context, Value key, SourceRange range) {
	if (!value_is_known(key))
		return NULL;
	if (value_is_null(key)) {
		eval_fail(context, range, "Null value as key", "Can't use a null value as a key.");
		return NULL;
	}
	g_autofree char *problem = NULL;
	g_auto(Value) text = value_convert(key, type_string(), &problem);
	if (problem) {
		eval_fail(context, range, "Incorrect key type",
			"Can't use this value as a key: %s.", problem);
		return NULL;
	}
	return g_strdup(value_text(text));
}

static Value eval_object(const LangExpr *expr, const Context *context) {
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_OBJECT, NULL);
	gboolean known = TRUE, sensitive = FALSE;
	for (guint i = 0; i < expr->n_items; i++) {
		g_auto(Value) key = eval_key(expr->items[i], context);
		sensitive = sensitive || value_is_sensitive(key);
		g_autofree char *text = eval_key_text(context, key, expr->items[i]->range);
		g_auto(Value) value = eval_expr(expr->values[i], context);
		if (text)
			value_builder_set_take(builder, text, value_steal(&value));
		else
			known = FALSE;
	}
	Value result = known ? value_builder_end(g_steal_pointer(&builder)) : eval_anything();
	if (!sensitive)
		return result;
	return value_mark_sensitive_take(result);
}

/* ---- splat ---- */

static Value eval_splat(const LangExpr *expr, const Context *context) {
	g_auto(Value) source = eval_expr(expr->object, context);
	if (value_is_null(source))
		return eval_marked_like(value_empty_tuple(), source, VALUE_NOTHING);
	if (!value_is_known(source))
		return eval_marked_like(eval_anything(), source, VALUE_NOTHING);
	Context inner = *context;
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_TUPLE, NULL);
	if (!value_is_sequence(source)) {
		inner.each = source;
		value_builder_add_take(builder, eval_expr(expr->body, &inner));
		return value_builder_end(g_steal_pointer(&builder));
	}
	for (gsize i = 0; i < value_length(source); i++) {
		inner.each = value_at(source, i);
		value_builder_add_take(builder, eval_expr(expr->body, &inner));
	}
	return eval_marked_like(
		value_builder_end(g_steal_pointer(&builder)), source, VALUE_NOTHING);
}

/* ---- the rest ---- */

static Value eval_attribute(const LangExpr *expr, const Context *context) {
	g_auto(Value) object = eval_expr(expr->object, context);
	return eval_get_attribute(context, object, expr->attribute, expr->attribute_range);
}

static Value eval_index(const LangExpr *expr, const Context *context) {
	g_auto(Value) object = eval_expr(expr->object, context);
	g_auto(Value) key = eval_expr(expr->key, context);
	return eval_get_index(context, object, key, expr->key->range);
}

static Value eval_kind(const LangExpr *expr, const Context *context) {
	if (expr->verbatim && !context->scope->resolve)
		return value_string(expr->verbatim);
	if (expr->problem)
		return eval_fail(context, expr->range, expr->problem, "%s", expr->problem_detail);
	switch (expr->kind) {
	case EXPR_LITERAL:
		return value_ref(expr->literal);
	case EXPR_TEMPLATE:
		return eval_template(expr, context);
	case EXPR_WRAP:
	case EXPR_PARENTHESES:
		return eval_expr(expr->object, context);
	case EXPR_TRAVERSAL:
		return eval_traversal(&expr->traversal, context);
	case EXPR_ATTRIBUTE:
		return eval_attribute(expr, context);
	case EXPR_INDEX:
		return eval_index(expr, context);
	case EXPR_SPLAT:
		return eval_splat(expr, context);
	case EXPR_EACH:
		return value_ref(context->each);
	case EXPR_CALL:
		return eval_call(expr, context);
	case EXPR_CONDITIONAL:
		return eval_conditional(expr, context);
	case EXPR_IF_DIRECTIVE:
		return eval_if_directive(expr, context);
	case EXPR_BINARY:
		return eval_binary(expr, context);
	case EXPR_UNARY:
		return eval_unary(expr, context);
	case EXPR_TUPLE:
		return eval_tuple(expr, context);
	case EXPR_OBJECT:
		return eval_object(expr, context);
	case EXPR_FOR:
	case EXPR_FOR_DIRECTIVE:
		return eval_for(expr, context);
	}
	return eval_anything();
}

Value eval_expr(const LangExpr *expr, const Context *context) {
	guint before = diags_count(context->diags);
	Value value = eval_kind(expr, context);
	if (diags_count(context->diags) > before && !context->quiet)
		eval_explain(expr, context, before);
	return value;
}

Value lang_eval(const LangExpr *expr, const LangScope *scope, Diags *diags) {
	Context context = {
		.scope = scope, .locals = scope->locals, .diags = diags, .quiet = scope->lenient};
	guint errors = diags_error_count(diags);
	Value value = eval_expr(expr, &context);
	if (diags_error_count(diags) == errors)
		return value;
	value_unref(value);
	return eval_anything();
}

Value lang_eval_as(const LangExpr *expr, const Type *type, const LangScope *scope, Diags *diags) {
	guint errors = diags_error_count(diags);
	g_auto(Value) value = lang_eval(expr, scope, diags);
	g_autofree char *problem = NULL;
	Value converted = value_convert(value, type, &problem);
	if (!problem)
		return converted;
	if (diags_error_count(diags) == errors)
		diags_error(diags, expr->range, "Unsuitable value type", "Unsuitable value: %s.",
			problem);
	return value_unknown(type);
}
