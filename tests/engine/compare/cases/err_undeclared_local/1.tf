locals { name = 1 }
output "x" { value = local.nam }
