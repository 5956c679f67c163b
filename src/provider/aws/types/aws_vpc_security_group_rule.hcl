resource "aws_vpc_security_group_ingress_rule" {
  service = "ec2"
  alias   = ["aws_vpc_security_group_egress_rule"]
  schema {
    security_group_id            = required(string, force_new)
    ip_protocol                  = required(string)
    from_port                    = optional(number, range(-1, 65535))
    to_port                      = optional(number, range(-1, 65535))
    cidr_ipv4                    = optional(string, cidr())
    cidr_ipv6                    = optional(string)
    referenced_security_group_id = optional(string)
    prefix_list_id               = optional(string, unsupported("there are no prefix lists"))
    description                  = optional(string)
    arn                          = computed(string)
    security_group_rule_id       = computed(string)
    tags                         = tags()
  }
  create {
    let {
      request = {
        GroupId = self.security_group_id
        IpPermissions = [{
          IpProtocol       = self.ip_protocol
          FromPort         = self.from_port
          ToPort           = self.to_port
          IpRanges         = nonempty([for c in [self.cidr_ipv4] : { CidrIp = c, Description = self.description } if c != null])
          Ipv6Ranges       = nonempty([for c in [self.cidr_ipv6] : { CidrIpv6 = c, Description = self.description } if c != null])
          UserIdGroupPairs = nonempty([for g in [self.referenced_security_group_id] : { GroupId = g, Description = self.description } if g != null])
        }]
        TagSpecifications = tag_spec("security-group-rule", self.tags_all)
      }
    }
    call "AuthorizeSecurityGroupIngress" {
      when    = !endswith(type, "_egress_rule")
      request = request
      id      = result.SecurityGroupRules[0].SecurityGroupRuleId
    }
    call "AuthorizeSecurityGroupEgress" {
      when    = endswith(type, "_egress_rule")
      request = request
      id      = result.SecurityGroupRules[0].SecurityGroupRuleId
    }
  }
  read {
    call "DescribeSecurityGroupRules" {
      request = { SecurityGroupRuleIds = [self.id] }
      gone    = ["InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound"]
    }
    let { rule = result.SecurityGroupRules[0] }
    gone { when = rule == null || rule.IsEgress != endswith(type, "_egress_rule") }
    state = {
      arn                          = rule.SecurityGroupRuleArn
      security_group_rule_id       = rule.SecurityGroupRuleId
      security_group_id            = rule.GroupId
      ip_protocol                  = rule.IpProtocol
      from_port                    = rule.FromPort == -1 && self.from_port == null ? null : rule.FromPort
      to_port                      = rule.ToPort == -1 && self.to_port == null ? null : rule.ToPort
      cidr_ipv4                    = rule.CidrIpv4
      cidr_ipv6                    = rule.CidrIpv6
      referenced_security_group_id = rule.ReferencedGroupInfo.GroupId
      description                  = rule.Description
      tags                         = tag_map(rule.Tags, "Key", "Value")
    }
  }
  update {
    call "ModifySecurityGroupRules" {
      when = changed("ip_protocol", "from_port", "to_port", "cidr_ipv4", "cidr_ipv6", "referenced_security_group_id", "description")
      request = {
        GroupId = self.security_group_id
        SecurityGroupRules = [{
          SecurityGroupRuleId = self.id
          SecurityGroupRule = {
            IpProtocol        = self.ip_protocol
            FromPort          = self.from_port
            ToPort            = self.to_port
            CidrIpv4          = self.cidr_ipv4
            CidrIpv6          = self.cidr_ipv6
            ReferencedGroupId = self.referenced_security_group_id
            Description       = self.description
          }
        }]
      }
    }
  }
  delete {
    let { request = { GroupId = self.security_group_id, SecurityGroupRuleIds = [self.id] } }
    call "RevokeSecurityGroupIngress" {
      when    = !endswith(type, "_egress_rule")
      request = request
      gone    = ["InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound"]
    }
    call "RevokeSecurityGroupEgress" {
      when    = endswith(type, "_egress_rule")
      request = request
      gone    = ["InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound"]
    }
  }
  tags { resource = self.id }
}
