/*
 * Which element of an old sequence became which of the new one, so that a reader sees what
 * changed, rather than that all moved up by one. Relies on nothing but the values.
 */
#include "engine/render.h"

Diff render_diff(Value before, Value after) {
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

/* The longest common subsequence of two lists, as pairs: for lists and lines. Sizes beyond the
 * bound are compared position by position. */
#define LARGEST_TABLE 4000000

GArray *render_align(gconstpointer a, guint n, gconstpointer b, guint m, RenderSame same) {
	GArray *pairs = g_array_new(FALSE, FALSE, sizeof(RenderPair));
	if ((guint64)(n + 1) * (m + 1) > LARGEST_TABLE) {
		for (guint i = 0; i < MAX(n, m); i++) {
			RenderPair pair = {i < n ? (gssize)i : -1, i < m ? (gssize)i : -1};
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
		RenderPair pair;
		if (i < n && j < m && same(a, i, b, j))
			pair = (RenderPair){i++, j++};
		else if (i < n &&
			 (j == m || table[(i + 1) * width + j] >= table[i * width + j + 1]))
			pair = (RenderPair){i++, -1};
		else
			pair = (RenderPair){-1, j++};
		g_array_append_val(pairs, pair);
	}
	return pairs;
}

/* i G_MAXUINT: `a` is the element itself. */
static gboolean same_element(gconstpointer a, guint i, gconstpointer b, guint j) {
	Value first = i == G_MAXUINT ? *(const Value *)a : value_at(*(const Value *)a, i);
	Value second = value_at(*(const Value *)b, j);
	return render_diff(first, second) == DIFF_NONE &&
	       value_is_null(first) == value_is_null(second);
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
		RenderPair pair = g_array_index(pairs, RenderPair, i);
		if (pair.before >= 0 && pair.after < 0 &&
			appears(value_at(before, (gsize)pair.before), after))
			return FALSE;
	}
	return TRUE;
}

/* What goes and what comes in one gap between common elements: mappings are changed into each
 * other, one by one; the rest goes, then comes. */
static void pair_gap(GArray *merged, const RenderPair *gap, guint n, Value before, Value after) {
	g_autoptr(GArray) old = g_array_new(FALSE, FALSE, sizeof(gssize));
	g_autoptr(GArray) new = g_array_new(FALSE, FALSE, sizeof(gssize));
	for (guint i = 0; i < n; i++)
		if (gap[i].after < 0)
			g_array_append_val(old, gap[i].before);
		else
			g_array_append_val(new, gap[i].after);
	guint used = 0;
	for (guint i = 0; i < old->len; i++) {
		RenderPair pair = {g_array_index(old, gssize, i), -1};
		if (used < new->len &&
			both_mappings(before, pair.before, after, g_array_index(new, gssize, used)))
			pair.after = g_array_index(new, gssize, used++);
		g_array_append_val(merged, pair);
	}
	for (; used < new->len; used++) {
		RenderPair pair = {-1, g_array_index(new, gssize, used)};
		g_array_append_val(merged, pair);
	}
}

GArray *render_pair_sequence(Value before, Value after) {
	guint n = (guint)value_length(before), m = (guint)value_length(after);
	g_autoptr(GArray) pairs = render_align(&before, n, &after, m, same_element);
	GArray *merged = g_array_new(FALSE, FALSE, sizeof(RenderPair));
	if (changed_in_place(pairs, before, after)) {
		for (guint i = 0; i < n; i++)
			g_array_append_val(merged, ((RenderPair){i, i}));
		return merged;
	}
	const RenderPair *all = (const RenderPair *)(const void *)pairs->data;
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

GArray *render_pair_set(Value before, Value after) {
	GArray *pairs = g_array_new(FALSE, FALSE, sizeof(RenderPair));
	for (guint i = 0; i < value_length(before); i++) {
		RenderPair pair = {i, -1};
		for (guint j = 0; j < value_length(after) && pair.after < 0; j++)
			if (render_diff(value_at(before, i), value_at(after, j)) == DIFF_NONE)
				pair.after = j;
		g_array_append_val(pairs, pair);
	}
	for (guint j = 0; j < value_length(after); j++) {
		RenderPair pair = {-1, j};
		for (guint i = 0; i < value_length(before) && pair.before < 0; i++)
			if (render_diff(value_at(before, i), value_at(after, j)) == DIFF_NONE)
				pair.before = i;
		if (pair.before < 0)
			g_array_append_val(pairs, pair);
	}
	return pairs;
}

Diff render_pair_diff(Value before, Value after, RenderPair pair) {
	if (pair.before < 0 || pair.after < 0)
		return pair.before < 0 ? DIFF_CREATE : DIFF_DELETE;
	Value old = value_at(before, (gsize)pair.before), new = value_at(after, (gsize)pair.after);
	if (value_is_null(old) != value_is_null(new))
		return DIFF_UPDATE;
	return render_diff(old, new);
}
