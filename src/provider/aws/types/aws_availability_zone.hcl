data "aws_availability_zone" {
  service = "ec2"
  schema {
    all_availability_zones = optional(bool)
    name                   = optional(string, computed)
    state                  = optional(string, computed)
    zone_id                = optional(string, computed)
    group_long_name        = computed(string)
    group_name             = computed(string)
    name_suffix            = computed(string)
    network_border_group   = computed(string)
    opt_in_status          = computed(string)
    parent_zone_id         = computed(string)
    parent_zone_name       = computed(string)
    zone_type              = computed(string)
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeAvailabilityZones" {
      request = {
        AllAvailabilityZones = config.all_availability_zones
        ZoneNames            = config.name == null ? null : [config.name]
        ZoneIds              = config.zone_id == null ? null : [config.zone_id]
        Filters              = ec2_filters(config.filter, {}, { state = config.state })
      }
      id = result.AvailabilityZones[0].ZoneName
    }
    error {
      when    = length([for x in result.AvailabilityZones : x]) != 1
      summary = query_returned(result.AvailabilityZones)
      detail  = "${length([for x in result.AvailabilityZones : x])} availability zones match the arguments of the data source aws_availability_zone; exactly one must."
    }
    let { zone = result.AvailabilityZones[0] }
    state = {
      name                 = zone.ZoneName
      state                = zone.State
      zone_id              = zone.ZoneId
      group_long_name      = fallback(zone.GroupLongName, "")
      group_name           = zone.GroupName
      name_suffix          = trimprefix(zone.ZoneName, zone.RegionName)
      network_border_group = zone.NetworkBorderGroup
      opt_in_status        = zone.OptInStatus
      parent_zone_id       = fallback(zone.ParentZoneId, "")
      parent_zone_name     = fallback(zone.ParentZoneName, "")
      zone_type            = zone.ZoneType
    }
  }
}
