resource "terraform_data" "a" {
  input = { name = "x", list = [1, 2, { deep = true }], nothing = null, text = "a\nb\n" }
}
resource "terraform_data" "b" {
  input            = terraform_data.a.output.name
  triggers_replace = [terraform_data.a.id, "x"]
}
resource "terraform_data" "bare" {}
output "name" { value = terraform_data.b.output }
output "whole" { value = terraform_data.a.input }
