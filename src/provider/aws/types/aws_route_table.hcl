resource "aws_route_table" {
  service = "ec2"
  schema {
    vpc_id           = required(string, force_new)
    propagating_vgws = optional(set(string), unsupported("there are no VPN gateways"))
    arn              = computed(string)
    owner_id         = computed(string)
    tags             = tags()
    use "route_table_route" {}
    timeouts "create" "update" "delete" {}
  }
  create {
    call "CreateRouteTable" {
      request = { VpcId = self.vpc_id, TagSpecifications = tag_spec("route-table", self.tags_all) }
      id      = result.RouteTable.RouteTableId
    }
    use "route_table_create" {}
  }
  read {
    call "DescribeRouteTables" {
      request = { RouteTableIds = [self.id] }
      gone    = ["InvalidRouteTableID.NotFound"]
    }
    state = {
      arn      = "arn:${provider.partition}:ec2:${self.region}:${result.RouteTables[0].OwnerId}:route-table/${self.id}"
      owner_id = result.RouteTables[0].OwnerId
      vpc_id   = result.RouteTables[0].VpcId
      tags     = tag_map(result.RouteTables[0].Tags, "Key", "Value")
      route = route_blocks(result.RouteTables[0].Routes)
    }
  }
  update {
    use "route_table_update" {}
  }
  delete {
    call "DescribeRouteTables" "tables" {
      request = { RouteTableIds = [self.id] }
      gone    = ["InvalidRouteTableID.NotFound"]
    }
    call "DisassociateRouteTable" {
      for_each = tables.RouteTables[0].Associations
      request  = { AssociationId = each.value.RouteTableAssociationId }
      ignore   = ["InvalidAssociationID.NotFound"]
    }
    call "DeleteRouteTable" {
      request = { RouteTableId = self.id }
      gone    = ["InvalidRouteTableID.NotFound"]
    }
  }
  tags { resource = self.id }
}

data "aws_route_table" {
  service = "ec2"
  schema {
    route_table_id = optional(string, computed)
    gateway_id     = optional(string, computed)
    subnet_id      = optional(string, computed)
    vpc_id         = optional(string, computed)
    tags           = optional(map(string), computed)
    arn            = computed(string)
    owner_id       = computed(string)
    list "routes" computed {
      cidr_block                 = computed(string)
      ipv6_cidr_block            = computed(string)
      destination_prefix_list_id = computed(string)
      carrier_gateway_id         = computed(string)
      core_network_arn           = computed(string)
      egress_only_gateway_id     = computed(string)
      gateway_id                 = computed(string)
      instance_id                = computed(string)
      local_gateway_id           = computed(string)
      nat_gateway_id             = computed(string)
      network_interface_id       = computed(string)
      odb_network_arn            = computed(string)
      transit_gateway_id         = computed(string)
      vpc_endpoint_id            = computed(string)
      vpc_peering_connection_id  = computed(string)
    }
    list "associations" computed {
      gateway_id                 = computed(string)
      main                       = computed(bool)
      route_table_association_id = computed(string)
      route_table_id             = computed(string)
      subnet_id                  = computed(string)
    }
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeRouteTables" {
      request = {
        RouteTableIds = config.route_table_id == null ? null : [config.route_table_id]
        Filters       = ec2_filters(config.filter, config.tags, { "association.gateway-id" = config.gateway_id, "association.subnet-id" = config.subnet_id, vpc-id = config.vpc_id })
      }
      id = result.RouteTables[0].RouteTableId
    }
    error {
      when    = length([for x in result.RouteTables : x]) != 1
      summary = query_returned(result.RouteTables)
      detail  = "${length([for x in result.RouteTables : x])} route tables match the arguments of the data source aws_route_table; exactly one must."
    }
    let { table = result.RouteTables[0] }
    state = {
      route_table_id = table.RouteTableId
      vpc_id         = table.VpcId
      owner_id       = table.OwnerId
      tags           = tag_map(table.Tags)
      arn            = "arn:${provider.partition}:ec2:${self.region}:${table.OwnerId}:route-table/${table.RouteTableId}"
      routes = [for r in table.Routes : {
        cidr_block                 = fallback(r.DestinationCidrBlock, "")
        ipv6_cidr_block            = fallback(r.DestinationIpv6CidrBlock, "")
        gateway_id                 = fallback(r.GatewayId, "")
        nat_gateway_id             = fallback(r.NatGatewayId, "")
        network_interface_id       = fallback(r.NetworkInterfaceId, "")
        instance_id                = fallback(r.InstanceId, "")
        destination_prefix_list_id = ""
        carrier_gateway_id         = ""
        core_network_arn           = ""
        egress_only_gateway_id     = ""
        local_gateway_id           = ""
        odb_network_arn            = ""
        transit_gateway_id         = ""
        vpc_endpoint_id            = ""
        vpc_peering_connection_id  = ""
      } if r.GatewayId != "local"]
      associations = [for a in table.Associations : {
        gateway_id                 = fallback(a.GatewayId, "")
        main                       = a.Main
        route_table_association_id = a.RouteTableAssociationId
        route_table_id             = a.RouteTableId
        subnet_id                  = fallback(a.SubnetId, "")
      }]
    }
  }
}

data "aws_route_tables" {
  service = "ec2"
  schema {
    vpc_id = optional(string)
    tags   = optional(map(string))
    ids    = computed(list(string))
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeRouteTables" {
      request  = { Filters = ec2_filters(config.filter, config.tags, { vpc-id = config.vpc_id }) }
      paginate = { input = "NextToken", output = "NextToken", items = "RouteTables" }
      id       = provider.region
    }
    state = { ids = [for t in result.RouteTables : t.RouteTableId] }
  }
}
