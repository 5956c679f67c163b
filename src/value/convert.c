/* Conversion by Terraform's rules (those of its type system, cty). See convert.h. */
#include "value/convert.h"

#include <string.h>

static Value convert(Value value, const Type *type, char **problem);

static const char *article(const char *noun) {
	return strchr("aeiou", *noun) ? "an" : "a";
}

static void wrong_type(const Type *type, char **problem) {
	if (type_kind(type) == TYPE_KIND_OBJECT)
		*problem = g_strdup("object required");
	else if (type_kind(type) == TYPE_KIND_TUPLE)
		*problem = g_strdup("tuple required");
	else {
		g_autofree char *name = type_friendly_name(type);
		g_autofree char *single = g_str_equal(name, "dynamic")
						  ? g_strdup("value of any type")
						  : g_strdup(name);
		*problem = type_element(type)
				   ? g_strdup_printf("%s required", single)
				   : g_strdup_printf("%s %s is required", article(single), single);
	}
}

/* Puts a step in front of a problem from further in. */
static void inside(char **problem, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *step = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_autofree char *inner = *problem;
	*problem = g_strdup_printf("%s: %s", step, inner);
}

/* ---- primitives ---- */

static Value to_string(Value value, char **problem) {
	if (value_kind(value) == VALUE_BOOL)
		return value_string(value_to_bool(value) ? "true" : "false");
	if (value_kind(value) == VALUE_NUMBER)
		return value_string_take(value_number_to_string(value));
	*problem = g_strdup("string required");
	return VALUE_NOTHING;
}

static Value to_number(Value value, char **problem) {
	const char *text = value_text(value);
	g_auto(Value) number = text ? value_number_parse(text) : VALUE_NOTHING;
	if (value_is_null(number))
		*problem = g_strdup(text ? "a number is required" : "number required");
	return value_steal(&number);
}

static Value to_bool(Value value, char **problem) {
	const char *text = value_text(value);
	if (!text) {
		*problem = g_strdup("bool required");
		return VALUE_NOTHING;
	}
	if (g_str_equal(text, "true") || g_str_equal(text, "1"))
		return value_bool(TRUE);
	if (g_str_equal(text, "false") || g_str_equal(text, "0"))
		return value_bool(FALSE);
	if (g_ascii_strcasecmp(text, "true") == 0 || g_ascii_strcasecmp(text, "false") == 0)
		*problem = g_strdup_printf(
			"a bool is required; to convert from string, use lowercase \"%s\"",
			g_ascii_strcasecmp(text, "true") == 0 ? "true" : "false");
	else
		*problem = g_strdup("a bool is required");
	return VALUE_NOTHING;
}

/* ---- collections ---- */

/* The element type that all elements convert to, for a collection of `any`. */
static const Type *element_type_for(Value value, const Type *element, char **problem) {
	if (type_is_concrete(element) || value_length(value) == 0)
		return element;
	g_autofree const Type **types = g_new(const Type *, value_length(value));
	for (gsize i = 0; i < value_length(value); i++) {
		g_auto(Value) converted = convert(value_at(value, i), element, problem);
		if (*problem)
			return element;
		types[i] = value_type(converted);
	}
	const Type *common = type_unify(types, value_length(value));
	if (!common)
		*problem = g_strdup(value_is_mapping(value)
					    ? "all map elements must have the same type"
					    : "all list elements must have the same type");
	return common ? common : element;
}

static Value to_sequence(Value value, const Type *type, char **problem) {
	const Type *element = element_type_for(value, type_element(type), problem);
	if (*problem)
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) builder = value_builder_new(
		type_kind(type) == TYPE_KIND_LIST ? VALUE_LIST : VALUE_SET, element);
	for (gsize i = 0; i < value_length(value); i++) {
		g_auto(Value) converted = convert(value_at(value, i), element, problem);
		if (*problem) {
			inside(problem, "element %" G_GSIZE_FORMAT, i);
			return VALUE_NOTHING;
		}
		value_builder_add_take(builder, value_steal(&converted));
	}
	return value_builder_end(g_steal_pointer(&builder));
}

static Value to_map(Value value, const Type *type, char **problem) {
	const Type *element = element_type_for(value, type_element(type), problem);
	if (*problem)
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_MAP, element);
	ValueIter iter;
	const char *key;
	Value each;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &each);) {
		g_auto(Value) converted = convert(each, element, problem);
		if (*problem) {
			inside(problem, "element \"%s\"", key);
			return VALUE_NOTHING;
		}
		value_builder_set_take(builder, key, value_steal(&converted));
	}
	return value_builder_end(g_steal_pointer(&builder));
}

/* ---- structures ---- */

static void missing_attributes(Value value, const Type *type, char **problem) {
	GString *names = g_string_new(NULL);
	guint n = 0;
	for (gsize i = 0; i < type_length(type); i++) {
		const TypeAttribute *attribute = type_attribute_at(type, i);
		if (attribute->optional || value_has(value, attribute->name))
			continue;
		g_string_append_printf(names, "%s\"%s\"", n > 0 ? ", " : "", attribute->name);
		n++;
	}
	if (n == 1)
		*problem = g_strdup_printf("attribute %s is required", names->str);
	else if (n > 1)
		*problem = g_strdup_printf("attributes %s are required", names->str);
	g_string_free(names, TRUE);
}

/* The type without optional marks: that of values. */
static const Type *plain_type(const Type *type) {
	if (type_kind(type) != TYPE_KIND_OBJECT) {
		const Type *element = type_element(type);
		if (!element)
			return type;
		const Type *plain = plain_type(element);
		return type_kind(type) == TYPE_KIND_LIST  ? type_list(plain)
		       : type_kind(type) == TYPE_KIND_SET ? type_set(plain)
							  : type_map(plain);
	}
	g_autofree TypeAttribute *attributes = g_new0(TypeAttribute, MAX(type_length(type), 1));
	for (gsize i = 0; i < type_length(type); i++) {
		attributes[i].name = type_attribute_at(type, i)->name;
		attributes[i].type = plain_type(type_attribute_at(type, i)->type);
	}
	return type_object(attributes, type_length(type));
}

static Value to_object(Value value, const Type *type, char **problem) {
	missing_attributes(value, type, problem);
	if (*problem)
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = 0; i < type_length(type); i++) {
		const TypeAttribute *attribute = type_attribute_at(type, i);
		if (!value_has(value, attribute->name)) {
			value_builder_set_take(
				builder, attribute->name, value_null(plain_type(attribute->type)));
			continue;
		}
		g_auto(Value) converted =
			convert(value_get(value, attribute->name), attribute->type, problem);
		if (*problem) {
			inside(problem, "attribute \"%s\"", attribute->name);
			return VALUE_NOTHING;
		}
		value_builder_set_take(builder, attribute->name, value_steal(&converted));
	}
	return value_builder_end(g_steal_pointer(&builder));
}

static Value to_tuple(Value value, const Type *type, char **problem) {
	if (value_length(value) != type_length(type)) {
		*problem = g_strdup_printf(
			"tuple of %" G_GSIZE_FORMAT " elements required", type_length(type));
		return VALUE_NOTHING;
	}
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(value); i++) {
		g_auto(Value) converted =
			convert(value_at(value, i), type_tuple_at(type, i), problem);
		if (*problem) {
			inside(problem, "element %" G_GSIZE_FORMAT, i);
			return VALUE_NOTHING;
		}
		value_builder_add_take(builder, value_steal(&converted));
	}
	return value_builder_end(g_steal_pointer(&builder));
}

/* ---- the rule for each kind ---- */

static Value convert_known(Value value, const Type *type, char **problem) {
	switch (type_kind(type)) {
	case TYPE_KIND_ANY:
		return value_ref(value);
	case TYPE_KIND_STRING:
		return to_string(value, problem);
	case TYPE_KIND_NUMBER:
		return to_number(value, problem);
	case TYPE_KIND_BOOL:
		return to_bool(value, problem);
	case TYPE_KIND_LIST:
	case TYPE_KIND_SET:
		if (value_is_sequence(value))
			return to_sequence(value, type, problem);
		break;
	case TYPE_KIND_MAP:
		if (value_is_mapping(value))
			return to_map(value, type, problem);
		break;
	case TYPE_KIND_OBJECT:
		if (value_is_mapping(value))
			return to_object(value, type, problem);
		break;
	case TYPE_KIND_TUPLE:
		if (value_is_sequence(value))
			return to_tuple(value, type, problem);
		break;
	}
	wrong_type(type, problem);
	return VALUE_NOTHING;
}

static Value convert(Value value, const Type *type, char **problem) {
	if (value_type(value) == type && value_kind(value) != VALUE_TUPLE)
		return value_ref(value);
	g_auto(Value) converted = VALUE_NOTHING;
	if (value_is_null(value))
		converted = type == type_any() ? value_ref(value) : value_null(plain_type(type));
	else if (!value_is_known(value))
		converted = type == type_any() ? value_ref(value) : value_unknown(plain_type(type));
	else
		converted = convert_known(value, type, problem);
	if (*problem)
		return VALUE_NOTHING;
	return value_is_sensitive(value) ? value_mark_sensitive(converted)
					 : value_steal(&converted);
}

Value value_convert(Value value, const Type *type, char **problem) {
	char *why = NULL;
	g_auto(Value) converted = convert(value, type, &why);
	if (problem)
		*problem = why;
	else
		g_free(why);
	return value_steal(&converted);
}

/* ---- unification ---- */

static gboolean is_primitive(const Type *type) {
	return type_kind(type) >= TYPE_KIND_BOOL && type_kind(type) <= TYPE_KIND_STRING;
}

static const Type *unify_two(const Type *a, const Type *b);

static const Type *unify_objects(const Type *a, const Type *b) {
	if (type_length(a) != type_length(b))
		return NULL;
	g_autofree TypeAttribute *attributes = g_new0(TypeAttribute, MAX(type_length(a), 1));
	for (gsize i = 0; i < type_length(a); i++) {
		attributes[i] = *type_attribute_at(a, i);
		if (!g_str_equal(attributes[i].name, type_attribute_at(b, i)->name))
			return NULL;
		attributes[i].type = unify_two(attributes[i].type, type_attribute_at(b, i)->type);
		if (!attributes[i].type)
			return NULL;
	}
	return type_object(attributes, type_length(a));
}

static const Type *unify_tuples(const Type *a, const Type *b) {
	if (type_length(a) != type_length(b))
		return NULL;
	g_autofree const Type **types = g_new(const Type *, MAX(type_length(a), 1));
	for (gsize i = 0; i < type_length(a); i++) {
		types[i] = unify_two(type_tuple_at(a, i), type_tuple_at(b, i));
		if (!types[i])
			return NULL;
	}
	return type_tuple(types, type_length(a));
}

/* The one type of all attributes or elements, for objects as maps and tuples as lists; NULL if
 * none. */
static const Type *common_element(const Type *type) {
	if (type_element(type))
		return type_element(type);
	const Type *common = NULL;
	for (gsize i = 0; i < type_length(type); i++) {
		const Type *each = type_kind(type) == TYPE_KIND_TUPLE
					   ? type_tuple_at(type, i)
					   : type_attribute_at(type, i)->type;
		common = common ? unify_two(common, each) : each;
		if (!common)
			return NULL;
	}
	return common ? common : type_any();
}

static gboolean is_kind(const Type *type, TypeKind a, TypeKind b, TypeKind c) {
	return type_kind(type) == a || type_kind(type) == b || type_kind(type) == c;
}

static const Type *unify_collections(const Type *a, const Type *b) {
	gboolean maps = is_kind(a, TYPE_KIND_MAP, TYPE_KIND_OBJECT, TYPE_KIND_MAP) &&
			is_kind(b, TYPE_KIND_MAP, TYPE_KIND_OBJECT, TYPE_KIND_MAP);
	gboolean lists = is_kind(a, TYPE_KIND_LIST, TYPE_KIND_SET, TYPE_KIND_TUPLE) &&
			 is_kind(b, TYPE_KIND_LIST, TYPE_KIND_SET, TYPE_KIND_TUPLE);
	const Type *first = maps || lists ? common_element(a) : NULL;
	const Type *second = maps || lists ? common_element(b) : NULL;
	const Type *element = first && second ? unify_two(first, second) : NULL;
	if (!element)
		return NULL;
	if (maps)
		return type_map(element);
	gboolean sets = type_kind(a) == TYPE_KIND_SET && type_kind(b) == TYPE_KIND_SET;
	return sets ? type_set(element) : type_list(element);
}

static const Type *unify_two(const Type *a, const Type *b) {
	if (a == b || b == type_any())
		return a;
	if (a == type_any())
		return b;
	if (is_primitive(a) && is_primitive(b))
		return a == type_string() || b == type_string() ? type_string() : NULL;
	const Type *both = NULL;
	if (type_kind(a) == TYPE_KIND_OBJECT && type_kind(b) == TYPE_KIND_OBJECT)
		both = unify_objects(a, b);
	else if (type_kind(a) == TYPE_KIND_TUPLE && type_kind(b) == TYPE_KIND_TUPLE)
		both = unify_tuples(a, b);
	return both ? both : unify_collections(a, b);
}

const Type *type_unify(const Type *const *types, gsize n) {
	const Type *common = n > 0 ? types[0] : type_any();
	for (gsize i = 1; i < n && common; i++)
		common = unify_two(common, types[i]);
	return common;
}

const char *value_problem_reason(const char *problem) {
	static const char *const of_parts[] = {"a number is required", "a bool is required"};
	for (guint i = 0; i < G_N_ELEMENTS(of_parts); i++)
		if (g_str_has_suffix(problem, of_parts[i]))
			return of_parts[i];
	return problem;
}
