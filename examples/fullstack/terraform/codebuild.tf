# Two projects build images, one runs the migrations. None of them needs the VPC: the images go to ECR, and the
# migrations run in an ECS task in the app subnets, which the project only starts and waits for.

locals {
  # What each build pushes. nginx goes with the back end: both are containers of the same task.
  builds = {
    frontend = ["frontend"]
    backend  = ["backend", "nginx"]
  }
  projects    = toset(["frontend", "backend", "migrate"])
  build_image = "aws/codebuild/standard:7.0"
}

resource "aws_cloudwatch_log_group" "codebuild" {
  for_each = local.projects

  name              = "/aws/codebuild/${local.name}-${each.value}"
  retention_in_days = var.log_retention_days
}

resource "aws_codebuild_project" "image" {
  for_each = local.builds

  name          = "${local.name}-${each.key}"
  description   = "Builds and pushes ${join(" and ", each.value)}"
  service_role  = aws_iam_role.codebuild[each.key].arn
  build_timeout = 30

  source {
    type      = "CODEPIPELINE"
    buildspec = "buildspecs/${each.key}.yml"
  }

  artifacts {
    type = "CODEPIPELINE"
  }

  # docker needs a privileged container.
  environment {
    type            = "LINUX_CONTAINER"
    compute_type    = "BUILD_GENERAL1_MEDIUM"
    image           = local.build_image
    privileged_mode = true

    dynamic "environment_variable" {
      for_each = each.value

      content {
        name  = "${upper(environment_variable.value)}_REPOSITORY"
        value = aws_ecr_repository.main[environment_variable.value].repository_url
      }
    }
  }

  # Layers of the last builds, as long as the host that has them is the same.
  cache {
    type  = "LOCAL"
    modes = ["LOCAL_DOCKER_LAYER_CACHE"]
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.codebuild[each.key].name
    }
  }

  depends_on = [aws_iam_role_policy.codebuild, aws_iam_role_policy.push_images]
}

resource "aws_codebuild_project" "migrate" {
  name          = "${local.name}-migrate"
  description   = "Runs the database migrations with the new image, before it is deployed"
  service_role  = aws_iam_role.codebuild["migrate"].arn
  build_timeout = 15

  source {
    type      = "CODEPIPELINE"
    buildspec = "buildspecs/migrate.yml"
  }

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type         = "LINUX_CONTAINER"
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = local.build_image

    environment_variable {
      name  = "CLUSTER"
      value = aws_ecs_cluster.main.name
    }

    environment_variable {
      name  = "SERVICE"
      value = aws_ecs_service.backend.name
    }

    environment_variable {
      name  = "FAMILY"
      value = local.migrate_family
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.codebuild["migrate"].name
    }
  }

  depends_on = [aws_iam_role_policy.codebuild, aws_iam_role_policy.run_migrations]
}
