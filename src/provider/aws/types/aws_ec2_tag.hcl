resource "aws_ec2_tag" {
  service = "ec2"
  schema {
    resource_id = required(string, force_new)
    key         = required(string, force_new)
    value       = required(string)
  }
  create {
    call "CreateTags" {
      request = { Resources = [self.resource_id], Tags = [{ Key = self.key, Value = self.value }] }
      id      = "${self.resource_id},${self.key}"
    }
  }
  read {
    call "DescribeTags" {
      request = { Filters = [{ Name = "resource-id", Values = [self.resource_id] }, { Name = "key", Values = [self.key] }] }
    }
    gone { when = result.Tags[0] == null }
    state = { value = fallback(result.Tags[0].Value, "") }
  }
  update {
    call "CreateTags" {
      request = { Resources = [self.resource_id], Tags = [{ Key = self.key, Value = self.value }] }
    }
  }
  delete {
    call "DeleteTags" {
      request = { Resources = [self.resource_id], Tags = [{ Key = self.key, Value = self.value }] }
    }
  }
  import {
    set {
      resource_id = split(",", self.id)[0]
      key         = join(",", slice(split(",", self.id), 1, length(split(",", self.id))))
    }
  }
}
