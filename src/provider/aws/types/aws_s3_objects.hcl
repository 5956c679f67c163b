data "aws_s3_objects" {
  service = "s3"
  alias   = ["aws_s3_bucket_objects"]
  schema {
    bucket          = required(string)
    common_prefixes = computed(list(string))
    delimiter       = optional(string)
    encoding_type   = optional(string, one_of("url"))
    fetch_owner     = optional(bool)
    keys            = computed(list(string))
    max_keys        = optional(number, default(1000))
    owners          = computed(list(string))
    prefix          = optional(string)
    request_charged = computed(string)
    request_payer   = optional(string, one_of("requester"))
    start_after     = optional(string)
  }
  read {
    call "ListObjectsV2" {
      request = {
        Bucket       = self.bucket
        Delimiter    = nonempty(self.delimiter)
        EncodingType = nonempty(self.encoding_type)
        FetchOwner   = self.fetch_owner
        MaxKeys      = min(fallback(self.max_keys, 1000), 1000)
        Prefix       = nonempty(self.prefix)
        StartAfter   = nonempty(self.start_after)
      }
      paginate = fallback(self.max_keys, 1000) <= 1000 ? null : { input = "ContinuationToken", output = "NextContinuationToken", items = ["Contents", "CommonPrefixes"] }
      id       = self.bucket
    }
    let {
      objects = fallback(result.Contents, [])
      most    = fallback(self.max_keys, 1000)
    }
    state = {
      keys            = [for o in slice(objects, 0, min(length(objects), most)) : o.Key]
      owners          = [for o in slice(objects, 0, min(length(objects), most)) : o.Owner.ID if o.Owner != null]
      common_prefixes = [for p in fallback(result.CommonPrefixes, []) : p.Prefix]
      request_charged = ""
    }
  }
}
