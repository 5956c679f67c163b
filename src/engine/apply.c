/*
 * Applies a plan: walks the configuration again, now with values that are known, and does what the
 * plan says. Every object is in the state's journal as soon as the provider has answered, whatever
 * the answer was.
 */
#include <string.h>

#include "engine/internal.h"

/* ---- the state ---- */

gboolean engine_put(Engine *engine, const char *address, const char *provider, const char *deposed,
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

/* What a provider tells of an object that it is still creating: tainted until it is whole. Called
 * without the engine's lock. */
static void keep_early(Value state, gpointer data) {
	const Job *job = data;
	if (value_is_null(state))
		return;
	g_mutex_lock(&job->engine->lock);
	engine_put(job->engine, job->instance->address, job->provider->address, NULL,
		object_of(job, state, TRUE));
	g_mutex_unlock(&job->engine->lock);
}

/* Runs what is to run once the object is there, which is tainted until that has been done. */
static gboolean provision(Job *job, Value state, Running *running) {
	Engine *engine = job->engine;
	const char *address = job->instance->address;
	expansion_set_value(job->expansion, job->instance, value_ref(state));
	EvalScope scope = engine_instance_scope(engine, job->module, job->resource, job->instance);
	scope.self = state;
	scope.has_self = TRUE;
	return engine_provision(
		       engine, &scope, job->resource->provisioners, FALSE, address, running) &&
	       engine_put(
		       engine, address, job->provider->address, NULL, object_of(job, state, FALSE));
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
			!engine_put(engine, address, job->provider->address, NULL, NULL))
			return FALSE;
		return fine;
	}
	gboolean creating = value_is_null(prior);
	gboolean provisions =
		fine && creating && engine_provisions(job->resource->provisioners, FALSE);
	fine &= engine_put(engine, address, job->provider->address, NULL,
		object_of(job, *state, creating && (!fine || provisions)));
	if (fine && provisions)
		fine = provision(job, *state, &running);
	g_autofree char *id = engine_id_of(*state);
	if (fine)
		engine_tell(engine, verb->ended, address, id, engine_running_s(&running));
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
	return engine_check_conditions(
		job->engine, &scope, job->resource->postconditions, "Resource postcondition");
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
	return same || engine_put(engine, job->instance->address, job->provider->address, NULL,
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
			engine_put(engine, address, instance->provider, NULL, NULL);
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
	Graph *graph = order ? order->graph : own;
	graph_set_data(graph, engine);
	g_autoptr(GPtrArray) destructions = engine_add_destructions(engine, plan, order, graph);
	g_auto(GStrv) cycle = graph_cycle(graph);
	if (cycle) {
		g_autofree char *names = g_strjoinv(", ", cycle);
		diags_error(engine->diags, SOURCE_NOWHERE, "Cycle",
			"What is to be created and destroyed has no order: %s.", names);
		return FALSE;
	}
	return engine_walk_telling(engine, graph);
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
			!engine_put(engine, change->address, change->provider, NULL, NULL))
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
	if (fine && plan->mode == PLAN_NORMAL && !engine->targets)
		engine_evaluate_all_names(engine);
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
