/*
 * Paths: tuples of the steps that lead into a value, keys and indices, or, into a set, the element
 * itself.
 */
#include "value/node.h"

static gssize step_index(Value value, Value step) {
	if (value_is_mapping(value))
		return value_text(step) ? value_key_index(value, value_text(step)) : -1;
	if (value.kind == VALUE_SET) {
		for (gsize i = 0; i < value.node->length; i++)
			if (value_equal(value.node->elements[i], step))
				return (gssize)i;
		return -1;
	}
	gint64 index = value_to_int(step, -1);
	return value_is_sequence(value) && index >= 0 && index < (gint64)value.node->length ? index
											    : -1;
}

Value value_at_path(Value value, Value path) {
	for (gsize i = 0; i < value_length(path); i++) {
		gssize index = step_index(value, value_at(path, i));
		if (index < 0)
			return VALUE_NOTHING;
		value = value.node->elements[index];
	}
	return value;
}

static Value with_path_from(Value value, Value path, gsize from, Value replacement) {
	if (from == value_length(path))
		return value_ref(replacement);
	gssize index = step_index(value, value_at(path, from));
	g_return_val_if_fail(index >= 0, value_ref(value));
	return value_replace_take(value, (gsize)index,
		with_path_from(value.node->elements[index], path, from + 1, replacement));
}

Value value_with_path(Value value, Value path, Value replacement) {
	return with_path_from(value, path, 0, replacement);
}

static void collect_sensitive(Value value, Value path, ValueBuilder *paths) {
	if (value.flags & FLAG_SENSITIVE) {
		value_builder_add_take(paths, value_ref(path));
		return;
	}
	if (!(value.flags & FLAG_HAS_SENSITIVE))
		return;
	for (gsize i = 0; i < value.node->length; i++) {
		Value step = value.node->keys	       ? value_string(value.node->keys[i])
			     : value.kind == VALUE_SET ? value_ref(value.node->elements[i])
						       : value_int((gint64)i);
		g_auto(Value) inner = value_append_take(value_ref(path), step);
		collect_sensitive(value.node->elements[i], inner, paths);
	}
}

Value value_sensitive_paths(Value value) {
	ValueBuilder *paths = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(Value) root = value_empty_tuple();
	collect_sensitive(value, root, paths);
	return value_builder_end(paths);
}

char *value_path_to_string(Value path) {
	GString *out = g_string_new(NULL);
	for (gsize i = 0; i < value_length(path); i++) {
		Value step = value_at(path, i);
		if (step.kind == VALUE_STRING) {
			g_string_append_printf(out, "%s%s", i > 0 ? "." : "", step.node->text);
		} else if (step.kind == VALUE_NUMBER) {
			g_autofree char *number = value_number_to_string(step);
			g_string_append_printf(out, "[%s]", number);
		} else {
			g_string_append(out, "[...]");
		}
	}
	return g_string_free(out, FALSE);
}
