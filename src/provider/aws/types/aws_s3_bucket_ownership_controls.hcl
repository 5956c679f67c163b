resource "aws_s3_bucket_ownership_controls" {
  service = "s3"
  schema {
    bucket = required(string, force_new)
    list "rule" "1" {
      object_ownership = required(string, one_of("BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"))
    }
  }
  create {
    call "PutBucketOwnershipControls" {
      request = { Bucket = self.bucket, OwnershipControls = { Rules = [for r in self.rule : { ObjectOwnership = r.object_ownership }] } }
      id      = self.bucket
    }
  }
  read {
    call "GetBucketOwnershipControls" {
      request = { Bucket = self.id }
      gone    = ["NoSuchBucket", "OwnershipControlsNotFoundError"]
    }
    state = {
      bucket = self.id
      rule   = [for r in result.OwnershipControls.Rules : { object_ownership = r.ObjectOwnership }]
    }
  }
  update {
    call "PutBucketOwnershipControls" {
      request = { Bucket = self.id, OwnershipControls = { Rules = [for r in self.rule : { ObjectOwnership = r.object_ownership }] } }
    }
  }
  delete {
    call "DeleteBucketOwnershipControls" {
      request = { Bucket = self.id }
      gone    = ["NoSuchBucket", "OwnershipControlsNotFoundError"]
    }
  }
}
