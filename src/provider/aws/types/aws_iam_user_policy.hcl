resource "aws_iam_user_policy" {
  service = "iam"
  schema {
    name        = optional(string, computed, force_new, conflicts("name_prefix"), length(1, 128))
    name_prefix = optional(string, computed, force_new)
    user        = required(string, force_new)
    policy      = required(string, json(), equal("policy"))
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "PutUserPolicy" {
      request = { UserName = self.user, PolicyName = self.name, PolicyDocument = self.policy }
      id      = "${self.user}:${self.name}"
    }
  }
  read {
    let { parts = split(":", self.id) }
    call "GetUserPolicy" {
      request = { UserName = parts[0], PolicyName = parts[1] }
      gone    = ["NoSuchEntity"]
    }
    state = {
      user        = result.UserName
      name        = result.PolicyName
      name_prefix = fallback(self.name_prefix, "")
      policy      = url_decode(result.PolicyDocument)
    }
  }
  update {
    call "PutUserPolicy" {
      request = { UserName = self.user, PolicyName = self.name, PolicyDocument = self.policy }
    }
  }
  delete {
    call "DeleteUserPolicy" {
      request = { UserName = self.user, PolicyName = self.name }
      gone    = ["NoSuchEntity"]
    }
  }
}
