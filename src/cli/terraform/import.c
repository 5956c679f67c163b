/* terrarium import ADDRESS ID: takes an object that exists into the state. */
#include <stdio.h>

#include "cli/terraform/terraform.h"

static int import(Command *command, const char *address, const char *id) {
	gboolean fine = engine_import(command->engine, address, id);
	if (command_report(command) || !fine)
		return 1;
	printf("\nImport successful!\n\nThe resources that were imported are shown above. These "
	       "resources are now in\nyour Terrarium state and will henceforth be managed by "
	       "Terrarium.\n");
	return 0;
}

static int run(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	command.importing = TRUE;
	int code;
	Flag flags[20] = {0};
	command_plan_flags(&command, flags);
	if (!flags_parse(&argc, argv, flags, 2, "import [OPTION…] ADDRESS ID", &code))
		return code;
	if (argc != 3)
		return cli_fail("The import command expects two arguments: an address and an id.");
	return command_open(&command, "OperationTypeImport") ? import(&command, argv[1], argv[2])
							     : 1;
}

const CliCommand cli_command_import = {"import", "Take an existing object into the state", run};
