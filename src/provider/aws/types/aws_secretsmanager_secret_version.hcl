resource "aws_secretsmanager_secret_version" {
  service = "secretsmanager"
  schema {
    secret_id                = required(string, force_new)
    secret_string            = optional(string, sensitive, force_new, conflicts("secret_binary"))
    secret_binary            = optional(string, sensitive, force_new)
    secret_string_wo         = optional(string, sensitive, write_only)
    secret_string_wo_version = optional(number, force_new)
    version_stages           = optional(set(string), computed)
    arn                      = computed(string)
    version_id               = computed(string)
    has_secret_string_wo     = computed(bool)
  }
  create {
    call "PutSecretValue" {
      request = {
        SecretId           = self.secret_id
        ClientRequestToken = uuid()
        SecretString       = fallback(self.secret_string, config.secret_string_wo)
        SecretBinary       = self.secret_binary == null ? null : base64decode(self.secret_binary)
        VersionStages      = nonempty([for s in config.version_stages : s])
      }
      id = "${self.secret_id}|${result.VersionId}"
    }
  }
  read {
    let { parts = split("|", self.id) }
    call "GetSecretValue" {
      request = { SecretId = parts[0], VersionId = parts[1] }
      gone    = ["ResourceNotFoundException", "InvalidRequestException"]
    }
    state = {
      secret_id            = parts[0]
      version_id           = result.VersionId
      arn                  = result.ARN
      secret_string        = self.secret_string_wo_version == null ? fallback(result.SecretString, "") : ""
      secret_binary        = result.SecretBinary == null ? "" : base64encode(result.SecretBinary)
      version_stages       = result.VersionStages
      has_secret_string_wo = self.secret_string_wo_version != null
    }
  }
  update {
    let { parts = split("|", self.id) }
    call "UpdateSecretVersionStage" {
      for_each = removed("version_stages")
      when     = each.value != "AWSCURRENT"
      request  = { SecretId = parts[0], VersionStage = each.value, RemoveFromVersionId = parts[1] }
    }
    call "ListSecretVersionIds" "versions" {
      request = { SecretId = parts[0] }
    }
    call "UpdateSecretVersionStage" {
      for_each = added("version_stages")
      request = {
        SecretId            = parts[0]
        VersionStage        = each.value
        MoveToVersionId     = parts[1]
        RemoveFromVersionId = [for v in versions.Versions : v.VersionId if contains(v.VersionStages, each.value)][0]
      }
    }
  }
  delete {
    let { parts = split("|", self.id) }
    call "UpdateSecretVersionStage" {
      for_each = self.version_stages
      when     = each.value != "AWSCURRENT"
      request  = { SecretId = parts[0], VersionStage = each.value, RemoveFromVersionId = parts[1] }
      ignore   = ["ResourceNotFoundException", "InvalidRequestException"]
    }
  }
}
