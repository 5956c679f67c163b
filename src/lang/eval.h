/*
 * Inside of evaluation: what the files eval_*.c share. What others call is in lang.h (lang_eval).
 * Values that are given are borrowed, returned ones are the caller's; after an error the returned
 * one is unknown.
 */
#pragma once

#include "lang/syntax.h"

/* A scope with what belongs to one evaluation. */
typedef struct {
	const LangScope *scope;
	Value locals; /* borrowed */
	Value each; /* the element of the innermost splat; borrowed */
	Diags *diags;
	gboolean quiet; /* errors are looked at, not told: they need no explanation */
} Context;

/* ---- eval.c ---- */

/* The value of any expression. */
Value eval_expr(const LangExpr *expr, const Context *context);
/* What a reference stands for. */
Value eval_traversal(const LangTraversal *traversal, const Context *context);
/* Unknown, of any type. */
Value eval_anything(void);
/* `value` with the marks that any of these had. */
Value eval_marked_like(Value value_taken, Value a, Value b);
/* Reports an error. Returns eval_anything(). */
Value eval_fail(const Context *context, SourceRange range, const char *summary, const char *format,
	...) G_GNUC_PRINTF(4, 5);
/* Appends the text of a template's part; FALSE: there is none (unknown, or an error was reported).
 */
gboolean eval_append_text(GString *out, Value value, SourceRange range, const Context *context);
/* 1, 0, or -1 if it is unknown or an error was reported. */
int eval_truth(const Context *context, Value value, SourceRange range);
/* The text of an object's key, or NULL: unknown or an error was reported. Caller frees. */
char *eval_key_text(const Context *context, Value key, SourceRange range);

/* ---- eval_steps.c ---- */

/* object.name and collection[key]; `range` is where an error is shown. */
Value eval_get_attribute(const Context *context, Value object, const char *name, SourceRange range);
Value eval_get_index(const Context *context, Value collection, Value key, SourceRange range);

/* ---- eval_operator.c, eval_for.c, eval_call.c: expressions of one kind ---- */

/* Of the expression kinds that they are named after; eval_for: of directives too. */
Value eval_binary(const LangExpr *expr, const Context *context);
Value eval_unary(const LangExpr *expr, const Context *context);
Value eval_for(const LangExpr *expr, const Context *context);
Value eval_call(const LangExpr *expr, const Context *context);
/* "cidrsubnet(prefix, newbits, netnum)" of a call; NULL: there is no such function. Caller frees.
 */
char *eval_signature(const LangExpr *expr, const Context *context);

/* ---- explain.c ---- */

/* Completes the errors from `first` on, which an expression has just caused, with the values of
 * what it refers to. */
void eval_explain(const LangExpr *expr, const Context *context, guint first);
