# run: validate
resource "terraform_data" "b" {
  provisioner "local-exec" {
    cmd         = 1
    environment = "x"
    block {}
  }
}
