resource "aws_iam_user_group_membership" {
  service = "iam"
  schema {
    user   = required(string, force_new)
    groups = required(set(string))
  }
  create {
    set { id = unique_id("terraform-") }
    call "AddUserToGroup" {
      for_each = self.groups
      request  = { UserName = self.user, GroupName = each.value }
    }
  }
  read {
    call "ListGroupsForUser" {
      request  = { UserName = self.user }
      paginate = { input = "Marker", output = "Marker", items = "Groups" }
      gone     = ["NoSuchEntity"]
    }
    // Others may put the user into other groups.
    state = { groups = [for g in result.Groups : g.GroupName if contains(self.groups, g.GroupName)] }
  }
  update {
    call "RemoveUserFromGroup" {
      for_each = removed("groups")
      request  = { UserName = self.user, GroupName = each.value }
      ignore   = ["NoSuchEntity"]
    }
    call "AddUserToGroup" {
      for_each = added("groups")
      request  = { UserName = self.user, GroupName = each.value }
    }
  }
  delete {
    call "RemoveUserFromGroup" {
      for_each = self.groups
      request  = { UserName = self.user, GroupName = each.value }
      ignore   = ["NoSuchEntity"]
    }
  }
}
