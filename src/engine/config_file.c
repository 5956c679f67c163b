/*
 * The files of a module's folder as one list of top blocks: .tf and .tf.json alike, with what
 * override files change (config_override.c) already changed. What is a block in a JSON file, a
 * table here tells. Knows the shape of blocks, not their meaning.
 */
#include <string.h>

#include "base/text.h"
#include "engine/config_read.h"

/* ---- which files ---- */

static int compare_names(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean is_json(const char *name) {
	return g_str_has_suffix(name, ".tf.json");
}

/* override.tf, x_override.tf.json: they change what the other files say. */
static gboolean is_override(const char *name) {
	g_autofree char *stem =
		g_strndup(name, strlen(name) - strlen(is_json(name) ? ".tf.json" : ".tf"));
	return g_str_equal(stem, "override") || g_str_has_suffix(stem, "_override");
}

GPtrArray *config_list_files(const char *dir) {
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) handle = g_dir_open(dir, 0, NULL);
	const char *name;
	while (handle && (name = g_dir_read_name(handle))) {
		gboolean editors = *name == '.' || g_str_has_suffix(name, "~") || *name == '#';
		if (!editors && (is_json(name) || g_str_has_suffix(name, ".tf")))
			g_ptr_array_add(names, g_strdup(name));
	}
	g_ptr_array_sort(names, compare_names);
	return names;
}

/* ---- blocks in JSON ---- */

static const LangBlockType top_types[] = {{"resource", 2}, {"data", 2}, {"ephemeral", 2},
	{"variable", 1}, {"output", 1}, {"locals", 0}, {"module", 1}, {"provider", 1},
	{"terraform", 0}, {"moved", 0}, {"removed", 0}, {"import", 0}, {"check", 1}, {NULL, 0}};

static const LangBlockType resource_types[] = {
	{"lifecycle", 0}, {"provisioner", 1}, {"connection", 0}, {"dynamic", 1}, {NULL, 0}};
static const LangBlockType lifecycle_types[] = {
	{"precondition", 0}, {"postcondition", 0}, {NULL, 0}};
static const LangBlockType variable_types[] = {{"validation", 0}, {NULL, 0}};
static const LangBlockType output_types[] = {{"precondition", 0}, {NULL, 0}};
static const LangBlockType terraform_types[] = {
	{"required_providers", 0}, {"backend", 1}, {"cloud", 0}, {"provider_meta", 1}, {NULL, 0}};
static const LangBlockType check_types[] = {{"data", 2}, {"assert", 0}, {NULL, 0}};
static const LangBlockType removed_types[] = {{"lifecycle", 0}, {"provisioner", 1}, {NULL, 0}};
static const LangBlockType provisioner_types[] = {{"connection", 0}, {NULL, 0}};
static const LangBlockType dynamic_types[] = {{"content", 0}, {NULL, 0}};

/* What a block of that type has inside, as far as its meaning does not depend on a schema. */
static const LangBlockType *types_inside(const char *type) {
	static const struct {
		const char *type;
		const LangBlockType *inside;
	} all[] = {{"resource", resource_types}, {"data", resource_types},
		{"lifecycle", lifecycle_types}, {"variable", variable_types},
		{"output", output_types}, {"terraform", terraform_types}, {"check", check_types},
		{"removed", removed_types}, {"provisioner", provisioner_types},
		{"dynamic", dynamic_types}};
	for (guint i = 0; i < G_N_ELEMENTS(all); i++)
		if (g_str_equal(all[i].type, type))
			return all[i].inside;
	return NULL;
}

static void unfold(LangBlock *block, Diags *diags) {
	const LangBlockType *types = types_inside(block->type);
	if (!block->body->json || !types)
		return;
	block->body = lang_body_content(block->body, types, diags);
	for (guint i = 0; i < block->body->blocks->len; i++)
		unfold(block->body->blocks->pdata[i], diags);
}

/* ---- reading ---- */

static void take_blocks(const LangBody *body, GPtrArray *blocks, Diags *diags) {
	const char *names[G_N_ELEMENTS(top_types)];
	gsize n = 0;
	for (const LangBlockType *type = top_types; type->type; type++)
		names[n++] = type->type;
	for (guint i = 0; i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		g_autofree char *hint = text_suggestion(attribute->name, names, n);
		config_refuse_argument(body, attribute, body->json ? hint : "", diags);
	}
	for (guint i = 0; i < body->blocks->len; i++) {
		unfold(body->blocks->pdata[i], diags);
		g_ptr_array_add(blocks, body->blocks->pdata[i]);
	}
}

/* Adds the file to config->files. */
static void read_file(
	Config *config, const Module *module, const char *name, GPtrArray *blocks, Diags *diags) {
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
	LangFile *file = is_json(name) ? lang_parse_json(shown, text, length, diags)
				       : lang_parse(shown, text, length, diags);
	g_ptr_array_add(config->files, file);
	take_blocks(lang_body_content(lang_file_body(file), top_types, diags), blocks, diags);
}

/* So that messages tell what a line is in. */
static void note_sections(const Config *config, const GPtrArray *blocks) {
	for (guint i = 0; i < blocks->len; i++) {
		const LangBlock *block = blocks->pdata[i];
		g_autoptr(GString) label = g_string_new(block->type);
		for (guint j = 0; j < block->n_labels; j++)
			g_string_append_printf(
				label, block->body->json ? ".%s" : " \"%s\"", block->labels[j]);
		sources_add_section(config->sources,
			source_range_join(block->header, block->body->end), label->str);
	}
}

GPtrArray *config_read_files(Config *config, const Module *module, Diags *diags) {
	GPtrArray *blocks = g_ptr_array_new();
	g_autoptr(GPtrArray) names = config_list_files(module->dir);
	for (guint i = 0; i < names->len; i++)
		if (!is_override(names->pdata[i]))
			read_file(config, module, names->pdata[i], blocks, diags);
	note_sections(config, blocks);
	for (guint i = 0; i < names->len; i++) {
		if (!is_override(names->pdata[i]))
			continue;
		g_autoptr(GPtrArray) overrides = g_ptr_array_new();
		read_file(config, module, names->pdata[i], overrides, diags);
		note_sections(config, overrides);
		if (overrides->len > 0)
			config_override(blocks, overrides,
				config->files->pdata[config->files->len - 1], diags);
	}
	return blocks;
}
