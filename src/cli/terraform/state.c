/* terrarium state: list and show; state_edit.c has the rest. */
#include <stdio.h>

#include "cli/terraform/terraform.h"
#include "engine/address.h"

static GPtrArray *read_addresses(Command *command, char **texts) {
	GPtrArray *addresses = g_ptr_array_new_with_free_func((GDestroyNotify)address_free);
	for (; *texts; texts++) {
		Address *address = address_parse(*texts, command->diags);
		if (address)
			g_ptr_array_add(addresses, address);
	}
	return addresses;
}

static gboolean is_wanted(GPtrArray *wanted, const char *address) {
	for (guint i = 0; i < wanted->len; i++)
		if (address_covers(wanted->pdata[i], address))
			return TRUE;
	return wanted->len == 0;
}

static int list(Command *command, char **texts) {
	g_autoptr(GPtrArray) wanted = read_addresses(command, texts);
	if (command_report(command))
		return 1;
	g_autofree char *path = command_state_path();
	g_autoptr(GError) error = NULL;
	g_autoptr(State) state =
		state_open(command->state_path ? command->state_path : path, &error);
	if (!state)
		return cli_fail("%s", error->message);
	if (!state->serial && g_hash_table_size(state->instances) == 0) {
		fprintf(stderr, "No state file was found!\n\nState management commands require a "
				"state file. Run this command\nin a directory where Terrarium has "
				"been run or use the -state flag\nto point the command to a "
				"specific state location.\n");
		return 1;
	}
	g_autoptr(GPtrArray) instances = state_sorted(state);
	for (guint i = 0; i < instances->len; i++) {
		const StateInstance *instance = instances->pdata[i];
		if (is_wanted(wanted, instance->address))
			printf("%s\n", instance->address);
	}
	return 0;
}

static int show(Command *command, const char *address) {
	if (!command_open(command, NULL))
		return 1;
	const State *state = engine_state(command->engine);
	const StateInstance *instance = state_instance(state, address);
	if (!instance || !instance->current)
		return cli_fail("No instance found for the given address \"%s\". The command "
				"terrarium state list prints all that there are.",
			address);
	g_autoptr(State) one = state_new();
	state_put(
		one, address, instance->provider, NULL, state_object_copy(instance->current), NULL);
	g_autofree char *text = state_render(command->engine, one, command->color);
	fputs(text, stdout);
	return command_report(command);
}

static int run(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	int code;
	gboolean force = FALSE;
	const Flag flags[] = {
		{"no-color", FLAG_BOOL, &command.no_color, "no colours"},
		{"state", FLAG_TEXT, &command.state_path, "FILE: another state"},
		{"force", FLAG_BOOL, &force, "push: even if the state is older, or another"},
		{"lock", FLAG_BOOL, &command.locks, "false: do not lock the state"},
		{"lock-timeout", FLAG_NUMBER, &command.lock_timeout, "SECONDS: wait for the lock"},
		{NULL},
	};
	static const char usage[] =
		"state list [ADDRESS…] | show ADDRESS | mv FROM TO | rm ADDRESS… "
		"| pull | push FILE";
	if (!flags_parse(&argc, argv, flags, G_MAXINT - 1, usage, &code))
		return code;
	if (argc > 1 && g_str_equal(argv[1], "list"))
		return list(&command, argv + 2);
	if (argc == 3 && g_str_equal(argv[1], "show"))
		return show(&command, argv[2]);
	code = argc > 1 ? command_state_edit(&command, argv[1], argc - 2, argv + 2, force) : -1;
	return code >= 0 ? code : cli_fail("Usage: terrarium %s", usage);
}

const CliCommand cli_command_state = {"state", "List, show, move, remove what the state has", run};
