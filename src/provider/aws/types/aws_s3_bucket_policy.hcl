resource "aws_s3_bucket_policy" {
  service = "s3"
  schema {
    bucket = required(string, force_new)
    policy = required(string, json(), equal("policy"))
  }
  create {
    call "PutBucketPolicy" {
      request = { Bucket = self.bucket, Policy = self.policy }
      id      = self.bucket
      retry "MalformedPolicy" { timeout = "5s" }
    }
  }
  read {
    call "GetBucketPolicy" {
      request = { Bucket = self.id }
      gone    = ["NoSuchBucket", "NoSuchBucketPolicy"]
    }
    state = { bucket = self.id, policy = result.Policy }
  }
  update {
    call "PutBucketPolicy" {
      request = { Bucket = self.id, Policy = self.policy }
    }
  }
  delete {
    call "DeleteBucketPolicy" {
      request = { Bucket = self.id }
      gone    = ["NoSuchBucket", "NoSuchBucketPolicy"]
    }
  }
}

data "aws_s3_bucket_policy" {
  service = "s3"
  schema {
    bucket = required(string)
    policy = computed(string)
  }
  read {
    call "GetBucketPolicy" {
      request = { Bucket = self.bucket }
      id      = self.bucket
    }
    state = { policy = result.Policy }
  }
}
