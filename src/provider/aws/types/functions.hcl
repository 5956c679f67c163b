// What several resource types write in the same words.

// A security group's rule block as the API's IpPermission; `group` is what `self = true` means.
function "ip_permission" {
  parameters = ["rule", "group"]
  value = {
    IpProtocol = rule.protocol
    FromPort   = rule.from_port
    ToPort     = rule.to_port
    IpRanges   = nonempty([for c in rule.cidr_blocks : { CidrIp = c, Description = nonempty(rule.description) }])
    Ipv6Ranges = nonempty([for c in rule.ipv6_cidr_blocks : { CidrIpv6 = c, Description = nonempty(rule.description) }])
    UserIdGroupPairs = nonempty([for g in concat([for s in rule.security_groups : s], rule.self == true ? [group] : []) :
    { GroupId = g, Description = nonempty(rule.description) }])
  }
}

// The API's name of a protocol: what it answers, whatever was asked with.
function "ip_protocol" {
  parameters = ["text"]
  value = lookup({ all = "-1", "1" = "icmp", "6" = "tcp", "17" = "udp", "58" = "icmpv6" }, lower(text), lower(text))
}

// The number of a protocol, as network ACLs have it.
function "acl_protocol" {
  parameters = ["text"]
  value      = lookup({ all = "-1", icmp = "1", tcp = "6", udp = "17", icmpv6 = "58" }, lower(text), lower(text))
}

// A rule block of a network ACL as the API's entry.
function "acl_entry" {
  parameters = ["rule", "acl", "egress"]
  value = {
    NetworkAclId = acl
    Egress       = egress
    RuleNumber   = rule.rule_no
    RuleAction   = lower(rule.action)
    Protocol     = acl_protocol(rule.protocol)
    CidrBlock    = nonempty(rule.cidr_block)
    PortRange    = contains(["6", "17"], acl_protocol(rule.protocol)) ? { From = rule.from_port, To = rule.to_port } : null
    IcmpTypeCode = acl_protocol(rule.protocol) == "1" ? { Type = fallback(rule.icmp_type, 0), Code = fallback(rule.icmp_code, 0) } : null
  }
}

// Entries of one direction as rule blocks. The protocol is written as `wanted` writes it, if that means the same.
function "acl_rules" {
  parameters = ["entries", "wanted"]
  value = [for e in entries : {
    rule_no         = e.RuleNumber
    action          = e.RuleAction
    protocol        = fallback([for w in wanted : w.protocol if w.rule_no == e.RuleNumber && acl_protocol(w.protocol) == e.Protocol][0], e.Protocol)
    cidr_block      = fallback(e.CidrBlock, "")
    ipv6_cidr_block = ""
    from_port       = fallback(e.PortRange.From, 0)
    to_port         = fallback(e.PortRange.To, 0)
    icmp_type       = fallback(e.IcmpTypeCode.Type, 0)
    icmp_code       = fallback(e.IcmpTypeCode.Code, 0)
  } if e.RuleNumber != 32767]
}

// The id of a subnet's association with one of the ACLs.
function "acl_association" {
  parameters = ["acls", "subnet"]
  value      = [for a in flatten([for n in acls : n.Associations]) : a.NetworkAclAssociationId if a.SubnetId == subnet][0]
}

// The filters of a data source: its filter blocks, its tags, and arguments that are filters by another name.
function "ec2_filters" {
  parameters = ["blocks", "tags", "named"]
  value = nonempty(concat(
    [for f in blocks : { Name = f.name, Values = [for v in f.values : v] }],
    [for k, v in tags : { Name = "tag:${k}", Values = [v] }],
    [for k, v in named : { Name = k, Values = [tostring(v)] } if nonempty(v) != null]
  ))
}

function "same_elements" {
  parameters = ["a", "b"]
  value      = length(setsubtract([for x in a : x], [for x in b : x])) == 0 && length(setsubtract([for x in b : x], [for x in a : x])) == 0
}

function "same_json" {
  parameters = ["a", "b"]
  value      = try(jsonencode(jsondecode(a)) == jsonencode(jsondecode(b)), a == b)
}

// Artifacts of a CodeBuild project, primary or secondary, as the API has them.
function "codebuild_artifacts" {
  parameters = ["a"]
  value = {
    artifactIdentifier   = nonempty(a.artifact_identifier)
    bucketOwnerAccess    = nonempty(a.bucket_owner_access)
    encryptionDisabled   = a.type == "NO_ARTIFACTS" ? null : a.encryption_disabled
    location             = nonempty(a.location)
    name                 = nonempty(a.name)
    namespaceType        = nonempty(a.namespace_type)
    overrideArtifactName = a.type == "S3" ? a.override_artifact_name : null
    packaging            = nonempty(a.packaging)
    path                 = nonempty(a.path)
    type                 = a.type
  }
}

// A source of a CodeBuild project, primary or secondary, as the API has it.
function "codebuild_source" {
  parameters = ["s", "identifier"]
  value = {
    auth                = [for a in s.auth : { resource = nonempty(a.resource), type = a.type }][0]
    buildspec           = nonempty(s.buildspec)
    buildStatusConfig   = [for c in s.build_status_config : { context = nonempty(c.context), targetUrl = nonempty(c.target_url) }][0]
    gitCloneDepth       = contains(["NO_SOURCE", "CODEPIPELINE", "S3"], s.type) ? null : s.git_clone_depth
    gitSubmodulesConfig = [for g in s.git_submodules_config : { fetchSubmodules = g.fetch_submodules }][0]
    insecureSsl         = s.insecure_ssl
    location            = nonempty(s.location)
    reportBuildStatus   = contains(["BITBUCKET", "GITHUB", "GITHUB_ENTERPRISE", "GITLAB", "GITLAB_SELF_MANAGED"], s.type) ? s.report_build_status : null
    sourceIdentifier    = identifier
    type                = s.type
  }
}

// What CreateProject and UpdateProject are sent of a project.
function "codebuild_project" {
  parameters = ["p"]
  value = {
    name                   = p.name
    artifacts              = codebuild_artifacts(p.artifacts[0])
    secondaryArtifacts     = [for a in p.secondary_artifacts : codebuild_artifacts(a)]
    autoRetryLimit         = p.auto_retry_limit
    badgeEnabled           = p.badge_enabled
    concurrentBuildLimit   = p.concurrent_build_limit
    description            = nonempty(p.description)
    encryptionKey          = nonempty(p.encryption_key)
    queuedTimeoutInMinutes = p.queued_timeout
    timeoutInMinutes       = p.build_timeout
    serviceRole            = p.service_role
    sourceVersion          = nonempty(p.source_version)
    source                 = codebuild_source(p.source[0], null)
    secondarySources       = [for s in p.secondary_sources : codebuild_source(s, s.source_identifier)]
    secondarySourceVersions = [for v in p.secondary_source_version : {
      sourceIdentifier = v.source_identifier
      sourceVersion    = v.source_version
    }]
    cache = fallback([for c in p.cache : {
      location       = nonempty(c.location)
      cacheNamespace = nonempty(c.cache_namespace)
      modes          = nonempty([for m in c.modes : m])
      type           = c.type
    }][0], { type = "NO_CACHE" })
    environment = [for e in p.environment : {
      certificate              = nonempty(e.certificate)
      computeType              = e.compute_type
      image                    = e.image
      imagePullCredentialsType = nonempty(e.image_pull_credentials_type)
      privilegedMode           = e.privileged_mode
      type                     = e.type
      environmentVariables     = [for v in e.environment_variable : { name = v.name, value = v.value, type = v.type }]
    }][0]
    logsConfig = [for l in p.logs_config : {
      cloudWatchLogs = [for c in l.cloudwatch_logs : {
        groupName  = nonempty(c.group_name)
        status     = c.status
        streamName = nonempty(c.stream_name)
      }][0]
      s3Logs = [for s in l.s3_logs : {
        bucketOwnerAccess  = nonempty(s.bucket_owner_access)
        encryptionDisabled = s.encryption_disabled
        location           = nonempty(s.location)
        status             = s.status
      }][0]
    }][0]
    vpcConfig = [for v in p.vpc_config : {
      securityGroupIds = [for g in v.security_group_ids : g]
      subnets          = [for s in v.subnets : s]
      vpcId            = v.vpc_id
    }][0]
    tags = tag_list(p.tags_all, "key", "value")
  }
}

function "git_filter" {
  parameters = ["blocks"]
  value = [for f in blocks : {
    includes = nonempty([for p in f.includes : p])
    excludes = nonempty([for p in f.excludes : p])
  }][0]
}

// An aws_codepipeline as the API declares it.
function "pipeline_declaration" {
  parameters = ["self"]
  value = {
    name          = self.name
    roleArn       = self.role_arn
    pipelineType  = self.pipeline_type
    executionMode = self.execution_mode
    artifactStore = length(self.artifact_store) == 1 ? [for s in self.artifact_store : {
      location      = s.location
      type          = s.type
      encryptionKey = [for k in s.encryption_key : { id = k.id, type = k.type }][0]
    }][0] : null
    artifactStores = length(self.artifact_store) == 1 ? null : { for s in self.artifact_store : s.region => {
      location      = s.location
      type          = s.type
      encryptionKey = [for k in s.encryption_key : { id = k.id, type = k.type }][0]
    } }
    stages = [for s in self.stage : {
      name = s.name
      actions = [for a in s.action : {
        name             = a.name
        actionTypeId     = { category = a.category, owner = a.owner, provider = a.provider, version = a.version }
        configuration    = nonempty({ for k, v in a.configuration : k => v if nonempty(v) != null })
        inputArtifacts   = nonempty([for n in a.input_artifacts : { name = n }])
        outputArtifacts  = nonempty([for n in a.output_artifacts : { name = n }])
        namespace        = nonempty(a.namespace)
        region           = nonempty(a.region)
        roleArn          = nonempty(a.role_arn)
        runOrder         = a.run_order
        timeoutInMinutes = a.timeout_in_minutes
      }]
      onFailure = [for f in s.on_failure : {
        result             = nonempty(f.result)
        retryConfiguration = [for r in f.retry_configuration : { retryMode = nonempty(r.retry_mode) }][0]
      }][0]
    }]
    triggers = self.pipeline_type != "V2" ? null : [for t in self.trigger : {
      providerType = t.provider_type
      gitConfiguration = [for g in t.git_configuration : {
        sourceActionName = g.source_action_name
        push = nonempty([for p in g.push : {
          branches  = git_filter(p.branches)
          filePaths = git_filter(p.file_paths)
          tags      = git_filter(p.tags)
        }])
      }][0]
    }]
    variables = self.pipeline_type != "V2" ? null : nonempty([for v in self.variable : {
      name         = v.name
      defaultValue = nonempty(v.default_value)
      description  = nonempty(v.description)
    }])
  }
}

function "git_filter_blocks" {
  parameters = ["filter"]
  value      = filter == null ? [] : [{ includes = nonempty(filter.includes), excludes = nonempty(filter.excludes) }]
}

// The API's triggers as the trigger blocks of an aws_codepipeline.
function "pipeline_triggers" {
  parameters = ["triggers"]
  value = [for t in triggers : {
    provider_type = t.providerType
    git_configuration = [{
      source_action_name = t.gitConfiguration.sourceActionName
      pull_request       = []
      push = [for p in t.gitConfiguration.push : {
        branches   = git_filter_blocks(p.branches)
        file_paths = git_filter_blocks(p.filePaths)
        tags       = git_filter_blocks(p.tags)
      }]
    }]
  }]
}
