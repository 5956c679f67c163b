/* terrarium env: what the aws command and SDKs need to reach the region. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static int run(int argc, char **argv) {
	const GOptionEntry entries[] = {{NULL}};
	if (!cli_parse(
		    &argc, &argv, entries, "Prints exports for a shell: eval \"$(terrarium env)\""))
		return 1;
	g_auto(GStrv) settings = cli_environment();
	for (char **each = settings; *each; each++)
		if (strchr(*each, '='))
			printf("export %s\n", *each);
	return 0;
}

const CliCommand cli_command_env = {"env", "Print the settings for aws and SDKs", run};
