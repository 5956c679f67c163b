resource "terraform_data" "a" {
  input = { name = "y", list = [1, 3, { deep = false }], more = "z", text = "a\nc\n" }
}
resource "terraform_data" "b" {
  input            = terraform_data.a.output.name
  triggers_replace = [terraform_data.a.id, "y"]
}
output "name" { value = terraform_data.b.output }
output "new" { value = "${terraform_data.b.input}!" }
