resource "aws_codestarconnections_connection" {
  service = "codestar-connections"
  schema {
    name              = required(string, force_new, length(1, 32))
    provider_type     = optional(string, computed, force_new, one_of("Bitbucket", "GitHub", "GitHubEnterpriseServer", "GitLab", "GitLabSelfManaged"), conflicts("host_arn"))
    host_arn          = optional(string, force_new, unsupported("hosts of connections are not implemented"))
    arn               = computed(string)
    connection_status = computed(string)
    tags              = tags()
  }
  use "connection_make" {}
  read {
    call "GetConnection" {
      request = { ConnectionArn = self.id }
      gone    = ["ResourceNotFoundException"]
    }
    state = {
      name              = result.Connection.ConnectionName
      provider_type     = result.Connection.ProviderType
      host_arn          = result.Connection.HostArn
      arn               = result.Connection.ConnectionArn
      connection_status = result.Connection.ConnectionStatus
    }
  }
  use "connection_end" {}
}

data "aws_codestarconnections_connection" {
  service = "codestar-connections"
  schema {
    arn               = optional(string, computed, conflicts("name"))
    name              = optional(string, computed)
    connection_status = computed(string)
    host_arn          = computed(string)
    provider_type     = computed(string)
    tags              = computed(map(string))
  }
  read {
    error {
      when    = self.arn == null && self.name == null
      summary = "Missing name"
      detail  = "One of arn and name must be set."
    }
    call "ListConnections" "listed" {
      when     = self.arn == null
      request  = { MaxResults = 100 }
      paginate = { input = "NextToken", output = "NextToken", items = "Connections" }
    }
    let { arn = self.arn == null ? [for c in listed.Connections : c.ConnectionArn if c.ConnectionName == self.name][0] : self.arn }
    error {
      when    = arn == null
      summary = "No such connection"
      detail  = "No connection is named ${fallback(self.name, "so")}."
    }
    call "GetConnection" {
      request = { ConnectionArn = arn }
      id      = result.Connection.ConnectionArn
    }
    let { connection = result.Connection }
    call "ListTagsForResource" "tagged" {
      request = { ResourceArn = arn }
    }
    state = {
      arn               = connection.ConnectionArn
      name              = connection.ConnectionName
      connection_status = connection.ConnectionStatus
      host_arn          = connection.HostArn
      provider_type     = connection.ProviderType
      tags              = tag_map(tagged.Tags)
    }
  }
}
