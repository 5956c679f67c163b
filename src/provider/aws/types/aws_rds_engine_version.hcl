data "aws_rds_engine_version" {
  service = "rds"
  schema {
    engine                                        = required(string)
    default_only                                  = optional(bool)
    has_major_target                              = optional(bool)
    has_minor_target                              = optional(bool)
    include_all                                   = optional(bool)
    latest                                        = optional(bool)
    parameter_group_family                        = optional(string, computed)
    preferred_major_targets                       = optional(list(string))
    preferred_upgrade_targets                     = optional(list(string))
    preferred_versions                            = optional(list(string))
    version                                       = optional(string, computed)
    version_actual                                = computed(string)
    version_description                           = computed(string)
    default_character_set                         = computed(string)
    engine_description                            = computed(string)
    exportable_log_types                          = computed(set(string))
    status                                        = computed(string)
    supported_character_sets                      = computed(set(string))
    supported_feature_names                       = computed(set(string))
    supported_modes                               = computed(set(string))
    supported_timezones                           = computed(set(string))
    supports_certificate_rotation_without_restart = computed(bool)
    supports_global_databases                     = computed(bool)
    supports_integrations                         = computed(bool)
    supports_limitless_database                   = computed(bool)
    supports_local_write_forwarding               = computed(bool)
    supports_log_exports_to_cloudwatch            = computed(bool)
    supports_parallel_query                       = computed(bool)
    supports_read_replica                         = computed(bool)
    valid_major_targets                           = computed(set(string))
    valid_minor_targets                           = computed(set(string))
    valid_upgrade_targets                         = computed(set(string))
    use "filters" {}
  }
  read {
    let {
      # Without any wish the engine's default version is meant.
      wishes = concat([self.version, self.parameter_group_family, self.latest, self.has_major_target, self.has_minor_target], fallback(self.preferred_versions, []), fallback(self.preferred_major_targets, []), fallback(self.preferred_upgrade_targets, []), [for f in self.filter : f.name])
    }
    call "DescribeDBEngineVersions" {
      request = {
        Engine                 = self.engine
        EngineVersion          = self.version
        DBParameterGroupFamily = self.parameter_group_family
        DefaultOnly            = self.default_only == true || length([for w in wishes : w if w != null]) == 0 ? true : null
        IncludeAll             = self.include_all
        Filters                = nonempty([for f in self.filter : { Name = f.name, Values = [for v in f.values : v] }])
      }
      paginate = { input = "Marker", output = "Marker", items = "DBEngineVersions" }
    }
    let {
      fitting = [for v in result.DBEngineVersions : v if(
        (self.has_major_target != true || length([for t in v.ValidUpgradeTarget : t if t.IsMajorVersionUpgrade]) > 0) &&
        (self.has_minor_target != true || length([for t in v.ValidUpgradeTarget : t if !t.IsMajorVersionUpgrade]) > 0) &&
        (length(fallback(self.preferred_major_targets, [])) == 0 || anytrue([for t in v.ValidUpgradeTarget : t.IsMajorVersionUpgrade && contains(self.preferred_major_targets, t.EngineVersion)])) &&
        (length(fallback(self.preferred_upgrade_targets, [])) == 0 || anytrue([for t in v.ValidUpgradeTarget : contains(self.preferred_upgrade_targets, t.EngineVersion)])) &&
      (length(fallback(self.preferred_versions, [])) == 0 || contains(self.preferred_versions, v.EngineVersion)))]
    }
    let {
      preferred = flatten([for p in fallback(self.preferred_versions, []) : [for v in fitting : v if v.EngineVersion == p]])
    }
    let {
      # The list is in ascending order.
      found = self.latest == true ? fitting[length(fitting) - 1] : length(preferred) > 0 ? preferred[0] : fitting[0]
    }
    error {
      when    = length(fitting) == 0
      summary = "No RDS engine version matches"
      detail  = "There is no version of ${self.engine} that matches the criteria."
    }
    error {
      when    = length(fitting) > 1 && length(preferred) == 0 && self.latest != true
      summary = "Multiple RDS engine versions match"
      detail  = "Criteria match ${join(", ", [for v in fitting : v.EngineVersion])}: narrow them, or set latest = true."
    }
    set { id = found.EngineVersion }
    state = {
      version                                       = found.EngineVersion
      version_actual                                = found.EngineVersion
      version_description                           = found.DBEngineVersionDescription
      default_character_set                         = found.DefaultCharacterSet.CharacterSetName
      engine_description                            = found.DBEngineDescription
      exportable_log_types                          = found.ExportableLogTypes
      parameter_group_family                        = found.DBParameterGroupFamily
      status                                        = found.Status
      supported_character_sets                      = [for c in found.SupportedCharacterSets : c.CharacterSetName]
      supported_feature_names                       = fallback(found.SupportedFeatureNames, [])
      supported_modes                               = fallback(found.SupportedEngineModes, [])
      supported_timezones                           = [for t in found.SupportedTimezones : t.TimezoneName]
      supports_certificate_rotation_without_restart = found.SupportsCertificateRotationWithoutRestart
      supports_global_databases                     = found.SupportsGlobalDatabases
      supports_integrations                         = found.SupportsIntegrations
      supports_limitless_database                   = found.SupportsLimitlessDatabase
      supports_local_write_forwarding               = found.SupportsLocalWriteForwarding
      supports_log_exports_to_cloudwatch            = found.SupportsLogExportsToCloudwatchLogs
      supports_parallel_query                       = found.SupportsParallelQuery
      supports_read_replica                         = found.SupportsReadReplica
      valid_major_targets                           = [for t in found.ValidUpgradeTarget : t.EngineVersion if t.IsMajorVersionUpgrade]
      valid_minor_targets                           = [for t in found.ValidUpgradeTarget : t.EngineVersion if !t.IsMajorVersionUpgrade]
      valid_upgrade_targets                         = [for t in found.ValidUpgradeTarget : t.EngineVersion]
    }
  }
}
