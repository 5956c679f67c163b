resource "aws_lb_target_group" {
  service = "elbv2"
  alias   = ["aws_alb_target_group"]
  schema {
    arn                                = computed(string)
    arn_suffix                         = computed(string)
    connection_termination             = optional(bool, unsupported("there are no network load balancers"))
    deregistration_delay               = optional(number, default(300), range(0, 3600))
    ip_address_type                    = optional(string, computed, force_new, one_of("ipv4", "ipv6"))
    lambda_multi_value_headers_enabled = optional(bool, default(false), local_only)
    load_balancer_arns                 = computed(set(string))
    load_balancing_algorithm_type      = optional(string, computed, one_of("round_robin", "least_outstanding_requests", "weighted_random"))
    load_balancing_anomaly_mitigation  = optional(string, computed, one_of("on", "off"))
    load_balancing_cross_zone_enabled  = optional(string, computed, one_of("true", "false", "use_load_balancer_configuration"))
    name                               = optional(string, computed, force_new, conflicts("name_prefix"), length(0, 32))
    name_prefix                        = optional(string, computed, force_new, length(0, 6))
    port                               = optional(number, force_new, range(1, 65535))
    preserve_client_ip                 = optional(string, unsupported("there are no network load balancers"))
    protocol                           = optional(string, force_new, one_of("GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP", "QUIC", "TCP_QUIC"))
    protocol_version                   = optional(string, computed, force_new, one_of("GRPC", "HTTP1", "HTTP2"))
    proxy_protocol_v2                  = optional(bool, default(false), local_only)
    slow_start                         = optional(number, default(0), range(0, 900))
    target_control_port                = optional(number, unsupported("the target optimizer is not implemented"))
    target_type                        = optional(string, default("instance"), force_new, one_of("instance", "ip", "lambda", "alb"))
    vpc_id                             = optional(string, force_new)
    tags                               = tags()
    list "health_check" "0..1" computed {
      enabled             = optional(bool, default(true))
      healthy_threshold   = optional(number, default(3), range(2, 10))
      interval            = optional(number, default(30), range(5, 300))
      matcher             = optional(string, computed)
      path                = optional(string, computed, length(1, 1024))
      port                = optional(string, default("traffic-port"))
      protocol            = optional(string, default("HTTP"), one_of("TCP", "HTTP", "HTTPS"))
      timeout             = optional(number, computed, range(2, 120))
      unhealthy_threshold = optional(number, default(3), range(2, 10))
    }
    list "stickiness" "0..1" computed {
      cookie_duration = optional(number, default(86400), range(0, 604800))
      cookie_name     = optional(string)
      enabled         = optional(bool, default(true))
      type            = required(string, one_of("app_cookie", "lb_cookie", "source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto"))
    }
    list "target_failover" "unsupported: there are no gateway load balancers" {
      on_deregistration = required(string)
      on_unhealthy      = required(string)
    }
    list "target_group_health" "0..1" computed {
      list "dns_failover" "0..1" computed {
        minimum_healthy_targets_count      = optional(string, default("1"))
        minimum_healthy_targets_percentage = optional(string, default("off"))
      }
      list "unhealthy_state_routing" "0..1" computed {
        minimum_healthy_targets_count      = optional(number, default(1))
        minimum_healthy_targets_percentage = optional(string, default("off"))
      }
    }
    list "target_health_state" "unsupported: there are no network load balancers" {
      enable_unhealthy_connection_termination = required(bool)
      unhealthy_draining_interval             = optional(number)
    }
  }
  validate {
    error {
      when    = self.target_type != null && self.target_type != "ip"
      summary = "Unsupported target type"
      detail  = "target_type = \"${fallback(self.target_type, "")}\" is not supported: Terrarium has target groups of type \"ip\" only, as Fargate tasks need."
    }
    error {
      when    = self.protocol != null && self.protocol != "HTTP" && self.protocol != "HTTPS"
      summary = "Unsupported protocol"
      detail  = "protocol = \"${fallback(self.protocol, "")}\" is not supported: Terrarium has target groups for HTTP and HTTPS only."
    }
    error {
      when    = nonempty(self.protocol_version) != null && self.protocol_version != "HTTP1"
      summary = "Unsupported protocol version"
      detail  = "protocol_version = \"${fallback(self.protocol_version, "")}\" is not supported: Terrarium speaks HTTP/1.1 to targets."
    }
  }
  create {
    set { name = fallback(nonempty(self.name), unique_id(fallback(nonempty(self.name_prefix), "tf-"))) }
    call "CreateTargetGroup" {
      request = {
        Name                       = self.name
        Port                       = self.port
        Protocol                   = self.protocol
        ProtocolVersion            = nonempty(config.protocol_version)
        TargetType                 = self.target_type
        VpcId                      = self.vpc_id
        IpAddressType              = nonempty(config.ip_address_type)
        HealthCheckEnabled         = config.health_check[0].enabled
        HealthCheckIntervalSeconds = fallback(config.health_check[0].interval, 30)
        HealthCheckPath            = nonempty(config.health_check[0].path)
        HealthCheckPort            = nonempty(config.health_check[0].port)
        HealthCheckProtocol        = nonempty(config.health_check[0].protocol)
        HealthCheckTimeoutSeconds  = config.health_check[0].timeout
        HealthyThresholdCount      = length(config.health_check) > 0 ? fallback(config.health_check[0].healthy_threshold, 3) : null
        UnhealthyThresholdCount    = length(config.health_check) > 0 ? fallback(config.health_check[0].unhealthy_threshold, 3) : null
        Matcher                    = nonempty(config.health_check[0].matcher) == null ? null : { HttpCode = config.health_check[0].matcher }
        Tags                       = tag_list(self.tags_all)
      }
      id = result.TargetGroups[0].TargetGroupArn
    }
    call "ModifyTargetGroupAttributes" {
      request = {
        TargetGroupArn = self.id
        Attributes = [for key, value in {
          "deregistration_delay.timeout_seconds"         = self.deregistration_delay
          "slow_start.duration_seconds"                  = self.slow_start
          "load_balancing.algorithm.type"                = nonempty(config.load_balancing_algorithm_type)
          "load_balancing.algorithm.anomaly_mitigation"  = nonempty(config.load_balancing_anomaly_mitigation)
          "load_balancing.cross_zone.enabled"            = nonempty(config.load_balancing_cross_zone_enabled)
          "stickiness.enabled"                           = length(config.stickiness) > 0 ? fallback(config.stickiness[0].enabled, true) : null
          "stickiness.type"                              = config.stickiness[0].type
          "stickiness.lb_cookie.duration_seconds"        = config.stickiness[0].type == "lb_cookie" ? fallback(config.stickiness[0].cookie_duration, 86400) : null
          "stickiness.app_cookie.duration_seconds"       = config.stickiness[0].type == "app_cookie" ? fallback(config.stickiness[0].cookie_duration, 86400) : null
          "stickiness.app_cookie.cookie_name"            = config.stickiness[0].type == "app_cookie" ? config.stickiness[0].cookie_name : null
          "target_group_health.dns_failover.minimum_healthy_targets.count"                 = config.target_group_health[0].dns_failover[0].minimum_healthy_targets_count
          "target_group_health.dns_failover.minimum_healthy_targets.percentage"            = config.target_group_health[0].dns_failover[0].minimum_healthy_targets_percentage
          "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"      = config.target_group_health[0].unhealthy_state_routing[0].minimum_healthy_targets_count
          "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage" = config.target_group_health[0].unhealthy_state_routing[0].minimum_healthy_targets_percentage
        } : { Key = key, Value = tostring(value) } if value != null]
      }
    }
  }
  read {
    call "DescribeTargetGroups" "groups" {
      request = { TargetGroupArns = [self.id] }
      gone    = ["TargetGroupNotFound"]
    }
    gone { when = groups.TargetGroups[0] == null }
    call "DescribeTargetGroupAttributes" {
      request = { TargetGroupArn = self.id }
      gone    = ["TargetGroupNotFound"]
    }
    let {
      group = groups.TargetGroups[0]
      set   = { for a in result.Attributes : a.Key => a.Value }
    }
    state = {
      id                                = group.TargetGroupArn
      arn                               = group.TargetGroupArn
      arn_suffix                        = regex("(targetgroup/.*)$", group.TargetGroupArn)[0]
      deregistration_delay              = tonumber(set["deregistration_delay.timeout_seconds"])
      ip_address_type                   = group.IpAddressType
      load_balancer_arns                = group.LoadBalancerArns
      load_balancing_algorithm_type     = set["load_balancing.algorithm.type"]
      load_balancing_anomaly_mitigation = set["load_balancing.algorithm.anomaly_mitigation"]
      load_balancing_cross_zone_enabled = set["load_balancing.cross_zone.enabled"]
      name                              = group.TargetGroupName
      name_prefix                       = fallback(self.name_prefix, "")
      port                              = group.Port
      protocol                          = group.Protocol
      protocol_version                  = group.ProtocolVersion
      slow_start                        = tonumber(set["slow_start.duration_seconds"])
      target_type                       = group.TargetType
      vpc_id                            = group.VpcId
      health_check = [{
        enabled             = group.HealthCheckEnabled
        healthy_threshold   = group.HealthyThresholdCount
        interval            = group.HealthCheckIntervalSeconds
        matcher             = group.Matcher.HttpCode
        path                = group.HealthCheckPath
        port                = group.HealthCheckPort
        protocol            = group.HealthCheckProtocol
        timeout             = group.HealthCheckTimeoutSeconds
        unhealthy_threshold = group.UnhealthyThresholdCount
      }]
      stickiness = [{
        cookie_duration = tonumber(set["stickiness.type"] == "app_cookie" ? set["stickiness.app_cookie.duration_seconds"] : set["stickiness.lb_cookie.duration_seconds"])
        cookie_name     = set["stickiness.type"] == "app_cookie" ? set["stickiness.app_cookie.cookie_name"] : fallback(self.stickiness[0].cookie_name, "")
        enabled         = set["stickiness.enabled"] == "true"
        type            = set["stickiness.type"]
      }]
      target_group_health = [{
        dns_failover = [{
          minimum_healthy_targets_count      = set["target_group_health.dns_failover.minimum_healthy_targets.count"]
          minimum_healthy_targets_percentage = set["target_group_health.dns_failover.minimum_healthy_targets.percentage"]
        }]
        unhealthy_state_routing = [{
          minimum_healthy_targets_count      = tonumber(set["target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"])
          minimum_healthy_targets_percentage = set["target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage"]
        }]
      }]
    }
  }
  update {
    call "ModifyTargetGroup" {
      when = changed("health_check")
      request = {
        TargetGroupArn             = self.id
        HealthCheckEnabled         = self.health_check[0].enabled
        HealthCheckIntervalSeconds = self.health_check[0].interval
        HealthCheckPath            = nonempty(self.health_check[0].path)
        HealthCheckPort            = nonempty(self.health_check[0].port)
        HealthCheckProtocol        = nonempty(self.health_check[0].protocol)
        HealthCheckTimeoutSeconds  = self.health_check[0].timeout
        HealthyThresholdCount      = self.health_check[0].healthy_threshold
        UnhealthyThresholdCount    = self.health_check[0].unhealthy_threshold
        Matcher                    = nonempty(self.health_check[0].matcher) == null ? null : { HttpCode = self.health_check[0].matcher }
      }
    }
    call "ModifyTargetGroupAttributes" {
      when = changed("deregistration_delay", "slow_start", "load_balancing_algorithm_type", "load_balancing_anomaly_mitigation", "load_balancing_cross_zone_enabled", "stickiness", "target_group_health")
      request = {
        TargetGroupArn = self.id
        Attributes = [for key, value in {
          "deregistration_delay.timeout_seconds"         = self.deregistration_delay
          "slow_start.duration_seconds"                  = self.slow_start
          "load_balancing.algorithm.type"                = nonempty(self.load_balancing_algorithm_type)
          "load_balancing.algorithm.anomaly_mitigation"  = nonempty(self.load_balancing_anomaly_mitigation)
          "load_balancing.cross_zone.enabled"            = nonempty(self.load_balancing_cross_zone_enabled)
          "stickiness.enabled"                           = self.stickiness[0].enabled
          "stickiness.type"                              = self.stickiness[0].type
          "stickiness.lb_cookie.duration_seconds"        = self.stickiness[0].type == "lb_cookie" ? self.stickiness[0].cookie_duration : null
          "stickiness.app_cookie.duration_seconds"       = self.stickiness[0].type == "app_cookie" ? self.stickiness[0].cookie_duration : null
          "stickiness.app_cookie.cookie_name"            = self.stickiness[0].type == "app_cookie" ? self.stickiness[0].cookie_name : null
          "target_group_health.dns_failover.minimum_healthy_targets.count"                 = self.target_group_health[0].dns_failover[0].minimum_healthy_targets_count
          "target_group_health.dns_failover.minimum_healthy_targets.percentage"            = self.target_group_health[0].dns_failover[0].minimum_healthy_targets_percentage
          "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"      = self.target_group_health[0].unhealthy_state_routing[0].minimum_healthy_targets_count
          "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage" = self.target_group_health[0].unhealthy_state_routing[0].minimum_healthy_targets_percentage
        } : { Key = key, Value = tostring(value) } if value != null]
      }
    }
  }
  delete {
    call "DeleteTargetGroup" {
      request = { TargetGroupArn = self.id }
      gone    = ["TargetGroupNotFound"]
      retry "ResourceInUse" {
        message = "is currently in use by a listener or a rule"
        timeout = "2m"
      }
    }
  }
  tags {
    resource = self.id
    read     = true
  }
}

data "aws_lb_target_group" {
  service = "elbv2"
  alias   = ["aws_alb_target_group"]
  schema {
    arn                                = optional(string, computed)
    arn_suffix                         = computed(string)
    connection_termination             = computed(bool)
    deregistration_delay               = computed(string)
    lambda_multi_value_headers_enabled = computed(bool)
    load_balancer_arns                 = computed(set(string))
    load_balancing_algorithm_type      = computed(string)
    load_balancing_anomaly_mitigation  = computed(string)
    load_balancing_cross_zone_enabled  = computed(string)
    name                               = optional(string, computed)
    port                               = computed(number)
    preserve_client_ip                 = computed(string)
    protocol                           = computed(string)
    protocol_version                   = computed(string)
    proxy_protocol_v2                  = computed(bool)
    slow_start                         = computed(number)
    tags                               = optional(map(string), computed)
    target_control_port                = computed(number)
    target_type                        = computed(string)
    vpc_id                             = computed(string)
    health_check = computed(list(object({ enabled = bool, healthy_threshold = number, interval = number, matcher = string, path = string, port = string, protocol = string, timeout = number, unhealthy_threshold = number })))
    stickiness = computed(list(object({ cookie_duration = number, cookie_name = string, enabled = bool, type = string })))
    timeouts "read" {}
  }
  read {
    call "DescribeTargetGroups" "groups" {
      request = {
        TargetGroupArns = nonempty(self.arn) == null ? null : [self.arn]
        Names           = nonempty(self.arn) == null && nonempty(self.name) != null ? [self.name] : null
      }
      paginate = { input = "Marker", output = "NextMarker", items = "TargetGroups" }
    }
    call "DescribeTags" "described" {
      when    = length(groups.TargetGroups) > 0
      request = { ResourceArns = [for g in groups.TargetGroups : g.TargetGroupArn] }
    }
    let {
      tags_of = { for d in described.TagDescriptions : d.ResourceArn => tag_map(d.Tags) }
    }
    let {
      found = [for g in groups.TargetGroups : g if alltrue([for k, v in self.tags : tags_of[g.TargetGroupArn][k] == v])]
    }
    error {
      when    = length(found) != 1
      summary = length(found) == 0 ? "No target group found" : "Several target groups found"
      detail  = "${length(found)} target groups match the data source's arn, name and tags; one is needed."
    }
    call "DescribeTargetGroupAttributes" {
      request = { TargetGroupArn = found[0].TargetGroupArn }
      id      = found[0].TargetGroupArn
    }
    let {
      group = found[0]
      set   = { for a in result.Attributes : a.Key => a.Value }
    }
    state = {
      id                                = group.TargetGroupArn
      arn                               = group.TargetGroupArn
      arn_suffix                        = regex("(targetgroup/.*)$", group.TargetGroupArn)[0]
      deregistration_delay              = set["deregistration_delay.timeout_seconds"]
      load_balancer_arns                = group.LoadBalancerArns
      load_balancing_algorithm_type     = set["load_balancing.algorithm.type"]
      load_balancing_anomaly_mitigation = set["load_balancing.algorithm.anomaly_mitigation"]
      load_balancing_cross_zone_enabled = set["load_balancing.cross_zone.enabled"]
      name                              = group.TargetGroupName
      port                              = group.Port
      protocol                          = group.Protocol
      protocol_version                  = group.ProtocolVersion
      slow_start                        = tonumber(set["slow_start.duration_seconds"])
      tags                              = tags_of[group.TargetGroupArn]
      target_type                       = group.TargetType
      vpc_id                            = group.VpcId
      health_check = [{
        enabled             = group.HealthCheckEnabled
        healthy_threshold   = group.HealthyThresholdCount
        interval            = group.HealthCheckIntervalSeconds
        matcher             = group.Matcher.HttpCode
        path                = group.HealthCheckPath
        port                = group.HealthCheckPort
        protocol            = group.HealthCheckProtocol
        timeout             = group.HealthCheckTimeoutSeconds
        unhealthy_threshold = group.UnhealthyThresholdCount
      }]
      stickiness = [{
        cookie_duration = tonumber(set["stickiness.type"] == "app_cookie" ? set["stickiness.app_cookie.duration_seconds"] : set["stickiness.lb_cookie.duration_seconds"])
        cookie_name     = set["stickiness.app_cookie.cookie_name"]
        enabled         = set["stickiness.enabled"] == "true"
        type            = set["stickiness.type"]
      }]
    }
  }
}
