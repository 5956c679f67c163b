/* Versions and version constraints. See version.h. */
#include "engine/version.h"

#include <string.h>

typedef struct {
	guint64 numbers[3];
	guint n_numbers; /* as many as were written */
	char *prerelease; /* "beta.1"; or NULL */
} Version;

static void version_clear(Version *version) {
	g_clear_pointer(&version->prerelease, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Version, version_clear)

static gboolean is_identifiers(const char *text, gsize length) {
	for (gsize i = 0; i < length; i++)
		if (!g_ascii_isalnum(text[i]) && text[i] != '-' && text[i] != '.')
			return FALSE;
	return length > 0;
}

static gboolean parse(const char *text, Version *version) {
	*version = (Version){0};
	if (*text == 'v')
		text++;
	while (version->n_numbers < 3 && g_ascii_isdigit(*text)) {
		char *end;
		version->numbers[version->n_numbers++] = g_ascii_strtoull(text, &end, 10);
		text = end;
		if (*text != '.')
			break;
		text++;
		if (!g_ascii_isdigit(*text))
			return FALSE;
	}
	if (version->n_numbers == 0)
		return FALSE;
	if (*text == '-') {
		gsize length = strcspn(++text, "+");
		if (!is_identifiers(text, length))
			return FALSE;
		version->prerelease = g_strndup(text, length);
		text += length;
	}
	return *text == '\0' || (*text == '+' && is_identifiers(text + 1, strlen(text + 1)));
}

/* ---- order ---- */

static gboolean is_number(const char *text) {
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* Numbers by size, and before all words. */
static int compare_identifiers(const char *a, const char *b) {
	if (is_number(a) && is_number(b)) {
		gsize length_a = strlen(a), length_b = strlen(b);
		return length_a != length_b ? (length_a < length_b ? -1 : 1) : strcmp(a, b);
	}
	return is_number(a) ? -1 : is_number(b) ? 1 : strcmp(a, b);
}

static int compare_prereleases(const char *a, const char *b) {
	if (!a || !b)
		return a ? -1 : b ? 1 : 0;
	g_auto(GStrv) parts_a = g_strsplit(a, ".", -1);
	g_auto(GStrv) parts_b = g_strsplit(b, ".", -1);
	for (guint i = 0; parts_a[i] || parts_b[i]; i++) {
		if (!parts_a[i] || !parts_b[i])
			return parts_a[i] ? 1 : -1;
		int order = compare_identifiers(parts_a[i], parts_b[i]);
		if (order != 0)
			return order;
	}
	return 0;
}

static int compare(const Version *a, const Version *b) {
	for (guint i = 0; i < G_N_ELEMENTS(a->numbers); i++)
		if (a->numbers[i] != b->numbers[i])
			return a->numbers[i] < b->numbers[i] ? -1 : 1;
	return compare_prereleases(a->prerelease, b->prerelease);
}

gboolean version_is_valid(const char *text) {
	g_auto(Version) version = {0};
	return parse(text, &version);
}

int version_compare(const char *a, const char *b) {
	g_auto(Version) first = {0};
	g_auto(Version) second = {0};
	parse(a, &first);
	parse(b, &second);
	return compare(&first, &second);
}

/* ---- constraints ---- */

typedef enum { EXACTLY, NOT, GREATER, AT_LEAST, LESS, AT_MOST, PESSIMISTIC } Comparison;

static Comparison read_comparison(const char **text) {
	static const struct {
		const char *sign;
		Comparison comparison;
	} signs[] = {{"!=", NOT}, {">=", AT_LEAST}, {"<=", AT_MOST}, {"~>", PESSIMISTIC},
		{"=", EXACTLY}, {">", GREATER}, {"<", LESS}};
	for (guint i = 0; i < G_N_ELEMENTS(signs); i++)
		if (g_str_has_prefix(*text, signs[i].sign)) {
			*text += strlen(signs[i].sign);
			return signs[i].comparison;
		}
	return EXACTLY;
}

/* "~> 1.2" lets the last number that is written grow. */
static gboolean is_within(const Version *version, const Version *limit) {
	guint fixed = MAX(limit->n_numbers, 2) - 1;
	for (guint i = 0; i < fixed; i++)
		if (version->numbers[i] != limit->numbers[i])
			return FALSE;
	return compare(version, limit) >= 0;
}

static gboolean meets(const Version *version, Comparison comparison, const Version *limit) {
	int order = compare(version, limit);
	if (version->prerelease)
		return comparison == EXACTLY && order == 0;
	switch (comparison) {
	case EXACTLY:
		return order == 0;
	case NOT:
		return order != 0;
	case GREATER:
		return order > 0;
	case AT_LEAST:
		return order >= 0;
	case LESS:
		return order < 0;
	case AT_MOST:
		return order <= 0;
	case PESSIMISTIC:
		return is_within(version, limit);
	}
	return FALSE;
}

gboolean version_satisfies(const char *text, const char *constraints, char **problem) {
	g_auto(Version) version = {0};
	g_auto(GStrv) parts = g_strsplit(constraints, ",", -1);
	gboolean fine = parse(text, &version);
	for (char **part = parts; *part; part++) {
		const char *written = g_strstrip(*part);
		const char *rest = written;
		g_auto(Version) limit = {0};
		Comparison comparison = read_comparison(&rest);
		rest += strspn(rest, " ");
		if (!parse(rest, &limit)) {
			*problem = g_strdup_printf("\"%s\" is no version constraint", written);
			return FALSE;
		}
		fine = fine && meets(&version, comparison, &limit);
	}
	return fine;
}

/* ---- whether any version does ---- */

#define HIGHEST 999999 /* as high as a number of a release gets */

static gboolean try_version(
	const guint64 *numbers, guint oldest, guint newest, const char *constraints) {
	g_autofree char *problem = NULL;
	g_autofree char *text =
		g_strdup_printf("%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT,
			numbers[0], numbers[1], numbers[2]);
	return numbers[0] >= oldest && numbers[0] <= newest &&
	       version_satisfies(text, constraints, &problem);
}

/* The release right before a version. */
static void step_back(guint64 *numbers) {
	for (guint i = 3; i-- > 0;) {
		if (numbers[i] > 0) {
			numbers[i]--;
			return;
		}
		numbers[i] = HIGHEST;
	}
}

/* What meets constraints begins or ends at a version that one of them names, or at an end of what
 * there is; so only these, and their neighbours, need to be tried. */
gboolean version_any_satisfies(guint oldest, guint newest, const char *constraints) {
	const guint64 first[] = {oldest, 0, 0}, last[] = {newest, HIGHEST, HIGHEST};
	gboolean found = try_version(first, oldest, newest, constraints) ||
			 try_version(last, oldest, newest, constraints);
	g_auto(GStrv) parts = g_strsplit(constraints, ",", -1);
	for (char **part = parts; *part && !found; part++) {
		const char *rest = g_strstrip(*part);
		g_auto(Version) named = {0};
		read_comparison(&rest);
		if (!parse(rest + strspn(rest, " "), &named))
			return FALSE;
		guint64 behind[] = {named.numbers[0], named.numbers[1], named.numbers[2] + 1};
		guint64 before[] = {named.numbers[0], named.numbers[1], named.numbers[2]};
		step_back(before);
		found = try_version(named.numbers, oldest, newest, constraints) ||
			try_version(behind, oldest, newest, constraints) ||
			try_version(before, oldest, newest, constraints);
	}
	return found;
}
