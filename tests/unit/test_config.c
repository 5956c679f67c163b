/* Reading configurations: modules, meta-arguments, and errors with suggestions. */
#include "engine/config.h"

#include <glib/gstdio.h>

static char *folder_with(const char *name, const char *text) {
	char *folder = g_dir_make_tmp("terrarium-config-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	return folder;
}

static void remove_folder(const char *folder) {
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			remove_folder(path);
		else
			g_unlink(path);
	}
	g_rmdir(folder);
}

static const char good[] =
	"variable \"size\" {\n  type    = object({ n = optional(number, 2) })\n  default = {}\n}\n"
	"locals {\n  a = 1\n}\n"
	"provider \"aws\" {\n  alias = \"west\"\n}\n"
	"resource \"aws_vpc\" \"main\" {\n  count = 2\n  provider = aws.west\n  lifecycle {\n"
	"    create_before_destroy = true\n    ignore_changes = [tags[\"x\"]]\n  }\n}\n"
	"data \"aws_region\" \"here\" {}\n"
	"module \"inner\" {\n  source = \"./inner\"\n  providers = { aws = aws.west }\n}\n"
	"output \"id\" {\n  value = aws_vpc.main[0].id\n  sensitive = true\n}\n";

static void test_read(void) {
	g_autofree char *folder = folder_with("main.tf", good);
	g_autofree char *inner = g_build_filename(folder, "inner", NULL);
	g_autofree char *inner_file = g_build_filename(inner, "x.tf", NULL);
	g_assert_cmpint(g_mkdir(inner, 0700), ==, 0);
	g_assert_true(g_file_set_contents(inner_file, "variable \"v\" {}\n", -1, NULL));
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(Sources) sources = sources_new();
	g_autoptr(Config) config = config_load(folder, NULL, sources, diags);
	g_autofree char *shown = diags_render(diags, sources, FALSE, 0);
	g_assert_cmpstr(shown, ==, "");
	Module *root = config->root;
	Resource *vpc = g_hash_table_lookup(root->resource_index, "aws_vpc.main");
	g_assert_true(vpc->managed && vpc->count && vpc->create_before_destroy);
	g_assert_cmpstr(vpc->provider, ==, "aws");
	g_assert_cmpstr(vpc->provider_alias, ==, "west");
	g_assert_cmpuint(vpc->ignore_changes->len, ==, 1);
	g_assert_nonnull(g_hash_table_lookup(root->resource_index, "data.aws_region.here"));
	g_assert_nonnull(g_hash_table_lookup(root->providers, "aws.west"));
	ModuleCall *call = g_hash_table_lookup(root->calls, "inner");
	g_assert_cmpstr(call->module->path, ==, "module.inner");
	g_assert_cmpstr(g_hash_table_lookup(call->providers, "aws"), ==, "aws.west");
	g_assert_nonnull(g_hash_table_lookup(call->module->variables, "v"));
	g_assert_true(((Output *)g_hash_table_lookup(root->outputs, "id"))->sensitive);
	remove_folder(folder);
}

static void assert_problem(const char *text, const char *summary, const char *detail_part) {
	g_autofree char *folder = folder_with("main.tf", text);
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(Sources) sources = sources_new();
	g_autoptr(Config) config = config_load(folder, NULL, sources, diags);
	remove_folder(folder);
	g_assert_cmpuint(diags_error_count(diags), >=, 1);
	g_assert_cmpstr(diags_at(diags, 0)->summary, ==, summary);
	g_assert_nonnull(g_strstr_len(diags_at(diags, 0)->detail, -1, detail_part));
	g_assert_cmpuint(diags_at(diags, 0)->subject.start_line, >, 0);
}

static void test_problems(void) {
	assert_problem(
		"resorce \"a\" \"b\" {}\n", "Unsupported block type", "Did you mean \"resource\"?");
	assert_problem(
		"variable \"a\" {\n  defualt = 1\n}\n", "Unsupported argument", "\"default\"");
	assert_problem("output \"a\" {}\n", "Missing required argument", "\"value\"");
	assert_problem("resource \"aws_vpc\" \"a\" {}\nresource \"aws_vpc\" \"a\" {}\n",
		"Duplicate resource \"aws_vpc\" configuration", "main.tf:1");
	assert_problem("locals {\n  a = 1\n}\nlocals {\n  a = 2\n}\n",
		"Duplicate local value definition", "\"a\"");
	assert_problem("module \"m\" {\n  source = \"hashicorp/consul/aws\"\n}\n",
		"Module not installed", "terrarium init");
	assert_problem("module \"m\" {\n  source = \"./nowhere\"\n}\n",
		"Unreadable module directory", "./nowhere");
	assert_problem("resource \"aws_vpc\" \"a\" {\n  provisioner \"ansible\" {}\n}\n",
		"Missing required provisioner plugin", "ansible");
	assert_problem(
		"variable \"a\" {\n  type = strin\n}\n", "Invalid type specification", "strin");
}

static void test_empty(void) {
	g_autofree char *folder = folder_with("notes.txt", "nothing");
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(Sources) sources = sources_new();
	g_autoptr(Config) config = config_load(folder, NULL, sources, diags);
	g_assert_cmpuint(config->files->len, ==, 0);
	g_assert_cmpuint(config->root->resources->len, ==, 0);
	remove_folder(folder);
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/read", test_read);
	g_test_add_func("/config/problems", test_problems);
	g_test_add_func("/config/empty", test_empty);
	return g_test_run();
}
