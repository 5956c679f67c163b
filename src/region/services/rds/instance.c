/* DB instances: finding and describing them, what is checked of them, and how they end. */
#include "region/services/rds/rds.h"

#include <string.h>

#include "base/text.h"
#include "region/services/ec2/ec2.h"
#include "region/services/rds/internal.h"

/* ---- finding and keeping ---- */

Value rds_instance(RegionCall *call, const char *name_or_arn, GError **error) {
	g_autofree char *name = rds_name(name_or_arn, "db");
	Value instance = store_get(region_store(call->region), call->scope, RDS_INSTANCES, name);
	if (value_is_null(instance))
		wire_error_set(error, "DBInstanceNotFound", "DBInstance %s not found.", name);
	return instance;
}

void rds_instance_put(Region *region, StoreScope scope, Value instance_taken) {
	store_put_take(region_store(region), scope, RDS_INSTANCES,
		value_get_text(instance_taken, "DBInstanceIdentifier"), instance_taken);
}

Value rds_with_internal_take(Value instance, const char *member, Value element) {
	Value internal = value_is_null(value_get(instance, RDS_INTERNAL))
				 ? value_empty_object()
				 : value_ref(value_get(instance, RDS_INTERNAL));
	internal = value_is_null(element) ? value_without_take(internal, member)
					  : value_with_take(internal, member, element);
	return value_with_take(instance, RDS_INTERNAL, internal);
}

char *rds_endpoint_name(StoreScope scope, const char *identifier) {
	/* The part in the middle is an account's in a region, as on AWS. */
	g_autofree char *whose = g_strconcat(scope.account, "/", scope.region, NULL);
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, whose, -1);
	char letters[13] = "c";
	for (guint i = 1; i < 12; i++) {
		int digit = g_ascii_xdigit_value(hash[2 * i]) * 16 +
			    g_ascii_xdigit_value(hash[2 * i + 1]);
		letters[i] = (char)('a' + digit % 26);
	}
	return g_strdup_printf("%s.%s.%s.rds.amazonaws.com", identifier, letters, scope.region);
}

/* ---- describing ---- */

static Value view(RegionCall *call, Value instance) {
	g_auto(Value) group = rds_subnet_group(call->region, call->scope,
		value_text_or(
			value_get_path(instance, "DBSubnetGroup", "DBSubnetGroupName", NULL), ""),
		NULL);
	g_auto(Value) tags =
		region_tags(call->region, call->scope, value_get_text(instance, "DBInstanceArn"));
	Value seen = value_with_take(
		value_ref(instance), "TagList", region_tags_to_list(tags, "Key", "Value"));
	if (!value_is_null(group))
		seen = value_with_take(seen, "DBSubnetGroup", value_steal(&group));
	if (g_strcmp0(value_get_text(seen, "DBInstanceStatus"), "creating") == 0)
		seen = value_without_take(seen, "Endpoint");
	return rds_view_take(seen);
}

Value rds_instance_answer(RegionCall *call, Value instance) {
	return value_object_take("DBInstance", view(call, instance), NULL);
}

static gboolean passes(Value instance, Value filters) {
	const char *const names[] = {value_get_text(instance, "DBInstanceIdentifier"),
		value_get_text(instance, "DBInstanceArn"), NULL};
	const char *const ids[] = {value_get_text(instance, "DbiResourceId"), NULL};
	const char *const engines[] = {value_get_text(instance, "Engine"), NULL};
	const char *const none[] = {NULL};
	return rds_filter_passes(filters, "db-instance-id", names) &&
	       rds_filter_passes(filters, "dbi-resource-id", ids) &&
	       rds_filter_passes(filters, "engine", engines) &&
	       rds_filter_passes(filters, "db-cluster-id", none) &&
	       rds_filter_passes(filters, "domain", none);
}

Value rds_describe_instances(RegionCall *call, Value input, GError **error) {
	static const char *const known[] = {
		"db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine", NULL};
	const char *name = value_get_text(input, "DBInstanceIdentifier");
	Value filters = value_get(input, "Filters");
	if (!rds_check_filters(filters, known, error))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	if (name) {
		g_auto(Value) instance = rds_instance(call, name, error);
		if (value_is_null(instance))
			return VALUE_NOTHING;
		if (passes(instance, filters))
			value_builder_add_take(found, view(call, instance));
	} else {
		g_auto(StoreIter) iter =
			store_iter(region_store(call->region), call->scope, RDS_INSTANCES);
		const char *id;
		Value instance;
		while (store_iter_next(&iter, &id, &instance))
			if (passes(instance, filters))
				value_builder_add_take(found, view(call, instance));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&found));
	return rds_page(call, input, "DBInstances", all, error);
}

/* ---- checks that creating and modifying share ---- */

Value rds_security_groups(RegionCall *call, Value ids, const char *vpc, GError **error) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(ids); i++) {
		const char *id = value_text_or(value_at(ids, i), "");
		g_auto(Value) group = ec2_group_get(call->region, call->scope, id);
		const char *its_vpc = value_get_text(group, "VpcId");
		if (!its_vpc) {
			wire_error_set(error, "InvalidParameterValue",
				"Invalid security group , groupId= %s, groupName=.", id);
			return VALUE_NOTHING;
		}
		if (!g_str_equal(its_vpc, vpc)) {
			wire_error_set(error, "InvalidParameterCombination",
				"The DB instance and EC2 security group are in different VPCs. The "
				"DB instance is in %s and the EC2 security group is in %s",
				vpc, its_vpc);
			return VALUE_NOTHING;
		}
		value_builder_add_take(
			all, value_object_take("VpcSecurityGroupId", value_string(id), "Status",
				     value_string("active"), NULL));
	}
	return value_builder_end(g_steal_pointer(&all));
}

gboolean rds_check_password(const RdsEngine *engine, const char *password, GError **error) {
	gsize most = g_str_equal(engine->name, "postgres") ? 128 : 41;
	gsize length = strlen(password);
	gboolean printable = TRUE;
	for (const char *at = password; *at; at++)
		printable = printable && *at > ' ' && *at <= '~' && !strchr("/@\"", *at);
	if (length >= 8 && length <= most && printable)
		return TRUE;
	if (printable)
		wire_error_set(error, "InvalidParameterValue",
			"The parameter MasterUserPassword is not a valid password because it is "
			"%s than %zu characters.",
			length < 8 ? "shorter" : "longer", length < 8 ? (gsize)8 : most);
	else
		wire_error_set(error, "InvalidParameterValue",
			"The parameter MasterUserPassword is not a valid password. Only printable "
			"ASCII characters besides '/', '@', '\"', ' ' may be used.");
	return FALSE;
}

gboolean rds_check_supported(Value input, GError **error) {
	static const char *const refused[] = {"AdditionalStorageVolumes", "CharacterSetName",
		"CustomIamInstanceProfile", "DBSecurityGroups", "DBSystemId", "Domain",
		"DomainAuthSecretArn", "DomainDnsIps", "DomainFqdn", "DomainIAMRoleName",
		"DomainOu", "NcharCharacterSetName", "ProcessorFeatures", "ReplicaMode",
		"TdeCredentialArn", "Timezone"};
	for (guint i = 0; i < G_N_ELEMENTS(refused); i++)
		if (value_length(value_get(input, refused[i])) > 0 ||
			value_text_length(value_get(input, refused[i])) > 0) {
			g_autofree char *what =
				g_strdup_printf("the parameter %s of DB instances", refused[i]);
			rds_refuse(error, what);
			return FALSE;
		}
	if (value_get_bool(input, "MultiTenant") || value_get_bool(input, "EnableCustomerOwnedIp"))
		rds_refuse(error, "MultiTenant and EnableCustomerOwnedIp of DB instances");
	else if (g_strcmp0(value_get_text(input, "NetworkType"), "DUAL") == 0)
		rds_refuse(error, "IPv6: NetworkType DUAL");
	else if (value_has(input, "DBClusterIdentifier"))
		rds_refuse(error, "DB clusters (DBClusterIdentifier)");
	else if (g_strcmp0(value_get_text(input, "BackupTarget"), "outposts") == 0)
		rds_refuse(error, "Outposts: BackupTarget outposts");
	else
		return TRUE;
	return FALSE;
}

Value rds_with_parameter_group_take(Region *region, StoreScope scope, Value instance,
	const char *name, gboolean in_sync, GError **error) {
	g_auto(Value) owned = instance;
	const RdsEngine *engine = rds_engine(value_get_text(owned, "Engine"));
	g_autofree char *family = rds_family(engine, value_get_text(owned, "EngineVersion"));
	g_autofree char *standard = g_strconcat("default.", family, NULL);
	g_auto(Value) group = rds_parameter_group(region, scope, name ? name : standard, error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	const char *its_family = value_get_text(group, "DBParameterGroupFamily");
	if (!g_str_equal(its_family, family)) {
		wire_error_set(error, "InvalidParameterCombination",
			"The Parameter Group %s with DBParameterGroupFamily %s cannot be used for "
			"this instance. Please use a Parameter Group with DBParameterGroupFamily "
			"%s",
			value_get_text(group, "DBParameterGroupName"), its_family, family);
		return VALUE_NOTHING;
	}
	Value listed = value_object_take("DBParameterGroupName",
		value_ref(value_get(group, "DBParameterGroupName")), "ParameterApplyStatus",
		value_string(in_sync ? "in-sync" : "pending-reboot"), NULL);
	Value with = value_with_take(
		value_steal(&owned), "DBParameterGroups", value_tuple_take(1, listed));
	return in_sync ? rds_with_internal_take(with, "Parameters", rds_parameter_settings(group))
		       : with;
}

Value rds_with_managed_password_take(
	RegionCall *call, Value instance, const char *key, GError **error) {
	g_auto(Value) owned = instance;
	g_autofree char *password =
		text_random(32, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	g_autofree char *uuid = g_uuid_string_random();
	Value made =
		value_object_take("Name", value_string_printf("rds!db-%s", uuid), "Description",
			value_string_printf("Secret associated with primary RDS DB instance: %s",
				value_get_text(owned, "DBInstanceArn")),
			"SecretString",
			value_string_printf("{\"username\":\"%s\",\"password\":\"%s\"}",
				value_get_text(owned, "MasterUsername"), password),
			NULL);
	if (key)
		made = value_with_take(made, "KmsKeyId", value_string(key));
	g_auto(Value) request = made;
	g_auto(Value) secret = region_call(
		call->region, call->scope, "secretsmanager", "CreateSecret", request, error);
	if (value_is_null(secret))
		return VALUE_NOTHING;
	Value described = value_object_take("SecretArn", value_ref(value_get(secret, "ARN")),
		"SecretStatus", value_string("active"), NULL);
	if (key)
		described = value_with_take(described, "KmsKeyId", value_string(key));
	return rds_with_internal_take(
		value_with_take(value_steal(&owned), "MasterUserSecret", described), "Password",
		value_string(password));
}

/* ---- differences ---- */

static void add_difference(ValueBuilder *all, gboolean applies, const char *sentence) {
	if (applies)
		value_builder_add_take(all, value_string(sentence));
}

static gboolean has_formula(Value settings) {
	for (gsize i = 0; i < value_length(settings); i++)
		if (strchr(value_text_or(value_at(settings, i), ""), '{'))
			return TRUE;
	return FALSE;
}

Value rds_instance_differences(Region *region, Value instance) {
	Value internal = value_get(instance, RDS_INTERNAL);
	Value served = value_get(internal, "Differences");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	add_difference(all, !region_glass(region), "no server runs: the region has no glass");
	for (gsize i = 0; i < value_length(served); i++)
		value_builder_add_take(all, value_ref(value_at(served, i)));
	if (value_has(internal, "Reason"))
		value_builder_add_take(all, value_ref(value_get(internal, "Reason")));
	add_difference(all, TRUE, "instance class and storage size are not enforced");
	add_difference(all, value_get_bool(instance, "MultiAZ"), "one server: no standby");
	add_difference(all, value_get_bool(instance, "StorageEncrypted"),
		"data lie unencrypted in the data folder");
	add_difference(all, value_get_int(instance, "BackupRetentionPeriod", 0) > 0,
		"no backups are made");
	add_difference(all, value_get_bool(instance, "IAMDatabaseAuthenticationEnabled"),
		"IAM tokens are not accepted as passwords");
	add_difference(all, value_length(value_get(instance, "EnabledCloudwatchLogsExports")) > 0,
		"logs are not exported to CloudWatch Logs");
	add_difference(all, value_get_bool(instance, "PerformanceInsightsEnabled"),
		"there is no Performance Insights");
	add_difference(all, value_get_int(instance, "MonitoringInterval", 0) > 0,
		"there is no Enhanced Monitoring");
	add_difference(all, has_formula(value_get(internal, "Parameters")),
		"parameters that are formulas are not applied");
	return value_builder_end(g_steal_pointer(&all));
}

Value rds_differences(Region *region, StoreScope scope, const char *instance) {
	g_autofree char *name = rds_name(instance, "db");
	g_auto(Value) object = store_get(region_store(region), scope, RDS_INSTANCES, name);
	return value_is_null(object) ? value_empty_tuple()
				     : rds_instance_differences(region, object);
}

/* ---- deleting ---- */

static gboolean check_deletion(Value instance, Value input, GError **error) {
	const char *name = value_get_text(instance, "DBInstanceIdentifier");
	gboolean skip = value_get_bool(input, "SkipFinalSnapshot");
	gboolean named = value_has(input, "FinalDBSnapshotIdentifier");
	if (g_strcmp0(value_get_text(instance, "DBInstanceStatus"), "deleting") == 0)
		wire_error_set(error, "InvalidDBInstanceState",
			"Instance %s is already being deleted.", name);
	else if (value_get_bool(instance, "DeletionProtection"))
		wire_error_set(error, "InvalidParameterCombination",
			"Cannot delete protected DB Instance, please disable deletion protection "
			"and try again.");
	else if (skip && named)
		wire_error_set(error, "InvalidParameterCombination",
			"FinalDBSnapshotIdentifier can not be specified when deleting a DB "
			"instance with SkipFinalSnapshot.");
	else if (!skip && !named)
		wire_error_set(error, "InvalidParameterCombination",
			"FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is "
			"specified.");
	else if (named)
		rds_refuse(error, "DB snapshots: delete the instance with SkipFinalSnapshot");
	else
		return TRUE;
	return FALSE;
}

Value rds_delete_instance(RegionCall *call, Value input, GError **error) {
	g_auto(Value) instance =
		rds_instance(call, value_get_text(input, "DBInstanceIdentifier"), error);
	if (value_is_null(instance) || !check_deletion(instance, input, error))
		return VALUE_NOTHING;
	Value going = value_with_take(
		value_steal(&instance), "DBInstanceStatus", value_string("deleting"));
	Value output = rds_instance_answer(call, going);
	rds_instance_put(call->region, call->scope, going);
	return output;
}
