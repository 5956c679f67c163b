/*
 * State in memory, its file and its journal. See state.h. Relies on value's JSON; must never drop
 * what it does not understand in an object.
 */
#include "engine/state.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/address.h"
#include "value/json.h"

/* What we write as the version: states of a newer Terraform are refused by an older one, so this is
 * the version whose format and behaviour we follow. */
#define TERRAFORM_VERSION "1.11.4"

/* ---- objects ---- */

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

static Value object_to_json(const StateObject *object, Value key, const char *deposed) {
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

static StateObject *object_from_json(Value json) {
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

/* ---- instances ---- */

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

/* NULL if `text` is no address of a resource. */
static StateInstance *instance_new(State *state, const char *text) {
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

/* ---- the file ---- */

static Value instance_to_json(const StateInstance *instance, ValueBuilder *into) {
	if (instance->current)
		value_builder_add_take(
			into, object_to_json(instance->current, instance->key, NULL));
	GHashTableIter iter;
	gpointer key, object;
	if (instance->deposed) {
		g_hash_table_iter_init(&iter, instance->deposed);
		while (g_hash_table_iter_next(&iter, &key, &object))
			value_builder_add_take(into, object_to_json(object, instance->key, key));
	}
	return VALUE_NOTHING;
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
	StateInstance *instance = state_instance(state, address);
	if (!instance)
		instance = instance_new(state, address);
	if (!instance) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
			"The state file could not be parsed: %s is no address of a resource.",
			address);
		return FALSE;
	}
	g_free(instance->provider);
	instance->provider = g_strdup(value_text_or(value_get(resource, "provider"), ""));
	const char *deposed = value_get_text(json, "deposed");
	if (!deposed) {
		state_object_free(instance->current);
		instance->current = object_from_json(json);
		return TRUE;
	}
	if (!instance->deposed)
		instance->deposed = g_hash_table_new_full(
			g_str_hash, g_str_equal, g_free, (GDestroyNotify)state_object_free);
	g_hash_table_insert(instance->deposed, g_strdup(deposed), object_from_json(json));
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

/* ---- the journal ---- */

static char *journal_path(const State *state) {
	return g_strconcat(state->path, ".journal", NULL);
}

static void set_object(State *state, const char *address, const char *provider, const char *deposed,
	StateObject *object_taken) {
	StateInstance *instance = state_instance(state, address);
	if (!instance && object_taken)
		instance = instance_new(state, address);
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

static gboolean depose(State *state, const char *address, const char *key) {
	StateInstance *instance = state_instance(state, address);
	if (!instance || !instance->current)
		return FALSE;
	StateObject *object = g_steal_pointer(&instance->current);
	set_object(state, address, NULL, key, object);
	return TRUE;
}

static gboolean restore(State *state, const char *address, const char *key) {
	StateInstance *instance = state_instance(state, address);
	gpointer owned_key = NULL, object = NULL;
	if (!instance || !instance->deposed ||
		!g_hash_table_steal_extended(instance->deposed, key, &owned_key, &object))
		return FALSE;
	g_free(owned_key);
	set_object(state, address, NULL, NULL, object);
	return TRUE;
}

static gboolean move(State *state, const char *from, const char *to) {
	StateInstance *old = state_instance(state, from);
	StateInstance *new = old && !state_instance(state, to) ? instance_new(state, to) : NULL;
	if (!new)
		return FALSE;
	new->provider = g_steal_pointer(&old->provider);
	new->current = g_steal_pointer(&old->current);
	new->deposed = g_steal_pointer(&old->deposed);
	g_hash_table_remove(state->instances, from);
	return TRUE;
}

static void replay_line(State *state, const char *line) {
	/* A line that was cut off in the middle is the write that never happened. */
	g_autoptr(GError) error = NULL;
	g_auto(Value) entry = value_from_json(line, -1, &error);
	const char *address = value_get_text(entry, "address");
	if (error || !address)
		return;
	state->changed = TRUE;
	if (value_has(entry, "depose")) {
		depose(state, address, value_text_or(value_get(entry, "depose"), ""));
		return;
	}
	if (value_has(entry, "restore")) {
		restore(state, address, value_text_or(value_get(entry, "restore"), ""));
		return;
	}
	if (value_has(entry, "move")) {
		move(state, address, value_text_or(value_get(entry, "move"), ""));
		return;
	}
	Value object = value_get(entry, "object");
	set_object(state, address, value_get_text(entry, "provider"),
		value_get_text(entry, "deposed"),
		value_is_null(object) ? NULL : object_from_json(object));
}

static void replay_journal(State *state) {
	g_autofree char *path = journal_path(state);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	state->unfolded = TRUE;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	if (!lines[0])
		return;
	/* The first line says which state it goes on from: an older one has been folded already. */
	g_auto(Value) head = value_from_json(lines[0], -1, NULL);
	gboolean ours = g_strcmp0(value_get_text(head, "lineage"), state->lineage) == 0;
	if (!ours && state->serial == 0 && value_get_text(head, "lineage")) {
		g_free(state->lineage);
		state->lineage = g_strdup(value_get_text(head, "lineage"));
		ours = TRUE;
	}
	if (ours && value_get_int(head, "serial", -1) == (gint64)state->serial)
		for (char **line = lines + 1; *line; line++)
			replay_line(state, *line);
}

State *state_open(const char *path, GError **error) {
	g_autofree char *text = NULL;
	gsize length;
	g_autoptr(State) state = NULL;
	if (g_file_get_contents(path, &text, &length, NULL) && length > 0)
		state = state_from_text(text, (gssize)length, error);
	else
		state = state_new();
	if (!state) {
		g_prefix_error(error, "%s: ", path);
		return NULL;
	}
	state->path = g_strdup(path);
	replay_journal(state);
	return g_steal_pointer(&state);
}

static gboolean fail_errno(GError **error, const char *what, const char *path) {
	int number = errno;
	g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(number), "cannot %s %s: %s", what,
		path, g_strerror(number));
	return FALSE;
}

static gboolean append_line(State *state, Value entry, GError **error) {
	g_autofree char *json = value_to_json(entry, VALUE_JSON_COMPACT);
	g_autofree char *line = g_strconcat(json, "\n", NULL);
	gsize length = strlen(line);
	if (write(state->journal, line, length) == (gssize)length)
		return TRUE;
	g_autofree char *path = journal_path(state);
	return fail_errno(error, "write", path);
}

static gboolean open_journal(State *state, GError **error) {
	if (state->journal >= 0)
		return TRUE;
	if (state->unfolded && !state_fold(state, error))
		return FALSE;
	g_autofree char *path = journal_path(state);
	g_autofree char *dir = g_path_get_dirname(path);
	if (g_mkdir_with_parents(dir, 0755) < 0)
		return fail_errno(error, "make the folder", dir);
	state->journal = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (state->journal < 0)
		return fail_errno(error, "open", path);
	g_auto(Value) head = value_object_take("lineage", value_string(state->lineage), "serial",
		value_int((gint64)state->serial), NULL);
	return append_line(state, head, error);
}

gboolean state_put(State *state, const char *address, const char *provider, const char *deposed,
	StateObject *object_taken, GError **error) {
	state->changed = TRUE;
	g_auto(Value) entry = value_object_take("address", value_string(address), "provider",
		value_string(provider), "deposed", value_string(deposed), "object",
		object_taken ? object_to_json(object_taken, VALUE_NOTHING, NULL) : VALUE_NOTHING,
		NULL);
	set_object(state, address, provider, deposed, object_taken);
	if (!state->path)
		return TRUE;
	return open_journal(state, error) && append_line(state, entry, error);
}

/* One line for one change, so that a killed process has made all of it or nothing. */
static gboolean append_change(
	State *state, const char *address, const char *what, const char *text, GError **error) {
	state->changed = TRUE;
	if (!state->path)
		return TRUE;
	g_auto(Value) entry =
		value_object_take("address", value_string(address), what, value_string(text), NULL);
	return open_journal(state, error) && append_line(state, entry, error);
}

const char *state_depose(State *state, const char *address, GError **error) {
	g_autofree char *key = text_random_hex(8);
	if (!append_change(state, address, "depose", key, error) || !depose(state, address, key))
		return NULL;
	gpointer owned = NULL;
	g_hash_table_lookup_extended(state_instance(state, address)->deposed, key, &owned, NULL);
	return owned;
}

gboolean state_restore(State *state, const char *address, const char *key, GError **error) {
	g_autofree char *owned_key = g_strdup(key);
	return append_change(state, address, "restore", owned_key, error) &&
	       restore(state, address, owned_key);
}

gboolean state_move(State *state, const char *from, const char *to, GError **error) {
	g_autofree char *source = g_strdup(from);
	return append_change(state, source, "move", to, error) && move(state, source, to);
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

/* The file as it is now stays beside it as .backup, as Terraform keeps one. */
static void keep_backup(const State *state) {
	g_autofree char *backup = g_strconcat(state->path, ".backup", NULL);
	g_autofree char *text = NULL;
	gsize length;
	if (g_file_get_contents(state->path, &text, &length, NULL))
		g_file_set_contents_full(
			backup, text, (gssize)length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

void state_touch(State *state) {
	state->changed |= state->path && !g_file_test(state->path, G_FILE_TEST_EXISTS);
}

gboolean state_fold(State *state, GError **error) {
	if (!state->path)
		return TRUE;
	if (state->changed) {
		g_autofree char *dir = g_path_get_dirname(state->path);
		if (g_mkdir_with_parents(dir, 0755) < 0)
			return fail_errno(error, "make the folder", dir);
		keep_backup(state);
		state->serial++;
		g_autofree char *text = state_to_text(state);
		if (!g_file_set_contents_full(state->path, text, -1,
			    G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
			    error))
			return FALSE;
		state->changed = FALSE;
	}
	if (state->journal >= 0)
		close(state->journal);
	state->journal = -1;
	g_autofree char *path = journal_path(state);
	g_unlink(path);
	state->unfolded = FALSE;
	return TRUE;
}

/* ---- the lock ---- */

struct StateLock {
	int fd;
	char *info; /* path of the file that says who holds it */
};

static char *lock_details(const char *path, const char *info) {
	g_autofree char *text = NULL;
	g_file_get_contents(info, &text, NULL, NULL);
	g_auto(Value) json = text ? value_from_json(text, -1, NULL) : VALUE_NOTHING;
	return g_strdup_printf(
		"Error message: resource temporarily unavailable\n"
		"Lock Info:\n  ID:        %s\n  Path:      %s\n  Operation: %s\n"
		"  Who:       %s\n  Version:   %s\n  Created:   %s\n  Info:      \n\n"
		"Terrarium acquires a state lock to protect the state from being written "
		"by multiple users at the same time. Please resolve the issue above and "
		"try again. For most commands, you can disable locking with the "
		"\"-lock=false\" flag, but this is not recommended.",
		value_text_or(value_get(json, "ID"), ""), path,
		value_text_or(value_get(json, "Operation"), ""),
		value_text_or(value_get(json, "Who"), ""),
		value_text_or(value_get(json, "Version"), ""),
		value_text_or(value_get(json, "Created"), ""));
}

static void write_lock_info(const char *info, const char *path, const char *operation) {
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *created = g_date_time_format(now, "%Y-%m-%d %H:%M:%S.%f +0000 UTC");
	g_autofree char *id = g_uuid_string_random();
	g_auto(Value) json = value_object_take("ID", value_string(id), "Operation",
		value_string(operation), "Who",
		value_string_printf(
			"%s@%s (process %d)", g_get_user_name(), g_get_host_name(), (int)getpid()),
		"Version", value_string(TERRARIUM_VERSION), "Created", value_string(created),
		"Path", value_string(path), NULL);
	g_autofree char *text = value_to_json(json, VALUE_JSON_COMPACT);
	g_file_set_contents(info, text, -1, NULL);
}

StateLock *state_lock(const char *path, const char *operation, guint timeout_s, GError **error) {
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *lock_path = g_strconcat(path, ".lock", NULL);
	g_autofree char *info = g_strconcat(path, ".lock.info", NULL);
	if (g_mkdir_with_parents(dir, 0755) < 0) {
		fail_errno(error, "make the folder", dir);
		return NULL;
	}
	int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		fail_errno(error, "open", lock_path);
		return NULL;
	}
	/* The kernel's lock ends with its holder, however that dies. */
	struct flock request = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	gint64 deadline = g_get_monotonic_time() + timeout_s * G_USEC_PER_SEC;
	while (fcntl(fd, F_OFD_SETLK, &request) < 0) {
		if (g_get_monotonic_time() < deadline) {
			g_usleep(G_USEC_PER_SEC / 10);
			continue;
		}
		g_autofree char *details = lock_details(path, info);
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY, "%s", details);
		close(fd);
		return NULL;
	}
	write_lock_info(info, path, operation);
	StateLock *lock = g_new0(StateLock, 1);
	lock->fd = fd;
	lock->info = g_steal_pointer(&info);
	return lock;
}

void state_unlock(StateLock *lock) {
	if (!lock)
		return;
	g_unlink(lock->info);
	close(lock->fd);
	g_free(lock->info);
	g_free(lock);
}
