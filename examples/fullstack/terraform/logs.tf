resource "aws_cloudwatch_log_group" "main" {
  for_each = toset(["frontend", "backend"])

  name              = "/ecs/${local.name}/${each.value}"
  retention_in_days = var.log_retention_days
}
