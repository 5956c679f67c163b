data "aws_arn" {
  schema {
    arn       = required(string, arn())
    account   = computed(string)
    partition = computed(string)
    region    = computed(string)
    resource  = computed(string)
    service   = computed(string)
  }
  read {
    let { parts = split(":", self.arn) }
    state = {
      id        = self.arn
      partition = parts[1]
      service   = parts[2]
      region    = parts[3]
      account   = parts[4]
      resource  = join(":", slice(parts, 5, length(parts)))
    }
  }
}
