resource "aws_nat_gateway" {
  service = "ec2"
  schema {
    subnet_id                          = optional(string, force_new)
    allocation_id                      = optional(string, force_new)
    connectivity_type                  = optional(string, default("public"), force_new, one_of("public", "private"))
    association_id                     = computed(string)
    network_interface_id               = computed(string)
    private_ip                         = optional(string, computed, force_new, unsupported("the gateway's address is chosen by the service"))
    public_ip                          = computed(string)
    secondary_allocation_ids           = optional(set(string), unsupported("a NAT gateway has one address"))
    secondary_private_ip_address_count = optional(number, unsupported("a NAT gateway has one address"))
    secondary_private_ip_addresses     = optional(set(string), unsupported("a NAT gateway has one address"))
    availability_mode                  = optional(string, computed, force_new, one_of("zonal", "regional"))
    vpc_id                             = optional(string, computed, force_new)
    auto_provision_zones               = computed(string)
    auto_scaling_ips                   = computed(string)
    regional_nat_gateway_auto_mode     = computed(string)
    route_table_id                     = computed(string)
    tags                               = tags()
    set "availability_zone_address" "unsupported: a NAT gateway is of one zone, availability_mode regional is not implemented" {
      allocation_ids       = required(set(string))
      availability_zone    = optional(string)
      availability_zone_id = optional(string)
    }
    list "regional_nat_gateway_address" computed {
      allocation_id        = computed(string)
      association_id       = computed(string)
      availability_zone    = computed(string)
      availability_zone_id = computed(string)
      network_interface_id = computed(string)
      public_ip            = computed(string)
      status               = computed(string)
    }
    timeouts "create" "update" "delete" {}
  }
  validate {
    error {
      when    = self.availability_mode == "regional"
      summary = "Unsupported availability mode"
      detail  = "availability_mode = \"regional\" is not supported: a NAT gateway is of one zone."
    }
    error {
      when    = self.subnet_id == null
      summary = "Missing required argument"
      detail  = "The argument \"subnet_id\" is required of a zonal NAT gateway."
    }
  }
  create {
    call "CreateNatGateway" {
      request = {
        SubnetId          = self.subnet_id
        AllocationId      = self.allocation_id
        ConnectivityType  = self.connectivity_type
        TagSpecifications = tag_spec("natgateway", self.tags_all)
      }
      id = result.NatGateway.NatGatewayId
    }
    wait "DescribeNatGateways" {
      request = { NatGatewayIds = [self.id] }
      value   = result.NatGateways[0].State
      pending = ["pending"]
      target  = ["available"]
      failure = "${result.NatGateways[0].FailureCode}: ${result.NatGateways[0].FailureMessage}"
      timeout = "10m"
    }
  }
  read {
    call "DescribeNatGateways" {
      request = { NatGatewayIds = [self.id] }
      gone    = ["NatGatewayNotFound"]
    }
    gone {
      when = result.NatGateways[0] == null || result.NatGateways[0].State == "deleted"
    }
    state = {
      subnet_id            = result.NatGateways[0].SubnetId
      connectivity_type    = result.NatGateways[0].ConnectivityType
      allocation_id        = result.NatGateways[0].NatGatewayAddresses[0].AllocationId
      association_id       = result.NatGateways[0].NatGatewayAddresses[0].AssociationId
      network_interface_id = result.NatGateways[0].NatGatewayAddresses[0].NetworkInterfaceId
      private_ip           = result.NatGateways[0].NatGatewayAddresses[0].PrivateIp
      public_ip            = result.NatGateways[0].NatGatewayAddresses[0].PublicIp
      vpc_id               = result.NatGateways[0].VpcId
      availability_mode    = "zonal"
      tags                 = tag_map(result.NatGateways[0].Tags, "Key", "Value")
    }
  }
  update {}
  delete {
    call "DeleteNatGateway" {
      request = { NatGatewayId = self.id }
      gone    = ["NatGatewayNotFound"]
    }
    wait "DescribeNatGateways" {
      request = { NatGatewayIds = [self.id] }
      value   = result.NatGateways[0].State
      pending = ["deleting", "available"]
      target  = ["deleted"]
      timeout = "30m"
    }
  }
  tags { resource = self.id }
}

data "aws_nat_gateway" {
  service = "ec2"
  schema {
    id                                 = optional(string, computed)
    state                              = optional(string, computed)
    subnet_id                          = optional(string, computed)
    vpc_id                             = optional(string, computed)
    tags                               = optional(map(string), computed)
    allocation_id                      = computed(string)
    association_id                     = computed(string)
    connectivity_type                  = computed(string)
    network_interface_id               = computed(string)
    private_ip                         = computed(string)
    public_ip                          = computed(string)
    secondary_allocation_ids           = computed(set(string))
    secondary_private_ip_address_count = computed(number)
    secondary_private_ip_addresses     = computed(set(string))
    auto_provision_zones               = computed(string)
    auto_scaling_ips                   = computed(string)
    availability_mode                  = computed(string)
    route_table_id                     = computed(string)
    list "availability_zone_address" computed {
      allocation_ids       = computed(set(string))
      availability_zone    = computed(string)
      availability_zone_id = computed(string)
    }
    list "regional_nat_gateway_address" computed {
      allocation_id        = computed(string)
      association_id       = computed(string)
      availability_zone    = computed(string)
      availability_zone_id = computed(string)
      network_interface_id = computed(string)
      public_ip            = computed(string)
      status               = computed(string)
    }
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeNatGateways" {
      request = {
        NatGatewayIds = config.id == null ? null : [config.id]
        Filter        = ec2_filters(config.filter, config.tags, { state = config.state, subnet-id = config.subnet_id, vpc-id = config.vpc_id })
      }
      id = result.NatGateways[0].NatGatewayId
    }
    error {
      when    = length([for x in result.NatGateways : x]) != 1
      summary = query_returned(result.NatGateways)
      detail  = "${length([for x in result.NatGateways : x])} NAT gateways match the arguments of the data source aws_nat_gateway; exactly one must."
    }
    let { gateway = result.NatGateways[0] }
    state = {
      state                              = gateway.State
      subnet_id                          = gateway.SubnetId
      vpc_id                             = gateway.VpcId
      tags                               = tag_map(gateway.Tags)
      connectivity_type                  = gateway.ConnectivityType
      allocation_id                      = gateway.NatGatewayAddresses[0].AllocationId
      association_id                     = gateway.NatGatewayAddresses[0].AssociationId
      network_interface_id               = gateway.NatGatewayAddresses[0].NetworkInterfaceId
      private_ip                         = gateway.NatGatewayAddresses[0].PrivateIp
      public_ip                          = gateway.NatGatewayAddresses[0].PublicIp
      secondary_allocation_ids           = []
      secondary_private_ip_address_count = 0
      secondary_private_ip_addresses     = []
      availability_mode                  = "zonal"
    }
  }
}

data "aws_nat_gateways" {
  service = "ec2"
  schema {
    vpc_id = optional(string)
    tags   = optional(map(string))
    ids    = computed(list(string))
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeNatGateways" {
      request  = { Filter = ec2_filters(config.filter, config.tags, { vpc-id = config.vpc_id }) }
      paginate = { input = "NextToken", output = "NextToken", items = "NatGateways" }
      id       = provider.region
    }
    state = { ids = [for g in result.NatGateways : g.NatGatewayId] }
  }
}
