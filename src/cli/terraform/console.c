/* terrarium console: evaluates expressions on the state. */
#include <stdio.h>
#include <unistd.h>

#include "cli/terraform/terraform.h"

static gboolean evaluate(Command *command, const char *line) {
	g_autofree char *text = engine_evaluate(command->engine, line);
	if (text)
		printf("%s\n", text);
	return !command_report(command);
}

static int read_lines(Command *command) {
	gboolean asks = isatty(STDIN_FILENO), fine = TRUE;
	g_autofree char *line = NULL;
	size_t room = 0;
	for (;;) {
		if (asks)
			printf("> ");
		fflush(stdout);
		if (getline(&line, &room, stdin) < 0)
			break;
		g_strstrip(line);
		if (g_str_equal(line, "exit"))
			break;
		if (*line)
			fine &= evaluate(command, line);
	}
	return asks || fine ? 0 : 1;
}

static int run(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	int code;
	Flag flags[20] = {0};
	command_plan_flags(&command, flags);
	if (!flags_parse(&argc, argv, flags, 0, "console [OPTION…]", &code))
		return code;
	command.may_be_empty = TRUE;
	if (!command_open(&command, NULL))
		return 1;
	return read_lines(&command);
}

const CliCommand cli_command_console = {"console", "Try expressions", run};
