resource "aws_iam_role_policy_attachments_exclusive" {
  service = "iam"
  schema {
    role_name   = required(string, force_new)
    policy_arns = required(set(string))
  }
  create {
    set { id = self.role_name }
    call "ListAttachedRolePolicies" "there" {
      request  = { RoleName = self.role_name }
      paginate = { input = "Marker", output = "Marker", items = "AttachedPolicies" }
    }
    call "DetachRolePolicy" {
      for_each = [for p in there.AttachedPolicies : p.PolicyArn if !contains(self.policy_arns, p.PolicyArn)]
      request  = { RoleName = self.role_name, PolicyArn = each.value }
      ignore   = ["NoSuchEntity"]
    }
    call "AttachRolePolicy" {
      for_each = [for a in self.policy_arns : a if !contains([for p in there.AttachedPolicies : p.PolicyArn], a)]
      request  = { RoleName = self.role_name, PolicyArn = each.value }
    }
  }
  read {
    call "ListAttachedRolePolicies" {
      request  = { RoleName = self.role_name }
      paginate = { input = "Marker", output = "Marker", items = "AttachedPolicies" }
      gone     = ["NoSuchEntity"]
    }
    state = { policy_arns = [for p in result.AttachedPolicies : p.PolicyArn] }
  }
  update {
    call "ListAttachedRolePolicies" "there" {
      request  = { RoleName = self.role_name }
      paginate = { input = "Marker", output = "Marker", items = "AttachedPolicies" }
    }
    call "DetachRolePolicy" {
      for_each = [for p in there.AttachedPolicies : p.PolicyArn if !contains(self.policy_arns, p.PolicyArn)]
      request  = { RoleName = self.role_name, PolicyArn = each.value }
      ignore   = ["NoSuchEntity"]
    }
    call "AttachRolePolicy" {
      for_each = [for a in self.policy_arns : a if !contains([for p in there.AttachedPolicies : p.PolicyArn], a)]
      request  = { RoleName = self.role_name, PolicyArn = each.value }
    }
  }
  // Nothing is detached with it: the role's attachments only stop being looked after.
  delete {}
}
