/* Values, conversion and JSON. */
#include "value/convert.h"
#include "value/json.h"

static void assert_json(Value value_taken, const char *expected) {
	g_auto(Value) value = value_taken;
	g_autofree char *json = value_to_json(value, VALUE_JSON_COMPACT);
	g_assert_cmpstr(json, ==, expected);
}

static void test_numbers(void) {
	const char *const same[] = {"0", "1", "-5", "0.1", "0.5", "123456789012345678901234567890",
		"9223372036854775807", "1.000000000000000000000000000001"};
	for (guint i = 0; i < G_N_ELEMENTS(same); i++)
		assert_json(value_number_parse(same[i]), same[i]);
	assert_json(value_number_parse("1e3"), "1000");
	assert_json(value_double(0.1), "0.1");
	assert_json(value_double(1700000000.123), "1700000000.123");
	g_assert_true(value_is_null(value_number_parse("1x")));
	g_assert_true(value_is_null(value_number_parse("")));
	assert_json(value_arithmetic(VALUE_DIVIDE, value_int(1), value_int(4)), "0.25");
	assert_json(value_arithmetic(VALUE_ADD, value_int(G_MAXINT64), value_int(1)),
		"9223372036854775808");
	g_assert_true(value_is_null(value_arithmetic(VALUE_DIVIDE, value_int(1), value_int(0))));
	assert_json(value_arithmetic(VALUE_MODULO, value_int(-7), value_int(3)), "-1");
}

static void test_objects(void) {
	Value object = value_object_take("b", value_int(1), "a", value_string("x"), NULL);
	g_assert_cmpstr(value_key_at(object, 0), ==, "a");
	object = value_with_take(object, "b", value_int(2));
	object = value_with_take(object, "c", value_bool(TRUE));
	g_assert_cmpint(value_get_int(object, "b", 0), ==, 2);
	object = value_without_take(object, "a");
	assert_json(object, "{\"b\":2,\"c\":true}");
	g_auto(Value) a = value_object_take("x", value_int(1), "y", value_int(1), NULL);
	g_auto(Value) b = value_object_take("y", value_int(2), NULL);
	assert_json(value_merge(a, b), "{\"x\":1,\"y\":2}");
}

static void test_sets(void) {
	ValueBuilder *builder = value_builder_new(VALUE_SET, type_string());
	value_builder_add_take(builder, value_string("b"));
	value_builder_add_take(builder, value_string("a"));
	value_builder_add_take(builder, value_string("b"));
	assert_json(value_builder_end(builder), "[\"a\",\"b\"]");
}

static void test_marks(void) {
	g_auto(Value) secret = value_string("s");
	Value marked = value_mark_sensitive(secret);
	g_auto(Value) object =
		value_object_take("a", marked, "b", value_unknown(type_string()), NULL);
	g_assert_true(value_has_sensitive(object));
	g_assert_false(value_is_sensitive(object));
	g_assert_false(value_is_wholly_known(object));
	g_auto(Value) paths = value_sensitive_paths(object);
	assert_json(value_ref(paths), "[[\"a\"]]");
	g_auto(Value) plain = value_unmark_deep(object);
	g_assert_false(value_has_sensitive(plain));
}

static void assert_converts(const char *json, const Type *type, const char *expected) {
	g_auto(Value) value = value_from_json(json, -1, NULL);
	g_autofree char *problem = NULL;
	g_auto(Value) converted = value_convert(value, type, &problem);
	if (problem)
		g_assert_cmpstr(problem, ==, expected);
	else
		assert_json(value_ref(converted), expected);
}

static void test_convert(void) {
	assert_converts("13.4", type_string(), "\"13.4\"");
	assert_converts("\"12\"", type_number(), "12");
	assert_converts("\"x\"", type_number(), "a number is required");
	assert_converts("[1,\"a\",true]", type_list(type_string()), "[\"1\",\"a\",\"true\"]");
	assert_converts("[1,\"a\"]", type_list(type_any()), "[\"1\",\"a\"]");
	assert_converts("[\"b\",\"a\",\"b\"]", type_set(type_string()), "[\"a\",\"b\"]");
	const TypeAttribute attributes[] = {
		{"a", type_string(), FALSE}, {"b", type_number(), TRUE}};
	const Type *object = type_object(attributes, 2);
	assert_converts("{\"a\":1}", object, "{\"a\":\"1\",\"b\":null}");
	assert_converts("{\"b\":1}", object, "attribute \"a\" is required");
	assert_converts(
		"{\"a\":\"x\",\"b\":\"y\"}", object, "attribute \"b\": a number is required");
	assert_converts("{\"a\":{}}", type_map(type_string()), "element \"a\": string required");
}

static void test_json(void) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) value = value_from_json(
		" {\"a\": [1, 2.50, \"\\u00e9\\ud83d\\ude00\\n\"], \"a<\": null} ", -1, &error);
	g_assert_no_error(error);
	assert_json(value_ref(value), "{\"a\":[1,2.5,\"é😀\\n\"],\"a<\":null}");
	g_autofree char *html = value_to_json(value, VALUE_JSON_ESCAPE_HTML);
	g_assert_cmpstr(html, ==, "{\"a\":[1,2.5,\"é😀\\n\"],\"a\\u003c\":null}");
	const char *const broken[] = {"", "{", "[1,]", "{\"a\"}", "01", "1 2", "\"\x01\"",
		"\"\\x\"", "nul", "{\"a\":1,}", "\"\xff\"", "{\"a\\u0000\":1}", "1e999999999",
		"[1e-999999999]"};
	for (guint i = 0; i < G_N_ELEMENTS(broken); i++) {
		g_autoptr(GError) problem = NULL;
		g_auto(Value) nothing = value_from_json(broken[i], -1, &problem);
		g_assert_nonnull(problem);
	}
	static const char zero[] = "[9\0,\"\xff\"]";
	g_autoptr(GError) after_zero = NULL;
	g_auto(Value) none = value_from_json(zero, sizeof zero - 1, &after_zero);
	g_assert_nonnull(after_zero);
	g_autoptr(GError) empty = NULL;
	g_auto(Value) no_bytes = value_from_json(NULL, 0, &empty);
	g_assert_nonnull(empty);
	g_autofree char *deep = g_strnfill(100000, '[');
	g_autoptr(GError) problem = NULL;
	g_auto(Value) nothing = value_from_json(deep, -1, &problem);
	g_assert_nonnull(problem);
}

static void test_types(void) {
	const TypeAttribute attributes[] = {{"b", type_number()}, {"a", type_list(type_string())}};
	const Type *type = type_object(attributes, 2);
	g_autofree char *text = type_to_string(type);
	g_assert_cmpstr(text, ==, "object({a=list(string), b=number})");
	g_auto(Value) json = type_to_json(type);
	g_assert_true(type_from_json(json) == type);
	const char *const no_types[] = {"null", "3", "[]", "[\"list\"]", "{\"a\":\"string\"}",
		"[\"bag\",\"string\"]", "[\"tuple\",[null]]", "\"text\""};
	for (guint i = 0; i < G_N_ELEMENTS(no_types); i++) {
		g_auto(Value) none = value_from_json(no_types[i], -1, NULL);
		g_assert_null(type_from_json(none));
	}
	g_auto(Value) value = value_from_json("{\"b\":1,\"a\":[\"x\"]}", -1, NULL);
	g_auto(Value) converted = value_convert(value, type, NULL);
	g_assert_true(value_type(converted) == type);
	const Type *pair[] = {type_number(), type_string()};
	g_assert_true(type_unify(pair, 2) == type_string());
	const Type *bad[] = {type_bool(), type_number()};
	g_assert_null(type_unify(bad, 2));
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/value/numbers", test_numbers);
	g_test_add_func("/value/objects", test_objects);
	g_test_add_func("/value/sets", test_sets);
	g_test_add_func("/value/marks", test_marks);
	g_test_add_func("/value/convert", test_convert);
	g_test_add_func("/value/json", test_json);
	g_test_add_func("/value/types", test_types);
	return g_test_run();
}
