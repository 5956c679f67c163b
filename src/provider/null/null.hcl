resource "null_resource" {
  bare = true
  schema {
    triggers = optional(map(string), force_new)
    id       = computed(string)
  }
}

data "null_data_source" {
  bare = true
  schema {
    inputs               = optional(map(string))
    has_computed_default = optional(string, computed)
    id                   = computed(string, deprecated("use a local value, or the terraform_data resource"))
    outputs              = computed(map(string))
    random               = computed(string)
  }
}
