/*
 * Configuration: the modules of a working directory, as their .tf files describe them, before
 * anything is evaluated. Everything here lives as long as the Config.
 */
#pragma once

#include "engine/module_store.h"
#include "lang/lang.h"

typedef struct Module Module;

typedef struct {
	const char *name;
	SourceRange range;
	const Type *type; /* any if it has no constraint */
	LangDefaults *defaults; /* of its optional attributes; or NULL */
	LangExpr *fallback; /* default; or NULL: required */
	gboolean sensitive, nullable, ephemeral;
	const char *description;
	GPtrArray *validations; /* of LangBody*: condition, error_message */
} Variable;

typedef struct {
	const char *name;
	LangExpr *expr;
	SourceRange range;
} Local;

typedef struct {
	const char *name;
	LangExpr *expr;
	gboolean sensitive, ephemeral;
	const char *description;
	GPtrArray *depends_on; /* of const LangTraversal*; or NULL */
	GPtrArray *preconditions; /* of LangBody* */
	SourceRange range;
} Output;

typedef struct {
	const char *name; /* local name: "aws" */
	const char *alias; /* or NULL */
	LangBody *body;
	SourceRange range;
	Module *module;
} ProviderConfig;

/* provisioner "local-exec" { … } */
typedef struct {
	const char *type;
	gboolean at_destroy; /* else after the creation */
	gboolean go_on; /* on_failure = continue */
	LangBody *body;
	SourceRange range; /* of the header */
} Provisioner;

typedef struct {
	gboolean managed; /* else a data source */
	const char *type, *name;
	LangBody *body;
	SourceRange range; /* of the header */
	LangExpr *count, *for_each;
	GPtrArray *depends_on; /* of const LangTraversal*; or NULL */
	const char *provider, *provider_alias; /* as written, or by the type's prefix */
	gboolean create_before_destroy, prevent_destroy;
	gboolean ignore_all;
	gboolean in_check; /* a check block's data source: its errors are warnings */
	GPtrArray *ignore_changes; /* of const LangTraversal*; or NULL */
	GPtrArray *replace_triggered_by; /* of LangExpr*; or NULL */
	GPtrArray *preconditions, *postconditions; /* of LangBody* */
	GPtrArray *provisioners; /* of Provisioner*; or NULL */
	Module *module;
} Resource;

/* A version that a module asks a provider for. */
typedef struct {
	const char *source; /* as written, or by the name: "hashicorp/aws" */
	const char *constraint;
	SourceRange range;
} RequiredVersion;

/* removed { from = …, lifecycle { destroy = … } } */
typedef struct {
	LangBody *body;
	SourceRange range;
	gboolean destroy; /* else only forgotten */
	GPtrArray *provisioners; /* of Provisioner* */
} Removed;

typedef struct {
	const char *name;
	const char *source;
	const char *version; /* constraints on a registry's module; or NULL */
	LangBody *body;
	SourceRange range;
	LangExpr *count, *for_each;
	GPtrArray *depends_on; /* of const LangTraversal*; or NULL */
	GHashTable *providers; /* child's "aws" or "aws.x" -> parent's; or NULL */
	Module *module; /* the child */
	Module *parent;
} ModuleCall;

struct Module {
	struct Config *config;
	const char *path; /* "" for the root, "module.a.module.b" */
	char *dir; /* where its files are */
	char *shown_dir; /* as diagnostics show it */
	Module *parent;
	ModuleCall *call; /* NULL for the root */
	GHashTable *variables, *locals, *outputs, *calls; /* name -> … */
	GPtrArray *resources; /* of Resource*, in source order */
	GHashTable *resource_index; /* "aws_vpc.main" or "data.aws_x.y" -> Resource */
	GHashTable *providers; /* "aws" or "aws.alias" -> ProviderConfig */
	GHashTable *required; /* local name -> source */
	GPtrArray *versions; /* of RequiredVersion* */
	GPtrArray *moved; /* of LangBody* */
	GPtrArray *removed; /* of Removed* */
	GPtrArray *imports, *checks; /* of LangBlock* */
	const char *backend; /* type, or NULL */
	gboolean cloud;
};

typedef struct Config {
	Module *root;
	GPtrArray *modules; /* all of them, parents first */
	GPtrArray *files; /* of LangFile* */
	Sources *sources;
	ModuleStore *store; /* while it is loaded */
} Config;

/* Reads the .tf and .tf.json files of a folder and of the modules that it calls, which `modules`
 * finds if they are not below it. A folder without files is an empty module. Errors are in diags;
 * `sources` keeps the texts for quoting. */
Config *config_load(const char *dir, ModuleStore *modules, Sources *sources, Diags *diags);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/* "network.subnets": the names of the calls that lead to a module; NULL for the root. Caller frees.
 */
char *config_module_key(const Module *module);
/* "aws_vpc.main" or "data.aws_region.here": its name within the module. Caller frees. */
char *resource_name(const Resource *resource);
