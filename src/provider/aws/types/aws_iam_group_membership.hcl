resource "aws_iam_group_membership" {
  service = "iam"
  schema {
    name  = required(string, force_new)
    group = required(string, force_new)
    users = required(set(string))
  }
  create {
    call "AddUserToGroup" {
      for_each = self.users
      request  = { GroupName = self.group, UserName = each.value }
      id       = self.name
    }
  }
  read {
    call "GetGroup" {
      request  = { GroupName = self.group }
      paginate = { input = "Marker", output = "Marker", items = "Users" }
      gone     = ["NoSuchEntity"]
    }
    state = { users = [for u in result.Users : u.UserName] }
  }
  update {
    call "RemoveUserFromGroup" {
      for_each = removed("users")
      request  = { GroupName = self.group, UserName = each.value }
      ignore   = ["NoSuchEntity"]
    }
    call "AddUserToGroup" {
      for_each = added("users")
      request  = { GroupName = self.group, UserName = each.value }
    }
  }
  delete {
    call "RemoveUserFromGroup" {
      for_each = self.users
      request  = { GroupName = self.group, UserName = each.value }
      ignore   = ["NoSuchEntity"]
    }
  }
}
