/*
 * Inside of rendering: what the files render_*.c share. What others call is in engine.h
 * (plan_render, state_render, output_render, output_show).
 *
 * Everything is written to the renderer's text; values are borrowed.
 */
#pragma once

#include "engine/internal.h"

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define CYAN "\033[36m"
#define BOLD "\033[1m"
#define FAINT "\033[90m"
#define RESET "\033[0m"

typedef enum { DIFF_NONE, DIFF_CREATE, DIFF_UPDATE, DIFF_DELETE } Diff;

typedef struct {
	GString *out;
	gboolean color;
	GHashTable *forcing; /* paths that force replacement, as text; or NULL */
	gboolean show_unchanged;
} Renderer;

/* How one value is to be written. */
typedef struct {
	guint indent; /* in steps of four blanks */
	gboolean null_suffix; /* " -> null" behind what goes */
	gboolean dynamic; /* of no declared type: maps are objects, sets are lists, null is a value
			   */
	const char *path; /* as text; NULL below what can force */
} Style;

/* ---- render_pair.c ---- */

/* What became of what: an index, or -1. */
typedef struct {
	gssize before, after;
} RenderPair;

typedef gboolean (*RenderSame)(gconstpointer a, guint i, gconstpointer b, guint j);

/* What happens to a value; unknown is a change. */
Diff render_diff(Value before, Value after);
/* The longest common subsequence of n and m things, as RenderPairs in order. Sizes beyond a bound
 * are compared position by position. Caller frees the array, as those below. */
GArray *render_align(gconstpointer a, guint n, gconstpointer b, guint m, RenderSame same);
/* The pairs of two lists, and of two sets. */
GArray *render_pair_sequence(Value before, Value after);
GArray *render_pair_set(Value before, Value after);
/* What happens to an element of the two. */
Diff render_pair_diff(Value before, Value after, RenderPair pair);

/* ---- render_value.c ---- */

/* An escape sequence, or "" where no colour is wanted. */
const char *render_paint(const Renderer *renderer, const char *code);
/* "  + ", or blanks of the same width. */
void render_symbol(const Renderer *renderer, Diff diff);
void render_indent(const Renderer *renderer, guint indent);
/* "# (3 unchanged attributes hidden)", if there are any. what: singular. */
void render_hidden(const Renderer *renderer, guint indent, guint n, const char *what);
/* `name = `, filled up to the width. */
void render_key(const Renderer *renderer, const char *written, guint width);
/* All keys of two mappings, sorted; borrowed from them. Caller frees the array. */
GPtrArray *render_keys(Value before, Value after);
/* What stands behind the equals sign, without a newline. */
void render_value(const Renderer *renderer, Value before, Value after, Diff diff, Style style);

/* ---- render_block.c ---- */

/* What stands between an object's braces. path: "" for the whole object, NULL where nothing can
 * force its replacement. */
void render_block(const Renderer *renderer, const SchemaBlock *schema, Value before, Value after,
	guint indent, const char *path);
