/*
 * Ephemeral values: those of variables and outputs that are declared so may go into providers,
 * other ephemeral values and conditions, but must not be kept. Found by what expressions refer to.
 */
#include "engine/internal.h"

typedef struct {
	const Module *module;
	gboolean ephemeral;
} Search;

static void look_at(const LangTraversal *traversal, gpointer data);

/* Whether a value of the module is derived from an ephemeral one. */
static gboolean is_ephemeral(const Module *module, const LangExpr *expr) {
	Search search = {module, FALSE};
	const char *function;
	LangExpr **arguments;
	guint n;
	if (lang_expr_call(expr, &function, &arguments, &n) &&
		g_str_equal(function, "ephemeralasnull"))
		return FALSE;
	lang_expr_references(expr, look_at, &search);
	return search.ephemeral;
}

static void look_at(const LangTraversal *traversal, gpointer data) {
	Search *search = data;
	const Module *module = search->module;
	const char *name = traversal->n_steps > 0 ? traversal->steps[0].name : NULL;
	if (search->ephemeral || !name)
		return;
	if (g_str_equal(traversal->root, "var")) {
		const Variable *variable = g_hash_table_lookup(module->variables, name);
		search->ephemeral = variable && variable->ephemeral;
	} else if (g_str_equal(traversal->root, "local")) {
		const Local *local = g_hash_table_lookup(module->locals, name);
		search->ephemeral = local && is_ephemeral(module, local->expr);
	} else if (g_str_equal(traversal->root, "module")) {
		const ModuleCall *call = g_hash_table_lookup(module->calls, name);
		const char *wanted = traversal->n_steps > 1 ? traversal->steps[1].name : NULL;
		const Output *output = call && call->module && wanted
					       ? g_hash_table_lookup(call->module->outputs, wanted)
					       : NULL;
		search->ephemeral = output && output->ephemeral;
	}
}

/* top: it is the resource's own body. Names that the schema lacks are told of elsewhere. */
static void check_body(Engine *engine, const Resource *resource, const LangBody *body,
	const SchemaBlock *schema, gboolean top) {
	for (guint i = 0; i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		const SchemaAttribute *known = schema_block_attribute(schema, attribute->name);
		if ((top && g_strv_contains(engine_resource_meta, attribute->name)) ||
			(known && known->write_only) ||
			!is_ephemeral(resource->module, attribute->expr))
			continue;
		Diag *diag = diags_error(engine->diags, lang_expr_range(attribute->expr),
			"Invalid use of ephemeral value",
			"Ephemeral values are not valid for \"%s\", because it is not a write-only "
			"attribute and must be persisted to state.",
			attribute->name);
		diag->address = resource_name(resource);
	}
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		const SchemaNestedBlock *nested = schema_block_nested(schema, block->type);
		if (nested)
			check_body(engine, resource, block->body, nested->block, FALSE);
	}
}

static void check_resource(Engine *engine, const Resource *resource) {
	ProviderInstance *provider = engine_provider_find(engine, resource);
	const Schema *schema = provider ? engine_schema(provider, TRUE, resource->type) : NULL;
	if (schema)
		check_body(engine, resource, resource->body, schema->block, TRUE);
}

static void refuse(Engine *engine, const LangExpr *expr, const char *detail) {
	diags_error(
		engine->diags, lang_expr_range(expr), "Ephemeral value not allowed", "%s", detail);
}

static void check_arguments(Engine *engine, const ModuleCall *call) {
	for (guint i = 0; call->module && i < call->body->attributes->len; i++) {
		const LangAttribute *attribute = call->body->attributes->pdata[i];
		const Variable *variable =
			g_hash_table_lookup(call->module->variables, attribute->name);
		if (variable && !variable->ephemeral && is_ephemeral(call->parent, attribute->expr))
			refuse(engine, attribute->expr,
				"This input variable is not declared as accepting a ephemeral "
				"values, so it cannot be set to a result derived from an ephemeral "
				"value.");
	}
}

void engine_check_ephemeral(Engine *engine) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		GHashTableIter iter;
		gpointer value;
		g_hash_table_iter_init(&iter, module->outputs);
		while (g_hash_table_iter_next(&iter, NULL, &value)) {
			const Output *output = value;
			if (!output->ephemeral && is_ephemeral(module, output->expr))
				refuse(engine, output->expr,
					"This output value is not declared as returning an "
					"ephemeral value, so it cannot be set to a result derived "
					"from an ephemeral value.");
		}
		for (guint j = 0; j < module->resources->len; j++) {
			const Resource *resource = module->resources->pdata[j];
			if (resource->managed)
				check_resource(engine, resource);
		}
		if (module->call)
			check_arguments(engine, module->call);
	}
}
