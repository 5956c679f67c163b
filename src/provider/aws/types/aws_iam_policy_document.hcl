data "aws_iam_policy_document" {
  schema {
    json                      = computed(string)
    minified_json             = computed(string)
    override_json             = optional(string, deprecated("Use override_policy_documents instead."))
    override_policy_documents = optional(list(string))
    policy_id                 = optional(string)
    source_json               = optional(string, deprecated("Use source_policy_documents instead."))
    source_policy_documents   = optional(list(string))
    version                   = optional(string, one_of("2008-10-17", "2012-10-17"))
    list "statement" {
      actions       = optional(set(string))
      effect        = optional(string, one_of("Allow", "Deny"))
      not_actions   = optional(set(string))
      not_resources = optional(set(string))
      resources     = optional(set(string))
      sid           = optional(string)
      set "condition" {
        test     = required(string)
        values   = required(list(string))
        variable = required(string)
      }
      set "principals" {
        identifiers = required(set(string))
        type        = required(string)
      }
      set "not_principals" {
        identifiers = required(set(string))
        type        = required(string)
      }
    }
  }
  read {
    let {
      complete = merge(self, {
        source_policy_documents   = concat([for d in [self.source_json] : d if d != null], [for d in self.source_policy_documents : d])
        override_policy_documents = concat([for d in self.override_policy_documents : d], [for d in [self.override_json] : d if d != null])
      })
    }
    let {
      document = policy_document(complete)
    }
    state = {
      id            = substr(sha256(document), 0, 10)
      json          = document
      minified_json = jsonencode(jsondecode(document))
      version       = fallback(self.version, "2012-10-17")
    }
  }
}
