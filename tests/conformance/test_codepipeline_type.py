"""aws_codepipeline, from a .tf file and back."""

from pipes import until

CONFIG = """
variable "mode" { default = "SUPERSEDED" }
resource "aws_codepipeline" "p" {
  name           = "types"
  role_arn       = "ROLE"
  pipeline_type  = "V2"
  execution_mode = var.mode
  artifact_store {
    location = "pipe-artifacts"
    type     = "S3"
    encryption_key {
      id   = "alias/own"
      type = "KMS"
    }
  }
  variable {
    name          = "Greeting"
    default_value = "hello"
  }
  trigger {
    provider_type = "CodeStarSourceConnection"
    git_configuration {
      source_action_name = "Git"
      push {
        branches {
          includes = ["main", "release/*"]
          excludes = ["release/old"]
        }
      }
    }
  }
  stage {
    name = "Source"
    action {
      name             = "Git"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["app"]
      namespace        = "SourceVariables"
      configuration = {
        ConnectionArn    = "arn:aws:codestar-connections:us-east-1:000000000000:connection/none"
        FullRepositoryId = "me/app"
        BranchName       = "main"
      }
    }
  }
  stage {
    name = "Build"
    on_failure {
      result = "RETRY"
      retry_configuration { retry_mode = "ALL_ACTIONS" }
    }
    action {
      name             = "Web"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      input_artifacts  = ["app"]
      output_artifacts = ["web"]
      configuration = {
        ProjectName          = "web"
        EnvironmentVariables = jsonencode([{ name = "COMMIT", value = "#{SourceVariables.CommitId}" }])
      }
    }
    action {
      name               = "Ask"
      category           = "Approval"
      owner              = "AWS"
      provider           = "Manual"
      version            = "1"
      run_order          = 2
      timeout_in_minutes = 60
    }
  }
  stage {
    name = "Deploy"
    action {
      name            = "Ecs"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "ECS"
      version         = "1"
      input_artifacts = ["web"]
      configuration   = { ClusterName = "c", ServiceName = "s" }
    }
  }
  tags = { of = "types" }
}
"""


def test_type(pipes, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text(CONFIG.replace("ROLE", pipes.role))
    terrarium("apply", "-auto-approve")
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    declared = pipes.api.get_pipeline(name="types")["pipeline"]
    assert declared["triggers"][0]["gitConfiguration"]["push"][0]["branches"]["excludes"] == ["release/old"]
    assert declared["stages"][1]["onFailure"] == {"result": "RETRY", "retryConfiguration": {"retryMode": "ALL_ACTIONS"}}
    assert declared["artifactStore"]["encryptionKey"] == {"id": "alias/own", "type": "KMS"}
    assert "0 added, 1 changed" in terrarium("apply", "-auto-approve", "-var=mode=QUEUED")
    assert pipes.api.get_pipeline(name="types")["pipeline"]["executionMode"] == "QUEUED"
    assert "No changes." in terrarium("plan", "-detailed-exitcode", "-var=mode=QUEUED")
    failed = until(lambda: [each for each in pipes.executions("types") if each["status"] == "Failed"])
    reason = pipes.actions("types", failed[0]["pipelineExecutionId"])[0]["output"]["executionResult"]["errorDetails"]
    assert reason["message"]
