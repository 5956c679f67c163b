/*
 * Applies a plan: walks the configuration again, now with values that are known, and does what the
 * plan says. Every object is in the state's journal as soon as the provider has answered, whatever
 * the answer was.
 */
#include <string.h>

#include "engine/internal.h"

#define STILL_S 10

/* ---- the state ---- */

static gboolean put(Engine *engine, const char *address, const char *provider, const char *deposed,
	StateObject *object) {
	g_autoptr(GError) error = NULL;
	if (state_put(engine->state, address, provider, deposed, object, &error))
		return TRUE;
	Diag *diag =
		diags_gerror(engine->diags, SOURCE_NOWHERE, "Failed to write the state", error);
	diag->address = g_strdup(address);
	return FALSE;
}

static StateObject *object_of(const Job *job, Value value, gboolean tainted) {
	StateObject *object = state_object_new();
	state_object_set(object, value, schema_block_type(job->schema->block));
	object->schema_version = job->schema->version;
	object->tainted = tainted;
	const Change *change = g_hash_table_lookup(job->engine->changes, job->instance->address);
	object->create_before_destroy =
		job->resource->create_before_destroy || (change && change->create_first);
	char **dependencies = g_hash_table_lookup(job->engine->dependencies, job->resource);
	g_strfreev(object->dependencies);
	object->dependencies = g_strdupv(dependencies);
	return object;
}

/* ---- one object ---- */

typedef struct {
	const char *doing; /* "creating" */
	EngineEventKind begun, ended;
} Verb;

static const Verb creating = {"creating", EVENT_CREATING, EVENT_CREATED};
static const Verb updating = {"modifying", EVENT_UPDATING, EVENT_UPDATED};
static const Verb destroying = {"destroying", EVENT_DESTROYING, EVENT_DESTROYED};

static gint64 seconds_since(gint64 monotonic) {
	return (g_get_monotonic_time() - monotonic) / G_USEC_PER_SEC;
}

/* What a provider tells of an object that it is still creating: tainted until it is whole. Called
 * without the engine's lock. */
static void keep_early(Value state, gpointer data) {
	const Job *job = data;
	if (value_is_null(state))
		return;
	g_mutex_lock(&job->engine->lock);
	put(job->engine, job->instance->address, job->provider->address, NULL,
		object_of(job, state, TRUE));
	g_mutex_unlock(&job->engine->lock);
}

/* Lets the provider make it so, and keeps what it answers as the job's object. */
static gboolean carry_out(
	Job *job, const Verb *verb, Value prior, Value planned, Value config, Value *state) {
	Engine *engine = job->engine;
	const char *address = job->instance->address;
	g_autofree char *old_id = engine_id_of(prior);
	engine_tell(engine, verb->begun, address, old_id, 0);
	g_autoptr(Diags) own = diags_new();
	g_auto(Value) plain_prior = value_unmark_deep(prior);
	g_auto(Value) plain = value_unmark_deep(planned), plain_config = value_unmark_deep(config);
	g_auto(Value) made = VALUE_NOTHING;
	const ProviderKeeper keeper = {keep_early, job};
	Running running;
	engine_let_go(engine, &running, address, verb->doing);
	gboolean fine = job->provider->class->apply(job->provider->provider, job->resource->type,
		plain_prior, plain, plain_config, &made, &keeper, NULL, own);
	engine_come_back(engine, &running);
	engine_take_diags(engine, own, job->resource->body, job->resource->range, address);
	g_auto(Value) copied = engine_copy_marks(made, config);
	*state = engine_mark_by_schema(copied, job->schema->block);
	if (value_is_null(*state)) {
		/* It may have been there for a while. */
		if (value_is_null(prior) &&
			!put(engine, address, job->provider->address, NULL, NULL))
			return FALSE;
		return fine;
	}
	fine &= put(engine, address, job->provider->address, NULL,
		object_of(job, *state, !fine && value_is_null(prior)));
	g_autofree char *id = engine_id_of(*state);
	if (fine)
		engine_tell(engine, verb->ended, address, id, seconds_since(running.started));
	return fine;
}

static gboolean inconsistent(Job *job, const char *why) {
	Diag *diag = diags_error(job->engine->diags, job->resource->range,
		"Provider produced inconsistent final plan",
		"When expanding the plan for %s to include new values learned so far during apply, "
		"%s. "
		"Plan again and apply that.",
		job->instance->address, why);
	diag->address = g_strdup(job->instance->address);
	return FALSE;
}

static gboolean plan_again(Job *job, Value prior, Value config, Value *planned) {
	g_autoptr(Diags) own = diags_new();
	g_auto(ProviderPlan) plan = {VALUE_NOTHING, VALUE_NOTHING};
	g_auto(Value) plain_prior = value_unmark_deep(prior), plain = value_unmark_deep(config);
	g_auto(Value) proposed = engine_propose(job->schema->block, plain_prior, plain);
	gboolean fine = job->provider->class->plan(job->provider->provider, job->resource->type,
		plain_prior, plain, proposed, &plan, own);
	engine_take_diags(job->engine, own, job->resource->body, job->resource->range,
		job->instance->address);
	if (!fine)
		return FALSE;
	if (!value_is_null(prior) && value_length(plan.requires_replace) > 0)
		return inconsistent(job, "it turned out that it must be replaced");
	*planned = value_ref(plan.planned);
	return TRUE;
}

static gboolean finish(Job *job, Value state_taken) {
	g_auto(Value) state = state_taken;
	expansion_set_value(job->expansion, job->instance, value_ref(state));
	EvalScope scope =
		engine_instance_scope(job->engine, job->module, job->resource, job->instance);
	scope.self = state;
	scope.has_self = TRUE;
	return engine_check_conditions(job->engine, &scope, job->resource->postconditions,
		"Resource postcondition failed", job->instance->address);
}

static gboolean make(Job *job, const Change *change, Value config) {
	Engine *engine = job->engine;
	g_auto(Value) planned = VALUE_NOTHING, state = VALUE_NOTHING;
	const char *deposed = NULL;
	g_autofree char *key = NULL;
	if (!plan_again(job, VALUE_NOTHING, config, &planned))
		return FALSE;
	const StateInstance *old = state_instance(engine->state, job->instance->address);
	if (change->action == CHANGE_REPLACE_CREATE_FIRST && old && old->current) {
		deposed = state_depose(engine->state, job->instance->address, NULL);
		key = g_strdup(deposed);
		g_hash_table_insert(
			engine->deposed, g_strdup(job->instance->address), g_strdup(key));
	}
	gboolean fine = carry_out(job, &creating, VALUE_NOTHING, planned, config, &state);
	if (!fine && key && value_is_null(state))
		state_restore(engine->state, job->instance->address, key, NULL);
	engine->counts.added += fine;
	return fine && finish(job, value_steal(&state));
}

static gboolean change_in_place(Job *job, Value config) {
	Engine *engine = job->engine;
	const StateInstance *instance = state_instance(engine->state, job->instance->address);
	g_return_val_if_fail(instance && instance->current, FALSE);
	g_auto(Value) prior =
		engine_object_value(engine, instance->current, job->schema, job->instance->address);
	g_auto(Value) kept = engine_ignore_changes(job->resource, job->schema, prior, config);
	g_auto(Value) planned = VALUE_NOTHING, state = VALUE_NOTHING;
	if (!plan_again(job, prior, kept, &planned))
		return FALSE;
	g_auto(Value) plain = value_unmark_deep(prior);
	if (value_equal(planned, plain))
		return finish(job, value_steal(&prior));
	gboolean fine = carry_out(job, &updating, prior, planned, kept, &state);
	engine->counts.changed += fine;
	return fine && finish(job, value_steal(&state));
}

/* ---- instances ---- */

static gboolean keep(Job *job) {
	Engine *engine = job->engine;
	const StateInstance *instance = state_instance(engine->state, job->instance->address);
	if (!instance || !instance->current)
		return TRUE;
	Value value =
		engine_object_value(engine, instance->current, job->schema, job->instance->address);
	char **dependencies = g_hash_table_lookup(engine->dependencies, job->resource);
	gboolean same = !job->resource->managed ||
			(g_strv_equal((const char *const *)instance->current->dependencies,
				 (const char *const *)dependencies) &&
				instance->current->create_before_destroy >=
					job->resource->create_before_destroy);
	expansion_set_value(job->expansion, job->instance, value);
	return same || put(engine, job->instance->address, job->provider->address, NULL,
			       object_of(job, value, instance->current->tainted));
}

static gboolean apply_instance(GraphNode *node, gpointer data) {
	g_autoptr(Job) job = data;
	Engine *engine = job->engine;
	const Change *change = g_hash_table_lookup(engine->changes, job->instance->address);
	if (!change || change->action == CHANGE_NONE)
		return keep(job);
	if (g_cancellable_is_cancelled(engine->cancellable))
		return FALSE;
	g_auto(Value) config = VALUE_NOTHING;
	if (!engine_job_config(job, &config))
		return FALSE;
	switch (change->action) {
	case CHANGE_READ:
		return engine_read_data(job, config);
	case CHANGE_UPDATE:
		return change_in_place(job, config);
	default:
		return make(job, change, config);
	}
}

static gboolean apply_resource(GraphNode *node, gpointer data) {
	Engine *engine = graph_data(graph_of(node));
	return engine_each_instance(engine, node, data, apply_instance);
}

/* ---- destruction ---- */

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
	engine_tell(engine, destroying.begun, shown, id, 0);
	g_auto(Value) plain = value_unmark_deep(prior), left = VALUE_NOTHING;
	g_auto(Value) nothing = value_null(schema_block_type(change->schema->block));
	g_autoptr(Diags) own = diags_new();
	Running running;
	engine_let_go(engine, &running, shown, destroying.doing);
	gboolean fine = provider->class->apply(
		provider->provider, type, plain, nothing, nothing, &left, NULL, NULL, own);
	engine_come_back(engine, &running);
	engine_take_diags(engine, own, NULL, SOURCE_NOWHERE, change->address);
	if (!fine && !value_is_null(left)) {
		g_auto(Value) marked = engine_copy_marks(left, prior);
		state_object_set(before, marked, schema_block_type(change->schema->block));
		put(engine, change->address, provider->address, deposed, g_steal_pointer(&before));
	}
	if (!fine)
		return FALSE;
	engine->counts.destroyed++;
	engine_tell(
		engine, destroying.ended, change->address, NULL, seconds_since(running.started));
	return put(engine, change->address, provider->address, deposed, NULL);
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

/* ---- "Still creating..." ---- */

typedef struct {
	Engine *engine;
	gboolean ended;
	GCond cond;
} Ticker;

static gpointer tick(gpointer data) {
	Ticker *ticker = data;
	Engine *engine = ticker->engine;
	g_mutex_lock(&engine->lock);
	while (!ticker->ended) {
		gint64 now = g_get_monotonic_time();
		for (guint i = 0; i < engine->running->len; i++) {
			Running *running = engine->running->pdata[i];
			if (!running->verb || now - running->told < STILL_S * G_USEC_PER_SEC)
				continue;
			running->told = now;
			engine_tell(engine, EVENT_STILL, running->address, running->verb,
				seconds_since(running->started));
		}
		g_cond_wait_until(&ticker->cond, &engine->lock, now + G_USEC_PER_SEC / 4);
	}
	g_mutex_unlock(&engine->lock);
	return NULL;
}

static gboolean walk(Engine *engine, Graph *graph) {
	Ticker ticker = {.engine = engine};
	g_cond_init(&ticker.cond);
	GThread *thread = g_thread_new("still", tick, &ticker);
	gboolean fine = graph_walk(graph, engine->options.parallelism, &engine->lock);
	ticker.ended = TRUE;
	g_cond_signal(&ticker.cond);
	g_mutex_unlock(&engine->lock);
	g_thread_join(thread);
	g_mutex_lock(&engine->lock);
	g_cond_clear(&ticker.cond);
	return fine;
}

/* ---- the whole ---- */

/* Data sources that the configuration no longer has, and all of them after a destroy, only leave
 * the state. */
static void drop_data(Engine *engine, gboolean all) {
	g_autoptr(GPtrArray) instances = state_sorted(engine->state);
	for (guint i = 0; i < instances->len; i++) {
		const StateInstance *instance = instances->pdata[i];
		if (instance->managed)
			continue;
		g_autofree char *plain = address_without_keys(instance->address);
		gboolean known = FALSE;
		for (guint m = 0; !known && m < engine->config->modules->len; m++) {
			const Module *module = engine->config->modules->pdata[m];
			const char *name = plain + strlen(module->path) + (*module->path != 0);
			known = g_str_has_prefix(plain, module->path) &&
				g_hash_table_contains(module->resource_index, name);
		}
		g_autofree char *address = g_strdup(instance->address);
		if (all || !known)
			put(engine, address, instance->provider, NULL, NULL);
	}
}

static void keep_outputs(Engine *engine, const Plan *plan) {
	for (guint i = 0; i < plan->outputs->len; i++) {
		const OutputChange *change = plan->outputs->pdata[i];
		if (change->action == CHANGE_DELETE)
			state_remove_output(engine->state, change->name);
	}
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, engine->config->root->outputs);
	while (plan->mode != PLAN_DESTROY && g_hash_table_iter_next(&iter, &name, &value)) {
		const Output *output = value;
		g_auto(Value) marked = engine_output(engine, engine->root, output);
		g_auto(Value) plain = value_unmark_deep(marked);
		if (value_is_null(plain))
			state_remove_output(engine->state, name);
		else if (value_is_wholly_known(plain))
			state_put_output(engine->state, name, plain, output->sensitive);
	}
}

static gboolean run(Engine *engine, Plan *plan) {
	gboolean all_goes = plan->mode == PLAN_DESTROY;
	g_autoptr(Order) order = all_goes ? NULL : engine_order(engine, apply_resource);
	if (!all_goes && !order)
		return FALSE;
	if (order)
		engine_note_dependencies(engine, order);
	g_autoptr(Graph) own = all_goes ? graph_new() : NULL;
	g_autoptr(GPtrArray) destructions = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) by_resource = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	g_autoptr(GHashTable) nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Ordering ordering = {
		engine, order, order ? order->graph : own, destructions, by_resource, nodes};
	graph_set_data(ordering.graph, engine);
	add_destructions(&ordering, plan);
	order_destructions(&ordering);
	if (order) {
		index_resources(&ordering);
		order_against_configuration(&ordering);
		order_changed_dependents(&ordering, plan);
	}
	g_auto(GStrv) cycle = graph_cycle(ordering.graph);
	if (cycle) {
		g_autofree char *names = g_strjoinv(", ", cycle);
		diags_error(engine->diags, SOURCE_NOWHERE, "Cycle",
			"What is to be created and destroyed has no order: %s.", names);
		return FALSE;
	}
	return walk(engine, ordering.graph);
}

static void index_changes(Engine *engine, const Plan *plan) {
	engine->changes = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < plan->changes->len; i++) {
		Change *change = plan->changes->pdata[i];
		if (!change->deposed)
			g_hash_table_insert(engine->changes, change->address, change);
	}
}

/* What only leaves the state; and imported objects, which are in it since it was attached. */
static gboolean forget_objects(Engine *engine, const Plan *plan) {
	for (guint i = 0; i < plan->changes->len; i++) {
		const Change *change = plan->changes->pdata[i];
		if (change->action == CHANGE_FORGET &&
			!put(engine, change->address, change->provider, NULL, NULL))
			return FALSE;
		if (!change->imported)
			continue;
		g_autofree char *id = g_strdup_printf("[id=%s]", change->imported);
		engine_tell(engine, EVENT_IMPORTING, change->address, id, 0);
		engine_tell(engine, EVENT_IMPORTED, change->address, id, 0);
		engine->counts.imported++;
	}
	return TRUE;
}

gboolean engine_apply(Engine *engine, Plan *plan, ApplyCounts *counts) {
	g_mutex_lock(&engine->lock);
	guint errors = diags_error_count(engine->diags);
	engine->counts = (ApplyCounts){0};
	engine_begin_walk(engine, plan->mode == PLAN_DESTROY ? PHASE_DESTROY : PHASE_APPLY);
	index_changes(engine, plan);
	engine->deposed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	gboolean all_destroyed = plan->mode == PLAN_DESTROY;
	gboolean fine = engine_attach_state(engine) && forget_objects(engine, plan) &&
			(plan->mode == PLAN_REFRESH_ONLY || run(engine, plan));
	if (plan->mode == PLAN_REFRESH_ONLY)
		engine->phase = PHASE_DESTROY;
	if (fine && !all_destroyed)
		engine_run_checks(engine, engine->diags);
	engine_warn_of_forgotten(plan, engine->diags);
	if (fine) {
		drop_data(engine, plan->mode == PLAN_DESTROY && !engine->targets);
		if (plan->mode != PLAN_REFRESH_ONLY)
			keep_outputs(engine, plan);
	}
	g_autoptr(GError) error = NULL;
	state_touch(engine->state);
	if (!state_fold(engine->state, &error))
		diags_gerror(engine->diags, SOURCE_NOWHERE, "Failed to write the state", error);
	if (g_cancellable_is_cancelled(engine->cancellable))
		diags_error(engine->diags, SOURCE_NOWHERE, "execution halted",
			"The operation was interrupted; what was done until then is in the state.");
	g_clear_pointer(&engine->changes, g_hash_table_unref);
	g_clear_pointer(&engine->deposed, g_hash_table_unref);
	*counts = engine->counts;
	g_mutex_unlock(&engine->lock);
	return fine && diags_error_count(engine->diags) == errors;
}
