resource "aws_ecs_tag" {
  service = "ecs"
  schema {
    resource_arn = required(string, force_new, arn())
    key          = required(string, force_new)
    value        = required(string)
  }
  create {
    call "TagResource" {
      request = { resourceArn = self.resource_arn, tags = [{ key = self.key, value = self.value }] }
      id      = "${self.resource_arn},${self.key}"
    }
  }
  read {
    call "ListTagsForResource" {
      request = { resourceArn = self.resource_arn }
      gone    = ["ClusterNotFoundException", "ServiceNotFoundException", "InvalidParameterException"]
    }
    let { own = [for t in result.tags : t if t.key == self.key][0] }
    gone { when = own == null }
    state = { value = fallback(own.value, "") }
  }
  update {
    call "TagResource" {
      request = { resourceArn = self.resource_arn, tags = [{ key = self.key, value = self.value }] }
    }
  }
  delete {
    call "UntagResource" {
      request = { resourceArn = self.resource_arn, tagKeys = [self.key] }
      ignore  = ["ClusterNotFoundException", "ServiceNotFoundException"]
    }
  }
  import {
    set {
      resource_arn = split(",", self.id)[0]
      key          = join(",", slice(split(",", self.id), 1, length(split(",", self.id))))
    }
  }
}
