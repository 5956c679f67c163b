/*
 * Plans: what is there is read (refresh.c), what is wanted evaluated, and the provider says what
 * would change; then comes what is to go (removal.c), and the outputs. Must never change an object,
 * nor write the state.
 */
#include "engine/internal.h"

/* ---- instances of a walk ---- */

void engine_job_free(Job *job) {
	g_free(job);
}

gboolean engine_each_instance(
	Engine *engine, GraphNode *node, const Resource *resource, GraphRun run) {
	g_autoptr(GPtrArray) modules = engine_module_instances(engine, resource->module);
	guint errors = diags_error_count(engine->diags);
	ProviderInstance *provider;
	const Schema *schema;
	if (!engine_find_type(engine, resource, &provider, &schema))
		return FALSE;
	if (!schema)
		return engine_expect_none(engine, modules, resource);
	if (!engine_provider_ready(engine, provider))
		return FALSE;
	for (guint i = 0; i < modules->len; i++) {
		ModuleInstance *module = modules->pdata[i];
		Expansion *expansion = engine_expand(engine, module, resource);
		for (guint j = 0; expansion && j < expansion->instances->len; j++) {
			Job *job = g_new0(Job, 1);
			*job = (Job){engine, module, resource, expansion,
				expansion->instances->pdata[j], provider, schema};
			graph_spawn(node, run, job);
		}
	}
	return diags_error_count(engine->diags) == errors;
}

gboolean engine_job_config(Job *job, Value *config) {
	Engine *engine = job->engine;
	guint errors = diags_error_count(engine->diags);
	EvalScope scope = engine_instance_scope(engine, job->module, job->resource, job->instance);
	g_autoptr(Diags) own = diags_new();
	*config = engine_decode(
		&scope, job->resource->body, job->schema->block, engine_resource_meta, own);
	if (!diags_has_errors(own)) {
		g_auto(Value) plain = value_unmark_deep(*config);
		const ProviderClass *class = job->provider->class;
		void (*validate)(Provider *, const char *, Value, Diags *) =
			job->resource->managed ? class->validate_resource : class->validate_data;
		if (validate)
			validate(job->provider->provider, job->resource->type, plain, own);
	}
	engine_take_diags(
		engine, own, job->resource->body, job->resource->range, job->instance->address);
	return diags_error_count(engine->diags) == errors;
}

/* ---- targets ---- */

gboolean engine_targets(const Engine *engine, const char *address) {
	for (guint i = 0; engine->targets && i < engine->targets->len; i++)
		if (address_covers(engine->targets->pdata[i], address))
			return TRUE;
	return engine->targets == NULL;
}

/* Whether a target is about the resource at all, whatever the keys. */
static gboolean targets_resource(const Engine *engine, const Resource *resource) {
	g_autofree char *name = resource_name(resource);
	g_autofree char *address = *resource->module->path
					   ? g_strdup_printf("%s.%s", resource->module->path, name)
					   : g_strdup(name);
	for (guint i = 0; i < engine->targets->len; i++) {
		const Address *target = engine->targets->pdata[i];
		g_autofree char *plain =
			target->type ? g_strdup_printf("%s%s%s%s.%s", target->module_config,
					       *target->module_config ? "." : "",
					       target->managed ? "" : "data.", target->type,
					       target->name)
				     : g_strdup(target->module_config);
		g_autofree char *below = g_strdup_printf("%s.", plain);
		if (g_str_equal(plain, address) ||
			(!target->type && g_str_has_prefix(address, below)))
			return TRUE;
	}
	return FALSE;
}

static void choose_targets(Engine *engine, const Order *order) {
	GHashTableIter iter;
	gpointer resource, node;
	g_hash_table_iter_init(&iter, order->nodes);
	while (g_hash_table_iter_next(&iter, &resource, &node))
		if (targets_resource(engine, resource))
			graph_choose(node);
	graph_keep_chosen(order->graph);
}

/* ---- one instance ---- */

Change *engine_plan_change(const Job *job, ChangeAction action) {
	Change *change = change_new(job->instance->address, action);
	change->provider = g_strdup(job->provider->address);
	change->managed = job->resource->managed;
	change->type = g_strdup(job->resource->type);
	change->name = g_strdup(job->resource->name);
	change->schema = job->schema;
	change->create_first = job->resource->create_before_destroy;
	change->moved_from = g_strdup(g_hash_table_lookup(job->engine->moved, change->address));
	change->imported = g_strdup(g_hash_table_lookup(job->engine->imports, change->address));
	g_ptr_array_add(job->engine->plan->changes, change);
	return change;
}

static gboolean ask_plan(Job *job, Value prior, Value config, ProviderPlan *plan) {
	Engine *engine = job->engine;
	guint errors = diags_error_count(engine->diags);
	g_autoptr(Diags) own = diags_new();
	g_auto(Value) plain_prior = value_unmark_deep(prior), plain = value_unmark_deep(config);
	g_auto(Value) proposed = engine_propose(job->schema->block, plain_prior, plain);
	gboolean fine = job->provider->class->plan(job->provider->provider, job->resource->type,
		plain_prior, plain, proposed, plan, own);
	engine_take_diags(
		engine, own, job->resource->body, job->resource->range, job->instance->address);
	return fine && diags_error_count(engine->diags) == errors;
}

static ChangeReason replace_reason(const Job *job, const ProviderPlan *plan, Value prior) {
	const StateInstance *instance = state_instance(job->engine->state, job->instance->address);
	if (value_is_null(prior))
		return REASON_NONE;
	if (instance && instance->current && instance->current->tainted)
		return REASON_TAINTED;
	if (g_hash_table_contains(job->engine->replaced, job->instance->address))
		return REASON_REQUESTED;
	if (value_length(plan->requires_replace) > 0)
		return REASON_CANNOT_UPDATE;
	return engine_is_triggered(job) ? REASON_TRIGGERED : REASON_NONE;
}

gboolean engine_refuse_destroy(Engine *engine, const Resource *resource, const char *address) {
	Diag *diag = diags_error(engine->diags, resource->range, "Instance cannot be destroyed",
		"Resource %s has lifecycle.prevent_destroy set, but the plan calls for this "
		"resource "
		"to be destroyed. To avoid this error and continue with the plan, either disable "
		"lifecycle.prevent_destroy or reduce the scope of the plan using the -target "
		"option.",
		address);
	diag->address = NULL;
	return FALSE;
}

/* Whether we can run what is to run when the object is created, and before the old one goes. */
static gboolean can_provision(const Job *job, ChangeAction action, ChangeReason reason) {
	const char *address = job->instance->address;
	gboolean creates = action != CHANGE_NONE && action != CHANGE_UPDATE;
	gboolean destroys = action == CHANGE_REPLACE && reason != REASON_TAINTED;
	return (!creates || engine_check_provisioners(
				    job->engine, job->resource->provisioners, FALSE, address)) &&
	       (!destroys || engine_check_destruction(job->engine, address));
}

static gboolean settle(Job *job, Value prior, Value config, ProviderPlan *plan) {
	Engine *engine = job->engine;
	ChangeReason reason = replace_reason(job, plan, prior);
	g_auto(Value) requires_replace = value_ref(plan->requires_replace);
	g_auto(Value) plain_prior = value_unmark_deep(prior);
	if (reason != REASON_NONE) {
		if (job->resource->prevent_destroy)
			engine_refuse_destroy(engine, job->resource, job->instance->address);
		provider_plan_clear(plan);
		if (!ask_plan(job, VALUE_NOTHING, config, plan))
			return FALSE;
	}
	ChangeAction action = value_is_null(prior)    ? CHANGE_CREATE
			      : reason != REASON_NONE ? job->resource->create_before_destroy
								? CHANGE_REPLACE_CREATE_FIRST
								: CHANGE_REPLACE
			      : value_equal(plain_prior, plan->planned) ? CHANGE_NONE
									: CHANGE_UPDATE;
	Change *change = engine_plan_change(job, action);
	change->reason = reason;
	g_auto(Value) copied = engine_copy_marks(plan->planned, config);
	change->before = value_ref(prior);
	change->after = engine_mark_by_schema(copied, job->schema->block);
	change->requires_replace = value_steal(&requires_replace);
	expansion_set_value(job->expansion, job->instance, value_ref(change->after));
	EvalScope scope = engine_instance_scope(engine, job->module, job->resource, job->instance);
	scope.self = change->after;
	scope.has_self = TRUE;
	gboolean refused = reason != REASON_NONE && job->resource->prevent_destroy;
	if (refused || !can_provision(job, action, reason))
		return FALSE;
	return engine_check_conditions(
		engine, &scope, job->resource->postconditions, "Resource postcondition");
}

static gboolean plan_managed(Job *job, Value prior, Value config) {
	g_auto(Value) kept = engine_ignore_changes(job->resource, job->schema, prior, config);
	g_auto(ProviderPlan) plan = {VALUE_NOTHING, VALUE_NOTHING};
	return ask_plan(job, prior, kept, &plan) && settle(job, prior, kept, &plan);
}

/* An instance that the operation is not about: as the state has it. */
static gboolean leave(Job *job) {
	StateInstance *instance = state_instance(job->engine->state, job->instance->address);
	if (instance && instance->current)
		expansion_set_value(job->expansion, job->instance,
			engine_object_value(job->engine, instance->current, job->schema,
				job->instance->address));
	return TRUE;
}

static gboolean plan_instance(GraphNode *node, gpointer data) {
	g_autoptr(Job) job = data;
	Engine *engine = job->engine;
	const char *address = job->instance->address;
	if (engine->targets && targets_resource(engine, job->resource) &&
		!engine_targets(engine, address))
		return leave(job);
	g_auto(Value) prior = VALUE_NOTHING, config = VALUE_NOTHING;
	const char *id = g_hash_table_lookup(engine->imports, address);
	if (id && !engine_import_object(engine, address, job->provider, job->resource->type,
			  job->schema, job->resource->range, id))
		return FALSE;
	if (job->resource->managed && !engine_refresh(engine, address, job->provider, job->schema,
					      job->resource->range, &prior))
		return FALSE;
	if (id && value_is_null(prior))
		return engine_refuse_missing_import(engine, address, job->resource->range);
	if (engine->options.mode == PLAN_REFRESH_ONLY && job->resource->managed) {
		expansion_set_value(job->expansion, job->instance, value_steal(&prior));
		return TRUE;
	}
	EvalScope scope = engine_instance_scope(engine, job->module, job->resource, job->instance);
	if (!engine_check_conditions(
		    engine, &scope, job->resource->preconditions, "Resource precondition") ||
		!engine_job_config(job, &config))
		return FALSE;
	return job->resource->managed ? plan_managed(job, prior, config)
				      : engine_plan_data(job, config);
}

static gboolean plan_resource(GraphNode *node, gpointer data) {
	const Resource *resource = data;
	Engine *engine = graph_data(graph_of(node));
	return !g_cancellable_is_cancelled(engine->cancellable) &&
	       engine_each_instance(engine, node, resource, plan_instance);
}

/* ---- outputs ---- */

static void plan_output(Engine *engine, const char *name, Value after, gboolean sensitive) {
	const StateOutput *before = g_hash_table_lookup(engine->state->outputs, name);
	gboolean there = !value_is_null(after);
	if (!before && !there)
		return;
	OutputChange *change = g_new0(OutputChange, 1);
	change->name = g_strdup(name);
	change->before = before ? value_ref(before->value) : VALUE_NOTHING;
	change->after = value_ref(after);
	change->sensitive = sensitive || (before && before->sensitive);
	g_auto(Value) plain = value_unmark_deep(after);
	change->action = !before  ? CHANGE_CREATE
			 : !there ? CHANGE_DELETE
			 : value_equal(before->value, plain) && before->sensitive == sensitive
				 ? CHANGE_NONE
				 : CHANGE_UPDATE;
	g_ptr_array_add(engine->plan->outputs, change);
}

static void plan_outputs(Engine *engine) {
	gboolean destroy = engine->options.mode == PLAN_DESTROY;
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, engine->config->root->outputs);
	while (!destroy && g_hash_table_iter_next(&iter, &name, &value)) {
		const Output *output = value;
		g_auto(Value) after = engine_output(engine, engine->root, output);
		plan_output(engine, name, after, output->sensitive);
	}
	if (destroy && engine->targets)
		return;
	g_hash_table_iter_init(&iter, engine->state->outputs);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (destroy || !g_hash_table_contains(engine->config->root->outputs, name))
			plan_output(engine, name, VALUE_NOTHING, ((StateOutput *)value)->sensitive);
}

/* ---- the whole ---- */

static Value given_variables(Engine *engine) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, engine->given);
	while (g_hash_table_iter_next(&iter, &name, &value))
		value_builder_set_take(all, name, value_ref(((GivenVariable *)value)->value));
	return value_builder_end(g_steal_pointer(&all));
}

static void check_variables(Engine *engine) {
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, engine->config->root->variables);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		g_auto(Value) ignored = engine_variable(engine, engine->root, value);
		(void)ignored;
	}
}

static gboolean walk_configuration(Engine *engine) {
	g_autoptr(Order) order = engine_order(engine, plan_resource);
	if (!order)
		return FALSE;
	engine_note_dependencies(engine, order);
	if (engine->targets)
		choose_targets(engine, order);
	graph_set_data(order->graph, engine);
	return graph_walk(order->graph, engine->options.parallelism, &engine->lock);
}

/* create_before_destroy holds for what such a resource depends on too: else there would be no order
 * in which to do it. */
static void spread_create_first(Engine *engine) {
	g_autoptr(GHashTable) first = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GHashTableIter iter;
	gpointer resource, dependencies;
	g_hash_table_iter_init(&iter, engine->dependencies);
	while (g_hash_table_iter_next(&iter, &resource, &dependencies))
		for (char **each = dependencies;
			((const Resource *)resource)->create_before_destroy && *each; each++)
			g_hash_table_add(first, g_strdup(*each));
	for (guint i = 0; i < engine->plan->changes->len; i++) {
		Change *change = engine->plan->changes->pdata[i];
		g_autofree char *plain = address_without_keys(change->address);
		if (!g_hash_table_contains(first, plain))
			continue;
		change->create_first = TRUE;
		if (change->action == CHANGE_REPLACE)
			change->action = CHANGE_REPLACE_CREATE_FIRST;
	}
}

/* Nothing is planned without the values that nobody gave. */
static gboolean lacks_variables(Engine *engine) {
	gboolean lacks = FALSE;
	if (engine->options.mode == PLAN_DESTROY)
		return FALSE;
	GHashTableIter iter;
	gpointer name, variable;
	g_hash_table_iter_init(&iter, engine->config->root->variables);
	while (g_hash_table_iter_next(&iter, &name, &variable)) {
		if (((const Variable *)variable)->fallback ||
			g_hash_table_contains(engine->given, name))
			continue;
		lacks = TRUE;
		engine_refuse_variable(engine, variable);
	}
	return lacks;
}

Plan *engine_plan(Engine *engine) {
	gboolean collected = engine_collect_variables(engine);
	if ((collected && !engine_validate(engine)) || lacks_variables(engine) || !collected)
		return NULL;
	g_mutex_lock(&engine->lock);
	gboolean destroy = engine->options.mode == PLAN_DESTROY;
	engine_begin_walk(engine, destroy ? PHASE_DESTROY : PHASE_PLAN);
	engine->plan = plan_new(engine->options.mode);
	engine->plan->variables = given_variables(engine);
	guint errors = diags_error_count(engine->diags);
	if (!destroy)
		check_variables(engine);
	engine_detach_state(engine);
	gboolean fine = diags_error_count(engine->diags) == errors && engine_check_moves(engine) &&
			engine_move(engine);
	fine = fine && (destroy || engine_note_imports(engine));
	fine = fine && (destroy || walk_configuration(engine));
	fine = fine && (engine->options.mode == PLAN_REFRESH_ONLY || engine_plan_removals(engine));
	if (fine && !destroy && !engine->targets)
		engine_evaluate_all_names(engine);
	if (fine)
		plan_outputs(engine);
	if (fine && !destroy)
		engine_run_checks(engine, engine->plan->warnings);
	spread_create_first(engine);
	plan_sort(engine->plan);
	Plan *plan = g_steal_pointer(&engine->plan);
	engine_warn_of_forgotten(plan, plan->warnings);
	plan->errored = !fine || diags_error_count(engine->diags) > errors;
	g_mutex_unlock(&engine->lock);
	return plan;
}
