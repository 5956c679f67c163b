data "http" {
  bare = true
  schema {
    url                  = required(string, pattern("^https?://"))
    method               = optional(string, one_of("GET", "HEAD", "POST"))
    request_headers      = optional(map(string))
    request_body         = optional(string)
    request_timeout_ms   = optional(number, range(1))
    insecure             = optional(bool, default(false))
    ca_cert_pem          = optional(string, conflicts("insecure"))
    client_cert_pem      = optional(string, unsupported("client certificates are not presented"))
    client_key_pem       = optional(string, unsupported("client certificates are not presented"))
    id                   = computed(string)
    body                 = computed(string, deprecated("use response_body instead"))
    response_body        = computed(string)
    response_body_base64 = computed(string)
    response_headers     = computed(map(string))
    status_code          = computed(number)
    single "retry" {
      attempts     = optional(number, range(0, 1000))
      min_delay_ms = optional(number, range(0))
      max_delay_ms = optional(number, range(0))
    }
  }
}
