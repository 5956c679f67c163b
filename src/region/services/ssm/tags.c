/* Tags of parameters, which are what ResourceType "Parameter" and a name mean. */
#include "region/services/ssm/internal.h"

/* The ARN of the parameter that is meant. Caller frees; NULL and an error. */
static char *tagged(RegionCall *call, Value input, GError **error) {
	const char *type = value_get_text(input, "ResourceType");
	const char *id = value_get_text(input, "ResourceId");
	if (!g_str_equal(type, "Parameter")) {
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not implement tags of the resource type %s in Systems "
			"Manager, only of Parameter.",
			type);
		return NULL;
	}
	g_auto(SsmName) name = {0};
	g_auto(Value) parameter = ssm_find(call->region, call->scope, id, &name);
	if (value_is_null(parameter) || name.selector) {
		wire_error_set(error, "InvalidResourceId",
			"The resource ID isn't valid. Verify that you entered the correct ID and "
			"try "
			"again: %s",
			id);
		return NULL;
	}
	return g_strdup(value_get_text(parameter, "ARN"));
}

Value ssm_add_tags(RegionCall *call, Value input, GError **error) {
	g_autofree char *arn = tagged(call, input, error);
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	if (arn)
		region_tags_set(call->region, call->scope, arn, tags);
	return VALUE_NOTHING;
}

Value ssm_remove_tags(RegionCall *call, Value input, GError **error) {
	g_autofree char *arn = tagged(call, input, error);
	Value keys = value_get(input, "TagKeys");
	for (gsize i = 0; arn && i < value_length(keys); i++)
		region_tags_remove(call->region, call->scope, arn, value_text(value_at(keys, i)));
	return VALUE_NOTHING;
}

Value ssm_list_tags(RegionCall *call, Value input, GError **error) {
	g_autofree char *arn = tagged(call, input, error);
	if (!arn)
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags(call->region, call->scope, arn);
	return value_object_take("TagList", region_tags_to_list(tags, "Key", "Value"), NULL);
}
