resource "aws_network_acl_rule" {
  service = "ec2"
  schema {
    network_acl_id  = required(string, force_new)
    rule_number     = required(number, force_new, range(1, 32766))
    egress          = optional(bool, default(false), force_new)
    protocol        = required(string, force_new, equal("protocol"))
    rule_action     = required(string, force_new, equal("case"), one_of("allow", "deny", "ALLOW", "DENY"))
    cidr_block      = optional(string, force_new, cidr())
    from_port       = optional(number, force_new, range(0, 65535))
    to_port         = optional(number, force_new, range(0, 65535))
    icmp_type       = optional(number, force_new)
    icmp_code       = optional(number, force_new)
    ipv6_cidr_block = optional(string, force_new, unsupported("there is no IPv6 on this machine's VPCs"))
  }
  create {
    call "CreateNetworkAclEntry" {
      request = acl_entry({
        rule_no    = self.rule_number
        action     = self.rule_action
        protocol   = self.protocol
        cidr_block = self.cidr_block
        from_port  = fallback(self.from_port, 0)
        to_port    = fallback(self.to_port, 0)
        icmp_type  = self.icmp_type
        icmp_code  = self.icmp_code
      }, self.network_acl_id, self.egress)
      id = "nacl-${substr(sha1(jsonencode([self.network_acl_id, self.rule_number, self.egress, acl_protocol(self.protocol)])), 0, 10)}"
    }
  }
  read {
    call "DescribeNetworkAcls" {
      request = { NetworkAclIds = [self.network_acl_id] }
      gone    = ["InvalidNetworkAclID.NotFound"]
    }
    let {
      entry = [for e in result.NetworkAcls[0].Entries : e if e.RuleNumber == self.rule_number && e.Egress == self.egress][0]
    }
    gone { when = entry == null }
    state = {
      rule_action = entry.RuleAction
      protocol    = acl_protocol(self.protocol) == entry.Protocol ? self.protocol : entry.Protocol
      cidr_block  = entry.CidrBlock
      from_port   = entry.PortRange.From == null ? self.from_port : entry.PortRange.From
      to_port     = entry.PortRange.To == null ? self.to_port : entry.PortRange.To
      icmp_type   = entry.IcmpTypeCode.Type == null ? self.icmp_type : entry.IcmpTypeCode.Type
      icmp_code   = entry.IcmpTypeCode.Code == null ? self.icmp_code : entry.IcmpTypeCode.Code
    }
  }
  delete {
    call "DeleteNetworkAclEntry" {
      request = { NetworkAclId = self.network_acl_id, Egress = self.egress, RuleNumber = self.rule_number }
      gone    = ["InvalidNetworkAclEntry.NotFound", "InvalidNetworkAclID.NotFound"]
    }
  }
  # NETWORKACLID:RULENUMBER:PROTOCOL:EGRESS
  import {
    let { parts = split(":", self.id) }
    error {
      when    = length(parts) != 4
      summary = "Unexpected import id"
      detail  = "The id of a rule is NETWORKACLID:RULENUMBER:PROTOCOL:EGRESS, as in acl-7aaabd18:100:tcp:false."
    }
    set {
      network_acl_id = parts[0]
      rule_number    = tonumber(parts[1])
      protocol       = parts[2]
      egress         = tobool(parts[3])
      id             = "nacl-${substr(sha1(jsonencode([parts[0], tonumber(parts[1]), tobool(parts[3]), acl_protocol(parts[2])])), 0, 10)}"
    }
  }
}
