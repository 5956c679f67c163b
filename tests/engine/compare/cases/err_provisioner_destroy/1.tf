# run: validate
variable "x" { default = 1 }
locals { x = 1 }
resource "terraform_data" "o" {}
resource "terraform_data" "b" {
  for_each = toset(["a"])
  provisioner "local-exec" {
    when        = destroy
    command     = "echo ${terraform_data.o.id} ${each.key} ${path.module}"
    working_dir = "${each.value} ${var.x} ${local.x}"
  }
}
