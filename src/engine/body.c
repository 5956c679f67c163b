/*
 * Blocks by their schema: evaluates the arguments and nested blocks of a resource or provider block
 * to one value, with Terraform's errors. Relies on scope.c for names.
 */
#include <string.h>

#include "base/text.h"
#include "engine/internal.h"
#include "value/convert.h"

const char *const engine_resource_meta[] = {"count", "for_each", "depends_on", "provider",
	"lifecycle", "connection", "provisioner", NULL};

typedef struct {
	EvalScope scope;
	Value iterators; /* of dynamic blocks: an object; nothing outside of them */
	const char *const *skip;
	Diags *diags;
} Decoding;

static Value decode_block(Decoding *decoding, const LangBody *body, const SchemaBlock *schema);

static gboolean is_skipped(const Decoding *decoding, const char *name) {
	return decoding->skip && g_strv_contains(decoding->skip, name);
}

static Value evaluate(const Decoding *decoding, const LangExpr *expr) {
	LangScope lang = engine_lang_scope(&decoding->scope);
	lang.locals = decoding->iterators;
	return lang_eval(expr, &lang, decoding->diags);
}

/* ---- what does not belong there ---- */

static char *hint_for(const char *name, const SchemaBlock *schema) {
	gsize n;
	g_autofree const char **names = schema_block_names(schema, &n);
	return text_suggestion(name, names, n);
}

static void unexpected_argument(Decoding *decoding, const LangBody *body,
	const LangAttribute *attribute, const SchemaBlock *schema) {
	if (body->json) {
		g_autofree char *hint = hint_for(attribute->name, schema);
		diags_error(decoding->diags, attribute->name_range,
			"Extraneous JSON object property",
			"No argument or block type is named \"%s\".%s", attribute->name, hint);
		return;
	}
	if (schema_block_nested(schema, attribute->name)) {
		diags_error(decoding->diags, attribute->name_range, "Unsupported argument",
			"An argument named \"%s\" is not expected here. Did you mean to define a "
			"block of type \"%s\"?",
			attribute->name, attribute->name);
		return;
	}
	g_autofree char *hint = hint_for(attribute->name, schema);
	diags_error(decoding->diags, attribute->name_range, "Unsupported argument",
		"An argument named \"%s\" is not expected here.%s", attribute->name, hint);
}

static const char *dynamic_type(const LangBlock *block) {
	return g_str_equal(block->type, "dynamic") && block->n_labels == 1 ? block->labels[0]
									   : block->type;
}

static void unexpected_block(
	Decoding *decoding, const LangBlock *block, const SchemaBlock *schema) {
	if (schema_block_attribute(schema, block->type)) {
		diags_error(decoding->diags, block->type_range, "Unsupported block type",
			"Blocks of type \"%s\" are not expected here. Did you mean to define "
			"argument \"%s\"? If so, use the equals sign to assign it a value.",
			block->type, block->type);
		return;
	}
	const char *type = dynamic_type(block);
	g_autofree char *hint = type == block->type ? hint_for(type, schema) : g_strdup("");
	diags_error(decoding->diags, block->type_range, "Unsupported block type",
		"Blocks of type \"%s\" are not expected here.%s", type, hint);
}

static void check_names(Decoding *decoding, const LangBody *body, const SchemaBlock *schema) {
	for (guint i = 0; i < body->attributes->len; i++) {
		const LangAttribute *attribute = body->attributes->pdata[i];
		const SchemaAttribute *known = schema_block_attribute(schema, attribute->name);
		SchemaNestedBlock *nested = schema_block_nested(schema, attribute->name);
		if (is_skipped(decoding, attribute->name))
			continue;
		if (known && !known->required && !known->optional)
			diags_error(decoding->diags, attribute->range,
				"Value for unconfigurable attribute",
				"Can't configure a value for \"%s\": its value will be decided "
				"automatically based on the result of applying this configuration.",
				attribute->name);
		else if (!known && !(nested && nested->attribute_allowed))
			unexpected_argument(decoding, body, attribute, schema);
	}
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (!is_skipped(decoding, block->type) &&
			!schema_block_nested(schema, dynamic_type(block)))
			unexpected_block(decoding, block, schema);
	}
}

/* ---- arguments ---- */

static void wrong_value(
	Decoding *decoding, const LangExpr *expr, const char *name, const char *problem) {
	gboolean null = strstr(problem, "must not be null") != NULL;
	Diag *diag = diags_error(decoding->diags, lang_expr_range(expr),
		"Incorrect attribute value type",
		null ? "Inappropriate value for attribute \"%s\": the value may not be null.%.0s"
		     : "Inappropriate value for attribute \"%s\": %s.",
		name, value_problem_reason(problem));
	LangScope lang = engine_lang_scope(&decoding->scope);
	lang.locals = decoding->iterators;
	lang_explain(diag, expr, &lang, LANG_ABOUT_VALUES);
}

static Value decode_expression(
	Decoding *decoding, const LangExpr *expr, const char *name, const Type *type) {
	guint errors = diags_error_count(decoding->diags);
	g_auto(Value) value = evaluate(decoding, expr);
	if (diags_error_count(decoding->diags) > errors)
		return value_unknown(type);
	g_autofree char *problem = NULL;
	Value fitted = value_convert(value, type, &problem);
	if (!problem)
		return fitted;
	wrong_value(decoding, expr, name, problem);
	return value_unknown(type);
}

static Value decode_attribute(
	Decoding *decoding, const LangBody *body, const SchemaAttribute *schema) {
	LangAttribute *attribute =
		is_skipped(decoding, schema->name) ? NULL : lang_body_attribute(body, schema->name);
	if (attribute) {
		if (schema->deprecated)
			diags_warning(decoding->diags, attribute->range, "Argument is deprecated",
				"%s", schema->deprecated);
		Value value =
			decode_expression(decoding, attribute->expr, schema->name, schema->type);
		if (schema->required && value_is_null(value))
			diags_error(decoding->diags, lang_expr_range(attribute->expr),
				"Missing required argument",
				"The argument \"%s\" is required, but no definition was found.",
				schema->name);
		return value;
	}
	if (schema->required)
		diags_error(decoding->diags, lang_body_start(body), "Missing required argument",
			"The argument \"%s\" is required, but no definition was found.",
			schema->name);
	return value_null(schema->type);
}

/* ---- nested blocks ---- */

typedef struct {
	const SchemaNestedBlock *schema;
	GArray *values; /* of Value */
	GPtrArray *keys; /* labels; of maps */
	gboolean unknown; /* a dynamic block of which is not known how many */
	SourceRange last;
} Blocks;

static void clear_value(gpointer value) {
	value_clear(value);
}

static void add_block(Decoding *decoding, Blocks *blocks, const LangBody *body, const char *key) {
	const char *const *skip = decoding->skip;
	decoding->skip = NULL;
	Value value = decode_block(decoding, body, blocks->schema->block);
	decoding->skip = skip;
	g_array_append_val(blocks->values, value);
	g_ptr_array_add(blocks->keys, g_strdup(key ? key : ""));
}

/* A dynamic block's for_each: what it goes through, as an iterable value without marks. */
static gboolean dynamic_collection(
	Decoding *decoding, const LangBlock *block, Blocks *blocks, Value *out) {
	LangAttribute *for_each = lang_body_attribute(block->body, "for_each");
	if (!for_each) {
		diags_error(decoding->diags, block->header, "Missing required argument",
			"The argument \"for_each\" is required in a dynamic block.");
		return FALSE;
	}
	guint errors = diags_error_count(decoding->diags);
	g_auto(Value) marked = evaluate(decoding, for_each->expr);
	if (diags_error_count(decoding->diags) > errors)
		return FALSE;
	*out = value_unmark(marked);
	if (!value_is_known(*out)) {
		blocks->unknown = TRUE;
		return FALSE;
	}
	if (value_is_sequence(*out) || value_is_mapping(*out))
		return TRUE;
	diags_error(decoding->diags, lang_expr_range(for_each->expr),
		"Invalid dynamic for_each value",
		"Cannot use a %s value in for_each. An iterable collection is required.",
		value_is_null(*out) ? "null" : "single");
	return FALSE;
}

static const char *iterator_name(Decoding *decoding, const LangBlock *block) {
	LangAttribute *iterator = lang_body_attribute(block->body, "iterator");
	const char *name = iterator ? lang_expr_keyword(iterator->expr) : NULL;
	return name ? name : block->labels[0];
}

static const LangBody *dynamic_content(Decoding *decoding, const LangBlock *block) {
	static const LangBlockType types[] = {{"content", 0}, {NULL, 0}};
	const LangBody *body = lang_body_content(block->body, types, decoding->diags);
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *inner = body->blocks->pdata[i];
		if (g_str_equal(inner->type, "content"))
			return inner->body;
	}
	diags_error(decoding->diags, block->header, "Missing dynamic content block",
		"A dynamic block must have a nested block of type \"content\" to describe the body "
		"of each generated block.");
	return NULL;
}

static char *dynamic_label(Decoding *decoding, const LangBlock *block) {
	LangAttribute *labels = lang_body_attribute(block->body, "labels");
	g_auto(Value) value = labels ? evaluate(decoding, labels->expr) : VALUE_NOTHING;
	return g_strdup(value_text(value_at(value, 0)));
}

static void add_dynamic(Decoding *decoding, Blocks *blocks, const LangBlock *block) {
	g_auto(Value) collection = VALUE_NOTHING;
	const LangBody *content = dynamic_content(decoding, block);
	if (!content || !dynamic_collection(decoding, block, blocks, &collection))
		return;
	const char *name = iterator_name(decoding, block);
	g_auto(Value) outer = decoding->iterators;
	ValueIter iter;
	const char *key;
	Value element;
	gint64 index = 0;
	gboolean is_set = value_kind(collection) == VALUE_SET;
	for (value_iter_init(&iter, collection); value_iter_next(&iter, &key, &element); index++) {
		Value inner = value_object_take("key",
			key	 ? value_string(key)
			: is_set ? value_ref(element)
				 : value_int(index),
			"value", value_ref(element), NULL);
		decoding->iterators = value_with_take(
			value_is_null(outer) ? value_empty_object() : value_ref(outer), name,
			inner);
		g_autofree char *label = dynamic_label(decoding, block);
		add_block(decoding, blocks, content, label);
		value_clear(&decoding->iterators);
	}
	decoding->iterators = value_steal(&outer);
}

static void check_count(Decoding *decoding, const Blocks *blocks, const LangBody *body) {
	const SchemaNestedBlock *schema = blocks->schema;
	guint n = blocks->values->len;
	gboolean single = schema->nesting == SCHEMA_NESTING_SINGLE;
	guint max = single ? 1 : schema->max_items;
	if (max > 0 && n > max)
		diags_error(decoding->diags, blocks->last,
			max == 1 ? "Duplicate block" : "Too many blocks",
			"No more than %u \"%s\" block%s %s allowed", max, schema->type,
			max == 1 ? "" : "s", max == 1 ? "is" : "are");
	if (n < schema->min_items && !blocks->unknown)
		diags_error(decoding->diags, lang_body_start(body),
			schema->min_items == 1 ? "Missing required block" : "Insufficient blocks",
			"At least %u \"%s\" block%s required.", schema->min_items, schema->type,
			schema->min_items == 1 ? " is" : "s are");
}

static const Type *collection_type(SchemaNesting nesting, const Type *element) {
	return nesting == SCHEMA_NESTING_LIST  ? type_list(element)
	       : nesting == SCHEMA_NESTING_SET ? type_set(element)
					       : type_map(element);
}

static Value blocks_value(const Blocks *blocks) {
	static const ValueKind kinds[] = {VALUE_NULL, VALUE_LIST, VALUE_SET, VALUE_MAP};
	const SchemaNestedBlock *schema = blocks->schema;
	const Type *type = schema_block_type(schema->block);
	if (schema->nesting == SCHEMA_NESTING_SINGLE) {
		if (blocks->unknown)
			return value_unknown(type);
		return blocks->values->len ? value_ref(g_array_index(blocks->values, Value, 0))
					   : value_null(type);
	}
	if (blocks->unknown)
		return value_unknown(collection_type(schema->nesting, type));
	/* What may be written as an argument too can be not written at all, which is not the same
	 * as being empty. */
	if (schema->attribute_allowed && blocks->values->len == 0)
		return value_null(collection_type(schema->nesting, type));
	g_autoptr(ValueBuilder) all = value_builder_new(kinds[schema->nesting], type);
	for (guint i = 0; i < blocks->values->len; i++) {
		Value value = value_ref(g_array_index(blocks->values, Value, i));
		if (schema->nesting == SCHEMA_NESTING_MAP)
			value_builder_set_take(all, blocks->keys->pdata[i], value);
		else
			value_builder_add_take(all, value);
	}
	return value_builder_end(g_steal_pointer(&all));
}

/* `ingress = [{…}]`: blocks written as an argument; what the objects leave out is null. */
static Value complete_objects(Value value, const Type *element) {
	if (!value_is_known(value) || !value_is_sequence(value))
		return value_ref(value);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(value); i++) {
		g_auto(Value) object = value_ref(value_at(value, i));
		for (gsize j = 0; value_is_mapping(object) && j < type_length(element); j++) {
			const TypeAttribute *attribute = type_attribute_at(element, j);
			if (!value_has(object, attribute->name))
				object = value_with_take(value_steal(&object), attribute->name,
					value_null(attribute->type));
		}
		value_builder_add_take(all, value_steal(&object));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value decode_as_attribute(
	Decoding *decoding, const LangAttribute *attribute, const SchemaNestedBlock *schema) {
	const Type *element = schema_block_type(schema->block);
	const Type *type = collection_type(schema->nesting, element);
	guint errors = diags_error_count(decoding->diags);
	g_auto(Value) value = evaluate(decoding, attribute->expr);
	if (diags_error_count(decoding->diags) > errors)
		return value_unknown(type);
	g_auto(Value) whole = complete_objects(value, element);
	g_autofree char *problem = NULL;
	Value fitted = value_convert(whole, type, &problem);
	if (!problem)
		return fitted;
	wrong_value(decoding, attribute->expr, attribute->name, problem);
	return value_unknown(type);
}

static Value decode_nested(
	Decoding *decoding, const LangBody *body, const SchemaNestedBlock *schema) {
	LangAttribute *attribute = lang_body_attribute(body, schema->type);
	if (attribute && schema->attribute_allowed)
		return decode_as_attribute(decoding, attribute, schema);
	Blocks blocks = {.schema = schema,
		.values = g_array_new(FALSE, FALSE, sizeof(Value)),
		.keys = g_ptr_array_new_with_free_func(g_free),
		.last = lang_body_start(body)};
	g_array_set_clear_func(blocks.values, clear_value);
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (!g_str_equal(dynamic_type(block), schema->type))
			continue;
		blocks.last = block->header;
		if (g_str_equal(block->type, "dynamic") && block->n_labels == 1)
			add_dynamic(decoding, &blocks, block);
		else
			add_block(decoding, &blocks, block->body,
				block->n_labels ? block->labels[0] : NULL);
	}
	check_count(decoding, &blocks, body);
	Value value = blocks_value(&blocks);
	g_array_unref(blocks.values);
	g_ptr_array_unref(blocks.keys);
	return value;
}

/* ---- a whole block ---- */

/* `"ingress": []` says that there are to be none, as the argument does; no block would say nothing.
 */
static gboolean is_empty_array(const LangBody *body, const char *name) {
	LangAttribute *attribute = lang_body_attribute(body, name);
	LangExpr **elements;
	guint n;
	return attribute && lang_expr_tuple(attribute->expr, &elements, &n) && n == 0;
}

/* Bodies in JSON say which of their names are blocks only by the schema. */
static LangBody *content_of(
	const LangBody *body, const SchemaBlock *schema, const char *const *skip, Diags *diags) {
	g_autoptr(GArray) types = g_array_new(TRUE, TRUE, sizeof(LangBlockType));
	for (guint i = 0; i < schema->blocks->len; i++) {
		const SchemaNestedBlock *nested = schema->blocks->pdata[i];
		if (nested->attribute_allowed && is_empty_array(body, nested->type))
			continue;
		LangBlockType type = {nested->type, nested->nesting == SCHEMA_NESTING_MAP};
		g_array_append_val(types, type);
	}
	LangBlockType dynamic = {"dynamic", 1}, lifecycle = {"lifecycle", 0};
	g_array_append_val(types, dynamic);
	if (skip)
		g_array_append_val(types, lifecycle);
	return lang_body_content((LangBody *)body, (LangBlockType *)types->data, diags);
}

static Value decode_block(Decoding *decoding, const LangBody *body, const SchemaBlock *schema) {
	const LangBody *content = content_of(body, schema, decoding->skip, decoding->diags);
	check_names(decoding, content, schema);
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	for (guint i = 0; i < schema->attributes->len; i++) {
		const SchemaAttribute *attribute = schema->attributes->pdata[i];
		value_builder_set_take(
			object, attribute->name, decode_attribute(decoding, content, attribute));
	}
	for (guint i = 0; i < schema->blocks->len; i++) {
		const SchemaNestedBlock *nested = schema->blocks->pdata[i];
		value_builder_set_take(
			object, nested->type, decode_nested(decoding, content, nested));
	}
	return value_builder_end(g_steal_pointer(&object));
}

Value engine_decode(const EvalScope *scope, const LangBody *body, const SchemaBlock *schema,
	const char *const *skip, Diags *diags) {
	Decoding decoding = {.scope = *scope, .skip = skip, .diags = diags};
	return decode_block(&decoding, body, schema);
}

/* ---- places ---- */

SourceRange engine_range_of_path(const LangBody *body, Value path) {
	SourceRange range = body->range;
	for (gsize i = 0; body && i < value_length(path); i++) {
		const char *name = value_text(value_at(path, i));
		if (!name)
			continue;
		LangAttribute *attribute = lang_body_attribute(body, name);
		if (attribute)
			return lang_expr_range(attribute->expr);
		const LangBody *next = NULL;
		gint64 wanted = value_to_int(value_at(path, i + 1), 0);
		for (guint j = 0; j < body->blocks->len; j++) {
			const LangBlock *block = body->blocks->pdata[j];
			if (!g_str_equal(dynamic_type(block), name) || wanted-- > 0)
				continue;
			range = block->header;
			next = block->body;
			break;
		}
		body = next;
	}
	return range;
}

/* Where a provider's diagnostic belongs. */
static SourceRange place_of(const Diag *diag, const LangBody *body, SourceRange header) {
	Value path = provider_diag_path(diag);
	SourceRange range =
		body && value_length(path) > 0 ? engine_range_of_path(body, path) : header;
	if (body && body->range.filename &&
		(value_length(path) == 0 || range.start_byte == body->range.start_byte))
		return lang_body_start(body);
	return range;
}

void engine_take_diags(Engine *engine, Diags *from, const LangBody *body, SourceRange header,
	const char *address) {
	for (guint i = 0; i < diags_count(from); i++) {
		Diag *diag = diags_change(from, i);
		if (diag->subject.filename)
			continue;
		diag->subject = place_of(diag, body, header);
		if (!diag->address)
			diag->address = g_strdup(address);
	}
	diags_move(engine->diags, from);
}

/* ---- marks ---- */

static Value mark_nested(Value value_taken, const SchemaNestedBlock *nested) {
	g_auto(Value) value = value_taken;
	if (!value_is_known(value) || value_is_null(value))
		return value_steal(&value);
	if (nested->nesting == SCHEMA_NESTING_SINGLE)
		return engine_mark_by_schema(value, nested->block);
	for (gsize i = 0; i < value_length(value); i++) {
		Value element = value_at(value, i);
		g_auto(Value) marked = engine_mark_by_schema(element, nested->block);
		if (!value_has_sensitive(marked))
			continue;
		if (nested->nesting == SCHEMA_NESTING_SET)
			return value_mark_sensitive(value);
		g_auto(Value) path = value_tuple_take(1,
			nested->nesting == SCHEMA_NESTING_MAP ? value_string(value_key_at(value, i))
							      : value_int((gint64)i));
		Value changed = value_with_path(value, path, marked);
		value_clear(&value);
		value = changed;
	}
	return value_steal(&value);
}

static gboolean has_sensitive(const SchemaBlock *schema) {
	for (guint i = 0; i < schema->attributes->len; i++)
		if (((const SchemaAttribute *)schema->attributes->pdata[i])->sensitive)
			return TRUE;
	for (guint i = 0; i < schema->blocks->len; i++)
		if (has_sensitive(((const SchemaNestedBlock *)schema->blocks->pdata[i])->block))
			return TRUE;
	return FALSE;
}

Value engine_mark_by_schema(Value value, const SchemaBlock *schema) {
	if (!value_is_mapping(value) || !has_sensitive(schema))
		return value_ref(value);
	g_auto(Value) marked = value_ref(value);
	for (guint i = 0; i < schema->attributes->len; i++) {
		const SchemaAttribute *attribute = schema->attributes->pdata[i];
		if (attribute->sensitive && value_has(marked, attribute->name))
			marked = value_with_take(value_steal(&marked), attribute->name,
				value_mark_sensitive(value_get(value, attribute->name)));
	}
	for (guint i = 0; i < schema->blocks->len; i++) {
		const SchemaNestedBlock *nested = schema->blocks->pdata[i];
		if (has_sensitive(nested->block))
			marked = value_with_take(value_steal(&marked), nested->type,
				mark_nested(value_ref(value_get(value, nested->type)), nested));
	}
	return value_steal(&marked);
}
