/*
 * What is there: the provider reads the object that the state has, the state in memory learns it,
 * and the plan is told what was changed outside. Must never write the state file.
 */
#include "engine/internal.h"

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

gboolean engine_refresh(Engine *engine, const char *address, ProviderInstance *provider,
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
