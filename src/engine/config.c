/* Reads configurations: see config.h. Relies on lang; evaluates nothing but literals. */
#include "engine/config.h"

#include <string.h>

#include "base/text.h"
#include "value/convert.h"

static void load_calls(Config *config, Module *module, Diags *diags);

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

/* ---- literals ---- */

static Value literal(const LangAttribute *attribute, const Type *type, Diags *diags) {
	return attribute ? lang_eval_as(attribute->expr, type, &(LangScope){0}, diags)
			 : VALUE_NOTHING;
}

static gboolean literal_bool(
	const LangBody *body, const char *name, gboolean otherwise, Diags *diags) {
	g_auto(Value) value = literal(lang_body_attribute(body, name), type_bool(), diags);
	return value_is_null(value) ? otherwise : value_to_bool(value);
}

static const char *literal_text(const LangBody *body, const char *name, Diags *diags) {
	g_auto(Value) value = literal(lang_body_attribute(body, name), type_string(), diags);
	return g_intern_string(value_text(value));
}

static LangExpr *expression(const LangBody *body, const char *name) {
	LangAttribute *attribute = lang_body_attribute(body, name);
	return attribute ? attribute->expr : NULL;
}

static gboolean require(const LangBody *body, const char *name, Diags *diags) {
	if (expression(body, name))
		return TRUE;
	diags_error(diags, body->end, "Missing required argument",
		"The argument \"%s\" is required, but no definition was found.", name);
	return FALSE;
}

/* All nested blocks of that type, as bodies. */
static GPtrArray *blocks_of(const LangBody *body, const char *type) {
	GPtrArray *found = g_ptr_array_new();
	for (guint i = 0; i < body->blocks->len; i++) {
		LangBlock *block = body->blocks->pdata[i];
		if (g_str_equal(block->type, type))
			g_ptr_array_add(found, block->body);
	}
	return found;
}

/* ---- the shape of blocks ---- */

/* Reports what a meta block may not hold, with a suggestion. NULL-terminated lists. */
static void check_names(const LangBody *body, const char *const *attributes,
	const char *const *blocks, Diags *diags) {
	for (guint i = 0; i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		if (g_strv_contains(attributes, attribute->name))
			continue;
		const char *near = text_nearest(
			attribute->name, attributes, g_strv_length((char **)attributes));
		g_autofree char *hint =
			near ? g_strdup_printf(" Did you mean \"%s\"?", near) : g_strdup("");
		diags_error(diags, attribute->name_range, "Unsupported argument",
			"An argument named \"%s\" is not expected here.%s", attribute->name, hint);
	}
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (g_strv_contains(blocks, block->type))
			continue;
		const char *near =
			text_nearest(block->type, blocks, g_strv_length((char **)blocks));
		g_autofree char *hint =
			near ? g_strdup_printf(" Did you mean \"%s\"?", near) : g_strdup("");
		diags_error(diags, block->type_range, "Unsupported block type",
			"Blocks of type \"%s\" are not expected here.%s", block->type, hint);
	}
}

static gboolean check_label_count(const LangBlock *block, guint n, const char *what, Diags *diags) {
	if (block->n_labels == n)
		return TRUE;
	g_autofree char *summary = g_strdup_printf("%s for %s",
		block->n_labels < n ? "Missing name" : "Extraneous label", block->type);
	diags_error(diags, block->n_labels < n ? block->header : block->label_ranges[n], summary,
		"A %s block has %u label%s: %s.", block->type, n, n == 1 ? "" : "s", what);
	return FALSE;
}

static gboolean check_identifier(
	const LangBlock *block, guint label, const char *what, Diags *diags) {
	if (lang_is_identifier(block->labels[label]))
		return TRUE;
	g_autofree char *summary = g_strdup_printf("Invalid %s name", what);
	diags_error(diags, block->label_ranges[label], summary,
		"A name must start with a letter or underscore and may contain only letters, "
		"digits, underscores, "
		"and dashes.");
	return FALSE;
}

static void duplicate(const LangBlock *block, const char *what, const char *name, SourceRange other,
	Diags *diags) {
	g_autofree char *summary = g_strdup_printf("Duplicate %s", what);
	g_autofree char *kind = g_strndup(what, strcspn(what, " "));
	diags_error(diags, block->header, summary,
		"%s %s named \"%s\" was already %s at %s:%u,%u-%u. %c%s names must be unique "
		"within a module.",
		*kind == 'o' ? "An" : "A", kind, name, *kind == 'o' ? "defined" : "declared",
		other.filename, other.start_line, other.start_column, other.end_column,
		g_ascii_toupper(*kind), kind + 1);
}

static void note_reference(const LangTraversal *traversal, gpointer data) {
	(*(guint *)data)++;
}

/* A condition that looks at nothing checks nothing. */
static void check_conditions(const GPtrArray *rules, const char *kind, Diags *diags) {
	for (guint i = 0; i < rules->len; i++) {
		LangExpr *condition = expression(rules->pdata[i], "condition");
		guint references = 0;
		if (condition)
			lang_expr_references(condition, note_reference, &references);
		g_autofree char *summary = g_strdup_printf("Invalid %s expression", kind);
		if (condition && references == 0)
			diags_error(diags, lang_expr_range(condition), summary,
				"The condition expression must refer to at least one object from "
				"elsewhere in the configuration, or else its result would not be "
				"checking anything.");
	}
}

/* ---- blocks of a module ---- */

/* Names that module blocks use for themselves. */
static void check_reserved(const LangBlock *block, Diags *diags) {
	static const char *const reserved[] = {"source", "version", "providers", "count",
		"for_each", "lifecycle", "depends_on", "locals", NULL};
	if (g_strv_contains(reserved, block->labels[0]))
		diags_error(diags, block->label_ranges[0], "Invalid variable name",
			"The variable name \"%s\" is reserved due to its special meaning inside "
			"module blocks.",
			block->labels[0]);
}

/* A default is of the variable's type, and a literal. */
static void check_default(const Variable *variable, Diags *diags) {
	if (!variable->fallback)
		return;
	guint errors = diags_error_count(diags);
	g_auto(Value) plain = lang_eval(variable->fallback, &(LangScope){0}, diags);
	if (diags_error_count(diags) > errors)
		return;
	g_auto(Value) value = lang_defaults_apply(variable->defaults, plain);
	g_autofree char *problem = NULL;
	g_auto(Value) fitted = value_convert(value, variable->type, &problem);
	if (problem)
		diags_error(diags, lang_expr_range(variable->fallback),
			"Invalid default value for variable",
			"This default value is not compatible with the variable's type "
			"constraint: %s.",
			problem);
}

static void read_variable(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {
		"type", "default", "description", "sensitive", "nullable", "ephemeral", NULL};
	static const char *const blocks[] = {"validation", NULL};
	if (!check_label_count(block, 1, "the variable's name", diags) ||
		!check_identifier(block, 0, "variable", diags))
		return;
	check_names(block->body, attributes, blocks, diags);
	Variable *other = g_hash_table_lookup(module->variables, block->labels[0]);
	if (other) {
		duplicate(block, "variable declaration", block->labels[0], other->range, diags);
		return;
	}
	Variable *variable = g_new0(Variable, 1);
	variable->name = block->labels[0];
	variable->range = block->header;
	LangExpr *type = expression(block->body, "type");
	const char *keyword = type ? lang_expr_keyword(type) : NULL;
	gboolean bare = g_strcmp0(keyword, "list") == 0 || g_strcmp0(keyword, "map") == 0;
	if (bare) /* of Terraform 0.11 */
		variable->type =
			g_str_equal(keyword, "list") ? type_list(type_any()) : type_map(type_any());
	else
		variable->type = type ? lang_type(type, &variable->defaults, diags) : type_any();
	if (!variable->type)
		variable->type = type_any();
	check_reserved(block, diags);
	variable->fallback = expression(block->body, "default");
	check_default(variable, diags);
	variable->sensitive = literal_bool(block->body, "sensitive", FALSE, diags);
	variable->nullable = literal_bool(block->body, "nullable", TRUE, diags);
	variable->ephemeral = literal_bool(block->body, "ephemeral", FALSE, diags);
	variable->description = literal_text(block->body, "description", diags);
	variable->validations = blocks_of(block->body, "validation");
	g_hash_table_insert(module->variables, (char *)variable->name, variable);
}

static void read_locals(Module *module, const LangBlock *block, Diags *diags) {
	for (guint i = 0; i < block->body->attributes->len; i++) {
		const LangAttribute *attribute = block->body->attributes->pdata[i];
		Local *other = g_hash_table_lookup(module->locals, attribute->name);
		if (other) {
			diags_error(diags, attribute->name_range,
				"Duplicate local value definition",
				"A local value named \"%s\" was already defined at %s:%u,%u-%u. "
				"Local value names must be "
				"unique within a module.",
				attribute->name, other->range.filename, other->range.start_line,
				other->range.start_column, other->range.end_column);
			continue;
		}
		Local *local = g_new0(Local, 1);
		local->name = attribute->name;
		local->expr = attribute->expr;
		local->range = attribute->range;
		g_hash_table_insert(module->locals, (char *)local->name, local);
	}
}

static void read_output(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {
		"value", "description", "sensitive", "depends_on", "ephemeral", NULL};
	static const char *const blocks[] = {"precondition", NULL};
	if (!check_label_count(block, 1, "the output's name", diags) ||
		!check_identifier(block, 0, "output", diags))
		return;
	check_names(block->body, attributes, blocks, diags);
	Output *other = g_hash_table_lookup(module->outputs, block->labels[0]);
	if (other) {
		duplicate(block, "output definition", block->labels[0], other->range, diags);
		return;
	}
	Output *output = g_new0(Output, 1);
	output->name = block->labels[0];
	output->range = block->header;
	output->expr = expression(block->body, "value");
	if (!output->expr) {
		diags_error(diags, block->body->end, "Missing required argument",
			"The argument \"value\" is required, but no definition was found.");
		g_free(output);
		return;
	}
	output->sensitive = literal_bool(block->body, "sensitive", FALSE, diags);
	output->ephemeral = literal_bool(block->body, "ephemeral", FALSE, diags);
	output->description = literal_text(block->body, "description", diags);
	output->depends_on = expression(block->body, "depends_on");
	output->preconditions = blocks_of(block->body, "precondition");
	check_conditions(output->preconditions, "precondition", diags);
	g_hash_table_insert(module->outputs, (char *)output->name, output);
}

static void read_provider(Module *module, const LangBlock *block, Diags *diags) {
	if (!check_label_count(block, 1, "the provider's local name", diags))
		return;
	ProviderConfig *provider = g_new0(ProviderConfig, 1);
	provider->name = block->labels[0];
	provider->alias = literal_text(block->body, "alias", diags);
	provider->body = block->body;
	provider->range = block->header;
	provider->module = module;
	char *key = provider->alias ? g_strdup_printf("%s.%s", provider->name, provider->alias)
				    : g_strdup(provider->name);
	if (g_hash_table_contains(module->providers, key)) {
		diags_error(diags, block->header, "Duplicate provider configuration",
			"A provider configuration for \"%s\" was already given in this module. "
			"Each further one needs "
			"an alias of its own.",
			key);
		g_free(provider);
		g_free(key);
		return;
	}
	g_hash_table_insert(module->providers, key, provider);
}

/* ---- resources ---- */

static void read_ignore_changes(Resource *resource, const LangExpr *expr, Diags *diags) {
	if (g_strcmp0(lang_expr_keyword(expr), "all") == 0) {
		resource->ignore_all = TRUE;
		return;
	}
	LangExpr **items;
	guint n;
	if (!lang_expr_tuple(expr, &items, &n)) {
		diags_error(diags, lang_expr_range(expr), "Invalid expression",
			"A static list expression, or the keyword all, is required.");
		return;
	}
	resource->ignore_changes = g_ptr_array_new();
	for (guint i = 0; i < n; i++) {
		const LangTraversal *traversal = lang_expr_traversal(items[i]);
		if (traversal)
			g_ptr_array_add(resource->ignore_changes, (gpointer)traversal);
		else
			diags_error(diags, lang_expr_range(items[i]), "Invalid expression",
				"A single static variable reference is required: only attribute "
				"access and indexing with "
				"constant keys.");
	}
}

static void read_lifecycle(Resource *resource, const LangBody *body, Diags *diags) {
	static const char *const attributes[] = {"create_before_destroy", "prevent_destroy",
		"ignore_changes", "replace_triggered_by", NULL};
	static const char *const blocks[] = {"precondition", "postcondition", NULL};
	check_names(body, attributes, blocks, diags);
	resource->create_before_destroy = literal_bool(body, "create_before_destroy", FALSE, diags);
	resource->prevent_destroy = literal_bool(body, "prevent_destroy", FALSE, diags);
	LangExpr *ignore = expression(body, "ignore_changes");
	if (ignore)
		read_ignore_changes(resource, ignore, diags);
	LangExpr *triggers = expression(body, "replace_triggered_by");
	LangExpr **items;
	guint n;
	if (triggers && lang_expr_tuple(triggers, &items, &n)) {
		resource->replace_triggered_by = g_ptr_array_new();
		for (guint i = 0; i < n; i++)
			g_ptr_array_add(resource->replace_triggered_by, items[i]);
	}
	resource->preconditions = blocks_of(body, "precondition");
	resource->postconditions = blocks_of(body, "postcondition");
	check_conditions(resource->preconditions, "precondition", diags);
	check_conditions(resource->postconditions, "postcondition", diags);
}

static void read_provider_reference(Resource *resource, const LangBody *body, Diags *diags) {
	LangExpr *expr = expression(body, "provider");
	g_autofree char *prefix = g_strndup(resource->type, strcspn(resource->type, "_"));
	resource->provider = g_intern_string(prefix);
	if (!expr)
		return;
	const LangTraversal *traversal = lang_expr_traversal(expr);
	const char *keyword = lang_expr_keyword(expr);
	if (traversal && traversal->n_steps == 1 && traversal->steps[0].kind == LANG_STEP_NAME)
		resource->provider_alias = traversal->steps[0].name;
	if (traversal || keyword)
		resource->provider = traversal ? traversal->root : keyword;
	else
		diags_error(diags, lang_expr_range(expr),
			"Invalid provider configuration reference",
			"The provider argument requires a provider type name, optionally followed "
			"by a period and then "
			"a configuration alias.");
}

static void refuse_provisioners(const Resource *resource, Diags *diags) {
	for (guint i = 0; i < resource->body->blocks->len; i++) {
		const LangBlock *block = resource->body->blocks->pdata[i];
		if (g_str_equal(block->type, "provisioner") ||
			g_str_equal(block->type, "connection"))
			diags_error(diags, block->header, "Provisioners are not implemented",
				"Terrarium does not run provisioners (%s). Do the same in the "
				"image, in the task, or in a "
				"step of the pipeline.",
				block->n_labels > 0 ? block->labels[0] : block->type);
	}
}

static void resource_free(Resource *resource) {
	g_clear_pointer(&resource->ignore_changes, g_ptr_array_unref);
	g_clear_pointer(&resource->replace_triggered_by, g_ptr_array_unref);
	g_clear_pointer(&resource->preconditions, g_ptr_array_unref);
	g_clear_pointer(&resource->postconditions, g_ptr_array_unref);
	g_free(resource);
}

static void read_resource(Module *module, const LangBlock *block, gboolean managed, Diags *diags) {
	if (!check_label_count(block, 2, "its type and its name", diags) ||
		!check_identifier(block, 1, "resource", diags))
		return;
	Resource *resource = g_new0(Resource, 1);
	resource->managed = managed;
	resource->type = block->labels[0];
	resource->name = block->labels[1];
	resource->body = block->body;
	resource->range = block->header;
	resource->module = module;
	resource->count = expression(block->body, "count");
	resource->for_each = expression(block->body, "for_each");
	resource->depends_on = expression(block->body, "depends_on");
	read_provider_reference(resource, block->body, diags);
	if (resource->count && resource->for_each)
		diags_error(diags, lang_body_attribute(block->body, "for_each")->name_range,
			"Invalid combination of \"count\" and \"for_each\"",
			"The \"count\" and \"for_each\" meta-arguments are mutually-exclusive, "
			"only one should be used "
			"to be explicit about the number of resources to be created.");
	g_autoptr(GPtrArray) lifecycle = blocks_of(block->body, "lifecycle");
	if (lifecycle->len > 0)
		read_lifecycle(resource, lifecycle->pdata[0], diags);
	refuse_provisioners(resource, diags);
	char *name = resource_name(resource);
	Resource *other = g_hash_table_lookup(module->resource_index, name);
	if (other) {
		g_autofree char *summary =
			g_strdup_printf("Duplicate resource \"%s\" configuration", resource->type);
		diags_error(diags, block->header, summary,
			"A %s resource named \"%s\" was already declared at %s:%u,%u-%u. Resource "
			"names must be unique "
			"per type in each module.",
			resource->type, resource->name, other->range.filename,
			other->range.start_line, other->range.start_column,
			other->range.end_column);
		g_free(name);
		resource_free(resource);
		return;
	}
	g_hash_table_insert(module->resource_index, name, resource);
	g_ptr_array_add(module->resources, resource);
}

/* ---- module calls ---- */

static GHashTable *read_passed_providers(const LangBody *body) {
	LangExpr *expr = expression(body, "providers");
	LangExpr **keys, **values;
	guint n;
	if (!expr || !lang_expr_object(expr, &keys, &values, &n))
		return NULL;
	GHashTable *passed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; i < n; i++) {
		const LangTraversal *key = lang_expr_traversal(keys[i]);
		const LangTraversal *value = lang_expr_traversal(values[i]);
		if (!key || !value)
			continue;
		g_hash_table_insert(passed,
			key->n_steps ? g_strdup_printf("%s.%s", key->root, key->steps[0].name)
				     : g_strdup(key->root),
			value->n_steps ? g_strdup_printf("%s.%s", value->root, value->steps[0].name)
				       : g_strdup(value->root));
	}
	return passed;
}

static void read_call(Module *module, const LangBlock *block, Diags *diags) {
	if (!check_label_count(block, 1, "the module's name", diags) ||
		!check_identifier(block, 0, "module instance", diags))
		return;
	ModuleCall *call = g_new0(ModuleCall, 1);
	call->name = block->labels[0];
	call->body = block->body;
	call->range = block->header;
	call->parent = module;
	call->source = literal_text(block->body, "source", diags);
	call->count = expression(block->body, "count");
	call->for_each = expression(block->body, "for_each");
	call->depends_on = expression(block->body, "depends_on");
	call->providers = read_passed_providers(block->body);
	if (!call->source)
		diags_error(diags, block->body->end, "Missing required argument",
			"The argument \"source\" is required, but no definition was found.");
	ModuleCall *other = g_hash_table_lookup(module->calls, call->name);
	if (other)
		duplicate(block, "module call", call->name, other->range, diags);
	else
		g_hash_table_insert(module->calls, (char *)call->name, call);
}

/* ---- terraform { } ---- */

static void read_required(Module *module, const LangBody *body, Diags *diags) {
	for (guint i = 0; i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		LangExpr **keys, **values;
		guint n = 0;
		const char *source = NULL;
		if (lang_expr_object(attribute->expr, &keys, &values, &n))
			for (guint j = 0; j < n; j++)
				if (g_strcmp0(lang_expr_keyword(keys[j]), "source") == 0)
					source = lang_expr_keyword(values[j]);
		if (!source) {
			g_autofree char *implied = g_strdup_printf("hashicorp/%s", attribute->name);
			source = g_intern_string(implied);
		}
		g_hash_table_insert(module->required, (char *)attribute->name, (char *)source);
	}
}

static void read_settings(Module *module, const LangBlock *block, Diags *diags) {
	for (guint i = 0; i < block->body->blocks->len; i++) {
		const LangBlock *inner = block->body->blocks->pdata[i];
		if (g_str_equal(inner->type, "required_providers"))
			read_required(module, inner->body, diags);
		else if (g_str_equal(inner->type, "backend"))
			module->backend = inner->n_labels > 0 ? inner->labels[0] : "";
		else if (g_str_equal(inner->type, "cloud"))
			module->cloud = TRUE;
	}
}

/* ---- files ---- */

static void read_moved(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {"from", "to", NULL};
	static const char *const none[] = {NULL};
	check_names(block->body, attributes, none, diags);
	gboolean whole = require(block->body, "from", diags);
	whole &= require(block->body, "to", diags);
	if (whole)
		g_ptr_array_add(module->moved, block->body);
}

static void read_removed(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {"from", NULL};
	static const char *const blocks[] = {"lifecycle", NULL};
	static const char *const settings[] = {"destroy", NULL};
	static const char *const none[] = {NULL};
	check_names(block->body, attributes, blocks, diags);
	if (!require(block->body, "from", diags))
		return;
	Removed *removed = g_new0(Removed, 1);
	*removed = (Removed){block->body, block->header, TRUE};
	g_autoptr(GPtrArray) lifecycle = blocks_of(block->body, "lifecycle");
	if (lifecycle->len > 0) {
		check_names(lifecycle->pdata[0], settings, none, diags);
		removed->destroy = literal_bool(lifecycle->pdata[0], "destroy", TRUE, diags);
	}
	g_ptr_array_add(module->removed, removed);
}

static void read_import(Module *module, LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {"to", "id", "for_each", "provider", NULL};
	static const char *const none[] = {NULL};
	check_names(block->body, attributes, none, diags);
	if (module->parent) {
		diags_error(diags, block->header, "Invalid import configuration",
			"An import block was detected in \"%s\". Import blocks are only allowed in "
			"the root module.",
			module->path);
		return;
	}
	gboolean whole = require(block->body, "to", diags);
	whole &= require(block->body, "id", diags);
	if (whole)
		g_ptr_array_add(module->imports, block);
}

/* check "name" { data … {}  assert {}… } */
static void read_check(Module *module, LangBlock *block, Diags *diags) {
	static const char *const none[] = {NULL};
	static const char *const blocks[] = {"data", "assert", NULL};
	if (!check_label_count(block, 1, "the check's name", diags) ||
		!check_identifier(block, 0, "check", diags))
		return;
	check_names(block->body, none, blocks, diags);
	g_autoptr(GPtrArray) asserts = blocks_of(block->body, "assert");
	if (asserts->len == 0)
		diags_error(diags, block->header, "Zero assert blocks",
			"Check blocks must have at least one assert block.");
	for (guint i = 0; i < asserts->len; i++) {
		require(asserts->pdata[i], "condition", diags);
		require(asserts->pdata[i], "error_message", diags);
	}
	check_conditions(asserts, "assert", diags);
	for (guint i = 0; i < block->body->blocks->len; i++) {
		const LangBlock *inner = block->body->blocks->pdata[i];
		guint before = module->resources->len;
		if (!g_str_equal(inner->type, "data"))
			continue;
		read_resource(module, inner, FALSE, diags);
		if (module->resources->len > before)
			((Resource *)module->resources->pdata[before])->in_check = TRUE;
	}
	g_ptr_array_add(module->checks, block);
}

static void read_top(Module *module, LangBlock *block, Diags *diags) {
	static const char *const types[] = {"resource", "data", "variable", "output", "locals",
		"module", "provider", "terraform", "moved", "removed", "import", "check",
		"ephemeral", NULL};
	if (g_str_equal(block->type, "resource") || g_str_equal(block->type, "data"))
		read_resource(module, block, g_str_equal(block->type, "resource"), diags);
	else if (g_str_equal(block->type, "variable"))
		read_variable(module, block, diags);
	else if (g_str_equal(block->type, "output"))
		read_output(module, block, diags);
	else if (g_str_equal(block->type, "locals"))
		read_locals(module, block, diags);
	else if (g_str_equal(block->type, "module"))
		read_call(module, block, diags);
	else if (g_str_equal(block->type, "provider"))
		read_provider(module, block, diags);
	else if (g_str_equal(block->type, "terraform"))
		read_settings(module, block, diags);
	else if (g_str_equal(block->type, "moved"))
		read_moved(module, block, diags);
	else if (g_str_equal(block->type, "removed"))
		read_removed(module, block, diags);
	else if (g_str_equal(block->type, "import"))
		read_import(module, block, diags);
	else if (g_str_equal(block->type, "check"))
		read_check(module, block, diags);
	else if (g_strv_contains(types, block->type))
		diags_error(diags, block->header, "Unsupported block type",
			"Terrarium does not implement %s blocks.", block->type);
	else {
		const char *near = text_nearest(block->type, types, g_strv_length((char **)types));
		g_autofree char *hint =
			near ? g_strdup_printf(" Did you mean \"%s\"?", near) : g_strdup("");
		diags_error(diags, block->type_range, "Unsupported block type",
			"Blocks of type \"%s\" are not expected here.%s", block->type, hint);
	}
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
		resource_free(module->resources->pdata[i]);
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
