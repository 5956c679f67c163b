variable "secret" {
  default   = "hunter3"
  sensitive = true
}
resource "terraform_data" "a" { input = { user = "v", password = var.secret } }
resource "terraform_data" "b" { input = sensitive("x") }
output "s" {
  value     = terraform_data.a.output
  sensitive = true
}
output "plain" { value = nonsensitive(var.secret) }
