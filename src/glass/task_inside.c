/*
 * The jobs that start, clean up and remove containers, inside the glass. Each holds the lock of the
 * container's folder, and each can be killed anywhere and run again: a start that finds a record
 * of an earlier one answers with it, one that finds none removes what is left and begins anew.
 * Relies on conmon, which outlives everyone, and crun.
 */
#include "glass/enter.h"
#include "glass/task_private.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD "record"
#define CATATONIT "/usr/bin/catatonit"
#define CONMON_END_MS 3000
#define MESSAGE_LIMIT 65536

const char *crun_cgroup_manager(gboolean limits) {
	return limits ? "--cgroup-manager=cgroupfs" : "--cgroup-manager=disabled";
}

static gboolean failed(GError **error, const char *what, const char *path) {
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s %s: %s", what, path,
		g_strerror(errno));
	return FALSE;
}

/* Makes the folder the working one and locks it; the lock goes with the process. */
static gboolean enter_folder(const char *folder, GError **error) {
	if (chdir(folder) < 0)
		return failed(error, "cannot enter", folder);
	int lock = open("lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	struct stat status;
	if (lock < 0 || flock(lock, LOCK_EX) < 0 || fstat(lock, &status) < 0)
		return failed(error, "cannot lock", folder);
	if (status.st_nlink > 0)
		return TRUE;
	errno = ENOENT; /* removed while this waited */
	return failed(error, "cannot lock", folder);
}

static gboolean crun(const char *const *argv, char **output, GError **error) {
	GlassOutput result = {0};
	if (!glass_program(NULL, argv, NULL, NULL, 0, &result, error))
		return FALSE;
	gboolean ok = result.status == 0;
	g_autofree char *errors =
		g_strndup((const char *)result.errors->data, MIN(result.errors->len, 1000));
	if (output)
		*output = g_strndup((const char *)result.output->data, result.output->len);
	if (!ok)
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "%s", g_strchomp(errors));
	glass_output_clear(&result);
	return ok;
}

static gint64 read_number(const char *path) {
	g_autofree char *text = NULL;
	return g_file_get_contents(path, &text, NULL, NULL) ? g_ascii_strtoll(text, NULL, 10) : 0;
}

/* A pidfd of the conmon that supervises here, or -1. */
static int find_conmon(const char *runtime_id) {
	pid_t pid = (pid_t)read_number("conmon.pid");
	int fd = pid > 1 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (fd < 0)
		return -1;
	g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid), *line = NULL;
	gsize length = 0;
	g_file_get_contents(path, &line, &length, NULL);
	if (line && memmem(line, length, runtime_id, strlen(runtime_id) + 1))
		return fd;
	close(fd);
	return -1;
}

/* Ends the container, then its supervisor, and unmounts its root. */
static void clean(const char *runtime_id, gboolean limits) {
	int conmon = find_conmon(runtime_id);
	struct pollfd ended = {conmon, POLLIN};
	const char *const argv[] = {
		CRUN, crun_cgroup_manager(limits), "delete", "-f", runtime_id, NULL};
	g_autofree char *state = g_build_filename("/run/crun", runtime_id, NULL);
	if (g_file_test(state, G_FILE_TEST_EXISTS))
		crun(argv, NULL, NULL);
	if (conmon >= 0) {
		/* It ends by itself when its container has; one that only was to create it may
		 * not. */
		if (poll(&ended, 1, CONMON_END_MS) != 1)
			syscall(SYS_pidfd_send_signal, conmon, SIGKILL, NULL, 0);
		close(conmon);
	}
	if (g_file_test(state, G_FILE_TEST_EXISTS))
		crun(argv, NULL, NULL);
	while (umount2("merged", MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	root_unlink_layers();
}

/* ---- starting ---- */

static GVariant *read_record(void) {
	g_autofree char *data = NULL;
	gsize length;
	if (!g_file_get_contents(RECORD, &data, &length, NULL))
		return NULL;
	g_autoptr(GBytes) bytes = g_bytes_new(data, length);
	g_autoptr(GVariant) record = g_variant_ref_sink(
		g_variant_new_from_bytes(G_VARIANT_TYPE(START_RECORD), bytes, FALSE));
	return g_variant_is_normal_form(record) ? g_steal_pointer(&record) : NULL;
}

static gboolean write_config(const StartJob *job, GPtrArray *differences, GError **error) {
	struct rlimit files = {0};
	getrlimit(RLIMIT_NOFILE, &files);
	g_autofree char *root = g_build_filename(job->folder, "merged", NULL);
	g_autofree char *network = g_build_filename("/run/netns", job->task->owner, NULL);
	g_autofree char *hosts = g_build_filename(job->folder, "hosts", NULL);
	g_autofree char *resolver = g_build_filename(job->folder, "resolv.conf", NULL);
	g_autoptr(GPtrArray) mounts = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < job->binds->len; i++) {
		const RootBind *bind = job->binds->pdata[i];
		ContainerMount *mount = g_new0(ContainerMount, 1);
		*mount = (ContainerMount){bind->source, bind->path, bind->read_only};
		g_ptr_array_add(mounts, mount);
	}
	OciPlace place = {
		.root = root,
		.network = network,
		.hostname = job->task->hostname,
		.hosts = hosts,
		.resolv_conf = resolver,
		.init = g_file_test(CATATONIT, G_FILE_TEST_IS_EXECUTABLE) ? CATATONIT : NULL,
		.binds = mounts,
		.limits = job->limits,
		.file_limit = files.rlim_max == RLIM_INFINITY ? 0 : (gint64)files.rlim_max,
	};
	ContainerSpec spec = *job->spec;
	if (job->limits && spec.memory <= 0)
		spec.memory = job->task->memory;
	g_autofree char *config = oci_config(&spec, job->image, &place, differences, error);
	return config && g_file_set_contents_full(
				 "config.json", config, -1, G_FILE_SET_CONTENTS_NONE, 0600, error);
}

G_NORETURN static void become_conmon(const StartJob *job, int sync) {
	g_autofree char *number = g_strdup_printf("%d", sync);
	g_autofree char *log = g_strdup_printf("k8s-file:%s/log", job->folder);
	g_autofree char *conmon_pid = g_build_filename(job->folder, "conmon.pid", NULL);
	g_autofree char *pid = g_build_filename(job->folder, "pid", NULL);
	g_autofree char *runtime = g_find_program_in_path("crun");
	const char *argv[48] = {"conmon", "--api-version", "1", "-c", job->runtime_id, "-u",
		job->runtime_id, "-n", job->runtime_id, "-r", runtime ? runtime : "/usr/bin/crun",
		"-b", job->folder, "-p", pid, "-P", conmon_pid, "--exit-dir", job->folder,
		"--persist-dir", job->folder, "-l", log, "--full-attach", "--no-sync-log",
		"--runtime-arg", "--root", "--runtime-arg", "/run/crun", "--runtime-arg",
		crun_cgroup_manager(job->limits)};
	gsize n = 0;
	while (argv[n])
		n++;
	if (job->spec->pseudo_terminal)
		argv[n++] = "-t";
	if (job->spec->interactive) {
		argv[n++] = "-i";
		argv[n++] = "--leave-stdin-open";
	}
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	fcntl(sync, F_SETFD, 0);
	setenv("_OCI_SYNCPIPE", number, 1);
	execvp(argv[0], (char *const *)argv);
	dprintf(sync, "{\"data\": -1, \"message\": \"conmon: %s\"}\n", strerror(errno));
	_exit(127);
}

/* The first line that conmon says: conmon itself keeps the pipe open. */
static char *read_line(int fd) {
	GString *text = g_string_new(NULL);
	char part[512];
	while (text->len < MESSAGE_LIMIT && !strchr(text->str, '\n')) {
		gssize n = read(fd, part, sizeof part);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		if (n > 0)
			g_string_append_len(text, part, n);
	}
	return g_string_free(text, FALSE);
}

static gboolean create(const StartJob *job, GError **error) {
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return failed(error, "pipe for", job->runtime_id);
	pid_t pid = fork();
	if (pid == 0)
		become_conmon(job, ends[1]);
	close(ends[1]);
	g_autofree char *line = read_line(ends[0]);
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	json_t *answer = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	gint64 data = json_integer_value(json_object_get(answer, "data"));
	const char *message = json_string_value(json_object_get(answer, "message"));
	if (data <= 0) {
		g_autofree char *words = g_strchomp(g_strdup(
			message && *message ? message : "conmon ended without creating it"));
		g_set_error_literal(error, GLASS_ERROR, GLASS_ERROR_FAILED, words);
	}
	json_decref(answer);
	return data > 0;
}

static GVariant *write_record(GPtrArray *differences, GError **error) {
	pid_t conmon = (pid_t)read_number("conmon.pid");
	g_autoptr(GVariant) record = g_variant_ref_sink(
		g_variant_new("(itx@as)", conmon, glass_start_of(conmon), g_get_real_time(),
			g_variant_new_strv((const char *const *)differences->pdata,
				(gssize)differences->len)));
	return g_file_set_contents_full(RECORD, g_variant_get_data(record),
		       (gssize)g_variant_get_size(record), G_FILE_SET_CONTENTS_CONSISTENT, 0644,
		       error)
		       ? g_steal_pointer(&record)
		       : NULL;
}

static gboolean run(const StartJob *job, GError **error) {
	const char *const argv[] = {
		CRUN, crun_cgroup_manager(job->limits), "start", job->runtime_id, NULL};
	return crun(argv, NULL, error);
}

static GVariant *start_anew(const StartJob *job, GError **error) {
	g_autoptr(GPtrArray) differences = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GVariant) record = NULL;
	clean(job->runtime_id, job->limits);
	static const char *const leftovers[] = {"log", "position", "exit", "oom", "conmon.pid"};
	for (gsize i = 0; i < G_N_ELEMENTS(leftovers); i++)
		unlink(leftovers[i]);
	unlink(job->runtime_id);
	if (root_write_etc(job, error) && root_mount(job, error) &&
		write_config(job, differences, error) && create(job, error) &&
		(record = write_record(differences, error)) && run(job, error))
		return g_steal_pointer(&record);
	unlink(RECORD);
	clean(job->runtime_id, job->limits);
	return NULL;
}

/* It was created; whether it was also started was not written down. */
static gboolean finish_start(const StartJob *job) {
	const char *const argv[] = {
		CRUN, crun_cgroup_manager(job->limits), "state", job->runtime_id, NULL};
	g_autofree char *text = NULL;
	if (!crun(argv, &text, NULL))
		return TRUE; /* it has ended */
	json_t *state = json_loads(text, 0, NULL);
	const char *status = json_string_value(json_object_get(state, "status"));
	gboolean created = g_strcmp0(status, "created") == 0;
	json_decref(state);
	return !created || run(job, NULL);
}

GBytes *start_job(gpointer data, GError **error) {
	const StartJob *job = data;
	if (!enter_folder(job->folder, error))
		return NULL;
	g_autoptr(GVariant) record = read_record();
	if (record) {
		finish_start(job);
	} else if (job->image) {
		record = start_anew(job, error);
	} else {
		clean(job->runtime_id, job->limits);
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s was not started",
			job->runtime_id);
	}
	return record ? g_variant_get_data_as_bytes(record) : NULL;
}

/* ---- ending ---- */

GBytes *clean_job(gpointer data, GError **error) {
	const CleanJob *job = data;
	if (!enter_folder(job->folder, error))
		return NULL;
	clean(job->runtime_id, job->limits);
	return g_bytes_new(NULL, 0);
}

static gboolean is_number(const char *name) {
	return *name && strspn(name, "0123456789") == strlen(name);
}

static gboolean remove_task(const char *id, gboolean limits, GError **error) {
	g_autofree char *path = g_build_filename(GLASS_HOME "/" TASKS_FOLDER, id, NULL);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name;
	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *container = g_build_filename(path, name, NULL);
		g_autofree char *runtime_id = g_strdup_printf("%s-%s", id, name);
		if (!is_number(name))
			continue;
		if (!enter_folder(container, error))
			return FALSE;
		clean(runtime_id, limits);
	}
	if (chdir("/") < 0)
		return failed(error, "cannot enter", "/");
	/* Never into a mount: what is bound there is not the task's own. */
	const char *const argv[] = {"rm", "-rf", "--one-file-system", "--", path, NULL};
	return crun(argv, NULL, error);
}

GBytes *remove_job(gpointer data, GError **error) {
	const RemoveJob *job = data;
	gboolean ok = TRUE;
	for (char **id = job->ids; *id; id++)
		ok = remove_task(*id, job->limits, ok ? error : NULL) && ok;
	return ok ? g_bytes_new(NULL, 0) : NULL;
}
