/*
 * What the families of functions share: how a table is written, and readers of arguments.
 */
#pragma once

#include "lang/syntax.h"
#include "value/convert.h"
#include "value/json.h"

#define FUNCTION(name)                                                                             \
	static Value call_##name(const Value *arguments, guint n, const LangScope *scope,          \
		int *blame, char **problem)

typedef struct {
	const char *name;
	LangFunctionCall call;
	/* "text:s pattern:s ?rest:a": name:type, with ! for "null is allowed", ~ for "unknown is
	 * allowed" behind the type, and * in front of the variadic one. Types: a any, s string, n
	 * number, b bool, S list of strings, N list of numbers, B list of bools, T set of strings,
	 * M map of strings, L list. */
	const char *parameters;
	/* Result's type where it is not known: a, s, n, b, S, N. */
	char result;
	gboolean impure, keeps_marks;
} LangFunctionSpec;

extern const LangFunctionSpec lang_numeric_specs[], lang_string_specs[], lang_collection_specs[],
	lang_encoding_specs[], lang_filesystem_specs[], lang_time_specs[], lang_crypto_specs[],
	lang_network_specs[], lang_type_specs[];

/* The checksum of bytes in hexadecimal digits, or as base64. */
Value lang_hash(const void *bytes, gsize length, GChecksumType type, gboolean base64);
/* Fails the call: returns VALUE_NOTHING with *problem set and *blame the argument's index. */
Value lang_function_fail(int *blame, int index, char **problem, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
