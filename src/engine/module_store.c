/*
 * Installed modules. See module_store.h. A package is fetched beside its place and renamed into it,
 * then the manifest is written anew: a killed init leaves what was installed, and nothing half.
 */
#include "engine/module_store.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/files.h"
#include "engine/module_fetch.h"
#include "engine/module_registry.h"
#include "engine/version.h"
#include "value/json.h"

#define OWN ".terrarium/modules"
#define TERRAFORMS ".terraform/modules"
#define MANIFEST "modules.json"

typedef struct {
	char *source; /* as the manifest has it */
	char *version; /* of a registry's module; or NULL */
	char *dir; /* from the root module's folder */
	gboolean own; /* not of Terraform's */
	gboolean fresh; /* installed by this process */
} Record;

struct ModuleStore {
	char *dir;
	GHashTable *records; /* key -> Record */
	GHashTable *fetched; /* folders of packages that this process has fetched */
	gboolean installs, upgrade;
	ModuleTell tell;
	gpointer tell_data;
};

static void record_free(gpointer data) {
	Record *record = data;
	g_free(record->source);
	g_free(record->version);
	g_free(record->dir);
	g_free(record);
}

/* ---- the manifest ---- */

static void read_manifest(ModuleStore *store, const char *folder, gboolean own) {
	g_autofree char *path = g_build_filename(store->dir, folder, MANIFEST, NULL);
	g_autofree char *text = NULL;
	gsize length;
	if (!g_file_get_contents(path, &text, &length, NULL))
		return;
	g_auto(Value) json = value_from_json(text, (gssize)length, NULL);
	Value all = value_get(json, "Modules");
	for (gsize i = 0; i < value_length(all); i++) {
		Value each = value_at(all, i);
		const char *key = value_get_text(each, "Key"), *dir = value_get_text(each, "Dir");
		if (!key || !*key || !dir)
			continue;
		Record *record = g_new0(Record, 1);
		record->source = g_strdup(value_text_or(value_get(each, "Source"), ""));
		record->version = g_strdup(value_get_text(each, "Version"));
		record->dir = g_strdup(dir);
		record->own = own;
		g_hash_table_insert(store->records, g_strdup(key), record);
	}
}

static gboolean write_manifest(ModuleStore *store, GError **error) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(GList) keys = g_list_sort(
		g_hash_table_get_keys(store->records), (GCompareFunc)(void (*)(void))strcmp);
	for (GList *key = keys; key; key = key->next) {
		const Record *record = g_hash_table_lookup(store->records, key->data);
		if (!record->own)
			continue;
		Value each = value_object_take("Key", value_string(key->data), "Source",
			value_string(record->source), "Dir", value_string(record->dir), NULL);
		if (record->version)
			each = value_with_take(each, "Version", value_string(record->version));
		value_builder_add_take(all, each);
	}
	g_auto(Value) json =
		value_object_take("Modules", value_builder_end(g_steal_pointer(&all)), NULL);
	g_autofree char *text = value_to_json(json, VALUE_JSON_COMPACT);
	g_autofree char *path = g_build_filename(store->dir, OWN, MANIFEST, NULL);
	return g_file_set_contents_full(
		path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0666, error);
}

ModuleStore *module_store_open(const char *dir) {
	ModuleStore *store = g_new0(ModuleStore, 1);
	store->dir = g_strdup(dir);
	store->records = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, record_free);
	store->fetched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	read_manifest(store, TERRAFORMS, FALSE);
	read_manifest(store, OWN, TRUE);
	return store;
}

void module_store_free(ModuleStore *store) {
	if (!store)
		return;
	g_hash_table_unref(store->records);
	g_hash_table_unref(store->fetched);
	g_free(store->dir);
	g_free(store);
}

void module_store_install(ModuleStore *store, gboolean upgrade, ModuleTell tell, gpointer data) {
	store->installs = TRUE;
	store->upgrade = upgrade;
	store->tell = tell;
	store->tell_data = data;
}

/* ---- installing ---- */

static char *place_of(const ModuleWanted *wanted) {
	return wanted->range.filename ? g_strdup_printf(" (%s:%u)", wanted->range.filename,
						wanted->range.start_line)
				      : g_strdup("");
}

static void tell(
	const ModuleStore *store, const ModuleWanted *wanted, const ModuleSource *package) {
	g_autofree char *line =
		g_strdup_printf("Downloading %s for %s...", package->address, wanted->key);
	if (store->tell)
		store->tell(line, store->tell_data);
}

/* The folder of a package, from the root module's: one for all calls that want the same one. Caller
 * frees. */
static char *package_folder(const ModuleSource *source, const char *version) {
	g_autofree char *name = g_path_get_basename(source->address);
	g_autofree char *identity = g_strdup_printf("%d %s %s %s %s", source->kind,
		source->host ? source->host : "", source->address,
		source->reference ? source->reference : "", version ? version : "");
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, identity, -1);
	gsize stem =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
	g_autofree char *folder = g_strdup_printf("%.*s-%.12s", (int)stem, name, sum);
	return g_build_filename(OWN, folder, NULL);
}

/* Sees to it that a package is there. Returns the folder that the module is in, from the root
 * module's (caller frees), or NULL after an error. */
static char *ensure_package(ModuleStore *store, const ModuleWanted *wanted,
	const ModuleSource *package, const char *below, Diags *diags) {
	g_autoptr(GError) error = NULL;
	g_autofree char *folder = g_build_filename(store->dir, below, NULL);
	g_autofree char *inner_file = g_strconcat(folder, ".inner", NULL);
	g_autofree char *parent = g_path_get_dirname(folder);
	g_autofree char *inner = NULL;
	g_autofree char *place = place_of(wanted);
	gboolean there = g_file_get_contents(inner_file, &inner, NULL, NULL) &&
			 g_file_test(folder, G_FILE_TEST_IS_DIR);
	if (there && (!store->upgrade || g_hash_table_contains(store->fetched, below)))
		return g_build_filename(below, inner, NULL);
	g_clear_pointer(&inner, g_free);
	tell(store, wanted, package);
	files_remove(folder);
	if (g_mkdir_with_parents(parent, 0777) < 0 ||
		!module_fetch(package, folder, &inner, &error) ||
		!g_file_set_contents(inner_file, inner, -1, &error)) {
		diags_error(diags, wanted->range, "Failed to download module",
			"Could not download module \"%s\"%s source code from \"%s\": %s.",
			wanted->key, place, package->address,
			error ? error->message : g_strerror(errno));
		return NULL;
	}
	g_hash_table_add(store->fetched, g_strdup(below));
	return g_build_filename(below, inner, NULL);
}

static void refuse_version(
	const ModuleWanted *wanted, const ModuleSource *source, const GError *error, Diags *diags) {
	g_autofree char *place = place_of(wanted);
	g_autofree char *name = module_source_registry_name(source);
	if (g_error_matches(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_NO_VERSION))
		diags_error(diags, wanted->range, "Unresolvable module version constraint",
			"There is no available version of module \"%s\"%s which matches the given "
			"version constraint. %s",
			name, place, error->message);
	else if (g_error_matches(error, MODULE_REGISTRY_ERROR, MODULE_REGISTRY_BAD_CONSTRAINT))
		diags_error(diags, wanted->range, "Invalid version constraint",
			"The version of module \"%s\" is not readable: %s.", wanted->key,
			error->message);
	else
		diags_error(diags, wanted->range, "Error accessing remote module registry",
			"Failed to retrieve available versions for module \"%s\"%s from %s: %s.",
			wanted->key, place, source->host, error->message);
}

static Record *install(ModuleStore *store, const ModuleWanted *wanted, ModuleSource *source,
	const char *source_name, Diags *diags) {
	g_autoptr(GError) error = NULL;
	g_autofree char *version = NULL;
	g_autoptr(ModuleSource) package = NULL;
	gboolean registry = source->kind == MODULE_REGISTRY;
	if (registry) {
		package = module_registry_find(source, wanted->version, &version, &error);
		if (!package) {
			refuse_version(wanted, source, error, diags);
			return NULL;
		}
	}
	/* The call's own folder in the package is no part of what is fetched. */
	g_autofree char *subdir = g_steal_pointer(&source->subdir);
	g_autofree char *below = package_folder(source, version);
	g_autofree char *outer =
		ensure_package(store, wanted, registry ? package : source, below, diags);
	if (!outer)
		return NULL;
	g_autofree char *dir = g_build_filename(outer, subdir ? subdir : "", NULL);
	g_autofree char *folder = g_build_filename(store->dir, dir, NULL);
	if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
		g_autofree char *place = place_of(wanted);
		diags_error(diags, wanted->range, "Unreadable module subdirectory",
			"The package of module \"%s\"%s has no folder \"%s\".", wanted->key, place,
			subdir ? subdir : "");
		return NULL;
	}
	Record *record = g_new0(Record, 1);
	record->own = record->fresh = TRUE;
	record->dir = g_steal_pointer(&dir);
	record->source = g_strdup(source_name);
	record->version = g_strdup(version);
	g_hash_table_insert(store->records, g_strdup(wanted->key), record);
	if (!write_manifest(store, &error))
		diags_gerror(diags, wanted->range, "Failed to write the module manifest", error);
	return record;
}

/* ---- finding ---- */

/* Why an installed module is not what the call wants; NULL: it is. Caller frees. */
static char *objection(const ModuleStore *store, const Record *record, const ModuleWanted *wanted,
	const char *source_name, const char **summary) {
	g_autofree char *folder = record ? g_build_filename(store->dir, record->dir, NULL) : NULL;
	g_autofree char *problem = NULL;
	static const char advice[] =
		"Run \"terrarium init\" to install all modules required by this configuration.";
	if (!record || !g_file_test(folder, G_FILE_TEST_IS_DIR)) {
		*summary = "Module not installed";
		return g_strdup_printf("This module is not yet installed. %s", advice);
	}
	if (!g_str_equal(record->source, source_name)) {
		*summary = "Module source has changed";
		return g_strdup_printf("The source address was changed since this module was "
				       "installed. %s",
			advice);
	}
	if (!record->version || !wanted->version ||
		version_satisfies(record->version, wanted->version, &problem))
		return NULL;
	*summary = "Module version requirements have changed";
	return g_strdup_printf(
		"The version requirements have changed since this module was "
		"installed and the installed version (%s) is no longer acceptable. %s",
		record->version, advice);
}

static ModuleSource *parse_source(const ModuleWanted *wanted, Diags *diags) {
	g_autofree char *problem = NULL;
	ModuleSource *source = module_source_parse(wanted->source, &problem);
	if (source && (!wanted->version || source->kind == MODULE_REGISTRY))
		return source;
	if (!source)
		diags_error(diags, wanted->range, "Invalid module source address",
			"\"%s\" is no module source: %s.", wanted->source, problem);
	else
		diags_error(diags, wanted->range, "Invalid registry module source address",
			"The argument \"version\" applies only to modules of a registry, and "
			"\"%s\" is none.",
			wanted->source);
	module_source_free(source);
	return NULL;
}

char *module_store_find(ModuleStore *store, const ModuleWanted *wanted, Diags *diags) {
	g_autoptr(ModuleSource) source = parse_source(wanted, diags);
	if (!source)
		return NULL;
	g_autofree char *name = source->kind == MODULE_REGISTRY
					? module_source_registry_name(source)
					: g_strdup(wanted->source);
	Record *record = g_hash_table_lookup(store->records, wanted->key);
	const char *summary = NULL;
	g_autofree char *why = objection(store, record, wanted, name, &summary);
	if (store->installs && (why || (store->upgrade && !record->fresh)))
		record = install(store, wanted, source, name, diags);
	else if (why)
		diags_error(diags, wanted->range, summary, "%s", why);
	return record && (!why || store->installs) ? g_build_filename(store->dir, record->dir, NULL)
						   : NULL;
}
