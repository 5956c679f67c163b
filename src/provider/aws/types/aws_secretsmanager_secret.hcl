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
    tags                           = tags()
    set "replica" "unsupported: secrets are not replicated to other regions" {
      region     = required(string)
      kms_key_id = optional(string, computed)
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
