/*
 * Values and schemas: giving what a program made the type that its schema asks for, and judging
 * whether two values of an attribute mean the same. Pure functions.
 */
#include <string.h>

#include "provider/aws/aws.h"

/* ---- shaping ---- */

static Value shape_nested(
	const SchemaNestedBlock *nested, const AwsBlock *block, Value value, char **problem);

Value aws_shape_absent(const SchemaNestedBlock *nested) {
	const Type *element = schema_block_type(nested->block);
	switch (nested->nesting) {
	case SCHEMA_NESTING_SINGLE:
		return value_null(element);
	case SCHEMA_NESTING_LIST:
		return value_builder_end(value_builder_new(VALUE_LIST, element));
	case SCHEMA_NESTING_SET:
		return value_builder_end(value_builder_new(VALUE_SET, element));
	case SCHEMA_NESTING_MAP:
		return value_builder_end(value_builder_new(VALUE_MAP, element));
	}
	return VALUE_NOTHING;
}

static Value shape_attribute(const SchemaAttribute *attribute, Value value, char **problem) {
	if (value_is_null(value))
		return value_null(attribute->type);
	g_autofree char *why = NULL;
	Value converted = value_convert(value, attribute->type, &why);
	if (why)
		*problem = g_strdup_printf("%s: %s", attribute->name, why);
	return converted;
}

Value aws_shape(const AwsBlock *block, Value value, char **problem) {
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	const SchemaBlock *schema = block->schema;
	for (guint i = 0; i < schema->attributes->len && !*problem; i++) {
		const SchemaAttribute *attribute = schema->attributes->pdata[i];
		Value given = value_get(value, attribute->name);
		value_builder_set_take(
			object, attribute->name, shape_attribute(attribute, given, problem));
	}
	for (guint i = 0; i < schema->blocks->len && !*problem; i++) {
		const SchemaNestedBlock *nested = schema->blocks->pdata[i];
		const AwsNestedBlock *own = block->blocks->pdata[i];
		Value given = value_get(value, nested->type);
		value_builder_set_take(
			object, nested->type, shape_nested(nested, own->block, given, problem));
	}
	return *problem ? VALUE_NOTHING : value_builder_end(g_steal_pointer(&object));
}

static const ValueKind nesting_kinds[] = {
	[SCHEMA_NESTING_LIST] = VALUE_LIST,
	[SCHEMA_NESTING_SET] = VALUE_SET,
	[SCHEMA_NESTING_MAP] = VALUE_MAP,
};

static Value shape_elements(
	const SchemaNestedBlock *nested, const AwsBlock *block, Value value, char **problem) {
	g_autoptr(ValueBuilder) all =
		value_builder_new(nesting_kinds[nested->nesting], schema_block_type(nested->block));
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); !*problem && value_iter_next(&iter, &key, &element);) {
		if (value_is_null(element))
			continue;
		Value shaped = value_is_known(element)
				       ? aws_shape(block, element, problem)
				       : value_unknown(schema_block_type(nested->block));
		if (nested->nesting == SCHEMA_NESTING_MAP)
			value_builder_set_take(all, key ? key : "", shaped);
		else
			value_builder_add_take(all, shaped);
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value shape_nested(
	const SchemaNestedBlock *nested, const AwsBlock *block, Value value, char **problem) {
	if (value_is_null(value))
		return aws_shape_absent(nested);
	if (!value_is_known(value)) {
		g_auto(Value) empty = aws_shape_absent(nested);
		return value_unknown(value_type(empty));
	}
	if (nested->nesting == SCHEMA_NESTING_SINGLE)
		return aws_shape(block, value, problem);
	/* A program may give the one object of a list block without brackets. */
	if (nested->nesting != SCHEMA_NESTING_MAP && value_is_mapping(value)) {
		g_auto(Value) one = value_tuple_take(1, value_ref(value));
		return shape_elements(nested, block, one, problem);
	}
	Value shaped = shape_elements(nested, block, value, problem);
	if (*problem) {
		g_autofree char *inner = *problem;
		*problem = g_strdup_printf("%s.%s", nested->type, inner);
	}
	return shaped;
}

/* ---- unknowns and nulls ---- */

/* Rebuilds a container with each element passed through `map`, kinds and element types kept. */
static Value map_elements(Value value, Value (*map)(Value)) {
	ValueKind kind = value_kind(value);
	gboolean typed = kind == VALUE_LIST || kind == VALUE_SET || kind == VALUE_MAP;
	g_autoptr(ValueBuilder) builder =
		value_builder_new(kind, typed ? type_element(value_type(value)) : NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		if (key)
			value_builder_set_take(builder, key, map(element));
		else
			value_builder_add_take(builder, map(element));
	}
	return value_builder_end(g_steal_pointer(&builder));
}

Value aws_without_unknowns(Value value) {
	if (value_is_wholly_known(value))
		return value_ref(value);
	if (!value_is_known(value))
		return value_null(value_type(value));
	return map_elements(value, aws_without_unknowns);
}

static Value prune(Value value) {
	if (value_is_sequence(value)) {
		g_autoptr(ValueBuilder) tuple = value_builder_new(VALUE_TUPLE, NULL);
		for (gsize i = 0; i < value_length(value); i++)
			if (!value_is_null(value_at(value, i)))
				value_builder_add_take(tuple, prune(value_at(value, i)));
		return value_builder_end(g_steal_pointer(&tuple));
	}
	if (!value_is_mapping(value) || value_is_null(value))
		return value_ref(value);
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);)
		if (!value_is_null(element))
			value_builder_set_take(object, key, prune(element));
	return value_builder_end(g_steal_pointer(&object));
}

Value aws_without_nulls(Value value) {
	g_auto(Value) plain = value_unmark_deep(value);
	return prune(plain);
}

/* ---- equality ---- */

static Value json_of(Value text) {
	const char *string = value_text(text);
	return string && *string ? value_from_json(string, (gssize)value_text_length(text), NULL)
				 : VALUE_NOTHING;
}

/* A policy's canonical form: a list of one is its element, lists are in order. */
static Value canonical_policy(Value value) {
	if (value_is_sequence(value)) {
		if (value_length(value) == 1)
			return canonical_policy(value_at(value, 0));
		g_autoptr(ValueBuilder) set = value_builder_new(VALUE_SET, type_any());
		for (gsize i = 0; i < value_length(value); i++) {
			g_auto(Value) element = canonical_policy(value_at(value, i));
			g_autofree char *text = value_to_json(element, VALUE_JSON_COMPACT);
			value_builder_add_take(set, value_string(text));
		}
		return value_builder_end(g_steal_pointer(&set));
	}
	return value_is_mapping(value) ? map_elements(value, canonical_policy) : value_ref(value);
}

static gboolean is_container_default(const char *key, Value value) {
	if (value_is_null(value) || (value_is_sequence(value) && value_length(value) == 0))
		return TRUE;
	if (g_str_equal(key, "essential"))
		return value_to_bool(value);
	if (g_str_equal(key, "protocol"))
		return g_strcmp0(value_text(value), "tcp") == 0;
	if (g_str_equal(key, "cpu") || g_str_equal(key, "hostPort"))
		return value_to_int(value, -1) == 0;
	return FALSE;
}

static int compare_by_json(gconstpointer a, gconstpointer b) {
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static Value canonical_containers(Value value);

/* Lists of named things (environment, secrets, containers) compare without regard to their order.
 */
static Value canonical_list(Value list) {
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	gboolean named = TRUE;
	for (gsize i = 0; i < value_length(list); i++) {
		g_auto(Value) element = canonical_containers(value_at(list, i));
		named = named && value_has(element, "name");
		g_ptr_array_add(texts, value_to_json(element, VALUE_JSON_COMPACT));
	}
	if (named)
		g_ptr_array_sort(texts, compare_by_json);
	g_autoptr(ValueBuilder) tuple = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < texts->len; i++)
		value_builder_add_take(tuple, value_string(texts->pdata[i]));
	return value_builder_end(g_steal_pointer(&tuple));
}

/* Container definitions as ECS gives them back: what is at its default is left out, and in awsvpc
 * mode the host port is the container's. */
static Value canonical_containers(Value value) {
	if (value_is_sequence(value))
		return canonical_list(value);
	if (!value_is_mapping(value))
		return value_ref(value);
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		g_autofree char *name = g_strdup(key);
		name[0] = g_ascii_tolower(name[0]);
		Value container_port = value_get(value, "containerPort");
		gboolean same_port =
			g_str_equal(name, "hostPort") && value_equal(element, container_port);
		if (!is_container_default(name, element) && !same_port)
			value_builder_set_take(object, name, canonical_containers(element));
	}
	return value_builder_end(g_steal_pointer(&object));
}

static gboolean equal_json(Value wanted, Value real, Value (*canonical)(Value)) {
	g_auto(Value) a = json_of(wanted);
	g_auto(Value) b = json_of(real);
	if (value_is_null(a) || value_is_null(b))
		return FALSE;
	g_auto(Value) canonical_a = canonical ? canonical(a) : value_ref(a);
	g_auto(Value) canonical_b = canonical ? canonical(b) : value_ref(b);
	return value_equal(canonical_a, canonical_b);
}

/* "13" wants any 13.x; "13.4" any 13.4.x, but not 13.40. */
static gboolean is_version_prefix(const char *wanted, const char *real) {
	gsize length = strlen(wanted);
	return g_str_has_prefix(real, wanted) && (real[length] == '.' || real[length] == '\0');
}

static gboolean equal_dot(const char *a, const char *b) {
	gsize length_a = strlen(a), length_b = strlen(b);
	length_a -= length_a > 0 && a[length_a - 1] == '.';
	length_b -= length_b > 0 && b[length_b - 1] == '.';
	return length_a == length_b && g_ascii_strncasecmp(a, b, length_a) == 0;
}

/* The name or path of an ARN: behind the last colon, and behind the last slash. */
static gboolean arn_names(const char *arn, const char *name) {
	if (!g_str_has_prefix(arn, "arn:"))
		return FALSE;
	const char *resource = strrchr(arn, ':') + 1;
	const char *slash = strchr(resource, '/');
	const char *last = strrchr(resource, '/');
	return g_str_equal(resource, name) || (slash && g_str_equal(slash + 1, name)) ||
	       (last && g_str_equal(last + 1, name));
}

static gboolean same_protocol(const char *a, const char *b) {
	static const char *const names[][2] = {
		{"all", "-1"}, {"icmp", "1"}, {"tcp", "6"}, {"udp", "17"}, {"icmpv6", "58"}};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		a = g_ascii_strcasecmp(a, names[i][0]) == 0 ? names[i][1] : a;
		b = g_ascii_strcasecmp(b, names[i][0]) == 0 ? names[i][1] : b;
	}
	return g_str_equal(a, b);
}

gboolean aws_equal(AwsEquality equality, Value wanted, Value real) {
	if (value_equal(wanted, real))
		return TRUE;
	const char *a = value_text(wanted), *b = value_text(real);
	if (!a || !b)
		return FALSE;
	switch (equality) {
	case AWS_EQUAL_EXACT:
		return FALSE;
	case AWS_EQUAL_JSON:
		return equal_json(wanted, real, NULL);
	case AWS_EQUAL_POLICY:
		return equal_json(wanted, real, canonical_policy);
	case AWS_EQUAL_CONTAINERS:
		return equal_json(wanted, real, canonical_containers);
	case AWS_EQUAL_CASE:
		return g_ascii_strcasecmp(a, b) == 0;
	case AWS_EQUAL_PREFIX:
		return is_version_prefix(a, b);
	case AWS_EQUAL_DOT:
		return equal_dot(a, b);
	case AWS_EQUAL_PROTOCOL:
		return same_protocol(a, b);
	case AWS_EQUAL_ARN_NAME:
		return arn_names(a, b) || arn_names(b, a);
	}
	return FALSE;
}
