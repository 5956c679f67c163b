resource "aws_iam_group_policy" {
  service = "iam"
  schema {
    name        = optional(string, computed, force_new, conflicts("name_prefix"), length(1, 128))
    name_prefix = optional(string, computed, force_new)
    group       = required(string, force_new)
    policy      = required(string, json(), equal("policy"))
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "PutGroupPolicy" {
      request = { GroupName = self.group, PolicyName = self.name, PolicyDocument = self.policy }
      id      = "${self.group}:${self.name}"
    }
  }
  read {
    let { parts = split(":", self.id) }
    call "GetGroupPolicy" {
      request = { GroupName = parts[0], PolicyName = parts[1] }
      gone    = ["NoSuchEntity"]
    }
    state = {
      group       = result.GroupName
      name        = result.PolicyName
      name_prefix = fallback(self.name_prefix, "")
      policy      = url_decode(result.PolicyDocument)
    }
  }
  update {
    call "PutGroupPolicy" {
      request = { GroupName = self.group, PolicyName = self.name, PolicyDocument = self.policy }
    }
  }
  delete {
    call "DeleteGroupPolicy" {
      request = { GroupName = self.group, PolicyName = self.name }
      gone    = ["NoSuchEntity"]
    }
  }
}
