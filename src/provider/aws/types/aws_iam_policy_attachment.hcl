resource "aws_iam_policy_attachment" {
  service = "iam"
  schema {
    name       = required(string, force_new)
    policy_arn = required(string, force_new, arn())
    users      = optional(set(string))
    roles      = optional(set(string))
    groups     = optional(set(string))
  }
  create {
    set { id = self.name }
    call "AttachUserPolicy" {
      for_each = self.users
      request  = { UserName = each.value, PolicyArn = self.policy_arn }
    }
    call "AttachRolePolicy" {
      for_each = self.roles
      request  = { RoleName = each.value, PolicyArn = self.policy_arn }
    }
    call "AttachGroupPolicy" {
      for_each = self.groups
      request  = { GroupName = each.value, PolicyArn = self.policy_arn }
    }
  }
  read {
    call "ListEntitiesForPolicy" {
      request = { PolicyArn = self.policy_arn }
      gone    = ["NoSuchEntity"]
    }
    // All that have it are this resource's: it takes the policy away from others.
    state = {
      users  = nonempty([for u in result.PolicyUsers : u.UserName])
      roles  = nonempty([for r in result.PolicyRoles : r.RoleName])
      groups = nonempty([for g in result.PolicyGroups : g.GroupName])
    }
  }
  update {
    call "DetachUserPolicy" {
      for_each = removed("users")
      request  = { UserName = each.value, PolicyArn = self.policy_arn }
      ignore   = ["NoSuchEntity"]
    }
    call "DetachRolePolicy" {
      for_each = removed("roles")
      request  = { RoleName = each.value, PolicyArn = self.policy_arn }
      ignore   = ["NoSuchEntity"]
    }
    call "DetachGroupPolicy" {
      for_each = removed("groups")
      request  = { GroupName = each.value, PolicyArn = self.policy_arn }
      ignore   = ["NoSuchEntity"]
    }
    call "AttachUserPolicy" {
      for_each = added("users")
      request  = { UserName = each.value, PolicyArn = self.policy_arn }
    }
    call "AttachRolePolicy" {
      for_each = added("roles")
      request  = { RoleName = each.value, PolicyArn = self.policy_arn }
    }
    call "AttachGroupPolicy" {
      for_each = added("groups")
      request  = { GroupName = each.value, PolicyArn = self.policy_arn }
    }
  }
  delete {
    call "DetachUserPolicy" {
      for_each = self.users
      request  = { UserName = each.value, PolicyArn = self.policy_arn }
      ignore   = ["NoSuchEntity"]
    }
    call "DetachRolePolicy" {
      for_each = self.roles
      request  = { RoleName = each.value, PolicyArn = self.policy_arn }
      ignore   = ["NoSuchEntity"]
    }
    call "DetachGroupPolicy" {
      for_each = self.groups
      request  = { GroupName = each.value, PolicyArn = self.policy_arn }
      ignore   = ["NoSuchEntity"]
    }
  }
}
