resource "aws_db_subnet_group" {
  service = "rds"
  schema {
    name                    = optional(string, computed, force_new, conflicts("name_prefix"), pattern("^[0-9a-z_ .-]*$"), length(1, 255))
    name_prefix             = optional(string, computed, force_new, pattern("^[0-9a-z_ .-]*$"))
    description             = optional(string, default("Managed by Terraform"))
    subnet_ids              = required(set(string))
    arn                     = computed(string)
    supported_network_types = computed(set(string))
    vpc_id                  = computed(string)
    tags                    = tags()
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "CreateDBSubnetGroup" {
      request = {
        DBSubnetGroupName        = self.name
        DBSubnetGroupDescription = self.description
        SubnetIds                = [for s in self.subnet_ids : s]
        Tags                     = tag_list(self.tags_all)
      }
      id  = result.DBSubnetGroup.DBSubnetGroupName
      set = { arn = result.DBSubnetGroup.DBSubnetGroupArn }
    }
  }
  read {
    call "DescribeDBSubnetGroups" {
      request = { DBSubnetGroupName = self.id }
      gone    = ["DBSubnetGroupNotFoundFault"]
      set     = { arn = result.DBSubnetGroups[0].DBSubnetGroupArn }
    }
    state = {
      name                    = result.DBSubnetGroups[0].DBSubnetGroupName
      name_prefix             = fallback(self.name_prefix, "")
      description             = result.DBSubnetGroups[0].DBSubnetGroupDescription
      subnet_ids              = [for s in result.DBSubnetGroups[0].Subnets : s.SubnetIdentifier]
      arn                     = result.DBSubnetGroups[0].DBSubnetGroupArn
      supported_network_types = result.DBSubnetGroups[0].SupportedNetworkTypes
      vpc_id                  = result.DBSubnetGroups[0].VpcId
    }
  }
  update {
    call "ModifyDBSubnetGroup" {
      when = changed("description", "subnet_ids")
      request = {
        DBSubnetGroupName        = self.id
        DBSubnetGroupDescription = self.description
        SubnetIds                = [for s in self.subnet_ids : s]
      }
    }
  }
  delete {
    call "DeleteDBSubnetGroup" {
      request = { DBSubnetGroupName = self.id }
      gone    = ["DBSubnetGroupNotFoundFault"]
    }
  }
  tags {
    resource = self.arn
    read     = true
  }
}

data "aws_db_subnet_group" {
  service = "rds"
  schema {
    name                    = required(string)
    arn                     = computed(string)
    description             = computed(string)
    status                  = computed(string)
    subnet_ids              = computed(set(string))
    supported_network_types = computed(set(string))
    vpc_id                  = computed(string)
  }
  read {
    call "DescribeDBSubnetGroups" {
      request = { DBSubnetGroupName = self.name }
      id      = result.DBSubnetGroups[0].DBSubnetGroupName
    }
    state = {
      arn                     = result.DBSubnetGroups[0].DBSubnetGroupArn
      description             = result.DBSubnetGroups[0].DBSubnetGroupDescription
      name                    = result.DBSubnetGroups[0].DBSubnetGroupName
      status                  = result.DBSubnetGroups[0].SubnetGroupStatus
      subnet_ids              = [for s in result.DBSubnetGroups[0].Subnets : s.SubnetIdentifier]
      supported_network_types = result.DBSubnetGroups[0].SupportedNetworkTypes
      vpc_id                  = result.DBSubnetGroups[0].VpcId
    }
  }
}
