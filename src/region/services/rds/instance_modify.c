/*
 * ModifyDBInstance, reboot, start and stop. What may wait for the maintenance window is put off
 * unless the caller wants it at once (ApplyImmediately); a password, groups and protections are
 * always changed at once, as RDS does.
 */
#include <stdio.h>
#include <string.h>

#include "region/services/ec2/ec2.h"
#include "region/services/rds/internal.h"

static const char *status_of(Value instance) {
	return value_text_or(value_get(instance, "DBInstanceStatus"), "");
}

static gboolean check_status(Value instance, const char *const *allowed, GError **error) {
	if (g_strv_contains(allowed, status_of(instance)))
		return TRUE;
	wire_error_set(error, "InvalidDBInstanceState",
		"Instance %s is not in a state in which this can be done: it is %s.",
		value_get_text(instance, "DBInstanceIdentifier"), status_of(instance));
	return FALSE;
}

static Value with_status_take(Value instance, const char *status) {
	return value_with_take(instance, "DBInstanceStatus", value_string(status));
}

/* Something for the controller to do with the server. */
static Value with_task_take(Value instance, const char *task) {
	Value tasks = value_get_path(instance, RDS_INTERNAL, "Tasks", NULL);
	Value more = value_with_take(value_is_null(tasks) ? value_empty_object() : value_ref(tasks),
		task, value_bool(TRUE));
	return rds_with_internal_take(instance, "Tasks", more);
}

/* ---- what may be put off ---- */

/* Whether both are of one major version, or the move is allowed. */
static gboolean check_version(
	const RdsEngine *engine, const char *from, const char *to, Value input, GError **error) {
	g_autofree char *from_major = rds_major(engine, from);
	g_autofree char *to_major = rds_major(engine, to);
	gboolean same = g_str_equal(from_major, to_major);
	double a = g_ascii_strtod(same ? strrchr(from, '.') + 1 : from_major, NULL);
	double b = g_ascii_strtod(same ? strrchr(to, '.') + 1 : to_major, NULL);
	if (b < a)
		wire_error_set(error, "InvalidParameterCombination",
			"Cannot upgrade %s from %s to %s", engine->name, from, to);
	else if (!same && !value_get_bool(input, "AllowMajorVersionUpgrade"))
		wire_error_set(error, "InvalidParameterCombination",
			"The AllowMajorVersionUpgrade flag must be present when upgrading to a new "
			"major version.");
	else
		return TRUE;
	return FALSE;
}

static gboolean add_version(
	Region *region, Value instance, Value input, ValueBuilder *wanted, GError **error) {
	const char *asked = value_get_text(input, "EngineVersion");
	const char *now = value_get_text(instance, "EngineVersion");
	if (!asked)
		return TRUE;
	const RdsEngine *engine = rds_engine(value_get_text(instance, "Engine"));
	/* "15" is met by any 15.x. */
	gsize length = strlen(asked);
	if (g_str_has_prefix(now, asked) && (now[length] == '.' || now[length] == '\0'))
		return TRUE;
	g_autofree char *version = rds_version(region, engine, asked, error);
	if (!version || !check_version(engine, now, version, input, error))
		return FALSE;
	value_builder_set_take(wanted, "EngineVersion", value_string(version));
	return TRUE;
}

static gboolean add_storage(Value instance, Value input, ValueBuilder *wanted, GError **error) {
	gint64 now = value_get_int(instance, "AllocatedStorage", 0);
	gint64 size = value_get_int(input, "AllocatedStorage", now);
	if (size < now) {
		wire_error_set(error, "InvalidParameterCombination",
			"Requested storage size (%" G_GINT64_FORMAT
			") is less than the current one (%" G_GINT64_FORMAT
			"): storage cannot be shrunk.",
			size, now);
		return FALSE;
	}
	if (size != now)
		value_builder_set_take(wanted, "AllocatedStorage", value_int(size));
	return TRUE;
}

static gboolean add_name(
	RegionCall *call, Value instance, Value input, ValueBuilder *wanted, GError **error) {
	const char *given = value_get_text(input, "NewDBInstanceIdentifier");
	if (!given)
		return TRUE;
	g_autofree char *name = g_ascii_strdown(given, -1);
	if (g_strcmp0(name, value_get_text(instance, "DBInstanceIdentifier")) == 0)
		return TRUE;
	if (!rds_check_name(name, "NewDBInstanceIdentifier", 63, error))
		return FALSE;
	if (store_has(region_store(call->region), call->scope, RDS_INSTANCES, name)) {
		wire_error_set(error, "DBInstanceAlreadyExists", "DB instance already exists");
		return FALSE;
	}
	value_builder_set_take(wanted, "DBInstanceIdentifier", value_string(name));
	return TRUE;
}

/* The changes that may wait, under the names of PendingModifiedValues; VALUE_NOTHING and an error.
 */
static Value wanted_values(RegionCall *call, Value instance, Value input, GError **error) {
	static const char *const plain[] = {
		"DBInstanceClass", "Iops", "MultiAZ", "StorageThroughput", "StorageType"};
	g_autoptr(ValueBuilder) wanted = value_builder_new(VALUE_OBJECT, NULL);
	const char *class = value_get_text(input, "DBInstanceClass");
	if (class && !rds_check_class(class, error))
		return VALUE_NOTHING;
	for (guint i = 0; i < G_N_ELEMENTS(plain); i++) {
		Value given = value_get(input, plain[i]);
		if (!value_is_null(given) && !value_equal(given, value_get(instance, plain[i])))
			value_builder_set_take(wanted, plain[i], value_ref(given));
	}
	gint64 port = value_get_int(input, "DBPortNumber", 0);
	if (port != 0 && (port < 1150 || port > 65535)) {
		wire_error_set(error, "InvalidParameterValue",
			"The port must be between 1150 and 65535: %" G_GINT64_FORMAT, port);
		return VALUE_NOTHING;
	}
	if (port != 0 && port != value_get_int(value_get(instance, "Endpoint"), "Port", 0))
		value_builder_set_take(wanted, "Port", value_int(port));
	if (!add_version(call->region, instance, input, wanted, error) ||
		!add_storage(instance, input, wanted, error) ||
		!add_name(call, instance, input, wanted, error))
		return VALUE_NOTHING;
	return value_builder_end(g_steal_pointer(&wanted));
}

/* Of a new major version are the default parameter and option groups, too. */
static Value upgrade_take(
	Region *region, StoreScope scope, Value instance, const char *version, GError **error) {
	const RdsEngine *engine = rds_engine(value_get_text(instance, "Engine"));
	g_autofree char *before = rds_major(engine, value_get_text(instance, "EngineVersion"));
	g_autofree char *after = rds_major(engine, version);
	Value moved = value_with_take(instance, "EngineVersion", value_string(version));
	if (g_str_equal(before, after))
		return moved;
	g_autofree char *dashed = g_strdelimit(g_strdup(after), ".", '-');
	moved = value_with_take(moved, "OptionGroupMemberships",
		value_tuple_take(
			1, value_object_take("OptionGroupName",
				   value_string_printf("default:%s-%s", engine->name, dashed),
				   "Status", value_string("in-sync"), NULL)));
	const char *group = value_get_text(
		value_at(value_get(moved, "DBParameterGroups"), 0), "DBParameterGroupName");
	g_autofree char *kept = g_str_has_prefix(group, "default.") ? NULL : g_strdup(group);
	return rds_with_parameter_group_take(region, scope, moved, kept, TRUE, error);
}

static Value rename_take(Region *region, StoreScope scope, Value instance, const char *name) {
	g_autofree char *arn = region_arn(scope, "rds", "db:%s", name);
	g_autofree char *address = rds_endpoint_name(scope, name);
	const char *old_arn = value_get_text(instance, "DBInstanceArn");
	g_auto(Value) tags = region_tags(region, scope, old_arn);
	region_tags_set(region, scope, arn, tags);
	region_tags_clear(region, scope, old_arn);
	store_delete(region_store(region), scope, RDS_INSTANCES,
		value_get_text(instance, "DBInstanceIdentifier"));
	Value endpoint = value_with_take(
		value_ref(value_get(instance, "Endpoint")), "Address", value_string(address));
	Value renamed = value_with_take(instance, "DBInstanceIdentifier", value_string(name));
	renamed = value_with_take(renamed, "DBInstanceArn", value_string(arn));
	return value_with_take(renamed, "Endpoint", endpoint);
}

static Value second_zone_take(Region *region, StoreScope scope, Value instance) {
	if (!value_get_bool(instance, "MultiAZ"))
		return value_without_take(instance, "SecondaryAvailabilityZone");
	g_auto(Value) group = rds_subnet_group(region, scope,
		value_text_or(
			value_get_path(instance, "DBSubnetGroup", "DBSubnetGroupName", NULL), ""),
		NULL);
	Value subnets = value_get(group, "Subnets");
	for (gsize i = 0; i < value_length(subnets); i++) {
		Value zone = value_get_path(
			value_at(subnets, i), "SubnetAvailabilityZone", "Name", NULL);
		if (!value_equal(zone, value_get(instance, "AvailabilityZone")))
			return value_with_take(
				instance, "SecondaryAvailabilityZone", value_ref(zone));
	}
	return instance;
}

Value rds_apply_values_take(
	Region *region, StoreScope scope, Value instance, Value values, GError **error) {
	Value changed = value_with_take(instance, "PendingModifiedValues", value_empty_object());
	ValueIter iter;
	const char *name;
	Value value;
	for (value_iter_init(&iter, values); value_iter_next(&iter, &name, &value);) {
		if (g_str_equal(name, "EngineVersion"))
			changed = upgrade_take(region, scope, changed, value_text(value), error);
		else if (g_str_equal(name, "DBInstanceIdentifier"))
			changed = rename_take(region, scope, changed, value_text(value));
		else if (g_str_equal(name, "Port"))
			changed = with_task_take(
				value_with_take(changed, "Endpoint",
					value_with_take(value_ref(value_get(changed, "Endpoint")),
						"Port", value_ref(value))),
				"restart");
		else
			changed = value_with_take(changed, name, value_ref(value));
		if (value_is_null(changed))
			return changed;
	}
	return value_has(values, "MultiAZ") ? second_zone_take(region, scope, changed) : changed;
}

/* ---- the maintenance window ---- */

/* "mon:04:00-mon:04:30": minutes since Sunday 00:00; FALSE if it is none. */
static gboolean parse_window(const char *window, int *begin, int *end) {
	static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
	g_auto(GStrv) sides = g_strsplit(window, "-", 2);
	int *const minutes[] = {begin, end};
	for (int side = 0; side < 2; side++) {
		int hour, minute, day = -1;
		g_autofree char *text =
			g_ascii_strdown(sides[0] && sides[side] ? sides[side] : "", -1);
		for (int i = 0; i < 7; i++)
			if (g_str_has_prefix(text, days[i]))
				day = i;
		if (day < 0 || strlen(text) != 9 ||
			sscanf(text + 3, ":%2d:%2d", &hour, &minute) != 2 || hour > 23 ||
			minute > 59)
			return FALSE;
		*minutes[side] = (day * 24 + hour) * 60 + minute;
	}
	return TRUE;
}

double rds_until_maintenance(Region *region, const char *window) {
	const int week = 7 * 24 * 60;
	int begin, end;
	if (!parse_window(window, &begin, &end))
		return week * 60.0;
	/* The epoch was on a Thursday. */
	gint64 now = (region_now(region) / G_USEC_PER_SEC / 60 + 4 * 24 * 60) % week;
	int length = (end - begin + week) % week;
	int since = (int)((now - begin + week) % week);
	return since < length ? 0 : (week - since) * 60.0;
}

/* ---- what changes at once ---- */

static gboolean check_window(Value input, GError **error) {
	const char *window = value_get_text(input, "PreferredMaintenanceWindow");
	int begin, end;
	if (!window || parse_window(window, &begin, &end))
		return TRUE;
	wire_error_set(
		error, "InvalidParameterValue", "Invalid maintenance window format: %s.", window);
	return FALSE;
}

static Value with_log_exports_take(Value instance, Value configuration) {
	Value now = value_get(instance, "EnabledCloudwatchLogsExports");
	Value more = value_get(configuration, "EnableLogTypes");
	Value fewer = value_get(configuration, "DisableLogTypes");
	g_autoptr(ValueBuilder) types = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(now); i++) {
		const char *type = value_text(value_at(now, i));
		if ((value_is_null(fewer) || !rds_lists(fewer, type)) &&
			(value_is_null(more) || !rds_lists(more, type)))
			value_builder_add_take(types, value_string(type));
	}
	for (gsize i = 0; i < value_length(more); i++)
		value_builder_add_take(types, value_ref(value_at(more, i)));
	return value_with_take(instance, "EnabledCloudwatchLogsExports",
		value_builder_end(g_steal_pointer(&types)));
}

static Value with_settings_take(Value instance, Value input) {
	static const char *const settings[][2] = {
		{"AutoMinorVersionUpgrade", "AutoMinorVersionUpgrade"},
		{"BackupRetentionPeriod", "BackupRetentionPeriod"},
		{"CACertificateIdentifier", "CACertificateIdentifier"},
		{"CopyTagsToSnapshot", "CopyTagsToSnapshot"},
		{"DatabaseInsightsMode", "DatabaseInsightsMode"},
		{"DedicatedLogVolume", "DedicatedLogVolume"},
		{"DeletionProtection", "DeletionProtection"},
		{"EngineLifecycleSupport", "EngineLifecycleSupport"},
		{"IAMDatabaseAuthenticationEnabled", "EnableIAMDatabaseAuthentication"},
		{"MaxAllocatedStorage", "MaxAllocatedStorage"},
		{"MonitoringInterval", "MonitoringInterval"},
		{"MonitoringRoleArn", "MonitoringRoleArn"},
		{"PerformanceInsightsEnabled", "EnablePerformanceInsights"},
		{"PerformanceInsightsKMSKeyId", "PerformanceInsightsKMSKeyId"},
		{"PerformanceInsightsRetentionPeriod", "PerformanceInsightsRetentionPeriod"},
		{"PreferredBackupWindow", "PreferredBackupWindow"},
		{"PreferredMaintenanceWindow", "PreferredMaintenanceWindow"},
		{"PromotionTier", "PromotionTier"}};
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
		if (value_has(input, settings[i][1]))
			instance = value_with_take(instance, settings[i][0],
				value_ref(value_get(input, settings[i][1])));
	if (value_has(input, "CloudwatchLogsExportConfiguration"))
		instance = with_log_exports_take(
			instance, value_get(input, "CloudwatchLogsExportConfiguration"));
	return instance;
}

static Value with_groups_take(RegionCall *call, Value instance, Value ids, GError **error) {
	g_auto(Value) owned = instance;
	if (value_length(ids) == 0)
		return value_steal(&owned);
	const char *vpc = value_text_or(value_get_path(owned, "DBSubnetGroup", "VpcId", NULL), "");
	g_auto(Value) groups = rds_security_groups(call, ids, vpc, error);
	if (value_is_null(groups) ||
		!ec2_interface_set_groups(call->region, call->scope,
			value_text_or(value_get_path(owned, RDS_INTERNAL, "Interface", NULL), ""),
			ids, error))
		return VALUE_NOTHING;
	return value_with_take(value_steal(&owned), "VpcSecurityGroups", value_steal(&groups));
}

static void delete_secret(RegionCall *call, Value instance) {
	const char *arn =
		value_text(value_get_path(instance, "MasterUserSecret", "SecretArn", NULL));
	if (!arn)
		return;
	g_auto(Value) request = value_object_take("SecretId", value_string(arn),
		"ForceDeleteWithoutRecovery", value_bool(TRUE), NULL);
	g_auto(Value) done = region_call(
		call->region, call->scope, "secretsmanager", "DeleteSecret", request, NULL);
}

/* A new password: the given one, or one that Secrets Manager keeps. Takes the instance. */
static Value with_password_take(RegionCall *call, Value instance, Value input, GError **error) {
	const char *password = value_get_text(input, "MasterUserPassword");
	gboolean managed = value_has(instance, "MasterUserSecret");
	gboolean manage = value_has(input, "ManageMasterUserPassword")
				  ? value_get_bool(input, "ManageMasterUserPassword")
				  : managed;
	gboolean rotate = value_get_bool(input, "RotateMasterUserPassword") && manage;
	if (password && manage) {
		value_unref(instance);
		wire_error_set(error, "InvalidParameterCombination",
			"You can't specify MasterUserPassword while the password is managed by "
			"Secrets Manager.");
		return VALUE_NOTHING;
	}
	if (managed && (!manage || rotate)) {
		delete_secret(call, instance);
		instance = value_without_take(instance, "MasterUserSecret");
	}
	if (manage && (!managed || rotate)) {
		instance = rds_with_managed_password_take(
			call, instance, value_get_text(input, "MasterUserSecretKmsKeyId"), error);
	} else if (password) {
		const RdsEngine *engine = rds_engine(value_get_text(instance, "Engine"));
		if (!rds_check_password(engine, password, error)) {
			value_unref(instance);
			return VALUE_NOTHING;
		}
		instance = rds_with_internal_take(instance, "Password", value_string(password));
	} else {
		return instance;
	}
	if (value_is_null(instance))
		return instance;
	return with_task_take(
		with_status_take(instance, "resetting-master-credentials"), "password");
}

static gboolean check_modification(Value instance, Value input, GError **error) {
	static const char *const allowed[] = {"available", "stopped", "failed", NULL};
	static const char *const running[] = {"available", NULL};
	const char *group = value_get_text(input, "DBSubnetGroupName");
	const char *own =
		value_text(value_get_path(instance, "DBSubnetGroup", "DBSubnetGroupName", NULL));
	gboolean needs_server = value_has(input, "MasterUserPassword") ||
				value_has(input, "RotateMasterUserPassword") ||
				value_has(input, "ManageMasterUserPassword");
	if (!rds_check_supported(input, error) ||
		!check_status(instance, needs_server ? running : allowed, error) ||
		!check_window(input, error))
		return FALSE;
	if (group && g_ascii_strcasecmp(group, own) != 0)
		rds_refuse(error, "moving a DB instance to another subnet group");
	else if (value_has(input, "Engine"))
		rds_refuse(error, "changing the engine of a DB instance");
	else if (value_has(input, "PubliclyAccessible") &&
		 value_get_bool(input, "PubliclyAccessible") !=
			 value_get_bool(instance, "PubliclyAccessible"))
		rds_refuse(error, "changing PubliclyAccessible of a DB instance");
	else
		return TRUE;
	return FALSE;
}

static Value modify_now_take(RegionCall *call, Value instance, Value input, GError **error) {
	Value changed = with_settings_take(instance, input);
	changed = with_groups_take(call, changed, value_get(input, "VpcSecurityGroupIds"), error);
	const char *group = value_get_text(input, "DBParameterGroupName");
	const char *own = value_get_text(
		value_at(value_get(changed, "DBParameterGroups"), 0), "DBParameterGroupName");
	if (!value_is_null(changed) && group && g_ascii_strcasecmp(group, own) != 0)
		changed = rds_with_parameter_group_take(
			call->region, call->scope, changed, group, FALSE, error);
	return value_is_null(changed) ? changed : with_password_take(call, changed, input, error);
}

Value rds_modify_instance(RegionCall *call, Value input, GError **error) {
	g_auto(Value) instance =
		rds_instance(call, value_get_text(input, "DBInstanceIdentifier"), error);
	if (value_is_null(instance) || !check_modification(instance, input, error))
		return VALUE_NOTHING;
	g_auto(Value) wanted = wanted_values(call, instance, input, error);
	if (value_is_null(wanted))
		return VALUE_NOTHING;
	g_auto(Value) pending = value_merge(value_get(instance, "PendingModifiedValues"), wanted);
	gboolean now = value_get_bool(input, "ApplyImmediately");
	if (!now)
		instance = value_with_take(
			value_steal(&instance), "PendingModifiedValues", value_ref(pending));
	else if (value_length(pending) > 0) {
		if (g_str_equal(status_of(instance), "available"))
			instance = with_status_take(value_steal(&instance), "modifying");
		instance = rds_apply_values_take(
			call->region, call->scope, value_steal(&instance), pending, error);
	}
	/* After a major upgrade, a parameter group is of the new family. */
	if (!value_is_null(instance))
		instance = modify_now_take(call, value_steal(&instance), input, error);
	if (value_is_null(instance))
		return VALUE_NOTHING;
	rds_instance_put(call->region, call->scope, value_ref(instance));
	return rds_instance_answer(call, instance);
}

/* ---- reboot, stop, start ---- */

static Value change_status(RegionCall *call, Value instance, const char *status, const char *task) {
	Value changed = with_status_take(instance, status);
	if (task)
		changed = with_task_take(changed, task);
	Value output = rds_instance_answer(call, changed);
	rds_instance_put(call->region, call->scope, changed);
	return output;
}

static Value find_in(RegionCall *call, Value input, const char *const *allowed, GError **error) {
	g_auto(Value) instance =
		rds_instance(call, value_get_text(input, "DBInstanceIdentifier"), error);
	return !value_is_null(instance) && check_status(instance, allowed, error)
		       ? value_steal(&instance)
		       : VALUE_NOTHING;
}

/* What waits for a reboot comes with it. */
Value rds_reboot_instance(RegionCall *call, Value input, GError **error) {
	static const char *const allowed[] = {"available", "failed", NULL};
	if (value_get_bool(input, "ForceFailover"))
		return rds_refuse(error, "failover: a DB instance has no standby");
	Value instance = find_in(call, input, allowed, error);
	if (value_is_null(instance))
		return VALUE_NOTHING;
	g_autofree char *group = g_strdup(value_get_text(
		value_at(value_get(instance, "DBParameterGroups"), 0), "DBParameterGroupName"));
	instance = rds_with_parameter_group_take(
		call->region, call->scope, instance, group, TRUE, error);
	return value_is_null(instance) ? instance
				       : change_status(call, instance, "rebooting", "restart");
}

Value rds_stop_instance(RegionCall *call, Value input, GError **error) {
	static const char *const allowed[] = {"available", NULL};
	if (value_has(input, "DBSnapshotIdentifier"))
		return rds_refuse(error, "DB snapshots: stop the instance without one");
	Value instance = find_in(call, input, allowed, error);
	if (value_is_null(instance))
		return VALUE_NOTHING;
	instance = rds_with_internal_take(instance, "Stopped", value_bool(TRUE));
	return change_status(call, instance, "stopping", NULL);
}

Value rds_start_instance(RegionCall *call, Value input, GError **error) {
	static const char *const allowed[] = {"stopped", NULL};
	Value instance = find_in(call, input, allowed, error);
	if (value_is_null(instance))
		return VALUE_NOTHING;
	instance = rds_with_internal_take(instance, "Stopped", VALUE_NOTHING);
	return change_status(call, instance, "starting", NULL);
}
