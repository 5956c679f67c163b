/*
 * A function for each kind of top block but resources: reads it, and puts it into its module. Must
 * not evaluate more than literals, since no value is known yet.
 */

#include "engine/config_read.h"
#include "value/convert.h"

/* ---- blocks of a module ---- */

/* Names that module blocks use for themselves. */
static void check_reserved(const LangBlock *block, Diags *diags) {
	static const char *const reserved[] = {"source", "version", "providers", "count",
		"for_each", "lifecycle", "depends_on", "locals", NULL};
	if (g_strv_contains(reserved, block->labels[0]))
		diags_error(diags, block->label_ranges[0], "Invalid variable name",
			"The variable name \"%s\" is reserved due to its special meaning inside "
			"module blocks.",
			block->labels[0]);
}

/* A default is of the variable's type, and a literal. */
static void check_default(const Variable *variable, Diags *diags) {
	if (!variable->fallback)
		return;
	guint errors = diags_error_count(diags);
	g_auto(Value) plain =
		lang_eval(variable->fallback, &(const LangScope){.constant = TRUE}, diags);
	if (diags_error_count(diags) > errors)
		return;
	if (!variable->nullable && value_is_null(plain)) {
		diags_error(diags, lang_expr_range(variable->fallback),
			"Invalid default value for variable",
			"A null default value is not valid when nullable=false.");
		return;
	}
	g_auto(Value) value = lang_defaults_apply(variable->defaults, plain);
	g_autofree char *problem = NULL;
	g_auto(Value) fitted = value_convert(value, variable->type, &problem);
	if (problem)
		diags_error(diags, lang_expr_range(variable->fallback),
			"Invalid default value for variable",
			"This default value is not compatible with the variable's type "
			"constraint: %s.",
			problem);
}

typedef struct {
	const char *name;
	gboolean found;
} Wanted;

static void find_variable(const LangTraversal *traversal, gpointer data) {
	Wanted *wanted = data;
	if (g_str_equal(traversal->root, "var") && traversal->n_steps > 0 &&
		g_strcmp0(traversal->steps[0].name, wanted->name) == 0)
		wanted->found = TRUE;
}

/* A rule is about its variable. */
static void check_validations(const Variable *variable, Diags *diags) {
	config_check_conditions(variable->validations, "validation", diags);
	for (guint i = 0; i < variable->validations->len; i++) {
		LangExpr *condition =
			config_expression(variable->validations->pdata[i], "condition");
		Wanted wanted = {variable->name, FALSE};
		if (condition)
			lang_expr_references(condition, find_variable, &wanted);
		if (condition && !wanted.found)
			diags_error(diags, lang_expr_range(condition),
				"Invalid variable validation condition",
				"The condition for variable \"%s\" must refer to var.%s in order "
				"to test incoming values.",
				variable->name, variable->name);
	}
}

void config_read_variable(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {
		"type", "default", "description", "sensitive", "nullable", "ephemeral", NULL};
	static const char *const blocks[] = {"validation", NULL};
	if (!config_check_label_count(block, 1, "name", diags) ||
		!config_check_identifier(block, 0, "variable", diags))
		return;
	config_check_names(block->body, attributes, blocks, diags);
	Variable *other = g_hash_table_lookup(module->variables, block->labels[0]);
	if (other) {
		config_refuse_duplicate(
			block, "variable declaration", block->labels[0], other->range, diags);
		return;
	}
	Variable *variable = g_new0(Variable, 1);
	variable->name = block->labels[0];
	variable->range = block->header;
	LangExpr *type = config_expression(block->body, "type");
	const char *keyword = type ? lang_expr_keyword(type) : NULL;
	if (keyword && !lang_expr_traversal(type) && !block->body->json)
		diags_error(diags, lang_expr_range(type), "Invalid quoted type constraints",
			"Terraform 0.11 and earlier required type constraints to be given in "
			"quotes, but that form is now deprecated and will be removed in a future "
			"version of Terraform. Remove the quotes around \"%s\".",
			keyword);
	gboolean bare = g_strcmp0(keyword, "list") == 0 || g_strcmp0(keyword, "map") == 0;
	if (bare) /* of Terraform 0.11 */
		variable->type =
			g_str_equal(keyword, "list") ? type_list(type_any()) : type_map(type_any());
	else
		variable->type = type ? lang_type(type, &variable->defaults, diags) : type_any();
	if (!variable->type)
		variable->type = type_any();
	check_reserved(block, diags);
	variable->fallback = config_expression(block->body, "default");
	variable->sensitive = config_literal_bool(block->body, "sensitive", FALSE, diags);
	variable->nullable = config_literal_bool(block->body, "nullable", TRUE, diags);
	variable->ephemeral = config_literal_bool(block->body, "ephemeral", FALSE, diags);
	variable->description = config_literal_text(block->body, "description", diags);
	check_default(variable, diags);
	variable->validations = config_blocks_of(block->body, "validation");
	check_validations(variable, diags);
	g_hash_table_insert(module->variables, (char *)variable->name, variable);
}

void config_read_locals(Module *module, const LangBlock *block, Diags *diags) {
	if (!config_check_label_count(block, 0, "", diags))
		return;
	for (guint i = 0; i < block->body->blocks->len; i++) {
		const LangBlock *inner = block->body->blocks->pdata[i];
		g_autofree char *summary = g_strdup_printf("Unexpected \"%s\" block", inner->type);
		diags_error(diags, inner->header, summary, "Blocks are not allowed here.");
	}
	for (guint i = 0; i < block->body->attributes->len; i++) {
		const LangAttribute *attribute = block->body->attributes->pdata[i];
		Local *other = g_hash_table_lookup(module->locals, attribute->name);
		if (other) {
			diags_error(diags, attribute->name_range,
				"Duplicate local value definition",
				"A local value named \"%s\" was already defined at %s:%u,%u-%u. "
				"Local value names must be "
				"unique within a module.",
				attribute->name, other->range.filename, other->range.start_line,
				other->range.start_column, other->range.end_column);
			continue;
		}
		Local *local = g_new0(Local, 1);
		local->name = attribute->name;
		local->expr = attribute->expr;
		local->range = attribute->range;
		g_hash_table_insert(module->locals, (char *)local->name, local);
	}
}

void config_read_output(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {
		"value", "description", "sensitive", "depends_on", "ephemeral", NULL};
	static const char *const blocks[] = {"precondition", NULL};
	if (!config_check_label_count(block, 1, "name", diags) ||
		!config_check_identifier(block, 0, "output", diags))
		return;
	config_check_names(block->body, attributes, blocks, diags);
	Output *other = g_hash_table_lookup(module->outputs, block->labels[0]);
	if (other) {
		config_refuse_duplicate(
			block, "output definition", block->labels[0], other->range, diags);
		return;
	}
	Output *output = g_new0(Output, 1);
	output->name = block->labels[0];
	output->range = block->header;
	output->expr = config_expression(block->body, "value");
	if (!output->expr) {
		diags_error(diags, lang_body_start(block->body), "Missing required argument",
			"The argument \"value\" is required, but no definition was found.");
		g_free(output);
		return;
	}
	output->sensitive = config_literal_bool(block->body, "sensitive", FALSE, diags);
	output->ephemeral = config_literal_bool(block->body, "ephemeral", FALSE, diags);
	output->description = config_literal_text(block->body, "description", diags);
	output->depends_on = config_references(module, block->body, "depends_on", diags);
	output->preconditions = config_blocks_of(block->body, "precondition");
	config_check_conditions(output->preconditions, "precondition", diags);
	g_hash_table_insert(module->outputs, (char *)output->name, output);
}

/* ---- module calls ---- */

static GHashTable *read_passed_providers(const LangBody *body, Diags *diags) {
	LangExpr *expr = config_expression(body, "providers");
	LangExpr **keys, **values;
	guint n;
	if (!expr)
		return NULL;
	if (!lang_expr_object(expr, &keys, &values, &n)) {
		diags_error(diags, lang_expr_range(expr), "Invalid expression",
			"A static map expression is required.");
		return NULL;
	}
	GHashTable *passed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; i < n; i++) {
		const LangTraversal *key = lang_expr_traversal(keys[i]);
		const LangTraversal *value = lang_expr_traversal(values[i]);
		if (!key || !value)
			continue;
		g_hash_table_insert(passed,
			key->n_steps ? g_strdup_printf("%s.%s", key->root, key->steps[0].name)
				     : g_strdup(key->root),
			value->n_steps ? g_strdup_printf("%s.%s", value->root, value->steps[0].name)
				       : g_strdup(value->root));
	}
	return passed;
}

/* A module's arguments are its variables; it has no blocks. */
static void check_call(const ModuleCall *call, Diags *diags) {
	static const char *const reserved[] = {"lifecycle", "locals", "provider", NULL};
	config_refuse_count_and_each(call->body, diags);
	for (guint i = 0; i < call->body->blocks->len; i++) {
		const LangBlock *block = call->body->blocks->pdata[i];
		if (g_strv_contains(reserved, block->type))
			diags_error(diags, block->type_range,
				"Reserved block type name in module block",
				"The block type name \"%s\" is reserved for use by Terrarium in a "
				"future version.",
				block->type);
	}
}

void config_read_call(Module *module, const LangBlock *block, Diags *diags) {
	if (!config_check_label_count(block, 1, "name", diags) ||
		!config_check_identifier(block, 0, "module instance", diags))
		return;
	ModuleCall *call = g_new0(ModuleCall, 1);
	call->name = block->labels[0];
	call->body = block->body;
	call->range = block->header;
	call->parent = module;
	call->source = config_literal_text(block->body, "source", diags);
	call->version = config_literal_text(block->body, "version", diags);
	call->count = config_expression(block->body, "count");
	call->for_each = config_expression(block->body, "for_each");
	call->depends_on = config_references(module, block->body, "depends_on", diags);
	check_call(call, diags);
	call->providers = read_passed_providers(block->body, diags);
	config_require(block->body, "source", diags);
	ModuleCall *other = g_hash_table_lookup(module->calls, call->name);
	if (other)
		config_refuse_duplicate(block, "module call", call->name, other->range, diags);
	else
		g_hash_table_insert(module->calls, (char *)call->name, call);
}

void config_read_check(Module *module, LangBlock *block, Diags *diags) {
	static const char *const none[] = {NULL};
	static const char *const blocks[] = {"data", "assert", NULL};
	if (!config_check_label_count(block, 1, "name", diags) ||
		!config_check_identifier(block, 0, "check", diags))
		return;
	config_check_names(block->body, none, blocks, diags);
	g_autoptr(GPtrArray) asserts = config_blocks_of(block->body, "assert");
	if (config_check_conditions(asserts, "assert", diags) == 0)
		diags_error(diags, block->header, "Zero assert blocks",
			"Check blocks must have at least one assert block.");
	for (guint i = 0; i < block->body->blocks->len; i++) {
		const LangBlock *inner = block->body->blocks->pdata[i];
		guint before = module->resources->len;
		if (!g_str_equal(inner->type, "data"))
			continue;
		config_read_resource(module, inner, FALSE, diags);
		if (module->resources->len > before)
			((Resource *)module->resources->pdata[before])->in_check = TRUE;
	}
	g_ptr_array_add(module->checks, block);
}
