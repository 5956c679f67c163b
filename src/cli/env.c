/* terrarium env: what the aws command and SDKs need to reach the region. */
#include <stdio.h>

#include "cli/cli.h"

static int run(int argc, char **argv) {
	const GOptionEntry entries[] = {{NULL}};
	if (!cli_parse(
		    &argc, &argv, entries, "Prints exports for a shell: eval \"$(terrarium env)\""))
		return 1;
	g_autofree char *key = NULL, *secret = NULL;
	cli_keys(&key, &secret);
	printf("export AWS_ENDPOINT_URL=http://127.0.0.1:%u\n"
	       "export AWS_ACCESS_KEY_ID=%s\n"
	       "export AWS_SECRET_ACCESS_KEY=%s\n"
	       "export AWS_REGION=us-east-1\n"
	       "export AWS_DEFAULT_REGION=us-east-1\n"
	       "export AWS_DISABLE_HOST_PREFIX_INJECTION=true\n",
		cli_port(), key, secret);
	return 0;
}

const CliCommand cli_command_env = {"env", "Print the settings for aws and SDKs", run};
