/*
 * What the blocks of a configuration have in common: names and labels that may stand there, literal
 * arguments, conditions. Says what is wrong in Terraform's words; keeps nothing.
 */
#include <string.h>

#include "base/text.h"
#include "engine/config_read.h"
#include "value/convert.h"

/* ---- literals ---- */

static Value literal(const LangAttribute *attribute, const Type *type, Diags *diags) {
	if (!attribute)
		return VALUE_NOTHING;
	guint errors = diags_error_count(diags);
	g_auto(Value) value =
		lang_eval(attribute->expr, &(const LangScope){.constant = TRUE}, diags);
	gboolean evaluated = diags_error_count(diags) == errors;
	g_autofree char *problem = NULL;
	Value converted = value_convert(value, type, &problem);
	if (evaluated && !problem)
		return converted;
	diags_error(diags, lang_expr_range(attribute->expr), "Unsuitable value type",
		"Unsuitable value: %s", problem ? problem : "value must be known");
	value_unref(converted);
	return VALUE_NOTHING;
}

gboolean config_literal_bool(
	const LangBody *body, const char *name, gboolean otherwise, Diags *diags) {
	g_auto(Value) value = literal(lang_body_attribute(body, name), type_bool(), diags);
	return value_is_null(value) ? otherwise : value_to_bool(value);
}

const char *config_literal_text(const LangBody *body, const char *name, Diags *diags) {
	g_auto(Value) value = literal(lang_body_attribute(body, name), type_string(), diags);
	return g_intern_string(value_text(value));
}

LangExpr *config_expression(const LangBody *body, const char *name) {
	LangAttribute *attribute = lang_body_attribute(body, name);
	return attribute ? attribute->expr : NULL;
}

gboolean config_require(const LangBody *body, const char *name, Diags *diags) {
	if (config_expression(body, name))
		return TRUE;
	diags_error(diags, lang_body_start(body), "Missing required argument",
		"The argument \"%s\" is required, but no definition was found.", name);
	return FALSE;
}

GPtrArray *config_blocks_of(const LangBody *body, const char *type) {
	GPtrArray *found = g_ptr_array_new();
	for (guint i = 0; i < body->blocks->len; i++) {
		LangBlock *block = body->blocks->pdata[i];
		if (g_str_equal(block->type, type))
			g_ptr_array_add(found, block->body);
	}
	return found;
}

/* ---- references ---- */

static const char no_reference[] =
	"A single static variable reference is required: only attribute access and indexing with "
	"constant keys. No calculations, function calls, template expressions, etc are allowed "
	"here.";

void config_refuse_reference(const LangExpr *expr, Diags *diags) {
	diags_error(diags, lang_expr_range(expr), "Invalid expression", no_reference);
}

const LangTraversal *config_reference(const Module *module, const LangExpr *expr, Diags *diags) {
	const LangTraversal *traversal = lang_expr_traversal(expr);
	const char *quoted = traversal ? NULL : lang_expr_keyword(expr);
	if (quoted) {
		SourceRange range = lang_expr_range(expr);
		g_autoptr(Diags) own = diags_new();
		LangFile *file = lang_parse_expression(range.filename, quoted, strlen(quoted), own);
		g_ptr_array_add(module->config->files, file);
		traversal = lang_file_expr(file) ? lang_expr_traversal(lang_file_expr(file)) : NULL;
		if (traversal)
			diags_warning(diags, range, "Quoted references are deprecated",
				"In this context, references are expected literally rather than in "
				"quotes. Terraform 0.11 and earlier required quotes, but quoted "
				"references are now deprecated and will be removed in a future "
				"version of Terraform. Remove the quotes surrounding this "
				"reference to silence this warning.");
	}
	if (!traversal)
		config_refuse_reference(expr, diags);
	return traversal;
}

GPtrArray *config_references(
	const Module *module, const LangBody *body, const char *name, Diags *diags) {
	LangExpr *expr = config_expression(body, name);
	LangExpr **items;
	guint n;
	if (!expr)
		return NULL;
	if (!lang_expr_tuple(expr, &items, &n)) {
		diags_error(diags, lang_expr_range(expr), "Invalid expression",
			"A static list expression is required.");
		return NULL;
	}
	GPtrArray *references = g_ptr_array_new();
	for (guint i = 0; i < n; i++) {
		const LangTraversal *reference = config_reference(module, items[i], diags);
		if (reference)
			g_ptr_array_add(references, (gpointer)reference);
	}
	return references;
}

/* ---- the shape of blocks ---- */

static char *suggestion(const char *name, const char *const *names) {
	return text_suggestion(name, names, g_strv_length((char **)names));
}

void config_refuse_type(const LangBlock *block, const char *const *types, Diags *diags) {
	g_autofree char *hint = suggestion(block->type, types);
	diags_error(diags, block->type_range, "Unsupported block type",
		"Blocks of type \"%s\" are not expected here.%s", block->type, hint);
}

void config_refuse_argument(
	const LangBody *body, const LangAttribute *attribute, const char *hint, Diags *diags) {
	if (body->json)
		diags_error(diags, attribute->name_range, "Extraneous JSON object property",
			"No argument or block type is named \"%s\".%s", attribute->name, hint);
	else
		diags_error(diags, attribute->name_range, "Unsupported argument",
			"An argument named \"%s\" is not expected here.%s", attribute->name, hint);
}

void config_check_names(const LangBody *body, const char *const *attributes,
	const char *const *blocks, Diags *diags) {
	for (guint i = 0; i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		if (g_strv_contains(attributes, attribute->name))
			continue;
		g_autofree char *hint = suggestion(attribute->name, attributes);
		config_refuse_argument(body, attribute, hint, diags);
	}
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (!g_strv_contains(blocks, block->type))
			config_refuse_type(block, blocks, diags);
	}
}

gboolean config_check_label_count(const LangBlock *block, guint n, const char *what, Diags *diags) {
	if (block->n_labels == n)
		return TRUE;
	const SourceRange place =
		block->n_labels < n ? lang_body_start(block->body) : block->label_ranges[n];
	if (block->n_labels < n) {
		g_auto(GStrv) names = g_strsplit(what, ", ", -1);
		g_autofree char *summary =
			g_strdup_printf("Missing %s for %s", names[block->n_labels], block->type);
		diags_error(diags, place, summary, "All %s blocks must have %u labels (%s).",
			block->type, n, what);
		return FALSE;
	}
	g_autofree char *summary = g_strdup_printf("Extraneous label for %s", block->type);
	if (n == 0)
		diags_error(diags, place, summary, "No labels are expected for %s blocks.",
			block->type);
	else
		diags_error(diags, place, summary,
			"Only %u labels (%s) are expected for %s blocks.", n, what, block->type);
	return FALSE;
}

gboolean config_check_identifier(
	const LangBlock *block, guint label, const char *what, Diags *diags) {
	if (lang_is_identifier(block->labels[label]))
		return TRUE;
	g_autofree char *summary = g_strdup_printf("Invalid %s name", what);
	diags_error(diags, block->label_ranges[label], summary,
		"A name must start with a letter or underscore and may contain only letters, "
		"digits, underscores, "
		"and dashes.");
	return FALSE;
}

void config_refuse_duplicate(const LangBlock *block, const char *what, const char *name,
	SourceRange other, Diags *diags) {
	g_autofree char *summary = g_strdup_printf("Duplicate %s", what);
	g_autofree char *kind = g_strndup(what, strcspn(what, " "));
	if (g_str_equal(what, "module call")) {
		diags_error(diags, block->header, summary,
			"A module call named \"%s\" was already defined at %s:%u,%u-%u. Module "
			"calls "
			"must have unique names within a module.",
			name, other.filename, other.start_line, other.start_column,
			other.end_column);
		return;
	}
	diags_error(diags, block->header, summary,
		"%s %s named \"%s\" was already %s at %s:%u,%u-%u. %c%s names must be unique "
		"within a module.",
		*kind == 'o' ? "An" : "A", kind, name, *kind == 'o' ? "defined" : "declared",
		other.filename, other.start_line, other.start_column, other.end_column,
		g_ascii_toupper(*kind), kind + 1);
}

void config_refuse_count_and_each(const LangBody *body, Diags *diags) {
	LangAttribute *for_each = lang_body_attribute(body, "for_each");
	if (for_each && lang_body_attribute(body, "count"))
		diags_error(diags, for_each->name_range,
			"Invalid combination of \"count\" and \"for_each\"",
			"The \"count\" and \"for_each\" meta-arguments are mutually-exclusive, "
			"only "
			"one should be used to be explicit about the number of resources to be "
			"created.");
}

static void note_reference(const LangTraversal *traversal, gpointer data) {
	(*(guint *)data)++;
}

guint config_check_conditions(const GPtrArray *rules, const char *kind, Diags *diags) {
	guint fine = 0;
	static const char *const attributes[] = {"condition", "error_message", NULL};
	static const char *const none[] = {NULL};
	for (guint i = 0; i < rules->len; i++) {
		LangExpr *condition = config_expression(rules->pdata[i], "condition");
		guint references = 0, errors = diags_error_count(diags);
		config_check_names(rules->pdata[i], attributes, none, diags);
		config_require(rules->pdata[i], "condition", diags);
		config_require(rules->pdata[i], "error_message", diags);
		if (condition)
			lang_expr_references(condition, note_reference, &references);
		g_autofree char *summary = g_strdup_printf("Invalid %s expression", kind);
		if (condition && references == 0)
			diags_error(diags, lang_expr_range(condition), summary,
				"The condition expression must refer to at least one object from "
				"elsewhere in the configuration, or else its result would not be "
				"checking anything.");
		fine += diags_error_count(diags) == errors;
	}
	return fine;
}
