/* terrarium validate */
#include <stdio.h>

#include "cli/terraform/terraform.h"
#include "value/json.h"

static Value position(guint line, guint column, gsize byte) {
	return value_object_take("line", value_int(line), "column", value_int(column), "byte",
		value_int((gint64)byte), NULL);
}

static Value diag_to_json(const Diag *diag) {
	Value json = value_object_take("severity",
		value_string(diag->severity == DIAG_ERROR ? "error" : "warning"), "summary",
		value_string(diag->summary), "detail",
		value_string(diag->detail ? diag->detail : ""), NULL);
	if (diag->address)
		json = value_with_take(json, "address", value_string(diag->address));
	const SourceRange *range = &diag->subject;
	if (range->filename)
		json = value_with_take(json, "range",
			value_object_take("filename", value_string(range->filename), "start",
				position(range->start_line, range->start_column, range->start_byte),
				"end",
				position(range->end_line, range->end_column, range->end_byte),
				NULL));
	return json;
}

static int print_json(const Diags *diags) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < diags_count(diags); i++)
		value_builder_add_take(all, diag_to_json(diags_at(diags, i)));
	gboolean valid = !diags_has_errors(diags);
	g_auto(Value) report = value_object_take("format_version", value_string("1.0"), "valid",
		value_bool(valid), "error_count", value_int(diags_error_count(diags)),
		"warning_count", value_int(diags_warning_count(diags)), "diagnostics",
		value_builder_end(g_steal_pointer(&all)), NULL);
	g_autofree char *text = value_to_json(report, VALUE_JSON_PRETTY);
	printf("%s\n", text);
	return valid ? 0 : 1;
}

static int run(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	int code;
	const Flag flags[] = {
		{"json", FLAG_BOOL, &command.json, "as JSON"},
		{"no-color", FLAG_BOOL, &command.no_color, "no colours"},
		{NULL},
	};
	if (!flags_parse(&argc, argv, flags, 0, "validate [OPTION…]", &code))
		return code;
	command.quiet = command.json;
	command.may_be_empty = TRUE;
	if (command_open(&command, NULL)) {
		engine_validate(command.engine);
		engine_warn_of_lacking(command.engine);
	} else if (!command.json)
		return 1;
	if (command.json)
		return print_json(command.diags);
	gboolean warned = diags_count(command.diags) > 0;
	if (command_report(&command))
		return 1;
	printf("Success! The configuration is valid%s\n\n",
		warned ? ", but there were some\nvalidation warnings as shown above." : ".");
	return 0;
}

const CliCommand cli_command_validate = {"validate", "Check the configuration", run};
