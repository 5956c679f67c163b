resource "aws_iam_user_policy_attachment" {
  service = "iam"
  schema {
    user       = required(string, force_new)
    policy_arn = required(string, force_new, arn())
  }
  create {
    call "AttachUserPolicy" {
      request = { UserName = self.user, PolicyArn = self.policy_arn }
      id      = "${self.user}/${self.policy_arn}"
    }
  }
  read {
    call "ListAttachedUserPolicies" {
      request  = { UserName = self.user }
      paginate = { input = "Marker", output = "Marker", items = "AttachedPolicies" }
      gone     = ["NoSuchEntity"]
    }
    gone { when = !contains([for p in result.AttachedPolicies : p.PolicyArn], self.policy_arn) }
  }
  delete {
    call "DetachUserPolicy" {
      request = { UserName = self.user, PolicyArn = self.policy_arn }
      gone    = ["NoSuchEntity"]
    }
  }
}
