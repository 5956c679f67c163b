resource "aws_cloudwatch_log_group" {
  service = "logs"
  schema {
    name                        = optional(string, computed, force_new, conflicts("name_prefix"), length(1, 512))
    name_prefix                 = optional(string, computed, force_new)
    log_group_class             = optional(string, computed, force_new, one_of("STANDARD", "INFREQUENT_ACCESS", "DELIVERY"))
    retention_in_days           = optional(number, default(0), one_of(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653))
    skip_destroy                = optional(bool, default(false), local_only)
    kms_key_id                  = optional(string, unsupported("log groups are not encrypted with keys here"))
    deletion_protection_enabled = optional(bool, unsupported("deletion protection of log groups is not implemented"))
    arn                         = computed(string)
    tags                        = tags()
  }
  create {
    set { name = fallback(self.name, unique_id(fallback(self.name_prefix, "terraform-"))) }
    call "CreateLogGroup" {
      request = {
        logGroupName  = self.name
        logGroupClass = self.log_group_class
        tags          = nonempty(self.tags_all)
      }
      id = self.name
    }
    call "PutRetentionPolicy" {
      when    = self.retention_in_days > 0
      request = { logGroupName = self.name, retentionInDays = self.retention_in_days }
    }
  }
  read {
    call "DescribeLogGroups" {
      request  = { logGroupNamePrefix = self.id }
      paginate = { input = "nextToken", output = "nextToken", items = "logGroups" }
    }
    let { group = [for g in result.logGroups : g if g.logGroupName == self.id][0] }
    gone { when = group == null }
    state = {
      name              = group.logGroupName
      name_prefix       = fallback(self.name_prefix, "")
      arn               = trimsuffix(group.arn, ":*")
      log_group_class   = group.logGroupClass
      retention_in_days = fallback(group.retentionInDays, 0)
    }
  }
  update {
    call "PutRetentionPolicy" {
      when    = changed("retention_in_days") && self.retention_in_days > 0
      request = { logGroupName = self.id, retentionInDays = self.retention_in_days }
    }
    call "DeleteRetentionPolicy" {
      when    = changed("retention_in_days") && self.retention_in_days == 0
      request = { logGroupName = self.id }
    }
  }
  delete {
    call "DeleteLogGroup" {
      when    = self.skip_destroy != true
      request = { logGroupName = self.id }
      gone    = ["ResourceNotFoundException"]
    }
  }
  tags {
    resource = "arn:${provider.partition}:logs:${self.region}:${provider.account_id}:log-group:${self.id}"
    read     = true
  }
}

data "aws_cloudwatch_log_group" {
  service = "logs"
  schema {
    name                        = required(string)
    arn                         = computed(string)
    creation_time               = computed(number)
    deletion_protection_enabled = computed(bool)
    kms_key_id                  = computed(string)
    log_group_class             = computed(string)
    retention_in_days           = computed(number)
    tags                        = computed(map(string))
  }
  read {
    call "DescribeLogGroups" {
      request  = { logGroupNamePrefix = self.name }
      paginate = { input = "nextToken", output = "nextToken", items = "logGroups" }
    }
    let { group = [for g in result.logGroups : g if g.logGroupName == self.name][0] }
    error {
      when    = group == null
      summary = "No such log group"
      detail  = "There is no CloudWatch log group named \"${self.name}\"."
    }
    call "ListTagsForResource" "listed" {
      request = { resourceArn = trimsuffix(group.arn, ":*") }
      id      = group.logGroupName
    }
    state = {
      arn                         = trimsuffix(group.arn, ":*")
      creation_time               = group.creationTime
      deletion_protection_enabled = group.deletionProtectionEnabled == true
      kms_key_id                  = fallback(group.kmsKeyId, "")
      log_group_class             = group.logGroupClass
      retention_in_days           = fallback(group.retentionInDays, 0)
      tags                        = listed.tags
    }
  }
}

data "aws_cloudwatch_log_groups" {
  service = "logs"
  schema {
    log_group_name_prefix = optional(string)
    arns                  = computed(set(string))
    log_group_names       = computed(set(string))
  }
  read {
    call "DescribeLogGroups" {
      request  = { logGroupNamePrefix = nonempty(self.log_group_name_prefix) }
      paginate = { input = "nextToken", output = "nextToken", items = "logGroups" }
      id       = provider.region
    }
    state = {
      arns            = [for g in result.logGroups : trimsuffix(g.arn, ":*")]
      log_group_names = [for g in result.logGroups : g.logGroupName]
    }
  }
}

resource "aws_cloudwatch_log_stream" {
  service = "logs"
  schema {
    name           = required(string, force_new, length(1, 512), pattern("^[^:*]*$"))
    log_group_name = required(string, force_new)
    arn            = computed(string)
  }
  create {
    call "CreateLogStream" {
      request = { logGroupName = self.log_group_name, logStreamName = self.name }
      id      = self.name
    }
  }
  read {
    call "DescribeLogStreams" {
      request  = { logGroupName = self.log_group_name, logStreamNamePrefix = self.name }
      paginate = { input = "nextToken", output = "nextToken", items = "logStreams" }
      gone     = ["ResourceNotFoundException"]
    }
    let { stream = [for s in result.logStreams : s if s.logStreamName == self.name][0] }
    gone { when = stream == null }
    state = { arn = stream.arn }
  }
  delete {
    call "DeleteLogStream" {
      request = { logGroupName = self.log_group_name, logStreamName = self.name }
      gone    = ["ResourceNotFoundException"]
    }
  }
  import {
    # The id is GROUP:STREAM.
    set {
      log_group_name = split(":", self.id)[0]
      name           = split(":", self.id)[1]
      id             = split(":", self.id)[1]
    }
  }
}
