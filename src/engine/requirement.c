/*
 * Which providers a configuration needs, and whether what it asks of their versions can be met. A
 * built-in provider stands for all releases of the majors whose names it knows.
 */

#include <string.h>

#include "engine/internal.h"
#include "engine/version.h"

static void add_provider(GHashTable *sources, const Module *module, const char *name) {
	const char *source = g_hash_table_lookup(module->required, name);
	const ProviderClass *class = provider_class(source ? source : name);
	g_autofree char *guess = g_strdup_printf("hashicorp/%s", source ? source : name);
	g_hash_table_replace(sources,
		g_strdup(class	  ? class->source
			 : source ? source
				  : guess),
		(gpointer)(class ? class->version : NULL));
}

GHashTable *engine_provider_sources(Engine *engine) {
	GHashTable *sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		for (guint j = 0; j < module->resources->len; j++)
			add_provider(sources, module,
				((const Resource *)module->resources->pdata[j])->provider);
		GHashTableIter iter;
		gpointer name, config;
		g_hash_table_iter_init(&iter, module->required);
		while (g_hash_table_iter_next(&iter, &name, NULL))
			add_provider(sources, module, name);
		g_hash_table_iter_init(&iter, module->providers);
		while (g_hash_table_iter_next(&iter, NULL, &config))
			add_provider(sources, module, ((const ProviderConfig *)config)->name);
	}
	return sources;
}

static int compare_sources(gconstpointer a, gconstpointer b) {
	return strcmp(a, b);
}

/* All that the modules ask of a provider's versions. Caller frees the array. */
static GPtrArray *constraints_of(const Engine *engine, const ProviderClass *class) {
	GPtrArray *found = g_ptr_array_new();
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		for (guint j = 0; j < module->versions->len; j++) {
			const RequiredVersion *required = module->versions->pdata[j];
			if (provider_class(required->source) == class)
				g_ptr_array_add(found, (gpointer)required->constraint);
		}
	}
	return found;
}

static char *joined(const GPtrArray *texts) {
	GString *all = g_string_new(NULL);
	for (guint i = 0; i < texts->len; i++)
		g_string_append_printf(all, "%s%s", i ? ", " : "", (const char *)texts->pdata[i]);
	return g_string_free(all, FALSE);
}

void engine_each_provider(Engine *engine, EngineProviderFunc found, gpointer data) {
	g_autoptr(GHashTable) sources = engine_provider_sources(engine);
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(sources), compare_sources);
	for (GList *each = names; each; each = each->next) {
		const ProviderClass *class = provider_class(each->data);
		g_autoptr(GPtrArray) constraints =
			class ? constraints_of(engine, class) : g_ptr_array_new();
		const char *version = g_hash_table_lookup(sources, each->data);
		g_autofree char *text = joined(constraints);
		g_autofree char *problem = NULL;
		gboolean met = !*text || !version || version_satisfies(version, text, &problem);
		found(each->data, version, met ? NULL : text, data);
	}
}

/* "hashicorp/aws" */
static const char *display_name(const ProviderClass *class) {
	const char *slash = strchr(class->source, '/');
	return slash ? slash + 1 : class->source;
}

static void check_provider(Engine *engine, const ProviderClass *class) {
	g_autoptr(GPtrArray) constraints = constraints_of(engine, class);
	if (constraints->len == 0)
		return;
	if (!*class->version) {
		diags_error(engine->diags, SOURCE_NOWHERE,
			"Invalid dependency on built-in provider",
			"Cannot use %s: built-in providers do not support explicit version "
			"constraints.",
			class->source);
		return;
	}
	guint newest = (guint)g_ascii_strtoull(class->version, NULL, 10);
	g_autofree char *text = joined(constraints);
	if (version_any_satisfies(class->oldest_major, newest, text))
		return;
	diags_error(engine->diags, SOURCE_NOWHERE, "Failed to query available provider packages",
		"Could not retrieve the list of available versions for provider %s: no available "
		"releases match the given constraints %s\n\nTerrarium has this provider built in, "
		"and serves its majors %u to %u.\n\nTo see which modules are currently depending "
		"on %s and what versions are specified, run the following command:\n    terrarium "
		"providers",
		display_name(class), text, class->oldest_major, newest, display_name(class));
}

gboolean engine_check_versions(Engine *engine) {
	guint errors = diags_error_count(engine->diags);
	gsize n;
	const ProviderClass *const *classes = provider_classes(&n);
	for (gsize i = 0; i < n; i++)
		check_provider(engine, classes[i]);
	return diags_error_count(engine->diags) == errors;
}
