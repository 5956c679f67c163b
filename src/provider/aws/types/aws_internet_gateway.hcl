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
