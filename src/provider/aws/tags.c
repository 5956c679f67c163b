/*
 * Tags: the provider's default tags under each resource's own (tags_all), and the services' own
 * calls to list and change them (services.hcl). Relies on program.c.
 */
#include "provider/aws/aws.h"

Value aws_tags_all(const AwsProvider *provider, Value tags) {
	const Type *type = type_map(type_string());
	if (!value_is_known(tags) || !value_is_known(provider->default_tags))
		return value_unknown(type);
	g_auto(Value) all = value_merge(provider->default_tags, tags);
	return value_convert(all, type, NULL);
}

static gboolean is_ignored(const AwsProvider *provider, const char *key) {
	if (g_str_has_prefix(key, "aws:"))
		return TRUE;
	Value keys = value_get(provider->ignored_tags, "keys");
	for (gsize i = 0; i < value_length(keys); i++)
		if (g_strcmp0(value_text(value_at(keys, i)), key) == 0)
			return TRUE;
	Value prefixes = value_get(provider->ignored_tags, "key_prefixes");
	for (gsize i = 0; i < value_length(prefixes); i++)
		if (g_str_has_prefix(key, value_text_or(value_at(prefixes, i), "")))
			return TRUE;
	return FALSE;
}

Value aws_tags_split_take(const AwsProvider *provider, Value state_taken, Value before) {
	g_auto(Value) state = state_taken;
	const Type *type = type_map(type_string());
	g_autoptr(ValueBuilder) own = value_builder_new(VALUE_MAP, type_string());
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_MAP, type_string());
	Value old = value_get(before, "tags");
	ValueIter iter;
	const char *key;
	Value tag;
	for (value_iter_init(&iter, value_get(state, "tags_all"));
		value_iter_next(&iter, &key, &tag);) {
		if (is_ignored(provider, key))
			continue;
		value_builder_set_take(all, key, value_ref(tag));
		gboolean by_default = value_equal(value_get(provider->default_tags, key), tag);
		if (!by_default || value_has(old, key))
			value_builder_set_take(own, key, value_ref(tag));
	}
	/* No tags at all is null, unless the configuration wrote an empty map. */
	gboolean none = value_builder_length(own) == 0 && value_is_null(old);
	g_auto(Value) tags = value_builder_end(g_steal_pointer(&own));
	Value result = value_with_take(
		value_steal(&state), "tags", none ? value_null(type) : value_steal(&tags));
	return value_with_take(result, "tags_all", value_builder_end(g_steal_pointer(&all)));
}

/* ---- the services' calls ---- */

static const LangBody *service_body(const AwsRun *run, const char *name) {
	LangBody *body = aws_service_body(run->type->service);
	for (guint i = 0; body && i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (g_str_equal(block->type, name))
			return block->body;
	}
	return NULL;
}

/* Sets the name `resource` from the type's tags block; FALSE if it has none. */
static gboolean name_resource(AwsRun *run) {
	LangAttribute *resource =
		run->type->tags ? lang_body_attribute(run->type->tags, "resource") : NULL;
	if (!resource)
		return FALSE;
	aws_run_name_take(run, "resource", aws_run_eval(run, resource->expr));
	return TRUE;
}

static AwsOutcome untag(AwsRun *run, Value old, Value new) {
	g_autoptr(ValueBuilder) removed = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(old); i++)
		if (!value_has(new, value_key_at(old, i)))
			value_builder_add_take(removed, value_string(value_key_at(old, i)));
	const LangBody *body = service_body(run, "untag");
	if (value_builder_length(removed) == 0 || !body)
		return AWS_DONE;
	aws_run_name_take(run, "keys", value_builder_end(g_steal_pointer(&removed)));
	return aws_run_body(run, body);
}

static AwsOutcome tag(AwsRun *run, Value old, Value new) {
	g_autoptr(ValueBuilder) changed = value_builder_new(VALUE_MAP, type_string());
	ValueIter iter;
	const char *key;
	Value value;
	for (value_iter_init(&iter, new); value_iter_next(&iter, &key, &value);)
		if (!value_has(old, key) || !value_equal(value_get(old, key), value))
			value_builder_set_take(changed, key, value_ref(value));
	const LangBody *body = service_body(run, "tag");
	if (value_builder_length(changed) == 0 || !body)
		return AWS_DONE;
	aws_run_name_take(run, "tags", value_builder_end(g_steal_pointer(&changed)));
	return aws_run_body(run, body);
}

AwsOutcome aws_tags_update(AwsRun *run) {
	g_auto(Value) old = value_ref(value_get(run->prior, "tags_all"));
	g_auto(Value) new = value_ref(value_get(run->self, "tags_all"));
	if (!run->type->has_tags || value_equal(old, new) || !name_resource(run))
		return AWS_DONE;
	AwsOutcome outcome = untag(run, old, new);
	return outcome == AWS_DONE ? tag(run, old, new) : outcome;
}

AwsOutcome aws_tags_read(AwsRun *run) {
	if (!run->type->has_tags || !run->type->tags)
		return AWS_DONE;
	LangAttribute *read = lang_body_attribute(run->type->tags, "read");
	g_auto(Value) wanted = read ? aws_run_eval(run, read->expr) : VALUE_NOTHING;
	const LangBody *body = service_body(run, "list");
	if (!value_to_bool(wanted) || !body || !name_resource(run))
		return AWS_DONE;
	g_auto(Value) state = value_steal(&run->state);
	AwsOutcome outcome = aws_run_body(run, body);
	g_auto(Value) tags = value_steal(&run->state);
	run->state = value_with_take(value_steal(&state), "tags_all", value_steal(&tags));
	return outcome;
}
