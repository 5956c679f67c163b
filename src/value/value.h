/*
 * Value: the one data type that flows down the road. HCL expressions evaluate to it, the provider
 * maps it, the wire (de)serialises it, the store keeps it, the state file is it.
 *
 * A Value is immutable, passed by value in 16 bytes, and reference-counted (atomically: values may
 * be shared between threads). Every function borrows the Values it is given unless its name says
 * `take`: then it owns them afterwards, whatever happens. Every Value that is returned belongs to
 * the caller, unless the comment says it is borrowed. `g_auto(Value)` clears at scope's end.
 *
 * Kinds follow Terraform: tuples and objects are structural (what `[…]`, `{…}`, JSON and API
 * answers give); lists, sets and maps have one element type. Reading functions (value_length,
 * value_at, value_get) treat list, set and tuple alike, and map and object alike.
 *
 * Marks: `sensitive` travels with a value; an unknown value stands for one not known until apply.
 */
#pragma once

#include <glib.h>

#include "value/type.h"

typedef enum {
	VALUE_NULL, /* an all-zero Value is null of type any: VALUE_NOTHING */
	VALUE_UNKNOWN,
	VALUE_BOOL,
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_LIST,
	VALUE_SET,
	VALUE_MAP,
	VALUE_TUPLE,
	VALUE_OBJECT,
} ValueKind;

typedef struct ValueNode ValueNode;

/* Fields are this room's business (node.h). */
typedef struct {
	guint8 kind;
	guint8 flags;
	guint8 representation;
	guint8 spare;
	guint32 spare2;
	union {
		gint64 integer;
		ValueNode *node;
		const Type *type;
	};
} Value;

#define VALUE_NOTHING ((Value){0})

/* ---- life ---- */

Value value_ref(Value value);
void value_unref(Value value);
/* Unrefs *value and makes it VALUE_NOTHING. */
void value_clear(Value *value);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Value, value_clear)
/* Returns *value and leaves VALUE_NOTHING: hands over ownership out of a g_auto variable. */
Value value_steal(Value *value);

/* ---- making: primitives ---- */

/* NULL as type: of any type. A double becomes the shortest decimal that gives it back. */
Value value_null(const Type *type);
Value value_unknown(const Type *type);
Value value_bool(gboolean boolean);
Value value_int(gint64 integer);
Value value_double(double number);
/* A decimal number as HCL or JSON writes it ("1", "-0.5", "1e3"), kept at Terraform's precision
 * (512 bits). Returns null if `text` is not a number, or is beyond 2^±16384. */
Value value_number_parse(const char *text);
/* UTF-8 text; NULL gives null of type string. */
Value value_string(const char *text);
/* Any bytes, zero bytes among them. */
Value value_string_sized(const char *bytes, gsize length);
Value value_string_printf(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Takes a g_malloc'ed string. */
Value value_string_take(char *text);

/* ---- making: structures ---- */

/* An object from key, Value pairs ended by NULL, taking the Values:
 *   value_object_take("id", value_string(id), "size", value_int(3), NULL)
 * Keys are copied. */
Value value_object_take(const char *first_key, ...) G_GNUC_NULL_TERMINATED;
/* A tuple of n Values, taking them: value_tuple_take(2, a, b). */
Value value_tuple_take(gsize n, ...);
Value value_empty_object(void);
Value value_empty_tuple(void);

/* Builds a structure piece by piece. */
typedef struct ValueBuilder ValueBuilder;

/* kind: LIST, SET, MAP, TUPLE or OBJECT; element: the element type of a list, set or map (any:
 * found from the elements), NULL otherwise. */
ValueBuilder *value_builder_new(ValueKind kind, const Type *element);
void value_builder_free(ValueBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ValueBuilder, value_builder_free)
/* Adds to a sequence. Sets drop equal elements. */
void value_builder_add_take(ValueBuilder *builder, Value element);
/* Sets a key of a map or object; a second time replaces. */
void value_builder_set_take(ValueBuilder *builder, const char *key, Value element);
gsize value_builder_length(const ValueBuilder *builder);
/* The finished value; frees the builder. */
Value value_builder_end(ValueBuilder *builder);

/* `object` (map or object) with one key set, or removed. O(n), but in place when the caller holds
 * the only reference. */
Value value_with_take(Value object_taken, const char *key, Value element_taken);
Value value_without_take(Value object_taken, const char *key);
/* `sequence` (list or tuple) with one element more. */
Value value_append_take(Value sequence_taken, Value element_taken);
/* All keys of `b` over those of `a`: an object. Null counts as empty. */
Value value_merge(Value a, Value b);

/* ---- reading ---- */

/* Null and unknown are kinds too. */
ValueKind value_kind(Value value);
/* The value's type; of null and unknown, the one they were made with. */
const Type *value_type(Value value);
gboolean value_is_null(Value value);
gboolean value_is_known(Value value); /* itself, not what is in it */
gboolean value_is_wholly_known(Value value); /* nor anything in it; O(1) */
gboolean value_is_sequence(Value value); /* list, set or tuple */
gboolean value_is_mapping(Value value); /* map or object */

gboolean value_to_bool(Value value); /* FALSE unless it is the bool true */
/* The number if it is an integer that fits, else `otherwise`. */
gint64 value_to_int(Value value, gint64 otherwise);
double value_to_double(Value value, double otherwise);
gboolean value_is_integer(Value value); /* a number without a fraction that fits 64 bits */
/* The text of a string, borrowed, ended by a zero byte; NULL if it is not a string. */
const char *value_text(Value value);
gsize value_text_length(Value value);
/* As value_text, or `otherwise` if null, unknown or no string. */
const char *value_text_or(Value value, const char *otherwise);
/* A number as Terraform writes it in strings ("1", "0.5"). Caller frees. */
char *value_number_to_string(Value number);

/* Elements of a sequence or mapping; 0 for everything else. Of a string: use value_text_length. */
gsize value_length(Value value);
/* The index'th element (mappings: in key order), BORROWED; VALUE_NOTHING if out of range. */
Value value_at(Value value, gsize index);
/* The index'th key of a mapping in byte order, borrowed. */
const char *value_key_at(Value value, gsize index);
/* Element by key, BORROWED; VALUE_NOTHING if there is none or `value` is not a mapping. */
Value value_get(Value value, const char *key);
gboolean value_has(Value value, const char *key);
/* value_get by steps: value_get_path(v, "vpc", "id", NULL). Borrowed. */
Value value_get_path(Value value, const char *first_key, ...) G_GNUC_NULL_TERMINATED;
/* Shorthands for value_text(value_get(…)) and the like; otherwise as named. */
const char *value_get_text(Value value, const char *key); /* NULL if none */
gint64 value_get_int(Value value, const char *key, gint64 otherwise);
gboolean value_get_bool(Value value, const char *key);

/* Walks a mapping or a sequence. Borrowed views, valid as long as `container` is:
 *   ValueIter i; const char *key; Value v;
 *   for (value_iter_init(&i, object); value_iter_next(&i, &key, &v);) …
 * key is NULL in sequences. */
typedef struct {
	Value container;
	gsize next;
} ValueIter;
void value_iter_init(ValueIter *iter, Value container);
gboolean value_iter_next(ValueIter *iter, const char **key, Value *element);

/* ---- comparing ---- */

/* Same type and same content, marks ignored; unknowns equal unknowns of the same type. For engine
 * and tests. (Terraform's == is lang's.) */
gboolean value_equal(Value a, Value b);
/* A total order over all values: sets are kept in it (strings by bytes, numbers by size). */
int value_compare(Value a, Value b);
guint value_hash(Value value);

/* ---- arithmetic on numbers, at Terraform's precision ---- */

typedef enum {
	VALUE_ADD,
	VALUE_SUBTRACT,
	VALUE_MULTIPLY,
	VALUE_DIVIDE,
	VALUE_MODULO
} ValueOperator;
/* Both known numbers. Division by zero gives null. */
Value value_arithmetic(ValueOperator op, Value a, Value b);
Value value_negate(Value number);
int value_compare_numbers(Value a, Value b);
Value value_floor(Value number);
Value value_ceil(Value number);

/* ---- marks ---- */

gboolean value_is_sensitive(Value value); /* marked itself */
gboolean value_has_sensitive(Value value); /* itself or anything in it; O(1) */
Value value_mark_sensitive(Value value);
Value value_mark_sensitive_take(Value value);
Value value_unmark(Value value); /* itself only */
Value value_unmark_deep(Value value);

/* ---- paths: a tuple of steps, strings (attribute or map key) and numbers (index) ---- */

/* What is at `path`, borrowed; VALUE_NOTHING if nothing is. A set's element is found by a step that
 * equals it. */
Value value_at_path(Value value, Value path);
/* `value` with what is at `path` replaced. Missing steps are an error of the caller (g_return). */
Value value_with_path(Value value, Value path, Value replacement);
/* The paths of all sensitive marks, as a tuple of paths. */
Value value_sensitive_paths(Value value);
/* "a.b[0].c". Caller frees. */
char *value_path_to_string(Value path);
