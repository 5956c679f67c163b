/*
 * The state in memory: which objects there are. See state.h. What is changed here is neither in the
 * journal (state_journal.c) nor in the file (state_file.c).
 */
#include <string.h>
#include <unistd.h>

#include "engine/address.h"
#include "engine/state_parts.h"
#include "value/json.h"

static void instance_free(gpointer data) {
	StateInstance *instance = data;
	g_free(instance->address);
	g_free(instance->module);
	g_free(instance->type);
	g_free(instance->name);
	value_clear(&instance->key);
	g_free(instance->provider);
	state_object_free(instance->current);
	g_clear_pointer(&instance->deposed, g_hash_table_unref);
	g_free(instance);
}

static void output_free(gpointer data) {
	StateOutput *output = data;
	value_clear(&output->value);
	value_clear(&output->type);
	g_free(output);
}

State *state_new(void) {
	State *state = g_new0(State, 1);
	state->lineage = g_uuid_string_random();
	state->instances = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, instance_free);
	state->outputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, output_free);
	state->journal = -1;
	return state;
}

void state_free(State *state) {
	if (!state)
		return;
	g_free(state->lineage);
	g_hash_table_unref(state->instances);
	g_hash_table_unref(state->outputs);
	value_clear(&state->check_results);
	g_free(state->path);
	if (state->journal >= 0)
		close(state->journal);
	g_free(state);
}

StateInstance *state_instance(const State *state, const char *address) {
	return g_hash_table_lookup(state->instances, address);
}

StateInstance *state_instance_new(State *state, const char *text) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(Address) address = address_parse(text, diags);
	if (!address || !address->type)
		return NULL;
	StateInstance *instance = g_new0(StateInstance, 1);
	instance->address = g_strdup(text);
	instance->module = g_strdup(address->module);
	instance->managed = address->managed;
	instance->type = g_strdup(address->type);
	instance->name = g_strdup(address->name);
	instance->key = value_ref(address->key);
	g_hash_table_insert(state->instances, instance->address, instance);
	return instance;
}

/* Modules before what is in them, by name; keys by number, then by text. */
static gint compare_instances(gconstpointer first, gconstpointer second) {
	const StateInstance *a = *(StateInstance *const *)first;
	const StateInstance *b = *(StateInstance *const *)second;
	int order = strcmp(a->module, b->module);
	if (order == 0)
		order = a->managed - b->managed;
	if (order == 0)
		order = strcmp(a->type, b->type);
	if (order == 0)
		order = strcmp(a->name, b->name);
	return order ? order : value_compare(a->key, b->key);
}

GPtrArray *state_sorted(const State *state) {
	GPtrArray *sorted = g_ptr_array_new();
	GHashTableIter iter;
	gpointer instance;
	g_hash_table_iter_init(&iter, state->instances);
	while (g_hash_table_iter_next(&iter, NULL, &instance))
		g_ptr_array_add(sorted, instance);
	g_ptr_array_sort(sorted, compare_instances);
	return sorted;
}

void state_apply_put(State *state, const char *address, const char *provider, const char *deposed,
	StateObject *object_taken) {
	StateInstance *instance = state_instance(state, address);
	if (!instance && object_taken)
		instance = state_instance_new(state, address);
	if (!instance) {
		state_object_free(object_taken);
		return;
	}
	if (provider && provider != instance->provider) {
		g_free(instance->provider);
		instance->provider = g_strdup(provider);
	}
	if (!instance->provider)
		instance->provider = g_strdup("");
	if (!deposed) {
		state_object_free(instance->current);
		instance->current = object_taken;
	} else if (object_taken) {
		if (!instance->deposed)
			instance->deposed = g_hash_table_new_full(
				g_str_hash, g_str_equal, g_free, (GDestroyNotify)state_object_free);
		g_hash_table_insert(instance->deposed, g_strdup(deposed), object_taken);
	} else if (instance->deposed)
		g_hash_table_remove(instance->deposed, deposed);
	if (!instance->current && (!instance->deposed || !g_hash_table_size(instance->deposed)))
		g_hash_table_remove(state->instances, address);
}

gboolean state_apply_depose(State *state, const char *address, const char *key) {
	StateInstance *instance = state_instance(state, address);
	if (!instance || !instance->current)
		return FALSE;
	StateObject *object = g_steal_pointer(&instance->current);
	state_apply_put(state, address, NULL, key, object);
	return TRUE;
}

gboolean state_apply_restore(State *state, const char *address, const char *key) {
	StateInstance *instance = state_instance(state, address);
	gpointer owned_key = NULL, object = NULL;
	if (!instance || !instance->deposed ||
		!g_hash_table_steal_extended(instance->deposed, key, &owned_key, &object))
		return FALSE;
	g_free(owned_key);
	state_apply_put(state, address, NULL, NULL, object);
	return TRUE;
}

gboolean state_apply_move(State *state, const char *from, const char *to) {
	StateInstance *old = state_instance(state, from);
	StateInstance *new =
		old && !state_instance(state, to) ? state_instance_new(state, to) : NULL;
	if (!new)
		return FALSE;
	new->provider = g_steal_pointer(&old->provider);
	new->current = g_steal_pointer(&old->current);
	new->deposed = g_steal_pointer(&old->deposed);
	g_hash_table_remove(state->instances, from);
	return TRUE;
}

void state_put_output(State *state, const char *name, Value value, gboolean sensitive) {
	StateOutput *output = g_new0(StateOutput, 1);
	output->value = value_unmark_deep(value);
	output->type = type_to_json(value_type(value));
	output->sensitive = sensitive;
	StateOutput *old = g_hash_table_lookup(state->outputs, name);
	if (!old || !value_equal(old->value, output->value) || old->sensitive != sensitive)
		state->changed = TRUE;
	g_hash_table_insert(state->outputs, g_strdup(name), output);
}

void state_remove_output(State *state, const char *name) {
	if (g_hash_table_remove(state->outputs, name))
		state->changed = TRUE;
}
