/*
 * States and outputs for people, as `show` and `output` print them: values as they are, with
 * nothing that changes.
 */
#include "engine/render.h"

static void write_object(Renderer *renderer, Engine *engine, const StateInstance *instance,
	const StateObject *object, const char *note) {
	const Schema *schema =
		engine_state_schema(engine, instance->provider, instance->managed, instance->type);
	g_string_append_printf(renderer->out, "# %s:%s\n%s \"%s\" \"%s\" {\n", instance->address,
		note, instance->managed ? "resource" : "data", instance->type, instance->name);
	if (schema) {
		g_auto(Value) value =
			engine_object_value(engine, object, schema, instance->address);
		render_block(renderer, schema->block, value, value, 0, NULL);
	} else
		g_string_append(renderer->out, "    # its resource type is not known\n");
	g_string_append(renderer->out, "}\n\n");
}

/* What is shown unchanged begins with the blanks where its symbol would be. */
static char *outdent(GString *text) {
	GString *out = g_string_new(NULL);
	g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
	for (char **line = lines; *line; line++) {
		const char *rest = g_str_has_prefix(*line, "        ") ? *line + 4 : *line;
		g_string_append_printf(out, "%s%s", rest, line[1] ? "\n" : "");
	}
	g_string_free(text, TRUE);
	return g_string_free(out, FALSE);
}

char *state_render(Engine *engine, const State *state, gboolean color) {
	Renderer renderer = {.out = g_string_new(NULL), .color = color, .show_unchanged = TRUE};
	g_autoptr(GPtrArray) instances = state_sorted(state);
	for (guint i = 0; i < instances->len; i++) {
		const StateInstance *instance = instances->pdata[i];
		if (instance->current)
			write_object(&renderer, engine, instance, instance->current,
				instance->current->tainted ? " (tainted)" : "");
		GHashTableIter iter;
		gpointer key, object;
		if (!instance->deposed)
			continue;
		g_hash_table_iter_init(&iter, instance->deposed);
		while (g_hash_table_iter_next(&iter, &key, &object)) {
			g_autofree char *note =
				g_strdup_printf(" (deposed object %s)", (char *)key);
			write_object(&renderer, engine, instance, object, note);
		}
	}
	return outdent(renderer.out);
}

char *output_render(const char *name, Value value, gboolean sensitive) {
	if (sensitive)
		return g_strdup_printf("%s = <sensitive>", name);
	g_autofree char *text = lang_value_to_text(value, 0);
	return g_strdup_printf("%s = %s", name, text);
}

char *output_show(const char *name, Value value, gboolean sensitive) {
	Renderer renderer = {.out = g_string_new(NULL), .show_unchanged = TRUE};
	if (sensitive)
		g_string_append(renderer.out, "(sensitive value)");
	else
		render_value(&renderer, value, value, DIFF_NONE, (Style){0});
	GString *out = g_string_new(NULL);
	g_string_append_printf(out, "%s = ", name);
	g_auto(GStrv) lines = g_strsplit(renderer.out->str, "\n", -1);
	for (char **line = lines; *line; line++)
		g_string_append_printf(out, "%s%s", line == lines ? "" : "\n",
			g_str_has_prefix(*line, "    ") ? *line + 4 : *line);
	g_string_free(renderer.out, TRUE);
	return g_string_free(out, FALSE);
}
