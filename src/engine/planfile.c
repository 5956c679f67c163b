/*
 * Saved plans: a JSON file with what is to be done, the variables, and which state it was made
 * from. Applying evaluates the configuration again, so what was not known need not be kept but for
 * showing it.
 */

#include "engine/internal.h"
#include "value/json.h"

#define FORMAT "terrarium_plan"
#define VERSION 1

/* ---- values that are not known ---- */

/* `value` with null for what is not known, and where that was. A set with something unknown in it
 * is unknown as a whole. */
static Value split_unknown(Value value, Value path, ValueBuilder *unknown) {
	if (!value_is_known(value) ||
		(value_kind(value) == VALUE_SET && !value_is_wholly_known(value))) {
		value_builder_add_take(unknown, value_ref(path));
		return value_null(value_type(value));
	}
	if (value_is_wholly_known(value))
		return value_ref(value);
	g_auto(Value) known = value_ref(value);
	ValueIter iter;
	const char *key;
	Value element;
	gint64 index = 0;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element); index++) {
		g_auto(Value) step = key ? value_string(key) : value_int(index);
		g_auto(Value) here = value_append_take(value_ref(path), value_ref(step));
		g_auto(Value) place = value_tuple_take(1, value_ref(step));
		g_auto(Value) inner = split_unknown(element, here, unknown);
		Value next = value_with_path(known, place, inner);
		value_clear(&known);
		known = next;
	}
	return value_steal(&known);
}

static Value encode(Value value, const Type *type) {
	if (value_is_null(value))
		return VALUE_NOTHING;
	g_auto(Value) plain = value_unmark_deep(value), paths = value_sensitive_paths(value);
	g_auto(Value) root = value_empty_tuple();
	g_autoptr(ValueBuilder) unknown = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(Value) known = split_unknown(plain, root, unknown);
	return value_object_take("value", state_encode(known, type), "unknown",
		value_builder_end(g_steal_pointer(&unknown)), "sensitive", value_steal(&paths),
		NULL);
}

/* Whether the path leads somewhere; never through a set, which is unknown as a whole. */
static gboolean reaches(Value value, Value path) {
	for (gsize i = 0; i < value_length(path); i++) {
		Value step = value_at(path, i);
		gint64 index = value_to_int(step, -1);
		if (value_text(step) ? !value_has(value, value_text(step))
				     : index < 0 || (gsize)index >= value_length(value) ||
					       value_kind(value) == VALUE_SET)
			return FALSE;
		value = value_text(step) ? value_get(value, value_text(step))
					 : value_at(value, (gsize)index);
	}
	return TRUE;
}

static Value decode(Value json, const Type *type) {
	if (value_is_null(json))
		return VALUE_NOTHING;
	g_autofree char *problem = NULL;
	Value value = state_decode(value_get(json, "value"), type, &problem);
	Value unknown = value_get(json, "unknown");
	for (gsize i = 0; i < value_length(unknown); i++) {
		Value path = value_at(unknown, i);
		if (!reaches(value, path))
			continue;
		g_auto(Value) before = value;
		g_auto(Value) stand_in = value_unknown(value_type(value_at_path(before, path)));
		value = value_with_path(before, path, stand_in);
	}
	g_auto(Value) plain = value;
	return state_mark_paths(plain, value_get(json, "sensitive"));
}

/* ---- writing ---- */

static Value strings(char **texts) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (; texts && *texts; texts++)
		value_builder_add_take(all, value_string(*texts));
	return value_builder_end(g_steal_pointer(&all));
}

static Value change_to_json(const Change *change) {
	const Type *type = schema_block_type(change->schema->block);
	return value_object_take("address", value_string(change->address), "deposed",
		value_string(change->deposed), "provider", value_string(change->provider),
		"managed", value_bool(change->managed), "type", value_string(change->type), "name",
		value_string(change->name), "action", value_int(change->action), "reason",
		value_int(change->reason), "before", encode(change->before, type), "after",
		encode(change->after, type), "create_first", value_bool(change->create_first),
		"moved_from", value_string(change->moved_from), "imported",
		value_string(change->imported), "dependencies", strings(change->dependencies),
		NULL);
}

static Value output_to_json(const OutputChange *change) {
	return value_object_take("name", value_string(change->name), "action",
		value_int(change->action), "before", encode(change->before, type_any()), "after",
		encode(change->after, type_any()), "sensitive", value_bool(change->sensitive),
		NULL);
}

gboolean plan_write(const Plan *plan, Engine *engine, const char *path, GError **error) {
	g_autoptr(ValueBuilder) changes = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) outputs = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < plan->changes->len; i++)
		value_builder_add_take(changes, change_to_json(plan->changes->pdata[i]));
	for (guint i = 0; i < plan->outputs->len; i++)
		value_builder_add_take(outputs, output_to_json(plan->outputs->pdata[i]));
	g_auto(Value) variables = value_unmark_deep(plan->variables);
	g_auto(Value) file = value_object_take(FORMAT, value_int(VERSION), "mode",
		value_int(plan->mode), "lineage", value_string(engine->state->lineage), "serial",
		value_int((gint64)engine->base_serial), "variables",
		state_encode(variables, type_any()), "changes",
		value_builder_end(g_steal_pointer(&changes)), "outputs",
		value_builder_end(g_steal_pointer(&outputs)), NULL);
	g_autofree char *text = value_to_json(file, VALUE_JSON_PRETTY);
	/* Variables may be secrets. */
	return g_file_set_contents_full(
		path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

/* ---- reading ---- */

static Value read_file(const char *path, GError **error) {
	g_autofree char *text = NULL;
	gsize length;
	if (!g_file_get_contents(path, &text, &length, error))
		return VALUE_NOTHING;
	g_auto(Value) file = value_from_json(text, (gssize)length, NULL);
	if (value_get_int(file, FORMAT, 0) != VERSION) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"%s is not a plan that this version of Terrarium saved", path);
		return VALUE_NOTHING;
	}
	return value_steal(&file);
}

gboolean plan_is_file(const char *path) {
	g_auto(Value) file = read_file(path, NULL);
	return value_is_mapping(file);
}

static gboolean is_action(Value json) {
	gint64 action = value_to_int(json, -1);
	return action >= CHANGE_NONE && action <= CHANGE_FORGET;
}

static char **string_list(Value list) {
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();
	for (gsize i = 0; i < value_length(list); i++)
		g_strv_builder_add(all, value_text_or(value_at(list, i), ""));
	return g_strv_builder_end(all);
}

/* Whether what every change has is there. */
static gboolean is_change(Value json) {
	static const char *const texts[] = {"address", "provider", "type", "name"};
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		if (!value_get_text(json, texts[i]))
			return FALSE;
	return is_action(value_get(json, "action")) &&
	       value_get_int(json, "reason", REASON_NONE) <= REASON_REMOVED &&
	       value_get_int(json, "reason", REASON_NONE) >= REASON_NONE;
}

static Change *change_from_json(Engine *engine, Value json, GError **error) {
	gboolean managed = value_get_bool(json, "managed");
	if (!is_change(json)) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"the plan is damaged: it has a change without an address, a type, a "
			"provider or an action");
		return NULL;
	}
	const char *provider = value_get_text(json, "provider");
	const char *type_name = value_get_text(json, "type");
	const Schema *schema = engine_state_schema(engine, provider, managed, type_name);
	if (!schema) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"the plan has a %s, which this version of Terrarium does not know",
			type_name);
		return NULL;
	}
	const Type *type = schema_block_type(schema->block);
	Change *change = change_new(value_get_text(json, "address"),
		(ChangeAction)value_get_int(json, "action", CHANGE_NONE));
	change->deposed = g_strdup(value_get_text(json, "deposed"));
	change->provider = g_strdup(provider);
	change->managed = managed;
	change->type = g_strdup(type_name);
	change->name = g_strdup(value_get_text(json, "name"));
	change->reason = (ChangeReason)value_get_int(json, "reason", REASON_NONE);
	change->schema = schema;
	change->before = decode(value_get(json, "before"), type);
	change->after = decode(value_get(json, "after"), type);
	change->create_first = value_get_bool(json, "create_first");
	change->moved_from = g_strdup(value_get_text(json, "moved_from"));
	change->imported = g_strdup(value_get_text(json, "imported"));
	change->dependencies = string_list(value_get(json, "dependencies"));
	return change;
}

static gboolean read_outputs(Plan *plan, Value outputs, GError **error) {
	for (gsize i = 0; i < value_length(outputs); i++) {
		Value json = value_at(outputs, i);
		if (!value_get_text(json, "name") || !is_action(value_get(json, "action"))) {
			g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
				"the plan is damaged: it has an output without a name or an "
				"action");
			return FALSE;
		}
		OutputChange *change = g_new0(OutputChange, 1);
		change->name = g_strdup(value_get_text(json, "name"));
		change->action = (ChangeAction)value_get_int(json, "action", CHANGE_NONE);
		change->before = decode(value_get(json, "before"), type_any());
		change->after = decode(value_get(json, "after"), type_any());
		change->sensitive = value_get_bool(json, "sensitive");
		g_ptr_array_add(plan->outputs, change);
	}
	return TRUE;
}

static void take_variables(Engine *engine, Value json) {
	g_autofree char *problem = NULL;
	g_auto(Value) variables = state_decode(json, type_any(), &problem);
	engine->given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, given_variable_free);
	for (gsize i = 0; i < value_length(variables); i++) {
		GivenVariable *given = g_new0(GivenVariable, 1);
		given->value = value_ref(value_at(variables, i));
		given->source = "the saved plan";
		g_hash_table_insert(engine->given, g_strdup(value_key_at(variables, i)), given);
	}
}

Plan *plan_read(Engine *engine, const char *path, GError **error) {
	g_auto(Value) file = read_file(path, error);
	if (!value_is_mapping(file))
		return NULL;
	/* A state that was never written has no lineage to compare yet. */
	gint64 serial = value_get_int(file, "serial", -1);
	if (serial != (gint64)engine->state->serial ||
		(serial > 0 &&
			g_strcmp0(value_get_text(file, "lineage"), engine->state->lineage) != 0)) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"Saved plan is stale: the state was changed by another operation after the "
			"plan was created. Plan again.");
		return NULL;
	}
	g_autoptr(Plan) plan = plan_new((PlanMode)value_get_int(file, "mode", PLAN_NORMAL));
	take_variables(engine, value_get(file, "variables"));
	Value changes = value_get(file, "changes");
	for (gsize i = 0; i < value_length(changes); i++) {
		Change *change = change_from_json(engine, value_at(changes, i), error);
		if (!change)
			return NULL;
		g_ptr_array_add(plan->changes, change);
	}
	return read_outputs(plan, value_get(file, "outputs"), error) ? g_steal_pointer(&plan)
								     : NULL;
}
