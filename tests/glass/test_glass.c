/* The glass itself: real namespaces. Run as root and as an ordinary user. */
#include "glass/job.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *home;

static Glass *open_glass(void) {
	g_autoptr(GError) error = NULL;
	Glass *glass = glass_open(home, &error);
	if (!glass && g_error_matches(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED)) {
		g_autofree char *why = g_strdup_printf("no glass here: %s", error->message);
		g_test_skip(why);
		return NULL;
	}
	g_assert_no_error(error);
	return glass;
}

static char *say(Glass *glass, const char *script) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) output = NULL;
	const char *const argv[] = {"sh", "-c", script, NULL};
	glass_run_sync(glass, NULL, argv, NULL, NULL, &output, NULL, &error);
	g_assert_no_error(error);
	gsize length;
	const char *data = g_bytes_get_data(output, &length);
	return g_strchomp(g_strndup(data, length));
}

static void test_run(void) {
	Glass *glass = open_glass();
	if (!glass)
		return;
	g_autoptr(GError) error = NULL;
	g_autofree char *who =
		say(glass, "echo $(id -u) $(cat /proc/1/comm | head -c 4) $(hostname)");
	g_assert_true(g_str_has_prefix(who, "0 "));
	g_assert_true(g_str_has_suffix(who, " terrarium"));
	g_autofree char *folder = glass_make_folder(glass, "data/x", &error);
	g_assert_no_error(error);
	g_assert_cmpstr(folder, ==, GLASS_HOME "/data/x");
	g_autofree char *written = say(glass, "touch " GLASS_HOME "/data/x/f && echo ok");
	g_assert_cmpstr(written, ==, "ok");
	/* What a killed process has made, but not given away. */
	g_autofree char *half = g_build_filename(home, "half", NULL);
	g_assert_cmpint(g_mkdir(half, 0755), ==, 0);
	g_autofree char *whole = glass_make_folder(glass, "half", &error);
	g_assert_no_error(error);
	g_autofree char *given = say(glass, "touch " GLASS_HOME "/half/f && echo ok");
	g_assert_cmpstr(given, ==, "ok");
	int status = 0;
	const char *const bad[] = {"sh", "-c", "echo no >&2; exit 3", NULL};
	g_assert_false(glass_run_sync(glass, NULL, bad, NULL, NULL, NULL, &status, &error));
	g_assert_cmpint(status, ==, 3);
	g_assert_nonnull(strstr(error->message, "no"));
	g_clear_error(&error);
	const char *reason;
	if (!glass_has_egress(glass, &reason))
		g_test_message("no egress: %s", reason);
	glass_destroy(glass, &error);
	g_assert_no_error(error);
}

static void on_done(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	g_assert_false(glass_run_finish(result, NULL, NULL, &error));
	g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
	g_main_loop_quit(data);
}

static gboolean cancel(gpointer data) {
	g_cancellable_cancel(data);
	return G_SOURCE_REMOVE;
}

static void test_cancel(void) {
	Glass *glass = open_glass();
	if (!glass)
		return;
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	const char *const argv[] = {"sleep", "777", NULL};
	glass_run_async(glass, NULL, argv, NULL, NULL, cancellable, on_done, loop);
	g_timeout_add(100, cancel, cancellable);
	g_main_loop_run(loop);
	/* The kernel passes the end on from parent to child: not in the same moment. */
	g_autofree char *left = say(glass,
		"for i in $(seq 100); do pgrep -x sleep >/dev/null || break; sleep 0.1; done; "
		"pgrep -c -x sleep || true");
	g_assert_cmpstr(left, ==, "0");
	g_assert_true(glass_destroy(glass, NULL));
}

static void on_ended(GlassProcess *process, gpointer data) {
	g_main_loop_quit(data);
}

/* A child opens the glass, spawns, and is killed; the glass and the process are adopted. */
static void test_adopt(void) {
	int told[2];
	struct {
		pid_t pid;
		guint64 start;
	} note = {0};
	g_assert_cmpint(pipe(told), ==, 0);
	pid_t child = fork();
	if (child == 0) {
		g_autoptr(Glass) glass = glass_open(home, NULL);
		GlassSpawn spawn = GLASS_SPAWN_INIT;
		spawn.argv = (const char *const[]){"sleep", "60", NULL};
		GlassProcess *process = glass ? glass_spawn(glass, &spawn, NULL, NULL, NULL) : NULL;
		if (process) {
			note.pid = glass_process_pid(process);
			note.start = glass_process_start(process);
		}
		if (write(told[1], &note, sizeof note) < 0)
			_exit(1);
		pause();
	}
	g_assert_cmpint(read(told[0], &note, sizeof note), ==, sizeof note);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	Glass *glass = open_glass();
	if (!glass)
		return;
	g_autoptr(GError) error = NULL;
	g_assert_true(glass_adopted(glass));
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	GlassProcess *process =
		glass_process_adopt(glass, note.pid, note.start, on_ended, loop, &error);
	g_assert_no_error(error);
	g_assert_nonnull(process);
	g_assert_true(glass_process_signal(process, SIGTERM, &error));
	g_main_loop_run(loop);
	glass_process_free(process);
	g_assert_null(glass_process_adopt(glass, note.pid, note.start, NULL, NULL, &error));
	g_assert_no_error(error);
	g_assert_true(glass_destroy(glass, NULL));
	g_assert_true(glass_destroy_home(home, NULL));
}

static void test_sockets(void) {
	Glass *glass = open_glass();
	if (!glass)
		return;
	g_autoptr(GError) error = NULL;
	gint64 began = g_get_monotonic_time();
	int server = glass_listen(glass, NULL, SOCK_STREAM, "127.0.0.1", 80, &error);
	g_assert_no_error(error);
	g_test_message("listen: %" G_GINT64_FORMAT " us", g_get_monotonic_time() - began);
	int client = glass_connect(glass, NULL, SOCK_STREAM, "127.0.0.1", 80, &error);
	g_assert_no_error(error);
	int accepted = accept(server, NULL, NULL);
	g_assert_cmpint(accepted, >=, 0);
	close(accepted);
	close(client);
	close(server);
	GlassSpawn spawn = GLASS_SPAWN_INIT;
	spawn.argv = (const char *const[]){"/no/such/program", NULL};
	g_assert_null(glass_spawn(glass, &spawn, NULL, NULL, &error));
	g_assert_nonnull(error);
	g_assert_true(glass_destroy(glass, NULL));
}

int main(int argc, char **argv) {
	if (argc > 1 && g_str_equal(argv[1], "glass-init"))
		return glass_init_main(argc, argv);
	g_test_init(&argc, &argv, NULL);
	home = g_dir_make_tmp("terrarium-glass-XXXXXX", NULL);
	g_test_add_func("/glass/run", test_run);
	g_test_add_func("/glass/cancel", test_cancel);
	g_test_add_func("/glass/adopt", test_adopt);
	g_test_add_func("/glass/sockets", test_sockets);
	int failed = g_test_run();
	glass_destroy_home(home, NULL);
	const char *const remove[] = {"rm", "-rf", home, NULL};
	g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		NULL);
	g_free(home);
	return failed;
}
