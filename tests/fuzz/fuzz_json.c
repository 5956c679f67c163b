/* libFuzzer: any bytes as JSON. What is read is the same after it was written and read again. */
#include "fuzz.h"

#include "value/json.h"

static void round_trip(Value value, ValueJsonFlags flags) {
	g_autoptr(GError) error = NULL;
	g_autofree char *text = value_to_json(value, flags);
	g_auto(Value) again = value_from_json(text, -1, &error);
	g_assert_no_error(error);
	g_assert_true(value_equal(value, again));
}

static void typed(const char *text, size_t size) {
	const TypeAttribute attributes[] = {
		{.name = "a", .type = type_set(type_string())},
		{.name = "b", .type = type_map(type_list(type_number()))},
		{.name = "c", .type = type_any()},
		{.name = "d", .type = type_bool()},
	};
	const Type *type = type_object(attributes, G_N_ELEMENTS(attributes));
	g_auto(Value) value = value_from_json_typed(text, (gssize)size, type, NULL);
	g_autofree char *written = value_to_json(value, VALUE_JSON_COMPACT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const char *text = (const char *)data;
	g_autoptr(GError) error = NULL;
	g_auto(Value) value = value_from_json(text, (gssize)size, &error);
	if (error)
		return 0;
	round_trip(value, VALUE_JSON_COMPACT);
	round_trip(value, VALUE_JSON_PRETTY | VALUE_JSON_ESCAPE_HTML);
	const Type *type = type_from_json(value);
	g_autofree char *name = type ? type_to_string(type) : NULL;
	typed(text, size);
	return 0;
}
