resource "aws_iam_instance_profile" {
  service = "iam"
  schema {
    name        = optional(string, computed, force_new, conflicts("name_prefix"), length(1, 128))
    name_prefix = optional(string, computed, force_new)
    path        = optional(string, default("/"), force_new)
    role        = optional(string)
    arn         = computed(string)
    create_date = computed(string)
    unique_id   = computed(string)
    tags        = tags()
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "CreateInstanceProfile" {
      request = {
        InstanceProfileName = self.name
        Path                = self.path
        Tags                = nonempty(tag_list(self.tags_all, "Key", "Value"))
      }
      id = result.InstanceProfile.InstanceProfileName
    }
    call "AddRoleToInstanceProfile" {
      when    = nonempty(self.role) != null
      request = { InstanceProfileName = self.id, RoleName = self.role }
    }
  }
  read {
    call "GetInstanceProfile" {
      request = { InstanceProfileName = self.id }
      gone    = ["NoSuchEntity"]
    }
    state = {
      name        = result.InstanceProfile.InstanceProfileName
      name_prefix = fallback(self.name_prefix, "")
      path        = result.InstanceProfile.Path
      role        = result.InstanceProfile.Roles[0].RoleName
      arn         = result.InstanceProfile.Arn
      unique_id   = result.InstanceProfile.InstanceProfileId
      create_date = self.create_date == null ? formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("1970-01-01T00:00:00Z", "${floor(result.InstanceProfile.CreateDate)}s")) : self.create_date
      tags        = tag_map(result.InstanceProfile.Tags, "Key", "Value")
    }
  }
  update {
    call "RemoveRoleFromInstanceProfile" {
      when    = changed("role") && nonempty(prior.role) != null
      request = { InstanceProfileName = self.id, RoleName = prior.role }
      ignore  = ["NoSuchEntity"]
    }
    call "AddRoleToInstanceProfile" {
      when    = changed("role") && nonempty(self.role) != null
      request = { InstanceProfileName = self.id, RoleName = self.role }
    }
    call "UntagInstanceProfile" {
      when    = length([for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)]) > 0
      request = { InstanceProfileName = self.id, TagKeys = [for k, v in prior.tags_all : k if !contains([for x, y in self.tags_all : x], k)] }
    }
    call "TagInstanceProfile" {
      when    = changed("tags_all") && length([for k, v in self.tags_all : k]) > 0
      request = { InstanceProfileName = self.id, Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  delete {
    call "RemoveRoleFromInstanceProfile" {
      when    = nonempty(self.role) != null
      request = { InstanceProfileName = self.id, RoleName = self.role }
      ignore  = ["NoSuchEntity"]
    }
    call "DeleteInstanceProfile" {
      request = { InstanceProfileName = self.id }
      gone    = ["NoSuchEntity"]
    }
  }
}
