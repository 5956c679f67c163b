/*
 * Entering the glass: what a child process does to be inside, and how it runs a program there.
 * Relies on the pidfd of the glass's init; everything here runs in children, never in the process
 * that holds the main loop.
 */
#include "glass/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static gboolean failed(GError **error, const char *what) {
	g_set_error(error, GLASS_ERROR, errno == ESRCH ? GLASS_ERROR_DEAD : GLASS_ERROR_FAILED,
		"%s: %s", what, g_strerror(errno));
	return FALSE;
}

gboolean glass_join_netns(const char *netns, GError **error) {
	g_autofree char *path = g_build_filename("/run/netns", netns, NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) {
		g_autofree char *what = g_strdup_printf("network namespace %s", netns);
		return failed(error, what);
	}
	close(fd);
	return TRUE;
}

static void reset_signals(void) {
	sigset_t none;
	sigemptyset(&none);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

gboolean glass_enter(Glass *glass, int flags, const char *netns, GError **error) {
	reset_signals();
	if (setns(glass_pidfd(glass), flags) < 0)
		return failed(error, "cannot enter the glass");
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return failed(error, "cannot become root inside");
	if (netns && !glass_join_netns(netns, error))
		return FALSE;
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LANG", "C.UTF-8", 1);
	umask(022);
	return chdir("/") == 0 || failed(error, "cannot enter /");
}

G_NORETURN static void execute(const char *netns, const char *const *argv,
	const char *const *environment, int input, int output, int errors) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	g_autoptr(GError) error = NULL;
	dup2(input, 0);
	dup2(output, 1);
	dup2(errors, 2);
	if (netns && !glass_join_netns(netns, &error)) {
		dprintf(2, "%s\n", error->message);
		_exit(126);
	}
	for (gsize i = 0; environment && environment[i]; i++)
		putenv(g_strdup(environment[i]));
	execvp(argv[0], (char *const *)argv);
	dprintf(2, "%s: %s\n", argv[0], g_strerror(errno));
	_exit(127);
}

static void take_output(struct pollfd *slot, GByteArray *into) {
	guint8 part[16384];
	gssize n = read(slot->fd, part, sizeof part);
	if (n > 0) {
		g_byte_array_append(into, part, n);
	} else if (n == 0 || errno != EINTR) {
		close(slot->fd);
		slot->fd = -1;
	}
}

static void exchange(
	int input, int output, int errors, const char *text, gsize left, GlassOutput *result) {
	struct pollfd slots[3] = {{input, POLLOUT}, {output, POLLIN}, {errors, POLLIN}};
	signal(SIGPIPE, SIG_IGN);
	fcntl(input, F_SETFL, O_NONBLOCK);
	while (slots[1].fd >= 0 || slots[2].fd >= 0) {
		if (slots[0].fd >= 0 && left == 0) {
			close(slots[0].fd);
			slots[0].fd = -1;
		}
		if (poll(slots, 3, -1) < 0)
			continue;
		if (slots[0].fd >= 0 && slots[0].revents) {
			gssize n = write(slots[0].fd, text, left);
			if (n > 0) {
				text += n;
				left -= n;
			} else if (errno != EAGAIN && errno != EINTR) {
				left = 0;
			}
		}
		if (slots[1].fd >= 0 && slots[1].revents)
			take_output(&slots[1], result->output);
		if (slots[2].fd >= 0 && slots[2].revents)
			take_output(&slots[2], result->errors);
	}
	if (slots[0].fd >= 0)
		close(slots[0].fd);
}

gboolean glass_program(const char *netns, const char *const *argv, const char *const *environment,
	const char *input, gsize input_length, GlassOutput *output, GError **error) {
	int in[2], out[2], err[2];
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		return failed(error, "pipe");
	output->output = g_byte_array_new();
	output->errors = g_byte_array_new();
	pid_t pid = fork();
	if (pid == 0)
		execute(netns, argv, environment, in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	if (pid < 0)
		return failed(error, "fork");
	exchange(in[1], out[0], err[0], input, input_length, output);
	int status;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	output->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return TRUE;
}

void glass_output_clear(GlassOutput *output) {
	g_clear_pointer(&output->output, g_byte_array_unref);
	g_clear_pointer(&output->errors, g_byte_array_unref);
}
