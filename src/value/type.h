/*
 * Types of Terraform values (cty's): primitives, collections, structural types, and "any", which
 * stands for a type that is not known yet. Types are interned and live as long as the process, so
 * equal types are equal pointers and nobody frees them. Interning is thread-safe.
 */
#pragma once

#include <glib.h>

typedef struct Type Type;

typedef enum {
	TYPE_KIND_ANY,
	TYPE_KIND_BOOL,
	TYPE_KIND_NUMBER,
	TYPE_KIND_STRING,
	TYPE_KIND_LIST,
	TYPE_KIND_SET,
	TYPE_KIND_MAP,
	TYPE_KIND_TUPLE,
	TYPE_KIND_OBJECT,
} TypeKind;

/* Types are interned: the same type is the same pointer, and lives as long as the process. */
const Type *type_any(void);
const Type *type_bool(void);
const Type *type_number(void);
const Type *type_string(void);
const Type *type_list(const Type *element);
const Type *type_set(const Type *element);
const Type *type_map(const Type *element);
const Type *type_tuple(const Type *const *elements, gsize n);

/* An attribute of an object type. `optional` matters in type constraints only. */
typedef struct {
	const char *name; /* interned by type_object */
	const Type *type;
	gboolean optional;
} TypeAttribute;

/* Attributes in any order; they are kept sorted by name. Copies what it is given. */
const Type *type_object(const TypeAttribute *attributes, gsize n);

/* What it is; of an object type its attributes are below. */
TypeKind type_kind(const Type *type);
/* Element type of a list, set or map. */
const Type *type_element(const Type *type);
/* Elements of a tuple, or attributes of an object: how many, and each. */
gsize type_length(const Type *type);
const Type *type_tuple_at(const Type *type, gsize index);
const TypeAttribute *type_attribute_at(const Type *type, gsize index);
/* An object type's attribute by name, or NULL. */
const TypeAttribute *type_attribute(const Type *type, const char *name);

/* Whether `any` occurs nowhere in it. */
gboolean type_is_concrete(const Type *type);

/* As in a type constraint: "list(string)", "object({a=number, b=optional(string)})". Caller frees.
 */
char *type_to_string(const Type *type);
/* As in error messages: "list of string", "object", "string". Caller frees. */
char *type_friendly_name(const Type *type);
