data "aws_default_tags" {
  schema {
    tags = computed(map(string))
  }
  read {
    state = {
      id   = provider.partition
      tags = provider.default_tags
    }
  }
}
