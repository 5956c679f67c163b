resource "terraform_data" "name" {}
output "x" { value = terraform_data.nam.id }
