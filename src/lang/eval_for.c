/* for expressions and %{ for } directives: one result an element, filtered, keyed or grouped. */
#include "lang/eval.h"
#include "value/convert.h"

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

/* An error of one element is not said of the others again. */
static void loop_fail(
	Loop *loop, const Context *inner, SourceRange range, const char *summary, char *detail) {
	if (loop->known)
		eval_fail(inner, range, summary, "%s", detail);
	g_free(detail);
	loop->known = FALSE;
}

/* NULL: it is unknown, or an error was reported. */
static char *loop_key_text(Loop *loop, const Context *inner, Value key) {
	SourceRange range = loop->expr->result_key->range;
	g_autofree char *problem = NULL;
	if (!value_is_known(key))
		return NULL;
	if (value_is_null(key)) {
		loop_fail(loop, inner, range, "Invalid object key",
			g_strdup("Key expression in 'for' expression must not produce a null "
				 "value."));
		return NULL;
	}
	g_auto(Value) text = value_convert(key, type_string(), &problem);
	if (!problem)
		return g_strdup(value_text(text));
	loop_fail(loop, inner, range, "Invalid object key",
		g_strdup_printf("The key expression produced an invalid result: %s.", problem));
	return NULL;
}

static void loop_keyed(Loop *loop, const Context *inner) {
	const LangExpr *expr = loop->expr;
	g_auto(Value) key = eval_expr(expr->result_key, inner);
	loop->sensitive = loop->sensitive || value_is_sensitive(key);
	g_autofree char *text = loop_key_text(loop, inner, key);
	g_auto(Value) value = eval_expr(expr->result, inner);
	if (!text) {
		loop->known = FALSE;
		return;
	}
	gboolean seen = g_hash_table_contains(loop->groups, text);
	if (seen && !expr->grouped) {
		loop_fail(loop, inner, expr->result_key->range, "Duplicate object key",
			g_strdup_printf(
				"Two different items produced the key \"%s\" in this 'for' "
				"expression. If duplicates are expected, use the ellipsis (...) "
				"after the value expression to enable grouping by key.",
				text));
		return;
	}
	add_to_group(loop, text, value_steal(&value));
}

static void loop_result(Loop *loop, const Context *inner) {
	const LangExpr *expr = loop->expr;
	if (expr->kind == EXPR_FOR_DIRECTIVE) {
		g_auto(Value) text = eval_expr(expr->result, inner);
		loop->sensitive = loop->sensitive || value_is_sensitive(text);
		if (!eval_append_text(loop->text, text, expr->result->range, inner))
			loop->known = FALSE;
	} else if (expr->result_key) {
		loop_keyed(loop, inner);
	} else {
		value_builder_add_take(loop->builder, eval_expr(expr->result, inner));
	}
}

/* Whether an element passes the `if`: 1, 0, or -1 if that is unknown or an error. */
static int loop_passes(Loop *loop, const Context *inner) {
	const LangExpr *expr = loop->expr->filter;
	g_auto(Value) filter = eval_expr(expr, inner);
	loop->sensitive = loop->sensitive || value_is_sensitive(filter);
	if (!value_is_known(filter))
		return -1;
	if (value_is_null(filter) && inner->scope->lenient)
		return 0;
	if (value_is_null(filter)) {
		loop_fail(loop, inner, expr->range, "Condition is null",
			g_strdup("The value of the 'if' clause must not be null."));
		return -1;
	}
	g_autofree char *problem = NULL;
	g_auto(Value) boolean = value_convert(filter, type_bool(), &problem);
	if (!problem)
		return value_to_bool(boolean);
	loop_fail(loop, inner, expr->range, "Invalid 'for' condition",
		g_strdup_printf("The 'if' clause value is invalid: %s.", problem));
	return -1;
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
		int decided = loop_passes(loop, &inner);
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
		return expr->kind == EXPR_FOR_DIRECTIVE ? value_unknown(type_string())
							: eval_anything();
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
		eval_fail(context, expr->collection->range, "Iteration over null value",
			"A null value cannot be used as the collection in a 'for' expression.");
		return FALSE;
	}
	TypeKind kind = type_kind(value_type(collection));
	if (kind != TYPE_KIND_BOOL && kind != TYPE_KIND_NUMBER && kind != TYPE_KIND_STRING)
		return TRUE;
	g_autofree char *type = type_friendly_name(value_type(collection));
	eval_fail(context, expr->collection->range, "Iteration over non-iterable value",
		"A value of type %s cannot be used as the collection in a 'for' expression.", type);
	return FALSE;
}

Value eval_for(const LangExpr *expr, const Context *context) {
	g_auto(Value) collection = eval_expr(expr->collection, context);
	if (!can_iterate(expr, context, collection))
		return eval_anything();
	if (!value_is_known(collection))
		return eval_marked_like(expr->kind == EXPR_FOR_DIRECTIVE
						? value_unknown(type_string())
						: eval_anything(),
			collection, VALUE_NOTHING);
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
