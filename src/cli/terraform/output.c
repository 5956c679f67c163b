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

static int print_raw(const char *name, Value value) {
	g_autofree char *problem = NULL;
	g_auto(Value) text = value_convert(value, type_string(), &problem);
	if (problem || !value_text(text))
		return cli_fail(
			"The output \"%s\" cannot be printed raw: only strings, numbers and "
			"bools can. Use -json.",
			name);
	fputs(value_text(text), stdout);
	return 0;
}

static int print_one(const State *state, const char *name, gboolean json, gboolean raw) {
	const StateOutput *output = g_hash_table_lookup(state->outputs, name);
	if (!output)
		return cli_fail(
			"Output \"%s\" not found. It is not in the state: if it is new in the "
			"configuration, apply it first.",
			name);
	if (raw)
		return print_raw(name, output->value);
	if (json)
		return print_json(output->value);
	g_autofree char *text = output_render("", output->value, FALSE);
	printf("%s\n", text + strlen(" = "));
	return 0;
}

static int print_all(const State *state, gboolean json) {
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(state->outputs), compare_names);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	if (!names && !json) {
		fprintf(stderr, "Warning: No outputs found. The state has none: define some in the "
				"configuration and apply it.\n");
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
	if (raw && argc < 2)
		return cli_fail("-raw needs the name of an output.");
	g_autofree char *own = command_state_path();
	g_autoptr(GError) error = NULL;
	g_autoptr(State) state = state_open(command.state_path ? command.state_path : own, &error);
	if (!state)
		return cli_fail("%s", error->message);
	return argc > 1 ? print_one(state, argv[1], command.json, raw)
			: print_all(state, command.json);
}

const CliCommand cli_command_output = {"output", "Print outputs", run};
