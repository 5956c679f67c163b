/*
 * Plans a change of one object: what each attribute will be, and which changes force replacement.
 * The rules are those of Terraform's provider protocol (PlanResourceChange) and of the flags in the
 * type's schema. Pure.
 */
#include "provider/aws/aws.h"

typedef struct {
	gboolean creating; /* there is no prior object */
	ValueBuilder *replace; /* paths that force replacement */
	Diags *diags;
} Planning;

static Value plan_block(Planning *planning, const AwsBlock *block, Value config, Value prior,
	gboolean fresh, Value path);

/* What SDKs cannot tell from "not set". */
static gboolean is_blank(Value value) {
	switch (value_kind(value)) {
	case VALUE_NULL:
		return TRUE;
	case VALUE_BOOL:
		return !value_to_bool(value);
	case VALUE_NUMBER:
		return value_to_double(value, 1) == 0;
	case VALUE_STRING:
		return value_text_length(value) == 0;
	case VALUE_UNKNOWN:
		return FALSE;
	default:
		return value_length(value) == 0;
	}
}

static Value fallback_value(const SchemaAttribute *schema, const AwsAttribute *own, Diags *diags) {
	return lang_eval_as(own->fallback, schema->type, &(LangScope){0}, diags);
}

/* fresh: the object (or this element of it) is new, so that what the service computes is unknown.
 */
static Value plan_attribute(Planning *planning, const SchemaAttribute *schema,
	const AwsAttribute *own, Value config, Value prior, gboolean fresh) {
	if (schema->write_only)
		return value_null(schema->type);
	if (!value_is_null(config))
		return !fresh && value_is_wholly_known(config) &&
				       aws_equal(own->equality, config, prior)
			       ? value_ref(prior)
			       : value_ref(config);
	if (own->fallback) {
		g_auto(Value) fallback = fallback_value(schema, own, planning->diags);
		return !fresh && aws_equal(own->equality, fallback, prior) ? value_ref(prior)
									   : value_steal(&fallback);
	}
	if (schema->computed)
		return fresh ? value_unknown(schema->type) : value_ref(prior);
	if (!fresh && !value_is_null(prior) && is_blank(prior))
		return value_ref(prior);
	return value_null(schema->type);
}

static void note_replacement(Planning *planning, Value path) {
	if (!planning->creating)
		value_builder_add_take(planning->replace, value_ref(path));
}

/* ---- nested blocks ---- */

/* Whether everything that the configuration says of an element is so in `prior` too. */
static gboolean agrees(Value config, Value prior) {
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, config); value_iter_next(&iter, &key, &element);) {
		if (!value_is_known(element))
			return FALSE;
		Value other = value_get(prior, key);
		if (value_is_null(element) || value_equal(element, other))
			continue;
		if (!value_is_sequence(element) || value_length(element) != value_length(other))
			return FALSE;
		for (gsize i = 0; i < value_length(element); i++)
			if (!value_is_mapping(value_at(element, i)) ||
				!agrees(value_at(element, i), value_at(other, i)))
				return FALSE;
	}
	return TRUE;
}

/* The element of the prior object that an element of the configuration continues, or null. */
static Value counterpart(
	SchemaNesting nesting, Value prior, gsize index, const char *key, Value element) {
	if (nesting == SCHEMA_NESTING_LIST)
		return value_at(prior, index);
	if (nesting == SCHEMA_NESTING_MAP)
		return value_get(prior, key);
	for (gsize i = 0; i < value_length(prior); i++)
		if (agrees(element, value_at(prior, i)))
			return value_at(prior, i);
	return VALUE_NOTHING;
}

static Value step_of(SchemaNesting nesting, gsize index, const char *key, Value element) {
	if (nesting == SCHEMA_NESTING_LIST)
		return value_int((gint64)index);
	return nesting == SCHEMA_NESTING_MAP ? value_string(key) : value_ref(element);
}

static Value plan_elements(Planning *planning, const SchemaNestedBlock *nested,
	const AwsBlock *block, Value config, Value prior, Value path) {
	static const ValueKind kinds[] = {VALUE_OBJECT, VALUE_LIST, VALUE_SET, VALUE_MAP};
	const Type *type = schema_block_type(nested->block);
	g_autoptr(ValueBuilder) all = value_builder_new(kinds[nested->nesting], type);
	ValueIter iter;
	const char *key;
	Value element;
	gsize index = 0;
	for (value_iter_init(&iter, config); value_iter_next(&iter, &key, &element); index++) {
		if (!value_is_known(element)) {
			value_builder_add_take(all, value_ref(element));
			continue;
		}
		Value old = counterpart(nested->nesting, prior, index, key, element);
		g_auto(Value) inner = value_append_take(
			value_ref(path), step_of(nested->nesting, index, key, element));
		Value planned =
			plan_block(planning, block, element, old, value_is_null(old), inner);
		if (nested->nesting == SCHEMA_NESTING_MAP)
			value_builder_set_take(all, key, planned);
		else
			value_builder_add_take(all, planned);
	}
	return value_builder_end(g_steal_pointer(&all));
}

static gboolean has_forcing(const AwsBlock *block) {
	for (guint i = 0; i < block->attributes->len; i++)
		if (((const AwsAttribute *)block->attributes->pdata[i])->force_new)
			return TRUE;
	for (guint i = 0; i < block->blocks->len; i++) {
		const AwsNestedBlock *nested = block->blocks->pdata[i];
		if (nested->force_new || has_forcing(nested->block))
			return TRUE;
	}
	return FALSE;
}

static gboolean is_absent(Value config) {
	return value_is_null(config) ||
	       (value_is_known(config) && !value_is_mapping(config) && value_length(config) == 0);
}

static Value plan_absent(const SchemaNestedBlock *nested, const AwsNestedBlock *own, Value config,
	Value prior, gboolean fresh) {
	/* `x = []` where the attribute form is allowed says: none. */
	gboolean silent = value_is_null(config) || !nested->attribute_allowed;
	if (silent && nested->computed)
		return fresh ? value_unknown(value_type(config)) : value_ref(prior);
	if (silent && own->kept_when_absent && !fresh)
		return value_ref(prior);
	return aws_shape_absent(nested);
}

static Value plan_nested(Planning *planning, const SchemaNestedBlock *nested,
	const AwsNestedBlock *own, Value config, Value prior, gboolean fresh, Value path) {
	if (!value_is_known(config))
		return value_ref(config);
	Value planned;
	if (is_absent(config))
		planned = plan_absent(nested, own, config, prior, fresh);
	else if (nested->nesting == SCHEMA_NESTING_SINGLE)
		planned =
			plan_block(planning, own->block, config, prior, value_is_null(prior), path);
	else
		planned = plan_elements(planning, nested, own->block, config, prior, path);
	gboolean whole =
		own->force_new ||
		(value_length(planned) != value_length(prior) && has_forcing(own->block)) ||
		(nested->nesting == SCHEMA_NESTING_SET && has_forcing(own->block));
	if (whole && !fresh && !value_equal(planned, prior))
		note_replacement(planning, path);
	return planned;
}

/* ---- blocks ---- */

static void forget_followers(const AwsBlock *block, ValueBuilder *planned, Value prior, Value now) {
	for (guint i = 0; i < block->attributes->len; i++) {
		const SchemaAttribute *schema = block->schema->attributes->pdata[i];
		const AwsAttribute *own = block->attributes->pdata[i];
		if (!own->changes_with ||
			!value_equal(value_get(now, schema->name), value_get(prior, schema->name)))
			continue;
		for (const char **name = own->changes_with; *name; name++)
			if (!value_equal(value_get(now, *name), value_get(prior, *name))) {
				value_builder_set_take(
					planned, schema->name, value_unknown(schema->type));
				break;
			}
	}
}

static ValueBuilder *builder_of(Value object) {
	ValueBuilder *builder = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, object); value_iter_next(&iter, &key, &element);)
		value_builder_set_take(builder, key, value_ref(element));
	return builder;
}

static Value plan_block(Planning *planning, const AwsBlock *block, Value config, Value prior,
	gboolean fresh, Value path) {
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	const SchemaBlock *shape = block->schema;
	for (guint i = 0; i < shape->attributes->len; i++) {
		const SchemaAttribute *schema = shape->attributes->pdata[i];
		const AwsAttribute *own = block->attributes->pdata[i];
		Value old = value_get(prior, schema->name);
		Value planned = plan_attribute(
			planning, schema, own, value_get(config, schema->name), old, fresh);
		if (own->force_new && !fresh && !value_equal(planned, old) &&
			!(is_blank(planned) && is_blank(old))) {
			g_auto(Value) here =
				value_append_take(value_ref(path), value_string(schema->name));
			note_replacement(planning, here);
		}
		value_builder_set_take(object, schema->name, planned);
	}
	for (guint i = 0; i < shape->blocks->len; i++) {
		const SchemaNestedBlock *nested = shape->blocks->pdata[i];
		g_auto(Value) here = value_append_take(value_ref(path), value_string(nested->type));
		value_builder_set_take(object, nested->type,
			plan_nested(planning, nested, block->blocks->pdata[i],
				value_get(config, nested->type), value_get(prior, nested->type),
				fresh, here));
	}
	g_auto(Value) planned = value_builder_end(g_steal_pointer(&object));
	if (fresh || value_equal(planned, prior))
		return value_steal(&planned);
	g_autoptr(ValueBuilder) followed = builder_of(planned);
	forget_followers(block, followed, prior, planned);
	return value_builder_end(g_steal_pointer(&followed));
}

/* ---- the type's own part ---- */

static gboolean plan_program(AwsProvider *provider, const AwsType *type, Planning *planning,
	Value prior, Value config, Value *planned) {
	if (!type->plan)
		return TRUE;
	g_auto(AwsRun) run = {
		.provider = provider,
		.type = type,
		.verb = "planning",
		.diags = planning->diags,
		.self = value_ref(*planned),
		.prior = value_ref(prior),
		.config = value_ref(config),
		.pure = TRUE,
		.replace = planning->creating ? NULL : planning->replace,
	};
	if (aws_run_body(&run, type->plan) == AWS_FAILED)
		return FALSE;
	g_autofree char *problem = NULL;
	g_auto(Value) shaped = aws_shape(type->block, run.self, &problem);
	if (problem) {
		provider_error(planning->diags, VALUE_NOTHING, "Invalid plan", "%s: %s", type->name,
			problem);
		return FALSE;
	}
	value_clear(planned);
	*planned = value_steal(&shaped);
	return TRUE;
}

static Value plan_region(const AwsProvider *provider, Value planned, Value prior) {
	if (value_is_known(value_get(planned, "region")))
		return planned;
	const char *region = value_get_text(prior, "region");
	return value_with_take(planned, "region", value_string(region ? region : provider->region));
}

gboolean aws_plan(AwsProvider *provider, const AwsType *type, Value prior, Value config,
	Value proposed, ProviderPlan *plan, Diags *diags) {
	if (value_is_null(proposed)) {
		plan->planned = value_ref(proposed);
		return TRUE;
	}
	guint errors = diags_error_count(diags);
	Planning planning = {
		.creating = value_is_null(prior),
		.replace = value_builder_new(VALUE_TUPLE, NULL),
		.diags = diags,
	};
	g_auto(Value) root = value_empty_tuple();
	g_auto(Value) planned =
		plan_block(&planning, type->block, config, prior, planning.creating, root);
	if (provider->region)
		planned = plan_region(provider, value_steal(&planned), prior);
	if (type->has_tags) {
		g_auto(Value) all = aws_tags_all(provider, value_get(planned, "tags"));
		planned = value_with_take(value_steal(&planned), "tags_all", value_steal(&all));
	}
	gboolean fine = plan_program(provider, type, &planning, prior, config, &planned);
	plan->requires_replace = value_builder_end(planning.replace);
	plan->planned = value_steal(&planned);
	return fine && diags_error_count(diags) == errors;
}
