resource "aws_s3_object" {
  service = "s3"
  alias   = ["aws_s3_bucket_object"]
  schema {
    acl                           = optional(string, one_of("private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"), local_only)
    arn                           = computed(string)
    bucket                        = required(string, force_new)
    bucket_key_enabled            = optional(bool, computed)
    cache_control                 = optional(string)
    checksum_algorithm            = optional(string, one_of("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"), local_only)
    checksum_crc32                = computed(string)
    checksum_crc32c               = computed(string)
    checksum_crc64nvme            = computed(string)
    checksum_sha1                 = computed(string)
    checksum_sha256               = computed(string)
    content                       = optional(string, conflicts("source", "content_base64"), local_only)
    content_base64                = optional(string, conflicts("source"), local_only)
    content_disposition           = optional(string)
    content_encoding              = optional(string)
    content_language              = optional(string)
    content_type                  = optional(string, computed)
    etag                          = optional(string, computed, changes_with("content", "content_base64", "source", "source_hash"))
    force_destroy                 = optional(bool, default(false), local_only)
    key                           = required(string, force_new, length(1, 1024))
    kms_key_id                    = optional(string, computed)
    metadata                      = optional(map(string))
    object_lock_legal_hold_status = optional(string, unsupported("Terrarium does not implement Object Lock"))
    object_lock_mode              = optional(string, unsupported("Terrarium does not implement Object Lock"))
    object_lock_retain_until_date = optional(string, unsupported("Terrarium does not implement Object Lock"))
    server_side_encryption        = optional(string, computed, one_of("AES256", "aws:kms", "aws:kms:dsse"))
    source                        = optional(string, local_only)
    source_hash                   = optional(string, local_only)
    storage_class                 = optional(string, computed)
    tags                          = tags()
    version_id                    = computed(string, changes_with("content", "content_base64", "source", "source_hash", "etag"))
    website_redirect              = optional(string)
    list "override_provider" "0..1" "unsupported: default tags of objects are those of the provider" {
      list "default_tags" "0..1" {
        tags = optional(map(string))
      }
    }
  }
  create {
    call "PutObject" {
      request = s3_put_object(self, config, s3_object_key(self.key))
      id      = s3_object_key(self.key)
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
      etag                   = trim(result.ETag, "\"")
      kms_key_id             = fallback(result.SSEKMSKeyId, null)
      metadata               = fallback(result.Metadata, {})
      server_side_encryption = fallback(result.ServerSideEncryption, "")
      storage_class          = fallback(result.StorageClass, "STANDARD")
      version_id             = fallback(result.VersionId, "")
      website_redirect       = fallback(result.WebsiteRedirectLocation, "")
    }
  }
  update {
    call "PutObject" {
      when = changed("bucket_key_enabled", "cache_control", "checksum_algorithm", "content", "content_base64", "content_disposition", "content_encoding", "content_language", "content_type", "etag", "kms_key_id", "metadata", "server_side_encryption", "source", "source_hash", "storage_class", "website_redirect")
      request = s3_put_object(self, config, self.id)
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
  import {
    let { path = split("/", trimprefix(self.id, "s3://")) }
    set {
      bucket = path[0]
      key    = join("/", slice(path, 1, length(path)))
      id     = join("/", slice(path, 1, length(path)))
    }
  }
  tags {
    resource = "${self.bucket}/${self.id}"
    read     = true
  }
}

data "aws_s3_object" {
  service = "s3"
  alias   = ["aws_s3_bucket_object"]
  schema {
    arn                           = computed(string)
    body                          = computed(string)
    body_base64                   = computed(string)
    bucket                        = required(string)
    bucket_key_enabled            = computed(bool)
    cache_control                 = computed(string)
    checksum_crc32                = computed(string)
    checksum_crc32c               = computed(string)
    checksum_crc64nvme            = computed(string)
    checksum_mode                 = optional(string, one_of("ENABLED"))
    checksum_sha1                 = computed(string)
    checksum_sha256               = computed(string)
    content_disposition           = computed(string)
    content_encoding              = computed(string)
    content_language              = computed(string)
    content_length                = computed(number)
    content_type                  = computed(string)
    download_body                 = optional(string)
    etag                          = computed(string)
    expiration                    = computed(string)
    expires                       = computed(string)
    key                           = required(string)
    last_modified                 = computed(string)
    metadata                      = computed(map(string))
    object_lock_legal_hold_status = computed(string)
    object_lock_mode              = computed(string)
    object_lock_retain_until_date = computed(string)
    range                         = optional(string)
    server_side_encryption        = computed(string)
    sse_kms_key_id                = computed(string)
    storage_class                 = computed(string)
    version_id                    = optional(string, computed)
    website_redirect_location     = computed(string)
    tags                          = computed(map(string))
  }
  read {
    let { key = s3_object_key(self.key) }
    call "HeadObject" "head" {
      request = { Bucket = self.bucket, Key = key, VersionId = nonempty(self.version_id), Range = nonempty(self.range), ChecksumMode = nonempty(self.checksum_mode) }
      id      = "${self.bucket}/${key}"
    }
    call "GetObject" "got" {
      when    = self.download_body == "true" || can(regex("^(text/.*|application/(json|xml|x-yaml|yaml|javascript|x-sql|x-sh|atom\\+xml|ld\\+json|x-www-form-urlencoded|xhtml\\+xml).*)$", fallback(head.ContentType, "")))
      request = { Bucket = self.bucket, Key = key, VersionId = head.VersionId, Range = nonempty(self.range) }
    }
    call "GetObjectTagging" "tagged" {
      request = { Bucket = self.bucket, Key = key, VersionId = head.VersionId }
    }
    state = {
      arn                       = "arn:${provider.partition}:s3:::${self.bucket}/${key}"
      body                      = got.ETag == null ? null : fallback(got.Body, "")
      bucket_key_enabled        = fallback(head.BucketKeyEnabled, false)
      cache_control             = fallback(head.CacheControl, "")
      checksum_crc32            = fallback(head.ChecksumCRC32, "")
      checksum_crc32c           = fallback(head.ChecksumCRC32C, "")
      checksum_crc64nvme        = fallback(head.ChecksumCRC64NVME, "")
      checksum_sha1             = fallback(head.ChecksumSHA1, "")
      checksum_sha256           = fallback(head.ChecksumSHA256, "")
      content_disposition       = fallback(head.ContentDisposition, "")
      content_encoding          = fallback(head.ContentEncoding, "")
      content_language          = fallback(head.ContentLanguage, "")
      content_length            = head.ContentLength
      content_type              = fallback(head.ContentType, "")
      etag                      = trim(head.ETag, "\"")
      expiration                = fallback(head.Expiration, "")
      expires                   = fallback(head.Expires, "")
      last_modified             = formatdate("EEE, DD MMM YYYY hh:mm:ss 'GMT'", s3_time_text(head.LastModified))
      metadata                  = fallback(head.Metadata, {})
      server_side_encryption    = fallback(head.ServerSideEncryption, "")
      sse_kms_key_id            = fallback(head.SSEKMSKeyId, "")
      storage_class             = fallback(head.StorageClass, "STANDARD")
      version_id                = fallback(head.VersionId, "")
      website_redirect_location = fallback(head.WebsiteRedirectLocation, "")
      tags                      = tag_map(tagged.TagSet)
    }
  }
}
