// A task definition's volumes as the API has them, as blocks.
function "task_volumes" {
  parameters = ["volumes"]
  value = [for v in volumes : {
    name                = v.name
    configure_at_launch = fallback(v.configuredAtLaunch, false)
    host_path           = v.host.sourcePath
    docker_volume_configuration = [for d in [v.dockerVolumeConfiguration] : {
      autoprovision = fallback(d.autoprovision, false)
      driver        = d.driver
      driver_opts   = d.driverOpts
      labels        = d.labels
      scope         = d.scope
    } if d != null]
    efs_volume_configuration = [for e in [v.efsVolumeConfiguration] : {
      file_system_id          = e.fileSystemId
      root_directory          = fallback(e.rootDirectory, "/")
      transit_encryption      = e.transitEncryption
      transit_encryption_port = e.transitEncryptionPort
      authorization_config = [for a in [e.authorizationConfig] : {
        access_point_id = a.accessPointId
        iam             = a.iam
      } if a != null]
    } if e != null]
    fsx_windows_file_server_volume_configuration = [for f in [v.fsxWindowsFileServerVolumeConfiguration] : {
      file_system_id = f.fileSystemId
      root_directory = f.rootDirectory
      authorization_config = [for a in [f.authorizationConfig] : {
        credentials_parameter = a.credentialsParameter
        domain                = a.domain
      } if a != null]
    } if f != null]
    s3files_volume_configuration = [for s in [v.s3filesVolumeConfiguration] : {
      access_point_arn        = s.accessPointArn
      file_system_arn         = s.fileSystemArn
      root_directory          = s.rootDirectory
      transit_encryption_port = s.transitEncryptionPort
    } if s != null]
  }]
}

resource "aws_ecs_task_definition" {
  service        = "ecs"
  schema_version = 1
  schema {
    arn                      = computed(string)
    arn_without_revision     = computed(string)
    container_definitions    = required(string, force_new, json(), equal("containers"))
    cpu                      = optional(string, force_new)
    enable_fault_injection   = optional(bool, computed, force_new)
    execution_role_arn       = optional(string, force_new, arn())
    family                   = required(string, force_new, pattern("^[a-zA-Z0-9_-]{1,255}$"))
    ipc_mode                 = optional(string, force_new, one_of("host", "none", "task"))
    memory                   = optional(string, force_new)
    network_mode             = optional(string, computed, force_new, one_of("awsvpc", "bridge", "host", "none"))
    pid_mode                 = optional(string, force_new, one_of("host", "task"))
    requires_compatibilities = optional(set(string), force_new)
    revision                 = computed(number)
    skip_destroy             = optional(bool, default(false), local_only)
    task_role_arn            = optional(string, force_new, arn())
    track_latest             = optional(bool, default(false), local_only)
    tags                     = tags()
    list "ephemeral_storage" "0..1" force_new {
      size_in_gib = required(number, force_new, range(21, 200))
    }
    set "inference_accelerator" force_new "unsupported: AWS has ended Elastic Inference" {
      device_name = required(string, force_new)
      device_type = required(string, force_new)
    }
    set "placement_constraints" "0..10" force_new {
      expression = optional(string, force_new)
      type       = required(string, force_new, one_of("memberOf"))
    }
    list "proxy_configuration" "0..1" force_new "unsupported: App Mesh proxies are not implemented" {
      container_name = required(string, force_new)
      properties     = optional(map(string), force_new)
      type           = optional(string, default("APPMESH"), force_new, one_of("APPMESH"))
    }
    list "runtime_platform" "0..1" force_new {
      cpu_architecture        = optional(string, force_new, one_of("X86_64", "ARM64"))
      operating_system_family = optional(string, force_new)
    }
    set "volume" force_new {
      configure_at_launch = optional(bool, default(false), force_new)
      host_path           = optional(string, force_new)
      name                = required(string, force_new)
      list "docker_volume_configuration" "0..1" force_new {
        autoprovision = optional(bool, default(false), force_new)
        driver        = optional(string, force_new)
        driver_opts   = optional(map(string), force_new)
        labels        = optional(map(string), force_new)
        scope         = optional(string, computed, force_new, one_of("task", "shared"))
      }
      list "efs_volume_configuration" "0..1" force_new {
        file_system_id          = required(string, force_new)
        root_directory          = optional(string, default("/"), force_new)
        transit_encryption      = optional(string, force_new, one_of("ENABLED", "DISABLED"))
        transit_encryption_port = optional(number, force_new)
        list "authorization_config" "0..1" force_new {
          access_point_id = optional(string, force_new)
          iam             = optional(string, force_new, one_of("ENABLED", "DISABLED"))
        }
      }
      list "fsx_windows_file_server_volume_configuration" "0..1" force_new {
        file_system_id = required(string, force_new)
        root_directory = required(string, force_new)
        list "authorization_config" "1" force_new {
          credentials_parameter = required(string, force_new)
          domain                = required(string, force_new)
        }
      }
      list "s3files_volume_configuration" "0..1" force_new {
        access_point_arn        = optional(string, force_new)
        file_system_arn         = required(string, force_new)
        root_directory          = optional(string, force_new)
        transit_encryption_port = optional(number, force_new)
      }
    }
  }
  create {
    call "RegisterTaskDefinition" {
      request = {
        family                  = self.family
        containerDefinitions    = api_names(jsondecode(self.container_definitions), "ecs", "RegisterTaskDefinition", "containerDefinitions")
        cpu                     = nonempty(self.cpu)
        memory                  = nonempty(self.memory)
        enableFaultInjection    = self.enable_fault_injection
        executionRoleArn        = nonempty(self.execution_role_arn)
        taskRoleArn             = nonempty(self.task_role_arn)
        ipcMode                 = nonempty(self.ipc_mode)
        pidMode                 = nonempty(self.pid_mode)
        networkMode             = nonempty(self.network_mode)
        requiresCompatibilities = nonempty([for each in self.requires_compatibilities : each])
        tags                    = tag_list(self.tags_all, "key", "value")
        ephemeralStorage        = [for s in self.ephemeral_storage : { sizeInGiB = s.size_in_gib }][0]
        placementConstraints    = nonempty([for c in self.placement_constraints : { expression = nonempty(c.expression), type = c.type }])
        runtimePlatform = [for p in self.runtime_platform : {
          cpuArchitecture       = nonempty(p.cpu_architecture)
          operatingSystemFamily = nonempty(p.operating_system_family)
        }][0]
        volumes = nonempty([for v in self.volume : {
          name               = v.name
          configuredAtLaunch = v.configure_at_launch ? true : null
          host               = nonempty(v.host_path) == null ? null : { sourcePath = v.host_path }
          dockerVolumeConfiguration = [for d in v.docker_volume_configuration : {
            autoprovision = d.scope == "shared" ? d.autoprovision : null
            driver        = nonempty(d.driver)
            driverOpts    = nonempty(d.driver_opts)
            labels        = nonempty(d.labels)
            scope         = nonempty(d.scope)
          }][0]
          efsVolumeConfiguration = [for e in v.efs_volume_configuration : {
            fileSystemId          = e.file_system_id
            rootDirectory         = nonempty(e.root_directory)
            transitEncryption     = nonempty(e.transit_encryption)
            transitEncryptionPort = e.transit_encryption_port
            authorizationConfig = [for a in e.authorization_config : {
              accessPointId = nonempty(a.access_point_id)
              iam           = nonempty(a.iam)
            }][0]
          }][0]
          fsxWindowsFileServerVolumeConfiguration = [for f in v.fsx_windows_file_server_volume_configuration : {
            fileSystemId  = f.file_system_id
            rootDirectory = f.root_directory
            authorizationConfig = [for a in f.authorization_config : {
              credentialsParameter = a.credentials_parameter
              domain               = a.domain
            }][0]
          }][0]
          s3filesVolumeConfiguration = [for s in v.s3files_volume_configuration : {
            accessPointArn        = nonempty(s.access_point_arn)
            fileSystemArn         = s.file_system_arn
            rootDirectory         = nonempty(s.root_directory)
            transitEncryptionPort = s.transit_encryption_port
          }][0]
        }])
      }
      id  = result.taskDefinition.family
      set = { arn = result.taskDefinition.taskDefinitionArn }
    }
  }
  read {
    call "DescribeTaskDefinition" {
      request = { taskDefinition = self.track_latest ? self.family : self.arn, include = ["TAGS"] }
      gone    = ["ClientException", "InvalidParameterException"]
    }
    gone {
      when = result.taskDefinition.status == "INACTIVE" || result.taskDefinition.status == "DELETE_IN_PROGRESS"
    }
    state = {
      arn                      = result.taskDefinition.taskDefinitionArn
      arn_without_revision     = trimsuffix(result.taskDefinition.taskDefinitionArn, ":${result.taskDefinition.revision}")
      family                   = result.taskDefinition.family
      revision                 = result.taskDefinition.revision
      container_definitions    = jsonencode(result.taskDefinition.containerDefinitions)
      cpu                      = result.taskDefinition.cpu
      memory                   = result.taskDefinition.memory
      enable_fault_injection   = fallback(result.taskDefinition.enableFaultInjection, false)
      execution_role_arn       = result.taskDefinition.executionRoleArn
      task_role_arn            = result.taskDefinition.taskRoleArn
      ipc_mode                 = result.taskDefinition.ipcMode
      pid_mode                 = result.taskDefinition.pidMode
      network_mode             = fallback(result.taskDefinition.networkMode, "")
      requires_compatibilities = result.taskDefinition.requiresCompatibilities
      tags                     = tag_map(result.tags, "key", "value")
      ephemeral_storage        = [for s in [result.taskDefinition.ephemeralStorage] : { size_in_gib = s.sizeInGiB } if s != null]
      placement_constraints    = [for c in result.taskDefinition.placementConstraints : { expression = c.expression, type = c.type }]
      runtime_platform = [for p in [result.taskDefinition.runtimePlatform] : {
        cpu_architecture        = p.cpuArchitecture
        operating_system_family = p.operatingSystemFamily
      } if p != null]
      volume = task_volumes(result.taskDefinition.volumes)
    }
  }
  update {}
  delete {
    call "DeregisterTaskDefinition" {
      when    = !self.skip_destroy
      request = { taskDefinition = self.arn }
      gone    = ["ClientException"]
    }
  }
  import {
    set {
      arn    = self.id
      family = split(":", element(split("/", self.id), -1))[0]
      id     = split(":", element(split("/", self.id), -1))[0]
    }
  }
  tags { resource = self.arn }
}

data "aws_ecs_task_definition" {
  service = "ecs"
  schema {
    task_definition          = required(string)
    arn                      = computed(string)
    arn_without_revision     = computed(string)
    container_definitions    = computed(string)
    cpu                      = computed(string)
    enable_fault_injection   = computed(bool)
    execution_role_arn       = computed(string)
    family                   = computed(string)
    ipc_mode                 = computed(string)
    memory                   = computed(string)
    network_mode             = computed(string)
    pid_mode                 = computed(string)
    requires_compatibilities = computed(set(string))
    revision                 = computed(number)
    status                   = computed(string)
    task_role_arn            = computed(string)
    ephemeral_storage        = computed(list(object({ size_in_gib = number })))
    inference_accelerator    = computed(set(object({ device_name = string, device_type = string })))
    placement_constraints    = computed(set(object({ expression = string, type = string })))
    proxy_configuration      = computed(list(object({ container_name = string, properties = map(string), type = string })))
    runtime_platform         = computed(list(object({ cpu_architecture = string, operating_system_family = string })))
    volume = computed(set(object({
      configure_at_launch         = bool
      host_path                   = string
      name                        = string
      docker_volume_configuration = list(object({ autoprovision = bool, driver = string, driver_opts = map(string), labels = map(string), scope = string }))
      efs_volume_configuration = list(object({
        authorization_config    = list(object({ access_point_id = string, iam = string }))
        file_system_id          = string
        root_directory          = string
        transit_encryption      = string
        transit_encryption_port = number
      }))
      fsx_windows_file_server_volume_configuration = list(object({
        authorization_config = list(object({ credentials_parameter = string, domain = string }))
        file_system_id       = string
        root_directory       = string
      }))
      s3files_volume_configuration = list(object({ access_point_arn = string, file_system_arn = string, root_directory = string, transit_encryption_port = number }))
    })))
  }
  read {
    call "DescribeTaskDefinition" {
      request = { taskDefinition = self.task_definition }
      id      = result.taskDefinition.taskDefinitionArn
    }
    state = {
      arn                      = result.taskDefinition.taskDefinitionArn
      arn_without_revision     = trimsuffix(result.taskDefinition.taskDefinitionArn, ":${result.taskDefinition.revision}")
      container_definitions    = jsonencode(result.taskDefinition.containerDefinitions)
      cpu                      = result.taskDefinition.cpu
      enable_fault_injection   = fallback(result.taskDefinition.enableFaultInjection, false)
      execution_role_arn       = result.taskDefinition.executionRoleArn
      family                   = result.taskDefinition.family
      ipc_mode                 = result.taskDefinition.ipcMode
      memory                   = result.taskDefinition.memory
      network_mode             = result.taskDefinition.networkMode
      pid_mode                 = result.taskDefinition.pidMode
      requires_compatibilities = result.taskDefinition.requiresCompatibilities
      revision                 = result.taskDefinition.revision
      status                   = result.taskDefinition.status
      task_role_arn            = result.taskDefinition.taskRoleArn
      ephemeral_storage        = [for s in [result.taskDefinition.ephemeralStorage] : { size_in_gib = s.sizeInGiB } if s != null]
      inference_accelerator    = []
      placement_constraints    = [for c in result.taskDefinition.placementConstraints : { expression = c.expression, type = c.type }]
      proxy_configuration      = []
      runtime_platform = [for p in [result.taskDefinition.runtimePlatform] : {
        cpu_architecture        = p.cpuArchitecture
        operating_system_family = p.operatingSystemFamily
      } if p != null]
      volume = task_volumes(result.taskDefinition.volumes)
    }
  }
}
