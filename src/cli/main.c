/* The terrarium command: finds the subcommand and runs it. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "glass/glass.h"

static const CliCommand *const commands[] = {
	&cli_command_up,
	&cli_command_down,
	&cli_command_status,
	&cli_command_logs,
	&cli_command_exec,
	&cli_command_open,
	&cli_command_pipeline,
	&cli_command_env,
	&cli_command_init,
	&cli_command_validate,
	&cli_command_plan,
	&cli_command_apply,
	&cli_command_destroy,
	&cli_command_output,
	&cli_command_show,
	&cli_command_state,
	&cli_command_import,
	&cli_command_taint,
	&cli_command_untaint,
	&cli_command_refresh,
	&cli_command_workspace,
	&cli_command_console,
	&cli_command_get,
	&cli_command_providers,
	&cli_command_graph,
	&cli_command_force_unlock,
	&cli_command_fmt,
	&cli_command_image,
	&cli_command_connection,
	&cli_command_push,
	&cli_command_types,
	&cli_command_version,
};

#define CHDIR "-chdir="

static void print_usage(FILE *out) {
	fprintf(out, "Usage: terrarium [-chdir=DIR] COMMAND [OPTION…]\n\nCommands:\n");
	for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
		fprintf(out, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
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

/* -chdir=DIR comes before the command. */
static gboolean change_folder(int *argc, char ***argv) {
	while (*argc > 1 &&
		(g_str_has_prefix((*argv)[1], CHDIR) || g_str_has_prefix((*argv)[1], "-" CHDIR))) {
		const char *dir = strchr((*argv)[1], '=') + 1;
		if (chdir(dir) < 0) {
			cli_fail("cannot change to the folder %s: %s", dir, g_strerror(errno));
			return FALSE;
		}
		(*argc)--;
		(*argv)++;
	}
	return TRUE;
}

int main(int argc, char **argv) {
	setlocale(LC_CTYPE, "C.UTF-8"); /* what is said and taken is UTF-8, wherever it runs */
	if (!change_folder(&argc, &argv))
		return 1;
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
