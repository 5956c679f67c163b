/*
 * Fetches a commit out of a bound repository, step after step, each a run of git: bring a remote
 * repository's mirror up to date, find the commit, write its files as a zip; or for a clone: bundle
 * the repository, clone the bundle, pack the folder; or write down only what a clone is to be made
 * of. One task a fetch; what it leaves of its own goes with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "region/services/connections/internal.h"
#include "value/json.h"

#define SEPARATOR "\x1f"
#define REMOTE_TIMEOUT_S 1800
#define LARGEST_REFERENCE 4096
#define MIRRORS "connections/mirrors" /* git_dir -> GQueue of Fetch: who waits for it */

typedef struct Fetch Fetch;
struct Fetch {
	GTask *task; /* holds this */
	Region *region;
	void (*next)(Fetch *fetch); /* when the run of git has ended well */
	char *connection, *repository, *provider, *reference;
	char *from; /* not NULL: nothing is fetched, the paths are listed that differ since then */
	char *git_dir, *url, *location;
	char *folder; /* of our own, under home: for this fetch alone */
	char *bundle, *clone;
	ConnectionsFormat format;
	gboolean is_commit;
	gboolean updates; /* has the mirror for itself */
	char *answer; /* of the last run of git */
	ConnectionsSource *source;
};

void connections_source_free(ConnectionsSource *source) {
	if (!source)
		return;
	g_free(source->path);
	g_free(source->commit_id);
	g_free(source->message);
	g_free(source->author);
	g_free(source->author_email);
	g_free(source->author_date);
	g_free(source->branch);
	g_free(source);
}

/* ---- what it leaves ---- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw) {
	return remove(path);
}

/* In a thread: a clone may have many files. */
static void remove_folder(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
	nftw(data, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	g_task_return_boolean(task, TRUE);
}

static void remove_later(const char *folder) {
	g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);
	g_task_set_task_data(task, g_strdup(folder), g_free);
	g_task_run_in_thread(task, remove_folder);
}

static void fetch_free(gpointer data) {
	Fetch *fetch = data;
	if (fetch->folder)
		remove_later(fetch->folder);
	connections_source_free(fetch->source);
	g_free(fetch->connection);
	g_free(fetch->repository);
	g_free(fetch->provider);
	g_free(fetch->reference);
	g_free(fetch->from);
	g_free(fetch->git_dir);
	g_free(fetch->url);
	g_free(fetch->location);
	g_free(fetch->folder);
	g_free(fetch->bundle);
	g_free(fetch->clone);
	g_free(fetch->answer);
	g_free(fetch);
}

static char *sources(Region *region) {
	return g_build_filename(region_home(region), "git", "sources", NULL);
}

void connections_fetch_clean(Region *region) {
	g_autofree char *parent = sources(region);
	g_autoptr(GDir) entries = g_dir_open(parent, 0, NULL);
	for (const char *name; entries && (name = g_dir_read_name(entries));) {
		g_autofree char *path = g_build_filename(parent, name, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			remove_later(path);
		else
			unlink(path);
	}
}

/* ---- one at a time in a mirror ---- */

static void make_mirror(Fetch *fetch);

static GHashTable *mirrors(Region *region) {
	GHashTable *all = region_data(region, MIRRORS);
	if (!all) {
		all = g_hash_table_new_full(
			g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_queue_free);
		region_set_data(region, MIRRORS, all, (GDestroyNotify)g_hash_table_unref);
	}
	return all;
}

/* Updates the mirror, now or when those before have done so. */
static void enter_mirror(Fetch *fetch) {
	GQueue *waiting = g_hash_table_lookup(mirrors(fetch->region), fetch->git_dir);
	if (waiting) {
		g_queue_push_tail(waiting, fetch);
		return;
	}
	g_hash_table_insert(mirrors(fetch->region), g_strdup(fetch->git_dir), g_queue_new());
	make_mirror(fetch);
}

static void leave_mirror(Fetch *fetch) {
	if (!fetch->updates)
		return;
	fetch->updates = FALSE;
	GQueue *waiting = g_hash_table_lookup(mirrors(fetch->region), fetch->git_dir);
	Fetch *next = g_queue_pop_head(waiting);
	if (next)
		make_mirror(next);
	else
		g_hash_table_remove(mirrors(fetch->region), fetch->git_dir);
}

/* ---- the end ---- */

static void fail(Fetch *fetch, GError *error_taken) {
	GTask *task = fetch->task;
	leave_mirror(fetch);
	g_task_return_error(task, error_taken);
	g_object_unref(task);
}

/* The file leaves the folder, which goes: what is there still belongs to nobody after a restart. */
static void succeed(Fetch *fetch) {
	GTask *task = fetch->task;
	g_autofree char *path = g_strconcat(
		fetch->folder, fetch->format == CONNECTIONS_REFERENCE ? ".json" : ".zip", NULL);
	if (rename(fetch->source->path, path) < 0) {
		fail(fetch, g_error_new(G_FILE_ERROR, g_file_error_from_errno(errno),
				    "cannot write %s: %s", path, g_strerror(errno)));
		return;
	}
	g_free(fetch->source->path);
	fetch->source->path = g_steal_pointer(&path);
	g_task_return_pointer(
		task, g_steal_pointer(&fetch->source), (GDestroyNotify)connections_source_free);
	g_object_unref(task);
}

/* ---- steps ---- */

static void on_run(GObject *source, GAsyncResult *result, gpointer data) {
	Fetch *fetch = data;
	g_autoptr(GError) error = NULL;
	g_free(fetch->answer);
	fetch->answer = git_run_finish(result, &error);
	if (fetch->answer)
		fetch->next(fetch);
	else
		fail(fetch, g_steal_pointer(&error));
}

static void run_git(
	Fetch *fetch, const GitRun *options, const char *const *argv, void (*next)(Fetch *fetch)) {
	GitRun run = *options;
	run.cancellable = g_task_get_cancellable(fetch->task);
	fetch->next = next;
	git_run_async(&run, argv, on_run, fetch);
}

/* A descriptor to write a new file by, that git may have though it is not its user's; -1 and
 * failure. */
static int create(Fetch *fetch, const char *path) {
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		fail(fetch, g_error_new(G_FILE_ERROR, g_file_error_from_errno(errno),
				    "cannot write %s: %s", path, g_strerror(errno)));
	return fd;
}

/* ---- the clone ---- */

static void on_packed(GObject *source, GAsyncResult *result, gpointer data) {
	Fetch *fetch = data;
	g_autoptr(GError) error = NULL;
	if (connections_pack_finish(result, &error))
		succeed(fetch);
	else
		fail(fetch, g_steal_pointer(&error));
}

static void pack(Fetch *fetch) {
	connections_pack_async(fetch->clone, fetch->source->path, on_packed, fetch);
}

static void name_origin(Fetch *fetch) {
	const char *const argv[] = {"remote", "set-url", "origin", fetch->location, NULL};
	GitRun run = GIT_RUN_INIT;
	run.folder = fetch->clone;
	run_git(fetch, &run, argv, pack);
}

static void check_out(Fetch *fetch) {
	const char *const branch[] = {"checkout", "--quiet", "-B",
		fetch->is_commit ? "" : fetch->reference, fetch->source->commit_id, NULL};
	const char *const commit[] = {
		"checkout", "--quiet", "--detach", fetch->source->commit_id, NULL};
	GitRun run = GIT_RUN_INIT;
	run.folder = fetch->clone;
	run_git(fetch, &run, fetch->is_commit ? commit : branch, name_origin);
}

static void clone_bundle(Fetch *fetch) {
	const char *const argv[] = {
		"clone", "--quiet", "--no-checkout", fetch->bundle, fetch->clone, NULL};
	const GitRun run = GIT_RUN_INIT;
	run_git(fetch, &run, argv, check_out);
}

static void bundle(Fetch *fetch) {
	const char *const argv[] = {
		"bundle", "create", "--quiet", "-", "--branches", "--tags", NULL};
	fetch->bundle = g_build_filename(fetch->folder, "repository.bundle", NULL);
	fetch->clone = g_build_filename(fetch->folder, "clone", NULL);
	GitRun run = GIT_RUN_INIT;
	run.git_dir = fetch->git_dir;
	run.output = create(fetch, fetch->bundle);
	if (run.output >= 0)
		run_git(fetch, &run, argv, clone_bundle);
}

/* ---- the reference ---- */

static void write_reference(Fetch *fetch) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) reference = value_object_take("ConnectionArn",
		value_string(fetch->connection), "FullRepositoryName",
		value_string(fetch->repository), "ProviderType", value_string(fetch->provider),
		"CommitId", value_string(fetch->source->commit_id), NULL);
	g_autofree char *text = value_to_json(reference, VALUE_JSON_COMPACT);
	if (g_file_set_contents(fetch->source->path, text, -1, &error))
		succeed(fetch);
	else
		fail(fetch, g_steal_pointer(&error));
}

Value connections_reference_read(const char *path) {
	static const char *const members[] = {"ConnectionArn", "FullRepositoryName", "CommitId"};
	char text[LARGEST_REFERENCE];
	FILE *file = fopen(path, "re");
	gsize length = file ? fread(text, 1, sizeof text, file) : 0;
	if (file)
		fclose(file);
	if (length == 0 || length == sizeof text || *text != '{')
		return VALUE_NOTHING;
	g_auto(Value) reference = value_from_json(text, (gssize)length, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
		if (!value_get_text(reference, members[i]))
			return VALUE_NOTHING;
	return value_steal(&reference);
}

/* ---- the commit ---- */

static void archive(Fetch *fetch) {
	const char *const argv[] = {"archive", "--format=zip", fetch->source->commit_id, NULL};
	GitRun run = GIT_RUN_INIT;
	run.git_dir = fetch->git_dir;
	run.output = create(fetch, fetch->source->path);
	if (run.output >= 0)
		run_git(fetch, &run, argv, succeed);
}

static void take_commit(Fetch *fetch) {
	g_auto(GStrv) parts = g_strsplit(fetch->answer, SEPARATOR, 5);
	if (g_strv_length(parts) != 5) {
		fail(fetch, g_error_new(G_IO_ERROR, G_IO_ERROR_FAILED, "git log told nothing of %s",
				    fetch->reference));
		return;
	}
	ConnectionsSource *source = fetch->source = g_new0(ConnectionsSource, 1);
	source->path = g_build_filename(fetch->folder, "source.zip", NULL);
	source->commit_id = g_strdup(parts[0]);
	source->author = g_strdup(parts[1]);
	source->author_email = g_strdup(parts[2]);
	source->author_date = g_strdup(parts[3]);
	source->message = g_strdup(g_strchomp(parts[4]));
	source->branch = fetch->is_commit ? NULL : g_strdup(fetch->reference);
	if (fetch->format == CONNECTIONS_CLONE)
		bundle(fetch);
	else if (fetch->format == CONNECTIONS_REFERENCE)
		write_reference(fetch);
	else
		archive(fetch);
}

/* There is no such branch, or its folder cannot be read: the first is by far more likely, but both
 * are told. */
static void on_commit(GObject *source, GAsyncResult *result, gpointer data) {
	Fetch *fetch = data;
	g_autoptr(GError) error = NULL;
	g_free(fetch->answer);
	fetch->answer = git_run_finish(result, &error);
	if (fetch->answer) {
		take_commit(fetch);
		return;
	}
	fail(fetch, g_error_new(G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			    "[%s] No %s [%s] found for FullRepositoryName [%s] (%s)",
			    fetch->provider, fetch->is_commit ? "Commit" : "Branch",
			    fetch->reference, fetch->repository, error->message));
}

static void take_changes(Fetch *fetch) {
	GTask *task = fetch->task;
	g_strchomp(fetch->answer);
	g_task_return_pointer(
		task, g_strsplit(fetch->answer, "\n", -1), (GDestroyNotify)g_strfreev);
	g_object_unref(task);
}

static void list_changes(Fetch *fetch) {
	const char *const argv[] = {"-c", "core.quotePath=off", "diff-tree", "-r", "--name-only",
		"--no-renames", "--end-of-options", fetch->from, fetch->reference, "--", NULL};
	GitRun run = GIT_RUN_INIT;
	run.git_dir = fetch->git_dir;
	run_git(fetch, &run, argv, take_changes);
}

static void find_commit(Fetch *fetch) {
	leave_mirror(fetch);
	if (fetch->from) {
		list_changes(fetch);
		return;
	}
	g_autofree char *reference = g_strconcat(fetch->is_commit ? "" : "refs/heads/",
		fetch->reference, fetch->is_commit ? "^{commit}" : "", NULL);
	const char *const argv[] = {"log", "-1", "--no-show-signature",
		"--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%H%x1f%an%x1f%ae%x1f%ad%x1f%B",
		"--end-of-options", reference, "--", NULL};
	GitRun run = GIT_RUN_INIT;
	run.git_dir = fetch->git_dir;
	run.cancellable = g_task_get_cancellable(fetch->task);
	git_run_async(&run, argv, on_commit, fetch);
}

/* ---- the mirror of a remote repository ---- */

static void update_mirror(Fetch *fetch) {
	const char *const argv[] = {"fetch", "--quiet", "--prune", "--no-auto-gc", "--force", "--",
		fetch->url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", NULL};
	GitRun run = GIT_RUN_INIT;
	run.git_dir = fetch->git_dir;
	run.remote = TRUE;
	run.timeout_s = REMOTE_TIMEOUT_S;
	run_git(fetch, &run, argv, find_commit);
}

static void make_mirror(Fetch *fetch) {
	fetch->updates = TRUE;
	fetch->next = update_mirror;
	git_init_async(fetch->git_dir, on_run, fetch);
}

/* ---- the beginning ---- */

static gboolean is_commit_id(const char *text) {
	gsize length = strlen(text);
	return (length == 40 || length == 64) && strspn(text, "0123456789abcdef") == length;
}

static gboolean make_folder(Fetch *fetch, Region *region, GError **error) {
	g_autofree char *parent = sources(region);
	g_mkdir_with_parents(parent, 0700);
	fetch->folder = g_build_filename(parent, "XXXXXX", NULL);
	if (g_mkdtemp_full(fetch->folder, 0700))
		return TRUE;
	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
		"cannot make a folder in %s: %s", parent, g_strerror(errno));
	g_clear_pointer(&fetch->folder, g_free);
	return FALSE;
}

static void take_binding(Fetch *fetch, Region *region, Value binding) {
	fetch->git_dir = g_strdup(value_get_text(binding, "GitDir"));
	fetch->location = g_strdup(
		value_text_or(value_get(binding, "Location"), value_get_text(binding, "GitDir")));
	if (fetch->git_dir)
		return;
	g_autofree char *hash =
		g_compute_checksum_for_string(G_CHECKSUM_SHA256, fetch->location, -1);
	g_autofree char *name = g_strconcat(hash, ".git", NULL);
	fetch->url = g_strdup(fetch->location);
	fetch->git_dir = g_build_filename(region_home(region), "git", "mirrors", name, NULL);
}

static Fetch *fetch_new(Region *region, GCancellable *cancellable, GAsyncReadyCallback callback,
	gpointer user_data) {
	Fetch *fetch = g_new0(Fetch, 1);
	fetch->task = g_task_new(NULL, cancellable, callback, user_data);
	fetch->region = region;
	g_task_set_task_data(fetch->task, fetch, fetch_free);
	return fetch;
}

/* Begins, with all that is to be known of what is fetched but the repository. */
static void begin(Fetch *fetch, Region *region, StoreScope scope, const char *connection_arn,
	const char *repository) {
	g_autoptr(GError) error = NULL;
	if (!connections_available(region, scope, connection_arn, repository, &error) ||
		!connections_need_git(&error) || !make_folder(fetch, region, &error)) {
		fail(fetch, g_steal_pointer(&error));
		return;
	}
	g_auto(Value) connection = connections_get(region, scope, connection_arn);
	g_auto(Value) binding = store_get(region_store(region), scope, BINDINGS, repository);
	fetch->connection = g_strdup(connection_arn);
	fetch->repository = g_strdup(repository);
	fetch->provider = g_strdup(value_get_text(connection, "ProviderType"));
	fetch->is_commit = is_commit_id(fetch->reference);
	take_binding(fetch, region, binding);
	if (fetch->url)
		enter_mirror(fetch);
	else
		find_commit(fetch);
}

void connections_fetch_async(Region *region, StoreScope scope, const char *connection_arn,
	const char *repository, const char *branch_or_commit, ConnectionsFormat format,
	GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data) {
	Fetch *fetch = fetch_new(region, cancellable, callback, user_data);
	fetch->reference = g_strdup(branch_or_commit);
	fetch->format = format;
	begin(fetch, region, scope, connection_arn, repository);
}

void connections_changes_async(Region *region, StoreScope scope, const char *connection_arn,
	const char *repository, const char *from, const char *to, GAsyncReadyCallback callback,
	gpointer user_data) {
	Fetch *fetch = fetch_new(region, NULL, callback, user_data);
	fetch->reference = g_strdup(to);
	fetch->from = g_strdup(from);
	begin(fetch, region, scope, connection_arn, repository);
}

GStrv connections_changes_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_pointer(G_TASK(result), error);
}

ConnectionsSource *connections_fetch_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_pointer(G_TASK(result), error);
}
