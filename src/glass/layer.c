/*
 * Unpacked layers, in <home>/layers/<hex of the blob's digest>. Each is unpacked by a job inside
 * the glass into tmp-<uuid> beside it and renamed, so a folder without that prefix is whole. Relies
 * on unpack.c for what is in it and on the blob store, which hashed what is unpacked.
 */
#include "glass/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "glass/job.h"
#include "glass/unpack.h"

#define TEMPORARY "tmp-"

struct Layers {
	Glass *glass;
	Blobs *blobs;
	char *inside; /* the folder of layers as the glass sees it; NULL: could not be made */
	char *outside; /* the same as this process sees it */
	GError *error; /* why it could not be made */
	GHashTable *working; /* digest -> Work, each owned by its job's callback */
	GCancellable *ended;
};

/* One layer being unpacked, and the requests that wait for it. */
typedef struct {
	Layers *layers;
	char *digest;
	GPtrArray *waiting; /* of GTask */
} Work;

/* One request. */
typedef struct {
	char **folders;
	guint pending;
	GError *error;
} Request;

static void request_free(gpointer data) {
	Request *request = data;
	g_strfreev(request->folders);
	g_clear_error(&request->error);
	g_free(request);
}

static void work_free(Work *work) {
	g_free(work->digest);
	g_ptr_array_unref(work->waiting);
	g_free(work);
}

static const char *hex_of(const char *digest) {
	return digest + strlen("sha256:");
}

/* ---- inside ---- */

typedef struct {
	char *blob, *folder, *temporary; /* paths as the glass sees them */
} UnpackJob;

typedef struct {
	const char *folder;
	char **names; /* below the folder */
	gboolean unless_mounted; /* leave those on which an overlay stands */
} RemoveJob;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
	return kind == FTW_DP ? rmdir(path) : unlink(path);
}

static void remove_tree(const char *path) {
	nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
}

static GBytes *unpack_job(gpointer data, GError **error) {
	const UnpackJob *job = data;
	int archive = open(job->blob, O_RDONLY | O_CLOEXEC);
	if (archive < 0 || (mkdir(job->temporary, 0755) != 0)) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot unpack %s: %s",
			job->blob, g_strerror(errno));
		return NULL;
	}
	gboolean done = unpack_layer(archive, job->temporary, error);
	close(archive);
	if (done && rename(job->temporary, job->folder) != 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot make %s: %s",
			job->folder, g_strerror(errno));
		done = FALSE;
	}
	if (!done)
		remove_tree(job->temporary);
	return done ? g_bytes_new_static("", 0) : NULL;
}

/* What is known of overlays: the mounts, which name their layers, and the links by which containers
 * name theirs to the mount. */
static char *read_uses(GError **error) {
	char *mounts = NULL;
	if (!g_file_get_contents("/proc/self/mountinfo", &mounts, NULL, error))
		return NULL;
	GString *uses = g_string_new(mounts);
	g_free(mounts);
	glob_t links;
	if (glob(GLASS_HOME "/tasks/*/*/l/*", GLOB_NOSORT, NULL, &links) == 0) {
		for (gsize i = 0; i < links.gl_pathc; i++) {
			g_autofree char *target = g_file_read_link(links.gl_pathv[i], NULL);
			g_string_append_printf(uses, "%s\n", target ? target : "");
		}
		globfree(&links);
	}
	return g_string_free(uses, FALSE);
}

static GBytes *remove_job(gpointer data, GError **error) {
	const RemoveJob *job = data;
	g_autofree char *uses = NULL;
	if (job->unless_mounted && !(uses = read_uses(error)))
		return NULL;
	for (char **name = job->names; *name; name++) {
		if (uses && strstr(uses, *name))
			continue;
		/* Out of sight first: half removed it must not be taken for whole. */
		g_autofree char *path = g_build_filename(job->folder, *name, NULL);
		g_autofree char *hidden =
			g_strconcat(job->folder, "/" TEMPORARY "gone-", *name, NULL);
		remove_tree(rename(path, hidden) == 0 ? hidden : path);
	}
	return g_bytes_new_static("", 0);
}

/* ---- outside ---- */

static void removed(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) output = glass_job_finish(result, &error);
	if (!output && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		g_warning("layers could not be removed: %s", error->message);
}

/* Names in the folder of layers: those half made, or those whole and not referenced. */
static char **names_to_remove(Layers *layers, GHashTable *referenced) {
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	g_autoptr(GDir) folder = g_dir_open(layers->outside, 0, NULL);
	const char *name;
	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *digest = g_strconcat("sha256:", name, NULL);
		gboolean temporary = g_str_has_prefix(name, TEMPORARY);
		if (referenced ? !temporary && !g_hash_table_contains(referenced, digest)
			       : temporary)
			g_strv_builder_add(names, name);
	}
	return g_strv_builder_end(names);
}

static void remove_names(Layers *layers, GHashTable *referenced) {
	g_auto(GStrv) names = names_to_remove(layers, referenced);
	RemoveJob job = {layers->inside, names, referenced != NULL};
	if (*names)
		glass_job_async(
			layers->glass, NULL, remove_job, &job, layers->ended, removed, NULL);
}

Layers *layers_new(Glass *glass, Blobs *blobs) {
	Layers *layers = g_new0(Layers, 1);
	layers->glass = glass;
	layers->blobs = blobs;
	layers->inside = glass_make_folder(glass, "layers", &layers->error);
	layers->outside = g_build_filename(glass_home(glass), "layers", NULL);
	layers->working = g_hash_table_new(g_str_hash, g_str_equal);
	layers->ended = g_cancellable_new();
	if (layers->inside)
		remove_names(layers, NULL);
	return layers;
}

void layers_free(Layers *layers) {
	if (!layers)
		return;
	g_cancellable_cancel(layers->ended);
	g_object_unref(layers->ended);
	g_hash_table_unref(layers->working);
	g_free(layers->inside);
	g_free(layers->outside);
	g_clear_error(&layers->error);
	g_free(layers);
}

/* One layer of the request is done or has failed; the last one answers it. */
static void request_step(GTask *task, const GError *error) {
	Request *request = g_task_get_task_data(task);
	if (error && !request->error)
		request->error = g_error_copy(error);
	if (--request->pending > 0)
		return;
	if (request->error)
		g_task_return_error(task, g_steal_pointer(&request->error));
	else
		g_task_return_pointer(
			task, g_steal_pointer(&request->folders), (GDestroyNotify)g_strfreev);
}

static void unpacked(GObject *source, GAsyncResult *result, gpointer data) {
	Work *work = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) output = glass_job_finish(result, &error);
	/* Cancelled means that layers_free has been called: nothing of them may be touched. */
	if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		g_hash_table_remove(work->layers->working, work->digest);
	for (guint i = 0; i < work->waiting->len; i++)
		request_step(work->waiting->pdata[i], error);
	work_free(work);
}

static void start_work(Layers *layers, const char *digest, GTask *task) {
	Work *work = g_new0(Work, 1);
	work->layers = layers;
	work->digest = g_strdup(digest);
	work->waiting = g_ptr_array_new_with_free_func(g_object_unref);
	g_ptr_array_add(work->waiting, g_object_ref(task));
	g_hash_table_insert(layers->working, work->digest, work);
	g_autofree char *uuid = g_uuid_string_random();
	g_autofree char *blob =
		g_build_filename(GLASS_HOME, "blobs", "sha256", hex_of(digest), NULL);
	g_autofree char *folder = g_build_filename(layers->inside, hex_of(digest), NULL);
	g_autofree char *temporary = g_strconcat(layers->inside, "/" TEMPORARY, uuid, NULL);
	UnpackJob job = {blob, folder, temporary};
	glass_job_async(layers->glass, NULL, unpack_job, &job, layers->ended, unpacked, work);
}

/* Sees to one layer; what is there already counts at once. */
static void request_layer(Layers *layers, const char *digest, GTask *task) {
	g_autofree char *folder = g_build_filename(layers->outside, hex_of(digest), NULL);
	Work *work = g_hash_table_lookup(layers->working, digest);
	if (work)
		g_ptr_array_add(work->waiting, g_object_ref(task));
	else if (g_file_test(folder, G_FILE_TEST_IS_DIR))
		request_step(task, NULL);
	else
		start_work(layers, digest, task);
}

void layers_unpack_async(
	Layers *layers, const Image *image, GAsyncReadyCallback callback, gpointer data) {
	g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, data);
	const GPtrArray *list = image->manifest->layers;
	Request *request = g_new0(Request, 1);
	request->folders = g_new0(char *, list->len + 1);
	request->pending = list->len + 1;
	g_task_set_task_data(task, request, request_free);
	if (!layers->inside) {
		request->pending = 1;
		request_step(task, layers->error);
		return;
	}
	for (guint i = 0; i < list->len; i++) {
		const ImageDescriptor *layer = list->pdata[i];
		request->folders[list->len - 1 - i] =
			g_build_filename(layers->inside, hex_of(layer->digest), NULL);
	}
	for (guint i = 0; i < list->len; i++) {
		const ImageDescriptor *layer = list->pdata[i];
		request_layer(layers, layer->digest, task);
	}
	request_step(task, NULL);
}

char **layers_unpack_finish(Layers *layers, GAsyncResult *result, GError **error) {
	return g_task_propagate_pointer(G_TASK(result), error);
}

void layers_gc(Layers *layers, GHashTable *referenced) {
	if (layers->inside)
		remove_names(layers, referenced);
}
