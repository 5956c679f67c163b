resource "terraform_data" "a" { for_each = { a = 1 } }
output "x" { value = terraform_data.a.id }
