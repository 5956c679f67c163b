/*
 * JSON to Value and back, numbers exact. Reading is strict RFC 8259 (UTF-8, one value, no trailing
 * text), refuses nesting deeper than 512, and gives objects, tuples and primitives.
 */
#pragma once

#include "value/value.h"

#define VALUE_JSON_ERROR (value_json_error_quark())
GQuark value_json_error_quark(void);

/* On error returns VALUE_NOTHING and sets *error with line and column: check *error, since `null`
 * is a good answer. */
Value value_from_json(const char *text, gssize length, GError **error);

/* The same, converted to `type` as Terraform reads state: sets, maps and so on from plain JSON;
 * values of type `any` are {"type": …, "value": …}. */
Value value_from_json_typed(const char *text, gssize length, const Type *type, GError **error);

typedef enum {
	VALUE_JSON_COMPACT = 0,
	VALUE_JSON_PRETTY = 1 << 0, /* two spaces, as Terraform's outputs */
	VALUE_JSON_ESCAPE_HTML = 1 << 1, /* <, > and & as \u003c …, as jsonencode does */
} ValueJsonFlags;

/* Keys in byte order. Unknown values are a programmer's error (written as null with g_critical).
 * Marks are ignored. Caller frees. */
char *value_to_json(Value value, ValueJsonFlags flags);

/* A type in Terraform's JSON form: "string", ["list","string"], ["object",{"a":"number"}]. */
Value type_to_json(const Type *type);
/* And back; NULL if it is no type. */
const Type *type_from_json(Value json);
