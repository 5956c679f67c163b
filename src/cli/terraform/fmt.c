/* terrarium fmt: rewrites .tf and .tfvars files in canonical format. */
#include <stdio.h>
#include <string.h>

#include "cli/terraform/terraform.h"
#include "lang/lang.h"

typedef struct {
	Command *command;
	gboolean check, recursive, list, write;
	gboolean changed;
} Formatting;

static void format_file(Formatting *formatting, const char *path, const char *shown) {
	g_autofree char *text = NULL;
	gsize length;
	g_autoptr(GError) error = NULL;
	Diags *diags = formatting->command->diags;
	if (!g_file_get_contents(path, &text, &length, &error)) {
		diags_gerror(diags, SOURCE_NOWHERE, "Cannot read file", error);
		return;
	}
	sources_add(formatting->command->sources, shown, text, length);
	g_autofree char *formatted = lang_format(shown, text, length, diags);
	if (!formatted || g_str_equal(formatted, text))
		return;
	formatting->changed = TRUE;
	if (formatting->list)
		printf("%s\n", shown);
	if (formatting->write && !formatting->check &&
		!g_file_set_contents(path, formatted, -1, &error))
		diags_gerror(diags, SOURCE_NOWHERE, "Cannot write file", error);
}

static int compare_names(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void format_folder(Formatting *formatting, const char *dir) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) folder = g_dir_open(dir, 0, &error);
	if (!folder) {
		diags_gerror(
			formatting->command->diags, SOURCE_NOWHERE, "Cannot read folder", error);
		return;
	}
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;
	while ((name = g_dir_read_name(folder)))
		if (*name != '.')
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	for (guint i = 0; i < names->len; i++) {
		name = names->pdata[i];
		g_autofree char *path =
			g_str_equal(dir, ".") ? g_strdup(name) : g_build_filename(dir, name, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
			if (formatting->recursive)
				format_folder(formatting, path);
		} else if (g_str_has_suffix(name, ".tf") || g_str_has_suffix(name, ".tfvars"))
			format_file(formatting, path, path);
	}
}

static int format_input(Command *command) {
	g_autoptr(GString) text = g_string_new(NULL);
	char buffer[4096];
	gsize n;
	while ((n = fread(buffer, 1, sizeof buffer, stdin)) > 0)
		g_string_append_len(text, buffer, (gssize)n);
	sources_add(command->sources, "<stdin>", text->str, text->len);
	g_autofree char *formatted = lang_format("<stdin>", text->str, text->len, command->diags);
	if (command_report(command))
		return 2;
	fputs(formatted, stdout);
	return 0;
}

static int run(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	int code;
	Formatting formatting = {.command = &command, .list = TRUE, .write = TRUE};
	const Flag flags[] = {
		{"check", FLAG_BOOL, &formatting.check,
			"change nothing; exit with 3 if something would change"},
		{"recursive", FLAG_BOOL, &formatting.recursive, "folders below too"},
		{"list", FLAG_BOOL, &formatting.list, "false: do not print names of files"},
		{"write", FLAG_BOOL, &formatting.write, "false: change nothing"},
		{"no-color", FLAG_BOOL, &command.no_color, "no colours"},
		{NULL},
	};
	if (!flags_parse(&argc, argv, flags, G_MAXINT - 1, "fmt [OPTION…] [PATH…]", &code))
		return code;
	if (argc == 2 && g_str_equal(argv[1], "-"))
		return format_input(&command);
	if (argc == 1)
		format_folder(&formatting, ".");
	for (int i = 1; i < argc; i++)
		if (g_file_test(argv[i], G_FILE_TEST_IS_DIR))
			format_folder(&formatting, argv[i]);
		else
			format_file(&formatting, argv[i], argv[i]);
	if (command_report(&command))
		return 2;
	return formatting.check && formatting.changed ? 3 : 0;
}

const CliCommand cli_command_fmt = {"fmt", "Rewrite files in canonical format", run};
