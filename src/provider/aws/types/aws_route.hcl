resource "aws_route" {
  service = "ec2"
  schema {
    route_table_id              = required(string, force_new)
    destination_cidr_block      = optional(string, force_new, cidr())
    gateway_id                  = optional(string)
    nat_gateway_id              = optional(string)
    network_interface_id        = optional(string, computed)
    instance_id                 = optional(string, computed, unsupported("there are no EC2 instances"))
    instance_owner_id           = computed(string)
    origin                      = computed(string)
    state                       = computed(string)
    destination_ipv6_cidr_block = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
    destination_prefix_list_id  = optional(string, unsupported("there are no prefix lists"))
    carrier_gateway_id          = optional(string, unsupported("there are no carrier gateways"))
    core_network_arn            = optional(string, unsupported("there are no core networks"))
    egress_only_gateway_id      = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
    local_gateway_id            = optional(string, unsupported("there are no Outposts"))
    odb_network_arn             = optional(string, unsupported("there are no ODB networks"))
    transit_gateway_id          = optional(string, unsupported("there are no transit gateways"))
    vpc_endpoint_id             = optional(string, unsupported("there are no VPC endpoints"))
    vpc_peering_connection_id   = optional(string, unsupported("VPCs are not peered"))
    timeouts "create" "update" "delete" {}
  }
  create {
    call "CreateRoute" {
      request = {
        RouteTableId         = self.route_table_id
        DestinationCidrBlock = self.destination_cidr_block
        GatewayId            = nonempty(self.gateway_id)
        NatGatewayId         = nonempty(self.nat_gateway_id)
        NetworkInterfaceId   = nonempty(self.network_interface_id)
      }
      id = "r-${self.route_table_id}${substr(sha1(self.destination_cidr_block), 0, 10)}"
    }
  }
  read {
    call "DescribeRouteTables" {
      request = { RouteTableIds = [self.route_table_id] }
      gone    = ["InvalidRouteTableID.NotFound"]
    }
    let {
      route = [for r in result.RouteTables[0].Routes : r if r.DestinationCidrBlock == self.destination_cidr_block][0]
    }
    gone { when = route == null }
    state = {
      gateway_id           = fallback(route.GatewayId, "")
      nat_gateway_id       = fallback(route.NatGatewayId, "")
      network_interface_id = fallback(route.NetworkInterfaceId, "")
      instance_id          = fallback(route.InstanceId, "")
      instance_owner_id    = fallback(route.InstanceOwnerId, "")
      origin               = route.Origin
      state                = route.State
    }
  }
  update {
    call "ReplaceRoute" {
      request = {
        RouteTableId         = self.route_table_id
        DestinationCidrBlock = self.destination_cidr_block
        GatewayId            = nonempty(self.gateway_id)
        NatGatewayId         = nonempty(self.nat_gateway_id)
        NetworkInterfaceId   = nonempty(config.network_interface_id)
      }
    }
  }
  delete {
    call "DeleteRoute" {
      request = { RouteTableId = self.route_table_id, DestinationCidrBlock = self.destination_cidr_block }
      gone    = ["InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"]
    }
  }
}
