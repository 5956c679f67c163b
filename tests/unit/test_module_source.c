/* Sources of modules and versions: as Terraform's documentation has them. */
#include "engine/module_source.h"
#include "engine/version.h"

static void assert_source(const char *text, ModuleSourceKind kind, const char *address,
	const char *subdir, const char *reference) {
	g_autofree char *problem = NULL;
	g_autoptr(ModuleSource) source = module_source_parse(text, &problem);
	g_assert_cmpstr(problem, ==, NULL);
	g_assert_cmpint(source->kind, ==, kind);
	g_assert_cmpstr(source->address, ==, address);
	g_assert_cmpstr(source->subdir, ==, subdir);
	g_assert_cmpstr(source->reference, ==, reference);
}

static void test_kinds(void) {
	assert_source("./a", MODULE_LOCAL, "./a", NULL, NULL);
	assert_source("../a/b", MODULE_LOCAL, "../a/b", NULL, NULL);
	assert_source("hashicorp/consul/aws", MODULE_REGISTRY, "hashicorp/consul/aws", NULL, NULL);
	assert_source("terraform-aws-modules/iam/aws//modules/iam-role", MODULE_REGISTRY,
		"terraform-aws-modules/iam/aws", "modules/iam-role", NULL);
	assert_source("github.com/a/b", MODULE_GIT, "https://github.com/a/b.git", NULL, NULL);
	assert_source("github.com/a/b//c/d?ref=v1", MODULE_GIT, "https://github.com/a/b.git", "c/d",
		"v1");
	assert_source("bitbucket.org/a/b", MODULE_GIT, "https://bitbucket.org/a/b.git", NULL, NULL);
	assert_source(
		"git@github.com:a/b.git", MODULE_GIT, "ssh://git@github.com/a/b.git", NULL, NULL);
	assert_source("git::https://example.com/vpc.git//x?ref=v1.2.0", MODULE_GIT,
		"https://example.com/vpc.git", "x", "v1.2.0");
	assert_source("git::ssh://me@example.com/storage.git", MODULE_GIT,
		"ssh://me@example.com/storage.git", NULL, NULL);
	assert_source("git::me@example.com:storage.git?ref=a%2Fb", MODULE_GIT,
		"ssh://me@example.com/storage.git", NULL, "a/b");
	assert_source("https://example.com/vpc.zip//inner", MODULE_ARCHIVE,
		"https://example.com/vpc.zip", "inner", NULL);
	assert_source("/opt/modules//x", MODULE_FOLDER, "/opt/modules", "x", NULL);
}

static void test_details(void) {
	g_autoptr(ModuleSource) own =
		module_source_parse("registry.example.com:8443/a/b/aws", &(char *){NULL});
	g_assert_cmpstr(own->host, ==, "registry.example.com:8443");
	g_autofree char *name = module_source_registry_name(own);
	g_assert_cmpstr(name, ==, "registry.example.com:8443/a/b/aws");
	g_autoptr(ModuleSource) shallow =
		module_source_parse("git::https://x.test/y.git?depth=1&ref=main", &(char *){NULL});
	g_assert_cmpuint(shallow->depth, ==, 1);
	g_assert_cmpstr(shallow->reference, ==, "main");
	g_autoptr(ModuleSource) told =
		module_source_parse("https://x.test/get?archive=tgz&a=b", &(char *){NULL});
	g_assert_cmpstr(told->format, ==, "tgz");
	g_assert_cmpstr(told->address, ==, "https://x.test/get?a=b");
	g_autoptr(ModuleSource) page =
		module_source_parse("https://x.test/module", &(char *){NULL});
	g_assert_cmpstr(page->format, ==, NULL);
}

static void test_refused(void) {
	static const char *const bad[] = {"modules/vpc", "hg::http://x.test/y", "s3::https://x",
		"git::https://x.test/a.git?sshkey=abc", "github.com/only", "a/b/c//../../etc",
		"what::ever", NULL};
	for (guint i = 0; bad[i]; i++) {
		g_autofree char *problem = NULL;
		g_autoptr(ModuleSource) source = module_source_parse(bad[i], &problem);
		g_assert_null(source);
		g_assert_nonnull(problem);
	}
}

static void assert_satisfies(const char *version, const char *constraints, gboolean expected) {
	g_autofree char *problem = NULL;
	g_assert_cmpint(version_satisfies(version, constraints, &problem), ==, expected);
	g_assert_cmpstr(problem, ==, NULL);
}

static void test_versions(void) {
	assert_satisfies("1.2.3", "1.2.3", TRUE);
	assert_satisfies("1.2.3", "= 1.2.4", FALSE);
	assert_satisfies("1.2.3", "~> 1.0", TRUE);
	assert_satisfies("2.0.0", "~> 1.0", FALSE);
	assert_satisfies("1.2.9", "~> 1.2.3", TRUE);
	assert_satisfies("1.3.0", "~> 1.2.3", FALSE);
	assert_satisfies("1.2.3", ">= 1.0, < 2.0, != 1.2.3", FALSE);
	assert_satisfies("1.2.4", ">= 1.0, < 2.0, != 1.2.3", TRUE);
	assert_satisfies("1.3.0-beta1", ">= 1.0", FALSE);
	assert_satisfies("1.3.0-beta1", "1.3.0-beta1", TRUE);
	g_assert_cmpint(version_compare("1.10.0", "1.9.9"), >, 0);
	g_assert_cmpint(version_compare("1.0.0-rc.2", "1.0.0-rc.10"), <, 0);
	g_assert_cmpint(version_compare("1.0.0-rc.1", "1.0.0"), <, 0);
	g_assert_false(version_is_valid("1.x"));
	static const struct {
		const char *constraints;
		gboolean met; /* by a release of the majors 3 to 6 */
	} ranges[] = {{"~> 5.0", TRUE}, {"~> 99", FALSE}, {">= 6.99", TRUE},
		{"> 6, < 6.0.1", FALSE}, {"< 3", FALSE}, {"< 3.0.1", TRUE},
		{">= 4, != 4.0.0, < 4.0.1", FALSE}, {">= 2.0, < 4", TRUE}, {"= 5.31.0", TRUE},
		{"~> 2.7", FALSE}};
	for (guint i = 0; i < G_N_ELEMENTS(ranges); i++)
		g_assert_cmpint(
			version_any_satisfies(3, 6, ranges[i].constraints), ==, ranges[i].met);
	g_autofree char *problem = NULL;
	g_assert_false(version_satisfies("1.0.0", ">> 1", &problem));
	g_assert_nonnull(problem);
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/module-source/kinds", test_kinds);
	g_test_add_func("/module-source/details", test_details);
	g_test_add_func("/module-source/refused", test_refused);
	g_test_add_func("/module-source/versions", test_versions);
	return g_test_run();
}
