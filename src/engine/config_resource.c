/* resource and data blocks: what all types have, whatever their schema: repetition, provider and
 * lifecycle. The rest of the body waits for the type's schema (body.c). */
#include <string.h>

#include "engine/config_read.h"

static void read_ignore_changes(Resource *resource, const LangBody *body, Diags *diags) {
	LangExpr *expr = config_expression(body, "ignore_changes");
	LangExpr **items;
	guint n = 0;
	if (expr && g_strcmp0(lang_expr_keyword(expr), "all") == 0) {
		resource->ignore_all = TRUE;
		return;
	}
	if (expr && lang_expr_tuple(expr, &items, &n) && n == 1 &&
		g_strcmp0(lang_expr_keyword(items[0]), "*") == 0)
		diags_error(diags, lang_expr_range(items[0]), "Invalid ignore_changes wildcard",
			"The [\"*\"] form of ignore_changes wildcard is was deprecated and is now "
			"invalid. Use \"ignore_changes = all\" to ignore changes to all "
			"attributes.");
	else
		resource->ignore_changes =
			config_references(resource->module, body, "ignore_changes", diags);
}

typedef struct {
	guint resources;
	const LangExpr *expr;
	Diags *diags;
} TriggerCheck;

static void check_trigger_reference(const LangTraversal *traversal, gpointer data) {
	static const char *const others[] = {
		"var", "local", "module", "data", "path", "terraform", "self", NULL};
	TriggerCheck *check = data;
	if (g_strv_contains(others, traversal->root))
		diags_error(check->diags, lang_expr_range(check->expr),
			"Invalid reference in replace_triggered_by expression",
			"Only resources, count.index, and each.key may be used in "
			"replace_triggered_by.");
	else if (!g_str_equal(traversal->root, "count") && !g_str_equal(traversal->root, "each") &&
		 traversal->n_steps > 0)
		check->resources++;
}

static void read_triggers(Resource *resource, const LangBody *body, Diags *diags) {
	LangExpr *expr = config_expression(body, "replace_triggered_by");
	LangExpr **items;
	guint n = 0;
	if (!expr)
		return;
	if (!lang_expr_tuple(expr, &items, &n)) {
		diags_error(diags, lang_expr_range(expr), "Invalid expression",
			"A static list expression is required.");
		return;
	}
	resource->replace_triggered_by = g_ptr_array_new();
	for (guint i = 0; i < n; i++) {
		TriggerCheck check = {0, items[i], diags};
		const LangTraversal *spelt = lang_expr_traversal(items[i]);
		if (spelt)
			check_trigger_reference(spelt, &check);
		else
			lang_expr_references(items[i], check_trigger_reference, &check);
		if (check.resources != 1)
			diags_error(diags, lang_expr_range(items[i]),
				"Invalid replace_triggered_by expression",
				"%s resource reference%s in replace_triggered_by expression.",
				check.resources == 0 ? "Missing" : "Multiple",
				check.resources == 0 ? "" : "s");
		g_ptr_array_add(resource->replace_triggered_by, items[i]);
	}
}

/* What only managed resources have. */
static void check_data_lifecycle(const LangBody *body, Diags *diags) {
	for (guint i = 0; i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		diags_error(diags, attribute->name_range,
			"Invalid data resource lifecycle argument",
			"The lifecycle argument \"%s\" is defined only for managed resources "
			"(\"resource\" blocks), and is not valid for data resources.",
			attribute->name);
	}
}

static void read_lifecycle(Resource *resource, const LangBody *body, Diags *diags) {
	static const char *const attributes[] = {"create_before_destroy", "prevent_destroy",
		"ignore_changes", "replace_triggered_by", NULL};
	static const char *const blocks[] = {"precondition", "postcondition", NULL};
	config_check_names(body, attributes, blocks, diags);
	if (!resource->managed)
		check_data_lifecycle(body, diags);
	resource->create_before_destroy =
		config_literal_bool(body, "create_before_destroy", FALSE, diags);
	resource->prevent_destroy = config_literal_bool(body, "prevent_destroy", FALSE, diags);
	read_ignore_changes(resource, body, diags);
	read_triggers(resource, body, diags);
	resource->preconditions = config_blocks_of(body, "precondition");
	resource->postconditions = config_blocks_of(body, "postcondition");
	config_check_conditions(resource->preconditions, "precondition", diags);
	config_check_conditions(resource->postconditions, "postcondition", diags);
}

static void refuse_second_lifecycle(SourceRange first, SourceRange second, Diags *diags) {
	diags_error(diags, second, "Duplicate lifecycle block",
		"This resource already has a lifecycle block at %s:%u,%u-%u.", first.filename,
		first.start_line, first.start_column, first.end_column);
}

static void read_provider_reference(Resource *resource, const LangBody *body, Diags *diags) {
	LangExpr *expr = config_expression(body, "provider");
	g_autofree char *prefix = g_strndup(resource->type, strcspn(resource->type, "_"));
	resource->provider = g_intern_string(prefix);
	if (!expr)
		return;
	gboolean reference = lang_expr_traversal(expr) || lang_expr_keyword(expr);
	const LangTraversal *traversal =
		reference ? config_reference(resource->module, expr, diags) : NULL;
	if (traversal)
		resource->provider = traversal->root;
	if (traversal && traversal->n_steps == 1 && traversal->steps[0].kind == LANG_STEP_NAME)
		resource->provider_alias = traversal->steps[0].name;
	else if (traversal ? traversal->n_steps > 0 : !reference)
		diags_error(diags, lang_expr_range(expr),
			"Invalid provider configuration reference",
			"The provider argument requires a provider type name, optionally followed "
			"by a period and then "
			"a configuration alias.");
}

/* Data sources have none. */
static void refuse_provisioners(const LangBody *body, Diags *diags) {
	static const char *const reserved[] = {"provisioner", "connection", NULL};
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (g_strv_contains(reserved, block->type))
			diags_error(diags, block->type_range, "Unsupported block type",
				"Blocks of type \"%s\" are not expected here.", block->type);
	}
}

void config_resource_free(Resource *resource) {
	g_clear_pointer(&resource->depends_on, g_ptr_array_unref);
	g_clear_pointer(&resource->ignore_changes, g_ptr_array_unref);
	g_clear_pointer(&resource->replace_triggered_by, g_ptr_array_unref);
	g_clear_pointer(&resource->preconditions, g_ptr_array_unref);
	g_clear_pointer(&resource->postconditions, g_ptr_array_unref);
	g_clear_pointer(&resource->provisioners, g_ptr_array_unref);
	g_free(resource);
}

void config_read_resource(Module *module, const LangBlock *block, gboolean managed, Diags *diags) {
	if (!config_check_label_count(block, 2, "type, name", diags) ||
		!config_check_identifier(block, 1, "resource", diags))
		return;
	Resource *resource = g_new0(Resource, 1);
	resource->managed = managed;
	resource->type = block->labels[0];
	resource->name = block->labels[1];
	resource->body = block->body;
	resource->range = block->header;
	resource->module = module;
	resource->count = config_expression(block->body, "count");
	resource->for_each = config_expression(block->body, "for_each");
	resource->depends_on = config_references(module, block->body, "depends_on", diags);
	read_provider_reference(resource, block->body, diags);
	config_refuse_count_and_each(block->body, diags);
	g_autoptr(GPtrArray) lifecycle = config_blocks_of(block->body, "lifecycle");
	if (lifecycle->len > 0)
		read_lifecycle(resource, lifecycle->pdata[0], diags);
	for (guint i = 1; i < lifecycle->len; i++)
		refuse_second_lifecycle(((LangBody *)lifecycle->pdata[0])->header,
			((LangBody *)lifecycle->pdata[i])->header, diags);
	if (managed)
		resource->provisioners = config_read_provisioners(block->body, diags);
	else
		refuse_provisioners(block->body, diags);
	char *name = resource_name(resource);
	Resource *other = g_hash_table_lookup(module->resource_index, name);
	if (other) {
		g_autofree char *summary =
			g_strdup_printf("Duplicate resource \"%s\" configuration", resource->type);
		diags_error(diags, block->header, summary,
			"A %s resource named \"%s\" was already declared at %s:%u,%u-%u. Resource "
			"names must be unique "
			"per type in each module.",
			resource->type, resource->name, other->range.filename,
			other->range.start_line, other->range.start_column,
			other->range.end_column);
		g_free(name);
		config_resource_free(resource);
		return;
	}
	g_hash_table_insert(module->resource_index, name, resource);
	g_ptr_array_add(module->resources, resource);
}
