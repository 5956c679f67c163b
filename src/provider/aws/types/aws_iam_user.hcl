resource "aws_iam_user" {
  service = "iam"
  schema {
    name                 = required(string, length(1, 64))
    path                 = optional(string, default("/"))
    permissions_boundary = optional(string, arn())
    force_destroy        = optional(bool, default(false), local_only)
    arn                  = computed(string, changes_with("name", "path"))
    unique_id            = computed(string)
    tags                 = tags()
  }
  create {
    call "CreateUser" {
      request = {
        UserName            = self.name
        Path                = self.path
        PermissionsBoundary = nonempty(self.permissions_boundary)
        Tags                = nonempty(tag_list(self.tags_all, "Key", "Value"))
      }
      id = result.User.UserName
    }
  }
  read {
    call "GetUser" {
      request = { UserName = self.id }
      gone    = ["NoSuchEntity"]
    }
    state = {
      name                 = result.User.UserName
      path                 = result.User.Path
      permissions_boundary = result.User.PermissionsBoundary.PermissionsBoundaryArn
      arn                  = result.User.Arn
      unique_id            = result.User.UserId
      tags                 = tag_map(result.User.Tags, "Key", "Value")
    }
  }
  update {
    call "UpdateUser" {
      when    = changed("name", "path")
      request = { UserName = prior.name, NewUserName = self.name, NewPath = self.path }
      id      = self.name
    }
    call "PutUserPermissionsBoundary" {
      when    = changed("permissions_boundary") && nonempty(self.permissions_boundary) != null
      request = { UserName = self.name, PermissionsBoundary = self.permissions_boundary }
    }
    call "DeleteUserPermissionsBoundary" {
      when    = changed("permissions_boundary") && nonempty(self.permissions_boundary) == null
      request = { UserName = self.name }
    }
    call "UntagUser" {
      when    = length([for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)]) > 0
      request = { UserName = self.name, TagKeys = [for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)] }
    }
    call "TagUser" {
      when    = changed("tags_all") && length([for k, v in self.tags_all : k]) > 0
      request = { UserName = self.name, Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  delete {
    call "ListGroupsForUser" "groups" {
      request  = { UserName = self.id }
      paginate = { input = "Marker", output = "Marker", items = "Groups" }
      gone     = ["NoSuchEntity"]
    }
    call "RemoveUserFromGroup" {
      for_each = groups.Groups
      request  = { UserName = self.id, GroupName = each.value.GroupName }
      ignore   = ["NoSuchEntity"]
    }
    call "ListAccessKeys" "keys" {
      when     = self.force_destroy == true
      request  = { UserName = self.id }
      paginate = { input = "Marker", output = "Marker", items = "AccessKeyMetadata" }
    }
    call "DeleteAccessKey" {
      for_each = self.force_destroy == true ? keys.AccessKeyMetadata : []
      request  = { UserName = self.id, AccessKeyId = each.value.AccessKeyId }
      ignore   = ["NoSuchEntity"]
    }
    call "DeleteUser" {
      request = { UserName = self.id }
      gone    = ["NoSuchEntity"]
      retry "DeleteConflict" { timeout = "2m" }
    }
  }
}

data "aws_iam_user" {
  service = "iam"
  schema {
    user_name            = required(string)
    arn                  = computed(string)
    path                 = computed(string)
    permissions_boundary = computed(string)
    user_id              = computed(string)
    tags                 = computed(map(string))
  }
  read {
    call "GetUser" {
      request = { UserName = self.user_name }
      id      = result.User.UserId
    }
    state = {
      arn                  = result.User.Arn
      path                 = result.User.Path
      permissions_boundary = fallback(result.User.PermissionsBoundary.PermissionsBoundaryArn, "")
      user_id              = result.User.UserId
      tags                 = tag_map(result.User.Tags)
    }
  }
}

data "aws_iam_users" {
  service = "iam"
  schema {
    name_regex  = optional(string)
    path_prefix = optional(string)
    arns        = computed(set(string))
    names       = computed(set(string))
  }
  read {
    call "ListUsers" {
      request  = { PathPrefix = self.path_prefix }
      paginate = { input = "Marker", output = "Marker", items = "Users" }
      id       = provider.region
    }
    let { found = [for u in result.Users : u if self.name_regex == null || length(regexall(fallback(self.name_regex, ""), u.UserName)) > 0] }
    state = {
      arns  = [for u in found : u.Arn]
      names = [for u in found : u.UserName]
    }
  }
}
