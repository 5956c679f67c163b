resource "aws_codebuild_project" {
  service = "codebuild"
  schema {
    arn                    = computed(string)
    auto_retry_limit       = optional(number)
    badge_enabled          = optional(bool, default(false))
    badge_url              = computed(string)
    build_timeout          = optional(number, default(60), range(5, 2160))
    concurrent_build_limit = optional(number)
    description            = optional(string, length(0, 255))
    encryption_key         = optional(string, computed)
    name                   = required(string, force_new, pattern("^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$"))
    project_visibility     = optional(string, default("PRIVATE"), one_of("PRIVATE", "PUBLIC_READ"))
    public_project_alias   = computed(string)
    queued_timeout         = optional(number, default(480), range(5, 480))
    resource_access_role   = optional(string, unsupported("public builds are not implemented"))
    service_role           = required(string, arn())
    source_version         = optional(string)
    tags                   = tags()
    list "artifacts" "1" {
      artifact_identifier    = optional(string)
      bucket_owner_access    = optional(string, one_of("NONE", "READ_ONLY", "FULL"))
      encryption_disabled    = optional(bool, default(false))
      location               = optional(string)
      name                   = optional(string, computed)
      namespace_type         = optional(string, computed, one_of("NONE", "BUILD_ID"))
      override_artifact_name = optional(bool, default(false))
      packaging              = optional(string, computed, one_of("NONE", "ZIP"))
      path                   = optional(string)
      type                   = required(string, one_of("CODEPIPELINE", "S3", "NO_ARTIFACTS"))
    }
    list "build_batch_config" "0..1" "unsupported: batch builds are not implemented" {
      combine_artifacts = optional(bool)
      service_role      = required(string, arn())
      timeout_in_mins   = optional(number, range(5, 480))
      list "restrictions" "0..1" {
        compute_types_allowed  = optional(list(string))
        maximum_builds_allowed = optional(number, range(1, 100))
      }
    }
    list "cache" "0..1" computed {
      cache_namespace = optional(string)
      location        = optional(string)
      modes           = optional(list(string), one_of("LOCAL_CUSTOM_CACHE", "LOCAL_DOCKER_LAYER_CACHE", "LOCAL_SOURCE_CACHE"))
      type            = optional(string, default("NO_CACHE"), one_of("NO_CACHE", "LOCAL", "S3"))
    }
    list "environment" "1" {
      certificate                 = optional(string, unsupported("builds trust what this machine trusts"))
      compute_type                = required(string)
      host_kernel                 = optional(string, unsupported("builds run on this machine's kernel"))
      image                       = required(string)
      image_pull_credentials_type = optional(string, default("CODEBUILD"), one_of("CODEBUILD", "SERVICE_ROLE"))
      privileged_mode             = optional(bool, default(false))
      type                        = required(string)
      list "docker_server" "0..1" "unsupported: docker servers are not implemented" {
        compute_type       = required(string)
        security_group_ids = optional(list(string))
      }
      list "environment_variable" {
        name  = required(string)
        type  = optional(string, default("PLAINTEXT"), one_of("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"))
        value = required(string)
      }
      list "fleet" "0..1" "unsupported: reserved capacity fleets are not implemented" {
        fleet_arn = optional(string)
      }
      list "registry_credential" "0..1" "unsupported: images come from the region's own registry" {
        credential          = required(string)
        credential_provider = required(string, one_of("SECRETS_MANAGER"))
      }
    }
    set "file_system_locations" "unsupported: EFS is not implemented" {
      identifier    = optional(string)
      location      = optional(string)
      mount_options = optional(string)
      mount_point   = optional(string)
      type          = optional(string, default("EFS"), one_of("EFS"))
    }
    list "logs_config" "0..1" computed {
      list "cloudwatch_logs" "0..1" computed {
        group_name  = optional(string)
        status      = optional(string, default("ENABLED"), one_of("ENABLED", "DISABLED"))
        stream_name = optional(string)
      }
      list "s3_logs" "0..1" computed {
        bucket_owner_access = optional(string, one_of("NONE", "READ_ONLY", "FULL"))
        encryption_disabled = optional(bool, default(false))
        location            = optional(string)
        status              = optional(string, default("DISABLED"), one_of("ENABLED", "DISABLED"))
      }
    }
    set "secondary_artifacts" "0..12" {
      artifact_identifier    = required(string)
      bucket_owner_access    = optional(string, one_of("NONE", "READ_ONLY", "FULL"))
      encryption_disabled    = optional(bool, default(false))
      location               = optional(string)
      name                   = optional(string)
      namespace_type         = optional(string, default("NONE"), one_of("NONE", "BUILD_ID"))
      override_artifact_name = optional(bool, default(false))
      packaging              = optional(string, default("NONE"), one_of("NONE", "ZIP"))
      path                   = optional(string)
      type                   = required(string, one_of("CODEPIPELINE", "S3", "NO_ARTIFACTS"))
    }
    set "secondary_source_version" "0..12" {
      source_identifier = required(string)
      source_version    = required(string)
    }
    set "secondary_sources" "0..12" {
      buildspec           = optional(string)
      git_clone_depth     = optional(number)
      insecure_ssl        = optional(bool, default(false))
      location            = optional(string)
      report_build_status = optional(bool, default(false))
      source_identifier   = required(string)
      type                = required(string, one_of("BITBUCKET", "CODECOMMIT", "CODEPIPELINE", "GITHUB", "GITHUB_ENTERPRISE", "GITLAB", "GITLAB_SELF_MANAGED", "S3", "NO_SOURCE"))
      list "auth" "0..1" {
        resource = optional(string)
        type     = required(string, one_of("OAUTH", "CODECONNECTIONS", "SECRETS_MANAGER"))
      }
      list "build_status_config" "0..1" {
        context    = optional(string)
        target_url = optional(string)
      }
      list "git_submodules_config" "0..1" {
        fetch_submodules = required(bool)
      }
    }
    list "source" "1" {
      buildspec           = optional(string)
      git_clone_depth     = optional(number)
      insecure_ssl        = optional(bool, default(false))
      location            = optional(string)
      report_build_status = optional(bool, default(false))
      type                = required(string, one_of("BITBUCKET", "CODECOMMIT", "CODEPIPELINE", "GITHUB", "GITHUB_ENTERPRISE", "GITLAB", "GITLAB_SELF_MANAGED", "S3", "NO_SOURCE"))
      list "auth" "0..1" {
        resource = optional(string)
        type     = required(string, one_of("OAUTH", "CODECONNECTIONS", "SECRETS_MANAGER"))
      }
      list "build_status_config" "0..1" {
        context    = optional(string)
        target_url = optional(string)
      }
      list "git_submodules_config" "0..1" {
        fetch_submodules = required(bool)
      }
    }
    list "vpc_config" "0..1" {
      security_group_ids = required(set(string))
      subnets            = required(set(string))
      vpc_id             = required(string)
    }
  }
  create {
    call "CreateProject" {
      request = codebuild_project(self)
      id      = result.project.arn
      retry "InvalidInputException" {
        message = "ot authorized to perform"
        timeout = "5m"
      }
    }
    call "UpdateProjectVisibility" {
      when    = self.project_visibility != "PRIVATE"
      request = { projectArn = self.id, projectVisibility = self.project_visibility }
    }
  }
  read {
    call "BatchGetProjects" {
      request = { names = [self.id] }
    }
    gone {
      when = result.projects[0] == null
    }
    let { p = result.projects[0] }
    state = {
      arn                    = p.arn
      auto_retry_limit       = p.autoRetryLimit
      badge_enabled          = p.badge.badgeEnabled
      badge_url              = fallback(p.badge.badgeRequestUrl, "")
      build_timeout          = p.timeoutInMinutes
      concurrent_build_limit = p.concurrentBuildLimit
      description            = p.description
      encryption_key         = p.encryptionKey
      name                   = p.name
      project_visibility     = p.projectVisibility
      public_project_alias   = fallback(p.publicProjectAlias, "")
      queued_timeout         = p.queuedTimeoutInMinutes
      service_role           = p.serviceRole
      source_version         = p.sourceVersion
      tags                   = tag_map(p.tags, "key", "value")
      artifacts = [for a in [p.artifacts] : {
        artifact_identifier    = a.artifactIdentifier
        bucket_owner_access    = a.bucketOwnerAccess
        encryption_disabled    = fallback(a.encryptionDisabled, false)
        location               = a.location
        name                   = a.name
        namespace_type         = a.namespaceType
        override_artifact_name = fallback(a.overrideArtifactName, false)
        packaging              = a.packaging
        path                   = a.path
        type                   = a.type
      }]
      cache = [for c in [p.cache] : {
        cache_namespace = c.cacheNamespace
        location        = c.location
        modes           = c.modes
        type            = c.type
      }]
      environment = [for e in [p.environment] : {
        compute_type                = e.computeType
        image                       = e.image
        image_pull_credentials_type = e.imagePullCredentialsType
        privileged_mode             = e.privilegedMode
        type                        = e.type
        environment_variable        = [for v in e.environmentVariables : { name = v.name, type = v.type, value = v.value }]
      }]
      logs_config = [for l in [p.logsConfig] : {
        cloudwatch_logs = [for c in [l.cloudWatchLogs] : {
          group_name  = c.groupName
          status      = c.status
          stream_name = c.streamName
        } if c != null]
        s3_logs = [for s in [l.s3Logs] : {
          bucket_owner_access = s.bucketOwnerAccess
          encryption_disabled = fallback(s.encryptionDisabled, false)
          location            = s.location
          status              = s.status
        } if s != null]
      } if l != null]
      secondary_artifacts = [for a in p.secondaryArtifacts : {
        artifact_identifier    = a.artifactIdentifier
        bucket_owner_access    = a.bucketOwnerAccess
        encryption_disabled    = fallback(a.encryptionDisabled, false)
        location               = a.location
        name                   = a.name
        namespace_type         = fallback(a.namespaceType, "NONE")
        override_artifact_name = fallback(a.overrideArtifactName, false)
        packaging              = fallback(a.packaging, "NONE")
        path                   = a.path
        type                   = a.type
      }]
      secondary_source_version = [for v in p.secondarySourceVersions : {
        source_identifier = v.sourceIdentifier
        source_version    = v.sourceVersion
      }]
      secondary_sources = [for s in p.secondarySources : {
        buildspec             = s.buildspec
        git_clone_depth       = s.gitCloneDepth
        insecure_ssl          = fallback(s.insecureSsl, false)
        location              = s.location
        report_build_status   = fallback(s.reportBuildStatus, false)
        source_identifier     = s.sourceIdentifier
        type                  = s.type
        auth                  = [for a in [s.auth] : { resource = a.resource, type = a.type } if a != null]
        build_status_config   = [for c in [s.buildStatusConfig] : { context = c.context, target_url = c.targetUrl } if c != null]
        git_submodules_config = [for g in [s.gitSubmodulesConfig] : { fetch_submodules = g.fetchSubmodules } if g != null]
      }]
      source = [for s in [p.source] : {
        buildspec             = s.buildspec
        git_clone_depth       = s.gitCloneDepth
        insecure_ssl          = fallback(s.insecureSsl, false)
        location              = s.location
        report_build_status   = fallback(s.reportBuildStatus, false)
        type                  = s.type
        auth                  = [for a in [s.auth] : { resource = a.resource, type = a.type } if a != null]
        build_status_config   = [for c in [s.buildStatusConfig] : { context = c.context, target_url = c.targetUrl } if c != null]
        git_submodules_config = [for g in [s.gitSubmodulesConfig] : { fetch_submodules = g.fetchSubmodules } if g != null]
      }]
      vpc_config = [for v in [p.vpcConfig] : {
        security_group_ids = v.securityGroupIds
        subnets            = v.subnets
        vpc_id             = v.vpcId
      } if v != null]
    }
  }
  update {
    let { wanted = codebuild_project(self) }
    call "UpdateProject" {
      request = merge(wanted, {
        concurrentBuildLimit = fallback(self.concurrent_build_limit, -1)
        autoRetryLimit       = fallback(self.auto_retry_limit, 0)
        description          = fallback(self.description, "")
        sourceVersion        = fallback(self.source_version, "")
        vpcConfig            = fallback(wanted.vpcConfig, { vpcId = null, subnets = [], securityGroupIds = [] })
      })
      retry "InvalidInputException" {
        message = "ot authorized to perform"
        timeout = "5m"
      }
    }
    call "UpdateProjectVisibility" {
      when    = changed("project_visibility")
      request = { projectArn = self.id, projectVisibility = self.project_visibility }
    }
  }
  delete {
    call "DeleteProject" {
      request = { name = self.id }
    }
  }
  import {
    set {
      when = !startswith(self.id, "arn:")
      id   = "arn:${provider.partition}:codebuild:${provider.region}:${provider.account_id}:project/${self.id}"
    }
  }
}
