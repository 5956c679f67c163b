// What several types say in the same blocks: `use "name" {}` stands for what is in a part.

// An action of a listener, or of one of its rules.
part "listener_action" {
  order            = optional(number, computed, range(1, 50000))
  target_group_arn = optional(string, arn())
  type             = required(string, one_of("forward", "redirect", "fixed-response", "authenticate-cognito", "authenticate-oidc", "jwt-validation"))
  list "authenticate_cognito" "0..1" "unsupported: authentication by load balancers is not implemented" {
    authentication_request_extra_params = optional(map(string))
    on_unauthenticated_request          = optional(string)
    scope                               = optional(string)
    session_cookie_name                 = optional(string)
    session_timeout                     = optional(number)
    user_pool_arn                       = required(string)
    user_pool_client_id                 = required(string)
    user_pool_domain                    = required(string)
  }
  list "authenticate_oidc" "0..1" "unsupported: authentication by load balancers is not implemented" {
    authentication_request_extra_params = optional(map(string))
    authorization_endpoint              = required(string)
    client_id                           = required(string)
    client_secret                       = required(string, sensitive)
    issuer                              = required(string)
    on_unauthenticated_request          = optional(string)
    scope                               = optional(string)
    session_cookie_name                 = optional(string)
    session_timeout                     = optional(number)
    token_endpoint                      = required(string)
    user_info_endpoint                  = required(string)
  }
  list "fixed_response" "0..1" {
    content_type = required(string, one_of("text/plain", "text/css", "text/html", "application/javascript", "application/json"))
    message_body = optional(string, length(0, 1024))
    status_code  = optional(string, computed)
  }
  list "forward" "0..1" {
    list "stickiness" "0..1" {
      duration = required(number, range(1, 604800))
      enabled  = optional(bool, default(false))
    }
    set "target_group" "1..5" {
      arn    = required(string, arn())
      weight = optional(number, default(1), range(0, 999))
    }
  }
  list "jwt_validation" "0..1" "unsupported: authentication by load balancers is not implemented" {
    issuer        = required(string)
    jwks_endpoint = required(string)
    set "additional_claim" {
      format = required(string)
      name   = required(string)
      values = required(set(string))
    }
  }
  list "redirect" "0..1" {
    host        = optional(string, default("#{host}"), length(1, 128))
    path        = optional(string, default("/#{path}"), length(1, 128))
    port        = optional(string, default("#{port}"))
    protocol    = optional(string, default("#{protocol}"), one_of("#{protocol}", "HTTP", "HTTPS"))
    query       = optional(string, default("#{query}"), length(0, 128))
    status_code = required(string, one_of("HTTP_301", "HTTP_302"))
  }
}

// Routes of a route table as blocks, and how they are made and changed.
part "route_table_route" {
  set "route" computed attribute {
    cidr_block                 = optional(string, cidr())
    gateway_id                 = optional(string)
    nat_gateway_id             = optional(string)
    network_interface_id       = optional(string)
    instance_id                = optional(string, unsupported("there are no EC2 instances"))
    ipv6_cidr_block            = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
    destination_prefix_list_id = optional(string, unsupported("there are no prefix lists"))
    carrier_gateway_id         = optional(string, unsupported("there are no carrier gateways"))
    core_network_arn           = optional(string, unsupported("there are no core networks"))
    egress_only_gateway_id     = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
    local_gateway_id           = optional(string, unsupported("there are no Outposts"))
    odb_network_arn            = optional(string, unsupported("there are no ODB networks"))
    transit_gateway_id         = optional(string, unsupported("there are no transit gateways"))
    vpc_endpoint_id            = optional(string, unsupported("there are no VPC endpoints"))
    vpc_peering_connection_id  = optional(string, unsupported("VPCs are not peered"))
  }
}

part "route_table_create" {
  call "CreateRoute" {
    for_each = config.route
    request  = route_request(each.value, self.id)
  }
}

part "route_table_update" {
  call "DeleteRoute" {
    for_each = [for r in removed("route") : r if !contains([for n in self.route : n.cidr_block], r.cidr_block)]
    request  = { RouteTableId = self.id, DestinationCidrBlock = each.value.cidr_block }
    ignore   = ["InvalidRoute.NotFound"]
  }
  call "ReplaceRoute" {
    for_each = [for r in added("route") : r if contains([for o in prior.route : o.cidr_block], r.cidr_block)]
    request  = route_request(each.value, self.id)
  }
  call "CreateRoute" {
    for_each = [for r in added("route") : r if !contains([for o in prior.route : o.cidr_block], r.cidr_block)]
    request  = route_request(each.value, self.id)
  }
}

// Rules of a network ACL and its subnets.
part "acl_rule" {
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

part "acl_validate" {
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

part "acl_create" {
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
}

part "acl_update" {
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

// Connections, which have two services.
part "connection_make" {
  validate {
    error {
      when    = config.provider_type == null && config.host_arn == null
      summary = "Missing provider"
      detail  = "One of provider_type and host_arn must be set."
    }
  }
  create {
    call "CreateConnection" {
      request = {
        ConnectionName = self.name
        ProviderType   = self.provider_type
        Tags           = nonempty(tag_list(self.tags_all))
      }
      id = result.ConnectionArn
    }
  }
}

part "connection_end" {
  delete {
    call "DeleteConnection" {
      request = { ConnectionArn = self.id }
      gone    = ["ResourceNotFoundException"]
    }
  }
  tags {
    resource = self.id
    read     = true
  }
}

// VPCs: what is the same of all, what is read of one, and how its attributes are changed.
part "vpc_schema" {
  arn                                  = computed(string)
  default_network_acl_id               = computed(string)
  default_route_table_id               = computed(string)
  default_security_group_id            = computed(string)
  dhcp_options_id                      = computed(string)
  main_route_table_id                  = computed(string)
  owner_id                             = computed(string)
  ipv6_association_id                  = computed(string)
  assign_generated_ipv6_cidr_block     = optional(bool, unsupported("there is no IPv6 on this machine's VPCs"))
  ipv6_cidr_block_network_border_group = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
  ipv6_ipam_pool_id                    = optional(string, unsupported("there is no IPAM"))
  ipv6_netmask_length                  = optional(number, unsupported("there is no IPAM"))
  enable_classiclink                   = optional(bool, unsupported("there is no EC2-Classic"))
  enable_classiclink_dns_support       = optional(bool, unsupported("there is no EC2-Classic"))
}

part "vpc_read" {
  call "DescribeVpcs" "vpcs" {
    request = { VpcIds = [self.id] }
    gone    = ["InvalidVpcID.NotFound"]
  }
  call "DescribeVpcAttribute" "hostnames" {
    request = { VpcId = self.id, Attribute = "enableDnsHostnames" }
  }
  call "DescribeVpcAttribute" "support" {
    request = { VpcId = self.id, Attribute = "enableDnsSupport" }
  }
  call "DescribeVpcAttribute" "metrics" {
    request = { VpcId = self.id, Attribute = "enableNetworkAddressUsageMetrics" }
  }
  call "DescribeNetworkAcls" "acls" {
    request = { Filters = [{ Name = "default", Values = ["true"] }, { Name = "vpc-id", Values = [self.id] }] }
  }
  call "DescribeRouteTables" "tables" {
    request = { Filters = [{ Name = "association.main", Values = ["true"] }, { Name = "vpc-id", Values = [self.id] }] }
  }
  call "DescribeSecurityGroups" "groups" {
    request = { Filters = [{ Name = "group-name", Values = ["default"] }, { Name = "vpc-id", Values = [self.id] }] }
  }
  let {
    vpc = {
      arn                                  = "arn:${provider.partition}:ec2:${self.region}:${vpcs.Vpcs[0].OwnerId}:vpc/${self.id}"
      cidr_block                           = vpcs.Vpcs[0].CidrBlock
      instance_tenancy                     = vpcs.Vpcs[0].InstanceTenancy
      owner_id                             = vpcs.Vpcs[0].OwnerId
      dhcp_options_id                      = vpcs.Vpcs[0].DhcpOptionsId
      tags                                 = tag_map(vpcs.Vpcs[0].Tags, "Key", "Value")
      enable_dns_hostnames                 = hostnames.EnableDnsHostnames.Value
      enable_dns_support                   = support.EnableDnsSupport.Value
      enable_network_address_usage_metrics = metrics.EnableNetworkAddressUsageMetrics.Value
      default_network_acl_id               = acls.NetworkAcls[0].NetworkAclId
      default_route_table_id               = tables.RouteTables[0].RouteTableId
      main_route_table_id                  = tables.RouteTables[0].RouteTableId
      default_security_group_id            = groups.SecurityGroups[0].GroupId
      ipv6_association_id                  = ""
    }
  }
}

part "vpc_update" {
  call "ModifyVpcAttribute" {
    when    = changed("enable_dns_hostnames")
    request = { VpcId = self.id, EnableDnsHostnames = { Value = self.enable_dns_hostnames } }
  }
  call "ModifyVpcAttribute" {
    when    = changed("enable_dns_support")
    request = { VpcId = self.id, EnableDnsSupport = { Value = self.enable_dns_support } }
  }
  call "ModifyVpcAttribute" {
    when    = changed("enable_network_address_usage_metrics")
    request = { VpcId = self.id, EnableNetworkAddressUsageMetrics = { Value = self.enable_network_address_usage_metrics } }
  }
}

// Subnets: what is read of one, and what can be changed.
part "subnet_read" {
  call "DescribeSubnets" {
    request = { SubnetIds = [self.id] }
    gone    = ["InvalidSubnetID.NotFound"]
  }
  let {
    subnet = {
      arn                                 = result.Subnets[0].SubnetArn
      owner_id                            = result.Subnets[0].OwnerId
      vpc_id                              = result.Subnets[0].VpcId
      cidr_block                          = result.Subnets[0].CidrBlock
      availability_zone                   = result.Subnets[0].AvailabilityZone
      availability_zone_id                = result.Subnets[0].AvailabilityZoneId
      map_public_ip_on_launch             = result.Subnets[0].MapPublicIpOnLaunch
      private_dns_hostname_type_on_launch = result.Subnets[0].PrivateDnsNameOptionsOnLaunch.HostnameType
      ipv6_cidr_block_association_id      = ""
      tags                                = tag_map(result.Subnets[0].Tags, "Key", "Value")
    }
  }
}

part "subnet_update" {
  call "ModifySubnetAttribute" {
    when    = changed("map_public_ip_on_launch")
    request = { SubnetId = self.id, MapPublicIpOnLaunch = { Value = self.map_public_ip_on_launch } }
  }
}

// Rules of a security group.
part "security_group_rule" {
  from_port        = required(number)
  to_port          = required(number)
  protocol         = required(string)
  cidr_blocks      = optional(list(string))
  ipv6_cidr_blocks = optional(list(string))
  prefix_list_ids  = optional(list(string), unsupported("there are no prefix lists"))
  security_groups  = optional(set(string))
  self             = optional(bool)
  description      = optional(string)
}

part "security_group_create" {
  call "AuthorizeSecurityGroupIngress" {
    for_each = config.ingress
    request  = { GroupId = self.id, IpPermissions = [ip_permission(each.value, self.id)] }
  }
  call "AuthorizeSecurityGroupEgress" {
    for_each = config.egress
    request  = { GroupId = self.id, IpPermissions = [ip_permission(each.value, self.id)] }
  }
}

part "security_group_update" {
  call "RevokeSecurityGroupIngress" {
    for_each = removed("ingress")
    request  = { GroupId = self.id, IpPermissions = [ip_permission(each.value, self.id)] }
    ignore   = ["InvalidPermission.NotFound"]
  }
  call "RevokeSecurityGroupEgress" {
    for_each = removed("egress")
    request  = { GroupId = self.id, IpPermissions = [ip_permission(each.value, self.id)] }
    ignore   = ["InvalidPermission.NotFound"]
  }
  call "AuthorizeSecurityGroupIngress" {
    for_each = added("ingress")
    request  = { GroupId = self.id, IpPermissions = [ip_permission(each.value, self.id)] }
  }
  call "AuthorizeSecurityGroupEgress" {
    for_each = added("egress")
    request  = { GroupId = self.id, IpPermissions = [ip_permission(each.value, self.id)] }
  }
}

// How an operation of Cloud Map is waited for, and how its namespaces go.
part "discovery_operation" {
  value   = result.Operation.Status
  pending = ["SUBMITTED", "PENDING"]
  target  = ["SUCCESS"]
  failure = "${result.Operation.ErrorCode}: ${result.Operation.ErrorMessage}"
  timeout = "5m"
}

part "discovery_namespace_end" {
  delete {
    call "DeleteNamespace" "delete" {
      request = { Id = self.id }
      gone    = ["NamespaceNotFound"]
      retry "ResourceInUse" { timeout = "2m" }
    }
    wait "GetOperation" {
      request = { OperationId = delete.OperationId }
      use "discovery_operation" {}
    }
  }
}

// What a data source is filtered by, as EC2 has it.
part "filters" {
  set "filter" {
    name   = required(string)
    values = required(set(string))
  }
}
