/*
 * Reads the .hcl files of resource types: the schema into Terraform's shape, the flags of its lines
 * into AwsBlock; the bodies of operations are kept as syntax for program.c. Relies on lang. Must
 * never know a resource type by name.
 */
#include "provider/aws/type.h"

#include <string.h>

#include "provider/aws/aws.h"

#define LITERAL_SCOPE (&(LangScope){0})

static void parse_block(AwsBlock *block, LangBody *body, Diags *diags);

/* ---- small readers ---- */

/* A literal of the file: strings, numbers, lists of them. VALUE_NOTHING after an error. */
static Value literal(const LangExpr *expr, const Type *type, Diags *diags) {
	guint errors = diags_error_count(diags);
	g_auto(Value) value = lang_eval_as(expr, type, LITERAL_SCOPE, diags);
	return diags_error_count(diags) > errors ? VALUE_NOTHING : value_steal(&value);
}

static const char *literal_text(const LangExpr *expr, Diags *diags) {
	g_auto(Value) value = literal(expr, type_string(), diags);
	return g_intern_string(value_text_or(value, ""));
}

static const char *body_text(const LangBody *body, const char *name, Diags *diags) {
	LangAttribute *attribute = lang_body_attribute(body, name);
	return attribute ? literal_text(attribute->expr, diags) : NULL;
}

/* All arguments of a flag as names. */
static const char **names_of(LangExpr *const *arguments, guint n, Diags *diags) {
	const char **names = g_new0(const char *, n + 1);
	for (guint i = 0; i < n; i++)
		names[i] = literal_text(arguments[i], diags);
	return names;
}

static const struct {
	const char *name;
	AwsEquality equality;
} equalities[] = {
	{"json", AWS_EQUAL_JSON},
	{"policy", AWS_EQUAL_POLICY},
	{"case", AWS_EQUAL_CASE},
	{"prefix", AWS_EQUAL_PREFIX},
	{"containers", AWS_EQUAL_CONTAINERS},
	{"dot", AWS_EQUAL_DOT},
	{"protocol", AWS_EQUAL_PROTOCOL},
	{"arn_name", AWS_EQUAL_ARN_NAME},
};

static AwsEquality equality_of(const LangExpr *expr, Diags *diags) {
	const char *name = literal_text(expr, diags);
	for (guint i = 0; i < G_N_ELEMENTS(equalities); i++)
		if (g_str_equal(equalities[i].name, name))
			return equalities[i].equality;
	diags_error(
		diags, lang_expr_range(expr), "Unknown equality", "There is no equality %s.", name);
	return AWS_EQUAL_EXACT;
}

/* ---- attributes ---- */

static gboolean is_check(const char *name) {
	static const char *const checks[] = {
		"one_of", "range", "length", "pattern", "multiple_of", "json", "cidr", "arn", NULL};
	return g_strv_contains(checks, name);
}

static void apply_keyword(SchemaAttribute *schema, AwsAttribute *own, const char *flag,
	SourceRange range, Diags *diags) {
	if (g_str_equal(flag, "computed"))
		schema->computed = TRUE;
	else if (g_str_equal(flag, "force_new"))
		own->force_new = TRUE;
	else if (g_str_equal(flag, "sensitive"))
		schema->sensitive = TRUE;
	else if (g_str_equal(flag, "write_only"))
		schema->write_only = TRUE;
	else if (g_str_equal(flag, "local_only"))
		own->local_only = TRUE;
	else
		diags_error(diags, range, "Unknown flag", "A schema line has no flag %s.", flag);
}

static void apply_call(SchemaAttribute *schema, AwsAttribute *own, LangExpr *expr, const char *flag,
	LangExpr **arguments, guint n, Diags *diags) {
	if (is_check(flag)) {
		g_ptr_array_add(own->checks, expr);
	} else if (g_str_equal(flag, "changes_with")) {
		own->changes_with = names_of(arguments, n, diags);
	} else if (g_str_equal(flag, "conflicts")) {
		own->conflicts = names_of(arguments, n, diags);
	} else if (n != 1) {
		diags_error(diags, lang_expr_range(expr), "Wrong number of arguments",
			"%s takes one argument.", flag);
	} else if (g_str_equal(flag, "default")) {
		own->fallback = arguments[0];
	} else if (g_str_equal(flag, "equal")) {
		own->equality = equality_of(arguments[0], diags);
	} else if (g_str_equal(flag, "deprecated")) {
		schema->deprecated = literal_text(arguments[0], diags);
	} else if (g_str_equal(flag, "unsupported")) {
		own->unsupported = literal_text(arguments[0], diags);
	} else {
		diags_error(diags, lang_expr_range(expr), "Unknown flag",
			"A schema line has no flag %s().", flag);
	}
}

static void apply_flag(SchemaAttribute *schema, AwsAttribute *own, LangExpr *flag, Diags *diags) {
	const char *name;
	LangExpr **arguments;
	guint n;
	if (lang_expr_call(flag, &name, &arguments, &n))
		apply_call(schema, own, flag, name, arguments, n, diags);
	else if ((name = lang_expr_keyword(flag)))
		apply_keyword(schema, own, name, lang_expr_range(flag), diags);
	else
		diags_error(diags, lang_expr_range(flag), "Unknown flag",
			"A flag is a name or a call.");
}

static SchemaAttribute *add_attribute(
	AwsBlock *block, const char *name, const Type *type, AwsAttribute **own) {
	SchemaAttribute *schema = g_new0(SchemaAttribute, 1);
	schema->name = g_intern_string(name);
	schema->type = type;
	g_ptr_array_add(block->schema->attributes, schema);
	*own = g_new0(AwsAttribute, 1);
	(*own)->checks = g_ptr_array_new();
	g_ptr_array_add(block->attributes, *own);
	return schema;
}

static void add_tags(AwsBlock *block) {
	AwsAttribute *own;
	add_attribute(block, "tags", type_map(type_string()), &own)->optional = TRUE;
	SchemaAttribute *all = add_attribute(block, "tags_all", type_map(type_string()), &own);
	all->optional = all->computed = TRUE;
}

/* name = required|optional|computed(TYPE, flags…), or tags() */
static void parse_attribute(AwsBlock *block, const LangAttribute *attribute, Diags *diags) {
	const char *mode;
	LangExpr **arguments;
	guint n;
	if (!lang_expr_call(attribute->expr, &mode, &arguments, &n)) {
		diags_error(diags, attribute->range, "Not a schema line",
			"A schema line is required(…), optional(…), computed(…) or tags().");
		return;
	}
	if (g_str_equal(mode, "tags")) {
		add_tags(block);
		return;
	}
	const Type *type = n > 0 ? lang_type(arguments[0], NULL, diags) : NULL;
	if (!type) {
		diags_error(
			diags, attribute->range, "Not a schema line", "A type must come first.");
		return;
	}
	AwsAttribute *own;
	SchemaAttribute *schema = add_attribute(block, attribute->name, type, &own);
	schema->required = g_str_equal(mode, "required");
	schema->optional = g_str_equal(mode, "optional");
	schema->computed = g_str_equal(mode, "computed");
	if (!schema->required && !schema->optional && !schema->computed)
		diags_error(
			diags, attribute->range, "Not a schema line", "There is no %s(…).", mode);
	for (guint i = 1; i < n; i++)
		apply_flag(schema, own, arguments[i], diags);
}

/* ---- nested blocks ---- */

static gboolean nesting_of(const char *word, SchemaNesting *nesting) {
	static const char *const words[] = {"single", "list", "set", "map"};
	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_str_equal(words[i], word)) {
			*nesting = (SchemaNesting)i;
			return TRUE;
		}
	return FALSE;
}

/* "1", "0..1", "2.." */
static void parse_bounds(SchemaNestedBlock *nested, const char *text) {
	const char *dots = strstr(text, "..");
	nested->min_items = (guint)g_ascii_strtoull(text, NULL, 10);
	nested->max_items = dots ? (guint)g_ascii_strtoull(dots + 2, NULL, 10) : nested->min_items;
}

static AwsBlock *block_new(void) {
	AwsBlock *block = g_new0(AwsBlock, 1);
	block->schema = schema_block_new();
	block->attributes = g_ptr_array_new();
	block->blocks = g_ptr_array_new();
	return block;
}

static SchemaNestedBlock *add_nested(
	AwsBlock *block, const char *type, SchemaNesting nesting, AwsNestedBlock **own) {
	*own = g_new0(AwsNestedBlock, 1);
	(*own)->block = block_new();
	SchemaNestedBlock *nested = g_new0(SchemaNestedBlock, 1);
	nested->type = g_intern_string(type);
	nested->nesting = nesting;
	nested->block = (*own)->block->schema;
	g_ptr_array_add(block->schema->blocks, nested);
	g_ptr_array_add(block->blocks, *own);
	return nested;
}

static void parse_nested_label(SchemaNestedBlock *nested, AwsNestedBlock *own,
	const LangBlock *source, guint label, Diags *diags) {
	const char *word = source->labels[label];
	if (g_ascii_isdigit(*word))
		parse_bounds(nested, word);
	else if (g_str_equal(word, "computed"))
		nested->computed = TRUE;
	else if (g_str_equal(word, "attribute"))
		nested->attribute_allowed = TRUE;
	else if (g_str_equal(word, "force_new"))
		own->force_new = TRUE;
	else if (g_str_equal(word, "kept"))
		own->kept_when_absent = TRUE;
	else if (g_str_has_prefix(word, "unsupported: "))
		own->unsupported = g_intern_string(word + strlen("unsupported:") + 1);
	else
		diags_error(diags, source->label_ranges[label], "Unknown flag",
			"A nested block has no flag %s.", word);
}

/* list "name" "0..1" computed { … }; several names with blanks between them: as many blocks. */
static void parse_nested(AwsBlock *block, const LangBlock *source, Diags *diags) {
	SchemaNesting nesting;
	if (!nesting_of(source->type, &nesting) || source->n_labels == 0) {
		diags_error(diags, source->header, "Unknown nested block",
			"A nested block is single, list, set or map, with its name.");
		return;
	}
	g_auto(GStrv) names = g_strsplit(source->labels[0], " ", -1);
	for (char **name = names; *name; name++) {
		AwsNestedBlock *own;
		SchemaNestedBlock *nested = add_nested(block, *name, nesting, &own);
		for (guint i = 1; i < source->n_labels; i++)
			parse_nested_label(nested, own, source, i, diags);
		parse_block(own->block, source->body, diags);
	}
}

/* timeouts "create" "delete" {} */
static void add_timeouts(AwsBlock *block, const LangBlock *source) {
	AwsNestedBlock *own;
	add_nested(block, "timeouts", SCHEMA_NESTING_SINGLE, &own);
	for (guint i = 0; i < source->n_labels; i++) {
		AwsAttribute *attribute;
		add_attribute(own->block, source->labels[i], type_string(), &attribute)->optional =
			TRUE;
	}
}

static void parse_block(AwsBlock *block, LangBody *body, Diags *diags) {
	for (guint i = 0; i < body->attributes->len; i++)
		parse_attribute(block, body->attributes->pdata[i], diags);
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *source = body->blocks->pdata[i];
		if (g_str_equal(source->type, "timeouts"))
			add_timeouts(block, source);
		else
			parse_nested(block, source, diags);
	}
}

/* ---- types ---- */

/* A data source's block that has nothing to set is one that the service fills in. */
static gboolean mark_computed(SchemaBlock *block) {
	gboolean settable = FALSE;
	for (guint i = 0; i < block->attributes->len; i++) {
		const SchemaAttribute *attribute = block->attributes->pdata[i];
		settable = settable || attribute->required || attribute->optional;
	}
	for (guint i = 0; i < block->blocks->len; i++) {
		SchemaNestedBlock *nested = block->blocks->pdata[i];
		gboolean inner = mark_computed(nested->block);
		nested->computed = nested->computed || !inner;
		settable = settable || inner;
	}
	return settable;
}

/* `id` and `region`, which every type has but those that say `bare = true`. */
static void add_implicit(AwsType *type) {
	AwsAttribute *own;
	if (!schema_block_attribute(type->block->schema, "id")) {
		SchemaAttribute *id = add_attribute(type->block, "id", type_string(), &own);
		id->optional = id->computed = TRUE;
	}
	if (!schema_block_attribute(type->block->schema, "region")) {
		SchemaAttribute *region = add_attribute(type->block, "region", type_string(), &own);
		region->optional = region->computed = TRUE;
		own->force_new = TRUE;
	}
	type->has_tags = schema_block_attribute(type->block->schema, "tags_all") != NULL;
}

static void take_body(AwsType *type, const LangBlock *source, Diags *diags) {
	const struct {
		const char *name;
		LangBody **body;
	} bodies[] = {
		{"create", &type->create},
		{"read", &type->read},
		{"update", &type->update},
		{"delete", &type->delete},
		{"import", &type->import},
		{"tags", &type->tags},
		{"validate", &type->validate},
		{"plan", &type->plan},
	};
	for (guint i = 0; i < G_N_ELEMENTS(bodies); i++)
		if (g_str_equal(source->type, bodies[i].name)) {
			*bodies[i].body = source->body;
			return;
		}
	if (g_str_equal(source->type, "schema"))
		parse_block(type->block, source->body, diags);
	else
		diags_error(diags, source->header, "Unknown block", "A type has no block %s.",
			source->type);
}

static AwsType *parse_type(const LangBlock *source, const char *name, Diags *diags) {
	AwsType *type = g_new0(AwsType, 1);
	type->name = g_intern_string(name);
	type->is_data = g_str_equal(source->type, "data");
	type->service = body_text(source->body, "service", diags);
	type->block = block_new();
	for (guint i = 0; i < source->body->blocks->len; i++)
		take_body(type, source->body->blocks->pdata[i], diags);
	if (type->is_data)
		mark_computed(type->block->schema);
	if (!g_str_equal(source->type, "provider") && !lang_body_attribute(source->body, "bare"))
		add_implicit(type);
	type->schema = g_new0(Schema, 1);
	type->schema->type = g_strdup(name);
	type->schema->block = type->block->schema;
	LangAttribute *version = lang_body_attribute(source->body, "schema_version");
	if (version) {
		g_auto(Value) number = literal(version->expr, type_number(), diags);
		type->schema->version = value_to_int(number, 0);
	}
	return type;
}

static void parse_aliases(const LangBlock *source, GPtrArray *types, Diags *diags) {
	LangAttribute *attribute = lang_body_attribute(source->body, "alias");
	if (!attribute)
		return;
	g_auto(Value) names = literal(attribute->expr, type_list(type_string()), diags);
	for (gsize i = 0; i < value_length(names); i++)
		g_ptr_array_add(types, parse_type(source, value_text(value_at(names, i)), diags));
}

/* service "a b" { … }: of several that tag alike. */
static void add_services(const LangBlock *source, GHashTable *services) {
	g_auto(GStrv) names = g_strsplit(source->labels[0], " ", -1);
	for (char **name = names; *name; name++)
		g_hash_table_insert(services, (gpointer)g_intern_string(*name), source->body);
}

static void parse_top(
	const LangBlock *source, GPtrArray *types, GHashTable *services, Diags *diags) {
	static const char *const kinds[] = {"resource", "data", "provider", NULL};
	if (source->n_labels != 1) {
		diags_error(
			diags, source->header, "Unknown block", "A top-level block has one name.");
	} else if (g_str_equal(source->type, "service")) {
		add_services(source, services);
	} else if (g_str_equal(source->type, "function")) {
		aws_functions_add(source, diags);
	} else if (g_strv_contains(kinds, source->type)) {
		g_ptr_array_add(types, parse_type(source, source->labels[0], diags));
		parse_aliases(source, types, diags);
	} else {
		diags_error(diags, source->header, "Unknown block",
			"A file holds resource, data, provider, service, function and part "
			"blocks.");
	}
}

/* The syntax trees live as long as the types that point into them: the whole process. */
static void keep(LangFile *file) {
	static GMutex lock;
	static GPtrArray *files; /* guarded by lock */
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
	if (!files)
		files = g_ptr_array_new();
	g_ptr_array_add(files, file);
}

static gboolean is_part(const LangBlock *block) {
	return g_str_equal(block->type, "part") && block->n_labels == 1;
}

static LangBody *read_file(const AwsTypeFile *file, GHashTable *parts, Diags *diags) {
	LangFile *parsed = lang_parse(file->name, file->text, file->length, diags);
	keep(parsed);
	LangBody *body = lang_file_body(parsed);
	for (guint i = 0; i < body->blocks->len; i++) {
		LangBlock *block = body->blocks->pdata[i];
		if (is_part(block))
			g_hash_table_insert(parts, (char *)block->labels[0], block->body);
	}
	return body;
}

gboolean aws_type_files_parse(
	const AwsTypeFile *files, GPtrArray *types, GHashTable *services, Diags *diags) {
	g_autoptr(GHashTable) parts = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) bodies = g_ptr_array_new();
	for (const AwsTypeFile *file = files; file->name; file++)
		g_ptr_array_add(bodies, read_file(file, parts, diags));
	for (guint i = 0; i < bodies->len; i++) {
		LangBody *body = bodies->pdata[i];
		for (guint j = 0; j < body->blocks->len; j++) {
			LangBlock *block = body->blocks->pdata[j];
			if (is_part(block))
				continue;
			aws_parts_put(block->body, parts, diags);
			parse_top(block, types, services, diags);
		}
	}
	return !diags_has_errors(diags);
}

gboolean aws_types_parse(const char *filename, const char *text, gsize length, GPtrArray *types,
	GHashTable *services, Diags *diags) {
	const AwsTypeFile files[] = {{filename, text, length}, {NULL}};
	return aws_type_files_parse(files, types, services, diags);
}

/* ---- the catalogue ---- */

typedef struct {
	GHashTable *resources, *data; /* name -> AwsType */
	GHashTable *services; /* name -> LangBody */
	const AwsType *provider;
	const char **resource_names, **data_names;
} Catalogue;

static int compare_names(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **sorted_names(GHashTable *types) {
	guint n;
	const char **names = (const char **)g_hash_table_get_keys_as_array(types, &n);
	qsort(names, n, sizeof *names, compare_names);
	return names;
}

static void add_type(Catalogue *catalogue, AwsType *type) {
	if (g_str_equal(type->name, "aws") && !type->is_data)
		catalogue->provider = type;
	else
		g_hash_table_insert(type->is_data ? catalogue->data : catalogue->resources,
			(char *)type->name, type);
}

static gpointer load_catalogue(gpointer data) {
	Catalogue *catalogue = g_new0(Catalogue, 1);
	catalogue->resources = g_hash_table_new(g_str_hash, g_str_equal);
	catalogue->data = g_hash_table_new(g_str_hash, g_str_equal);
	catalogue->services = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(GPtrArray) types = g_ptr_array_new();
	aws_type_files_parse(aws_type_files, types, catalogue->services, diags);
	if (diags_has_errors(diags)) {
		g_autofree char *text = diags_render(diags, NULL, FALSE, 0);
		g_error("the built-in resource types are broken:\n%s", text);
	}
	for (guint i = 0; i < types->len; i++)
		add_type(catalogue, types->pdata[i]);
	catalogue->resource_names = sorted_names(catalogue->resources);
	catalogue->data_names = sorted_names(catalogue->data);
	return catalogue;
}

static const Catalogue *catalogue_get(void) {
	static GOnce once = G_ONCE_INIT;
	return g_once(&once, load_catalogue, NULL);
}

const AwsType *aws_type(const char *name, gboolean data) {
	const Catalogue *catalogue = catalogue_get();
	return g_hash_table_lookup(data ? catalogue->data : catalogue->resources, name);
}

const char *const *aws_type_names(gboolean data) {
	const Catalogue *catalogue = catalogue_get();
	return data ? catalogue->data_names : catalogue->resource_names;
}

LangBody *aws_service_body(const char *name) {
	return g_hash_table_lookup(catalogue_get()->services, name);
}

const AwsType *aws_provider_type(void) {
	return catalogue_get()->provider;
}
