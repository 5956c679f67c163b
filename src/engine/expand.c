/*
 * How many there are: count and for_each, for resources and module calls. See internal.h.
 */

#include "engine/internal.h"
#include "value/convert.h"

/* ---- memos: values that are evaluated once ---- */

static void memo_free(gpointer data) {
	value_clear(&((Memo *)data)->value);
	g_free(data);
}

static GHashTable *memo_table(void) {
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, memo_free);
}

/* ---- module instances ---- */

static void instance_free(gpointer data) {
	Instance *instance = data;
	value_clear(&instance->key);
	value_clear(&instance->each);
	value_clear(&instance->value);
	g_free(instance->address);
	g_free(instance);
}

static void expansion_free(gpointer data) {
	Expansion *expansion = data;
	if (!expansion)
		return;
	g_ptr_array_unref(expansion->instances);
	g_hash_table_unref(expansion->by_key);
	value_clear(&expansion->whole);
	g_free(expansion);
}

static void call_expansion_free(gpointer data) {
	CallExpansion *expansion = data;
	if (!expansion)
		return;
	g_ptr_array_unref(expansion->instances);
	g_free(expansion);
}

ModuleInstance *module_instance_new(Module *module, ModuleInstance *parent, const char *path) {
	ModuleInstance *instance = g_new0(ModuleInstance, 1);
	instance->module = module;
	instance->parent = parent;
	instance->path = g_strdup(path);
	instance->variables = memo_table();
	instance->locals = memo_table();
	instance->outputs = memo_table();
	instance->resources = g_hash_table_new_full(NULL, NULL, NULL, expansion_free);
	instance->calls = g_hash_table_new_full(NULL, NULL, NULL, call_expansion_free);
	return instance;
}

void module_instance_free(ModuleInstance *instance) {
	if (!instance)
		return;
	g_free(instance->path);
	value_clear(&instance->key);
	value_clear(&instance->each);
	g_hash_table_unref(instance->variables);
	g_hash_table_unref(instance->locals);
	g_hash_table_unref(instance->outputs);
	g_hash_table_unref(instance->resources);
	g_hash_table_unref(instance->calls);
	g_free(instance);
}

static Expansion *expansion_new(Repeat repeat) {
	Expansion *expansion = g_new0(Expansion, 1);
	expansion->repeat = repeat;
	expansion->instances = g_ptr_array_new_with_free_func(instance_free);
	expansion->by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return expansion;
}

/* ---- count and for_each ---- */

typedef struct {
	Repeat repeat;
	GArray *keys, *values; /* of Value */
	gboolean unknown; /* not known how many, which is fine while validating */
} Repetition;

static void value_element_clear(gpointer value) {
	value_clear(value);
}

static void repetition_clear(Repetition *repetition) {
	g_array_unref(repetition->keys);
	g_array_unref(repetition->values);
}

static void repetition_add(Repetition *repetition, Value key_taken, Value value_taken) {
	g_array_append_val(repetition->keys, key_taken);
	g_array_append_val(repetition->values, value_taken);
}

/* Refuses the argument; its values are told besides. Returns FALSE. */
static gboolean refuse(const EvalScope *scope, const LangExpr *expr, LangAbout about,
	const char *summary, const char *detail) {
	LangScope lang = engine_lang_scope(scope);
	Diag *diag =
		diags_error(scope->engine->diags, lang_expr_range(expr), summary, "%s", detail);
	lang_explain(diag, expr, &lang, about);
	return FALSE;
}

static gboolean evaluate(const EvalScope *scope, const LangExpr *expr, Value *value) {
	guint errors = diags_error_count(scope->engine->diags);
	*value = engine_eval(scope, expr, scope->engine->diags);
	return diags_error_count(scope->engine->diags) == errors;
}

/* ---- count ---- */

static const char unknown_count[] =
	"The \"count\" value depends on resource attributes that cannot be determined until apply, "
	"so "
	"Terrarium cannot predict how many instances will be created. To work around this, use the "
	"-target argument to first apply only the resources that the count depends on.";

static void unsuitable_count(const EvalScope *scope, const LangExpr *expr, const char *detail) {
	diags_error(scope->engine->diags, lang_expr_range(expr), "Invalid count argument",
		"The given \"count\" argument value is %s", detail);
}

static gboolean repeat_count(const EvalScope *scope, const LangExpr *expr, Repetition *repetition) {
	g_auto(Value) marked = VALUE_NOTHING;
	repetition->repeat = REPEAT_COUNT;
	if (!evaluate(scope, expr, &marked))
		return FALSE;
	g_autofree char *problem = NULL;
	g_auto(Value) converted = value_convert(marked, type_number(), &problem);
	g_auto(Value) number = value_unmark(converted);
	if (problem) {
		g_autofree char *detail = g_strdup_printf("Invalid expression value: %s.", problem);
		return refuse(scope, expr, LANG_ABOUT_VALUES, "Incorrect value type", detail);
	}
	if (!value_is_known(number)) {
		repetition->unknown = scope->engine->phase == PHASE_VALIDATE;
		if (!repetition->unknown)
			diags_error(scope->engine->diags, lang_expr_range(expr),
				"Invalid count argument", "%s", unknown_count);
		return repetition->unknown;
	}
	const char *wrong =
		value_is_null(number) ? "null. An integer is required."
		: !value_is_integer(number)
			? "unsuitable: value must be a whole number, between -9223372036854775808 "
			  "and 9223372036854775807."
		: value_to_int(number, 0) < 0 ? "unsuitable: must be greater than or equal to zero."
					      : NULL;
	if (wrong) {
		unsuitable_count(scope, expr, wrong);
		return FALSE;
	}
	for (gint64 i = 0; i < value_to_int(number, 0); i++)
		repetition_add(repetition, value_int(i), VALUE_NOTHING);
	return TRUE;
}

/* ---- for_each ---- */

#define EACH "Invalid for_each argument"
#define EACH_SET "Invalid for_each set argument"
#define UNSUITABLE "The given \"for_each\" argument value is unsuitable: "

static gboolean unknown_each(const EvalScope *scope, const LangExpr *expr, gboolean set) {
	static const char common[] =
		"derived from resource attributes that cannot be determined until apply, and so "
		"Terrarium cannot determine the full set of keys that will identify the instances "
		"of this resource.\n\nWhen working with unknown values in for_each, it's better to";
	g_autofree char *detail = g_strdup_printf(
		"The \"for_each\" %s %s %s.\n\nAlternatively, you could use the -target planning "
		"option to first apply only the resources that the for_each value depends on, and "
		"then apply a second time to fully converge.",
		set ? "set includes values" : "map includes keys", common,
		set ? "use a map value where the keys are defined statically in your configuration "
		      "and where only the values contain apply-time results"
		    : "define the map keys statically in your configuration and place apply-time "
		      "results only in the map values");
	return refuse(scope, expr, LANG_ABOUT_UNKNOWN, EACH, detail);
}

static gboolean check_each_set(const EvalScope *scope, const LangExpr *expr, Value set) {
	const Type *element = type_element(value_type(set));
	gboolean nulls = FALSE;
	for (gsize i = 0; i < value_length(set); i++)
		nulls = nulls || value_is_null(value_at(set, i));
	if (value_length(set) == 0 || (type_kind(element) == TYPE_KIND_STRING && !nulls))
		return TRUE;
	g_autofree char *name = type_friendly_name(element);
	g_autofree char *detail =
		type_kind(element) == TYPE_KIND_STRING
			? g_strdup(UNSUITABLE "\"for_each\" sets must not contain null values.")
			: g_strdup_printf(UNSUITABLE
				  "\"for_each\" supports maps and sets of strings, but "
				  "you have provided a set containing type %s.",
				  name);
	return refuse(scope, expr, LANG_ABOUT_VALUES, EACH_SET, detail);
}

/* value: known as a whole. */
static gboolean check_each(const EvalScope *scope, const LangExpr *expr, Value value, Value plain) {
	if (value_has_sensitive(value) &&
		(value_is_sensitive(value) || value_kind(plain) == VALUE_SET))
		return refuse(scope, expr, LANG_ABOUT_SENSITIVE, EACH,
			"Sensitive values, or values derived from sensitive values, cannot be used "
			"as for_each arguments. If used, the sensitive value could be exposed as a "
			"resource instance key.");
	if (value_is_null(plain))
		return refuse(scope, expr, LANG_ABOUT_VALUES, EACH,
			UNSUITABLE "the given \"for_each\" argument value is null. A map, or set "
				   "of strings is allowed.");
	if (value_kind(plain) == VALUE_SET)
		return check_each_set(scope, expr, plain);
	if (value_is_mapping(plain))
		return TRUE;
	g_autofree char *name = type_friendly_name(value_type(plain));
	g_autofree char *detail = g_strdup_printf(UNSUITABLE
		"the \"for_each\" argument must be a map, or set of strings, and you "
		"have provided a value of type %s.",
		name);
	return refuse(scope, expr, LANG_ABOUT_VALUES, EACH, detail);
}

static gboolean repeat_each(const EvalScope *scope, const LangExpr *expr, Repetition *repetition) {
	g_auto(Value) value = VALUE_NOTHING;
	repetition->repeat = REPEAT_EACH;
	if (!evaluate(scope, expr, &value))
		return FALSE;
	g_auto(Value) plain = value_unmark(value);
	gboolean set = type_kind(value_type(plain)) == TYPE_KIND_SET;
	if (!value_is_known(plain) || (set && !value_is_wholly_known(plain))) {
		repetition->unknown = scope->engine->phase == PHASE_VALIDATE;
		return repetition->unknown || unknown_each(scope, expr, set);
	}
	if (!check_each(scope, expr, value, plain))
		return FALSE;
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, plain); value_iter_next(&iter, &key, &element);)
		repetition_add(repetition, key ? value_string(key) : value_ref(element),
			value_ref(element));
	return TRUE;
}

static gboolean repeat(Engine *engine, ModuleInstance *module, const LangExpr *count,
	const LangExpr *for_each, Repetition *repetition) {
	*repetition = (Repetition){REPEAT_SINGLE, g_array_new(FALSE, FALSE, sizeof(Value)),
		g_array_new(FALSE, FALSE, sizeof(Value)), FALSE};
	g_array_set_clear_func(repetition->keys, value_element_clear);
	g_array_set_clear_func(repetition->values, value_element_clear);
	EvalScope scope = {.engine = engine, .module = module};
	if (count)
		return repeat_count(&scope, count, repetition);
	if (for_each)
		return repeat_each(&scope, for_each, repetition);
	repetition_add(repetition, VALUE_NOTHING, VALUE_NOTHING);
	return TRUE;
}

/* While validating, an instance stands for all of those that are not known. */
static void stand_in(Repetition *repetition) {
	gboolean count = repetition->repeat == REPEAT_COUNT;
	repetition_add(repetition, value_unknown(count ? type_number() : type_string()),
		value_unknown(type_any()));
}

/* While destroying, what the state has is all that there is. */
static Value value_in_state(Engine *engine, const Resource *resource, const char *address) {
	const StateInstance *instance = state_instance(engine->state, address);
	ProviderInstance *provider;
	const Schema *schema;
	engine_find_type(engine, resource, &provider, &schema);
	return instance && instance->current && schema
		       ? engine_object_value(engine, instance->current, schema, address)
		       : value_unknown(type_any());
}

/* What is known of an object that the walk has not come to yet: its type. */
static const Type *type_of(Engine *engine, const Resource *resource) {
	ProviderInstance *provider = engine_provider_find(engine, resource);
	const Schema *schema =
		provider ? engine_schema(provider, resource->managed, resource->type) : NULL;
	return schema ? schema_block_type(schema->block) : type_any();
}

static void add_instance(Engine *engine, Expansion *expansion, const ModuleInstance *module,
	const Resource *resource, const Type *type, Value key, Value each) {
	Instance *instance = g_new0(Instance, 1);
	g_autofree char *index = value_is_known(key) ? address_key(key) : g_strdup("");
	instance->key = value_ref(key);
	instance->each = value_ref(each);
	instance->address = address_join(module->path, resource->managed, resource->type,
		resource->name, value_is_known(key) ? key : VALUE_NOTHING);
	instance->value = engine->phase == PHASE_DESTROY
				  ? value_in_state(engine, resource, instance->address)
				  : value_unknown(type);
	g_ptr_array_add(expansion->instances, instance);
	g_hash_table_insert(expansion->by_key, g_steal_pointer(&index), instance);
}

Expansion *engine_expand(Engine *engine, ModuleInstance *module, const Resource *resource) {
	gpointer known;
	if (g_hash_table_lookup_extended(module->resources, resource, NULL, &known))
		return known;
	Repetition repetition;
	Expansion *expansion = NULL;
	if (repeat(engine, module, resource->count, resource->for_each, &repetition)) {
		const Type *type = type_of(engine, resource);
		expansion = expansion_new(repetition.repeat);
		if (repetition.unknown)
			stand_in(&repetition);
		for (guint i = 0; i < repetition.keys->len; i++)
			add_instance(engine, expansion, module, resource, type,
				g_array_index(repetition.keys, Value, i),
				g_array_index(repetition.values, Value, i));
		if (repetition.unknown) {
			expansion->has_whole = TRUE;
			expansion->whole = value_unknown(type_any());
		}
	}
	repetition_clear(&repetition);
	g_hash_table_insert(module->resources, (gpointer)resource, expansion);
	return expansion;
}

void expansion_set_value(Expansion *expansion, Instance *instance, Value value_taken) {
	value_clear(&instance->value);
	instance->value = value_taken;
	if (expansion->has_whole) {
		value_clear(&expansion->whole);
		expansion->has_whole = FALSE;
	}
}

static void free_module_instance(gpointer instance) {
	module_instance_free(instance);
}

CallExpansion *engine_expand_call(Engine *engine, ModuleInstance *module, ModuleCall *call) {
	gpointer known;
	if (g_hash_table_lookup_extended(module->calls, call, NULL, &known))
		return known;
	Repetition repetition;
	CallExpansion *expansion = NULL;
	if (call->module && repeat(engine, module, call->count, call->for_each, &repetition)) {
		expansion = g_new0(CallExpansion, 1);
		expansion->repeat = repetition.repeat;
		expansion->unknown = repetition.unknown;
		expansion->instances = g_ptr_array_new_with_free_func(free_module_instance);
		if (repetition.unknown)
			stand_in(&repetition);
		for (guint i = 0; i < repetition.keys->len; i++) {
			Value key = g_array_index(repetition.keys, Value, i);
			g_autofree char *index =
				value_is_known(key) ? address_key(key) : g_strdup("");
			g_autofree char *path = g_strdup_printf("%s%smodule.%s%s", module->path,
				*module->path ? "." : "", call->name, index);
			ModuleInstance *child = module_instance_new(call->module, module, path);
			child->key = value_ref(key);
			child->each = value_ref(g_array_index(repetition.values, Value, i));
			g_ptr_array_add(expansion->instances, child);
		}
		repetition_clear(&repetition);
	}
	g_hash_table_insert(module->calls, call, expansion);
	return expansion;
}

static void collect_instances(
	Engine *engine, ModuleInstance *instance, const Module *wanted, GPtrArray *found) {
	if (instance->module == wanted) {
		g_ptr_array_add(found, instance);
		return;
	}
	const Module *below = wanted;
	while (below->parent && below->parent != instance->module)
		below = below->parent;
	if (!below->parent)
		return;
	CallExpansion *expansion = engine_expand_call(engine, instance, below->call);
	for (guint i = 0; expansion && i < expansion->instances->len; i++)
		collect_instances(engine, expansion->instances->pdata[i], wanted, found);
}

GPtrArray *engine_module_instances(Engine *engine, const Module *module) {
	GPtrArray *found = g_ptr_array_new();
	collect_instances(engine, engine->root, module, found);
	return found;
}
