/* An operation's beginning and end, and the check of a configuration. See engine.h. */
#include "engine/engine.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/internal.h"

#define DEFAULT_PARALLELISM 10

/* ---- life ---- */

static void refuse_replace(Engine *engine, const char *text) {
	g_autofree char *summary = g_strdup_printf("Invalid force-replace address \"%s\"", text);
	diags_error(engine->diags, SOURCE_NOWHERE, summary,
		"A resource instance address is required here. The module path must be followed by "
		"a resource instance specification.");
}

static gboolean read_targets(Engine *engine) {
	for (const char *const *each = engine->options.targets; each && *each; each++) {
		Address *address = address_parse(*each, engine->diags);
		if (!address)
			return FALSE;
		if (!engine->targets)
			engine->targets =
				g_ptr_array_new_with_free_func((GDestroyNotify)address_free);
		g_ptr_array_add(engine->targets, address);
	}
	for (const char *const *each = engine->options.replace; each && *each; each++) {
		g_autoptr(Address) address = address_parse(*each, engine->diags);
		if (address && !address->type)
			refuse_replace(engine, *each);
		if (!address || !address->type)
			return FALSE;
		g_hash_table_add(engine->replaced, g_strdup(*each));
	}
	return TRUE;
}

static gboolean read_state(Engine *engine) {
	g_autoptr(GError) error = NULL;
	engine->state = engine->options.state_path ? state_open(engine->options.state_path, &error)
						   : state_new();
	if (!engine->state)
		diags_gerror(engine->diags, SOURCE_NOWHERE, "Failed to read the state", error);
	else
		engine->base_serial = engine->state->serial;
	return engine->state != NULL;
}

gboolean engine_is_empty(const Engine *engine) {
	return engine->config->files->len == 0;
}

Engine *engine_new(const EngineOptions *options, Sources *sources, Diags *diags) {
	g_autoptr(Engine) engine = g_new0(Engine, 1);
	engine->options = *options;
	if (!engine->options.parallelism)
		engine->options.parallelism = DEFAULT_PARALLELISM;
	if (!engine->options.workspace)
		engine->options.workspace = "default";
	engine->dir = g_strdup(options->dir);
	engine->sources = sources;
	engine->diags = diags;
	engine->cancellable =
		options->cancellable ? g_object_ref(options->cancellable) : g_cancellable_new();
	g_mutex_init(&engine->lock);
	engine->replaced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	engine->providers =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, provider_instance_free);
	engine->dependencies = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_strfreev);
	engine->running = g_ptr_array_new();
	engine->lacking = g_hash_table_new(NULL, NULL);
	engine->imports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	engine->moved = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	engine->config = config_load(options->dir, options->modules, sources, diags);
	if (engine_is_empty(engine) && !options->may_be_empty && options->mode != PLAN_DESTROY)
		diags_error(diags, SOURCE_NOWHERE, "No configuration files",
			"The folder %s has no Terraform configuration files (.tf). Change to the "
			"one that has, or name it with -chdir=DIR. To destroy what the state still "
			"has, run terrarium destroy, which needs none.",
			options->dir);
	if (diags_has_errors(diags) || !engine_check_versions(engine) || !read_targets(engine) ||
		!read_state(engine))
		return NULL;
	return g_steal_pointer(&engine);
}

void engine_free(Engine *engine) {
	if (!engine)
		return;
	module_instance_free(engine->root);
	g_clear_pointer(&engine->targets, g_ptr_array_unref);
	g_clear_pointer(&engine->given, g_hash_table_unref);
	g_clear_pointer(&engine->changes, g_hash_table_unref);
	g_hash_table_unref(engine->replaced);
	g_hash_table_unref(engine->providers);
	g_hash_table_unref(engine->dependencies);
	g_ptr_array_unref(engine->running);
	g_hash_table_unref(engine->lacking);
	g_hash_table_unref(engine->moved);
	g_hash_table_unref(engine->imports);
	state_free(engine->state);
	config_free(engine->config);
	g_mutex_clear(&engine->lock);
	g_object_unref(engine->cancellable);
	g_free(engine->state_path);
	g_free(engine->dir);
	g_free(engine);
}

State *engine_state(Engine *engine) {
	return engine->state;
}

void engine_freeze(Engine *engine) {
	g_mutex_lock(&engine->lock);
	state_fold(engine->state, NULL);
}

GCancellable *engine_cancellable(Engine *engine) {
	return engine->cancellable;
}

/* ---- what the configuration is made of ---- */

gboolean engine_uses_provider(Engine *engine, const char *name) {
	const ProviderClass *class = provider_class(name);
	g_autoptr(GHashTable) sources = engine_provider_sources(engine);
	if (class && g_hash_table_contains(sources, class->source))
		return TRUE;
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, engine->state->instances);
	while (class && g_hash_table_iter_next(&iter, NULL, &value))
		if (strstr(((StateInstance *)value)->provider, class->source))
			return TRUE;
	return FALSE;
}

const char *engine_backend(Engine *engine) {
	const Module *root = engine->config->root;
	return root->cloud ? "cloud" : root->backend;
}

void engine_each_module(Engine *engine, EngineModuleFunc found, gpointer data) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		g_autofree char *key = module->call ? config_module_key(module) : NULL;
		if (key)
			found(key, module->call->source, module->shown_dir, data);
	}
}

void engine_begin_walk(Engine *engine, Phase phase) {
	engine->phase = phase;
	module_instance_free(engine->root);
	engine->root = module_instance_new(engine->config->root, NULL, "");
	g_hash_table_remove_all(engine->providers);
}

const Resource *engine_declared(const Engine *engine, const Address *address) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		if (!g_str_equal(module->path, address->module_config))
			continue;
		g_autofree char *name = g_strdup_printf(
			"%s%s.%s", address->managed ? "" : "data.", address->type, address->name);
		return g_hash_table_lookup(module->resource_index, name);
	}
	return NULL;
}

/* ---- the state while planning ---- */

void engine_detach_state(Engine *engine) {
	State *state = engine->state;
	if (!state->path)
		return;
	engine->state_path = g_steal_pointer(&state->path);
	if (state->journal >= 0)
		close(state->journal);
	state->journal = -1;
}

gboolean engine_attach_state(Engine *engine) {
	if (!engine->state_path)
		return TRUE;
	engine->state->path = g_steal_pointer(&engine->state_path);
	g_autoptr(GError) error = NULL;
	if (state_fold(engine->state, &error))
		return TRUE;
	diags_gerror(engine->diags, SOURCE_NOWHERE, "Failed to write the state", error);
	return FALSE;
}

/* ---- dependencies ---- */

static void collect(gpointer resource, gpointer names) {
	const Resource *needed = resource;
	if (!needed->managed)
		return;
	g_autofree char *name = resource_name(needed);
	const char *module = needed->module->path;
	g_ptr_array_add(
		names, *module ? g_strdup_printf("%s.%s", module, name) : g_steal_pointer(&name));
}

static int compare_names(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void engine_note_dependencies(Engine *engine, const Order *order) {
	g_hash_table_remove_all(engine->dependencies);
	GHashTableIter iter;
	gpointer resource, node;
	g_hash_table_iter_init(&iter, order->nodes);
	while (g_hash_table_iter_next(&iter, &resource, &node)) {
		GPtrArray *names = g_ptr_array_new();
		graph_reach(node, collect, names);
		g_ptr_array_sort(names, compare_names);
		g_ptr_array_add(names, NULL);
		g_hash_table_insert(engine->dependencies, resource, g_ptr_array_free(names, FALSE));
	}
}

/* ---- validation ---- */

static void validate_instance(Engine *engine, ModuleInstance *module, const Resource *resource,
	ProviderInstance *provider, const Schema *schema) {
	Expansion *expansion = engine_expand(engine, module, resource);
	if (!expansion)
		return;
	for (guint i = 0; i < expansion->instances->len; i++)
		expansion_set_value(expansion, expansion->instances->pdata[i],
			value_unknown(schema_block_type(schema->block)));
	if (resource->count || resource->for_each) {
		expansion->has_whole = TRUE;
		expansion->whole = value_unknown(type_any());
	}
	Instance none = {.address = resource_name(resource)};
	Instance *first = expansion->instances->len > 0 ? expansion->instances->pdata[0] : &none;
	EvalScope scope = engine_instance_scope(engine, module, resource, first);
	if (first == &none) {
		scope.key = value_unknown(type_any());
		scope.each = value_unknown(type_any());
	}
	g_autoptr(Diags) own = diags_new();
	g_auto(Value) config =
		engine_decode(&scope, resource->body, schema->block, engine_resource_meta, own);
	if (!diags_has_errors(own)) {
		g_auto(Value) plain = value_unmark_deep(config);
		void (*validate)(Provider *, const char *, Value, Diags *) =
			resource->managed ? provider->class->validate_resource
					  : provider->class->validate_data;
		if (validate)
			validate(provider->provider, resource->type, plain, own);
	}
	engine_validate_provisioners(engine, &scope, resource, schema->block, own);
	g_autofree char *name = resource_name(resource);
	engine_take_diags(engine, own, resource->body, resource->range, name);
	engine_validate_conditions(engine, &scope, resource->preconditions);
	scope.self = first->value;
	scope.has_self = TRUE;
	engine_validate_conditions(engine, &scope, resource->postconditions);
	g_free(none.address);
}

static gboolean validate_resource(GraphNode *node, gpointer data) {
	const Resource *resource = data;
	Engine *engine = graph_data(graph_of(node));
	ProviderInstance *provider;
	const Schema *schema;
	if (!engine_find_type(engine, resource, &provider, &schema))
		return TRUE;
	if (!schema) {
		engine_validate_lacking(engine, resource);
		return TRUE;
	}
	engine_check_triggers(engine, resource);
	engine_check_ignored(engine, resource, schema);
	g_autoptr(GPtrArray) modules = engine_module_instances(engine, resource->module);
	if (modules->len > 0)
		validate_instance(engine, modules->pdata[0], resource, provider, schema);
	return TRUE;
}

/* The arguments of a module call are the variables of its module. */
static void validate_call(Engine *engine, const ModuleCall *call) {
	static const char *const meta[] = {
		"source", "version", "count", "for_each", "depends_on", "providers", NULL};
	GHashTable *variables = call->module->variables;
	for (guint i = 0; i < call->body->attributes->len; i++) {
		const LangAttribute *attribute = call->body->attributes->pdata[i];
		if (g_strv_contains(meta, attribute->name) ||
			g_hash_table_contains(variables, attribute->name))
			continue;
		guint n;
		g_autofree const char **names =
			(const char **)g_hash_table_get_keys_as_array(variables, &n);
		g_autofree char *hint = text_suggestion(attribute->name, names, n);
		diags_error(engine->diags, attribute->name_range, "Unsupported argument",
			"An argument named \"%s\" is not expected here.%s", attribute->name, hint);
	}
	for (guint i = 0; i < call->body->blocks->len; i++) {
		const LangBlock *block = call->body->blocks->pdata[i];
		diags_error(engine->diags, block->type_range, "Unsupported block type",
			"Blocks of type \"%s\" are not expected here.", block->type);
	}
	GHashTableIter iter;
	gpointer name, variable;
	g_hash_table_iter_init(&iter, variables);
	while (g_hash_table_iter_next(&iter, &name, &variable))
		if (!((Variable *)variable)->fallback && !lang_body_attribute(call->body, name))
			diags_error(engine->diags, lang_body_start(call->body),
				"Missing required argument",
				"The argument \"%s\" is required, but no definition was found.",
				(char *)name);
}

static void validate_modules(Engine *engine) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		if (module->call)
			validate_call(engine, module->call);
		g_autoptr(GPtrArray) instances = engine_module_instances(engine, module);
		if (instances->len > 0)
			engine_evaluate_names(engine, instances->pdata[0]);
	}
}

gboolean engine_validate(Engine *engine) {
	if (engine->validated)
		return TRUE;
	guint errors = diags_error_count(engine->diags);
	g_mutex_lock(&engine->lock);
	engine_begin_walk(engine, PHASE_VALIDATE);
	g_hash_table_remove_all(engine->lacking);
	g_autoptr(Order) order = engine_order(engine, validate_resource);
	if (order) {
		graph_set_data(order->graph, engine);
		graph_walk(order->graph, 1, &engine->lock);
		validate_modules(engine);
		engine_validate_refactoring(engine);
		engine_check_ephemeral(engine);
	}
	g_mutex_unlock(&engine->lock);
	engine->validated = diags_error_count(engine->diags) == errors;
	return engine->validated;
}

char *engine_evaluate(Engine *engine, const char *text) {
	if (!engine->given && !engine_collect_variables(engine))
		return NULL;
	g_mutex_lock(&engine->lock);
	engine_begin_walk(engine, PHASE_DESTROY);
	guint errors = diags_error_count(engine->diags);
	static const char name[] = "<console-input>";
	sources_add(engine->sources, name, text, strlen(text));
	LangFile *file = lang_parse_expression(name, text, strlen(text), engine->diags);
	g_ptr_array_add(engine->config->files, file);
	EvalScope scope = {.engine = engine, .module = engine->root};
	LangExpr *expr = lang_file_expr(file);
	g_auto(Value) value = expr && diags_error_count(engine->diags) == errors
				      ? engine_eval(&scope, expr, engine->diags)
				      : VALUE_NOTHING;
	g_mutex_unlock(&engine->lock);
	return diags_error_count(engine->diags) > errors ? NULL : lang_value_to_text(value, 0);
}

static gboolean nothing(GraphNode *node, gpointer data) {
	return TRUE;
}

static char *full_name(const Resource *resource) {
	g_autofree char *name = resource_name(resource);
	return *resource->module->path ? g_strdup_printf("%s.%s", resource->module->path, name)
				       : g_steal_pointer(&name);
}

typedef struct {
	GString *out;
	char *from;
} Edges;

static void write_edge(gpointer resource, gpointer data) {
	Edges *edges = data;
	g_autofree char *to = full_name(resource);
	g_string_append_printf(edges->out, "  \"%s\" -> \"%s\";\n", edges->from, to);
}

char *engine_dot(Engine *engine) {
	g_autoptr(Order) order = engine_order(engine, nothing);
	if (!order)
		return NULL;
	GString *out = g_string_new("digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, "
				    "fontname = \"sans-serif\"];\n");
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		for (guint j = 0; j < module->resources->len; j++) {
			const Resource *resource = module->resources->pdata[j];
			g_autofree char *name = full_name(resource);
			g_string_append_printf(out, "  \"%s\" [label=\"%s\"];\n", name, name);
			Edges edges = {out, name};
			graph_reach_nearest(
				g_hash_table_lookup(order->nodes, resource), write_edge, &edges);
		}
	}
	g_string_append(out, "}\n");
	return g_string_free(out, FALSE);
}
