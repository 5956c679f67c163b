/*
 * Destroys what a plan says is to go, each after what depends on it, and, where something new takes
 * its place, before or after that. Relies on the dependencies that the state keeps of each object,
 * since the configuration may no longer have it.
 */
#include "engine/internal.h"

/* ---- one object ---- */

typedef struct {
	const Change *change;
	GraphNode *node;
} Destruction;

static const char *deposed_key(Engine *engine, const Change *change) {
	return change->deposed ? change->deposed
	       : change->action == CHANGE_REPLACE_CREATE_FIRST
		       ? g_hash_table_lookup(engine->deposed, change->address)
		       : NULL;
}

static const StateObject *object_to_destroy(
	const StateInstance *instance, const char *deposed, gboolean from_replacement) {
	if (!instance)
		return NULL;
	if (deposed)
		return instance->deposed ? g_hash_table_lookup(instance->deposed, deposed) : NULL;
	return from_replacement ? NULL : instance->current;
}

static gboolean destroy(GraphNode *node, gpointer data) {
	const Change *change = ((Destruction *)data)->change;
	Engine *engine = graph_data(graph_of(node));
	if (g_cancellable_is_cancelled(engine->cancellable))
		return FALSE;
	StateInstance *instance = state_instance(engine->state, change->address);
	const char *deposed = deposed_key(engine, change);
	const StateObject *object =
		object_to_destroy(instance, deposed, change->action == CHANGE_REPLACE_CREATE_FIRST);
	if (!object)
		return TRUE;
	ProviderInstance *provider = engine_provider_by_address(engine, instance->provider);
	if (!provider || !engine_provider_ready(engine, provider))
		return FALSE;
	guint errors = diags_error_count(engine->diags);
	g_auto(Value) prior = engine_object_value(engine, object, change->schema, change->address);
	if (diags_error_count(engine->diags) > errors)
		return FALSE;
	g_autoptr(StateObject) before = state_object_copy(object);
	g_autofree char *id = engine_id_of(prior);
	g_autofree char *type = g_strdup(instance->type);
	g_autofree char *shown =
		deposed ? g_strdup_printf("%s (deposed object %s)", change->address, deposed)
			: g_strdup(change->address);
	engine_tell(engine, EVENT_DESTROYING, shown, id, 0);
	g_auto(Value) plain = value_unmark_deep(prior), left = VALUE_NOTHING;
	g_auto(Value) nothing = value_null(schema_block_type(change->schema->block));
	g_autoptr(Diags) own = diags_new();
	Running running;
	engine_begin_running(&running, shown, "destroying");
	if (!deposed && !before->tainted &&
		!engine_provision_destruction(engine, change->address, prior, &running))
		return FALSE;
	engine_let_go_on(engine, &running);
	gboolean fine = provider->class->apply(
		provider->provider, type, plain, nothing, nothing, &left, NULL, NULL, own);
	engine_come_back(engine, &running);
	engine_take_diags(engine, own, NULL, SOURCE_NOWHERE, change->address);
	if (!fine && !value_is_null(left)) {
		g_auto(Value) marked = engine_copy_marks(left, prior);
		state_object_set(before, marked, schema_block_type(change->schema->block));
		engine_put(engine, change->address, provider->address, deposed,
			g_steal_pointer(&before));
	}
	if (!fine)
		return FALSE;
	engine->counts.destroyed++;
	engine_tell(engine, EVENT_DESTROYED, change->address, NULL, engine_running_s(&running));
	return engine_put(engine, change->address, provider->address, deposed, NULL);
}

static gboolean destroys(const Change *change) {
	return change->managed &&
	       (change->action == CHANGE_DELETE || change->action == CHANGE_REPLACE ||
		       change->action == CHANGE_REPLACE_CREATE_FIRST);
}

static char **dependencies_of(Engine *engine, const Change *change) {
	if (change->dependencies)
		return change->dependencies;
	const StateInstance *instance = state_instance(engine->state, change->address);
	return instance && instance->current ? instance->current->dependencies : NULL;
}

/* ---- the order ---- */

typedef struct {
	Engine *engine;
	Order *order; /* NULL when all is destroyed */
	Graph *graph;
	GPtrArray *destructions; /* of Destruction* */
	GHashTable *by_resource; /* address without keys -> GPtrArray of Destruction* */
	GHashTable *resource_nodes; /* address without keys -> GraphNode* of the configuration */
} Ordering;

static void add_destructions(Ordering *ordering, const Plan *plan) {
	for (guint i = 0; i < plan->changes->len; i++) {
		const Change *change = plan->changes->pdata[i];
		if (!destroys(change))
			continue;
		Destruction *destruction = g_new0(Destruction, 1);
		destruction->change = change;
		g_autofree char *name = g_strdup_printf("%s (destroy)", change->address);
		destruction->node = graph_add(ordering->graph, name, destroy, destruction);
		g_ptr_array_add(ordering->destructions, destruction);
		char *plain = address_without_keys(change->address);
		GPtrArray *same = g_hash_table_lookup(ordering->by_resource, plain);
		if (!same) {
			same = g_ptr_array_new();
			g_hash_table_insert(ordering->by_resource, plain, same);
		} else
			g_free(plain);
		g_ptr_array_add(same, destruction);
	}
}

static void index_resources(Ordering *ordering) {
	GHashTableIter iter;
	gpointer key, node;
	g_hash_table_iter_init(&iter, ordering->order->nodes);
	while (g_hash_table_iter_next(&iter, &key, &node)) {
		const Resource *resource = key;
		g_autofree char *name = resource_name(resource);
		g_hash_table_insert(ordering->resource_nodes,
			*resource->module->path
				? g_strdup_printf("%s.%s", resource->module->path, name)
				: g_steal_pointer(&name),
			node);
	}
}

static gboolean comes_last(const Change *change) {
	return change->action == CHANGE_REPLACE_CREATE_FIRST ||
	       (change->action == CHANGE_DELETE && (change->deposed || change->create_first));
}

/* The node that stands for "all that depends on this resource is destroyed", so that n dependents
 * of m instances are n + m edges. */
static GraphNode *dependents_gone(Ordering *ordering, GHashTable *joins, const char *needed) {
	GraphNode *join = g_hash_table_lookup(joins, needed);
	GPtrArray *own = g_hash_table_lookup(ordering->by_resource, needed);
	if (join || !own)
		return join;
	g_autofree char *name = g_strdup_printf("%s (dependents)", needed);
	join = graph_add(ordering->graph, name, NULL, NULL);
	g_hash_table_insert(joins, (gpointer)needed, join);
	for (guint i = 0; i < own->len; i++)
		graph_depend(((Destruction *)own->pdata[i])->node, join);
	return join;
}

/* What depends on a thing is destroyed before it. */
static void order_destructions(Ordering *ordering) {
	g_autoptr(GHashTable) joins = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < ordering->destructions->len; i++) {
		const Destruction *dependent = ordering->destructions->pdata[i];
		g_autofree char *plain = address_without_keys(dependent->change->address);
		char **needs = dependencies_of(ordering->engine, dependent->change);
		for (; needs && *needs; needs++) {
			GraphNode *join = g_str_equal(plain, *needs)
						  ? NULL
						  : dependents_gone(ordering, joins, *needs);
			if (join)
				graph_depend(join, dependent->node);
		}
	}
}

/* The old object goes before the new one comes, and before what used it is changed; or, with
 * create_before_destroy, after both. */
static void order_against_configuration(Ordering *ordering) {
	for (guint i = 0; i < ordering->destructions->len; i++) {
		const Destruction *destruction = ordering->destructions->pdata[i];
		g_autofree char *plain = address_without_keys(destruction->change->address);
		GraphNode *own = g_hash_table_lookup(ordering->resource_nodes, plain);
		if (!own)
			continue;
		if (comes_last(destruction->change))
			graph_depend(destruction->node, own);
		else if (destruction->change->action == CHANGE_REPLACE)
			graph_depend(own, destruction->node);
	}
	GHashTableIter iter;
	gpointer key, node;
	g_hash_table_iter_init(&iter, ordering->order->nodes);
	while (g_hash_table_iter_next(&iter, &key, &node)) {
		char **needs = g_hash_table_lookup(ordering->engine->dependencies, key);
		for (; needs && *needs; needs++) {
			GPtrArray *needed = g_hash_table_lookup(ordering->by_resource, *needs);
			for (guint j = 0; needed && j < needed->len; j++) {
				const Destruction *destruction = needed->pdata[j];
				if (comes_last(destruction->change))
					graph_depend(destruction->node, node);
			}
		}
	}
}

/* Objects whose state says that they used what goes, and that are changed now so that they do not:
 * after it, unless it comes last. */
static void order_changed_dependents(Ordering *ordering, const Plan *plan) {
	/* Instances of one resource mostly need the same: once is enough. */
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < plan->changes->len; i++) {
		const Change *change = plan->changes->pdata[i];
		if (!change->managed || change->action == CHANGE_NONE || change->deposed)
			continue;
		g_autofree char *plain = address_without_keys(change->address);
		GraphNode *node = g_hash_table_lookup(ordering->resource_nodes, plain);
		char **needs = node ? dependencies_of(ordering->engine, change) : NULL;
		for (; needs && *needs; needs++) {
			if (!g_hash_table_add(seen, g_strdup_printf("%s %s", plain, *needs)))
				continue;
			GPtrArray *needed = g_hash_table_lookup(ordering->by_resource, *needs);
			for (guint j = 0; needed && j < needed->len; j++) {
				const Destruction *destruction = needed->pdata[j];
				if (comes_last(destruction->change))
					graph_depend(destruction->node, node);
				else
					graph_depend(node, destruction->node);
			}
		}
	}
}

GPtrArray *engine_add_destructions(Engine *engine, const Plan *plan, Order *order, Graph *graph) {
	GPtrArray *destructions = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) by_resource = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	g_autoptr(GHashTable) nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Ordering ordering = {engine, order, graph, destructions, by_resource, nodes};
	add_destructions(&ordering, plan);
	order_destructions(&ordering);
	if (order) {
		index_resources(&ordering);
		order_against_configuration(&ordering);
		order_changed_dependents(&ordering, plan);
	}
	return destructions;
}
