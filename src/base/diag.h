/*
 * Diagnostics: errors and warnings about something the user wrote, in Terraform's shape: what is
 * wrong, where (file, line, the line quoted, a caret), and what to do.
 */
#pragma once

#include <glib.h>

/* A stretch of source text. Lines and columns count from 1; columns count characters, bytes count
 * from 0 in the file. A range with a NULL filename is "nowhere". Filenames are interned strings
 * (g_intern_string), so a range is copied by value and owns nothing. */
typedef struct {
	const char *filename;
	guint start_line, start_column, end_line, end_column;
	gsize start_byte, end_byte;
} SourceRange;

#define SOURCE_NOWHERE ((SourceRange){0})

/* The smallest range that covers both. */
SourceRange source_range_join(SourceRange first, SourceRange last);

typedef enum { DIAG_ERROR, DIAG_WARNING } DiagSeverity;

typedef struct {
	DiagSeverity severity;
	char *summary;
	char *detail; /* may be NULL */
	char *address; /* resource address that the diagnostic is about ("with aws_vpc.main,"); or
			  NULL */
	char *context; /* what the quoted line is in: `resource "aws_vpc" "main"`; or NULL */
	SourceRange subject;
	SourceRange quoted; /* more lines than the subject's to quote; nowhere: those only */
	gboolean alone; /* a warning that is not gathered with others of the same summary */
	GPtrArray *values; /* of char*: "var.x is 3" lines about the expression; or NULL */
	gpointer extra; /* more about it, for a room above (a provider's attribute path); or NULL */
	GDestroyNotify extra_free;
} Diag;

/* A list of diagnostics in the order they were found. Not thread-safe. */
typedef struct Diags Diags;

Diags *diags_new(void);
void diags_free(Diags *diags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Diags, diags_free)

/* Adds a diagnostic; detail is printf-formatted (NULL for none). Returns it, so that the caller may
 * set its address, context and values; it belongs to the list. */
Diag *diags_error(Diags *diags, SourceRange subject, const char *summary, const char *detail, ...)
	G_GNUC_PRINTF(4, 5);
Diag *diags_warning(Diags *diags, SourceRange subject, const char *summary, const char *detail, ...)
	G_GNUC_PRINTF(4, 5);

/* Adds a GError as an error without a place. Does not take the error. */
Diag *diags_gerror(Diags *diags, SourceRange subject, const char *summary, const GError *error);

/* Moves every diagnostic of `from` to the end of `diags`; `from` is empty afterwards. */
void diags_move(Diags *diags, Diags *from);

/* Makes warnings of all errors. */
void diags_soften(Diags *diags);
/* Takes the warnings out, to a list of their own. Caller frees. */
Diags *diags_split_warnings(Diags *diags);
/* Leaves one of the warnings with the same summary, which says how many more there are. */
void diags_gather_warnings(Diags *diags);

/* How many there are, of both kinds; each, borrowed; whether there are errors, and how many. */
guint diags_count(const Diags *diags);
const Diag *diags_at(const Diags *diags, guint index);
/* The same, to be completed. */
Diag *diags_change(Diags *diags, guint index);
gboolean diags_has_errors(const Diags *diags);
guint diags_error_count(const Diags *diags);
guint diags_warning_count(const Diags *diags);

/* The texts that ranges point into, by file name, for quoting. */
typedef struct Sources Sources;

Sources *sources_new(void);
void sources_free(Sources *sources);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sources, sources_free)

/* Remembers a file's text (copies it). */
void sources_add(Sources *sources, const char *filename, const char *text, gsize length);
/* Names the stretch of a file that a top-level block takes: what a place in it is quoted as being
 * in (`resource "aws_vpc" "main"`). */
void sources_add_section(Sources *sources, SourceRange range, const char *label);
/* The text of a file, or NULL. Owned by `sources`. */
const char *sources_text(const Sources *sources, const char *filename, gsize *length);

/* One diagnostic as Terraform prints it, boxed with ╷ │ ╵, wrapped at `width` columns (0: no
 * wrapping), with ANSI colours if `color`. `sources` may be NULL (no quoting). Caller frees. */
char *diag_render(const Diag *diag, const Sources *sources, gboolean color, guint width);

/* All of them, errors after warnings kept in order, each followed by an empty line. Caller frees.
 */
char *diags_render(const Diags *diags, const Sources *sources, gboolean color, guint width);
