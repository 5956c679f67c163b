// A VPC's own security group: taken over, emptied and filled as written; left alone when it is destroyed.
resource "aws_default_security_group" {
  service = "ec2"
  schema {
    vpc_id                 = optional(string, computed, force_new)
    revoke_rules_on_delete = optional(bool, default(false), local_only)
    name                   = computed(string)
    name_prefix            = computed(string)
    description            = computed(string)
    arn                    = computed(string)
    owner_id               = computed(string)
    tags                   = tags()
    set "ingress egress" computed attribute {
      use "security_group_rule" {}
    }
  }
  create {
    call "DescribeVpcs" "default" {
      when    = self.vpc_id == null
      request = { Filters = [{ Name = "is-default", Values = ["true"] }] }
    }
    error {
      when    = self.vpc_id == null && length([for v in default.Vpcs : v]) == 0
      summary = "No default VPC"
      detail  = "vpc_id is not set, and the account has no default VPC in ${self.region}."
    }
    call "DescribeSecurityGroups" "found" {
      request = { Filters = [{ Name = "group-name", Values = ["default"] }, { Name = "vpc-id", Values = [fallback(self.vpc_id, default.Vpcs[0].VpcId)] }] }
      id      = result.SecurityGroups[0].GroupId
    }
    error {
      when    = length(found.SecurityGroups) == 0
      summary = "No such VPC"
      detail  = "There is no VPC ${self.vpc_id}, and so it has no default security group."
    }
    call "RevokeSecurityGroupIngress" {
      when    = length(found.SecurityGroups[0].IpPermissions) > 0
      request = { GroupId = self.id, IpPermissions = found.SecurityGroups[0].IpPermissions }
    }
    call "RevokeSecurityGroupEgress" {
      when    = length(found.SecurityGroups[0].IpPermissionsEgress) > 0
      request = { GroupId = self.id, IpPermissions = found.SecurityGroups[0].IpPermissionsEgress }
    }
    use "security_group_create" {}
    call "CreateTags" {
      when    = nonempty(self.tags_all) != null
      request = { Resources = [self.id], Tags = tag_list(self.tags_all, "Key", "Value") }
    }
  }
  read {
    call "DescribeSecurityGroups" {
      request = { GroupIds = [self.id] }
      gone    = ["InvalidGroup.NotFound"]
    }
    let { group = result.SecurityGroups[0] }
    state = {
      arn         = group.SecurityGroupArn
      owner_id    = group.OwnerId
      name        = group.GroupName
      name_prefix = ""
      description = group.Description
      vpc_id      = group.VpcId
      ingress     = group_rules(group.IpPermissions, self.ingress, self.id)
      egress      = group_rules(group.IpPermissionsEgress, self.egress, self.id)
      tags        = tag_map(group.Tags, "Key", "Value")
    }
  }
  update {
    use "security_group_update" {}
  }
  delete {
  }
  tags { resource = self.id }
}
