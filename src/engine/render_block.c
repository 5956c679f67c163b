/*
 * Objects by their schema: attributes in the order of the alphabet, nested blocks behind them, and
 * how many of each are left out since they stay as they are.
 */
#include <string.h>

#include "engine/render.h"

static char *join_path(const char *path, const char *name) {
	return !path ? NULL : *path ? g_strdup_printf("%s.%s", path, name) : g_strdup(name);
}

static gboolean is_important(const char *name) {
	return g_str_equal(name, "id") || g_str_equal(name, "name") || g_str_equal(name, "tags");
}

static int compare_attributes(gconstpointer a, gconstpointer b) {
	return strcmp((*(const SchemaAttribute *const *)a)->name,
		(*(const SchemaAttribute *const *)b)->name);
}

static int compare_blocks(gconstpointer a, gconstpointer b) {
	return strcmp((*(const SchemaNestedBlock *const *)a)->type,
		(*(const SchemaNestedBlock *const *)b)->type);
}

static gboolean write_attributes(const Renderer *renderer, const SchemaBlock *schema, Value before,
	Value after, guint indent, const char *path) {
	g_autoptr(GPtrArray) sorted = g_ptr_array_copy(schema->attributes, NULL, NULL);
	g_ptr_array_set_free_func(sorted, NULL);
	g_ptr_array_sort(sorted, compare_attributes);
	guint width = 0, hidden = 0, there = 0;
	for (guint i = 0; i < sorted->len; i++) {
		const SchemaAttribute *attribute = sorted->pdata[i];
		if (!value_is_null(value_get(before, attribute->name)) ||
			!value_is_null(value_get(after, attribute->name)))
			width = MAX(width, (guint)strlen(attribute->name));
	}
	for (guint i = 0; i < sorted->len; i++) {
		const char *name = ((const SchemaAttribute *)sorted->pdata[i])->name;
		Value old = value_get(before, name), new = value_get(after, name);
		Diff inner = render_diff(old, new);
		if (value_is_null(old) && value_is_null(new))
			continue;
		there++;
		if (inner == DIFF_NONE && !is_important(name) && !renderer->show_unchanged) {
			hidden++;
			continue;
		}
		g_autofree char *inner_path = join_path(path, name);
		render_indent(renderer, indent + 1);
		render_symbol(renderer, inner);
		render_key(renderer, name, width);
		const Type *type = ((const SchemaAttribute *)sorted->pdata[i])->type;
		render_value(renderer, old, new, inner,
			(Style){indent + 1, TRUE, type_kind(type) == TYPE_KIND_ANY, inner_path});
		g_string_append_c(renderer->out, '\n');
	}
	render_hidden(renderer, indent + 1, hidden, "attribute");
	return there > 0;
}

typedef struct {
	const Renderer *renderer;
	guint indent, hidden;
	gboolean any, separated;
} Nested;

static void write_nested(Nested *nested, const SchemaNestedBlock *schema, const char *key,
	Value before, Value after, const char *path) {
	const Renderer *renderer = nested->renderer;
	Diff diff = render_diff(before, after);
	if (diff == DIFF_NONE && !renderer->show_unchanged) {
		nested->hidden += !value_is_null(before);
		return;
	}
	if (!nested->separated && nested->any)
		g_string_append_c(renderer->out, '\n');
	nested->separated = TRUE;
	render_indent(renderer, nested->indent + 1);
	render_symbol(renderer, diff);
	g_string_append(renderer->out, schema->type);
	if (key)
		g_string_append_printf(renderer->out, " \"%s\"", key);
	g_string_append_c(renderer->out, ' ');
	if (!value_is_known(after) && diff != DIFF_DELETE)
		g_string_append(renderer->out, "(known after apply)");
	else {
		g_string_append_c(renderer->out, '{');
		if (renderer->forcing && path && g_hash_table_contains(renderer->forcing, path))
			g_string_append_printf(renderer->out, " %s# forces replacement%s",
				render_paint(renderer, RED), render_paint(renderer, RESET));
		g_string_append_c(renderer->out, '\n');
		render_block(renderer, schema->block, before, after, nested->indent + 1, path);
		render_indent(renderer, nested->indent + 1);
		g_string_append(renderer->out, "    }");
	}
	g_string_append_c(renderer->out, '\n');
}

static void write_nested_kind(Nested *nested, const SchemaNestedBlock *schema, Value before,
	Value after, const char *path) {
	g_autofree char *here = join_path(path, schema->type);
	if (schema->nesting == SCHEMA_NESTING_SINGLE || !value_is_known(after)) {
		if (schema->nesting != SCHEMA_NESTING_SINGLE && value_length(before) > 0)
			for (gsize i = 0; i < value_length(before); i++)
				write_nested(nested, schema, NULL, value_at(before, i),
					VALUE_NOTHING, here);
		write_nested(nested, schema, NULL,
			schema->nesting == SCHEMA_NESTING_SINGLE ? before : VALUE_NOTHING, after,
			here);
		return;
	}
	if (schema->nesting == SCHEMA_NESTING_MAP) {
		g_autoptr(GPtrArray) keys = render_keys(before, after);
		for (guint i = 0; i < keys->len; i++)
			write_nested(nested, schema, keys->pdata[i],
				value_get(before, keys->pdata[i]), value_get(after, keys->pdata[i]),
				NULL);
		return;
	}
	if (schema->nesting == SCHEMA_NESTING_LIST) {
		for (gsize i = 0; i < MAX(value_length(before), value_length(after)); i++) {
			g_autofree char *indexed =
				here ? g_strdup_printf("%s[%" G_GSIZE_FORMAT "]", here, i) : NULL;
			write_nested(nested, schema, NULL, value_at(before, i), value_at(after, i),
				indexed);
		}
		return;
	}
	g_autoptr(GArray) pairs = render_pair_set(before, after);
	for (guint i = 0; i < pairs->len; i++) {
		RenderPair pair = g_array_index(pairs, RenderPair, i);
		write_nested(nested, schema, NULL,
			pair.before < 0 ? VALUE_NOTHING : value_at(before, (gsize)pair.before),
			pair.after < 0 ? VALUE_NOTHING : value_at(after, (gsize)pair.after), here);
	}
}

void render_block(const Renderer *renderer, const SchemaBlock *schema, Value before, Value after,
	guint indent, const char *path) {
	gboolean any = write_attributes(renderer, schema, before, after, indent, path);
	Nested nested = {renderer, indent, 0, any, FALSE};
	g_autoptr(GPtrArray) sorted = g_ptr_array_copy(schema->blocks, NULL, NULL);
	g_ptr_array_set_free_func(sorted, NULL);
	g_ptr_array_sort(sorted, compare_blocks);
	for (guint i = 0; i < sorted->len; i++) {
		const SchemaNestedBlock *each = sorted->pdata[i];
		write_nested_kind(&nested, each, value_get(before, each->type),
			value_get(after, each->type), path);
	}
	if (nested.hidden > 0) {
		g_string_append_c(renderer->out, '\n');
		render_hidden(renderer, indent + 1, nested.hidden, "block");
	}
}
