/*
 * Data sources: read while planning where all that they ask for is known and nothing that they
 * depend on is still to change; else their reading is planned, and what it will tell is unknown.
 */
#include "engine/internal.h"

static gboolean is_pending(const Change *change) {
	return change->action != CHANGE_NONE;
}

/* Whether something that the data source depends on is still to be changed: by depends_on only,
 * since references make its configuration unknown. */
static gboolean dependency_pending(const Job *job) {
	if (!job->resource->depends_on)
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
	engine_tell(engine, EVENT_READ, address, id, engine_running_s(&running));
	expansion_set_value(job->expansion, job->instance, value_ref(value));
	StateObject *object = state_object_new();
	state_object_set(object, value, schema_block_type(job->schema->block));
	object->schema_version = job->schema->version;
	gboolean kept =
		state_put(engine->state, address, job->provider->address, NULL, object, NULL);
	EvalScope scope = engine_instance_scope(engine, job->module, job->resource, job->instance);
	scope.self = value;
	scope.has_self = TRUE;
	kept &= engine_check_conditions(
		engine, &scope, job->resource->postconditions, "Resource postcondition");
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

gboolean engine_plan_data(Job *job, Value config) {
	gboolean pending = dependency_pending(job);
	if (value_is_wholly_known(config) && !pending)
		return engine_read_data(job, config);
	Change *change = engine_plan_change(job, CHANGE_READ);
	change->reason = pending ? REASON_DEPENDENCY_PENDING : REASON_UNKNOWN_CONFIG;
	const SchemaBlock *block = job->schema->block;
	g_auto(Value) value = unread_block(block, config);
	change->after = engine_mark_by_schema(value, block);
	expansion_set_value(job->expansion, job->instance, value_ref(change->after));
	return TRUE;
}
