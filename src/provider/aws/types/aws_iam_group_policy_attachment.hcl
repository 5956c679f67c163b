resource "aws_iam_group_policy_attachment" {
  service = "iam"
  schema {
    group      = required(string, force_new)
    policy_arn = required(string, force_new, arn())
  }
  create {
    call "AttachGroupPolicy" {
      request = { GroupName = self.group, PolicyArn = self.policy_arn }
      id      = "${self.group}/${self.policy_arn}"
    }
  }
  read {
    call "ListAttachedGroupPolicies" {
      request  = { GroupName = self.group }
      paginate = { input = "Marker", output = "Marker", items = "AttachedPolicies" }
      gone     = ["NoSuchEntity"]
    }
    gone { when = !contains([for p in result.AttachedPolicies : p.PolicyArn], self.policy_arn) }
  }
  delete {
    call "DetachGroupPolicy" {
      request = { GroupName = self.group, PolicyArn = self.policy_arn }
      gone    = ["NoSuchEntity"]
    }
  }
}
