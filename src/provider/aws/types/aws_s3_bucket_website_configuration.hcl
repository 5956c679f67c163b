resource "aws_s3_bucket_website_configuration" {
  service = "s3"
  schema {
    bucket                = required(string, force_new, length(1, 63))
    expected_bucket_owner = optional(string, force_new)
    routing_rules         = optional(string, computed, json(), equal("json"), conflicts("routing_rule", "redirect_all_requests_to"))
    website_domain        = computed(string)
    website_endpoint      = computed(string)
    list "error_document" "0..1" {
      key = required(string)
    }
    list "index_document" "0..1" {
      suffix = required(string)
    }
    list "redirect_all_requests_to" "0..1" {
      host_name = required(string)
      protocol  = optional(string, one_of("http", "https"))
    }
    list "routing_rule" "0.." computed {
      list "condition" "0..1" {
        http_error_code_returned_equals = optional(string)
        key_prefix_equals               = optional(string)
      }
      list "redirect" "1" {
        host_name               = optional(string)
        http_redirect_code      = optional(string)
        protocol                = optional(string, one_of("http", "https"))
        replace_key_prefix_with = optional(string)
        replace_key_with        = optional(string)
      }
    }
  }
  validate {
    error {
      when    = length(fallback(self.index_document, [])) == 0 && length(fallback(self.redirect_all_requests_to, [])) == 0
      summary = "Invalid combination of arguments"
      detail  = "One of index_document and redirect_all_requests_to must be there."
    }
    error {
      when    = length(fallback(self.redirect_all_requests_to, [])) > 0 && length(concat(fallback(self.index_document, []), fallback(self.error_document, []), fallback(self.routing_rule, []))) > 0
      summary = "Invalid combination of arguments"
      detail  = "redirect_all_requests_to may not be set beside index_document, error_document or routing_rule."
    }
  }
  create {
    call "PutBucketWebsite" {
      request = {
        Bucket               = self.bucket
        ExpectedBucketOwner  = nonempty(config.expected_bucket_owner)
        WebsiteConfiguration = s3_website(self, config)
      }
      id = s3_setting_id(self.bucket, config.expected_bucket_owner)
    }
  }
  read {
    let { name = split(",", self.id)[0] }
    call "GetBucketWebsite" "website" {
      request = { Bucket = name, ExpectedBucketOwner = nonempty(self.expected_bucket_owner) }
      gone    = ["NoSuchBucket", "NoSuchWebsiteConfiguration"]
    }
    call "HeadBucket" "head" {
      request = { Bucket = name }
    }
    state = {
      bucket                   = name
      error_document           = [for e in [website.ErrorDocument] : { key = e.Key } if e != null]
      index_document           = [for i in [website.IndexDocument] : { suffix = i.Suffix } if i != null]
      redirect_all_requests_to = [for r in [website.RedirectAllRequestsTo] : { host_name = r.HostName, protocol = fallback(r.Protocol, "") } if r != null]
      routing_rules            = website.RoutingRules == null ? "" : jsonencode(website.RoutingRules)
      routing_rule = [for r in fallback(website.RoutingRules, []) : {
        condition = [for c in [r.Condition] : {
          http_error_code_returned_equals = fallback(c.HttpErrorCodeReturnedEquals, "")
          key_prefix_equals               = fallback(c.KeyPrefixEquals, "")
        } if c != null]
        redirect = [for d in [r.Redirect] : {
          host_name               = fallback(d.HostName, "")
          http_redirect_code      = fallback(d.HttpRedirectCode, "")
          protocol                = fallback(d.Protocol, "")
          replace_key_prefix_with = fallback(d.ReplaceKeyPrefixWith, "")
          replace_key_with        = fallback(d.ReplaceKeyWith, "")
        } if d != null]
      }]
      website_domain   = s3_website_domain(head.BucketRegion, provider)
      website_endpoint = s3_website_endpoint(name, head.BucketRegion, provider)
    }
  }
  update {
    call "PutBucketWebsite" {
      request = {
        Bucket               = self.bucket
        ExpectedBucketOwner  = nonempty(self.expected_bucket_owner)
        WebsiteConfiguration = s3_website(self, config)
      }
    }
  }
  delete {
    call "DeleteBucketWebsite" {
      request = { Bucket = self.bucket, ExpectedBucketOwner = nonempty(self.expected_bucket_owner) }
      gone    = ["NoSuchBucket", "NoSuchWebsiteConfiguration"]
    }
  }
}
