resource "time_static" {
  bare = true
  schema {
    rfc3339  = optional(string, computed, force_new, pattern("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"))
    triggers = optional(map(string), force_new)
    id       = computed(string)
    year     = computed(number)
    month    = computed(number)
    day      = computed(number)
    hour     = computed(number)
    minute   = computed(number)
    second   = computed(number)
    unix     = computed(number)
  }
}

resource "time_offset" {
  bare = true
  schema {
    base_rfc3339   = optional(string, computed, force_new, pattern("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"))
    offset_years   = optional(number)
    offset_months  = optional(number)
    offset_days    = optional(number)
    offset_hours   = optional(number)
    offset_minutes = optional(number)
    offset_seconds = optional(number)
    triggers       = optional(map(string), force_new)
    id             = computed(string)
    rfc3339        = computed(string, changes_with("offset_years", "offset_months", "offset_days", "offset_hours", "offset_minutes", "offset_seconds"))
    year           = computed(number, changes_with("offset_years", "offset_months", "offset_days", "offset_hours", "offset_minutes", "offset_seconds"))
    month          = computed(number, changes_with("offset_years", "offset_months", "offset_days", "offset_hours", "offset_minutes", "offset_seconds"))
    day            = computed(number, changes_with("offset_years", "offset_months", "offset_days", "offset_hours", "offset_minutes", "offset_seconds"))
    hour           = computed(number, changes_with("offset_years", "offset_months", "offset_days", "offset_hours", "offset_minutes", "offset_seconds"))
    minute         = computed(number, changes_with("offset_years", "offset_months", "offset_days", "offset_hours", "offset_minutes", "offset_seconds"))
    second         = computed(number, changes_with("offset_years", "offset_months", "offset_days", "offset_hours", "offset_minutes", "offset_seconds"))
    unix           = computed(number, changes_with("offset_years", "offset_months", "offset_days", "offset_hours", "offset_minutes", "offset_seconds"))
  }
  validate {
    error {
      when    = config.offset_years == null && config.offset_months == null && config.offset_days == null && config.offset_hours == null && config.offset_minutes == null && config.offset_seconds == null
      summary = "Missing attribute configuration"
      detail  = "At least one of the offset_ arguments must be configured."
    }
  }
}

resource "time_rotating" {
  bare = true
  schema {
    rfc3339          = optional(string, computed, force_new, pattern("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"))
    rotation_years   = optional(number, range(1))
    rotation_months  = optional(number, range(1))
    rotation_days    = optional(number, range(1))
    rotation_hours   = optional(number, range(1))
    rotation_minutes = optional(number, range(1))
    rotation_rfc3339 = optional(string, computed, pattern("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"), changes_with("rotation_years", "rotation_months", "rotation_days", "rotation_hours", "rotation_minutes"))
    triggers         = optional(map(string), force_new)
    id               = computed(string)
    year             = computed(number)
    month            = computed(number)
    day              = computed(number)
    hour             = computed(number)
    minute           = computed(number)
    second           = computed(number)
    unix             = computed(number)
  }
  validate {
    error {
      when    = config.rotation_years == null && config.rotation_months == null && config.rotation_days == null && config.rotation_hours == null && config.rotation_minutes == null && config.rotation_rfc3339 == null
      summary = "Missing attribute configuration"
      detail  = "At least one of the rotation_ arguments must be configured."
    }
  }
}

resource "time_sleep" {
  bare = true
  schema {
    create_duration  = optional(string, pattern("^\\d+(\\.\\d+)?(ms|s|m|h)(\\d+(\\.\\d+)?(ms|s|m|h))*$"))
    destroy_duration = optional(string, pattern("^\\d+(\\.\\d+)?(ms|s|m|h)(\\d+(\\.\\d+)?(ms|s|m|h))*$"))
    triggers         = optional(map(string), force_new)
    id               = computed(string)
  }
  validate {
    error {
      when    = config.create_duration == null && config.destroy_duration == null
      summary = "Missing attribute configuration"
      detail  = "At least one of create_duration and destroy_duration must be configured."
    }
  }
}
