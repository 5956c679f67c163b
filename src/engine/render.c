/*
 * Plans, states and outputs for people, as Terraform prints them: what is created, changed and
 * destroyed, unchanged things left out, values in the language's own syntax.
 */
#include <string.h>

#include "engine/internal.h"
#include "value/json.h"

#define STEP 4

typedef enum { DIFF_NONE, DIFF_CREATE, DIFF_UPDATE, DIFF_DELETE } Diff;

typedef struct {
	GString *out;
	gboolean color;
	GHashTable *forcing; /* paths that force replacement, as text; or NULL */
	gboolean show_unchanged;
} Renderer;

/* How one value is to be written. */
typedef struct {
	guint indent;
	gboolean null_suffix; /* " -> null" behind what goes */
	gboolean dynamic; /* of no declared type: maps are objects, sets are lists, null is a value
			   */
	const char *path; /* as text; NULL below what can force */
} Style;

/* ---- colours and symbols ---- */

static const char *paint(const Renderer *renderer, const char *code) {
	return renderer->color ? code : "";
}

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define CYAN "\033[36m"
#define BOLD "\033[1m"
#define FAINT "\033[90m"
#define RESET "\033[0m"

static void write_symbol(const Renderer *renderer, Diff diff) {
	static const char *const symbols[] = {"    ", "+", "~", "-"};
	static const char *const colors[] = {"", GREEN, YELLOW, RED};
	if (diff == DIFF_NONE)
		g_string_append(renderer->out, symbols[0]);
	else
		g_string_append_printf(renderer->out, "  %s%s%s ", paint(renderer, colors[diff]),
			symbols[diff], paint(renderer, RESET));
}

static void write_indent(const Renderer *renderer, guint indent) {
	for (guint i = 0; i < indent * STEP; i++)
		g_string_append_c(renderer->out, ' ');
}

static void write_hidden(const Renderer *renderer, guint indent, guint n, const char *what) {
	if (n == 0)
		return;
	write_indent(renderer, indent);
	write_symbol(renderer, DIFF_NONE);
	g_string_append_printf(renderer->out, "%s# (%u unchanged %s%s hidden)%s\n",
		paint(renderer, FAINT), n, what, n == 1 ? "" : "s", paint(renderer, RESET));
}

/* ---- comparing ---- */

static Diff diff_of(Value before, Value after) {
	if (value_is_null(before) && value_is_null(after))
		return DIFF_NONE;
	if (value_is_null(before))
		return DIFF_CREATE;
	if (value_is_null(after))
		return DIFF_DELETE;
	if (value_equal(before, after) && value_is_wholly_known(after))
		return DIFF_NONE;
	return DIFF_UPDATE;
}

/* Whether two values are of the same sort, so that they are compared inside. */
static gboolean same_shape(Value before, Value after) {
	if (!value_is_known(before) || !value_is_known(after))
		return FALSE;
	return (value_is_mapping(before) && value_is_mapping(after)) ||
	       (value_is_sequence(before) && value_is_sequence(after));
}

static void write_value(
	const Renderer *renderer, Value before, Value after, Diff diff, Style style);

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

/* The longest common subsequence of two lists, as pairs: for lists and lines. Sizes beyond the
 * bound are compared position by position. */
#define LARGEST_TABLE 4000000

typedef struct {
	gssize before, after; /* index, or -1 */
} Pair;

typedef gboolean (*Same)(gconstpointer a, guint i, gconstpointer b, guint j);

static GArray *align(gconstpointer a, guint n, gconstpointer b, guint m, Same same) {
	GArray *pairs = g_array_new(FALSE, FALSE, sizeof(Pair));
	if ((guint64)(n + 1) * (m + 1) > LARGEST_TABLE) {
		for (guint i = 0; i < MAX(n, m); i++) {
			Pair pair = {i < n ? (gssize)i : -1, i < m ? (gssize)i : -1};
			g_array_append_val(pairs, pair);
		}
		return pairs;
	}
	guint width = m + 1;
	g_autofree guint *table = g_new0(guint, (gsize)(n + 1) * width);
	for (guint i = n; i-- > 0;)
		for (guint j = m; j-- > 0;)
			table[i * width + j] = same(a, i, b, j) ? table[(i + 1) * width + j + 1] + 1
								: MAX(table[(i + 1) * width + j],
									  table[i * width + j + 1]);
	guint i = 0, j = 0;
	while (i < n || j < m) {
		Pair pair;
		if (i < n && j < m && same(a, i, b, j))
			pair = (Pair){i++, j++};
		else if (i < n &&
			 (j == m || table[(i + 1) * width + j] >= table[i * width + j + 1]))
			pair = (Pair){i++, -1};
		else
			pair = (Pair){-1, j++};
		g_array_append_val(pairs, pair);
	}
	return pairs;
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
	g_autoptr(GArray) pairs = align(old, n, new, m, same_line);
	g_string_append(renderer->out, "<<-EOT\n");
	for (guint i = 0; i < pairs->len; i++) {
		Pair pair = g_array_index(pairs, Pair, i);
		write_indent(renderer, style.indent + 1);
		if (diff == DIFF_UPDATE)
			write_symbol(renderer, pair.before < 0	? DIFF_CREATE
					       : pair.after < 0 ? DIFF_DELETE
								: DIFF_NONE);
		else
			g_string_append(renderer->out, "    ");
		g_string_append_printf(renderer->out, "%s\n",
			pair.after >= 0 ? new[pair.after] : old[pair.before]);
	}
	write_indent(renderer, style.indent);
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
	Diff inside = diff == DIFF_UPDATE ? diff_of(old, new) : diff;
	g_string_append(renderer->out, "jsonencode(");
	if (inside == DIFF_NONE && diff == DIFF_UPDATE)
		g_string_append(renderer->out, " # whitespace changes");
	g_string_append_c(renderer->out, '\n');
	write_indent(renderer, style.indent + 1);
	write_symbol(renderer, inside == DIFF_UPDATE ? DIFF_UPDATE : DIFF_NONE);
	write_value(renderer, old, new, inside, inner);
	g_string_append_c(renderer->out, '\n');
	write_indent(renderer, style.indent);
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

static GPtrArray *union_of_keys(Value before, Value after) {
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
	return diff_of(value_get(before, key), value_get(after, key));
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

static void write_key(const Renderer *renderer, const char *written, guint width) {
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
	g_autoptr(GPtrArray) keys = union_of_keys(before, after);
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
		write_indent(renderer, style.indent + 1);
		write_symbol(renderer, inner);
		write_key(renderer, written, width);
		write_value(renderer, old, new, inner,
			(Style){style.indent + 1, diff == DIFF_UPDATE && !style.dynamic,
				style.dynamic, NULL});
		g_string_append_c(out, '\n');
	}
	if (hidden > 0 && shown == 0)
		g_string_append_c(out, '\n');
	write_hidden(renderer, style.indent + 1, hidden, is_map ? "element" : "attribute");
	if (shown + hidden > 0) {
		write_indent(renderer, style.indent);
		g_string_append(out, "    ");
	}
	g_string_append_c(out, '}');
	write_null_suffix(renderer, diff, style);
}

/* ---- sequences ---- */

/* i G_MAXUINT: `a` is the element itself. */
static gboolean same_element(gconstpointer a, guint i, gconstpointer b, guint j) {
	Value first = i == G_MAXUINT ? *(const Value *)a : value_at(*(const Value *)a, i);
	Value second = value_at(*(const Value *)b, j);
	return diff_of(first, second) == DIFF_NONE && value_is_null(first) == value_is_null(second);
}

static gboolean both_mappings(Value before, gssize i, Value after, gssize j) {
	return value_is_mapping(value_at(before, (gsize)i)) &&
	       value_is_mapping(value_at(after, (gsize)j));
}

static gboolean appears(Value element, Value sequence) {
	for (guint i = 0; i < value_length(sequence); i++)
		if (same_element(&element, G_MAXUINT, &sequence, i))
			return TRUE;
	return FALSE;
}

/* Lists of one length whose differing elements are nowhere in the other: changed in place. */
static gboolean changed_in_place(GArray *pairs, Value before, Value after) {
	if (value_length(before) != value_length(after))
		return FALSE;
	for (guint i = 0; i < pairs->len; i++) {
		Pair pair = g_array_index(pairs, Pair, i);
		if (pair.before >= 0 && pair.after < 0 &&
			appears(value_at(before, (gsize)pair.before), after))
			return FALSE;
	}
	return TRUE;
}

/* What goes and what comes in one gap between common elements: mappings are changed into each
 * other, one by one; the rest goes, then comes. */
static void pair_gap(GArray *merged, const Pair *gap, guint n, Value before, Value after) {
	g_autoptr(GArray) old = g_array_new(FALSE, FALSE, sizeof(gssize));
	g_autoptr(GArray) new = g_array_new(FALSE, FALSE, sizeof(gssize));
	for (guint i = 0; i < n; i++)
		if (gap[i].after < 0)
			g_array_append_val(old, gap[i].before);
		else
			g_array_append_val(new, gap[i].after);
	guint used = 0;
	for (guint i = 0; i < old->len; i++) {
		Pair pair = {g_array_index(old, gssize, i), -1};
		if (used < new->len &&
			both_mappings(before, pair.before, after, g_array_index(new, gssize, used)))
			pair.after = g_array_index(new, gssize, used++);
		g_array_append_val(merged, pair);
	}
	for (; used < new->len; used++) {
		Pair pair = {-1, g_array_index(new, gssize, used)};
		g_array_append_val(merged, pair);
	}
}

static GArray *pair_sequence(Value before, Value after) {
	guint n = (guint)value_length(before), m = (guint)value_length(after);
	g_autoptr(GArray) pairs = align(&before, n, &after, m, same_element);
	GArray *merged = g_array_new(FALSE, FALSE, sizeof(Pair));
	if (changed_in_place(pairs, before, after)) {
		for (guint i = 0; i < n; i++)
			g_array_append_val(merged, ((Pair){i, i}));
		return merged;
	}
	const Pair *all = (const Pair *)(const void *)pairs->data;
	for (guint i = 0; i < pairs->len;) {
		guint end = i;
		while (end < pairs->len && (all[end].before < 0 || all[end].after < 0))
			end++;
		pair_gap(merged, &all[i], end - i, before, after);
		if (end < pairs->len)
			g_array_append_val(merged, all[end]);
		i = end + 1;
	}
	return merged;
}

static GArray *pair_set(Value before, Value after) {
	GArray *pairs = g_array_new(FALSE, FALSE, sizeof(Pair));
	for (guint i = 0; i < value_length(before); i++) {
		Pair pair = {i, -1};
		for (guint j = 0; j < value_length(after) && pair.after < 0; j++)
			if (diff_of(value_at(before, i), value_at(after, j)) == DIFF_NONE)
				pair.after = j;
		g_array_append_val(pairs, pair);
	}
	for (guint j = 0; j < value_length(after); j++) {
		Pair pair = {-1, j};
		for (guint i = 0; i < value_length(before) && pair.before < 0; i++)
			if (diff_of(value_at(before, i), value_at(after, j)) == DIFF_NONE)
				pair.before = i;
		if (pair.before < 0)
			g_array_append_val(pairs, pair);
	}
	return pairs;
}

static Diff pair_diff(Value before, Value after, Pair pair) {
	if (pair.before < 0 || pair.after < 0)
		return pair.before < 0 ? DIFF_CREATE : DIFF_DELETE;
	Value old = value_at(before, (gsize)pair.before), new = value_at(after, (gsize)pair.after);
	if (value_is_null(old) != value_is_null(new))
		return DIFF_UPDATE;
	return diff_of(old, new);
}

/* Whether a neighbour of an element changes: then the element is shown even if it does not. */
static gboolean changes_at(Value before, Value after, GArray *pairs, guint index, int step) {
	if ((step < 0 && index == 0) || (step > 0 && index + 1 == pairs->len))
		return FALSE;
	Pair pair = g_array_index(pairs, Pair, step < 0 ? index - 1 : index + 1);
	return pair_diff(before, after, pair) != DIFF_NONE;
}

static void write_sequence(
	const Renderer *renderer, Value before, Value after, Diff diff, Style style) {
	gboolean is_set = !style.dynamic &&
			  (value_kind(before) == VALUE_SET || value_kind(after) == VALUE_SET);
	g_autoptr(GArray) pairs = is_set ? pair_set(before, after) : pair_sequence(before, after);
	GString *out = renderer->out;
	guint hidden = 0;
	if (pairs->len == 0) {
		g_string_append(out, "[]");
		write_null_suffix(renderer, diff, style);
		return;
	}
	g_string_append(out, "[\n");
	for (guint i = 0; i < pairs->len; i++) {
		Pair pair = g_array_index(pairs, Pair, i);
		Value old = pair.before < 0 ? VALUE_NOTHING : value_at(before, (gsize)pair.before);
		Value new = pair.after < 0 ? VALUE_NOTHING : value_at(after, (gsize)pair.after);
		Diff inner = diff == DIFF_UPDATE ? pair_diff(before, after, pair) : diff;
		gboolean context = !is_set && (changes_at(before, after, pairs, i, -1) ||
						      changes_at(before, after, pairs, i, 1));
		if (inner == DIFF_NONE && diff == DIFF_UPDATE && !context) {
			hidden++;
			continue;
		}
		if (!is_set)
			write_hidden(renderer, style.indent + 1, hidden, "element");
		if (!is_set)
			hidden = 0;
		write_indent(renderer, style.indent + 1);
		write_symbol(renderer, inner);
		write_value(renderer, old, new, inner,
			(Style){style.indent + 1, FALSE, style.dynamic, NULL});
		g_string_append(out, ",\n");
	}
	write_hidden(renderer, style.indent + 1, hidden, "element");
	write_indent(renderer, style.indent);
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

static void write_value(
	const Renderer *renderer, Value before, Value after, Diff diff, Style style) {
	Value one = diff == DIFF_DELETE ? before : after;
	gboolean sensitive =
		value_is_sensitive(one) || (diff == DIFF_UPDATE && value_is_sensitive(before));
	if (sensitive)
		write_pair(renderer, before, after, diff, style);
	else if (becomes_unknown(before, after, diff)) {
		Style inner = {style.indent, FALSE, style.dynamic, NULL};
		write_value(renderer, before, VALUE_NOTHING, DIFF_DELETE, inner);
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
			paint(renderer, RED), paint(renderer, RESET));
}

/* ---- blocks ---- */

static void write_block(const Renderer *renderer, const SchemaBlock *schema, Value before,
	Value after, Diff diff, guint indent, const char *path);

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
	Value after, Diff diff, guint indent, const char *path) {
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
		Diff inner = diff_of(old, new);
		if (value_is_null(old) && value_is_null(new))
			continue;
		there++;
		if (inner == DIFF_NONE && !is_important(name) && !renderer->show_unchanged) {
			hidden++;
			continue;
		}
		g_autofree char *inner_path = join_path(path, name);
		write_indent(renderer, indent + 1);
		write_symbol(renderer, inner);
		write_key(renderer, name, width);
		const Type *type = ((const SchemaAttribute *)sorted->pdata[i])->type;
		write_value(renderer, old, new, inner,
			(Style){indent + 1, TRUE, type_kind(type) == TYPE_KIND_ANY, inner_path});
		g_string_append_c(renderer->out, '\n');
	}
	write_hidden(renderer, indent + 1, hidden, "attribute");
	(void)diff;
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
	Diff diff = diff_of(before, after);
	if (diff == DIFF_NONE && !renderer->show_unchanged) {
		nested->hidden += !value_is_null(before);
		return;
	}
	if (!nested->separated && nested->any)
		g_string_append_c(renderer->out, '\n');
	nested->separated = TRUE;
	write_indent(renderer, nested->indent + 1);
	write_symbol(renderer, diff);
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
				paint(renderer, RED), paint(renderer, RESET));
		g_string_append_c(renderer->out, '\n');
		write_block(renderer, schema->block, before, after, diff, nested->indent + 1, path);
		write_indent(renderer, nested->indent + 1);
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
		g_autoptr(GPtrArray) keys = union_of_keys(before, after);
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
	g_autoptr(GArray) pairs = pair_set(before, after);
	for (guint i = 0; i < pairs->len; i++) {
		Pair pair = g_array_index(pairs, Pair, i);
		write_nested(nested, schema, NULL,
			pair.before < 0 ? VALUE_NOTHING : value_at(before, (gsize)pair.before),
			pair.after < 0 ? VALUE_NOTHING : value_at(after, (gsize)pair.after), here);
	}
}

static void write_block(const Renderer *renderer, const SchemaBlock *schema, Value before,
	Value after, Diff diff, guint indent, const char *path) {
	gboolean any = write_attributes(renderer, schema, before, after, diff, indent, path);
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
		write_hidden(renderer, indent + 1, nested.hidden, "block");
	}
}

/* ---- changes ---- */

static char *module_of(const char *address) {
	g_autoptr(Diags) quiet = diags_new();
	g_autoptr(Address) parsed = address_parse(address, quiet);
	return g_strdup(parsed && *parsed->module ? parsed->module : "its module");
}

static char *reason_line(const Change *change) {
	g_auto(GStrv) parts = g_strsplit(change->address, "[", -1);
	guint n = g_strv_length(parts);
	const char *index = n > 1 ? parts[n - 1] : "";
	switch (change->reason) {
	case REASON_NO_RESOURCE:
		return g_strdup_printf(
			"because %s.%s is not in configuration", change->type, change->name);
	case REASON_NO_MODULE: {
		g_autofree char *module = module_of(change->address);
		return g_strdup_printf("because %s is not in configuration", module);
	}
	case REASON_WRONG_REPETITION:
		return n == 1 ? g_strdup("because resource uses count or for_each")
			      : g_strdup_printf("because resource does not use %s",
					*index == '"' ? "for_each" : "count");
	case REASON_COUNT_INDEX:
		return g_strdup_printf("because index [%s is out of range for count", index);
	case REASON_EACH_KEY:
		return g_strdup_printf("because key [%s is not in for_each map", index);
	case REASON_UNKNOWN_CONFIG:
		return g_strdup("config refers to values not yet known");
	case REASON_DEPENDENCY_PENDING:
		return g_strdup("depends on a resource or a module with changes pending");
	default:
		return change->deposed
			       ? g_strdup("left over from a partially-failed replacement of this "
					  "instance")
			       : NULL;
	}
}

static void write_title(const Renderer *renderer, const Change *change) {
	GString *out = renderer->out;
	const char *red = paint(renderer, RED), *bold = paint(renderer, BOLD);
	const char *reset = paint(renderer, RESET);
	if (change->action == CHANGE_NONE && change->imported) {
		g_string_append_printf(
			out, "%s  # %s%s will be imported\n", bold, change->address, reset);
		return;
	}
	if (change->action == CHANGE_FORGET) {
		g_string_append_printf(out,
			"%s # %s%s will no longer be managed by Terrarium, but will not be "
			"destroyed\n # (destroy = false is set in the configuration)\n",
			bold, change->address, reset);
		return;
	}
	if (change->action == CHANGE_NONE) {
		g_string_append_printf(out, "%s  # %s%s has moved to %s%s%s\n", bold,
			change->moved_from, reset, bold, change->address, reset);
		return;
	}
	g_string_append_printf(out, "%s  # %s%s ", bold, change->address, reset);
	if (change->deposed)
		g_string_append_printf(out, "(deposed object %s) ", change->deposed);
	switch (change->action) {
	case CHANGE_CREATE:
		g_string_append(out, "will be created");
		break;
	case CHANGE_READ:
		g_string_append(out, "will be read during apply");
		break;
	case CHANGE_UPDATE:
		g_string_append(out, "will be updated in-place");
		break;
	case CHANGE_DELETE:
		g_string_append_printf(out, "will be %s%sdestroyed%s", bold, red, reset);
		break;
	default:
		g_string_append_printf(out,
			change->reason == REASON_TAINTED ? "is tainted, so must be %s%sreplaced%s"
			: change->reason == REASON_REQUESTED
				? "will be %s%sreplaced%s, as requested"
			: change->reason == REASON_TRIGGERED
				? "will be %s%sreplaced%s due to changes in replace_triggered_by"
				: "must be %s%sreplaced%s",
			bold, red, reset);
	}
	g_string_append_c(out, '\n');
	g_autofree char *reason = reason_line(change);
	if (reason)
		g_string_append_printf(out, "  # (%s)\n", reason);
	if (change->moved_from)
		g_string_append_printf(out, "  # (moved from %s)\n", change->moved_from);
	if (change->imported)
		g_string_append_printf(out, "  # (imported from \"%s\")\n", change->imported);
}

static const char *const action_symbols[] = {
	[CHANGE_NONE] = "   ", /* moved */
	[CHANGE_CREATE] = "  " GREEN "+" RESET,
	[CHANGE_READ] = " " CYAN "<=" RESET,
	[CHANGE_UPDATE] = "  " YELLOW "~" RESET,
	[CHANGE_DELETE] = "  " RED "-" RESET,
	[CHANGE_REPLACE] = RED "-" RESET "/" GREEN "+" RESET,
	[CHANGE_REPLACE_CREATE_FIRST] = GREEN "+" RESET "/" RED "-" RESET,
	[CHANGE_FORGET] = " .",
};

/* Takes escape sequences away where no colour is wanted. */
static void write_action_symbol(const Renderer *renderer, ChangeAction action) {
	for (const char *at = action_symbols[action]; *at; at++) {
		if (*at == '\033' && !renderer->color)
			at = strchr(at, 'm');
		else
			g_string_append_c(renderer->out, *at);
	}
}

static GHashTable *forcing_paths(const Change *change) {
	GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (gsize i = 0; i < value_length(change->requires_replace); i++) {
		Value path = value_at(change->requires_replace, i);
		/* A step into a set is by value: the set's own path stands for it. */
		g_autoptr(ValueBuilder) plain = value_builder_new(VALUE_TUPLE, NULL);
		for (gsize j = 0; j < value_length(path); j++) {
			Value step = value_at(path, j);
			if (!value_text(step) && value_kind(step) != VALUE_NUMBER)
				break;
			value_builder_add_take(plain, value_ref(step));
		}
		g_auto(Value) steps = value_builder_end(g_steal_pointer(&plain));
		g_hash_table_add(paths, value_path_to_string(steps));
	}
	return paths;
}

static gboolean is_shown(const Change *change) {
	return change->action != CHANGE_NONE || change->moved_from || change->imported;
}

static void write_change(Renderer *renderer, const Change *change) {
	write_title(renderer, change);
	write_action_symbol(renderer, change->action);
	g_string_append_printf(renderer->out, " %s \"%s\" \"%s\" {\n",
		change->managed ? "resource" : "data", change->type, change->name);
	g_autoptr(GHashTable) forcing = forcing_paths(change);
	renderer->forcing = forcing;
	renderer->show_unchanged = change->imported && change->action == CHANGE_NONE;
	write_block(renderer, change->schema->block, change->before, change->after,
		diff_of(change->before, change->after), 0, "");
	renderer->forcing = NULL;
	renderer->show_unchanged = FALSE;
	g_string_append(renderer->out, "    }\n\n");
}

/* ---- the whole plan ---- */

static gboolean changes_objects(const Plan *plan) {
	for (guint i = 0; i < plan->changes->len; i++)
		if (((const Change *)plan->changes->pdata[i])->action != CHANGE_NONE)
			return TRUE;
	return FALSE;
}

static void write_legend(const Renderer *renderer, const Plan *plan) {
	static const struct {
		ChangeAction action;
		const char *text;
	} legend[] = {
		{CHANGE_CREATE, "create"},
		{CHANGE_UPDATE, "update in-place"},
		{CHANGE_DELETE, "destroy"},
		{CHANGE_REPLACE, "destroy and then create replacement"},
		{CHANGE_REPLACE_CREATE_FIRST, "create replacement and then destroy"},
		{CHANGE_READ, "read (data resources)"},
	};
	if (!changes_objects(plan))
		return;
	g_string_append(renderer->out,
		"\nTerrarium used the selected providers to generate the following execution\n"
		"plan. Resource actions are indicated with the following symbols:\n");
	for (guint i = 0; i < G_N_ELEMENTS(legend); i++) {
		gboolean used = FALSE;
		for (guint j = 0; !used && j < plan->changes->len; j++)
			used = ((const Change *)plan->changes->pdata[j])->action ==
			       legend[i].action;
		if (!used)
			continue;
		write_action_symbol(renderer, legend[i].action);
		g_string_append_printf(renderer->out, " %s\n", legend[i].text);
	}
}

static void write_outputs(const Renderer *renderer, const Plan *plan) {
	guint width = 0, n = 0;
	for (guint i = 0; i < plan->outputs->len; i++) {
		const OutputChange *change = plan->outputs->pdata[i];
		if (change->action == CHANGE_NONE)
			continue;
		width = MAX(width, (guint)strlen(change->name));
		n++;
	}
	if (n == 0)
		return;
	g_string_append_printf(renderer->out, "\n%sChanges to Outputs:%s\n", paint(renderer, BOLD),
		paint(renderer, RESET));
	for (guint i = 0; i < plan->outputs->len; i++) {
		const OutputChange *change = plan->outputs->pdata[i];
		if (change->action == CHANGE_NONE)
			continue;
		Diff diff = change->action == CHANGE_CREATE   ? DIFF_CREATE
			    : change->action == CHANGE_DELETE ? DIFF_DELETE
							      : DIFF_UPDATE;
		write_symbol(renderer, diff);
		write_key(renderer, change->name, width);
		g_auto(Value) before = change->sensitive ? value_mark_sensitive(change->before)
							 : value_ref(change->before);
		g_auto(Value) after = change->sensitive ? value_mark_sensitive(change->after)
							: value_ref(change->after);
		write_value(renderer, before, after, diff, (Style){0, TRUE, TRUE, NULL});
		g_string_append_c(renderer->out, '\n');
	}
}

static gboolean changes_resources(const Plan *plan) {
	for (guint i = 0; i < plan->changes->len; i++)
		if (is_shown(plan->changes->pdata[i]))
			return TRUE;
	return FALSE;
}

static void write_drifted(Renderer *renderer, const Change *change) {
	g_string_append_printf(renderer->out, "%s  # %s%s has %s\n", paint(renderer, BOLD),
		change->address, paint(renderer, RESET),
		change->action == CHANGE_DELETE ? "been deleted" : "changed");
	write_action_symbol(renderer, change->action);
	g_string_append_printf(
		renderer->out, " resource \"%s\" \"%s\" {\n", change->type, change->name);
	write_block(renderer, change->schema->block, change->before, change->after,
		diff_of(change->before, change->after), 0, NULL);
	g_string_append(renderer->out, "    }\n\n");
}

/* Whether the plan acts on an object: only then what happened to it outside matters. */
static gboolean acts_on(const Plan *plan, const char *address) {
	for (guint i = 0; i < plan->changes->len; i++) {
		const Change *change = plan->changes->pdata[i];
		if (change->action != CHANGE_NONE && g_str_equal(change->address, address))
			return TRUE;
	}
	return FALSE;
}

#define RULE "─────────────────────────────────────────────────────────────────────────────\n"

static void write_drift(Renderer *renderer, const Plan *plan) {
	gboolean refreshing = plan->mode == PLAN_REFRESH_ONLY;
	g_autoptr(GPtrArray) shown = g_ptr_array_new();
	for (guint i = 0; i < plan->drift->len; i++) {
		Change *change = plan->drift->pdata[i];
		if (refreshing || (plan->mode == PLAN_NORMAL && acts_on(plan, change->address)))
			g_ptr_array_add(shown, change);
	}
	if (shown->len == 0)
		return;
	g_string_append_printf(renderer->out,
		"\n%sNote:%s Objects have changed outside of Terrarium\n\nTerrarium detected the "
		"following changes made outside of Terrarium since the\nlast \"terrarium apply\" "
		"which may have affected this plan:\n\n",
		paint(renderer, BOLD), paint(renderer, RESET));
	for (guint i = 0; i < shown->len; i++)
		write_drifted(renderer, shown->pdata[i]);
	g_string_append(renderer->out,
		refreshing
			? "\nThis is a refresh-only plan, so Terrarium will not take any actions "
			  "to "
			  "undo these. If you were expecting these changes then you can apply this "
			  "plan to record\nthe updated values in the Terrarium state without "
			  "changing "
			  "any remote objects.\n"
			: "\nUnless you have made equivalent changes to your configuration, or "
			  "ignored "
			  "the\nrelevant attributes using ignore_changes, the following plan may "
			  "include\nactions to undo or respond to these changes.\n\n" RULE);
}

static void write_nothing_to_do(const Renderer *renderer, const Plan *plan) {
	const char *bold = paint(renderer, BOLD), *green = paint(renderer, GREEN);
	const char *reset = paint(renderer, RESET);
	if (plan->mode == PLAN_DESTROY)
		g_string_append_printf(renderer->out,
			"\n%s%sNo changes.%s%s No objects need to be destroyed.%s\n\nEither you "
			"have "
			"not created any objects yet or the existing objects were\nalready deleted "
			"outside of Terrarium.\n",
			bold, green, reset, bold, reset);
	else
		g_string_append_printf(renderer->out,
			"\n%s%sNo changes.%s%s Your infrastructure %s.%s\n\nTerrarium has compared "
			"your real infrastructure against your %s\nand found no differences, so no "
			"changes are needed.\n",
			bold, green, reset, bold,
			plan->mode == PLAN_REFRESH_ONLY ? "still matches the configuration"
							: "matches the configuration",
			reset, plan->mode == PLAN_REFRESH_ONLY ? "state" : "configuration");
}

char *plan_render(const Plan *plan, gboolean color) {
	Renderer renderer = {.out = g_string_new(NULL), .color = color};
	write_drift(&renderer, plan);
	if (!plan_changes_anything(plan)) {
		write_nothing_to_do(&renderer, plan);
		return g_string_free(renderer.out, FALSE);
	}
	if (changes_resources(plan)) {
		write_legend(&renderer, plan);
		g_string_append_printf(renderer.out, "\nTerrarium %s:\n\n",
			plan->errored ? "planned the following actions, but then encountered a "
					"problem"
				      : "will perform the following actions");
		for (guint i = 0; i < plan->changes->len; i++) {
			const Change *change = plan->changes->pdata[i];
			if (is_shown(change))
				write_change(&renderer, change);
		}
		guint add, changed, destroy;
		plan_count(plan, &add, &changed, &destroy);
		guint imports = 0;
		for (guint i = 0; i < plan->changes->len; i++)
			imports += ((const Change *)plan->changes->pdata[i])->imported != NULL;
		g_autofree char *import_count =
			imports > 0 ? g_strdup_printf(" %u to import,", imports) : g_strdup("");
		g_string_append_printf(renderer.out,
			"%sPlan:%s%s %u to add, %u to change, %u to destroy.\n",
			paint(&renderer, BOLD), paint(&renderer, RESET), import_count, add, changed,
			destroy);
	}
	if (plan->errored)
		return g_string_free(renderer.out, FALSE);
	write_outputs(&renderer, plan);
	if (!changes_resources(plan) && plan->mode != PLAN_REFRESH_ONLY)
		g_string_append(renderer.out,
			"\nYou can apply this plan to save these new output values to the "
			"Terrarium\nstate, without changing any real infrastructure.\n");
	return g_string_free(renderer.out, FALSE);
}

/* ---- states and outputs ---- */

static void write_object(Renderer *renderer, Engine *engine, const StateInstance *instance,
	const StateObject *object, const char *note) {
	const Schema *schema =
		engine_state_schema(engine, instance->provider, instance->managed, instance->type);
	g_string_append_printf(renderer->out, "# %s:%s\n%s \"%s\" \"%s\" {\n", instance->address,
		note, instance->managed ? "resource" : "data", instance->type, instance->name);
	if (schema) {
		g_auto(Value) value =
			engine_object_value(engine, object, schema, instance->address);
		write_block(renderer, schema->block, value, value, DIFF_NONE, 0, NULL);
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
		write_value(&renderer, value, value, DIFF_NONE, (Style){0});
	GString *out = g_string_new(NULL);
	g_string_append_printf(out, "%s = ", name);
	g_auto(GStrv) lines = g_strsplit(renderer.out->str, "\n", -1);
	for (char **line = lines; *line; line++)
		g_string_append_printf(out, "%s%s", line == lines ? "" : "\n",
			g_str_has_prefix(*line, "    ") ? *line + 4 : *line);
	g_string_free(renderer.out, TRUE);
	return g_string_free(out, FALSE);
}
