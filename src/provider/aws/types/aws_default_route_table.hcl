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
    use "route_table_route" {}
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
    use "route_table_create" {}
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
      route = route_blocks(result.RouteTables[0].Routes)
    }
  }
  update {
    use "route_table_update" {}
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
