resource "aws_s3_bucket_logging" {
  service = "s3"
  schema {
    bucket                = required(string, force_new, length(1, 63))
    expected_bucket_owner = optional(string, force_new)
    target_bucket         = required(string)
    target_prefix         = required(string)
    set "target_grant" "0.." "unsupported: Terrarium grants nothing on log files" {
      permission = required(string)
      list "grantee" "1" {
        display_name  = computed(string)
        email_address = optional(string)
        id            = optional(string)
        type          = required(string)
        uri           = optional(string)
      }
    }
    list "target_object_key_format" "0..1" {
      list "partitioned_prefix" "0..1" {
        partition_date_source = required(string, one_of("EventTime", "DeliveryTime"))
      }
      list "simple_prefix" "0..1" {
      }
    }
  }
  create {
    call "PutBucketLogging" {
      request = {
        Bucket              = self.bucket
        ExpectedBucketOwner = nonempty(config.expected_bucket_owner)
        BucketLoggingStatus = s3_logging(self)
      }
      id = s3_setting_id(self.bucket, config.expected_bucket_owner)
    }
  }
  read {
    call "GetBucketLogging" {
      request = { Bucket = split(",", self.id)[0], ExpectedBucketOwner = nonempty(self.expected_bucket_owner) }
      gone    = ["NoSuchBucket"]
    }
    gone { when = result.LoggingEnabled == null }
    state = {
      bucket        = split(",", self.id)[0]
      target_bucket = result.LoggingEnabled.TargetBucket
      target_prefix = fallback(result.LoggingEnabled.TargetPrefix, "")
      target_object_key_format = [for f in [result.LoggingEnabled.TargetObjectKeyFormat] : {
        partitioned_prefix = [for p in [f.PartitionedPrefix] : { partition_date_source = p.PartitionDateSource } if p != null]
        simple_prefix      = f.PartitionedPrefix == null ? [{}] : []
      } if f != null]
    }
  }
  update {
    call "PutBucketLogging" {
      request = {
        Bucket              = self.bucket
        ExpectedBucketOwner = nonempty(self.expected_bucket_owner)
        BucketLoggingStatus = s3_logging(self)
      }
    }
  }
  delete {
    call "PutBucketLogging" {
      request = {
        Bucket              = self.bucket
        ExpectedBucketOwner = nonempty(self.expected_bucket_owner)
        BucketLoggingStatus = {}
      }
      gone = ["NoSuchBucket"]
    }
  }
}
