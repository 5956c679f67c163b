/* terrarium get, providers, graph, force-unlock: what a configuration is made of. */
#include <stdio.h>

#include "cli/terraform/terraform.h"

static gboolean open_plain(
	Command *command, int argc, char **argv, int max, const char *usage, int *code, int *left) {
	command_init(command);
	gboolean ignored = FALSE;
	const Flag flags[] = {
		{"no-color", FLAG_BOOL, &command->no_color, "no colours"},
		{"force", FLAG_BOOL, &ignored, "accepted"},
		{NULL},
	};
	if (!flags_parse(&argc, argv, flags, max, usage, code))
		return FALSE;
	*left = argc;
	*code = 1;
	return command_open(command, NULL);
}

static int run_get(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	gboolean update = FALSE;
	int code;
	const Flag flags[] = {
		{"no-color", FLAG_BOOL, &command.no_color, "no colours"},
		{"update", FLAG_BOOL, &update, "fetch modules anew, by the newest versions"},
		{NULL},
	};
	if (!flags_parse(&argc, argv, flags, 0, "get [OPTION…]", &code))
		return code;
	command_install_modules(&command, NULL, update);
	if (!command_open(&command, NULL))
		return 1;
	command_print_modules(&command);
	return 0;
}

static void print_provider(
	const char *source, const char *version, const char *constraints, gpointer data) {
	printf("├── provider[%s]%s%s\n", source, version ? " " : " (not available here)",
		constraints ? constraints
		: version   ? version
			    : "");
}

static int run_providers(int argc, char **argv) {
	g_auto(Command) command;
	int code, left;
	if (!open_plain(&command, argc, argv, 0, "providers", &code, &left))
		return code;
	printf("\nProviders required by configuration:\n.\n");
	engine_each_provider(command.engine, print_provider, NULL);
	return 0;
}

static int run_graph(int argc, char **argv) {
	g_auto(Command) command;
	int code, left;
	if (!open_plain(&command, argc, argv, 0, "graph", &code, &left))
		return code;
	g_autofree char *dot = engine_dot(command.engine);
	if (dot)
		fputs(dot, stdout);
	return command_report(&command);
}

/* Locks are the kernel's, and end with whoever holds them. */
static int run_force_unlock(int argc, char **argv) {
	return cli_fail(
		"There is nothing to unlock by force: the lock of a state ends with the process "
		"that holds it. Its number is in the message of whoever waits; end that "
		"process.");
}

const CliCommand cli_command_get = {"get", "Fetch the modules of the configuration", run_get};
const CliCommand cli_command_providers = {
	"providers", "List the providers of the configuration", run_providers};
const CliCommand cli_command_graph = {
	"graph", "Print what depends on what, for Graphviz", run_graph};
const CliCommand cli_command_force_unlock = {
	"force-unlock", "Tell why there is nothing to unlock", run_force_unlock};
