/*
 * Variables in the configuration of actions: #{namespace.name}. Namespaces are those of the actions
 * that ran before, "variables" (the pipeline's own) and "codepipeline".
 */
#include <string.h>

#include "region/services/codepipeline/internal.h"

#define OPEN "#{"

/* The next reference in *text: what is between #{ and }, caller frees; NULL: none. *begin gets
 * where it begins, *text what comes after it. */
static char *next_reference(const char **text, const char **begin) {
	const char *open = strstr(*text, OPEN);
	const char *close = open ? strchr(open, '}') : NULL;
	if (!close)
		return NULL;
	*begin = open;
	*text = close + 1;
	open += strlen(OPEN);
	return g_strndup(open, (gsize)(close - open));
}

/* Caller frees; NULL: it is not known. */
static char *look_up(Value execution, const char *reference) {
	const char *dot = strchr(reference, '.');
	if (!dot)
		return NULL;
	g_autofree char *name_space = g_strndup(reference, (gsize)(dot - reference));
	if (g_str_equal(reference, "codepipeline.PipelineExecutionId"))
		return g_strdup(value_get_text(execution, "pipelineExecutionId"));
	if (g_str_equal(name_space, "variables"))
		return g_strdup(value_get_text(
			pipeline_named(value_get(execution, "variables"), "name", dot + 1, NULL),
			"resolvedValue"));
	return g_strdup(value_get_text(
		value_get(pipeline_internal(execution, "namespaces"), name_space), dot + 1));
}

static char *resolve_text(Value execution, const char *key, const char *text, GError **error) {
	g_autoptr(GString) resolved = g_string_new(NULL);
	const char *rest = text, *begin;
	char *reference;
	while ((reference = next_reference(&rest, &begin))) {
		g_autofree char *value = look_up(execution, reference);
		if (!value) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
				"The configuration %s refers to the variable #{%s}, which no "
				"action of this execution has set.",
				key, reference);
			g_free(reference);
			return NULL;
		}
		g_free(reference);
		g_string_append_len(resolved, text, begin - text);
		g_string_append(resolved, value);
		text = rest;
	}
	g_string_append(resolved, text);
	return g_strdup(resolved->str);
}

Value pipeline_resolve(Value execution, Value configuration, GError **error) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *key;
	Value value;
	for (value_iter_init(&iter, configuration); value_iter_next(&iter, &key, &value);) {
		char *text = resolve_text(execution, key, value_text_or(value, ""), error);
		if (!text)
			return VALUE_NOTHING;
		value_builder_set_take(all, key, value_string_take(text));
	}
	return value_builder_end(g_steal_pointer(&all));
}

char *pipeline_unknown_reference(Value configuration, GHashTable *namespaces, const char **key) {
	ValueIter iter;
	Value value;
	for (value_iter_init(&iter, configuration); value_iter_next(&iter, key, &value);) {
		const char *text = value_text_or(value, ""), *begin;
		char *reference;
		while ((reference = next_reference(&text, &begin))) {
			g_autofree char *name_space = g_strndup(reference, strcspn(reference, "."));
			if (!strchr(reference, '.') ||
				!g_hash_table_contains(namespaces, name_space))
				return reference;
			g_free(reference);
		}
	}
	return NULL;
}
