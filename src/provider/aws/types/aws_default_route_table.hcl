// A VPC's main route table: taken over as it is, emptied and filled as written; left alone when it is destroyed.
resource "aws_default_route_table" {
  service = "ec2"
  schema {
    default_route_table_id = required(string, force_new)
    vpc_id                 = computed(string)
    propagating_vgws       = optional(set(string), unsupported("there are no VPN gateways"))
    arn                    = computed(string)
    owner_id               = computed(string)
    tags                   = tags()
    set "route" computed attribute {
      cidr_block                 = optional(string, cidr())
      gateway_id                 = optional(string)
      nat_gateway_id             = optional(string)
      network_interface_id       = optional(string)
      instance_id                = optional(string, unsupported("there are no EC2 instances"))
      ipv6_cidr_block            = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
      destination_prefix_list_id = optional(string, unsupported("there are no prefix lists"))
      carrier_gateway_id         = optional(string, unsupported("there are no carrier gateways"))
      core_network_arn           = optional(string, unsupported("there are no core networks"))
      egress_only_gateway_id     = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
      local_gateway_id           = optional(string, unsupported("there are no Outposts"))
      odb_network_arn            = optional(string, unsupported("there are no ODB networks"))
      transit_gateway_id         = optional(string, unsupported("there are no transit gateways"))
      vpc_endpoint_id            = optional(string, unsupported("there are no VPC endpoints"))
      vpc_peering_connection_id  = optional(string, unsupported("VPCs are not peered"))
    }
    timeouts "create" "update" "delete" {}
  }
  create {
    call "DescribeRouteTables" "found" {
      request = { RouteTableIds = [self.default_route_table_id] }
      id      = self.default_route_table_id
      set     = { vpc_id = result.RouteTables[0].VpcId }
    }
    call "DeleteRoute" {
      for_each = [for r in found.RouteTables[0].Routes : r if fallback(r.GatewayId, "") != "local"]
      request  = { RouteTableId = self.id, DestinationCidrBlock = each.value.DestinationCidrBlock }
      ignore   = ["InvalidRoute.NotFound"]
    }
    call "CreateRoute" {
      for_each = config.route
      request = {
        RouteTableId         = self.id
        DestinationCidrBlock = each.value.cidr_block
        GatewayId            = nonempty(each.value.gateway_id)
        NatGatewayId         = nonempty(each.value.nat_gateway_id)
        NetworkInterfaceId   = nonempty(each.value.network_interface_id)
      }
    }
    call "CreateTags" {
      when    = nonempty(self.tags_all) != null
      request = { Resources = [self.id], Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  read {
    call "DescribeRouteTables" {
      request = { RouteTableIds = [self.id] }
      gone    = ["InvalidRouteTableID.NotFound"]
    }
    state = {
      arn                    = "arn:${provider.partition}:ec2:${self.region}:${result.RouteTables[0].OwnerId}:route-table/${self.id}"
      owner_id               = result.RouteTables[0].OwnerId
      default_route_table_id = self.id
      vpc_id                 = result.RouteTables[0].VpcId
      tags                   = tag_map(result.RouteTables[0].Tags, "Key", "Value")
      route = [for r in result.RouteTables[0].Routes : {
        cidr_block                 = fallback(r.DestinationCidrBlock, "")
        gateway_id                 = fallback(r.GatewayId, "")
        nat_gateway_id             = fallback(r.NatGatewayId, "")
        network_interface_id       = fallback(r.NetworkInterfaceId, "")
        instance_id                = ""
        ipv6_cidr_block            = ""
        destination_prefix_list_id = ""
        carrier_gateway_id         = ""
        core_network_arn           = ""
        egress_only_gateway_id     = ""
        local_gateway_id           = ""
        odb_network_arn            = ""
        transit_gateway_id         = ""
        vpc_endpoint_id            = ""
        vpc_peering_connection_id  = ""
      } if fallback(r.GatewayId, "") != "local"]
    }
  }
  update {
    call "DeleteRoute" {
      for_each = [for r in removed("route") : r if !contains([for n in self.route : n.cidr_block], r.cidr_block)]
      request  = { RouteTableId = self.id, DestinationCidrBlock = each.value.cidr_block }
      ignore   = ["InvalidRoute.NotFound"]
    }
    call "ReplaceRoute" {
      for_each = [for r in added("route") : r if contains([for o in prior.route : o.cidr_block], r.cidr_block)]
      request = {
        RouteTableId         = self.id
        DestinationCidrBlock = each.value.cidr_block
        GatewayId            = nonempty(each.value.gateway_id)
        NatGatewayId         = nonempty(each.value.nat_gateway_id)
        NetworkInterfaceId   = nonempty(each.value.network_interface_id)
      }
    }
    call "CreateRoute" {
      for_each = [for r in added("route") : r if !contains([for o in prior.route : o.cidr_block], r.cidr_block)]
      request = {
        RouteTableId         = self.id
        DestinationCidrBlock = each.value.cidr_block
        GatewayId            = nonempty(each.value.gateway_id)
        NatGatewayId         = nonempty(each.value.nat_gateway_id)
        NetworkInterfaceId   = nonempty(each.value.network_interface_id)
      }
    }
  }
  delete {
  }
  tags { resource = self.id }
  # The id of the VPC.
  import {
    call "DescribeRouteTables" "main" {
      request = { Filters = [{ Name = "association.main", Values = ["true"] }, { Name = "vpc-id", Values = [self.id] }] }
    }
    set {
      id                     = main.RouteTables[0].RouteTableId
      default_route_table_id = main.RouteTables[0].RouteTableId
    }
  }
}
