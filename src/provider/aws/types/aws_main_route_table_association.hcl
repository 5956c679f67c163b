// Which route table is a VPC's main one. Destroyed, the one that was it before is it again.
resource "aws_main_route_table_association" {
  service = "ec2"
  schema {
    vpc_id                  = required(string, force_new)
    route_table_id          = required(string)
    original_route_table_id = computed(string)
    timeouts "create" "update" "delete" {}
  }
  create {
    call "DescribeRouteTables" "main" {
      request = { Filters = [{ Name = "association.main", Values = ["true"] }, { Name = "vpc-id", Values = [self.vpc_id] }] }
    }
    let { before = [for a in main.RouteTables[0].Associations : a if a.Main][0] }
    call "ReplaceRouteTableAssociation" {
      request = { AssociationId = before.RouteTableAssociationId, RouteTableId = self.route_table_id }
      id      = result.NewAssociationId
      set     = { original_route_table_id = before.RouteTableId }
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
      vpc_id         = result.RouteTables[0].VpcId
      route_table_id = association.RouteTableId
    }
  }
  update {
    call "ReplaceRouteTableAssociation" {
      request = { AssociationId = self.id, RouteTableId = self.route_table_id }
      id      = result.NewAssociationId
    }
  }
  delete {
    call "ReplaceRouteTableAssociation" {
      request = { AssociationId = self.id, RouteTableId = self.original_route_table_id }
      gone    = ["InvalidAssociationID.NotFound"]
    }
  }
}
