/* terrarium up: starts the region, in the background unless told otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "glass/glass.h"
#include "region/internal.h"

#define START_TIMEOUT_S 20

/* Takes the data folder's lock for as long as the process lives; -1 if another one has it. */
static int take_lock(const char *home) {
	g_autofree char *path = g_build_filename(home, "region.lock", NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static gboolean quit(gpointer loop) {
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

/* The glass has ended under a region that runs: the region begins anew, as after a crash, and
 * starts again what the store says. Returns only if that fails. */
static gboolean on_glass_ended(int fd, GIOCondition condition, gpointer data) {
	const RegionOptions *options = data;
	g_autofree char *number = g_strdup_printf("%u", options->port);
	const char *command[8] = {"terrarium", "up", "--foreground", "--port", number};
	if (options->strict)
		command[5] = "--strict";
	g_warning("the glass has ended: the region begins anew");
	execv("/proc/self/exe", (char **)command);
	g_error("the region cannot begin anew: %s", g_strerror(errno));
	return G_SOURCE_REMOVE;
}

static int serve(const RegionOptions *options) {
	const char *home = options->home;
	g_autoptr(GError) error = NULL;
	if (g_mkdir_with_parents(home, 0700) < 0)
		return cli_fail("cannot make the data folder %s: %s", home, g_strerror(errno));
	int lock = take_lock(home);
	if (lock < 0)
		return cli_fail("another region uses the data folder %s (process %d). End it with "
				"terrarium down, "
				"or set TERRARIUM_HOME to another folder.",
			home, cli_region_pid(home));
	g_autoptr(Region) region = region_new(options, &error);
	if (!region) {
		close(lock);
		return cli_fail("%s", error->message);
	}
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	guint on_term = g_unix_signal_add(SIGTERM, quit, loop);
	guint on_int = g_unix_signal_add(SIGINT, quit, loop);
	Glass *glass = region_glass(region);
	guint on_glass = glass ? g_unix_fd_add(glass_pidfd(glass), G_IO_IN, on_glass_ended,
					 (gpointer)options)
			       : 0;
	printf("The region answers at http://127.0.0.1:%u\n", options->port);
	fflush(stdout);
	g_main_loop_run(loop);
	g_clear_handle_id(&on_glass, g_source_remove);
	g_source_remove(on_term);
	g_source_remove(on_int);
	g_clear_pointer(&region, region_free);
	close(lock);
	return 0;
}

/* Becomes the daemon's process: a session of its own, the log for output. */
static void detach(gpointer log) {
	sigset_t none;
	setsid();
	/* Whoever starts it may wait for signals in a thread, and block them. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
	}
}

static int report_failure(const char *log) {
	g_autofree char *text = NULL;
	g_file_get_contents(log, &text, NULL, NULL);
	fprintf(stderr, "%s", text && *text ? text : "Error: the region did not start.\n");
	return 1;
}

static gboolean has_ended(GPid pid) {
	return waitpid(pid, NULL, WNOHANG) != 0;
}

static int start(const RegionOptions *options) {
	const char *home = options->home;
	guint port = options->port;
	if (cli_region_pid(home) && cli_region_answers(port)) {
		printf("The region is up already: http://127.0.0.1:%u\n", port);
		return 0;
	}
	if (cli_region_answers(port))
		return cli_fail("another region, whose data folder is not %s, answers on port %u. "
				"Set TERRARIUM_PORT to another port.",
			home, port);
	if (g_mkdir_with_parents(home, 0700) < 0)
		return cli_fail("cannot make the data folder %s: %s", home, g_strerror(errno));
	g_autofree char *log = g_build_filename(home, "region.log", NULL);
	g_autofree char *number = g_strdup_printf("%u", port);
	const char *command[8] = {"/proc/self/exe", "up", "--foreground", "--port", number};
	guint n = 5;
	if (options->strict)
		command[n++] = "--strict";
	if (options->no_glass)
		command[n++] = "--no-glass";
	g_autoptr(GError) error = NULL;
	GPid pid;
	if (!g_spawn_async(NULL, (char **)command, NULL,
		    G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDIN_FROM_DEV_NULL, detach, log, &pid,
		    &error))
		return cli_fail("%s", error->message);
	for (int tenths = 0; tenths < START_TIMEOUT_S * 10; tenths++) {
		if (has_ended(pid))
			return report_failure(log);
		if (cli_region_answers(port)) {
			printf("The region is up: http://127.0.0.1:%u\n", port);
			return 0;
		}
		g_usleep(G_USEC_PER_SEC / 10);
	}
	return report_failure(log);
}

gboolean cli_ensure_region(void) {
	g_autofree char *home = cli_home();
	guint port = cli_port();
	if (cli_region_answers(port))
		return TRUE;
	RegionOptions options = {.home = home, .port = port};
	return start(&options) == 0;
}

static int run(int argc, char **argv) {
	gboolean foreground = FALSE, strict = FALSE, no_glass = FALSE;
	int port = (int)cli_port();
	const GOptionEntry entries[] = {
		{"foreground", 'f', 0, G_OPTION_ARG_NONE, &foreground, "Stay in the foreground",
			NULL},
		{"port", 'p', 0, G_OPTION_ARG_INT, &port, "Port of the API (4566)", "PORT"},
		{"strict", 0, 0, G_OPTION_ARG_NONE, &strict,
			"Refuse keys that the region did not issue", NULL},
		{"no-glass", 0, 0, G_OPTION_ARG_NONE, &no_glass,
			"Serve the API only: nothing that it describes runs", NULL},
		{NULL},
	};
	if (!cli_parse(&argc, &argv, entries, "Starts the region on this machine."))
		return 1;
	if (port < 1 || port > 65535)
		return cli_fail("%d is no port: one from 1 to 65535 is needed.", port);
	g_autofree char *home = cli_home();
	RegionOptions options = {home, (guint)port, strict, no_glass};
	return foreground ? serve(&options) : start(&options);
}

const CliCommand cli_command_up = {"up", "Start the region", run};
