resource "aws_service_discovery_http_namespace" {
  service = "servicediscovery"
  schema {
    name        = required(string, force_new, length(1, 1024))
    description = optional(string, length(0, 1024))
    arn         = computed(string)
    http_name   = computed(string)
    tags        = tags()
  }
  create {
    call "CreateHttpNamespace" "create" {
      request = {
        Name             = self.name
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
      http_name   = result.Namespace.Properties.HttpProperties.HttpName
    }
  }
  update {
    call "UpdateHttpNamespace" "update" {
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
  tags {
    resource = "arn:${provider.partition}:servicediscovery:${self.region}:${provider.account_id}:namespace/${self.id}"
    read     = true
  }
}

data "aws_service_discovery_http_namespace" {
  service = "servicediscovery"
  schema {
    name        = required(string)
    arn         = computed(string)
    description = computed(string)
    http_name   = computed(string)
    tags        = optional(map(string), computed)
  }
  read {
    call "ListNamespaces" "list" {
      request = {
        Filters = [{ Name = "TYPE", Values = ["HTTP"], Condition = "EQ" }, { Name = "NAME", Values = [self.name], Condition = "EQ" }]
      }
      paginate = { input = "NextToken", output = "NextToken", items = "Namespaces" }
    }
    error {
      when    = length(list.Namespaces) != 1
      summary = "No such namespace"
      detail  = "There is no HTTP namespace named \"${self.name}\"."
    }
    call "ListTagsForResource" "tags" {
      request = { ResourceARN = list.Namespaces[0].Arn }
      id      = list.Namespaces[0].Id
    }
    state = {
      arn         = list.Namespaces[0].Arn
      description = list.Namespaces[0].Description
      http_name   = list.Namespaces[0].Properties.HttpProperties.HttpName
      tags        = tag_map(tags.Tags, "Key", "Value")
    }
  }
}
