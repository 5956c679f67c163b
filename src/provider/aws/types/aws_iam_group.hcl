resource "aws_iam_group" {
  service = "iam"
  schema {
    name      = required(string, length(1, 128))
    path      = optional(string, default("/"))
    arn       = computed(string, changes_with("name", "path"))
    unique_id = computed(string)
  }
  create {
    call "CreateGroup" {
      request = { GroupName = self.name, Path = self.path }
      id      = result.Group.GroupName
    }
  }
  read {
    call "GetGroup" {
      request = { GroupName = self.id }
      gone    = ["NoSuchEntity"]
    }
    state = {
      name      = result.Group.GroupName
      path      = result.Group.Path
      arn       = result.Group.Arn
      unique_id = result.Group.GroupId
    }
  }
  update {
    call "UpdateGroup" {
      when    = changed("name", "path")
      request = { GroupName = prior.name, NewGroupName = self.name, NewPath = self.path }
      id      = self.name
    }
  }
  delete {
    call "DeleteGroup" {
      request = { GroupName = self.id }
      gone    = ["NoSuchEntity"]
      retry "DeleteConflict" { timeout = "2m" }
    }
  }
}

data "aws_iam_group" {
  service = "iam"
  schema {
    group_name = required(string)
    arn        = computed(string)
    group_id   = computed(string)
    path       = computed(string)
    list "users" computed {
      arn       = computed(string)
      user_id   = computed(string)
      user_name = computed(string)
      path      = computed(string)
    }
  }
  read {
    call "GetGroup" {
      request = { GroupName = self.group_name }
      id      = result.Group.GroupId
    }
    state = {
      arn      = result.Group.Arn
      group_id = result.Group.GroupId
      path     = result.Group.Path
      users    = [for u in result.Users : { arn = u.Arn, user_id = u.UserId, user_name = u.UserName, path = u.Path }]
    }
  }
}
