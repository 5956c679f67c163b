resource "aws_ssm_parameter" {
  service = "ssm"
  schema {
    name             = required(string, force_new, length(1, 2048))
    type             = required(string, one_of("String", "StringList", "SecureString"))
    value            = optional(string, computed, sensitive, conflicts("insecure_value", "value_wo"))
    insecure_value   = optional(string, computed, conflicts("value", "value_wo"))
    value_wo         = optional(string, sensitive, write_only)
    value_wo_version = optional(number)
    description      = optional(string, length(0, 1024))
    allowed_pattern  = optional(string, length(0, 1024))
    data_type        = optional(string, computed, one_of("text", "aws:ec2:image", "aws:ssm:integration"))
    key_id           = optional(string, computed)
    overwrite        = optional(bool, local_only, deprecated("it is true for every update, and needed at creation only to take over a parameter that is there"))
    tier             = optional(string, default("Standard"), one_of("Standard", "Advanced", "Intelligent-Tiering"))
    arn              = optional(string, computed)
    has_value_wo     = computed(bool)
    version          = computed(number, changes_with("value", "insecure_value", "value_wo_version", "description", "type", "tier", "allowed_pattern", "key_id", "data_type"))
    tags             = tags()
  }
  validate {
    error {
      when    = config.value == null && config.insecure_value == null && config.value_wo == null
      summary = "Missing value"
      detail  = "One of value, insecure_value and value_wo must be set."
    }
    error {
      when    = self.type == "SecureString" && config.insecure_value != null
      summary = "Invalid value"
      detail  = "A SecureString takes value or value_wo, never insecure_value."
    }
  }
  plan {
    replace "tier" {
      when = prior != null && prior.tier == "Advanced" && self.tier == "Standard"
    }
  }
  create {
    call "PutParameter" {
      request = {
        Name           = self.name
        Type           = self.type
        Value          = fallback(config.value, config.insecure_value, config.value_wo)
        Description    = nonempty(self.description)
        AllowedPattern = nonempty(self.allowed_pattern)
        DataType       = nonempty(self.data_type)
        KeyId          = self.type == "SecureString" ? nonempty(self.key_id) : null
        Tier           = self.tier
        Overwrite      = self.overwrite == true
        Tags           = self.overwrite == true ? null : nonempty(tag_list(self.tags_all))
      }
      id = self.name
    }
    call "AddTagsToResource" {
      when    = self.overwrite == true && nonempty(self.tags_all) != null
      request = { ResourceType = "Parameter", ResourceId = self.id, Tags = tag_list(self.tags_all) }
    }
  }
  read {
    call "GetParameter" {
      request = { Name = self.id, WithDecryption = true }
      gone    = ["ParameterNotFound"]
    }
    let {
      parameter = result.Parameter
      unread    = self.value_wo_version != null
      insecure  = self.insecure_value != null && result.Parameter.Type != "SecureString"
    }
    call "DescribeParameters" {
      request = { ParameterFilters = [{ Key = "Name", Option = "Equals", Values = [self.id] }] }
    }
    let { detail = result.Parameters[0] }
    gone { when = detail == null }
    state = {
      name            = parameter.Name
      type            = parameter.Type
      value           = unread || insecure ? (unread ? "" : parameter.Value) : parameter.Value
      insecure_value  = insecure && !unread ? parameter.Value : null
      has_value_wo    = unread
      arn             = parameter.ARN
      version         = parameter.Version
      data_type       = fallback(detail.DataType, "text")
      description     = fallback(detail.Description, "")
      allowed_pattern = fallback(detail.AllowedPattern, "")
      key_id          = fallback(detail.KeyId, "")
      tier            = self.tier == "Intelligent-Tiering" ? self.tier : fallback(detail.Tier, "Standard")
    }
  }
  update {
    call "PutParameter" {
      when = changed("value", "insecure_value", "value_wo_version", "description", "type", "tier", "allowed_pattern", "key_id", "data_type")
      request = {
        Name           = self.id
        Type           = self.type
        Value          = fallback(config.value, config.insecure_value, config.value_wo)
        Description    = fallback(self.description, "")
        AllowedPattern = fallback(self.allowed_pattern, "")
        DataType       = nonempty(self.data_type)
        KeyId          = self.type == "SecureString" ? nonempty(self.key_id) : null
        Tier           = self.tier
        Overwrite      = true
      }
    }
  }
  delete {
    call "DeleteParameter" {
      request = { Name = self.id }
      gone    = ["ParameterNotFound"]
    }
  }
  tags {
    resource = self.id
    read     = true
  }
}

data "aws_ssm_parameter" {
  service = "ssm"
  schema {
    name            = required(string)
    with_decryption = optional(bool, default(true))
    arn             = computed(string)
    type            = computed(string)
    value           = computed(string, sensitive)
    insecure_value  = computed(string)
    version         = computed(number)
  }
  read {
    call "GetParameter" {
      request = { Name = self.name, WithDecryption = self.with_decryption }
      id      = result.Parameter.Name
    }
    state = {
      name           = self.name
      arn            = result.Parameter.ARN
      type           = result.Parameter.Type
      value          = result.Parameter.Value
      insecure_value = result.Parameter.Type == "SecureString" ? null : result.Parameter.Value
      version        = result.Parameter.Version
    }
  }
}
