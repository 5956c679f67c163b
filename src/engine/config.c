/*
 * The modules of a configuration: finds their files, hands each block to whoever reads it
 * (config_block.c, config_resource.c), follows the module calls, and frees all in the end. See
 * config.h. Relies on lang; evaluates nothing but literals.
 */
#include "engine/config_read.h"

/* ---- modules ---- */

static void removed_free(gpointer data) {
	g_ptr_array_unref(((Removed *)data)->provisioners);
	g_free(data);
}

static Module *module_new(
	Config *config, Module *parent, ModuleCall *call, const char *dir, const char *shown) {
	Module *module = g_new0(Module, 1);
	g_autofree char *path = !parent ? g_strdup("")
				: *parent->path
					? g_strdup_printf("%s.module.%s", parent->path, call->name)
					: g_strdup_printf("module.%s", call->name);
	module->config = config;
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
	module->versions = g_ptr_array_new_with_free_func(g_free);
	module->moved = g_ptr_array_new();
	module->removed = g_ptr_array_new_with_free_func(removed_free);
	module->imports = g_ptr_array_new();
	module->checks = g_ptr_array_new();
	g_ptr_array_add(config->modules, module);
	return module;
}

char *resource_name(const Resource *resource) {
	return g_strdup_printf(
		"%s%s.%s", resource->managed ? "" : "data.", resource->type, resource->name);
}

char *config_module_key(const Module *module) {
	if (!module->call)
		return NULL;
	g_autofree char *outer = config_module_key(module->parent);
	return outer ? g_strdup_printf("%s.%s", outer, module->call->name)
		     : g_strdup(module->call->name);
}

/* ---- blocks ---- */

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

static void load_calls(Config *config, Module *module, Diags *diags);

static void read_module(Config *config, Module *module, Diags *diags) {
	g_autoptr(GPtrArray) blocks = config_read_files(config, module, diags);
	for (guint i = 0; i < blocks->len; i++)
		read_top(module, blocks->pdata[i], diags);
	load_calls(config, module, diags);
}

static gboolean is_below(const ModuleCall *call) {
	return g_str_has_prefix(call->source, "./") || g_str_has_prefix(call->source, "../");
}

/* The folder of a called module, and how messages call it. NULL after errors; caller frees both. */
static char *find_module(
	Config *config, const Module *module, const ModuleCall *call, char **shown, Diags *diags) {
	if (is_below(call) && call->version) {
		diags_error(diags, lang_expr_range(lang_body_attribute(call->body, "source")->expr),
			"Invalid registry module source address",
			"Failed to parse module registry address: can't use local directory \"%s\" "
			"as a module registry address.\n\nTerrarium assumed that you intended a "
			"module registry source address because you also set the argument "
			"\"version\", which applies only to registry modules.",
			call->source);
		return NULL;
	}
	if (!is_below(call)) {
		g_autofree char *outer = config_module_key(module);
		g_autofree char *key =
			outer ? g_strdup_printf("%s.%s", outer, call->name) : g_strdup(call->name);
		const ModuleWanted wanted = {key, call->source, call->version, call->range};
		char *dir = module_store_find(config->store, &wanted, diags);
		*shown = dir && g_str_has_prefix(dir, "./") ? g_strdup(dir + 2) : g_strdup(dir);
		return dir;
	}
	char *dir = g_build_filename(module->dir, call->source, NULL);
	const char *below = g_str_has_prefix(call->source, "./") ? call->source + 2 : call->source;
	*shown = *module->shown_dir ? g_build_filename(module->shown_dir, below, NULL)
				    : g_strdup(below);
	if (g_file_test(dir, G_FILE_TEST_IS_DIR))
		return dir;
	diags_error(diags, call->range, "Unreadable module directory",
		"The directory \"%s\" does not exist: no such module.", call->source);
	g_free(dir);
	return NULL;
}

static gboolean is_around(const Module *module, const char *dir) {
	g_autofree char *canonical = g_canonicalize_filename(dir, NULL);
	for (const Module *up = module; up; up = up->parent) {
		g_autofree char *other = g_canonicalize_filename(up->dir, NULL);
		if (g_str_equal(other, canonical))
			return TRUE;
	}
	return FALSE;
}

static void load_call(Config *config, Module *module, ModuleCall *call, Diags *diags) {
	g_autofree char *shown = NULL;
	g_autofree char *dir =
		call->source ? find_module(config, module, call, &shown, diags) : NULL;
	if (!dir)
		return;
	if (is_around(module, dir)) {
		diags_error(diags, call->range, "Module includes itself",
			"The module \"%s\" calls itself, directly or through others.", call->name);
		return;
	}
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

Config *config_load(const char *dir, ModuleStore *modules, Sources *sources, Diags *diags) {
	Config *config = g_new0(Config, 1);
	config->modules = g_ptr_array_new();
	config->files = g_ptr_array_new_with_free_func((GDestroyNotify)lang_file_free);
	config->sources = sources;
	config->root = module_new(config, NULL, NULL, dir, "");
	g_autoptr(ModuleStore) installed = modules ? NULL : module_store_open(dir);
	config->store = modules ? modules : installed;
	read_module(config, config->root, diags);
	config->store = NULL;
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
	g_clear_pointer(&((Output *)data)->depends_on, g_ptr_array_unref);
	g_free(data);
}

static void call_free(gpointer data) {
	ModuleCall *call = data;
	g_clear_pointer(&call->providers, g_hash_table_unref);
	g_clear_pointer(&call->depends_on, g_ptr_array_unref);
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
	g_ptr_array_unref(module->versions);
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
