/*
 * What names mean: variables, locals, outputs (named.c), resources, and the words each, count,
 * path, terraform and self.
 */

#include "base/text.h"
#include "engine/internal.h"
#include "value/convert.h"

/* ---- near misses ---- */

static char *suggestion(const char *name, GHashTable *table) {
	guint n;
	g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array(table, &n);
	return text_suggestion(name, names, n);
}

static const char *step_name(const LangTraversal *traversal, guint index) {
	return index < traversal->n_steps && traversal->steps[index].kind == LANG_STEP_NAME
		       ? traversal->steps[index].name
		       : NULL;
}

static const char *where(const Module *module) {
	return *module->path ? module->path : "the root module";
}

/* ---- references ---- */

typedef struct {
	const EvalScope *scope;
	const LangTraversal *traversal;
	Diags *diags;
} Reference;

static gboolean undeclared(Reference *reference, const char *summary, char *detail_taken) {
	g_autofree char *detail = detail_taken;
	diags_error(reference->diags, reference->traversal->range, summary, "%s", detail);
	return FALSE;
}

/* The words that stand for nothing by themselves. */
static gboolean missing_name(Reference *reference) {
	return undeclared(reference, "Invalid reference",
		g_strdup_printf(reference->traversal->n_steps > 0
					? "The \"%s\" object does not support this operation."
					: "The \"%s\" object cannot be accessed directly. Instead, "
					  "access one of its attributes.",
			reference->traversal->root));
}

static gboolean resolve_variable(Reference *reference, Value *out, guint *used) {
	const char *name = step_name(reference->traversal, 0);
	ModuleInstance *module = reference->scope->module;
	if (!name)
		return missing_name(reference);
	Variable *variable = g_hash_table_lookup(module->module->variables, name);
	if (!variable) {
		g_autofree char *hint = suggestion(name, module->module->variables);
		return undeclared(reference, "Reference to undeclared input variable",
			g_strdup_printf("An input variable with the name \"%s\" has not been "
					"declared.%s%s%s%s",
				name, hint,
				*hint ? "" : " This variable can be declared with a variable \"",
				*hint ? "" : name, *hint ? "" : "\" {} block."));
	}
	*out = engine_variable(reference->scope->engine, module, variable);
	*used = 1;
	return TRUE;
}

static gboolean resolve_local(Reference *reference, Value *out, guint *used) {
	const char *name = step_name(reference->traversal, 0);
	ModuleInstance *module = reference->scope->module;
	if (!name)
		return missing_name(reference);
	Local *local = g_hash_table_lookup(module->module->locals, name);
	if (!local) {
		g_autofree char *hint = suggestion(name, module->module->locals);
		return undeclared(reference, "Reference to undeclared local value",
			g_strdup_printf(
				"A local value with the name \"%s\" has not been declared.%s", name,
				hint));
	}
	*out = engine_local(reference->scope->engine, module, local);
	*used = 1;
	return TRUE;
}

/* A module's folder from where the command runs. */
static Value folder_of(const Module *module) {
	return value_string(*module->shown_dir ? module->shown_dir : ".");
}

static gboolean resolve_path(Reference *reference, Value *out, guint *used) {
	const char *name = step_name(reference->traversal, 0);
	const EvalScope *scope = reference->scope;
	static const char *const names[] = {"cwd", "module", "root"};
	if (!name)
		return missing_name(reference);
	g_autofree char *hint = text_suggestion(name, names, G_N_ELEMENTS(names));
	if (g_strcmp0(name, "module") == 0)
		*out = folder_of(scope->module->module);
	else if (g_strcmp0(name, "root") == 0)
		*out = folder_of(scope->engine->config->root);
	else if (g_strcmp0(name, "cwd") == 0)
		*out = value_string_take(g_get_current_dir());
	else
		return undeclared(reference, "Invalid \"path\" attribute",
			g_strdup_printf(
				"The \"path\" object does not have an attribute named \"%s\".%s",
				name, hint));
	*used = 1;
	return TRUE;
}

static gboolean resolve_terraform(Reference *reference, Value *out, guint *used) {
	const char *name = step_name(reference->traversal, 0);
	if (!name)
		return missing_name(reference);
	gboolean applying = g_strcmp0(name, "applying") == 0;
	if (!applying && g_strcmp0(name, "workspace") != 0)
		return undeclared(reference, "Invalid \"terraform\" attribute",
			g_strdup_printf(
				"The \"terraform\" object does not have an attribute named "
				"\"%s\". The only supported attributes are "
				"terraform.workspace, the name of the currently-selected "
				"workspace, and terraform.applying, a boolean which is true "
				"only during apply.",
				name));
	*out = applying ? value_bool(reference->scope->engine->phase == PHASE_APPLY)
			: value_string(reference->scope->engine->options.workspace);
	*used = 1;
	return TRUE;
}

static gboolean resolve_repeat(Reference *reference, Value *out, guint *used) {
	const EvalScope *scope = reference->scope;
	gboolean count = g_str_equal(reference->traversal->root, "count");
	const char *name = step_name(reference->traversal, 0);
	if (!name)
		return missing_name(reference);
	if (scope->repeat != (count ? REPEAT_COUNT : REPEAT_EACH))
		return undeclared(reference,
			count ? "Reference to \"count\" in non-counted context"
			      : "Reference to \"each\" in context without for_each",
			g_strdup(count ? "The \"count\" object can only be used in \"module\", "
					 "\"resource\", and \"data\" blocks, and only when the "
					 "\"count\" argument is set."
				       : "The \"each\" object can be used only in \"module\" or "
					 "\"resource\" blocks, and only when the \"for_each\" "
					 "argument is set."));
	if (count && g_strcmp0(name, "index") == 0)
		*out = value_ref(scope->key);
	else if (!count && g_strcmp0(name, "key") == 0)
		*out = value_ref(scope->key);
	else if (!count && g_strcmp0(name, "value") == 0)
		*out = value_ref(scope->each);
	else
		return undeclared(reference,
			count ? "Invalid \"count\" attribute" : "Invalid \"each\" attribute",
			g_strdup_printf(
				count ? "The \"count\" object does not have an attribute named "
					"\"%s\". The only supported attribute is count.index, "
					"which is the index of each instance of a resource block "
					"that has the \"count\" argument set."
				      : "The \"each\" object does not have an attribute named "
					"\"%s\". The supported attributes are each.key and "
					"each.value, the current key and value pair of the "
					"\"for_each\" attribute set.",
				name));
	*used = 1;
	return TRUE;
}

/* ---- resources ---- */

static Value whole_of(const Expansion *expansion) {
	if (expansion->repeat == REPEAT_SINGLE)
		return value_ref(((Instance *)expansion->instances->pdata[0])->value);
	gboolean each = expansion->repeat == REPEAT_EACH;
	g_autoptr(ValueBuilder) all = value_builder_new(each ? VALUE_OBJECT : VALUE_TUPLE, NULL);
	for (guint i = 0; i < expansion->instances->len; i++) {
		Instance *instance = expansion->instances->pdata[i];
		if (each)
			value_builder_set_take(
				all, value_text(instance->key), value_ref(instance->value));
		else
			value_builder_add_take(all, value_ref(instance->value));
	}
	return value_builder_end(g_steal_pointer(&all));
}

/* The key that a step gives: number and string indexes, and names for those with for_each. */
static Instance *instance_at(const Expansion *expansion, const LangStep *step) {
	g_auto(Value) key =
		step->kind == LANG_STEP_NAME ? value_string(step->name) : value_ref(step->index);
	g_autofree char *problem = NULL;
	g_auto(Value) fitted = value_convert(
		key, expansion->repeat == REPEAT_COUNT ? type_number() : type_string(), &problem);
	if (problem)
		return NULL;
	g_autofree char *text = address_key(fitted);
	return g_hash_table_lookup(expansion->by_key, text);
}

static gboolean no_index(Reference *reference, const Resource *resource) {
	g_autofree char *name = resource_name(resource);
	diags_error(reference->diags, reference->traversal->range, "Missing resource instance key",
		"Because %s has \"%s\" set, its attributes must be accessed on specific "
		"instances.\n\nFor example, to correlate with indices of a referring resource, "
		"use:\n    %s[%s]",
		name, resource->count ? "count" : "for_each", name,
		resource->count ? "count.index" : "each.key");
	return FALSE;
}

static gboolean unexpected_key(Reference *reference, const Resource *resource) {
	g_autofree char *name = resource_name(resource);
	return undeclared(reference, "Unexpected resource instance key",
		g_strdup_printf(
			"Because %s does not have \"count\" or \"for_each\" set, references "
			"to it must not include an index key. Remove the bracketed index to "
			"refer to the single instance of this resource.",
			name));
}

static gboolean give_resource(
	Reference *reference, const Resource *resource, guint steps, Value *out, guint *used) {
	const EvalScope *scope = reference->scope;
	const LangTraversal *traversal = reference->traversal;
	Expansion *expansion = engine_expand(scope->engine, scope->module, resource);
	*used = steps;
	if (!expansion) {
		*out = value_unknown(type_any());
		*used = traversal->n_steps;
		return TRUE;
	}
	const LangStep *next = steps < traversal->n_steps ? &traversal->steps[steps] : NULL;
	if (next && expansion->repeat == REPEAT_SINGLE && next->kind == LANG_STEP_INDEX)
		return unexpected_key(reference, resource);
	if (next && expansion->repeat != REPEAT_SINGLE && next->kind == LANG_STEP_NAME)
		return no_index(reference, resource);
	if (next && next->kind != LANG_STEP_SPLAT && expansion->repeat != REPEAT_SINGLE) {
		Instance *instance = instance_at(expansion, next);
		if (instance) {
			*out = value_ref(instance->value);
			*used = steps + 1;
			return TRUE;
		}
	}
	if (!expansion->has_whole) {
		expansion->whole = whole_of(expansion);
		expansion->has_whole = TRUE;
	}
	*out = value_ref(expansion->whole);
	return TRUE;
}

static gboolean resolve_resource(Reference *reference, gboolean managed, Value *out, guint *used) {
	const LangTraversal *traversal = reference->traversal;
	const char *type = managed ? traversal->root : step_name(traversal, 0);
	const char *name = step_name(traversal, managed ? 0 : 1);
	const Module *module = reference->scope->module->module;
	if (!type || !name)
		return undeclared(reference, "Invalid reference",
			g_strdup(managed ? "A reference to a resource type must be followed by at "
					   "least one attribute access, specifying the resource "
					   "name."
					 : "The \"data\" object must be followed by two attribute "
					   "names: the data source type and the resource name."));
	g_autofree char *key = g_strdup_printf("%s%s.%s", managed ? "" : "data.", type, name);
	const Resource *resource = g_hash_table_lookup(module->resource_index, key);
	if (!resource) {
		g_autofree char *hint = suggestion(key, module->resource_index);
		return undeclared(reference, "Reference to undeclared resource",
			g_strdup_printf(
				"A %s resource \"%s\" \"%s\" has not been declared in %s.%s",
				managed ? "managed" : "data", type, name, where(module), hint));
	}
	return give_resource(reference, resource, managed ? 1 : 2, out, used);
}

/* ---- modules ---- */

static Value outputs_of(Engine *engine, ModuleInstance *instance) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	GHashTableIter iter;
	gpointer name, output;
	g_hash_table_iter_init(&iter, instance->module->outputs);
	while (g_hash_table_iter_next(&iter, &name, &output))
		value_builder_set_take(all, name, engine_output(engine, instance, output));
	return value_builder_end(g_steal_pointer(&all));
}

static Value whole_call(Engine *engine, const CallExpansion *expansion) {
	gboolean each = expansion->repeat == REPEAT_EACH;
	if (expansion->unknown)
		return value_unknown(type_any());
	g_autoptr(ValueBuilder) all = value_builder_new(each ? VALUE_OBJECT : VALUE_TUPLE, NULL);
	for (guint i = 0; i < expansion->instances->len; i++) {
		ModuleInstance *instance = expansion->instances->pdata[i];
		if (each)
			value_builder_set_take(
				all, value_text(instance->key), outputs_of(engine, instance));
		else
			value_builder_add_take(all, outputs_of(engine, instance));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static gboolean resolve_module(Reference *reference, Value *out, guint *used) {
	const LangTraversal *traversal = reference->traversal;
	const EvalScope *scope = reference->scope;
	const char *name = step_name(traversal, 0);
	if (!name)
		return missing_name(reference);
	ModuleCall *call = g_hash_table_lookup(scope->module->module->calls, name);
	if (!call) {
		g_autofree char *hint = suggestion(name, scope->module->module->calls);
		return undeclared(reference, "Reference to undeclared module",
			g_strdup_printf("No module call named \"%s\" is declared in %s.%s", name,
				where(scope->module->module), hint));
	}
	CallExpansion *expansion = engine_expand_call(scope->engine, scope->module, call);
	*used = traversal->n_steps;
	if (!expansion) {
		*out = value_unknown(type_any());
		return TRUE;
	}
	*used = 1;
	const char *output_name = step_name(traversal, 1);
	if (expansion->repeat == REPEAT_SINGLE && output_name) {
		Output *output = g_hash_table_lookup(call->module->outputs, output_name);
		if (!output) {
			g_autofree char *hint = suggestion(output_name, call->module->outputs);
			return undeclared(reference, "Unsupported attribute",
				g_strdup_printf("This object does not have an attribute named "
						"\"%s\": module.%s has no such output.%s",
					output_name, name, hint));
		}
		*out = engine_output(scope->engine, expansion->instances->pdata[0], output);
		*used = 2;
		return TRUE;
	}
	*out = expansion->repeat == REPEAT_SINGLE
		       ? outputs_of(scope->engine, expansion->instances->pdata[0])
		       : whole_call(scope->engine, expansion);
	return TRUE;
}

/* ---- the scope ---- */

static gboolean resolve(
	const LangTraversal *traversal, Value *out, guint *used, gpointer data, Diags *diags) {
	Reference reference = {data, traversal, diags};
	const EvalScope *scope = data;
	const char *root = traversal->root;
	*used = 0;
	if (g_str_equal(root, "var"))
		return resolve_variable(&reference, out, used);
	if (g_str_equal(root, "local"))
		return resolve_local(&reference, out, used);
	if (g_str_equal(root, "path"))
		return resolve_path(&reference, out, used);
	if (g_str_equal(root, "terraform"))
		return resolve_terraform(&reference, out, used);
	if (g_str_equal(root, "each") || g_str_equal(root, "count"))
		return resolve_repeat(&reference, out, used);
	if (g_str_equal(root, "module"))
		return resolve_module(&reference, out, used);
	if (g_str_equal(root, "data"))
		return resolve_resource(&reference, FALSE, out, used);
	if (g_str_equal(root, "self") && scope->has_self) {
		*out = value_ref(scope->self);
		return TRUE;
	}
	if (g_str_equal(root, "self"))
		return undeclared(&reference, "Invalid \"self\" reference",
			g_strdup("The \"self\" object is not available in this context. This "
				 "object can be used only in resource provisioner, connection, and "
				 "postcondition blocks."));
	return resolve_resource(&reference, TRUE, out, used);
}

LangScope engine_lang_scope(const EvalScope *scope) {
	return (LangScope){.resolve = resolve,
		.data = (gpointer)scope,
		.base_dir = scope->engine->dir,
		.pure = scope->engine->phase == PHASE_VALIDATE ||
			scope->engine->phase == PHASE_PLAN};
}

Value engine_eval(const EvalScope *scope, const LangExpr *expr, Diags *diags) {
	LangScope lang = engine_lang_scope(scope);
	return lang_eval(expr, &lang, diags);
}

EvalScope engine_instance_scope(Engine *engine, ModuleInstance *module, const Resource *resource,
	const Instance *instance) {
	return (EvalScope){.engine = engine,
		.module = module,
		.key = instance->key,
		.each = instance->each,
		.repeat = resource->count      ? REPEAT_COUNT
			  : resource->for_each ? REPEAT_EACH
					       : REPEAT_SINGLE};
}
