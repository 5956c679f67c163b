/*
 * Objects of a state: their values as the schema's type wants them, and as JSON. Must never drop
 * what it does not understand in an object.
 */
#include "engine/state_parts.h"
#include "value/json.h"

StateObject *state_object_new(void) {
	StateObject *object = g_new0(StateObject, 1);
	object->dependencies = g_new0(char *, 1);
	object->sensitive = value_empty_tuple();
	return object;
}

StateObject *state_object_copy(const StateObject *object) {
	if (!object)
		return NULL;
	StateObject *copy = g_memdup2(object, sizeof *object);
	value_ref(copy->attributes);
	value_ref(copy->sensitive);
	copy->dependencies = g_strdupv(object->dependencies);
	copy->private = g_strdup(object->private);
	return copy;
}

void state_object_free(StateObject *object) {
	if (!object)
		return;
	value_clear(&object->attributes);
	value_clear(&object->sensitive);
	g_strfreev(object->dependencies);
	g_free(object->private);
	g_free(object);
}

static gboolean holds_any(const Type *type) {
	return type && !type_is_concrete(type);
}

static Value encode_any(Value value) {
	if (value_is_null(value))
		return VALUE_NOTHING;
	const Type *type = value_type(value);
	return value_object_take(
		"type", type_to_json(type), "value", state_encode(value, type), NULL);
}

static const Type *type_inside(const Type *type, gsize index, const char *key) {
	switch (type_kind(type)) {
	case TYPE_KIND_OBJECT: {
		const TypeAttribute *attribute = type_attribute(type, key);
		return attribute ? attribute->type : type_any();
	}
	case TYPE_KIND_TUPLE:
		return type_tuple_at(type, index);
	default:
		return type_element(type);
	}
}

Value state_encode(Value value, const Type *type) {
	if (type_kind(type) == TYPE_KIND_ANY)
		return encode_any(value);
	if (!holds_any(type) || value_is_null(value))
		return value_ref(value);
	g_autoptr(ValueBuilder) builder =
		value_builder_new(value_is_mapping(value) ? VALUE_OBJECT : VALUE_TUPLE, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	gsize index = 0;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element); index++) {
		Value encoded = state_encode(element, type_inside(type, index, key));
		if (key)
			value_builder_set_take(builder, key, encoded);
		else
			value_builder_add_take(builder, encoded);
	}
	return value_builder_end(g_steal_pointer(&builder));
}

Value state_decode(Value json, const Type *type, char **problem) {
	g_autofree char *text = value_to_json(json, VALUE_JSON_COMPACT);
	g_autoptr(GError) error = NULL;
	Value value = value_from_json_typed(text, -1, type, &error);
	*problem = error ? g_strdup(error->message) : NULL;
	return value;
}

Value state_mark_paths(Value value, Value paths) {
	Value marked = value_ref(value);
	for (gsize i = 0; i < value_length(paths); i++) {
		Value path = value_at(paths, i);
		gsize depth = value_length(path);
		/* What is not there (any more) needs no mark; a step into a set marks the set. */
		while (depth > 0) {
			g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_TUPLE, NULL);
			for (gsize j = 0; j < depth; j++)
				value_builder_add_take(builder, value_ref(value_at(path, j)));
			g_auto(Value) part = value_builder_end(g_steal_pointer(&builder));
			g_auto(Value) there = value_ref(value_at_path(marked, part));
			if (!value_is_null(there) || depth == value_length(path)) {
				if (value_is_null(there))
					break;
				g_auto(Value) secret = value_mark_sensitive(there);
				Value next = value_with_path(marked, part, secret);
				value_unref(marked);
				marked = next;
				break;
			}
			depth--;
		}
	}
	return marked;
}

Value state_object_value(const StateObject *object, const Type *type, char **problem) {
	*problem = NULL;
	if (!type)
		return value_ref(object->attributes);
	g_auto(Value) value = state_decode(object->attributes, type, problem);
	return *problem ? VALUE_NOTHING : state_mark_paths(value, object->sensitive);
}

void state_object_set(StateObject *object, Value value, const Type *type) {
	value_clear(&object->attributes);
	value_clear(&object->sensitive);
	g_auto(Value) plain = value_unmark_deep(value);
	object->attributes = state_encode(plain, type);
	object->sensitive = value_sensitive_paths(value);
}

/* ---- objects as JSON ---- */

/* Paths are written as lists of {"type": "get_attr", "value": …} and {"type": "index", "value":
 * {"value": …, "type": …}}, as Terraform does. */
static Value path_to_json(Value path) {
	g_autoptr(ValueBuilder) steps = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(path); i++) {
		Value step = value_at(path, i);
		gboolean name = value_kind(step) == VALUE_STRING;
		value_builder_add_take(steps,
			name ? value_object_take("type", value_string("get_attr"), "value",
				       value_ref(step), NULL)
			     : value_object_take("type", value_string("index"), "value",
				       value_object_take("type", type_to_json(value_type(step)),
					       "value", value_ref(step), NULL),
				       NULL));
	}
	return value_builder_end(g_steal_pointer(&steps));
}

static Value path_from_json(Value json) {
	g_autoptr(ValueBuilder) path = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(json); i++) {
		Value step = value_at(json, i), value = value_get(step, "value");
		if (g_strcmp0(value_get_text(step, "type"), "index") == 0)
			value = value_get(value, "value");
		value_builder_add_take(path, value_ref(value));
	}
	return value_builder_end(g_steal_pointer(&path));
}

static Value map_paths(Value paths, Value (*convert)(Value)) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(paths); i++)
		value_builder_add_take(all, convert(value_at(paths, i)));
	return value_builder_end(g_steal_pointer(&all));
}

static Value strings_to_json(char **strings) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (char **at = strings; *at; at++)
		value_builder_add_take(all, value_string(*at));
	return value_builder_end(g_steal_pointer(&all));
}

Value state_object_to_json(const StateObject *object, Value key, const char *deposed) {
	Value json = value_object_take("schema_version", value_int(object->schema_version),
		"attributes", value_ref(object->attributes), "sensitive_attributes",
		map_paths(object->sensitive, path_to_json), NULL);
	if (!value_is_null(key))
		json = value_with_take(json, "index_key", value_ref(key));
	if (deposed)
		json = value_with_take(json, "deposed", value_string(deposed));
	if (object->tainted)
		json = value_with_take(json, "status", value_string("tainted"));
	if (object->private)
		json = value_with_take(json, "private", value_string(object->private));
	if (object->dependencies[0])
		json = value_with_take(json, "dependencies", strings_to_json(object->dependencies));
	if (object->create_before_destroy)
		json = value_with_take(json, "create_before_destroy", value_bool(TRUE));
	return json;
}

StateObject *state_object_from_json(Value json) {
	StateObject *object = state_object_new();
	object->attributes = value_ref(value_get(json, "attributes"));
	value_clear(&object->sensitive);
	object->sensitive = map_paths(value_get(json, "sensitive_attributes"), path_from_json);
	object->schema_version = value_get_int(json, "schema_version", 0);
	object->tainted = g_strcmp0(value_get_text(json, "status"), "tainted") == 0;
	object->create_before_destroy = value_get_bool(json, "create_before_destroy");
	object->private = g_strdup(value_get_text(json, "private"));
	Value dependencies = value_get(json, "dependencies");
	g_autoptr(GStrvBuilder) strings = g_strv_builder_new();
	for (gsize i = 0; i < value_length(dependencies); i++)
		g_strv_builder_add(strings, value_text_or(value_at(dependencies, i), ""));
	g_strfreev(object->dependencies);
	object->dependencies = g_strv_builder_end(strings);
	return object;
}
