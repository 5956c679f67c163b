/* resource and data blocks: what all types have, whatever their schema: repetition, provider and
 * lifecycle. The rest of the body waits for the type's schema (body.c). */
#include <string.h>

#include "engine/config_read.h"

static void read_ignore_changes(Resource *resource, const LangExpr *expr, Diags *diags) {
	if (g_strcmp0(lang_expr_keyword(expr), "all") == 0) {
		resource->ignore_all = TRUE;
		return;
	}
	LangExpr **items;
	guint n;
	if (!lang_expr_tuple(expr, &items, &n)) {
		diags_error(diags, lang_expr_range(expr), "Invalid expression",
			"A static list expression, or the keyword all, is required.");
		return;
	}
	resource->ignore_changes = g_ptr_array_new();
	for (guint i = 0; i < n; i++) {
		const LangTraversal *traversal = lang_expr_traversal(items[i]);
		if (traversal)
			g_ptr_array_add(resource->ignore_changes, (gpointer)traversal);
		else
			diags_error(diags, lang_expr_range(items[i]), "Invalid expression",
				"A single static variable reference is required: only attribute "
				"access and indexing with "
				"constant keys.");
	}
}

static void read_lifecycle(Resource *resource, const LangBody *body, Diags *diags) {
	static const char *const attributes[] = {"create_before_destroy", "prevent_destroy",
		"ignore_changes", "replace_triggered_by", NULL};
	static const char *const blocks[] = {"precondition", "postcondition", NULL};
	config_check_names(body, attributes, blocks, diags);
	resource->create_before_destroy =
		config_literal_bool(body, "create_before_destroy", FALSE, diags);
	resource->prevent_destroy = config_literal_bool(body, "prevent_destroy", FALSE, diags);
	LangExpr *ignore = config_expression(body, "ignore_changes");
	if (ignore)
		read_ignore_changes(resource, ignore, diags);
	LangExpr *triggers = config_expression(body, "replace_triggered_by");
	LangExpr **items;
	guint n;
	if (triggers && lang_expr_tuple(triggers, &items, &n)) {
		resource->replace_triggered_by = g_ptr_array_new();
		for (guint i = 0; i < n; i++)
			g_ptr_array_add(resource->replace_triggered_by, items[i]);
	}
	resource->preconditions = config_blocks_of(body, "precondition");
	resource->postconditions = config_blocks_of(body, "postcondition");
	config_check_conditions(resource->preconditions, "precondition", diags);
	config_check_conditions(resource->postconditions, "postcondition", diags);
}

static void read_provider_reference(Resource *resource, const LangBody *body, Diags *diags) {
	LangExpr *expr = config_expression(body, "provider");
	g_autofree char *prefix = g_strndup(resource->type, strcspn(resource->type, "_"));
	resource->provider = g_intern_string(prefix);
	if (!expr)
		return;
	const LangTraversal *traversal = lang_expr_traversal(expr);
	const char *keyword = lang_expr_keyword(expr);
	if (traversal && traversal->n_steps == 1 && traversal->steps[0].kind == LANG_STEP_NAME)
		resource->provider_alias = traversal->steps[0].name;
	if (traversal || keyword)
		resource->provider = traversal ? traversal->root : keyword;
	else
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
	resource->depends_on = config_expression(block->body, "depends_on");
	read_provider_reference(resource, block->body, diags);
	if (resource->count && resource->for_each)
		diags_error(diags, lang_body_attribute(block->body, "for_each")->name_range,
			"Invalid combination of \"count\" and \"for_each\"",
			"The \"count\" and \"for_each\" meta-arguments are mutually-exclusive, "
			"only one should be used "
			"to be explicit about the number of resources to be created.");
	g_autoptr(GPtrArray) lifecycle = config_blocks_of(block->body, "lifecycle");
	if (lifecycle->len > 0)
		read_lifecycle(resource, lifecycle->pdata[0], diags);
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
