/*
 * What stands below the quoted line of an error about an expression, as in Terraform: the function
 * that was being called, and the values of what the expression refers to. Says nothing of sensitive
 * values. Must never add an error of its own.
 */
#include <string.h>

#include "lang/eval.h"

/* ---- values in a few words ---- */

static void append_quoted(GString *out, const char *text, gsize length) {
	static const char named[] = "\a\b\t\n\v\f\r", letters[] = "abtnvfr";
	g_string_append_c(out, '"');
	for (gsize i = 0; i < length; i++) {
		guchar c = (guchar)text[i];
		const char *name = c ? strchr(named, c) : NULL;
		if (c == '"' || c == '\\')
			g_string_append_printf(out, "\\%c", c);
		else if (name)
			g_string_append_printf(out, "\\%c", letters[name - named]);
		else if (c < 0x20 || c == 0x7f)
			g_string_append_printf(out, "\\x%02x", c);
		else
			g_string_append_c(out, (char)c);
	}
	g_string_append_c(out, '"');
}

static void append_object(GString *out, Value object) {
	gsize n = value_length(object);
	if (n == 0) {
		g_string_append(out, "object with no attributes");
	} else if (n == 1) {
		const char *name = value_key_at(object, 0);
		g_string_append(out, "object with 1 attribute ");
		append_quoted(out, name, strlen(name));
	} else {
		g_string_append_printf(out, "object with %" G_GSIZE_FORMAT " attributes", n);
	}
}

static void append_collection(GString *out, Value collection) {
	gsize n = value_length(collection);
	g_autofree char *name = type_friendly_name(value_type(collection));
	if (n == 0)
		g_string_append_printf(out, "empty %s", name);
	else
		g_string_append_printf(
			out, "%s with %" G_GSIZE_FORMAT " element%s", name, n, n == 1 ? "" : "s");
}

/* The value as a whole: its text if it is short, else what it is. Must be known and not null. */
static void append_value(GString *out, Value value) {
	switch (value_kind(value)) {
	case VALUE_BOOL:
		g_string_append(out, value_to_bool(value) ? "true" : "false");
		break;
	case VALUE_NUMBER:
		g_string_append_printf(out, "%.10g", value_to_double(value, 0));
		break;
	case VALUE_STRING:
		append_quoted(out, value_text(value), value_text_length(value));
		break;
	case VALUE_OBJECT:
		append_object(out, value);
		break;
	default:
		append_collection(out, value);
	}
}

/* "is 3"; NULL: there is nothing to say. Caller frees. */
static char *predicate(Value value, LangAbout about) {
	gboolean about_unknown = about & LANG_ABOUT_UNKNOWN;
	if (value_is_sensitive(value))
		return about & LANG_ABOUT_SENSITIVE ? g_strdup("has a sensitive value") : NULL;
	if (value_is_known(value)) {
		g_autoptr(GString) text = g_string_new("is ");
		if (value_is_null(value))
			g_string_append(text, "null");
		else
			append_value(text, value);
		return g_string_free(g_steal_pointer(&text), FALSE);
	}
	const Type *type = value_type(value);
	if (type_kind(type) == TYPE_KIND_OBJECT)
		return NULL;
	if (type == type_any())
		return about_unknown ? g_strdup("will be known only after apply") : NULL;
	g_autofree char *name = type_friendly_name(type);
	return g_strdup_printf("is a %s%s", name, about_unknown ? ", known only after apply" : "");
}

/* ---- references ---- */

static char *traversal_text(const LangTraversal *traversal, guint n_steps) {
	GString *text = g_string_new(traversal->root);
	for (guint i = 0; i < n_steps; i++) {
		const LangStep *step = &traversal->steps[i];
		if (step->kind == LANG_STEP_NAME) {
			g_string_append_printf(text, ".%s", step->name);
		} else if (step->kind == LANG_STEP_SPLAT) {
			g_string_append(text, "[*]");
		} else {
			g_string_append_c(text, '[');
			append_value(text, step->index);
			g_string_append_c(text, ']');
		}
	}
	return g_string_free(text, FALSE);
}

typedef struct {
	const Context *context;
	GPtrArray *lines;
	LangAbout about;
} Explaining;

/* The longest beginning of a reference that has a value; a root alone says nothing. */
static void explain_reference(const LangTraversal *traversal, gpointer data) {
	Explaining *explaining = data;
	for (guint n = traversal->n_steps; n > 0; n--) {
		g_autoptr(Diags) ignored = diags_new();
		Context context = *explaining->context;
		context.diags = ignored;
		LangTraversal beginning = *traversal;
		beginning.n_steps = n;
		g_auto(Value) value = eval_traversal(&beginning, &context);
		if (diags_has_errors(ignored))
			continue;
		g_autofree char *name = traversal_text(traversal, n);
		g_autofree char *said = predicate(value, explaining->about);
		if (said)
			g_ptr_array_add(explaining->lines, g_strdup_printf("%s %s", name, said));
		return;
	}
}

static int compare_lines(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void explain(Diag *diag, const LangExpr *expr, const Context *context, LangAbout about) {
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	Explaining explaining = {context, lines, about};
	lang_expr_references(expr, explain_reference, &explaining);
	g_ptr_array_sort(lines, compare_lines);
	if (!diag->values)
		diag->values = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < lines->len; i++)
		if (i == 0 || !g_str_equal(lines->pdata[i], lines->pdata[i - 1]))
			g_ptr_array_add(diag->values, g_strdup(lines->pdata[i]));
}

void lang_explain(Diag *diag, const LangExpr *expr, const LangScope *scope, LangAbout about) {
	g_autoptr(Diags) ignored = diags_new();
	const Context context = {.scope = scope, .locals = scope->locals, .diags = ignored};
	g_clear_pointer(&diag->values, g_ptr_array_unref);
	explain(diag, expr, &context, about);
}

/* ---- errors of evaluation ---- */

static gboolean is_at(const LangExpr *expr, SourceRange range) {
	return expr && expr->range.filename == range.filename &&
	       expr->range.start_byte == range.start_byte && expr->range.end_byte == range.end_byte;
}

static const LangExpr *item_at(const LangExpr *expr, SourceRange range) {
	for (guint i = 0; i < expr->n_items; i++)
		if (is_at(expr->items[i], range))
			return expr->items[i];
		else if (expr->kind == EXPR_OBJECT && is_at(expr->values[i], range))
			return expr->values[i];
	return expr;
}

/* The operand, argument or part of an expression that an error is at; else the whole. */
static const LangExpr *part_at(const LangExpr *expr, SourceRange range) {
	switch (expr->kind) {
	case EXPR_TEMPLATE:
	case EXPR_TUPLE:
	case EXPR_CALL:
	case EXPR_OBJECT:
		return item_at(expr, range);
	case EXPR_CONDITIONAL:
	case EXPR_IF_DIRECTIVE:
		return is_at(expr->condition, range) ? expr->condition : expr;
	case EXPR_BINARY:
	case EXPR_UNARY:
		return is_at(expr->right, range)			       ? expr->right
		       : expr->kind == EXPR_BINARY && is_at(expr->left, range) ? expr->left
									       : expr;
	case EXPR_FOR:
	case EXPR_FOR_DIRECTIVE:
		return is_at(expr->collection, range)	? expr->collection
		       : is_at(expr->result_key, range) ? expr->result_key
		       : is_at(expr->filter, range)	? expr->filter
							: expr;
	default:
		return expr;
	}
}

static void explain_call(Diag *diag, const LangExpr *expr, const Context *context) {
	g_autofree char *signature = eval_signature(expr, context);
	if (signature)
		g_ptr_array_add(diag->values, g_strdup_printf("while calling %s", signature));
}

/* What an error of a part is quoted with, if it takes several lines. */
static gboolean is_quoted_whole(const LangExpr *expr) {
	switch (expr->kind) {
	case EXPR_TEMPLATE:
	case EXPR_CALL:
	case EXPR_CONDITIONAL:
	case EXPR_BINARY:
	case EXPR_UNARY:
	case EXPR_FOR:
		return TRUE;
	default:
		return FALSE;
	}
}

static gboolean is_inside(SourceRange inner, SourceRange outer) {
	return inner.filename == outer.filename && inner.start_byte >= outer.start_byte &&
	       inner.end_byte <= outer.end_byte;
}

void eval_explain(const LangExpr *expr, const Context *context, guint first) {
	for (guint i = first; i < diags_count(context->diags); i++) {
		Diag *diag = diags_change(context->diags, i);
		if (diag->values || !is_inside(diag->subject, expr->range))
			continue; /* an inner expression's; of what a name stands for */
		diag->values = g_ptr_array_new_with_free_func(g_free);
		if (expr->kind == EXPR_CALL && !context->scope->constant)
			explain_call(diag, expr, context);
		if (is_quoted_whole(expr))
			diag->quoted = expr->range;
		explain(diag, part_at(expr, diag->subject), context, LANG_ABOUT_VALUES);
	}
}
