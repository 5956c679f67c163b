/*
 * Diagnostics and how they are shown: Terraform's box, the place, the line quoted, a caret under
 * it. Relies on text.c. Must never write anywhere itself.
 */
#include "base/diag.h"

#include <string.h>

#include "base/text.h"

SourceRange source_range_join(SourceRange first, SourceRange last) {
	if (!first.filename)
		return last;
	if (!last.filename)
		return first;
	SourceRange joined = first;
	if (last.start_byte < first.start_byte) {
		joined.start_line = last.start_line;
		joined.start_column = last.start_column;
		joined.start_byte = last.start_byte;
	}
	if (last.end_byte > first.end_byte) {
		joined.end_line = last.end_line;
		joined.end_column = last.end_column;
		joined.end_byte = last.end_byte;
	}
	return joined;
}

/* ---- the list ---- */

struct Diags {
	GPtrArray *items; /* of Diag* */
	guint errors;
};

static void diag_free(gpointer data) {
	Diag *diag = data;
	if (diag->extra_free)
		diag->extra_free(diag->extra);
	if (diag->values)
		g_ptr_array_unref(diag->values);
	g_free(diag->summary);
	g_free(diag->detail);
	g_free(diag->address);
	g_free(diag->context);
	g_free(diag);
}

Diags *diags_new(void) {
	Diags *diags = g_new0(Diags, 1);
	diags->items = g_ptr_array_new_with_free_func(diag_free);
	return diags;
}

void diags_free(Diags *diags) {
	if (!diags)
		return;
	g_ptr_array_unref(diags->items);
	g_free(diags);
}

static Diag *add(Diags *diags, DiagSeverity severity, SourceRange subject, const char *summary,
	const char *detail, va_list arguments) {
	Diag *diag = g_new0(Diag, 1);
	diag->severity = severity;
	diag->subject = subject;
	diag->summary = g_strdup(summary);
	diag->detail = detail ? g_strdup_vprintf(detail, arguments) : NULL;
	g_ptr_array_add(diags->items, diag);
	diags->errors += severity == DIAG_ERROR;
	return diag;
}

Diag *diags_error(Diags *diags, SourceRange subject, const char *summary, const char *detail, ...) {
	va_list arguments;
	va_start(arguments, detail);
	Diag *diag = add(diags, DIAG_ERROR, subject, summary, detail, arguments);
	va_end(arguments);
	return diag;
}

Diag *diags_warning(
	Diags *diags, SourceRange subject, const char *summary, const char *detail, ...) {
	va_list arguments;
	va_start(arguments, detail);
	Diag *diag = add(diags, DIAG_WARNING, subject, summary, detail, arguments);
	va_end(arguments);
	return diag;
}

Diag *diags_gerror(Diags *diags, SourceRange subject, const char *summary, const GError *error) {
	return diags_error(diags, subject, summary, "%s", error->message);
}

void diags_move(Diags *diags, Diags *from) {
	g_ptr_array_extend_and_steal(diags->items, from->items);
	from->items = g_ptr_array_new_with_free_func(diag_free);
	diags->errors += from->errors;
	from->errors = 0;
}

void diags_soften(Diags *diags) {
	for (guint i = 0; i < diags->items->len; i++)
		((Diag *)diags->items->pdata[i])->severity = DIAG_WARNING;
	diags->errors = 0;
}

Diags *diags_split_warnings(Diags *diags) {
	Diags *warnings = diags_new();
	for (guint i = 0; i < diags->items->len;) {
		Diag *diag = diags->items->pdata[i];
		if (diag->severity == DIAG_WARNING)
			g_ptr_array_add(warnings->items, g_ptr_array_steal_index(diags->items, i));
		else
			i++;
	}
	return warnings;
}

void diags_gather_warnings(Diags *diags) {
	g_autoptr(GHashTable) more = g_hash_table_new(g_str_hash, g_str_equal); /* summary -> n */
	for (guint i = 0; i < diags->items->len;) {
		Diag *diag = diags->items->pdata[i];
		gpointer n;
		gboolean gathered =
			diag->severity == DIAG_WARNING && !diag->alone && diag->subject.filename;
		if (gathered && g_hash_table_lookup_extended(more, diag->summary, NULL, &n)) {
			g_hash_table_insert(more, (gpointer)g_intern_string(diag->summary),
				GUINT_TO_POINTER(GPOINTER_TO_UINT(n) + 1));
			g_ptr_array_remove_index(diags->items, i);
			continue;
		}
		if (gathered)
			g_hash_table_insert(more, (gpointer)g_intern_string(diag->summary),
				GUINT_TO_POINTER(0));
		i++;
	}
	for (guint i = 0; i < diags->items->len; i++) {
		Diag *diag = diags->items->pdata[i];
		guint n = GPOINTER_TO_UINT(g_hash_table_lookup(more, diag->summary));
		if (diag->severity != DIAG_WARNING || diag->alone || n == 0)
			continue;
		g_autofree char *before = g_steal_pointer(&diag->detail);
		g_autofree char *count = n == 1 ? g_strdup("one more similar warning")
						: g_strdup_printf("%u more similar warnings", n);
		diag->detail = g_strdup_printf("%s%s(and %s elsewhere)", before ? before : "",
			before ? "\n\n" : "", count);
	}
}

guint diags_count(const Diags *diags) {
	return diags->items->len;
}

const Diag *diags_at(const Diags *diags, guint index) {
	return diags->items->pdata[index];
}

Diag *diags_change(Diags *diags, guint index) {
	return diags->items->pdata[index];
}

gboolean diags_has_errors(const Diags *diags) {
	return diags->errors > 0;
}

guint diags_error_count(const Diags *diags) {
	return diags->errors;
}

guint diags_warning_count(const Diags *diags) {
	return diags->items->len - diags->errors;
}

/* ---- sources ---- */

struct Sources {
	GHashTable *texts; /* char* -> GBytes, which end with a zero byte that is not counted */
	GHashTable *sections; /* char* -> GPtrArray of Section*, in the file's order */
};

typedef struct {
	gsize start, end;
	char *label;
} Section;

static void section_free(gpointer section) {
	g_free(((Section *)section)->label);
	g_free(section);
}

Sources *sources_new(void) {
	Sources *sources = g_new0(Sources, 1);
	sources->texts = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
	sources->sections = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	return sources;
}

void sources_free(Sources *sources) {
	if (!sources)
		return;
	g_hash_table_unref(sources->texts);
	g_hash_table_unref(sources->sections);
	g_free(sources);
}

void sources_add(Sources *sources, const char *filename, const char *text, gsize length) {
	char *copy = g_malloc(length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	g_hash_table_insert(sources->texts, g_strdup(filename),
		g_bytes_new_with_free_func(copy, length, g_free, copy));
}

void sources_add_section(Sources *sources, SourceRange range, const char *label) {
	GPtrArray *all = g_hash_table_lookup(sources->sections, range.filename);
	if (!all) {
		all = g_ptr_array_new_with_free_func(section_free);
		g_hash_table_insert(sources->sections, g_strdup(range.filename), all);
	}
	Section *section = g_new0(Section, 1);
	*section = (Section){range.start_byte, range.end_byte, g_strdup(label)};
	g_ptr_array_add(all, section);
}

/* What a place is in; NULL at the very beginning of a section, which names itself. */
static const char *section_at(const Sources *sources, SourceRange range) {
	const GPtrArray *all =
		sources ? g_hash_table_lookup(sources->sections, range.filename) : NULL;
	for (guint i = 0; all && i < all->len; i++) {
		const Section *section = all->pdata[i];
		if (section->start < range.start_byte && range.start_byte <= section->end)
			return section->label;
	}
	return NULL;
}

const char *sources_text(const Sources *sources, const char *filename, gsize *length) {
	GBytes *bytes = filename ? g_hash_table_lookup(sources->texts, filename) : NULL;
	gsize size = 0;
	const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
	if (length)
		*length = size;
	return text;
}

/* ---- showing ---- */

#define RESET "\033[0m"
#define BOLD "\033[1m"
#define UNDERLINE "\033[4m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define DIM "\033[90m"

static const char *line_start(const char *text, gsize byte) {
	const char *start = text + byte;
	while (start > text && start[-1] != '\n')
		start--;
	return start;
}

static gsize line_length(const char *line) {
	return strcspn(line, "\r\n");
}

/* A caret under each character of the place, tabs kept so that it lines up. */
static void append_carets(GString *out, const char *line, gsize from, gsize to, guint margin) {
	g_string_append_printf(out, "%*s", (int)margin, "");
	for (gsize i = 0; i < from; i++)
		if (line[i] == '\t')
			g_string_append_c(out, '\t');
		else if (((guchar)line[i] & 0xc0) != 0x80)
			g_string_append_c(out, ' ');
	gsize carets = (gsize)g_utf8_strlen(line + from, (gssize)(to - from));
	for (gsize i = 0; i < MAX(carets, 1); i++)
		g_string_append_c(out, '^');
	g_string_append_c(out, '\n');
}

/* A line, the part of it that is in the subject underlined, or with carets below. */
static void append_line(GString *out, const char *text, gsize start, guint number,
	const SourceRange *subject, gboolean color) {
	const char *line = text + start;
	gsize end = start + line_length(line);
	gsize from = CLAMP(subject->start_byte, start, end) - start;
	gsize to = CLAMP(MAX(subject->end_byte, subject->start_byte), start, end) - start;
	gboolean marked = subject->start_byte <= end && subject->end_byte >= start;
	g_autofree char *margin = g_strdup_printf("%4u: ", number);
	g_string_append(out, margin);
	if (color && marked)
		g_string_append_printf(out, "%.*s" UNDERLINE "%.*s" RESET "%s", (int)from, line,
			(int)(to - from), line + from, "");
	else
		g_string_append_len(out, line, (gssize)to);
	g_string_append_len(out, line + to, (gssize)(end - start - to));
	g_string_append_c(out, '\n');
	if (!color && marked && start <= subject->start_byte)
		append_carets(out, line, from, to, (guint)strlen(margin));
}

/* The lines of the place, and of what it is quoted with; empty ones are left out. */
static void append_quote(
	GString *out, const Diag *diag, const char *text, gsize length, gboolean color) {
	const SourceRange shown = source_range_join(diag->quoted, diag->subject);
	gsize start = (gsize)(line_start(text, MIN(shown.start_byte, length)) - text);
	gboolean any = FALSE;
	for (guint number = shown.start_line; start < length || !any; number++) {
		gsize size = line_length(text + start);
		if (any && start > shown.end_byte)
			break;
		if (size > 0 || !any)
			append_line(out, text, start, number, &diag->subject, color);
		any = TRUE;
		start += size + strspn(text + start + size, "\r");
		start += start < length;
	}
}

static void append_place(GString *out, const Diag *diag, const Sources *sources, gboolean color) {
	gsize length;
	const char *text = sources ? sources_text(sources, diag->subject.filename, &length) : NULL;
	g_string_append_printf(
		out, "  on %s line %u", diag->subject.filename, diag->subject.start_line);
	const char *context = diag->context ? diag->context : section_at(sources, diag->subject);
	if (context)
		g_string_append_printf(out, ", in %s", context);
	g_string_append(out, text ? ":\n" : "\n");
	if (text)
		append_quote(out, diag, text, length, color);
}

static void append_values(GString *out, const Diag *diag, gboolean color) {
	if (!diag->values || diag->values->len == 0)
		return;
	g_string_append(
		out, color ? "    " DIM "├────────────────" RESET "\n" : "    ├────────────────\n");
	for (guint i = 0; i < diag->values->len; i++)
		g_string_append_printf(out, color ? "    " DIM "│" RESET " %s\n" : "    │ %s\n",
			(const char *)diag->values->pdata[i]);
}

/* What stands inside the box. */
static char *diag_body(const Diag *diag, const Sources *sources, gboolean color, guint width) {
	GString *out = g_string_new(NULL);
	const char *word = diag->severity == DIAG_ERROR ? "Error: " : "Warning: ";
	const char *tint = diag->severity == DIAG_ERROR ? RED : YELLOW;
	if (color)
		g_string_append_printf(out, "%s" BOLD "%s" RESET BOLD "%s" RESET "\n\n", tint, word,
			diag->summary);
	else
		g_string_append_printf(out, "%s%s\n\n", word, diag->summary);
	if (diag->address)
		g_string_append_printf(out, "  with %s,\n", diag->address);
	if (diag->subject.filename)
		append_place(out, diag, sources, color);
	append_values(out, diag, color);
	if (diag->address || diag->subject.filename)
		g_string_append_c(out, '\n');
	if (diag->detail && *diag->detail) {
		g_autofree char *wrapped = text_wrap(diag->detail, width > 4 ? width - 2 : 0);
		g_string_append_printf(out, "%s\n", wrapped);
	} else if (out->len > 0 && out->str[out->len - 1] == '\n' && !diag->subject.filename) {
		g_string_truncate(out, out->len - 1);
	}
	return g_string_free(out, FALSE);
}

char *diag_render(const Diag *diag, const Sources *sources, gboolean color, guint width) {
	g_autofree char *body = diag_body(diag, sources, color, width);
	const char *tint = diag->severity == DIAG_ERROR ? RED : YELLOW;
	GString *out = g_string_new(NULL);
	g_auto(GStrv) lines = g_strsplit(g_strchomp(body), "\n", -1);
	g_string_append_printf(out, color ? "%s╷" RESET "\n" : "%s╷\n", color ? tint : "");
	for (char **line = lines; *line; line++) {
		g_string_append_printf(out, color ? "%s│" RESET : "%s│", color ? tint : "");
		g_string_append_printf(out, " %s\n", *line);
	}
	g_string_append_printf(out, color ? "%s╵" RESET "\n" : "%s╵\n", color ? tint : "");
	return g_string_free(out, FALSE);
}

char *diags_render(const Diags *diags, const Sources *sources, gboolean color, guint width) {
	GString *out = g_string_new(NULL);
	for (int severity = DIAG_WARNING; severity >= DIAG_ERROR; severity--)
		for (guint i = 0; i < diags->items->len; i++) {
			const Diag *diag = diags->items->pdata[i];
			if ((int)diag->severity != severity)
				continue;
			g_autofree char *text = diag_render(diag, sources, color, width);
			g_string_append(out, text);
		}
	return g_string_free(out, FALSE);
}
