// A VPC's own network ACL: taken over as it is, emptied and filled as written; left alone when it is destroyed.
resource "aws_default_network_acl" {
  service = "ec2"
  schema {
    default_network_acl_id = required(string, force_new)
    subnet_ids             = optional(set(string))
    vpc_id                 = computed(string)
    arn                    = computed(string)
    owner_id               = computed(string)
    tags                   = tags()
    set "ingress egress" {
      use "acl_rule" {}
    }
  }
  validate {
    use "acl_validate" {}
  }
  create {
    call "DescribeNetworkAcls" "found" {
      request = { NetworkAclIds = [self.default_network_acl_id] }
      id      = self.default_network_acl_id
      set     = { vpc_id = result.NetworkAcls[0].VpcId }
    }
    call "DeleteNetworkAclEntry" {
      for_each = [for e in found.NetworkAcls[0].Entries : e if e.RuleNumber != 32767]
      request  = { NetworkAclId = self.id, Egress = each.value.Egress, RuleNumber = each.value.RuleNumber }
      ignore   = ["InvalidNetworkAclEntry.NotFound"]
    }
    use "acl_create" {}
    call "CreateTags" {
      when    = nonempty(self.tags_all) != null
      request = { Resources = [self.id], Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  read {
    call "DescribeNetworkAcls" {
      request = { NetworkAclIds = [self.id] }
      gone    = ["InvalidNetworkAclID.NotFound"]
    }
    let { acl = result.NetworkAcls[0] }
    state = {
      arn                    = "arn:${provider.partition}:ec2:${self.region}:${acl.OwnerId}:network-acl/${self.id}"
      owner_id               = acl.OwnerId
      vpc_id                 = acl.VpcId
      default_network_acl_id = self.id
      subnet_ids             = [for a in acl.Associations : a.SubnetId]
      ingress                = acl_rules([for e in acl.Entries : e if !e.Egress], self.ingress)
      egress                 = acl_rules([for e in acl.Entries : e if e.Egress], self.egress)
      tags                   = tag_map(acl.Tags, "Key", "Value")
    }
  }
  update {
    # Subnets leave it only by being associated with another ACL.
    use "acl_update" {}
  }
  delete {
  }
  tags { resource = self.id }
}
