/* Collection functions. */
#include <string.h>

#include "lang/functions/functions.h"

static gboolean is_collection(Value value) {
	return value_is_sequence(value) || value_is_mapping(value);
}

static gboolean contains(Value sequence, Value element) {
	for (gsize i = 0; i < value_length(sequence); i++) {
		g_auto(Value) equal = lang_equals(value_at(sequence, i), element);
		if (value_to_bool(equal))
			return TRUE;
	}
	return FALSE;
}

FUNCTION(alltrue) {
	for (gsize i = 0; i < value_length(arguments[0]); i++)
		if (!value_to_bool(value_at(arguments[0], i)))
			return value_bool(FALSE);
	return value_bool(TRUE);
}

FUNCTION(anytrue) {
	for (gsize i = 0; i < value_length(arguments[0]); i++)
		if (value_to_bool(value_at(arguments[0], i)))
			return value_bool(TRUE);
	return value_bool(FALSE);
}

FUNCTION(chunklist) {
	gint64 size = value_to_int(arguments[1], -1);
	if (size < 0)
		return lang_function_fail(blame, -1, problem, "the size argument must be positive");
	ValueBuilder *chunks = value_builder_new(VALUE_LIST, value_type(arguments[0]));
	gsize length = value_length(arguments[0]);
	gsize step = size == 0 ? MAX(length, 1) : (gsize)size;
	for (gsize i = 0; i < length; i += step) {
		ValueBuilder *chunk =
			value_builder_new(VALUE_LIST, type_element(value_type(arguments[0])));
		for (gsize j = i; j < MIN(i + step, length); j++)
			value_builder_add_take(chunk, value_ref(value_at(arguments[0], j)));
		value_builder_add_take(chunks, value_builder_end(chunk));
	}
	return value_builder_end(chunks);
}

FUNCTION(coalesce) {
	g_autofree const Type **types = g_new(const Type *, n + 1);
	for (guint i = 0; i < n; i++)
		types[i] = value_type(arguments[i]);
	const Type *type = type_unify(types, n);
	if (!type)
		return lang_function_fail(
			blame, -1, problem, "all arguments must have the same type");
	for (guint i = 0; i < n; i++) {
		if (!value_is_known(arguments[i]))
			return value_unknown(type);
		const char *text = value_text(arguments[i]);
		if (!value_is_null(arguments[i]) && !(text && !*text))
			return value_convert(arguments[i], type, problem);
	}
	return lang_function_fail(blame, -1, problem, "no non-null, non-empty-string arguments");
}

FUNCTION(coalescelist) {
	for (guint i = 0; i < n; i++)
		if (value_length(arguments[i]) > 0)
			return value_ref(arguments[i]);
	return lang_function_fail(blame, -1, problem, "no non-null arguments");
}

FUNCTION(compact) {
	ValueBuilder *list = value_builder_new(VALUE_LIST, type_string());
	for (gsize i = 0; i < value_length(arguments[0]); i++) {
		const char *text = value_text(value_at(arguments[0], i));
		if (text && *text)
			value_builder_add_take(list, value_string(text));
	}
	return value_builder_end(list);
}

/* Is a value of the type a list or tuple, once it is known? */
static gboolean may_be_sequence(const Type *type) {
	TypeKind kind = type_kind(type);
	return kind == TYPE_KIND_ANY || kind == TYPE_KIND_LIST || kind == TYPE_KIND_SET ||
	       kind == TYPE_KIND_TUPLE;
}

FUNCTION(concat) {
	if (n == 0)
		return lang_function_fail(blame, -1, problem, "at least one argument is required");
	gboolean lists = TRUE, known = TRUE;
	for (guint i = 0; i < n; i++) {
		if (!value_is_known(arguments[i]) && may_be_sequence(value_type(arguments[i]))) {
			known = FALSE;
			continue;
		}
		if (!value_is_sequence(arguments[i]))
			return lang_function_fail(blame, (int)i, problem,
				"all arguments must be lists or tuples; got another type");
		lists = lists && value_kind(arguments[i]) == VALUE_LIST;
	}
	if (!known)
		return value_unknown(type_any());
	ValueBuilder *tuple = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < n; i++)
		for (gsize j = 0; j < value_length(arguments[i]); j++)
			value_builder_add_take(tuple, value_ref(value_at(arguments[i], j)));
	g_auto(Value) all = value_builder_end(tuple);
	if (!lists)
		return value_steal(&all);
	g_autofree char *why = NULL;
	Value list = value_convert(all, type_list(type_any()), &why);
	return why ? value_steal(&all) : list;
}

FUNCTION(contains) {
	if (!value_is_sequence(arguments[0]))
		return lang_function_fail(
			blame, 0, problem, "argument must be list, tuple, or set");
	return value_bool(contains(arguments[0], arguments[1]));
}

FUNCTION(distinct) {
	ValueBuilder *list = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(arguments[0]); i++) {
		Value element = value_at(arguments[0], i);
		gboolean seen = FALSE;
		for (gsize j = 0; j < i && !seen; j++)
			seen = value_equal(value_at(arguments[0], j), element);
		if (!seen)
			value_builder_add_take(list, value_ref(element));
	}
	g_auto(Value) tuple = value_builder_end(list);
	return value_convert(tuple, value_type(arguments[0]), problem);
}

FUNCTION(element) {
	if (!value_is_sequence(arguments[0]))
		return lang_function_fail(blame, 0, problem, "cannot read elements from this type");
	gsize length = value_length(arguments[0]);
	gint64 index = value_to_int(arguments[1], -1);
	if (length == 0)
		return lang_function_fail(
			blame, -1, problem, "cannot use element function with an empty list");
	if (index < 0)
		return lang_function_fail(
			blame, -1, problem, "cannot use element function with a negative index");
	return value_ref(value_at(arguments[0], (gsize)index % length));
}

static void flatten_into(ValueBuilder *out, Value list) {
	for (gsize i = 0; i < value_length(list); i++) {
		Value element = value_at(list, i);
		if (value_is_sequence(element))
			flatten_into(out, element);
		else
			value_builder_add_take(out, value_ref(element));
	}
}

/* Whether a list within is unknown: then so is the number of elements. */
static gboolean has_unknown_list(Value list) {
	for (gsize i = 0; i < value_length(list); i++) {
		Value element = value_at(list, i);
		TypeKind kind = type_kind(value_type(element));
		gboolean may_be_list = kind == TYPE_KIND_ANY || kind == TYPE_KIND_LIST ||
				       kind == TYPE_KIND_SET || kind == TYPE_KIND_TUPLE;
		if (!value_is_known(element) && may_be_list)
			return TRUE;
		if (value_is_sequence(element) && has_unknown_list(element))
			return TRUE;
	}
	return FALSE;
}

FUNCTION(flatten) {
	if (!value_is_known(arguments[0]) || has_unknown_list(arguments[0]))
		return value_unknown(type_any());
	if (!value_is_sequence(arguments[0]))
		return lang_function_fail(
			blame, -1, problem, "can only flatten lists, sets and tuples");
	ValueBuilder *out = value_builder_new(VALUE_TUPLE, NULL);
	flatten_into(out, arguments[0]);
	return value_builder_end(out);
}

FUNCTION(index) {
	if (!value_is_sequence(arguments[0]) || value_kind(arguments[0]) == VALUE_SET)
		return lang_function_fail(blame, 0, problem, "argument must be a list or tuple");
	for (gsize i = 0; i < value_length(arguments[0]); i++) {
		g_auto(Value) equal = lang_equals(value_at(arguments[0], i), arguments[1]);
		if (value_to_bool(equal))
			return value_int((gint64)i);
	}
	return lang_function_fail(blame, -1, problem, "item not found");
}

FUNCTION(keys) {
	if (!value_is_known(arguments[0]))
		return value_unknown(type_list(type_string()));
	if (!value_is_mapping(arguments[0]))
		return lang_function_fail(blame, 0, problem, "must have map or object type");
	ValueBuilder *keys = value_builder_new(
		value_kind(arguments[0]) == VALUE_MAP ? VALUE_LIST : VALUE_TUPLE, type_string());
	for (gsize i = 0; i < value_length(arguments[0]); i++)
		value_builder_add_take(keys, value_string(value_key_at(arguments[0], i)));
	return value_builder_end(keys);
}

FUNCTION(values) {
	if (!value_is_known(arguments[0]))
		return value_unknown(type_any());
	if (!value_is_mapping(arguments[0]))
		return lang_function_fail(
			blame, -1, problem, "values() requires a map as the first argument");
	gboolean map = value_kind(arguments[0]) == VALUE_MAP;
	ValueBuilder *values = value_builder_new(map ? VALUE_LIST : VALUE_TUPLE,
		map ? type_element(value_type(arguments[0])) : NULL);
	for (gsize i = 0; i < value_length(arguments[0]); i++)
		value_builder_add_take(values, value_ref(value_at(arguments[0], i)));
	return value_builder_end(values);
}

FUNCTION(length) {
	Value value = arguments[0];
	if (!value_is_known(value)) {
		const Type *type = value_type(value);
		gboolean fixed =
			type_kind(type) == TYPE_KIND_TUPLE || type_kind(type) == TYPE_KIND_OBJECT;
		return fixed ? value_int((gint64)type_length(type)) : value_unknown(type_number());
	}
	if (value_text(value))
		return value_int(g_utf8_strlen(value_text(value), -1));
	if (value_is_null(value))
		return lang_function_fail(blame, 0, problem, "argument must not be null");
	if (!is_collection(value))
		return lang_function_fail(blame, -1, problem,
			"argument must be a string, a collection type, or a structural type");
	return value_int((gint64)value_length(value));
}

FUNCTION(lookup) {
	if (!value_is_mapping(arguments[0]))
		return lang_function_fail(
			blame, 0, problem, "lookup() requires a map as the first argument");
	const char *key = value_text(arguments[1]);
	if (value_has(arguments[0], key))
		return value_ref(value_get(arguments[0], key));
	if (n > 2)
		return value_ref(arguments[2]);
	if (value_kind(arguments[0]) == VALUE_OBJECT)
		return lang_function_fail(
			blame, 1, problem, "the given object has no attribute \"%s\"", key);
	return lang_function_fail(blame, -1, problem, "lookup failed to find key \"%s\"", key);
}

FUNCTION(matchkeys) {
	if (value_length(arguments[0]) != value_length(arguments[1]))
		return lang_function_fail(
			blame, -1, problem, "length of keys and values should be equal");
	ValueBuilder *out = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(arguments[0]); i++)
		if (contains(arguments[2], value_at(arguments[1], i)))
			value_builder_add_take(out, value_ref(value_at(arguments[0], i)));
	g_auto(Value) tuple = value_builder_end(out);
	return value_convert(tuple, value_type(arguments[0]), problem);
}

FUNCTION(merge) {
	gboolean maps = n > 0;
	const Type *type = NULL;
	g_auto(Value) all = value_empty_object();
	for (guint i = 0; i < n; i++) {
		if (!value_is_known(arguments[i]))
			return value_unknown(type_any());
		if (value_is_null(arguments[i]))
			continue;
		if (!value_is_mapping(arguments[i])) {
			g_autofree char *got = type_friendly_name(value_type(arguments[i]));
			return lang_function_fail(blame, -1, problem,
				"arguments must be maps or objects, got \"%s\"", got);
		}
		maps = maps && value_kind(arguments[i]) == VALUE_MAP &&
		       (!type || type == value_type(arguments[i]));
		type = value_type(arguments[i]);
		Value next = value_merge(all, arguments[i]);
		value_clear(&all);
		all = next;
	}
	return maps && type ? value_convert(all, type, problem) : value_steal(&all);
}

FUNCTION(one) {
	gsize length = value_length(arguments[0]);
	if (!value_is_sequence(arguments[0]))
		return lang_function_fail(blame, 0, problem,
			"must be a list, set, or tuple value with either zero or one elements");
	if (length > 1)
		return lang_function_fail(blame, 0, problem,
			"must be a list, set, or tuple value with either zero or one elements");
	return length == 1 ? value_ref(value_at(arguments[0], 0)) : value_null(type_any());
}

FUNCTION(range) {
	if (n < 1 || n > 3)
		return lang_function_fail(
			blame, -1, problem, "must have one, two, or three arguments");
	g_auto(Value) start = n > 1 ? value_ref(arguments[0]) : value_int(0);
	Value end = n > 1 ? arguments[1] : arguments[0];
	gboolean down = value_compare_numbers(end, start) < 0;
	g_auto(Value) step = n > 2 ? value_ref(arguments[2]) : value_int(down ? -1 : 1);
	int direction = value_compare_numbers(step, value_int(0));
	if (direction == 0)
		return lang_function_fail(blame, -1, problem, "step must not be zero");
	if (value_compare_numbers(end, start) != 0 && down != (direction < 0))
		return lang_function_fail(blame, -1, problem,
			down ? "end must be less than start when step is negative"
			     : "end must be greater than start when step is positive");
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_LIST, type_number());
	while (value_compare_numbers(start, end) * direction < 0) {
		if (value_builder_length(list) >= 1024)
			return lang_function_fail(blame, -1, problem,
				"more than 1024 values were generated; either decrease the "
				"difference between start and end or use a smaller step");
		value_builder_add_take(list, value_ref(start));
		Value next = value_arithmetic(VALUE_ADD, start, step);
		value_clear(&start);
		start = next;
	}
	return value_builder_end(g_steal_pointer(&list));
}

FUNCTION(reverse) {
	ValueKind kind = value_kind(arguments[0]);
	if (!value_is_sequence(arguments[0]))
		return lang_function_fail(
			blame, 0, problem, "can only reverse list or tuple values");
	ValueBuilder *out = value_builder_new(kind == VALUE_LIST ? VALUE_LIST : VALUE_TUPLE,
		kind == VALUE_LIST ? type_element(value_type(arguments[0])) : NULL);
	for (gsize i = value_length(arguments[0]); i > 0; i--)
		value_builder_add_take(out, value_ref(value_at(arguments[0], i - 1)));
	return value_builder_end(out);
}

/* ---- sets ---- */

FUNCTION(setintersection) {
	ValueBuilder *out = value_builder_new(VALUE_SET, type_any());
	for (gsize i = 0; n > 0 && i < value_length(arguments[0]); i++) {
		gboolean everywhere = TRUE;
		for (guint j = 1; j < n && everywhere; j++)
			everywhere = contains(arguments[j], value_at(arguments[0], i));
		if (everywhere)
			value_builder_add_take(out, value_ref(value_at(arguments[0], i)));
	}
	return value_builder_end(out);
}

FUNCTION(setsubtract) {
	ValueBuilder *out = value_builder_new(VALUE_SET, type_any());
	for (gsize i = 0; i < value_length(arguments[0]); i++)
		if (!contains(arguments[1], value_at(arguments[0], i)))
			value_builder_add_take(out, value_ref(value_at(arguments[0], i)));
	return value_builder_end(out);
}

FUNCTION(setunion) {
	ValueBuilder *out = value_builder_new(VALUE_SET, type_any());
	for (guint i = 0; i < n; i++)
		for (gsize j = 0; j < value_length(arguments[i]); j++)
			value_builder_add_take(out, value_ref(value_at(arguments[i], j)));
	return value_builder_end(out);
}

/* All combinations, the last argument varying fastest. */
FUNCTION(setproduct) {
	if (n < 2)
		return lang_function_fail(
			blame, -1, problem, "at least two arguments are required");
	gsize total = 1;
	gboolean sets = TRUE;
	for (guint i = 0; i < n; i++) {
		if (!value_is_sequence(arguments[i]))
			return lang_function_fail(
				blame, (int)i, problem, "a set or a list is required");
		total *= value_length(arguments[i]);
		sets = sets && value_kind(arguments[i]) == VALUE_SET;
	}
	ValueBuilder *out = value_builder_new(sets ? VALUE_SET : VALUE_LIST, type_any());
	for (gsize i = 0; i < total; i++) {
		ValueBuilder *row = value_builder_new(VALUE_TUPLE, NULL);
		gsize block = total, rest = i;
		for (guint j = 0; j < n; j++) {
			block /= value_length(arguments[j]);
			value_builder_add_take(
				row, value_ref(value_at(arguments[j], rest / block)));
			rest %= block;
		}
		value_builder_add_take(out, value_builder_end(row));
	}
	return value_builder_end(out);
}

FUNCTION(slice) {
	gint64 start = value_to_int(arguments[1], -1), end = value_to_int(arguments[2], -1);
	gint64 length = (gint64)value_length(arguments[0]);
	if (!value_is_sequence(arguments[0]) || value_kind(arguments[0]) == VALUE_SET)
		return lang_function_fail(blame, 0, problem, "must be a list or tuple value");
	if (start < 0)
		return lang_function_fail(
			blame, 1, problem, "start index must not be less than zero");
	if (end > length || end < 0)
		return lang_function_fail(blame, 2, problem,
			"end index must not be greater than the length of the list");
	if (start > end)
		return lang_function_fail(
			blame, 1, problem, "start index must not be greater than end index");
	gboolean list = value_kind(arguments[0]) == VALUE_LIST;
	ValueBuilder *out = value_builder_new(list ? VALUE_LIST : VALUE_TUPLE,
		list ? type_element(value_type(arguments[0])) : NULL);
	for (gint64 i = start; i < end; i++)
		value_builder_add_take(out, value_ref(value_at(arguments[0], (gsize)i)));
	return value_builder_end(out);
}

static int compare_texts(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static Value unknown_texts(gsize n) {
	ValueBuilder *out = value_builder_new(VALUE_LIST, type_string());
	for (gsize i = 0; i < n; i++)
		value_builder_add_take(out, value_unknown(type_string()));
	return value_builder_end(out);
}

FUNCTION(sort) {
	/* A set is kept in order, but drops what is there twice: so sort an array. */
	if (!value_is_known(arguments[0]))
		return value_unknown(type_list(type_string()));
	gsize length = value_length(arguments[0]);
	/* How many there will be is known, but not in which order. */
	if (!value_is_wholly_known(arguments[0]))
		return unknown_texts(length);
	g_autoptr(GPtrArray) texts = g_ptr_array_new();
	for (gsize i = 0; i < length; i++) {
		const char *text = value_text(value_at(arguments[0], i));
		if (!text)
			return lang_function_fail(blame, 0, problem,
				"given list element %" G_GSIZE_FORMAT
				" is null; a null string cannot be sorted",
				i);
		g_ptr_array_add(texts, (gpointer)text);
	}
	g_ptr_array_sort(texts, compare_texts);
	ValueBuilder *out = value_builder_new(VALUE_LIST, type_string());
	for (guint i = 0; i < texts->len; i++)
		value_builder_add_take(out, value_string(texts->pdata[i]));
	return value_builder_end(out);
}

FUNCTION(transpose) {
	g_auto(Value) result = value_empty_object();
	for (gsize i = 0; i < value_length(arguments[0]); i++) {
		Value list = value_at(arguments[0], i);
		for (gsize j = 0; j < value_length(list); j++) {
			const char *key = value_text_or(value_at(list, j), "");
			g_auto(Value) so_far = value_has(result, key)
						       ? value_ref(value_get(result, key))
						       : value_empty_tuple();
			Value more = value_append_take(
				value_steal(&so_far), value_string(value_key_at(arguments[0], i)));
			result = value_with_take(value_steal(&result), key, more);
		}
	}
	return value_convert(result, type_map(type_list(type_string())), problem);
}

FUNCTION(zipmap) {
	if (value_length(arguments[0]) != value_length(arguments[1]))
		return lang_function_fail(blame, -1, problem,
			"number of keys (%" G_GSIZE_FORMAT
			") does not match number of values (%" G_GSIZE_FORMAT ")",
			value_length(arguments[0]), value_length(arguments[1]));
	gboolean list = value_kind(arguments[1]) == VALUE_LIST;
	ValueBuilder *out = value_builder_new(list ? VALUE_MAP : VALUE_OBJECT,
		list ? type_element(value_type(arguments[1])) : NULL);
	for (gsize i = 0; i < value_length(arguments[0]); i++)
		value_builder_set_take(out, value_text_or(value_at(arguments[0], i), ""),
			value_ref(value_at(arguments[1], i)));
	return value_builder_end(out);
}

const LangFunctionSpec lang_collection_specs[] = {
	{"alltrue", call_alltrue, "list:B", 'b'},
	{"anytrue", call_anytrue, "list:B", 'b'},
	{"chunklist", call_chunklist, "list:L size:n", 'a'},
	{"coalesce", call_coalesce, "*vals:a!~", 'a'},
	{"coalescelist", call_coalescelist, "*vals:a!", 'a'},
	{"compact", call_compact, "list:S", 'S'},
	{"concat", call_concat, "*seqs:a~", 'a'},
	{"contains", call_contains, "list:a value:a!", 'b'},
	{"distinct", call_distinct, "list:L", 'a'},
	{"element", call_element, "list:a~ index:n", 'a'},
	{"flatten", call_flatten, "list:a~", 'a'},
	{"index", call_index, "list:a value:a!", 'n'},
	{"keys", call_keys, "inputMap:a~", 'a'},
	{"length", call_length, "value:a~", 'n'},
	{"lookup", call_lookup, "inputMap:a~ key:s *default:a!~", 'a'},
	{"matchkeys", call_matchkeys, "values:L keys:L searchset:L", 'a'},
	{"merge", call_merge, "*maps:a!~", 'a'},
	{"one", call_one, "list:a", 'a'},
	{"range", call_range, "*params:n", 'N'},
	{"reverse", call_reverse, "list:a", 'a'},
	{"setintersection", call_setintersection, "first_set:L *other_sets:L", 'a'},
	{"setproduct", call_setproduct, "*sets:a", 'a'},
	{"setsubtract", call_setsubtract, "a:L b:L", 'a'},
	{"setunion", call_setunion, "first_set:L *other_sets:L", 'a'},
	{"slice", call_slice, "list:a start_index:n end_index:n", 'a'},
	{"sort", call_sort, "list:S~", 'S'},
	{"transpose", call_transpose, "values:a", 'a'},
	{"values", call_values, "mapping:a~", 'a'},
	{"zipmap", call_zipmap, "keys:S values:a~", 'a'},
	{NULL},
};
