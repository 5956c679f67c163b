/*
 * Plans: what is there is read, what is wanted evaluated, and the provider says what would change.
 * Must never change an object, nor write the state.
 */
#include <string.h>

#include "engine/internal.h"

Change *change_new(const char *address, ChangeAction action) {
	Change *change = g_new0(Change, 1);
	change->address = g_strdup(address);
	change->action = action;
	return change;
}

void change_free(gpointer data) {
	Change *change = data;
	g_free(change->address);
	g_free(change->deposed);
	g_free(change->provider);
	g_free(change->type);
	g_free(change->name);
	g_free(change->moved_from);
	g_free(change->imported);
	g_strfreev(change->dependencies);
	value_clear(&change->before);
	value_clear(&change->after);
	value_clear(&change->requires_replace);
	g_free(change);
}

static void output_change_free(gpointer data) {
	OutputChange *change = data;
	g_free(change->name);
	value_clear(&change->before);
	value_clear(&change->after);
	g_free(change);
}

Plan *plan_new(PlanMode mode) {
	Plan *plan = g_new0(Plan, 1);
	plan->mode = mode;
	plan->changes = g_ptr_array_new_with_free_func(change_free);
	plan->drift = g_ptr_array_new_with_free_func(change_free);
	plan->outputs = g_ptr_array_new_with_free_func(output_change_free);
	plan->warnings = diags_new();
	return plan;
}

void plan_free(Plan *plan) {
	if (!plan)
		return;
	g_ptr_array_unref(plan->changes);
	g_ptr_array_unref(plan->drift);
	g_ptr_array_unref(plan->outputs);
	diags_free(plan->warnings);
	value_clear(&plan->variables);
	g_free(plan);
}

/* ---- instances of a walk ---- */

void engine_job_free(Job *job) {
	g_free(job);
}

gboolean engine_each_instance(
	Engine *engine, GraphNode *node, const Resource *resource, GraphRun run) {
	g_autoptr(GPtrArray) modules = engine_module_instances(engine, resource->module);
	guint errors = diags_error_count(engine->diags);
	ProviderInstance *provider = engine_provider_of(engine, resource);
	const Schema *schema =
		provider ? engine_schema(provider, resource->managed, resource->type) : NULL;
	if (!schema)
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

/* ---- what is there ---- */

static Change *planned_change(const Job *job, ChangeAction action) {
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

static void note_drift(Engine *engine, const StateInstance *instance, const Schema *schema,
	Value before, Value after) {
	Change *change =
		change_new(instance->address, value_is_null(after) ? CHANGE_DELETE : CHANGE_UPDATE);
	change->schema = schema;
	change->managed = instance->managed;
	change->type = g_strdup(instance->type);
	change->name = g_strdup(instance->name);
	change->before = value_ref(before);
	change->after = value_ref(after);
	g_ptr_array_add(engine->plan->drift, change);
}

static void keep_refreshed(
	Engine *engine, const StateInstance *instance, const Schema *schema, Value value) {
	if (value_is_null(value)) {
		state_put(engine->state, instance->address, instance->provider, NULL, NULL, NULL);
		return;
	}
	StateObject *object = state_object_copy(instance->current);
	state_object_set(object, value, schema_block_type(schema->block));
	object->schema_version = schema->version;
	g_autofree char *address = g_strdup(instance->address);
	g_autofree char *provider = g_strdup(instance->provider);
	state_put(engine->state, address, provider, NULL, object, NULL);
}

/* The object of the state as it is now: *value is null if there is none, or no more. */
static gboolean refresh(Engine *engine, const char *address, ProviderInstance *provider,
	const Schema *schema, SourceRange where, Value *value) {
	StateInstance *instance = state_instance(engine->state, address);
	*value = VALUE_NOTHING;
	if (!instance || !instance->current)
		return TRUE;
	guint errors = diags_error_count(engine->diags);
	g_auto(Value) prior =
		engine_object_value(engine, instance->current, schema, instance->address);
	if (diags_error_count(engine->diags) > errors)
		return FALSE;
	if (engine->options.no_refresh) {
		*value = value_steal(&prior);
		return TRUE;
	}
	g_autofree char *id = engine_id_of(prior);
	engine_tell(engine, EVENT_REFRESHING, address, id, 0);
	g_auto(Value) plain = value_unmark_deep(prior), now = VALUE_NOTHING;
	g_autoptr(Diags) own = diags_new();
	Running running;
	engine_let_go(engine, &running, address, NULL);
	gboolean fine = provider->class->read(
		provider->provider, instance->type, plain, &now, engine->cancellable, own);
	engine_come_back(engine, &running);
	engine_take_diags(engine, own, NULL, where, address);
	if (!fine)
		return FALSE;
	g_auto(Value) remarked = engine_copy_marks(now, prior);
	g_auto(Value) marked = engine_mark_by_schema(remarked, schema->block);
	gboolean imported = g_hash_table_contains(engine->imports, address);
	if (!value_equal(now, plain)) {
		if (!imported)
			note_drift(engine, instance, schema, prior, marked);
		keep_refreshed(engine, instance, schema, marked);
	}
	*value = value_steal(&marked);
	return TRUE;
}

/* ---- data sources ---- */

static gboolean is_pending(const Change *change) {
	return change->action != CHANGE_NONE;
}

/* Whether something that the data source depends on is still to be changed: by depends_on only,
 * since references make its configuration unknown. */
static gboolean dependency_pending(const Job *job) {
	LangExpr **elements;
	guint n;
	if (!job->resource->depends_on ||
		!lang_expr_tuple(job->resource->depends_on, &elements, &n))
		return FALSE;
	char **dependencies = g_hash_table_lookup(job->engine->dependencies, job->resource);
	for (guint i = 0; i < job->engine->plan->changes->len; i++) {
		const Change *change = job->engine->plan->changes->pdata[i];
		g_autofree char *plain = address_without_keys(change->address);
		if (change->managed && is_pending(change) && dependencies &&
			g_strv_contains((const char *const *)dependencies, plain))
			return TRUE;
	}
	return FALSE;
}

gboolean engine_read_data(Job *job, Value config) {
	Engine *engine = job->engine;
	const char *address = job->instance->address;
	engine_tell(engine, EVENT_READING, address, NULL, 0);
	g_auto(Value) plain = value_unmark_deep(config), read = VALUE_NOTHING;
	g_autoptr(Diags) own = diags_new();
	Running running;
	engine_let_go(engine, &running, address, "reading");
	gboolean fine = job->provider->class->read_data(job->provider->provider,
		job->resource->type, plain, &read, engine->cancellable, own);
	engine_come_back(engine, &running);
	if (job->resource->in_check)
		diags_soften(own);
	engine_take_diags(engine, own, job->resource->body, job->resource->range, address);
	if (!fine)
		return job->resource->in_check;
	g_auto(Value) copied = engine_copy_marks(read, config);
	Value value = engine_mark_by_schema(copied, job->schema->block);
	g_autofree char *id = engine_id_of(value);
	engine_tell(engine, EVENT_READ, address, id,
		(g_get_monotonic_time() - running.started) / G_USEC_PER_SEC);
	expansion_set_value(job->expansion, job->instance, value_ref(value));
	StateObject *object = state_object_new();
	state_object_set(object, value, schema_block_type(job->schema->block));
	object->schema_version = job->schema->version;
	gboolean kept =
		state_put(engine->state, address, job->provider->address, NULL, object, NULL);
	EvalScope scope = engine_instance_scope(engine, job->module, job->resource, job->instance);
	scope.self = value;
	scope.has_self = TRUE;
	kept &= engine_check_conditions(engine, &scope, job->resource->postconditions,
		"Resource postcondition failed", address);
	value_unref(value);
	return kept;
}

/* The elements of a nested block as they are while it is not read: what it computes is unknown. */
static Value unread_block(const SchemaBlock *block, Value config);

static Value unread_nested(const SchemaNestedBlock *nested, Value set) {
	static const ValueKind kinds[] = {VALUE_OBJECT, VALUE_LIST, VALUE_SET, VALUE_MAP};
	gboolean single = nested->nesting == SCHEMA_NESTING_SINGLE;
	if (!value_is_known(set))
		return value_ref(set);
	if (value_is_null(set) || (!single && value_length(set) == 0))
		return nested->computed ? value_unknown(value_type(set)) : value_ref(set);
	if (single)
		return unread_block(nested->block, set);
	g_autoptr(ValueBuilder) all =
		value_builder_new(kinds[nested->nesting], schema_block_type(nested->block));
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, set); value_iter_next(&iter, &key, &element);) {
		if (key)
			value_builder_set_take(all, key, unread_block(nested->block, element));
		else
			value_builder_add_take(all, unread_block(nested->block, element));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value unread_block(const SchemaBlock *block, Value config) {
	if (!value_is_known(config))
		return value_ref(config);
	g_autoptr(ValueBuilder) planned = value_builder_new(VALUE_OBJECT, NULL);
	for (guint i = 0; i < block->attributes->len; i++) {
		const SchemaAttribute *attribute = block->attributes->pdata[i];
		Value set = value_get(config, attribute->name);
		value_builder_set_take(planned, attribute->name,
			attribute->computed && value_is_null(set) ? value_unknown(attribute->type)
								  : value_ref(set));
	}
	for (guint i = 0; i < block->blocks->len; i++) {
		const SchemaNestedBlock *nested = block->blocks->pdata[i];
		value_builder_set_take(planned, nested->type,
			unread_nested(nested, value_get(config, nested->type)));
	}
	return value_builder_end(g_steal_pointer(&planned));
}

static gboolean plan_data(Job *job, Value config) {
	gboolean pending = dependency_pending(job);
	if (value_is_wholly_known(config) && !pending)
		return engine_read_data(job, config);
	Change *change = planned_change(job, CHANGE_READ);
	change->reason = pending ? REASON_DEPENDENCY_PENDING : REASON_UNKNOWN_CONFIG;
	const SchemaBlock *block = job->schema->block;
	g_auto(Value) value = unread_block(block, config);
	change->after = engine_mark_by_schema(value, block);
	expansion_set_value(job->expansion, job->instance, value_ref(change->after));
	return TRUE;
}

/* ---- managed resources ---- */

static Value path_of(const LangTraversal *traversal) {
	g_autoptr(ValueBuilder) path = value_builder_new(VALUE_TUPLE, NULL);
	value_builder_add_take(path, value_string(traversal->root));
	for (guint i = 0; i < traversal->n_steps; i++) {
		const LangStep *step = &traversal->steps[i];
		value_builder_add_take(path, step->kind == LANG_STEP_NAME ? value_string(step->name)
									  : value_ref(step->index));
	}
	return value_builder_end(g_steal_pointer(&path));
}

/* `value` with what is at `path` from `prior`; steps that are not there leave it as it is. */
static Value keep_at(Value value, Value path, gsize step, Value prior) {
	if (step == value_length(path))
		return value_ref(prior);
	Value at = value_at(path, step);
	const char *key = value_text(at);
	if (!value_is_known(value) || value_is_null(value))
		return value_ref(value);
	if (key && value_is_mapping(value)) {
		Value old = value_get(prior, key);
		gboolean last = step + 1 == value_length(path);
		if (last && !value_has(prior, key))
			return value_without_take(value_ref(value), key);
		return value_with_take(
			value_ref(value), key, keep_at(value_get(value, key), path, step + 1, old));
	}
	gsize index = (gsize)value_to_int(at, -1);
	if (!key && value_is_sequence(value) && index < value_length(value)) {
		g_auto(Value) place = value_tuple_take(1, value_ref(at));
		g_auto(Value) inner =
			keep_at(value_at(value, index), path, step + 1, value_at(prior, index));
		return value_with_path(value, place, inner);
	}
	return value_ref(value);
}

static Value settable_prior(const SchemaBlock *schema, Value prior, Value config) {
	g_auto(Value) kept = value_ref(config);
	for (guint i = 0; i < schema->attributes->len; i++) {
		const SchemaAttribute *attribute = schema->attributes->pdata[i];
		if (attribute->required || attribute->optional)
			kept = value_with_take(value_steal(&kept), attribute->name,
				value_ref(value_get(prior, attribute->name)));
	}
	for (guint i = 0; i < schema->blocks->len; i++) {
		const char *type = ((const SchemaNestedBlock *)schema->blocks->pdata[i])->type;
		kept = value_with_take(value_steal(&kept), type, value_ref(value_get(prior, type)));
	}
	return value_steal(&kept);
}

Value engine_ignore_changes(
	const Resource *resource, const Schema *schema, Value prior, Value config) {
	if (value_is_null(prior))
		return value_ref(config);
	if (resource->ignore_all)
		return settable_prior(schema->block, prior, config);
	Value kept = value_ref(config);
	for (guint i = 0; resource->ignore_changes && i < resource->ignore_changes->len; i++) {
		g_auto(Value) path = path_of(resource->ignore_changes->pdata[i]);
		g_auto(Value) before = kept;
		kept = keep_at(before, path, 0, prior);
	}
	return kept;
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

static gboolean is_triggered(const Job *job) {
	const GPtrArray *triggers = job->resource->replace_triggered_by;
	for (guint i = 0; triggers && i < triggers->len; i++) {
		const LangTraversal *traversal = lang_expr_traversal(triggers->pdata[i]);
		if (!traversal || traversal->n_steps < 1 || !traversal->steps[0].name)
			continue;
		g_autofree char *name = address_join(job->module->path, TRUE, traversal->root,
			traversal->steps[0].name, VALUE_NOTHING);
		const char *attribute = NULL;
		for (guint s = 1; s < traversal->n_steps && !attribute; s++)
			if (traversal->steps[s].kind == LANG_STEP_NAME)
				attribute = traversal->steps[s].name;
		for (guint c = 0; c < job->engine->plan->changes->len; c++) {
			const Change *change = job->engine->plan->changes->pdata[c];
			g_autofree char *plain = address_without_keys(change->address);
			g_autofree char *wanted = address_without_keys(name);
			if (!g_str_equal(plain, wanted) || change->action == CHANGE_NONE)
				continue;
			if (!attribute || !value_equal(value_get(change->before, attribute),
						  value_get(change->after, attribute)))
				return TRUE;
		}
	}
	return FALSE;
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
	return is_triggered(job) ? REASON_TRIGGERED : REASON_NONE;
}

static gboolean refuse_destroy(Engine *engine, const Resource *resource, const char *address) {
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

static gboolean settle(Job *job, Value prior, Value config, ProviderPlan *plan) {
	Engine *engine = job->engine;
	ChangeReason reason = replace_reason(job, plan, prior);
	g_auto(Value) requires_replace = value_ref(plan->requires_replace);
	g_auto(Value) plain_prior = value_unmark_deep(prior);
	if (reason != REASON_NONE) {
		if (job->resource->prevent_destroy)
			refuse_destroy(engine, job->resource, job->instance->address);
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
	Change *change = planned_change(job, action);
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
	if (refused)
		return FALSE;
	return action != CHANGE_NONE ||
	       engine_check_conditions(engine, &scope, job->resource->postconditions,
		       "Resource postcondition failed", job->instance->address);
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
	if (job->resource->managed &&
		!refresh(engine, address, job->provider, job->schema, job->resource->range, &prior))
		return FALSE;
	if (id && value_is_null(prior))
		return engine_refuse_missing_import(engine, address, job->resource->range);
	if (engine->options.mode == PLAN_REFRESH_ONLY && job->resource->managed) {
		expansion_set_value(job->expansion, job->instance, value_steal(&prior));
		return TRUE;
	}
	EvalScope scope = engine_instance_scope(engine, job->module, job->resource, job->instance);
	if (!engine_check_conditions(engine, &scope, job->resource->preconditions,
		    "Resource precondition failed", address) ||
		!engine_job_config(job, &config))
		return FALSE;
	return job->resource->managed ? plan_managed(job, prior, config) : plan_data(job, config);
}

static gboolean plan_resource(GraphNode *node, gpointer data) {
	const Resource *resource = data;
	Engine *engine = graph_data(graph_of(node));
	return !g_cancellable_is_cancelled(engine->cancellable) &&
	       engine_each_instance(engine, node, resource, plan_instance);
}

/* ---- what is to go ---- */

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
		return refuse_destroy(engine, resource, removal->address);
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
		!refresh(engine, removal->address, provider, schema, SOURCE_NOWHERE, &now))
		return FALSE;
	instance = state_instance(engine->state, removal->address);
	if (value_is_null(now) || !instance)
		return TRUE;
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

static gboolean plan_removals(Engine *engine) {
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

void engine_check_output(Engine *engine, const Output *output, Value value) {
	if (output->sensitive || !value_has_sensitive(value))
		return;
	diags_error(engine->diags, output->range, "Output refers to sensitive values",
		"To reduce the risk of accidentally exporting sensitive data that was intended to "
		"be only internal, Terrarium requires that any root module output containing "
		"sensitive data be explicitly marked as sensitive, to confirm your intent.\n\n"
		"If you do intend to export this data, annotate the output value as sensitive by "
		"adding the following "
		"argument: sensitive = true");
}

static void plan_outputs(Engine *engine) {
	gboolean destroy = engine->options.mode == PLAN_DESTROY;
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, engine->config->root->outputs);
	while (!destroy && g_hash_table_iter_next(&iter, &name, &value)) {
		const Output *output = value;
		g_auto(Value) after = engine_output(engine, engine->root, output);
		engine_check_output(engine, output, after);
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

static int compare_outputs(gconstpointer a, gconstpointer b) {
	return strcmp(
		(*(const OutputChange *const *)a)->name, (*(const OutputChange *const *)b)->name);
}

typedef struct {
	Address *address;
	Change *change;
} Sortable;

static int compare_addresses(const Address *a, const Address *b) {
	int order = strcmp(a->module, b->module);
	if (!order)
		order = a->managed - b->managed;
	if (!order)
		order = strcmp(a->type, b->type);
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order && a->has_key != b->has_key)
		order = a->has_key - b->has_key;
	return order ? order : value_compare(a->key, b->key);
}

static int compare_changes(gconstpointer a, gconstpointer b) {
	const Sortable *first = a, *second = b;
	int order = compare_addresses(first->address, second->address);
	return order ? order : g_strcmp0(first->change->deposed, second->change->deposed);
}

static void sort_changes(GPtrArray *changes) {
	g_autofree Sortable *all = g_new(Sortable, changes->len + 1);
	g_autoptr(Diags) quiet = diags_new();
	for (guint i = 0; i < changes->len; i++) {
		Change *change = changes->pdata[i];
		all[i] = (Sortable){address_parse(change->address, quiet), change};
	}
	qsort(all, changes->len, sizeof *all, compare_changes);
	for (guint i = 0; i < changes->len; i++) {
		changes->pdata[i] = all[i].change;
		address_free(all[i].address);
	}
}

static Value given_variables(Engine *engine) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, engine->given);
	while (g_hash_table_iter_next(&iter, &name, &value))
		value_builder_set_take(all, name, value_ref(((GivenVariable *)value)->value));
	return value_builder_end(g_steal_pointer(&all));
}

/* All variables and locals, so that a mistake in one that nothing uses is found too. */
static void check_variables(Engine *engine) {
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, engine->config->root->variables);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		g_auto(Value) ignored = engine_variable(engine, engine->root, value);
		(void)ignored;
	}
}

/* What the walk keeps of drift: only what the user would see. */
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
	if (!engine_collect_variables(engine) || !engine_validate(engine) ||
		lacks_variables(engine))
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
	gboolean fine = diags_error_count(engine->diags) == errors && engine_move(engine);
	fine = fine && (destroy || engine_note_imports(engine));
	fine = fine && (destroy || walk_configuration(engine));
	fine = fine && (engine->options.mode == PLAN_REFRESH_ONLY || plan_removals(engine));
	if (fine)
		plan_outputs(engine);
	if (fine && !destroy)
		engine_run_checks(engine, engine->plan->warnings);
	spread_create_first(engine);
	sort_changes(engine->plan->changes);
	sort_changes(engine->plan->drift);
	g_ptr_array_sort(engine->plan->outputs, compare_outputs);
	Plan *plan = g_steal_pointer(&engine->plan);
	engine_warn_of_forgotten(plan, plan->warnings);
	plan->errored = !fine || diags_error_count(engine->diags) > errors;
	g_mutex_unlock(&engine->lock);
	return plan;
}

gboolean plan_changes_anything(const Plan *plan) {
	for (guint i = 0; i < plan->changes->len; i++)
		if (((const Change *)plan->changes->pdata[i])->action != CHANGE_NONE ||
			((const Change *)plan->changes->pdata[i])->moved_from ||
			((const Change *)plan->changes->pdata[i])->imported)
			return TRUE;
	for (guint i = 0; i < plan->outputs->len; i++)
		if (((const OutputChange *)plan->outputs->pdata[i])->action != CHANGE_NONE)
			return TRUE;
	return plan->mode == PLAN_REFRESH_ONLY && plan->drift->len > 0;
}

void plan_count(const Plan *plan, guint *add, guint *change, guint *destroy) {
	*add = *change = *destroy = 0;
	for (guint i = 0; i < plan->changes->len; i++) {
		ChangeAction action = ((const Change *)plan->changes->pdata[i])->action;
		gboolean replaces =
			action == CHANGE_REPLACE || action == CHANGE_REPLACE_CREATE_FIRST;
		*add += action == CHANGE_CREATE || replaces;
		*change += action == CHANGE_UPDATE;
		*destroy += action == CHANGE_DELETE || replaces;
	}
}
