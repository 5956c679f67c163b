/*
 * Where a module comes from: the forms of `source` that Terraform documents ("Module Sources"),
 * told apart and spelt out. Reads text only; module_fetch.c gets what it names.
 */
#pragma once

#include <glib.h>

typedef enum {
	MODULE_LOCAL, /* "./…", "../…": a folder beside the one that calls it */
	MODULE_REGISTRY, /* "hashicorp/consul/aws", perhaps with a host in front */
	MODULE_GIT, /* git::…, github.com/…, git@…, bitbucket.org/… */
	MODULE_ARCHIVE, /* http(s)://… of an archive, or of a page that names another source */
	MODULE_FOLDER, /* file::… or an absolute path */
} ModuleSourceKind;

typedef struct {
	ModuleSourceKind kind;
	char *address; /* LOCAL, FOLDER: the path; REGISTRY: "namespace/name/system"; else a URL */
	char *host; /* of a registry */
	char *subdir; /* what stood behind "//": a folder inside; or NULL */
	char *reference; /* GIT: ?ref=; or NULL */
	guint depth; /* GIT: ?depth=; 0: all */
	char *format; /* ARCHIVE: ?archive=, or by the name: "zip", "tar.gz"…; NULL: ask the server
		       */
} ModuleSource;

/* Returns the source (caller frees), or NULL and *problem (caller frees): a sentence without its
 * full stop. Kinds that are not served (Mercurial, S3, Google's storage) are refused by name. */
ModuleSource *module_source_parse(const char *text, char **problem);
void module_source_free(ModuleSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ModuleSource, module_source_free)
/* As error messages and the manifest name a registry's module:
 * "host/namespace/name/system//subdir". Caller frees. */
char *module_source_registry_name(const ModuleSource *source);
