resource "aws_subnet" {
  service = "ec2"
  schema {
    vpc_id                                         = required(string, force_new)
    cidr_block                                     = required(string, force_new, cidr())
    availability_zone                              = optional(string, computed, force_new, conflicts("availability_zone_id"))
    availability_zone_id                           = optional(string, computed, force_new)
    map_public_ip_on_launch                        = optional(bool, default(false))
    private_dns_hostname_type_on_launch            = optional(string, computed, one_of("ip-name"))
    arn                                            = computed(string)
    owner_id                                       = computed(string)
    ipv6_cidr_block_association_id                 = computed(string)
    assign_ipv6_address_on_creation                = optional(bool, unsupported("there is no IPv6 on this machine's VPCs"))
    enable_dns64                                   = optional(bool, unsupported("there is no IPv6 on this machine's VPCs"))
    ipv6_cidr_block                                = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
    ipv6_native                                    = optional(bool, unsupported("there is no IPv6 on this machine's VPCs"))
    ipv4_ipam_pool_id                              = optional(string, unsupported("there is no IPAM"))
    ipv4_netmask_length                            = optional(number, unsupported("there is no IPAM"))
    ipv6_ipam_pool_id                              = optional(string, unsupported("there is no IPAM"))
    ipv6_netmask_length                            = optional(number, unsupported("there is no IPAM"))
    customer_owned_ipv4_pool                       = optional(string, unsupported("there are no Outposts"))
    map_customer_owned_ip_on_launch                = optional(bool, unsupported("there are no Outposts"))
    outpost_arn                                    = optional(string, unsupported("there are no Outposts"))
    enable_lni_at_device_index                     = optional(number, unsupported("there are no Outposts"))
    enable_resource_name_dns_a_record_on_launch    = optional(bool, unsupported("names of instances are not served"))
    enable_resource_name_dns_aaaa_record_on_launch = optional(bool, unsupported("names of instances are not served"))
    tags                                           = tags()
    timeouts "create" "delete" {}
  }
  create {
    call "CreateSubnet" {
      request = {
        VpcId              = self.vpc_id
        CidrBlock          = self.cidr_block
        AvailabilityZone   = config.availability_zone
        AvailabilityZoneId = config.availability_zone_id
        TagSpecifications  = tag_spec("subnet", self.tags_all)
      }
      id = result.Subnet.SubnetId
    }
    wait "DescribeSubnets" {
      request = { SubnetIds = [self.id] }
      value   = result.Subnets[0].State
      pending = ["pending"]
      target  = ["available"]
    }
    call "ModifySubnetAttribute" {
      when    = self.map_public_ip_on_launch
      request = { SubnetId = self.id, MapPublicIpOnLaunch = { Value = true } }
    }
  }
  read {
    call "DescribeSubnets" {
      request = { SubnetIds = [self.id] }
      gone    = ["InvalidSubnetID.NotFound"]
    }
    state = {
      arn                                 = result.Subnets[0].SubnetArn
      owner_id                            = result.Subnets[0].OwnerId
      vpc_id                              = result.Subnets[0].VpcId
      cidr_block                          = result.Subnets[0].CidrBlock
      availability_zone                   = result.Subnets[0].AvailabilityZone
      availability_zone_id                = result.Subnets[0].AvailabilityZoneId
      map_public_ip_on_launch             = result.Subnets[0].MapPublicIpOnLaunch
      private_dns_hostname_type_on_launch = result.Subnets[0].PrivateDnsNameOptionsOnLaunch.HostnameType
      ipv6_cidr_block_association_id      = ""
      tags                                = tag_map(result.Subnets[0].Tags, "Key", "Value")
    }
  }
  update {
    call "ModifySubnetAttribute" {
      when    = changed("map_public_ip_on_launch")
      request = { SubnetId = self.id, MapPublicIpOnLaunch = { Value = self.map_public_ip_on_launch } }
    }
  }
  delete {
    call "DeleteSubnet" {
      request = { SubnetId = self.id }
      gone    = ["InvalidSubnetID.NotFound"]
      retry "DependencyViolation" { timeout = "20m" }
    }
  }
  tags { resource = self.id }
}
