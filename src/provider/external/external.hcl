data "external" {
  bare = true
  schema {
    program     = required(list(string))
    query       = optional(map(string))
    working_dir = optional(string)
    id          = computed(string)
    result      = computed(map(string))
  }
  validate {
    error {
      when    = config.program != null && try(length([for word in config.program : word if word != null && word != ""]), 1) == 0
      summary = "External Program Missing"
      detail  = "The data source was configured without a program to execute. Verify the configuration contains at least one non-empty value."
    }
  }
}
