resource "aws_iam_role_policy_attachment" {
  service = "iam"
  schema {
    role       = required(string, force_new)
    policy_arn = required(string, force_new, arn())
  }
  create {
    call "AttachRolePolicy" {
      request = { RoleName = self.role, PolicyArn = self.policy_arn }
      id      = "${self.role}/${self.policy_arn}"
    }
  }
  read {
    call "ListAttachedRolePolicies" {
      request  = { RoleName = self.role }
      paginate = { input = "Marker", output = "Marker", items = "AttachedPolicies" }
      gone     = ["NoSuchEntity"]
    }
    gone { when = !contains([for p in result.AttachedPolicies : p.PolicyArn], self.policy_arn) }
  }
  delete {
    call "DetachRolePolicy" {
      request = { RoleName = self.role, PolicyArn = self.policy_arn }
      gone    = ["NoSuchEntity"]
    }
  }
}
