// A time of the API, as text; null stays.
function "ecs_time" {
  parameters = ["seconds"]
  value      = seconds == null ? null : timeadd("1970-01-01T00:00:00Z", "${floor(fallback(seconds, 0))}s")
}

resource "aws_ecs_service" {
  service        = "ecs"
  schema_version = 1
  schema {
    arn                                = computed(string)
    availability_zone_rebalancing      = optional(string, computed, one_of("ENABLED", "DISABLED"))
    cluster                            = optional(string, computed, force_new, equal("arn_name"))
    deployment_maximum_percent         = optional(number, default(200))
    deployment_minimum_healthy_percent = optional(number, default(100))
    desired_count                      = optional(number, default(0))
    enable_ecs_managed_tags            = optional(bool, default(false))
    enable_execute_command             = optional(bool, default(false))
    force_delete                       = optional(bool, default(false), local_only)
    force_new_deployment               = optional(bool, default(false), local_only)
    health_check_grace_period_seconds  = optional(number, computed, range(0, 2147483647))
    iam_role                           = optional(string, computed, force_new, equal("arn_name"))
    launch_type                        = optional(string, computed, force_new, one_of("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"))
    name                               = required(string, force_new)
    platform_version                   = optional(string, computed)
    propagate_tags                     = optional(string, one_of("NONE", "SERVICE", "TASK_DEFINITION", ""))
    scheduling_strategy                = optional(string, default("REPLICA"), force_new, one_of("REPLICA", "DAEMON"))
    sigint_rollback                    = optional(bool, default(false), local_only)
    task_definition                    = optional(string, equal("arn_name"))
    triggers                           = optional(map(string), computed, local_only)
    wait_for_steady_state              = optional(bool, default(false), local_only)
    tags                               = tags()
    timeouts "create" "update" "delete" {}
    list "alarms" "0..1" {
      alarm_names = required(set(string))
      enable      = required(bool)
      rollback    = required(bool)
    }
    set "capacity_provider_strategy" {
      base              = optional(number, default(0), range(0, 100000))
      capacity_provider = required(string)
      weight            = optional(number, default(0), range(0, 1000))
    }
    list "deployment_circuit_breaker" "0..1" {
      enable                  = required(bool)
      reset_on_healthy_task   = optional(bool)
      rollback                = required(bool)
    }
    list "deployment_configuration" "0..1" computed {
      bake_time_in_minutes = optional(string, computed)
      strategy             = optional(string, computed, one_of("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"))
      list "canary_configuration" "0..1" "unsupported: deployments other than ROLLING are not implemented" {
        canary_bake_time_in_minutes = optional(string)
        canary_percent              = optional(number)
      }
      set "lifecycle_hook" "unsupported: deployments other than ROLLING are not implemented" {
        hook_details     = optional(string)
        hook_target_arn  = optional(string)
        lifecycle_stages = required(list(string))
        role_arn         = optional(string)
        target_type      = optional(string)
        list "timeout_configuration" "0..1" {
          action             = optional(string)
          timeout_in_minutes = optional(string)
        }
      }
      list "linear_configuration" "0..1" "unsupported: deployments other than ROLLING are not implemented" {
        step_bake_time_in_minutes = optional(string)
        step_percent              = optional(number)
      }
    }
    list "deployment_controller" "0..1" {
      type = optional(string, default("ECS"), force_new, one_of("ECS", "CODE_DEPLOY", "EXTERNAL"))
    }
    set "load_balancer" {
      container_name   = required(string)
      container_port   = required(number, range(0, 65536))
      elb_name         = optional(string)
      target_group_arn = optional(string, arn())
      list "advanced_configuration" "0..1" "unsupported: deployments other than ROLLING are not implemented" {
        alternate_target_group_arn = required(string)
        production_listener_rule   = required(string)
        role_arn                   = required(string)
        test_listener_rule         = optional(string)
      }
    }
    list "network_configuration" "0..1" {
      assign_public_ip = optional(bool, default(false))
      security_groups  = optional(set(string))
      subnets          = required(set(string))
    }
    list "ordered_placement_strategy" "0..5" {
      field = optional(string)
      type  = required(string, one_of("random", "spread", "binpack"))
    }
    set "placement_constraints" "0..10" {
      expression = optional(string)
      type       = required(string, one_of("distinctInstance", "memberOf"))
    }
    list "service_connect_configuration" "0..1" "unsupported: Service Connect is not implemented" {
      enabled   = required(bool)
      namespace = optional(string)
      list "access_log_configuration" "0..1" {
        format                   = required(string)
        include_query_parameters = optional(string)
      }
      list "log_configuration" "0..1" {
        log_driver = required(string)
        options    = optional(map(string))
        list "secret_option" {
          name       = required(string)
          value_from = required(string)
        }
      }
      list "service" {
        discovery_name        = optional(string)
        ingress_port_override = optional(number)
        port_name             = required(string)
        list "client_alias" "0..1" {
          dns_name = optional(string)
          port     = required(number)
          list "test_traffic_rules" {
            list "header" "0..1" {
              name = required(string)
              list "value" "1" {
                exact = required(string)
              }
            }
          }
        }
        list "timeout" "0..1" {
          idle_timeout_seconds        = optional(number)
          per_request_timeout_seconds = optional(number)
        }
        list "tls" "0..1" {
          kms_key  = optional(string)
          role_arn = optional(string)
          list "issuer_cert_authority" "1" {
            aws_pca_authority_arn = required(string)
          }
        }
      }
    }
    list "service_registries" "0..1" {
      container_name = optional(string)
      container_port = optional(number, range(0, 65536))
      port           = optional(number, range(0, 65536))
      registry_arn   = required(string, arn())
    }
    list "volume_configuration" "0..1" "unsupported: volumes that are configured at launch are not implemented" {
      name = required(string)
      list "managed_ebs_volume" "1" {
        encrypted                  = optional(bool)
        file_system_type           = optional(string)
        iops                       = optional(number)
        kms_key_id                 = optional(string)
        role_arn                   = required(string)
        size_in_gb                 = optional(number)
        snapshot_id                = optional(string)
        throughput                 = optional(number)
        volume_initialization_rate = optional(number)
        volume_type                = optional(string)
        list "tag_specifications" {
          propagate_tags = optional(string)
          resource_type  = required(string)
          tags           = optional(map(string))
        }
      }
    }
    set "vpc_lattice_configurations" "unsupported: VPC Lattice is not implemented" {
      port_name        = required(string)
      role_arn         = required(string)
      target_group_arn = required(string)
    }
  }
  validate {
    error {
      when    = self.sigint_rollback == true
      summary = "Unsupported rollback by interruption"
      detail  = "aws_ecs_service: sigint_rollback is not supported: an interrupted apply leaves the deployment going on."
    }
  }
  plan {
    replace "capacity_provider_strategy" {
      when = changed("capacity_provider_strategy") && !self.force_new_deployment
    }
  }
  create {
    call "CreateService" {
      request = {
        serviceName                   = self.name
        cluster                       = nonempty(self.cluster)
        availabilityZoneRebalancing   = nonempty(self.availability_zone_rebalancing)
        desiredCount                  = self.scheduling_strategy == "REPLICA" ? self.desired_count : null
        enableECSManagedTags          = self.enable_ecs_managed_tags
        enableExecuteCommand          = self.enable_execute_command
        healthCheckGracePeriodSeconds = self.health_check_grace_period_seconds
        role                          = nonempty(self.iam_role)
        launchType                    = nonempty(self.launch_type)
        platformVersion               = nonempty(self.platform_version)
        propagateTags                 = nonempty(self.propagate_tags)
        schedulingStrategy            = self.scheduling_strategy
        taskDefinition                = nonempty(self.task_definition)
        tags                          = tag_list(self.tags_all, "key", "value")
        capacityProviderStrategy = nonempty([for s in self.capacity_provider_strategy : {
          base = s.base, capacityProvider = s.capacity_provider, weight = s.weight
        }])
        deploymentController = [for c in self.deployment_controller : { type = c.type }][0]
        deploymentConfiguration = {
          alarms = [for a in self.alarms : {
            alarmNames = [for n in a.alarm_names : n], enable = a.enable, rollback = a.rollback
          }][0]
          bakeTimeInMinutes = nonempty(self.deployment_configuration[0].bake_time_in_minutes) == null ? null : tonumber(self.deployment_configuration[0].bake_time_in_minutes)
          strategy          = nonempty(self.deployment_configuration[0].strategy)
          deploymentCircuitBreaker = [for b in self.deployment_circuit_breaker : {
            enable = b.enable, resetOnHealthyTask = b.reset_on_healthy_task, rollback = b.rollback
          }][0]
          maximumPercent        = self.deployment_maximum_percent
          minimumHealthyPercent = self.deployment_minimum_healthy_percent
        }
        loadBalancers = nonempty([for b in self.load_balancer : {
          containerName    = b.container_name
          containerPort    = b.container_port
          loadBalancerName = nonempty(b.elb_name)
          targetGroupArn   = nonempty(b.target_group_arn)
        }])
        networkConfiguration = [for n in self.network_configuration : {
          awsvpcConfiguration = {
            assignPublicIp = n.assign_public_ip ? "ENABLED" : "DISABLED"
            securityGroups = nonempty([for g in n.security_groups : g])
            subnets        = [for s in n.subnets : s]
          }
        }][0]
        placementStrategy    = nonempty([for s in self.ordered_placement_strategy : { field = nonempty(s.field), type = s.type }])
        placementConstraints = nonempty([for c in self.placement_constraints : { expression = nonempty(c.expression), type = c.type }])
        serviceRegistries = nonempty([for r in self.service_registries : {
          containerName = nonempty(r.container_name)
          containerPort = r.container_port
          port          = r.port
          registryArn   = r.registry_arn
        }])
      }
      id = result.service.serviceArn
      retry "ClusterNotFoundException" { timeout = "2m" }
      retry "InvalidParameterException" {
        message = "does not have an associated load balancer"
        timeout = "2m"
      }
      retry "InvalidParameterException" {
        message = "Unable to assume the service linked role"
        timeout = "2m"
      }
      retry "InvalidParameterException" {
        message = "verify that the ECS service role being passed has the proper permissions"
        timeout = "2m"
      }
      set = { cluster = result.service.clusterArn }
    }
    wait "DescribeServices" {
      request = { cluster = self.cluster, services = [self.id] }
      value   = result.services[0].status
      target  = ["ACTIVE"]
    }
    wait "DescribeServices" {
      when    = self.wait_for_steady_state
      request = { cluster = self.cluster, services = [self.id] }
      value   = length(result.services[0].deployments) == 1 && result.services[0].runningCount == result.services[0].desiredCount && result.services[0].deployments[0].rolloutState != "IN_PROGRESS" && result.services[0].deployments[0].rolloutState != "FAILED" ? "steady" : result.services[0].deployments[0].rolloutState == "FAILED" ? "failed" : "deploying"
      pending = ["deploying"]
      target  = ["steady"]
      failure = result.services[0].deployments[0].rolloutStateReason
      timeout = fallback(self.timeouts.create, "20m")
    }
  }
  read {
    call "DescribeServices" {
      request = { cluster = nonempty(self.cluster), services = [self.id], include = ["TAGS"] }
      gone    = ["ClusterNotFoundException", "ServiceNotFoundException"]
    }
    gone {
      when = result.services[0] == null || result.services[0].status == "INACTIVE" || result.services[0].status == "DRAINING"
    }
    let {
      service = result.services[0]
    }
    state = {
      id                                 = service.serviceArn
      arn                                = service.serviceArn
      name                               = service.serviceName
      cluster                            = service.clusterArn
      availability_zone_rebalancing      = service.availabilityZoneRebalancing
      deployment_maximum_percent         = fallback(service.deploymentConfiguration.maximumPercent, 200)
      deployment_minimum_healthy_percent = fallback(service.deploymentConfiguration.minimumHealthyPercent, 100)
      desired_count                      = service.desiredCount
      enable_ecs_managed_tags            = fallback(service.enableECSManagedTags, false)
      enable_execute_command             = fallback(service.enableExecuteCommand, false)
      health_check_grace_period_seconds  = fallback(service.healthCheckGracePeriodSeconds, 0)
      iam_role                           = service.roleArn
      launch_type                        = service.launchType
      platform_version                   = service.platformVersion
      propagate_tags                     = service.propagateTags == "NONE" && nonempty(self.propagate_tags) == null ? self.propagate_tags : service.propagateTags
      scheduling_strategy                = fallback(service.schedulingStrategy, "REPLICA")
      task_definition                    = service.taskDefinition
      tags                               = tag_map(service.tags, "key", "value")
      alarms = [for a in [service.deploymentConfiguration.alarms] : {
        alarm_names = a.alarmNames, enable = a.enable, rollback = a.rollback
      } if a != null && length(a.alarmNames) > 0]
      capacity_provider_strategy = [for s in service.capacityProviderStrategy : {
        base = fallback(s.base, 0), capacity_provider = s.capacityProvider, weight = fallback(s.weight, 0)
      }]
      deployment_circuit_breaker = [for b in [service.deploymentConfiguration.deploymentCircuitBreaker] : {
        enable                = b.enable
        reset_on_healthy_task = self.deployment_circuit_breaker[0].reset_on_healthy_task == null ? null : b.resetOnHealthyTask
        rollback              = b.rollback
      } if b != null && (b.enable || b.rollback || length(self.deployment_circuit_breaker) > 0)]
      deployment_configuration = [for d in [service.deploymentConfiguration] : {
        bake_time_in_minutes = tostring(fallback(d.bakeTimeInMinutes, 0))
        strategy             = fallback(d.strategy, "ROLLING")
      } if d != null]
      deployment_controller = [for c in [service.deploymentController] : { type = c.type } if c != null && (c.type != "ECS" || length(self.deployment_controller) > 0)]
      load_balancer = [for b in service.loadBalancers : {
        container_name   = b.containerName
        container_port   = b.containerPort
        elb_name         = [for each in self.load_balancer : each.elb_name if each.target_group_arn == b.targetGroupArn][0] == "" ? "" : b.loadBalancerName
        target_group_arn = b.targetGroupArn
      }]
      network_configuration = [for n in [service.networkConfiguration.awsvpcConfiguration] : {
        assign_public_ip = n.assignPublicIp == "ENABLED"
        security_groups  = nonempty(n.securityGroups) == null ? self.network_configuration[0].security_groups : n.securityGroups
        subnets          = n.subnets
      } if n != null]
      ordered_placement_strategy = [for s in service.placementStrategy : { field = s.field, type = s.type }]
      placement_constraints      = [for c in service.placementConstraints : { expression = c.expression, type = c.type }]
      service_registries = [for r in service.serviceRegistries : {
        container_name = r.containerName
        container_port = r.containerPort
        port           = r.port
        registry_arn   = r.registryArn
      }]
    }
  }
  update {
    call "UpdateService" {
      when = changed("availability_zone_rebalancing", "deployment_maximum_percent", "deployment_minimum_healthy_percent", "desired_count",
        "enable_ecs_managed_tags", "enable_execute_command", "force_new_deployment", "health_check_grace_period_seconds", "platform_version",
        "propagate_tags", "task_definition", "triggers", "alarms", "capacity_provider_strategy", "deployment_circuit_breaker",
        "deployment_configuration", "load_balancer", "network_configuration", "ordered_placement_strategy", "placement_constraints",
      "service_registries")
      request = {
        cluster                       = self.cluster
        service                       = self.name
        forceNewDeployment            = self.force_new_deployment
        availabilityZoneRebalancing   = changed("availability_zone_rebalancing") ? self.availability_zone_rebalancing : null
        desiredCount                  = changed("desired_count") && self.scheduling_strategy == "REPLICA" ? self.desired_count : null
        enableECSManagedTags          = changed("enable_ecs_managed_tags") ? self.enable_ecs_managed_tags : null
        enableExecuteCommand          = changed("enable_execute_command") ? self.enable_execute_command : null
        healthCheckGracePeriodSeconds = changed("health_check_grace_period_seconds") ? self.health_check_grace_period_seconds : null
        platformVersion               = changed("platform_version") ? nonempty(self.platform_version) : null
        propagateTags                 = changed("propagate_tags") ? fallback(nonempty(self.propagate_tags), "NONE") : null
        taskDefinition                = changed("task_definition") ? nonempty(self.task_definition) : null
        capacityProviderStrategy = changed("capacity_provider_strategy") ? [for s in self.capacity_provider_strategy : {
          base = s.base, capacityProvider = s.capacity_provider, weight = s.weight
        }] : null
        deploymentConfiguration = changed("deployment_maximum_percent", "deployment_minimum_healthy_percent", "deployment_circuit_breaker", "alarms", "deployment_configuration") ? {
          alarms = length(self.alarms) > 0 ? [for a in self.alarms : {
            alarmNames = [for n in a.alarm_names : n], enable = a.enable, rollback = a.rollback
          }][0] : changed("alarms") ? { alarmNames = [], enable = false, rollback = false } : null
          bakeTimeInMinutes = nonempty(self.deployment_configuration[0].bake_time_in_minutes) == null ? null : tonumber(self.deployment_configuration[0].bake_time_in_minutes)
          strategy          = nonempty(self.deployment_configuration[0].strategy)
          deploymentCircuitBreaker = length(self.deployment_circuit_breaker) > 0 ? [for b in self.deployment_circuit_breaker : {
            enable = b.enable, resetOnHealthyTask = b.reset_on_healthy_task, rollback = b.rollback
          }][0] : { enable = false, rollback = false }
          maximumPercent        = self.deployment_maximum_percent
          minimumHealthyPercent = self.deployment_minimum_healthy_percent
        } : null
        loadBalancers = changed("load_balancer") ? [for b in self.load_balancer : {
          containerName    = b.container_name
          containerPort    = b.container_port
          loadBalancerName = nonempty(b.elb_name)
          targetGroupArn   = nonempty(b.target_group_arn)
        }] : null
        networkConfiguration = changed("network_configuration") ? [for n in self.network_configuration : {
          awsvpcConfiguration = {
            assignPublicIp = n.assign_public_ip ? "ENABLED" : "DISABLED"
            securityGroups = [for g in n.security_groups : g]
            subnets        = [for s in n.subnets : s]
          }
        }][0] : null
        placementStrategy    = changed("ordered_placement_strategy") ? [for s in self.ordered_placement_strategy : { field = nonempty(s.field), type = s.type }] : null
        placementConstraints = changed("placement_constraints") ? [for c in self.placement_constraints : { expression = nonempty(c.expression), type = c.type }] : null
        serviceRegistries = changed("service_registries") ? [for r in self.service_registries : {
          containerName = nonempty(r.container_name)
          containerPort = r.container_port
          port          = r.port
          registryArn   = r.registry_arn
        }] : null
      }
      retry "InvalidParameterException" {
        message = "does not have an associated load balancer"
        timeout = "2m"
      }
    }
    wait "DescribeServices" {
      when    = self.wait_for_steady_state
      request = { cluster = self.cluster, services = [self.id] }
      value   = length(result.services[0].deployments) == 1 && result.services[0].runningCount == result.services[0].desiredCount && result.services[0].deployments[0].rolloutState != "IN_PROGRESS" && result.services[0].deployments[0].rolloutState != "FAILED" ? "steady" : result.services[0].deployments[0].rolloutState == "FAILED" ? "failed" : "deploying"
      pending = ["deploying"]
      target  = ["steady"]
      failure = result.services[0].deployments[0].rolloutStateReason
      timeout = fallback(self.timeouts.update, "20m")
    }
  }
  delete {
    call "DescribeServices" {
      request = { cluster = self.cluster, services = [self.id] }
      gone    = ["ClusterNotFoundException", "ServiceNotFoundException"]
    }
    gone {
      when = result.services[0] == null || result.services[0].status == "INACTIVE"
    }
    call "UpdateService" {
      when    = result.services[0].status != "DRAINING" && self.scheduling_strategy != "DAEMON" && !self.force_delete
      request = { cluster = self.cluster, service = self.id, desiredCount = 0 }
      gone    = ["ClusterNotFoundException", "ServiceNotFoundException"]
    }
    call "DeleteService" {
      request = { cluster = self.cluster, service = self.id, force = self.force_delete }
      gone    = ["ClusterNotFoundException", "ServiceNotFoundException"]
      retry "InvalidParameterException" {
        message = "The service cannot be stopped while deployments are active."
        timeout = "20m"
      }
      retry "DependencyViolation" {
        message = "has a dependent object"
        timeout = "20m"
      }
    }
    wait "DescribeServices" {
      request = { cluster = self.cluster, services = [self.id] }
      value   = result.services[0].status
      pending = ["ACTIVE", "DRAINING"]
      target  = ["INACTIVE"]
      timeout = fallback(self.timeouts.delete, "20m")
    }
  }
  import {
    set {
      cluster = split("/", self.id)[0]
      name    = split("/", self.id)[1]
      id      = "arn:${provider.partition}:ecs:${provider.region}:${provider.account_id}:service/${self.id}"
    }
  }
  tags { resource = self.arn }
}

data "aws_ecs_service" {
  service = "ecs"
  schema {
    cluster_arn                       = required(string)
    service_name                      = required(string)
    arn                               = computed(string)
    availability_zone_rebalancing     = computed(string)
    created_at                        = computed(string)
    created_by                        = computed(string)
    desired_count                     = computed(number)
    enable_ecs_managed_tags           = computed(bool)
    enable_execute_command            = computed(bool)
    health_check_grace_period_seconds = computed(number)
    iam_role                          = computed(string)
    launch_type                       = computed(string)
    pending_count                     = computed(number)
    platform_family                   = computed(string)
    platform_version                  = computed(string)
    propagate_tags                    = computed(string)
    running_count                     = computed(number)
    scheduling_strategy               = computed(string)
    status                            = computed(string)
    task_definition                   = computed(string)
    tags                              = computed(map(string))
    capacity_provider_strategy        = computed(set(object({ base = number, capacity_provider = string, weight = number })))
    deployment_configuration = computed(list(object({
      alarms                     = list(object({ alarm_names = list(string), enable = bool, rollback = bool }))
      bake_time_in_minutes       = string
      canary_configuration       = list(object({ canary_bake_time_in_minutes = string, canary_percent = number }))
      deployment_circuit_breaker = list(object({ enable = bool, rollback = bool }))
      lifecycle_hook = set(object({
        hook_details          = string
        hook_target_arn       = string
        lifecycle_stages      = list(string)
        role_arn              = string
        target_type           = string
        timeout_configuration = list(object({ action = string, timeout_in_minutes = string }))
      }))
      linear_configuration    = list(object({ step_bake_time_in_minutes = string, step_percent = number }))
      maximum_percent         = number
      minimum_healthy_percent = number
      strategy                = string
    })))
    deployment_controller = computed(list(object({ type = string })))
    deployments           = computed(list(object({ created_at = string, desired_count = number, id = string, pending_count = number, running_count = number, status = string, task_definition = string, updated_at = string })))
    events                = computed(list(object({ created_at = string, id = string, message = string })))
    load_balancer = computed(set(object({
      advanced_configuration = list(object({ alternate_target_group_arn = string, production_listener_rule = string, role_arn = string, test_listener_rule = string }))
      container_name         = string
      container_port         = number
      elb_name               = string
      target_group_arn       = string
    })))
    network_configuration      = computed(list(object({ assign_public_ip = bool, security_groups = set(string), subnets = set(string) })))
    ordered_placement_strategy = computed(list(object({ field = string, type = string })))
    placement_constraints      = computed(set(object({ expression = string, type = string })))
    service_registries         = computed(list(object({ container_name = string, container_port = number, port = number, registry_arn = string })))
    task_sets                  = computed(list(object({ arn = string, created_at = string, id = string, pending_count = number, running_count = number, stability_status = string, status = string, task_definition = string, updated_at = string })))
  }
  read {
    call "DescribeServices" {
      request = { cluster = self.cluster_arn, services = [self.service_name], include = ["TAGS"] }
      id      = result.services[0].serviceArn
    }
    error {
      when    = result.services[0] == null || result.services[0].status == "INACTIVE"
      summary = "No such service"
      detail  = "There is no active ECS service named \"${self.service_name}\" in ${self.cluster_arn}."
    }
    let {
      service = result.services[0]
    }
    state = {
      arn                               = service.serviceArn
      availability_zone_rebalancing     = service.availabilityZoneRebalancing
      created_at                        = ecs_time(service.createdAt)
      created_by                        = service.createdBy
      desired_count                     = service.desiredCount
      enable_ecs_managed_tags           = fallback(service.enableECSManagedTags, false)
      enable_execute_command            = fallback(service.enableExecuteCommand, false)
      health_check_grace_period_seconds = fallback(service.healthCheckGracePeriodSeconds, 0)
      iam_role                          = service.roleArn
      launch_type                       = service.launchType
      pending_count                     = service.pendingCount
      platform_family                   = service.platformFamily
      platform_version                  = service.platformVersion
      propagate_tags                    = service.propagateTags
      running_count                     = service.runningCount
      scheduling_strategy               = service.schedulingStrategy
      status                            = service.status
      task_definition                   = service.taskDefinition
      tags                              = tag_map(service.tags, "key", "value")
      capacity_provider_strategy = [for s in service.capacityProviderStrategy : {
        base = fallback(s.base, 0), capacity_provider = s.capacityProvider, weight = fallback(s.weight, 0)
      }]
      deployment_configuration = [for d in [service.deploymentConfiguration] : {
        alarms                     = [for a in [d.alarms] : { alarm_names = a.alarmNames, enable = a.enable, rollback = a.rollback } if a != null]
        bake_time_in_minutes       = tostring(fallback(d.bakeTimeInMinutes, 0))
        canary_configuration       = []
        deployment_circuit_breaker = [for b in [d.deploymentCircuitBreaker] : { enable = b.enable, rollback = b.rollback } if b != null]
        lifecycle_hook             = []
        linear_configuration       = []
        maximum_percent            = d.maximumPercent
        minimum_healthy_percent    = d.minimumHealthyPercent
        strategy                   = fallback(d.strategy, "ROLLING")
      } if d != null]
      deployment_controller = [for c in [service.deploymentController] : { type = c.type } if c != null]
      deployments = [for d in service.deployments : {
        created_at      = ecs_time(d.createdAt)
        desired_count   = d.desiredCount
        id              = d.id
        pending_count   = d.pendingCount
        running_count   = d.runningCount
        status          = d.status
        task_definition = d.taskDefinition
        updated_at      = ecs_time(d.updatedAt)
      }]
      events = [for e in service.events : { created_at = ecs_time(e.createdAt), id = e.id, message = e.message }]
      load_balancer = [for b in service.loadBalancers : {
        advanced_configuration = []
        container_name         = b.containerName
        container_port         = b.containerPort
        elb_name               = b.loadBalancerName
        target_group_arn       = b.targetGroupArn
      }]
      network_configuration = [for n in [service.networkConfiguration.awsvpcConfiguration] : {
        assign_public_ip = n.assignPublicIp == "ENABLED"
        security_groups  = n.securityGroups
        subnets          = n.subnets
      } if n != null]
      ordered_placement_strategy = [for s in service.placementStrategy : { field = s.field, type = s.type }]
      placement_constraints      = [for c in service.placementConstraints : { expression = c.expression, type = c.type }]
      service_registries = [for r in service.serviceRegistries : {
        container_name = r.containerName
        container_port = r.containerPort
        port           = r.port
        registry_arn   = r.registryArn
      }]
      task_sets = []
    }
  }
}
