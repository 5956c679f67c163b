/*
 * The text of a state file, in Terraform's format version 4: written so that Terraform reads it,
 * and read as it writes it.
 */
#include "engine/address.h"
#include "engine/state_parts.h"
#include "engine/version.h"
#include "value/json.h"

static void instance_to_json(const StateInstance *instance, ValueBuilder *into) {
	if (instance->current)
		value_builder_add_take(
			into, state_object_to_json(instance->current, instance->key, NULL));
	GHashTableIter iter;
	gpointer key, object;
	if (instance->deposed) {
		g_hash_table_iter_init(&iter, instance->deposed);
		while (g_hash_table_iter_next(&iter, &key, &object))
			value_builder_add_take(
				into, state_object_to_json(object, instance->key, key));
	}
}

static gboolean same_resource(const StateInstance *a, const StateInstance *b) {
	return g_str_equal(a->module, b->module) && a->managed == b->managed &&
	       g_str_equal(a->type, b->type) && g_str_equal(a->name, b->name);
}

/* One entry of "resources": the instances from `from` on that are of one resource. */
static Value resource_to_json(GPtrArray *sorted, guint from, guint *end) {
	const StateInstance *first = sorted->pdata[from];
	g_autoptr(ValueBuilder) instances = value_builder_new(VALUE_TUPLE, NULL);
	for (*end = from; *end < sorted->len && same_resource(first, sorted->pdata[*end]); (*end)++)
		instance_to_json(sorted->pdata[*end], instances);
	Value resource =
		value_object_take("mode", value_string(first->managed ? "managed" : "data"), "type",
			value_string(first->type), "name", value_string(first->name), "provider",
			value_string(first->provider), "instances",
			value_builder_end(g_steal_pointer(&instances)), NULL);
	return *first->module ? value_with_take(resource, "module", value_string(first->module))
			      : resource;
}

static Value resources_to_json(const State *state) {
	g_autoptr(GPtrArray) sorted = state_sorted(state);
	g_autoptr(ValueBuilder) resources = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < sorted->len;)
		value_builder_add_take(resources, resource_to_json(sorted, i, &i));
	return value_builder_end(g_steal_pointer(&resources));
}

static Value outputs_to_json(const State *state) {
	g_autoptr(ValueBuilder) outputs = value_builder_new(VALUE_OBJECT, NULL);
	GHashTableIter iter;
	gpointer name, data;
	g_hash_table_iter_init(&iter, state->outputs);
	while (g_hash_table_iter_next(&iter, &name, &data)) {
		StateOutput *output = data;
		Value json = value_object_take(
			"value", value_ref(output->value), "type", value_ref(output->type), NULL);
		if (output->sensitive)
			json = value_with_take(json, "sensitive", value_bool(TRUE));
		value_builder_set_take(outputs, name, json);
	}
	return value_builder_end(g_steal_pointer(&outputs));
}

char *state_to_text(const State *state) {
	g_auto(Value) json = value_object_take("version", value_int(4), "terraform_version",
		value_string(TERRAFORM_VERSION), "serial", value_int((gint64)state->serial),
		"lineage", value_string(state->lineage), "outputs", outputs_to_json(state),
		"resources", resources_to_json(state), "check_results",
		value_ref(state->check_results), NULL);
	g_autofree char *text = value_to_json(json, VALUE_JSON_PRETTY);
	return g_strconcat(text, "\n", NULL);
}

static gboolean read_object(State *state, Value resource, Value json, GError **error) {
	const char *module = value_text_or(value_get(resource, "module"), "");
	g_autofree char *address = address_join(module,
		g_strcmp0(value_get_text(resource, "mode"), "data") != 0,
		value_text_or(value_get(resource, "type"), ""),
		value_text_or(value_get(resource, "name"), ""), value_get(json, "index_key"));
	if (!state_instance(state, address) && !state_instance_new(state, address)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
			"The state file could not be parsed: %s is no address of a resource.",
			address);
		return FALSE;
	}
	state_apply_put(state, address, value_text_or(value_get(resource, "provider"), ""),
		value_get_text(json, "deposed"), state_object_from_json(json));
	return TRUE;
}

static void read_outputs(State *state, Value outputs) {
	for (gsize i = 0; i < value_length(outputs); i++) {
		Value json = value_at(outputs, i);
		StateOutput *output = g_new0(StateOutput, 1);
		const Type *type = type_from_json(value_get(json, "type"));
		g_autofree char *problem = NULL;
		output->value = type ? state_decode(value_get(json, "value"), type, &problem)
				     : value_ref(value_get(json, "value"));
		output->type = value_ref(value_get(json, "type"));
		output->sensitive = value_get_bool(json, "sensitive");
		g_hash_table_insert(state->outputs, g_strdup(value_key_at(outputs, i)), output);
	}
}

State *state_from_text(const char *text, gssize length, GError **error) {
	GError *problem = NULL;
	g_auto(Value) json = value_from_json(text, length, &problem);
	if (problem) {
		g_propagate_prefixed_error(error, problem, "The state file could not be parsed: ");
		return NULL;
	}
	if (value_get_int(json, "version", 0) != 4) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
			"The state file has format version %d; Terrarium reads version 4.",
			(int)value_get_int(json, "version", 0));
		return NULL;
	}
	g_autoptr(State) state = state_new();
	g_free(state->lineage);
	state->lineage = g_strdup(value_text_or(value_get(json, "lineage"), ""));
	state->serial = (guint64)value_get_int(json, "serial", 0);
	state->check_results = value_ref(value_get(json, "check_results"));
	read_outputs(state, value_get(json, "outputs"));
	Value resources = value_get(json, "resources");
	for (gsize i = 0; i < value_length(resources); i++) {
		Value instances = value_get(value_at(resources, i), "instances");
		for (gsize j = 0; j < value_length(instances); j++)
			if (!read_object(
				    state, value_at(resources, i), value_at(instances, j), error))
				return NULL;
	}
	return g_steal_pointer(&state);
}
