/* The policies that roles, users and groups have: inline ones, and managed ones attached. */
#include <string.h>

#include "region/services/iam/internal.h"

extern const RegionService region_iam_holders;

/* Which kind of holder an input names. */
static const IamHolder *holder_of(Value input) {
	static const IamHolder *const all[] = {&iam_role, &iam_group, &iam_user};
	for (guint i = 0; i < G_N_ELEMENTS(all); i++)
		if (value_has(input, all[i]->member))
			return all[i];
	return &iam_user;
}

gboolean iam_holds_none(Value object, GError **error) {
	const char *left = value_length(iam_inside(object, "Attached")) > 0 ? "detach all policies"
			   : value_length(iam_inside(object, "Inline")) > 0 ? "delete policies"
									    : NULL;
	if (left)
		wire_error_set_status(
			error, 409, "DeleteConflict", "Cannot delete entity, must %s first.", left);
	return !left;
}

gint64 iam_attachment_count(Region *region, StoreScope global, const char *policy_arn) {
	static const char *const kinds[] = {IAM_ROLES, IAM_USERS, IAM_GROUPS};
	gint64 n = 0;
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_auto(StoreIter) iter = store_iter(region_store(region), global, kinds[i]);
		const char *name;
		Value object;
		while (store_iter_next(&iter, &name, &object))
			n += value_has(iam_inside(object, "Attached"), policy_arn);
	}
	return n;
}

/* ---- inline policies ---- */

static Value put_policy(RegionCall *call, Value input, GError **error) {
	const IamHolder *holder = holder_of(input);
	const char *document = value_get_text(input, "PolicyDocument");
	g_auto(Value) object = iam_find(call, holder, input, error);
	if (value_is_null(object) || !iam_check_document(document, FALSE, error))
		return VALUE_NOTHING;
	Value policies = value_with_take(value_merge(iam_inside(object, "Inline"), VALUE_NOTHING),
		value_get_text(input, "PolicyName"), value_string(document));
	iam_put(call, holder, iam_with_inside(value_steal(&object), "Inline", policies));
	return VALUE_NOTHING;
}

static Value no_inline(const IamHolder *holder, Value input, GError **error) {
	iam_no_such(error, "The %s policy with name %s cannot be found.", holder->word,
		value_get_text(input, "PolicyName"));
	return VALUE_NOTHING;
}

static Value get_policy(RegionCall *call, Value input, GError **error) {
	const IamHolder *holder = holder_of(input);
	const char *name = value_get_text(input, "PolicyName");
	g_auto(Value) object = iam_find(call, holder, input, error);
	if (value_is_null(object))
		return VALUE_NOTHING;
	const char *document = value_get_text(iam_inside(object, "Inline"), name);
	if (!document)
		return no_inline(holder, input, error);
	return value_object_take(holder->member, value_ref(value_get(object, holder->member)),
		"PolicyName", value_string(name), "PolicyDocument", iam_encoded(document), NULL);
}

static Value delete_policy(RegionCall *call, Value input, GError **error) {
	const IamHolder *holder = holder_of(input);
	const char *name = value_get_text(input, "PolicyName");
	g_auto(Value) object = iam_find(call, holder, input, error);
	if (value_is_null(object))
		return VALUE_NOTHING;
	if (!value_has(iam_inside(object, "Inline"), name))
		return no_inline(holder, input, error);
	Value left = value_without_take(value_ref(iam_inside(object, "Inline")), name);
	iam_put(call, holder, iam_with_inside(value_steal(&object), "Inline", left));
	return VALUE_NOTHING;
}

static Value list_policies(RegionCall *call, Value input, GError **error) {
	g_auto(Value) object = iam_find(call, holder_of(input), input, error);
	if (value_is_null(object))
		return VALUE_NOTHING;
	Value policies = iam_inside(object, "Inline");
	g_autoptr(ValueBuilder) names = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(policies); i++)
		value_builder_add_take(names, value_string(value_key_at(policies, i)));
	return iam_page(
		call, input, "PolicyNames", value_builder_end(g_steal_pointer(&names)), error);
}

/* ---- attachments ---- */

static Value attach(RegionCall *call, Value input, GError **error) {
	const IamHolder *holder = holder_of(input);
	const char *arn = value_get_text(input, "PolicyArn");
	g_auto(Value) object = iam_find(call, holder, input, error);
	if (value_is_null(object) || !iam_is_attachable(call, arn, error))
		return VALUE_NOTHING;
	Value attached = value_with_take(
		value_merge(iam_inside(object, "Attached"), VALUE_NOTHING), arn, value_bool(TRUE));
	iam_put(call, holder, iam_with_inside(value_steal(&object), "Attached", attached));
	return VALUE_NOTHING;
}

static Value detach(RegionCall *call, Value input, GError **error) {
	const IamHolder *holder = holder_of(input);
	const char *arn = value_get_text(input, "PolicyArn");
	g_auto(Value) object = iam_find(call, holder, input, error);
	if (value_is_null(object))
		return VALUE_NOTHING;
	if (!value_has(iam_inside(object, "Attached"), arn)) {
		iam_no_such(error, "Policy %s was not found.", arn);
		return VALUE_NOTHING;
	}
	Value left = value_without_take(value_ref(iam_inside(object, "Attached")), arn);
	iam_put(call, holder, iam_with_inside(value_steal(&object), "Attached", left));
	return VALUE_NOTHING;
}

static Value list_attached(RegionCall *call, Value input, GError **error) {
	g_auto(Value) object = iam_find(call, holder_of(input), input, error);
	if (value_is_null(object))
		return VALUE_NOTHING;
	Value attached = iam_inside(object, "Attached");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(attached); i++) {
		const char *arn = value_key_at(attached, i);
		value_builder_add_take(
			all, value_object_take("PolicyArn", value_string(arn), "PolicyName",
				     value_string(strrchr(arn, '/') + 1), NULL));
	}
	return iam_page(
		call, input, "AttachedPolicies", value_builder_end(g_steal_pointer(&all)), error);
}

/* ---- boundaries ---- */

static Value put_boundary(RegionCall *call, Value input, GError **error) {
	const IamHolder *holder = holder_of(input);
	g_auto(Value) object = iam_find(call, holder, input, error);
	if (value_is_null(object) ||
		!iam_is_attachable(call, value_get_text(input, "PermissionsBoundary"), error))
		return VALUE_NOTHING;
	iam_put(call, holder, iam_with_boundary(value_steal(&object), input));
	return VALUE_NOTHING;
}

static Value delete_boundary(RegionCall *call, Value input, GError **error) {
	const IamHolder *holder = holder_of(input);
	g_auto(Value) object = iam_find(call, holder, input, error);
	if (!value_is_null(object))
		iam_put(call, holder,
			value_without_take(value_steal(&object), "PermissionsBoundary"));
	return VALUE_NOTHING;
}

/* ---- tags ---- */

static Value tag(RegionCall *call, Value input, GError **error) {
	g_auto(Value) object = iam_find(call, holder_of(input), input, error);
	if (!value_is_null(object))
		iam_set_tags(call, input, object);
	return VALUE_NOTHING;
}

static Value untag(RegionCall *call, Value input, GError **error) {
	g_auto(Value) object = iam_find(call, holder_of(input), input, error);
	if (!value_is_null(object))
		iam_remove_tags(call, input, object);
	return VALUE_NOTHING;
}

static Value list_tags(RegionCall *call, Value input, GError **error) {
	g_auto(Value) object = iam_find(call, holder_of(input), input, error);
	if (value_is_null(object))
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags(call->region, call->global, value_get_text(object, "Arn"));
	return iam_page(call, input, "Tags", region_tags_to_list(tags, "Key", "Value"), error);
}

#define OF_EACH_HOLDER(verb, rest, handler, ...)                                                   \
	{verb "Role" rest, handler, ##__VA_ARGS__}, {verb "User" rest, handler, ##__VA_ARGS__}, {  \
		verb "Group" rest, handler, ##__VA_ARGS__                                          \
	}

static const RegionOperation operations[] = {
	OF_EACH_HOLDER("Put", "Policy", put_policy),
	OF_EACH_HOLDER("Get", "Policy", get_policy, .reads_only = TRUE),
	OF_EACH_HOLDER("Delete", "Policy", delete_policy),
	OF_EACH_HOLDER("List", "Policies", list_policies, .reads_only = TRUE),
	OF_EACH_HOLDER("Attach", "Policy", attach),
	OF_EACH_HOLDER("Detach", "Policy", detach),
	OF_EACH_HOLDER("ListAttached", "Policies", list_attached, .reads_only = TRUE),
	{"PutRolePermissionsBoundary", put_boundary},
	{"PutUserPermissionsBoundary", put_boundary},
	{"DeleteRolePermissionsBoundary", delete_boundary},
	{"DeleteUserPermissionsBoundary", delete_boundary},
	{"TagRole", tag},
	{"TagUser", tag},
	{"UntagRole", untag},
	{"UntagUser", untag},
	{"ListRoleTags", list_tags, .reads_only = TRUE},
	{"ListUserTags", list_tags, .reads_only = TRUE},
	{NULL},
};

const RegionService region_iam_holders = {.name = "iam", .operations = operations};
