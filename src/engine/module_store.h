/*
 * Where the modules of a configuration that come from elsewhere are: below .terrarium/modules, as
 * its modules.json tells (in the format of Terraform's). Modules that `terraform init` put into
 * .terraform/modules are taken from there. Only a store that may install fetches anything.
 */
#pragma once

#include "base/diag.h"

typedef struct ModuleStore ModuleStore;

/* Opens the store of a root module's folder. */
ModuleStore *module_store_open(const char *dir);
void module_store_free(ModuleStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ModuleStore, module_store_free)

/* Lets it fetch what is missing or no longer what is wanted; `upgrade`: everything. `tell` is
 * called with a line for each package before it is fetched. */
typedef void (*ModuleTell)(const char *line, gpointer data);
void module_store_install(ModuleStore *store, gboolean upgrade, ModuleTell tell, gpointer data);

/* A call as it is written. */
typedef struct {
	const char *key; /* its path: "network", "network.subnets" */
	const char *source;
	const char *version; /* constraints; or NULL */
	SourceRange range; /* of the call's header */
} ModuleWanted;

/* The folder of the module that a call names, as it is seen from the current folder (caller frees),
 * or NULL after errors in Terraform's words: not installed, source or version changed; when it may
 * install, what went wrong. */
char *module_store_find(ModuleStore *store, const ModuleWanted *wanted, Diags *diags);
