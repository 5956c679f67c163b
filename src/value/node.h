/*
 * What a Value is made of: for this room's files only. Everyone else reads values by value.h, and
 * must not look into a node, nor change one that others can see.
 */
#pragma once

#include <mpfr.h>

#include "value/value.h"

enum {
	FLAG_SENSITIVE = 1 << 0, /* the value itself is marked */
	FLAG_HAS_SENSITIVE = 1 << 1, /* something in it is */
	FLAG_HAS_UNKNOWN = 1 << 2, /* something in it is unknown */
};

/* Value.representation */
enum { INLINE, NODE };

struct ValueNode {
	gint references;
	gsize length; /* bytes of a string, elements of a container */
	const Type *type; /* of containers: theirs, or NULL until asked for */
	union {
		char *text;
		mpfr_t number;
		struct {
			Value *elements;
			char **keys; /* ref strings, sorted; NULL for sequences */
		};
	};
};

/* A list, set, map, tuple or object? */
static inline gboolean is_container(Value value) {
	return value.kind >= VALUE_LIST;
}

/* A value that takes over the reference to a node; and a new one, with one reference. */
static inline Value value_of_node(ValueKind kind, ValueNode *node) {
	return (Value){.kind = kind, .representation = NODE, .node = node};
}

static inline ValueNode *node_new(void) {
	ValueNode *node = g_new0(ValueNode, 1);
	node->references = 1;
	return node;
}

/* Frees a node of that kind, whoever refers to it. */
void value_node_free(ValueNode *node, ValueKind kind);
/* Where a mapping has that key; -1: nowhere. */
gssize value_key_index(Value mapping, const char *key);
/* `container` with another element at that index, and the marks that it had; for path.c. */
Value value_replace_take(Value container, gsize index, Value element_taken);
