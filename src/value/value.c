/*
 * Values: see value.h. Small ones (null, unknown, bool, integers of 64 bits) live in the 16 bytes;
 * the others in a reference-counted node (node.h) that never changes once it can be seen by others.
 * Here: life and death, what holds nothing else, and reading. Numbers are in number.c, structures
 * in builder.c, order and equality in compare.c, paths in path.c.
 */
#include <string.h>

#include "value/node.h"

/* ---- life ---- */

void value_node_free(ValueNode *node, ValueKind kind) {
	if (kind == VALUE_STRING) {
		g_free(node->text);
	} else if (kind == VALUE_NUMBER) {
		mpfr_clear(node->number);
	} else {
		for (gsize i = 0; i < node->length; i++) {
			value_unref(node->elements[i]);
			if (node->keys)
				g_ref_string_release(node->keys[i]);
		}
		g_free(node->elements);
		g_free(node->keys);
	}
	g_free(node);
}

Value value_ref(Value value) {
	if (value.representation == NODE)
		g_atomic_int_inc(&value.node->references);
	return value;
}

void value_unref(Value value) {
	if (value.representation == NODE && g_atomic_int_dec_and_test(&value.node->references))
		value_node_free(value.node, value.kind);
}

void value_clear(Value *value) {
	Value old = *value;
	*value = VALUE_NOTHING;
	value_unref(old);
}

Value value_steal(Value *value) {
	Value stolen = *value;
	*value = VALUE_NOTHING;
	return stolen;
}

/* ---- making: primitives ---- */

Value value_null(const Type *type) {
	return (Value){.kind = VALUE_NULL, .type = type == type_any() ? NULL : type};
}

Value value_unknown(const Type *type) {
	return (Value){.kind = VALUE_UNKNOWN,
		.flags = FLAG_HAS_UNKNOWN,
		.type = type == type_any() ? NULL : type};
}

Value value_bool(gboolean boolean) {
	return (Value){.kind = VALUE_BOOL, .integer = boolean ? 1 : 0};
}

Value value_int(gint64 integer) {
	return (Value){.kind = VALUE_NUMBER, .integer = integer};
}

static Value string_of(char *text_taken, gsize length) {
	ValueNode *node = node_new();
	node->text = text_taken;
	node->length = length;
	return value_of_node(VALUE_STRING, node);
}

Value value_string_sized(const char *bytes, gsize length) {
	char *copy = g_malloc(length + 1);
	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return string_of(copy, length);
}

Value value_string(const char *text) {
	return text ? value_string_sized(text, strlen(text)) : value_null(type_string());
}

Value value_string_take(char *text) {
	return string_of(text, strlen(text));
}

Value value_string_printf(const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	Value value = value_string_take(g_strdup_vprintf(format, arguments));
	va_end(arguments);
	return value;
}

/* ---- reading ---- */

ValueKind value_kind(Value value) {
	return value.kind;
}

static const Type *tuple_type(ValueNode *node) {
	g_autofree const Type **types = g_new(const Type *, MAX(node->length, 1));
	for (gsize i = 0; i < node->length; i++)
		types[i] = value_type(node->elements[i]);
	return type_tuple(types, node->length);
}

static const Type *object_type(ValueNode *node) {
	g_autofree TypeAttribute *attributes = g_new0(TypeAttribute, MAX(node->length, 1));
	for (gsize i = 0; i < node->length; i++) {
		attributes[i].name = node->keys[i];
		attributes[i].type = value_type(node->elements[i]);
	}
	return type_object(attributes, node->length);
}

const Type *value_type(Value value) {
	switch ((ValueKind)value.kind) {
	case VALUE_NULL:
	case VALUE_UNKNOWN:
		return value.type ? value.type : type_any();
	case VALUE_BOOL:
		return type_bool();
	case VALUE_NUMBER:
		return type_number();
	case VALUE_STRING:
		return type_string();
	case VALUE_LIST:
	case VALUE_SET:
	case VALUE_MAP:
		return value.node->type;
	case VALUE_TUPLE:
	case VALUE_OBJECT:
		break;
	}
	/* Two threads may both find it: they find the same. */
	const Type *type = g_atomic_pointer_get(&value.node->type);
	if (!type) {
		type = value.kind == VALUE_TUPLE ? tuple_type(value.node) : object_type(value.node);
		g_atomic_pointer_set(&value.node->type, type);
	}
	return type;
}

gboolean value_is_null(Value value) {
	return value.kind == VALUE_NULL;
}

gboolean value_is_known(Value value) {
	return value.kind != VALUE_UNKNOWN;
}

gboolean value_is_wholly_known(Value value) {
	return !(value.flags & FLAG_HAS_UNKNOWN);
}

gboolean value_is_sequence(Value value) {
	return value.kind == VALUE_LIST || value.kind == VALUE_SET || value.kind == VALUE_TUPLE;
}

gboolean value_is_mapping(Value value) {
	return value.kind == VALUE_MAP || value.kind == VALUE_OBJECT;
}

gboolean value_to_bool(Value value) {
	return value.kind == VALUE_BOOL && value.integer;
}

gboolean value_is_integer(Value value) {
	return value.kind == VALUE_NUMBER && value.representation == INLINE;
}

gint64 value_to_int(Value value, gint64 otherwise) {
	return value_is_integer(value) ? value.integer : otherwise;
}

double value_to_double(Value value, double otherwise) {
	if (value.kind != VALUE_NUMBER)
		return otherwise;
	return value.representation == INLINE ? (double)value.integer
					      : mpfr_get_d(value.node->number, MPFR_RNDN);
}

const char *value_text(Value value) {
	return value.kind == VALUE_STRING ? value.node->text : NULL;
}

gsize value_text_length(Value value) {
	return value.kind == VALUE_STRING ? value.node->length : 0;
}

const char *value_text_or(Value value, const char *otherwise) {
	return value.kind == VALUE_STRING ? value.node->text : otherwise;
}

gsize value_length(Value value) {
	return is_container(value) ? value.node->length : 0;
}

Value value_at(Value value, gsize index) {
	return index < value_length(value) ? value.node->elements[index] : VALUE_NOTHING;
}

const char *value_key_at(Value value, gsize index) {
	return value_is_mapping(value) && index < value.node->length ? value.node->keys[index]
								     : NULL;
}

gssize value_key_index(Value value, const char *key) {
	gsize low = 0, high = value.node->length;
	while (low < high) {
		gsize middle = (low + high) / 2;
		int order = strcmp(value.node->keys[middle], key);
		if (order == 0)
			return (gssize)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

Value value_get(Value value, const char *key) {
	gssize index = value_is_mapping(value) ? value_key_index(value, key) : -1;
	return index < 0 ? VALUE_NOTHING : value.node->elements[index];
}

gboolean value_has(Value value, const char *key) {
	return value_is_mapping(value) && value_key_index(value, key) >= 0;
}

Value value_get_path(Value value, const char *first_key, ...) {
	va_list arguments;
	va_start(arguments, first_key);
	for (const char *key = first_key; key; key = va_arg(arguments, const char *))
		value = value_get(value, key);
	va_end(arguments);
	return value;
}

const char *value_get_text(Value value, const char *key) {
	return value_text(value_get(value, key));
}

gint64 value_get_int(Value value, const char *key, gint64 otherwise) {
	return value_to_int(value_get(value, key), otherwise);
}

gboolean value_get_bool(Value value, const char *key) {
	return value_to_bool(value_get(value, key));
}

void value_iter_init(ValueIter *iter, Value container) {
	iter->container = container;
	iter->next = 0;
}

gboolean value_iter_next(ValueIter *iter, const char **key, Value *element) {
	if (iter->next >= value_length(iter->container))
		return FALSE;
	if (key)
		*key = value_key_at(iter->container, iter->next);
	if (element)
		*element = iter->container.node->elements[iter->next];
	iter->next++;
	return TRUE;
}

/* ---- marks ---- */

gboolean value_is_sensitive(Value value) {
	return value.flags & FLAG_SENSITIVE;
}

gboolean value_has_sensitive(Value value) {
	return value.flags & (FLAG_SENSITIVE | FLAG_HAS_SENSITIVE);
}

Value value_mark_sensitive(Value value) {
	value = value_ref(value);
	value.flags |= FLAG_SENSITIVE;
	return value;
}

Value value_mark_sensitive_take(Value value) {
	value.flags |= FLAG_SENSITIVE;
	return value;
}

Value value_unmark(Value value) {
	value = value_ref(value);
	value.flags &= (guint8)~FLAG_SENSITIVE;
	return value;
}
