/*
 * Values for people, in the language's own syntax: one that stays, comes or goes, or two that
 * differ, down to the element, the line and the member of a JSON text that does.
 */
#include <string.h>

#include "engine/render.h"
#include "value/json.h"

#define INDENT_WIDTH 4

/* ---- colours and symbols ---- */

const char *render_paint(const Renderer *renderer, const char *code) {
	return renderer->color ? code : "";
}

void render_symbol(const Renderer *renderer, Diff diff) {
	static const char *const symbols[] = {"    ", "+", "~", "-"};
	static const char *const colors[] = {"", GREEN, YELLOW, RED};
	if (diff == DIFF_NONE)
		g_string_append(renderer->out, symbols[0]);
	else
		g_string_append_printf(renderer->out, "  %s%s%s ",
			render_paint(renderer, colors[diff]), symbols[diff],
			render_paint(renderer, RESET));
}

void render_indent(const Renderer *renderer, guint indent) {
	for (guint i = 0; i < indent * INDENT_WIDTH; i++)
		g_string_append_c(renderer->out, ' ');
}

void render_hidden(const Renderer *renderer, guint indent, guint n, const char *what) {
	if (n == 0)
		return;
	render_indent(renderer, indent);
	render_symbol(renderer, DIFF_NONE);
	g_string_append_printf(renderer->out, "%s# (%u unchanged %s%s hidden)%s\n",
		render_paint(renderer, FAINT), n, what, n == 1 ? "" : "s",
		render_paint(renderer, RESET));
}

/* Whether two values are of the same sort, so that they are compared inside. */
static gboolean same_shape(Value before, Value after) {
	if (!value_is_known(before) || !value_is_known(after))
		return FALSE;
	return (value_is_mapping(before) && value_is_mapping(after)) ||
	       (value_is_sequence(before) && value_is_sequence(after));
}

/* ---- texts ---- */

static void write_quoted(const Renderer *renderer, const char *text) {
	g_auto(Value) value = value_string(text);
	g_autofree char *written = NULL;
	if (strchr(text, '\n')) {
		g_autofree char *json = value_to_json(value, VALUE_JSON_COMPACT);
		g_string_append(renderer->out, json);
		return;
	}
	written = lang_value_to_text(value, 0);
	g_string_append(renderer->out, written);
}

static void write_plain(const Renderer *renderer, Value value) {
	if (value_is_sensitive(value))
		g_string_append(renderer->out, "(sensitive value)");
	else if (!value_is_known(value))
		g_string_append(renderer->out, "(known after apply)");
	else if (value_is_null(value))
		g_string_append(renderer->out, "null");
	else if (value_text(value))
		write_quoted(renderer, value_text(value));
	else {
		g_autofree char *text = lang_value_to_text(value, 0);
		g_string_append(renderer->out, text);
	}
}

static gboolean has_lines(Value value) {
	const char *text = value_text(value);
	return text && !value_is_sensitive(value) && strchr(text, '\n');
}

static gboolean same_line(gconstpointer a, guint i, gconstpointer b, guint j) {
	return g_str_equal(((char *const *)a)[i], ((char *const *)b)[j]);
}

/* The newline at the end begins no line. */
static char **split_lines(const char *text) {
	gsize length = strlen(text);
	g_autofree char *plain = g_strndup(text, length - (length > 0 && text[length - 1] == '\n'));
	return g_strsplit(plain, "\n", -1);
}

static void write_null_suffix(const Renderer *renderer, Diff diff, Style style) {
	if (diff == DIFF_DELETE && style.null_suffix)
		g_string_append(renderer->out, " -> null");
}

static void write_lines(
	const Renderer *renderer, Value before, Value after, Diff diff, Style style) {
	g_auto(GStrv) old = split_lines(value_text_or(before, ""));
	g_auto(GStrv) new = split_lines(value_text_or(after, ""));
	guint n = diff == DIFF_CREATE ? 0 : g_strv_length(old);
	guint m = diff == DIFF_DELETE ? 0 : g_strv_length(new);
	g_autoptr(GArray) pairs = render_align(old, n, new, m, same_line);
	g_string_append(renderer->out, "<<-EOT\n");
	for (guint i = 0; i < pairs->len; i++) {
		RenderPair pair = g_array_index(pairs, RenderPair, i);
		render_indent(renderer, style.indent + 1);
		if (diff == DIFF_UPDATE)
			render_symbol(renderer, pair.before < 0	 ? DIFF_CREATE
						: pair.after < 0 ? DIFF_DELETE
								 : DIFF_NONE);
		else
			g_string_append(renderer->out, "    ");
		g_string_append_printf(renderer->out, "%s\n",
			pair.after >= 0 ? new[pair.after] : old[pair.before]);
	}
	render_indent(renderer, style.indent);
	g_string_append(renderer->out, "    EOT");
	write_null_suffix(renderer, diff, style);
}

/* A string that holds a JSON object or array, as a value. */
static gboolean read_json(Value value, Value *out) {
	const char *text = value_text(value);
	*out = VALUE_NOTHING;
	if (!text || value_is_sensitive(value))
		return FALSE;
	while (g_ascii_isspace(*text))
		text++;
	if (*text != '{' && *text != '[')
		return FALSE;
	g_autoptr(GError) error = NULL;
	*out = value_from_json(text, -1, &error);
	return error == NULL;
}

static gboolean write_as_json(
	const Renderer *renderer, Value before, Value after, Diff diff, Style style) {
	g_auto(Value) old = VALUE_NOTHING, new = VALUE_NOTHING;
	gboolean had = read_json(before, &old), has = read_json(after, &new);
	if ((diff != DIFF_CREATE && !had) || (diff != DIFF_DELETE && !has))
		return FALSE;
	Style inner = {style.indent + 1, FALSE, TRUE, NULL};
	Diff inside = diff == DIFF_UPDATE ? render_diff(old, new) : diff;
	g_string_append(renderer->out, "jsonencode(");
	if (inside == DIFF_NONE && diff == DIFF_UPDATE)
		g_string_append(renderer->out, " # whitespace changes");
	g_string_append_c(renderer->out, '\n');
	render_indent(renderer, style.indent + 1);
	render_symbol(renderer, inside == DIFF_UPDATE ? DIFF_UPDATE : DIFF_NONE);
	render_value(renderer, old, new, inside, inner);
	g_string_append_c(renderer->out, '\n');
	render_indent(renderer, style.indent);
	g_string_append(renderer->out, "    )");
	write_null_suffix(renderer, diff, style);
	return TRUE;
}

/* A plain text that becomes JSON. */
static gboolean becomes_json(Value before, Value after) {
	g_auto(Value) old = VALUE_NOTHING, new = VALUE_NOTHING;
	return value_text(before) && !value_is_sensitive(before) &&
	       !strchr(value_text(before), '\n') && !read_json(before, &old) &&
	       read_json(after, &new);
}

/* ---- mappings ---- */

GPtrArray *render_keys(Value before, Value after) {
	GPtrArray *keys = g_ptr_array_new();
	gsize i = 0, j = 0;
	gsize n = value_is_mapping(before) ? value_length(before) : 0;
	gsize m = value_is_mapping(after) ? value_length(after) : 0;
	while (i < n || j < m) {
		int order = i == n   ? 1
			    : j == m ? -1
				     : strcmp(value_key_at(before, i), value_key_at(after, j));
		g_ptr_array_add(keys,
			(gpointer)(order <= 0 ? value_key_at(before, i) : value_key_at(after, j)));
		i += order <= 0;
		j += order >= 0;
	}
	return keys;
}

static char *written_key(const char *key, gboolean is_map) {
	if (!is_map && lang_is_identifier(key))
		return g_strdup(key);
	g_auto(Value) value = value_string(key);
	return value_to_json(value, VALUE_JSON_COMPACT);
}

static Diff entry_diff(Value before, Value after, const char *key, gboolean keeps_nulls) {
	/* An attribute that is null is none; a map's element that is null is one. */
	gboolean had = value_has(before, key), has = value_has(after, key);
	if (keeps_nulls && had != has)
		return had ? DIFF_DELETE : DIFF_CREATE;
	if (keeps_nulls &&
		value_is_null(value_get(before, key)) != value_is_null(value_get(after, key)))
		return DIFF_UPDATE;
	return render_diff(value_get(before, key), value_get(after, key));
}

static guint key_width(
	GPtrArray *keys, gboolean is_map, gboolean keeps_nulls, Value before, Value after) {
	guint width = 0;
	for (guint i = 0; i < keys->len; i++) {
		const char *key = keys->pdata[i];
		if (!keeps_nulls && value_is_null(value_get(before, key)) &&
			value_is_null(value_get(after, key)))
			continue;
		g_autofree char *written = written_key(key, is_map);
		width = MAX(width, (guint)g_utf8_strlen(written, -1));
	}
	return width;
}

void render_key(const Renderer *renderer, const char *written, guint width) {
	g_string_append(renderer->out, written);
	for (glong n = g_utf8_strlen(written, -1); n < (glong)width; n++)
		g_string_append_c(renderer->out, ' ');
	g_string_append(renderer->out, " = ");
}

static void write_mapping(
	const Renderer *renderer, Value before, Value after, Diff diff, Style style) {
	gboolean is_map =
		!style.dynamic &&
		value_kind(value_is_known(after) && !value_is_null(after) ? after : before) ==
			VALUE_MAP;
	gboolean keeps_nulls = is_map || style.dynamic;
	g_autoptr(GPtrArray) keys = render_keys(before, after);
	guint width = key_width(keys, is_map, keeps_nulls, before, after), hidden = 0, shown = 0;
	GString *out = renderer->out;
	g_string_append_c(out, '{');
	for (guint i = 0; i < keys->len; i++) {
		const char *key = keys->pdata[i];
		Value old = value_get(before, key), new = value_get(after, key);
		Diff inner = diff == DIFF_UPDATE || diff == DIFF_NONE
				     ? entry_diff(before, after, key, keeps_nulls)
				     : diff;
		if (!keeps_nulls && value_is_null(old) && value_is_null(new))
			continue;
		if (inner == DIFF_NONE && !renderer->show_unchanged && diff != DIFF_NONE) {
			hidden++;
			continue;
		}
		if (shown++ == 0)
			g_string_append_c(out, '\n');
		g_autofree char *written = written_key(key, is_map);
		render_indent(renderer, style.indent + 1);
		render_symbol(renderer, inner);
		render_key(renderer, written, width);
		render_value(renderer, old, new, inner,
			(Style){style.indent + 1, diff == DIFF_UPDATE && !style.dynamic,
				style.dynamic, NULL});
		g_string_append_c(out, '\n');
	}
	if (hidden > 0 && shown == 0)
		g_string_append_c(out, '\n');
	render_hidden(renderer, style.indent + 1, hidden, is_map ? "element" : "attribute");
	if (shown + hidden > 0) {
		render_indent(renderer, style.indent);
		g_string_append(out, "    ");
	}
	g_string_append_c(out, '}');
	write_null_suffix(renderer, diff, style);
}

/* ---- sequences ---- */

/* Whether a neighbour of an element changes: then the element is shown even if it does not. */
static gboolean changes_at(Value before, Value after, GArray *pairs, guint index, int step) {
	if ((step < 0 && index == 0) || (step > 0 && index + 1 == pairs->len))
		return FALSE;
	RenderPair pair = g_array_index(pairs, RenderPair, step < 0 ? index - 1 : index + 1);
	return render_pair_diff(before, after, pair) != DIFF_NONE;
}

static void write_sequence(
	const Renderer *renderer, Value before, Value after, Diff diff, Style style) {
	gboolean is_set = !style.dynamic &&
			  (value_kind(before) == VALUE_SET || value_kind(after) == VALUE_SET);
	g_autoptr(GArray) pairs =
		is_set ? render_pair_set(before, after) : render_pair_sequence(before, after);
	GString *out = renderer->out;
	guint hidden = 0;
	if (pairs->len == 0) {
		g_string_append(out, "[]");
		write_null_suffix(renderer, diff, style);
		return;
	}
	g_string_append(out, "[\n");
	for (guint i = 0; i < pairs->len; i++) {
		RenderPair pair = g_array_index(pairs, RenderPair, i);
		Value old = pair.before < 0 ? VALUE_NOTHING : value_at(before, (gsize)pair.before);
		Value new = pair.after < 0 ? VALUE_NOTHING : value_at(after, (gsize)pair.after);
		Diff inner = diff == DIFF_UPDATE ? render_pair_diff(before, after, pair) : diff;
		gboolean context = !is_set && (changes_at(before, after, pairs, i, -1) ||
						      changes_at(before, after, pairs, i, 1));
		if (inner == DIFF_NONE && diff == DIFF_UPDATE && !context) {
			hidden++;
			continue;
		}
		if (!is_set)
			render_hidden(renderer, style.indent + 1, hidden, "element");
		if (!is_set)
			hidden = 0;
		render_indent(renderer, style.indent + 1);
		render_symbol(renderer, inner);
		render_value(renderer, old, new, inner,
			(Style){style.indent + 1, FALSE, style.dynamic, NULL});
		g_string_append(out, ",\n");
	}
	render_hidden(renderer, style.indent + 1, hidden, "element");
	render_indent(renderer, style.indent);
	g_string_append(out, "    ]");
	write_null_suffix(renderer, diff, style);
}

/* ---- any value ---- */

static void write_pair(
	const Renderer *renderer, Value before, Value after, Diff diff, Style style) {
	GString *out = renderer->out;
	Value one = diff == DIFF_DELETE ? before : after;
	if (diff != DIFF_UPDATE) {
		write_plain(renderer, one);
		write_null_suffix(renderer, diff, style);
		return;
	}
	if (value_is_sensitive(before) && value_is_sensitive(after)) {
		g_string_append(out, "(sensitive value)");
		return;
	}
	write_plain(renderer, before);
	g_string_append(out, " -> ");
	write_plain(renderer, after);
}

/* A collection that becomes unknown is shown as it was, and then said to be unknown. */
static gboolean becomes_unknown(Value before, Value after, Diff diff) {
	return diff == DIFF_UPDATE && !value_is_known(after) &&
	       (value_is_mapping(before) || value_is_sequence(before)) && value_length(before) > 0;
}

void render_value(const Renderer *renderer, Value before, Value after, Diff diff, Style style) {
	Value one = diff == DIFF_DELETE ? before : after;
	gboolean sensitive =
		value_is_sensitive(one) || (diff == DIFF_UPDATE && value_is_sensitive(before));
	if (sensitive)
		write_pair(renderer, before, after, diff, style);
	else if (becomes_unknown(before, after, diff)) {
		Style inner = {style.indent, FALSE, style.dynamic, NULL};
		render_value(renderer, before, VALUE_NOTHING, DIFF_DELETE, inner);
		g_string_append(renderer->out, " -> (known after apply)");
	} else if (diff == DIFF_UPDATE ? same_shape(before, after)
				       : value_is_known(one) && (value_is_mapping(one) ||
									value_is_sequence(one))) {
		if (value_is_mapping(one))
			write_mapping(renderer, before, after, diff, style);
		else
			write_sequence(renderer, before, after, diff, style);
	} else if (write_as_json(renderer, before, after, diff, style))
		;
	else if (diff == DIFF_UPDATE && becomes_json(before, after)) {
		write_plain(renderer, before);
		g_string_append(renderer->out, " -> ");
		write_as_json(renderer, VALUE_NOTHING, after, DIFF_CREATE, style);
	} else if (has_lines(one) && (diff != DIFF_UPDATE || value_text(before)))
		write_lines(renderer, before, after, diff, style);
	else
		write_pair(renderer, before, after, diff, style);
	if (renderer->forcing && style.path && g_hash_table_contains(renderer->forcing, style.path))
		g_string_append_printf(renderer->out, " %s# forces replacement%s",
			render_paint(renderer, RED), render_paint(renderer, RESET));
}
