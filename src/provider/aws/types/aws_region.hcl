data "aws_region" {
  service = "ec2"
  schema {
    name        = optional(string, computed, deprecated("use region instead"))
    endpoint    = optional(string, unsupported("a region is found by its name"))
    description = computed(string)
  }
  read {
    set { id = fallback(self.name, provider.region) }
    state = {
      name        = self.id
      description = self.id
    }
  }
}
