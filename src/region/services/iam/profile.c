/* Instance profiles: a role under a name that instances could be given. */
#include <string.h>

#include "region/services/iam/internal.h"

extern const RegionService region_iam_profiles;

static const IamHolder profile_kind = {
	IAM_PROFILES, "InstanceProfileName", "Instance Profile", "instance profile"};

/* With its role as it is now. */
static Value view(RegionCall *call, Value profile) {
	const char *name = value_get_text(profile, "Role");
	Value shown = value_without_take(iam_view(call, profile), "Role");
	g_auto(Value) role = name ? iam_find_named(call, &iam_role, name, NULL) : VALUE_NOTHING;
	Value roles =
		value_is_null(role)
			? value_empty_tuple()
			: value_tuple_take(1, value_without_take(iam_view(call, role), "Tags"));
	return value_with_take(shown, "Roles", roles);
}

static Value create(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "InstanceProfileName");
	const char *path = value_text_or(value_get(input, "Path"), "/");
	if (!iam_is_new(call, &profile_kind, name, error))
		return VALUE_NOTHING;
	g_autofree char *arn = region_arn(call->global, "iam", "instance-profile%s%s", path, name);
	g_auto(Value) profile = value_object_take("InstanceProfileName", value_string(name), "Path",
		value_string(path), "Arn", value_string(arn), "InstanceProfileId",
		iam_unique_id("AIPA"), "CreateDate", region_timestamp(call->region), NULL);
	iam_put(call, &profile_kind, value_ref(profile));
	iam_set_tags(call, input, profile);
	return value_object_take("InstanceProfile", view(call, profile), NULL);
}

static Value get(RegionCall *call, Value input, GError **error) {
	g_auto(Value) profile = iam_find(call, &profile_kind, input, error);
	return value_is_null(profile)
		       ? VALUE_NOTHING
		       : value_object_take("InstanceProfile", view(call, profile), NULL);
}

static Value all_of(RegionCall *call, const char *prefix, const char *role) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->global, IAM_PROFILES);
	const char *name;
	Value profile;
	while (store_iter_next(&iter, &name, &profile))
		if (g_str_has_prefix(value_get_text(profile, "Path"), prefix) &&
			(!role || g_strcmp0(value_get_text(profile, "Role"), role) == 0))
			value_builder_add_take(
				all, value_without_take(view(call, profile), "Tags"));
	return value_builder_end(g_steal_pointer(&all));
}

Value iam_profiles_of(RegionCall *call, const char *role_name) {
	return all_of(call, "/", role_name);
}

static Value list(RegionCall *call, Value input, GError **error) {
	Value all = all_of(call, value_text_or(value_get(input, "PathPrefix"), "/"), NULL);
	return iam_page(call, input, "InstanceProfiles", all, error);
}

static Value list_for_role(RegionCall *call, Value input, GError **error) {
	g_auto(Value) role = iam_find(call, &iam_role, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	Value all = iam_profiles_of(call, value_get_text(role, "RoleName"));
	return iam_page(call, input, "InstanceProfiles", all, error);
}

static Value add_role(RegionCall *call, Value input, GError **error) {
	g_auto(Value) profile = iam_find(call, &profile_kind, input, error);
	if (value_is_null(profile))
		return VALUE_NOTHING;
	g_auto(Value) role = iam_find(call, &iam_role, input, error);
	if (value_is_null(role))
		return VALUE_NOTHING;
	if (value_has(profile, "Role")) {
		wire_error_set_status(error, 409, "LimitExceeded",
			"Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
		return VALUE_NOTHING;
	}
	iam_put(call, &profile_kind,
		value_with_take(
			value_steal(&profile), "Role", value_ref(value_get(role, "RoleName"))));
	return VALUE_NOTHING;
}

static Value remove_role(RegionCall *call, Value input, GError **error) {
	g_auto(Value) profile = iam_find(call, &profile_kind, input, error);
	if (value_is_null(profile))
		return VALUE_NOTHING;
	if (!value_equal(value_get(profile, "Role"), value_get(input, "RoleName"))) {
		iam_no_such(error, "Role %s is not in the instance profile.",
			value_get_text(input, "RoleName"));
		return VALUE_NOTHING;
	}
	iam_put(call, &profile_kind, value_without_take(value_steal(&profile), "Role"));
	return VALUE_NOTHING;
}

static Value delete (RegionCall *call, Value input, GError **error) {
	g_auto(Value) profile = iam_find(call, &profile_kind, input, error);
	if (value_is_null(profile))
		return VALUE_NOTHING;
	if (value_has(profile, "Role")) {
		wire_error_set_status(error, 409, "DeleteConflict",
			"Cannot delete entity, must remove roles from instance profile first.");
		return VALUE_NOTHING;
	}
	region_tags_clear(call->region, call->global, value_get_text(profile, "Arn"));
	store_delete(region_store(call->region), call->global, IAM_PROFILES,
		value_get_text(profile, "InstanceProfileName"));
	return VALUE_NOTHING;
}

static Value tag(RegionCall *call, Value input, GError **error) {
	g_auto(Value) profile = iam_find(call, &profile_kind, input, error);
	if (!value_is_null(profile))
		iam_set_tags(call, input, profile);
	return VALUE_NOTHING;
}

static Value untag(RegionCall *call, Value input, GError **error) {
	g_auto(Value) profile = iam_find(call, &profile_kind, input, error);
	if (!value_is_null(profile))
		iam_remove_tags(call, input, profile);
	return VALUE_NOTHING;
}

static const RegionOperation operations[] = {
	{"CreateInstanceProfile", create},
	{"GetInstanceProfile", get, .reads_only = TRUE},
	{"ListInstanceProfiles", list, .reads_only = TRUE},
	{"ListInstanceProfilesForRole", list_for_role, .reads_only = TRUE},
	{"AddRoleToInstanceProfile", add_role},
	{"RemoveRoleFromInstanceProfile", remove_role},
	{"DeleteInstanceProfile", delete},
	{"TagInstanceProfile", tag},
	{"UntagInstanceProfile", untag},
	{NULL},
};

const RegionService region_iam_profiles = {.name = "iam", .operations = operations};
