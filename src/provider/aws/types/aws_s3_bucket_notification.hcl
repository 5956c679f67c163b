resource "aws_s3_bucket_notification" {
  service = "s3"
  schema {
    bucket      = required(string, force_new)
    eventbridge = optional(bool, default(false))
    list "lambda_function" "0.." "unsupported: Terrarium has no Lambda functions to notify" {
      events              = required(set(string))
      filter_prefix       = optional(string)
      filter_suffix       = optional(string)
      id                  = optional(string, computed)
      lambda_function_arn = optional(string)
    }
    list "queue" "0.." "unsupported: Terrarium does not notify queues of objects" {
      events        = required(set(string))
      filter_prefix = optional(string)
      filter_suffix = optional(string)
      id            = optional(string, computed)
      queue_arn     = required(string)
    }
    list "topic" "0.." "unsupported: Terrarium has no topics to notify" {
      events        = required(set(string))
      filter_prefix = optional(string)
      filter_suffix = optional(string)
      id            = optional(string, computed)
      topic_arn     = required(string)
    }
  }
  create {
    call "PutBucketNotificationConfiguration" {
      request = {
        Bucket                    = self.bucket
        NotificationConfiguration = { EventBridgeConfiguration = self.eventbridge == true ? {} : null }
      }
      id = self.bucket
    }
  }
  read {
    call "GetBucketNotificationConfiguration" {
      request = { Bucket = self.id }
      gone    = ["NoSuchBucket"]
    }
    state = {
      bucket      = self.id
      eventbridge = result.EventBridgeConfiguration != null
    }
  }
  update {
    call "PutBucketNotificationConfiguration" {
      request = {
        Bucket                    = self.id
        NotificationConfiguration = { EventBridgeConfiguration = self.eventbridge == true ? {} : null }
      }
    }
  }
  delete {
    call "PutBucketNotificationConfiguration" {
      request = { Bucket = self.id, NotificationConfiguration = {} }
      gone    = ["NoSuchBucket"]
    }
  }
}
