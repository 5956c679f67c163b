data "aws_availability_zones" {
  service = "ec2"
  schema {
    all_availability_zones = optional(bool)
    exclude_names          = optional(set(string))
    exclude_zone_ids       = optional(set(string))
    state                  = optional(string, one_of("available", "information", "impaired", "unavailable", "constrained"))
    names                  = computed(list(string))
    zone_ids               = computed(list(string))
    group_names            = computed(set(string))
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeAvailabilityZones" {
      request = {
        AllAvailabilityZones = self.all_availability_zones
        Filters = nonempty(concat(
          [for f in self.filter : { Name = f.name, Values = [for v in f.values : v] }],
          [for s in [self.state] : { Name = "state", Values = [s] } if s != null]))
      }
      id = provider.region
    }
    let {
      zones = [for z in result.AvailabilityZones : z if !contains([for n in self.exclude_names : n], z.ZoneName) && !contains([for i in self.exclude_zone_ids : i], z.ZoneId)]
    }
    state = {
      names       = [for z in zones : z.ZoneName]
      zone_ids    = [for z in zones : z.ZoneId]
      group_names = distinct([for z in zones : z.GroupName])
    }
  }
}
