resource "aws_ecr_repository" "main" {
  for_each = toset(["frontend", "backend", "nginx"])

  name                 = "${local.name}/${each.value}"
  image_tag_mutability = "MUTABLE"
  force_delete         = true
}

# Long enough to roll back to; the tag `cache` always moves on to a new image.
resource "aws_ecr_lifecycle_policy" "main" {
  for_each = aws_ecr_repository.main

  repository = each.value.name

  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Images without a tag go after a day"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 1 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "The last 30 images stay"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 30 }
        action       = { type = "expire" }
      },
    ]
  })
}

locals {
  images = { for name, repository in aws_ecr_repository.main : name => "${repository.repository_url}:${var.image_tag}" }
}
