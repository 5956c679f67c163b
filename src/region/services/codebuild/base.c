/*
 * Bases that builds ask for. A build's `docker` that needs debian:<release>, where no registry
 * answers, makes a file of that name (without "debian:") in the folder wanted/ of the build's
 * folder and writes a line to the build's log, which wakes the controller. It is answered by a file
 * <name>.ready or, with words, <name>.failed. The base itself comes by a folder that all builds
 * read: see glass/build.h.
 *
 * The folder is the build's to play with: nothing here follows a link of it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "glass/build.h"
#include "region/services/codebuild/run.h"

#define DATA "codebuild/base"
#define WANTED "wanted"
#define LONGEST_NAME 32

static const StoreScope everywhere = {NULL, NULL};

typedef struct {
	Region *region;
	GHashTable *making; /* names */
	GCancellable *cancellable; /* of all */
} Bases;

typedef struct {
	Bases *bases;
	char *name;
} Making;

/* A descriptor of the build's folder wanted/, or -1. */
static int open_wanted(Region *region, Value build) {
	g_autofree char *path = codebuild_job_path(region, build, NULL);
	int job = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int wanted =
		openat(job, WANTED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (job >= 0)
		close(job);
	return wanted;
}

static gboolean is_there(int folder, const char *name, const char *suffix) {
	g_autofree char *whole = g_strconcat(name, suffix, NULL);
	return faccessat(folder, whole, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void answer(int folder, const char *name, const GError *error) {
	g_autofree char *whole = g_strconcat(name, error ? ".failed" : ".ready", NULL);
	int file =
		openat(folder, whole, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	const char *words = error ? error->message : "";
	if (file < 0 || write(file, words, strlen(words)) < 0)
		g_debug("%s: %s", whole, g_strerror(errno));
	if (file >= 0)
		close(file);
}

static void answer_all(Region *region, const char *name, const GError *error) {
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, CODEBUILD_BUILDS);
	const char *id;
	Value build;
	while (store_iter_next(&iter, &id, &build)) {
		int folder = codebuild_ended(build) ? -1 : open_wanted(region, build);
		if (folder < 0)
			continue;
		if (is_there(folder, name, ""))
			answer(folder, name, error);
		close(folder);
	}
}

static void on_made(GObject *source, GAsyncResult *result, gpointer data) {
	Making *making = data;
	g_autoptr(GError) error = NULL;
	build_plain_finish(result, &error);
	/* A region that ends has freed everything. */
	if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
		answer_all(making->bases->region, making->name, error);
		g_hash_table_remove(making->bases->making, making->name);
	}
	g_free(making->name);
	g_free(making);
}

static void make(Bases *bases, const char *name) {
	if (!g_hash_table_add(bases->making, g_strdup(name)))
		return;
	Making *making = g_new0(Making, 1);
	*making = (Making){bases, g_strdup(name)};
	g_autofree char *whole = g_strconcat("debian:", name, NULL);
	build_base_async(region_glass(bases->region), whole, NULL, NULL, bases->cancellable,
		on_made, making);
}

static gboolean is_name(const char *text) {
	gsize length = strlen(text);
	return g_ascii_isalnum(*text) && length <= LONGEST_NAME &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

void codebuild_bases_look(Region *region, Value build) {
	int folder = open_wanted(region, build);
	DIR *dir = folder >= 0 ? fdopendir(folder) : NULL;
	const struct dirent *entry;
	if (!dir && folder >= 0)
		close(folder);
	while (dir && (entry = readdir(dir)))
		if (is_name(entry->d_name) && !is_there(folder, entry->d_name, ".ready") &&
			!is_there(folder, entry->d_name, ".failed"))
			make(region_data(region, DATA), entry->d_name);
	if (dir)
		closedir(dir);
}

static void bases_free(gpointer data) {
	Bases *bases = data;
	g_hash_table_unref(bases->making);
	g_object_unref(bases->cancellable);
	g_free(bases);
}

void codebuild_bases_start(Region *region) {
	Bases *bases = g_new0(Bases, 1);
	*bases = (Bases){region, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		g_cancellable_new()};
	region_set_data(region, DATA, bases, bases_free);
}

void codebuild_bases_stop(Region *region) {
	Bases *bases = region_data(region, DATA);
	if (bases)
		g_cancellable_cancel(bases->cancellable);
}
