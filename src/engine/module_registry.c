/* Registries of modules. See module_registry.h. */
#include "engine/module_registry.h"

#include <string.h>

#include "engine/cli_config.h"
#include "engine/module_fetch.h"
#include "engine/version.h"
#include "value/json.h"

#define SERVICE "modules.v1"

/* A JSON document, or null and an error. */
static Value get_json(const char *url, const char *token, char **asked, GError **error) {
	g_autoptr(GError) local = NULL;
	g_autoptr(ModuleResponse) response = module_http_get(url, token, &local);
	if (!response) {
		g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_UNREACHABLE, "%s",
			local->message);
		return VALUE_NOTHING;
	}
	if (response->status != 200) {
		g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_UNREACHABLE,
			"%s: the server answered %ld", url, response->status);
		return VALUE_NOTHING;
	}
	Value json = value_from_json(response->body->str, (gssize)response->body->len, &local);
	if (local) {
		g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_UNREACHABLE,
			"%s is no JSON: %s", url, local->message);
		return VALUE_NOTHING;
	}
	if (asked)
		*asked = g_strdup(response->url);
	return json;
}

/* Where a host's registry is: by the CLI configuration, else by its own document. Ends with "/".
 * Caller frees; NULL and an error. */
static char *discover(const char *host, const char *token, GError **error) {
	g_autofree char *own = cli_config_service(host, SERVICE);
	g_autofree char *document = g_strdup_printf("https://%s/.well-known/terraform.json", host);
	g_autofree char *base = NULL;
	if (!own) {
		g_auto(Value) services = get_json(document, token, &base, error);
		if (value_is_null(services))
			return NULL;
		own = g_strdup(value_get_text(services, SERVICE));
	}
	if (!own) {
		g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_UNREACHABLE,
			"host %s provides no module registry", host);
		return NULL;
	}
	g_autofree char *url = module_url_resolve(base ? base : document, own, error);
	return !url			    ? NULL
	       : g_str_has_suffix(url, "/") ? g_strdup(url)
					    : g_strconcat(url, "/", NULL);
}

/* The newest of them that is allowed. Caller frees; NULL and an error. */
static char *choose(Value versions, const char *constraints, GError **error) {
	const char *best = NULL, *newest = NULL;
	g_autofree char *problem = NULL;
	for (gsize i = 0; i < value_length(versions); i++) {
		const char *each = value_get_text(value_at(versions, i), "version");
		if (!each || !version_is_valid(each))
			continue;
		if (!newest || version_compare(each, newest) > 0)
			newest = each;
		gboolean allowed =
			version_satisfies(each, constraints ? constraints : ">= 0", &problem);
		if (problem) {
			g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_BAD_CONSTRAINT,
				"%s", problem);
			return NULL;
		}
		if (allowed && (!best || version_compare(each, best) > 0))
			best = each;
	}
	if (!newest)
		g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_NO_VERSION,
			"The module has no versions.");
	else if (!best)
		g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_NO_VERSION,
			"The newest available version is %s.", newest);
	return g_strdup(best);
}

/* The source that the registry names for a version: by header, or in JSON. */
static ModuleSource *locate(const char *url, const char *token, GError **error) {
	g_autoptr(GError) local = NULL;
	g_autoptr(ModuleResponse) response = module_http_get(url, token, &local);
	if (!response || (response->status != 200 && response->status != 204)) {
		g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_UNREACHABLE, "%s: %s",
			url,
			local ? local->message : "the server does not tell where the package is");
		return NULL;
	}
	g_auto(Value) json =
		value_from_json(response->body->str, (gssize)response->body->len, NULL);
	const char *named = response->get ? response->get : value_get_text(json, "location");
	if (!named) {
		g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_UNREACHABLE,
			"%s does not tell where the package is", url);
		return NULL;
	}
	g_autofree char *problem = NULL;
	gboolean relative = g_str_has_prefix(named, "/") || g_str_has_prefix(named, "./") ||
			    g_str_has_prefix(named, "../");
	g_autofree char *absolute =
		relative ? module_url_resolve(response->url, named, error) : g_strdup(named);
	ModuleSource *source = absolute ? module_source_parse(absolute, &problem) : NULL;
	if (!source && absolute)
		g_set_error(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_UNREACHABLE,
			"%s names the source \"%s\": %s", url, named, problem);
	return source;
}

ModuleSource *module_registry_find(
	const ModuleSource *source, const char *constraints, char **version, GError **error) {
	g_autofree char *token = cli_config_token(source->host);
	g_autofree char *base = discover(source->host, token, error);
	if (!base)
		return NULL;
	g_autofree char *list = g_strconcat(base, source->address, "/versions", NULL);
	g_auto(Value) answer = get_json(list, token, NULL, error);
	if (value_is_null(answer))
		return NULL;
	Value modules = value_get(answer, "modules");
	g_autofree char *chosen =
		choose(value_get(value_at(modules, 0), "versions"), constraints, error);
	if (!chosen)
		return NULL;
	g_autofree char *download =
		g_strconcat(base, source->address, "/", chosen, "/download", NULL);
	ModuleSource *package = locate(download, token, error);
	if (package)
		*version = g_steal_pointer(&chosen);
	return package;
}
