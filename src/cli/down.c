/* terrarium down: ends the region, and with --purge removes its data. */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "glass/glass.h"

#define STOP_TIMEOUT_S 30

static gboolean stop(const char *home, int pid) {
	if (kill(pid, SIGTERM) < 0 && errno != ESRCH) {
		cli_fail("cannot end process %d: %s", pid, g_strerror(errno));
		return FALSE;
	}
	for (int tenths = 0; tenths < STOP_TIMEOUT_S * 10; tenths++) {
		if (cli_region_pid(home) == 0)
			return TRUE;
		g_usleep(G_USEC_PER_SEC / 10);
	}
	cli_fail("the region (process %d) does not end.", pid);
	return FALSE;
}

/* Removes only what the region makes: the folder may hold what is somebody else's. */
static void purge(const char *home) {
	static const char *const names[] = {"region.sqlite", "region.sqlite-wal",
		"region.sqlite-shm", "region.log", "region.lock"};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(home, names[i], NULL);
		g_unlink(path);
	}
	g_rmdir(home);
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
	if (purges)
		purge(home);
	printf("%s%s\n", pid ? "The region is down." : "No region is up.",
		purges ? " Its data are removed." : "");
	return 0;
}

const CliCommand cli_command_down = {"down", "End the region", run};
