// The account's default VPC in a region: taken over as it is, or made where there is none; left alone when it is destroyed, unless
// force_destroy is set.
resource "aws_default_vpc" {
  service = "ec2"
  schema {
    enable_dns_hostnames                 = optional(bool, default(true))
    enable_dns_support                   = optional(bool, default(true))
    enable_network_address_usage_metrics = optional(bool, computed)
    force_destroy                        = optional(bool, default(false), local_only)
    existing_default_vpc                 = computed(bool)
    cidr_block                           = computed(string)
    instance_tenancy                     = computed(string)
    ipv6_cidr_block                      = optional(string, computed, unsupported("there is no IPv6 on this machine's VPCs"))
    tags                                 = tags()
    use "vpc_schema" {}
  }
  create {
    call "DescribeVpcs" "found" {
      request = { Filters = [{ Name = "is-default", Values = ["true"] }] }
      set     = { existing_default_vpc = length([for v in result.Vpcs : v]) > 0 }
    }
    call "CreateDefaultVpc" "made" {
      when = !self.existing_default_vpc
      id   = result.Vpc.VpcId
    }
    set {
      when = self.existing_default_vpc
      id   = found.Vpcs[0].VpcId
    }
    call "ModifyVpcAttribute" {
      request = { VpcId = self.id, EnableDnsHostnames = { Value = self.enable_dns_hostnames } }
    }
    call "ModifyVpcAttribute" {
      request = { VpcId = self.id, EnableDnsSupport = { Value = self.enable_dns_support } }
    }
    call "ModifyVpcAttribute" {
      when    = self.enable_network_address_usage_metrics != null
      request = { VpcId = self.id, EnableNetworkAddressUsageMetrics = { Value = self.enable_network_address_usage_metrics } }
    }
    call "CreateTags" {
      when    = nonempty(self.tags_all) != null
      request = { Resources = [self.id], Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  read {
    use "vpc_read" {}
    state = merge(vpc, { ipv6_cidr_block = "" })
  }
  update {
    use "vpc_update" {}
  }
  delete {
    call "DeleteVpc" {
      when    = self.force_destroy
      request = { VpcId = self.id }
      gone    = ["InvalidVpcID.NotFound"]
      retry "DependencyViolation" { timeout = "5m" }
    }
  }
  tags { resource = self.id }
}
