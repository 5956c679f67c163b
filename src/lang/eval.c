/*
 * Evaluation of expressions to values, with Terraform's rules for null, unknown and sensitive, and
 * its words for errors. A reference is never copied: a step into a value borrows it. Must never
 * know what a name means: the scope's resolver tells.
 */

#include "base/text.h"
#include "lang/syntax.h"
#include "value/convert.h"

/* A scope with what belongs to one evaluation. */
typedef struct {
	const LangScope *scope;
	Value locals; /* borrowed */
	Value each; /* the element of the innermost splat; borrowed */
	Diags *diags;
} Context;

static Value eval(const LangExpr *expr, const Context *context);

/* ---- helpers ---- */

static Value anything(void) {
	return value_unknown(type_any());
}

/* `value` with the marks that any of these had. */
static Value marked_like(Value value_taken, Value a, Value b) {
	if (!value_is_sensitive(a) && !value_is_sensitive(b))
		return value_taken;
	Value marked = value_mark_sensitive(value_taken);
	value_unref(value_taken);
	return marked;
}

static Value fail(
	const Context *context, SourceRange range, const char *summary, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *detail = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	diags_error(context->diags, range, summary, "%s", detail);
	return anything();
}

/* ---- steps into values ---- */

static Value missing_attribute(
	const Context *context, Value object, const char *name, SourceRange range) {
	if (value_is_mapping(object) && value_kind(object) == VALUE_OBJECT) {
		gsize n = value_length(object);
		g_autofree const char **names = g_new(const char *, n + 1);
		for (gsize i = 0; i < n; i++)
			names[i] = value_key_at(object, i);
		const char *near = text_nearest(name, names, n);
		return near ? fail(context, range, "Unsupported attribute",
				      "This object does not have an attribute named \"%s\". Did "
				      "you mean \"%s\"?",
				      name, near)
			    : fail(context, range, "Unsupported attribute",
				      "This object does not have an attribute named \"%s\".", name);
	}
	if (value_kind(object) == VALUE_MAP)
		return fail(context, range, "Missing map element",
			"This map does not have an element with the key \"%s\".", name);
	if (value_is_sequence(object))
		return fail(context, range, "Unsupported attribute",
			"Can't access attributes on a list of objects. Did you mean to access an "
			"attribute for a "
			"specific element of the list?");
	g_autofree char *type = type_friendly_name(value_type(object));
	return fail(context, range, "Unsupported attribute",
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
	return fail(context, range, "Unsupported attribute",
		"This object has no argument, nested block, or exported attribute named "
		"\"%s\".%s",
		name, hint);
}

static Value get_attribute(
	const Context *context, Value object, const char *name, SourceRange range) {
	if (value_is_mapping(object) && value_has(object, name))
		return marked_like(value_ref(value_get(object, name)), object, VALUE_NOTHING);
	if (!value_is_known(object) && lacks_attribute(value_type(object), name) &&
		!context->scope->lenient)
		return missing_in_type(context, value_type(object), name, range);
	if (!value_is_known(object))
		return marked_like(value_unknown(attribute_type(value_type(object), name)), object,
			VALUE_NOTHING);
	if (context->scope->lenient)
		return VALUE_NOTHING;
	if (value_is_null(object))
		return fail(context, range, "Attempt to get attribute from null value",
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
		return fail(context, range, "Invalid index",
			"The given key does not identify an element in this collection value: "
			"string required.");
	return fail(context, range, "Invalid index",
		"The given key does not identify an element in this collection value.");
}

static Value index_sequence(const Context *context, Value list, Value key, SourceRange range) {
	if (value_kind(list) == VALUE_SET)
		return fail(context, range, "Invalid index",
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
		return fail(context, range, "Invalid index",
			"The given key does not identify an element in this collection value: a "
			"number is required.");
	if (value_length(list) == 0)
		return fail(context, range, "Invalid index",
			"The given key does not identify an element in this collection value: the "
			"collection has no "
			"elements.");
	if (index < 0)
		return fail(context, range, "Invalid index",
			"The given key does not identify an element in this collection value: a "
			"negative number is "
			"not a valid index for a sequence.");
	return fail(context, range, "Invalid index",
		"The given key does not identify an element in this collection value: the given "
		"index is "
		"greater than or equal to the length of the collection.");
}

static Value get_index(const Context *context, Value object, Value key, SourceRange range) {
	if (!value_is_known(object))
		return marked_like(value_unknown(element_type(object)), object, key);
	if (value_is_null(object) && context->scope->lenient)
		return VALUE_NOTHING;
	if (value_is_null(object))
		return fail(context, range, "Attempt to index null value",
			"This value is null, so it does not have any indices.");
	if (!value_is_mapping(object) && !value_is_sequence(object))
		return fail(
			context, range, "Invalid index", "This value does not have any indices.");
	if (!value_is_known(key))
		return marked_like(value_unknown(element_type(object)), object, key);
	if (value_is_null(key))
		return context->scope->lenient
			       ? VALUE_NOTHING
			       : fail(context, range, "Invalid index",
					 "Can't use a null value as an indexing key.");
	Value found = value_is_mapping(object) ? index_mapping(context, object, key, range)
					       : index_sequence(context, object, key, range);
	return marked_like(found, object, key);
}

static Value take_steps(const Context *context, Value value_taken, const LangStep *steps, guint n) {
	g_auto(Value) value = value_taken;
	for (guint i = 0; i < n; i++) {
		Value next = steps[i].kind == LANG_STEP_NAME
				     ? get_attribute(context, value, steps[i].name, steps[i].range)
				     : get_index(context, value, steps[i].index, steps[i].range);
		value_clear(&value);
		value = next;
	}
	return value_steal(&value);
}

static Value eval_traversal(const LangTraversal *traversal, const Context *context) {
	if (value_has(context->locals, traversal->root))
		return take_steps(context, value_ref(value_get(context->locals, traversal->root)),
			traversal->steps, traversal->n_steps);
	Value value = VALUE_NOTHING;
	guint used = 0;
	if (!context->scope->resolve) {
		return fail(context, traversal->range, "Variables not allowed",
			"Variables may not be used here.");
	}
	if (!context->scope->resolve(
		    traversal, &value, &used, context->scope->data, context->diags))
		return anything();
	const LangStep *rest = used < traversal->n_steps ? traversal->steps + used : NULL;
	return take_steps(context, value, rest, traversal->n_steps - used);
}

/* ---- templates ---- */

/* The text of a part; FALSE: there is none (unknown, or an error was reported). */
static gboolean append_part(GString *out, Value value, SourceRange range, const Context *context) {
	if (!value_is_known(value))
		return FALSE;
	if (value_is_null(value)) {
		fail(context, range, "Invalid template interpolation value",
			"The expression result is null. Cannot include a null value in a string "
			"template.");
		return FALSE;
	}
	g_autofree char *problem = NULL;
	g_auto(Value) text = value_convert(value, type_string(), &problem);
	if (problem) {
		fail(context, range, "Invalid template interpolation value",
			"Cannot include the given value in a string template: %s.", problem);
		return FALSE;
	}
	g_string_append_len(out, value_text(text), (gssize)value_text_length(text));
	return TRUE;
}

static Value eval_template(const LangExpr *expr, const Context *context) {
	g_autoptr(GString) out = g_string_new(NULL);
	gboolean known = TRUE, sensitive = FALSE;
	for (guint i = 0; i < expr->n_items; i++) {
		g_auto(Value) part = eval(expr->items[i], context);
		sensitive = sensitive || value_has_sensitive(part);
		if (!append_part(out, part, expr->items[i]->range, context))
			known = FALSE;
	}
	Value result =
		known ? value_string_sized(out->str, out->len) : value_unknown(type_string());
	if (!sensitive)
		return result;
	Value marked = value_mark_sensitive(result);
	value_unref(result);
	return marked;
}

/* ---- conditions ---- */

/* 1, 0, or -1 if it is unknown or an error was reported. */
static int truth(const Context *context, Value value, SourceRange range, const char *summary) {
	if (!value_is_known(value))
		return -1;
	if (value_is_null(value)) {
		if (context->scope->lenient)
			return 0;
		fail(context, range, summary,
			"The condition value is null. Conditions must either be true or false.");
		return -1;
	}
	g_autofree char *problem = NULL;
	g_auto(Value) boolean = value_convert(value, type_bool(), &problem);
	if (problem) {
		fail(context, range, summary, "The condition expression must be of type bool: %s.",
			problem);
		return -1;
	}
	return value_to_bool(boolean);
}

/* Both results of a conditional must have one type. */
static const Type *conditional_type(
	const LangExpr *expr, const Context *context, Value a, Value b) {
	if (value_is_null(a) && value_type(a) == type_any())
		return value_type(b);
	if (value_is_null(b) && value_type(b) == type_any())
		return value_type(a);
	const Type *types[] = {value_type(a), value_type(b)};
	const Type *type = type_unify(types, 2);
	if (!type && !context->scope->lenient) {
		g_autofree char *first = type_friendly_name(types[0]);
		g_autofree char *second = type_friendly_name(types[1]);
		fail(context, expr->range, "Inconsistent conditional result types",
			"The true and false result expressions must have consistent types. The "
			"'true' value is %s, "
			"but the 'false' value is %s.",
			first, second);
	}
	return type;
}

static Value eval_conditional(const LangExpr *expr, const Context *context) {
	g_auto(Value) condition = eval(expr->condition, context);
	int decided = truth(context, condition, expr->condition->range,
		value_is_null(condition) ? "Null condition" : "Incorrect condition type");
	/* A program of a resource type takes one way only: the other one may make no sense. */
	if (context->scope->lenient && decided >= 0)
		return eval(decided ? expr->then : expr->otherwise, context);
	g_auto(Value) then = eval(expr->then, context);
	g_auto(Value) otherwise = eval(expr->otherwise, context);
	const Type *type = conditional_type(expr, context, then, otherwise);
	if (!type)
		type = type_any();
	if (decided < 0)
		return marked_like(value_unknown(type), condition, VALUE_NOTHING);
	Value converted = value_convert(decided ? then : otherwise, type, NULL);
	return marked_like(converted, condition, VALUE_NOTHING);
}

static Value eval_if_directive(const LangExpr *expr, const Context *context) {
	g_auto(Value) condition = eval(expr->condition, context);
	int decided = truth(context, condition, expr->condition->range, "Invalid condition");
	if (decided < 0)
		return marked_like(value_unknown(type_string()), condition, VALUE_NOTHING);
	const LangExpr *chosen = decided ? expr->then : expr->otherwise;
	Value result = chosen ? eval(chosen, context) : value_string("");
	return marked_like(result, condition, VALUE_NOTHING);
}

/* ---- operators ---- */

Value lang_equals(Value a, Value b) {
	if (value_is_null(a) || value_is_null(b))
		return value_is_known(a) && value_is_known(b)
			       ? value_bool(value_is_null(a) && value_is_null(b))
			       : value_unknown(type_bool());
	if (!value_is_wholly_known(a) || !value_is_wholly_known(b))
		return value_unknown(type_bool());
	if (value_type(a) == value_type(b))
		return value_bool(value_equal(a, b));
	const Type *types[] = {value_type(a), value_type(b)};
	/* Different primitives are never equal, containers may differ in what they were written as.
	 */
	if (!type_element(types[0]) && !type_element(types[1]) &&
		type_kind(types[0]) < TYPE_KIND_LIST)
		return value_bool(FALSE);
	const Type *type = type_unify(types, 2);
	if (!type)
		return value_bool(FALSE);
	g_auto(Value) first = value_convert(a, type, NULL);
	g_auto(Value) second = value_convert(b, type, NULL);
	return value_bool(value_equal(first, second));
}

/* To Terraform a list never equals a tuple, nor a map an object. */
static gboolean different_kinds(const Context *context, Value a, Value b) {
	return !context->scope->lenient && value_is_known(a) && value_is_known(b) &&
	       !value_is_null(a) && !value_is_null(b) && value_kind(a) != value_kind(b);
}

static Value operand(const LangExpr *expr, const Context *context, const Type *type,
	const char *side, Value *original) {
	*original = eval(expr, context);
	if (value_is_null(*original) && context->scope->lenient)
		return type == type_bool() ? value_bool(FALSE) : value_null(type);
	if (value_is_null(*original)) {
		fail(context, expr->range, "Invalid operand",
			"Unsuitable value for %s operand: argument must not be null.",
			type == type_bool() ? "boolean" : "arithmetic");
		return value_unknown(type);
	}
	g_autofree char *problem = NULL;
	Value converted = value_convert(*original, type, &problem);
	if (!problem)
		return converted;
	fail(context, expr->range, "Invalid operand", "Unsuitable value for %soperand: %s.", side,
		problem);
	return value_unknown(type);
}

static Value compute_logic(Operator op, Value a, Value b) {
	gboolean decisive = op == OP_OR;
	gboolean known_a = value_is_known(a), known_b = value_is_known(b);
	if ((known_a && value_to_bool(a) == decisive) || (known_b && value_to_bool(b) == decisive))
		return value_bool(decisive);
	return known_a && known_b ? value_bool(!decisive) : value_unknown(type_bool());
}

static Value compute_comparison(Operator op, Value a, Value b) {
	int order = value_compare_numbers(a, b);
	return value_bool(op == OP_GREATER	   ? order > 0
			  : op == OP_GREATER_EQUAL ? order >= 0
			  : op == OP_LESS	   ? order < 0
						   : order <= 0);
}

static Value compute_numbers(const LangExpr *expr, const Context *context, Value a, Value b) {
	static const ValueOperator arithmetic[] = {
		[OP_ADD] = VALUE_ADD,
		[OP_SUBTRACT] = VALUE_SUBTRACT,
		[OP_MULTIPLY] = VALUE_MULTIPLY,
		[OP_DIVIDE] = VALUE_DIVIDE,
		[OP_MODULO] = VALUE_MODULO,
	};
	gboolean compares = expr->op >= OP_GREATER && expr->op <= OP_LESS_EQUAL;
	if (!value_is_known(a) || !value_is_known(b))
		return value_unknown(compares ? type_bool() : type_number());
	if (value_is_null(a) || value_is_null(b))
		return compares ? value_bool(FALSE) : value_null(type_number());
	if (compares)
		return compute_comparison(expr->op, a, b);
	Value result = value_arithmetic(arithmetic[expr->op], a, b);
	if (value_is_null(result))
		return fail(context, expr->range,
			expr->op == OP_MODULO ? "Invalid operand" : "Division by zero",
			"Cannot divide by zero.");
	return result;
}

/* && and || of programs stop at the first operand that decides. */
static gboolean decides_early(
	const LangExpr *expr, const Context *context, Value left, Value *result) {
	gboolean logic = expr->op == OP_AND || expr->op == OP_OR;
	if (!context->scope->lenient || !logic || !value_is_known(left))
		return FALSE;
	*result = value_bool(expr->op == OP_OR);
	return value_to_bool(left) == (expr->op == OP_OR);
}

static Value eval_binary(const LangExpr *expr, const Context *context) {
	if (expr->op == OP_EQUAL || expr->op == OP_NOT_EQUAL) {
		g_auto(Value) a = eval(expr->left, context);
		g_auto(Value) b = eval(expr->right, context);
		Value equal =
			different_kinds(context, a, b) ? value_bool(FALSE) : lang_equals(a, b);
		if (expr->op == OP_NOT_EQUAL && value_is_known(equal))
			equal = value_bool(!value_to_bool(equal));
		gboolean sensitive = value_has_sensitive(a) || value_has_sensitive(b);
		return sensitive ? value_mark_sensitive(equal) : equal;
	}
	gboolean logic = expr->op == OP_OR || expr->op == OP_AND;
	const Type *type = logic ? type_bool() : type_number();
	g_auto(Value) original_a = VALUE_NOTHING;
	g_auto(Value) original_b = VALUE_NOTHING;
	g_auto(Value) a = operand(expr->left, context, type, "left ", &original_a);
	Value early;
	if (decides_early(expr, context, a, &early))
		return early;
	g_auto(Value) b = operand(expr->right, context, type, "right ", &original_b);
	Value result = logic ? compute_logic(expr->op, a, b) : compute_numbers(expr, context, a, b);
	return marked_like(result, original_a, original_b);
}

static Value eval_unary(const LangExpr *expr, const Context *context) {
	const Type *type = expr->op == OP_NOT ? type_bool() : type_number();
	g_auto(Value) original = VALUE_NOTHING;
	g_auto(Value) value = operand(expr->right, context, type, "", &original);
	Value result;
	if (!value_is_known(value))
		result = value_unknown(type);
	else if (value_is_null(value))
		result = value_ref(value);
	else if (expr->op == OP_NOT)
		result = value_bool(!value_to_bool(value));
	else
		result = value_negate(value);
	return marked_like(result, original, VALUE_NOTHING);
}

/* ---- constructors ---- */

static Value eval_tuple(const LangExpr *expr, const Context *context) {
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < expr->n_items; i++)
		value_builder_add_take(builder, eval(expr->items[i], context));
	return value_builder_end(g_steal_pointer(&builder));
}

static Value eval_key(const LangExpr *expr, const Context *context) {
	const char *name = lang_bare_name(expr);
	return name ? value_string(name) : eval(expr, context);
}

/* The text of an object's key, or NULL: unknown or an error was reported. */
static char *key_text(const Context *context, Value key, SourceRange range) {
	if (!value_is_known(key))
		return NULL;
	if (value_is_null(key)) {
		fail(context, range, "Null value as key", "Can't use a null value as a key.");
		return NULL;
	}
	g_autofree char *problem = NULL;
	g_auto(Value) text = value_convert(key, type_string(), &problem);
	if (problem) {
		fail(context, range, "Incorrect key type", "Can't use this value as a key: %s.",
			problem);
		return NULL;
	}
	return g_strdup(value_text(text));
}

static Value eval_object(const LangExpr *expr, const Context *context) {
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_OBJECT, NULL);
	gboolean known = TRUE, sensitive = FALSE;
	for (guint i = 0; i < expr->n_items; i++) {
		g_auto(Value) key = eval_key(expr->items[i], context);
		sensitive = sensitive || value_is_sensitive(key);
		g_autofree char *text = key_text(context, key, expr->items[i]->range);
		g_auto(Value) value = eval(expr->values[i], context);
		if (text)
			value_builder_set_take(builder, text, value_steal(&value));
		else
			known = FALSE;
	}
	Value result = known ? value_builder_end(g_steal_pointer(&builder)) : anything();
	if (!sensitive)
		return result;
	Value marked = value_mark_sensitive(result);
	value_unref(result);
	return marked;
}

/* ---- for ---- */

typedef struct {
	const LangExpr *expr;
	const Context *context;
	ValueBuilder *builder; /* of the result */
	GString *text; /* of a directive */
	GHashTable *groups; /* key -> ValueBuilder, of a grouped one; in `group_order` */
	GPtrArray *group_order;
	gboolean known;
	gboolean sensitive;
} Loop;

static void add_to_group(Loop *loop, const char *key, Value value_taken) {
	ValueBuilder *group = g_hash_table_lookup(loop->groups, key);
	if (!group) {
		group = value_builder_new(VALUE_TUPLE, NULL);
		char *copy = g_strdup(key);
		g_hash_table_insert(loop->groups, copy, group);
		g_ptr_array_add(loop->group_order, copy);
	}
	value_builder_add_take(group, value_taken);
}

static void loop_keyed(Loop *loop, const Context *inner) {
	const LangExpr *expr = loop->expr;
	g_auto(Value) key = eval(expr->result_key, inner);
	loop->sensitive = loop->sensitive || value_is_sensitive(key);
	g_autofree char *text = key_text(inner, key, expr->result_key->range);
	g_auto(Value) value = eval(expr->result, inner);
	if (!text) {
		loop->known = FALSE;
		return;
	}
	gboolean seen = g_hash_table_contains(loop->groups, text);
	if (seen && !expr->grouped) {
		fail(inner, expr->result_key->range, "Duplicate object key",
			"Two different items produced the key \"%s\" in this 'for' expression. If "
			"duplicates are "
			"expected, use the ellipsis (...) after the value expression to enable "
			"grouping by key.",
			text);
		loop->known = FALSE;
		return;
	}
	add_to_group(loop, text, value_steal(&value));
}

static void loop_result(Loop *loop, const Context *inner) {
	const LangExpr *expr = loop->expr;
	if (expr->kind == EXPR_FOR_DIRECTIVE) {
		g_auto(Value) text = eval(expr->result, inner);
		loop->sensitive = loop->sensitive || value_is_sensitive(text);
		if (!append_part(loop->text, text, expr->result->range, inner))
			loop->known = FALSE;
	} else if (expr->result_key) {
		loop_keyed(loop, inner);
	} else {
		value_builder_add_take(loop->builder, eval(expr->result, inner));
	}
}

static void loop_once(Loop *loop, Value key, Value element) {
	const LangExpr *expr = loop->expr;
	g_auto(Value) own = value_empty_object();
	if (expr->key_name)
		own = value_with_take(value_steal(&own), expr->key_name, value_ref(key));
	own = value_with_take(value_steal(&own), expr->value_name, value_ref(element));
	g_auto(Value) locals = value_merge(loop->context->locals, own);
	Context inner = *loop->context;
	inner.locals = locals;
	if (expr->kind == EXPR_FOR && expr->filter) {
		g_auto(Value) filter = eval(expr->filter, &inner);
		loop->sensitive = loop->sensitive || value_is_sensitive(filter);
		int decided = truth(&inner, filter, expr->filter->range, "Invalid 'for' condition");
		if (decided < 0)
			loop->known = FALSE;
		if (decided <= 0)
			return;
	}
	loop_result(loop, &inner);
}

static Value loop_end(Loop *loop) {
	const LangExpr *expr = loop->expr;
	if (!loop->known)
		return expr->kind == EXPR_FOR_DIRECTIVE ? value_unknown(type_string()) : anything();
	if (expr->kind == EXPR_FOR_DIRECTIVE)
		return value_string_sized(loop->text->str, loop->text->len);
	for (guint i = 0; i < loop->group_order->len; i++) {
		const char *key = loop->group_order->pdata[i];
		ValueBuilder *group = g_hash_table_lookup(loop->groups, key);
		g_auto(Value) all = value_builder_end(group);
		value_builder_set_take(
			loop->builder, key, value_ref(expr->grouped ? all : value_at(all, 0)));
		g_hash_table_steal(loop->groups, key);
	}
	g_ptr_array_set_free_func(loop->group_order, g_free);
	return value_builder_end(g_steal_pointer(&loop->builder));
}

static void loop_clear(Loop *loop) {
	GHashTableIter iter;
	gpointer key, group;
	g_hash_table_iter_init(&iter, loop->groups);
	while (g_hash_table_iter_next(&iter, &key, &group)) {
		value_builder_free(group);
		g_free(key);
	}
	g_hash_table_unref(loop->groups);
	g_ptr_array_unref(loop->group_order);
	value_builder_free(loop->builder);
	g_string_free(loop->text, TRUE);
}

static gboolean can_iterate(const LangExpr *expr, const Context *context, Value collection) {
	if (value_is_null(collection) && context->scope->lenient)
		return TRUE;
	if (value_is_null(collection)) {
		fail(context, expr->collection->range, "Iteration over null value",
			"A null value cannot be used as the collection in a 'for' expression.");
		return FALSE;
	}
	if (value_is_mapping(collection) || value_is_sequence(collection))
		return TRUE;
	g_autofree char *type = type_friendly_name(value_type(collection));
	fail(context, expr->collection->range, "Iteration over non-iterable value",
		"A value of type %s cannot be used as the collection in a 'for' expression.", type);
	return FALSE;
}

static Value eval_for(const LangExpr *expr, const Context *context) {
	g_auto(Value) collection = eval(expr->collection, context);
	if (!value_is_known(collection))
		return marked_like(expr->kind == EXPR_FOR_DIRECTIVE ? value_unknown(type_string())
								    : anything(),
			collection, VALUE_NOTHING);
	if (!can_iterate(expr, context, collection))
		return anything();
	Loop loop = {
		.expr = expr,
		.context = context,
		.builder = value_builder_new(
			expr->kind == EXPR_FOR && expr->result_key ? VALUE_OBJECT : VALUE_TUPLE,
			NULL),
		.text = g_string_new(NULL),
		.groups = g_hash_table_new(g_str_hash, g_str_equal),
		.group_order = g_ptr_array_new(),
		.known = TRUE,
		.sensitive = value_is_sensitive(collection),
	};
	ValueIter iter;
	const char *key;
	Value element;
	gint64 index = 0;
	for (value_iter_init(&iter, collection); value_iter_next(&iter, &key, &element); index++) {
		g_auto(Value) name = key				   ? value_string(key)
				     : value_kind(collection) == VALUE_SET ? value_ref(element)
									   : value_int(index);
		loop_once(&loop, name, element);
	}
	g_auto(Value) result = loop_end(&loop);
	gboolean sensitive = loop.sensitive;
	loop_clear(&loop);
	return sensitive ? value_mark_sensitive(result) : value_steal(&result);
}

/* ---- splat ---- */

static Value eval_splat(const LangExpr *expr, const Context *context) {
	g_auto(Value) source = eval(expr->object, context);
	if (value_is_null(source))
		return marked_like(value_empty_tuple(), source, VALUE_NOTHING);
	if (!value_is_known(source))
		return marked_like(anything(), source, VALUE_NOTHING);
	Context inner = *context;
	g_autoptr(ValueBuilder) builder = value_builder_new(VALUE_TUPLE, NULL);
	if (!value_is_sequence(source)) {
		inner.each = source;
		value_builder_add_take(builder, eval(expr->body, &inner));
		return value_builder_end(g_steal_pointer(&builder));
	}
	for (gsize i = 0; i < value_length(source); i++) {
		inner.each = value_at(source, i);
		value_builder_add_take(builder, eval(expr->body, &inner));
	}
	return marked_like(value_builder_end(g_steal_pointer(&builder)), source, VALUE_NOTHING);
}

/* ---- calls ---- */

static const LangFunction *find_function(const Context *context, const char *name) {
	const LangFunction *own = context->scope->functions
					  ? g_hash_table_lookup(context->scope->functions, name)
					  : NULL;
	return own ? own : lang_function(name);
}

static Value unknown_function(const LangExpr *expr, const Context *context) {
	gsize n;
	const LangFunction *const *all = lang_functions(&n);
	g_autofree const char **names = g_new(const char *, n);
	for (gsize i = 0; i < n; i++)
		names[i] = all[i]->name;
	g_autofree char *hint = text_suggestion(expr->name, names, n);
	return fail(context, expr->name_range, "Call to unknown function",
		"There is no function named \"%s\".%s", expr->name, hint);
}

/* All arguments, the last one spread out if it has dots. FALSE: it is unknown or an error. */
static gboolean eval_arguments(const LangExpr *expr, const Context *context, GArray *arguments) {
	for (guint i = 0; i < expr->n_items; i++) {
		Value value = eval(expr->items[i], context);
		if (!expr->expand || i + 1 < expr->n_items) {
			g_array_append_val(arguments, value);
			continue;
		}
		g_auto(Value) list = value;
		if (!value_is_known(list))
			return FALSE;
		if (!value_is_sequence(list)) {
			fail(context, expr->items[i]->range, "Invalid expanding argument value",
				"The expanding argument (indicated by ...) must be of a tuple, "
				"list, or set type.");
			return FALSE;
		}
		for (gsize j = 0; j < value_length(list); j++) {
			Value element = value_ref(value_at(list, j));
			g_array_append_val(arguments, element);
		}
	}
	return TRUE;
}

static guint count_parameters(const LangFunction *function) {
	guint n = 0;
	while (function->parameters && function->parameters[n].name)
		n++;
	return n;
}

static gboolean check_count(
	const LangExpr *expr, const Context *context, const LangFunction *function, guint given) {
	guint fixed = count_parameters(function);
	if (given < fixed) {
		fail(context, expr->range, "Not enough function arguments",
			"Function \"%s\" expects %u argument(s). Missing value for \"%s\".",
			expr->name, fixed, function->parameters[given].name);
		return FALSE;
	}
	if (given > fixed && !function->variadic) {
		fail(context, expr->range, "Too many function arguments",
			"Function \"%s\" expects only %u argument(s).", expr->name, fixed);
		return FALSE;
	}
	return TRUE;
}

static SourceRange argument_range(const LangExpr *expr, int index) {
	if (index < 0 || expr->n_items == 0)
		return expr->range;
	return expr->items[MIN((guint)index, expr->n_items - 1)]->range;
}

typedef enum { READY, WAITS_FOR_UNKNOWN, REFUSED } Readiness;

/* Converts one argument to its parameter's type. */
static Readiness prepare(const LangExpr *expr, const Context *context,
	const LangParameter *parameter, int index, Value *argument) {
	if (value_is_null(*argument) && !parameter->allow_null) {
		fail(context, argument_range(expr, index), "Invalid function argument",
			"Invalid value for \"%s\" parameter: argument must not be null.",
			parameter->name);
		return REFUSED;
	}
	g_autofree char *problem = NULL;
	Value converted = value_convert(*argument, parameter->type, &problem);
	if (problem) {
		fail(context, argument_range(expr, index), "Invalid function argument",
			"Invalid value for \"%s\" parameter: %s.", parameter->name, problem);
		return REFUSED;
	}
	value_clear(argument);
	*argument = converted;
	gboolean known = parameter->allow_unknown || value_is_wholly_known(converted);
	return known ? READY : WAITS_FOR_UNKNOWN;
}

/* A function that is written in the language itself. */
static Value run_body(
	const Context *context, const LangFunction *function, const Value *arguments) {
	g_auto(Value) names = value_empty_object();
	for (guint i = 0; function->parameters[i].name; i++)
		names = value_with_take(
			value_steal(&names), function->parameters[i].name, value_ref(arguments[i]));
	const Context inner = {.scope = context->scope, .locals = names, .diags = context->diags};
	return eval(function->body, &inner);
}

static Value run_function(const LangExpr *expr, const Context *context,
	const LangFunction *function, const Value *arguments, guint n) {
	if (function->body)
		return run_body(context, function, arguments);
	int blame = -1;
	g_autofree char *problem = NULL;
	LangScope scope = *context->scope;
	scope.locals = context->locals;
	Value result = function->call(arguments, n, &scope, &blame, &problem);
	if (!problem)
		return result;
	value_unref(result);
	if (blame < 0)
		return fail(context, expr->range, "Error in function call",
			"Call to function \"%s\" failed: %s.", expr->name, problem);
	guint fixed = count_parameters(function);
	const LangParameter *parameter =
		(guint)blame < fixed ? &function->parameters[blame] : function->variadic;
	return fail(context, argument_range(expr, blame), "Invalid function argument",
		"Invalid value for \"%s\" parameter: %s.", parameter ? parameter->name : "argument",
		problem);
}

static Value call_with(const LangExpr *expr, const Context *context, const LangFunction *function,
	GArray *arguments) {
	guint fixed = count_parameters(function);
	gboolean waits = FALSE, sensitive = FALSE;
	for (guint i = 0; i < arguments->len; i++) {
		Value *argument = &g_array_index(arguments, Value, i);
		const LangParameter *parameter =
			i < fixed ? &function->parameters[i] : function->variadic;
		sensitive = sensitive || value_has_sensitive(*argument);
		if (!function->keeps_marks && value_has_sensitive(*argument)) {
			Value plain = value_unmark_deep(*argument);
			value_clear(argument);
			*argument = plain;
		}
		Readiness readiness = prepare(expr, context, parameter, (int)i, argument);
		if (readiness == REFUSED)
			return anything();
		waits = waits || readiness == WAITS_FOR_UNKNOWN;
	}
	const Value *all = (const Value *)(const void *)arguments->data;
	Value result;
	if (waits || (function->impure && context->scope->pure))
		result = value_unknown(function->result_type
					       ? function->result_type(all, arguments->len)
					       : type_any());
	else
		result = run_function(expr, context, function, all, arguments->len);
	if (!sensitive || function->keeps_marks)
		return result;
	Value marked = value_mark_sensitive(result);
	value_unref(result);
	return marked;
}

/* try(a, b, …): the first without an error; can(a): whether there is none. */
static Value eval_try(const LangExpr *expr, const Context *context) {
	g_autoptr(Diags) all = diags_new();
	for (guint i = 0; i < expr->n_items; i++) {
		g_autoptr(Diags) diags = diags_new();
		Context inner = *context;
		inner.diags = diags;
		g_auto(Value) value = eval(expr->items[i], &inner);
		if (!diags_has_errors(diags))
			return value_steal(&value);
		diags_move(all, diags);
	}
	GString *detail = g_string_new(NULL);
	for (guint i = 0; i < diags_count(all); i++) {
		const Diag *diag = diags_at(all, i);
		g_string_append_printf(detail, "\n- %s: %s", diag->summary, diag->detail);
	}
	Value result = fail(context, expr->range, "Error in function call",
		"Call to function \"try\" failed: no expression succeeded:%s\n\nAt least one "
		"expression must "
		"produce a successful result.",
		detail->str);
	g_string_free(detail, TRUE);
	return result;
}

static Value eval_can(const LangExpr *expr, const Context *context) {
	if (expr->n_items != 1)
		return fail(context, expr->range, "Not enough function arguments",
			"Function \"can\" expects 1 argument(s). Missing value for "
			"\"expression\".");
	g_autoptr(Diags) diags = diags_new();
	Context inner = *context;
	inner.diags = diags;
	g_auto(Value) value = eval(expr->items[0], &inner);
	if (!diags_has_errors(diags) && !value_is_wholly_known(value))
		return value_unknown(type_bool());
	return value_bool(!diags_has_errors(diags));
}

static Value eval_call(const LangExpr *expr, const Context *context) {
	if (g_str_equal(expr->name, "try"))
		return eval_try(expr, context);
	if (g_str_equal(expr->name, "can"))
		return eval_can(expr, context);
	const LangFunction *function = find_function(context, expr->name);
	if (!function)
		return unknown_function(expr, context);
	g_autoptr(GArray) arguments = g_array_new(FALSE, FALSE, sizeof(Value));
	g_array_set_clear_func(arguments, (GDestroyNotify)value_clear);
	if (!eval_arguments(expr, context, arguments))
		return anything();
	if (!check_count(expr, context, function, arguments->len))
		return anything();
	return call_with(expr, context, function, arguments);
}

/* ---- the rest ---- */

static Value eval_attribute(const LangExpr *expr, const Context *context) {
	g_auto(Value) object = eval(expr->object, context);
	return get_attribute(context, object, expr->attribute, expr->attribute_range);
}

static Value eval_index(const LangExpr *expr, const Context *context) {
	g_auto(Value) object = eval(expr->object, context);
	g_auto(Value) key = eval(expr->key, context);
	return get_index(context, object, key, expr->key->range);
}

static Value eval(const LangExpr *expr, const Context *context) {
	switch (expr->kind) {
	case EXPR_LITERAL:
		return value_ref(expr->literal);
	case EXPR_TEMPLATE:
		return eval_template(expr, context);
	case EXPR_WRAP:
	case EXPR_PARENTHESES:
		return eval(expr->object, context);
	case EXPR_TRAVERSAL:
		return eval_traversal(&expr->traversal, context);
	case EXPR_ATTRIBUTE:
		return eval_attribute(expr, context);
	case EXPR_INDEX:
		return eval_index(expr, context);
	case EXPR_SPLAT:
		return eval_splat(expr, context);
	case EXPR_EACH:
		return value_ref(context->each);
	case EXPR_CALL:
		return eval_call(expr, context);
	case EXPR_CONDITIONAL:
		return eval_conditional(expr, context);
	case EXPR_IF_DIRECTIVE:
		return eval_if_directive(expr, context);
	case EXPR_BINARY:
		return eval_binary(expr, context);
	case EXPR_UNARY:
		return eval_unary(expr, context);
	case EXPR_TUPLE:
		return eval_tuple(expr, context);
	case EXPR_OBJECT:
		return eval_object(expr, context);
	case EXPR_FOR:
	case EXPR_FOR_DIRECTIVE:
		return eval_for(expr, context);
	}
	return anything();
}

Value lang_eval(const LangExpr *expr, const LangScope *scope, Diags *diags) {
	Context context = {.scope = scope, .locals = scope->locals, .diags = diags};
	guint errors = diags_error_count(diags);
	Value value = eval(expr, &context);
	if (diags_error_count(diags) == errors)
		return value;
	value_unref(value);
	return anything();
}

Value lang_eval_as(const LangExpr *expr, const Type *type, const LangScope *scope, Diags *diags) {
	guint errors = diags_error_count(diags);
	g_auto(Value) value = lang_eval(expr, scope, diags);
	g_autofree char *problem = NULL;
	Value converted = value_convert(value, type, &problem);
	if (!problem)
		return converted;
	if (diags_error_count(diags) == errors)
		diags_error(diags, expr->range, "Unsuitable value type", "Unsuitable value: %s.",
			problem);
	return value_unknown(type);
}
