/* What one file's tree is made of: its memory, and what others ask of it. */
#include "lang/syntax.h"

LangFile *lang_file_new(const char *filename) {
	LangFile *file = g_new0(LangFile, 1);
	file->name = g_intern_string(filename);
	file->memory = g_ptr_array_new_with_free_func(g_free);
	file->arrays = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	file->literals = g_array_new(FALSE, FALSE, sizeof(Value));
	g_array_set_clear_func(file->literals, (GDestroyNotify)value_clear);
	return file;
}

void lang_file_free(LangFile *file) {
	if (!file)
		return;
	g_ptr_array_unref(file->memory);
	g_ptr_array_unref(file->arrays);
	g_array_unref(file->literals);
	g_free(file);
}

gpointer lang_file_allocate(LangFile *file, gsize size) {
	gpointer memory = g_malloc0(size);
	g_ptr_array_add(file->memory, memory);
	return memory;
}

LangBody *lang_file_new_body(LangFile *file) {
	LangBody *body = lang_file_allocate(file, sizeof *body);
	body->attributes = g_ptr_array_new();
	body->blocks = g_ptr_array_new();
	g_ptr_array_add(file->arrays, body->attributes);
	g_ptr_array_add(file->arrays, body->blocks);
	return body;
}

LangBody *lang_file_body(LangFile *file) {
	return file->body;
}

LangExpr *lang_file_expr(LangFile *file) {
	return file->expr;
}

const char *lang_file_name(const LangFile *file) {
	return file->name;
}

LangAttribute *lang_body_attribute(const LangBody *body, const char *name) {
	for (guint i = 0; i < body->attributes->len; i++) {
		LangAttribute *attribute = body->attributes->pdata[i];
		if (g_str_equal(attribute->name, name))
			return attribute;
	}
	return NULL;
}
