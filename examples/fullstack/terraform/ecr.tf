resource "aws_ecr_repository" "main" {
  for_each = toset(["frontend", "backend", "nginx"])

  name                 = "${local.name}/${each.value}"
  image_tag_mutability = "MUTABLE"
  force_delete         = true
}

locals {
  images = { for name, repository in aws_ecr_repository.main : name => "${repository.repository_url}:${var.image_tag}" }
}
