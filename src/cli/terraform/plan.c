/* terrarium plan */
#include <stdio.h>

#include "cli/terraform/terraform.h"

#define RULE "─────────────────────────────────────────────────────────────────────────────\n"

static void say_where(const char *out) {
	printf("\n" RULE "\n");
	if (out)
		printf("Saved the plan to: %s\n\nTo perform exactly these actions, run the "
		       "following "
		       "command to apply:\n    terrarium apply \"%s\"\n",
			out, out);
	else
		printf("Note: You didn't use the -out option to save this plan, so Terrarium "
		       "can't\n"
		       "guarantee to take exactly these actions if you run \"terrarium apply\" "
		       "now.\n");
}

static int plan(Command *command, const char *out, gboolean detailed) {
	g_autoptr(Plan) made = engine_plan(command->engine);
	if (!made) {
		command_report(command);
		return 1;
	}
	if (!command_print_plan(command, made, FALSE))
		printf("\nPlanning failed. Terrarium encountered an error while generating this "
		       "plan.\n\n");
	g_autoptr(GError) error = NULL;
	gboolean errored = made->errored;
	if (!errored && out && !plan_write(made, command->engine, out, &error))
		diags_gerror(command->diags, SOURCE_NOWHERE, "Failed to write plan file", error);
	gboolean changes = plan_changes_anything(made);
	if (!errored && !error && (changes || out))
		say_where(out);
	if (command_report(command))
		return 1;
	return detailed && changes ? 2 : 0;
}

static int run(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	const char *out = NULL;
	gboolean detailed = FALSE;
	int code;
	Flag flags[20] = {0};
	guint n = command_plan_flags(&command, flags);
	flags[n++] = (Flag){"out", FLAG_TEXT, &out, "FILE: save the plan"};
	flags[n++] = (Flag){
		"detailed-exitcode", FLAG_BOOL, &detailed, "exit with 2 if there are changes"};
	if (!flags_parse(&argc, argv, flags, 0, "plan [OPTION…]", &code))
		return code;
	return command_open(&command, "OperationTypePlan") ? plan(&command, out, detailed) : 1;
}

const CliCommand cli_command_plan = {"plan", "Show what apply would do", run};
