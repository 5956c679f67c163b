/* Numeric functions. */
#include <math.h>

#include "lang/functions/functions.h"

FUNCTION(abs) {
	return value_compare_numbers(arguments[0], value_int(0)) < 0 ? value_negate(arguments[0])
								     : value_ref(arguments[0]);
}

FUNCTION(ceil) {
	return value_ceil(arguments[0]);
}

FUNCTION(floor) {
	return value_floor(arguments[0]);
}

FUNCTION(log) {
	double number = value_to_double(arguments[0], 0), base = value_to_double(arguments[1], 0);
	double result = log(number) / log(base);
	if (!isfinite(result))
		return lang_function_fail(
			blame, -1, problem, "the logarithm is not a finite number");
	return value_double(result);
}

FUNCTION(pow) {
	double result = pow(value_to_double(arguments[0], 0), value_to_double(arguments[1], 0));
	if (!isfinite(result))
		return lang_function_fail(blame, -1, problem, "the power is not a finite number");
	return value_double(result);
}

FUNCTION(signum) {
	return value_int(value_compare_numbers(arguments[0], value_int(0)));
}

static Value extreme(const Value *arguments, guint n, int direction) {
	Value best = arguments[0];
	for (guint i = 1; i < n; i++)
		if (value_compare_numbers(arguments[i], best) * direction > 0)
			best = arguments[i];
	return value_ref(best);
}

FUNCTION(max) {
	if (n == 0)
		return lang_function_fail(blame, -1, problem, "must pass at least one number");
	return extreme(arguments, n, 1);
}

FUNCTION(min) {
	if (n == 0)
		return lang_function_fail(blame, -1, problem, "must pass at least one number");
	return extreme(arguments, n, -1);
}

/* The digits of a number in a base up to 62: 0-9, a-z, A-Z. */
static int digit_value(char c, gint64 base) {
	int value = -1;
	if (c >= '0' && c <= '9')
		value = c - '0';
	else if (c >= 'a' && c <= 'z')
		value = c - 'a' + 10;
	else if (c >= 'A' && c <= 'Z')
		value = base <= 36 ? c - 'A' + 10 : c - 'A' + 36;
	return value < base ? value : -1;
}

FUNCTION(parseint) {
	gint64 base = value_to_int(arguments[1], 0);
	if (value_kind(arguments[0]) != VALUE_STRING)
		return lang_function_fail(
			blame, 0, problem, "first argument must be a string, not a number");
	if (base < 2 || base > 62)
		return lang_function_fail(blame, 1, problem,
			"base must be a whole number between 2 and 62 inclusive");
	const char *text = value_text(arguments[0]);
	const char *at = text + (*text == '-' || *text == '+');
	g_auto(Value) result = value_int(0);
	if (!*at)
		at = " ";
	for (; *at; at++) {
		int digit = digit_value(*at, base);
		if (digit < 0)
			return lang_function_fail(blame, 0, problem,
				"cannot parse \"%s\" as a base %" G_GINT64_FORMAT " integer", text,
				base);
		g_auto(Value) shifted = value_arithmetic(VALUE_MULTIPLY, result, arguments[1]);
		value_clear(&result);
		result = value_arithmetic(VALUE_ADD, shifted, value_int(digit));
	}
	return *text == '-' ? value_negate(result) : value_steal(&result);
}

FUNCTION(sum) {
	if (!value_is_sequence(arguments[0]))
		return lang_function_fail(blame, 0, problem,
			"argument must be list, set, or tuple. Received another type");
	if (value_length(arguments[0]) == 0)
		return lang_function_fail(blame, 0, problem, "cannot sum an empty list");
	g_auto(Value) total = value_int(0);
	for (gsize i = 0; i < value_length(arguments[0]); i++) {
		g_auto(Value) number =
			value_convert(value_at(arguments[0], i), type_number(), NULL);
		if (value_is_null(number))
			return lang_function_fail(blame, 0, problem,
				"argument must be list, set, or tuple of number values");
		Value next = value_arithmetic(VALUE_ADD, total, number);
		value_clear(&total);
		total = next;
	}
	return value_steal(&total);
}

const LangFunctionSpec lang_numeric_specs[] = {
	{"abs", call_abs, "num:n", 'n'},
	{"ceil", call_ceil, "num:n", 'n'},
	{"floor", call_floor, "num:n", 'n'},
	{"log", call_log, "num:n base:n", 'n'},
	{"max", call_max, "*numbers:n", 'n'},
	{"min", call_min, "*numbers:n", 'n'},
	{"parseint", call_parseint, "number:a base:n", 'n'},
	{"pow", call_pow, "num:n power:n", 'n'},
	{"signum", call_signum, "num:n", 'n'},
	{"sum", call_sum, "list:a", 'n'},
	{NULL},
};
