/*
 * Policy documents: what one says of a request. Knows documents and requests only, no store. The
 * logic is the one of IAM's user guide: "Policy evaluation logic", "JSON policy elements".
 */
#pragma once

#include "value/value.h"

typedef enum {
	POLICY_SILENT, /* no statement is about it: an implicit deny */
	POLICY_ALLOWS,
	POLICY_DENIES, /* explicitly */
} PolicyDecision;

typedef struct {
	const char *action; /* "ecs:RunTask" */
	const char *resource; /* an ARN, or "*" */
	/* Condition keys in lower case ("aws:username") -> text or tuple of texts. Borrowed. */
	Value context;
	/* Of policies with a Principal (trust): who asks, "AWS:arn…" or "Service:name"; NULL-ended.
	 * Of identity policies: NULL. */
	const char *const *principals;
} PolicyRequest;

/* The document is one that policy_check passes. */
PolicyDecision policy_evaluate(Value document, const PolicyRequest *request);
/* The same of its text; a text that is no JSON is silent. */
PolicyDecision policy_evaluate_text(const char *text, const PolicyRequest *request);

/* What is wrong with a document, or NULL. Caller frees. */
char *policy_check(const char *text, gboolean trust);

/* ---- parts of it ---- */

/* Does the Condition block hold? (condition.c) */
gboolean policy_condition_holds(Value block, Value context, gboolean variables);
/* Is it the name of a condition operator ("ForAnyValue:StringLikeIfExists")? */
gboolean policy_is_operator(const char *name);
/* Does a pattern with * and ? and, if `variables`, ${aws:username} match? What variables stand for
 * is taken literally; one that the context lacks matches nothing. */
gboolean policy_pattern_matches(
	const char *pattern, const char *text, Value context, gboolean variables);
/* A pattern with its variables replaced, wildcards of values hidden as policy_hide_wildcards does;
 * NULL if the context lacks one. Caller frees. */
char *policy_expand(const char *pattern, Value context, gboolean variables);
/* Text whose * and ? are no wildcards to text_wildcard_match. Caller frees. */
char *policy_hide_wildcards(const char *text);
