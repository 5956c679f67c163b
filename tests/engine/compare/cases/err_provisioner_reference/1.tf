# run: validate
resource "terraform_data" "b" {
  provisioner "local-exec" { command = local.nothing }
}
resource "terraform_data" "c" {
  provisioner "local-exec" {
    command = self.nothing
  }
}
