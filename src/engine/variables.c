/*
 * Values of the root module's variables: from the environment, terraform.tfvars, *.auto.tfvars,
 * -var-file and -var, the later ones winning, as Terraform has it.
 */
#include <string.h>

#include "base/text.h"
#include "engine/internal.h"

#define ENVIRONMENT "TF_VAR_"

void given_variable_free(gpointer data) {
	GivenVariable *given = data;
	value_clear(&given->value);
	g_free(given);
}

static void give(Engine *engine, const char *name, Value value_taken, SourceRange range,
	const char *source) {
	GivenVariable *given = g_new0(GivenVariable, 1);
	given->value = value_taken;
	given->range = range;
	given->source = g_intern_string(source);
	g_hash_table_replace(engine->given, g_strdup(name), given);
}

/* ---- files ---- */

static void warn_of_undeclared(Engine *engine, const char *name, const char *path) {
	diags_warning(engine->diags, SOURCE_NOWHERE, "Value for undeclared variable",
		"The root module does not declare a variable named \"%s\" but a value was found in "
		"file \"%s\". If you meant to use this value, add a \"variable\" block to the "
		"configuration.\n\nTo silence these warnings, use TF_VAR_... environment variables "
		"to provide certain \"global\" settings to all configurations in your "
		"organization. To reduce the verbosity of these warnings, use the "
		"-compact-warnings option.",
		name, path);
}

static gboolean read_file(Engine *engine, const char *path) {
	g_autofree char *text = NULL;
	gsize length;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(path, &text, &length, &error)) {
		gboolean missing = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
		diags_error(engine->diags, SOURCE_NOWHERE, "Failed to read variables file",
			missing ? "Given variables file %s does not exist.%.0s"
				: "Given variables file %s cannot be read: %s",
			path, error->message);
		return FALSE;
	}
	sources_add(engine->sources, path, text, length);
	guint errors = diags_error_count(engine->diags);
	LangFile *file = g_str_has_suffix(path, ".json")
				 ? lang_parse_json(path, text, length, engine->diags)
				 : lang_parse(path, text, length, engine->diags);
	g_ptr_array_add(engine->config->files, file);
	LangBody *body = lang_file_body(file);
	for (guint i = 0; body && i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		g_autofree char *summary = g_strdup_printf("Unexpected \"%s\" block", block->type);
		diags_error(engine->diags, block->header, summary, "Blocks are not allowed here.");
	}
	for (guint i = 0; body && i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		Value value = lang_eval(
			attribute->expr, &(const LangScope){.constant = TRUE}, engine->diags);
		if (!g_hash_table_contains(engine->config->root->variables, attribute->name))
			warn_of_undeclared(engine, attribute->name, path);
		give(engine, attribute->name, value, lang_expr_range(attribute->expr), NULL);
	}
	return diags_error_count(engine->diags) == errors;
}

static int compare_paths(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean read_automatic_files(Engine *engine) {
	static const char *const fixed[] = {"terraform.tfvars", "terraform.tfvars.json"};
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(engine->dir, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir)))
		if (*name != '.' && (g_str_has_suffix(name, ".auto.tfvars") ||
					    g_str_has_suffix(name, ".auto.tfvars.json")))
			g_ptr_array_add(paths, g_strdup(name));
	g_ptr_array_sort(paths, compare_paths);
	gboolean fine = TRUE;
	for (guint i = 0; i < G_N_ELEMENTS(fixed) + paths->len; i++) {
		const char *file =
			i < G_N_ELEMENTS(fixed) ? fixed[i] : paths->pdata[i - G_N_ELEMENTS(fixed)];
		g_autofree char *path = g_str_equal(engine->dir, ".")
						? g_strdup(file)
						: g_build_filename(engine->dir, file, NULL);
		if (g_file_test(path, G_FILE_TEST_EXISTS))
			fine &= read_file(engine, path);
	}
	return fine;
}

/* ---- texts ---- */

/* A text for a variable: as it is if the variable is of a primitive type (or none), else an
 * expression. */
static gboolean give_text(Engine *engine, const char *name, const char *text, const char *source) {
	const Variable *variable = g_hash_table_lookup(engine->config->root->variables, name);
	TypeKind kind = type_kind(variable->type);
	if (kind == TYPE_KIND_STRING || kind == TYPE_KIND_NUMBER || kind == TYPE_KIND_BOOL ||
		kind == TYPE_KIND_ANY) {
		give(engine, name, value_string(text), SOURCE_NOWHERE, source);
		return TRUE;
	}
	g_autofree char *file_name = g_strdup_printf("<value for var.%s>", name);
	sources_add(engine->sources, file_name, text, strlen(text));
	guint errors = diags_error_count(engine->diags);
	LangFile *file = lang_parse_expression(file_name, text, strlen(text), engine->diags);
	g_ptr_array_add(engine->config->files, file);
	if (diags_error_count(engine->diags) > errors)
		return FALSE;
	LangExpr *expr = lang_file_expr(file);
	give(engine, name, lang_eval(expr, &(const LangScope){.constant = TRUE}, engine->diags),
		lang_expr_range(expr), source);
	return diags_error_count(engine->diags) == errors;
}

static gboolean read_environment(Engine *engine) {
	gboolean fine = TRUE;
	GHashTableIter iter;
	gpointer name;
	g_hash_table_iter_init(&iter, engine->config->root->variables);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		g_autofree char *key = g_strconcat(ENVIRONMENT, name, NULL);
		const char *text = g_getenv(key);
		g_autofree char *source = g_strdup_printf("using the %s environment variable", key);
		if (text)
			fine &= give_text(engine, name, text, source);
	}
	return fine;
}

static gboolean read_option(Engine *engine, const char *option) {
	const char *equals = strchr(option, '=');
	if (!equals) {
		diags_error(engine->diags, SOURCE_NOWHERE, "Invalid -var option",
			"The given -var option \"%s\" is not correctly specified. Must be a "
			"variable "
			"name and value separated by an equals sign, like -var=\"key=value\".",
			option);
		return FALSE;
	}
	g_autofree char *name = g_strndup(option, (gsize)(equals - option));
	g_strstrip(name);
	GHashTable *declared = engine->config->root->variables;
	if (!g_hash_table_contains(declared, name)) {
		guint n;
		g_autofree const char **names =
			(const char **)g_hash_table_get_keys_as_array(declared, &n);
		g_autofree char *hint = text_suggestion(name, names, n);
		diags_error(engine->diags, SOURCE_NOWHERE, "Value for undeclared variable",
			"A variable named \"%s\" was assigned on the command line, but the root "
			"module does not declare a variable of that name.%s%s",
			name, hint,
			*hint ? ""
			      : " To use this value, add a \"variable\" block to the "
				"configuration.");
		return FALSE;
	}
	g_autofree char *source = g_strdup_printf("using -var=\"%s=...\"", name);
	return give_text(engine, name, equals + 1, source);
}

static int compare_variables(gconstpointer a, gconstpointer b) {
	return strcmp(((const Variable *)a)->name, ((const Variable *)b)->name);
}

/* What has no value yet and needs one, by name. */
static gboolean ask_for_missing(Engine *engine) {
	g_autoptr(GList) all = g_list_sort(
		g_hash_table_get_values(engine->config->root->variables), compare_variables);
	gboolean fine = TRUE;
	for (GList *each = all; each && engine->options.ask; each = each->next) {
		const Variable *variable = each->data;
		if (variable->fallback || g_hash_table_contains(engine->given, variable->name))
			continue;
		g_autofree char *text = engine->options.ask(
			variable->name, variable->description, engine->options.ask_data);
		if (!text)
			break;
		fine &= give_text(engine, variable->name, text, "using an interactive prompt");
	}
	return fine;
}

gboolean engine_collect_variables(Engine *engine) {
	engine->given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, given_variable_free);
	gboolean fine = read_environment(engine);
	fine &= read_automatic_files(engine);
	for (const char *const *each = engine->options.variables; each && *each; each++)
		fine &= g_str_has_prefix(*each, "file:") ? read_file(engine, *each + 5)
							 : read_option(engine, *each + 4);
	return fine && ask_for_missing(engine);
}
