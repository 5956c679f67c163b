/*
 * Values: see value.h. Small ones (null, unknown, bool, integers of 64 bits) live in the 16 bytes;
 * the others in a reference-counted node that never changes once it can be seen by others.
 */
#include "value/value.h"

#include <mpfr.h>
#include <string.h>

#define PRECISION 512 /* bits, as Terraform's numbers */

enum {
	FLAG_SENSITIVE = 1 << 0, /* the value itself is marked */
	FLAG_HAS_SENSITIVE = 1 << 1, /* something in it is */
	FLAG_HAS_UNKNOWN = 1 << 2, /* something in it is unknown */
};

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

/* ---- life ---- */

static gboolean is_container(Value value) {
	return value.kind >= VALUE_LIST;
}

static void node_free(ValueNode *node, ValueKind kind) {
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
		node_free(value.node, value.kind);
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

static Value value_of_node(ValueKind kind, ValueNode *node) {
	return (Value){.kind = kind, .representation = NODE, .node = node};
}

static ValueNode *node_new(void) {
	ValueNode *node = g_new0(ValueNode, 1);
	node->references = 1;
	return node;
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

/* A number node that is being computed; give it to number_end. */
static ValueNode *number_begin(void) {
	ValueNode *node = node_new();
	mpfr_init2(node->number, PRECISION);
	return node;
}

/* Integers that fit become small. */
static Value number_end(ValueNode *node) {
	if (mpfr_integer_p(node->number) && mpfr_fits_slong_p(node->number, MPFR_RNDN)) {
		gint64 integer = mpfr_get_si(node->number, MPFR_RNDN);
		node_free(node, VALUE_NUMBER);
		return value_int(integer);
	}
	return value_of_node(VALUE_NUMBER, node);
}

Value value_double(double number) {
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	for (int digits = 1; digits <= 17; digits++) {
		char format[8];
		g_snprintf(format, sizeof format, "%%.%dg", digits);
		g_ascii_formatd(text, sizeof text, format, number);
		if (g_ascii_strtod(text, NULL) == number)
			break;
	}
	return value_number_parse(text);
}

static gboolean is_decimal(const char *text) {
	const char *at = text + (*text == '-');
	gsize digits = strspn(at, "0123456789");
	if (digits == 0)
		return FALSE;
	at += digits;
	if (*at == '.') {
		gsize fraction = strspn(at + 1, "0123456789");
		if (fraction == 0)
			return FALSE;
		at += 1 + fraction;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '+' || *at == '-';
		gsize exponent = strspn(at, "0123456789");
		if (exponent == 0 || exponent > 6)
			return FALSE;
		at += exponent;
	}
	return *at == '\0';
}

/* Of two. A few digits of input could else ask for gigabytes when they are written out. */
#define LARGEST_EXPONENT 16384

Value value_number_parse(const char *text) {
	if (!is_decimal(text))
		return value_null(type_number());
	char *end;
	if (strlen(text) < 18 && !strpbrk(text, ".eE"))
		return value_int(g_ascii_strtoll(text, &end, 10));
	ValueNode *node = number_begin();
	mpfr_set_str(node->number, text, 10, MPFR_RNDN);
	if (!mpfr_number_p(node->number) ||
		(mpfr_regular_p(node->number) &&
			ABS(mpfr_get_exp(node->number)) > LARGEST_EXPONENT)) {
		node_free(node, VALUE_NUMBER);
		return value_null(type_number());
	}
	return number_end(node);
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

/* ---- making: structures ---- */

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

static gssize key_index(Value value, const char *key);

/* Of the only reference, one element can be replaced where it stands. */
static gboolean replace_in_place(Value object, const char *key, Value element) {
	gssize index = value_is_mapping(object) ? key_index(object, key) : -1;
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

/* The digits of a number, as few as give it back at full precision; exponent as mpfr_get_str has
 * it. */
static char *shortest_digits(const mpfr_t number, mpfr_exp_t *exponent) {
	mpfr_t again;
	mpfr_init2(again, PRECISION);
	gsize low = 1, high = 160;
	while (low < high) {
		gsize middle = (low + high) / 2;
		char *digits = mpfr_get_str(NULL, exponent, 10, middle, number, MPFR_RNDN);
		gboolean negative = *digits == '-';
		g_autofree char *text = g_strdup_printf(
			"%s0.%se%ld", negative ? "-" : "", digits + negative, (long)*exponent);
		mpfr_free_str(digits);
		mpfr_set_str(again, text, 10, MPFR_RNDN);
		if (mpfr_equal_p(again, number))
			high = middle;
		else
			low = middle + 1;
	}
	mpfr_clear(again);
	char *digits = mpfr_get_str(NULL, exponent, 10, low, number, MPFR_RNDN);
	char *copy = g_strdup(digits);
	mpfr_free_str(digits);
	return copy;
}

char *value_number_to_string(Value number) {
	if (number.representation == INLINE)
		return g_strdup_printf("%" G_GINT64_FORMAT, number.integer);
	mpfr_exp_t exponent;
	g_autofree char *digits = shortest_digits(number.node->number, &exponent);
	GString *out = g_string_new(NULL);
	const char *at = digits;
	if (*at == '-')
		g_string_append_c(out, *at++);
	gsize length = strlen(at);
	while (length > 1 && at[length - 1] == '0')
		length--;
	if (exponent <= 0) {
		g_string_append(out, "0.");
		for (mpfr_exp_t i = exponent; i < 0; i++)
			g_string_append_c(out, '0');
		g_string_append_len(out, at, (gssize)length);
	} else {
		for (mpfr_exp_t i = 0; i < exponent; i++)
			g_string_append_c(out, (gsize)i < length ? at[i] : '0');
		if (length > (gsize)exponent) {
			g_string_append_c(out, '.');
			g_string_append_len(out, at + exponent, (gssize)(length - (gsize)exponent));
		}
	}
	return g_string_free(out, FALSE);
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

static gssize key_index(Value value, const char *key) {
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
	gssize index = value_is_mapping(value) ? key_index(value, key) : -1;
	return index < 0 ? VALUE_NOTHING : value.node->elements[index];
}

gboolean value_has(Value value, const char *key) {
	return value_is_mapping(value) && key_index(value, key) >= 0;
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

/* ---- comparing ---- */

/* The number as one of MPFR; `local` holds it if it was small and is then to be cleared. */
static mpfr_srcptr number_of(Value value, mpfr_t local, gboolean *made) {
	*made = value.representation == INLINE;
	if (!*made)
		return value.node->number;
	mpfr_init2(local, PRECISION);
	mpfr_set_si(local, value.integer, MPFR_RNDN);
	return local;
}

int value_compare_numbers(Value a, Value b) {
	if (a.representation == INLINE && b.representation == INLINE)
		return (a.integer > b.integer) - (a.integer < b.integer);
	mpfr_t local_a, local_b;
	gboolean made_a, made_b;
	mpfr_srcptr first = number_of(a, local_a, &made_a);
	mpfr_srcptr second = number_of(b, local_b, &made_b);
	int order = mpfr_cmp(first, second);
	if (made_a)
		mpfr_clear(local_a);
	if (made_b)
		mpfr_clear(local_b);
	return (order > 0) - (order < 0);
}

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

/* ---- arithmetic ---- */

static gboolean small_result(ValueOperator op, gint64 a, gint64 b, gint64 *result) {
	switch (op) {
	case VALUE_ADD:
		return !__builtin_add_overflow(a, b, result);
	case VALUE_SUBTRACT:
		return !__builtin_sub_overflow(a, b, result);
	case VALUE_MULTIPLY:
		return !__builtin_mul_overflow(a, b, result);
	case VALUE_DIVIDE:
		if (b == -1 || a % b != 0)
			return FALSE;
		*result = a / b;
		return TRUE;
	case VALUE_MODULO:
		if (b == -1)
			return FALSE;
		*result = a % b;
		return TRUE;
	}
	return FALSE;
}

static void big_result(ValueOperator op, mpfr_t result, mpfr_srcptr a, mpfr_srcptr b) {
	switch (op) {
	case VALUE_ADD:
		mpfr_add(result, a, b, MPFR_RNDN);
		break;
	case VALUE_SUBTRACT:
		mpfr_sub(result, a, b, MPFR_RNDN);
		break;
	case VALUE_MULTIPLY:
		mpfr_mul(result, a, b, MPFR_RNDN);
		break;
	case VALUE_DIVIDE:
		mpfr_div(result, a, b, MPFR_RNDN);
		break;
	case VALUE_MODULO:
		mpfr_fmod(result, a, b, MPFR_RNDN);
		break;
	}
}

Value value_arithmetic(ValueOperator op, Value a, Value b) {
	gboolean divides = op == VALUE_DIVIDE || op == VALUE_MODULO;
	if (divides && value_compare_numbers(b, value_int(0)) == 0)
		return value_null(type_number());
	gint64 small;
	if (a.representation == INLINE && b.representation == INLINE &&
		small_result(op, a.integer, b.integer, &small))
		return value_int(small);
	mpfr_t local_a, local_b;
	gboolean made_a, made_b;
	mpfr_srcptr first = number_of(a, local_a, &made_a);
	mpfr_srcptr second = number_of(b, local_b, &made_b);
	ValueNode *node = number_begin();
	big_result(op, node->number, first, second);
	if (made_a)
		mpfr_clear(local_a);
	if (made_b)
		mpfr_clear(local_b);
	return number_end(node);
}

Value value_negate(Value number) {
	return value_arithmetic(VALUE_SUBTRACT, value_int(0), number);
}

static Value rounded(Value number, mpfr_rnd_t direction) {
	if (number.representation == INLINE)
		return number;
	ValueNode *node = number_begin();
	mpfr_rint(node->number, number.node->number, direction);
	return number_end(node);
}

Value value_floor(Value number) {
	return rounded(number, MPFR_RNDD);
}

Value value_ceil(Value number) {
	return rounded(number, MPFR_RNDU);
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

Value value_unmark(Value value) {
	value = value_ref(value);
	value.flags &= (guint8)~FLAG_SENSITIVE;
	return value;
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

/* ---- paths ---- */

static gssize step_index(Value value, Value step) {
	if (value_is_mapping(value))
		return value_text(step) ? key_index(value, value_text(step)) : -1;
	if (value.kind == VALUE_SET) {
		for (gsize i = 0; i < value.node->length; i++)
			if (value_equal(value.node->elements[i], step))
				return (gssize)i;
		return -1;
	}
	gint64 index = value_to_int(step, -1);
	return value_is_sequence(value) && index >= 0 && index < (gint64)value.node->length ? index
											    : -1;
}

Value value_at_path(Value value, Value path) {
	for (gsize i = 0; i < value_length(path); i++) {
		gssize index = step_index(value, value_at(path, i));
		if (index < 0)
			return VALUE_NOTHING;
		value = value.node->elements[index];
	}
	return value;
}

static Value with_path_from(Value value, Value path, gsize from, Value replacement) {
	if (from == value_length(path))
		return value_ref(replacement);
	gssize index = step_index(value, value_at(path, from));
	g_return_val_if_fail(index >= 0, value_ref(value));
	ValueBuilder *builder = builder_from(value, VALUE_OBJECT);
	Entry *entry = &g_array_index(builder->entries, Entry, (guint)index);
	Value old = entry->value;
	entry->value = with_path_from(old, path, from + 1, replacement);
	value_unref(old);
	return with_marks_of(value_builder_end(builder), value);
}

Value value_with_path(Value value, Value path, Value replacement) {
	return with_path_from(value, path, 0, replacement);
}

static void collect_sensitive(Value value, Value path, ValueBuilder *paths) {
	if (value.flags & FLAG_SENSITIVE) {
		value_builder_add_take(paths, value_ref(path));
		return;
	}
	if (!(value.flags & FLAG_HAS_SENSITIVE))
		return;
	for (gsize i = 0; i < value.node->length; i++) {
		Value step = value.node->keys	       ? value_string(value.node->keys[i])
			     : value.kind == VALUE_SET ? value_ref(value.node->elements[i])
						       : value_int((gint64)i);
		g_auto(Value) inner = value_append_take(value_ref(path), step);
		collect_sensitive(value.node->elements[i], inner, paths);
	}
}

Value value_sensitive_paths(Value value) {
	ValueBuilder *paths = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(Value) root = value_empty_tuple();
	collect_sensitive(value, root, paths);
	return value_builder_end(paths);
}

char *value_path_to_string(Value path) {
	GString *out = g_string_new(NULL);
	for (gsize i = 0; i < value_length(path); i++) {
		Value step = value_at(path, i);
		if (step.kind == VALUE_STRING) {
			g_string_append_printf(out, "%s%s", i > 0 ? "." : "", step.node->text);
		} else if (step.kind == VALUE_NUMBER) {
			g_autofree char *number = value_number_to_string(step);
			g_string_append_printf(out, "[%s]", number);
		} else {
			g_string_append(out, "[...]");
		}
	}
	return g_string_free(out, FALSE);
}
