/* Modules that come from elsewhere, for the commands that fetch them: init and get. */
#include <stdio.h>

#include "cli/terraform/terraform.h"

static void print_heading(Command *command) {
	if (command->modules_heading)
		printf("%s\n", command->modules_heading);
	command->modules_heading = NULL;
}

static void print_line(const char *line, gpointer data) {
	print_heading(data);
	printf("%s\n", line);
	fflush(stdout);
}

void command_install_modules(Command *command, const char *heading, gboolean upgrade) {
	command->modules_heading = heading;
	command->modules = module_store_open(".");
	module_store_install(command->modules, upgrade, print_line, command);
}

static void print_module(const char *key, const char *source, const char *dir, gpointer data) {
	print_heading(data);
	printf("- %s in %s\n", key, dir);
}

void command_print_modules(Command *command) {
	engine_each_module(command->engine, print_module, command);
}
