/*
 * Runs a file of golden tests: blocks of an expression (one line or more), and a line "=> value"
 * (as the console prints it, on one line) or "!! summary" of the error that it must give. Lines
 * that begin with # are comments. check_goldens.py runs the same through Terraform itself.
 */
#include <stdio.h>
#include <string.h>

#include "lang/lang.h"

static char *on_one_line(const char *text) {
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		g_strstrip(*line);
	return g_strjoinv(" ", lines);
}

static char *evaluate(const char *expression) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file =
		lang_parse_expression("test", expression, strlen(expression), diags);
	g_auto(Value) value = VALUE_NOTHING;
	if (lang_file_expr(file))
		value = lang_eval(lang_file_expr(file), &(LangScope){.base_dir = "."}, diags);
	if (diags_has_errors(diags))
		return g_strdup_printf("!! %s", diags_at(diags, 0)->summary);
	g_autofree char *text = lang_value_to_text(value, 0);
	g_autofree char *line = on_one_line(text);
	return g_strdup_printf("=> %s", line);
}

static gboolean check(const char *expression, const char *expected, guint number) {
	g_autofree char *actual = evaluate(expression);
	gboolean fine = g_str_equal(actual, expected);
	printf("%s %u - %.60s\n", fine ? "ok" : "not ok", number, expression);
	if (!fine)
		printf("# expected %s\n# but got  %s\n", expected, actual);
	return fine;
}

int main(int argc, char **argv) {
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	if (argc != 2 || !g_file_get_contents(argv[1], &text, NULL, &error)) {
		fprintf(stderr, "usage: lang_golden FILE\n%s\n", error ? error->message : "");
		return 2;
	}
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GString) expression = g_string_new(NULL);
	guint number = 0;
	gboolean fine = TRUE;
	for (char **line = lines; *line; line++) {
		if (g_str_has_prefix(*line, "=> ") || g_str_has_prefix(*line, "!! ")) {
			fine &= check(expression->str, *line, ++number);
			g_string_truncate(expression, 0);
		} else if (**line && **line != '#') {
			g_string_append_printf(
				expression, "%s%s", expression->len > 0 ? "\n" : "", *line);
		}
	}
	printf("1..%u\n", number);
	return fine ? 0 : 1;
}
