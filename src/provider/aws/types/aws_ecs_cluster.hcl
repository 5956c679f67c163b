resource "aws_ecs_cluster" {
  service = "ecs"
  schema {
    name = required(string, force_new, pattern("^[a-zA-Z0-9_-]{1,255}$"))
    arn  = computed(string)
    # Of majors 3 and 4 of the provider.
    capacity_providers = optional(set(string), computed, deprecated("use the aws_ecs_cluster_capacity_providers resource instead"))
    tags               = tags()
    set "default_capacity_provider_strategy" computed {
      capacity_provider = required(string)
      base              = optional(number, default(0))
      weight            = optional(number, default(0))
    }
    list "configuration" "0..1" {
      list "execute_command_configuration" "0..1" {
        kms_key_id = optional(string)
        logging    = optional(string, default("DEFAULT"), one_of("NONE", "DEFAULT", "OVERRIDE"))
        list "log_configuration" "0..1" {
          cloud_watch_encryption_enabled = optional(bool)
          cloud_watch_log_group_name     = optional(string)
          s3_bucket_name                 = optional(string)
          s3_bucket_encryption_enabled   = optional(bool)
          s3_key_prefix                  = optional(string)
        }
      }
      list "managed_storage_configuration" "0..1" {
        fargate_ephemeral_storage_kms_key_id = optional(string)
        kms_key_id                           = optional(string)
      }
    }
    list "service_connect_defaults" "0..1" {
      namespace = required(string, arn())
    }
    set "setting" computed {
      name  = required(string, one_of("containerInsights"))
      value = required(string)
    }
  }
  create {
    call "CreateCluster" {
      request = {
        clusterName       = self.name
        capacityProviders = nonempty([for p in config.capacity_providers : p])
        defaultCapacityProviderStrategy = nonempty([for s in config.default_capacity_provider_strategy : {
          capacityProvider = s.capacity_provider
          base             = s.base
          weight           = s.weight
        }])
        settings = nonempty([for each in self.setting : { name = each.name, value = each.value }])
        tags     = tag_list(self.tags_all, "key", "value")
        configuration = [for c in self.configuration : {
          executeCommandConfiguration = [for e in c.execute_command_configuration : {
            kmsKeyId = nonempty(e.kms_key_id)
            logging  = e.logging
            logConfiguration = [for l in e.log_configuration : {
              cloudWatchEncryptionEnabled = l.cloud_watch_encryption_enabled
              cloudWatchLogGroupName      = nonempty(l.cloud_watch_log_group_name)
              s3BucketName                = nonempty(l.s3_bucket_name)
              s3EncryptionEnabled         = l.s3_bucket_encryption_enabled
              s3KeyPrefix                 = nonempty(l.s3_key_prefix)
            }][0]
          }][0]
          managedStorageConfiguration = [for m in c.managed_storage_configuration : {
            fargateEphemeralStorageKmsKeyId = nonempty(m.fargate_ephemeral_storage_kms_key_id)
            kmsKeyId                        = nonempty(m.kms_key_id)
          }][0]
        }][0]
        serviceConnectDefaults = [for d in self.service_connect_defaults : { namespace = d.namespace }][0]
      }
      id = result.cluster.clusterArn
    }
    wait "DescribeClusters" {
      request = { clusters = [self.id] }
      value   = result.clusters[0].status
      pending = ["PROVISIONING"]
      target  = ["ACTIVE"]
    }
  }
  read {
    call "DescribeClusters" {
      request = { clusters = [self.id], include = ["TAGS", "CONFIGURATIONS", "SETTINGS"] }
      gone    = ["ClusterNotFoundException"]
    }
    gone {
      when = result.clusters[0] == null || result.clusters[0].status == "INACTIVE"
    }
    state = {
      name               = result.clusters[0].clusterName
      arn                = result.clusters[0].clusterArn
      tags               = tag_map(result.clusters[0].tags, "key", "value")
      capacity_providers = result.clusters[0].capacityProviders
      default_capacity_provider_strategy = [for s in result.clusters[0].defaultCapacityProviderStrategy : {
        capacity_provider = s.capacityProvider
        base              = fallback(s.base, 0)
        weight            = fallback(s.weight, 0)
      }]
      setting = [for each in result.clusters[0].settings : { name = each.name, value = each.value }]
      configuration = [for c in [result.clusters[0].configuration] : {
        execute_command_configuration = [for e in [c.executeCommandConfiguration] : {
          kms_key_id = e.kmsKeyId
          logging    = e.logging
          log_configuration = [for l in [e.logConfiguration] : {
            cloud_watch_encryption_enabled = l.cloudWatchEncryptionEnabled
            cloud_watch_log_group_name     = l.cloudWatchLogGroupName
            s3_bucket_name                 = l.s3BucketName
            s3_bucket_encryption_enabled   = l.s3EncryptionEnabled
            s3_key_prefix                  = l.s3KeyPrefix
          } if l != null]
        } if e != null]
        managed_storage_configuration = [for m in [c.managedStorageConfiguration] : {
          fargate_ephemeral_storage_kms_key_id = m.fargateEphemeralStorageKmsKeyId
          kms_key_id                           = m.kmsKeyId
        } if m != null]
      } if c != null]
      service_connect_defaults = [for d in [result.clusters[0].serviceConnectDefaults] : { namespace = d.namespace } if d != null]
    }
  }
  update {
    call "PutClusterCapacityProviders" {
      when = changed("capacity_providers", "default_capacity_provider_strategy")
      request = {
        cluster           = self.id
        capacityProviders = [for p in self.capacity_providers : p]
        defaultCapacityProviderStrategy = [for s in self.default_capacity_provider_strategy : {
          capacityProvider = s.capacity_provider
          base             = s.base
          weight           = s.weight
        }]
      }
    }
    call "UpdateCluster" {
      when = changed("setting", "configuration", "service_connect_defaults")
      request = {
        cluster  = self.id
        settings = nonempty([for each in self.setting : { name = each.name, value = each.value }])
        configuration = [for c in self.configuration : {
          executeCommandConfiguration = [for e in c.execute_command_configuration : {
            kmsKeyId = nonempty(e.kms_key_id)
            logging  = e.logging
            logConfiguration = [for l in e.log_configuration : {
              cloudWatchEncryptionEnabled = l.cloud_watch_encryption_enabled
              cloudWatchLogGroupName      = nonempty(l.cloud_watch_log_group_name)
              s3BucketName                = nonempty(l.s3_bucket_name)
              s3EncryptionEnabled         = l.s3_bucket_encryption_enabled
              s3KeyPrefix                 = nonempty(l.s3_key_prefix)
            }][0]
          }][0]
          managedStorageConfiguration = [for m in c.managed_storage_configuration : {
            fargateEphemeralStorageKmsKeyId = nonempty(m.fargate_ephemeral_storage_kms_key_id)
            kmsKeyId                        = nonempty(m.kms_key_id)
          }][0]
        }][0]
        serviceConnectDefaults = [for d in self.service_connect_defaults : { namespace = d.namespace }][0]
      }
    }
  }
  delete {
    call "DeleteCluster" {
      request = { cluster = self.id }
      gone    = ["ClusterNotFoundException"]
      retry "ClusterContainsContainerInstancesException" { timeout = "10m" }
      retry "ClusterContainsServicesException" { timeout = "10m" }
      retry "ClusterContainsTasksException" { timeout = "10m" }
      retry "UpdateInProgressException" { timeout = "10m" }
    }
  }
  import {
    set { name = self.id }
  }
  tags { resource = self.arn }
}

data "aws_ecs_cluster" {
  service = "ecs"
  schema {
    cluster_name                         = required(string)
    arn                                  = computed(string)
    pending_tasks_count                  = computed(number)
    registered_container_instances_count = computed(number)
    running_tasks_count                  = computed(number)
    status                               = computed(string)
    tags                                 = computed(map(string))
    list "service_connect_defaults" computed {
      namespace = computed(string)
    }
    set "setting" computed {
      name  = computed(string)
      value = computed(string)
    }
  }
  read {
    call "DescribeClusters" {
      request = { clusters = [self.cluster_name], include = ["TAGS", "CONFIGURATIONS", "SETTINGS"] }
      id      = result.clusters[0].clusterArn
    }
    error {
      when    = result.clusters[0] == null || result.clusters[0].status == "INACTIVE"
      summary = "No such cluster"
      detail  = "There is no active ECS cluster named \"${self.cluster_name}\"."
    }
    state = {
      arn                                  = result.clusters[0].clusterArn
      pending_tasks_count                  = result.clusters[0].pendingTasksCount
      registered_container_instances_count = result.clusters[0].registeredContainerInstancesCount
      running_tasks_count                  = result.clusters[0].runningTasksCount
      status                               = result.clusters[0].status
      tags                                 = tag_map(result.clusters[0].tags, "key", "value")
      setting                              = [for each in result.clusters[0].settings : { name = each.name, value = each.value }]
      service_connect_defaults             = [for d in [result.clusters[0].serviceConnectDefaults] : { namespace = d.namespace } if d != null]
    }
  }
}
