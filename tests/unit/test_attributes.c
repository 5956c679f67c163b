/*
 * The schemas of the aws provider hold every argument and attribute that the official provider
 * documents. tests/provider/attributes/<type>.txt ("data.<type>.txt" of a data source) has them,
 * one path a line: "name", "health_check.path"; '#' begins a comment.
 */
#include <string.h>

#include "provider/aws/aws.h"

static const SchemaBlock *type_block(const char *name) {
	static Provider *provider;
	if (!provider)
		provider = provider_aws_class.create();
	const Schema *schema =
		g_str_has_prefix(name, "data.")
			? provider_aws_class.data_schema(provider, name + strlen("data."))
			: provider_aws_class.resource_schema(provider, name);
	return schema ? schema->block : NULL;
}

/* What a step further may be asked of: the object in a list, set or map. */
static const Type *object_within(const Type *type) {
	while (type_kind(type) == TYPE_KIND_LIST || type_kind(type) == TYPE_KIND_SET ||
		type_kind(type) == TYPE_KIND_MAP)
		type = type_element(type);
	return type_kind(type) == TYPE_KIND_OBJECT ? type : NULL;
}

static gboolean has_path(const SchemaBlock *block, const char *path) {
	g_auto(GStrv) steps = g_strsplit(path, ".", -1);
	const Type *type = schema_block_type(block);
	for (char **step = steps; *step; step++) {
		const Type *object = object_within(type);
		const TypeAttribute *attribute = object ? type_attribute(object, *step) : NULL;
		if (!attribute)
			return FALSE;
		type = attribute->type;
	}
	return TRUE;
}

/* The path of a line, without comment and blanks; "" if it has none. */
static char *line_path(char *line) {
	line[strcspn(line, "#")] = '\0';
	return g_strstrip(line);
}

/* Says what of a file's paths is missing; FALSE if something is. */
static gboolean check_type(const char *name, char *text) {
	const SchemaBlock *block = type_block(name);
	if (!block) {
		g_printerr("%s: there is no such type\n", name);
		return FALSE;
	}
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	guint asked = 0, missing = 0;
	for (char **line = lines; *line; line++) {
		const char *path = line_path(*line);
		if (!*path)
			continue;
		asked++;
		if (has_path(block, path))
			continue;
		g_printerr("%s has no %s\n", name, path);
		missing++;
	}
	g_assert_cmpuint(asked, >, 0);
	return missing == 0;
}

/* One test for all types: it says everything that is missing before it fails. */
static void test_documented(void) {
	g_autofree char *directory =
		g_test_build_filename(G_TEST_DIST, "provider", "attributes", NULL);
	g_autoptr(GDir) listing = g_dir_open(directory, 0, NULL);
	g_assert_nonnull(listing);
	const char *base;
	guint types = 0;
	gboolean whole = TRUE;
	while ((base = g_dir_read_name(listing))) {
		if (!g_str_has_suffix(base, ".txt"))
			continue;
		g_autofree char *file = g_build_filename(directory, base, NULL);
		g_autofree char *name = g_strndup(base, strlen(base) - strlen(".txt"));
		g_autofree char *text = NULL;
		g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
		whole = check_type(name, text) && whole;
		types++;
	}
	g_assert_cmpuint(types, >, 0);
	if (!whole)
		g_test_fail_printf("schemas lack what is documented");
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/attributes/documented", test_documented);
	return g_test_run();
}
