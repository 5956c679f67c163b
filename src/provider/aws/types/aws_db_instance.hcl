resource "aws_db_instance" {
  service = "rds"
  schema {
    identifier                            = optional(string, computed, conflicts("identifier_prefix"), length(1, 63))
    identifier_prefix                     = optional(string, computed, force_new)
    allocated_storage                     = optional(number, computed)
    allow_major_version_upgrade           = optional(bool, local_only)
    apply_immediately                     = optional(bool, default(false), local_only)
    auto_minor_version_upgrade            = optional(bool, default(true))
    availability_zone                     = optional(string, computed, force_new)
    backup_retention_period               = optional(number, computed, range(0, 35))
    backup_target                         = optional(string, computed, force_new, one_of("outposts", "region"))
    backup_window                         = optional(string, computed)
    ca_cert_identifier                    = optional(string, computed)
    copy_tags_to_snapshot                 = optional(bool, default(false))
    database_insights_mode                = optional(string, computed, one_of("standard", "advanced"))
    db_name                               = optional(string, computed, force_new, conflicts("name"))
    name                                  = optional(string, computed, force_new, deprecated("use db_name instead"))
    db_subnet_group_name                  = optional(string, computed, equal("case"))
    dedicated_log_volume                  = optional(bool, default(false))
    delete_automated_backups              = optional(bool, default(true), local_only)
    deletion_protection                   = optional(bool, default(false))
    enabled_cloudwatch_logs_exports       = optional(set(string))
    engine                                = optional(string, computed, force_new, equal("case"))
    engine_lifecycle_support              = optional(string, computed, force_new, one_of("open-source-rds-extended-support", "open-source-rds-extended-support-disabled"))
    engine_version                        = optional(string, computed, equal("prefix"))
    final_snapshot_identifier             = optional(string, local_only)
    iam_database_authentication_enabled   = optional(bool, default(false))
    instance_class                        = required(string)
    iops                                  = optional(number, computed)
    kms_key_id                            = optional(string, computed, force_new, arn())
    license_model                         = optional(string, computed)
    maintenance_window                    = optional(string, computed, equal("case"))
    manage_master_user_password           = optional(bool, local_only, conflicts("password", "password_wo"))
    master_user_secret_kms_key_id         = optional(string, local_only)
    max_allocated_storage                 = optional(number)
    monitoring_interval                   = optional(number, default(0), one_of(0, 1, 5, 10, 15, 30, 60))
    monitoring_role_arn                   = optional(string, computed)
    multi_az                              = optional(bool, computed)
    network_type                          = optional(string, computed, one_of("IPV4", "DUAL"))
    option_group_name                     = optional(string, computed)
    parameter_group_name                  = optional(string, computed)
    password                              = optional(string, sensitive, local_only, conflicts("password_wo"))
    password_wo                           = optional(string, sensitive, write_only)
    password_wo_version                   = optional(number, local_only)
    performance_insights_enabled          = optional(bool, default(false))
    performance_insights_kms_key_id       = optional(string, computed)
    performance_insights_retention_period = optional(number, computed)
    port                                  = optional(number, computed)
    publicly_accessible                   = optional(bool, default(false))
    skip_final_snapshot                   = optional(bool, default(false), local_only)
    storage_encrypted                     = optional(bool, default(false), force_new)
    storage_throughput                    = optional(number, computed)
    storage_type                          = optional(string, computed)
    username                              = optional(string, computed, force_new)
    vpc_security_group_ids                = optional(set(string), computed)
    address                               = computed(string, changes_with("identifier"))
    arn                                   = computed(string, changes_with("identifier"))
    endpoint                              = computed(string, changes_with("identifier", "port"))
    engine_version_actual                 = computed(string, changes_with("engine_version"))
    hosted_zone_id                        = computed(string)
    latest_restorable_time                = computed(string)
    replicas                              = computed(list(string))
    resource_id                           = computed(string)
    status                                = computed(string)
    upgrade_rollout_order                 = computed(string)
    warning_event_categories              = optional(set(string), unsupported("events of instances are not recorded"))
    character_set_name                    = optional(string, unsupported("it is of Oracle and SQL Server, which are not served"))
    nchar_character_set_name              = optional(string, unsupported("it is of Oracle, which is not served"))
    timezone                              = optional(string, unsupported("it is of SQL Server, which is not served"))
    multi_tenant                          = optional(bool, unsupported("it is of Oracle, which is not served"))
    custom_iam_instance_profile           = optional(string, unsupported("RDS Custom is not served"))
    customer_owned_ip_enabled             = optional(bool, unsupported("there are no Outposts"))
    domain                                = optional(string, unsupported("there is no Directory Service"))
    domain_auth_secret_arn                = optional(string, unsupported("there is no Directory Service"))
    domain_dns_ips                        = optional(set(string), unsupported("there is no Directory Service"))
    domain_fqdn                           = optional(string, unsupported("there is no Directory Service"))
    domain_iam_role_name                  = optional(string, unsupported("there is no Directory Service"))
    domain_ou                             = optional(string, unsupported("there is no Directory Service"))
    replica_mode                          = optional(string, unsupported("there are no read replicas"))
    replicate_source_db                   = optional(string, unsupported("there are no read replicas"))
    upgrade_storage_config                = optional(bool, unsupported("there are no read replicas"))
    security_group_names                  = optional(set(string), unsupported("there is no EC2-Classic"))
    snapshot_identifier                   = optional(string, unsupported("there are no DB snapshots"))
    tags                                  = tags()
    list "blue_green_update" "0..1" {
      enabled = optional(bool)
    }
    list "listener_endpoint" computed {
      address        = computed(string)
      hosted_zone_id = computed(string)
      port           = computed(number)
    }
    list "master_user_secret" computed {
      kms_key_id    = computed(string)
      secret_arn    = computed(string)
      secret_status = computed(string)
    }
    list "restore_to_point_in_time" "0..1" "unsupported: there are no backups to restore" {
      restore_time                             = optional(string)
      source_db_instance_automated_backups_arn = optional(string)
      source_db_instance_identifier            = optional(string)
      source_dbi_resource_id                   = optional(string)
      use_latest_restorable_time               = optional(bool)
    }
    list "s3_import" "0..1" "unsupported: backups are not restored from S3" {
      bucket_name           = required(string)
      bucket_prefix         = optional(string)
      ingestion_role        = required(string)
      source_engine         = required(string)
      source_engine_version = required(string)
    }
    timeouts "create" "update" "delete" {}
  }
  validate {
    error {
      when    = anytrue([for b in self.blue_green_update : b.enabled == true])
      summary = "Unsupported argument value"
      detail  = "aws_db_instance: blue_green_update.enabled is not supported: there are no blue/green deployments."
    }
  }
  create {
    set { identifier = fallback(self.identifier, unique_id(fallback(self.identifier_prefix, "terraform-"))) }
    call "CreateDBInstance" {
      request = {
        DBInstanceIdentifier               = self.identifier
        AllocatedStorage                   = self.allocated_storage
        AutoMinorVersionUpgrade            = self.auto_minor_version_upgrade
        AvailabilityZone                   = self.availability_zone
        BackupRetentionPeriod              = fallback(self.backup_retention_period, 0)
        BackupTarget                       = nonempty(self.backup_target)
        CACertificateIdentifier            = nonempty(self.ca_cert_identifier)
        CopyTagsToSnapshot                 = self.copy_tags_to_snapshot
        DatabaseInsightsMode               = nonempty(self.database_insights_mode)
        DBInstanceClass                    = self.instance_class
        DBName                             = nonempty(fallback(self.db_name, self.name))
        DBParameterGroupName               = nonempty(self.parameter_group_name)
        DBSubnetGroupName                  = nonempty(self.db_subnet_group_name)
        DedicatedLogVolume                 = self.dedicated_log_volume ? true : null
        DeletionProtection                 = self.deletion_protection
        EnableCloudwatchLogsExports        = nonempty([for t in self.enabled_cloudwatch_logs_exports : t])
        EnableIAMDatabaseAuthentication    = self.iam_database_authentication_enabled
        EnablePerformanceInsights          = self.performance_insights_enabled ? true : null
        Engine                             = lower(self.engine)
        EngineLifecycleSupport             = self.engine_lifecycle_support
        EngineVersion                      = self.engine_version
        Iops                               = self.iops
        KmsKeyId                           = nonempty(self.kms_key_id)
        LicenseModel                       = nonempty(self.license_model)
        ManageMasterUserPassword           = self.manage_master_user_password
        MasterUserPassword                 = fallback(self.password, config.password_wo)
        MasterUserSecretKmsKeyId           = self.master_user_secret_kms_key_id
        MasterUsername                     = self.username
        MaxAllocatedStorage                = self.max_allocated_storage == 0 ? null : self.max_allocated_storage
        MonitoringInterval                 = self.monitoring_interval == 0 ? null : self.monitoring_interval
        MonitoringRoleArn                  = nonempty(self.monitoring_role_arn)
        MultiAZ                            = self.multi_az
        NetworkType                        = self.network_type
        OptionGroupName                    = nonempty(self.option_group_name)
        PerformanceInsightsKMSKeyId        = nonempty(self.performance_insights_kms_key_id)
        PerformanceInsightsRetentionPeriod = self.performance_insights_retention_period
        Port                               = self.port
        PreferredBackupWindow              = nonempty(self.backup_window)
        PreferredMaintenanceWindow         = self.maintenance_window == null ? null : nonempty(lower(self.maintenance_window))
        PubliclyAccessible                 = self.publicly_accessible
        StorageEncrypted                   = self.storage_encrypted
        StorageThroughput                  = self.storage_throughput
        StorageType                        = nonempty(self.storage_type)
        Tags                               = tag_list(self.tags_all)
        VpcSecurityGroupIds                = nonempty([for g in config.vpc_security_group_ids : g])
      }
      id = result.DBInstance.DbiResourceId
    }
    wait "DescribeDBInstances" {
      request = { Filters = [{ Name = "dbi-resource-id", Values = [self.id] }] }
      value   = result.DBInstances[0].DBInstanceStatus
      pending = ["backing-up", "configuring-enhanced-monitoring", "configuring-iam-database-auth", "configuring-log-exports", "creating", "maintenance", "modifying", "moving-to-vpc", "rebooting", "renaming", "resetting-master-credentials", "starting", "stopping", "storage-full", "upgrading"]
      target  = ["available", "storage-optimization"]
      failure = "the database server cannot run; terrarium status says why"
      timeout = "40m"
    }
  }
  read {
    let { by_resource = can(regex("^db-[A-Z0-9]{2,255}$", self.id)) }
    call "DescribeDBInstances" "by_id" {
      when    = by_resource
      request = { Filters = [{ Name = "dbi-resource-id", Values = [self.id] }] }
    }
    call "DescribeDBInstances" "by_name" {
      when    = !by_resource
      request = { DBInstanceIdentifier = self.id }
      gone    = ["DBInstanceNotFound"]
      id      = result.DBInstances[0].DbiResourceId
    }
    let { db = by_resource ? by_id.DBInstances[0] : by_name.DBInstances[0] }
    gone { when = db == null }
    let {
      # What waits for the maintenance window is what was asked for.
      later   = db.PendingModifiedValues
      version = fallback(db.PendingModifiedValues.EngineVersion, db.EngineVersion)
    }
    state = {
      identifier                            = fallback(later.DBInstanceIdentifier, db.DBInstanceIdentifier)
      identifier_prefix                     = fallback(self.identifier_prefix, "")
      allocated_storage                     = fallback(later.AllocatedStorage, db.AllocatedStorage)
      auto_minor_version_upgrade            = db.AutoMinorVersionUpgrade
      availability_zone                     = db.AvailabilityZone
      backup_retention_period               = db.BackupRetentionPeriod
      backup_target                         = db.BackupTarget
      backup_window                         = db.PreferredBackupWindow
      ca_cert_identifier                    = db.CACertificateIdentifier
      copy_tags_to_snapshot                 = db.CopyTagsToSnapshot
      database_insights_mode                = fallback(db.DatabaseInsightsMode, "standard")
      db_name                               = fallback(db.DBName, "")
      name                                  = fallback(db.DBName, "")
      db_subnet_group_name                  = fallback(db.DBSubnetGroup.DBSubnetGroupName, "")
      dedicated_log_volume                  = fallback(db.DedicatedLogVolume, false)
      deletion_protection                   = db.DeletionProtection
      enabled_cloudwatch_logs_exports       = fallback(db.EnabledCloudwatchLogsExports, [])
      engine                                = db.Engine
      engine_lifecycle_support              = fallback(db.EngineLifecycleSupport, "open-source-rds-extended-support")
      engine_version                        = self.engine_version != null && startswith("${version}.", "${fallback(self.engine_version, "")}.") ? self.engine_version : version
      iam_database_authentication_enabled   = db.IAMDatabaseAuthenticationEnabled
      instance_class                        = fallback(later.DBInstanceClass, db.DBInstanceClass)
      iops                                  = fallback(later.Iops, db.Iops, 0)
      kms_key_id                            = fallback(db.KmsKeyId, "")
      license_model                         = db.LicenseModel
      maintenance_window                    = db.PreferredMaintenanceWindow
      max_allocated_storage                 = fallback(db.MaxAllocatedStorage, 0)
      monitoring_interval                   = fallback(db.MonitoringInterval, 0)
      monitoring_role_arn                   = fallback(db.MonitoringRoleArn, "")
      multi_az                              = fallback(later.MultiAZ, db.MultiAZ)
      network_type                          = db.NetworkType
      option_group_name                     = db.OptionGroupMemberships[0].OptionGroupName
      parameter_group_name                  = db.DBParameterGroups[0].DBParameterGroupName
      performance_insights_enabled          = fallback(db.PerformanceInsightsEnabled, false)
      performance_insights_kms_key_id       = fallback(db.PerformanceInsightsKMSKeyId, "")
      performance_insights_retention_period = fallback(db.PerformanceInsightsRetentionPeriod, 0)
      port                                  = fallback(later.Port, db.Endpoint.Port)
      publicly_accessible                   = db.PubliclyAccessible
      storage_encrypted                     = db.StorageEncrypted
      storage_throughput                    = fallback(later.StorageThroughput, db.StorageThroughput, 0)
      storage_type                          = fallback(later.StorageType, db.StorageType)
      username                              = db.MasterUsername
      vpc_security_group_ids                = [for g in db.VpcSecurityGroups : g.VpcSecurityGroupId]
      address                               = fallback(db.Endpoint.Address, "")
      arn                                   = db.DBInstanceArn
      endpoint                              = db.Endpoint == null ? "" : "${db.Endpoint.Address}:${db.Endpoint.Port}"
      engine_version_actual                 = db.EngineVersion
      hosted_zone_id                        = fallback(db.Endpoint.HostedZoneId, "")
      latest_restorable_time                = ""
      replicas                              = fallback(db.ReadReplicaDBInstanceIdentifiers, [])
      resource_id                           = db.DbiResourceId
      status                                = db.DBInstanceStatus
      upgrade_rollout_order                 = fallback(db.UpgradeRolloutOrder, "")
      listener_endpoint                     = []
      master_user_secret                    = [for s in [db.MasterUserSecret] : { kms_key_id = fallback(s.KmsKeyId, ""), secret_arn = s.SecretArn, secret_status = s.SecretStatus } if s != null]
      tags                                  = tag_map(db.TagList, "Key", "Value")
    }
  }
  update {
    call "ModifyDBInstance" {
      when = changed("identifier", "allocated_storage", "auto_minor_version_upgrade", "backup_retention_period", "backup_window",
        "ca_cert_identifier", "copy_tags_to_snapshot", "database_insights_mode", "db_subnet_group_name", "dedicated_log_volume",
        "deletion_protection", "enabled_cloudwatch_logs_exports", "engine_version", "iam_database_authentication_enabled",
        "instance_class", "iops", "license_model", "maintenance_window", "manage_master_user_password",
        "master_user_secret_kms_key_id", "max_allocated_storage", "monitoring_interval", "monitoring_role_arn", "multi_az",
        "network_type", "option_group_name", "parameter_group_name", "password", "password_wo_version",
        "performance_insights_enabled", "performance_insights_kms_key_id", "performance_insights_retention_period", "port",
      "publicly_accessible", "storage_throughput", "storage_type", "vpc_security_group_ids")
      request = {
        DBInstanceIdentifier     = prior.identifier
        NewDBInstanceIdentifier  = changed("identifier") ? self.identifier : null
        ApplyImmediately         = self.apply_immediately
        AllowMajorVersionUpgrade = self.allow_major_version_upgrade
        AllocatedStorage         = changed("allocated_storage") ? self.allocated_storage : null
        AutoMinorVersionUpgrade  = changed("auto_minor_version_upgrade") ? self.auto_minor_version_upgrade : null
        BackupRetentionPeriod    = changed("backup_retention_period") ? self.backup_retention_period : null
        CACertificateIdentifier  = changed("ca_cert_identifier") ? self.ca_cert_identifier : null
        CloudwatchLogsExportConfiguration = changed("enabled_cloudwatch_logs_exports") ? {
          EnableLogTypes  = nonempty(added("enabled_cloudwatch_logs_exports"))
          DisableLogTypes = nonempty(removed("enabled_cloudwatch_logs_exports"))
        } : null
        CopyTagsToSnapshot                 = changed("copy_tags_to_snapshot") ? self.copy_tags_to_snapshot : null
        DatabaseInsightsMode               = changed("database_insights_mode") ? self.database_insights_mode : null
        DBInstanceClass                    = changed("instance_class") ? self.instance_class : null
        DBParameterGroupName               = changed("parameter_group_name") ? self.parameter_group_name : null
        DBPortNumber                       = changed("port") ? self.port : null
        DBSubnetGroupName                  = changed("db_subnet_group_name") ? self.db_subnet_group_name : null
        DedicatedLogVolume                 = changed("dedicated_log_volume") ? self.dedicated_log_volume : null
        DeletionProtection                 = self.deletion_protection
        EnableIAMDatabaseAuthentication    = changed("iam_database_authentication_enabled") ? self.iam_database_authentication_enabled : null
        EnablePerformanceInsights          = changed("performance_insights_enabled") ? self.performance_insights_enabled : null
        EngineVersion                      = changed("engine_version") ? self.engine_version : null
        Iops                               = changed("iops") ? self.iops : null
        LicenseModel                       = changed("license_model") ? self.license_model : null
        ManageMasterUserPassword           = changed("manage_master_user_password") ? self.manage_master_user_password == true : null
        MasterUserPassword                 = changed("password") ? self.password : changed("password_wo_version") ? config.password_wo : null
        MasterUserSecretKmsKeyId           = changed("master_user_secret_kms_key_id") ? self.master_user_secret_kms_key_id : null
        MaxAllocatedStorage                = changed("max_allocated_storage") ? fallback(self.max_allocated_storage, self.allocated_storage) : null
        MonitoringInterval                 = changed("monitoring_interval") ? self.monitoring_interval : null
        MonitoringRoleArn                  = changed("monitoring_role_arn") ? self.monitoring_role_arn : null
        MultiAZ                            = changed("multi_az") ? self.multi_az : null
        NetworkType                        = changed("network_type") ? self.network_type : null
        OptionGroupName                    = changed("option_group_name") ? self.option_group_name : null
        PerformanceInsightsKMSKeyId        = changed("performance_insights_kms_key_id") ? nonempty(self.performance_insights_kms_key_id) : null
        PerformanceInsightsRetentionPeriod = changed("performance_insights_retention_period") ? self.performance_insights_retention_period : null
        PreferredBackupWindow              = changed("backup_window") ? self.backup_window : null
        PreferredMaintenanceWindow         = changed("maintenance_window") ? lower(self.maintenance_window) : null
        PubliclyAccessible                 = changed("publicly_accessible") ? self.publicly_accessible : null
        StorageThroughput                  = changed("storage_throughput") ? self.storage_throughput : null
        StorageType                        = changed("storage_type") ? self.storage_type : null
        VpcSecurityGroupIds                = changed("vpc_security_group_ids") ? [for g in self.vpc_security_group_ids : g] : null
      }
    }
    wait "DescribeDBInstances" {
      request = { Filters = [{ Name = "dbi-resource-id", Values = [self.id] }] }
      value   = result.DBInstances[0].DBInstanceStatus
      pending = ["backing-up", "configuring-enhanced-monitoring", "configuring-iam-database-auth", "configuring-log-exports", "creating", "maintenance", "modifying", "moving-to-vpc", "rebooting", "renaming", "resetting-master-credentials", "starting", "stopping", "storage-full", "upgrading"]
      target  = ["available", "storage-optimization", "stopped"]
      failure = "the database server cannot run; terrarium status says why"
      timeout = "80m"
    }
  }
  delete {
    call "DeleteDBInstance" {
      request = {
        DBInstanceIdentifier      = self.identifier
        DeleteAutomatedBackups    = self.delete_automated_backups
        SkipFinalSnapshot         = self.skip_final_snapshot
        FinalDBSnapshotIdentifier = self.skip_final_snapshot ? null : self.final_snapshot_identifier
      }
      gone   = ["DBInstanceNotFound"]
      ignore = ["InvalidDBInstanceState"]
    }
    wait "DescribeDBInstances" {
      request = { DBInstanceIdentifier = self.identifier }
      gone    = ["DBInstanceNotFound"]
      value   = result.DBInstances[0].DBInstanceStatus
      timeout = "60m"
    }
  }
  tags { resource = self.arn }
}

data "aws_db_instance" {
  service = "rds"
  schema {
    db_instance_identifier          = optional(string, computed)
    address                         = computed(string)
    allocated_storage               = computed(number)
    auto_minor_version_upgrade      = computed(bool)
    availability_zone               = computed(string)
    backup_retention_period         = computed(number)
    ca_cert_identifier              = computed(string)
    database_insights_mode          = computed(string)
    db_cluster_identifier           = computed(string)
    db_instance_arn                 = computed(string)
    db_instance_class               = computed(string)
    db_instance_port                = computed(number)
    db_name                         = computed(string)
    db_parameter_groups             = computed(list(string))
    db_security_groups              = computed(list(string))
    db_subnet_group                 = computed(string)
    enabled_cloudwatch_logs_exports = computed(list(string))
    endpoint                        = computed(string)
    engine                          = computed(string)
    engine_version                  = computed(string)
    hosted_zone_id                  = computed(string)
    iops                            = computed(number)
    kms_key_id                      = computed(string)
    license_model                   = computed(string)
    master_username                 = computed(string)
    max_allocated_storage           = computed(number)
    monitoring_interval             = computed(number)
    monitoring_role_arn             = computed(string)
    multi_az                        = computed(bool)
    network_type                    = computed(string)
    option_group_memberships        = computed(list(string))
    port                            = computed(number)
    preferred_backup_window         = computed(string)
    preferred_maintenance_window    = computed(string)
    publicly_accessible             = computed(bool)
    replicate_source_db             = computed(string)
    resource_id                     = computed(string)
    storage_encrypted               = computed(bool)
    storage_throughput              = computed(number)
    storage_type                    = computed(string)
    timezone                        = computed(string)
    upgrade_rollout_order           = computed(string)
    vpc_security_groups             = computed(list(string))
    tags                            = optional(map(string), computed)
    list "master_user_secret" computed {
      kms_key_id    = computed(string)
      secret_arn    = computed(string)
      secret_status = computed(string)
    }
  }
  read {
    call "DescribeDBInstances" {
      request  = { DBInstanceIdentifier = nonempty(self.db_instance_identifier) }
      paginate = { input = "Marker", output = "Marker", items = "DBInstances" }
    }
    let {
      found = [for i in result.DBInstances : i if alltrue([for k, v in fallback(self.tags, {}) : tag_map(i.TagList, "Key", "Value")[k] == v])]
    }
    error {
      when    = length(found) != 1
      summary = "Not one RDS DB instance matches"
      detail  = "${length(found)} DB instances match the criteria of this data source; it needs exactly one."
    }
    let { db = found[0] }
    set { id = db.DBInstanceIdentifier }
    state = {
      db_instance_identifier          = db.DBInstanceIdentifier
      address                         = fallback(db.Endpoint.Address, "")
      allocated_storage               = db.AllocatedStorage
      auto_minor_version_upgrade      = db.AutoMinorVersionUpgrade
      availability_zone               = db.AvailabilityZone
      backup_retention_period         = db.BackupRetentionPeriod
      ca_cert_identifier              = db.CACertificateIdentifier
      database_insights_mode          = fallback(db.DatabaseInsightsMode, "standard")
      db_cluster_identifier           = fallback(db.DBClusterIdentifier, "")
      db_instance_arn                 = db.DBInstanceArn
      db_instance_class               = db.DBInstanceClass
      db_instance_port                = db.DbInstancePort
      db_name                         = fallback(db.DBName, "")
      db_parameter_groups             = [for g in db.DBParameterGroups : g.DBParameterGroupName]
      db_security_groups              = []
      db_subnet_group                 = fallback(db.DBSubnetGroup.DBSubnetGroupName, "")
      enabled_cloudwatch_logs_exports = fallback(db.EnabledCloudwatchLogsExports, [])
      endpoint                        = db.Endpoint == null ? "" : "${db.Endpoint.Address}:${db.Endpoint.Port}"
      engine                          = db.Engine
      engine_version                  = db.EngineVersion
      hosted_zone_id                  = fallback(db.Endpoint.HostedZoneId, "")
      iops                            = fallback(db.Iops, 0)
      kms_key_id                      = fallback(db.KmsKeyId, "")
      license_model                   = db.LicenseModel
      master_username                 = db.MasterUsername
      max_allocated_storage           = fallback(db.MaxAllocatedStorage, 0)
      monitoring_interval             = fallback(db.MonitoringInterval, 0)
      monitoring_role_arn             = fallback(db.MonitoringRoleArn, "")
      multi_az                        = db.MultiAZ
      network_type                    = db.NetworkType
      option_group_memberships        = [for g in db.OptionGroupMemberships : g.OptionGroupName]
      port                            = fallback(db.Endpoint.Port, 0)
      preferred_backup_window         = db.PreferredBackupWindow
      preferred_maintenance_window    = db.PreferredMaintenanceWindow
      publicly_accessible             = db.PubliclyAccessible
      replicate_source_db             = ""
      resource_id                     = db.DbiResourceId
      storage_encrypted               = db.StorageEncrypted
      storage_throughput              = fallback(db.StorageThroughput, 0)
      storage_type                    = db.StorageType
      timezone                        = ""
      upgrade_rollout_order           = fallback(db.UpgradeRolloutOrder, "")
      vpc_security_groups             = [for g in db.VpcSecurityGroups : g.VpcSecurityGroupId]
      tags                            = tag_map(db.TagList, "Key", "Value")
      master_user_secret              = [for s in [db.MasterUserSecret] : { kms_key_id = fallback(s.KmsKeyId, ""), secret_arn = s.SecretArn, secret_status = s.SecretStatus } if s != null]
    }
  }
}
