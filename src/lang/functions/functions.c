/* The register of functions: tables of all families, made into LangFunctions once. */
#include "lang/functions/functions.h"

#include <string.h>

Value lang_function_fail(int *blame, int index, char **problem, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	*problem = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	*blame = index;
	return VALUE_NOTHING;
}

static const Type *type_of_letter(char letter) {
	switch (letter) {
	case 's':
		return type_string();
	case 'n':
		return type_number();
	case 'b':
		return type_bool();
	case 'S':
		return type_list(type_string());
	case 'N':
		return type_list(type_number());
	case 'B':
		return type_list(type_bool());
	case 'T':
		return type_set(type_string());
	case 'M':
		return type_map(type_string());
	case 'L':
		return type_list(type_any());
	default:
		return type_any();
	}
}

static const Type *result_string(const Value *arguments, guint n) {
	return type_string();
}

static const Type *result_number(const Value *arguments, guint n) {
	return type_number();
}

static const Type *result_bool(const Value *arguments, guint n) {
	return type_bool();
}

static const Type *result_strings(const Value *arguments, guint n) {
	return type_list(type_string());
}

static LangParameter parameter_of(const char *spec) {
	const char *colon = strchr(spec, ':');
	g_autofree char *name = g_strndup(spec, (gsize)(colon - spec));
	return (LangParameter){
		.name = g_intern_string(name),
		.type = type_of_letter(colon[1]),
		.allow_null = strchr(colon, '!') != NULL,
		.allow_unknown = strchr(colon, '~') != NULL,
	};
}

static LangFunction *function_of(const LangFunctionSpec *spec) {
	LangFunction *function = g_new0(LangFunction, 1);
	function->name = spec->name;
	function->call = spec->call;
	function->impure = spec->impure;
	function->keeps_marks = spec->keeps_marks;
	function->result_type = spec->result == 's'   ? result_string
				: spec->result == 'n' ? result_number
				: spec->result == 'b' ? result_bool
				: spec->result == 'S' ? result_strings
						      : NULL;
	g_auto(GStrv) parts = g_strsplit(spec->parameters, " ", -1);
	LangParameter *parameters = g_new0(LangParameter, g_strv_length(parts) + 1);
	guint fixed = 0;
	for (char **part = parts; *part; part++) {
		if (!**part)
			continue;
		if (**part == '*') {
			LangParameter variadic = parameter_of(*part + 1);
			function->variadic = g_memdup2(&variadic, sizeof variadic);
		} else {
			parameters[fixed++] = parameter_of(*part);
		}
	}
	function->parameters = parameters;
	return function;
}

typedef struct {
	GHashTable *by_name;
	GPtrArray *sorted;
} Register;

static int compare_functions(gconstpointer a, gconstpointer b) {
	const LangFunction *const *first = a, *const *second = b;
	return strcmp((*first)->name, (*second)->name);
}

static gpointer make_register(gpointer data) {
	const LangFunctionSpec *const families[] = {lang_numeric_specs, lang_string_specs,
		lang_collection_specs, lang_encoding_specs, lang_filesystem_specs, lang_time_specs,
		lang_crypto_specs, lang_network_specs, lang_type_specs};
	Register *all = g_new0(Register, 1);
	all->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	all->sorted = g_ptr_array_new();
	for (guint i = 0; i < G_N_ELEMENTS(families); i++)
		for (const LangFunctionSpec *spec = families[i]; spec->name; spec++) {
			LangFunction *function = function_of(spec);
			g_hash_table_insert(all->by_name, (char *)function->name, function);
			g_ptr_array_add(all->sorted, function);
		}
	g_ptr_array_sort(all->sorted, compare_functions);
	return all;
}

static const Register *register_get(void) {
	static GOnce once = G_ONCE_INIT;
	return g_once(&once, make_register, NULL);
}

const LangFunction *lang_function(const char *name) {
	if (g_str_has_prefix(name, "core::"))
		name += strlen("core::");
	return g_hash_table_lookup(register_get()->by_name, name);
}

const LangFunction *const *lang_functions(gsize *n) {
	const Register *all = register_get();
	*n = all->sorted->len;
	return (const LangFunction *const *)all->sorted->pdata;
}
