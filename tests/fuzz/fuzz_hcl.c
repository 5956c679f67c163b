/* libFuzzer: any bytes through the parsers of the language, its formatter and its evaluator. */
#include "fuzz.h"

#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const char *text = (const char *)data;
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) native = lang_parse("fuzz.tf", text, size, diags);
	g_autoptr(LangFile) json = lang_parse_json("fuzz.tf.json", text, size, diags);
	g_autoptr(LangFile) template = lang_parse_template("fuzz", text, size, diags);
	g_autofree char *formatted = lang_format("fuzz.tf", text, size, diags);
	g_autoptr(LangFile) file = lang_parse_expression("fuzz", text, size, diags);
	if (lang_file_expr(file)) {
		g_auto(Value) value =
			lang_eval(lang_file_expr(file), &(LangScope){.base_dir = NULL}, diags);
		g_autofree char *written = lang_value_to_text(value, 0);
	}
	return 0;
}
