/*
 * Conditions of policies: operators over the keys of a request. See policy.h; the rules are IAM's
 * user guide's ("JSON policy elements: Condition", "Condition operators").
 */
#include <gio/gio.h>
#include <string.h>

#include "base/text.h"
#include "region/services/iam/policy.h"

typedef struct {
	Value context;
	gboolean variables;
} Scene;

/* Does one value of the request match one of the policy? */
typedef gboolean (*Match)(const Scene *scene, const char *wanted, const char *actual);

/* ---- texts ---- */

/* The policy's text with its variables replaced, as literal text; NULL if one is missing. */
static char *literal(const Scene *scene, const char *wanted) {
	g_autofree char *expanded = policy_expand(wanted, scene->context, scene->variables);
	return expanded ? policy_hide_wildcards(expanded) : NULL;
}

static gboolean string_equals(const Scene *scene, const char *wanted, const char *actual) {
	g_autofree char *text = literal(scene, wanted);
	g_autofree char *hidden = policy_hide_wildcards(actual);
	return g_strcmp0(text, hidden) == 0;
}

static gboolean string_equals_any_case(const Scene *scene, const char *wanted, const char *actual) {
	g_autofree char *text = literal(scene, wanted);
	g_autofree char *hidden = policy_hide_wildcards(actual);
	g_autofree char *a = text ? g_utf8_casefold(text, -1) : NULL;
	g_autofree char *b = g_utf8_casefold(hidden, -1);
	return g_strcmp0(a, b) == 0;
}

static gboolean string_like(const Scene *scene, const char *wanted, const char *actual) {
	return policy_pattern_matches(wanted, actual, scene->context, scene->variables);
}

/* Each of an ARN's six parts matches for itself: a * does not reach over colons. */
static gboolean arn_like(const Scene *scene, const char *wanted, const char *actual) {
	g_auto(GStrv) patterns = g_strsplit(wanted, ":", 6);
	g_auto(GStrv) parts = g_strsplit(actual, ":", 6);
	if (g_strv_length(patterns) != 6 || g_strv_length(parts) != 6)
		return g_str_equal(wanted, "*");
	for (guint i = 0; i < 6; i++)
		if (!string_like(scene, patterns[i], parts[i]))
			return FALSE;
	return TRUE;
}

static gboolean bool_equals(const Scene *scene, const char *wanted, const char *actual) {
	return g_ascii_strcasecmp(wanted, actual) == 0;
}

static gboolean ip_address(const Scene *scene, const char *wanted, const char *actual) {
	g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new_from_string(wanted, NULL);
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(actual);
	return mask && address && g_inet_address_mask_matches(mask, address);
}

/* ---- numbers and dates ---- */

static gboolean read_number(const char *text, double *number) {
	char *end;
	*number = g_ascii_strtod(text, &end);
	return end != text && !*end;
}

/* ISO 8601, a date alone, or seconds since the epoch. */
static gboolean read_date(const char *text, double *number) {
	if (read_number(text, number))
		return TRUE;
	g_autofree char *midnight =
		strchr(text, 'T') ? g_strdup(text) : g_strconcat(text, "T00:00:00Z", NULL);
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(midnight, utc);
	if (time)
		*number = (double)g_date_time_to_unix(time) +
			  (double)g_date_time_get_microsecond(time) / 1e6;
	return time != NULL;
}

typedef gboolean (*Read)(const char *text, double *number);

/* -1, 0, 1 of actual against wanted; 2 if one of them cannot be read. */
static int order(const char *wanted, const char *actual, Read read) {
	double a, b;
	if (!read(wanted, &a) || !read(actual, &b))
		return 2;
	return (b > a) - (b < a);
}

#define COMPARISONS(prefix, read)                                                                  \
	static gboolean prefix##_equals(const Scene *s, const char *wanted, const char *actual) {  \
		return order(wanted, actual, read) == 0;                                           \
	}                                                                                          \
	static gboolean prefix##_less(const Scene *s, const char *wanted, const char *actual) {    \
		return order(wanted, actual, read) == -1;                                          \
	}                                                                                          \
	static gboolean prefix##_at_most(const Scene *s, const char *wanted, const char *actual) { \
		return order(wanted, actual, read) <= 0;                                           \
	}                                                                                          \
	static gboolean prefix##_greater(const Scene *s, const char *wanted, const char *actual) { \
		return order(wanted, actual, read) == 1;                                           \
	}                                                                                          \
	static gboolean prefix##_at_least(                                                         \
		const Scene *s, const char *wanted, const char *actual) {                          \
		int n = order(wanted, actual, read);                                               \
		return n == 0 || n == 1;                                                           \
	}
COMPARISONS(number, read_number)
COMPARISONS(date, read_date)

/* ---- operators ---- */

static const struct {
	const char *name;
	Match match;
	gboolean negated;
} operators[] = {
	{"StringEquals", string_equals},
	{"StringNotEquals", string_equals, TRUE},
	{"StringEqualsIgnoreCase", string_equals_any_case},
	{"StringNotEqualsIgnoreCase", string_equals_any_case, TRUE},
	{"StringLike", string_like},
	{"StringNotLike", string_like, TRUE},
	{"NumericEquals", number_equals},
	{"NumericNotEquals", number_equals, TRUE},
	{"NumericLessThan", number_less},
	{"NumericLessThanEquals", number_at_most},
	{"NumericGreaterThan", number_greater},
	{"NumericGreaterThanEquals", number_at_least},
	{"DateEquals", date_equals},
	{"DateNotEquals", date_equals, TRUE},
	{"DateLessThan", date_less},
	{"DateLessThanEquals", date_at_most},
	{"DateGreaterThan", date_greater},
	{"DateGreaterThanEquals", date_at_least},
	{"Bool", bool_equals},
	{"BinaryEquals", string_equals},
	{"IpAddress", ip_address},
	{"NotIpAddress", ip_address, TRUE},
	{"ArnEquals", arn_like},
	{"ArnLike", arn_like},
	{"ArnNotEquals", arn_like, TRUE},
	{"ArnNotLike", arn_like, TRUE},
	{"Null", NULL},
};

typedef enum { ONE_VALUE, ALL_VALUES, ANY_VALUE } Quantifier;

typedef struct {
	Match match; /* NULL: Null */
	gboolean negated, if_exists;
	Quantifier quantifier;
} Operator;

/* "ForAnyValue:StringLikeIfExists" in its parts. */
static gboolean parse_operator(const char *text, Operator *op) {
	*op = (Operator){0};
	if (g_str_has_prefix(text, "ForAllValues:"))
		op->quantifier = ALL_VALUES;
	else if (g_str_has_prefix(text, "ForAnyValue:"))
		op->quantifier = ANY_VALUE;
	const char *rest = op->quantifier ? strchr(text, ':') + 1 : text;
	op->if_exists = g_str_has_suffix(rest, "IfExists");
	g_autofree char *name =
		g_strndup(rest, strlen(rest) - (op->if_exists ? strlen("IfExists") : 0));
	for (guint i = 0; i < G_N_ELEMENTS(operators); i++)
		if (g_str_equal(operators[i].name, name)) {
			op->match = operators[i].match;
			op->negated = operators[i].negated;
			return TRUE;
		}
	return FALSE;
}

gboolean policy_is_operator(const char *name) {
	Operator op;
	return parse_operator(name, &op);
}

/* ---- values ---- */

/* Bare numbers and bools stand for their texts. */
static char *text_of(Value value) {
	if (value_kind(value) == VALUE_BOOL)
		return g_strdup(value_to_bool(value) ? "true" : "false");
	if (value_kind(value) == VALUE_NUMBER)
		return value_number_to_string(value);
	return g_strdup(value_text_or(value, ""));
}

static gsize count(Value values) {
	return value_is_sequence(values) ? value_length(values) : value_is_null(values) ? 0 : 1;
}

static Value nth(Value values, gsize i) {
	return value_is_sequence(values) ? value_at(values, i) : values;
}

/* One value of the request against all of the policy's: any of them, or none if negated. */
static gboolean value_passes(const Scene *scene, const Operator *op, Value wanted, Value actual) {
	g_autofree char *text = text_of(actual);
	for (gsize i = 0; i < count(wanted); i++) {
		g_autofree char *each = text_of(nth(wanted, i));
		if (op->match(scene, each, text))
			return !op->negated;
	}
	return op->negated;
}

static gboolean is_null_as_wanted(Value wanted, gboolean missing) {
	g_autofree char *text = text_of(nth(wanted, 0));
	return (g_ascii_strcasecmp(text, "true") == 0) == missing;
}

static gboolean key_passes(const Scene *scene, const Operator *op, Value wanted, Value actual) {
	gsize n = count(actual);
	if (!op->match)
		return is_null_as_wanted(wanted, n == 0);
	if (n == 0)
		return op->if_exists || op->quantifier == ALL_VALUES ||
		       (op->negated && op->quantifier == ONE_VALUE);
	/* Without a quantifier several values are as one that may be any of them; a negated
	 * operator is its opposite. */
	gboolean all = op->quantifier == ALL_VALUES || (op->quantifier == ONE_VALUE && op->negated);
	for (gsize i = 0; i < n; i++)
		if (value_passes(scene, op, wanted, nth(actual, i)) != all)
			return !all;
	return all;
}

gboolean policy_condition_holds(Value block, Value context, gboolean variables) {
	const Scene scene = {context, variables};
	ValueIter each, key;
	const char *name, *key_name;
	Value keys, wanted;
	for (value_iter_init(&each, block); value_iter_next(&each, &name, &keys);) {
		Operator op;
		if (!parse_operator(name, &op))
			return FALSE;
		for (value_iter_init(&key, keys); value_iter_next(&key, &key_name, &wanted);) {
			g_autofree char *lower = g_ascii_strdown(key_name, -1);
			if (!key_passes(&scene, &op, wanted, value_get(context, lower)))
				return FALSE;
		}
	}
	return TRUE;
}
