resource "aws_lb" {
  service = "elbv2"
  alias   = ["aws_alb"]
  schema {
    arn                                         = computed(string)
    arn_suffix                                  = computed(string)
    client_keep_alive                           = optional(number, default(3600), range(60, 604800))
    customer_owned_ipv4_pool                    = optional(string, unsupported("there are no Outposts"))
    desync_mitigation_mode                      = optional(string, default("defensive"), one_of("monitor", "defensive", "strictest"))
    dns_name                                    = computed(string)
    dns_record_client_routing_policy            = optional(string, default("any_availability_zone"), one_of("availability_zone_affinity", "partial_availability_zone_affinity", "any_availability_zone"), local_only)
    drop_invalid_header_fields                  = optional(bool, default(false))
    enable_cross_zone_load_balancing            = optional(bool, default(false), local_only)
    enable_deletion_protection                  = optional(bool, default(false))
    enable_http2                                = optional(bool, default(true))
    enable_prefix_for_ipv6_source_nat           = optional(string, unsupported("there is no IPv6 on this machine's VPCs"))
    enable_tls_version_and_cipher_suite_headers = optional(bool, default(false))
    enable_waf_fail_open                        = optional(bool, default(false))
    enable_xff_client_port                      = optional(bool, default(false))
    enable_zonal_shift                          = optional(bool, default(false))
    enforce_security_group_inbound_rules_on_private_link_traffic = optional(string, unsupported("there are no network load balancers"))
    idle_timeout                                = optional(number, default(60), range(1, 4000))
    internal                                    = optional(bool, computed, force_new)
    ip_address_type                             = optional(string, computed, one_of("ipv4", "dualstack", "dualstack-without-public-ipv4"))
    load_balancer_type                          = optional(string, default("application"), force_new, one_of("application", "network", "gateway"))
    name                                        = optional(string, computed, force_new, conflicts("name_prefix"), length(0, 32))
    name_prefix                                 = optional(string, computed, force_new, length(0, 6))
    preserve_host_header                        = optional(bool, default(false))
    secondary_ips_auto_assigned_per_subnet      = optional(number, unsupported("there are no network load balancers"))
    security_groups                             = optional(set(string), computed)
    subnets                                     = optional(set(string), computed)
    vpc_id                                      = computed(string)
    xff_header_processing_mode                  = optional(string, default("append"), one_of("append", "preserve", "remove"))
    zone_id                                     = computed(string)
    tags                                        = tags()
    timeouts "create" "update" "delete" {}
    list "access_logs" "0..1" {
      bucket  = required(string)
      enabled = optional(bool, default(false))
      prefix  = optional(string)
    }
    list "connection_logs" "0..1" {
      bucket  = required(string)
      enabled = optional(bool, default(false))
      prefix  = optional(string)
    }
    list "health_check_logs" "0..1" {
      bucket  = required(string)
      enabled = optional(bool, default(false))
      prefix  = optional(string)
    }
    list "ipam_pools" "0..1" "unsupported: there is no IPAM" {
      ipv4_ipam_pool_id = required(string)
    }
    list "minimum_load_balancer_capacity" "0..1" "unsupported: capacity is not reserved" {
      capacity_units = required(number)
    }
    set "subnet_mapping" computed {
      allocation_id        = optional(string)
      ipv6_address         = optional(string)
      outpost_id           = computed(string)
      private_ipv4_address = optional(string)
      subnet_id            = required(string)
    }
  }
  validate {
    error {
      when    = self.load_balancer_type != null && self.load_balancer_type != "application"
      summary = "Unsupported load balancer type"
      detail  = "load_balancer_type = \"${fallback(self.load_balancer_type, "")}\" is not supported: Terrarium has application load balancers only."
    }
    error {
      when    = anytrue([for l in concat([for x in self.access_logs : x], [for x in self.connection_logs : x], [for x in self.health_check_logs : x]) : l.enabled == true])
      summary = "Unsupported logs of a load balancer"
      detail  = "access_logs, connection_logs and health_check_logs with enabled = true are not supported: Terrarium does not write a load balancer's logs to S3."
    }
  }
  create {
    set { name = fallback(nonempty(self.name), unique_id(fallback(nonempty(self.name_prefix), "tf-lb-"))) }
    call "CreateLoadBalancer" {
      request = {
        Name           = self.name
        Type           = self.load_balancer_type
        Scheme         = self.internal == true ? "internal" : "internet-facing"
        IpAddressType  = nonempty(config.ip_address_type)
        SecurityGroups = nonempty([for g in self.security_groups : g])
        Subnets        = nonempty([for s in self.subnets : s])
        SubnetMappings = nonempty([for m in self.subnet_mapping : {
          SubnetId           = m.subnet_id
          AllocationId       = nonempty(m.allocation_id)
          PrivateIPv4Address = nonempty(m.private_ipv4_address)
          IPv6Address        = nonempty(m.ipv6_address)
        }])
        Tags = tag_list(self.tags_all)
      }
      id = result.LoadBalancers[0].LoadBalancerArn
    }
    wait "DescribeLoadBalancers" {
      request = { LoadBalancerArns = [self.id] }
      value   = result.LoadBalancers[0].State.Code
      pending = ["provisioning"]
      target  = ["active"]
      timeout = fallback(self.timeouts.create, "10m")
    }
    call "ModifyLoadBalancerAttributes" {
      request = {
        LoadBalancerArn = self.id
        Attributes = [for key, value in {
          "client_keep_alive.seconds"                                    = self.client_keep_alive
          "deletion_protection.enabled"                                  = self.enable_deletion_protection
          "idle_timeout.timeout_seconds"                                 = self.idle_timeout
          "routing.http.desync_mitigation_mode"                          = self.desync_mitigation_mode
          "routing.http.drop_invalid_header_fields.enabled"              = self.drop_invalid_header_fields
          "routing.http.preserve_host_header.enabled"                    = self.preserve_host_header
          "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"     = self.enable_tls_version_and_cipher_suite_headers
          "routing.http.xff_client_port.enabled"                         = self.enable_xff_client_port
          "routing.http.xff_header_processing.mode"                      = self.xff_header_processing_mode
          "routing.http2.enabled"                                        = self.enable_http2
          "waf.fail_open.enabled"                                        = self.enable_waf_fail_open
          "zonal_shift.config.enabled"                                   = self.enable_zonal_shift
          "access_logs.s3.enabled"                                       = false
          "access_logs.s3.bucket"                                        = self.access_logs[0].bucket
          "access_logs.s3.prefix"                                        = self.access_logs[0].prefix
          "connection_logs.s3.enabled"                                   = false
          "connection_logs.s3.bucket"                                    = self.connection_logs[0].bucket
          "connection_logs.s3.prefix"                                    = self.connection_logs[0].prefix
        } : { Key = key, Value = tostring(value) } if value != null]
      }
    }
  }
  read {
    call "DescribeLoadBalancers" "balancers" {
      request = { LoadBalancerArns = [self.id] }
      gone    = ["LoadBalancerNotFound"]
    }
    gone { when = balancers.LoadBalancers[0] == null }
    call "DescribeLoadBalancerAttributes" {
      request = { LoadBalancerArn = self.id }
      gone    = ["LoadBalancerNotFound"]
    }
    let {
      balancer = balancers.LoadBalancers[0]
      set      = { for a in result.Attributes : a.Key => a.Value }
    }
    state = {
      id                                          = balancer.LoadBalancerArn
      arn                                         = balancer.LoadBalancerArn
      arn_suffix                                  = regex("loadbalancer/(.*)$", balancer.LoadBalancerArn)[0]
      client_keep_alive                           = tonumber(set["client_keep_alive.seconds"])
      desync_mitigation_mode                      = set["routing.http.desync_mitigation_mode"]
      dns_name                                    = balancer.DNSName
      drop_invalid_header_fields                  = set["routing.http.drop_invalid_header_fields.enabled"] == "true"
      enable_deletion_protection                  = set["deletion_protection.enabled"] == "true"
      enable_http2                                = set["routing.http2.enabled"] == "true"
      enable_tls_version_and_cipher_suite_headers = set["routing.http.x_amzn_tls_version_and_cipher_suite.enabled"] == "true"
      enable_waf_fail_open                        = set["waf.fail_open.enabled"] == "true"
      enable_xff_client_port                      = set["routing.http.xff_client_port.enabled"] == "true"
      enable_zonal_shift                          = set["zonal_shift.config.enabled"] == "true"
      idle_timeout                                = tonumber(set["idle_timeout.timeout_seconds"])
      internal                                    = balancer.Scheme == "internal"
      ip_address_type                             = balancer.IpAddressType
      load_balancer_type                          = balancer.Type
      name                                        = balancer.LoadBalancerName
      name_prefix                                 = fallback(self.name_prefix, "")
      preserve_host_header                        = set["routing.http.preserve_host_header.enabled"] == "true"
      security_groups                             = balancer.SecurityGroups
      subnets                                     = [for z in balancer.AvailabilityZones : z.SubnetId]
      subnet_mapping                              = [for z in balancer.AvailabilityZones : { subnet_id = z.SubnetId, allocation_id = "", ipv6_address = "", outpost_id = "", private_ipv4_address = "" }]
      vpc_id                                      = balancer.VpcId
      xff_header_processing_mode                  = set["routing.http.xff_header_processing.mode"]
      zone_id                                     = balancer.CanonicalHostedZoneId
    }
  }
  update {
    call "ModifyLoadBalancerAttributes" {
      when = changed("client_keep_alive", "enable_deletion_protection", "idle_timeout", "desync_mitigation_mode", "drop_invalid_header_fields", "preserve_host_header", "enable_tls_version_and_cipher_suite_headers", "enable_xff_client_port", "xff_header_processing_mode", "enable_http2", "enable_waf_fail_open", "enable_zonal_shift", "access_logs", "connection_logs")
      request = {
        LoadBalancerArn = self.id
        Attributes = [for key, value in {
          "client_keep_alive.seconds"                                    = self.client_keep_alive
          "deletion_protection.enabled"                                  = self.enable_deletion_protection
          "idle_timeout.timeout_seconds"                                 = self.idle_timeout
          "routing.http.desync_mitigation_mode"                          = self.desync_mitigation_mode
          "routing.http.drop_invalid_header_fields.enabled"              = self.drop_invalid_header_fields
          "routing.http.preserve_host_header.enabled"                    = self.preserve_host_header
          "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"     = self.enable_tls_version_and_cipher_suite_headers
          "routing.http.xff_client_port.enabled"                         = self.enable_xff_client_port
          "routing.http.xff_header_processing.mode"                      = self.xff_header_processing_mode
          "routing.http2.enabled"                                        = self.enable_http2
          "waf.fail_open.enabled"                                        = self.enable_waf_fail_open
          "zonal_shift.config.enabled"                                   = self.enable_zonal_shift
          "access_logs.s3.enabled"                                       = false
          "access_logs.s3.bucket"                                        = fallback(self.access_logs[0].bucket, "")
          "access_logs.s3.prefix"                                        = fallback(self.access_logs[0].prefix, "")
          "connection_logs.s3.enabled"                                   = false
          "connection_logs.s3.bucket"                                    = fallback(self.connection_logs[0].bucket, "")
          "connection_logs.s3.prefix"                                    = fallback(self.connection_logs[0].prefix, "")
        } : { Key = key, Value = tostring(value) } if value != null]
      }
    }
    call "SetSecurityGroups" {
      when    = changed("security_groups")
      request = { LoadBalancerArn = self.id, SecurityGroups = [for g in self.security_groups : g] }
    }
    call "SetSubnets" {
      when = changed("subnets", "subnet_mapping")
      request = {
        LoadBalancerArn = self.id
        Subnets         = changed("subnets") ? [for s in self.subnets : s] : [for m in self.subnet_mapping : m.subnet_id]
      }
    }
    call "SetIpAddressType" {
      when    = changed("ip_address_type")
      request = { LoadBalancerArn = self.id, IpAddressType = self.ip_address_type }
    }
    wait "DescribeLoadBalancers" {
      request = { LoadBalancerArns = [self.id] }
      value   = result.LoadBalancers[0].State.Code
      pending = ["provisioning"]
      target  = ["active"]
      timeout = fallback(self.timeouts.update, "10m")
    }
  }
  delete {
    call "DeleteLoadBalancer" {
      request = { LoadBalancerArn = self.id }
      gone    = ["LoadBalancerNotFound"]
    }
    wait "DescribeNetworkInterfaces" {
      service = "ec2"
      request = {
        Filters = [
          { Name = "attachment.instance-owner-id", Values = ["amazon-elb"] },
          { Name = "description", Values = ["ELB ${regex("loadbalancer/(.*)$", self.id)[0]}"] },
        ]
      }
      value   = length(result.NetworkInterfaces) > 0 ? "there" : "none"
      pending = ["there"]
      target  = ["none"]
      timeout = fallback(self.timeouts.delete, "10m")
    }
  }
  tags {
    resource = self.id
    read     = true
  }
}

data "aws_lb" {
  service = "elbv2"
  alias   = ["aws_alb"]
  schema {
    arn                                                          = optional(string, computed)
    arn_suffix                                                   = computed(string)
    client_keep_alive                                            = computed(number)
    customer_owned_ipv4_pool                                     = computed(string)
    desync_mitigation_mode                                       = computed(string)
    dns_name                                                     = computed(string)
    dns_record_client_routing_policy                             = computed(string)
    drop_invalid_header_fields                                   = computed(bool)
    enable_cross_zone_load_balancing                             = computed(bool)
    enable_deletion_protection                                   = computed(bool)
    enable_http2                                                 = computed(bool)
    enable_prefix_for_ipv6_source_nat                            = computed(string)
    enable_tls_version_and_cipher_suite_headers                  = computed(bool)
    enable_waf_fail_open                                         = computed(bool)
    enable_xff_client_port                                       = computed(bool)
    enable_zonal_shift                                           = computed(bool)
    enforce_security_group_inbound_rules_on_private_link_traffic = computed(string)
    idle_timeout                                                 = computed(number)
    internal                                                     = computed(bool)
    ip_address_type                                              = computed(string)
    load_balancer_type                                           = computed(string)
    name                                                         = optional(string, computed)
    preserve_host_header                                         = computed(bool)
    secondary_ips_auto_assigned_per_subnet                       = computed(number)
    security_groups                                              = computed(set(string))
    subnets                                                      = computed(set(string))
    tags                                                         = optional(map(string), computed)
    vpc_id                                                       = computed(string)
    xff_header_processing_mode                                   = computed(string)
    zone_id                                                      = computed(string)
    access_logs = computed(list(object({ bucket = string, enabled = bool, prefix = string })))
    connection_logs = computed(list(object({ bucket = string, enabled = bool, prefix = string })))
    health_check_logs = computed(list(object({ bucket = string, enabled = bool, prefix = string })))
    ipam_pools = computed(list(object({ ipv4_ipam_pool_id = string })))
    subnet_mapping = computed(set(object({ allocation_id = string, ipv6_address = string, outpost_id = string, private_ipv4_address = string, subnet_id = string })))
    timeouts "read" {}
  }
  read {
    call "DescribeLoadBalancers" "balancers" {
      request = {
        LoadBalancerArns = nonempty(self.arn) == null ? null : [self.arn]
        Names            = nonempty(self.arn) == null && nonempty(self.name) != null ? [self.name] : null
      }
      paginate = { input = "Marker", output = "NextMarker", items = "LoadBalancers" }
    }
    call "DescribeTags" "described" {
      when    = length(balancers.LoadBalancers) > 0
      request = { ResourceArns = [for b in balancers.LoadBalancers : b.LoadBalancerArn] }
    }
    let {
      tags_of = { for d in described.TagDescriptions : d.ResourceArn => tag_map(d.Tags) }
    }
    let {
      found = [for b in balancers.LoadBalancers : b if alltrue([for k, v in self.tags : tags_of[b.LoadBalancerArn][k] == v])]
    }
    error {
      when    = length(found) != 1
      summary = length(found) == 0 ? "No load balancer found" : "Several load balancers found"
      detail  = "${length(found)} load balancers match the data source's arn, name and tags; one is needed."
    }
    call "DescribeLoadBalancerAttributes" {
      request = { LoadBalancerArn = found[0].LoadBalancerArn }
      id      = found[0].LoadBalancerArn
    }
    let {
      balancer = found[0]
      set      = { for a in result.Attributes : a.Key => a.Value }
    }
    state = {
      id                                          = balancer.LoadBalancerArn
      arn                                         = balancer.LoadBalancerArn
      arn_suffix                                  = regex("loadbalancer/(.*)$", balancer.LoadBalancerArn)[0]
      access_logs                                 = [{ bucket = set["access_logs.s3.bucket"], enabled = set["access_logs.s3.enabled"] == "true", prefix = set["access_logs.s3.prefix"] }]
      connection_logs                             = [{ bucket = set["connection_logs.s3.bucket"], enabled = set["connection_logs.s3.enabled"] == "true", prefix = set["connection_logs.s3.prefix"] }]
      health_check_logs                           = [{ bucket = set["health_check_logs.s3.bucket"], enabled = set["health_check_logs.s3.enabled"] == "true", prefix = set["health_check_logs.s3.prefix"] }]
      ipam_pools                                  = []
      client_keep_alive                           = tonumber(set["client_keep_alive.seconds"])
      desync_mitigation_mode                      = set["routing.http.desync_mitigation_mode"]
      dns_name                                    = balancer.DNSName
      drop_invalid_header_fields                  = set["routing.http.drop_invalid_header_fields.enabled"] == "true"
      enable_cross_zone_load_balancing            = set["load_balancing.cross_zone.enabled"] == "true"
      enable_deletion_protection                  = set["deletion_protection.enabled"] == "true"
      enable_http2                                = set["routing.http2.enabled"] == "true"
      enable_tls_version_and_cipher_suite_headers = set["routing.http.x_amzn_tls_version_and_cipher_suite.enabled"] == "true"
      enable_waf_fail_open                        = set["waf.fail_open.enabled"] == "true"
      enable_xff_client_port                      = set["routing.http.xff_client_port.enabled"] == "true"
      enable_zonal_shift                          = set["zonal_shift.config.enabled"] == "true"
      idle_timeout                                = tonumber(set["idle_timeout.timeout_seconds"])
      internal                                    = balancer.Scheme == "internal"
      ip_address_type                             = balancer.IpAddressType
      load_balancer_type                          = balancer.Type
      name                                        = balancer.LoadBalancerName
      preserve_host_header                        = set["routing.http.preserve_host_header.enabled"] == "true"
      security_groups                             = balancer.SecurityGroups
      subnets                                     = [for z in balancer.AvailabilityZones : z.SubnetId]
      subnet_mapping                              = [for z in balancer.AvailabilityZones : { subnet_id = z.SubnetId, allocation_id = "", ipv6_address = "", outpost_id = "", private_ipv4_address = "" }]
      tags                                        = tags_of[balancer.LoadBalancerArn]
      vpc_id                                      = balancer.VpcId
      xff_header_processing_mode                  = set["routing.http.xff_header_processing.mode"]
      zone_id                                     = balancer.CanonicalHostedZoneId
    }
  }
}
