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
    secret_arn               = computed(string)
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
      secret_arn           = result.ARN
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

data "aws_secretsmanager_secret_version" {
  service = "secretsmanager"
  schema {
    secret_id      = required(string)
    version_id     = optional(string, computed)
    version_stage  = optional(string)
    arn            = computed(string)
    created_date   = computed(string)
    secret_arn     = computed(string)
    secret_binary  = computed(string, sensitive)
    secret_string  = computed(string, sensitive)
    version_stages = computed(set(string))
  }
  read {
    let { stage = fallback(config.version_stage, "AWSCURRENT") }
    call "GetSecretValue" {
      request = {
        SecretId     = config.secret_id
        VersionId    = nonempty(config.version_id)
        VersionStage = nonempty(config.version_id) == null ? stage : null
      }
      id = "${config.secret_id}|${fallback(nonempty(config.version_id), stage)}"
    }
    state = {
      version_stage  = stage
      version_id     = result.VersionId
      arn            = result.ARN
      secret_arn     = result.ARN
      created_date   = result.CreatedDate == null ? "" : formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("1970-01-01T00:00:00Z", "${floor(result.CreatedDate)}s"))
      secret_string  = fallback(result.SecretString, "")
      secret_binary  = result.SecretBinary == null ? "" : base64encode(result.SecretBinary)
      version_stages = result.VersionStages
    }
  }
}

data "aws_secretsmanager_secret_versions" {
  service = "secretsmanager"
  schema {
    secret_id          = required(string)
    include_deprecated = optional(bool)
    arn                = computed(string)
    name               = computed(string)
    secret_arn         = computed(string)
    secret_name        = computed(string)
    list "versions" computed {
      created_time       = computed(string)
      last_accessed_date = computed(string)
      version_id         = computed(string)
      version_stages     = computed(list(string))
    }
  }
  read {
    call "ListSecretVersionIds" {
      request  = { SecretId = self.secret_id, IncludeDeprecated = self.include_deprecated }
      paginate = { input = "NextToken", output = "NextToken", items = "Versions" }
      id       = self.secret_id
    }
    state = {
      arn         = result.ARN
      name        = result.Name
      secret_arn  = result.ARN
      secret_name = result.Name
      versions = [for v in result.Versions : {
        created_time       = v.CreatedDate == null ? "" : formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("1970-01-01T00:00:00Z", "${floor(v.CreatedDate)}s"))
        last_accessed_date = v.LastAccessedDate == null ? "" : formatdate("YYYY-MM-DD", timeadd("1970-01-01T00:00:00Z", "${floor(v.LastAccessedDate)}s"))
        version_id         = v.VersionId
        version_stages     = v.VersionStages
      }]
    }
  }
}

data "aws_secretsmanager_random_password" {
  service = "secretsmanager"
  schema {
    exclude_characters         = optional(string)
    exclude_lowercase          = optional(bool)
    exclude_numbers            = optional(bool)
    exclude_punctuation        = optional(bool)
    exclude_uppercase          = optional(bool)
    include_space              = optional(bool)
    password_length            = optional(number, range(1, 4096))
    require_each_included_type = optional(bool)
    random_password            = computed(string, sensitive)
  }
  read {
    call "GetRandomPassword" {
      request = {
        ExcludeCharacters       = self.exclude_characters
        ExcludeLowercase        = self.exclude_lowercase
        ExcludeNumbers          = self.exclude_numbers
        ExcludePunctuation      = self.exclude_punctuation
        ExcludeUppercase        = self.exclude_uppercase
        IncludeSpace            = self.include_space
        PasswordLength          = fallback(self.password_length, 32)
        RequireEachIncludedType = self.require_each_included_type
      }
      id = provider.region
    }
    state = { random_password = result.RandomPassword }
  }
}
