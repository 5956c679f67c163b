variable "names" { type = list(string) }
variable "prefix" {
  type    = string
  default = "m-"
}
locals { all = [for n in var.names : "${var.prefix}${n}"] }
resource "terraform_data" "this" {
  for_each = toset(local.all)
  input    = each.value
}
output "ids_known" { value = sort([for d in terraform_data.this : d.output]) }
