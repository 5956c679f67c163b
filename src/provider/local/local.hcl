resource "local_file" {
  bare = true
  schema {
    filename             = required(string, force_new)
    content              = optional(string, force_new, conflicts("content_base64", "sensitive_content", "source"))
    content_base64       = optional(string, force_new, conflicts("sensitive_content", "source"))
    sensitive_content    = optional(string, force_new, sensitive, conflicts("source"), deprecated("use the local_sensitive_file resource instead"))
    source               = optional(string, force_new)
    directory_permission = optional(string, default("0777"), force_new, pattern("^0?[0-7]{3}$"))
    file_permission      = optional(string, default("0777"), force_new, pattern("^0?[0-7]{3}$"))
    id                   = computed(string)
    content_md5          = computed(string)
    content_sha1         = computed(string)
    content_sha256       = computed(string)
    content_base64sha256 = computed(string)
    content_sha512       = computed(string)
    content_base64sha512 = computed(string)
  }
  validate {
    error {
      when    = config.content == null && config.content_base64 == null && config.sensitive_content == null && config.source == null
      summary = "Invalid attribute combination"
      detail  = "One of content, content_base64, sensitive_content and source must be configured."
    }
  }
}

resource "local_sensitive_file" {
  bare = true
  schema {
    filename             = required(string, force_new)
    content              = optional(string, force_new, sensitive, conflicts("content_base64", "source"))
    content_base64       = optional(string, force_new, sensitive, conflicts("source"))
    source               = optional(string, force_new)
    directory_permission = optional(string, default("0700"), force_new, pattern("^0?[0-7]{3}$"))
    file_permission      = optional(string, default("0700"), force_new, pattern("^0?[0-7]{3}$"))
    id                   = computed(string)
    content_md5          = computed(string)
    content_sha1         = computed(string)
    content_sha256       = computed(string)
    content_base64sha256 = computed(string)
    content_sha512       = computed(string)
    content_base64sha512 = computed(string)
  }
  validate {
    error {
      when    = config.content == null && config.content_base64 == null && config.source == null
      summary = "Invalid attribute combination"
      detail  = "One of content, content_base64 and source must be configured."
    }
  }
}

data "local_file" {
  bare = true
  schema {
    filename             = required(string)
    id                   = computed(string)
    content              = computed(string)
    content_base64       = computed(string)
    content_md5          = computed(string)
    content_sha1         = computed(string)
    content_sha256       = computed(string)
    content_base64sha256 = computed(string)
    content_sha512       = computed(string)
    content_base64sha512 = computed(string)
  }
}

data "local_sensitive_file" {
  bare = true
  schema {
    filename             = required(string)
    id                   = computed(string)
    content              = computed(string, sensitive)
    content_base64       = computed(string, sensitive)
    content_md5          = computed(string)
    content_sha1         = computed(string)
    content_sha256       = computed(string)
    content_base64sha256 = computed(string)
    content_sha512       = computed(string)
    content_base64sha512 = computed(string)
  }
}
