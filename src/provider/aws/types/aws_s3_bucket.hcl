resource "aws_s3_bucket" {
  service = "s3"
  schema {
    acceleration_status         = optional(string, computed, unsupported("there is no transfer acceleration on one machine"))
    acl                         = optional(string, conflicts("grant"), one_of("private", "public-read", "public-read-write", "aws-exec-read", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control", "log-delivery-write"), deprecated("use aws_s3_bucket_acl"), local_only)
    arn                         = computed(string)
    bucket                      = optional(string, computed, force_new, conflicts("bucket_prefix"), length(0, 63))
    bucket_domain_name          = computed(string)
    bucket_namespace            = optional(string, unsupported("bucket names are global"))
    bucket_prefix               = optional(string, computed, force_new, length(0, 37))
    bucket_region               = computed(string)
    bucket_regional_domain_name = computed(string)
    force_destroy               = optional(bool, default(false), local_only)
    hosted_zone_id              = computed(string)
    object_lock_enabled         = optional(bool, computed, force_new)
    policy                      = optional(string, computed, json(), equal("policy"))
    request_payer               = optional(string, computed, one_of("BucketOwner", "Requester"))
    website_domain              = computed(string)
    website_endpoint            = computed(string)
    tags                        = tags()
    timeouts "create" "read" "update" "delete" {}
    list "cors_rule" "0.." computed {
      allowed_headers = optional(list(string))
      allowed_methods = required(list(string))
      allowed_origins = required(list(string))
      expose_headers  = optional(list(string))
      max_age_seconds = optional(number)
    }
    set "grant" "0.." computed {
      id          = optional(string)
      permissions = required(set(string))
      type        = required(string, one_of("CanonicalUser", "Group", "AmazonCustomerByEmail"))
      uri         = optional(string)
    }
    list "lifecycle_rule" "0.." computed {
      abort_incomplete_multipart_upload_days = optional(number)
      enabled                                = required(bool)
      id                                     = optional(string, computed, length(0, 255))
      prefix                                 = optional(string)
      tags                                   = optional(map(string))
      list "expiration" "0..1" {
        date                         = optional(string)
        days                         = optional(number)
        expired_object_delete_marker = optional(bool)
      }
      list "noncurrent_version_expiration" "0..1" {
        days = optional(number)
      }
      set "noncurrent_version_transition" "0.." {
        days          = optional(number)
        storage_class = required(string)
      }
      set "transition" "0.." {
        date          = optional(string)
        days          = optional(number)
        storage_class = required(string)
      }
    }
    list "logging" "0..1" computed {
      target_bucket = required(string)
      target_prefix = optional(string)
    }
    list "object_lock_configuration" "0..1" "unsupported: Terrarium does not implement Object Lock" {
      object_lock_enabled = optional(string)
      list "rule" "0..1" {
        list "default_retention" "1" {
          days  = optional(number)
          mode  = required(string)
          years = optional(number)
        }
      }
    }
    list "replication_configuration" "0..1" "unsupported: Terrarium does not replicate buckets" {
      role = required(string)
      set "rules" "1.." {
        delete_marker_replication_status = optional(string)
        id                               = optional(string)
        prefix                           = optional(string)
        priority                         = optional(number)
        status                           = required(string)
        list "destination" "1" {
          account_id         = optional(string)
          bucket             = required(string)
          replica_kms_key_id = optional(string)
          storage_class      = optional(string)
          list "access_control_translation" "0..1" {
            owner = required(string)
          }
          list "metrics" "0..1" {
            minutes = optional(number)
            status  = optional(string)
          }
          list "replication_time" "0..1" {
            minutes = optional(number)
            status  = optional(string)
          }
        }
        list "filter" "0..1" {
          prefix = optional(string)
          tags   = optional(map(string))
        }
        list "source_selection_criteria" "0..1" {
          list "sse_kms_encrypted_objects" "0..1" {
            enabled = required(bool)
          }
        }
      }
    }
    list "server_side_encryption_configuration" "0..1" computed {
      list "rule" "1" {
        bucket_key_enabled = optional(bool)
        list "apply_server_side_encryption_by_default" "1" {
          kms_master_key_id = optional(string)
          sse_algorithm     = required(string, one_of("AES256", "aws:kms", "aws:kms:dsse"))
        }
      }
    }
    list "versioning" "0..1" computed {
      enabled    = optional(bool, default(false))
      mfa_delete = optional(bool, default(false))
    }
    list "website" "0..1" computed {
      error_document           = optional(string)
      index_document           = optional(string)
      redirect_all_requests_to = optional(string)
      routing_rules            = optional(string, json(), equal("json"))
    }
  }
  validate {
    error {
      when    = self.object_lock_enabled == true
      summary = "Unsupported Object Lock"
      detail  = "object_lock_enabled = true is not supported: Terrarium does not implement Object Lock."
    }
    error {
      when    = try(self.versioning[0].mfa_delete, false) == true
      summary = "Unsupported MFA Delete"
      detail  = "mfa_delete = true is not supported: Terrarium does not implement MFA Delete."
    }
  }
  create {
    set { bucket = fallback(nonempty(config.bucket), unique_id(fallback(nonempty(config.bucket_prefix), "terraform-"))) }
    call "HeadBucket" "before" {
      request = { Bucket = self.bucket }
      ignore  = ["NotFound", "Forbidden", "PermanentRedirect"]
    }
    error {
      when    = before.BucketRegion != null
      summary = "Bucket already exists"
      detail  = "creating S3 Bucket (${self.bucket}): BucketAlreadyExists"
    }
    call "CreateBucket" {
      request = {
        Bucket          = self.bucket
        ACL             = config.acl
        ObjectOwnership = null
        CreateBucketConfiguration = nonempty({ for k, v in {
          LocationConstraint = self.region == "us-east-1" ? null : self.region
        } : k => v if v != null })
      }
      id = self.bucket
    }
    call "PutBucketTagging" {
      when    = length(self.tags_all) > 0
      request = { Bucket = self.id, Tagging = { TagSet = tag_list(self.tags_all) } }
    }
    call "PutBucketPolicy" {
      when    = nonempty(config.policy) != null
      request = { Bucket = self.id, Policy = config.policy }
    }
    call "PutBucketAcl" {
      when    = length(fallback(config.grant, [])) > 0
      request = { Bucket = self.id, AccessControlPolicy = s3_grants(config.grant, provider.account_id) }
    }
    call "PutBucketVersioning" {
      when    = length(fallback(config.versioning, [])) > 0 && try(config.versioning[0].enabled, false) == true
      request = { Bucket = self.id, VersioningConfiguration = { Status = "Enabled" } }
    }
    call "PutBucketCors" {
      when    = length(fallback(config.cors_rule, [])) > 0
      request = { Bucket = self.id, CORSConfiguration = s3_cors(config.cors_rule) }
    }
    call "PutBucketWebsite" {
      when    = length(fallback(config.website, [])) > 0
      request = { Bucket = self.id, WebsiteConfiguration = s3_inline_website(config.website[0]) }
    }
    call "PutBucketLogging" {
      when    = length(fallback(config.logging, [])) > 0
      request = { Bucket = self.id, BucketLoggingStatus = s3_inline_logging(config.logging) }
    }
    call "PutBucketLifecycleConfiguration" {
      when    = length(fallback(config.lifecycle_rule, [])) > 0
      request = { Bucket = self.id, LifecycleConfiguration = s3_inline_lifecycle(config.lifecycle_rule) }
    }
    call "PutBucketEncryption" {
      when    = length(fallback(config.server_side_encryption_configuration, [])) > 0
      request = { Bucket = self.id, ServerSideEncryptionConfiguration = s3_encryption(config.server_side_encryption_configuration[0].rule) }
    }
    call "PutBucketRequestPayment" {
      when    = config.request_payer == "Requester"
      request = { Bucket = self.id, RequestPaymentConfiguration = { Payer = config.request_payer } }
    }
  }
  read {
    call "HeadBucket" "head" {
      request = { Bucket = self.id }
      gone    = ["NotFound", "NoSuchBucket"]
    }
    call "GetBucketPolicy" "policy" {
      request = { Bucket = self.id }
      ignore  = ["NoSuchBucketPolicy"]
    }
    call "GetBucketAcl" "acl" {
      request = { Bucket = self.id }
    }
    call "GetBucketCors" "cors" {
      request = { Bucket = self.id }
      ignore  = ["NoSuchCORSConfiguration"]
    }
    call "GetBucketWebsite" "website" {
      request = { Bucket = self.id }
      ignore  = ["NoSuchWebsiteConfiguration"]
    }
    call "GetBucketVersioning" "versioning" {
      request = { Bucket = self.id }
    }
    call "GetBucketRequestPayment" "payment" {
      request = { Bucket = self.id }
    }
    call "GetBucketLogging" "logging" {
      request = { Bucket = self.id }
    }
    call "GetBucketLifecycleConfiguration" "lifecycle" {
      request = { Bucket = self.id }
      ignore  = ["NoSuchLifecycleConfiguration"]
    }
    call "GetBucketEncryption" "encryption" {
      request = { Bucket = self.id }
      ignore  = ["ServerSideEncryptionConfigurationNotFoundError"]
    }
    let {
      place    = fallback(head.BucketRegion, self.region)
      site     = website.IndexDocument != null || website.RedirectAllRequestsTo != null
      site_end = s3_website_domain(fallback(head.BucketRegion, self.region), provider)
    }
    state = {
      bucket                      = self.id
      bucket_prefix               = fallback(self.bucket_prefix, "")
      arn                         = "arn:${provider.partition}:s3:::${self.id}"
      bucket_domain_name          = "${self.id}.s3.amazonaws.com"
      bucket_regional_domain_name = "${self.id}.s3.${place}.amazonaws.com"
      bucket_region               = place
      hosted_zone_id              = s3_hosted_zone(place)
      acceleration_status         = ""
      object_lock_enabled         = false
      policy                      = fallback(policy.Policy, "")
      request_payer               = payment.Payer
      website_domain              = site ? site_end : null
      website_endpoint            = site ? s3_website_endpoint(self.id, fallback(head.BucketRegion, self.region), provider) : null
      cors_rule                   = s3_cors_blocks(cors.CORSRules)
      grant                       = s3_grant_blocks(acl.Grants)
      lifecycle_rule              = [for r in fallback(lifecycle.Rules, []) : s3_inline_lifecycle_block(r)]
      logging = [for l in [logging.LoggingEnabled] : {
        target_bucket = l.TargetBucket
        target_prefix = fallback(l.TargetPrefix, "")
      } if l != null]
      server_side_encryption_configuration = encryption.ServerSideEncryptionConfiguration == null ? [] : [
        { rule = s3_encryption_blocks(encryption.ServerSideEncryptionConfiguration.Rules) }
      ]
      versioning = [{ enabled = versioning.Status == "Enabled", mfa_delete = versioning.MFADelete == "Enabled" }]
      website = site ? [{
        index_document           = fallback(website.IndexDocument.Suffix, "")
        error_document           = fallback(website.ErrorDocument.Key, "")
        redirect_all_requests_to = website.RedirectAllRequestsTo == null ? "" : s3_redirect_text(website.RedirectAllRequestsTo)
        routing_rules            = website.RoutingRules == null ? "" : jsonencode(website.RoutingRules)
      }] : []
    }
  }
  update {
    call "PutBucketPolicy" {
      when    = changed("policy") && nonempty(self.policy) != null
      request = { Bucket = self.id, Policy = self.policy }
    }
    call "DeleteBucketPolicy" {
      when    = changed("policy") && nonempty(self.policy) == null
      request = { Bucket = self.id }
    }
    call "PutBucketAcl" {
      when    = changed("acl") && nonempty(self.acl) != null
      request = { Bucket = self.id, ACL = self.acl }
    }
    call "PutBucketAcl" {
      when    = changed("grant") && length(fallback(config.grant, [])) > 0
      request = { Bucket = self.id, AccessControlPolicy = s3_grants(self.grant, provider.account_id) }
    }
    call "PutBucketVersioning" {
      when    = changed("versioning") && length(self.versioning) > 0
      request = { Bucket = self.id, VersioningConfiguration = { Status = self.versioning[0].enabled == true ? "Enabled" : "Suspended" } }
    }
    call "PutBucketCors" {
      when    = changed("cors_rule") && length(self.cors_rule) > 0
      request = { Bucket = self.id, CORSConfiguration = s3_cors(self.cors_rule) }
    }
    call "DeleteBucketCors" {
      when    = changed("cors_rule") && length(self.cors_rule) == 0
      request = { Bucket = self.id }
    }
    call "PutBucketWebsite" {
      when    = changed("website") && length(self.website) > 0
      request = { Bucket = self.id, WebsiteConfiguration = s3_inline_website(self.website[0]) }
    }
    call "DeleteBucketWebsite" {
      when    = changed("website") && length(self.website) == 0
      request = { Bucket = self.id }
    }
    call "PutBucketLogging" {
      when    = changed("logging")
      request = { Bucket = self.id, BucketLoggingStatus = s3_inline_logging(self.logging) }
    }
    call "PutBucketLifecycleConfiguration" {
      when    = changed("lifecycle_rule") && length(self.lifecycle_rule) > 0
      request = { Bucket = self.id, LifecycleConfiguration = s3_inline_lifecycle(self.lifecycle_rule) }
    }
    call "DeleteBucketLifecycle" {
      when    = changed("lifecycle_rule") && length(self.lifecycle_rule) == 0
      request = { Bucket = self.id }
    }
    call "PutBucketEncryption" {
      when    = changed("server_side_encryption_configuration") && length(self.server_side_encryption_configuration) > 0
      request = { Bucket = self.id, ServerSideEncryptionConfiguration = s3_encryption(self.server_side_encryption_configuration[0].rule) }
    }
    call "DeleteBucketEncryption" {
      when    = changed("server_side_encryption_configuration") && length(self.server_side_encryption_configuration) == 0
      request = { Bucket = self.id }
    }
    call "PutBucketRequestPayment" {
      when    = changed("request_payer")
      request = { Bucket = self.id, RequestPaymentConfiguration = { Payer = fallback(self.request_payer, "BucketOwner") } }
    }
  }
  delete {
    call "ListObjectVersions" "all" {
      when     = self.force_destroy == true
      request  = { Bucket = self.id }
      paginate = { input = ["KeyMarker", "VersionIdMarker"], output = ["NextKeyMarker", "NextVersionIdMarker"], items = ["Versions", "DeleteMarkers"] }
      gone     = ["NoSuchBucket"]
    }
    call "DeleteObjects" {
      for_each = self.force_destroy == true ? chunklist([for v in concat(fallback(all.Versions, []), fallback(all.DeleteMarkers, [])) : { Key = v.Key, VersionId = v.VersionId }], 1000) : []
      request  = { Bucket = self.id, Delete = { Quiet = true, Objects = each.value } }
    }
    call "DeleteBucket" {
      request = { Bucket = self.id }
      gone    = ["NoSuchBucket"]
    }
  }
  tags {
    resource = self.id
    read     = true
  }
}

data "aws_s3_bucket" {
  service = "s3"
  schema {
    bucket                      = required(string)
    arn                         = computed(string)
    bucket_domain_name          = computed(string)
    bucket_region               = computed(string)
    bucket_regional_domain_name = computed(string)
    hosted_zone_id              = computed(string)
    website_domain              = computed(string)
    website_endpoint            = computed(string)
  }
  read {
    call "HeadBucket" "head" {
      request = { Bucket = self.bucket }
      id      = self.bucket
    }
    call "GetBucketWebsite" "website" {
      request = { Bucket = self.bucket }
      ignore  = ["NoSuchWebsiteConfiguration"]
    }
    let { site = website.IndexDocument != null || website.RedirectAllRequestsTo != null }
    state = {
      arn                         = "arn:${provider.partition}:s3:::${self.bucket}"
      bucket_domain_name          = "${self.bucket}.s3.amazonaws.com"
      bucket_region               = head.BucketRegion
      bucket_regional_domain_name = "${self.bucket}.s3.${head.BucketRegion}.amazonaws.com"
      hosted_zone_id              = s3_hosted_zone(head.BucketRegion)
      website_domain              = site ? s3_website_domain(head.BucketRegion, provider) : null
      website_endpoint            = site ? s3_website_endpoint(self.bucket, head.BucketRegion, provider) : null
    }
  }
}
