/* What IAM's objects have in common: names, ids, tags, pages, documents. */
#include "region/services/iam/internal.h"

#include <string.h>

#include "base/text.h"
#include "region/services/iam/policy.h"

const StoreScope iam_issued = {"", ""};

const IamHolder iam_role = {IAM_ROLES, "RoleName", "Role", "role"};
const IamHolder iam_user = {IAM_USERS, "UserName", "User", "user"};
const IamHolder iam_group = {IAM_GROUPS, "GroupName", "Group", "group"};

void iam_no_such(GError **error, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	wire_error_set_status(error, 404, "NoSuchEntity", "%s", message);
}

/* ---- objects ---- */

Value iam_find_named(RegionCall *call, const IamHolder *holder, const char *name, GError **error) {
	Value object =
		name ? store_get(region_store(call->region), call->global, holder->kind, name)
		     : VALUE_NOTHING;
	if (value_is_null(object))
		iam_no_such(error, "The %s with name %s cannot be found.", holder->word,
			name ? name : "");
	return object;
}

Value iam_find(RegionCall *call, const IamHolder *holder, Value input, GError **error) {
	return iam_find_named(call, holder, value_get_text(input, holder->member), error);
}

gboolean iam_is_new(RegionCall *call, const IamHolder *holder, const char *name, GError **error) {
	if (!store_has(region_store(call->region), call->global, holder->kind, name))
		return TRUE;
	wire_error_set_status(error, 409, "EntityAlreadyExists", "%s with name %s already exists.",
		holder->shape, name);
	return FALSE;
}

void iam_put(RegionCall *call, const IamHolder *holder, Value object_taken) {
	store_put_take(region_store(call->region), call->global, holder->kind,
		value_get_text(object_taken, holder->member), object_taken);
}

Value iam_inside(Value object, const char *name) {
	return value_get_path(object, IAM_INTERNAL, name, NULL);
}

Value iam_with_inside(Value object_taken, const char *name, Value value_taken) {
	Value internal =
		value_with_take(value_merge(value_get(object_taken, IAM_INTERNAL), VALUE_NOTHING),
			name, value_taken);
	return value_with_take(object_taken, IAM_INTERNAL, internal);
}

Value iam_with_members(Value object_taken, Value input, const char *const *members, gsize n) {
	for (gsize i = 0; i < n; i++)
		if (value_has(input, members[i]))
			object_taken = value_with_take(
				object_taken, members[i], value_ref(value_get(input, members[i])));
	return object_taken;
}

Value iam_with_boundary(Value object_taken, Value input) {
	if (!value_has(input, "PermissionsBoundary"))
		return object_taken;
	return value_with_take(object_taken, "PermissionsBoundary",
		value_object_take("PermissionsBoundaryType", value_string("Policy"),
			"PermissionsBoundaryArn",
			value_ref(value_get(input, "PermissionsBoundary")), NULL));
}

Value iam_view(RegionCall *call, Value object) {
	Value shown = value_without_take(value_ref(object), IAM_INTERNAL);
	const char *trust = value_get_text(object, "AssumeRolePolicyDocument");
	if (trust)
		shown = value_with_take(shown, "AssumeRolePolicyDocument", iam_encoded(trust));
	g_auto(Value) tags = region_tags(call->region, call->global, value_get_text(object, "Arn"));
	return value_with_take(shown, "Tags", region_tags_to_list(tags, "Key", "Value"));
}

/* ---- small things ---- */

Value iam_unique_id(const char *prefix) {
	g_autofree char *random = text_random(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
	return value_string_printf("%s%s", prefix, random);
}

Value iam_encoded(const char *document) {
	return value_string_take(g_uri_escape_string(document, NULL, FALSE));
}

gboolean iam_check_document(const char *text, gboolean trust, GError **error) {
	g_autofree char *wrong = policy_check(text, trust);
	if (wrong)
		wire_error_set(
			error, "MalformedPolicyDocument", "The policy is not valid: %s.", wrong);
	return !wrong;
}

Value iam_page(
	RegionCall *call, Value input, const char *member, Value items_taken, GError **error) {
	static const RegionPaging paging = {"MaxItems", "Marker", "Marker", 100, "ValidationError"};
	Value output = region_page_answer(input, &paging, member, items_taken, error);
	return value_is_null(output) ? output
				     : value_with_take(output, "IsTruncated",
					       value_bool(value_has(output, "Marker")));
}

Value iam_list(RegionCall *call, const IamHolder *holder, Value input, const char *member,
	GError **error) {
	const char *prefix = value_text_or(value_get(input, "PathPrefix"), "/");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->global, holder->kind);
	const char *name;
	Value object;
	while (store_iter_next(&iter, &name, &object))
		if (g_str_has_prefix(value_get_text(object, "Path"), prefix))
			value_builder_add_take(
				all, value_without_take(iam_view(call, object), "Tags"));
	return iam_page(call, input, member, value_builder_end(g_steal_pointer(&all)), error);
}

void iam_set_tags(RegionCall *call, Value input, Value object) {
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	region_tags_set(call->region, call->global, value_get_text(object, "Arn"), tags);
}

void iam_remove_tags(RegionCall *call, Value input, Value object) {
	Value keys = value_get(input, "TagKeys");
	for (gsize i = 0; i < value_length(keys); i++)
		region_tags_remove(call->region, call->global, value_get_text(object, "Arn"),
			value_text(value_at(keys, i)));
}
