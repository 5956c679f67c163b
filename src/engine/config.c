/*
 * The modules of a configuration: finds their files, hands each block to whoever reads it
 * (config_block.c, config_resource.c), follows the module calls, and frees all in the end. See
 * config.h. Relies on lang; evaluates nothing but literals.
 */
#include <string.h>

#include "engine/config_read.h"

/* ---- modules ---- */

static Module *module_new(
	Config *config, Module *parent, ModuleCall *call, const char *dir, const char *shown) {
	Module *module = g_new0(Module, 1);
	g_autofree char *path = !parent ? g_strdup("")
				: *parent->path
					? g_strdup_printf("%s.module.%s", parent->path, call->name)
					: g_strdup_printf("module.%s", call->name);
	module->path = g_intern_string(path);
	module->dir = g_strdup(dir);
	module->shown_dir = g_strdup(shown);
	module->parent = parent;
	module->call = call;
	module->variables = g_hash_table_new(g_str_hash, g_str_equal);
	module->locals = g_hash_table_new(g_str_hash, g_str_equal);
	module->outputs = g_hash_table_new(g_str_hash, g_str_equal);
	module->calls = g_hash_table_new(g_str_hash, g_str_equal);
	module->resources = g_ptr_array_new();
	module->resource_index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	module->providers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	module->required = g_hash_table_new(g_str_hash, g_str_equal);
	module->moved = g_ptr_array_new();
	module->removed = g_ptr_array_new_with_free_func(g_free);
	module->imports = g_ptr_array_new();
	module->checks = g_ptr_array_new();
	g_ptr_array_add(config->modules, module);
	return module;
}

char *resource_name(const Resource *resource) {
	return g_strdup_printf(
		"%s%s.%s", resource->managed ? "" : "data.", resource->type, resource->name);
}

/* ---- files ---- */

static void read_top(Module *module, LangBlock *block, Diags *diags) {
	static const char *const types[] = {"resource", "data", "variable", "output", "locals",
		"module", "provider", "terraform", "moved", "removed", "import", "check",
		"ephemeral", NULL};
	if (g_str_equal(block->type, "resource") || g_str_equal(block->type, "data"))
		config_read_resource(module, block, g_str_equal(block->type, "resource"), diags);
	else if (g_str_equal(block->type, "variable"))
		config_read_variable(module, block, diags);
	else if (g_str_equal(block->type, "output"))
		config_read_output(module, block, diags);
	else if (g_str_equal(block->type, "locals"))
		config_read_locals(module, block, diags);
	else if (g_str_equal(block->type, "module"))
		config_read_call(module, block, diags);
	else if (g_str_equal(block->type, "provider"))
		config_read_provider(module, block, diags);
	else if (g_str_equal(block->type, "terraform"))
		config_read_settings(module, block, diags);
	else if (g_str_equal(block->type, "moved"))
		config_read_moved(module, block, diags);
	else if (g_str_equal(block->type, "removed"))
		config_read_removed(module, block, diags);
	else if (g_str_equal(block->type, "import"))
		config_read_import(module, block, diags);
	else if (g_str_equal(block->type, "check"))
		config_read_check(module, block, diags);
	else if (g_strv_contains(types, block->type))
		diags_error(diags, block->header, "Unsupported block type",
			"Terrarium does not implement %s blocks.", block->type);
	else
		config_refuse_type(block, types, diags);
}

/* So that messages tell what a line is in. */
static void note_section(const Config *config, const LangBlock *block) {
	g_autoptr(GString) label = g_string_new(block->type);
	for (guint i = 0; i < block->n_labels; i++)
		g_string_append_printf(label, " \"%s\"", block->labels[i]);
	sources_add_section(
		config->sources, source_range_join(block->header, block->body->end), label->str);
}

static void read_body(Config *config, Module *module, const LangBody *body, Diags *diags) {
	for (guint i = 0; i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		diags_error(diags, attribute->name_range, "Unsupported argument",
			"An argument named \"%s\" is not expected here.", attribute->name);
	}
	for (guint i = 0; i < body->blocks->len; i++) {
		note_section(config, body->blocks->pdata[i]);
		read_top(module, body->blocks->pdata[i], diags);
	}
}

static void read_file(Config *config, Module *module, const char *name, Diags *diags) {
	g_autofree char *path = g_build_filename(module->dir, name, NULL);
	g_autofree char *shown = *module->shown_dir
					 ? g_build_filename(module->shown_dir, name, NULL)
					 : g_strdup(name);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	gsize length;
	if (!g_file_get_contents(path, &text, &length, &error)) {
		diags_gerror(diags, SOURCE_NOWHERE, "Failed to read file", error);
		return;
	}
	sources_add(config->sources, shown, text, length);
	LangFile *file = lang_parse(shown, text, length, diags);
	g_ptr_array_add(config->files, file);
	read_body(config, module, lang_file_body(file), diags);
}

static int compare_names(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The configuration files of a folder, in order; files of editors are not. */
static GPtrArray *list_files(const char *dir, Diags *diags) {
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) handle = g_dir_open(dir, 0, NULL);
	const char *name;
	while (handle && (name = g_dir_read_name(handle))) {
		if (*name == '.' || g_str_has_suffix(name, "~") || *name == '#')
			continue;
		if (g_str_has_suffix(name, ".tf.json"))
			diags_error(diags, SOURCE_NOWHERE, "JSON configuration is not implemented",
				"Terrarium does not read %s yet; write it in the native syntax "
				"(.tf).",
				name);
		else if (g_str_has_suffix(name, ".tf"))
			g_ptr_array_add(names, g_strdup(name));
	}
	g_ptr_array_sort(names, compare_names);
	return names;
}

static void load_calls(Config *config, Module *module, Diags *diags);

static void read_module(Config *config, Module *module, Diags *diags) {
	g_autoptr(GPtrArray) names = list_files(module->dir, diags);
	for (guint i = 0; i < names->len; i++)
		read_file(config, module, names->pdata[i], diags);
	load_calls(config, module, diags);
}

static void load_call(Config *config, Module *module, ModuleCall *call, Diags *diags) {
	gboolean local = call->source && (g_str_has_prefix(call->source, "./") ||
						 g_str_has_prefix(call->source, "../"));
	if (!local) {
		if (call->source)
			diags_error(diags, call->range, "Module source is not implemented",
				"Terrarium loads local modules only (\"./…\", \"../…\"): \"%s\" is "
				"somewhere else. Copy the "
				"module into the project.",
				call->source);
		return;
	}
	g_autofree char *dir = g_build_filename(module->dir, call->source, NULL);
	g_autofree char *canonical = g_canonicalize_filename(dir, NULL);
	for (Module *up = module; up; up = up->parent) {
		g_autofree char *other = g_canonicalize_filename(up->dir, NULL);
		if (g_str_equal(other, canonical)) {
			diags_error(diags, call->range, "Module includes itself",
				"The module \"%s\" calls itself, directly or through others.",
				call->name);
			return;
		}
	}
	if (!g_file_test(dir, G_FILE_TEST_IS_DIR)) {
		diags_error(diags, call->range, "Unreadable module directory",
			"The directory \"%s\" does not exist: no such module.", call->source);
		return;
	}
	const char *below = g_str_has_prefix(call->source, "./") ? call->source + 2 : call->source;
	g_autofree char *shown = *module->shown_dir
					 ? g_build_filename(module->shown_dir, below, NULL)
					 : g_strdup(below);
	call->module = module_new(config, module, call, dir, shown);
	read_module(config, call->module, diags);
}

static void load_calls(Config *config, Module *module, Diags *diags) {
	GHashTableIter iter;
	gpointer call;
	g_hash_table_iter_init(&iter, module->calls);
	while (g_hash_table_iter_next(&iter, NULL, &call))
		load_call(config, module, call, diags);
}

Config *config_load(const char *dir, Sources *sources, Diags *diags) {
	g_autoptr(GPtrArray) names = list_files(dir, diags);
	if (names->len == 0)
		return NULL;
	Config *config = g_new0(Config, 1);
	config->modules = g_ptr_array_new();
	config->files = g_ptr_array_new_with_free_func((GDestroyNotify)lang_file_free);
	config->sources = sources;
	config->root = module_new(config, NULL, NULL, dir, "");
	read_module(config, config->root, diags);
	return config;
}

/* ---- the end ---- */

static void free_table(GHashTable *table, GDestroyNotify free_value) {
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		free_value(value);
	g_hash_table_unref(table);
}

static void variable_free(gpointer data) {
	Variable *variable = data;
	lang_defaults_free(variable->defaults);
	g_ptr_array_unref(variable->validations);
	g_free(variable);
}

static void output_free(gpointer data) {
	g_ptr_array_unref(((Output *)data)->preconditions);
	g_free(data);
}

static void call_free(gpointer data) {
	ModuleCall *call = data;
	g_clear_pointer(&call->providers, g_hash_table_unref);
	g_free(call);
}

static void module_free(Module *module) {
	free_table(module->variables, variable_free);
	free_table(module->locals, g_free);
	free_table(module->outputs, output_free);
	free_table(module->calls, call_free);
	for (guint i = 0; i < module->resources->len; i++)
		config_resource_free(module->resources->pdata[i]);
	g_ptr_array_unref(module->resources);
	g_hash_table_unref(module->resource_index);
	g_hash_table_unref(module->providers);
	g_hash_table_unref(module->required);
	g_ptr_array_unref(module->moved);
	g_ptr_array_unref(module->removed);
	g_ptr_array_unref(module->imports);
	g_ptr_array_unref(module->checks);
	g_free(module->dir);
	g_free(module->shown_dir);
	g_free(module);
}

void config_free(Config *config) {
	if (!config)
		return;
	for (guint i = 0; i < config->modules->len; i++)
		module_free(config->modules->pdata[i]);
	g_ptr_array_unref(config->modules);
	g_ptr_array_unref(config->files);
	g_free(config);
}
