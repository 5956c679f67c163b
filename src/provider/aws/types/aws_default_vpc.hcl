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
    arn                                  = computed(string)
    default_network_acl_id               = computed(string)
    default_route_table_id               = computed(string)
    default_security_group_id            = computed(string)
    dhcp_options_id                      = computed(string)
    main_route_table_id                  = computed(string)
    owner_id                             = computed(string)
    ipv6_association_id                  = computed(string)
    assign_generated_ipv6_cidr_block     = optional(bool, unsupported("there is no IPv6 on this machine's VPCs"))
    ipv6_cidr_block                      = optional(string, computed, unsupported("there is no IPv6 on this machine's VPCs"))
    ipv6_cidr_block_network_border_group = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
    ipv6_ipam_pool_id                    = optional(string, unsupported("there is no IPAM"))
    ipv6_netmask_length                  = optional(number, unsupported("there is no IPAM"))
    enable_classiclink                   = optional(bool, unsupported("there is no EC2-Classic"))
    enable_classiclink_dns_support       = optional(bool, unsupported("there is no EC2-Classic"))
    tags                                 = tags()
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
    state = {
      arn                                  = "arn:${provider.partition}:ec2:${self.region}:${vpcs.Vpcs[0].OwnerId}:vpc/${self.id}"
      cidr_block                           = vpcs.Vpcs[0].CidrBlock
      instance_tenancy                     = vpcs.Vpcs[0].InstanceTenancy
      owner_id                             = vpcs.Vpcs[0].OwnerId
      dhcp_options_id                      = vpcs.Vpcs[0].DhcpOptionsId
      tags                                 = tag_map(vpcs.Vpcs[0].Tags, "Key", "Value")
      enable_dns_hostnames                 = hostnames.EnableDnsHostnames.Value
      enable_dns_support                   = support.EnableDnsSupport.Value
      enable_network_address_usage_metrics = metrics.EnableNetworkAddressUsageMetrics.Value
      default_network_acl_id               = acls.NetworkAcls[0].NetworkAclId
      default_route_table_id               = tables.RouteTables[0].RouteTableId
      main_route_table_id                  = tables.RouteTables[0].RouteTableId
      default_security_group_id            = groups.SecurityGroups[0].GroupId
      ipv6_association_id                  = ""
      ipv6_cidr_block                      = ""
    }
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
