data "archive_file" {
  bare = true
  schema {
    type                        = required(string, one_of("zip", "tar.gz"))
    output_path                 = required(string)
    source_file                 = optional(string, conflicts("source_dir", "source_content"))
    source_dir                  = optional(string, conflicts("source_content"))
    source_content              = optional(string)
    source_content_filename     = optional(string)
    excludes                    = optional(set(string))
    exclude_symlink_directories = optional(bool)
    output_file_mode            = optional(string, pattern("^0?[0-7]{3}$"))
    id                          = computed(string)
    output_size                 = computed(number)
    output_md5                  = computed(string)
    output_sha                  = computed(string)
    output_sha256               = computed(string)
    output_base64sha256         = computed(string)
    output_sha512               = computed(string)
    output_base64sha512         = computed(string)
    set "source" {
      content  = required(string)
      filename = required(string)
    }
  }
  validate {
    error {
      when    = config.source_file == null && config.source_dir == null && config.source_content == null && length(config.source) == 0
      summary = "Invalid attribute combination"
      detail  = "One of source, source_content (with source_content_filename), source_file and source_dir must be configured."
    }
    error {
      when    = length(config.source) > 0 && (config.source_file != null || config.source_dir != null || config.source_content != null)
      summary = "Invalid attribute combination"
      detail  = "Blocks source cannot be beside source_content, source_file or source_dir."
    }
    error {
      when    = config.source_content != null && config.source_content_filename == null
      summary = "Invalid attribute combination"
      detail  = "source_content needs source_content_filename."
    }
  }
}

resource "archive_file" {
  bare = true
  schema {
    type                        = required(string, force_new, one_of("zip", "tar.gz"))
    output_path                 = required(string, force_new)
    source_file                 = optional(string, force_new, conflicts("source_dir", "source_content"))
    source_dir                  = optional(string, force_new, conflicts("source_content"))
    source_content              = optional(string, force_new)
    source_content_filename     = optional(string, force_new)
    excludes                    = optional(set(string), force_new)
    exclude_symlink_directories = optional(bool, force_new)
    output_file_mode            = optional(string, force_new, pattern("^0?[0-7]{3}$"))
    id                          = computed(string)
    output_size                 = computed(number)
    output_md5                  = computed(string)
    output_sha                  = computed(string)
    output_sha256               = computed(string)
    output_base64sha256         = computed(string)
    output_sha512               = computed(string)
    output_base64sha512         = computed(string)
    set "source" force_new {
      content  = required(string)
      filename = required(string)
    }
  }
}
