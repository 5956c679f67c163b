resource "aws_db_parameter_group" {
  service = "rds"
  schema {
    name         = optional(string, computed, force_new, conflicts("name_prefix"), pattern("^[a-z][0-9a-z-]*$"), length(1, 255))
    name_prefix  = optional(string, computed, force_new, pattern("^[a-z][0-9a-z-]*$"))
    family       = required(string, force_new)
    description  = optional(string, default("Managed by Terraform"), force_new)
    skip_destroy = optional(bool, default(false), local_only)
    arn          = computed(string)
    tags         = tags()
    set "parameter" {
      name         = required(string)
      value        = required(string)
      apply_method = optional(string, default("immediate"), one_of("immediate", "pending-reboot"))
    }
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "CreateDBParameterGroup" {
      request = {
        DBParameterGroupName   = self.name
        DBParameterGroupFamily = self.family
        Description            = self.description
        Tags                   = tag_list(self.tags_all)
      }
      id  = result.DBParameterGroup.DBParameterGroupName
      set = { arn = result.DBParameterGroup.DBParameterGroupArn }
    }
    call "ModifyDBParameterGroup" {
      for_each = chunklist([for p in self.parameter : p], 20)
      request = {
        DBParameterGroupName = self.name
        Parameters           = [for p in each.value : { ParameterName = p.name, ParameterValue = p.value, ApplyMethod = p.apply_method }]
      }
    }
  }
  read {
    call "DescribeDBParameterGroups" "groups" {
      request = { DBParameterGroupName = self.id }
      gone    = ["DBParameterGroupNotFound"]
      set     = { arn = result.DBParameterGroups[0].DBParameterGroupArn }
    }
    call "DescribeDBParameters" {
      request  = { DBParameterGroupName = self.id, Source = "user" }
      paginate = { input = "Marker", output = "Marker", items = "Parameters" }
    }
    let {
      # What the configuration writes with other letters is the same parameter.
      written = { for p in fallback(self.parameter, []) : lower(p.name) => p.name }
    }
    state = {
      name        = groups.DBParameterGroups[0].DBParameterGroupName
      name_prefix = fallback(self.name_prefix, "")
      family      = groups.DBParameterGroups[0].DBParameterGroupFamily
      description = groups.DBParameterGroups[0].Description
      arn         = groups.DBParameterGroups[0].DBParameterGroupArn
      parameter   = [for p in result.Parameters : { name = fallback(written[lower(p.ParameterName)], p.ParameterName), value = p.ParameterValue, apply_method = p.ApplyMethod }]
    }
  }
  update {
    call "ResetDBParameterGroup" {
      for_each = chunklist([for p in removed("parameter") : p if !contains([for q in self.parameter : q.name], p.name)], 20)
      request = {
        DBParameterGroupName = self.id
        Parameters           = [for p in each.value : { ParameterName = p.name, ApplyMethod = p.apply_method }]
      }
    }
    call "ModifyDBParameterGroup" {
      for_each = chunklist(added("parameter"), 20)
      request = {
        DBParameterGroupName = self.id
        Parameters           = [for p in each.value : { ParameterName = p.name, ParameterValue = p.value, ApplyMethod = p.apply_method }]
      }
    }
  }
  delete {
    call "DeleteDBParameterGroup" {
      when    = self.skip_destroy != true
      request = { DBParameterGroupName = self.id }
      gone    = ["DBParameterGroupNotFound"]
      retry "InvalidDBParameterGroupState" { timeout = "3m" }
    }
  }
  tags {
    resource = self.arn
    read     = true
  }
}

data "aws_db_parameter_group" {
  service = "rds"
  schema {
    name        = required(string)
    arn         = computed(string)
    description = computed(string)
    family      = computed(string)
  }
  read {
    call "DescribeDBParameterGroups" {
      request = { DBParameterGroupName = self.name }
      id      = result.DBParameterGroups[0].DBParameterGroupName
    }
    state = {
      arn         = result.DBParameterGroups[0].DBParameterGroupArn
      description = result.DBParameterGroups[0].Description
      family      = result.DBParameterGroups[0].DBParameterGroupFamily
    }
  }
}
