/* Steps into values: .name and [key], and what is said where there is no such thing. */
#include "base/text.h"
#include "lang/eval.h"
#include "value/convert.h"

/* Of a list or a set of objects one may have meant the elements' attribute. */
static Value missing_in_sequence(
	const Context *context, const Type *type, const char *name, SourceRange range) {
	const Type *element = type_element(type);
	if (!element || type_kind(element) != TYPE_KIND_OBJECT)
		return eval_fail(context, range, "Unsupported attribute",
			"This value does not have any attributes.");
	gboolean list = type_kind(type) == TYPE_KIND_LIST;
	g_autofree char *which = type_attribute(element, name)
					 ? g_strdup_printf("attribute \"%s\"", name)
					 : g_strdup("an attribute");
	const char *where = !list ? "across all elements of the set"
			    : type_attribute(element, name)
				    ? "for a specific element of the list, or across all elements "
				      "of the list"
				    : "for a specific element of the list";
	return eval_fail(context, range, "Unsupported attribute",
		"Can't access attributes on a %s of objects. Did you mean to access %s %s?",
		list ? "list" : "set", which, where);
}

static Value missing_attribute(
	const Context *context, Value object, const char *name, SourceRange range) {
	if (value_is_mapping(object) && value_kind(object) == VALUE_OBJECT) {
		gsize n = value_length(object);
		g_autofree const char **names = g_new(const char *, n + 1);
		for (gsize i = 0; i < n; i++)
			names[i] = value_key_at(object, i);
		const char *near = text_nearest(name, names, n);
		return near ? eval_fail(context, range, "Unsupported attribute",
				      "This object does not have an attribute named \"%s\". Did "
				      "you mean \"%s\"?",
				      name, near)
			    : eval_fail(context, range, "Unsupported attribute",
				      "This object does not have an attribute named \"%s\".", name);
	}
	if (value_kind(object) == VALUE_MAP)
		return eval_fail(context, range, "Missing map element",
			"This map does not have an element with the key \"%s\".", name);
	if (value_is_sequence(object))
		return missing_in_sequence(context, value_type(object), name, range);
	g_autofree char *type = type_friendly_name(value_type(object));
	return eval_fail(context, range, "Unsupported attribute",
		"Can't access attributes on a primitive-typed value (%s).", type);
}

/* Type of what a step into an unknown gives. */
static const Type *attribute_type(const Type *type, const char *name) {
	if (type_kind(type) == TYPE_KIND_MAP)
		return type_element(type);
	const TypeAttribute *attribute = type_attribute(type, name);
	return attribute ? attribute->type : type_any();
}

static gboolean lacks_attribute(const Type *type, const char *name) {
	return type_kind(type) == TYPE_KIND_OBJECT && !type_attribute(type, name);
}

static Value missing_in_type(
	const Context *context, const Type *type, const char *name, SourceRange range) {
	gsize n = type_length(type);
	g_autofree const char **names = g_new(const char *, n + 1);
	for (gsize i = 0; i < n; i++)
		names[i] = type_attribute_at(type, i)->name;
	g_autofree char *hint = text_suggestion(name, names, n);
	return eval_fail(context, range, "Unsupported attribute",
		"This object has no argument, nested block, or exported attribute named "
		"\"%s\".%s",
		name, hint);
}

Value eval_get_attribute(
	const Context *context, Value object, const char *name, SourceRange range) {
	if (value_is_mapping(object) && value_has(object, name))
		return eval_marked_like(value_ref(value_get(object, name)), object, VALUE_NOTHING);
	if (!value_is_known(object) && lacks_attribute(value_type(object), name) &&
		!context->scope->lenient)
		return missing_in_type(context, value_type(object), name, range);
	if (!value_is_known(object))
		return eval_marked_like(value_unknown(attribute_type(value_type(object), name)),
			object, VALUE_NOTHING);
	if (context->scope->lenient)
		return VALUE_NOTHING;
	if (value_is_null(object))
		return eval_fail(context, range, "Attempt to get attribute from null value",
			"This value is null, so it does not have any attributes.");
	return missing_attribute(context, object, name, range);
}

static const Type *element_type(Value collection) {
	const Type *type = value_type(collection);
	return type_element(type) ? type_element(type) : type_any();
}

static Value index_mapping(const Context *context, Value object, Value key, SourceRange range) {
	g_auto(Value) name = value_convert(key, type_string(), NULL);
	const char *text = value_text(name);
	if (text && value_has(object, text))
		return value_ref(value_get(object, text));
	if (context->scope->lenient)
		return VALUE_NOTHING;
	if (!text)
		return eval_fail(context, range, "Invalid index",
			"The given key does not identify an element in this collection value: "
			"string required.");
	return eval_fail(context, range, "Invalid index",
		"The given key does not identify an element in this collection value.%s",
		value_kind(object) == VALUE_OBJECT && value_kind(key) == VALUE_NUMBER
			? " An object only supports looking up attributes by name, not by numeric "
			  "index."
			: "");
}

static Value index_sequence(const Context *context, Value list, Value key, SourceRange range) {
	if (value_kind(list) == VALUE_SET)
		return eval_fail(context, range, "Invalid index",
			"Elements of a set are identified only by their value and don't have any "
			"separate index or "
			"key to select with, so it's only possible to perform operations across "
			"all elements of "
			"the set.");
	g_auto(Value) number = value_convert(key, type_number(), NULL);
	gint64 index = value_to_int(number, -1);
	if (index >= 0 && index < (gint64)value_length(list))
		return value_ref(value_at(list, (gsize)index));
	if (context->scope->lenient)
		return VALUE_NOTHING;
	if (value_is_null(number))
		return eval_fail(context, range, "Invalid index",
			"The given key does not identify an element in this collection value: a "
			"number is required.");
	if (value_length(list) == 0)
		return eval_fail(context, range, "Invalid index",
			"The given key does not identify an element in this collection value: the "
			"collection has no "
			"elements.");
	if (value_to_double(number, 0) < 0)
		return eval_fail(context, range, "Invalid index",
			"The given key does not identify an element in this collection value: a "
			"negative number is not a valid index for a sequence.");
	if (index < 0)
		return eval_fail(context, range, "Invalid index",
			"The given key does not identify an element in this collection value: "
			"indexing a sequence requires a whole number, but the given index has a "
			"fractional part.");
	return eval_fail(context, range, "Invalid index",
		"The given key does not identify an element in this collection value.");
}

Value eval_get_index(const Context *context, Value object, Value key, SourceRange range) {
	if (!value_is_known(object))
		return eval_marked_like(value_unknown(element_type(object)), object, key);
	if (value_is_null(object) && context->scope->lenient)
		return VALUE_NOTHING;
	if (value_is_null(object))
		return eval_fail(context, range, "Attempt to index null value",
			"This value is null, so it does not have any indices.");
	if (!value_is_mapping(object) && !value_is_sequence(object))
		return eval_fail(
			context, range, "Invalid index", "This value does not have any indices.");
	if (!value_is_known(key))
		return eval_marked_like(value_unknown(element_type(object)), object, key);
	if (value_is_null(key))
		return context->scope->lenient
			       ? VALUE_NOTHING
			       : eval_fail(context, range, "Invalid index",
					 "Can't use a null value as an indexing key.");
	Value found = value_is_mapping(object) ? index_mapping(context, object, key, range)
					       : index_sequence(context, object, key, range);
	return eval_marked_like(found, object, key);
}
