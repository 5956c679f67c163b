// How each service lists and changes the tags of `resource`: `tags` is the map of those to set, `keys` the
// list of those to remove.

service "ec2" {
  tag {
    call "CreateTags" {
      request = { Resources = [resource], Tags = tag_list(tags) }
    }
  }
  untag {
    call "DeleteTags" {
      request = { Resources = [resource], Tags = [for key in keys : { Key = key }] }
    }
  }
  list {
    call "DescribeTags" {
      request = { Filters = [{ Name = "resource-id", Values = [resource] }] }
    }
    state = tag_map(result.Tags)
  }
}

service "elbv2" {
  tag {
    call "AddTags" {
      request = { ResourceArns = [resource], Tags = tag_list(tags) }
    }
  }
  untag {
    call "RemoveTags" {
      request = { ResourceArns = [resource], TagKeys = keys }
    }
  }
  list {
    call "DescribeTags" {
      request = { ResourceArns = [resource] }
    }
    state = tag_map(result.TagDescriptions[0].Tags)
  }
}

service "ecs codepipeline" {
  tag {
    call "TagResource" {
      request = { resourceArn = resource, tags = tag_list(tags, "key", "value") }
    }
  }
  untag {
    call "UntagResource" {
      request = { resourceArn = resource, tagKeys = keys }
    }
  }
  list {
    call "ListTagsForResource" {
      request = { resourceArn = resource }
    }
    state = tag_map(result.tags, "key", "value")
  }
}

service "ecr" {
  tag {
    call "TagResource" {
      request = { resourceArn = resource, tags = tag_list(tags) }
    }
  }
  untag {
    call "UntagResource" {
      request = { resourceArn = resource, tagKeys = keys }
    }
  }
  list {
    call "ListTagsForResource" {
      request = { resourceArn = resource }
    }
    state = tag_map(result.tags)
  }
}

service "servicediscovery" {
  tag {
    call "TagResource" {
      request = { ResourceARN = resource, Tags = tag_list(tags) }
    }
  }
  untag {
    call "UntagResource" {
      request = { ResourceARN = resource, TagKeys = keys }
    }
  }
  list {
    call "ListTagsForResource" {
      request = { ResourceARN = resource }
    }
    state = tag_map(result.Tags)
  }
}

service "rds" {
  tag {
    call "AddTagsToResource" {
      request = { ResourceName = resource, Tags = tag_list(tags) }
    }
  }
  untag {
    call "RemoveTagsFromResource" {
      request = { ResourceName = resource, TagKeys = keys }
    }
  }
  list {
    call "ListTagsForResource" {
      request = { ResourceName = resource }
    }
    state = tag_map(result.TagList)
  }
}

service "secretsmanager" {
  tag {
    call "TagResource" {
      request = { SecretId = resource, Tags = tag_list(tags) }
    }
  }
  untag {
    call "UntagResource" {
      request = { SecretId = resource, TagKeys = keys }
    }
  }
}

service "logs" {
  tag {
    call "TagResource" {
      request = { resourceArn = resource, tags = tags }
    }
  }
  untag {
    call "UntagResource" {
      request = { resourceArn = resource, tagKeys = keys }
    }
  }
  list {
    call "ListTagsForResource" {
      request = { resourceArn = resource }
    }
    state = result.tags
  }
}

service "ssm" {
  tag {
    call "AddTagsToResource" {
      request = { ResourceType = "Parameter", ResourceId = resource, Tags = tag_list(tags) }
    }
  }
  untag {
    call "RemoveTagsFromResource" {
      request = { ResourceType = "Parameter", ResourceId = resource, TagKeys = keys }
    }
  }
  list {
    call "ListTagsForResource" {
      request = { ResourceType = "Parameter", ResourceId = resource }
    }
    state = tag_map(result.TagList)
  }
}

service "codestar-connections codeconnections" {
  tag {
    call "TagResource" {
      request = { ResourceArn = resource, Tags = tag_list(tags) }
    }
  }
  untag {
    call "UntagResource" {
      request = { ResourceArn = resource, TagKeys = keys }
    }
  }
  list {
    call "ListTagsForResource" {
      request = { ResourceArn = resource }
    }
    state = tag_map(result.Tags)
  }
}

// Buckets have all their tags set at once; so have objects, whose `resource` is "bucket/key".
service "s3" {
  tag {
    let {
      bucket = split("/", resource)[0]
      key    = try(substr(resource, length(split("/", resource)[0]) + 1, -1), "")
    }
    call "PutBucketTagging" {
      when    = key == ""
      request = { Bucket = bucket, Tagging = { TagSet = tag_list(self.tags_all) } }
    }
    call "PutObjectTagging" {
      when    = key != ""
      request = { Bucket = bucket, Key = key, Tagging = { TagSet = tag_list(self.tags_all) } }
    }
  }
  untag {
    let {
      bucket = split("/", resource)[0]
      key    = try(substr(resource, length(split("/", resource)[0]) + 1, -1), "")
    }
    call "PutBucketTagging" {
      when    = key == ""
      request = { Bucket = bucket, Tagging = { TagSet = tag_list(self.tags_all) } }
    }
    call "PutObjectTagging" {
      when    = key != ""
      request = { Bucket = bucket, Key = key, Tagging = { TagSet = tag_list(self.tags_all) } }
    }
  }
  list {
    let {
      bucket = split("/", resource)[0]
      key    = try(substr(resource, length(split("/", resource)[0]) + 1, -1), "")
    }
    call "GetBucketTagging" "of_bucket" {
      when    = key == ""
      request = { Bucket = bucket }
      ignore  = ["NoSuchTagSet"]
    }
    call "GetObjectTagging" "of_object" {
      when    = key != ""
      request = { Bucket = bucket, Key = key }
      ignore  = ["NoSuchKey", "MethodNotAllowed"]
    }
    state = tag_map(key == "" ? of_bucket.TagSet : of_object.TagSet)
  }
}
