resource "aws_s3_bucket_lifecycle_configuration" {
  service = "s3"
  schema {
    bucket                                 = required(string, force_new)
    expected_bucket_owner                  = optional(string, force_new)
    transition_default_minimum_object_size = optional(string, computed, one_of("all_storage_classes_128K", "varies_by_storage_class"))
    timeouts "create" "update" {}
    list "rule" "1.." {
      id     = required(string, length(1, 255))
      prefix = optional(string, deprecated("use filter"))
      status = required(string, one_of("Enabled", "Disabled"))
      list "abort_incomplete_multipart_upload" "0..1" {
        days_after_initiation = optional(number)
      }
      list "expiration" "0..1" {
        date                         = optional(string)
        days                         = optional(number)
        expired_object_delete_marker = optional(bool)
      }
      list "filter" "0..1" {
        object_size_greater_than = optional(number)
        object_size_less_than    = optional(number)
        prefix                   = optional(string)
        list "and" "0..1" {
          object_size_greater_than = optional(number)
          object_size_less_than    = optional(number)
          prefix                   = optional(string)
          tags                     = optional(map(string))
        }
        list "tag" "0..1" {
          key   = required(string)
          value = required(string)
        }
      }
      list "noncurrent_version_expiration" "0..1" {
        newer_noncurrent_versions = optional(number, range(1, 100))
        noncurrent_days           = required(number)
      }
      set "noncurrent_version_transition" "0.." {
        newer_noncurrent_versions = optional(number, range(1, 100))
        noncurrent_days           = required(number)
        storage_class             = required(string)
      }
      set "transition" "0.." {
        date          = optional(string)
        days          = optional(number)
        storage_class = required(string)
      }
    }
  }
  create {
    call "PutBucketLifecycleConfiguration" {
      request = {
        Bucket                             = self.bucket
        ExpectedBucketOwner                = nonempty(config.expected_bucket_owner)
        TransitionDefaultMinimumObjectSize = nonempty(config.transition_default_minimum_object_size)
        LifecycleConfiguration             = { Rules = [for r in self.rule : s3_lifecycle_rule(r)] }
      }
      id = s3_setting_id(self.bucket, config.expected_bucket_owner)
    }
  }
  read {
    call "GetBucketLifecycleConfiguration" {
      request = { Bucket = split(",", self.id)[0], ExpectedBucketOwner = nonempty(self.expected_bucket_owner) }
      gone    = ["NoSuchBucket", "NoSuchLifecycleConfiguration"]
    }
    state = {
      bucket                                 = split(",", self.id)[0]
      transition_default_minimum_object_size = result.TransitionDefaultMinimumObjectSize
      rule                                   = [for r in result.Rules : s3_lifecycle_block(r)]
    }
  }
  update {
    call "PutBucketLifecycleConfiguration" {
      request = {
        Bucket                             = self.bucket
        ExpectedBucketOwner                = nonempty(self.expected_bucket_owner)
        TransitionDefaultMinimumObjectSize = nonempty(self.transition_default_minimum_object_size)
        LifecycleConfiguration             = { Rules = [for r in self.rule : s3_lifecycle_rule(r)] }
      }
    }
  }
  delete {
    call "DeleteBucketLifecycle" {
      request = { Bucket = self.bucket }
      gone    = ["NoSuchBucket", "NoSuchLifecycleConfiguration"]
    }
  }
}
