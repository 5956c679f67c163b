resource "aws_route_table_association" {
  service = "ec2"
  schema {
    route_table_id = required(string)
    subnet_id      = optional(string, force_new)
    gateway_id     = optional(string, unsupported("route tables are associated with subnets only"))
    timeouts "create" "update" "delete" {}
  }
  create {
    call "AssociateRouteTable" {
      request = { RouteTableId = self.route_table_id, SubnetId = self.subnet_id }
      id      = result.AssociationId
    }
  }
  read {
    call "DescribeRouteTables" {
      request = { Filters = [{ Name = "association.route-table-association-id", Values = [self.id] }] }
    }
    let {
      association = [for a in result.RouteTables[0].Associations : a if a.RouteTableAssociationId == self.id][0]
    }
    gone { when = association == null }
    state = {
      route_table_id = association.RouteTableId
      subnet_id      = association.SubnetId
    }
  }
  update {
    call "ReplaceRouteTableAssociation" {
      request = { AssociationId = self.id, RouteTableId = self.route_table_id }
      id      = result.NewAssociationId
    }
  }
  delete {
    call "DisassociateRouteTable" {
      request = { AssociationId = self.id }
      gone    = ["InvalidAssociationID.NotFound"]
    }
  }
}
