/* Order, equality and hashes of values; marks make no difference. */
#include <string.h>

#include "value/node.h"

static int compare_strings(Value a, Value b) {
	gsize shorter = MIN(a.node->length, b.node->length);
	int order = memcmp(a.node->text, b.node->text, shorter);
	if (order)
		return order;
	return (a.node->length > b.node->length) - (a.node->length < b.node->length);
}

static int compare_containers(Value a, Value b) {
	gsize shorter = MIN(a.node->length, b.node->length);
	for (gsize i = 0; i < shorter; i++) {
		int order = a.node->keys ? strcmp(a.node->keys[i], b.node->keys[i]) : 0;
		if (!order)
			order = value_compare(a.node->elements[i], b.node->elements[i]);
		if (order)
			return order;
	}
	return (a.node->length > b.node->length) - (a.node->length < b.node->length);
}

int value_compare(Value a, Value b) {
	if (a.kind != b.kind)
		return a.kind < b.kind ? -1 : 1;
	if (a.representation == NODE && b.representation == NODE && a.node == b.node)
		return 0;
	switch ((ValueKind)a.kind) {
	case VALUE_NULL:
		return 0;
	case VALUE_UNKNOWN:
		return a.type == b.type ? 0 : (a.type < b.type ? -1 : 1);
	case VALUE_BOOL:
		return (a.integer > b.integer) - (a.integer < b.integer);
	case VALUE_NUMBER:
		return value_compare_numbers(a, b);
	case VALUE_STRING:
		return compare_strings(a, b);
	default:
		return compare_containers(a, b);
	}
}

static gboolean equal_types(Value a, Value b) {
	const Type *first = value_type(a), *second = value_type(b);
	return first == second || first == type_any() || second == type_any();
}

static gboolean equal_containers(Value a, Value b) {
	if (a.node->length != b.node->length)
		return FALSE;
	if (a.node->length == 0)
		return a.kind == VALUE_TUPLE || a.kind == VALUE_OBJECT || equal_types(a, b);
	for (gsize i = 0; i < a.node->length; i++) {
		if (a.node->keys && strcmp(a.node->keys[i], b.node->keys[i]) != 0)
			return FALSE;
		if (!value_equal(a.node->elements[i], b.node->elements[i]))
			return FALSE;
	}
	return TRUE;
}

gboolean value_equal(Value a, Value b) {
	if (a.kind != b.kind)
		return FALSE;
	if (a.kind == VALUE_NULL)
		return equal_types(a, b);
	if (a.kind == VALUE_UNKNOWN)
		return a.type == b.type;
	if (is_container(a))
		return a.node == b.node || equal_containers(a, b);
	return value_compare(a, b) == 0;
}

guint value_hash(Value value) {
	guint hash = value.kind * 2654435761u;
	switch ((ValueKind)value.kind) {
	case VALUE_NULL:
	case VALUE_UNKNOWN:
		return hash;
	case VALUE_BOOL:
		return hash + (guint)value.integer;
	case VALUE_NUMBER:
		return hash + (value.representation == INLINE
					      ? (guint)(value.integer ^ (value.integer >> 32))
					      : (guint)mpfr_get_d(value.node->number, MPFR_RNDN));
	case VALUE_STRING:
		return hash ^ g_str_hash(value.node->text);
	default:
		break;
	}
	for (gsize i = 0; i < value.node->length; i++) {
		if (value.node->keys)
			hash = hash * 31 + g_str_hash(value.node->keys[i]);
		hash = hash * 31 + value_hash(value.node->elements[i]);
	}
	return hash;
}
