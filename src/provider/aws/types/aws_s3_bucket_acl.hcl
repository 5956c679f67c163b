resource "aws_s3_bucket_acl" {
  service = "s3"
  schema {
    acl                   = optional(string, conflicts("access_control_policy"), one_of("private", "public-read", "public-read-write", "aws-exec-read", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control", "log-delivery-write"), local_only)
    bucket                = required(string, force_new, length(1, 63))
    expected_bucket_owner = optional(string, force_new)
    list "access_control_policy" "0..1" computed {
      set "grant" "0.." {
        permission = required(string, one_of("FULL_CONTROL", "WRITE", "WRITE_ACP", "READ", "READ_ACP"))
        list "grantee" "0..1" {
          display_name  = computed(string)
          email_address = optional(string)
          id            = optional(string)
          type          = required(string, one_of("CanonicalUser", "Group", "AmazonCustomerByEmail"))
          uri           = optional(string)
        }
      }
      list "owner" "1" {
        display_name = optional(string, computed)
        id           = required(string)
      }
    }
  }
  create {
    call "PutBucketAcl" {
      request = {
        Bucket              = self.bucket
        ExpectedBucketOwner = nonempty(config.expected_bucket_owner)
        ACL                 = nonempty(config.acl)
        AccessControlPolicy = nonempty(config.acl) != null ? null : s3_access_policy(config.access_control_policy[0])
      }
      id = join(",", [for part in [self.bucket, nonempty(config.expected_bucket_owner), nonempty(config.acl)] : part if part != null])
    }
  }
  read {
    let { parts = split(",", self.id) }
    call "GetBucketAcl" {
      request = { Bucket = parts[0], ExpectedBucketOwner = nonempty(self.expected_bucket_owner) }
      gone    = ["NoSuchBucket"]
    }
    state = {
      bucket = parts[0]
      access_control_policy = [{
        owner = [{ id = result.Owner.ID, display_name = fallback(result.Owner.DisplayName, "") }]
        grant = [for g in result.Grants : {
          permission = g.Permission
          grantee = [{
            type          = g.Grantee.Type
            id            = fallback(g.Grantee.ID, "")
            uri           = fallback(g.Grantee.URI, "")
            email_address = fallback(g.Grantee.EmailAddress, "")
            display_name  = fallback(g.Grantee.DisplayName, "")
          }]
        }]
      }]
    }
  }
  update {
    call "PutBucketAcl" {
      request = {
        Bucket              = self.bucket
        ExpectedBucketOwner = nonempty(self.expected_bucket_owner)
        ACL                 = nonempty(config.acl)
        AccessControlPolicy = nonempty(config.acl) != null ? null : s3_access_policy(self.access_control_policy[0])
      }
      id = join(",", [for part in [self.bucket, nonempty(self.expected_bucket_owner), nonempty(config.acl)] : part if part != null])
    }
  }
  delete {
  }
}
