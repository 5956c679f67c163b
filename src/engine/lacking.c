/*
 * Types that no provider here has. A configuration may describe such things as long as there are
 * none of them (count = 0, an empty for_each, or a module that has no instances): then they need
 * neither provider nor schema. Their arguments cannot be checked, but what these refer to can.
 */
#include <string.h>

#include "base/text.h"
#include "engine/internal.h"

/* ---- that it is lacking ---- */

static void refuse_type(Engine *engine, const ProviderInstance *provider, const Resource *resource,
	const char *address) {
	const char *const *types = resource->managed
					   ? provider->class->resource_types(provider->provider)
					   : provider->class->data_types(provider->provider);
	g_autofree char *hint =
		text_suggestion(resource->type, types, g_strv_length((char **)types));
	Diag *diag = diags_error(engine->diags, resource->range,
		resource->managed ? "Invalid resource type" : "Invalid data source",
		"Terrarium's provider %s has no %s \"%s\".%s The ones that it has are listed by "
		"\"terrarium types\"; leave the block out of the local environment, for example "
		"with count, to run the rest.",
		provider->class->source, resource->managed ? "resource type" : "data source",
		resource->type, hint);
	diag->address = g_strdup(address);
}

void engine_refuse_lacking(Engine *engine, const Resource *resource, const char *address) {
	ProviderInstance *provider = engine_provider_find(engine, resource);
	if (provider) {
		refuse_type(engine, provider, resource, address);
		return;
	}
	g_autofree char *names = provider_class_names();
	Diag *diag = diags_error(engine->diags, resource->range, "Provider not available",
		"%s needs the provider \"%s\", which Terrarium does not have: it has those of "
		"hashicorp that are called %s. What the provider describes cannot run here: leave "
		"it out of the "
		"local environment, for example with count, or give what it makes as a variable.",
		address, engine_provider_source(resource), names);
	diag->address = g_strdup(address);
}

gboolean engine_expect_none(Engine *engine, GPtrArray *modules, const Resource *resource) {
	gboolean fine = TRUE;
	for (guint i = 0; fine && i < modules->len; i++) {
		const Expansion *expansion = engine_expand(engine, modules->pdata[i], resource);
		fine = expansion && expansion->instances->len == 0;
		if (expansion && !fine)
			engine_refuse_lacking(engine, resource,
				((const Instance *)expansion->instances->pdata[0])->address);
	}
	return fine;
}

/* ---- validation ---- */

typedef struct {
	const EvalScope *scope;
	Diags *diags;
} Checking;

static void check_body(const Checking *checking, const LangBody *body, Value iterators);

static void check_expression(const Checking *checking, const LangExpr *expr, Value iterators) {
	LangScope lang = engine_lang_scope(checking->scope);
	lang.locals = iterators;
	g_auto(Value) ignored = lang_eval(expr, &lang, checking->diags);
	(void)ignored;
}

/* A dynamic block's content is about an iterator, of which nothing is known. */
static void check_dynamic(const Checking *checking, const LangBlock *block, Value iterators) {
	const LangAttribute *named = lang_body_attribute(block->body, "iterator");
	const LangAttribute *for_each = lang_body_attribute(block->body, "for_each");
	const char *name = named ? lang_expr_keyword(named->expr) : block->labels[0];
	if (for_each)
		check_expression(checking, for_each->expr, iterators);
	if (!name)
		return;
	g_auto(Value) inner = value_with_take(
		value_is_null(iterators) ? value_empty_object() : value_ref(iterators), name,
		value_object_take("key", value_unknown(type_any()), "value",
			value_unknown(type_any()), NULL));
	for (guint i = 0; i < block->body->blocks->len; i++)
		check_body(
			checking, ((const LangBlock *)block->body->blocks->pdata[i])->body, inner);
}

static void check_body(const Checking *checking, const LangBody *body, Value iterators) {
	for (guint i = 0; i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		if (!g_strv_contains(engine_resource_meta, attribute->name))
			check_expression(checking, attribute->expr, iterators);
	}
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (g_str_equal(block->type, "dynamic") && block->n_labels == 1)
			check_dynamic(checking, block, iterators);
		else if (!g_strv_contains(engine_resource_meta, block->type))
			check_body(checking, block->body, iterators);
	}
}

/* Whether it is not known, while validating, if the module or the resource has instances. */
static gboolean may_be_none(const ModuleInstance *module, const Expansion *expansion) {
	for (; module; module = module->parent)
		if (!value_is_known(module->key))
			return TRUE;
	return expansion->instances->len == 0 ||
	       !value_is_known(((const Instance *)expansion->instances->pdata[0])->key);
}

void engine_validate_lacking(Engine *engine, const Resource *resource) {
	g_autoptr(GPtrArray) modules = engine_module_instances(engine, resource->module);
	ModuleInstance *module = modules->len > 0 ? modules->pdata[0] : NULL;
	Expansion *expansion = module ? engine_expand(engine, module, resource) : NULL;
	g_autofree char *name = resource_name(resource);
	if (expansion && !may_be_none(module, expansion)) {
		engine_refuse_lacking(engine, resource, name);
		return;
	}
	g_hash_table_add(engine->lacking, (gpointer)resource);
	if (!expansion)
		return;
	/* Whether an instance is there that is asked for, planning tells. */
	value_clear(&expansion->whole);
	expansion->whole = value_unknown(type_any());
	expansion->has_whole = TRUE;
	EvalScope scope = engine_instance_scope(engine, module, resource,
		&(Instance){.key = value_unknown(type_any()), .each = value_unknown(type_any())});
	g_autoptr(Diags) own = diags_new();
	Checking checking = {&scope, own};
	static const LangBlockType types[] = {{"dynamic", 1}, {"lifecycle", 0}, {NULL, 0}};
	check_body(&checking, lang_body_content(resource->body, types, own), VALUE_NOTHING);
	engine_take_diags(engine, own, resource->body, resource->range, name);
}

static int compare_texts(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void engine_warn_of_lacking(Engine *engine) {
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GHashTableIter iter;
	gpointer resource;
	g_hash_table_iter_init(&iter, engine->lacking);
	while (g_hash_table_iter_next(&iter, &resource, NULL)) {
		const Resource *each = resource;
		g_hash_table_add(
			names, g_strdup_printf("%s%s", each->managed ? "" : "data.", each->type));
	}
	guint n;
	g_autofree const char **list = (const char **)g_hash_table_get_keys_as_array(names, &n);
	if (n == 0)
		return;
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	for (guint i = 0; i < n; i++)
		g_ptr_array_add(sorted, (gpointer)list[i]);
	g_ptr_array_sort(sorted, compare_texts);
	g_ptr_array_add(sorted, NULL);
	g_autofree char *all = g_strjoinv("\n  - ", (char **)sorted->pdata);
	diags_warning(engine->diags, SOURCE_NOWHERE, "Types that Terrarium does not have",
		"The configuration describes things that cannot run here:\n\n  - %s\n\nThat is "
		"fine as long as there are none of them (count = 0, for_each = {}); else planning "
		"fails. Their arguments are not checked.",
		all);
}
