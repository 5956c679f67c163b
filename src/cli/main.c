/* The terrarium command: finds the subcommand and runs it. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "glass/glass.h"

static const CliCommand *const commands[] = {
	&cli_command_up,
	&cli_command_down,
	&cli_command_env,
	&cli_command_version,
};

static void print_usage(FILE *out) {
	fprintf(out, "Usage: terrarium COMMAND [OPTION…]\n\nCommands:\n");
	for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "\nterrarium COMMAND --help tells more about one.\n");
}

static int unknown_command(const char *name) {
	const char *names[G_N_ELEMENTS(commands)];
	for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
		names[i] = commands[i]->name;
	const char *near = text_nearest(name, names, G_N_ELEMENTS(names));
	if (near)
		return cli_fail(
			"Terrarium has no command named \"%s\". Did you mean \"%s\"?", name, near);
	return cli_fail("Terrarium has no command named \"%s\". See terrarium --help.", name);
}

int main(int argc, char **argv) {
	const char *name = argc > 1 ? argv[1] : "--help";
	if (g_str_equal(name, "glass-init"))
		return glass_init_main(argc, argv);
	if (g_str_equal(name, "--help") || g_str_equal(name, "-h") || g_str_equal(name, "help")) {
		print_usage(argc > 1 ? stdout : stderr);
		return argc > 1 ? 0 : 127;
	}
	if (g_str_equal(name, "--version") || g_str_equal(name, "-v"))
		name = "version";
	for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
		if (g_str_equal(commands[i]->name, name))
			return commands[i]->run(argc - 1, argv + 1);
	return unknown_command(name);
}
