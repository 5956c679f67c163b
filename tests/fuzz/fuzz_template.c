/* libFuzzer: any bytes as a template, evaluated with names and functions. */
#include "fuzz.h"

#include "lang/lang.h"

static gboolean resolve(
	const LangTraversal *traversal, Value *out, guint *used, gpointer data, Diags *diags) {
	*used = 0;
	g_auto(Value) secret = value_string("s");
	*out = value_object_take("name", value_string("web"), "ports",
		value_tuple_take(3, value_int(80), value_unknown(type_number()), value_int(443)),
		"secret", value_mark_sensitive(secret), "none", VALUE_NOTHING, NULL);
	return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file = lang_parse_template("fuzz", (const char *)data, size, diags);
	if (!lang_file_expr(file))
		return 0;
	const LangScope scope = {.resolve = resolve, .pure = size % 2, .lenient = size % 3 == 0};
	g_auto(Value) value = lang_eval(lang_file_expr(file), &scope, diags);
	g_autofree char *written = lang_value_to_text(value, 0);
	return 0;
}
