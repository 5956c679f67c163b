/*
 * Notices changes of bound repositories. On this machine inotify tells when a branch may have moved
 * (a push by us or by path, a plain commit), and a slow look makes up for file systems that tell
 * nothing; remote ones are asked by ls-remote, less often while they fail. What was seen is kept as
 * "connections/branch" objects, so a restart forgets nothing.
 */
#include <string.h>

#include "region/services/connections/internal.h"

#define DATA "connections/watch"
#define SETTLE_MS 150 /* a commit touches several files */
#define LOCAL_S 15
#define REMOTE_S 30
#define MOST_REMOTE_S 600
#define LS_REMOTE_TIMEOUT_S 60
#define MOST_FOLDERS 256

/* One binding of one scope. */
typedef struct {
	gatomicrefcount references;
	Region *region; /* NULL: nobody wants it any more */
	StoreScope scope;
	char *repository, *git_dir, *url;
	GPtrArray *monitors; /* of GFileMonitor */
	guint settle; /* GLib source: looks soon */
	guint timer; /* of the region: the slow look */
	guint failures;
	gboolean looking, again;
} Watched;

static void look(Watched *watched);

static void watched_unref(gpointer data) {
	Watched *watched = data;
	if (!g_atomic_ref_count_dec(&watched->references))
		return;
	g_free(watched->repository);
	g_free(watched->git_dir);
	g_free(watched->url);
	g_free(watched);
}

static void stop(gpointer data) {
	Watched *watched = data;
	g_clear_handle_id(&watched->settle, g_source_remove);
	if (watched->timer)
		region_cancel(watched->region, watched->timer);
	g_clear_pointer(&watched->monitors, g_ptr_array_unref);
	watched->region = NULL;
	watched_unref(watched);
}

/* ---- what was seen, in the store ---- */

/* Branches and tags are kept alike. */
typedef struct {
	const char *kind, *member, *prefix;
} Reference;

static const Reference branches = {CONNECTIONS_BRANCHES, "Branch", "refs/heads/"};
static const Reference tags = {CONNECTIONS_TAGS, "Tag", "refs/tags/"};

static gboolean keep_one(
	const Watched *watched, const Reference *reference, const char *name, const char *commit) {
	Store *store = region_store(watched->region);
	g_autofree char *id = g_strdup_printf("%s %s", watched->repository, name);
	g_auto(Value) before = store_get(store, watched->scope, reference->kind, id);
	if (g_strcmp0(value_get_text(before, "CommitId"), commit) == 0)
		return FALSE;
	store_put_take(store, watched->scope, reference->kind, id,
		value_object_take("Repository", value_string(watched->repository),
			reference->member, value_string(name), "CommitId", value_string(commit),
			"SeenAt", region_timestamp(watched->region), NULL));
	return TRUE;
}

static gboolean drop_others(const Watched *watched, const Reference *reference, GHashTable *heads) {
	Store *store = region_store(watched->region);
	g_autofree char *prefix = g_strconcat(watched->repository, " ", NULL);
	g_auto(StoreIter) iter = store_iter_prefix(store, watched->scope, reference->kind, prefix);
	gboolean any = FALSE;
	const char *id;
	while (store_iter_next(&iter, &id, NULL))
		if (!g_hash_table_contains(heads, id + strlen(prefix)))
			any |= store_delete(store, watched->scope, reference->kind, id);
	return any;
}

static gboolean keep_error(const Watched *watched, const char *message) {
	Store *store = region_store(watched->region);
	g_auto(Value) binding = store_get(store, watched->scope, BINDINGS, watched->repository);
	if (value_is_null(binding) || g_strcmp0(value_get_text(binding, "Error"), message) == 0)
		return FALSE;
	store_put_take(store, watched->scope, BINDINGS, watched->repository,
		message ? value_with_take(value_ref(binding), "Error", value_string(message))
			: value_without_take(value_ref(binding), "Error"));
	return TRUE;
}

/* "<commit><blank>refs/heads/<branch>" a line, as for-each-ref and ls-remote write. */
static GHashTable *references_of(const char *text, const char *prefix) {
	GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		gsize commit = strspn(*line, "0123456789abcdef");
		const char *name = *line + commit + 1;
		if (commit >= 40 && g_str_has_prefix(name, prefix) &&
			!g_str_has_suffix(name, "^{}"))
			g_hash_table_replace(
				all, g_strdup(name + strlen(prefix)), g_strndup(*line, commit));
	}
	return all;
}

static gboolean keep_all(const Watched *watched, const Reference *reference, const char *text) {
	g_autoptr(GHashTable) all = references_of(text, reference->prefix);
	gboolean changed = drop_others(watched, reference, all);
	GHashTableIter iter;
	gpointer name, commit;
	g_hash_table_iter_init(&iter, all);
	while (g_hash_table_iter_next(&iter, &name, &commit))
		changed |= keep_one(watched, reference, name, commit);
	return changed;
}

/* Keeps what git told of the heads and tags (NULL: they could not be had, and why). */
static void keep(const Watched *watched, const char *text, const char *message) {
	Store *store = region_store(watched->region);
	if (!store_begin(store, NULL))
		return;
	gboolean changed = keep_error(watched, message);
	if (text) {
		changed |= keep_all(watched, &branches, text);
		changed |= keep_all(watched, &tags, text);
	}
	if (changed)
		store_commit(store, NULL);
	else
		store_rollback(store);
}

/* ---- looking ---- */

static gboolean on_settled(gpointer data) {
	Watched *watched = data;
	watched->settle = 0;
	look(watched);
	return G_SOURCE_REMOVE;
}

static void on_changed(
	GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event, gpointer data) {
	Watched *watched = data;
	if (!watched->settle)
		watched->settle = g_timeout_add(SETTLE_MS, on_settled, watched);
}

/* Of the git folder itself, where much else happens, only what moves branches counts. */
static void on_git_dir(
	GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event, gpointer data) {
	g_autofree char *name = g_file_get_basename(file);
	g_autofree char *renamed = other ? g_file_get_basename(other) : NULL;
	if (g_str_equal(name, "packed-refs") || g_strcmp0(renamed, "packed-refs") == 0 ||
		g_str_equal(name, "refs"))
		on_changed(monitor, file, other, event, data);
}

static void monitor(Watched *watched, const char *folder, GCallback changed) {
	g_autoptr(GFile) file = g_file_new_for_path(folder);
	GFileMonitor *made = g_file_monitor_directory(file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
	if (!made)
		return; /* the slow look remains */
	g_file_monitor_set_rate_limit(made, SETTLE_MS);
	g_signal_connect(made, "changed", changed, watched);
	g_ptr_array_add(watched->monitors, made);
}

static void monitor_below(Watched *watched, const char *folder) {
	g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
	if (!entries || watched->monitors->len >= MOST_FOLDERS)
		return;
	monitor(watched, folder, G_CALLBACK(on_changed));
	for (const char *name; (name = g_dir_read_name(entries));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			monitor_below(watched, path);
	}
}

static void monitor_free(gpointer data) {
	g_signal_handlers_disconnect_matched(
		data, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, (gpointer)on_changed, NULL);
	g_signal_handlers_disconnect_matched(
		data, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, (gpointer)on_git_dir, NULL);
	g_file_monitor_cancel(data);
	g_object_unref(data);
}

/* Folders of branches come and go: before each look they are watched anew, so that nothing is
 * missed between. */
static void monitor_all(Watched *watched) {
	g_autoptr(GPtrArray) before = g_steal_pointer(&watched->monitors);
	g_autofree char *heads = g_build_filename(watched->git_dir, "refs", "heads", NULL);
	g_autofree char *tag_folder = g_build_filename(watched->git_dir, "refs", "tags", NULL);
	watched->monitors = g_ptr_array_new_with_free_func(monitor_free);
	monitor(watched, watched->git_dir, G_CALLBACK(on_git_dir));
	monitor_below(watched, heads);
	monitor_below(watched, tag_folder);
}

static void on_timer(Region *region, gpointer data) {
	Watched *watched = data;
	watched->timer = 0;
	look(watched);
}

static void look_later(Watched *watched) {
	double seconds =
		watched->git_dir
			? LOCAL_S
			: MIN(REMOTE_S * (double)(1u << MIN(watched->failures, 8)), MOST_REMOTE_S);
	if (watched->timer)
		region_cancel(watched->region, watched->timer);
	watched->timer = region_after(watched->region, seconds, on_timer, watched);
}

static void on_heads(GObject *source, GAsyncResult *result, gpointer data) {
	Watched *watched = data;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = git_run_finish(result, &error);
	watched->looking = FALSE;
	if (watched->region) {
		watched->failures = error ? watched->failures + 1 : 0;
		keep(watched, text, error ? error->message : NULL);
		look_later(watched);
		if (watched->again)
			look(watched);
	}
	watched_unref(watched);
}

static void look(Watched *watched) {
	const char *const local[] = {"for-each-ref", "--format=%(objectname) %(refname)",
		"refs/heads", "refs/tags", NULL};
	const char *const remote[] = {"ls-remote", "--heads", "--tags", "--", watched->url, NULL};
	watched->again = watched->looking;
	if (watched->looking)
		return;
	watched->looking = TRUE;
	g_atomic_ref_count_inc(&watched->references);
	GitRun run = GIT_RUN_INIT;
	run.git_dir = watched->git_dir;
	run.remote = watched->url != NULL;
	run.timeout_s = LS_REMOTE_TIMEOUT_S;
	if (watched->git_dir)
		monitor_all(watched);
	git_run_async(&run, watched->url ? remote : local, on_heads, watched);
}

/* ---- which are watched ---- */

static Watched *watched_new(Region *region, StoreScope scope, Value binding) {
	Watched *watched = g_new0(Watched, 1);
	g_atomic_ref_count_init(&watched->references);
	watched->region = region;
	watched->scope =
		(StoreScope){g_intern_string(scope.account), g_intern_string(scope.region)};
	watched->repository = g_strdup(value_get_text(binding, "Repository"));
	watched->git_dir = g_strdup(value_get_text(binding, "GitDir"));
	watched->url = watched->git_dir ? NULL : g_strdup(value_get_text(binding, "Location"));
	watched->monitors = g_ptr_array_new_with_free_func(monitor_free);
	return watched;
}

/* Watches what is bound, and nothing else. */
static void reconcile(Region *region, gpointer data) {
	GHashTable *all = data;
	g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(region), (StoreScope){NULL, NULL}, BINDINGS);
	Value binding;
	while (store_iter_next(&iter, NULL, &binding)) {
		StoreScope scope = store_iter_scope(&iter);
		const char *git_dir = value_get_text(binding, "GitDir");
		char *key = g_strdup_printf("%s %s %s %s", scope.account, scope.region,
			value_get_text(binding, "Repository"),
			git_dir ? git_dir : value_get_text(binding, "Location"));
		g_hash_table_add(wanted, key);
		if (g_hash_table_contains(all, key))
			continue;
		Watched *watched = watched_new(region, scope, binding);
		g_hash_table_insert(all, g_strdup(key), watched);
		look(watched);
	}
	GHashTableIter watches;
	gpointer key;
	g_hash_table_iter_init(&watches, all);
	while (g_hash_table_iter_next(&watches, &key, NULL))
		if (!g_hash_table_contains(wanted, key))
			g_hash_table_iter_remove(&watches);
}

void connections_look(Region *region, const char *repository) {
	GHashTableIter iter;
	gpointer watched;
	GHashTable *all = region_data(region, DATA);
	if (!all)
		return;
	g_hash_table_iter_init(&iter, all);
	while (g_hash_table_iter_next(&iter, NULL, &watched))
		if (g_str_equal(((Watched *)watched)->repository, repository))
			look(watched);
}

gboolean connections_watch_start(Region *region, GError **error) {
	GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, stop);
	connections_fetch_clean(region);
	region_set_data(region, DATA, all, NULL);
	region_controller_add(region, DATA, reconcile, all);
	region_wake_on(region, DATA, BINDINGS);
	return TRUE;
}

void connections_watch_stop(Region *region) {
	GHashTable *all = region_data(region, DATA);
	region_set_data(region, DATA, NULL, NULL);
	if (all)
		g_hash_table_unref(all);
}
