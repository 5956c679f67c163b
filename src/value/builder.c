/*
 * Structures: made entry by entry, or from another one with something changed. Mappings are kept
 * sorted by key, sets by value without repetitions, so that reading is a binary search and equal
 * ones are equal entry by entry.
 */
#include <string.h>

#include "value/node.h"

typedef struct {
	char *key; /* ref string */
	Value value;
	gsize order;
} Entry;

struct ValueBuilder {
	ValueKind kind;
	const Type *element;
	GArray *entries; /* of Entry */
	gboolean sorted; /* keys have come in order so far */
};

static void entry_clear(gpointer data) {
	Entry *entry = data;
	if (entry->key)
		g_ref_string_release(entry->key);
	value_unref(entry->value);
}

ValueBuilder *value_builder_new(ValueKind kind, const Type *element) {
	ValueBuilder *builder = g_new0(ValueBuilder, 1);
	builder->kind = kind;
	builder->element = element ? element : type_any();
	builder->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
	g_array_set_clear_func(builder->entries, entry_clear);
	builder->sorted = TRUE;
	return builder;
}

void value_builder_free(ValueBuilder *builder) {
	if (!builder)
		return;
	g_array_unref(builder->entries);
	g_free(builder);
}

gsize value_builder_length(const ValueBuilder *builder) {
	return builder->entries->len;
}

void value_builder_add_take(ValueBuilder *builder, Value element) {
	Entry entry = {NULL, element, builder->entries->len};
	g_array_append_val(builder->entries, entry);
}

static void builder_set_ref(ValueBuilder *builder, char *key_taken, Value element) {
	guint n = builder->entries->len;
	if (n > 0 && builder->sorted)
		builder->sorted =
			strcmp(g_array_index(builder->entries, Entry, n - 1).key, key_taken) < 0;
	Entry entry = {key_taken, element, n};
	g_array_append_val(builder->entries, entry);
}

void value_builder_set_take(ValueBuilder *builder, const char *key, Value element) {
	builder_set_ref(builder, g_ref_string_new(key), element);
}

static int compare_entry_keys(const void *a, const void *b) {
	const Entry *first = a, *second = b;
	int order = strcmp(first->key, second->key);
	return order ? order : (first->order > second->order) - (first->order < second->order);
}

static int compare_entry_values(const void *a, const void *b) {
	return value_compare(((const Entry *)a)->value, ((const Entry *)b)->value);
}

/* Of entries that stand for the same, keeps the last (mappings) or the first (sets). */
static void drop_repeated(GArray *entries, gboolean by_key) {
	guint kept = 0;
	for (guint i = 0; i < entries->len; i++) {
		Entry *entry = &g_array_index(entries, Entry, i);
		Entry *before = kept > 0 ? &g_array_index(entries, Entry, kept - 1) : NULL;
		gboolean same =
			before && (by_key ? strcmp(before->key, entry->key) == 0
					  : value_compare(before->value, entry->value) == 0);
		if (same && by_key) {
			Entry old = *before;
			*before = *entry;
			entry_clear(&old);
		} else if (same) {
			entry_clear(entry);
		} else {
			g_array_index(entries, Entry, kept++) = *entry;
		}
	}
	/* What is left behind has been moved or cleared already. */
	entries->len = kept;
}

static const Type *common_element_type(GArray *entries) {
	const Type *type = NULL;
	for (guint i = 0; i < entries->len; i++) {
		const Type *other = value_type(g_array_index(entries, Entry, i).value);
		if (type && other != type)
			return type_any();
		type = other;
	}
	return type ? type : type_any();
}

static const Type *container_type(ValueKind kind, const Type *element, GArray *entries) {
	if (kind == VALUE_TUPLE || kind == VALUE_OBJECT)
		return NULL;
	if (element == type_any())
		element = common_element_type(entries);
	return kind == VALUE_LIST  ? type_list(element)
	       : kind == VALUE_SET ? type_set(element)
				   : type_map(element);
}

static guint8 flags_of(Value element) {
	guint8 flags = element.flags & (FLAG_HAS_UNKNOWN | FLAG_HAS_SENSITIVE);
	return element.flags & FLAG_SENSITIVE ? flags | FLAG_HAS_SENSITIVE : flags;
}

/* A container of the entries, which are moved into it. */
static Value container_of(ValueKind kind, const Type *type, GArray *entries) {
	ValueNode *node = node_new();
	node->type = type;
	node->length = entries->len;
	node->elements = g_new(Value, MAX(entries->len, 1));
	gboolean mapping = kind == VALUE_MAP || kind == VALUE_OBJECT;
	node->keys = mapping ? g_new(char *, MAX(entries->len, 1)) : NULL;
	Value value = value_of_node(kind, node);
	for (guint i = 0; i < entries->len; i++) {
		Entry *entry = &g_array_index(entries, Entry, i);
		node->elements[i] = entry->value;
		if (mapping)
			node->keys[i] = entry->key;
		value.flags |= flags_of(entry->value);
	}
	entries->len = 0;
	return value;
}

Value value_builder_end(ValueBuilder *builder) {
	GArray *entries = builder->entries;
	gboolean mapping = builder->kind == VALUE_MAP || builder->kind == VALUE_OBJECT;
	if (mapping && !builder->sorted) {
		qsort(entries->data, entries->len, sizeof(Entry), compare_entry_keys);
		drop_repeated(entries, TRUE);
	} else if (builder->kind == VALUE_SET && entries->len > 1) {
		qsort(entries->data, entries->len, sizeof(Entry), compare_entry_values);
		drop_repeated(entries, FALSE);
	}
	const Type *type = container_type(builder->kind, builder->element, entries);
	Value value = container_of(builder->kind, type, entries);
	value_builder_free(builder);
	return value;
}

Value value_object_take(const char *first_key, ...) {
	ValueBuilder *builder = value_builder_new(VALUE_OBJECT, NULL);
	va_list arguments;
	va_start(arguments, first_key);
	for (const char *key = first_key; key; key = va_arg(arguments, const char *))
		value_builder_set_take(builder, key, va_arg(arguments, Value));
	va_end(arguments);
	return value_builder_end(builder);
}

Value value_tuple_take(gsize n, ...) {
	ValueBuilder *builder = value_builder_new(VALUE_TUPLE, NULL);
	va_list arguments;
	va_start(arguments, n);
	for (gsize i = 0; i < n; i++)
		value_builder_add_take(builder, va_arg(arguments, Value));
	va_end(arguments);
	return value_builder_end(builder);
}

Value value_empty_object(void) {
	return value_builder_end(value_builder_new(VALUE_OBJECT, NULL));
}

Value value_empty_tuple(void) {
	return value_builder_end(value_builder_new(VALUE_TUPLE, NULL));
}

/* ---- from another one ---- */

/* A builder that holds what `value` holds; keeps collections' element types. */
static ValueBuilder *builder_from(Value value, ValueKind otherwise) {
	ValueKind kind = is_container(value) ? value.kind : otherwise;
	const Type *element = NULL;
	if (kind == VALUE_LIST || kind == VALUE_SET || kind == VALUE_MAP)
		element = type_element(value_type(value));
	ValueBuilder *builder = value_builder_new(kind, element);
	for (gsize i = 0; is_container(value) && i < value.node->length; i++) {
		Value copy = value_ref(value.node->elements[i]);
		if (value.node->keys)
			builder_set_ref(builder, g_ref_string_acquire(value.node->keys[i]), copy);
		else
			value_builder_add_take(builder, copy);
	}
	return builder;
}

/* Of the only reference, one element can be replaced where it stands. */
static gboolean replace_in_place(Value object, const char *key, Value element) {
	gssize index = value_is_mapping(object) ? value_key_index(object, key) : -1;
	gboolean plain = index >= 0 && object.kind == VALUE_OBJECT && object.flags == 0 &&
			 flags_of(element) == 0 && g_atomic_int_get(&object.node->references) == 1;
	if (!plain)
		return FALSE;
	value_unref(object.node->elements[index]);
	object.node->elements[index] = element;
	object.node->type = NULL;
	return TRUE;
}

/* `built` with the marks that `from` itself had. */
static Value with_marks_of(Value built, Value from) {
	built.flags |= from.flags & FLAG_SENSITIVE;
	return built;
}

Value value_with_take(Value object_taken, const char *key, Value element_taken) {
	if (replace_in_place(object_taken, key, element_taken))
		return object_taken;
	ValueBuilder *builder = builder_from(object_taken, VALUE_OBJECT);
	value_builder_set_take(builder, key, element_taken);
	/* One that is set later replaces an earlier one: so the builder must look for it. */
	builder->sorted = FALSE;
	Value result = with_marks_of(value_builder_end(builder), object_taken);
	value_unref(object_taken);
	return result;
}

Value value_without_take(Value object_taken, const char *key) {
	if (!value_has(object_taken, key))
		return object_taken;
	ValueBuilder *builder = value_builder_new(object_taken.kind,
		object_taken.kind == VALUE_MAP ? type_element(value_type(object_taken)) : NULL);
	ValueNode *node = object_taken.node;
	for (gsize i = 0; i < node->length; i++)
		if (strcmp(node->keys[i], key) != 0)
			builder_set_ref(builder, g_ref_string_acquire(node->keys[i]),
				value_ref(node->elements[i]));
	Value result = with_marks_of(value_builder_end(builder), object_taken);
	value_unref(object_taken);
	return result;
}

Value value_append_take(Value sequence_taken, Value element_taken) {
	ValueBuilder *builder = builder_from(sequence_taken, VALUE_TUPLE);
	value_builder_add_take(builder, element_taken);
	Value result = with_marks_of(value_builder_end(builder), sequence_taken);
	value_unref(sequence_taken);
	return result;
}

Value value_merge(Value a, Value b) {
	ValueBuilder *builder = value_builder_new(VALUE_OBJECT, NULL);
	const Value both[] = {a, b};
	for (int which = 0; which < 2; which++)
		for (gsize i = 0; value_is_mapping(both[which]) && i < both[which].node->length;
			i++)
			builder_set_ref(builder, g_ref_string_acquire(both[which].node->keys[i]),
				value_ref(both[which].node->elements[i]));
	return value_builder_end(builder);
}

Value value_replace_take(Value container, gsize index, Value element_taken) {
	ValueBuilder *builder = builder_from(container, VALUE_OBJECT);
	Entry *entry = &g_array_index(builder->entries, Entry, (guint)index);
	value_unref(entry->value);
	entry->value = element_taken;
	return with_marks_of(value_builder_end(builder), container);
}

Value value_unmark_deep(Value value) {
	if (!(value.flags & FLAG_HAS_SENSITIVE))
		return value_unmark(value);
	const Type *type = value.node->type;
	ValueBuilder *builder =
		value_builder_new(value.kind, value.kind < VALUE_TUPLE ? type_element(type) : NULL);
	for (gsize i = 0; i < value.node->length; i++) {
		Value element = value_unmark_deep(value.node->elements[i]);
		if (value.node->keys)
			builder_set_ref(
				builder, g_ref_string_acquire(value.node->keys[i]), element);
		else
			value_builder_add_take(builder, element);
	}
	return value_builder_end(builder);
}
