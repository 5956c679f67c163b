/* Reading a syntax tree without evaluating it: references, literal forms, type constraints. */
#include <string.h>

#include "lang/syntax.h"
#include "value/convert.h"

SourceRange lang_expr_range(const LangExpr *expr) {
	return expr->range;
}

SourceRange lang_body_start(const LangBody *body) {
	SourceRange start = body->range;
	start.end_line = start.start_line;
	start.end_column = start.start_column + 1;
	start.end_byte = start.start_byte + 1;
	return start;
}

/* ---- references ---- */

typedef struct {
	LangReferenceFunc found;
	gpointer data;
	GPtrArray *locals; /* names of for expressions around */
} Walk;

static void walk(const LangExpr *expr, Walk *state);

static gboolean is_local(const Walk *state, const char *name) {
	for (guint i = 0; i < state->locals->len; i++)
		if (state->locals->pdata[i] == name)
			return TRUE;
	return FALSE;
}

static void walk_all(LangExpr *const *items, guint n, Walk *state) {
	for (guint i = 0; i < n; i++)
		walk(items[i], state);
}

static void walk_for(const LangExpr *expr, Walk *state) {
	walk(expr->collection, state);
	guint before = state->locals->len;
	if (expr->key_name)
		g_ptr_array_add(state->locals, (gpointer)expr->key_name);
	g_ptr_array_add(state->locals, (gpointer)expr->value_name);
	if (expr->result_key)
		walk(expr->result_key, state);
	walk(expr->result, state);
	if (expr->filter)
		walk(expr->filter, state);
	g_ptr_array_set_size(state->locals, (gint)before);
}

static void walk_object(const LangExpr *expr, Walk *state) {
	for (guint i = 0; i < expr->n_items; i++) {
		if (!lang_bare_name(expr->items[i]))
			walk(expr->items[i], state);
		walk(expr->values[i], state);
	}
}

static void walk(const LangExpr *expr, Walk *state) {
	switch (expr->kind) {
	case EXPR_LITERAL:
	case EXPR_EACH:
		break;
	case EXPR_TEMPLATE:
	case EXPR_TUPLE:
	case EXPR_CALL:
		walk_all(expr->items, expr->n_items, state);
		break;
	case EXPR_OBJECT:
		walk_object(expr, state);
		break;
	case EXPR_TRAVERSAL:
		if (!is_local(state, expr->traversal.root))
			state->found(&expr->traversal, state->data);
		break;
	case EXPR_WRAP:
	case EXPR_PARENTHESES:
	case EXPR_ATTRIBUTE:
		walk(expr->object, state);
		break;
	case EXPR_INDEX:
		walk(expr->object, state);
		walk(expr->key, state);
		break;
	case EXPR_SPLAT:
		walk(expr->object, state);
		walk(expr->body, state);
		break;
	case EXPR_CONDITIONAL:
	case EXPR_IF_DIRECTIVE:
		walk(expr->condition, state);
		walk(expr->then, state);
		if (expr->otherwise)
			walk(expr->otherwise, state);
		break;
	case EXPR_BINARY:
		walk(expr->left, state);
		walk(expr->right, state);
		break;
	case EXPR_UNARY:
		walk(expr->right, state);
		break;
	case EXPR_FOR:
	case EXPR_FOR_DIRECTIVE:
		walk_for(expr, state);
		break;
	}
}

void lang_expr_references(const LangExpr *expr, LangReferenceFunc found, gpointer data) {
	g_autoptr(GPtrArray) locals = g_ptr_array_new();
	walk(expr, &(Walk){found, data, locals});
}

void lang_body_references(const LangBody *body, LangReferenceFunc found, gpointer data) {
	for (guint i = 0; i < body->attributes->len; i++)
		lang_expr_references(
			((LangAttribute *)body->attributes->pdata[i])->expr, found, data);
	for (guint i = 0; i < body->blocks->len; i++)
		lang_body_references(((LangBlock *)body->blocks->pdata[i])->body, found, data);
}

/* ---- literal forms ---- */

const LangTraversal *lang_expr_traversal(const LangExpr *expr) {
	if (expr->spelt)
		return lang_expr_traversal(expr->spelt);
	if (expr->kind == EXPR_PARENTHESES || expr->kind == EXPR_WRAP)
		return lang_expr_traversal(expr->object);
	return expr->kind == EXPR_TRAVERSAL ? &expr->traversal : NULL;
}

gboolean lang_expr_tuple(const LangExpr *expr, LangExpr ***elements, guint *n) {
	if (expr->kind != EXPR_TUPLE)
		return FALSE;
	*elements = expr->items;
	*n = expr->n_items;
	return TRUE;
}

gboolean lang_expr_object(const LangExpr *expr, LangExpr ***keys, LangExpr ***values, guint *n) {
	if (expr->kind != EXPR_OBJECT)
		return FALSE;
	*keys = expr->items;
	*values = expr->values;
	*n = expr->n_items;
	return TRUE;
}

gboolean lang_expr_call(const LangExpr *expr, const char **name, LangExpr ***arguments, guint *n) {
	if (expr->spelt)
		return lang_expr_call(expr->spelt, name, arguments, n);
	if (expr->kind != EXPR_CALL)
		return FALSE;
	*name = expr->name;
	*arguments = expr->items;
	*n = expr->n_items;
	return TRUE;
}

const char *lang_bare_name(const LangExpr *expr) {
	return expr->kind == EXPR_TRAVERSAL && expr->traversal.n_steps == 0 ? expr->traversal.root
									    : NULL;
}

const char *lang_expr_keyword(const LangExpr *expr) {
	const char *name = lang_bare_name(expr);
	if (name)
		return name;
	const char *text = expr->kind == EXPR_LITERAL ? value_text(expr->literal) : NULL;
	return text ? g_intern_string(text) : NULL;
}

/* ---- type constraints ---- */

struct LangDefaults {
	GHashTable *values; /* attribute -> Value* : its default */
	GHashTable *inner; /* attribute -> LangDefaults*, of an object; "" for elements */
	const Type *type;
};

static void value_box_free(gpointer data) {
	value_clear(data);
	g_free(data);
}

static LangDefaults *defaults_new(void) {
	LangDefaults *defaults = g_new0(LangDefaults, 1);
	defaults->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, value_box_free);
	defaults->inner = g_hash_table_new_full(
		g_str_hash, g_str_equal, NULL, (GDestroyNotify)lang_defaults_free);
	return defaults;
}

void lang_defaults_free(LangDefaults *defaults) {
	if (!defaults)
		return;
	g_hash_table_unref(defaults->values);
	g_hash_table_unref(defaults->inner);
	g_free(defaults);
}

typedef struct {
	gboolean allows_defaults;
	Diags *diags;
} TypeReader;

static const Type *read_type(TypeReader *reader, const LangExpr *expr, LangDefaults **defaults);

static const Type *bad_type(TypeReader *reader, const LangExpr *expr, const char *detail) {
	diags_error(reader->diags, expr->range, "Invalid type specification", "%s", detail);
	return NULL;
}

static const Type *keyword_type(TypeReader *reader, const LangExpr *expr, const char *name) {
	const struct {
		const char *name;
		const Type *type;
	} words[] = {{"any", type_any()}, {"bool", type_bool()}, {"number", type_number()},
		{"string", type_string()}};
	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_str_equal(words[i].name, name))
			return words[i].type;
	static const char *const generic[] = {"list", "set", "map", NULL};
	if (g_strv_contains(generic, name)) {
		g_autofree char *detail = g_strdup_printf("The %s type constructor requires one "
							  "argument specifying the element type.",
			name);
		return bad_type(reader, expr, detail);
	}
	g_autofree char *detail =
		g_strdup_printf("The keyword \"%s\" is not a valid type specification.", name);
	return bad_type(reader, expr, detail);
}

static void keep_inner(LangDefaults **defaults, const char *name, LangDefaults *inner) {
	if (!inner)
		return;
	if (!*defaults)
		*defaults = defaults_new();
	g_hash_table_insert((*defaults)->inner, (char *)name, inner);
}

/* optional(type, default) */
static const Type *optional_type(
	TypeReader *reader, const LangExpr *expr, const char *name, LangDefaults **defaults) {
	if (expr->n_items < 1 || expr->n_items > 2)
		return bad_type(reader, expr,
			expr->n_items < 1
				? "Optional attribute modifier requires the attribute type as its "
				  "argument."
				: "Optional attribute modifier expects at most two arguments: the "
				  "attribute type, and a default value.");
	LangDefaults *inner = NULL;
	const Type *type = read_type(reader, expr->items[0], &inner);
	keep_inner(defaults, name, inner);
	if (!type || expr->n_items < 2)
		return type;
	if (!reader->allows_defaults)
		return bad_type(reader, expr->items[1], "Default values are not allowed here.");
	g_auto(Value) plain =
		lang_eval(expr->items[1], &(const LangScope){.constant = TRUE}, reader->diags);
	g_autofree char *problem = NULL;
	Value value = value_convert(plain, type, &problem);
	if (problem)
		diags_error(reader->diags, expr->items[1]->range,
			"Invalid default value for optional attribute",
			"This default value is not compatible with the attribute's type "
			"constraint: %s.",
			value_problem_reason(problem));
	if (!*defaults)
		*defaults = defaults_new();
	g_hash_table_insert((*defaults)->values, (char *)name, g_memdup2(&value, sizeof value));
	return type;
}

static const Type *object_type(TypeReader *reader, const LangExpr *call, LangDefaults **defaults) {
	const LangExpr *expr = call->n_items == 1 ? call->items[0] : NULL;
	if (!expr || expr->kind != EXPR_OBJECT)
		return bad_type(reader, call,
			"Object type constructor requires a map whose keys are attribute names and "
			"whose values are "
			"the corresponding attribute types.");
	g_autofree TypeAttribute *attributes = g_new0(TypeAttribute, expr->n_items + 1);
	for (guint i = 0; i < expr->n_items; i++) {
		const LangExpr *value = expr->values[i];
		TypeAttribute *attribute = &attributes[i];
		attribute->name = lang_expr_keyword(expr->items[i]);
		if (!attribute->name)
			return bad_type(reader, expr->items[i],
				"Object constructor map keys must be attribute names.");
		attribute->optional =
			value->kind == EXPR_CALL && g_str_equal(value->name, "optional");
		LangDefaults *inner = NULL;
		if (attribute->optional) {
			attribute->type = optional_type(reader, value, attribute->name, defaults);
		} else {
			attribute->type = read_type(reader, value, &inner);
			keep_inner(defaults, attribute->name, inner);
		}
		if (!attribute->type)
			return NULL;
	}
	const Type *type = type_object(attributes, expr->n_items);
	if (*defaults)
		(*defaults)->type = type;
	return type;
}

static const Type *tuple_type(TypeReader *reader, const LangExpr *call) {
	const LangExpr *expr = call->n_items == 1 ? call->items[0] : NULL;
	if (!expr || expr->kind != EXPR_TUPLE)
		return bad_type(
			reader, call, "Tuple type constructor requires a list of element types.");
	g_autofree const Type **types = g_new0(const Type *, expr->n_items + 1);
	for (guint i = 0; i < expr->n_items; i++) {
		LangDefaults *inner = NULL;
		types[i] = read_type(reader, expr->items[i], &inner);
		lang_defaults_free(inner);
		if (!types[i])
			return NULL;
	}
	return type_tuple(types, expr->n_items);
}

static const Type *call_type(TypeReader *reader, const LangExpr *expr, LangDefaults **defaults) {
	if (g_str_equal(expr->name, "object"))
		return object_type(reader, expr, defaults);
	if (g_str_equal(expr->name, "tuple"))
		return tuple_type(reader, expr);
	const struct {
		const char *name;
		const Type *(*make)(const Type *element);
	} collections[] = {{"list", type_list}, {"set", type_set}, {"map", type_map}};
	for (guint i = 0; i < G_N_ELEMENTS(collections); i++) {
		if (!g_str_equal(collections[i].name, expr->name))
			continue;
		if (expr->n_items != 1)
			return keyword_type(reader, expr, expr->name);
		LangDefaults *inner = NULL;
		const Type *element = read_type(reader, expr->items[0], &inner);
		keep_inner(defaults, "", inner);
		return element ? collections[i].make(element) : NULL;
	}
	if (g_str_equal(expr->name, "optional"))
		return bad_type(reader, expr,
			"Keyword \"optional\" is valid only as a modifier for object type "
			"attributes.");
	static const char *const keywords[] = {"any", "bool", "number", "string", NULL};
	g_autofree char *detail =
		g_strv_contains(keywords, expr->name)
			? g_strdup_printf("%s keyword \"%s\" does not expect arguments.",
				  g_str_equal(expr->name, "any") ? "Type constraint"
								 : "Primitive type",
				  expr->name)
			: g_strdup_printf(
				  "Keyword \"%s\" is not a valid type constructor.", expr->name);
	return bad_type(reader, expr, detail);
}

static const Type *read_type(TypeReader *reader, const LangExpr *expr, LangDefaults **defaults) {
	if (expr->spelt && expr->spelt->kind == EXPR_CALL)
		expr = expr->spelt;
	if (expr->kind == EXPR_CALL)
		return call_type(reader, expr, defaults);
	const char *name = lang_expr_keyword(expr);
	if (name)
		return keyword_type(reader, expr, name);
	return bad_type(reader, expr,
		"A type specification is either a primitive type keyword (bool, number, string) or "
		"a complex type constructor call, like list(string).");
}

const Type *lang_type(const LangExpr *expr, LangDefaults **defaults, Diags *diags) {
	LangDefaults *found = NULL;
	TypeReader reader = {.allows_defaults = defaults != NULL, .diags = diags};
	const Type *type = read_type(&reader, expr, &found);
	if (defaults)
		*defaults = found;
	else
		lang_defaults_free(found);
	return type;
}

/* ---- defaults ---- */

static Value apply_to_elements(const LangDefaults *defaults, Value value) {
	ValueKind kind = value_kind(value);
	ValueKind made = value_is_mapping(value) ? VALUE_OBJECT
			 : kind == VALUE_SET	 ? VALUE_SET
						 : VALUE_TUPLE;
	g_autoptr(ValueBuilder) builder = value_builder_new(made, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		Value applied = lang_defaults_apply(defaults, element);
		if (key)
			value_builder_set_take(builder, key, applied);
		else
			value_builder_add_take(builder, applied);
	}
	return value_builder_end(g_steal_pointer(&builder));
}

static Value apply_to_object(const LangDefaults *defaults, Value value) {
	g_auto(Value) result = value_ref(value);
	GHashTableIter iter;
	gpointer name, box;
	g_hash_table_iter_init(&iter, defaults->values);
	while (g_hash_table_iter_next(&iter, &name, &box))
		if (value_is_null(value_get(value, name)))
			result = value_with_take(
				value_steal(&result), name, value_ref(*(Value *)box));
	g_hash_table_iter_init(&iter, defaults->inner);
	while (g_hash_table_iter_next(&iter, &name, &box))
		if (value_has(result, name)) {
			Value applied = lang_defaults_apply(box, value_get(result, name));
			result = value_with_take(value_steal(&result), name, applied);
		}
	return value_steal(&result);
}

Value lang_defaults_apply(const LangDefaults *defaults, Value value) {
	if (!defaults || value_is_null(value) || !value_is_known(value))
		return value_ref(value);
	g_auto(Value) result = VALUE_NOTHING;
	const LangDefaults *elements = g_hash_table_lookup(defaults->inner, "");
	if (elements && (value_is_sequence(value) || value_is_mapping(value)))
		result = apply_to_elements(elements, value);
	else if (value_is_mapping(value))
		result = apply_to_object(defaults, value);
	else
		result = value_ref(value);
	return value_is_sensitive(value) ? value_mark_sensitive(result) : value_steal(&result);
}
