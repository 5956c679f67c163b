resource "aws_iam_role_policy" {
  service = "iam"
  schema {
    name        = optional(string, computed, force_new, conflicts("name_prefix"), length(1, 128))
    name_prefix = optional(string, computed, force_new)
    role        = required(string, force_new)
    policy      = required(string, json(), equal("policy"))
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "PutRolePolicy" {
      request = { RoleName = self.role, PolicyName = self.name, PolicyDocument = self.policy }
      id      = "${self.role}:${self.name}"
    }
  }
  read {
    let { parts = split(":", self.id) }
    call "GetRolePolicy" {
      request = { RoleName = parts[0], PolicyName = parts[1] }
      gone    = ["NoSuchEntity"]
    }
    state = {
      role        = result.RoleName
      name        = result.PolicyName
      name_prefix = fallback(self.name_prefix, "")
      policy      = url_decode(result.PolicyDocument)
    }
  }
  update {
    call "PutRolePolicy" {
      request = { RoleName = self.role, PolicyName = self.name, PolicyDocument = self.policy }
    }
  }
  delete {
    call "DeleteRolePolicy" {
      request = { RoleName = self.role, PolicyName = self.name }
      gone    = ["NoSuchEntity"]
    }
  }
}
