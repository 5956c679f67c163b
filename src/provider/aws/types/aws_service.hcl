data "aws_service" {
  schema {
    dns_name           = optional(string, computed)
    reverse_dns_name   = optional(string, computed)
    reverse_dns_prefix = optional(string, computed)
    service_id         = optional(string, computed)
    partition          = computed(string)
    supported          = computed(bool)
  }
  validate {
    error {
      when    = config.dns_name == null && config.reverse_dns_name == null && config.service_id == null
      summary = "Missing required argument"
      detail  = "One of service_id, dns_name and reverse_dns_name must be set."
    }
  }
  read {
    let {
      words  = config.dns_name != null ? split(".", config.dns_name) : config.reverse_dns_name != null ? reverse(split(".", config.reverse_dns_name)) : null
      prefix = join(".", reverse(split(".", provider.dns_suffix)))
    }
    let {
      service = fallback(config.service_id, words[0])
      region  = fallback(config.region, words[1], provider.region)
    }
    state = {
      id                 = "${fallback(config.reverse_dns_prefix, prefix)}.${region}.${service}"
      reverse_dns_name   = "${fallback(config.reverse_dns_prefix, prefix)}.${region}.${service}"
      reverse_dns_prefix = fallback(config.reverse_dns_prefix, prefix)
      dns_name           = lower("${service}.${region}.${provider.dns_suffix}")
      service_id         = service
      region             = region
      partition          = provider.partition
      supported          = true
    }
  }
}

data "aws_service_principal" {
  schema {
    service_name = required(string)
    name         = computed(string)
    service      = computed(string)
    suffix       = computed(string)
  }
  read {
    let {
      # China keeps its own suffix for a few services only.
      suffix = provider.partition == "aws-cn" && contains(["codedeploy", "elasticmapreduce", "logs"], self.service_name) ? "amazonaws.com.cn" : "amazonaws.com"
    }
    state = {
      id      = "${self.service_name}.${provider.region}.${suffix}"
      name    = "${self.service_name}.${suffix}"
      service = self.service_name
      suffix  = suffix
    }
  }
}
