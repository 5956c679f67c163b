resource "aws_subnet" {
  service = "ec2"
  schema {
    vpc_id                                         = required(string, force_new)
    cidr_block                                     = optional(string, force_new, cidr())
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
  validate {
    error {
      when    = self.cidr_block == null && self.ipv4_ipam_pool_id == null && self.ipv6_native != true
      summary = "Missing required argument"
      detail  = "The argument \"cidr_block\" is required: there are no IPAM pools and no IPv6-only subnets."
    }
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
    use "subnet_read" {}
    state = subnet
  }
  update {
    use "subnet_update" {}
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

data "aws_subnet" {
  service = "ec2"
  schema {
    id                                             = optional(string, computed)
    availability_zone                              = optional(string, computed)
    availability_zone_id                           = optional(string, computed)
    cidr_block                                     = optional(string, computed)
    default_for_az                                 = optional(bool, computed)
    ipv6_cidr_block                                = optional(string, computed)
    state                                          = optional(string, computed)
    tags                                           = optional(map(string), computed)
    vpc_id                                         = optional(string, computed)
    arn                                            = computed(string)
    assign_ipv6_address_on_creation                = computed(bool)
    available_ip_address_count                     = computed(number)
    customer_owned_ipv4_pool                       = computed(string)
    enable_dns64                                   = computed(bool)
    enable_lni_at_device_index                     = computed(number)
    enable_resource_name_dns_a_record_on_launch    = computed(bool)
    enable_resource_name_dns_aaaa_record_on_launch = computed(bool)
    ipv6_cidr_block_association_id                 = computed(string)
    ipv6_native                                    = computed(bool)
    map_customer_owned_ip_on_launch                = computed(bool)
    map_public_ip_on_launch                        = computed(bool)
    outpost_arn                                    = computed(string)
    owner_id                                       = computed(string)
    private_dns_hostname_type_on_launch            = computed(string)
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeSubnets" {
      request = {
        SubnetIds = config.id == null ? null : [config.id]
        Filters = ec2_filters(config.filter, config.tags, {
          availability-zone = config.availability_zone, availability-zone-id = config.availability_zone_id, cidr-block = config.cidr_block
          default-for-az = config.default_for_az == true ? true : null, state = config.state, vpc-id = config.vpc_id
          "ipv6-cidr-block-association.ipv6-cidr-block" = config.ipv6_cidr_block
        })
      }
      id = result.Subnets[0].SubnetId
    }
    error {
      when    = length([for x in result.Subnets : x]) != 1
      summary = query_returned(result.Subnets)
      detail  = "${length([for x in result.Subnets : x])} subnets match the arguments of the data source aws_subnet; exactly one must."
    }
    let { subnet = result.Subnets[0] }
    state = {
      availability_zone                              = subnet.AvailabilityZone
      availability_zone_id                           = subnet.AvailabilityZoneId
      cidr_block                                     = subnet.CidrBlock
      default_for_az                                 = subnet.DefaultForAz == true
      ipv6_cidr_block                                = ""
      state                                          = subnet.State
      tags                                           = tag_map(subnet.Tags)
      vpc_id                                         = subnet.VpcId
      arn                                            = subnet.SubnetArn
      assign_ipv6_address_on_creation                = subnet.AssignIpv6AddressOnCreation == true
      available_ip_address_count                     = subnet.AvailableIpAddressCount
      customer_owned_ipv4_pool                       = ""
      enable_dns64                                   = subnet.EnableDns64 == true
      enable_lni_at_device_index                     = 0
      enable_resource_name_dns_a_record_on_launch    = subnet.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord == true
      enable_resource_name_dns_aaaa_record_on_launch = subnet.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord == true
      ipv6_cidr_block_association_id                 = ""
      ipv6_native                                    = subnet.Ipv6Native == true
      map_customer_owned_ip_on_launch                = false
      map_public_ip_on_launch                        = subnet.MapPublicIpOnLaunch
      outpost_arn                                    = ""
      owner_id                                       = subnet.OwnerId
      private_dns_hostname_type_on_launch            = subnet.PrivateDnsNameOptionsOnLaunch.HostnameType
    }
  }
}

data "aws_subnets" {
  service = "ec2"
  schema {
    tags = optional(map(string))
    ids  = computed(list(string))
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeSubnets" {
      request  = { Filters = ec2_filters(config.filter, config.tags, {}) }
      paginate = { input = "NextToken", output = "NextToken", items = "Subnets" }
      id       = provider.region
    }
    state = { ids = [for s in result.Subnets : s.SubnetId] }
  }
}

data "aws_subnet_ids" {
  service = "ec2"
  schema {
    vpc_id = required(string)
    tags   = optional(map(string))
    ids    = computed(set(string))
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeSubnets" {
      request  = { Filters = ec2_filters(config.filter, config.tags, { vpc-id = config.vpc_id }) }
      paginate = { input = "NextToken", output = "NextToken", items = "Subnets" }
      id       = config.vpc_id
    }
    error {
      when    = length(result.Subnets) == 0
      summary = "Your query returned no results"
      detail  = "No subnets match the arguments of the data source aws_subnet_ids."
    }
    state = { ids = [for s in result.Subnets : s.SubnetId] }
  }
}
