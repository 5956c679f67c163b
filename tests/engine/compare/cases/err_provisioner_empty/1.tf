# run: apply -auto-approve
# run: destroy -auto-approve
resource "terraform_data" "b" {
  provisioner "local-exec" { command = "" }
}
resource "terraform_data" "c" {
  provisioner "local-exec" {
    when    = destroy
    command = "echo stays; exit 2"
  }
}
