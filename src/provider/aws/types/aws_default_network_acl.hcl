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
      rule_no         = required(number, range(1, 32766))
      action          = required(string, equal("case"), one_of("allow", "deny", "ALLOW", "DENY"))
      protocol        = required(string)
      from_port       = required(number, range(0, 65535))
      to_port         = required(number, range(0, 65535))
      cidr_block      = optional(string, cidr())
      icmp_type       = optional(number)
      icmp_code       = optional(number)
      ipv6_cidr_block = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
    }
  }
  validate {
    let {
      bad = [for r in concat([for i in self.ingress : i], [for e in self.egress : e]) : r.rule_no
      if try(acl_protocol(r.protocol) == "-1" && (r.from_port != 0 || r.to_port != 0), false)]
    }
    error {
      when    = length(bad) > 0
      summary = "Ports without a protocol that has any"
      detail  = "Rule ${join(", ", bad)}: from_port and to_port must both be 0 with protocol -1."
    }
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
    call "CreateNetworkAclEntry" {
      for_each = config.ingress
      request  = acl_entry(each.value, self.id, false)
    }
    call "CreateNetworkAclEntry" {
      for_each = config.egress
      request  = acl_entry(each.value, self.id, true)
    }
    call "DescribeNetworkAcls" "acls" {
      when     = length([for s in config.subnet_ids : s]) > 0
      request  = { Filters = [{ Name = "vpc-id", Values = [self.vpc_id] }] }
      paginate = { input = "NextToken", output = "NextToken", items = "NetworkAcls" }
    }
    call "ReplaceNetworkAclAssociation" {
      for_each = [for s in config.subnet_ids : s]
      request  = { AssociationId = acl_association(acls.NetworkAcls, each.value), NetworkAclId = self.id }
    }
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
    call "DeleteNetworkAclEntry" {
      for_each = removed("ingress")
      request  = { NetworkAclId = self.id, Egress = false, RuleNumber = each.value.rule_no }
      ignore   = ["InvalidNetworkAclEntry.NotFound"]
    }
    call "DeleteNetworkAclEntry" {
      for_each = removed("egress")
      request  = { NetworkAclId = self.id, Egress = true, RuleNumber = each.value.rule_no }
      ignore   = ["InvalidNetworkAclEntry.NotFound"]
    }
    call "CreateNetworkAclEntry" {
      for_each = added("ingress")
      request  = acl_entry(each.value, self.id, false)
    }
    call "CreateNetworkAclEntry" {
      for_each = added("egress")
      request  = acl_entry(each.value, self.id, true)
    }
    # Subnets leave it only by being associated with another ACL.
    call "DescribeNetworkAcls" "acls" {
      when     = length(added("subnet_ids")) > 0
      request  = { Filters = [{ Name = "vpc-id", Values = [self.vpc_id] }] }
      paginate = { input = "NextToken", output = "NextToken", items = "NetworkAcls" }
    }
    call "ReplaceNetworkAclAssociation" {
      for_each = added("subnet_ids")
      request  = { AssociationId = acl_association(acls.NetworkAcls, each.value), NetworkAclId = self.id }
    }
  }
  delete {
  }
  tags { resource = self.id }
}
