/* terrarium show: the state, or a saved plan. */
#include <stdio.h>
#include <string.h>

#include "cli/terraform/terraform.h"

static int compare_names(gconstpointer a, gconstpointer b) {
	return strcmp(a, b);
}

static void print_outputs(const State *state) {
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(state->outputs), compare_names);
	if (names)
		printf("\nOutputs:\n\n");
	for (GList *each = names; each; each = each->next) {
		const StateOutput *output = g_hash_table_lookup(state->outputs, each->data);
		g_autofree char *line = output_show(each->data, output->value, output->sensitive);
		printf("%s\n", line);
	}
}

static int show_state(Command *command) {
	const State *state = engine_state(command->engine);
	if (command->json) {
		g_autofree char *json = state_show_json(command->engine, state);
		printf("%s\n", json);
		return command_report(command);
	}
	if (g_hash_table_size(state->instances) == 0 && g_hash_table_size(state->outputs) == 0) {
		printf("%s\n", g_file_test(state->path, G_FILE_TEST_EXISTS)
				       ? "The state file is empty. No resources are represented."
				       : "No state.");
		return 0;
	}
	g_autofree char *text = state_render(command->engine, state, command->color);
	fputs(text, stdout);
	print_outputs(state);
	return command_report(command);
}

static int show_plan(Command *command, const char *path) {
	g_autoptr(GError) error = NULL;
	g_autoptr(Plan) plan = plan_read(command->engine, path, &error);
	if (!plan)
		return cli_fail("%s", error->message);
	g_autofree char *text = command->json ? plan_show_json(command->engine, plan)
					      : plan_render(plan, command->color);
	printf("%s%s", text, command->json ? "\n" : "");
	return 0;
}

static int run(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	int code;
	const Flag flags[] = {
		{"json", FLAG_BOOL, &command.json, "for programs"},
		{"no-color", FLAG_BOOL, &command.no_color, "no colours"},
		{NULL},
	};
	if (!flags_parse(&argc, argv, flags, 1, "show [OPTION…] [PLAN]", &code))
		return code;
	command.may_be_empty = TRUE;
	if (!command_open(&command, NULL))
		return 1;
	return argc > 1 ? show_plan(&command, argv[1]) : show_state(&command);
}

const CliCommand cli_command_show = {"show", "Print the state or a saved plan", run};
