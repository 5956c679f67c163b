/*
 * Conversion between types by Terraform's rules: primitives to and from strings, tuples to lists
 * and sets, objects to maps and to object types, element by element.
 */
#pragma once

#include "value/value.h"

/* `value` as `type` (which may hold `any`: kept, or unified in collections). Marks are kept,
 * unknowns become unknowns of the new type. On failure returns VALUE_NOTHING and sets *problem
 * (caller frees) to Terraform's words: "a number is required", "attribute \"x\" is required", with
 * the path in front: "element 0: string required". problem NULL on success. */
Value value_convert(Value value, const Type *type, char **problem);

/* The type that all n types convert to, or NULL: for lists from tuples, conditionals, functions. */
const Type *type_unify(const Type *const *types, gsize n);

/* Of a problem that value_convert reports, what Terraform tells where it does not say in which part
 * of the value it is. Borrowed from the problem. */
const char *value_problem_reason(const char *problem);
