resource "aws_network_acl" {
  service = "ec2"
  schema {
    vpc_id     = required(string, force_new)
    subnet_ids = optional(set(string), computed)
    arn        = computed(string)
    owner_id   = computed(string)
    tags       = tags()
    set "ingress egress" computed attribute {
      use "acl_rule" {}
    }
  }
  validate {
    use "acl_validate" {}
  }
  create {
    call "CreateNetworkAcl" {
      request = { VpcId = self.vpc_id, TagSpecifications = tag_spec("network-acl", self.tags_all) }
      id      = result.NetworkAcl.NetworkAclId
    }
    use "acl_create" {}
  }
  read {
    call "DescribeNetworkAcls" {
      request = { NetworkAclIds = [self.id] }
      gone    = ["InvalidNetworkAclID.NotFound"]
    }
    let { acl = result.NetworkAcls[0] }
    state = {
      arn        = "arn:${provider.partition}:ec2:${self.region}:${acl.OwnerId}:network-acl/${self.id}"
      owner_id   = acl.OwnerId
      vpc_id     = acl.VpcId
      subnet_ids = [for a in acl.Associations : a.SubnetId]
      ingress    = acl_rules([for e in acl.Entries : e if !e.Egress], self.ingress)
      egress     = acl_rules([for e in acl.Entries : e if e.Egress], self.egress)
      tags       = tag_map(acl.Tags, "Key", "Value")
    }
  }
  update {
    use "acl_update" {}
    # A subnet without an ACL of its own has the VPC's default one.
    call "DescribeNetworkAcls" "all" {
      when     = length(removed("subnet_ids")) > 0
      request  = { Filters = [{ Name = "vpc-id", Values = [self.vpc_id] }] }
      paginate = { input = "NextToken", output = "NextToken", items = "NetworkAcls" }
    }
    call "ReplaceNetworkAclAssociation" {
      for_each = [for a in [for n in all.NetworkAcls : n if n.NetworkAclId == self.id][0].Associations : a if contains(removed("subnet_ids"), a.SubnetId)]
      request = {
        AssociationId = each.value.NetworkAclAssociationId
        NetworkAclId  = [for n in all.NetworkAcls : n.NetworkAclId if n.IsDefault][0]
      }
      ignore = ["InvalidAssociationID.NotFound"]
    }
  }
  delete {
    call "DescribeNetworkAcls" "all" {
      request  = { Filters = [{ Name = "vpc-id", Values = [self.vpc_id] }] }
      paginate = { input = "NextToken", output = "NextToken", items = "NetworkAcls" }
    }
    call "ReplaceNetworkAclAssociation" {
      for_each = [for n in all.NetworkAcls : n if n.NetworkAclId == self.id][0].Associations
      request = {
        AssociationId = each.value.NetworkAclAssociationId
        NetworkAclId  = [for n in all.NetworkAcls : n.NetworkAclId if n.IsDefault][0]
      }
      ignore = ["InvalidAssociationID.NotFound"]
    }
    call "DeleteNetworkAcl" {
      request = { NetworkAclId = self.id }
      gone    = ["InvalidNetworkAclID.NotFound"]
      retry "DependencyViolation" { timeout = "2m" }
    }
  }
  tags { resource = self.id }
}
