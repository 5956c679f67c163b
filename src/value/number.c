/*
 * Numbers: decimal text both ways, order and arithmetic at Terraform's precision. Those that are
 * integers of 64 bits allocate nothing; a result that has become one is small again.
 */
#include <string.h>

#include "value/node.h"

#define PRECISION 512 /* bits, as Terraform's numbers */

/* A number node that is being computed; give it to number_end. */
static ValueNode *number_begin(void) {
	ValueNode *node = node_new();
	mpfr_init2(node->number, PRECISION);
	return node;
}

/* Integers that fit become small. */
static Value number_end(ValueNode *node) {
	if (mpfr_integer_p(node->number) && mpfr_fits_slong_p(node->number, MPFR_RNDN)) {
		gint64 integer = mpfr_get_si(node->number, MPFR_RNDN);
		value_node_free(node, VALUE_NUMBER);
		return value_int(integer);
	}
	return value_of_node(VALUE_NUMBER, node);
}

Value value_double(double number) {
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	for (int digits = 1; digits <= 17; digits++) {
		char format[8];
		g_snprintf(format, sizeof format, "%%.%dg", digits);
		g_ascii_formatd(text, sizeof text, format, number);
		if (g_ascii_strtod(text, NULL) == number)
			break;
	}
	return value_number_parse(text);
}

static gboolean is_decimal(const char *text) {
	const char *at = text + (*text == '-');
	gsize digits = strspn(at, "0123456789");
	if (digits == 0)
		return FALSE;
	at += digits;
	if (*at == '.') {
		gsize fraction = strspn(at + 1, "0123456789");
		if (fraction == 0)
			return FALSE;
		at += 1 + fraction;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '+' || *at == '-';
		gsize exponent = strspn(at, "0123456789");
		if (exponent == 0 || exponent > 6)
			return FALSE;
		at += exponent;
	}
	return *at == '\0';
}

/* Of two. A few digits of input could else ask for gigabytes when they are written out. */
#define LARGEST_EXPONENT 16384

Value value_number_parse(const char *text) {
	if (!is_decimal(text))
		return value_null(type_number());
	char *end;
	if (strlen(text) < 18 && !strpbrk(text, ".eE"))
		return value_int(g_ascii_strtoll(text, &end, 10));
	ValueNode *node = number_begin();
	mpfr_set_str(node->number, text, 10, MPFR_RNDN);
	if (!mpfr_number_p(node->number) ||
		(mpfr_regular_p(node->number) &&
			ABS(mpfr_get_exp(node->number)) > LARGEST_EXPONENT)) {
		value_node_free(node, VALUE_NUMBER);
		return value_null(type_number());
	}
	return number_end(node);
}

/* The digits of a number, as few as give it back at full precision; exponent as mpfr_get_str has
 * it. */
static char *shortest_digits(const mpfr_t number, mpfr_exp_t *exponent) {
	mpfr_t again;
	mpfr_init2(again, PRECISION);
	gsize low = 1, high = 160;
	while (low < high) {
		gsize middle = (low + high) / 2;
		char *digits = mpfr_get_str(NULL, exponent, 10, middle, number, MPFR_RNDN);
		gboolean negative = *digits == '-';
		g_autofree char *text = g_strdup_printf(
			"%s0.%se%ld", negative ? "-" : "", digits + negative, (long)*exponent);
		mpfr_free_str(digits);
		mpfr_set_str(again, text, 10, MPFR_RNDN);
		if (mpfr_equal_p(again, number))
			high = middle;
		else
			low = middle + 1;
	}
	mpfr_clear(again);
	char *digits = mpfr_get_str(NULL, exponent, 10, low, number, MPFR_RNDN);
	char *copy = g_strdup(digits);
	mpfr_free_str(digits);
	return copy;
}

char *value_number_to_string(Value number) {
	if (number.representation == INLINE)
		return g_strdup_printf("%" G_GINT64_FORMAT, number.integer);
	mpfr_exp_t exponent;
	g_autofree char *digits = shortest_digits(number.node->number, &exponent);
	GString *out = g_string_new(NULL);
	const char *at = digits;
	if (*at == '-')
		g_string_append_c(out, *at++);
	gsize length = strlen(at);
	while (length > 1 && at[length - 1] == '0')
		length--;
	if (exponent <= 0) {
		g_string_append(out, "0.");
		for (mpfr_exp_t i = exponent; i < 0; i++)
			g_string_append_c(out, '0');
		g_string_append_len(out, at, (gssize)length);
	} else {
		for (mpfr_exp_t i = 0; i < exponent; i++)
			g_string_append_c(out, (gsize)i < length ? at[i] : '0');
		if (length > (gsize)exponent) {
			g_string_append_c(out, '.');
			g_string_append_len(out, at + exponent, (gssize)(length - (gsize)exponent));
		}
	}
	return g_string_free(out, FALSE);
}

/* ---- comparing ---- */

/* The number as one of MPFR; `local` holds it if it was small and is then to be cleared. */
static mpfr_srcptr number_of(Value value, mpfr_t local, gboolean *made) {
	*made = value.representation == INLINE;
	if (!*made)
		return value.node->number;
	mpfr_init2(local, PRECISION);
	mpfr_set_si(local, value.integer, MPFR_RNDN);
	return local;
}

int value_compare_numbers(Value a, Value b) {
	if (a.representation == INLINE && b.representation == INLINE)
		return (a.integer > b.integer) - (a.integer < b.integer);
	mpfr_t local_a, local_b;
	gboolean made_a, made_b;
	mpfr_srcptr first = number_of(a, local_a, &made_a);
	mpfr_srcptr second = number_of(b, local_b, &made_b);
	int order = mpfr_cmp(first, second);
	if (made_a)
		mpfr_clear(local_a);
	if (made_b)
		mpfr_clear(local_b);
	return (order > 0) - (order < 0);
}

/* ---- arithmetic ---- */

static gboolean small_result(ValueOperator op, gint64 a, gint64 b, gint64 *result) {
	switch (op) {
	case VALUE_ADD:
		return !__builtin_add_overflow(a, b, result);
	case VALUE_SUBTRACT:
		return !__builtin_sub_overflow(a, b, result);
	case VALUE_MULTIPLY:
		return !__builtin_mul_overflow(a, b, result);
	case VALUE_DIVIDE:
		if (b == -1 || a % b != 0)
			return FALSE;
		*result = a / b;
		return TRUE;
	case VALUE_MODULO:
		if (b == -1)
			return FALSE;
		*result = a % b;
		return TRUE;
	}
	return FALSE;
}

static void big_result(ValueOperator op, mpfr_t result, mpfr_srcptr a, mpfr_srcptr b) {
	switch (op) {
	case VALUE_ADD:
		mpfr_add(result, a, b, MPFR_RNDN);
		break;
	case VALUE_SUBTRACT:
		mpfr_sub(result, a, b, MPFR_RNDN);
		break;
	case VALUE_MULTIPLY:
		mpfr_mul(result, a, b, MPFR_RNDN);
		break;
	case VALUE_DIVIDE:
		mpfr_div(result, a, b, MPFR_RNDN);
		break;
	case VALUE_MODULO:
		mpfr_fmod(result, a, b, MPFR_RNDN);
		break;
	}
}

Value value_arithmetic(ValueOperator op, Value a, Value b) {
	gboolean divides = op == VALUE_DIVIDE || op == VALUE_MODULO;
	if (divides && value_compare_numbers(b, value_int(0)) == 0)
		return value_null(type_number());
	gint64 small;
	if (a.representation == INLINE && b.representation == INLINE &&
		small_result(op, a.integer, b.integer, &small))
		return value_int(small);
	mpfr_t local_a, local_b;
	gboolean made_a, made_b;
	mpfr_srcptr first = number_of(a, local_a, &made_a);
	mpfr_srcptr second = number_of(b, local_b, &made_b);
	ValueNode *node = number_begin();
	big_result(op, node->number, first, second);
	if (made_a)
		mpfr_clear(local_a);
	if (made_b)
		mpfr_clear(local_b);
	return number_end(node);
}

Value value_negate(Value number) {
	return value_arithmetic(VALUE_SUBTRACT, value_int(0), number);
}

static Value rounded(Value number, mpfr_rnd_t direction) {
	if (number.representation == INLINE)
		return number;
	ValueNode *node = number_begin();
	mpfr_rint(node->number, number.node->number, direction);
	return number_end(node);
}

Value value_floor(Value number) {
	return rounded(number, MPFR_RNDD);
}

Value value_ceil(Value number) {
	return rounded(number, MPFR_RNDU);
}
