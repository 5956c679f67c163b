resource "aws_service_discovery_service" {
  service = "servicediscovery"
  schema {
    name          = required(string, force_new)
    description   = optional(string)
    namespace_id  = optional(string, computed, force_new)
    type          = optional(string, computed, force_new, one_of("HTTP"))
    force_destroy = optional(bool, default(false), local_only)
    arn           = computed(string)
    tags          = tags()
    list "dns_config" "0..1" {
      namespace_id   = required(string, force_new)
      routing_policy = optional(string, default("MULTIVALUE"), force_new, one_of("MULTIVALUE", "WEIGHTED"))
      list "dns_records" "1.." {
        ttl  = required(number)
        type = required(string, force_new, one_of("SRV", "A", "AAAA", "CNAME"))
      }
    }
    list "health_check_config" "0..1" "unsupported: Route 53 health checks are for public DNS namespaces, which are not served; use health_check_custom_config" {
      failure_threshold = optional(number, range(1, 10))
      resource_path     = optional(string)
      type              = optional(string, force_new, one_of("HTTP", "HTTPS", "TCP"))
    }
    list "health_check_custom_config" "0..1" force_new {
      failure_threshold = optional(number, computed, force_new, range(1, 10))
    }
  }
  create {
    call "CreateService" {
      request = {
        Name             = self.name
        Description      = nonempty(self.description)
        NamespaceId      = nonempty(self.namespace_id)
        Type             = nonempty(self.type)
        CreatorRequestId = unique_id("terraform-")
        Tags             = nonempty(tag_list(self.tags_all, "Key", "Value"))
        DnsConfig = [for c in self.dns_config : {
          NamespaceId   = c.namespace_id
          RoutingPolicy = c.routing_policy
          DnsRecords    = [for r in c.dns_records : { Type = r.type, TTL = r.ttl }]
        }][0]
        HealthCheckCustomConfig = [for c in self.health_check_custom_config : { FailureThreshold = fallback(c.failure_threshold, 1) }][0]
      }
      id = result.Service.Id
    }
  }
  read {
    call "GetService" {
      request = { Id = self.id }
      gone    = ["ServiceNotFound"]
    }
    state = {
      name         = result.Service.Name
      description  = fallback(result.Service.Description, "")
      namespace_id = result.Service.NamespaceId
      type         = result.Service.Type
      arn          = result.Service.Arn
      dns_config = [for c in [result.Service.DnsConfig] : {
        namespace_id   = c.NamespaceId
        routing_policy = c.RoutingPolicy
        dns_records    = [for r in c.DnsRecords : { type = r.Type, ttl = r.TTL }]
      } if c != null]
      health_check_custom_config = [for c in [result.Service.HealthCheckCustomConfig] : {
        failure_threshold = c.FailureThreshold
      } if c != null]
    }
  }
  update {
    call "UpdateService" "update" {
      when = changed("description", "dns_config")
      request = {
        Id = self.id
        Service = {
          Description = fallback(self.description, "")
          DnsConfig = [for c in self.dns_config : {
            DnsRecords = [for r in c.dns_records : { Type = r.type, TTL = r.ttl }]
          }][0]
        }
      }
    }
    wait "GetOperation" {
      when    = update != null
      request = { OperationId = update.OperationId }
      use "discovery_operation" {}
    }
  }
  delete {
    call "ListInstances" "instances" {
      when     = self.force_destroy == true
      request  = { ServiceId = self.id }
      paginate = { input = "NextToken", output = "NextToken", items = "Instances" }
      gone     = ["ServiceNotFound"]
    }
    call "DeregisterInstance" {
      for_each = instances.Instances
      request  = { ServiceId = self.id, InstanceId = each.value.Id }
      ignore   = ["InstanceNotFound"]
    }
    call "DeleteService" {
      request = { Id = self.id }
      gone    = ["ServiceNotFound"]
      retry "ResourceInUse" { timeout = "2m" }
    }
  }
  tags {
    resource = "arn:${provider.partition}:servicediscovery:${self.region}:${provider.account_id}:service/${self.id}"
    read     = true
  }
}

data "aws_service_discovery_service" {
  service = "servicediscovery"
  schema {
    name         = required(string)
    namespace_id = required(string)
    arn          = computed(string)
    description  = computed(string)
    tags         = optional(map(string), computed)
    tags_all     = computed(map(string))
    list "dns_config" computed {
      namespace_id   = computed(string)
      routing_policy = computed(string)
      list "dns_records" computed {
        ttl  = computed(number)
        type = computed(string)
      }
    }
    list "health_check_config" computed {
      failure_threshold = computed(number)
      resource_path     = computed(string)
      type              = computed(string)
    }
    list "health_check_custom_config" computed {
      failure_threshold = computed(number)
    }
  }
  read {
    call "ListServices" "list" {
      request  = { Filters = [{ Name = "NAMESPACE_ID", Values = [self.namespace_id], Condition = "EQ" }] }
      paginate = { input = "NextToken", output = "NextToken", items = "Services" }
    }
    let { found = [for s in list.Services : s if s.Name == self.name] }
    error {
      when    = length(found) != 1
      summary = "No such service"
      detail  = "There is no Cloud Map service named \"${self.name}\" in the namespace ${self.namespace_id}."
    }
    call "ListTagsForResource" "tags" {
      request = { ResourceARN = found[0].Arn }
      id      = found[0].Id
    }
    state = {
      arn         = found[0].Arn
      description = found[0].Description
      tags        = tag_map(tags.Tags, "Key", "Value")
      tags_all    = tag_map(tags.Tags, "Key", "Value")
      dns_config = [for c in [found[0].DnsConfig] : {
        namespace_id   = self.namespace_id
        routing_policy = c.RoutingPolicy
        dns_records    = [for r in c.DnsRecords : { type = r.Type, ttl = r.TTL }]
      } if c != null]
      health_check_config = [for c in [found[0].HealthCheckConfig] : {
        failure_threshold = c.FailureThreshold
        resource_path     = c.ResourcePath
        type              = c.Type
      } if c != null]
      health_check_custom_config = [for c in [found[0].HealthCheckCustomConfig] : {
        failure_threshold = c.FailureThreshold
      } if c != null]
    }
  }
}
