resource "aws_s3_bucket_public_access_block" {
  service = "s3"
  schema {
    block_public_acls       = optional(bool, default(false))
    block_public_policy     = optional(bool, default(false))
    bucket                  = required(string, force_new)
    ignore_public_acls      = optional(bool, default(false))
    restrict_public_buckets = optional(bool, default(false))
    skip_destroy            = optional(bool, local_only)
  }
  create {
    call "PutPublicAccessBlock" {
      request = { Bucket = self.bucket, PublicAccessBlockConfiguration = s3_public_access_block(self) }
      id      = self.bucket
    }
  }
  read {
    call "GetPublicAccessBlock" {
      request = { Bucket = self.id }
      gone    = ["NoSuchBucket", "NoSuchPublicAccessBlockConfiguration"]
    }
    let { block = result.PublicAccessBlockConfiguration }
    state = {
      bucket                  = self.id
      block_public_acls       = block.BlockPublicAcls
      block_public_policy     = block.BlockPublicPolicy
      ignore_public_acls      = block.IgnorePublicAcls
      restrict_public_buckets = block.RestrictPublicBuckets
    }
  }
  update {
    call "PutPublicAccessBlock" {
      request = { Bucket = self.id, PublicAccessBlockConfiguration = s3_public_access_block(self) }
    }
  }
  delete {
    call "DeletePublicAccessBlock" {
      when    = self.skip_destroy != true
      request = { Bucket = self.id }
      gone    = ["NoSuchBucket", "NoSuchPublicAccessBlockConfiguration"]
    }
  }
}
