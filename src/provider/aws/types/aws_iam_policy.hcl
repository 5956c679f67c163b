resource "aws_iam_policy" {
  service = "iam"
  schema {
    name                             = optional(string, computed, force_new, conflicts("name_prefix"), length(1, 128))
    name_prefix                      = optional(string, computed, force_new)
    path                             = optional(string, default("/"), force_new)
    description                      = optional(string, force_new)
    policy                           = required(string, json(), equal("policy"))
    delay_after_policy_creation_in_ms = optional(number, unsupported("changes take effect at once"))
    arn                              = computed(string)
    attachment_count                 = computed(number)
    policy_id                        = computed(string)
    tags                             = tags()
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "CreatePolicy" {
      request = {
        PolicyName     = self.name
        Path           = self.path
        Description    = nonempty(self.description)
        PolicyDocument = self.policy
        Tags           = nonempty(tag_list(self.tags_all, "Key", "Value"))
      }
      id = result.Policy.Arn
    }
  }
  read {
    call "GetPolicy" "own" {
      request = { PolicyArn = self.id }
      gone    = ["NoSuchEntity"]
    }
    call "GetPolicyVersion" "version" {
      request = { PolicyArn = self.id, VersionId = own.Policy.DefaultVersionId }
    }
    state = {
      arn              = own.Policy.Arn
      name             = own.Policy.PolicyName
      name_prefix      = fallback(self.name_prefix, "")
      path             = own.Policy.Path
      description      = fallback(own.Policy.Description, "")
      attachment_count = own.Policy.AttachmentCount
      policy_id        = own.Policy.PolicyId
      policy           = url_decode(version.PolicyVersion.Document)
      tags             = tag_map(own.Policy.Tags, "Key", "Value")
    }
  }
  update {
    call "ListPolicyVersions" "versions" {
      when     = changed("policy")
      request  = { PolicyArn = self.id }
      paginate = { input = "Marker", output = "Marker", items = "Versions" }
    }
    let {
      oldest = [for v in versions.Versions : v if !v.IsDefaultVersion && v.CreateDate == min([for o in versions.Versions : o.CreateDate if !o.IsDefaultVersion]...)][0]
    }
    call "DeletePolicyVersion" {
      when    = changed("policy") && length([for v in versions.Versions : v]) >= 5
      request = { PolicyArn = self.id, VersionId = oldest.VersionId }
    }
    call "CreatePolicyVersion" {
      when    = changed("policy")
      request = { PolicyArn = self.id, PolicyDocument = self.policy, SetAsDefault = true }
    }
    call "UntagPolicy" {
      when    = length([for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)]) > 0
      request = { PolicyArn = self.id, TagKeys = [for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)] }
    }
    call "TagPolicy" {
      when    = changed("tags_all") && length([for k, v in self.tags_all : k]) > 0
      request = { PolicyArn = self.id, Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  delete {
    call "ListPolicyVersions" "versions" {
      request  = { PolicyArn = self.id }
      paginate = { input = "Marker", output = "Marker", items = "Versions" }
      gone     = ["NoSuchEntity"]
    }
    call "DeletePolicyVersion" {
      for_each = [for v in versions.Versions : v if !v.IsDefaultVersion]
      request  = { PolicyArn = self.id, VersionId = each.value.VersionId }
      ignore   = ["NoSuchEntity"]
    }
    call "DeletePolicy" {
      request = { PolicyArn = self.id }
      gone    = ["NoSuchEntity"]
    }
  }
}

data "aws_iam_policy" {
  service = "iam"
  schema {
    arn              = optional(string, computed, arn(), conflicts("name", "path_prefix"))
    name             = optional(string, computed)
    path_prefix      = optional(string)
    attachment_count = computed(number)
    description      = computed(string)
    path             = computed(string)
    policy           = computed(string)
    policy_id        = computed(string)
    tags             = computed(map(string))
  }
  read {
    call "ListPolicies" "policies" {
      when     = config.arn == null
      request  = { PathPrefix = config.path_prefix }
      paginate = { input = "Marker", output = "Marker", items = "Policies" }
    }
    let {
      found = config.arn != null ? [config.arn] : [for p in policies.Policies : p.Arn if config.name == null || p.PolicyName == config.name]
    }
    error {
      when    = length(found) != 1
      summary = "Your query returned ${length(found) == 0 ? "no results" : "more than one result"}"
      detail  = "${length(found)} IAM policies match the arguments of the data source aws_iam_policy; exactly one must."
    }
    call "GetPolicy" "own" {
      request = { PolicyArn = found[0] }
      id      = result.Policy.Arn
    }
    call "GetPolicyVersion" "version" {
      request = { PolicyArn = found[0], VersionId = own.Policy.DefaultVersionId }
    }
    state = {
      arn              = own.Policy.Arn
      name             = own.Policy.PolicyName
      path             = own.Policy.Path
      description      = fallback(own.Policy.Description, "")
      attachment_count = own.Policy.AttachmentCount
      policy_id        = own.Policy.PolicyId
      policy           = url_decode(version.PolicyVersion.Document)
      tags             = tag_map(own.Policy.Tags)
    }
  }
}
