/*
 * What a container sees as its files: overlay of its image's shared layers, volumes, and the files
 * in /etc that are the task's affair. root_binds runs outside; everything else runs inside, in the
 * start job.
 */
#include "glass/enter.h"
#include "glass/task_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean failed(GError **error, const char *what, const char *path) {
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s %s: %s", what, path,
		g_strerror(errno));
	return FALSE;
}

/* ---- outside: what is to be mounted ---- */

static void bind_free(gpointer data) {
	RootBind *bind = data;
	g_free(bind->source);
	g_free(bind->path);
	g_free(bind);
}

static RootBind *find_bind(GPtrArray *binds, const char *path) {
	for (guint i = 0; i < binds->len; i++) {
		RootBind *bind = binds->pdata[i];
		if (g_str_equal(bind->path, path))
			return bind;
	}
	return NULL;
}

/* The first to claim a path has it. */
static RootBind *add_bind(
	GPtrArray *binds, const char *source, const char *path, gboolean read_only) {
	g_autofree char *clean = g_canonicalize_filename(path, "/");
	if (find_bind(binds, clean))
		return NULL;
	RootBind *bind = g_new0(RootBind, 1);
	bind->source = g_strdup(source);
	bind->path = g_steal_pointer(&clean);
	bind->read_only = read_only;
	g_ptr_array_add(binds, bind);
	return bind;
}

/* A folder of the task's own; `who` tells a volume from what an image asks for. */
static char *own_folder(const TaskSpec *task, const char *who, const char *name) {
	g_autofree char *escaped = g_uri_escape_string(name, NULL, FALSE);
	return g_strdup_printf(
		GLASS_HOME "/" TASKS_FOLDER "/%s/volumes/%s-%s", task->id, who, escaped);
}

static gboolean image_has_volume(const ImageConfig *image, const char *path) {
	for (char **at = image->volumes; at && *at; at++) {
		g_autofree char *clean = g_canonicalize_filename(*at, "/");
		if (g_str_equal(clean, path))
			return TRUE;
	}
	return FALSE;
}

static void bind_volume(GPtrArray *binds, const Container *container, const ContainerMount *mount) {
	const TaskSpec *task = container->task->spec;
	const TaskVolume *volume = NULL;
	for (guint i = 0; i < task->volumes->len; i++) {
		const TaskVolume *candidate = task->volumes->pdata[i];
		if (g_str_equal(candidate->name, mount->source))
			volume = candidate;
	}
	g_autofree char *own = own_folder(task, "v", volume->name);
	RootBind *bind = add_bind(
		binds, volume->host_path ? volume->host_path : own, mount->path, mount->read_only);
	if (bind && !volume->host_path)
		bind->fill = image_has_volume(container->image->config, bind->path);
}

static gboolean has_tmpfs(const ContainerSpec *spec, const char *path) {
	for (guint i = 0; i < spec->tmpfs->len; i++) {
		const ContainerTmpfs *tmpfs = spec->tmpfs->pdata[i];
		g_autofree char *clean = g_canonicalize_filename(tmpfs->path, "/");
		if (g_str_equal(clean, path))
			return TRUE;
	}
	return FALSE;
}

/* The image's own volumes, unless something else is mounted there: as Docker has it, they can be
 * written under a read-only root, and others can take them. */
static void bind_image_volumes(GPtrArray *binds, const Container *container) {
	g_autofree char *who = g_strdup_printf("%u", container->index);
	for (char **at = container->image->config->volumes; at && *at; at++) {
		g_autofree char *clean = g_canonicalize_filename(*at, "/");
		g_autofree char *own = own_folder(container->task->spec, who, clean);
		RootBind *bind = has_tmpfs(container->spec, clean) || g_str_equal(clean, "/")
					 ? NULL
					 : add_bind(binds, own, clean, FALSE);
		if (bind)
			bind->fill = TRUE;
	}
}

static int by_path(gconstpointer a, gconstpointer b) {
	const RootBind *first = *(RootBind *const *)a, *second = *(RootBind *const *)b;
	return strcmp(first->path, second->path);
}

GPtrArray *root_binds(Container *container) {
	GPtrArray *binds = g_ptr_array_new_with_free_func(bind_free);
	const ContainerSpec *spec = container->spec;
	for (guint i = 0; i < spec->mounts->len; i++)
		bind_volume(binds, container, spec->mounts->pdata[i]);
	for (guint i = 0; i < spec->volumes_from->len; i++) {
		const ContainerMount *mount = spec->volumes_from->pdata[i];
		g_autoptr(GPtrArray) others =
			root_binds(task_find_container(container->task, mount->source));
		for (guint j = 0; j < others->len; j++) {
			const RootBind *other = others->pdata[j];
			add_bind(binds, other->source, other->path,
				mount->read_only || other->read_only);
		}
	}
	bind_image_volumes(binds, container);
	g_ptr_array_sort(binds, by_path);
	return binds;
}

/* ---- inside: the root ---- */

void root_unlink_layers(void) {
	g_autoptr(GDir) folder = g_dir_open("l", 0, NULL);
	const char *name;
	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *path = g_build_filename("l", name, NULL);
		unlink(path);
	}
}

/* Short links keep the options of the mount within their one page; layers_gc looks at them too. */
static gboolean link_layers(const StartJob *job, GString *lower, GError **error) {
	if (mkdir("l", 0755) < 0 && errno != EEXIST)
		return failed(error, "cannot make", "l");
	for (guint i = 0; job->layers[i]; i++) {
		g_autofree char *name = g_strdup_printf("l/%u", i);
		if (symlink(job->layers[i], name) < 0 && errno != EEXIST)
			return failed(error, "cannot make", name);
		g_string_append_printf(lower, "%s%s", i ? ":" : "", name);
	}
	if (lower->len == 0)
		g_string_append(lower, "l");
	return TRUE;
}

static gboolean mount_overlay(const StartJob *job, GError **error) {
	g_autoptr(GString) lower = g_string_new(NULL);
	static const char *const folders[] = {"upper", "work", "merged"};
	for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
		if (mkdir(folders[i], 0755) < 0 && errno != EEXIST)
			return failed(error, "cannot make", folders[i]);
	}
	if (!link_layers(job, lower, error))
		return FALSE;
	g_autofree char *options =
		g_strdup_printf("userxattr,lowerdir=%s,upperdir=upper,workdir=work", lower->str);
	if (mount("overlay", "merged", "overlay", 0, options) < 0)
		return failed(error, "cannot mount the image of", job->runtime_id);
	return TRUE;
}

static gboolean is_empty(const char *path) {
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	return folder && !g_dir_read_name(folder);
}

/* Copies what the image has at `path` of its root, which may be a link within it. */
static gboolean copy_from_root(const char *path, const char *target, GError **error) {
	int root = open("merged", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	int fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof how);
	if (root >= 0)
		close(root);
	if (fd < 0)
		return TRUE; /* the image has nothing there */
	fcntl(fd, F_SETFD, 0);
	g_autofree char *from = g_strdup_printf("/proc/self/fd/%d/.", fd);
	const char *const argv[] = {"cp", "-a", "--", from, target, NULL};
	GlassOutput output = {0};
	gboolean ran = glass_program(NULL, argv, NULL, NULL, 0, &output, error);
	if (ran && output.status != 0) {
		g_autofree char *errors =
			g_strndup((const char *)output.errors->data, MIN(output.errors->len, 400));
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot fill %s: %s", path,
			g_strchomp(errors));
		ran = FALSE;
	}
	glass_output_clear(&output);
	close(fd);
	return ran;
}

/* A marker tells a copy that was cut short from a volume in use. */
static gboolean fill(const RootBind *bind, GError **error) {
	g_autofree char *marker = g_strconcat(bind->source, ".filling", NULL);
	int lock = open(bind->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return failed(error, "cannot lock", bind->source);
	gboolean ok = TRUE;
	if (is_empty(bind->source) || g_file_test(marker, G_FILE_TEST_EXISTS)) {
		ok = g_file_set_contents(marker, "", 0, error) &&
		     copy_from_root(bind->path, bind->source, error);
		if (ok)
			unlink(marker);
	}
	close(lock);
	return ok;
}

static gboolean make_bind(const RootBind *bind, GError **error) {
	if (!g_file_test(bind->source, G_FILE_TEST_EXISTS) &&
		g_mkdir_with_parents(bind->source, 0755) < 0)
		return failed(error, "cannot make the volume", bind->source);
	return !bind->fill || fill(bind, error);
}

gboolean root_mount(const StartJob *job, GError **error) {
	if (!mount_overlay(job, error))
		return FALSE;
	for (guint i = 0; i < job->binds->len; i++) {
		if (!make_bind(job->binds->pdata[i], error))
			return FALSE;
	}
	return TRUE;
}

/* ---- inside: /etc ---- */

static void append_hosts(const StartJob *job, GString *text) {
	const TaskSpec *task = job->task;
	g_string_append(text, "127.0.0.1 localhost\n");
	if (task->address && (task->hostname || job->spec->hostname))
		g_string_append_printf(text, "%s %s%s%s\n", task->address,
			job->spec->hostname ? job->spec->hostname : "",
			job->spec->hostname && task->hostname ? " " : "",
			task->hostname ? task->hostname : "");
	for (char **at = job->spec->extra_hosts; at && *at; at++)
		g_string_append_printf(text, "%s\n", *at);
}

static void append_resolver(const StartJob *job, GString *text) {
	const ContainerSpec *spec = job->spec;
	char **servers = spec->dns_servers && *spec->dns_servers ? spec->dns_servers
								 : job->task->dns_servers;
	char **search =
		spec->dns_search && *spec->dns_search ? spec->dns_search : job->task->dns_search;
	for (char **at = servers; at && *at; at++)
		g_string_append_printf(text, "nameserver %s\n", *at);
	if (search && *search) {
		g_autofree char *names = g_strjoinv(" ", search);
		g_string_append_printf(text, "search %s\n", names);
	}
}

gboolean root_write_etc(const StartJob *job, GError **error) {
	g_autoptr(GString) hosts = g_string_new(NULL);
	g_autoptr(GString) resolver = g_string_new(NULL);
	append_hosts(job, hosts);
	append_resolver(job, resolver);
	return g_file_set_contents_full(
		       "hosts", hosts->str, -1, G_FILE_SET_CONTENTS_NONE, 0644, error) &&
	       g_file_set_contents_full(
		       "resolv.conf", resolver->str, -1, G_FILE_SET_CONTENTS_NONE, 0644, error);
}
