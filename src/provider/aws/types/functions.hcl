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
  value      = lookup({ all = "-1", "1" = "icmp", "6" = "tcp", "17" = "udp", "58" = "icmpv6" }, lower(text), lower(text))
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

// The summary where a data source must find one thing, and does not.
function "query_returned" {
  parameters = ["found"]
  value      = "Your query returned ${length([for x in found : x]) == 0 ? "no results" : "more than one result"}"
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

// S3: the hosted zone of a region's website endpoint, and that endpoint's domain. Regions before 2014 have a dash in it.
function "s3_hosted_zone" {
  parameters = ["region"]
  value = lookup({
    "us-east-1"      = "Z3AQBSTGFYJSTF", "us-east-2" = "Z2O1EMRO9K5GLX", "us-west-1" = "Z2F56UZL2M1ACD", "us-west-2" = "Z3BJ6K6RIION7M",
    "eu-west-1"      = "Z1BKCTXD74EZPE", "eu-west-2" = "Z3GKZC51ZF0DB4", "eu-west-3" = "Z3R1K369G5AVDG", "eu-central-1" = "Z21DNDUVLTQW6Q",
    "eu-north-1"     = "Z3BAZG2TWCNX0D", "ap-southeast-1" = "Z3O0J2DXBE1FTB", "ap-southeast-2" = "Z1WCIGYICN2BYD",
    "ap-northeast-1" = "Z2M4EHUR26P7ZW", "ap-northeast-2" = "Z3W03O7B5YMIYP", "ap-south-1" = "Z11RGJOFQNVJUP",
    "ca-central-1"   = "Z1QDHH18159H29", "sa-east-1" = "Z7KQH4QJS55SO"
  }, region, "")
}

// Where websites are: beside the region's own endpoint, where that is local.
function "s3_website_domain" {
  parameters = ["region", "provider"]
  value = "${contains([
    "us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"
  ], region) ? "s3-website-" : "s3-website."}${region}.${provider.endpoint == null ? provider.dns_suffix : "localhost"}"
}

function "s3_website_endpoint" {
  parameters = ["bucket", "region", "provider"]
  value      = "${bucket}.${s3_website_domain(region, provider)}${try(regex(":[0-9]+$", provider.endpoint), "")}"
}

// What aws_s3_bucket_website_configuration says.
function "s3_website" {
  parameters = ["w", "config"]
  value = {
    IndexDocument         = [for i in w.index_document : { Suffix = i.suffix }][0]
    ErrorDocument         = [for e in w.error_document : { Key = e.key }][0]
    RedirectAllRequestsTo = [for r in w.redirect_all_requests_to : { HostName = r.host_name, Protocol = nonempty(r.protocol) }][0]
    RoutingRules = nonempty(config.routing_rules) != null ? jsondecode(config.routing_rules) : nonempty([for r in config.routing_rule : {
      Condition = [for c in r.condition : {
        HttpErrorCodeReturnedEquals = nonempty(c.http_error_code_returned_equals)
        KeyPrefixEquals             = nonempty(c.key_prefix_equals)
      }][0]
      Redirect = [for d in r.redirect : {
        HostName             = nonempty(d.host_name)
        HttpRedirectCode     = nonempty(d.http_redirect_code)
        Protocol             = nonempty(d.protocol)
        ReplaceKeyPrefixWith = nonempty(d.replace_key_prefix_with)
        ReplaceKeyWith       = nonempty(d.replace_key_with)
      }][0]
    }])
  }
}

// What aws_s3_bucket_logging says.
function "s3_logging" {
  parameters = ["l"]
  value = {
    LoggingEnabled = {
      TargetBucket = l.target_bucket
      TargetPrefix = l.target_prefix
      TargetObjectKeyFormat = [for f in l.target_object_key_format : {
        PartitionedPrefix = [for p in f.partitioned_prefix : { PartitionDateSource = p.partition_date_source }][0]
        SimplePrefix      = length(f.simple_prefix) > 0 ? {} : null
      }][0]
    }
  }
}

function "s3_cors" {
  parameters = ["rules"]
  value = {
    CORSRules = [for r in rules : {
      ID             = try(nonempty(r.id), null)
      AllowedHeaders = nonempty([for h in fallback(r.allowed_headers, []) : h])
      AllowedMethods = [for m in r.allowed_methods : m]
      AllowedOrigins = [for o in r.allowed_origins : o]
      ExposeHeaders  = nonempty([for h in fallback(r.expose_headers, []) : h])
      MaxAgeSeconds  = r.max_age_seconds
    }]
  }
}

function "s3_cors_blocks" {
  parameters = ["rules"]
  value = [for r in fallback(rules, []) : {
    allowed_headers = nonempty(r.AllowedHeaders)
    allowed_methods = r.AllowedMethods
    allowed_origins = r.AllowedOrigins
    expose_headers  = nonempty(r.ExposeHeaders)
    max_age_seconds = r.MaxAgeSeconds
  }]
}

function "s3_grants" {
  parameters = ["grants", "owner"]
  value = {
    Owner = { ID = owner }
    Grants = flatten([for g in grants : [for p in g.permissions : {
      Grantee    = { Type = g.type, ID = nonempty(g.id), URI = nonempty(g.uri) }
      Permission = p
    }]])
  }
}

// Grants of one grantee are one block.
function "s3_grant_blocks" {
  parameters = ["grants"]
  value = [for key in distinct([for g in grants : "${g.Grantee.Type}|${fallback(g.Grantee.ID, "")}|${fallback(g.Grantee.URI, "")}"]) : {
    type        = split("|", key)[0]
    id          = split("|", key)[1]
    uri         = split("|", key)[2]
    permissions = [for g in grants : g.Permission if "${g.Grantee.Type}|${fallback(g.Grantee.ID, "")}|${fallback(g.Grantee.URI, "")}" == key]
  }]
}

function "s3_encryption" {
  parameters = ["rules"]
  value = {
    Rules = [for r in rules : {
      BucketKeyEnabled = r.bucket_key_enabled
      ApplyServerSideEncryptionByDefault = [for d in r.apply_server_side_encryption_by_default : {
        SSEAlgorithm   = d.sse_algorithm
        KMSMasterKeyID = nonempty(d.kms_master_key_id)
      }][0]
      BlockedEncryptionTypes = try(length(r.blocked_encryption_types) > 0 ? { EncryptionType = [for t in r.blocked_encryption_types : t] } : null, null)
    }]
  }
}

function "s3_encryption_blocks" {
  parameters = ["rules"]
  value = [for r in rules : {
    bucket_key_enabled = fallback(r.BucketKeyEnabled, false)
    apply_server_side_encryption_by_default = [for d in [r.ApplyServerSideEncryptionByDefault] : {
      sse_algorithm     = d.SSEAlgorithm
      kms_master_key_id = fallback(d.KMSMasterKeyID, "")
    } if d != null]
  }]
}

function "s3_inline_website" {
  parameters = ["w"]
  value = {
    IndexDocument = nonempty(w.index_document) == null ? null : { Suffix = w.index_document }
    ErrorDocument = nonempty(w.error_document) == null ? null : { Key = w.error_document }
    RedirectAllRequestsTo = nonempty(w.redirect_all_requests_to) == null ? null : {
      HostName = split("://", w.redirect_all_requests_to)[length(split("://", w.redirect_all_requests_to)) - 1]
      Protocol = strcontains(w.redirect_all_requests_to, "://") ? split("://", w.redirect_all_requests_to)[0] : null
    }
    RoutingRules = nonempty(w.routing_rules) == null ? null : jsondecode(w.routing_rules)
  }
}

function "s3_redirect_text" {
  parameters = ["r"]
  value      = "${r.Protocol == null ? "" : "${r.Protocol}://"}${r.HostName}"
}

function "s3_inline_logging" {
  parameters = ["blocks"]
  value = {
    LoggingEnabled = [for l in blocks : { TargetBucket = l.target_bucket, TargetPrefix = fallback(l.target_prefix, "") }][0]
  }
}

// Lifecycle rules as aws_s3_bucket of provider 3 wrote them.
function "s3_inline_lifecycle" {
  parameters = ["rules"]
  value = {
    Rules = [for r in rules : {
      ID     = nonempty(r.id)
      Status = r.enabled ? "Enabled" : "Disabled"
      Filter = length(fallback(r.tags, {})) > 0 ? { And = { Prefix = fallback(r.prefix, ""), Tags = tag_list(r.tags) } } : { Prefix = fallback(r.prefix, "") }
      Expiration = [for e in r.expiration : {
        Date                      = nonempty(e.date) == null ? null : s3_date(e.date)
        Days                      = fallback(e.days, 0) > 0 ? e.days : null
        ExpiredObjectDeleteMarker = fallback(e.days, 0) > 0 || nonempty(e.date) != null ? null : e.expired_object_delete_marker
      }][0]
      NoncurrentVersionExpiration = [for e in r.noncurrent_version_expiration : { NoncurrentDays = e.days }][0]
      NoncurrentVersionTransitions = nonempty([for t in r.noncurrent_version_transition : {
        NoncurrentDays = t.days, StorageClass = t.storage_class
      }])
      Transitions = nonempty([for t in r.transition : {
        Date = nonempty(t.date) == null ? null : s3_date(t.date), Days = nonempty(t.date) == null ? t.days : null, StorageClass = t.storage_class
      }])
      AbortIncompleteMultipartUpload = fallback(r.abort_incomplete_multipart_upload_days, 0) > 0 ? { DaysAfterInitiation = r.abort_incomplete_multipart_upload_days } : null
    }]
  }
}

function "s3_inline_lifecycle_block" {
  parameters = ["r"]
  value = {
    id                                     = r.ID
    enabled                                = r.Status == "Enabled"
    prefix                                 = fallback(r.Filter.And.Prefix, r.Filter.Prefix, r.Prefix, "")
    tags                                   = nonempty(tag_map(r.Filter.And.Tags))
    abort_incomplete_multipart_upload_days = fallback(r.AbortIncompleteMultipartUpload.DaysAfterInitiation, 0)
    expiration = [for e in [r.Expiration] : {
      date                         = e.Date == null ? "" : substr(s3_date_text(e.Date), 0, 10)
      days                         = fallback(e.Days, 0)
      expired_object_delete_marker = fallback(e.ExpiredObjectDeleteMarker, false)
    } if e != null]
    noncurrent_version_expiration = [for e in [r.NoncurrentVersionExpiration] : { days = e.NoncurrentDays } if e != null]
    noncurrent_version_transition = [for t in r.NoncurrentVersionTransitions : { days = t.NoncurrentDays, storage_class = t.StorageClass }]
    transition = [for t in r.Transitions : {
      date = t.Date == null ? "" : substr(s3_date_text(t.Date), 0, 10), days = fallback(t.Days, 0), storage_class = t.StorageClass
    }]
  }
}

// A date ("2026-01-31", or with a time) in seconds since 1970, as the API's values have times; and back. Days by the civil calendar.
function "s3_date" {
  parameters = ["text"]
  value      = s3_days(tonumber(substr(text, 0, 4)), tonumber(substr(text, 5, 2)), tonumber(substr(text, 8, 2))) * 86400
}

function "s3_days" {
  parameters = ["y", "m", "d"]
  value      = 365 * (m <= 2 ? y - 1 : y) + floor((m <= 2 ? y - 1 : y) / 4) - floor((m <= 2 ? y - 1 : y) / 100) + floor((m <= 2 ? y - 1 : y) / 400) + floor((153 * (m > 2 ? m - 3 : m + 9) + 2) / 5) + d - 1 - 719468
}

function "s3_date_text" {
  parameters = ["seconds"]
  value      = timeadd("1970-01-01T00:00:00Z", "${floor(seconds / 3600)}h")
}

// An access_control_policy block of aws_s3_bucket_acl.
function "s3_access_policy" {
  parameters = ["p"]
  value = {
    Owner = { ID = p.owner[0].id }
    Grants = [for g in p.grant : {
      Permission = g.permission
      Grantee    = [for e in g.grantee : { Type = e.type, ID = nonempty(e.id), URI = nonempty(e.uri), EmailAddress = nonempty(e.email_address) }][0]
    }]
  }
}

// "bucket" or "bucket,owner": the ids of a bucket's settings.
function "s3_setting_id" {
  parameters = ["bucket", "owner"]
  value      = nonempty(owner) == null ? bucket : "${bucket},${owner}"
}

function "s3_public_access_block" {
  parameters = ["block"]
  value = {
    BlockPublicAcls       = block.block_public_acls == true
    BlockPublicPolicy     = block.block_public_policy == true
    IgnorePublicAcls      = block.ignore_public_acls == true
    RestrictPublicBuckets = block.restrict_public_buckets == true
  }
}

function "s3_lifecycle_filter" {
  parameters = ["f"]
  value = {
    Prefix                = f.prefix == null && length(f.and) == 0 && length(f.tag) == 0 && f.object_size_greater_than == null && f.object_size_less_than == null ? "" : f.prefix
    ObjectSizeGreaterThan = f.object_size_greater_than
    ObjectSizeLessThan    = f.object_size_less_than
    Tag                   = [for t in f.tag : { Key = t.key, Value = t.value }][0]
    And = [for a in f.and : {
      Prefix                = a.prefix
      ObjectSizeGreaterThan = a.object_size_greater_than
      ObjectSizeLessThan    = a.object_size_less_than
      Tags                  = nonempty(tag_list(a.tags))
    }][0]
  }
}

function "s3_lifecycle_rule" {
  parameters = ["r"]
  value = {
    ID                             = r.id
    Status                         = r.status
    Prefix                         = length(r.filter) > 0 ? null : fallback(r.prefix, "")
    Filter                         = [for f in r.filter : s3_lifecycle_filter(f)][0]
    AbortIncompleteMultipartUpload = [for a in r.abort_incomplete_multipart_upload : { DaysAfterInitiation = a.days_after_initiation }][0]
    Expiration = [for e in r.expiration : {
      Date                      = nonempty(e.date) == null ? null : s3_date(e.date)
      Days                      = fallback(e.days, 0) > 0 ? e.days : null
      ExpiredObjectDeleteMarker = fallback(e.days, 0) > 0 || nonempty(e.date) != null ? null : e.expired_object_delete_marker
    }][0]
    NoncurrentVersionExpiration = [for e in r.noncurrent_version_expiration : {
      NoncurrentDays = e.noncurrent_days, NewerNoncurrentVersions = e.newer_noncurrent_versions
    }][0]
    NoncurrentVersionTransitions = nonempty([for t in r.noncurrent_version_transition : {
      NoncurrentDays = t.noncurrent_days, NewerNoncurrentVersions = t.newer_noncurrent_versions, StorageClass = t.storage_class
    }])
    Transitions = nonempty([for t in r.transition : {
      Date = nonempty(t.date) == null ? null : s3_date(t.date), Days = nonempty(t.date) == null ? t.days : null, StorageClass = t.storage_class
    }])
  }
}

// Members that the API lacks stay null, as they are where the block does not write them.
function "s3_lifecycle_block" {
  parameters = ["r"]
  value = {
    id                                = r.ID
    status                            = r.Status
    prefix                            = r.Prefix
    abort_incomplete_multipart_upload = [for a in [r.AbortIncompleteMultipartUpload] : { days_after_initiation = a.DaysAfterInitiation } if a != null]
    expiration = [for e in [r.Expiration] : {
      date                         = e.Date == null ? null : s3_date_text(e.Date)
      days                         = e.Days
      expired_object_delete_marker = e.ExpiredObjectDeleteMarker
    } if e != null]
    filter = [for f in [r.Filter] : {
      prefix                   = f.Prefix
      object_size_greater_than = f.ObjectSizeGreaterThan
      object_size_less_than    = f.ObjectSizeLessThan
      tag                      = [for t in [f.Tag] : { key = t.Key, value = t.Value } if t != null]
      and = [for a in [f.And] : {
        prefix                   = a.Prefix
        object_size_greater_than = a.ObjectSizeGreaterThan
        object_size_less_than    = a.ObjectSizeLessThan
        tags                     = nonempty(tag_map(a.Tags))
      } if a != null]
    } if f != null]
    noncurrent_version_expiration = [for e in [r.NoncurrentVersionExpiration] : {
      noncurrent_days = e.NoncurrentDays, newer_noncurrent_versions = e.NewerNoncurrentVersions
    } if e != null]
    noncurrent_version_transition = [for t in r.NoncurrentVersionTransitions : {
      noncurrent_days = t.NoncurrentDays, newer_noncurrent_versions = t.NewerNoncurrentVersions, storage_class = t.StorageClass
    }]
    transition = [for t in r.Transitions : {
      date = t.Date == null ? null : s3_date_text(t.Date), days = t.Days, storage_class = t.StorageClass
    }]
  }
}

function "s3_time_text" {
  parameters = ["seconds"]
  value      = timeadd("1970-01-01T00:00:00Z", "${floor(seconds)}s")
}

// Seconds since the epoch of a time as RFC 3339 has it.
function "s3_time" {
  parameters = ["text"]
  value = nonempty(text) == null ? null : (
    s3_date(text) + tonumber(substr(text, 11, 2)) * 3600 + tonumber(substr(text, 14, 2)) * 60 + tonumber(substr(text, 17, 2))
    - (endswith(text, "Z") ? 0 : (substr(text, -6, 1) == "-" ? -60 : 60) * (tonumber(substr(text, -5, 2)) * 60 + tonumber(substr(text, -2, 2))))
  )
}

// A key as the provider has it: no slashes in front, and never two in a row.
function "s3_object_key" {
  parameters = ["key"]
  value      = replace(replace(key, "/^/+/", ""), "//+/", "/")
}

// PutObject of an aws_s3_object; what the service filled in before is not said again.
function "s3_put_object" {
  parameters = ["o", "config", "key"]
  value = {
    Bucket                  = o.bucket
    Key                     = key
    Body                    = o.source != null ? file_bytes(o.source) : o.content_base64 != null ? base64_bytes(o.content_base64) : fallback(o.content, "")
    ACL                     = nonempty(config.acl)
    BucketKeyEnabled        = config.bucket_key_enabled
    CacheControl            = nonempty(o.cache_control)
    ChecksumAlgorithm       = nonempty(o.checksum_algorithm)
    ContentDisposition      = nonempty(o.content_disposition)
    ContentEncoding         = nonempty(o.content_encoding)
    ContentLanguage         = nonempty(o.content_language)
    ContentType             = nonempty(config.content_type)
    Metadata                = nonempty(o.metadata)
    SSEKMSKeyId             = nonempty(config.kms_key_id)
    ServerSideEncryption    = nonempty(config.kms_key_id) != null ? fallback(nonempty(config.server_side_encryption), "aws:kms") : nonempty(config.server_side_encryption)
    StorageClass            = nonempty(config.storage_class)
    Tagging                 = nonempty(join("&", [for k, v in fallback(o.tags_all, {}) : "${urlencode(k)}=${urlencode(v)}"]))
    WebsiteRedirectLocation = nonempty(o.website_redirect)
  }
}

// The grants of one permission, as headers have them.
function "s3_header_grants" {
  parameters = ["grants", "permission"]
  value = nonempty(join(", ", [
    for g in fallback(grants, []) : nonempty(g.uri) != null ? "uri=\"${g.uri}\"" : "id=\"${fallback(g.id, "")}\"" if contains(g.permissions, permission)
  ]))
}

// CopyObject of an aws_s3_object_copy.
function "s3_copy_object" {
  parameters = ["o", "config", "key"]
  value = {
    Bucket                      = o.bucket
    Key                         = key
    CopySource                  = join("/", [for part in split("/", o.source) : replace(urlencode(part), "+", "%20")])
    ACL                         = nonempty(config.acl)
    BucketKeyEnabled            = config.bucket_key_enabled
    CacheControl                = nonempty(config.cache_control)
    ChecksumAlgorithm           = nonempty(config.checksum_algorithm)
    ContentDisposition          = nonempty(config.content_disposition)
    ContentEncoding             = nonempty(config.content_encoding)
    ContentLanguage             = nonempty(config.content_language)
    ContentType                 = nonempty(config.content_type)
    CopySourceIfMatch           = nonempty(config.copy_if_match)
    CopySourceIfModifiedSince   = s3_time(config.copy_if_modified_since)
    CopySourceIfNoneMatch       = nonempty(config.copy_if_none_match)
    CopySourceIfUnmodifiedSince = s3_time(config.copy_if_unmodified_since)
    ExpectedBucketOwner         = nonempty(config.expected_bucket_owner)
    ExpectedSourceBucketOwner   = nonempty(config.expected_source_bucket_owner)
    Expires                     = s3_time(config.expires)
    GrantFullControl            = s3_header_grants(config.grant, "FULL_CONTROL")
    GrantRead                   = s3_header_grants(config.grant, "READ")
    GrantReadACP                = s3_header_grants(config.grant, "READ_ACP")
    GrantWriteACP               = s3_header_grants(config.grant, "WRITE_ACP")
    Metadata                    = nonempty(config.metadata)
    MetadataDirective           = nonempty(config.metadata_directive)
    RequestPayer                = nonempty(config.request_payer)
    SSEKMSEncryptionContext     = nonempty(config.kms_encryption_context)
    SSEKMSKeyId                 = nonempty(config.kms_key_id)
    ServerSideEncryption        = nonempty(config.server_side_encryption)
    StorageClass                = nonempty(config.storage_class)
    TaggingDirective            = fallback(nonempty(config.tagging_directive), length(fallback(o.tags_all, {})) > 0 ? "REPLACE" : null)
    Tagging                     = nonempty(join("&", [for k, v in fallback(o.tags_all, {}) : "${urlencode(k)}=${urlencode(v)}"]))
    WebsiteRedirectLocation     = nonempty(config.website_redirect)
  }
}

// A security group's permissions as blocks of rules: those of one protocol and ports are one block for each description, as the
// configuration writes them.
function "group_blocks" {
  parameters = ["permissions", "group"]
  value = flatten([for p in permissions : [
    for d in distinct(concat(
      [for r in p.IpRanges : fallback(r.Description, "")],
      [for r in p.Ipv6Ranges : fallback(r.Description, "")],
      [for r in p.UserIdGroupPairs : fallback(r.Description, "")])) : {
      from_port        = fallback(p.FromPort, 0)
      to_port          = fallback(p.ToPort, 0)
      protocol         = p.IpProtocol
      cidr_blocks      = [for r in p.IpRanges : r.CidrIp if fallback(r.Description, "") == d]
      ipv6_cidr_blocks = [for r in p.Ipv6Ranges : r.CidrIpv6 if fallback(r.Description, "") == d]
      prefix_list_ids  = []
      security_groups  = [for r in p.UserIdGroupPairs : r.GroupId if fallback(r.Description, "") == d && r.GroupId != group]
      self             = contains([for r in p.UserIdGroupPairs : r.GroupId if fallback(r.Description, "") == d], group)
      description      = d
    }
  ]])
}

function "same_group_block" {
  parameters = ["found", "wanted"]
  value = (wanted.protocol == found.protocol && wanted.from_port == found.from_port && wanted.to_port == found.to_port &&
    fallback(wanted.description, "") == found.description && same_elements(found.cidr_blocks, wanted.cidr_blocks) &&
    same_elements(found.ipv6_cidr_blocks, wanted.ipv6_cidr_blocks) && same_elements(found.security_groups, wanted.security_groups) &&
  fallback(wanted.self, false) == found.self)
}

// The blocks of rules as they were written where they are there whole: the API has no order.
function "settled_group_blocks" {
  parameters = ["found", "wanted"]
  value = (length(found) == length(fallback(wanted, [])) &&
    alltrue([for b in found : anytrue([for c in fallback(wanted, []) : same_group_block(b, c)])])
  ? wanted : found)
}

function "group_rules" {
  parameters = ["permissions", "wanted", "group"]
  value      = settled_group_blocks(group_blocks(permissions, group), wanted)
}

// Actions of a listener or a rule as the API takes them.
function "listener_actions" {
  parameters = ["actions"]
  value = [for a in actions : {
    Type           = a.type
    Order          = a.order
    TargetGroupArn = length(a.forward) > 0 ? null : nonempty(a.target_group_arn)
    ForwardConfig = [for f in a.forward : {
      TargetGroups                = [for g in f.target_group : { TargetGroupArn = g.arn, Weight = g.weight }]
      TargetGroupStickinessConfig = [for s in f.stickiness : { Enabled = s.enabled, DurationSeconds = s.duration }][0]
    }][0]
    RedirectConfig = [for r in a.redirect : {
      Host = r.host, Path = r.path, Port = r.port, Protocol = r.protocol, Query = r.query, StatusCode = r.status_code
    }][0]
    FixedResponseConfig = [for f in a.fixed_response : {
      ContentType = f.content_type, MessageBody = nonempty(f.message_body), StatusCode = fallback(nonempty(f.status_code), "200")
    }][0]
  }]
}

// The API's actions as blocks. `before`: the blocks that are there.
function "listener_action_blocks" {
  parameters = ["actions", "before"]
  value = [for i, a in actions : {
    type             = a.Type
    order            = a.Order
    target_group_arn = length(before[i].forward) > 0 ? before[i].target_group_arn : a.TargetGroupArn
    # A forward to one group may be written in two ways: it stays as it was written.
    forward = [for f in [a.ForwardConfig] : {
      target_group = [for g in f.TargetGroups : { arn = g.TargetGroupArn, weight = g.Weight }]
      stickiness   = before[i].forward[0].stickiness
    } if f != null && (length(before[i].forward) > 0 || length(f.TargetGroups) > 1)]
    redirect = [for r in [a.RedirectConfig] : {
      host = r.Host, path = r.Path, port = r.Port, protocol = r.Protocol, query = r.Query, status_code = r.StatusCode
    } if r != null]
    fixed_response = [for f in [a.FixedResponseConfig] : {
      content_type = f.ContentType, message_body = fallback(f.MessageBody, before[i].fixed_response[0].message_body), status_code = f.StatusCode
    } if f != null]
  }]
}

function "listener_rule_conditions" {
  parameters = ["conditions"]
  value = [for c in conditions : merge(
  { Field = length(c.host_header) > 0 ? "host-header" : length(c.http_header) > 0 ? "http-header" : length(c.http_request_method) > 0 ? "http-request-method" : length(c.path_pattern) > 0 ? "path-pattern" : length(c.query_string) > 0 ? "query-string" : "source-ip" },
  {
    HostHeaderConfig        = [for h in c.host_header : { Values = nonempty([for v in h.values : v]), RegexValues = nonempty([for v in h.regex_values : v]) }][0]
    HttpHeaderConfig        = [for h in c.http_header : { HttpHeaderName = h.http_header_name, Values = nonempty([for v in h.values : v]), RegexValues = nonempty([for v in h.regex_values : v]) }][0]
    HttpRequestMethodConfig = [for m in c.http_request_method : { Values = [for v in m.values : v] }][0]
    PathPatternConfig       = [for p in c.path_pattern : { Values = nonempty([for v in p.values : v]), RegexValues = nonempty([for v in p.regex_values : v]) }][0]
    QueryStringConfig       = length(c.query_string) > 0 ? { Values = [for q in c.query_string : { Key = nonempty(q.key), Value = q.value }] } : null
    SourceIpConfig          = [for s in c.source_ip : { Values = [for v in s.values : v] }][0]
  })]
}

// A route block as CreateRoute and ReplaceRoute take it.
function "route_request" {
  parameters = ["route", "table"]
  value = {
    RouteTableId         = table
    DestinationCidrBlock = route.cidr_block
    GatewayId            = nonempty(route.gateway_id)
    NatGatewayId         = nonempty(route.nat_gateway_id)
    NetworkInterfaceId   = nonempty(route.network_interface_id)
  }
}

// The routes of a route table as its blocks, but the one to the VPC itself.
function "route_blocks" {
  parameters = ["routes"]
  value = [for r in routes : {
    cidr_block                 = fallback(r.DestinationCidrBlock, "")
    gateway_id                 = fallback(r.GatewayId, "")
    nat_gateway_id             = fallback(r.NatGatewayId, "")
    network_interface_id       = fallback(r.NetworkInterfaceId, "")
    instance_id                = ""
    ipv6_cidr_block            = ""
    destination_prefix_list_id = ""
    carrier_gateway_id         = ""
    core_network_arn           = ""
    egress_only_gateway_id     = ""
    local_gateway_id           = ""
    odb_network_arn            = ""
    transit_gateway_id         = ""
    vpc_endpoint_id            = ""
    vpc_peering_connection_id  = ""
  } if fallback(r.GatewayId, "") != "local"]
}
