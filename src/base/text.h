/* Text helpers that GLib lacks. */
#pragma once

#include <glib.h>

/* Of `candidates`, the one nearest to `word` by edit distance, if near enough to be a typo of it
 * (the rule of Terraform's "Did you mean"), else NULL. */
const char *text_nearest(const char *word, const char *const *candidates, gsize n_candidates);
/* The same as a sentence behind another one: " Did you mean \"x\"?", or "". Caller frees. */
char *text_suggestion(const char *word, const char *const *candidates, gsize n_candidates);

/* `text` with every line prefixed. Caller frees. */
char *text_indent(const char *text, const char *prefix);

/* Wraps prose at `width` columns (characters), keeping lines that start with a blank as they are.
 * Caller frees. */
char *text_wrap(const char *text, guint width);

/* Matches a glob with `*` and `?` only (IAM's and EC2 filters' wildcards), on whole strings. */
gboolean text_wildcard_match(const char *pattern, const char *text);

/* n random lower-case hexadecimal digits from the kernel's generator. Caller frees. */
char *text_random_hex(gsize n);
/* n random characters out of `alphabet`. Caller frees. */
char *text_random(gsize n, const char *alphabet);
