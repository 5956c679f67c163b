data "aws_regions" {
  service = "ec2"
  schema {
    all_regions = optional(bool)
    names       = computed(set(string))
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeRegions" {
      request = { AllRegions = config.all_regions, Filters = ec2_filters(config.filter, null, {}) }
      id      = provider.partition
    }
    state = { names = [for r in result.Regions : r.RegionName] }
  }
}
