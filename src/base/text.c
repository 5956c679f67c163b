/* Text helpers: see text.h. Pure functions, but for the random ones. */
#include "base/text.h"

#include <string.h>
#include <sys/random.h>

/* ---- nearness ---- */

static gsize minimum_of(gsize a, gsize b, gsize c) {
	return MIN(MIN(a, b), c);
}

/* Levenshtein distance of two byte strings. */
static gsize edit_distance(const char *a, const char *b) {
	gsize length = strlen(b);
	g_autofree gsize *row = g_new(gsize, length + 1);
	for (gsize j = 0; j <= length; j++)
		row[j] = j;
	for (gsize i = 1; a[i - 1]; i++) {
		gsize diagonal = row[0];
		row[0] = i;
		for (gsize j = 1; j <= length; j++) {
			gsize above = row[j];
			gsize cost = a[i - 1] == b[j - 1] ? 0 : 1;
			row[j] = minimum_of(above + 1, row[j - 1] + 1, diagonal + cost);
			diagonal = above;
		}
	}
	return row[length];
}

const char *text_nearest(const char *word, const char *const *candidates, gsize n_candidates) {
	const char *nearest = NULL;
	gsize least = 3; /* three typos are another word */
	for (gsize i = 0; i < n_candidates; i++) {
		gsize distance = edit_distance(word, candidates[i]);
		if (distance < least) {
			nearest = candidates[i];
			least = distance;
		}
	}
	return nearest;
}

char *text_suggestion(const char *word, const char *const *candidates, gsize n_candidates) {
	const char *near = text_nearest(word, candidates, n_candidates);
	return near ? g_strdup_printf(" Did you mean \"%s\"?", near) : g_strdup("");
}

/* ---- layout ---- */

char *text_indent(const char *text, const char *prefix) {
	GString *out = g_string_new(NULL);
	for (const char *line = text; *line;) {
		const char *end = strchr(line, '\n');
		gsize length = end ? (gsize)(end - line) : strlen(line);
		if (length > 0)
			g_string_append(out, prefix);
		g_string_append_len(out, line, (gssize)length);
		if (end)
			g_string_append_c(out, '\n');
		line += length + (end ? 1 : 0);
	}
	return g_string_free(out, FALSE);
}

static void wrap_line(GString *out, const char *line, gsize length, guint width) {
	guint column = 0;
	const char *end = line + length;
	while (line < end) {
		const char *blank = memchr(line, ' ', (gsize)(end - line));
		const char *stop = blank ? blank : end;
		guint characters = (guint)g_utf8_strlen(line, stop - line);
		if (column > 0 && column + 1 + characters > width) {
			g_string_append_c(out, '\n');
			column = 0;
		}
		if (column > 0) {
			g_string_append_c(out, ' ');
			column++;
		}
		g_string_append_len(out, line, stop - line);
		column += characters;
		line = blank ? blank + 1 : end;
	}
}

char *text_wrap(const char *text, guint width) {
	GString *out = g_string_new(NULL);
	for (const char *line = text; *line;) {
		const char *end = strchr(line, '\n');
		gsize length = end ? (gsize)(end - line) : strlen(line);
		if (width == 0 || *line == ' ' || *line == '\t')
			g_string_append_len(out, line, (gssize)length);
		else
			wrap_line(out, line, length, width);
		if (end)
			g_string_append_c(out, '\n');
		line += length + (end ? 1 : 0);
	}
	return g_string_free(out, FALSE);
}

/* ---- wildcards ---- */

gboolean text_wildcard_match(const char *pattern, const char *text) {
	const char *star = NULL, *resume = NULL;
	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return FALSE;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* ---- chance ---- */

static guint32 random_below(guint32 limit) {
	guint32 number;
	/* Numbers from the last, incomplete stretch would favour small results. */
	guint32 fair = G_MAXUINT32 - G_MAXUINT32 % limit;
	do {
		if (getrandom(&number, sizeof number, 0) != sizeof number)
			g_error("the kernel gives no random bytes: %s", g_strerror(errno));
	} while (number >= fair);
	return number % limit;
}

char *text_random(gsize n, const char *alphabet) {
	guint32 size = (guint32)strlen(alphabet);
	char *text = g_malloc(n + 1);
	for (gsize i = 0; i < n; i++)
		text[i] = alphabet[random_below(size)];
	text[n] = '\0';
	return text;
}

char *text_random_hex(gsize n) {
	return text_random(n, "0123456789abcdef");
}
