/*
 * terraform { } and provider { }: which versions, which providers, which backend. Backends have no
 * effect here, but what is written of them must make sense.
 */
#include <string.h>

#include "engine/config_read.h"
#include "engine/version.h"

/* ---- versions ---- */

static gboolean check_constraint(const char *constraint, SourceRange range, Diags *diags) {
	g_autofree char *problem = NULL;
	version_satisfies(TERRAFORM_VERSION, constraint, &problem);
	if (!problem)
		return TRUE;
	diags_error(diags, range, "Invalid version constraint",
		"This string does not use correct version constraint syntax.");
	return FALSE;
}

static void require_version(Module *module, const char *source, const char *constraint,
	SourceRange range, Diags *diags) {
	if (!check_constraint(constraint, range, diags))
		return;
	RequiredVersion *version = g_new0(RequiredVersion, 1);
	*version = (RequiredVersion){source, constraint, range};
	g_ptr_array_add(module->versions, version);
}

/* required_version, of the language that is read here. */
static void check_language(const Module *module, const LangBody *body, Diags *diags) {
	const char *constraint = config_literal_text(body, "required_version", diags);
	if (!constraint)
		return;
	SourceRange range = lang_expr_range(config_expression(body, "required_version"));
	g_autofree char *problem = NULL;
	if (!check_constraint(constraint, range, diags) ||
		version_satisfies(TERRAFORM_VERSION, constraint, &problem))
		return;
	g_autofree char *who = *module->path ? g_strdup_printf("Module %s (from %s)", module->path,
						       module->call->source)
					     : g_strdup("This configuration");
	diags_error(diags, range, "Unsupported Terraform Core version",
		"%s does not support Terraform version %s. To proceed, either choose another "
		"supported Terraform version or update this version constraint. Version "
		"constraints are normally set for good reason, so updating the constraint may lead "
		"to other errors or unexpected behavior.",
		who, TERRAFORM_VERSION);
}

/* ---- required_providers ---- */

/* [hostname/][namespace/]name */
static gboolean is_source(const char *source) {
	g_auto(GStrv) parts = g_strsplit(source, "/", -1);
	guint n = g_strv_length(parts);
	for (char **part = parts; *part; part++)
		if (!**part)
			return FALSE;
	return n >= 1 && n <= 3;
}

/* What a local name stands for by itself. Caller frees. */
static char *implied_source(const char *name) {
	return g_str_equal(name, "terraform") ? g_strdup("terraform.io/builtin/terraform")
					      : g_strdup_printf("hashicorp/%s", name);
}

typedef struct {
	const char *source, *constraint;
	SourceRange place; /* of the constraint */
} Requirement;

static void read_requirement_item(
	const LangExpr *key, const LangExpr *value, Requirement *requirement, Diags *diags) {
	const char *name = lang_expr_keyword(key), *text = lang_expr_keyword(value);
	if (g_strcmp0(name, "source") == 0) {
		if (!text)
			diags_error(diags, lang_expr_range(value), "Invalid source",
				"Source must be specified as a string.");
		else if (!is_source(text))
			diags_error(diags, lang_expr_range(value), "Invalid provider source string",
				"The \"source\" attribute must be in the format "
				"\"[hostname/][namespace/]name\"");
		requirement->source = text;
	} else if (g_strcmp0(name, "version") == 0) {
		if (!text)
			diags_error(diags, lang_expr_range(value), "Invalid version constraint",
				"Version must be specified as a string.");
		requirement->constraint = text;
		requirement->place = lang_expr_range(value);
	} else if (g_strcmp0(name, "configuration_aliases") != 0) {
		diags_error(diags, lang_expr_range(key), "Invalid required_providers object",
			"required_providers objects can only contain \"version\", \"source\" and "
			"\"configuration_aliases\" attributes. To configure a provider, use a "
			"\"provider\" block.");
	}
}

static void read_requirement(Module *module, const LangAttribute *attribute, Diags *diags) {
	LangExpr **keys, **values;
	guint n = 0;
	Requirement requirement = {0};
	if (lang_expr_object(attribute->expr, &keys, &values, &n)) {
		for (guint i = 0; i < n; i++)
			read_requirement_item(keys[i], values[i], &requirement, diags);
	} else { /* "~> 2.0", as Terraform 0.12 had it */
		requirement.constraint = lang_expr_keyword(attribute->expr);
		requirement.place = lang_expr_range(attribute->expr);
	}
	g_autofree char *implied = implied_source(attribute->name);
	const char *source = requirement.source ? requirement.source : g_intern_string(implied);
	g_hash_table_insert(module->required, (char *)attribute->name, (char *)source);
	if (requirement.constraint)
		require_version(module, source, requirement.constraint, requirement.place, diags);
}

/* ---- backend and cloud ---- */

static void check_backend(const LangBlock *block, Diags *diags) {
	static const char *const types[] = {"local", "remote", "azurerm", "consul", "cos", "gcs",
		"http", "inmem", "kubernetes", "oss", "pg", "s3", NULL};
	static const char *const local[] = {"path", "workspace_dir", NULL};
	static const char *const none[] = {NULL};
	if (!g_strv_contains(types, block->labels[0])) {
		diags_error(diags, block->label_ranges[0], "Unsupported backend type",
			"There is no backend type named \"%s\".", block->labels[0]);
		return;
	}
	if (g_str_equal(block->labels[0], "local"))
		config_check_names(block->body, local, none, diags);
	for (guint i = 0; i < block->body->attributes->len; i++) {
		const LangAttribute *attribute = block->body->attributes->pdata[i];
		g_auto(Value) ignored =
			lang_eval(attribute->expr, &(const LangScope){.constant = TRUE}, diags);
		(void)ignored;
	}
}

static gboolean is_second(const LangBlock *block, const LangBlock *first, const char *what,
	const char *before, Diags *diags) {
	if (!first)
		return FALSE;
	const SourceRange *range = &first->header;
	g_autofree char *summary = g_strdup_printf("Duplicate %s configuration", what);
	diags_error(diags, block->header, summary,
		"A module may have only one %s configuration. The %s previously configured at "
		"%s:%u,%u-%u.",
		what, before, range->filename, range->start_line, range->start_column,
		range->end_column);
	return TRUE;
}

static void refuse_both(const LangBlock *backend, const LangBlock *cloud, Diags *diags) {
	const SourceRange *a = &cloud->header, *b = &backend->header;
	diags_error(diags, backend->header, "Both a backend and cloud configuration are present",
		"A module may declare either one 'cloud' block OR one 'backend' block configuring "
		"a "
		"state backend. The 'cloud' block is configured at %s:%u,%u-%u; a backend is "
		"configured at %s:%u,%u-%u. Remove the backend block to configure HCP Terraform or "
		"Terraform Enteprise.",
		a->filename, a->start_line, a->start_column, a->end_column, b->filename,
		b->start_line, b->start_column, b->end_column);
}

void config_read_settings(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {
		"required_version", "experiments", "language", NULL};
	static const char *const blocks[] = {
		"required_providers", "backend", "cloud", "provider_meta", NULL};
	if (!config_check_label_count(block, 0, "", diags))
		return;
	config_check_names(block->body, attributes, blocks, diags);
	check_language(module, block->body, diags);
	const LangBlock *providers = NULL, *backend = NULL, *cloud = NULL;
	for (guint i = 0; i < block->body->blocks->len; i++) {
		const LangBlock *inner = block->body->blocks->pdata[i];
		if (g_str_equal(inner->type, "required_providers")) {
			if (is_second(inner, providers, "required providers",
				    "required providers were", diags))
				continue;
			providers = inner;
			for (guint j = 0; j < inner->body->attributes->len; j++)
				read_requirement(module, inner->body->attributes->pdata[j], diags);
		} else if (g_str_equal(inner->type, "backend")) {
			if (is_second(inner, backend, "backend", "backend was", diags) ||
				!config_check_label_count(inner, 1, "type", diags))
				continue;
			backend = inner;
			module->backend = inner->labels[0];
			check_backend(inner, diags);
		} else if (g_str_equal(inner->type, "cloud")) {
			cloud = inner;
			module->cloud = TRUE;
		}
	}
	if (backend && cloud)
		refuse_both(backend, cloud, diags);
}

/* ---- provider { } ---- */

static gboolean is_local_name(const char *name) {
	gsize length = strlen(name);
	if (length == 0 || name[0] == '-' || name[length - 1] == '-')
		return FALSE;
	for (const char *c = name; *c; c++)
		if (!g_ascii_isalnum(*c) && *c != '-')
			return FALSE;
	return TRUE;
}

static void refuse_second_provider(
	const LangBlock *block, const ProviderConfig *provider, SourceRange first, Diags *diags) {
	g_autofree char *where = g_strdup_printf("%s:%u,%u-%u", first.filename, first.start_line,
		first.start_column, first.end_column);
	if (provider->alias)
		diags_error(diags, block->header, "Duplicate provider configuration",
			"A provider configuration for \"%s\" with alias \"%s\" was already given "
			"at %s. Each configuration for the same provider must have a distinct "
			"alias.",
			provider->name, provider->alias, where);
	else
		diags_error(diags, block->header, "Duplicate provider configuration",
			"A default (non-aliased) provider configuration for \"%s\" was already "
			"given at %s. If multiple configurations are required, set the \"alias\" "
			"argument for alternative configurations.",
			provider->name, where);
}

static void check_provider_arguments(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const reserved[] = {"count", "depends_on", "for_each", "source", NULL};
	for (guint i = 0; i < block->body->attributes->len; i++) {
		const LangAttribute *attribute = block->body->attributes->pdata[i];
		if (g_strv_contains(reserved, attribute->name))
			diags_error(diags, attribute->name_range,
				"Reserved argument name in provider block",
				"The provider argument name \"%s\" is reserved for use by "
				"Terrarium in a future version.",
				attribute->name);
	}
	const char *constraint = config_literal_text(block->body, "version", diags);
	if (!constraint)
		return;
	SourceRange range = lang_expr_range(config_expression(block->body, "version"));
	g_autofree char *source = implied_source(block->labels[0]);
	diags_warning(diags, range,
		"Version constraints inside provider configuration blocks are deprecated",
		"Terraform 0.13 and earlier allowed provider version constraints inside the "
		"provider configuration block, but that is now deprecated and will be removed in a "
		"future version of Terraform. To silence this warning, move the provider version "
		"constraint into the required_providers block.");
	require_version(module, g_intern_string(source), constraint, range, diags);
}

void config_read_provider(Module *module, const LangBlock *block, Diags *diags) {
	if (!config_check_label_count(block, 1, "name", diags))
		return;
	if (!is_local_name(block->labels[0])) {
		diags_error(diags, block->label_ranges[0], "Invalid provider local name",
			"%s is an invalid provider local name: must contain only letters, digits, "
			"and dashes, and may not use leading or trailing dashes",
			block->labels[0]);
		return;
	}
	g_autofree ProviderConfig *provider = g_new0(ProviderConfig, 1);
	provider->name = block->labels[0];
	provider->alias = config_literal_text(block->body, "alias", diags);
	provider->body = block->body;
	provider->range = block->header;
	provider->module = module;
	if (provider->alias && !lang_is_identifier(provider->alias))
		diags_error(diags, SOURCE_NOWHERE, "Invalid provider configuration alias",
			"An alias must be a valid name. A name must start with a letter or "
			"underscore and may contain only letters, digits, underscores, and "
			"dashes.");
	check_provider_arguments(module, block, diags);
	g_autofree char *key = provider->alias
				       ? g_strdup_printf("%s.%s", provider->name, provider->alias)
				       : g_strdup(provider->name);
	const ProviderConfig *other = g_hash_table_lookup(module->providers, key);
	if (other)
		refuse_second_provider(block, provider, other->range, diags);
	else
		g_hash_table_insert(
			module->providers, g_steal_pointer(&key), g_steal_pointer(&provider));
}
