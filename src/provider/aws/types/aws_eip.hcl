resource "aws_eip" {
  service = "ec2"
  schema {
    domain                    = optional(string, computed, force_new, one_of("vpc"))
    vpc                       = optional(bool, computed, force_new, deprecated("use domain attribute instead"))
    network_border_group      = optional(string, computed, force_new)
    public_ipv4_pool          = optional(string, computed, force_new)
    allocation_id             = computed(string)
    arn                       = computed(string)
    association_id            = computed(string)
    carrier_ip                = computed(string)
    customer_owned_ip         = computed(string)
    private_dns               = computed(string)
    private_ip                = computed(string)
    ptr_record                = computed(string)
    public_dns                = computed(string)
    public_ip                 = computed(string)
    network_interface         = optional(string, unsupported("addresses are associated with NAT gateways only"))
    instance                  = optional(string, unsupported("there are no EC2 instances"))
    associate_with_private_ip = optional(string, unsupported("addresses are associated with NAT gateways only"))
    address                   = optional(string, unsupported("addresses come from the machine's own pool"))
    customer_owned_ipv4_pool  = optional(string, unsupported("there are no Outposts"))
    ipam_pool_id              = optional(string, unsupported("there is no IPAM"))
    tags                      = tags()
    timeouts "read" "update" "delete" {}
  }
  create {
    call "AllocateAddress" {
      request = { Domain = "vpc", TagSpecifications = tag_spec("elastic-ip", self.tags_all) }
      id      = result.AllocationId
    }
  }
  read {
    call "DescribeAddresses" {
      request = { AllocationIds = [self.id] }
      gone    = ["InvalidAllocationID.NotFound"]
    }
    state = {
      arn                  = "arn:${provider.partition}:ec2:${self.region}:${provider.account_id}:elastic-ip/${self.id}"
      allocation_id        = result.Addresses[0].AllocationId
      association_id       = fallback(result.Addresses[0].AssociationId, "")
      carrier_ip           = fallback(result.Addresses[0].CarrierIp, "")
      customer_owned_ip    = fallback(result.Addresses[0].CustomerOwnedIp, "")
      domain               = result.Addresses[0].Domain
      vpc                  = result.Addresses[0].Domain == "vpc"
      network_border_group = result.Addresses[0].NetworkBorderGroup
      public_ipv4_pool     = result.Addresses[0].PublicIpv4Pool
      public_ip            = result.Addresses[0].PublicIp
      public_dns           = "ec2-${replace(result.Addresses[0].PublicIp, ".", "-")}.${self.region == "us-east-1" ? "compute-1" : "${self.region}.compute"}.amazonaws.com"
      private_ip           = fallback(result.Addresses[0].PrivateIpAddress, "")
      private_dns          = result.Addresses[0].PrivateIpAddress == null ? null : "ip-${replace(result.Addresses[0].PrivateIpAddress, ".", "-")}.${self.region == "us-east-1" ? "ec2" : "${self.region}.compute"}.internal"
      ptr_record           = ""
      tags                 = tag_map(result.Addresses[0].Tags, "Key", "Value")
    }
  }
  update {}
  delete {
    call "ReleaseAddress" {
      request = { AllocationId = self.id }
      gone    = ["InvalidAllocationID.NotFound"]
      retry "InvalidIPAddress.InUse" { timeout = "3m" }
    }
  }
  tags { resource = self.id }
}

data "aws_eip" {
  service = "ec2"
  schema {
    id                         = optional(string, computed)
    public_ip                  = optional(string, computed)
    tags                       = optional(map(string), computed)
    arn                        = computed(string)
    association_id             = computed(string)
    carrier_ip                 = computed(string)
    customer_owned_ip          = computed(string)
    customer_owned_ipv4_pool   = computed(string)
    domain                     = computed(string)
    instance_id                = computed(string)
    ipam_pool_id               = computed(string)
    network_interface_id       = computed(string)
    network_interface_owner_id = computed(string)
    private_dns                = computed(string)
    private_ip                 = computed(string)
    ptr_record                 = computed(string)
    public_dns                 = computed(string)
    public_ipv4_pool           = computed(string)
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeAddresses" {
      request = {
        AllocationIds = config.id == null ? null : [config.id]
        PublicIps     = config.public_ip == null ? null : [config.public_ip]
        Filters       = ec2_filters(config.filter, config.tags, {})
      }
      id = result.Addresses[0].AllocationId
    }
    error {
      when    = length([for x in result.Addresses : x]) != 1
      summary = query_returned(result.Addresses)
      detail  = "${length([for x in result.Addresses : x])} Elastic IP addresses match the arguments of the data source aws_eip; exactly one must."
    }
    let { address = result.Addresses[0] }
    state = {
      public_ip                  = address.PublicIp
      tags                       = tag_map(address.Tags)
      arn                        = "arn:${provider.partition}:ec2:${self.region}:${provider.account_id}:elastic-ip/${address.AllocationId}"
      association_id             = fallback(address.AssociationId, "")
      carrier_ip                 = ""
      customer_owned_ip          = ""
      customer_owned_ipv4_pool   = ""
      domain                     = address.Domain
      instance_id                = fallback(address.InstanceId, "")
      ipam_pool_id               = ""
      network_interface_id       = fallback(address.NetworkInterfaceId, "")
      network_interface_owner_id = fallback(address.NetworkInterfaceOwnerId, "")
      private_ip                 = fallback(address.PrivateIpAddress, "")
      private_dns                = address.PrivateIpAddress == null ? null : "ip-${replace(address.PrivateIpAddress, ".", "-")}.${self.region == "us-east-1" ? "ec2" : "${self.region}.compute"}.internal"
      ptr_record                 = ""
      public_dns                 = "ec2-${replace(address.PublicIp, ".", "-")}.${self.region == "us-east-1" ? "compute-1" : "${self.region}.compute"}.amazonaws.com"
      public_ipv4_pool           = address.PublicIpv4Pool
    }
  }
}

data "aws_eips" {
  service = "ec2"
  schema {
    tags           = optional(map(string))
    allocation_ids = computed(list(string))
    public_ips     = computed(list(string))
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeAddresses" {
      request = { Filters = ec2_filters(config.filter, config.tags, {}) }
      id      = provider.region
    }
    state = {
      allocation_ids = [for a in result.Addresses : a.AllocationId]
      public_ips     = [for a in result.Addresses : a.PublicIp]
    }
  }
}
