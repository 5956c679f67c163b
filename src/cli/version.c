/* terrarium version */
#include <stdio.h>

#include "cli/cli.h"

static int run(int argc, char **argv) {
	printf("Terrarium v%s\n", TERRARIUM_VERSION);
	return 0;
}

const CliCommand cli_command_version = {"version", "Show the version", run};
