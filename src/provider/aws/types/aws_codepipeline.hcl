resource "aws_codepipeline" {
  service = "codepipeline"
  schema {
    arn             = computed(string)
    execution_mode  = optional(string, default("SUPERSEDED"), one_of("PARALLEL", "QUEUED", "SUPERSEDED"))
    name            = required(string, force_new, pattern("^[0-9A-Za-z_.@-]+$"), length(1, 100))
    pipeline_type   = optional(string, default("V1"), one_of("V1", "V2"))
    role_arn        = required(string, arn())
    trigger_all = computed(list(object({
      provider_type     = string
      git_configuration = list(object({
        source_action_name = string
        pull_request = list(object({
          events     = list(string)
          branches   = list(object({ includes = list(string), excludes = list(string) }))
          file_paths = list(object({ includes = list(string), excludes = list(string) }))
        }))
        push = list(object({
          branches   = list(object({ includes = list(string), excludes = list(string) }))
          file_paths = list(object({ includes = list(string), excludes = list(string) }))
          tags       = list(object({ includes = list(string), excludes = list(string) }))
        }))
      }))
    })), changes_with("pipeline_type", "trigger"))
    tags = tags()
    set "artifact_store" "1.." {
      location = required(string, length(3, 63))
      region   = optional(string, computed)
      type     = required(string, one_of("S3"))
      list "encryption_key" "0..1" {
        id   = required(string)
        type = required(string, one_of("KMS"))
      }
    }
    list "stage" "2.." {
      name = required(string, pattern("^[0-9A-Za-z_.@-]+$"), length(1, 100))
      list "action" "1.." {
        category           = required(string, one_of("Source", "Build", "Deploy", "Test", "Invoke", "Approval", "Compute"))
        commands           = optional(list(string), unsupported("the action type Commands is not implemented"))
        configuration      = optional(map(string))
        input_artifacts    = optional(list(string))
        name               = required(string, pattern("^[0-9A-Za-z_.@-]+$"), length(1, 100))
        namespace          = optional(string, pattern("^[0-9A-Za-z_@-]+$"), length(1, 100))
        output_artifacts   = optional(list(string))
        output_variables   = optional(list(string), unsupported("the action type Commands is not implemented"))
        owner              = required(string, one_of("AWS", "ThirdParty", "Custom"))
        provider           = required(string)
        region             = optional(string, computed)
        role_arn           = optional(string, arn())
        run_order          = optional(number, computed, range(1, 999))
        timeout_in_minutes = optional(number, range(5, 86400))
        version            = required(string, pattern("^[0-9A-Za-z_-]+$"), length(1, 9))
        list "output_artifacts_for_compute_action" "unsupported: the action type Commands is not implemented" {
          files = optional(list(string))
          name  = required(string)
        }
      }
      list "before_entry" "0..1" "unsupported: conditions with rules are not implemented" {
        list "condition" "1" {
          result = optional(string)
          list "rule" "1..5" {
            commands           = optional(list(string))
            configuration      = optional(map(string))
            input_artifacts    = optional(list(string))
            name               = required(string)
            region             = optional(string)
            role_arn           = optional(string)
            timeout_in_minutes = optional(number)
            list "rule_type_id" "1" {
              category = required(string)
              owner    = optional(string)
              provider = required(string)
              version  = optional(string)
            }
          }
        }
      }
      list "on_success" "0..1" "unsupported: conditions with rules are not implemented" {
        list "condition" "1" {
          result = optional(string)
          list "rule" "1..5" {
            commands           = optional(list(string))
            configuration      = optional(map(string))
            input_artifacts    = optional(list(string))
            name               = required(string)
            region             = optional(string)
            role_arn           = optional(string)
            timeout_in_minutes = optional(number)
            list "rule_type_id" "1" {
              category = required(string)
              owner    = optional(string)
              provider = required(string)
              version  = optional(string)
            }
          }
        }
      }
      list "on_failure" "0..1" {
        result = optional(string, one_of("ROLLBACK", "FAIL", "RETRY", "SKIP"))
        list "condition" "0..1" "unsupported: conditions with rules are not implemented" {
          result = optional(string)
          list "rule" "1..5" {
            commands           = optional(list(string))
            configuration      = optional(map(string))
            input_artifacts    = optional(list(string))
            name               = required(string)
            region             = optional(string)
            role_arn           = optional(string)
            timeout_in_minutes = optional(number)
            list "rule_type_id" "1" {
              category = required(string)
              owner    = optional(string)
              provider = required(string)
              version  = optional(string)
            }
          }
        }
        list "retry_configuration" "0..1" {
          retry_mode = optional(string, one_of("FAILED_ACTIONS", "ALL_ACTIONS"))
        }
      }
    }
    list "trigger" "0..50" {
      provider_type = required(string, one_of("CodeStarSourceConnection"))
      list "git_configuration" "1" {
        source_action_name = required(string)
        list "pull_request" "0..3" "unsupported: triggers on pull requests are not implemented" {
          events = optional(list(string))
          list "branches file_paths" "0..1" {
            excludes = optional(list(string))
            includes = optional(list(string))
          }
        }
        list "push" "0..3" {
          list "branches file_paths tags" "0..1" {
            excludes = optional(list(string))
            includes = optional(list(string))
          }
        }
      }
    }
    list "variable" "0..50" {
      default_value = optional(string)
      description   = optional(string)
      name          = required(string, pattern("^[0-9A-Za-z@_-]+$"), length(1, 128))
    }
  }
  validate {
    error {
      when    = length([for s in self.stage : s if length([for a in s.action : a if a.owner == "ThirdParty" && a.provider == "GitHub"]) > 0]) > 0
      summary = "The GitHub source action (version 1, OAuth) is not implemented"
      detail  = "Use a CodeStarSourceConnection with an aws_codestarconnections_connection, as AWS recommends too."
    }
    error {
      when    = length(self.artifact_store) > 1 && length([for s in self.artifact_store : s if nonempty(s.region) == null]) > 0
      summary = "region must be set for each of several artifact stores"
    }
    error {
      when    = length(self.artifact_store) == 1 && length([for s in self.artifact_store : s if nonempty(s.region) != null]) > 0
      summary = "region cannot be set for a single artifact store"
    }
  }
  create {
    call "CreatePipeline" {
      request = { pipeline = pipeline_declaration(self), tags = tag_list(self.tags_all, "key", "value") }
      id      = result.pipeline.name
      retry "InvalidStructureException" {
        message = "not authorized"
        timeout = "2m"
      }
    }
  }
  read {
    call "GetPipeline" {
      request = { name = self.id }
      gone    = ["PipelineNotFoundException"]
      set     = { arn = result.metadata.pipelineArn }
    }
    state = {
      arn            = result.metadata.pipelineArn
      execution_mode = result.pipeline.executionMode
      name           = result.pipeline.name
      pipeline_type  = result.pipeline.pipelineType
      role_arn       = result.pipeline.roleArn
      artifact_store = result.pipeline.artifactStore != null ? [for s in [result.pipeline.artifactStore] : {
        location       = s.location
        region         = ""
        type           = s.type
        encryption_key = s.encryptionKey == null ? [] : [{ id = s.encryptionKey.id, type = s.encryptionKey.type }]
        }] : [for region, s in result.pipeline.artifactStores : {
        location       = s.location
        region         = region
        type           = s.type
        encryption_key = s.encryptionKey == null ? [] : [{ id = s.encryptionKey.id, type = s.encryptionKey.type }]
      }]
      stage = [for s in result.pipeline.stages : {
        name = s.name
        action = [for a in s.actions : {
          category           = a.actionTypeId.category
          configuration      = nonempty(a.configuration)
          input_artifacts    = nonempty([for i in a.inputArtifacts : i.name])
          name               = a.name
          namespace          = a.namespace
          output_artifacts   = nonempty([for o in a.outputArtifacts : o.name])
          owner              = a.actionTypeId.owner
          provider           = a.actionTypeId.provider
          region             = fallback(a.region, "")
          role_arn           = a.roleArn
          run_order          = a.runOrder
          timeout_in_minutes = a.timeoutInMinutes
          version            = a.actionTypeId.version
        }]
        before_entry = []
        on_success   = []
        on_failure = s.onFailure == null ? [] : [{
          result              = s.onFailure.result
          condition           = []
          retry_configuration = s.onFailure.retryConfiguration == null ? [] : [{ retry_mode = s.onFailure.retryConfiguration.retryMode }]
        }]
      }]
      trigger     = pipeline_triggers(result.pipeline.triggers)
      trigger_all = pipeline_triggers(result.pipeline.triggers)
      variable = [for v in result.pipeline.variables : {
        default_value = v.defaultValue
        description   = v.description
        name          = v.name
      }]
    }
  }
  update {
    call "UpdatePipeline" {
      when    = changed("artifact_store", "execution_mode", "pipeline_type", "role_arn", "stage", "trigger", "variable")
      request = { pipeline = pipeline_declaration(self) }
      retry "InvalidStructureException" {
        message = "not authorized"
        timeout = "2m"
      }
    }
  }
  delete {
    call "DeletePipeline" {
      request = { name = self.id }
      gone    = ["PipelineNotFoundException"]
    }
  }
  tags {
    resource = self.arn
    read     = true
  }
}
