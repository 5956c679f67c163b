/*
 * Calls: arguments as the parameters want them, functions of the language, of the scope and those
 * written in the language itself; try and can, which look at errors instead of telling them.
 */
#include <string.h>

#include "base/text.h"
#include "lang/eval.h"
#include "value/convert.h"

static const LangFunction *find_function(const Context *context, const char *name) {
	const LangFunction *own = context->scope->functions
					  ? g_hash_table_lookup(context->scope->functions, name)
					  : NULL;
	return own ? own : lang_function(name);
}

/* provider::aws::nosuch, or of a namespace that is none. */
static Value unknown_provider_function(
	const LangExpr *expr, const Context *context, const char *separator) {
	const char *provider = separator + 2;
	const char *function = strstr(provider, "::");
	if (!g_str_has_prefix(expr->name, "provider::") || !function)
		return eval_fail(context, expr->range, "Unknown provider function",
			"The function namespace \"%.*s\" is not valid. Provider function calls "
			"must "
			"use the \"provider::\" namespace prefix.",
			(int)(separator - expr->name), expr->name);
	return eval_fail(context, expr->range, "Unknown provider function",
		"There is no function named \"%s\". Ensure that provider name \"%.*s\" is declared "
		"in this module's required_providers block, and that this provider offers a "
		"function named \"%s\".",
		expr->name, (int)(function - provider), provider, function + 2);
}

static Value unknown_function(const LangExpr *expr, const Context *context) {
	gsize n;
	const LangFunction *const *all = lang_functions(&n);
	g_autofree const char **names = g_new(const char *, n);
	for (gsize i = 0; i < n; i++)
		names[i] = all[i]->name;
	g_autofree char *hint = text_suggestion(expr->name, names, n);
	const char *separator = strstr(expr->name, "::");
	if (separator)
		return unknown_provider_function(expr, context, separator);
	return eval_fail(context, expr->name_range, "Call to unknown function",
		"There is no function named \"%s\".%s", expr->name, hint);
}

/* All arguments, the last one spread out if it has dots. FALSE: it is unknown or an error. */
static gboolean eval_arguments(const LangExpr *expr, const Context *context, GArray *arguments) {
	for (guint i = 0; i < expr->n_items; i++) {
		Value value = eval_expr(expr->items[i], context);
		if (!expr->expand || i + 1 < expr->n_items) {
			g_array_append_val(arguments, value);
			continue;
		}
		g_auto(Value) list = value;
		if (!value_is_known(list))
			return FALSE;
		if (!value_is_sequence(list)) {
			eval_fail(context, expr->items[i]->range,
				"Invalid expanding argument value",
				"The expanding argument (indicated by ...) must be of a tuple, "
				"list, or set type.");
			return FALSE;
		}
		for (gsize j = 0; j < value_length(list); j++) {
			Value element = value_ref(value_at(list, j));
			g_array_append_val(arguments, element);
		}
	}
	return TRUE;
}

static guint count_parameters(const LangFunction *function) {
	guint n = 0;
	while (function->parameters && function->parameters[n].name)
		n++;
	return n;
}

static gboolean check_count(
	const LangExpr *expr, const Context *context, const LangFunction *function, guint given) {
	guint fixed = count_parameters(function);
	if (given < fixed) {
		eval_fail(context, expr->range, "Not enough function arguments",
			"Function \"%s\" expects %u argument(s). Missing value for \"%s\".",
			expr->name, fixed, function->parameters[given].name);
		return FALSE;
	}
	if (given > fixed && !function->variadic) {
		eval_fail(context, expr->range, "Too many function arguments",
			"Function \"%s\" expects only %u argument(s).", expr->name, fixed);
		return FALSE;
	}
	return TRUE;
}

static SourceRange argument_range(const LangExpr *expr, int index) {
	if (index < 0 || expr->n_items == 0)
		return expr->range;
	return expr->items[MIN((guint)index, expr->n_items - 1)]->range;
}

typedef enum { READY, WAITS_FOR_UNKNOWN, REFUSED } Readiness;

/* Converts one argument to its parameter's type. */
static Readiness prepare(const LangExpr *expr, const Context *context,
	const LangParameter *parameter, int index, Value *argument) {
	if (value_is_null(*argument) && !parameter->allow_null) {
		eval_fail(context, argument_range(expr, index), "Invalid function argument",
			"Invalid value for \"%s\" parameter: argument must not be null.",
			parameter->name);
		return REFUSED;
	}
	g_autofree char *problem = NULL;
	Value converted = value_convert(*argument, parameter->type, &problem);
	if (problem) {
		eval_fail(context, argument_range(expr, index), "Invalid function argument",
			"Invalid value for \"%s\" parameter: %s.", parameter->name, problem);
		return REFUSED;
	}
	value_clear(argument);
	*argument = converted;
	gboolean known = parameter->allow_unknown || value_is_wholly_known(converted);
	return known ? READY : WAITS_FOR_UNKNOWN;
}

/* A function that is written in the language itself. */
static Value run_body(
	const Context *context, const LangFunction *function, const Value *arguments) {
	g_auto(Value) names = value_empty_object();
	for (guint i = 0; function->parameters[i].name; i++)
		names = value_with_take(
			value_steal(&names), function->parameters[i].name, value_ref(arguments[i]));
	const Context inner = {.scope = context->scope,
		.locals = names,
		.diags = context->diags,
		.quiet = context->quiet};
	return eval_expr(function->body, &inner);
}

static Value run_function(const LangExpr *expr, const Context *context,
	const LangFunction *function, const Value *arguments, guint n) {
	if (function->body)
		return run_body(context, function, arguments);
	int blame = -1;
	g_autofree char *problem = NULL;
	LangScope scope = *context->scope;
	scope.locals = context->locals;
	Value result = function->call(arguments, n, &scope, &blame, &problem);
	if (!problem)
		return result;
	value_unref(result);
	if (blame < 0)
		return eval_fail(context, expr->range, "Error in function call",
			"Call to function \"%s\" failed: %s.", expr->name, problem);
	guint fixed = count_parameters(function);
	const LangParameter *parameter =
		(guint)blame < fixed ? &function->parameters[blame] : function->variadic;
	return eval_fail(context, argument_range(expr, blame), "Invalid function argument",
		"Invalid value for \"%s\" parameter: %s.", parameter ? parameter->name : "argument",
		problem);
}

static Value call_with(const LangExpr *expr, const Context *context, const LangFunction *function,
	GArray *arguments) {
	guint fixed = count_parameters(function);
	gboolean waits = FALSE, sensitive = FALSE;
	for (guint i = 0; i < arguments->len; i++) {
		Value *argument = &g_array_index(arguments, Value, i);
		const LangParameter *parameter =
			i < fixed ? &function->parameters[i] : function->variadic;
		sensitive = sensitive || value_has_sensitive(*argument);
		if (!function->keeps_marks && value_has_sensitive(*argument)) {
			Value plain = value_unmark_deep(*argument);
			value_clear(argument);
			*argument = plain;
		}
		Readiness readiness = prepare(expr, context, parameter, (int)i, argument);
		if (readiness == REFUSED)
			return eval_anything();
		waits = waits || readiness == WAITS_FOR_UNKNOWN;
	}
	const Value *all = (const Value *)(const void *)arguments->data;
	Value result;
	if (waits || (function->impure && context->scope->pure))
		result = value_unknown(function->result_type
					       ? function->result_type(all, arguments->len)
					       : type_any());
	else
		result = run_function(expr, context, function, all, arguments->len);
	if (!sensitive || function->keeps_marks)
		return result;
	return value_mark_sensitive_take(result);
}

/* try(a, b, …): the first without an error; can(a): whether there is none. */
static Value eval_try(const LangExpr *expr, const Context *context) {
	g_autoptr(Diags) all = diags_new();
	for (guint i = 0; i < expr->n_items; i++) {
		g_autoptr(Diags) diags = diags_new();
		Context inner = *context;
		inner.diags = diags;
		inner.quiet = TRUE;
		g_auto(Value) value = eval_expr(expr->items[i], &inner);
		if (!diags_has_errors(diags))
			return value_steal(&value);
		diags_move(all, diags);
	}
	GString *detail = g_string_new(NULL);
	for (guint i = 0; i < diags_count(all); i++) {
		const Diag *diag = diags_at(all, i);
		g_string_append_printf(detail, "\n- %s (at %s:%u,%u-%u)\n  %s", diag->summary,
			diag->subject.filename, diag->subject.start_line,
			diag->subject.start_column, diag->subject.end_column, diag->detail);
	}
	Value result = eval_fail(context, expr->range, "Error in function call",
		"Call to function \"try\" failed: no expression succeeded:%s\n\nAt least one "
		"expression must "
		"produce a successful result.",
		detail->str);
	g_string_free(detail, TRUE);
	return result;
}

static Value eval_can(const LangExpr *expr, const Context *context) {
	if (expr->n_items != 1)
		return eval_fail(context, expr->range, "Not enough function arguments",
			"Function \"can\" expects 1 argument(s). Missing value for "
			"\"expression\".");
	g_autoptr(Diags) diags = diags_new();
	Context inner = *context;
	inner.diags = diags;
	inner.quiet = TRUE;
	g_auto(Value) value = eval_expr(expr->items[0], &inner);
	if (!diags_has_errors(diags) && !value_is_wholly_known(value))
		return value_unknown(type_bool());
	return value_bool(!diags_has_errors(diags));
}

char *eval_signature(const LangExpr *expr, const Context *context) {
	if (g_str_equal(expr->name, "try"))
		return g_strdup("try(expressions...)");
	if (g_str_equal(expr->name, "can"))
		return g_strdup("can(expression)");
	const LangFunction *function = find_function(context, expr->name);
	if (!function)
		return NULL;
	GString *text = g_string_new(expr->name);
	const char *before = "(";
	for (guint i = 0; i < count_parameters(function); i++, before = ", ")
		g_string_append_printf(text, "%s%s", before, function->parameters[i].name);
	if (function->variadic)
		g_string_append_printf(text, "%s%s...", before, function->variadic->name);
	else if (count_parameters(function) == 0)
		g_string_append_c(text, '(');
	g_string_append_c(text, ')');
	return g_string_free(text, FALSE);
}

Value eval_call(const LangExpr *expr, const Context *context) {
	if (context->scope->constant)
		return eval_fail(context, expr->range, "Function calls not allowed",
			"Functions may not be called here.");
	if (g_str_equal(expr->name, "try"))
		return eval_try(expr, context);
	if (g_str_equal(expr->name, "can"))
		return eval_can(expr, context);
	const LangFunction *function = find_function(context, expr->name);
	if (!function)
		return unknown_function(expr, context);
	g_autoptr(GArray) arguments = g_array_new(FALSE, FALSE, sizeof(Value));
	g_array_set_clear_func(arguments, (GDestroyNotify)value_clear);
	if (!eval_arguments(expr, context, arguments))
		return eval_anything();
	if (!check_count(expr, context, function, arguments->len))
		return eval_anything();
	return call_with(expr, context, function, arguments);
}
