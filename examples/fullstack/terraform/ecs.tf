resource "aws_ecs_cluster" "main" {
  name = local.name
}

resource "aws_ecs_task_definition" "frontend" {
  family                   = "${local.name}-frontend"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  container_definitions = templatefile("${path.module}/taskdef/frontend.json", {
    image        = local.images["frontend"]
    api_base_url = "http://${aws_lb.main.dns_name}"
    api_ssr_url  = "http://${aws_service_discovery_service.backend.name}.${aws_service_discovery_private_dns_namespace.main.name}"
    log_group    = aws_cloudwatch_log_group.main["frontend"].name
    region       = var.aws_region
  })
}

resource "aws_ecs_task_definition" "backend" {
  family                   = "${local.name}-backend"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  container_definitions = templatefile("${path.module}/taskdef/backend.json", {
    backend_image = local.images["backend"]
    nginx_image   = local.images["nginx"]
    app_env       = var.environment
    db_host       = aws_db_instance.main.address
    db_port       = aws_db_instance.main.port
    db_name       = aws_db_instance.main.db_name
    secret_arn    = aws_secretsmanager_secret.backend.arn
    log_group     = aws_cloudwatch_log_group.main["backend"].name
    region        = var.aws_region
  })

  # A task reads the secret when it starts, so there must be a version of it by then.
  depends_on = [aws_secretsmanager_secret_version.backend]
}

resource "aws_ecs_service" "frontend" {
  name            = "frontend"
  cluster         = aws_ecs_cluster.main.id
  task_definition = aws_ecs_task_definition.frontend.arn
  launch_type     = "FARGATE"
  desired_count   = var.desired_count

  deployment_minimum_healthy_percent = 50
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 60

  # A version whose tasks do not come up is given up, and the one before it goes on.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = aws_subnet.app[*].id
    security_groups  = [aws_security_group.frontend.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.frontend.arn
    container_name   = "frontend"
    container_port   = 3000
  }

  # The task definition here is the first revision. The pipeline registers the later ones, each with its own images, and
  # the service runs what the pipeline deployed last.
  lifecycle {
    ignore_changes = [task_definition]
  }

  # A target group must belong to a listener before a service may use it; tasks need their way out and their role's
  # policies to pull images from the first moment to the last.
  depends_on = [
    aws_lb_listener.http,
    aws_route.app_internet,
    aws_iam_role_policy_attachment.execution,
  ]
}

resource "aws_ecs_service" "backend" {
  name            = "backend"
  cluster         = aws_ecs_cluster.main.id
  task_definition = aws_ecs_task_definition.backend.arn
  launch_type     = "FARGATE"
  desired_count   = var.desired_count

  deployment_minimum_healthy_percent = 50
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 60

  # A version whose tasks do not come up is given up, and the one before it goes on.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = aws_subnet.app[*].id
    security_groups  = [aws_security_group.backend.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.backend.arn
    container_name   = "nginx"
    container_port   = 80
  }

  service_registries {
    registry_arn = aws_service_discovery_service.backend.arn
  }

  lifecycle {
    ignore_changes = [task_definition] # as above
  }

  depends_on = [
    aws_lb_listener_rule.api,
    aws_route.app_internet,
    aws_iam_role_policy_attachment.execution,
    aws_iam_role_policy.read_secrets,
  ]
}
