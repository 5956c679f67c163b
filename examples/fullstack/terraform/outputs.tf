output "alb_dns_name" {
  description = "Name of the load balancer: the page is at http://NAME/."
  value       = aws_lb.main.dns_name
}

output "repository_urls" {
  description = "Where to push the images to."
  value       = { for name, repository in aws_ecr_repository.main : name => repository.repository_url }
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.main.name
}

output "pipeline_name" {
  description = "Name of the pipeline."
  value       = aws_codepipeline.main.name
}

output "connection_name" {
  description = "Name of the connection to the sources, which a person has to approve once."
  value       = aws_codestarconnections_connection.source.name
}

output "repository_id" {
  description = "The repository that the pipeline builds."
  value       = var.repository_id
}
