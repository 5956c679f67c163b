/* The parser, the JSON syntax, references, type constraints and formatter of src/lang. */
#include <string.h>

#include "lang/lang.h"

static LangFile *parse(const char *text, Diags *diags) {
	return lang_parse("test.tf", text, strlen(text), diags);
}

static void test_bodies(void) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file =
		parse("a = 1\nresource \"x\" y {\n  b = 2\n  inner {}\n}\n", diags);
	g_assert_false(diags_has_errors(diags));
	const LangBody *body = lang_file_body(file);
	g_assert_nonnull(lang_body_attribute(body, "a"));
	g_assert_cmpuint(body->blocks->len, ==, 1);
	const LangBlock *block = body->blocks->pdata[0];
	g_assert_cmpstr(block->type, ==, "resource");
	g_assert_cmpuint(block->n_labels, ==, 2);
	g_assert_cmpstr(block->labels[1], ==, "y");
	g_assert_cmpuint(block->header.start_line, ==, 2);
	g_assert_cmpuint(lang_body_attribute(block->body, "b")->name_range.start_column, ==, 3);
}

static void test_recovery(void) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file = parse("a = [1 2]\nb = 3\nc = )\nd = 4\n", diags);
	g_assert_cmpuint(diags_error_count(diags), ==, 1); /* the second may follow from it */
	g_assert_cmpuint(diags_at(diags, 0)->subject.start_line, ==, 1);
	g_assert_nonnull(lang_body_attribute(lang_file_body(file), "b"));
	g_assert_nonnull(lang_body_attribute(lang_file_body(file), "d"));
}

static void note_root(const LangTraversal *traversal, gpointer data) {
	g_string_append_printf(data, "%s/%u ", traversal->root, traversal->n_steps);
}

static void test_references(void) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file =
		parse("a = \"${var.x}-${[for k, v in local.m : k if v == data.a.b[0].c]}\"\n"
		      "b = { key = each.value, (self.y) = 1 }\n",
			diags);
	g_autoptr(GString) found = g_string_new(NULL);
	lang_body_references(lang_file_body(file), note_root, found);
	g_assert_cmpstr(found->str, ==, "var/1 local/1 data/4 each/1 self/1 ");
}

static gboolean refuse(
	const LangTraversal *traversal, Value *out, guint *used, gpointer data, Diags *diags) {
	g_assert_not_reached();
}

static void test_json(void) {
	static const char text[] =
		"{\"//\": \"a comment\", \"locals\": {\"n\": 1},\n"
		" \"resource\": {\"x\": {\"a\": {\"depends_on\": [\"x.b\"], \"v\": \"${1 + 1}\"},\n"
		"                 \"b\": [{\"v\": \"t\\u00e9\"}, {}]}}}";
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file = lang_parse_json("t.tf.json", text, strlen(text), diags);
	g_assert_false(diags_has_errors(diags));
	const LangBlockType types[] = {{"resource", 2}, {"locals", 0}, {NULL, 0}};
	const LangBody *content = lang_body_content(lang_file_body(file), types, diags);
	g_assert_cmpuint(content->attributes->len, ==, 0);
	g_assert_cmpuint(content->blocks->len, ==, 4);
	const LangBlock *first = content->blocks->pdata[1];
	g_assert_cmpstr(first->labels[1], ==, "a");
	LangExpr **elements;
	guint n;
	const LangAttribute *depends = lang_body_attribute(first->body, "depends_on");
	g_assert_true(lang_expr_tuple(depends->expr, &elements, &n));
	g_assert_cmpstr(lang_expr_traversal(elements[0])->root, ==, "x");
	const LangExpr *v = lang_body_attribute(first->body, "v")->expr;
	g_auto(Value) two = lang_eval(v, &(LangScope){.resolve = refuse}, diags);
	g_assert_cmpint(value_to_int(two, 0), ==, 2);
	/* Where nothing can be referred to, no template is meant either. */
	g_auto(Value) verbatim = lang_eval(v, &(LangScope){.resolve = NULL}, diags);
	g_assert_cmpstr(value_text(verbatim), ==, "${1 + 1}");
	g_assert_false(diags_has_errors(diags));
}

static void test_json_errors(void) {
	static const char *const bad[] = {
		"{\"a\": }", "{\"a\" 1}", "[1,", "{\"a\": tru}", "{} x", ""};
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(Diags) diags = diags_new();
		g_autoptr(LangFile) file = lang_parse_json("t", bad[i], strlen(bad[i]), diags);
		g_assert_cmpuint(diags_error_count(diags), ==, 1);
	}
}

static void test_type(void) {
	static const char text[] = "object({ a = string, b = optional(number, 7) })";
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file = lang_parse_expression("t", text, strlen(text), diags);
	g_autoptr(LangDefaults) defaults = NULL;
	const Type *type = lang_type(lang_file_expr(file), &defaults, diags);
	g_assert_nonnull(type);
	g_auto(Value) given = value_object_take("a", value_string("x"), NULL);
	g_auto(Value) full = lang_defaults_apply(defaults, given);
	g_assert_cmpint(value_get_int(full, "b", 0), ==, 7);
}

static void test_format(void) {
	static const char ugly[] =
		"resource  \"x\" y {\na=1 # one\n  bcd = [ 1,2 ]   // two\n"
		"o = f( {\na = -1\nbb = \"${ a [0] }\"\n}, !x )\n h = <<-E\n  t\n E\n}\n";
	static const char fine[] =
		"resource \"x\" y {\n  a   = 1      # one\n  bcd = [1, 2] // two\n"
		"  o = f({\n    a  = -1\n    bb = \"${a[0]}\"\n  }, !x)\n"
		"  h = <<-E\n  t\n E\n}\n";
	g_autoptr(Diags) diags = diags_new();
	g_autofree char *text = lang_format("t", ugly, strlen(ugly), diags);
	g_assert_cmpstr(text, ==, fine);
	g_assert_null(lang_format("t", "a = ", 4, diags));
	g_assert_true(diags_has_errors(diags));
}

static void test_object_lines(void) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file = parse(
		"n = {\n  a = 1\n  b = 2 - 1\n  c = -1\n\n  d = [\n    1 +\n    2]\n}\n", diags);
	g_assert_false(diags_has_errors(diags));
	g_auto(Value) value = lang_eval(lang_body_attribute(lang_file_body(file), "n")->expr,
		&(LangScope){.base_dir = NULL}, diags);
	g_assert_cmpuint(value_length(value), ==, 4);
	g_assert_cmpint(value_get_int(value, "a", 0), ==, 1);
	g_assert_cmpint(value_get_int(value, "c", 0), ==, -1);
}

static void test_undeclared(void) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file = lang_parse_expression("t", "nope", 4, diags);
	g_auto(Value) value =
		lang_eval(lang_file_expr(file), &(LangScope){.base_dir = NULL}, diags);
	g_assert_false(value_is_known(value));
	g_assert_cmpstr(diags_at(diags, 0)->summary, ==, "Variables not allowed");
}

/* A text that ends in the middle of an escape is read to its end, and not behind it. */
static void test_escape_at_the_end(void) {
	static const char *const texts[] = {"${\"a\\", "${f(\"a\\", "a\\", "${{{f({a = [1, \"x\\"};
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *text = g_memdup2(texts[i], strlen(texts[i]));
		g_autoptr(Diags) diags = diags_new();
		g_autoptr(LangFile) file = lang_parse_template("t", text, strlen(texts[i]), diags);
		g_assert_nonnull(file);
	}
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lang/bodies", test_bodies);
	g_test_add_func("/lang/recovery", test_recovery);
	g_test_add_func("/lang/references", test_references);
	g_test_add_func("/lang/json", test_json);
	g_test_add_func("/lang/json-errors", test_json_errors);
	g_test_add_func("/lang/type", test_type);
	g_test_add_func("/lang/format", test_format);
	g_test_add_func("/lang/object-lines", test_object_lines);
	g_test_add_func("/lang/undeclared", test_undeclared);
	g_test_add_func("/lang/escape-at-the-end", test_escape_at_the_end);
	return g_test_run();
}
