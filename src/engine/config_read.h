/*
 * Inside of reading a configuration: what the files config_*.c share. What others call is in
 * config.h. All of it reports what is wrong in diags, and borrows what it is given.
 */
#pragma once

#include "engine/config.h"

/* ---- config_file.c ---- */

/* The names of the configuration files of a folder, sorted. Caller frees the array. */
GPtrArray *config_list_files(const char *dir);
/* The top blocks of a module, of all its files. Caller frees the array; the blocks belong to the
 * files, which config gets. */
GPtrArray *config_read_files(Config *config, const Module *module, Diags *diags);

/* ---- config_override.c ---- */

/* Changes `blocks` as the blocks of an override file say. `file`: owns what is made for that. */
void config_override(GPtrArray *blocks, const GPtrArray *overrides, LangFile *file, Diags *diags);

/* ---- config_shape.c ---- */

/* A literal argument; `otherwise`, or NULL, where it is not set. The text is interned. */
gboolean config_literal_bool(
	const LangBody *body, const char *name, gboolean otherwise, Diags *diags);
const char *config_literal_text(const LangBody *body, const char *name, Diags *diags);
/* An argument as it is written, or NULL. */
LangExpr *config_expression(const LangBody *body, const char *name);
/* FALSE, and an error, if the argument is not set. */
gboolean config_require(const LangBody *body, const char *name, Diags *diags);
/* All nested blocks of that type, as bodies. Caller frees the array. */
GPtrArray *config_blocks_of(const LangBody *body, const char *type);
/* What an argument refers to, alone or in a list: as it is written, or in quotes (of Terraform
 * 0.11, a warning). NULL: not set, or an error. The array is the caller's, what is in it the
 * tree's. */
const LangTraversal *config_reference(const Module *module, const LangExpr *expr, Diags *diags);
GPtrArray *config_references(
	const Module *module, const LangBody *body, const char *name, Diags *diags);
/* Reports that both are set, if so. */
void config_refuse_count_and_each(const LangBody *body, Diags *diags);
/* Reports that an expression is no reference. */
void config_refuse_reference(const LangExpr *expr, Diags *diags);
/* Reports the block as one of an unknown type, with what of `types` is nearest. */
void config_refuse_type(const LangBlock *block, const char *const *types, Diags *diags);
/* Reports an argument that may not be in the body. hint: what may be meant, or "". */
void config_refuse_argument(
	const LangBody *body, const LangAttribute *attribute, const char *hint, Diags *diags);
/* Reports what a body may not hold, with a suggestion. NULL-terminated lists. */
void config_check_names(const LangBody *body, const char *const *attributes,
	const char *const *blocks, Diags *diags);
/* FALSE, and an error, unless there are n labels, which are `what`. */
gboolean config_check_label_count(const LangBlock *block, guint n, const char *what, Diags *diags);
/* FALSE, and an error, unless that label is a name (of a "variable"). */
gboolean config_check_identifier(
	const LangBlock *block, guint label, const char *what, Diags *diags);
/* Reports that there is another one of that name, at `other`. what: "variable declaration". */
void config_refuse_duplicate(const LangBlock *block, const char *what, const char *name,
	SourceRange other, Diags *diags);
/* Reports rules that lack something, and conditions that look at nothing, since they check nothing.
 * Gives how many are right. rules: of LangBody*; kind: "precondition". */
guint config_check_conditions(const GPtrArray *rules, const char *kind, Diags *diags);

/* ---- config_block.c, config_settings.c, config_refactor.c: each reads one block into its module
 * ---- */

/* Unless it is wrong, or there is one of that name: then diags say so. */
void config_read_variable(Module *module, const LangBlock *block, Diags *diags);
void config_read_locals(Module *module, const LangBlock *block, Diags *diags);
void config_read_output(Module *module, const LangBlock *block, Diags *diags);
void config_read_provider(Module *module, const LangBlock *block, Diags *diags);
void config_read_call(Module *module, const LangBlock *block, Diags *diags);
/* terraform { } */
void config_read_settings(Module *module, const LangBlock *block, Diags *diags);
void config_read_moved(Module *module, const LangBlock *block, Diags *diags);
void config_read_removed(Module *module, const LangBlock *block, Diags *diags);
void config_read_import(Module *module, LangBlock *block, Diags *diags);
void config_read_check(Module *module, LangBlock *block, Diags *diags);

/* ---- config_resource.c ---- */

/* Reads a resource (managed) or data block into its module, as those of config_block.c do. */
void config_read_resource(Module *module, const LangBlock *block, gboolean managed, Diags *diags);
void config_resource_free(Resource *resource);

/* ---- config_provisioner.c ---- */

/* The provisioners in a body. Caller frees the array. */
GPtrArray *config_read_provisioners(const LangBody *body, Diags *diags);
