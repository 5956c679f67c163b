# run: validate
data "terraform_remote_state" "b" {
  backend = "local"
  provisioner "local-exec" { command = "x" }
  connection {}
}
