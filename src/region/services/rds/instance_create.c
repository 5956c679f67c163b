/* CreateDBInstance: what is asked for is checked and completed; the controller makes it so. */
#include <string.h>

#include "base/text.h"
#include "region/services/ec2/ec2.h"
#include "region/services/rds/internal.h"

/* ---- checks ---- */

static const RdsEngine *check_engine(RegionCall *call, const char *name, GError **error) {
	const RdsEngine *engine = rds_engine(name);
	g_autoptr(GError) missing = NULL;
	if (engine && region_glass(call->region)) {
		if (!rds_served_version(call->region, name, &missing)) {
			wire_error_set_status(error, 501, "NotImplemented", "%s", missing->message);
			return NULL;
		}
	}
	if (!engine)
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not implement the database engine %s: postgres, mysql and "
			"mariadb are served.",
			name);
	return engine;
}

static gboolean invalid(GError **error, const char *sentence, const char *value) {
	wire_error_set(error, "InvalidParameterValue", sentence, value);
	return FALSE;
}

static gboolean check_identifier(RegionCall *call, const char *name, GError **error) {
	if (!rds_check_name(name, "DBInstanceIdentifier", 63, error))
		return FALSE;
	if (!store_has(region_store(call->region), call->scope, RDS_INSTANCES, name))
		return TRUE;
	wire_error_set(error, "DBInstanceAlreadyExists", "DB instance already exists");
	return FALSE;
}

static gboolean is_word(const char *text, gsize most) {
	gsize length = strlen(text);
	return length > 0 && length <= most && (g_ascii_isalpha(*text) || *text == '_') &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
		       length;
}

static gboolean check_user(const RdsEngine *engine, const char *user, GError **error) {
	static const char *const reserved[] = {"rdsadmin", "rds_superuser", "rds_replication",
		"rds_password", "rds_iam", "admin", "public", NULL};
	gboolean postgres = g_str_equal(engine->name, "postgres");
	if (!user)
		return invalid(error,
			"The parameter MasterUsername must be provided and must not be "
			"blank.%s",
			"");
	if (!is_word(user, postgres ? 63 : 16) || !g_ascii_isalpha(*user))
		return invalid(
			error, "The parameter MasterUsername is not a valid identifier: %s", user);
	g_autofree char *lower = g_ascii_strdown(user, -1);
	if (g_str_equal(lower, "rdsadmin") ||
		(postgres && (g_strv_contains(reserved, lower) || g_str_has_prefix(lower, "pg_"))))
		return invalid(error,
			"MasterUsername %s cannot be used as it is a reserved word used by the "
			"engine",
			user);
	return TRUE;
}

static gboolean check_database(const char *name, GError **error) {
	static const char *const reserved[] = {
		"rdsadmin", "template0", "template1", "mysql", "sys", NULL};
	if (!name)
		return TRUE;
	g_autofree char *lower = g_ascii_strdown(name, -1);
	if (!is_word(name, 63))
		return invalid(error,
			"DBName must begin with a letter or an underscore and contain only "
			"alphanumeric characters and underscores: %s",
			name);
	return !g_strv_contains(reserved, lower) ||
	       invalid(error, "DBName %s cannot be used. It is a reserved word for this engine",
		       name);
}

static gboolean check_credentials(const RdsEngine *engine, Value input, GError **error) {
	const char *password = value_get_text(input, "MasterUserPassword");
	gboolean managed = value_get_bool(input, "ManageMasterUserPassword");
	if (!check_user(engine, value_get_text(input, "MasterUsername"), error))
		return FALSE;
	if (managed && password) {
		wire_error_set(error, "InvalidParameterCombination",
			"You can't specify MasterUserPassword when ManageMasterUserPassword is "
			"enabled.");
		return FALSE;
	}
	if (!managed && !password)
		return invalid(error,
			"The parameter MasterUserPassword must be provided and must not be "
			"blank.%s",
			"");
	return managed || rds_check_password(engine, password, error);
}

static gboolean check_storage(Value input, GError **error) {
	static const char *const types[] = {"standard", "gp2", "gp3", "io1", "io2", NULL};
	const char *type = value_get_text(input, "StorageType");
	gint64 size = value_get_int(input, "AllocatedStorage", 0);
	gint64 most = value_get_int(input, "MaxAllocatedStorage", 0);
	if (type && !g_strv_contains(types, type))
		return invalid(error, "Invalid storage type: %s", type);
	if (size < 5 || size > 65536) {
		g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, size);
		return invalid(error,
			value_has(input, "AllocatedStorage")
				? "Invalid storage size: %s"
				: "The parameter AllocatedStorage must be provided and must not be "
				  "blank. (%s)",
			text);
	}
	if (most != 0 && most < size)
		return invalid(error,
			"Max storage size must be greater than or equal to the storage size%s", "");
	gboolean provisioned = type && g_str_has_prefix(type, "io");
	if (provisioned && !value_has(input, "Iops")) {
		wire_error_set(error, "InvalidParameterCombination",
			"You must specify both the storage size and iops when modifying or "
			"creating an instance with storage type %s.",
			type);
		return FALSE;
	}
	return TRUE;
}

static gboolean check_numbers(Value input, GError **error) {
	gint64 port = value_get_int(input, "Port", 5432);
	gint64 days = value_get_int(input, "BackupRetentionPeriod", 0);
	if (port < 1150 || port > 65535) {
		wire_error_set(error, "InvalidParameterValue",
			"The port must be between 1150 and 65535: %" G_GINT64_FORMAT, port);
		return FALSE;
	}
	if (days < 0 || days > 35) {
		wire_error_set(error, "InvalidParameterValue",
			"Invalid backup retention period: %" G_GINT64_FORMAT
			". Must be between 0 and 35",
			days);
		return FALSE;
	}
	return TRUE;
}

/* ---- place ---- */

/* The subnet (borrowed) of the group for the zone asked for, or the first one. */
static Value choose_subnet(Value group, const char *zone) {
	Value subnets = value_get(group, "Subnets");
	for (gsize i = 0; i < value_length(subnets); i++) {
		Value name = value_get_path(
			value_at(subnets, i), "SubnetAvailabilityZone", "Name", NULL);
		if (!zone || g_strcmp0(value_text(name), zone) == 0)
			return value_at(subnets, i);
	}
	return VALUE_NOTHING;
}

static const char *second_zone(Value group, const char *first) {
	Value subnets = value_get(group, "Subnets");
	for (gsize i = 0; i < value_length(subnets); i++) {
		const char *name = value_text(value_get_path(
			value_at(subnets, i), "SubnetAvailabilityZone", "Name", NULL));
		if (g_strcmp0(name, first) != 0)
			return name;
	}
	return NULL;
}

static Value find_group(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "DBSubnetGroupName");
	if (name)
		return rds_subnet_group(call->region, call->scope, name, error);
	wire_error_set(error, "InvalidVPCNetworkStateFault",
		"There is no default VPC in this region: name a DB subnet group "
		"(DBSubnetGroupName).");
	return VALUE_NOTHING;
}

/* The groups that an interface has got, as an instance's. */
static Value groups_of(Value interface) {
	Value its = value_get(interface, "Groups");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(its); i++)
		value_builder_add_take(
			all, value_object_take("VpcSecurityGroupId",
				     value_ref(value_get(value_at(its, i), "GroupId")), "Status",
				     value_string("active"), NULL));
	return value_builder_end(g_steal_pointer(&all));
}

/* Gives the instance its place and interface. Takes it. */
static Value with_place_take(RegionCall *call, Value instance, Value input, GError **error) {
	g_auto(Value) owned = instance;
	g_auto(Value) group = find_group(call, input, error);
	if (value_is_null(group))
		return VALUE_NOTHING;
	const char *zone = value_get_text(input, "AvailabilityZone");
	gboolean multi = value_get_bool(input, "MultiAZ");
	if (multi && zone) {
		wire_error_set(error, "InvalidParameterCombination",
			"Requesting a specific availability zone is not valid for Multi-AZ "
			"instances.");
		return VALUE_NOTHING;
	}
	Value subnet = choose_subnet(group, zone);
	const char *id = value_get_text(subnet, "SubnetIdentifier");
	if (!id) {
		wire_error_set(error, "InvalidVPCNetworkStateFault",
			"DB subnet group %s has no subnet in the Availability Zone %s.",
			value_get_text(group, "DBSubnetGroupName"), zone);
		return VALUE_NOTHING;
	}
	Value ids = value_get(input, "VpcSecurityGroupIds");
	g_auto(Value) groups =
		rds_security_groups(call, ids, value_get_text(group, "VpcId"), error);
	if (value_is_null(groups))
		return VALUE_NOTHING;
	Ec2InterfaceRequest request = {.subnet = id,
		.groups = value_length(ids) > 0 ? ids : VALUE_NOTHING,
		.description = "RDSNetworkInterface",
		.requester = "amazon-rds",
		.public_address = value_get_bool(input, "PubliclyAccessible")};
	g_auto(Value) interface = ec2_interface_create(call->region, call->scope, &request, error);
	if (value_is_null(interface))
		return VALUE_NOTHING;
	if (value_length(groups) == 0) {
		value_clear(&groups);
		groups = groups_of(interface);
	}
	const char *its_zone = value_get_text(interface, "AvailabilityZone");
	Value with =
		value_with_take(value_steal(&owned), "AvailabilityZone", value_string(its_zone));
	const char *other = multi ? second_zone(group, its_zone) : NULL;
	if (other)
		with = value_with_take(with, "SecondaryAvailabilityZone", value_string(other));
	with = value_with_take(with, "DBSubnetGroup", value_ref(group));
	with = value_with_take(with, "VpcSecurityGroups", value_steal(&groups));
	with = rds_with_internal_take(with, "Subnet", value_string(id));
	with = rds_with_internal_take(
		with, "Address", value_ref(value_get(interface, "PrivateIpAddress")));
	return rds_with_internal_take(
		with, "Interface", value_ref(value_get(interface, "NetworkInterfaceId")));
}

/* ---- the instance ---- */

static const char *hosted_zone(const char *region) {
	static const char *const zones[][2] = {{"eu-central-1", "Z1RLNUO7B9Q6NB"},
		{"eu-west-1", "Z29XKXDKYMONMX"}, {"us-east-1", "Z2R2ITUGPM61AM"},
		{"us-east-2", "Z2XHWR1WZ565X2"}, {"us-west-1", "Z10WI91S59XXQN"},
		{"us-west-2", "Z1PVIF0B656C1W"}};
	for (guint i = 0; i < G_N_ELEMENTS(zones); i++)
		if (g_str_equal(zones[i][0], region))
			return zones[i][1];
	return NULL;
}

static Value endpoint(StoreScope scope, const char *name, gint64 port) {
	g_autofree char *address = rds_endpoint_name(scope, name);
	Value point =
		value_object_take("Address", value_string(address), "Port", value_int(port), NULL);
	const char *zone = hosted_zone(scope.region);
	return zone ? value_with_take(point, "HostedZoneId", value_string(zone)) : point;
}

static Value with_storage_take(Value instance, Value input) {
	gboolean iops = value_has(input, "Iops");
	const char *type = value_text_or(value_get(input, "StorageType"), iops ? "io1" : "gp2");
	instance = value_with_take(instance, "StorageType", value_string(type));
	gboolean gp3 = g_str_equal(type, "gp3");
	if (iops || gp3)
		instance = value_with_take(
			instance, "Iops", value_int(value_get_int(input, "Iops", 3000)));
	if (gp3 || value_has(input, "StorageThroughput"))
		instance = value_with_take(instance, "StorageThroughput",
			value_int(value_get_int(input, "StorageThroughput", 125)));
	return instance;
}

/* Members that are as the input says, or at their default. */
static Value with_settings_take(Value instance, Value input) {
	static const struct {
		const char *member, *given;
		gint64 otherwise; /* -1: FALSE, -2: TRUE, -3: left out */
	} settings[] = {{"AllocatedStorage", "AllocatedStorage", -3},
		{"AutoMinorVersionUpgrade", "AutoMinorVersionUpgrade", -2},
		{"BackupRetentionPeriod", "BackupRetentionPeriod", 1},
		{"CopyTagsToSnapshot", "CopyTagsToSnapshot", -1},
		{"DatabaseInsightsMode", "DatabaseInsightsMode", -3},
		{"DedicatedLogVolume", "DedicatedLogVolume", -1},
		{"DeletionProtection", "DeletionProtection", -1}, {"DBName", "DBName", -3},
		{"KmsKeyId", "KmsKeyId", -3},
		{"EnabledCloudwatchLogsExports", "EnableCloudwatchLogsExports", -3},
		{"EngineLifecycleSupport", "EngineLifecycleSupport", -3},
		{"IAMDatabaseAuthenticationEnabled", "EnableIAMDatabaseAuthentication", -1},
		{"MaxAllocatedStorage", "MaxAllocatedStorage", -3},
		{"MonitoringInterval", "MonitoringInterval", 0},
		{"MonitoringRoleArn", "MonitoringRoleArn", -3}, {"MultiAZ", "MultiAZ", -1},
		{"PerformanceInsightsEnabled", "EnablePerformanceInsights", -1},
		{"PerformanceInsightsKMSKeyId", "PerformanceInsightsKMSKeyId", -3},
		{"PerformanceInsightsRetentionPeriod", "PerformanceInsightsRetentionPeriod", -3},
		{"PromotionTier", "PromotionTier", -3},
		{"PubliclyAccessible", "PubliclyAccessible", -1},
		{"StorageEncrypted", "StorageEncrypted", -1}};
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
		gint64 otherwise = settings[i].otherwise;
		Value given = value_get(input, settings[i].given);
		if (!value_is_null(given))
			instance = value_with_take(instance, settings[i].member, value_ref(given));
		else if (otherwise != -3)
			instance = value_with_take(instance, settings[i].member,
				otherwise < 0 ? value_bool(otherwise == -2) : value_int(otherwise));
	}
	return instance;
}

static Value make_instance(
	RegionCall *call, const RdsEngine *engine, const char *name, Value input, GError **error) {
	g_autofree char *version =
		rds_version(call->region, engine, value_get_text(input, "EngineVersion"), error);
	if (!version)
		return VALUE_NOTHING;
	g_autofree char *random = text_random(26, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	g_autofree char *arn = region_arn(call->scope, "rds", "db:%s", name);
	g_autofree char *major = rds_major(engine, version);
	g_strdelimit(major, ".", '-');
	gint64 port = value_get_int(input, "Port", engine->port);
	Value instance = value_object_take("DBInstanceIdentifier", value_string(name),
		"DBInstanceArn", value_string(arn), "DbiResourceId",
		value_string_printf("db-%s", random), "DBInstanceClass",
		value_ref(value_get(input, "DBInstanceClass")), "DBInstanceStatus",
		value_string("creating"), "Engine", value_string(engine->name), "EngineVersion",
		value_string(version), "MasterUsername",
		value_ref(value_get(input, "MasterUsername")), "LicenseModel",
		value_string(engine->license), "InstanceCreateTime", region_timestamp(call->region),
		"DbInstancePort", value_int(0), "Endpoint", endpoint(call->scope, name, port),
		"BackupTarget", value_string("region"), "NetworkType", value_string("IPV4"),
		"CACertificateIdentifier",
		value_string(value_text_or(
			value_get(input, "CACertificateIdentifier"), "rds-ca-rsa2048-g1")),
		"PreferredBackupWindow",
		value_string(
			value_text_or(value_get(input, "PreferredBackupWindow"), "03:00-03:30")),
		"PreferredMaintenanceWindow",
		value_string(value_text_or(
			value_get(input, "PreferredMaintenanceWindow"), "mon:04:00-mon:04:30")),
		"OptionGroupMemberships",
		value_tuple_take(
			1, value_object_take("OptionGroupName",
				   value_string_printf("default:%s-%s", engine->name, major),
				   "Status", value_string("in-sync"), NULL)),
		"PendingModifiedValues", value_empty_object(), "ReadReplicaDBInstanceIdentifiers",
		value_empty_tuple(), "DBSecurityGroups", value_empty_tuple(), NULL);
	return with_storage_take(with_settings_take(instance, input), input);
}

static gboolean check_options(Value instance, Value input, GError **error) {
	const char *wanted = value_get_text(input, "OptionGroupName");
	const char *own = value_get_text(
		value_at(value_get(instance, "OptionGroupMemberships"), 0), "OptionGroupName");
	const char *license = value_get_text(input, "LicenseModel");
	if (wanted && !g_str_equal(wanted, own)) {
		wire_error_set(error, "OptionGroupNotFoundFault",
			"Specified OptionGroupName: %s not found.", wanted);
		return FALSE;
	}
	if (license && !g_str_equal(license, value_get_text(instance, "LicenseModel")))
		return invalid(
			error, "License model '%s' is not supported for this engine.", license);
	return TRUE;
}

static Value complete(RegionCall *call, Value instance, Value input, GError **error) {
	g_auto(Value) owned = instance;
	if (!check_options(owned, input, error))
		return VALUE_NOTHING;
	Value with = rds_with_parameter_group_take(call->region, call->scope, value_steal(&owned),
		value_get_text(input, "DBParameterGroupName"), TRUE, error);
	if (!value_is_null(with))
		with = with_place_take(call, with, input, error);
	if (value_is_null(with))
		return with;
	if (value_get_bool(input, "ManageMasterUserPassword"))
		return rds_with_managed_password_take(
			call, with, value_get_text(input, "MasterUserSecretKmsKeyId"), error);
	return rds_with_internal_take(
		with, "Password", value_ref(value_get(input, "MasterUserPassword")));
}

Value rds_create_instance(RegionCall *call, Value input, GError **error) {
	g_autofree char *name = g_ascii_strdown(value_get_text(input, "DBInstanceIdentifier"), -1);
	if (!rds_check_supported(input, error) || !check_identifier(call, name, error))
		return VALUE_NOTHING;
	const RdsEngine *engine = check_engine(call, value_get_text(input, "Engine"), error);
	if (!engine || !rds_check_class(value_get_text(input, "DBInstanceClass"), error) ||
		!check_storage(input, error) || !check_numbers(input, error) ||
		!check_credentials(engine, input, error) ||
		!check_database(value_get_text(input, "DBName"), error))
		return VALUE_NOTHING;
	Value made = make_instance(call, engine, name, input, error);
	g_auto(Value) instance = value_is_null(made) ? made : complete(call, made, input, error);
	if (value_is_null(instance))
		return VALUE_NOTHING;
	rds_tag_new(call, value_get_text(instance, "DBInstanceArn"), value_get(input, "Tags"));
	rds_instance_put(call->region, call->scope, value_ref(instance));
	return rds_instance_answer(call, instance);
}
