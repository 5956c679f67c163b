data "aws_partition" {
  schema {
    partition          = computed(string)
    dns_suffix         = computed(string)
    reverse_dns_prefix = computed(string)
  }
  read {
    state = {
      id                 = provider.partition
      partition          = provider.partition
      dns_suffix         = provider.dns_suffix
      reverse_dns_prefix = join(".", reverse(split(".", provider.dns_suffix)))
    }
  }
}
