resource "aws_codeconnections_connection" {
  service = "codeconnections"
  schema {
    name              = required(string, force_new, length(1, 32))
    provider_type     = optional(string, computed, force_new, one_of("AzureDevOps", "Bitbucket", "GitHub", "GitHubEnterpriseServer", "GitLab", "GitLabSelfManaged"), conflicts("host_arn"))
    host_arn          = optional(string, force_new, unsupported("hosts of connections are not implemented"))
    arn               = computed(string)
    connection_status = computed(string)
    owner_account_id  = computed(string)
    tags              = tags()
    timeouts "create" "update" "delete" {}
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
      owner_account_id  = result.Connection.OwnerAccountId
    }
  }
  use "connection_end" {}
}
