/*
 * What "owner/repo" means: a repository on this machine, one of the region's own, or a remote one.
 * One name means one repository in all accounts and regions, since all are served under that name.
 */
#include <string.h>

#include "region/services/connections/internal.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* ---- names and places ---- */

static gboolean is_name(const char *repository) {
	g_auto(GStrv) parts = g_strsplit(repository, "/", -1);
	for (char **part = parts; *part; part++)
		if (!**part || **part == '.' || **part == '-' || g_str_has_suffix(*part, ".git") ||
			strspn(*part, NAME_CHARACTERS) != strlen(*part))
			return FALSE;
	return g_strv_length(parts) >= 2;
}

/* "https://…", "ssh://…", or "user@host:path" where no file is named so. */
static gboolean is_remote(const char *location) {
	const char *scheme = strstr(location, "://");
	const char *colon = strchr(location, ':'), *slash = strchr(location, '/');
	if (scheme)
		return !g_str_has_prefix(location, "file://");
	return colon && (!slash || colon < slash);
}

static gboolean is_git_dir(const char *path) {
	g_autofree char *head = g_build_filename(path, "HEAD", NULL);
	g_autofree char *objects = g_build_filename(path, "objects", NULL);
	g_autofree char *refs = g_build_filename(path, "refs", NULL);
	return g_file_test(head, G_FILE_TEST_IS_REGULAR) &&
	       g_file_test(objects, G_FILE_TEST_IS_DIR) && g_file_test(refs, G_FILE_TEST_IS_DIR);
}

/* The path that a small file holds, seen from `folder`; NULL if there is no such file. */
static char *path_in(const char *folder, const char *file, const char *prefix) {
	g_autofree char *path = g_build_filename(folder, file, NULL);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL) || !g_str_has_prefix(text, prefix))
		return NULL;
	return g_canonicalize_filename(g_strstrip(text + strlen(prefix)), folder);
}

/* The folder with the branches of the repository at `path`, itself bare or with a .git (a folder,
 * or a file of a linked working tree or submodule). NULL: there is none. Caller frees. */
static char *git_dir_of(const char *path) {
	g_autofree char *dot_git = g_build_filename(path, ".git", NULL);
	if (is_git_dir(path))
		return g_strdup(path);
	if (is_git_dir(dot_git))
		return g_steal_pointer(&dot_git);
	g_autofree char *linked = path_in(path, ".git", "gitdir: ");
	g_autofree char *common = linked ? path_in(linked, "commondir", "") : NULL;
	const char *found = common ? common : linked;
	return found && is_git_dir(found) ? g_strdup(found) : NULL;
}

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean refuse(GError **error, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, message);
	return FALSE;
}

/* Finds out what a path on this machine is; a folder that is no repository gets one of our own. */
static gboolean take_path(Binding *binding, const char *path, GError **error) {
	if (!g_path_is_absolute(path))
		return refuse(error, "%s is no absolute path.", path);
	if (!g_file_test(path, G_FILE_TEST_IS_DIR))
		return refuse(error, "There is no folder %s.", path);
	g_autofree char *whole = g_canonicalize_filename(path, NULL);
	g_autofree char *git_dir = git_dir_of(whole);
	if (!git_dir)
		return TRUE;
	g_free(binding->location);
	g_free(binding->kind);
	g_free(binding->git_dir);
	binding->location = g_steal_pointer(&whole);
	binding->kind = g_strdup("local");
	binding->git_dir = g_steal_pointer(&git_dir);
	return TRUE;
}

Binding *binding_new(Region *region, const char *repository, const char *location, GError **error) {
	if (!repository || !is_name(repository)) {
		refuse(error,
			"\"%s\" is no repository's name: it is OWNER/REPO, of letters, digits, "
			"dots, "
			"hyphens and underscores.",
			repository ? repository : "");
		return NULL;
	}
	if (location && (*location == '-' || strchr(location, '\n'))) {
		refuse(error, "%s is neither a URL nor a path.", location);
		return NULL;
	}
	g_autoptr(Binding) binding = g_new0(Binding, 1);
	g_autofree char *file = g_strconcat(repository, ".git", NULL);
	binding->repository = g_strdup(repository);
	binding->location = location && *location ? g_strdup(location) : NULL;
	binding->kind = g_strdup("own");
	binding->git_dir = g_build_filename(region_home(region), "git", "repositories", file, NULL);
	if (!binding->location)
		return g_steal_pointer(&binding);
	if (is_remote(binding->location)) {
		g_free(binding->kind);
		binding->kind = g_strdup("remote");
		g_clear_pointer(&binding->git_dir, g_free);
		return g_steal_pointer(&binding);
	}
	gboolean url = g_str_has_prefix(location, "file://");
	return take_path(binding, location + (url ? strlen("file://") : 0), error)
		       ? g_steal_pointer(&binding)
		       : NULL;
}

void binding_free(Binding *binding) {
	if (!binding)
		return;
	g_free(binding->repository);
	g_free(binding->location);
	g_free(binding->kind);
	g_free(binding->git_dir);
	g_free(binding);
}

/* ---- the store ---- */

Value binding_anywhere(Region *region, const char *repository) {
	g_auto(StoreIter) iter = store_iter_prefix(
		region_store(region), (StoreScope){NULL, NULL}, BINDINGS, repository);
	const char *name;
	Value binding;
	while (store_iter_next(&iter, &name, &binding))
		if (g_str_equal(name, repository))
			return value_ref(binding);
	return VALUE_NOTHING;
}

static gboolean same_place(Value there, const Binding *binding) {
	gboolean remote = g_str_equal(binding->kind, "remote");
	return g_strcmp0(value_get_text(there, remote ? "Location" : "GitDir"),
		       remote ? binding->location : binding->git_dir) == 0;
}

static void forget_all(Region *region, StoreScope scope, const char *kind, const char *repository) {
	g_autofree char *prefix = g_strconcat(repository, " ", NULL);
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, kind, prefix);
	const char *id;
	Value seen;
	while (store_iter_next(&iter, &id, &seen))
		store_delete(region_store(region), scope, kind, id);
}

static void forget_branches(Region *region, StoreScope scope, const char *repository) {
	forget_all(region, scope, CONNECTIONS_BRANCHES, repository);
	forget_all(region, scope, CONNECTIONS_TAGS, repository);
}

/* Whether somebody else than `connection` uses the name for another place. */
static gboolean is_taken(Region *region, StoreScope scope, const char *connection,
	const Binding *binding, GError **error) {
	g_auto(StoreIter) iter = store_iter_prefix(
		region_store(region), (StoreScope){NULL, NULL}, BINDINGS, binding->repository);
	const char *name;
	Value there;
	while (store_iter_next(&iter, &name, &there)) {
		StoreScope at = store_iter_scope(&iter);
		Value users = value_get(there, "Connections");
		gboolean own = g_str_equal(at.account, scope.account) &&
			       g_str_equal(at.region, scope.region) && value_length(users) == 1 &&
			       value_has(users, connection);
		if (!g_str_equal(name, binding->repository) || own || same_place(there, binding))
			continue;
		refuse(error,
			"%s is bound to %s already, by another connection of %s in %s. Unbind it "
			"there first.",
			name,
			value_text_or(value_get(there, "Location"), "the region's own repository"),
			at.account, at.region);
		return TRUE;
	}
	return FALSE;
}

gboolean binding_put(Region *region, StoreScope scope, const char *connection,
	const Binding *binding, GError **error) {
	if (is_taken(region, scope, connection, binding, error))
		return FALSE;
	g_auto(Value) there = store_get(region_store(region), scope, BINDINGS, binding->repository);
	Value users = value_is_null(there) ? value_empty_object()
					   : value_ref(value_get(there, "Connections"));
	if (!value_is_null(there) && !same_place(there, binding))
		forget_branches(region, scope, binding->repository);
	Value object = value_object_take("Repository", value_string(binding->repository), "Kind",
		value_string(binding->kind), "Connections",
		value_with_take(users, connection, value_bool(TRUE)), NULL);
	if (binding->location)
		object = value_with_take(object, "Location", value_string(binding->location));
	if (binding->git_dir)
		object = value_with_take(object, "GitDir", value_string(binding->git_dir));
	store_put_take(region_store(region), scope, BINDINGS, binding->repository, object);
	return TRUE;
}

gboolean binding_remove(
	Region *region, StoreScope scope, const char *connection, const char *repository) {
	Store *store = region_store(region);
	gboolean any = FALSE;
	g_auto(StoreIter) iter = store_iter(store, scope, BINDINGS);
	const char *name;
	Value binding;
	while (store_iter_next(&iter, &name, &binding)) {
		Value users = value_get(binding, "Connections");
		if (!value_has(users, connection) || (repository && !g_str_equal(name, repository)))
			continue;
		any = TRUE;
		g_auto(Value) left = value_without_take(value_ref(users), connection);
		if (value_length(left) > 0) {
			store_put_take(store, scope, BINDINGS, name,
				value_with_take(
					value_ref(binding), "Connections", value_steal(&left)));
			continue;
		}
		forget_branches(region, scope, name);
		store_delete(store, scope, BINDINGS, name);
	}
	return any;
}
