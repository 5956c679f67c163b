/*
 * What is to go: objects of the state that the configuration no longer has (or all of them, in a
 * destruction), the left-overs of replacements, and what a removed block only forgets. Relies on
 * the walk over the configuration being over, since that tells which instances there are.
 */
#include "engine/internal.h"

static gboolean module_is_there(Engine *engine, const Module *module, const char *path) {
	g_autoptr(GPtrArray) instances = engine_module_instances(engine, module);
	for (guint i = 0; i < instances->len; i++)
		if (g_str_equal(((const ModuleInstance *)instances->pdata[i])->path, path))
			return TRUE;
	return FALSE;
}

static ChangeReason delete_reason(Engine *engine, const Address *address) {
	const Resource *resource = engine_declared(engine, address);
	if (!resource)
		return REASON_NO_RESOURCE;
	if (!module_is_there(engine, resource->module, address->module))
		return REASON_NO_MODULE;
	if (resource->count)
		return address->has_key && value_kind(address->key) == VALUE_NUMBER
			       ? REASON_COUNT_INDEX
			       : REASON_WRONG_REPETITION;
	if (resource->for_each)
		return address->has_key && value_text(address->key) ? REASON_EACH_KEY
								    : REASON_WRONG_REPETITION;
	return address->has_key ? REASON_WRONG_REPETITION : REASON_NO_MODULE;
}

typedef struct {
	Engine *engine;
	char *address;
} Removal;

static Change *deletion(Engine *engine, const StateInstance *instance, const Schema *schema,
	Value before, char **dependencies, const char *deposed) {
	Change *change = change_new(instance->address, CHANGE_DELETE);
	change->provider = g_strdup(instance->provider);
	change->managed = instance->managed;
	change->type = g_strdup(instance->type);
	change->name = g_strdup(instance->name);
	change->schema = schema;
	change->deposed = g_strdup(deposed);
	change->before = value_ref(before);
	change->dependencies = g_strdupv(dependencies);
	g_ptr_array_add(engine->plan->changes, change);
	return change;
}

/* It stays where it is, and only leaves the state. */
static gboolean forget(Engine *engine, const StateInstance *instance, const Schema *schema) {
	guint errors = diags_error_count(engine->diags);
	g_auto(Value) value =
		engine_object_value(engine, instance->current, schema, instance->address);
	if (diags_error_count(engine->diags) > errors)
		return FALSE;
	Change *change = deletion(engine, instance, schema, value, NULL, NULL);
	change->action = CHANGE_FORGET;
	change->reason = REASON_REMOVED;
	change->after = value_ref(value);
	return TRUE;
}

static gboolean plan_removal(GraphNode *node, gpointer data) {
	Removal *removal = data;
	Engine *engine = removal->engine;
	StateInstance *instance = state_instance(engine->state, removal->address);
	g_autoptr(Diags) quiet = diags_new();
	g_autoptr(Address) address = address_parse(removal->address, quiet);
	const Resource *resource = address ? engine_declared(engine, address) : NULL;
	if (resource && resource->prevent_destroy)
		return engine_refuse_destroy(engine, resource, removal->address);
	gboolean forgotten = engine->options.mode != PLAN_DESTROY &&
			     engine_is_forgotten(engine, removal->address);
	ProviderInstance *provider = engine_provider_by_address(engine, instance->provider);
	const Schema *schema = provider ? engine_schema(provider, TRUE, instance->type) : NULL;
	if (schema && forgotten)
		return forget(engine, instance, schema);
	if (!schema) {
		diags_error(engine->diags, SOURCE_NOWHERE, "Provider not available",
			"%s is in the state, but Terrarium has no resource type \"%s\" of %s.",
			removal->address, instance->type, instance->provider);
		return FALSE;
	}
	g_auto(Value) now = VALUE_NOTHING;
	g_auto(GStrv) dependencies =
		g_strdupv(instance->current ? instance->current->dependencies : NULL);
	if (!engine_provider_ready(engine, provider) ||
		!engine_refresh(engine, removal->address, provider, schema, SOURCE_NOWHERE, &now))
		return FALSE;
	instance = state_instance(engine->state, removal->address);
	if (value_is_null(now) || !instance)
		return TRUE;
	if (!instance->current->tainted && !engine_check_destruction(engine, removal->address))
		return FALSE;
	Change *change = deletion(engine, instance, schema, now, dependencies, NULL);
	change->create_first = instance->current->create_before_destroy;
	if (engine->options.mode != PLAN_DESTROY && address)
		change->reason = delete_reason(engine, address);
	return TRUE;
}

static void removal_free(gpointer data) {
	g_free(((Removal *)data)->address);
	g_free(data);
}

/* In the destruction of targets goes what depends on them too. */
static gboolean depends_on_target(const Engine *engine, const StateInstance *instance) {
	char **dependencies = instance->current ? instance->current->dependencies : NULL;
	for (guint i = 0; dependencies && dependencies[i]; i++)
		for (guint t = 0; t < engine->targets->len; t++) {
			const Address *target = engine->targets->pdata[t];
			Address plain = *target;
			plain.has_key = FALSE;
			if (address_covers(&plain, dependencies[i]))
				return TRUE;
		}
	return FALSE;
}

static gboolean to_be_removed(Engine *engine, GHashTable *visited, const StateInstance *instance) {
	if (!instance->managed || g_hash_table_contains(visited, instance->address))
		return FALSE;
	gboolean destroy = engine->options.mode == PLAN_DESTROY;
	return engine_targets(engine, instance->address) ||
	       (destroy && engine->targets && depends_on_target(engine, instance));
}

/* The addresses of all instances that the configuration has. */
static void visit_module(ModuleInstance *module, GHashTable *visited) {
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, module->resources);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Expansion *expansion = value;
		for (guint i = 0; expansion && i < expansion->instances->len; i++)
			g_hash_table_add(
				visited, ((Instance *)expansion->instances->pdata[i])->address);
	}
	g_hash_table_iter_init(&iter, module->calls);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const CallExpansion *expansion = value;
		for (guint i = 0; expansion && i < expansion->instances->len; i++)
			visit_module(expansion->instances->pdata[i], visited);
	}
}

/* A resource that the walk did not come to (it was not chosen, or failed) has instances that are
 * not removed for that. */
static gboolean was_expanded(const Engine *engine, const char *text) {
	g_autoptr(Diags) quiet = diags_new();
	g_autoptr(Address) address = address_parse(text, quiet);
	const Resource *resource = address ? engine_declared(engine, address) : NULL;
	if (!resource)
		return TRUE;
	g_autoptr(GPtrArray) modules = engine_module_instances((Engine *)engine, resource->module);
	for (guint i = 0; i < modules->len; i++) {
		ModuleInstance *module = modules->pdata[i];
		if (g_str_equal(module->path, address->module))
			return g_hash_table_contains(module->resources, resource);
	}
	return TRUE;
}

static void plan_deposed(Engine *engine, const StateInstance *instance) {
	GHashTableIter iter;
	gpointer key, object;
	g_hash_table_iter_init(&iter, instance->deposed);
	while (g_hash_table_iter_next(&iter, &key, &object)) {
		const Schema *schema =
			engine_state_schema(engine, instance->provider, TRUE, instance->type);
		if (!schema)
			continue;
		g_auto(Value) before =
			engine_object_value(engine, object, schema, instance->address);
		deletion(engine, instance, schema, before, ((StateObject *)object)->dependencies,
			key);
	}
}

gboolean engine_plan_removals(Engine *engine) {
	g_autoptr(GHashTable) visited = g_hash_table_new(g_str_hash, g_str_equal);
	gboolean destroy = engine->options.mode == PLAN_DESTROY;
	if (!destroy)
		visit_module(engine->root, visited);
	g_autoptr(Graph) graph = graph_new();
	g_autoptr(GPtrArray) removals = g_ptr_array_new_with_free_func(removal_free);
	g_autoptr(GPtrArray) instances = state_sorted(engine->state);
	for (guint i = 0; i < instances->len; i++) {
		const StateInstance *instance = instances->pdata[i];
		if (instance->deposed && engine_targets(engine, instance->address))
			plan_deposed(engine, instance);
		if (!instance->current || !to_be_removed(engine, visited, instance) ||
			(!destroy && !was_expanded(engine, instance->address)))
			continue;
		Removal *removal = g_new0(Removal, 1);
		*removal = (Removal){engine, g_strdup(instance->address)};
		g_ptr_array_add(removals, removal);
		graph_add(graph, instance->address, plan_removal, removal);
	}
	return graph_walk(graph, engine->options.parallelism, &engine->lock);
}
