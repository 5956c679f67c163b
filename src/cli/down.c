/* terrarium down: ends the region, and with --purge removes its data. */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "base/files.h"
#include "cli/cli.h"
#include "glass/glass.h"
#include "glass/job.h"

#define STOP_TIMEOUT_S 30

/* One that its parent has not waited for yet has ended too. */
static gboolean has_ended(int pid) {
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return kill(pid, 0) < 0;
	const char *state = strrchr(text, ')');
	return state && g_str_has_prefix(state, ") Z");
}

static gboolean stop(const char *home, int pid) {
	if (kill(pid, SIGTERM) < 0 && errno != ESRCH) {
		cli_fail("cannot end process %d: %s", pid, g_strerror(errno));
		return FALSE;
	}
	for (int tenths = 0; tenths < STOP_TIMEOUT_S * 10; tenths++) {
		if (cli_region_pid(home) == 0 && has_ended(pid))
			return TRUE;
		g_usleep(G_USEC_PER_SEC / 10);
	}
	cli_fail("the region (process %d) does not end.", pid);
	return FALSE;
}

/* Folders that hold files of the glass's own users, which an ordinary user cannot remove: so they
 * are emptied from inside. */
static const char *const inner_folders[] = {
	"blobs", "layers", "containers", "tasks", "balancers", "databases", "builds"};

static gboolean empty_folders(const char *home, GError **error) {
	g_autofree char *record = g_build_filename(home, "glass.ini", NULL);
	if (!g_file_test(record, G_FILE_TEST_EXISTS))
		return TRUE;
	g_autoptr(Glass) glass = glass_open(home, error);
	if (!glass)
		return FALSE;
	g_autoptr(GPtrArray) command = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(command, g_strdup("rm"));
	g_ptr_array_add(command, g_strdup("-rf"));
	for (guint i = 0; i < G_N_ELEMENTS(inner_folders); i++)
		g_ptr_array_add(command, g_build_filename(GLASS_HOME, inner_folders[i], NULL));
	g_ptr_array_add(command, NULL);
	/* What the region itself owns there is not root's inside: it is left to the outside. */
	glass_run_sync(
		glass, NULL, (const char *const *)command->pdata, NULL, NULL, NULL, NULL, NULL);
	return glass_destroy(g_steal_pointer(&glass), error);
}

/* Removes only what the region makes: the folder may hold what is somebody else's. */
static gboolean purge(const char *home, GError **error) {
	static const char *const files[] = {"region.sqlite", "region.sqlite-wal",
		"region.sqlite-shm", "region.log", "region.lock", "root-credentials", "glass.ini",
		"glass.lock", "tun"};
	static const char *const folders[] = {"codepipeline", "git", "s3"}; /* the region's own */
	if (!empty_folders(home, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(inner_folders); i++) {
		g_autofree char *path = g_build_filename(home, inner_folders[i], NULL);
		files_remove(path);
	}
	for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(home, folders[i], NULL);
		files_remove(path);
	}
	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = g_build_filename(home, files[i], NULL);
		g_unlink(path);
	}
	g_rmdir(home);
	return TRUE;
}

static int run(int argc, char **argv) {
	gboolean purges = FALSE;
	const GOptionEntry entries[] = {
		{"purge", 0, 0, G_OPTION_ARG_NONE, &purges, "Remove the region's data too", NULL},
		{NULL}};
	if (!cli_parse(&argc, &argv, entries, "Ends the region on this machine."))
		return 1;
	g_autofree char *home = cli_home();
	int pid = cli_region_pid(home);
	if (pid && !stop(home, pid))
		return 1;
	g_autoptr(GError) error = NULL;
	if (!glass_destroy_home(home, &error))
		return cli_fail("%s", error->message);
	if (purges && !purge(home, &error))
		return cli_fail("%s", error->message);
	printf("%s%s\n", pid ? "The region is down." : "No region is up.",
		purges ? " Its data are removed." : "");
	return 0;
}

const CliCommand cli_command_down = {"down", "End the region", run};
