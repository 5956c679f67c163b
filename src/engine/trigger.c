/*
 * lifecycle.replace_triggered_by: whether the plan changes what it names. A trigger is a reference
 * to a resource, one of its instances (also by count.index or each.key), or an attribute.
 */
#include <string.h>

#include "engine/internal.h"

/* A trigger, with keys that are expressions evaluated. */
typedef struct {
	char *name; /* terraform_data.a */
	Value key; /* null: all instances */
	const char *attribute; /* or NULL: anything */
} Trigger;

static void trigger_clear(Trigger *trigger) {
	g_free(trigger->name);
	value_clear(&trigger->key);
}

/* The reference that an expression begins with, up to a key that is none of its steps. */
typedef struct {
	const LangTraversal *resource;
	const LangTraversal *key;
} Parts;

static void take_part(const LangTraversal *traversal, gpointer data) {
	Parts *parts = data;
	gboolean key =
		g_str_equal(traversal->root, "count") || g_str_equal(traversal->root, "each");
	*(key ? &parts->key : &parts->resource) = traversal;
}

static Parts parts_of(const LangExpr *expr) {
	Parts parts = {lang_expr_traversal(expr), NULL};
	if (!parts.resource)
		lang_expr_references(expr, take_part, &parts);
	return parts;
}

static gboolean read_trigger(const Job *job, const LangExpr *expr, Trigger *trigger) {
	const Parts parts = parts_of(expr);
	*trigger = (Trigger){NULL, VALUE_NOTHING, NULL};
	if (!parts.resource || parts.resource->n_steps == 0 || !parts.resource->steps[0].name)
		return FALSE;
	const LangTraversal *traversal = parts.resource;
	trigger->name = address_join(
		job->module->path, TRUE, traversal->root, traversal->steps[0].name, VALUE_NOTHING);
	if (parts.key)
		trigger->key = value_ref(job->instance->key);
	for (guint i = 1; i < traversal->n_steps && !trigger->attribute; i++)
		if (traversal->steps[i].kind == LANG_STEP_NAME)
			trigger->attribute = traversal->steps[i].name;
		else if (traversal->steps[i].kind == LANG_STEP_INDEX && value_is_null(trigger->key))
			trigger->key = value_ref(traversal->steps[i].index);
	return TRUE;
}

/* Whether the change is of what the trigger names. */
static gboolean is_named(const Trigger *trigger, const Change *change) {
	g_autofree char *key = address_key(trigger->key);
	g_autofree char *wanted = g_strconcat(trigger->name, key, NULL);
	g_autofree char *plain = value_is_null(trigger->key) ? address_without_keys(change->address)
							     : g_strdup(change->address);
	g_autofree char *name = value_is_null(trigger->key) ? address_without_keys(wanted)
							    : g_steal_pointer(&wanted);
	return g_str_equal(plain, name);
}

static gboolean fires(const Trigger *trigger, const Change *change) {
	return change->action != CHANGE_NONE &&
	       (!trigger->attribute || !value_equal(value_get(change->before, trigger->attribute),
					       value_get(change->after, trigger->attribute)));
}

static void refuse_missing(const Job *job, const Trigger *trigger) {
	g_autofree char *key = address_key(trigger->key);
	const char *path = job->module->path;
	const char *name = trigger->name + (*path ? strlen(path) + 1 : 0);
	g_autofree char *summary = g_strdup_printf(
		"no change found for %s%s in %s", name, key, *path ? path : "the root module");
	diags_error(job->engine->diags, SOURCE_NOWHERE, summary, NULL);
}

gboolean engine_is_triggered(const Job *job) {
	const GPtrArray *triggers = job->resource->replace_triggered_by;
	const GPtrArray *changes = job->engine->plan->changes;
	for (guint i = 0; triggers && i < triggers->len; i++) {
		Trigger trigger;
		gboolean found = FALSE, there = FALSE;
		gboolean whole = read_trigger(job, triggers->pdata[i], &trigger);
		for (guint j = 0; whole && !found && j < changes->len; j++) {
			gboolean named = is_named(&trigger, changes->pdata[j]);
			there = there || named;
			found = named && fires(&trigger, changes->pdata[j]);
		}
		if (whole && !there && !value_is_null(trigger.key) && !job->engine->targets)
			refuse_missing(job, &trigger);
		trigger_clear(&trigger);
		if (found)
			return TRUE;
	}
	return FALSE;
}

void engine_check_triggers(Engine *engine, const Resource *resource) {
	const GPtrArray *triggers = resource->replace_triggered_by;
	const Module *module = resource->module;
	for (guint i = 0; triggers && i < triggers->len; i++) {
		const Parts parts = parts_of(triggers->pdata[i]);
		if (!parts.resource || parts.resource->n_steps == 0 ||
			!parts.resource->steps[0].name)
			continue;
		g_autofree char *name = g_strdup_printf(
			"%s.%s", parts.resource->root, parts.resource->steps[0].name);
		if (!g_hash_table_contains(module->resource_index, name))
			diags_error(engine->diags, parts.resource->range,
				"Reference to undeclared resource",
				"A resource %s has not been declared in %s", name,
				*module->path ? module->path : "the root module");
	}
}
