resource "aws_iam_role_policies_exclusive" {
  service = "iam"
  schema {
    role_name    = required(string, force_new)
    policy_names = required(set(string))
  }
  create {
    set { id = self.role_name }
    call "ListRolePolicies" "there" {
      request  = { RoleName = self.role_name }
      paginate = { input = "Marker", output = "Marker", items = "PolicyNames" }
    }
    call "DeleteRolePolicy" {
      for_each = [for n in there.PolicyNames : n if !contains(self.policy_names, n)]
      request  = { RoleName = self.role_name, PolicyName = each.value }
      ignore   = ["NoSuchEntity"]
    }
  }
  read {
    call "ListRolePolicies" {
      request  = { RoleName = self.role_name }
      paginate = { input = "Marker", output = "Marker", items = "PolicyNames" }
      gone     = ["NoSuchEntity"]
    }
    state = { policy_names = result.PolicyNames }
  }
  update {
    call "ListRolePolicies" "there" {
      request  = { RoleName = self.role_name }
      paginate = { input = "Marker", output = "Marker", items = "PolicyNames" }
    }
    call "DeleteRolePolicy" {
      for_each = [for n in there.PolicyNames : n if !contains(self.policy_names, n)]
      request  = { RoleName = self.role_name, PolicyName = each.value }
      ignore   = ["NoSuchEntity"]
    }
  }
  // Nothing is deleted with it: the role's policies only stop being looked after.
  delete {}
}
