/* terrarium apply, and terrarium destroy */
#include <stdio.h>
#include <string.h>

#include "cli/terraform/terraform.h"

static void print_counts(const Command *command, const ApplyCounts *counts, gboolean destroyed) {
	const char *bold = command->color ? "\033[1m\033[32m" : "";
	const char *reset = command->color ? "\033[0m" : "";
	if (destroyed)
		printf("\n%sDestroy complete! Resources: %u destroyed.\n%s", bold,
			counts->destroyed, reset);
	else if (counts->imported > 0)
		printf("\n%sApply complete! Resources: %u imported, %u added, %u changed, %u "
		       "destroyed.\n%s",
			bold, counts->imported, counts->added, counts->changed, counts->destroyed,
			reset);
	else
		printf("\n%sApply complete! Resources: %u added, %u changed, %u destroyed.\n%s",
			bold, counts->added, counts->changed, counts->destroyed, reset);
}

static int compare_names(gconstpointer a, gconstpointer b) {
	return strcmp(a, b);
}

static void print_outputs(Engine *engine) {
	GHashTable *outputs = engine_state(engine)->outputs;
	if (g_hash_table_size(outputs) == 0)
		return;
	printf("\nOutputs:\n\n");
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(outputs), compare_names);
	for (GList *each = names; each; each = each->next) {
		const StateOutput *output = g_hash_table_lookup(outputs, each->data);
		g_autofree char *line = output_render(each->data, output->value, output->sensitive);
		printf("%s\n", line);
	}
}

static gboolean confirmed(Command *command, const Plan *plan, gboolean approved) {
	if (approved || !plan_changes_anything(plan))
		return TRUE;
	g_autofree char *workspace = command_workspace();
	gboolean is_default = g_str_equal(workspace, "default");
	g_autofree char *question = g_strdup_printf("Do you %s%s%s%s?",
		plan->mode == PLAN_DESTROY	  ? "really want to destroy all resources"
		: plan->mode == PLAN_REFRESH_ONLY ? "want to update the Terrarium state to reflect "
						    "these detected changes"
						  : "want to perform these actions",
		is_default ? "" : " in workspace \"", is_default ? "" : workspace,
		is_default ? "" : "\"");
	const char *detail =
		plan->mode == PLAN_DESTROY
			? "Terrarium will destroy all your managed infrastructure, as shown "
			  "above.\n"
			  "  There is no undo. Only 'yes' will be accepted to confirm."
		: plan->mode == PLAN_REFRESH_ONLY
			? "Terrarium will write these changes to the state without modifying any "
			  "real infrastructure.\n"
			  "  There is no undo. Only 'yes' will be accepted to confirm."
			: "Terrarium will perform the actions described above.\n"
			  "  Only 'yes' will be accepted to approve.";
	if (!command->input) {
		cli_fail("-input=false and no -auto-approve: nobody can approve the plan.");
		return FALSE;
	}
	switch (command_confirm(command, question, detail)) {
	case ANSWER_YES:
		return TRUE;
	case ANSWER_NO:
		printf("%s cancelled.\n", plan->mode == PLAN_DESTROY ? "Destroy" : "Apply");
		break;
	case ANSWER_NONE:
		command_report(command);
	}
	return FALSE;
}

static int carry_out(Command *command, Plan *plan) {
	ApplyCounts counts;
	gboolean destroys = plan->mode == PLAN_DESTROY;
	gboolean fine = engine_apply(command->engine, plan, &counts);
	if (command->targets->len > 1)
		diags_warning(command->diags, SOURCE_NOWHERE, "Applied changes may be incomplete",
			"The plan was created with the -target option in effect, so some changes "
			"requested in the configuration may have been ignored and the output "
			"values "
			"may not be fully updated. Run the following command to verify that no "
			"other changes are pending:\n    terrarium plan\n\nNote that the -target "
			"option is not suitable for routine use, and is provided only for "
			"exceptional situations such as recovering from errors or mistakes, or "
			"when "
			"Terrarium specifically suggests to use it as part of an error message.");
	if (command_report(command) || !fine)
		return 1;
	print_counts(command, &counts, destroys);
	if (!destroys)
		print_outputs(command->engine);
	return 0;
}

static int apply_saved(Command *command, const char *path) {
	g_autoptr(GError) error = NULL;
	g_autoptr(Plan) plan = plan_read(command->engine, path, &error);
	if (!plan)
		return cli_fail("%s", error->message);
	return carry_out(command, plan);
}

static int apply(Command *command, gboolean approved) {
	g_autoptr(Plan) plan = engine_plan(command->engine);
	if (!plan) {
		command_report(command);
		return 1;
	}
	command_print_plan(command, plan, approved);
	if (plan->errored || diags_has_errors(command->diags)) {
		command_report(command);
		return 1;
	}
	return confirmed(command, plan, approved) ? carry_out(command, plan) : 1;
}

static int run_with(int argc, char **argv, gboolean destroy) {
	g_auto(Command) command;
	command_init(&command);
	gboolean approved = FALSE;
	int code;
	Flag flags[20] = {0};
	guint n = command_plan_flags(&command, flags);
	flags[n++] = (Flag){"auto-approve", FLAG_BOOL, &approved, "do not ask"};
	const char *usage = destroy ? "destroy [OPTION…]" : "apply [OPTION…] [PLAN]";
	if (!flags_parse(&argc, argv, flags, destroy ? 0 : 1, usage, &code))
		return code;
	command.destroy = command.destroy || destroy;
	const char *saved = argc > 1 ? argv[1] : NULL;
	if (saved && !plan_is_file(saved))
		return cli_fail("\"%s\" is no saved plan. To apply another folder, use "
				"-chdir=DIR before the command.",
			saved);
	if (!command_open(&command, "OperationTypeApply"))
		return 1;
	return saved ? apply_saved(&command, saved) : apply(&command, approved);
}

static int run_apply(int argc, char **argv) {
	return run_with(argc, argv, FALSE);
}

static int run_destroy(int argc, char **argv) {
	return run_with(argc, argv, TRUE);
}

/* apply -refresh-only -auto-approve, under its older name. */
static int run_refresh(int argc, char **argv) {
	g_autofree char **all = g_new0(char *, argc + 3);
	memcpy(all, argv, (gsize)argc * sizeof *argv);
	all[argc] = (char *)"-refresh-only";
	all[argc + 1] = (char *)"-auto-approve";
	return run_with(argc + 2, all, FALSE);
}

const CliCommand cli_command_refresh = {"refresh", "Bring the state up to date", run_refresh};
const CliCommand cli_command_apply = {"apply", "Make it so", run_apply};
const CliCommand cli_command_destroy = {"destroy", "Destroy what apply made", run_destroy};
