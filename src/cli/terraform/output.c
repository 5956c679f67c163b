/* terrarium output */
#include <stdio.h>
#include <string.h>

#include "cli/terraform/terraform.h"
#include "value/convert.h"
#include "value/json.h"

static int compare_names(gconstpointer a, gconstpointer b) {
	return strcmp(a, b);
}

static int print_json(Value value) {
	g_autofree char *text = value_to_json(value, VALUE_JSON_PRETTY);
	printf("%s\n", text);
	return 0;
}

static int print_raw(Command *command, const char *name, Value value) {
	g_autofree char *problem = NULL;
	g_auto(Value) text = value_convert(value, type_string(), &problem);
	if (problem || !value_text(text)) {
		g_autofree char *type = type_friendly_name(value_type(value));
		diags_error(command->diags, SOURCE_NOWHERE, "Unsupported value for raw output",
			"The -raw option only supports strings, numbers, and boolean values, but "
			"output value \"%s\" is %s.\n\nUse the -json option for "
			"machine-readable representations of output values that have complex "
			"types.",
			name, type);
		return command_report(command);
	}
	fputs(value_text(text), stdout);
	return 0;
}

static int print_one(Command *command, const State *state, const char *name, gboolean raw) {
	const StateOutput *output = g_hash_table_lookup(state->outputs, name);
	if (!output) {
		g_autofree char *summary = g_strdup_printf("Output \"%s\" not found", name);
		diags_error(command->diags, SOURCE_NOWHERE, summary,
			"The output variable requested could not be found in the state file. If "
			"you recently added this to your configuration, be sure to run `terrarium "
			"apply`, since the state won't be updated with new output variables until "
			"that command is run.");
		return command_report(command);
	}
	if (raw)
		return print_raw(command, name, output->value);
	if (command->json)
		return print_json(output->value);
	g_autofree char *text = output_render("", output->value, FALSE);
	printf("%s\n", text + strlen(" = "));
	return 0;
}

static int print_all(Command *command, const State *state) {
	gboolean json = command->json;
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(state->outputs), compare_names);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	if (!names && !json) {
		diags_warning(command->diags, SOURCE_NOWHERE, "No outputs found",
			"The state file either has no outputs defined, or all the defined outputs "
			"are empty. Please define an output in your configuration with the "
			"`output` keyword and run `terrarium refresh` for it to become available. "
			"If you are using interpolation, please verify the interpolated value is "
			"not empty. You can use the `terrarium console` command to assist.");
		command_report(command);
		return 0;
	}
	for (GList *each = names; each; each = each->next) {
		const StateOutput *output = g_hash_table_lookup(state->outputs, each->data);
		g_autofree char *line = output_render(each->data, output->value, output->sensitive);
		if (!json)
			printf("%s\n", line);
		value_builder_set_take(all, each->data,
			value_object_take("sensitive", value_bool(output->sensitive), "type",
				type_to_json(value_type(output->value)), "value",
				value_ref(output->value), NULL));
	}
	if (!json)
		return 0;
	g_auto(Value) object = value_builder_end(g_steal_pointer(&all));
	return print_json(object);
}

static int run(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	int code;
	gboolean raw = FALSE;
	const Flag flags[] = {
		{"json", FLAG_BOOL, &command.json, "as JSON"},
		{"raw", FLAG_BOOL, &raw, "one string as it is"},
		{"no-color", FLAG_BOOL, &command.no_color, "no colours"},
		{"state", FLAG_TEXT, &command.state_path, "FILE: another state"},
		{NULL},
	};
	if (!flags_parse(&argc, argv, flags, 1, "output [OPTION…] [NAME]", &code))
		return code;
	if (raw && argc < 2) {
		diags_error(command.diags, SOURCE_NOWHERE, "Output name required",
			"You must give the name of a single output value when using the -raw "
			"option.\n\nFor more help on using this command, run: terrarium output "
			"-help");
		return command_report(&command);
	}
	g_autofree char *own = command_state_path();
	g_autoptr(GError) error = NULL;
	g_autoptr(State) state = state_open(command.state_path ? command.state_path : own, &error);
	if (!state)
		return cli_fail("%s", error->message);
	return argc > 1 ? print_one(&command, state, argv[1], raw) : print_all(&command, state);
}

const CliCommand cli_command_output = {"output", "Print outputs", run};
