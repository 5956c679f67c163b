/*
 * Objects on their way between configuration, state and provider: marks and proposals.
 */

#include "engine/internal.h"

Value engine_object_value(
	Engine *engine, const StateObject *object, const Schema *schema, const char *address) {
	g_autofree char *problem = NULL;
	g_auto(Value) value =
		state_object_value(object, schema_block_type(schema->block), &problem);
	if (problem) {
		Diag *diag =
			diags_error(engine->diags, SOURCE_NOWHERE, "Unreadable object in the state",
				"What the state says of %s does not fit its resource type: %s.",
				address, problem);
		diag->address = g_strdup(address);
		return VALUE_NOTHING;
	}
	return engine_mark_by_schema(value, schema->block);
}

/* ---- proposals ---- */

static Value propose_nested(const SchemaNestedBlock *nested, Value prior, Value config) {
	if (!value_is_known(config) || nested->nesting == SCHEMA_NESTING_SET)
		return value_ref(config);
	if (nested->nesting == SCHEMA_NESTING_SINGLE)
		return value_is_null(config) ? value_ref(config)
					     : engine_propose(nested->block, prior, config);
	gboolean is_map = nested->nesting == SCHEMA_NESTING_MAP;
	g_autoptr(ValueBuilder) all = value_builder_new(
		is_map ? VALUE_MAP : VALUE_LIST, schema_block_type(nested->block));
	for (gsize i = 0; i < value_length(config); i++) {
		const char *key = is_map ? value_key_at(config, i) : NULL;
		Value old = is_map ? value_get(prior, key) : value_at(prior, i);
		Value element = engine_propose(nested->block, old, value_at(config, i));
		if (is_map)
			value_builder_set_take(all, key, element);
		else
			value_builder_add_take(all, element);
	}
	return value_builder_end(g_steal_pointer(&all));
}

Value engine_propose(const SchemaBlock *schema, Value prior, Value config) {
	if (!value_is_known(config))
		return value_ref(config);
	g_autoptr(ValueBuilder) proposed = value_builder_new(VALUE_OBJECT, NULL);
	for (guint i = 0; i < schema->attributes->len; i++) {
		const SchemaAttribute *attribute = schema->attributes->pdata[i];
		Value set = value_get(config, attribute->name);
		Value old = value_get(prior, attribute->name);
		gboolean keeps =
			attribute->computed && value_is_null(set) && value_is_mapping(prior);
		value_builder_set_take(proposed, attribute->name, value_ref(keeps ? old : set));
	}
	for (guint i = 0; i < schema->blocks->len; i++) {
		const SchemaNestedBlock *nested = schema->blocks->pdata[i];
		value_builder_set_take(proposed, nested->type,
			propose_nested(nested, value_get(prior, nested->type),
				value_get(config, nested->type)));
	}
	return value_builder_end(g_steal_pointer(&proposed));
}

/* ---- marks ---- */

/* A path that `value` may have only the beginning of: the nearest thing that is there is marked. */
static Value mark_nearest(Value value_taken, Value path) {
	g_auto(Value) value = value_taken;
	gsize length = value_length(path);
	Value at = value;
	g_auto(Value) reached = value_empty_tuple();
	for (gsize i = 0; i < length; i++) {
		Value step = value_at(path, i);
		if (!value_is_known(at) || value_kind(at) == VALUE_SET)
			break;
		Value next = value_text(step) ? value_get(at, value_text(step))
					      : value_at(at, (gsize)value_to_int(step, 0));
		gboolean there = value_text(step) ? value_has(at, value_text(step))
						  : (gsize)value_to_int(step, 0) < value_length(at);
		if (!there)
			break;
		at = next;
		reached = value_append_take(value_steal(&reached), value_ref(step));
	}
	if (value_length(reached) == 0)
		return length == 0 ? value_mark_sensitive(value) : value_steal(&value);
	g_auto(Value) marked = value_mark_sensitive(at);
	return value_with_path(value, reached, marked);
}

Value engine_copy_marks(Value value, Value config) {
	if (!value_has_sensitive(config))
		return value_ref(value);
	g_auto(Value) paths = value_sensitive_paths(config);
	Value marked = value_ref(value);
	for (gsize i = 0; i < value_length(paths); i++)
		marked = mark_nearest(marked, value_at(paths, i));
	return marked;
}

char *engine_id_of(Value value) {
	Value id = value_get(value, "id");
	const char *text = value_text(id);
	return text && *text && !value_is_sensitive(id) ? g_strdup_printf("[id=%s]", text) : NULL;
}
