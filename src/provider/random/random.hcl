resource "random_password" {
  bare           = true
  schema_version = 3
  schema {
    keepers          = optional(map(string), force_new)
    length           = required(number, force_new, range(1, 1000000))
    special          = optional(bool, default(true), force_new)
    upper            = optional(bool, default(true), force_new)
    lower            = optional(bool, default(true), force_new)
    number           = optional(bool, computed, deprecated("use numeric instead"))
    numeric          = optional(bool, computed)
    min_numeric      = optional(number, default(0), force_new)
    min_upper        = optional(number, default(0), force_new)
    min_lower        = optional(number, default(0), force_new)
    min_special      = optional(number, default(0), force_new)
    override_special = optional(string, force_new)
    id               = computed(string)
    result           = computed(string, sensitive)
    bcrypt_hash      = computed(string, sensitive)
  }
  validate {
    error {
      when    = config.length < fallback(config.min_numeric, 0) + fallback(config.min_upper, 0) + fallback(config.min_lower, 0) + fallback(config.min_special, 0)
      summary = "Invalid attribute value"
      detail  = "The length must be at least min_upper + min_lower + min_numeric + min_special."
    }
    error {
      when    = config.number != null && config.numeric != null && config.number != config.numeric
      summary = "Conflicting arguments"
      detail  = "number is the old name of numeric: set only numeric."
    }
  }
  plan {
    set {
      number  = fallback(config.numeric, config.number, true)
      numeric = fallback(config.numeric, config.number, true)
    }
    replace "numeric" {
      when = prior != null && self.numeric != prior.numeric
    }
  }
}

resource "random_string" {
  bare           = true
  schema_version = 2
  schema {
    keepers          = optional(map(string), force_new)
    length           = required(number, force_new, range(1, 1000000))
    special          = optional(bool, default(true), force_new)
    upper            = optional(bool, default(true), force_new)
    lower            = optional(bool, default(true), force_new)
    number           = optional(bool, computed, deprecated("use numeric instead"))
    numeric          = optional(bool, computed)
    min_numeric      = optional(number, default(0), force_new)
    min_upper        = optional(number, default(0), force_new)
    min_lower        = optional(number, default(0), force_new)
    min_special      = optional(number, default(0), force_new)
    override_special = optional(string, force_new)
    id               = computed(string)
    result           = computed(string)
  }
  validate {
    error {
      when    = config.length < fallback(config.min_numeric, 0) + fallback(config.min_upper, 0) + fallback(config.min_lower, 0) + fallback(config.min_special, 0)
      summary = "Invalid attribute value"
      detail  = "The length must be at least min_upper + min_lower + min_numeric + min_special."
    }
    error {
      when    = config.number != null && config.numeric != null && config.number != config.numeric
      summary = "Conflicting arguments"
      detail  = "number is the old name of numeric: set only numeric."
    }
  }
  plan {
    set {
      number  = fallback(config.numeric, config.number, true)
      numeric = fallback(config.numeric, config.number, true)
    }
    replace "numeric" {
      when = prior != null && self.numeric != prior.numeric
    }
  }
}

resource "random_id" {
  bare = true
  schema {
    keepers     = optional(map(string), force_new)
    byte_length = required(number, force_new, range(1, 65536))
    prefix      = optional(string, force_new)
    id          = computed(string)
    b64_url     = computed(string)
    b64_std     = computed(string)
    hex         = computed(string)
    dec         = computed(string)
  }
}

resource "random_bytes" {
  bare = true
  schema {
    keepers = optional(map(string), force_new)
    length  = required(number, force_new, range(1, 65536))
    base64  = computed(string, sensitive)
    hex     = computed(string, sensitive)
  }
}

resource "random_integer" {
  bare = true
  schema {
    keepers = optional(map(string), force_new)
    min     = required(number, force_new)
    max     = required(number, force_new)
    seed    = optional(string, force_new)
    id      = computed(string)
    result  = computed(number)
  }
  validate {
    error {
      when    = config.min > config.max
      summary = "Invalid attribute value"
      detail  = "The minimum (min) must not be greater than the maximum (max)."
    }
  }
}

resource "random_pet" {
  bare = true
  schema {
    keepers   = optional(map(string), force_new)
    length    = optional(number, default(2), force_new, range(1, 1000))
    prefix    = optional(string, force_new)
    separator = optional(string, default("-"), force_new)
    id        = computed(string)
  }
}

resource "random_shuffle" {
  bare = true
  schema {
    keepers      = optional(map(string), force_new)
    input        = required(list(string), force_new)
    result_count = optional(number, force_new, range(0, 1000000))
    seed         = optional(string, force_new)
    id           = computed(string)
    result       = computed(list(string))
  }
}

resource "random_uuid" {
  bare  = true
  alias = ["random_uuid4", "random_uuid7"]
  schema {
    keepers = optional(map(string), force_new)
    id      = computed(string)
    result  = computed(string)
  }
}
