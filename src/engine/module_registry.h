/*
 * Registries of modules, by the protocol that Terraform documents ("Module Registry Protocol"): a
 * host tells where its registry is, the registry which versions there are and where each one's
 * package is. Hosts and tokens come from the CLI configuration, as Terraform's do.
 */
#pragma once

#include <gio/gio.h>

#include "engine/module_source.h"

/* Which went wrong: what the versions are, or where the package is. */
typedef enum {
	MODULE_REGISTRY_UNREACHABLE,
	MODULE_REGISTRY_NO_VERSION, /* none meets the constraints */
	MODULE_REGISTRY_BAD_CONSTRAINT,
} ModuleRegistryError;
#define MODULE_REGISTRY_ERROR (g_quark_from_static_string("module-registry-error"))

/* Chooses the newest version of a registry's module that meets `constraints` (NULL: any), and asks
 * where it is. Returns the source of its package (caller frees) and *version (caller frees); or
 * NULL and a MODULE_REGISTRY_ERROR. */
ModuleSource *module_registry_find(
	const ModuleSource *source, const char *constraints, char **version, GError **error);
