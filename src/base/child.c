/* See child.h. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 3000
#define PIECE 8192

/* ---- the environment ---- */

static char **settings_of_all;

void child_set_environment(const char *const *settings) {
	g_strfreev(settings_of_all);
	settings_of_all = g_strdupv((char **)settings);
}

static char **unset_all(char **environment, const char *pattern) {
	gsize length = strlen(pattern) - 1;
	g_auto(GStrv) before = g_strdupv(environment);
	for (char **each = before; *each; each++) {
		g_autofree char *name = g_strndup(*each, strcspn(*each, "="));
		if (strncmp(name, pattern, length) == 0)
			environment = g_environ_unsetenv(environment, name);
	}
	return environment;
}

char **child_environment(void) {
	char **environment = g_get_environ();
	for (char **each = settings_of_all; each && *each; each++) {
		const char *equals = strchr(*each, '=');
		g_autofree char *name = g_strndup(*each, strcspn(*each, "="));
		environment = equals ? g_environ_setenv(environment, name, equals + 1, TRUE)
			      : g_str_has_suffix(name, "*") ? unset_all(environment, name)
							    : g_environ_unsetenv(environment, name);
	}
	return environment;
}

/* ---- the start ---- */

typedef struct {
	const ChildProgram *program;
	GPid pid;
	int ended; /* a pidfd */
	int input, streams[2]; /* our ends; -1: closed */
	gsize written;
	gint64 deadline; /* monotonic, in µs: when it is killed; 0: not asked to end */
	gboolean killed;
} Child;

/* In the child. This process blocks signals that the program must get. */
static void prepare(gpointer nothing) {
	sigset_t none;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_fd(int *fd) {
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* What went wrong before the program ran. */
static void explain(const ChildProgram *program, GError **error) {
	static const struct {
		GSpawnError code;
		const char *text;
	} known[] = {{G_SPAWN_ERROR_NOENT, "no such file or directory"},
		{G_SPAWN_ERROR_ACCES, "permission denied"},
		{G_SPAWN_ERROR_NOEXEC, "exec format error"},
		{G_SPAWN_ERROR_TOO_BIG, "argument list too long"}};
	const char *file = program->argv[0];
	if (g_error_matches(*error, G_SPAWN_ERROR, G_SPAWN_ERROR_CHDIR)) {
		g_clear_error(error);
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "chdir %s: %s", program->dir,
			g_file_test(program->dir, G_FILE_TEST_EXISTS)
				? "not a directory"
				: "no such file or directory");
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
		if (!g_error_matches(*error, G_SPAWN_ERROR, (int)known[i].code))
			continue;
		gboolean searched = !strchr(file, '/');
		g_clear_error(error);
		if (searched && known[i].code == G_SPAWN_ERROR_NOENT)
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
				"exec: \"%s\": executable file not found in $PATH", file);
		else
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "fork/exec %s: %s", file,
				known[i].text);
		return;
	}
}

static gboolean start(Child *child, GError **error) {
	const ChildProgram *program = child->program;
	int input[2] = {-1, -1}, output[2] = {-1, -1}, errors[2] = {-1, -1};
	gboolean piped = g_unix_open_pipe(output, FD_CLOEXEC, error) &&
			 (!program->input || g_unix_open_pipe(input, FD_CLOEXEC, error)) &&
			 (program->joined || g_unix_open_pipe(errors, FD_CLOEXEC, error));
	gboolean fine =
		piped &&
		g_spawn_async_with_pipes_and_fds(program->dir, program->argv, program->environment,
			G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, prepare, NULL, input[0],
			output[1], program->joined ? output[1] : errors[1], NULL, NULL, 0,
			&child->pid, NULL, NULL, NULL, error);
	close_fd(&input[0]);
	close_fd(&output[1]);
	close_fd(&errors[1]);
	child->input = input[1];
	child->streams[CHILD_OUTPUT] = output[0];
	child->streams[CHILD_ERRORS] = errors[0];
	if (fine) {
		child->ended = (int)syscall(SYS_pidfd_open, child->pid, 0);
		if (child->input >= 0)
			g_unix_set_fd_nonblocking(child->input, TRUE, NULL);
		return TRUE;
	}
	if (piped)
		explain(program, error);
	return FALSE;
}

/* ---- while it runs ---- */

static void take_output(Child *child, ChildStream stream) {
	char piece[PIECE];
	ssize_t length = read(child->streams[stream], piece, sizeof piece);
	if (length > 0)
		child->program->took(stream, piece, (gsize)length, child->program->data);
	else if (length == 0 || errno != EINTR)
		close_fd(&child->streams[stream]);
}

/* write(2) without a SIGPIPE when nobody reads. */
static ssize_t write_quietly(int fd, const char *text, gsize length) {
	sigset_t pipe, before;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	ssize_t written = write(fd, text, length);
	int problem = errno;
	if (written < 0 && problem == EPIPE)
		sigtimedwait(&pipe, NULL, &(struct timespec){0});
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = problem;
	return written;
}

static void give_input(Child *child) {
	const char *text = child->program->input + child->written;
	gsize left = strlen(text);
	ssize_t length = write_quietly(child->input, text, left);
	if (length > 0)
		child->written += (gsize)length;
	if ((length > 0 && (gsize)length == left) || (length < 0 && errno != EAGAIN))
		close_fd(&child->input);
}

static void end_it(Child *child) {
	gint64 now = g_get_monotonic_time();
	if (child->deadline == 0) {
		child->deadline = now + GRACE_MS * 1000;
		kill(-child->pid, SIGTERM);
	} else if (now >= child->deadline && !child->killed) {
		child->killed = TRUE;
		kill(-child->pid, SIGKILL);
	}
}

/* Waits for one thing to happen, and sees to it. FALSE when all is over. */
static gboolean attend(Child *child, GCancellable *cancellable) {
	enum { ENDED, OUTPUT, ERRORS, INPUT, CANCELLED, N };
	gboolean done = child->ended < 0 && child->streams[0] < 0 && child->streams[1] < 0;
	/* Somebody who was not in its group may still hold its streams. */
	if (done || (child->killed && child->ended < 0))
		return FALSE;
	GPollFD cancelled = {.fd = -1};
	gboolean ending = g_cancellable_is_cancelled(cancellable);
	gboolean told = !ending && g_cancellable_make_pollfd(cancellable, &cancelled);
	struct pollfd fds[N] = {[ENDED] = {child->ended, POLLIN},
		[OUTPUT] = {child->streams[CHILD_OUTPUT], POLLIN},
		[ERRORS] = {child->streams[CHILD_ERRORS], POLLIN},
		[INPUT] = {child->input, POLLOUT},
		[CANCELLED] = {cancelled.fd, POLLIN}};
	if (ending)
		end_it(child);
	poll(fds, N, ending ? 100 : -1);
	if (told)
		g_cancellable_release_fd(cancellable);
	if (fds[OUTPUT].revents)
		take_output(child, CHILD_OUTPUT);
	if (fds[ERRORS].revents)
		take_output(child, CHILD_ERRORS);
	if (fds[INPUT].revents)
		give_input(child);
	if (fds[ENDED].revents)
		close_fd(&child->ended);
	return TRUE;
}

static gboolean judge(int status, GError **error) {
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	if (WIFEXITED(status)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "exit status %d",
			WEXITSTATUS(status));
		return FALSE;
	}
	g_autofree char *name = g_ascii_strdown(strsignal(WTERMSIG(status)), -1);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "signal: %s", name);
	return FALSE;
}

gboolean child_run(const ChildProgram *program, GCancellable *cancellable, GError **error) {
	Child child = {.program = program, .ended = -1};
	gboolean started = start(&child, error);
	while (started && attend(&child, cancellable))
		;
	int status = 0;
	while (started && waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
		;
	close_fd(&child.input);
	close_fd(&child.streams[0]);
	close_fd(&child.streams[1]);
	return started && judge(status, error);
}
