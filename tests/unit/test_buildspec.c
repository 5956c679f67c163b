/* Buildspecs: what is read, and what is refused where. */
#include <string.h>

#include "region/services/codebuild/buildspec.h"
#include "value/json.h"

static Value parse(const char *text) {
	g_autoptr(GError) error = NULL;
	Value value = buildspec_parse(text, strlen(text), &error);
	g_assert_no_error(error);
	return value;
}

static void test_whole(void) {
	g_auto(Value) spec = parse("version: 0.2\n"
				   "run-as: builder\n"
				   "env:\n"
				   "  shell: bash\n"
				   "  variables:\n"
				   "    NAME: app\n"
				   "    NUMBER: 010\n"
				   "  parameter-store:\n"
				   "    P: /app/p\n"
				   "  secrets-manager:\n"
				   "    S: app:password\n"
				   "  exported-variables: [TAG]\n"
				   "phases:\n"
				   "  install:\n"
				   "    runtime-versions: { docker: 20 }\n"
				   "  build:\n"
				   "    on-failure: RETRY-2\n"
				   "    run-as: root\n"
				   "    commands:\n"
				   "      - 'echo \"a: b\"'\n"
				   "      - |\n"
				   "        if true; then\n"
				   "          echo yes\n"
				   "        fi\n"
				   "    finally:\n"
				   "      - echo done\n"
				   "artifacts:\n"
				   "  files: ['**/*', one]\n"
				   "  base-directory: out\n"
				   "  discard-paths: yes\n"
				   "  name: app-$(date +%Y)\n"
				   "  secondary-artifacts:\n"
				   "    images:\n"
				   "      files: imagedefinitions.json\n"
				   "cache:\n"
				   "  paths: ['/root/.npm/**/*']\n"
				   "reports:\n"
				   "  r: {files: x}\n");
	Value build = value_get_path(spec, "phases", "build", NULL);
	g_assert_cmpstr(value_text(value_at(value_get(build, "commands"), 0)), ==, "echo \"a: b\"");
	g_assert_cmpstr(value_text(value_at(value_get(build, "commands"), 1)), ==,
		"if true; then\n  echo yes\nfi\n");
	g_assert_cmpstr(value_text(value_at(value_get(build, "finally"), 0)), ==, "echo done");
	g_assert_cmpstr(value_get_text(build, "onFailure"), ==, "RETRY-2");
	g_assert_cmpstr(value_get_text(build, "runAs"), ==, "root");
	g_assert_cmpstr(value_get_text(spec, "runAs"), ==, "builder");
	g_assert_cmpstr(value_get_text(spec, "shell"), ==, "bash");
	g_assert_cmpstr(value_text(value_get_path(spec, "variables", "NUMBER", NULL)), ==, "010");
	g_assert_cmpstr(
		value_text(value_get_path(spec, "parameterStore", "P", NULL)), ==, "/app/p");
	g_assert_cmpstr(
		value_text(value_get_path(spec, "secretsManager", "S", NULL)), ==, "app:password");
	g_assert_cmpstr(value_text(value_at(value_get(spec, "exported"), 0)), ==, "TAG");
	Value artifacts = value_get(spec, "artifacts");
	g_assert_cmpuint(value_length(value_get(artifacts, "files")), ==, 2);
	g_assert_true(value_get_bool(artifacts, "discard"));
	g_assert_false(value_get_bool(artifacts, "symlinks"));
	Value images = value_get_path(spec, "secondaryArtifacts", "images", NULL);
	g_assert_cmpstr(
		value_text(value_at(value_get(images, "files"), 0)), ==, "imagedefinitions.json");
	g_assert_cmpuint(value_length(value_get(spec, "warnings")), ==, 1);
	g_assert_cmpstr(value_text(value_at(
				value_get_path(spec, "phases", "install", "runtimes", NULL), 0)),
		==, "docker");
}

static void test_json(void) {
	g_auto(Value) spec = parse(
		"{\"version\": \"0.2\", \"phases\": {\"build\": {\"commands\": [\"make\"]}}}");
	g_assert_cmpstr(
		value_text(value_at(value_get_path(spec, "phases", "build", "commands", NULL), 0)),
		==, "make");
	g_assert_true(value_is_null(value_get(spec, "artifacts")));
}

static void test_refused(void) {
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "must be a mapping"},
		{"version: 0.1\nphases: {build: {commands: [a]}}", "version 0.1"},
		{"version: 0.2\n", "phases is missing or empty at line 1"},
		{"version: 0.2\nphases:\n  build:\n    commands:\n      - a\n      - b: c\n",
			"Expected Commands[1] to be of string type: found subkeys instead at line "
			"6"},
		{"version: 0.2\nphases:\n  build:\n   commands:\n  x: - y\n", "at line 5"},
		{"version: 0.2\nbatch: {fast-fail: true}\nphases: {build: {commands: [a]}}",
			"batch is refused at line 2"},
		{"version: 0.2\nenv:\n  shell: powershell\nphases: {build: {commands: [a]}}",
			"Invalid shell powershell"},
		{"version: 0.2\nphases: {build: {on-failure: MAYBE, commands: [a]}}",
			"Invalid on-failure"},
		{"version: 0.2\nenv:\n  variables: [a]\nphases: {build: {commands: [a]}}",
			"Expected variables to be a mapping at line 3"},
		{"version: 0.2\nphases: &p\n  build: *p\n", NULL},
		{"\xff\xfe\xff", "not UTF-8"},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_auto(Value) spec = buildspec_parse(cases[i].text, strlen(cases[i].text), &error);
		if (!cases[i].words) {
			g_assert_no_error(error);
			continue;
		}
		g_assert_error(error, BUILDSPEC_ERROR, 0);
		if (!strstr(error->message, cases[i].words))
			g_error("\"%s\" has not \"%s\"", error->message, cases[i].words);
	}
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/buildspec/whole", test_whole);
	g_test_add_func("/buildspec/json", test_json);
	g_test_add_func("/buildspec/refused", test_refused);
	return g_test_run();
}
