resource "aws_network_acl_association" {
  service = "ec2"
  schema {
    network_acl_id = required(string, force_new)
    subnet_id      = required(string, force_new)
  }
  create {
    call "DescribeNetworkAcls" "acls" {
      request = { Filters = [{ Name = "association.subnet-id", Values = [self.subnet_id] }] }
    }
    call "ReplaceNetworkAclAssociation" {
      request = { AssociationId = acl_association(acls.NetworkAcls, self.subnet_id), NetworkAclId = self.network_acl_id }
      id      = result.NewAssociationId
    }
  }
  read {
    call "DescribeNetworkAcls" {
      request = { Filters = [{ Name = "association.association-id", Values = [self.id] }] }
    }
    let {
      association = [for a in result.NetworkAcls[0].Associations : a if a.NetworkAclAssociationId == self.id][0]
    }
    gone { when = association == null }
    state = {
      network_acl_id = association.NetworkAclId
      subnet_id      = association.SubnetId
    }
  }
  # The subnet goes back to the VPC's default ACL.
  delete {
    call "DescribeNetworkAcls" "own" {
      request = { NetworkAclIds = [self.network_acl_id] }
      gone    = ["InvalidNetworkAclID.NotFound"]
    }
    call "DescribeNetworkAcls" "default" {
      request = { Filters = [{ Name = "default", Values = ["true"] }, { Name = "vpc-id", Values = [own.NetworkAcls[0].VpcId] }] }
    }
    call "ReplaceNetworkAclAssociation" {
      request = { AssociationId = self.id, NetworkAclId = default.NetworkAcls[0].NetworkAclId }
      gone    = ["InvalidAssociationID.NotFound"]
    }
  }
}
