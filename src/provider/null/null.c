/* hashicorp/null: resources that are nothing but their triggers. */
#include "base/text.h"
#include "provider/plain/plain.h"

/* As the official one: a random number of up to 19 digits. */
static Value random_number(void) {
	g_autofree char *hex = text_random_hex(16);
	guint64 number = g_ascii_strtoull(hex, NULL, 16) >> 1;
	return value_string_printf("%" G_GUINT64_FORMAT, number);
}

static Value create_resource(Value wanted, GCancellable *cancellable, Diags *diags) {
	return value_with_take(value_ref(wanted), "id", random_number());
}

static Value read_data_source(Value wanted, GCancellable *cancellable, Diags *diags) {
	Value inputs = value_get(wanted, "inputs");
	Value made = value_with_take(value_ref(wanted), "id", value_string("static"));
	made = value_with_take(made, "random", random_number());
	if (value_is_null(value_get(made, "has_computed_default")))
		made = value_with_take(made, "has_computed_default", value_string("default"));
	return value_with_take(
		made, "outputs", value_is_null(inputs) ? value_empty_object() : value_ref(inputs));
}

static const PlainType types[] = {
	{"null_data_source", .is_data = TRUE, .create = read_data_source},
	{"null_resource", .create = create_resource},
	{NULL},
};

PLAIN_PROVIDER(null, "3.2.4", types);
