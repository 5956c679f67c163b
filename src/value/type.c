/* Types of Terraform values, interned for the life of the process. See type.h. */
#include "value/type.h"

#include <string.h>

struct Type {
	TypeKind kind;
	gboolean concrete;
	const Type *element;
	gsize length;
	const Type **elements; /* of a tuple */
	TypeAttribute *attributes; /* of an object, sorted */
};

/* ---- primitives ---- */

static const Type any = {.kind = TYPE_KIND_ANY};
static const Type boolean = {.kind = TYPE_KIND_BOOL, .concrete = TRUE};
static const Type number = {.kind = TYPE_KIND_NUMBER, .concrete = TRUE};
static const Type string = {.kind = TYPE_KIND_STRING, .concrete = TRUE};

const Type *type_any(void) {
	return &any;
}

const Type *type_bool(void) {
	return &boolean;
}

const Type *type_number(void) {
	return &number;
}

const Type *type_string(void) {
	return &string;
}

/* ---- interning ---- */

static GMutex lock;
static GHashTable *interned; /* key text -> Type; guarded by lock */

/* Finds the type of that key, or puts in a copy of `model`, whose arrays are taken then. */
static const Type *intern(char *key_taken, Type *model, gboolean *taken) {
	g_autofree char *key = key_taken;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
	if (!interned)
		interned = g_hash_table_new(g_str_hash, g_str_equal);
	Type *type = g_hash_table_lookup(interned, key);
	*taken = !type;
	if (!type) {
		type = g_memdup2(model, sizeof *model);
		g_hash_table_insert(interned, g_steal_pointer(&key), type);
	}
	return type;
}

static const Type *collection(TypeKind kind, const Type *element) {
	gboolean taken;
	Type model = {.kind = kind, .concrete = element->concrete, .element = element};
	return intern(g_strdup_printf("%d %p", kind, (const void *)element), &model, &taken);
}

const Type *type_list(const Type *element) {
	return collection(TYPE_KIND_LIST, element);
}

const Type *type_set(const Type *element) {
	return collection(TYPE_KIND_SET, element);
}

const Type *type_map(const Type *element) {
	return collection(TYPE_KIND_MAP, element);
}

const Type *type_tuple(const Type *const *elements, gsize n) {
	GString *key = g_string_new("tuple");
	Type model = {.kind = TYPE_KIND_TUPLE, .concrete = TRUE, .length = n};
	for (gsize i = 0; i < n; i++) {
		g_string_append_printf(key, " %p", (const void *)elements[i]);
		model.concrete = model.concrete && elements[i]->concrete;
	}
	gboolean taken;
	model.elements = g_memdup2(elements, n * sizeof *elements);
	const Type *type = intern(g_string_free(key, FALSE), &model, &taken);
	if (!taken)
		g_free(model.elements);
	return type;
}

static int compare_attributes(const void *a, const void *b) {
	return strcmp(((const TypeAttribute *)a)->name, ((const TypeAttribute *)b)->name);
}

const Type *type_object(const TypeAttribute *attributes, gsize n) {
	TypeAttribute *sorted = g_memdup2(attributes, n * sizeof *attributes);
	if (n > 1)
		qsort(sorted, n, sizeof *sorted, compare_attributes);
	GString *key = g_string_new("object");
	Type model = {
		.kind = TYPE_KIND_OBJECT, .concrete = TRUE, .length = n, .attributes = sorted};
	for (gsize i = 0; i < n; i++) {
		sorted[i].name = g_intern_string(sorted[i].name);
		g_string_append_printf(key, " %p%c%p", (const void *)sorted[i].name,
			sorted[i].optional ? '?' : ' ', (const void *)sorted[i].type);
		model.concrete = model.concrete && sorted[i].type->concrete;
	}
	gboolean taken;
	const Type *type = intern(g_string_free(key, FALSE), &model, &taken);
	if (!taken)
		g_free(sorted);
	return type;
}

/* ---- reading ---- */

TypeKind type_kind(const Type *type) {
	return type->kind;
}

const Type *type_element(const Type *type) {
	return type->element;
}

gsize type_length(const Type *type) {
	return type->length;
}

const Type *type_tuple_at(const Type *type, gsize index) {
	return type->elements[index];
}

const TypeAttribute *type_attribute_at(const Type *type, gsize index) {
	return &type->attributes[index];
}

const TypeAttribute *type_attribute(const Type *type, const char *name) {
	if (type->kind != TYPE_KIND_OBJECT || type->length == 0)
		return NULL;
	TypeAttribute key = {.name = name};
	return bsearch(&key, type->attributes, type->length, sizeof key, compare_attributes);
}

gboolean type_is_concrete(const Type *type) {
	return type->concrete;
}

/* ---- as text ---- */

static const char *const words[] = {
	[TYPE_KIND_ANY] = "any",
	[TYPE_KIND_BOOL] = "bool",
	[TYPE_KIND_NUMBER] = "number",
	[TYPE_KIND_STRING] = "string",
	[TYPE_KIND_LIST] = "list",
	[TYPE_KIND_SET] = "set",
	[TYPE_KIND_MAP] = "map",
	[TYPE_KIND_TUPLE] = "tuple",
	[TYPE_KIND_OBJECT] = "object",
};

static void append_type(GString *out, const Type *type);

static void append_tuple(GString *out, const Type *type) {
	g_string_append(out, "tuple([");
	for (gsize i = 0; i < type->length; i++) {
		if (i > 0)
			g_string_append(out, ", ");
		append_type(out, type->elements[i]);
	}
	g_string_append(out, "])");
}

static void append_object(GString *out, const Type *type) {
	g_string_append(out, "object({");
	for (gsize i = 0; i < type->length; i++) {
		const TypeAttribute *attribute = &type->attributes[i];
		g_string_append_printf(out, "%s%s=", i > 0 ? ", " : "", attribute->name);
		if (attribute->optional)
			g_string_append(out, "optional(");
		append_type(out, attribute->type);
		if (attribute->optional)
			g_string_append_c(out, ')');
	}
	g_string_append(out, "})");
}

static void append_type(GString *out, const Type *type) {
	if (type->kind == TYPE_KIND_TUPLE) {
		append_tuple(out, type);
	} else if (type->kind == TYPE_KIND_OBJECT) {
		append_object(out, type);
	} else if (type->element) {
		g_string_append_printf(out, "%s(", words[type->kind]);
		append_type(out, type->element);
		g_string_append_c(out, ')');
	} else {
		g_string_append(out, words[type->kind]);
	}
}

char *type_to_string(const Type *type) {
	GString *out = g_string_new(NULL);
	append_type(out, type);
	return g_string_free(out, FALSE);
}

char *type_friendly_name(const Type *type) {
	if (type->kind == TYPE_KIND_ANY)
		return g_strdup("dynamic");
	if (!type->element)
		return g_strdup(words[type->kind]);
	g_autofree char *inner = type_friendly_name(type->element);
	return g_strdup_printf("%s of %s", words[type->kind],
		type->element->kind == TYPE_KIND_ANY ? "any single type" : inner);
}
