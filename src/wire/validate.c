/*
 * Validation by the model: required members, lengths, ranges, patterns, enums; with the error code
 * of the service and the sentence that AWS's front ends give ("1 validation error detected: Value
 * …").
 */
#include <math.h>
#include <string.h>

#include "value/json.h"
#include "wire/codec.h"

typedef struct {
	const WireService *service;
	GPtrArray *problems; /* of char* */
	gboolean in_document; /* a problem is in what the body says */
	char *missing; /* the first required member that is not there; or NULL */
} Validation;

static void check(Validation *validation, const WireShape *shape, Value value, const char *path);

/* "roleName": paths in messages begin with a small letter. */
static char *member_path(const char *path, const char *name) {
	g_autofree char *small = g_strdup(name);
	small[0] = g_ascii_tolower(small[0]);
	return *path ? g_strdup_printf("%s.%s", path, small) : g_strdup(small);
}

static void violated(
	Validation *validation, Value value, const char *path, const char *constraint) {
	g_autofree char *shown = value_text(value)	? g_strdup(value_text(value))
				 : value_is_null(value) ? g_strdup("null")
							: value_to_json(value, VALUE_JSON_COMPACT);
	gboolean quoted = !value_is_null(value);
	validation->in_document |= strchr(path, '.') != NULL;
	g_ptr_array_add(validation->problems,
		g_strdup_printf("Value %s%s%s at '%s' failed to satisfy constraint: %s",
			quoted ? "'" : "", shown, quoted ? "'" : "", path, constraint));
}

static void check_structure(
	Validation *validation, const WireShape *shape, Value value, const char *path) {
	for (guint i = 0; i < shape->members->len; i++) {
		const Member *member = &g_array_index(shape->members, Member, i);
		Value inner = value_get(value, member->name);
		g_autofree char *inner_path = member_path(path, member->name);
		if (!value_is_null(inner)) {
			check(validation, member->shape, inner, inner_path);
		} else if (member->required && !member->token) {
			validation->in_document |= member->location == LOCATION_BODY;
			if (!validation->missing)
				validation->missing =
					g_strdup(validation->service->protocol == WIRE_PROTOCOL_EC2
							 ? inner_path
							 : member->name);
			violated(validation, VALUE_NOTHING, inner_path, "Member must not be null");
		}
	}
}

static gboolean out_of_bounds(const WireShape *shape, double size) {
	return (!isnan(shape->min) && size < shape->min) ||
	       (!isnan(shape->max) && size > shape->max);
}

static void check_length(Validation *validation, const WireShape *shape, Value value, double length,
	const char *path) {
	if (!out_of_bounds(shape, length))
		return;
	gboolean less = !isnan(shape->min) && length < shape->min;
	g_autofree char *constraint =
		g_strdup_printf("Member must have length %s than or equal to %.0f",
			less ? "greater" : "less", less ? shape->min : shape->max);
	violated(validation, value, path, constraint);
}

static void check_elements(
	Validation *validation, const WireShape *shape, Value value, const char *path) {
	check_length(validation, shape, value, (double)value_length(value), path);
	for (gsize i = 0; i < value_length(value); i++) {
		g_autofree char *inner =
			shape->type == SHAPE_LIST
				? g_strdup_printf("%s.%" G_GSIZE_FORMAT ".member", path, i + 1)
				: g_strdup_printf("%s.%s.member", path, value_key_at(value, i));
		check(validation, shape->element.shape, value_at(value, i), inner);
	}
}

static gboolean is_enum_value(const WireShape *shape, const char *text) {
	for (guint i = 0; i < shape->values->len; i++)
		if (g_str_equal(shape->values->pdata[i], text))
			return TRUE;
	return FALSE;
}

static void check_enum(
	Validation *validation, const WireShape *shape, Value value, const char *path) {
	if (is_enum_value(shape, value_text(value)))
		return;
	g_autofree char *all = NULL;
	GString *list = g_string_new(NULL);
	for (guint i = 0; i < shape->values->len; i++)
		g_string_append_printf(
			list, "%s%s", i > 0 ? ", " : "", (char *)shape->values->pdata[i]);
	all = g_string_free(list, FALSE);
	g_autofree char *constraint =
		g_strdup_printf("Member must satisfy enum value set: [%s]", all);
	violated(validation, value, path, constraint);
}

/* Patterns are Java's; those that PCRE does not understand are not checked. */
static void check_pattern(
	Validation *validation, const WireShape *shape, Value value, const char *path) {
	g_autofree char *anchored = g_strdup_printf("^(?:%s)$", shape->pattern);
	g_autoptr(GRegex) regex = g_regex_new(anchored, G_REGEX_DOLLAR_ENDONLY, 0, NULL);
	if (!regex || g_regex_match(regex, value_text(value), 0, NULL))
		return;
	g_autofree char *constraint = g_strdup_printf(
		"Member must satisfy regular expression pattern: %s", shape->pattern);
	violated(validation, value, path, constraint);
}

static void check_string(
	Validation *validation, const WireShape *shape, Value value, const char *path) {
	if (shape->values) {
		check_enum(validation, shape, value, path);
		return;
	}
	check_length(validation, shape, value, (double)g_utf8_strlen(value_text(value), -1), path);
	if (shape->pattern)
		check_pattern(validation, shape, value, path);
}

static void check_number(
	Validation *validation, const WireShape *shape, Value value, const char *path) {
	double number = value_to_double(value, 0);
	if (!out_of_bounds(shape, number))
		return;
	gboolean less = !isnan(shape->min) && number < shape->min;
	g_autofree char *constraint =
		g_strdup_printf("Member must have value %s than or equal to %.0f",
			less ? "greater" : "less", less ? shape->min : shape->max);
	violated(validation, value, path, constraint);
}

static void check(Validation *validation, const WireShape *shape, Value value, const char *path) {
	switch (shape->type) {
	case SHAPE_STRUCTURE:
		check_structure(validation, shape, value, path);
		break;
	case SHAPE_LIST:
	case SHAPE_MAP:
		check_elements(validation, shape, value, path);
		break;
	case SHAPE_STRING:
		check_string(validation, shape, value, path);
		break;
	case SHAPE_INTEGER:
	case SHAPE_FLOAT:
		check_number(validation, shape, value, path);
		break;
	default:
		break;
	}
}

/* The code that the service gives for what the model forbids. */
static const char *validation_code(const WireService *service) {
	static const struct {
		const char *service, *code;
	} codes[] = {
		{"ecs", "InvalidParameterException"},
		{"ecr", "InvalidParameterException"},
		{"logs", "InvalidParameterException"},
		{"s3", "InvalidArgument"},
		{"servicediscovery", "InvalidInput"},
		{"rds", "InvalidParameterValue"},
		{"ec2", "InvalidParameterValue"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
		if (g_str_equal(codes[i].service, service->name))
			return codes[i].code;
	return service->protocol == WIRE_PROTOCOL_QUERY ? "ValidationError" : "ValidationException";
}

static void report(const Validation *validation, GError **error) {
	const WireService *service = validation->service;
	gboolean names_parameter =
		service->protocol == WIRE_PROTOCOL_EC2 || g_str_equal(service->name, "rds");
	if (validation->missing && names_parameter) {
		wire_error_set(error, "MissingParameter",
			"The request must contain the parameter %s", validation->missing);
		return;
	}
	/* What S3 finds wrong in a document it does not name. */
	if (g_str_equal(service->name, "s3") && validation->in_document) {
		wire_error_set(error, "MalformedXML",
			"The XML you provided was not well-formed or did not validate against our "
			"published schema");
		return;
	}
	g_ptr_array_add(validation->problems, NULL);
	g_autofree char *all = g_strjoinv("; ", (char **)validation->problems->pdata);
	guint n = validation->problems->len - 1;
	wire_error_set(error, validation_code(service), "%u validation error%s detected: %s", n,
		n == 1 ? "" : "s", all);
}

gboolean wire_validate(const WireOperation *operation, Value input, GError **error) {
	if (!operation->input)
		return TRUE;
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	Validation validation = {.service = operation->service, .problems = problems};
	check(&validation, operation->input, input, "");
	gboolean fine = problems->len == 0;
	if (!fine)
		report(&validation, error);
	g_free(validation.missing);
	return fine;
}
