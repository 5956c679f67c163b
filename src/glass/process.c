/*
 * Processes that stay inside: forked once more than a job, so that glass-init becomes their parent
 * and they outlive whoever started them. They are known by a pidfd, so that a later process of the
 * same number is never taken for one.
 */
#include "glass/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/close_range.h>

struct GlassProcess {
	pid_t pid;
	guint64 start;
	int pidfd;
	guint source;
	GlassProcessEnded ended;
	gpointer data;
};

/* Field 22 of /proc/<pid>/stat. */
guint64 glass_start_of(pid_t pid) {
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid), *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	const char *after = strrchr(text, ')');
	g_auto(GStrv) fields = g_strsplit(after ? after + 2 : "", " ", 21);
	return g_strv_length(fields) > 19 ? g_ascii_strtoull(fields[19], NULL, 10) : 0;
}

/* The process itself: arranges its descriptors and becomes the program. */
G_NORETURN static void become(const GlassSpawn *spawn, int problem) {
	setsid();
	int null = open("/dev/null", O_RDWR), base = 3 + (int)spawn->n_fds;
	int standard[3] = {spawn->input, spawn->output, spawn->errors};
	/* First out of the way of the numbers to be taken, then into place. */
	problem = fcntl(problem, F_DUPFD_CLOEXEC, base);
	g_autofree int *high = g_new(int, base);
	for (int i = 0; i < base; i++) {
		int fd = i >= 3 ? spawn->fds[i - 3] : standard[i] >= 0 ? standard[i] : null;
		high[i] = fcntl(fd, F_DUPFD_CLOEXEC, base);
	}
	for (int i = 0; i < base; i++)
		dup2(high[i], i);
	close_range(base, ~0U, CLOSE_RANGE_CLOEXEC);
	for (gsize i = 0; spawn->environment && spawn->environment[i]; i++)
		putenv((char *)spawn->environment[i]);
	if (!spawn->folder || chdir(spawn->folder) == 0)
		execvp(spawn->argv[0], (char *const *)spawn->argv);
	int code = errno;
	_exit(write(problem, &code, sizeof code) == sizeof code ? 127 : 1);
}

static int make_process(gpointer data, GlassParcel *parcel) {
	const GlassSpawn *spawn = data;
	int problem[2], code;
	if (pipe2(problem, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		become(spawn, problem[1]);
	close(problem[1]);
	if (pid < 0)
		return -1;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	parcel->pid = pid;
	parcel->start = glass_start_of(pid);
	if (read(problem[0], &code, sizeof code) != sizeof code)
		return fd;
	errno = code;
	return -1;
}

static int find_process(gpointer data, GlassParcel *parcel) {
	int fd = (int)syscall(SYS_pidfd_open, parcel->pid, 0);
	struct pollfd ended = {fd, POLLIN};
	if (fd >= 0 && glass_start_of(parcel->pid) == parcel->start && poll(&ended, 1, 0) == 0)
		return fd;
	errno = ENOENT;
	return -1;
}

static gboolean on_ended(int fd, GIOCondition condition, gpointer data) {
	GlassProcess *process = data;
	process->source = 0;
	if (process->ended)
		process->ended(process, process->data);
	return G_SOURCE_REMOVE;
}

static GlassProcess *watch(
	const GlassParcel *parcel, int pidfd, GlassProcessEnded ended, gpointer data) {
	GlassProcess *process = g_new0(GlassProcess, 1);
	*process = (GlassProcess){parcel->pid, parcel->start, pidfd, 0, ended, data};
	process->source = g_unix_fd_add(pidfd, G_IO_IN, on_ended, process);
	return process;
}

GlassProcess *glass_spawn(Glass *glass, const GlassSpawn *spawn, GlassProcessEnded ended,
	gpointer data, GError **error) {
	GlassParcel parcel = {0};
	g_strlcpy(parcel.what, spawn->argv[0], sizeof parcel.what);
	int fd = glass_hand_out(glass, spawn->netns, make_process, (gpointer)spawn, &parcel, error);
	return fd < 0 ? NULL : watch(&parcel, fd, ended, data);
}

GlassProcess *glass_process_adopt(Glass *glass, pid_t pid, guint64 start, GlassProcessEnded ended,
	gpointer data, GError **error) {
	GlassParcel parcel = {.pid = pid, .start = start, .what = "process"};
	g_autoptr(GError) problem = NULL;
	int fd = glass_hand_out(glass, NULL, find_process, NULL, &parcel, &problem);
	if (fd >= 0)
		return watch(&parcel, fd, ended, data);
	if (parcel.errno_value != ENOENT)
		g_propagate_error(error, g_steal_pointer(&problem));
	return NULL;
}

pid_t glass_process_pid(const GlassProcess *process) {
	return process->pid;
}

guint64 glass_process_start(const GlassProcess *process) {
	return process->start;
}

int glass_process_pidfd(const GlassProcess *process) {
	return process->pidfd;
}

gboolean glass_process_signal(GlassProcess *process, int signal, GError **error) {
	if (syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0) == 0)
		return TRUE;
	g_set_error(error, GLASS_ERROR, errno == ESRCH ? GLASS_ERROR_DEAD : GLASS_ERROR_FAILED,
		"cannot signal process %d: %s", process->pid, g_strerror(errno));
	return FALSE;
}

void glass_process_free(GlassProcess *process) {
	if (!process)
		return;
	if (process->source)
		g_source_remove(process->source);
	close(process->pidfd);
	g_free(process);
}
