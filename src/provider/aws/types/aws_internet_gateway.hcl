resource "aws_internet_gateway" {
  service = "ec2"
  schema {
    vpc_id   = optional(string, computed)
    arn      = computed(string)
    owner_id = computed(string)
    tags     = tags()
    timeouts "create" "update" "delete" {}
  }
  create {
    call "CreateInternetGateway" {
      request = { TagSpecifications = tag_spec("internet-gateway", self.tags_all) }
      id      = result.InternetGateway.InternetGatewayId
    }
    call "AttachInternetGateway" {
      when    = self.vpc_id != null
      request = { InternetGatewayId = self.id, VpcId = self.vpc_id }
    }
  }
  read {
    call "DescribeInternetGateways" {
      request = { InternetGatewayIds = [self.id] }
      gone    = ["InvalidInternetGatewayID.NotFound"]
    }
    state = {
      arn      = "arn:${provider.partition}:ec2:${self.region}:${result.InternetGateways[0].OwnerId}:internet-gateway/${self.id}"
      owner_id = result.InternetGateways[0].OwnerId
      vpc_id   = fallback(result.InternetGateways[0].Attachments[0].VpcId, "")
      tags     = tag_map(result.InternetGateways[0].Tags, "Key", "Value")
    }
  }
  update {
    call "DetachInternetGateway" {
      when    = changed("vpc_id") && nonempty(prior.vpc_id) != null
      request = { InternetGatewayId = self.id, VpcId = prior.vpc_id }
      ignore  = ["Gateway.NotAttached"]
      retry "DependencyViolation" { timeout = "20m" }
    }
    call "AttachInternetGateway" {
      when    = changed("vpc_id") && nonempty(self.vpc_id) != null
      request = { InternetGatewayId = self.id, VpcId = self.vpc_id }
    }
  }
  delete {
    call "DetachInternetGateway" {
      when    = nonempty(self.vpc_id) != null
      request = { InternetGatewayId = self.id, VpcId = self.vpc_id }
      ignore  = ["Gateway.NotAttached"]
      gone    = ["InvalidInternetGatewayID.NotFound"]
      retry "DependencyViolation" { timeout = "20m" }
    }
    call "DeleteInternetGateway" {
      request = { InternetGatewayId = self.id }
      gone    = ["InvalidInternetGatewayID.NotFound"]
      retry "DependencyViolation" { timeout = "10m" }
    }
  }
  tags { resource = self.id }
}

data "aws_internet_gateway" {
  service = "ec2"
  schema {
    internet_gateway_id = optional(string, computed)
    tags                = optional(map(string), computed)
    arn                 = computed(string)
    owner_id            = computed(string)
    list "attachments" computed {
      state  = computed(string)
      vpc_id = computed(string)
    }
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeInternetGateways" {
      request = {
        InternetGatewayIds = config.internet_gateway_id == null ? null : [config.internet_gateway_id]
        Filters            = ec2_filters(config.filter, config.tags, {})
      }
      id = result.InternetGateways[0].InternetGatewayId
    }
    error {
      when    = length([for x in result.InternetGateways : x]) != 1
      summary = query_returned(result.InternetGateways)
      detail  = "${length([for x in result.InternetGateways : x])} internet gateways match the arguments of the data source aws_internet_gateway; exactly one must."
    }
    let { gateway = result.InternetGateways[0] }
    state = {
      internet_gateway_id = gateway.InternetGatewayId
      owner_id            = gateway.OwnerId
      tags                = tag_map(gateway.Tags)
      arn                 = "arn:${provider.partition}:ec2:${self.region}:${gateway.OwnerId}:internet-gateway/${gateway.InternetGatewayId}"
      attachments         = [for a in gateway.Attachments : { state = a.State, vpc_id = a.VpcId }]
    }
  }
}
