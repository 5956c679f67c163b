/* Tags of balancers, listeners, rules and target groups. */
#include <string.h>

#include "region/services/elbv2/internal.h"

#define MOST_TAGS 50

static const char *kind_of(const char *arn) {
	return strstr(arn, ":loadbalancer/")	? ELBV2_LOAD_BALANCER
	       : strstr(arn, ":listener-rule/") ? ELBV2_RULE
	       : strstr(arn, ":listener/")	? ELBV2_LISTENER
						: ELBV2_TARGET_GROUP;
}

static gboolean check_resources(RegionCall *call, Value arns, GError **error) {
	for (gsize i = 0; i < value_length(arns); i++) {
		const char *arn = value_text_or(value_at(arns, i), "");
		g_auto(Value) object = elbv2_find(call, kind_of(arn), arn, error);
		if (value_is_null(object))
			return FALSE;
	}
	return TRUE;
}

gboolean elbv2_tags_check(Value tags, GError **error) {
	for (gsize i = 0; i < value_length(tags); i++) {
		const char *key = value_get_text(value_at(tags, i), "Key");
		for (gsize j = 0; j < i; j++) {
			if (g_strcmp0(value_get_text(value_at(tags, j), "Key"), key) != 0)
				continue;
			wire_error_set(
				error, "DuplicateTagKeys", "Duplicate tag key '%s' specified", key);
			return FALSE;
		}
	}
	if (value_length(tags) <= MOST_TAGS)
		return TRUE;
	wire_error_set(error, "TooManyTags", "The maximum number of tags is %d", MOST_TAGS);
	return FALSE;
}

void elbv2_tags_create(RegionCall *call, const char *arn, Value tags) {
	g_auto(Value) set = region_tags_from_list(tags, "Key", "Value");
	region_tags_set(call->region, call->scope, arn, set);
}

Value elbv2_add_tags(RegionCall *call, Value input, GError **error) {
	Value arns = value_get(input, "ResourceArns"), tags = value_get(input, "Tags");
	if (!check_resources(call, arns, error) || !elbv2_tags_check(tags, error))
		return VALUE_NOTHING;
	for (gsize i = 0; i < value_length(arns); i++) {
		const char *arn = value_text(value_at(arns, i));
		elbv2_tags_create(call, arn, tags);
		g_auto(Value) now = region_tags(call->region, call->scope, arn);
		if (value_length(now) > MOST_TAGS) {
			wire_error_set(error, "TooManyTags", "The maximum number of tags is %d",
				MOST_TAGS);
			return VALUE_NOTHING;
		}
	}
	return VALUE_NOTHING;
}

Value elbv2_remove_tags(RegionCall *call, Value input, GError **error) {
	Value arns = value_get(input, "ResourceArns"), keys = value_get(input, "TagKeys");
	if (!check_resources(call, arns, error))
		return VALUE_NOTHING;
	for (gsize i = 0; i < value_length(arns); i++)
		for (gsize j = 0; j < value_length(keys); j++)
			region_tags_remove(call->region, call->scope, value_text(value_at(arns, i)),
				value_text(value_at(keys, j)));
	return VALUE_NOTHING;
}

Value elbv2_describe_tags(RegionCall *call, Value input, GError **error) {
	Value arns = value_get(input, "ResourceArns");
	if (!check_resources(call, arns, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(arns); i++) {
		const char *arn = value_text(value_at(arns, i));
		g_auto(Value) tags = region_tags(call->region, call->scope, arn);
		value_builder_add_take(
			all, value_object_take("ResourceArn", value_string(arn), "Tags",
				     region_tags_to_list(tags, "Key", "Value"), NULL));
	}
	return value_object_take("TagDescriptions", value_builder_end(g_steal_pointer(&all)), NULL);
}
