resource "aws_service_discovery_private_dns_namespace" {
  service = "servicediscovery"
  schema {
    name        = required(string, force_new, length(1, 253))
    vpc         = required(string, force_new)
    description = optional(string)
    arn         = computed(string)
    hosted_zone = computed(string)
    tags        = tags()
  }
  create {
    call "CreatePrivateDnsNamespace" "create" {
      request = {
        Name             = self.name
        Vpc              = self.vpc
        Description      = nonempty(self.description)
        CreatorRequestId = unique_id("terraform-")
        Tags             = nonempty(tag_list(self.tags_all, "Key", "Value"))
      }
    }
    wait "GetOperation" {
      request = { OperationId = create.OperationId }
      id      = result.Operation.Targets.NAMESPACE
      use "discovery_operation" {}
    }
  }
  read {
    call "GetNamespace" {
      request = { Id = self.id }
      gone    = ["NamespaceNotFound"]
    }
    state = {
      name        = result.Namespace.Name
      description = fallback(result.Namespace.Description, "")
      arn         = result.Namespace.Arn
      hosted_zone = result.Namespace.Properties.DnsProperties.HostedZoneId
    }
  }
  update {
    call "UpdatePrivateDnsNamespace" "update" {
      when = changed("description")
      request = {
        Id               = self.id
        Namespace        = { Description = fallback(self.description, "") }
        UpdaterRequestId = unique_id("terraform-")
      }
    }
    wait "GetOperation" {
      when    = update != null
      request = { OperationId = update.OperationId }
      use "discovery_operation" {}
    }
  }
  use "discovery_namespace_end" {}
  import {
    let { parts = split(":", self.id) }
    error {
      when    = length(parts) != 2
      summary = "Unexpected format of ID"
      detail  = "\"${self.id}\" should be NAMESPACE_ID:VPC_ID."
    }
    set {
      vpc = parts[1]
      id  = parts[0]
    }
  }
  tags {
    resource = "arn:${provider.partition}:servicediscovery:${self.region}:${provider.account_id}:namespace/${self.id}"
    read     = true
  }
}
