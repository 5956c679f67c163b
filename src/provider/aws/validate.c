/*
 * Checks a configuration against what schema lines say beyond types: enums, ranges, patterns,
 * conflicts, and what is refused by name. Unknown values pass. Pure.
 */
#include <string.h>

#include "provider/aws/aws.h"

typedef struct {
	Diags *diags;
	const char *type;
} Validation;

static void validate_block(Validation *validation, const AwsBlock *block, Value config, Value path);

static void G_GNUC_PRINTF(4, 5)
	refuse(Validation *validation, Value path, const char *summary, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *detail = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	provider_error(validation->diags, path, summary, "%s", detail);
}

static Value check_argument(Validation *validation, LangExpr *expr) {
	return lang_eval(expr, &(LangScope){0}, validation->diags);
}

/* ---- the checks ---- */

static char *quoted_list(Validation *validation, LangExpr **arguments, guint n) {
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < n; i++) {
		g_auto(Value) argument = check_argument(validation, arguments[i]);
		g_string_append_printf(
			text, "%s\"%s\"", i > 0 ? ", " : "", value_text_or(argument, ""));
	}
	return g_string_free(text, FALSE);
}

static char *check_one_of(Validation *validation, Value value, LangExpr **arguments, guint n) {
	const char *text = value_text(value);
	for (guint i = 0; i < n; i++) {
		g_auto(Value) argument = check_argument(validation, arguments[i]);
		if (g_strcmp0(text, value_text(argument)) == 0)
			return NULL;
	}
	g_autofree char *all = quoted_list(validation, arguments, n);
	return g_strdup_printf("expected one of [%s], got \"%s\"", all, text ? text : "");
}

static char *check_bounds(
	Validation *validation, double actual, const char *what, LangExpr **arguments, guint n) {
	g_auto(Value) low = n > 0 ? check_argument(validation, arguments[0]) : VALUE_NOTHING;
	g_auto(Value) high = n > 1 ? check_argument(validation, arguments[1]) : VALUE_NOTHING;
	double from = value_to_double(low, -G_MAXDOUBLE), to = value_to_double(high, G_MAXDOUBLE);
	if (actual >= from && actual <= to)
		return NULL;
	return g_strdup_printf(
		"expected %s in the range (%g - %g), got %g", what, from, to, actual);
}

static char *check_range(Validation *validation, Value value, LangExpr **arguments, guint n) {
	return check_bounds(validation, value_to_double(value, 0), "it to be", arguments, n);
}

static char *check_length(Validation *validation, Value value, LangExpr **arguments, guint n) {
	const char *text = value_text(value);
	double length = text ? (double)g_utf8_strlen(text, -1) : (double)value_length(value);
	return check_bounds(validation, length, "its length to be", arguments, n);
}

static char *check_pattern(Validation *validation, Value value, LangExpr **arguments, guint n) {
	g_auto(Value) pattern = n > 0 ? check_argument(validation, arguments[0]) : VALUE_NOTHING;
	const char *text = value_text(value);
	if (!text || g_regex_match_simple(value_text_or(pattern, ""), text, 0, 0))
		return NULL;
	return g_strdup_printf("\"%s\" does not match %s", text, value_text_or(pattern, ""));
}

static char *check_json(Validation *validation, Value value, LangExpr **arguments, guint n) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) parsed =
		value_from_json(value_text_or(value, ""), (gssize)value_text_length(value), &error);
	return error ? g_strdup_printf("it contains an invalid JSON: %s", error->message) : NULL;
}

/* An IPv4 or IPv6 block without bits set behind its prefix. */
static char *check_cidr(Validation *validation, Value value, LangExpr **arguments, guint n) {
	const char *text = value_text_or(value, "");
	g_autoptr(GError) error = NULL;
	g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new_from_string(text, &error);
	if (mask && strchr(text, '/'))
		return NULL;
	return g_strdup_printf("\"%s\" is not a valid CIDR block", text);
}

static char *check_arn(Validation *validation, Value value, LangExpr **arguments, guint n) {
	const char *text = value_text_or(value, "");
	g_auto(GStrv) parts = g_strsplit(text, ":", 6);
	if (g_strv_length(parts) == 6 && g_str_equal(parts[0], "arn"))
		return NULL;
	return g_strdup_printf("\"%s\" is an invalid ARN: it needs six parts between colons", text);
}

static const struct {
	const char *name;
	char *(*check)(Validation *validation, Value value, LangExpr **arguments, guint n);
} checks[] = {
	{"one_of", check_one_of},
	{"range", check_range},
	{"length", check_length},
	{"pattern", check_pattern},
	{"json", check_json},
	{"cidr", check_cidr},
	{"arn", check_arn},
};

static void run_check(
	Validation *validation, LangExpr *expr, const char *attribute, Value value, Value path) {
	const char *name;
	LangExpr **arguments;
	guint n;
	lang_expr_call(expr, &name, &arguments, &n);
	for (guint i = 0; i < G_N_ELEMENTS(checks); i++) {
		if (!g_str_equal(checks[i].name, name))
			continue;
		g_autofree char *problem = checks[i].check(validation, value, arguments, n);
		if (problem)
			refuse(validation, path, "Invalid argument value", "%s: %s.", attribute,
				problem);
	}
}

/* A check of a list's or set's attribute is one of its elements, except for its length. */
static void check_value(
	Validation *validation, LangExpr *expr, const char *attribute, Value value, Value path) {
	const char *name;
	LangExpr **arguments;
	guint n;
	gboolean whole = lang_expr_call(expr, &name, &arguments, &n) && g_str_equal(name, "length");
	if (whole || !value_is_sequence(value)) {
		run_check(validation, expr, attribute, value, path);
		return;
	}
	for (gsize i = 0; i < value_length(value); i++)
		if (value_is_known(value_at(value, i)) && !value_is_null(value_at(value, i)))
			run_check(validation, expr, attribute, value_at(value, i), path);
}

/* ---- attributes and blocks ---- */

static void validate_attribute(Validation *validation, const SchemaAttribute *schema,
	const AwsAttribute *own, Value config, Value path) {
	Value value = value_get(config, schema->name);
	if (value_is_null(value))
		return;
	if (own->unsupported)
		refuse(validation, path, "Unsupported argument",
			"%s: the argument %s is not implemented by Terrarium: %s", validation->type,
			schema->name, own->unsupported);
	for (const char **other = own->conflicts; other && *other; other++)
		if (!value_is_null(value_get(config, *other)) &&
			!(value_is_sequence(value_get(config, *other)) &&
				value_length(value_get(config, *other)) == 0))
			refuse(validation, path, "Conflicting configuration arguments",
				"\"%s\": conflicts with %s", schema->name, *other);
	if (!value_is_known(value))
		return;
	for (guint i = 0; i < own->checks->len; i++)
		check_value(validation, own->checks->pdata[i], schema->name, value, path);
}

static void validate_nested(Validation *validation, const SchemaNestedBlock *nested,
	const AwsNestedBlock *own, Value value, Value path) {
	gboolean single = nested->nesting == SCHEMA_NESTING_SINGLE;
	if (value_is_null(value) || !value_is_known(value) || (!single && value_length(value) == 0))
		return;
	if (own->unsupported)
		refuse(validation, path, "Unsupported block",
			"%s: the block %s is not implemented by Terrarium: %s", validation->type,
			nested->type, own->unsupported);
	if (single) {
		validate_block(validation, own->block, value, path);
		return;
	}
	ValueIter iter;
	const char *key;
	Value element;
	gint64 index = 0;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element); index++) {
		Value step = nested->nesting == SCHEMA_NESTING_SET ? value_ref(element)
			     : key				   ? value_string(key)
								   : value_int(index);
		g_auto(Value) inner = value_append_take(value_ref(path), step);
		if (value_is_known(element))
			validate_block(validation, own->block, element, inner);
	}
}

static void validate_block(
	Validation *validation, const AwsBlock *block, Value config, Value path) {
	const SchemaBlock *shape = block->schema;
	for (guint i = 0; i < shape->attributes->len; i++) {
		const SchemaAttribute *schema = shape->attributes->pdata[i];
		g_auto(Value) here = value_append_take(value_ref(path), value_string(schema->name));
		validate_attribute(validation, schema, block->attributes->pdata[i], config, here);
	}
	for (guint i = 0; i < shape->blocks->len; i++) {
		const SchemaNestedBlock *nested = shape->blocks->pdata[i];
		g_auto(Value) here = value_append_take(value_ref(path), value_string(nested->type));
		validate_nested(validation, nested, block->blocks->pdata[i],
			value_get(config, nested->type), here);
	}
}

void aws_validate(AwsProvider *provider, const AwsType *type, Value config, Diags *diags) {
	Validation validation = {.diags = diags, .type = type->name};
	g_auto(Value) root = value_empty_tuple();
	validate_block(&validation, type->block, config, root);
	if (!type->validate)
		return;
	g_auto(AwsRun) run = {
		.provider = provider,
		.type = type,
		.verb = "validating",
		.diags = diags,
		.self = value_ref(config),
		.config = value_ref(config),
		.pure = TRUE,
	};
	aws_run_body(&run, type->validate);
}
