locals { names = ["a", "c"] }
resource "terraform_data" "count" {
  count = length(local.names)
  input = local.names[count.index]
}
resource "terraform_data" "each" {
  for_each = { for n in local.names : n => upper(n) }
  input    = "${each.key}=${each.value}"
}
output "count" { value = terraform_data.count[*].output }
output "each" { value = { for k, v in terraform_data.each : k => v.output } }
