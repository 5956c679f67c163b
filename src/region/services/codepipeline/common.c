/* CodePipeline, what its parts share: small things about objects and lists. */
#include "region/services/codepipeline/internal.h"

#define INTERNAL "internal"

Value pipeline_view_take(Value object) {
	return value_without_take(object, INTERNAL);
}

Value pipeline_internal(Value object, const char *member) {
	return value_get_path(object, INTERNAL, member, NULL);
}

Value pipeline_with_internal_take(Value object_taken, const char *member, Value taken) {
	Value internal = value_ref(value_get(object_taken, INTERNAL));
	if (value_is_null(internal))
		internal = value_empty_object();
	return value_with_take(object_taken, INTERNAL, value_with_take(internal, member, taken));
}

char *pipeline_id(const char *first, const char *second, const char *third) {
	return g_strjoin("/", first, second, third, NULL);
}

Value pipeline_named(Value list, const char *member, const char *text, guint *index) {
	for (gsize i = 0; i < value_length(list); i++)
		if (pipeline_is(value_at(list, i), member, text)) {
			if (index)
				*index = (guint)i;
			return value_at(list, i);
		}
	return VALUE_NOTHING;
}

Value pipeline_with_named_take(Value list_taken, const char *member, Value element_taken) {
	g_auto(Value) list = list_taken;
	g_auto(Value) element = element_taken;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	const char *name = value_get_text(element, member);
	gboolean found = FALSE;
	for (gsize i = 0; i < value_length(list); i++) {
		gboolean is_it = pipeline_is(value_at(list, i), member, name);
		found |= is_it;
		value_builder_add_take(all, value_ref(is_it ? element : value_at(list, i)));
	}
	if (!found)
		value_builder_add_take(all, value_ref(element));
	return value_builder_end(g_steal_pointer(&all));
}

gboolean pipeline_is(Value object, const char *member, const char *text) {
	return g_strcmp0(value_get_text(object, member), text) == 0;
}

Value pipeline_page(RegionCall *call, Value input, const char *member, Value items, gint64 most,
	GError **error) {
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	Value page = region_page(items, value_get_int(input, "maxResults", most),
		value_get_text(input, "nextToken"), "InvalidNextTokenException", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value answer = value_object_take(member, page, NULL);
	return next ? value_with_take(answer, "nextToken", value_string(next)) : answer;
}
