resource "aws_s3_bucket_versioning" {
  service = "s3"
  schema {
    bucket                = required(string, force_new, length(1, 63))
    expected_bucket_owner = optional(string, force_new)
    mfa                   = optional(string, local_only, unsupported("Terrarium does not implement MFA Delete"))
    list "versioning_configuration" "1" {
      mfa_delete = optional(string, computed, one_of("Enabled", "Disabled"))
      status     = required(string, one_of("Enabled", "Suspended", "Disabled"))
    }
  }
  create {
    call "PutBucketVersioning" {
      when = config.versioning_configuration[0].status != "Disabled"
      request = {
        Bucket              = self.bucket
        ExpectedBucketOwner = nonempty(config.expected_bucket_owner)
        VersioningConfiguration = {
          Status    = config.versioning_configuration[0].status
          MFADelete = nonempty(config.versioning_configuration[0].mfa_delete)
        }
      }
    }
    call "GetBucketVersioning" {
      request = { Bucket = self.bucket }
      id      = s3_setting_id(self.bucket, config.expected_bucket_owner)
    }
  }
  read {
    call "GetBucketVersioning" {
      request = { Bucket = split(",", self.id)[0], ExpectedBucketOwner = nonempty(self.expected_bucket_owner) }
      gone    = ["NoSuchBucket"]
    }
    state = {
      bucket                   = split(",", self.id)[0]
      versioning_configuration = [{ status = fallback(result.Status, "Disabled"), mfa_delete = fallback(result.MFADelete, "") }]
    }
  }
  update {
    call "PutBucketVersioning" {
      when = changed("versioning_configuration")
      request = {
        Bucket                  = self.bucket
        ExpectedBucketOwner     = nonempty(self.expected_bucket_owner)
        VersioningConfiguration = { Status = self.versioning_configuration[0].status }
      }
    }
  }
  delete {
    call "PutBucketVersioning" {
      when    = self.versioning_configuration[0].status == "Enabled"
      request = { Bucket = self.bucket, VersioningConfiguration = { Status = "Suspended" } }
      gone    = ["NoSuchBucket"]
    }
  }
}
