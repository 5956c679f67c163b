/*
 * hashicorp/external: what a program of the user's answers. It reads a JSON object of texts, the
 * query, and writes another one, the result. Like provisioners it gets an environment in which AWS
 * is this machine.
 */
#include "base/child.h"
#include "provider/plain/plain.h"
#include "value/convert.h"
#include "value/json.h"

typedef struct {
	GString *streams[2]; /* by ChildStream */
} Printed;

static void take(ChildStream stream, const char *text, gsize length, gpointer data) {
	g_string_append_len(((Printed *)data)->streams[stream], text, (gssize)length);
}

/* The words of the program; borrows them. Caller frees the array. */
static GPtrArray *words_of(Value program) {
	GPtrArray *words = g_ptr_array_new();
	for (gsize i = 0; i < value_length(program); i++) {
		const char *word = value_text(value_at(program, i));
		if (word && *word)
			g_ptr_array_add(words, (char *)word);
	}
	g_ptr_array_add(words, NULL);
	return words;
}

static char *query_of(Value wanted) {
	Value query = value_get(wanted, "query");
	return value_is_null(query) ? g_strdup("{}") : value_to_json(query, VALUE_JSON_COMPACT);
}

static Value failed(const char *program, const GError *error, const char *errors, Diags *diags) {
	gboolean missing = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
	if (missing)
		return plain_fail(diags, "External Program Lookup Failed",
			"The data source received an unexpected error while attempting to find the "
			"program.\n\nThe program must be accessible according to the platform "
			"where Terrarium is running.\n\nProgram: %s\nError: %s",
			program, error->message);
	return plain_fail(diags, "External Program Execution Failed",
		"The data source received an unexpected error while attempting to execute the "
		"program.\n\nProgram: %s\n%s%s%sState: %s",
		program, *errors ? "Error Message: " : "", errors, *errors ? "\n" : "",
		error->message);
}

static Value result_of(const char *program, const char *output, gsize length, Diags *diags) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) answer = value_from_json(output, length, &error);
	g_autofree char *problem = error ? g_strdup(error->message) : NULL;
	if (!problem && !value_is_mapping(answer))
		problem = g_strdup("it is no object");
	for (gsize i = 0; !problem && i < value_length(answer); i++)
		if (!value_text(value_at(answer, i)))
			problem =
				g_strdup_printf("\"%s\" is not a string", value_key_at(answer, i));
	g_auto(Value) texts =
		problem ? VALUE_NOTHING : value_convert(answer, type_map(type_string()), &problem);
	if (!problem)
		return value_steal(&texts);
	return plain_fail(diags, "Unexpected External Program Results",
		"The data source received unexpected results after executing the "
		"program.\n\nProgram output must be a JSON encoded map of string keys and string "
		"values.\n\nProgram: %s\nResult Error: %s",
		program, problem);
}

static Value read_external(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autoptr(GPtrArray) words = words_of(value_get(wanted, "program"));
	g_autofree char *query = query_of(wanted);
	g_auto(GStrv) environment = child_environment();
	g_autoptr(GString) output = g_string_new(NULL);
	g_autoptr(GString) errors = g_string_new(NULL);
	Printed printed = {{output, errors}};
	const char *dir = value_get_text(wanted, "working_dir");
	const ChildProgram program = {.argv = (const char *const *)words->pdata,
		.dir = dir && *dir ? dir : NULL,
		.environment = (const char *const *)environment,
		.input = query,
		.took = take,
		.data = &printed};
	g_autoptr(GError) error = NULL;
	if (!child_run(&program, cancellable, &error)) {
		g_autofree char *said = g_utf8_make_valid(errors->str, (gssize)errors->len);
		return failed(words->pdata[0], error, said, diags);
	}
	Value result = result_of(words->pdata[0], output->str, output->len, diags);
	if (value_is_null(result))
		return VALUE_NOTHING;
	Value made = value_with_take(value_ref(wanted), "id", value_string("-"));
	return value_with_take(made, "result", result);
}

static const PlainType types[] = {
	{"external", .is_data = TRUE, .create = read_external},
	{NULL},
};

PLAIN_PROVIDER(external, "2.3.5", types);
