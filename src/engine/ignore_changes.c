/* lifecycle.ignore_changes: the configuration as if it said there what the object already has. */
#include "base/text.h"
#include "engine/internal.h"

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

void engine_check_ignored(Engine *engine, const Resource *resource, const Schema *schema) {
	const GPtrArray *ignored = resource->ignore_changes;
	gsize n;
	g_autofree const char **names = schema_block_names(schema->block, &n);
	for (guint i = 0; ignored && i < ignored->len; i++) {
		const LangTraversal *traversal = ignored->pdata[i];
		if (schema_block_attribute(schema->block, traversal->root) ||
			schema_block_nested(schema->block, traversal->root))
			continue;
		g_autofree char *hint = text_suggestion(traversal->root, names, n);
		diags_error(engine->diags, traversal->range, "Unsupported attribute",
			"This object has no argument, nested block, or exported attribute named "
			"\"%s\".%s",
			traversal->root, hint);
	}
}
