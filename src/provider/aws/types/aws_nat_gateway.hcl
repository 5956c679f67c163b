resource "aws_nat_gateway" {
  service = "ec2"
  schema {
    subnet_id                          = required(string, force_new)
    allocation_id                      = optional(string, force_new)
    connectivity_type                  = optional(string, default("public"), force_new, one_of("public", "private"))
    association_id                     = computed(string)
    network_interface_id               = computed(string)
    private_ip                         = computed(string)
    public_ip                          = computed(string)
    secondary_allocation_ids           = optional(set(string), unsupported("a NAT gateway has one address"))
    secondary_private_ip_address_count = optional(number, unsupported("a NAT gateway has one address"))
    secondary_private_ip_addresses     = optional(set(string), unsupported("a NAT gateway has one address"))
    tags                               = tags()
    timeouts "create" "update" "delete" {}
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
