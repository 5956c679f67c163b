// The subnet of the default VPC in a zone: taken over as it is, or made where there is none; left alone when it is destroyed, unless
// force_destroy is set.
resource "aws_default_subnet" {
  service = "ec2"
  schema {
    availability_zone                              = required(string, force_new)
    force_destroy                                  = optional(bool, default(false), local_only)
    map_public_ip_on_launch                        = optional(bool, default(true))
    private_dns_hostname_type_on_launch            = optional(string, computed, one_of("ip-name"))
    existing_default_subnet                        = computed(bool)
    vpc_id                                         = computed(string)
    cidr_block                                     = computed(string)
    availability_zone_id                           = computed(string)
    arn                                            = computed(string)
    owner_id                                       = computed(string)
    outpost_arn                                    = computed(string)
    ipv6_cidr_block_association_id                 = computed(string)
    ipv6_cidr_block                                = optional(string, computed, unsupported("there is no IPv6 on this machine's VPCs"))
    assign_ipv6_address_on_creation                = optional(bool, unsupported("there is no IPv6 on this machine's VPCs"))
    enable_dns64                                   = optional(bool, unsupported("there is no IPv6 on this machine's VPCs"))
    ipv6_native                                    = optional(bool, unsupported("there is no IPv6 on this machine's VPCs"))
    customer_owned_ipv4_pool                       = optional(string, unsupported("there are no Outposts"))
    map_customer_owned_ip_on_launch                = optional(bool, unsupported("there are no Outposts"))
    enable_resource_name_dns_a_record_on_launch    = optional(bool, unsupported("names of instances are not served"))
    enable_resource_name_dns_aaaa_record_on_launch = optional(bool, unsupported("names of instances are not served"))
    tags                                           = tags()
    timeouts "create" "delete" {}
  }
  create {
    call "DescribeSubnets" "found" {
      request = { Filters = [{ Name = "default-for-az", Values = ["true"] }, { Name = "availability-zone", Values = [self.availability_zone] }] }
      set     = { existing_default_subnet = length([for s in result.Subnets : s]) > 0 }
    }
    call "CreateDefaultSubnet" "made" {
      when    = !self.existing_default_subnet
      request = { AvailabilityZone = self.availability_zone }
      id      = result.Subnet.SubnetId
    }
    set {
      when = self.existing_default_subnet
      id   = found.Subnets[0].SubnetId
    }
    call "ModifySubnetAttribute" {
      request = { SubnetId = self.id, MapPublicIpOnLaunch = { Value = self.map_public_ip_on_launch } }
    }
    call "CreateTags" {
      when    = nonempty(self.tags_all) != null
      request = { Resources = [self.id], Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  read {
    use "subnet_read" {}
    state = merge(subnet, { ipv6_cidr_block = "", outpost_arn = "" })
  }
  update {
    use "subnet_update" {}
  }
  delete {
    call "DeleteSubnet" {
      when    = self.force_destroy
      request = { SubnetId = self.id }
      gone    = ["InvalidSubnetID.NotFound"]
      retry "DependencyViolation" { timeout = "20m" }
    }
  }
  tags { resource = self.id }
}
