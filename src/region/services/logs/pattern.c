/* Filter patterns of terms and phrases. Those of JSON and columns are refused by name. */
#include <string.h>

#include "region/services/logs/internal.h"

void logs_pattern_clear(LogsPattern *pattern) {
	g_ptr_array_unref(pattern->all);
	g_ptr_array_unref(pattern->none);
	g_ptr_array_unref(pattern->any);
}

gboolean logs_pattern_read(const char *text, LogsPattern *pattern, GError **error) {
	*pattern = (LogsPattern){g_ptr_array_new_with_free_func(g_free),
		g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free)};
	while (*(text += strspn(text, " "))) {
		if (*text == '{' || *text == '[' || *text == '%') {
			wire_error_set(error, "InvalidParameterException",
				"Terrarium's filter patterns are of terms and phrases: those of "
				"JSON, "
				"columns and regular expressions are not implemented.");
			return FALSE;
		}
		GPtrArray *terms = *text == '-'	  ? pattern->none
				   : *text == '?' ? pattern->any
						  : pattern->all;
		text += terms != pattern->all;
		gboolean quoted = *text == '"';
		text += quoted;
		gsize length = strcspn(text, quoted ? "\"" : " ");
		g_ptr_array_add(terms, g_strndup(text, length));
		text += length + (quoted && text[length]);
	}
	return TRUE;
}

static gboolean occurs(GPtrArray *terms, guint index, const char *message) {
	return strstr(message, terms->pdata[index]) != NULL;
}

gboolean logs_pattern_matches(const LogsPattern *pattern, const char *message) {
	for (guint i = 0; i < pattern->all->len; i++)
		if (!occurs(pattern->all, i, message))
			return FALSE;
	for (guint i = 0; i < pattern->none->len; i++)
		if (occurs(pattern->none, i, message))
			return FALSE;
	for (guint i = 0; i < pattern->any->len; i++)
		if (occurs(pattern->any, i, message))
			return TRUE;
	return pattern->any->len == 0;
}
