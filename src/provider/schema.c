/* Schemas and the types of their values. See schema.h. */
#include "provider/schema.h"

#include <string.h>

SchemaBlock *schema_block_new(void) {
	SchemaBlock *block = g_new0(SchemaBlock, 1);
	block->attributes = g_ptr_array_new_with_free_func(g_free);
	block->blocks = g_ptr_array_new();
	return block;
}

void schema_block_free(SchemaBlock *block) {
	if (!block)
		return;
	for (guint i = 0; i < block->blocks->len; i++) {
		SchemaNestedBlock *nested = block->blocks->pdata[i];
		schema_block_free(nested->block);
		g_free(nested);
	}
	g_ptr_array_unref(block->attributes);
	g_ptr_array_unref(block->blocks);
	g_free(block);
}

SchemaAttribute *schema_block_attribute(const SchemaBlock *block, const char *name) {
	for (guint i = 0; i < block->attributes->len; i++) {
		SchemaAttribute *attribute = block->attributes->pdata[i];
		if (g_str_equal(attribute->name, name))
			return attribute;
	}
	return NULL;
}

SchemaNestedBlock *schema_block_nested(const SchemaBlock *block, const char *type) {
	for (guint i = 0; i < block->blocks->len; i++) {
		SchemaNestedBlock *nested = block->blocks->pdata[i];
		if (g_str_equal(nested->type, type))
			return nested;
	}
	return NULL;
}

static const Type *nested_type(const SchemaNestedBlock *nested) {
	const Type *type = schema_block_type(nested->block);
	switch (nested->nesting) {
	case SCHEMA_NESTING_SINGLE:
		return type;
	case SCHEMA_NESTING_LIST:
		return type_list(type);
	case SCHEMA_NESTING_SET:
		return type_set(type);
	case SCHEMA_NESTING_MAP:
		return type_map(type);
	}
	return type;
}

const Type *schema_block_type(const SchemaBlock *block) {
	guint n = block->attributes->len + block->blocks->len;
	g_autofree TypeAttribute *attributes = g_new0(TypeAttribute, n + 1);
	guint next = 0;
	for (guint i = 0; i < block->attributes->len; i++) {
		const SchemaAttribute *attribute = block->attributes->pdata[i];
		attributes[next].name = attribute->name;
		attributes[next++].type = attribute->type;
	}
	for (guint i = 0; i < block->blocks->len; i++) {
		const SchemaNestedBlock *nested = block->blocks->pdata[i];
		attributes[next].name = nested->type;
		attributes[next++].type = nested_type(nested);
	}
	return type_object(attributes, n);
}

static int compare_names(const void *a, const void *b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **schema_block_names(const SchemaBlock *block, gsize *n) {
	*n = block->attributes->len + block->blocks->len;
	const char **names = g_new(const char *, *n + 1);
	gsize next = 0;
	for (guint i = 0; i < block->attributes->len; i++)
		names[next++] = ((SchemaAttribute *)block->attributes->pdata[i])->name;
	for (guint i = 0; i < block->blocks->len; i++)
		names[next++] = ((SchemaNestedBlock *)block->blocks->pdata[i])->type;
	names[next] = NULL;
	qsort(names, *n, sizeof *names, compare_names);
	return names;
}
