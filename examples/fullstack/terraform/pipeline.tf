# A push to the branch is built, migrated and deployed.

# It is PENDING until a person has approved it: in the console of AWS (Developer Tools, Settings, Connections), or by
# `terrarium connection approve`. Until then the pipeline's Source fails.
resource "aws_codestarconnections_connection" "source" {
  name          = local.name
  provider_type = "GitHub"
}

resource "aws_codepipeline" "main" {
  name          = local.name
  pipeline_type = "V2"
  role_arn      = aws_iam_role.pipeline.arn

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.artifacts.bucket
  }

  stage {
    name = "Source"

    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["source"]

      configuration = {
        ConnectionArn        = aws_codestarconnections_connection.source.arn
        FullRepositoryId     = var.repository_id
        BranchName           = var.branch
        OutputArtifactFormat = "CODE_ZIP"
        DetectChanges        = "true"
      }
    }
  }

  # The two builds have the same run order: they run side by side.
  stage {
    name = "Build"

    dynamic "action" {
      for_each = aws_codebuild_project.image

      content {
        name             = action.key
        category         = "Build"
        owner            = "AWS"
        provider         = "CodeBuild"
        version          = "1"
        run_order        = 1
        input_artifacts  = ["source"]
        output_artifacts = [action.key]

        configuration = {
          ProjectName = action.value.name
        }
      }
    }
  }

  dynamic "stage" {
    for_each = var.approve_deployments ? ["Approve"] : []

    content {
      name = stage.value

      action {
        name     = "Approve"
        category = "Approval"
        owner    = "AWS"
        provider = "Manual"
        version  = "1"

        configuration = {
          CustomData = "The images are built. Migrate the database and deploy them?"
        }
      }
    }
  }

  # A migration that fails ends the run here, before any task is replaced.
  stage {
    name = "Migrate"

    action {
      name            = "migrate"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["source", "backend"]

      configuration = {
        ProjectName   = aws_codebuild_project.migrate.name
        PrimarySource = "source"
      }
    }
  }

  stage {
    name = "Deploy"

    dynamic "action" {
      for_each = { frontend = aws_ecs_service.frontend.name, backend = aws_ecs_service.backend.name }

      content {
        name            = action.key
        category        = "Deploy"
        owner           = "AWS"
        provider        = "ECS"
        version         = "1"
        run_order       = 1
        input_artifacts = [action.key]

        configuration = {
          ClusterName       = aws_ecs_cluster.main.name
          ServiceName       = action.value
          FileName          = "imagedefinitions.json"
          DeploymentTimeout = "15"
        }
      }
    }
  }

  # The first run begins as soon as the pipeline is there.
  depends_on = [aws_iam_role_policy.pipeline]
}
