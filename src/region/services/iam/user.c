/* IAM users. Passwords, MFA and other ways of signing in are not served. */
#include <string.h>

#include "region/services/iam/internal.h"

extern const RegionService region_iam_users;

static Value create(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "UserName");
	const char *path = value_text_or(value_get(input, "Path"), "/");
	const char *boundary = value_get_text(input, "PermissionsBoundary");
	if (!iam_is_new(call, &iam_user, name, error) ||
		(boundary && !iam_is_attachable(call, boundary, error)))
		return VALUE_NOTHING;
	g_autofree char *arn = region_arn(call->global, "iam", "user%s%s", path, name);
	g_auto(Value) user =
		value_object_take("UserName", value_string(name), "Path", value_string(path), "Arn",
			value_string(arn), "UserId", iam_unique_id("AIDA"), "CreateDate",
			region_timestamp(call->region), IAM_INTERNAL, value_empty_object(), NULL);
	user = iam_with_boundary(value_steal(&user), input);
	iam_put(call, &iam_user, value_ref(user));
	iam_set_tags(call, input, user);
	return value_object_take("User", iam_view(call, user), NULL);
}

/* Without a name: the caller; the root is a user of a kind. */
static Value get(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "UserName");
	const char *own = strstr(call->principal_arn, ":user/");
	if (!name && g_str_has_suffix(call->principal_arn, ":root"))
		return value_object_take("User",
			value_object_take("UserId", value_string(call->scope.account), "Arn",
				value_string(call->principal_arn), "CreateDate", value_int(0),
				NULL),
			NULL);
	if (!name && !own) {
		wire_error_set(error, "ValidationError",
			"Must specify userName when calling with non-User credentials");
		return VALUE_NOTHING;
	}
	g_auto(Value) user =
		iam_find_named(call, &iam_user, name ? name : strrchr(own, '/') + 1, error);
	return value_is_null(user) ? VALUE_NOTHING
				   : value_object_take("User", iam_view(call, user), NULL);
}

static Value list(RegionCall *call, Value input, GError **error) {
	return iam_list(call, &iam_user, input, "Users", error);
}

/* A new name or path; what its keys say of it goes along. */
static void rename_keys(RegionCall *call, Value user, const char *old_name) {
	Store *store = region_store(call->region);
	g_auto(StoreIter) iter = store_iter_prefix(store, iam_issued, IAM_KEYS, "AKIA");
	const char *id;
	Value key;
	while (store_iter_next(&iter, &id, &key)) {
		if (g_strcmp0(value_get_text(key, "UserName"), old_name) != 0 ||
			!value_equal(value_get(key, "PrincipalId"), value_get(user, "UserId")))
			continue;
		Value changed = value_with_take(
			value_ref(key), "UserName", value_ref(value_get(user, "UserName")));
		store_put_take(store, iam_issued, IAM_KEYS, id,
			value_with_take(changed, "Arn", value_ref(value_get(user, "Arn"))));
	}
}

static Value update(RegionCall *call, Value input, GError **error) {
	const char *old_name = value_get_text(input, "UserName");
	const char *name = value_text_or(value_get(input, "NewUserName"), old_name);
	g_auto(Value) user = iam_find(call, &iam_user, input, error);
	if (value_is_null(user) ||
		(!g_str_equal(name, old_name) && !iam_is_new(call, &iam_user, name, error)))
		return VALUE_NOTHING;
	g_autofree char *path =
		g_strdup(value_text_or(value_get(input, "NewPath"), value_get_text(user, "Path")));
	g_autofree char *arn = region_arn(call->global, "iam", "user%s%s", path, name);
	g_auto(Value) tags = region_tags(call->region, call->global, value_get_text(user, "Arn"));
	region_tags_clear(call->region, call->global, value_get_text(user, "Arn"));
	region_tags_set(call->region, call->global, arn, tags);
	store_delete(region_store(call->region), call->global, IAM_USERS, old_name);
	user = value_with_take(value_steal(&user), "UserName", value_string(name));
	user = value_with_take(value_steal(&user), "Path", value_string(path));
	user = value_with_take(value_steal(&user), "Arn", value_string(arn));
	rename_keys(call, user, old_name);
	iam_put(call, &iam_user, value_steal(&user));
	return VALUE_NOTHING;
}

static Value delete (RegionCall *call, Value input, GError **error) {
	g_auto(Value) user = iam_find(call, &iam_user, input, error);
	if (value_is_null(user) || !iam_holds_none(user, error))
		return VALUE_NOTHING;
	const char *name = value_get_text(user, "UserName");
	const char *left = iam_user_key_count(call, name) > 0 ? "delete access keys"
			   : value_length(iam_inside(user, "Groups")) > 0
				   ? "remove users from group"
				   : NULL;
	if (left) {
		wire_error_set_status(
			error, 409, "DeleteConflict", "Cannot delete entity, must %s first.", left);
		return VALUE_NOTHING;
	}
	region_tags_clear(call->region, call->global, value_get_text(user, "Arn"));
	store_delete(region_store(call->region), call->global, IAM_USERS, name);
	return VALUE_NOTHING;
}

/* No user has any of these, as none can be made: what deletes users asks for them first. */
static Value none(RegionCall *call, Value input, const char *member, GError **error) {
	g_auto(Value) user = iam_find(call, &iam_user, input, error);
	return value_is_null(user) ? VALUE_NOTHING
				   : iam_page(call, input, member, value_empty_tuple(), error);
}

static Value list_mfa(RegionCall *call, Value input, GError **error) {
	return none(call, input, "MFADevices", error);
}

static Value list_certificates(RegionCall *call, Value input, GError **error) {
	return none(call, input, "Certificates", error);
}

static Value list_ssh_keys(RegionCall *call, Value input, GError **error) {
	return none(call, input, "SSHPublicKeys", error);
}

static Value no_login(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "UserName");
	g_auto(Value) user = iam_find(call, &iam_user, input, error);
	if (!value_is_null(user))
		iam_no_such(error, "Login Profile for User %s cannot be found.", name);
	return VALUE_NOTHING;
}

/* ---- groups ---- */

static Value create_group(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "GroupName");
	const char *path = value_text_or(value_get(input, "Path"), "/");
	if (!iam_is_new(call, &iam_group, name, error))
		return VALUE_NOTHING;
	g_autofree char *arn = region_arn(call->global, "iam", "group%s%s", path, name);
	g_auto(Value) group =
		value_object_take("GroupName", value_string(name), "Path", value_string(path),
			"Arn", value_string(arn), "GroupId", iam_unique_id("AGPA"), "CreateDate",
			region_timestamp(call->region), IAM_INTERNAL, value_empty_object(), NULL);
	iam_put(call, &iam_group, value_ref(group));
	return value_object_take("Group", value_without_take(value_ref(group), IAM_INTERNAL), NULL);
}

/* A new name or path; members keep belonging to it. */
static Value update_group(RegionCall *call, Value input, GError **error) {
	const char *old_name = value_get_text(input, "GroupName");
	const char *name = value_text_or(value_get(input, "NewGroupName"), old_name);
	g_auto(Value) group = iam_find(call, &iam_group, input, error);
	if (value_is_null(group) ||
		(!g_str_equal(name, old_name) && !iam_is_new(call, &iam_group, name, error)))
		return VALUE_NOTHING;
	g_autofree char *path =
		g_strdup(value_text_or(value_get(input, "NewPath"), value_get_text(group, "Path")));
	g_autofree char *arn = region_arn(call->global, "iam", "group%s%s", path, name);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->global, IAM_USERS);
	const char *user_name;
	Value user;
	while (store_iter_next(&iter, &user_name, &user)) {
		if (!value_has(iam_inside(user, "Groups"), old_name))
			continue;
		Value groups = value_without_take(value_ref(iam_inside(user, "Groups")), old_name);
		groups = value_with_take(groups, name, value_bool(TRUE));
		iam_put(call, &iam_user, iam_with_inside(value_ref(user), "Groups", groups));
	}
	store_delete(region_store(call->region), call->global, IAM_GROUPS, old_name);
	group = value_with_take(value_steal(&group), "GroupName", value_string(name));
	group = value_with_take(value_steal(&group), "Path", value_string(path));
	group = value_with_take(value_steal(&group), "Arn", value_string(arn));
	iam_put(call, &iam_group, value_steal(&group));
	return VALUE_NOTHING;
}

static Value members_of(RegionCall *call, const char *group) {
	g_autoptr(ValueBuilder) members = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->global, IAM_USERS);
	const char *name;
	Value user;
	while (store_iter_next(&iter, &name, &user))
		if (value_has(iam_inside(user, "Groups"), group))
			value_builder_add_take(
				members, value_without_take(iam_view(call, user), "Tags"));
	return value_builder_end(g_steal_pointer(&members));
}

static Value get_group(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = iam_find(call, &iam_group, input, error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	Value page = iam_page(
		call, input, "Users", members_of(call, value_get_text(group, "GroupName")), error);
	return value_is_null(page) ? page
				   : value_with_take(page, "Group",
					     value_without_take(value_ref(group), IAM_INTERNAL));
}

static Value list_groups(RegionCall *call, Value input, GError **error) {
	return iam_list(call, &iam_group, input, "Groups", error);
}

static Value list_groups_for_user(RegionCall *call, Value input, GError **error) {
	g_auto(Value) user = iam_find(call, &iam_user, input, error);
	if (value_is_null(user))
		return VALUE_NOTHING;
	Value names = iam_inside(user, "Groups");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(names); i++) {
		g_auto(Value) group = store_get(region_store(call->region), call->global,
			IAM_GROUPS, value_key_at(names, i));
		value_builder_add_take(all, value_without_take(value_steal(&group), IAM_INTERNAL));
	}
	return iam_page(call, input, "Groups", value_builder_end(g_steal_pointer(&all)), error);
}

static Value set_member(RegionCall *call, Value input, gboolean member, GError **error) {
	g_auto(Value) group = iam_find(call, &iam_group, input, error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	g_auto(Value) user = iam_find(call, &iam_user, input, error);
	if (value_is_null(user))
		return VALUE_NOTHING;
	const char *name = value_get_text(group, "GroupName");
	Value groups = value_merge(iam_inside(user, "Groups"), VALUE_NOTHING);
	groups = member ? value_with_take(groups, name, value_bool(TRUE))
			: value_without_take(groups, name);
	iam_put(call, &iam_user, iam_with_inside(value_steal(&user), "Groups", groups));
	return VALUE_NOTHING;
}

static Value add_to_group(RegionCall *call, Value input, GError **error) {
	return set_member(call, input, TRUE, error);
}

static Value remove_from_group(RegionCall *call, Value input, GError **error) {
	return set_member(call, input, FALSE, error);
}

static Value delete_group(RegionCall *call, Value input, GError **error) {
	g_auto(Value) group = iam_find(call, &iam_group, input, error);
	if (value_is_null(group) || !iam_holds_none(group, error))
		return VALUE_NOTHING;
	g_auto(Value) members = members_of(call, value_get_text(group, "GroupName"));
	if (value_length(members) > 0) {
		wire_error_set_status(error, 409, "DeleteConflict",
			"Cannot delete entity, must remove users from group first.");
		return VALUE_NOTHING;
	}
	store_delete(region_store(call->region), call->global, IAM_GROUPS,
		value_get_text(group, "GroupName"));
	return VALUE_NOTHING;
}

static const RegionOperation operations[] = {
	{"CreateUser", create},
	{"GetUser", get, .reads_only = TRUE},
	{"ListUsers", list, .reads_only = TRUE},
	{"UpdateUser", update},
	{"DeleteUser", delete},
	{"ListMFADevices", list_mfa, .reads_only = TRUE},
	{"ListSigningCertificates", list_certificates, .reads_only = TRUE},
	{"ListSSHPublicKeys", list_ssh_keys, .reads_only = TRUE},
	{"GetLoginProfile", no_login, .reads_only = TRUE},
	{"DeleteLoginProfile", no_login},
	{"CreateGroup", create_group},
	{"GetGroup", get_group, .reads_only = TRUE},
	{"UpdateGroup", update_group},
	{"ListGroups", list_groups, .reads_only = TRUE},
	{"ListGroupsForUser", list_groups_for_user, .reads_only = TRUE},
	{"AddUserToGroup", add_to_group},
	{"RemoveUserFromGroup", remove_from_group},
	{"DeleteGroup", delete_group},
	{NULL},
};

const RegionService region_iam_users = {.name = "iam", .operations = operations};
