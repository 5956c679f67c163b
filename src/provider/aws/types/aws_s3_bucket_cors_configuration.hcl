resource "aws_s3_bucket_cors_configuration" {
  service = "s3"
  schema {
    bucket                = required(string, force_new, length(1, 63))
    expected_bucket_owner = optional(string, force_new)
    set "cors_rule" "1..100" {
      allowed_headers = optional(set(string))
      allowed_methods = required(set(string))
      allowed_origins = required(set(string))
      expose_headers  = optional(set(string))
      id              = optional(string, length(0, 255))
      max_age_seconds = optional(number)
    }
  }
  create {
    call "PutBucketCors" {
      request = {
        Bucket              = self.bucket
        ExpectedBucketOwner = nonempty(config.expected_bucket_owner)
        CORSConfiguration   = s3_cors(self.cors_rule)
      }
      id = s3_setting_id(self.bucket, config.expected_bucket_owner)
    }
  }
  read {
    call "GetBucketCors" {
      request = { Bucket = split(",", self.id)[0], ExpectedBucketOwner = nonempty(self.expected_bucket_owner) }
      gone    = ["NoSuchBucket", "NoSuchCORSConfiguration"]
    }
    state = {
      bucket = split(",", self.id)[0]
      cors_rule = [for r in result.CORSRules : {
        allowed_headers = nonempty(r.AllowedHeaders)
        allowed_methods = r.AllowedMethods
        allowed_origins = r.AllowedOrigins
        expose_headers  = nonempty(r.ExposeHeaders)
        id              = r.ID
        max_age_seconds = r.MaxAgeSeconds
      }]
    }
  }
  update {
    call "PutBucketCors" {
      request = {
        Bucket              = self.bucket
        ExpectedBucketOwner = nonempty(self.expected_bucket_owner)
        CORSConfiguration   = s3_cors(self.cors_rule)
      }
    }
  }
  delete {
    call "DeleteBucketCors" {
      request = { Bucket = self.bucket, ExpectedBucketOwner = nonempty(self.expected_bucket_owner) }
      gone    = ["NoSuchBucket", "NoSuchCORSConfiguration"]
    }
  }
}
