resource "aws_secretsmanager_secret" {
  service = "secretsmanager"
  schema {
    name                           = optional(string, computed, force_new, conflicts("name_prefix"), length(1, 512))
    name_prefix                    = optional(string, computed, force_new)
    description                    = optional(string)
    kms_key_id                     = optional(string)
    policy                         = optional(string, computed, json(), equal("policy"))
    recovery_window_in_days        = optional(number, default(30), local_only)
    force_overwrite_replica_secret = optional(bool, default(false), local_only)
    arn                            = computed(string)
    rotation_enabled               = computed(bool)
    rotation_lambda_arn            = optional(string, unsupported("secrets are not rotated"))
    type                           = optional(string, unsupported("secrets are not managed by partners"))
    tags                           = tags()
    list "rotation_rules" "0..1" "unsupported: secrets are not rotated" {
      automatically_after_days = required(number)
    }
    set "replica" "unsupported: secrets are not replicated to other regions" {
      region             = required(string)
      kms_key_id         = optional(string, computed)
      last_accessed_date = computed(string)
      status             = computed(string)
      status_message     = computed(string)
    }
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "CreateSecret" {
      request = {
        Name        = self.name
        Description = nonempty(self.description)
        KmsKeyId    = nonempty(self.kms_key_id)
        Tags        = nonempty(tag_list(self.tags_all, "Key", "Value"))
      }
      id = result.ARN
      retry "InvalidRequestException" {
        message = "scheduled for deletion"
        timeout = "30s"
      }
    }
    call "PutResourcePolicy" {
      when    = nonempty(config.policy) != null
      request = { SecretId = self.id, ResourcePolicy = config.policy }
    }
  }
  read {
    call "DescribeSecret" "secret" {
      request = { SecretId = self.id }
      gone    = ["ResourceNotFoundException"]
    }
    gone { when = secret.DeletedDate != null }
    call "GetResourcePolicy" "policy" {
      request = { SecretId = self.id }
    }
    state = {
      arn              = secret.ARN
      name             = secret.Name
      name_prefix      = fallback(self.name_prefix, "")
      description      = fallback(secret.Description, "")
      kms_key_id       = fallback(secret.KmsKeyId, "")
      policy           = fallback(policy.ResourcePolicy, "")
      rotation_enabled = secret.RotationEnabled == true
      tags             = tag_map(secret.Tags, "Key", "Value")
    }
  }
  update {
    call "UpdateSecret" {
      when = changed("description", "kms_key_id")
      request = {
        SecretId    = self.id
        Description = fallback(self.description, "")
        KmsKeyId    = nonempty(self.kms_key_id)
      }
    }
    call "PutResourcePolicy" {
      when    = changed("policy") && nonempty(self.policy) != null
      request = { SecretId = self.id, ResourcePolicy = self.policy }
    }
    call "DeleteResourcePolicy" {
      when    = changed("policy") && nonempty(self.policy) == null
      request = { SecretId = self.id }
    }
  }
  delete {
    call "DeleteSecret" {
      request = {
        SecretId                   = self.id
        ForceDeleteWithoutRecovery = self.recovery_window_in_days == 0 ? true : null
        RecoveryWindowInDays       = self.recovery_window_in_days == 0 ? null : fallback(self.recovery_window_in_days, 30)
      }
      gone = ["ResourceNotFoundException"]
    }
  }
  import {
    set { recovery_window_in_days = 30 }
  }
  tags { resource = self.id }
}

data "aws_secretsmanager_secret" {
  service = "secretsmanager"
  schema {
    arn                 = optional(string, computed, arn(), conflicts("name"))
    name                = optional(string, computed)
    created_date        = computed(string)
    description         = computed(string)
    kms_key_id          = computed(string)
    last_changed_date   = computed(string)
    policy              = computed(string)
    rotation_enabled    = computed(bool)
    rotation_lambda_arn = computed(string)
    rotation_rules      = computed(list(object({ automatically_after_days = number, duration = string, schedule_expression = string })))
    tags                = computed(map(string))
    type                = computed(string)
  }
  validate {
    error {
      when    = config.arn == null && config.name == null
      summary = "Missing required argument"
      detail  = "One of arn and name must be set."
    }
  }
  read {
    call "DescribeSecret" "secret" {
      request = { SecretId = fallback(config.arn, config.name) }
      id      = result.ARN
    }
    error {
      when    = secret.DeletedDate != null
      summary = "No such secret"
      detail  = "The secret ${fallback(config.arn, config.name)} is scheduled for deletion."
    }
    call "GetResourcePolicy" "policy" {
      request = { SecretId = secret.ARN }
    }
    state = {
      arn                 = secret.ARN
      name                = secret.Name
      created_date        = secret.CreatedDate == null ? "" : formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("1970-01-01T00:00:00Z", "${floor(secret.CreatedDate)}s"))
      last_changed_date   = secret.LastChangedDate == null ? "" : formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("1970-01-01T00:00:00Z", "${floor(secret.LastChangedDate)}s"))
      description         = fallback(secret.Description, "")
      kms_key_id          = fallback(secret.KmsKeyId, "")
      policy              = fallback(policy.ResourcePolicy, "")
      rotation_enabled    = secret.RotationEnabled == true
      rotation_lambda_arn = ""
      rotation_rules      = []
      tags                = tag_map(secret.Tags)
      type                = fallback(secret.Type, "")
    }
  }
}

data "aws_secretsmanager_secrets" {
  service = "secretsmanager"
  schema {
    arns  = computed(set(string))
    names = computed(set(string))
    use "filters" {}
  }
  read {
    call "ListSecrets" {
      request  = { Filters = nonempty([for f in config.filter : { Key = f.name, Values = [for v in f.values : v] }]) }
      paginate = { input = "NextToken", output = "NextToken", items = "SecretList" }
      id       = provider.region
    }
    state = {
      arns  = [for s in result.SecretList : s.ARN]
      names = [for s in result.SecretList : s.Name]
    }
  }
}

resource "aws_secretsmanager_secret_policy" {
  service = "secretsmanager"
  schema {
    secret_arn          = required(string, force_new, arn())
    policy              = required(string, json(), equal("policy"))
    block_public_policy = optional(bool, local_only)
  }
  create {
    call "PutResourcePolicy" {
      request = { SecretId = self.secret_arn, ResourcePolicy = self.policy, BlockPublicPolicy = self.block_public_policy }
      id      = result.ARN
    }
  }
  read {
    call "GetResourcePolicy" {
      request = { SecretId = self.id }
      gone    = ["ResourceNotFoundException"]
    }
    gone { when = nonempty(result.ResourcePolicy) == null }
    state = {
      secret_arn = result.ARN
      policy     = result.ResourcePolicy
    }
  }
  update {
    call "PutResourcePolicy" {
      request = { SecretId = self.id, ResourcePolicy = self.policy, BlockPublicPolicy = self.block_public_policy }
    }
  }
  delete {
    call "DeleteResourcePolicy" {
      request = { SecretId = self.id }
      gone    = ["ResourceNotFoundException"]
    }
  }
}
