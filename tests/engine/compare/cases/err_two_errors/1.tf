output "x" { value = var.a }
output "y" { value = local.b }
