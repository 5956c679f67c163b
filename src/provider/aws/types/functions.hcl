// What several resource types write in the same words.

// A security group's rule block as the API's IpPermission; `group` is what `self = true` means.
function "ip_permission" {
  parameters = ["rule", "group"]
  value = {
    IpProtocol = rule.protocol
    FromPort   = rule.from_port
    ToPort     = rule.to_port
    IpRanges   = nonempty([for c in rule.cidr_blocks : { CidrIp = c, Description = nonempty(rule.description) }])
    Ipv6Ranges = nonempty([for c in rule.ipv6_cidr_blocks : { CidrIpv6 = c, Description = nonempty(rule.description) }])
    UserIdGroupPairs = nonempty([for g in concat([for s in rule.security_groups : s], rule.self == true ? [group] : []) :
    { GroupId = g, Description = nonempty(rule.description) }])
  }
}

// The API's name of a protocol: what it answers, whatever was asked with.
function "ip_protocol" {
  parameters = ["text"]
  value = lookup({ all = "-1", "1" = "icmp", "6" = "tcp", "17" = "udp", "58" = "icmpv6" }, lower(text), lower(text))
}

function "same_elements" {
  parameters = ["a", "b"]
  value      = length(setsubtract([for x in a : x], [for x in b : x])) == 0 && length(setsubtract([for x in b : x], [for x in a : x])) == 0
}

function "same_json" {
  parameters = ["a", "b"]
  value      = try(jsonencode(jsondecode(a)) == jsonencode(jsondecode(b)), a == b)
}
