/*
 * Schemas: what arguments and attributes a resource type, data source or provider block has. The
 * shape is that of Terraform's provider protocol.
 */
#pragma once

#include "value/value.h"

typedef struct SchemaBlock SchemaBlock;

typedef struct {
	const char *name;
	const Type *type;
	gboolean required;
	gboolean optional;
	gboolean computed; /* alone: read-only; with optional: the provider's value where none is
			      set */
	gboolean sensitive;
	gboolean write_only;
	const char *deprecated; /* what to use instead, a sentence; or NULL */
} SchemaAttribute;

typedef enum {
	SCHEMA_NESTING_SINGLE, /* one object, or null */
	SCHEMA_NESTING_LIST,
	SCHEMA_NESTING_SET,
	SCHEMA_NESTING_MAP,
} SchemaNesting;

typedef struct {
	const char *type;
	SchemaNesting nesting;
	guint min_items, max_items; /* max 0: no limit */
	SchemaBlock *block;
	/* Written as blocks or as an attribute ("attributes as blocks"): its attribute form is
	 * allowed. */
	gboolean attribute_allowed;
	gboolean computed; /* the provider fills it in where no block is written */
} SchemaNestedBlock;

struct SchemaBlock {
	GPtrArray *attributes; /* of SchemaAttribute* */
	GPtrArray *blocks; /* of SchemaNestedBlock* */
};

typedef struct {
	char *type; /* "aws_vpc" */
	gint64 version;
	SchemaBlock *block;
} Schema;

SchemaBlock *schema_block_new(void);
void schema_block_free(SchemaBlock *block);
SchemaAttribute *schema_block_attribute(const SchemaBlock *block, const char *name); /* or NULL */
SchemaNestedBlock *schema_block_nested(const SchemaBlock *block, const char *type); /* or NULL */
/* The object type of a value of this block: attributes, and blocks as object, list, set or map. */
const Type *schema_block_type(const SchemaBlock *block);
/* The names of attributes and blocks, sorted: for suggestions. Array owned by the caller, names
 * not. */
const char **schema_block_names(const SchemaBlock *block, gsize *n);
