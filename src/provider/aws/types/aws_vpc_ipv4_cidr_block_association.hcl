resource "aws_vpc_ipv4_cidr_block_association" {
  service = "ec2"
  schema {
    vpc_id              = required(string, force_new)
    cidr_block          = optional(string, computed, force_new, cidr())
    ipv4_ipam_pool_id   = optional(string, unsupported("there is no IPAM"))
    ipv4_netmask_length = optional(number, unsupported("there is no IPAM"))
    timeouts "create" "delete" {}
  }
  validate {
    error {
      when    = self.cidr_block == null && self.ipv4_ipam_pool_id == null
      summary = "Missing required argument"
      detail  = "The argument \"cidr_block\" is required: there are no IPAM pools."
    }
  }
  create {
    call "AssociateVpcCidrBlock" {
      request = { VpcId = self.vpc_id, CidrBlock = self.cidr_block }
      id      = result.CidrBlockAssociation.AssociationId
    }
  }
  read {
    call "DescribeVpcs" {
      request = { Filters = [{ Name = "cidr-block-association.association-id", Values = [self.id] }] }
    }
    let { block = [for b in result.Vpcs[0].CidrBlockAssociationSet : b if b.AssociationId == self.id][0] }
    gone { when = block == null }
    state = {
      vpc_id     = result.Vpcs[0].VpcId
      cidr_block = block.CidrBlock
    }
  }
  delete {
    call "DisassociateVpcCidrBlock" {
      request = { AssociationId = self.id }
      gone    = ["InvalidVpcCidrBlockAssociationID.NotFound"]
      retry "InvalidCidrBlock.InUse" { timeout = "10m" }
    }
  }
}
