resource "aws_iam_role" {
  service = "iam"
  schema {
    name                  = optional(string, computed, force_new, conflicts("name_prefix"), length(1, 64))
    name_prefix           = optional(string, computed, force_new)
    assume_role_policy    = required(string, json(), equal("policy"))
    path                  = optional(string, default("/"), force_new)
    description           = optional(string)
    max_session_duration  = optional(number, default(3600), range(3600, 43200))
    force_detach_policies = optional(bool, default(false), local_only)
    permissions_boundary  = optional(string, arn())
    managed_policy_arns   = optional(set(string), computed, deprecated("use the aws_iam_role_policy_attachment resource instead"))
    arn                   = computed(string)
    create_date           = computed(string)
    unique_id             = computed(string)
    tags                  = tags()
    set "inline_policy" computed {
      name   = optional(string, length(1, 128))
      policy = optional(string, json(), equal("policy"))
    }
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "CreateRole" {
      request = {
        RoleName                 = self.name
        AssumeRolePolicyDocument = self.assume_role_policy
        Path                     = self.path
        Description              = nonempty(self.description)
        MaxSessionDuration       = self.max_session_duration
        PermissionsBoundary      = nonempty(self.permissions_boundary)
        Tags                     = nonempty(tag_list(self.tags_all, "Key", "Value"))
      }
      id = result.Role.RoleName
    }
    call "PutRolePolicy" {
      for_each = [for p in config.inline_policy : p if p.name != null]
      request  = { RoleName = self.id, PolicyName = each.value.name, PolicyDocument = each.value.policy }
    }
    call "AttachRolePolicy" {
      for_each = config.managed_policy_arns
      request  = { RoleName = self.id, PolicyArn = each.value }
    }
  }
  read {
    call "GetRole" "role" {
      request = { RoleName = self.id }
      gone    = ["NoSuchEntity"]
    }
    call "ListAttachedRolePolicies" "attached" {
      request  = { RoleName = self.id }
      paginate = { input = "Marker", output = "Marker", items = "AttachedPolicies" }
    }
    call "ListRolePolicies" "inline" {
      request  = { RoleName = self.id }
      paginate = { input = "Marker", output = "Marker", items = "PolicyNames" }
    }
    call "GetRolePolicy" "policies" {
      for_each = inline.PolicyNames
      request  = { RoleName = self.id, PolicyName = each.value }
    }
    state = {
      name                 = role.Role.RoleName
      name_prefix          = fallback(self.name_prefix, "")
      arn                  = role.Role.Arn
      path                 = role.Role.Path
      description          = fallback(role.Role.Description, "")
      assume_role_policy   = url_decode(role.Role.AssumeRolePolicyDocument)
      max_session_duration = role.Role.MaxSessionDuration
      unique_id            = role.Role.RoleId
      create_date          = self.create_date == null ? formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("1970-01-01T00:00:00Z", "${floor(role.Role.CreateDate)}s")) : self.create_date
      permissions_boundary = fallback(role.Role.PermissionsBoundary.PermissionsBoundaryArn, self.permissions_boundary == null ? null : "")
      inline_policy = [for p in policies : {
        name   = p.PolicyName
        policy = fallback([for own in self.inline_policy : own.policy if own.name == p.PolicyName && same_json(own.policy, url_decode(p.PolicyDocument))][0], url_decode(p.PolicyDocument))
      }]
      managed_policy_arns  = [for p in attached.AttachedPolicies : p.PolicyArn]
      tags                 = tag_map(role.Role.Tags, "Key", "Value")
    }
  }
  update {
    call "UpdateAssumeRolePolicy" {
      when    = changed("assume_role_policy")
      request = { RoleName = self.id, PolicyDocument = self.assume_role_policy }
    }
    call "UpdateRole" {
      when    = changed("description", "max_session_duration")
      request = { RoleName = self.id, Description = fallback(self.description, ""), MaxSessionDuration = self.max_session_duration }
    }
    call "PutRolePermissionsBoundary" {
      when    = changed("permissions_boundary") && nonempty(self.permissions_boundary) != null
      request = { RoleName = self.id, PermissionsBoundary = self.permissions_boundary }
    }
    call "DeleteRolePermissionsBoundary" {
      when    = changed("permissions_boundary") && nonempty(self.permissions_boundary) == null
      request = { RoleName = self.id }
    }
    call "DeleteRolePolicy" {
      for_each = nonempty(config.inline_policy) == null ? [] : [for p in removed("inline_policy") : p if !contains([for own in self.inline_policy : own.name], p.name)]
      request  = { RoleName = self.id, PolicyName = each.value.name }
      ignore   = ["NoSuchEntity"]
    }
    call "PutRolePolicy" {
      for_each = nonempty(config.inline_policy) == null ? [] : [for p in added("inline_policy") : p if p.name != null]
      request  = { RoleName = self.id, PolicyName = each.value.name, PolicyDocument = each.value.policy }
    }
    call "DetachRolePolicy" {
      for_each = config.managed_policy_arns == null ? [] : removed("managed_policy_arns")
      request  = { RoleName = self.id, PolicyArn = each.value }
      ignore   = ["NoSuchEntity"]
    }
    call "AttachRolePolicy" {
      for_each = config.managed_policy_arns == null ? [] : added("managed_policy_arns")
      request  = { RoleName = self.id, PolicyArn = each.value }
    }
    call "UntagRole" {
      when    = length([for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)]) > 0
      request = { RoleName = self.id, TagKeys = [for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)] }
    }
    call "TagRole" {
      when    = changed("tags_all") && length([for k, v in self.tags_all : k]) > 0
      request = { RoleName = self.id, Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  delete {
    call "ListAttachedRolePolicies" "attached" {
      request  = { RoleName = self.id }
      paginate = { input = "Marker", output = "Marker", items = "AttachedPolicies" }
      gone     = ["NoSuchEntity"]
    }
    call "DetachRolePolicy" {
      for_each = attached.AttachedPolicies
      when     = self.force_detach_policies == true || nonempty(self.managed_policy_arns) != null
      request  = { RoleName = self.id, PolicyArn = each.value.PolicyArn }
      ignore   = ["NoSuchEntity"]
    }
    call "ListRolePolicies" "inline" {
      request  = { RoleName = self.id }
      paginate = { input = "Marker", output = "Marker", items = "PolicyNames" }
    }
    call "DeleteRolePolicy" {
      for_each = inline.PolicyNames
      when     = self.force_detach_policies == true || nonempty(self.inline_policy) != null
      request  = { RoleName = self.id, PolicyName = each.value }
      ignore   = ["NoSuchEntity"]
    }
    call "DeleteRole" {
      request = { RoleName = self.id }
      gone    = ["NoSuchEntity"]
      retry "DeleteConflict" { timeout = "2m" }
    }
  }
}

data "aws_iam_role" {
  service = "iam"
  schema {
    name                 = required(string)
    arn                  = computed(string)
    assume_role_policy   = computed(string)
    create_date          = computed(string)
    description          = computed(string)
    max_session_duration = computed(number)
    path                 = computed(string)
    permissions_boundary = computed(string)
    role_last_used       = computed(list(object({ region = string, last_used_date = string })))
    tags                 = computed(map(string))
    unique_id            = computed(string)
  }
  read {
    call "GetRole" {
      request = { RoleName = self.name }
      id      = result.Role.RoleName
    }
    state = {
      arn                  = result.Role.Arn
      assume_role_policy   = url_decode(result.Role.AssumeRolePolicyDocument)
      create_date          = formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("1970-01-01T00:00:00Z", "${floor(result.Role.CreateDate)}s"))
      description          = fallback(result.Role.Description, "")
      max_session_duration = result.Role.MaxSessionDuration
      path                 = result.Role.Path
      permissions_boundary = fallback(result.Role.PermissionsBoundary.PermissionsBoundaryArn, "")
      role_last_used       = []
      tags                 = tag_map(result.Role.Tags)
      unique_id            = result.Role.RoleId
    }
  }
}

data "aws_iam_roles" {
  service = "iam"
  schema {
    name_regex  = optional(string)
    path_prefix = optional(string)
    arns        = computed(set(string))
    names       = computed(set(string))
  }
  read {
    call "ListRoles" {
      request  = { PathPrefix = self.path_prefix }
      paginate = { input = "Marker", output = "Marker", items = "Roles" }
      id       = provider.region
    }
    let { found = [for r in result.Roles : r if self.name_regex == null || length(regexall(fallback(self.name_regex, ""), r.RoleName)) > 0] }
    state = {
      arns  = [for r in found : r.Arn]
      names = [for r in found : r.RoleName]
    }
  }
}
