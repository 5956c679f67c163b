/* Which provider a resource has, and its configuration. See internal.h. */
#include <string.h>

#include "engine/internal.h"

/* ---- whose settings ---- */

static const ProviderConfig *find_config(
	const Module *module, const char *name, const char *alias) {
	g_autofree char *key = alias ? g_strdup_printf("%s.%s", name, alias) : g_strdup(name);
	const char *passed = module->call && module->call->providers
				     ? g_hash_table_lookup(module->call->providers, key)
				     : NULL;
	if (passed) {
		g_auto(GStrv) parts = g_strsplit(passed, ".", 2);
		return find_config(module->parent, parts[0], parts[1]);
	}
	const ProviderConfig *own = g_hash_table_lookup(module->providers, key);
	if (own)
		return own;
	return module->parent && !alias ? find_config(module->parent, name, NULL) : NULL;
}

const ProviderConfig *engine_provider_config(const Resource *resource) {
	return find_config(resource->module, resource->provider, resource->provider_alias);
}

static const char *source_of(const Module *module, const char *name) {
	const char *source = g_hash_table_lookup(module->required, name);
	return source ? source : name;
}

/* ---- instances ---- */

void provider_instance_free(gpointer data) {
	ProviderInstance *instance = data;
	if (instance->provider)
		instance->class->destroy(instance->provider);
	g_free(instance->address);
	g_free(instance);
}

static char *address_of(const ProviderClass *class, const ProviderConfig *config) {
	const char *module = config ? config->module->path : "";
	const char *alias = config ? config->alias : NULL;
	return g_strdup_printf("%s%sprovider[\"%s\"]%s%s", module, *module ? "." : "",
		class->source, alias ? "." : "", alias ? alias : "");
}

static ProviderInstance *instance_for(
	Engine *engine, const ProviderClass *class, const ProviderConfig *config) {
	g_autofree char *address = address_of(class, config);
	ProviderInstance *instance = g_hash_table_lookup(engine->providers, address);
	if (instance)
		return instance;
	instance = g_new0(ProviderInstance, 1);
	instance->address = g_steal_pointer(&address);
	instance->class = class;
	instance->config = config;
	instance->provider = class->create();
	g_hash_table_insert(engine->providers, instance->address, instance);
	return instance;
}

const char *engine_provider_source(const Resource *resource) {
	return source_of(resource->module, resource->provider);
}

ProviderInstance *engine_provider_find(Engine *engine, const Resource *resource) {
	const ProviderClass *class = provider_class(engine_provider_source(resource));
	if (!class)
		return NULL;
	const ProviderConfig *config = engine_provider_config(resource);
	if (resource->provider_alias && !config) {
		diags_error(engine->diags, resource->range, "Provider configuration not present",
			"A provider configuration \"%s.%s\" is not declared in this module: add a "
			"provider \"%s\" block with alias = \"%s\".",
			resource->provider, resource->provider_alias, resource->provider,
			resource->provider_alias);
		return NULL;
	}
	return instance_for(engine, class, config);
}

ProviderInstance *engine_provider_by_address(Engine *engine, const char *address) {
	ProviderInstance *known = g_hash_table_lookup(engine->providers, address);
	if (known)
		return known;
	const char *begin = strstr(address, "provider[\""),
		   *end = begin ? strstr(begin, "\"]") : NULL;
	if (!end)
		return NULL;
	begin += strlen("provider[\"");
	g_autofree char *source = g_strndup(begin, (gsize)(end - begin));
	const ProviderClass *class = provider_class(source);
	if (!class)
		return NULL;
	const char *alias = end[2] == '.' ? end + 3 : NULL;
	/* A configuration that is gone: the root's own is the best guess. */
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, engine->config->root->providers);
	const ProviderConfig *fallback = NULL;
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const ProviderConfig *config = value;
		if (provider_class(source_of(config->module, config->name)) != class)
			continue;
		if (g_strcmp0(config->alias, alias) == 0)
			return instance_for(engine, class, config);
		if (!config->alias)
			fallback = config;
	}
	return instance_for(engine, class, fallback);
}

/* ---- settings ---- */

static const char *const provider_meta[] = {"alias", "version", NULL};

gboolean engine_provider_ready(Engine *engine, ProviderInstance *instance) {
	if (instance->tried)
		return instance->fine;
	instance->tried = TRUE;
	const ProviderConfig *config = instance->config;
	const Schema *schema = instance->class->schema(instance->provider);
	g_autoptr(Diags) own = diags_new();
	g_auto(Value) value = VALUE_NOTHING;
	guint errors = diags_error_count(engine->diags);
	static LangBody empty;
	if (!config && !empty.attributes) {
		empty.attributes = g_ptr_array_new();
		empty.blocks = g_ptr_array_new();
	}
	EvalScope scope = {.engine = engine, .module = engine->root};
	if (config && config->module->parent) {
		g_autoptr(GPtrArray) instances = engine_module_instances(engine, config->module);
		if (instances->len > 0)
			scope.module = instances->pdata[0];
	}
	value = engine_decode(&scope, config ? config->body : &empty, schema->block, provider_meta,
		engine->diags);
	if (diags_error_count(engine->diags) > errors)
		return FALSE;
	g_auto(Value) plain = value_unmark_deep(value);
	instance->fine = instance->class->configure(instance->provider, plain, own);
	engine_take_diags(engine, own, config ? config->body : NULL,
		config ? config->range : SOURCE_NOWHERE, NULL);
	return instance->fine;
}

const Schema *engine_schema(const ProviderInstance *instance, gboolean managed, const char *type) {
	return managed ? instance->class->resource_schema(instance->provider, type)
		       : instance->class->data_schema(instance->provider, type);
}

const Schema *engine_state_schema(
	Engine *engine, const char *provider, gboolean managed, const char *type) {
	ProviderInstance *instance = engine_provider_by_address(engine, provider);
	return instance ? engine_schema(instance, managed, type) : NULL;
}

gboolean engine_find_type(Engine *engine, const Resource *resource, ProviderInstance **provider,
	const Schema **schema) {
	guint errors = diags_error_count(engine->diags);
	*provider = engine_provider_find(engine, resource);
	*schema = *provider ? engine_schema(*provider, resource->managed, resource->type) : NULL;
	return diags_error_count(engine->diags) == errors;
}
