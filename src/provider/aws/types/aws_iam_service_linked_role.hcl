resource "aws_iam_service_linked_role" {
  service = "iam"
  schema {
    aws_service_name = required(string, force_new, pattern("\\.(aws|amazonaws)\\.com(\\.cn)?$"))
    custom_suffix    = optional(string, force_new)
    description      = optional(string)
    arn              = computed(string)
    create_date      = computed(string)
    name             = computed(string)
    path             = computed(string)
    unique_id        = computed(string)
    tags             = tags()
  }
  create {
    call "CreateServiceLinkedRole" {
      request = {
        AWSServiceName = self.aws_service_name
        CustomSuffix   = nonempty(self.custom_suffix)
        Description    = nonempty(self.description)
      }
      id  = result.Role.Arn
      set = { name = result.Role.RoleName }
    }
    call "TagRole" {
      when    = length([for k, v in self.tags_all : k]) > 0
      request = { RoleName = self.name, Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  read {
    let { parts = split("/", self.id) }
    call "GetRole" {
      request = { RoleName = parts[length(parts) - 1] }
      gone    = ["NoSuchEntity"]
    }
    state = {
      aws_service_name = parts[2]
      custom_suffix    = fallback(self.custom_suffix, "")
      name             = result.Role.RoleName
      arn              = result.Role.Arn
      path             = result.Role.Path
      description      = fallback(result.Role.Description, "")
      unique_id        = result.Role.RoleId
      create_date      = self.create_date == null ? formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("1970-01-01T00:00:00Z", "${floor(result.Role.CreateDate)}s")) : self.create_date
      tags             = tag_map(result.Role.Tags, "Key", "Value")
    }
  }
  update {
    call "UpdateRole" {
      when    = changed("description")
      request = { RoleName = self.name, Description = fallback(self.description, "") }
    }
    call "UntagRole" {
      when    = length([for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)]) > 0
      request = { RoleName = self.name, TagKeys = [for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)] }
    }
    call "TagRole" {
      when    = changed("tags_all") && length([for k, v in self.tags_all : k]) > 0
      request = { RoleName = self.name, Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  delete {
    call "DeleteServiceLinkedRole" "task" {
      request = { RoleName = self.name }
      gone    = ["NoSuchEntity"]
    }
    wait "GetServiceLinkedRoleDeletionStatus" {
      request = { DeletionTaskId = task.DeletionTaskId }
      value   = result.Status
      pending = ["IN_PROGRESS", "NOT_STARTED"]
      target  = ["SUCCEEDED"]
      timeout = "5m"
    }
  }
}
