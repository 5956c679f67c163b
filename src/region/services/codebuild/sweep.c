/* Folders that nobody needs any more, removed by a job in the glass: they hold files of its users.
 */
#include <string.h>
#include <unistd.h>

#include "glass/job.h"
#include "region/services/codebuild/run.h"

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

void codebuild_sweep(Region *region) {
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) caches = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	static const char *const words[] = {"rm", "-rf", "--one-file-system", "--"};
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
		g_ptr_array_add(argv, g_strdup(words[i]));
	keep_builds(region, jobs, caches);
	keep_projects(region, caches);
	add_unused(region, CODEBUILD_JOBS, jobs, argv);
	add_unused(region, CODEBUILD_CACHES, caches, argv);
	if (argv->len == G_N_ELEMENTS(words))
		return;
	g_ptr_array_add(argv, NULL);
	glass_run_async(region_glass(region), NULL, (const char *const *)argv->pdata, NULL, NULL,
		NULL, on_removed, NULL);
}
