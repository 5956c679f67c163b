resource "aws_vpc" {
  service = "ec2"
  schema {
    cidr_block                           = optional(string, computed, force_new, cidr())
    instance_tenancy                     = optional(string, default("default"), one_of("default"))
    enable_dns_support                   = optional(bool, default(true))
    enable_dns_hostnames                 = optional(bool, computed)
    enable_network_address_usage_metrics = optional(bool, computed)
    ipv4_ipam_pool_id                    = optional(string, unsupported("there is no IPAM"))
    ipv4_netmask_length                  = optional(number, unsupported("there is no IPAM"))
    ipv6_cidr_block                      = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
    tags                                 = tags()
    use "vpc_schema" {}
  }
  create {
    call "CreateVpc" {
      request = {
        CidrBlock         = self.cidr_block
        InstanceTenancy   = self.instance_tenancy
        TagSpecifications = tag_spec("vpc", self.tags_all)
      }
      id = result.Vpc.VpcId
    }
    wait "DescribeVpcs" {
      request = { VpcIds = [self.id] }
      value   = result.Vpcs[0].State
      pending = ["pending"]
      target  = ["available"]
    }
    call "ModifyVpcAttribute" {
      when    = self.enable_dns_hostnames == true
      request = { VpcId = self.id, EnableDnsHostnames = { Value = true } }
    }
    call "ModifyVpcAttribute" {
      when    = self.enable_dns_support == false
      request = { VpcId = self.id, EnableDnsSupport = { Value = false } }
    }
    call "ModifyVpcAttribute" {
      when    = self.enable_network_address_usage_metrics == true
      request = { VpcId = self.id, EnableNetworkAddressUsageMetrics = { Value = true } }
    }
  }
  read {
    use "vpc_read" {}
    state = vpc
  }
  update {
    use "vpc_update" {}
  }
  delete {
    call "DeleteVpc" {
      request = { VpcId = self.id }
      gone    = ["InvalidVpcID.NotFound"]
      retry "DependencyViolation" { timeout = "5m" }
    }
  }
  tags { resource = self.id }
}

data "aws_vpc" {
  service = "ec2"
  schema {
    id                                   = optional(string, computed)
    cidr_block                           = optional(string, computed)
    default                              = optional(bool, computed)
    dhcp_options_id                      = optional(string, computed)
    state                                = optional(string, computed)
    tags                                 = optional(map(string), computed)
    arn                                  = computed(string)
    enable_dns_hostnames                 = computed(bool)
    enable_dns_support                   = computed(bool)
    enable_network_address_usage_metrics = computed(bool)
    instance_tenancy                     = computed(string)
    ipv6_association_id                  = computed(string)
    ipv6_cidr_block                      = computed(string)
    main_route_table_id                  = computed(string)
    owner_id                             = computed(string)
    list "cidr_block_associations" computed {
      association_id = computed(string)
      cidr_block     = computed(string)
      state          = computed(string)
    }
    list "ipv6_cidr_block_associations" computed {
      association_id         = computed(string)
      ip_source              = computed(string)
      ipv6_address_attribute = computed(string)
      ipv6_cidr_block        = computed(string)
      ipv6_pool              = computed(string)
      network_border_group   = computed(string)
      state                  = computed(string)
    }
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeVpcs" {
      request = {
        VpcIds = config.id == null ? null : [config.id]
        Filters = ec2_filters(config.filter, config.tags, {
          cidr = config.cidr_block, is-default = config.default == true ? true : null, dhcp-options-id = config.dhcp_options_id, state = config.state
        })
      }
      id = result.Vpcs[0].VpcId
    }
    error {
      when    = length([for x in result.Vpcs : x]) != 1
      summary = query_returned(result.Vpcs)
      detail  = "${length([for x in result.Vpcs : x])} VPCs match the arguments of the data source aws_vpc; exactly one must."
    }
    let { vpc = result.Vpcs[0] }
    call "DescribeVpcAttribute" "hostnames" {
      request = { VpcId = vpc.VpcId, Attribute = "enableDnsHostnames" }
    }
    call "DescribeVpcAttribute" "support" {
      request = { VpcId = vpc.VpcId, Attribute = "enableDnsSupport" }
    }
    call "DescribeVpcAttribute" "metrics" {
      request = { VpcId = vpc.VpcId, Attribute = "enableNetworkAddressUsageMetrics" }
    }
    call "DescribeRouteTables" "tables" {
      request = { Filters = [{ Name = "association.main", Values = ["true"] }, { Name = "vpc-id", Values = [vpc.VpcId] }] }
    }
    state = {
      arn                                  = "arn:${provider.partition}:ec2:${self.region}:${vpc.OwnerId}:vpc/${vpc.VpcId}"
      cidr_block                           = vpc.CidrBlock
      default                              = vpc.IsDefault
      dhcp_options_id                      = vpc.DhcpOptionsId
      state                                = vpc.State
      tags                                 = tag_map(vpc.Tags)
      enable_dns_hostnames                 = hostnames.EnableDnsHostnames.Value
      enable_dns_support                   = support.EnableDnsSupport.Value
      enable_network_address_usage_metrics = metrics.EnableNetworkAddressUsageMetrics.Value
      instance_tenancy                     = vpc.InstanceTenancy
      ipv6_association_id                  = ""
      ipv6_cidr_block                      = ""
      main_route_table_id                  = tables.RouteTables[0].RouteTableId
      owner_id                             = vpc.OwnerId
      cidr_block_associations              = [for a in vpc.CidrBlockAssociationSet : { association_id = a.AssociationId, cidr_block = a.CidrBlock, state = a.CidrBlockState.State }]
      ipv6_cidr_block_associations         = []
    }
  }
}

data "aws_vpcs" {
  service = "ec2"
  schema {
    tags = optional(map(string))
    ids  = computed(list(string))
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeVpcs" {
      request  = { Filters = ec2_filters(config.filter, config.tags, {}) }
      paginate = { input = "NextToken", output = "NextToken", items = "Vpcs" }
      id       = provider.region
    }
    state = { ids = [for v in result.Vpcs : v.VpcId] }
  }
}
