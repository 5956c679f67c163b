/*
 * Folders that nobody needs any more, removed by jobs in the glass: they hold files of its users.
 * Those of builds go when the build has ended, storage with its project (or when its cache is
 * invalidated). What projects keep is bounded: storage that no build has used for two weeks goes,
 * and, if all of it is more than 20 GiB (TERRARIUM_BUILD_CACHE_MIB), what was not used for longest.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "glass/build.h"
#include "glass/job.h"
#include "region/services/codebuild/run.h"

#define DATA "codebuild/sweep"
#define UNUSED_DAYS 14
#define LIMIT_MIB (20 * 1024)
#define LIMIT_VARIABLE "TERRARIUM_BUILD_CACHE_MIB"
#define PRUNE_EVERY_S 3600

static const StoreScope everywhere = {NULL, NULL};

static void on_removed(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	if (!glass_run_finish(result, NULL, NULL, &error) &&
		!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		g_warning("folders of builds: %s", error->message);
}

/* Every name in <home>/<folder> that begins with none of `kept`. */
static void add_unused(Region *region, const char *folder, const GPtrArray *kept, GPtrArray *argv) {
	g_autofree char *path = g_build_filename(region_home(region), folder, NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		gboolean used = FALSE;
		for (guint i = 0; i < kept->len && !used; i++)
			used = g_str_has_prefix(name, kept->pdata[i]);
		if (!used)
			g_ptr_array_add(argv, g_strdup_printf(GLASS_HOME "/%s/%s", folder, name));
	}
}

static void keep_builds(Region *region, GPtrArray *jobs, GPtrArray *caches) {
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, CODEBUILD_BUILDS);
	const char *id;
	Value build;
	while (store_iter_next(&iter, &id, &build)) {
		if (codebuild_ended(build))
			continue;
		g_autofree char *cache = codebuild_cache_folder(store_iter_scope(&iter), build);
		g_ptr_array_add(jobs, g_strdup(codebuild_uuid(build)));
		g_ptr_array_add(caches, g_strdup(cache + strlen(CODEBUILD_CACHES "/")));
	}
}

/* All storage of the generation that a project is at. */
static void keep_projects(Region *region, GPtrArray *caches) {
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, CODEBUILD_PROJECTS);
	const char *name;
	Value project;
	while (store_iter_next(&iter, &name, &project)) {
		StoreScope scope = store_iter_scope(&iter);
		g_ptr_array_add(caches,
			g_strdup_printf("%s-%s-%s-%" G_GINT64_FORMAT "-", scope.account,
				scope.region, name,
				value_to_int(codebuild_internal(project, "generation"), 1)));
	}
}

static void remove_unused(Region *region, const GPtrArray *jobs, const GPtrArray *caches) {
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	static const char *const words[] = {"rm", "-rf", "--one-file-system", "--"};
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
		g_ptr_array_add(argv, g_strdup(words[i]));
	add_unused(region, CODEBUILD_JOBS, jobs, argv);
	add_unused(region, CODEBUILD_CACHES, caches, argv);
	if (argv->len == G_N_ELEMENTS(words))
		return;
	g_ptr_array_add(argv, NULL);
	glass_run_async(region_glass(region), NULL, (const char *const *)argv->pdata, NULL, NULL,
		NULL, on_removed, NULL);
}

/* ---- what makes too much ---- */

typedef struct {
	Region *region;
	GCancellable *cancellable; /* of the pruning under way; or NULL */
	gint64 pruned; /* when it began; 0: never */
} Sweep;

static void on_pruned(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	build_plain_finish(result, &error);
	/* A region that ends has freed everything. */
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	Sweep *sweep = data;
	if (error)
		g_warning("storage of builds: %s", error->message);
	g_clear_object(&sweep->cancellable);
	region_wake(sweep->region, CODEBUILD_CONTROLLER);
}

static guint limit_mib(void) {
	const char *given = g_getenv(LIMIT_VARIABLE);
	guint64 mib = 0;
	return given && g_ascii_string_to_unsigned(given, 10, 0, G_MAXINT, &mib, NULL) ? (guint)mib
										       : LIMIT_MIB;
}

static void prune(Region *region, const GPtrArray *used) {
	Sweep *sweep = region_data(region, DATA);
	gint64 now = region_now(region);
	if (sweep->cancellable ||
		(sweep->pruned && now - sweep->pruned < (gint64)PRUNE_EVERY_S * G_USEC_PER_SEC))
		return;
	sweep->pruned = now;
	sweep->cancellable = g_cancellable_new();
	const BuildPruning pruning = {UNUSED_DAYS, limit_mib(), (const char *const *)used->pdata};
	build_prune_async(region_glass(region), &pruning, sweep->cancellable, on_pruned, sweep);
}

gboolean codebuild_sweeps(Region *region) {
	return ((const Sweep *)region_data(region, DATA))->cancellable != NULL;
}

void codebuild_cache_touch(Region *region, StoreScope scope, Value build) {
	g_autofree char *cache = codebuild_cache_folder(scope, build);
	g_autofree char *path = g_build_filename(region_home(region), cache, NULL);
	utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

/* ---- all of it ---- */

void codebuild_sweep(Region *region) {
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) caches = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) used = g_ptr_array_new();
	keep_builds(region, jobs, caches);
	for (guint i = 0; i < caches->len; i++)
		g_ptr_array_add(used, caches->pdata[i]);
	g_ptr_array_add(used, NULL);
	prune(region, used);
	keep_projects(region, caches);
	remove_unused(region, jobs, caches);
}

static void sweep_free(gpointer data) {
	Sweep *sweep = data;
	g_clear_object(&sweep->cancellable);
	g_free(sweep);
}

void codebuild_sweep_start(Region *region) {
	Sweep *sweep = g_new0(Sweep, 1);
	sweep->region = region;
	region_set_data(region, DATA, sweep, sweep_free);
}

void codebuild_sweep_stop(Region *region) {
	Sweep *sweep = region_data(region, DATA);
	if (sweep && sweep->cancellable)
		g_cancellable_cancel(sweep->cancellable);
}
