# run: apply -auto-approve
# run: plan
# run: state list
# run: apply -auto-approve
# run: destroy -auto-approve
resource "terraform_data" "exit" {
  provisioner "local-exec" {
    command = <<-E
      echo first "quoted" \\
      echo bad >&2
      exit 7
    E
  }
  provisioner "local-exec" { command = "echo never" }
  provisioner "local-exec" {
    when    = destroy
    command = "echo not for what is tainted"
  }
}
resource "terraform_data" "signal" {
  provisioner "local-exec" { command = "kill -9 $$" }
}
resource "terraform_data" "folder" {
  provisioner "local-exec" {
    command     = "true"
    working_dir = "/does/not/exist"
  }
}
resource "terraform_data" "program" {
  provisioner "local-exec" {
    command     = "true"
    interpreter = ["/does/not/exist"]
  }
}
resource "terraform_data" "searched" {
  provisioner "local-exec" {
    command     = "true"
    interpreter = ["no-such-program"]
  }
}
resource "terraform_data" "dependent" {
  input = terraform_data.exit.id
}
