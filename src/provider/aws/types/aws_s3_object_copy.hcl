resource "aws_s3_object_copy" {
  service = "s3"
  schema {
    acl                           = optional(string, computed, conflicts("grant"), one_of("private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"), local_only)
    arn                           = computed(string)
    bucket                        = required(string, force_new)
    bucket_key_enabled            = optional(bool, computed)
    cache_control                 = optional(string, computed)
    checksum_algorithm            = optional(string, one_of("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"), local_only)
    checksum_crc32                = computed(string)
    checksum_crc32c               = computed(string)
    checksum_crc64nvme            = computed(string)
    checksum_sha1                 = computed(string)
    checksum_sha256               = computed(string)
    content_disposition           = optional(string, computed)
    content_encoding              = optional(string, computed)
    content_language              = optional(string, computed)
    content_type                  = optional(string, computed)
    copy_if_match                 = optional(string, local_only)
    copy_if_modified_since        = optional(string, pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}T"), local_only)
    copy_if_none_match            = optional(string, local_only)
    copy_if_unmodified_since      = optional(string, pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}T"), local_only)
    customer_algorithm            = optional(string, computed, unsupported("Terrarium does not implement encryption with keys of the customer's"))
    customer_key                  = optional(string, sensitive, unsupported("Terrarium does not implement encryption with keys of the customer's"))
    customer_key_md5              = optional(string, computed, unsupported("Terrarium does not implement encryption with keys of the customer's"))
    etag                          = computed(string, changes_with("source", "copy_if_match", "copy_if_none_match"))
    expected_bucket_owner         = optional(string, local_only)
    expected_source_bucket_owner  = optional(string, local_only)
    expiration                    = computed(string)
    expires                       = optional(string, pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}T"), local_only)
    force_destroy                 = optional(bool, default(false), local_only)
    key                           = required(string, force_new, length(1, 1024))
    kms_encryption_context        = optional(string, computed, sensitive)
    kms_key_id                    = optional(string, computed, sensitive)
    last_modified                 = computed(string, changes_with("source", "metadata"))
    metadata                      = optional(map(string), computed)
    metadata_directive            = optional(string, one_of("COPY", "REPLACE"), local_only)
    object_lock_legal_hold_status = optional(string, computed, unsupported("Terrarium does not implement Object Lock"))
    object_lock_mode              = optional(string, computed, unsupported("Terrarium does not implement Object Lock"))
    object_lock_retain_until_date = optional(string, computed, unsupported("Terrarium does not implement Object Lock"))
    request_charged               = computed(bool)
    request_payer                 = optional(string, one_of("requester"), local_only)
    server_side_encryption        = optional(string, computed, one_of("AES256", "aws:kms", "aws:kms:dsse"))
    source                        = required(string)
    source_customer_algorithm     = optional(string, unsupported("Terrarium does not implement encryption with keys of the customer's"))
    source_customer_key           = optional(string, sensitive, unsupported("Terrarium does not implement encryption with keys of the customer's"))
    source_customer_key_md5       = optional(string, unsupported("Terrarium does not implement encryption with keys of the customer's"))
    source_version_id             = computed(string)
    storage_class                 = optional(string, computed)
    tagging_directive             = optional(string, one_of("COPY", "REPLACE"), local_only)
    tags                          = tags()
    version_id                    = computed(string, changes_with("source", "metadata", "content_type"))
    website_redirect              = optional(string, computed)
    set "grant" "0.." {
      email       = optional(string, unsupported("Terrarium knows no e-mail addresses of accounts"))
      id          = optional(string)
      permissions = required(set(string))
      type        = required(string, one_of("CanonicalUser", "Group", "AmazonCustomerByEmail"))
      uri         = optional(string)
    }
    list "override_provider" "0..1" "unsupported: default tags of objects are those of the provider" {
      list "default_tags" "0..1" {
        tags = optional(map(string))
      }
    }
  }
  create {
    call "CopyObject" {
      request = s3_copy_object(self, config, s3_object_key(self.key))
      id      = s3_object_key(self.key)
      set     = { source_version_id = fallback(result.CopySourceVersionId, "") }
    }
  }
  read {
    call "HeadObject" {
      request = { Bucket = self.bucket, Key = self.id, ChecksumMode = "ENABLED" }
      gone    = ["NotFound", "NoSuchKey", "NoSuchBucket"]
    }
    state = {
      key                    = fallback(self.key, self.id)
      arn                    = "arn:${provider.partition}:s3:::${self.bucket}/${self.id}"
      bucket_key_enabled     = fallback(result.BucketKeyEnabled, false)
      cache_control          = fallback(result.CacheControl, "")
      checksum_crc32         = fallback(result.ChecksumCRC32, "")
      checksum_crc32c        = fallback(result.ChecksumCRC32C, "")
      checksum_crc64nvme     = fallback(result.ChecksumCRC64NVME, "")
      checksum_sha1          = fallback(result.ChecksumSHA1, "")
      checksum_sha256        = fallback(result.ChecksumSHA256, "")
      content_disposition    = fallback(result.ContentDisposition, "")
      content_encoding       = fallback(result.ContentEncoding, "")
      content_language       = fallback(result.ContentLanguage, "")
      content_type           = fallback(result.ContentType, "")
      customer_algorithm     = ""
      customer_key_md5       = ""
      etag                   = trim(result.ETag, "\"")
      expiration             = fallback(result.Expiration, "")
      kms_encryption_context = fallback(self.kms_encryption_context, "")
      kms_key_id             = fallback(result.SSEKMSKeyId, "")
      last_modified          = s3_time_text(result.LastModified)
      metadata               = fallback(result.Metadata, {})
      object_lock_legal_hold_status = ""
      object_lock_mode              = ""
      object_lock_retain_until_date = ""
      request_charged        = false
      server_side_encryption = fallback(result.ServerSideEncryption, "")
      source_version_id      = fallback(self.source_version_id, "")
      storage_class          = fallback(result.StorageClass, "STANDARD")
      version_id             = fallback(result.VersionId, "")
      website_redirect       = fallback(result.WebsiteRedirectLocation, "")
    }
  }
  update {
    call "CopyObject" {
      when    = changed("grant", "bucket_key_enabled", "cache_control", "checksum_algorithm", "content_disposition", "content_encoding", "content_language", "content_type", "copy_if_match", "copy_if_modified_since", "copy_if_none_match", "copy_if_unmodified_since", "expires", "kms_key_id", "metadata", "metadata_directive", "server_side_encryption", "source", "storage_class", "tagging_directive", "website_redirect")
      request = s3_copy_object(self, config, self.id)
      set     = { source_version_id = fallback(result.CopySourceVersionId, "") }
    }
    call "PutObjectAcl" {
      when    = changed("acl") && nonempty(self.acl) != null
      request = { Bucket = self.bucket, Key = self.id, ACL = self.acl }
    }
  }
  delete {
    call "ListObjectVersions" "all" {
      when     = nonempty(self.version_id) != null
      request  = { Bucket = self.bucket, Prefix = self.id }
      paginate = { input = ["KeyMarker", "VersionIdMarker"], output = ["NextKeyMarker", "NextVersionIdMarker"], items = ["Versions", "DeleteMarkers"] }
      gone     = ["NoSuchBucket"]
    }
    call "DeleteObject" {
      for_each = nonempty(self.version_id) == null ? [] : [for v in concat(fallback(all.Versions, []), fallback(all.DeleteMarkers, [])) : v.VersionId if v.Key == self.id]
      request  = { Bucket = self.bucket, Key = self.id, VersionId = each.value }
    }
    call "DeleteObject" {
      when    = nonempty(self.version_id) == null
      request = { Bucket = self.bucket, Key = self.id }
      gone    = ["NoSuchBucket"]
    }
  }
  tags {
    resource = "${self.bucket}/${self.id}"
    read     = true
  }
}
