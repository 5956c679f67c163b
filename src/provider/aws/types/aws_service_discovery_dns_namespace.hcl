data "aws_service_discovery_dns_namespace" {
  service = "servicediscovery"
  schema {
    name        = required(string)
    type        = required(string, one_of("DNS_PUBLIC", "DNS_PRIVATE"))
    arn         = computed(string)
    description = computed(string)
    hosted_zone = computed(string)
    tags        = optional(map(string), computed)
  }
  read {
    call "ListNamespaces" "list" {
      request = {
        Filters = [{ Name = "TYPE", Values = [self.type], Condition = "EQ" }, { Name = "NAME", Values = [self.name], Condition = "EQ" }]
      }
      paginate = { input = "NextToken", output = "NextToken", items = "Namespaces" }
    }
    error {
      when    = length(list.Namespaces) != 1
      summary = length(list.Namespaces) == 0 ? "No such namespace" : "Several namespaces"
      detail  = "There are ${length(list.Namespaces)} namespaces of the type ${self.type} named \"${self.name}\"; one was expected."
    }
    call "ListTagsForResource" "tags" {
      request = { ResourceARN = list.Namespaces[0].Arn }
      id      = list.Namespaces[0].Id
    }
    state = {
      arn         = list.Namespaces[0].Arn
      description = list.Namespaces[0].Description
      hosted_zone = list.Namespaces[0].Properties.DnsProperties.HostedZoneId
      tags        = tag_map(tags.Tags, "Key", "Value")
    }
  }
}
