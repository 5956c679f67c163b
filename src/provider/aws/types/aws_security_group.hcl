resource "aws_security_group" {
  service = "ec2"
  schema {
    name                   = optional(string, computed, force_new, conflicts("name_prefix"), length(0, 255))
    name_prefix            = optional(string, computed, force_new)
    description            = optional(string, default("Managed by Terraform"), force_new, length(0, 255))
    vpc_id                 = optional(string, computed, force_new)
    revoke_rules_on_delete = optional(bool, default(false), local_only)
    arn                    = computed(string)
    owner_id               = computed(string)
    tags                   = tags()
    set "ingress egress" computed attribute {
      use "security_group_rule" {}
    }
    timeouts "create" "delete" {}
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "CreateSecurityGroup" {
      request = {
        GroupName         = self.name
        Description       = self.description
        VpcId             = self.vpc_id
        TagSpecifications = tag_spec("security-group", self.tags_all)
      }
      id = result.GroupId
    }
    call "RevokeSecurityGroupEgress" {
      request = { GroupId = self.id, IpPermissions = [{ IpProtocol = "-1", FromPort = 0, ToPort = 0, IpRanges = [{ CidrIp = "0.0.0.0/0" }] }] }
      ignore  = ["InvalidPermission.NotFound"]
    }
    use "security_group_create" {}
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
      name_prefix = fallback(self.name_prefix, "")
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
    call "DescribeSecurityGroupRules" "rules" {
      when    = self.revoke_rules_on_delete == true
      request = { Filters = [{ Name = "group-id", Values = [self.id] }] }
    }
    call "RevokeSecurityGroupIngress" {
      for_each = [for r in rules.SecurityGroupRules : r if !r.IsEgress]
      request  = { GroupId = self.id, SecurityGroupRuleIds = [each.value.SecurityGroupRuleId] }
    }
    call "RevokeSecurityGroupEgress" {
      for_each = [for r in rules.SecurityGroupRules : r if r.IsEgress]
      request  = { GroupId = self.id, SecurityGroupRuleIds = [each.value.SecurityGroupRuleId] }
    }
    call "DeleteSecurityGroup" {
      request = { GroupId = self.id }
      gone    = ["InvalidGroup.NotFound"]
      retry "DependencyViolation" { timeout = "15m" }
    }
  }
  tags { resource = self.id }
}

data "aws_security_group" {
  service = "ec2"
  schema {
    id          = optional(string, computed)
    name        = optional(string, computed)
    vpc_id      = optional(string, computed)
    tags        = optional(map(string), computed)
    arn         = computed(string)
    description = computed(string)
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeSecurityGroups" {
      request = {
        GroupIds = config.id == null ? null : [config.id]
        Filters  = ec2_filters(config.filter, config.tags, { group-name = config.name, vpc-id = config.vpc_id })
      }
      id = result.SecurityGroups[0].GroupId
    }
    error {
      when    = length([for x in result.SecurityGroups : x]) != 1
      summary = query_returned(result.SecurityGroups)
      detail  = "${length([for x in result.SecurityGroups : x])} security groups match the arguments of the data source aws_security_group; exactly one must."
    }
    state = {
      name        = result.SecurityGroups[0].GroupName
      vpc_id      = result.SecurityGroups[0].VpcId
      description = result.SecurityGroups[0].Description
      tags        = tag_map(result.SecurityGroups[0].Tags)
      arn         = "arn:${provider.partition}:ec2:${self.region}:${result.SecurityGroups[0].OwnerId}:security-group/${result.SecurityGroups[0].GroupId}"
    }
  }
}

data "aws_security_groups" {
  service = "ec2"
  schema {
    tags    = optional(map(string))
    ids     = computed(list(string))
    arns    = computed(list(string))
    vpc_ids = computed(list(string))
    use "filters" {}
    timeouts "read" {}
  }
  read {
    call "DescribeSecurityGroups" {
      request  = { Filters = ec2_filters(config.filter, config.tags, {}) }
      paginate = { input = "NextToken", output = "NextToken", items = "SecurityGroups" }
      id       = provider.region
    }
    state = {
      ids     = [for g in result.SecurityGroups : g.GroupId]
      arns    = [for g in result.SecurityGroups : "arn:${provider.partition}:ec2:${self.region}:${g.OwnerId}:security-group/${g.GroupId}"]
      vpc_ids = [for g in result.SecurityGroups : g.VpcId]
    }
  }
}
