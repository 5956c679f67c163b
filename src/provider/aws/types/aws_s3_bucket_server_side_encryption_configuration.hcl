resource "aws_s3_bucket_server_side_encryption_configuration" {
  service = "s3"
  schema {
    bucket                = required(string, force_new)
    expected_bucket_owner = optional(string, force_new)
    set "rule" "1.." {
      blocked_encryption_types = optional(list(string))
      bucket_key_enabled       = optional(bool)
      list "apply_server_side_encryption_by_default" "0..1" {
        kms_master_key_id = optional(string)
        sse_algorithm     = required(string, one_of("AES256", "aws:kms", "aws:kms:dsse"))
      }
    }
  }
  create {
    call "PutBucketEncryption" {
      request = {
        Bucket                            = self.bucket
        ExpectedBucketOwner               = nonempty(config.expected_bucket_owner)
        ServerSideEncryptionConfiguration = s3_encryption(self.rule)
      }
      id = s3_setting_id(self.bucket, config.expected_bucket_owner)
    }
  }
  read {
    call "GetBucketEncryption" {
      request = { Bucket = split(",", self.id)[0], ExpectedBucketOwner = nonempty(self.expected_bucket_owner) }
      gone    = ["NoSuchBucket", "ServerSideEncryptionConfigurationNotFoundError"]
    }
    state = {
      bucket = split(",", self.id)[0]
      rule = [for r in result.ServerSideEncryptionConfiguration.Rules : {
        bucket_key_enabled       = r.BucketKeyEnabled
        blocked_encryption_types = r.BlockedEncryptionTypes.EncryptionType
        apply_server_side_encryption_by_default = [for d in [r.ApplyServerSideEncryptionByDefault] : {
          sse_algorithm     = d.SSEAlgorithm
          kms_master_key_id = fallback(d.KMSMasterKeyID, "")
        } if d != null]
      }]
    }
  }
  update {
    call "PutBucketEncryption" {
      request = {
        Bucket                            = self.bucket
        ExpectedBucketOwner               = nonempty(self.expected_bucket_owner)
        ServerSideEncryptionConfiguration = s3_encryption(self.rule)
      }
    }
  }
  delete {
    call "DeleteBucketEncryption" {
      request = { Bucket = self.bucket }
      gone    = ["NoSuchBucket"]
    }
  }
}
