/* Tags of ECS's resources, by ARN, with the limits that AWS gives them. */
#include <string.h>

#include "region/services/ecs/internal.h"

#define TAGS_MOST 50

Value ecs_tags(Region *region, StoreScope scope, const char *arn) {
	g_auto(Value) tags = region_tags(region, scope, arn);
	return region_tags_to_list(tags, "key", "value");
}

static gboolean check(Value tags, GError **error) {
	for (gsize i = 0; i < value_length(tags); i++) {
		const char *key = value_get_text(value_at(tags, i), "key");
		if (!key || g_ascii_strncasecmp(key, "aws:", 4) == 0) {
			wire_error_set(error, "InvalidParameterException",
				"Tag keys must be given and cannot start with 'aws:'.");
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean set(RegionCall *call, const char *arn, Value list, GError **error) {
	if (!check(list, error))
		return FALSE;
	g_auto(Value) before = region_tags(call->region, call->scope, arn);
	g_auto(Value) added = region_tags_from_list(list, "key", "value");
	g_auto(Value) all = value_merge(before, added);
	if (value_length(all) > TAGS_MOST) {
		wire_error_set(error, "InvalidParameterException",
			"A resource can have at most %d tags.", TAGS_MOST);
		return FALSE;
	}
	region_tags_set(call->region, call->scope, arn, added);
	return TRUE;
}

gboolean ecs_tags_create(RegionCall *call, const char *arn, Value tags, GError **error) {
	return set(call, arn, tags, error);
}

/* The store's kind and id of what an ARN names: FALSE if ECS has no such kind. */
static gboolean locate(const char *resource, const char **kind, char **id) {
	static const struct {
		const char *prefix, *kind;
	} kinds[] = {
		{"cluster/", ECS_CLUSTERS},
		{"service/", ECS_SERVICES},
		{"task/", ECS_TASKS},
	};
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_has_prefix(resource, kinds[i].prefix)) {
			*kind = kinds[i].kind;
			*id = g_strdup(resource + strlen(kinds[i].prefix));
			return TRUE;
		}
	return FALSE;
}

static gboolean exists(RegionCall *call, const char *arn, GError **error) {
	g_autofree char *service = NULL, *resource = NULL, *id = NULL;
	const char *kind;
	if (!region_arn_parse(arn, &service, NULL, NULL, &resource) ||
		!g_str_equal(service, "ecs")) {
		wire_error_set(error, "InvalidParameterException",
			"The specified ARN is not valid: %s", arn);
		return FALSE;
	}
	if (g_str_has_prefix(resource, "task-definition/")) {
		g_auto(Value) found = ecs_task_definition_get(call->region, call->scope, arn);
		if (!value_is_null(found))
			return TRUE;
	} else if (locate(resource, &kind, &id) &&
		   store_has(region_store(call->region), call->scope, kind, id)) {
		return TRUE;
	}
	if (g_str_has_prefix(resource, "cluster/"))
		wire_error_set(error, "ClusterNotFoundException", "Cluster not found.");
	else
		wire_error_set(error, "InvalidParameterException",
			"The specified resource was not found: %s", arn);
	return FALSE;
}

Value ecs_tag_resource(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "resourceArn");
	if (exists(call, arn, error))
		set(call, arn, value_get(input, "tags"), error);
	return VALUE_NOTHING;
}

Value ecs_untag_resource(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "resourceArn");
	Value keys = value_get(input, "tagKeys");
	if (!exists(call, arn, error))
		return VALUE_NOTHING;
	for (gsize i = 0; i < value_length(keys); i++)
		region_tags_remove(
			call->region, call->scope, arn, value_text_or(value_at(keys, i), ""));
	return VALUE_NOTHING;
}

Value ecs_list_tags_for_resource(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "resourceArn");
	if (!exists(call, arn, error))
		return VALUE_NOTHING;
	return value_object_take("tags", ecs_tags(call->region, call->scope, arn), NULL);
}
