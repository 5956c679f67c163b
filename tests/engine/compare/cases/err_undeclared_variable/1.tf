output "x" { value = var.nam }
