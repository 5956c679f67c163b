resource "aws_ecs_cluster_capacity_providers" {
  service = "ecs"
  schema {
    cluster_name       = required(string, force_new)
    capacity_providers = optional(set(string))
    set "default_capacity_provider_strategy" {
      base              = optional(number, default(0), range(0, 100000))
      capacity_provider = required(string)
      weight            = optional(number, default(0), range(0, 1000))
    }
  }
  create {
    call "PutClusterCapacityProviders" {
      request = {
        cluster           = self.cluster_name
        capacityProviders = [for p in self.capacity_providers : p]
        defaultCapacityProviderStrategy = [for s in self.default_capacity_provider_strategy : {
          base = s.base, capacityProvider = s.capacity_provider, weight = s.weight
        }]
      }
      id = self.cluster_name
      retry "UpdateInProgressException" { timeout = "10m" }
    }
  }
  read {
    call "DescribeClusters" {
      request = { clusters = [self.id] }
    }
    gone {
      when = result.clusters[0] == null || result.clusters[0].status == "INACTIVE"
    }
    state = {
      cluster_name       = result.clusters[0].clusterName
      capacity_providers = result.clusters[0].capacityProviders
      default_capacity_provider_strategy = [for s in result.clusters[0].defaultCapacityProviderStrategy : {
        base = s.base, capacity_provider = s.capacityProvider, weight = s.weight
      }]
    }
  }
  update {
    call "PutClusterCapacityProviders" {
      request = {
        cluster           = self.cluster_name
        capacityProviders = [for p in self.capacity_providers : p]
        defaultCapacityProviderStrategy = [for s in self.default_capacity_provider_strategy : {
          base = s.base, capacityProvider = s.capacity_provider, weight = s.weight
        }]
      }
      retry "UpdateInProgressException" { timeout = "10m" }
    }
  }
  delete {
    call "PutClusterCapacityProviders" {
      request = { cluster = self.cluster_name, capacityProviders = [], defaultCapacityProviderStrategy = [] }
      gone    = ["ClusterNotFoundException"]
      retry "UpdateInProgressException" { timeout = "10m" }
      retry "ResourceInUseException" { timeout = "10m" }
    }
  }
  import {
    set { cluster_name = self.id }
  }
}
