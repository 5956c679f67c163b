/*
 * Programs beside the containers' own: crun exec, watched over by a job inside the glass. The job
 * holds one end of a control socket; whoever started it the other: a size sent over it resizes the
 * terminal, and when that end is closed (or its process killed) the program is killed. crun hands
 * the terminal to the job, which passes bytes between it and the caller's socket.
 */
#include "glass/task_private.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PID_FILE_TRIES 200
#define PID_FILE_WAIT_MS 10

typedef struct {
	guint16 rows, columns;
} ExecSize;

/* ---- inside ---- */

typedef struct {
	int from, to;
	char bytes[8192];
	gsize start, end;
	gboolean over;
} Flow;

typedef struct {
	const ExecJob *job;
	pid_t crun;
	int pidfd, listener, terminal, control;
	char *process, *log, *pid_file, *socket;
	Flow in, out;
	gint64 deadline; /* monotonic; 0: none */
	gboolean timed_out;
	ExecSize size;
} Inside;

/* The program, as numbered in the glass; 0 if there is none. crun writes its number a little after
 * it has started it. */
static pid_t program_of(const Inside *inside) {
	struct pollfd ended = {inside->pidfd, POLLIN};
	for (int i = 0; i < PID_FILE_TRIES; i++) {
		g_autofree char *text = NULL;
		if (g_file_get_contents(inside->pid_file, &text, NULL, NULL) && *text)
			return (pid_t)g_ascii_strtoll(text, NULL, 10);
		if (poll(&ended, 1, PID_FILE_WAIT_MS) != 0)
			return 0;
	}
	return 0;
}

/* With what it has started, as far as that has stayed in its group (crun makes it one). */
static void kill_program(Inside *inside) {
	pid_t pid = program_of(inside);
	pid_t group = pid > 1 ? getpgid(pid) : 0;
	if (group > 1 && group != getpgrp())
		kill(-group, SIGKILL);
	kill(pid > 1 ? pid : inside->crun, SIGKILL);
}

static int listen_at(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		listen(fd, 1) < 0)
		return -1;
	return fd;
}

static gboolean same_name(const char *setting, const char *other) {
	gsize length = strcspn(other, "=") + 1;
	return strncmp(setting, other, length) == 0;
}

/* The container's own environment, in which the given settings win. */
static void add_environment(json_t *list, char **settings) {
	for (char **at = settings; at && *at; at++) {
		for (gsize i = json_array_size(list); i-- > 0;) {
			if (same_name(json_string_value(json_array_get(list, i)), *at))
				json_array_remove(list, i);
		}
		json_array_append_new(list, json_string(*at));
	}
}

/* The process is the container's own (its user, folder, capabilities) but for the command. */
static gboolean write_process(const Inside *inside, GError **error) {
	const ExecJob *job = inside->job;
	g_autofree char *path = g_build_filename(job->folder, "config.json", NULL);
	json_t *config = json_load_file(path, 0, NULL);
	json_t *process = json_object_get(config, "process"), *args = json_array();
	for (char **at = job->command; *at; at++)
		json_array_append_new(args, json_string(*at));
	add_environment(json_object_get(process, "env"), job->environment);
	json_object_set_new(process, "args", args);
	json_object_set_new(process, "terminal", json_boolean(job->terminal));
	int fd = open(inside->process, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	gboolean ok = process && fd >= 0 && json_dumpfd(process, fd, 0) == 0;
	if (fd >= 0)
		close(fd);
	json_decref(config);
	if (!ok)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			"what container %s runs as cannot be told", job->runtime_id);
	return ok;
}

static void remove_files(const Inside *inside) {
	unlink(inside->process);
	unlink(inside->log);
	unlink(inside->pid_file);
	unlink(inside->socket);
}

G_NORETURN static void become_crun(const Inside *inside) {
	const ExecJob *job = inside->job;
	g_autofree char *log = g_strconcat("--log=file:", inside->log, NULL);
	const char *const argv[] = {CRUN, crun_cgroup_manager(job->limits), log, "exec",
		"--pid-file", inside->pid_file, "--process", inside->process,
		job->terminal ? "--console-socket" : job->runtime_id,
		job->terminal ? inside->socket : NULL, job->runtime_id, NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		dup2(job->terminal || job->stdio[i] < 0 ? null : job->stdio[i], i);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static void resize(Inside *inside) {
	struct winsize size = {.ws_row = inside->size.rows, .ws_col = inside->size.columns};
	if (inside->terminal >= 0 && ioctl(inside->terminal, TIOCSWINSZ, &size) < 0)
		g_debug("resize: %s", g_strerror(errno));
}

static void take_terminal(Inside *inside) {
	char byte[256];
	struct iovec part = {byte, sizeof byte};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control.room};
	int peer = accept4(inside->listener, NULL, NULL, SOCK_CLOEXEC);
	gssize n = peer < 0 ? -1 : recvmsg(peer, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&inside->terminal, CMSG_DATA(c), sizeof inside->terminal);
	if (peer >= 0)
		close(peer);
	close(inside->listener);
	inside->listener = -1;
	if (inside->terminal < 0)
		return;
	fcntl(inside->terminal, F_SETFL, O_NONBLOCK);
	fcntl(inside->job->stdio[0], F_SETFL, O_NONBLOCK);
	inside->in = (Flow){.from = inside->job->stdio[0], .to = inside->terminal};
	inside->out = (Flow){.from = inside->terminal, .to = inside->job->stdio[0]};
	resize(inside);
}

/* Moves what can be moved without waiting. */
static void flow(Flow *flow) {
	if (flow->start == flow->end && !flow->over) {
		gssize n = read(flow->from, flow->bytes, sizeof flow->bytes);
		flow->over = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
		flow->start = 0;
		flow->end = n > 0 ? (gsize)n : 0;
	}
	if (flow->start < flow->end) {
		gssize n = write(flow->to, flow->bytes + flow->start, flow->end - flow->start);
		if (n > 0)
			flow->start += (gsize)n;
		else if (errno != EAGAIN && errno != EINTR)
			flow->start = flow->end;
	}
}

static void on_control(Inside *inside) {
	gssize n = recv(inside->control, &inside->size, sizeof inside->size, MSG_DONTWAIT);
	if (n == sizeof inside->size) {
		resize(inside);
	} else if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
		kill_program(inside);
		inside->control = -1;
	}
}

static short wanted(const Flow *flow, gboolean reading) {
	gboolean full = flow->start < flow->end;
	return reading ? (full || flow->over ? 0 : POLLIN) : (full ? POLLOUT : 0);
}

/* Until crun has ended, which is when the program has. */
static void attend(Inside *inside) {
	for (;;) {
		gboolean open = inside->terminal >= 0;
		struct pollfd slots[] = {{inside->pidfd, POLLIN}, {inside->control, POLLIN},
			{inside->listener, POLLIN},
			{open ? inside->terminal : -1,
				(short)(wanted(&inside->out, TRUE) | wanted(&inside->in, FALSE))},
			{open ? inside->job->stdio[0] : -1,
				(short)(wanted(&inside->in, TRUE) | wanted(&inside->out, FALSE))}};
		if (open && inside->in.over)
			slots[4].fd = inside->out.start < inside->out.end ? slots[4].fd : -1;
		if (open && inside->out.over)
			slots[3].fd = -1;
		int wait = -1;
		if (inside->deadline && !inside->timed_out)
			wait = (int)(MAX(inside->deadline - g_get_monotonic_time(), 0) / 1000 + 1);
		if (poll(slots, G_N_ELEMENTS(slots), wait) < 0 && errno != EINTR)
			return;
		if (slots[0].revents)
			return;
		if (inside->deadline && !inside->timed_out &&
			g_get_monotonic_time() >= inside->deadline) {
			inside->timed_out = TRUE;
			kill_program(inside);
		}
		if (slots[1].revents)
			on_control(inside);
		if (slots[2].revents)
			take_terminal(inside);
		if (open && (slots[3].revents || slots[4].revents)) {
			gboolean before = inside->in.over;
			flow(&inside->in);
			flow(&inside->out);
			if (inside->in.over && !before)
				kill_program(inside); /* nobody is at the terminal any more */
		}
	}
}

/* What the program wrote last, as far as it can be had without waiting long. */
static void drain(Inside *inside) {
	if (inside->terminal < 0)
		return;
	fcntl(inside->job->stdio[0], F_SETFL, 0);
	do
		flow(&inside->out);
	while (inside->out.start < inside->out.end);
	for (gsize before = 1; before > 0 && !inside->out.over;) {
		flow(&inside->out);
		before = inside->out.end;
		inside->out.end = inside->out.start = 0;
	}
}

static GBytes *conclude(Inside *inside, GError **error) {
	int status = 0;
	while (waitpid(inside->crun, &status, 0) < 0 && errno == EINTR)
		;
	gint32 code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	g_autofree char *words = NULL;
	g_file_get_contents(inside->log, &words, NULL, NULL);
	gboolean started = g_file_test(inside->pid_file, G_FILE_TEST_EXISTS);
	remove_files(inside);
	if (inside->timed_out) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "it took too long");
		return NULL;
	}
	if (!started && code != 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
			words && *words ? g_strchomp(words) : "it could not be started");
		return NULL;
	}
	return g_bytes_new(&code, sizeof code);
}

static GBytes *exec_inside(gpointer data, GError **error) {
	const ExecJob *job = data;
	Inside inside = {.job = job,
		.listener = -1,
		.terminal = -1,
		.control = job->control,
		.size = {(guint16)job->rows, (guint16)job->columns}};
	g_autofree char *base = g_strdup_printf("/run/terrarium-exec-%d", getpid());
	g_autofree char *log = inside.log = g_strconcat(base, ".log", NULL);
	g_autofree char *pid_file = inside.pid_file = g_strconcat(base, ".pid", NULL);
	g_autofree char *path = inside.socket = g_strconcat(base, ".sock", NULL);
	g_autofree char *process = inside.process = g_strconcat(base, ".json", NULL);
	remove_files(&inside);
	signal(SIGPIPE, SIG_IGN);
	if (!write_process(&inside, error)) {
		remove_files(&inside);
		return NULL;
	}
	if (job->terminal && (inside.listener = listen_at(path)) < 0) {
		g_set_error(
			error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
		remove_files(&inside);
		return NULL;
	}
	if (job->timeout > 0)
		inside.deadline = g_get_monotonic_time() + job->timeout * G_TIME_SPAN_MILLISECOND;
	inside.crun = fork();
	if (inside.crun == 0)
		become_crun(&inside);
	inside.pidfd = (int)syscall(SYS_pidfd_open, inside.crun, 0);
	for (int i = 0; i < 3; i++) {
		if (!job->terminal && job->stdio[i] > 2)
			close(job->stdio[i]); /* the program alone holds them */
	}
	attend(&inside);
	drain(&inside);
	return conclude(&inside, error);
}

/* ---- outside ---- */

void exec_job_async(
	Tasks *tasks, const ExecJob *job, GAsyncReadyCallback callback, gpointer user_data) {
	const int fds[] = {job->control, job->stdio[0], job->stdio[1], job->stdio[2]};
	glass_job_fds_async(tasks->glass, NULL, exec_inside, (gpointer)job, fds, G_N_ELEMENTS(fds),
		NULL, callback, user_data);
}

gboolean exec_job_finish(GAsyncResult *result, int *exit_code, GError **error) {
	g_autoptr(GBytes) answer = glass_job_finish(result, error);
	gint32 code;
	if (!answer)
		return FALSE;
	memcpy(&code, g_bytes_get_data(answer, NULL), sizeof code);
	*exit_code = code;
	return TRUE;
}

struct TaskExec {
	Tasks *tasks; /* NULL: dropped */
	Task *task;
	int control;
	TaskExecDone done;
	gpointer data;
};

static void close_control(TaskExec *exec) {
	if (exec->control >= 0)
		close(exec->control);
	exec->control = -1;
}

static void on_exec(GObject *source, GAsyncResult *result, gpointer data) {
	TaskExec *exec = data;
	g_autoptr(GError) error = NULL;
	int exit_code = -1;
	exec_job_finish(result, &exit_code, &error);
	if (exec->tasks) {
		g_ptr_array_remove(exec->tasks->execs, exec);
		exec->done(exec, exit_code, error, exec->data);
	}
	close_control(exec);
	g_free(exec);
}

void task_execs_drop(Tasks *tasks, Task *task) {
	for (guint i = tasks->execs->len; i-- > 0;) {
		TaskExec *exec = tasks->execs->pdata[i];
		if (task && exec->task != task)
			continue;
		close_control(exec);
		exec->tasks = NULL;
		g_ptr_array_remove_index_fast(tasks->execs, i);
	}
}

/* Makes the caller's ends and the job's. */
static gboolean make_ends(gboolean terminal, int mine[3], int its[3]) {
	int pair[2];
	for (int i = 0; i < 3; i++)
		mine[i] = its[i] = -1;
	if (terminal) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			return FALSE;
		mine[0] = pair[0];
		its[0] = pair[1];
		return TRUE;
	}
	for (int i = 0; i < 3; i++) {
		if (pipe2(pair, O_CLOEXEC) < 0)
			return FALSE;
		mine[i] = pair[i == 0];
		its[i] = pair[i != 0];
	}
	return TRUE;
}

static void close_all(const int *fds, gsize n) {
	for (gsize i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

TaskExec *task_exec(Task *task, const char *name, char **command, char **environment,
	gboolean terminal, int rows, int columns, int fds[3], TaskExecDone done, gpointer data,
	GError **error) {
	Container *container = task_find_container(task, name);
	if (!container || container->phase != PHASE_RUNNING || !*command) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			container ? "container %s is not running" : "there is no container %s",
			name);
		return NULL;
	}
	int its[3], control[2] = {-1, -1};
	if (!make_ends(terminal, fds, its) ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"cannot start a program in %s: %s", name, g_strerror(errno));
		close_all(fds, 3);
		close_all(its, 3);
		return NULL;
	}
	TaskExec *exec = g_new0(TaskExec, 1);
	*exec = (TaskExec){task->tasks, task, control[0], done, data};
	g_ptr_array_add(task->tasks->execs, exec);
	ExecJob job = {
		.runtime_id = container->runtime_id,
		.folder = container->folder,
		.command = command,
		.environment = environment,
		.terminal = terminal,
		.limits = glass_limits_enforced(task->tasks->glass, NULL),
		.rows = rows,
		.columns = columns,
		.stdio = {its[0], its[1], its[2]},
		.control = control[1],
	};
	exec_job_async(task->tasks, &job, on_exec, exec);
	close_all(its, 3);
	close(control[1]);
	return exec;
}

void task_exec_resize(TaskExec *exec, int rows, int columns) {
	const ExecSize size = {(guint16)rows, (guint16)columns};
	if (exec->control >= 0 && send(exec->control, &size, sizeof size, MSG_NOSIGNAL) < 0)
		g_debug("resize: %s", g_strerror(errno));
}

void task_exec_kill(TaskExec *exec) {
	close_control(exec);
}
