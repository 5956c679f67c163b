resource "aws_security_group_rule" {
  service = "ec2"
  schema {
    type                     = required(string, force_new, one_of("ingress", "egress"))
    security_group_id        = required(string, force_new)
    protocol                 = required(string, force_new, equal("protocol"))
    from_port                = required(number, force_new)
    to_port                  = required(number, force_new)
    cidr_blocks              = optional(list(string), force_new, conflicts("source_security_group_id", "self"), cidr())
    ipv6_cidr_blocks         = optional(list(string), force_new, conflicts("source_security_group_id", "self"))
    prefix_list_ids          = optional(list(string), force_new, unsupported("there are no prefix lists"))
    source_security_group_id = optional(string, force_new, conflicts("cidr_blocks", "self"))
    self                     = optional(bool, default(false), force_new)
    description              = optional(string)
    security_group_rule_id   = computed(string)
    timeouts "create" {}
  }
  validate {
    error {
      when    = self.cidr_blocks == null && self.ipv6_cidr_blocks == null && self.source_security_group_id == null && self.self != true
      summary = "Missing source of the rule"
      detail  = "One of cidr_blocks, ipv6_cidr_blocks, source_security_group_id or self = true must say whom the rule is about."
    }
  }
  create {
    let {
      egress = self.type == "egress"
      request = { GroupId = self.security_group_id, IpPermissions = [ip_permission({
        protocol         = ip_protocol(self.protocol)
        from_port        = ip_protocol(self.protocol) == "-1" ? null : self.from_port
        to_port          = ip_protocol(self.protocol) == "-1" ? null : self.to_port
        cidr_blocks      = self.cidr_blocks
        ipv6_cidr_blocks = self.ipv6_cidr_blocks
        security_groups  = self.source_security_group_id == null ? [] : [self.source_security_group_id]
        self             = self.self
        description      = self.description
      }, self.security_group_id)] }
      local_id = "sgrule-${substr(sha1(jsonencode([self.security_group_id, self.type, ip_protocol(self.protocol), self.from_port, self.to_port,
      self.cidr_blocks, self.ipv6_cidr_blocks, self.source_security_group_id, self.self])), 0, 10)}"
    }
    call "AuthorizeSecurityGroupIngress" {
      when    = !egress
      request = request
      id      = local_id
    }
    call "AuthorizeSecurityGroupEgress" {
      when    = egress
      request = request
      id      = local_id
    }
  }
  read {
    call "DescribeSecurityGroupRules" {
      request  = { Filters = [{ Name = "group-id", Values = [self.security_group_id] }] }
      paginate = { input = "NextToken", output = "NextToken", items = "SecurityGroupRules" }
      gone     = ["InvalidGroup.NotFound"]
    }
    let {
      sources = concat([for c in self.cidr_blocks : c], [for c in self.ipv6_cidr_blocks : c],
      self.source_security_group_id == null ? [] : [self.source_security_group_id], self.self == true ? [self.security_group_id] : [])
      alike = [for r in result.SecurityGroupRules : r if r.IsEgress == (self.type == "egress") && r.IpProtocol == ip_protocol(self.protocol) &&
      (r.IpProtocol == "-1" || r.FromPort == self.from_port && r.ToPort == self.to_port)]
    }
    let {
      own = [for r in alike : r if contains(sources, fallback(r.CidrIpv4, r.CidrIpv6, r.ReferencedGroupInfo.GroupId, ""))]
    }
    gone { when = length(own) < length(distinct(sources)) }
    state = {
      description            = fallback(own[0].Description, self.description == "" ? "" : null)
      security_group_rule_id = length(own) == 1 ? own[0].SecurityGroupRuleId : ""
    }
  }
  update {
    call "DescribeSecurityGroupRules" "rules" {
      request  = { Filters = [{ Name = "group-id", Values = [self.security_group_id] }] }
      paginate = { input = "NextToken", output = "NextToken", items = "SecurityGroupRules" }
    }
    let {
      sources = concat([for c in self.cidr_blocks : c], [for c in self.ipv6_cidr_blocks : c],
      self.source_security_group_id == null ? [] : [self.source_security_group_id], self.self == true ? [self.security_group_id] : [])
    }
    call "ModifySecurityGroupRules" {
      for_each = [for r in rules.SecurityGroupRules : r if r.IsEgress == (self.type == "egress") && r.IpProtocol == ip_protocol(self.protocol) &&
        (r.IpProtocol == "-1" || r.FromPort == self.from_port && r.ToPort == self.to_port) &&
      contains(sources, fallback(r.CidrIpv4, r.CidrIpv6, r.ReferencedGroupInfo.GroupId, ""))]
      request = {
        GroupId = self.security_group_id
        SecurityGroupRules = [{
          SecurityGroupRuleId = each.value.SecurityGroupRuleId
          SecurityGroupRule = {
            IpProtocol        = each.value.IpProtocol
            FromPort          = each.value.FromPort
            ToPort            = each.value.ToPort
            CidrIpv4          = each.value.CidrIpv4
            CidrIpv6          = each.value.CidrIpv6
            ReferencedGroupId = each.value.ReferencedGroupInfo.GroupId
            Description       = fallback(self.description, "")
          }
        }]
      }
    }
  }
  delete {
    let {
      request = { GroupId = self.security_group_id, IpPermissions = [ip_permission({
        protocol         = ip_protocol(self.protocol)
        from_port        = ip_protocol(self.protocol) == "-1" ? null : self.from_port
        to_port          = ip_protocol(self.protocol) == "-1" ? null : self.to_port
        cidr_blocks      = self.cidr_blocks
        ipv6_cidr_blocks = self.ipv6_cidr_blocks
        security_groups  = self.source_security_group_id == null ? [] : [self.source_security_group_id]
        self             = self.self
      }, self.security_group_id)] }
    }
    call "RevokeSecurityGroupIngress" {
      when    = self.type == "ingress"
      request = request
      gone    = ["InvalidGroup.NotFound", "InvalidPermission.NotFound"]
    }
    call "RevokeSecurityGroupEgress" {
      when    = self.type == "egress"
      request = request
      gone    = ["InvalidGroup.NotFound", "InvalidPermission.NotFound"]
    }
  }
  # SECURITYGROUPID_TYPE_PROTOCOL_FROMPORT_TOPORT_SOURCE[_SOURCE…]
  import {
    let { parts = split("_", self.id) }
    error {
      when    = length(parts) < 6
      summary = "Unexpected import id"
      detail  = "The id of a rule is SECURITYGROUPID_TYPE_PROTOCOL_FROMPORT_TOPORT_SOURCE[_SOURCE…], as in sg-6e616f_ingress_tcp_80_80_10.0.0.0/16."
    }
    let { rest = slice(parts, 5, length(parts)) }
    set {
      security_group_id        = parts[0]
      type                     = parts[1]
      protocol                 = ip_protocol(parts[2])
      from_port                = tonumber(parts[3])
      to_port                  = tonumber(parts[4])
      cidr_blocks              = nonempty([for s in rest : s if strcontains(s, "/") && !strcontains(s, ":")])
      ipv6_cidr_blocks         = nonempty([for s in rest : s if strcontains(s, ":")])
      self                     = contains(rest, "self")
      source_security_group_id = [for s in rest : s if startswith(s, "sg-")][0]
    }
  }
}
