/*
 * States and plans as `show -json` gives them to programs: Terraform's own format, with the values
 * of objects in plain JSON and beside them what is secret and what is not known yet.
 */
#include <string.h>

#include "engine/internal.h"
#include "engine/version.h"
#include "value/json.h"

/* ---- values ---- */

/* The same shape with true where `found` holds: {"password": true}; what has none is left out of
 * objects, and false in lists. */
static Value outline(Value value, gboolean (*found)(Value)) {
	if (found(value))
		return value_bool(TRUE);
	g_auto(Value) plain = value_unmark(value);
	if (!value_is_known(plain) || !(value_is_mapping(plain) || value_is_sequence(plain)))
		return value_bool(FALSE);
	gboolean mapping = value_is_mapping(plain);
	g_autoptr(ValueBuilder) all = value_builder_new(mapping ? VALUE_OBJECT : VALUE_TUPLE, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, plain); value_iter_next(&iter, &key, &element);) {
		g_auto(Value) inner = outline(element, found);
		gboolean none = value_kind(inner) == VALUE_BOOL && !value_to_bool(inner);
		if (!mapping)
			value_builder_add_take(all, value_ref(inner));
		else if (!none)
			value_builder_set_take(all, key, value_ref(inner));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static gboolean is_secret(Value value) {
	return value_is_sensitive(value);
}

static gboolean is_unknown(Value value) {
	return !value_is_known(value);
}

/* What is known of a value: attributes that are not are left out. */
static Value known_part(Value value) {
	if (!value_is_known(value) || value_is_null(value))
		return VALUE_NOTHING;
	if (!value_is_mapping(value) && !value_is_sequence(value))
		return value_ref(value);
	gboolean mapping = value_is_mapping(value);
	g_autoptr(ValueBuilder) all = value_builder_new(mapping ? VALUE_OBJECT : VALUE_TUPLE, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		if (!mapping)
			value_builder_add_take(all, known_part(element));
		else if (value_is_known(element))
			value_builder_set_take(all, key, known_part(element));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value plain_json(Value value) {
	g_auto(Value) plain = value_unmark_deep(value);
	return known_part(plain);
}

/* provider["registry.terraform.io/hashicorp/aws"].x: what is in the quotes. */
static Value provider_name(const char *address) {
	const char *from = strchr(address, '"');
	const char *to = from ? strchr(from + 1, '"') : NULL;
	g_autofree char *name = to ? g_strndup(from + 1, (gsize)(to - from - 1)) : NULL;
	return value_string(name ? name : address);
}

/* ---- states ---- */

static Value strings(char **texts) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (; texts && *texts; texts++)
		value_builder_add_take(all, value_string(*texts));
	return value_builder_end(g_steal_pointer(&all));
}

static Value resource_json(Engine *engine, const StateInstance *instance) {
	const StateObject *object = instance->current;
	const Schema *schema =
		engine_state_schema(engine, instance->provider, instance->managed, instance->type);
	g_auto(Value) value =
		schema ? engine_object_value(engine, object, schema, instance->address)
		       : value_ref(object->attributes);
	Value json = value_object_take("address", value_string(instance->address), "mode",
		value_string(instance->managed ? "managed" : "data"), "type",
		value_string(instance->type), "name", value_string(instance->name), "provider_name",
		provider_name(instance->provider), "schema_version",
		value_int(object->schema_version), "values", plain_json(value), "sensitive_values",
		outline(value, is_secret), NULL);
	if (!value_is_null(instance->key))
		json = value_with_take(json, "index", value_ref(instance->key));
	if (object->dependencies && object->dependencies[0])
		json = value_with_take(json, "depends_on", strings(object->dependencies));
	if (object->tainted)
		json = value_with_take(json, "tainted", value_bool(TRUE));
	return json;
}

/* The length of the first module of a path: of "module.a["x.y"].module.b", that of module.a["x.y"].
 */
static gsize first_module(const char *path) {
	const char *at = path + strlen("module.");
	at += strcspn(at, ".[");
	gboolean quoted = FALSE;
	if (*at == '[')
		for (; *at && (quoted || *at != ']'); at++)
			if (*at == '"' && at[-1] != '\\')
				quoted = !quoted;
	return (gsize)(at - path) + (*at == ']');
}

static Value module_json(Engine *engine, GPtrArray *instances, const char *path);

/* The modules right below `path`, each once. */
static Value children_json(Engine *engine, GPtrArray *instances, const char *path) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	gsize length = strlen(path);
	for (guint i = 0; i < instances->len; i++) {
		const char *module = ((const StateInstance *)instances->pdata[i])->module;
		const char *rest = module + length + (length > 0);
		if (!g_str_has_prefix(module, path) || strlen(module) <= length ||
			!g_str_has_prefix(rest, "module."))
			continue;
		g_autofree char *child =
			g_strndup(module, (gsize)(rest - module) + first_module(rest));
		if (g_hash_table_contains(seen, child))
			continue;
		value_builder_add_take(all, module_json(engine, instances, child));
		g_hash_table_add(seen, g_steal_pointer(&child));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value module_json(Engine *engine, GPtrArray *instances, const char *path) {
	g_autoptr(ValueBuilder) resources = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < instances->len; i++) {
		const StateInstance *instance = instances->pdata[i];
		if (instance->current && g_str_equal(instance->module, path))
			value_builder_add_take(resources, resource_json(engine, instance));
	}
	Value json = value_empty_object();
	if (*path)
		json = value_with_take(json, "address", value_string(path));
	if (value_builder_length(resources) > 0)
		json = value_with_take(
			json, "resources", value_builder_end(g_steal_pointer(&resources)));
	g_auto(Value) children = children_json(engine, instances, path);
	return value_length(children) ? value_with_take(json, "child_modules", value_ref(children))
				      : json;
}

static Value outputs_json(const State *state) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	GHashTableIter iter;
	gpointer name, data;
	g_hash_table_iter_init(&iter, state->outputs);
	while (g_hash_table_iter_next(&iter, &name, &data)) {
		const StateOutput *output = data;
		value_builder_set_take(all, name,
			value_object_take("sensitive", value_bool(output->sensitive), "value",
				value_ref(output->value), "type", value_ref(output->type), NULL));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value state_json(Engine *engine, const State *state) {
	g_autoptr(GPtrArray) instances = state_sorted(state);
	Value values = value_object_take("root_module", module_json(engine, instances, ""), NULL);
	if (g_hash_table_size(state->outputs) > 0)
		values = value_with_take(values, "outputs", outputs_json(state));
	return value_object_take("format_version", value_string("1.0"), "terraform_version",
		value_string(TERRAFORM_VERSION), "values", values, NULL);
}

char *state_show_json(Engine *engine, const State *state) {
	g_auto(Value) json = state_json(engine, state);
	return value_to_json(json, VALUE_JSON_COMPACT);
}

/* ---- plans ---- */

static Value actions_json(ChangeAction action) {
	static const char *const names[][2] = {
		[CHANGE_NONE] = {"no-op"},
		[CHANGE_CREATE] = {"create"},
		[CHANGE_READ] = {"read"},
		[CHANGE_UPDATE] = {"update"},
		[CHANGE_DELETE] = {"delete"},
		[CHANGE_REPLACE] = {"delete", "create"},
		[CHANGE_REPLACE_CREATE_FIRST] = {"create", "delete"},
		[CHANGE_FORGET] = {"forget"},
	};
	return names[action][1] ? value_tuple_take(2, value_string(names[action][0]),
					  value_string(names[action][1]))
				: value_tuple_take(1, value_string(names[action][0]));
}

static Value before_and_after(ChangeAction action, Value before, Value after) {
	return value_object_take("actions", actions_json(action), "before", plain_json(before),
		"after", plain_json(after), "after_unknown", outline(after, is_unknown),
		"before_sensitive", outline(before, is_secret), "after_sensitive",
		outline(after, is_secret), NULL);
}

static Value change_json(const Change *change) {
	g_autoptr(Diags) quiet = diags_new();
	g_autoptr(Address) address = address_parse(change->address, quiet);
	Value detail = before_and_after(change->action, change->before,
		change->action == CHANGE_DELETE ? VALUE_NOTHING : change->after);
	if (value_length(change->requires_replace) > 0)
		detail = value_with_take(
			detail, "replace_paths", value_ref(change->requires_replace));
	if (change->imported)
		detail = value_with_take(detail, "importing",
			value_object_take("id", value_string(change->imported), NULL));
	Value json = value_object_take("address", value_string(change->address), "mode",
		value_string(change->managed ? "managed" : "data"), "type",
		value_string(change->type), "name", value_string(change->name), "provider_name",
		provider_name(change->provider ? change->provider : ""), "change", detail, NULL);
	if (address && *address->module)
		json = value_with_take(json, "module_address", value_string(address->module));
	if (address && address->has_key)
		json = value_with_take(json, "index", value_ref(address->key));
	if (change->deposed)
		json = value_with_take(json, "deposed", value_string(change->deposed));
	if (change->moved_from)
		json = value_with_take(json, "previous_address", value_string(change->moved_from));
	return json;
}

static Value output_changes_json(const Plan *plan) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	for (guint i = 0; i < plan->outputs->len; i++) {
		const OutputChange *change = plan->outputs->pdata[i];
		value_builder_set_take(all, change->name,
			before_and_after(change->action, change->before, change->after));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value variables_json(const Plan *plan) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *name;
	Value value;
	for (value_iter_init(&iter, plan->variables); value_iter_next(&iter, &name, &value);)
		value_builder_set_take(
			all, name, value_object_take("value", plain_json(value), NULL));
	return value_builder_end(g_steal_pointer(&all));
}

char *plan_show_json(Engine *engine, const Plan *plan) {
	g_autoptr(ValueBuilder) changes = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < plan->changes->len; i++)
		value_builder_add_take(changes, change_json(plan->changes->pdata[i]));
	g_auto(Value) json = value_object_take("format_version", value_string("1.2"),
		"terraform_version", value_string(TERRAFORM_VERSION), "variables",
		variables_json(plan), "resource_changes",
		value_builder_end(g_steal_pointer(&changes)), "output_changes",
		output_changes_json(plan), "prior_state", state_json(engine, engine_state(engine)),
		"errored", value_bool(plan->errored), NULL);
	return value_to_json(json, VALUE_JSON_COMPACT);
}
