# run: validate
resource "terraform_data" "b" {
  provisioner "local-exec" {
    command    = "x"
    when       = "create"
    on_failure = "continue"
  }
  provisioner "local-exec" {
    command    = "x"
    when       = never
    on_failure = maybe
  }
  provisioner {}
  connection { host = "x" }
  connection { host = "y" }
}
