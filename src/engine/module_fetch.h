/*
 * Getting packages of modules: by git (the program, with the user's own credentials), over HTTP as
 * archives, or by a link to a folder of this machine. And plain HTTP, as registries want it.
 */
#pragma once

#include <gio/gio.h>

#include "engine/module_source.h"

/* Puts the package of a source (neither local nor a registry's) into `folder`, which must not
 * exist. What an earlier try left is removed; on failure nothing is left. A page may name another
 * source: *subdir gets the folder in the package that holds the module ("" for the package itself;
 * caller frees). */
gboolean module_fetch(
	const ModuleSource *source, const char *folder, char **subdir, GError **error);

typedef struct {
	long status;
	GString *body;
	char *get; /* the header X-Terraform-Get; or NULL */
	char *url; /* what was asked in the end, behind all redirections */
} ModuleResponse;

/* GET; `token` (or NULL) as a bearer. Any answer of the server is a response, whatever its status;
 * NULL if there is none. Bodies end at 16 MiB. Caller frees. */
ModuleResponse *module_http_get(const char *url, const char *token, GError **error);
void module_response_free(ModuleResponse *response);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ModuleResponse, module_response_free)
/* `reference` as it is seen from `base`: both URLs, the former perhaps relative. Caller frees; NULL
 * and an error if it makes no sense. */
char *module_url_resolve(const char *base, const char *reference, GError **error);
