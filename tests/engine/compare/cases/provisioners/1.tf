variable "secret" {
  default   = "s3cret"
  sensitive = true
}
resource "terraform_data" "a" {
  count = 2
  input = "v${count.index}"
  provisioner "local-exec" {
    command     = "echo hi $FOO$BAR; echo err >&2; printf 'no newline '; pwd; echo; echo \"  in\\tdented  \""
    working_dir = "/tmp"
    environment = {
      FOO = "foo ${self.input} ${count.index}"
      BAR = null
    }
  }
  provisioner "local-exec" {
    command     = "import sys; print('é', sys.argv)"
    interpreter = ["python3", "-c"]
    quiet       = true
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo bye ${self.output} ${count.index} ${path.module}"
  }
}
resource "terraform_data" "each" {
  for_each = { k = "v" }
  provisioner "local-exec" { command = "echo ${each.key} ${each.value} ${self.id == terraform_data.each["k"].id}" }
  provisioner "local-exec" {
    when        = destroy
    on_failure  = continue
    command     = "echo going ${each.key}; exit 1"
    interpreter = ["/bin/sh", "-ec"]
  }
}
resource "terraform_data" "secret" {
  provisioner "local-exec" { command = "echo ${var.secret}; echo twice" }
}
resource "terraform_data" "on" {
  provisioner "local-exec" {
    command    = "echo fails; exit 3"
    on_failure = continue
  }
  provisioner "local-exec" {
    when    = create
    command = "echo after"
  }
}
resource "terraform_data" "replaced" {
  triggers_replace = 1
  provisioner "local-exec" { command = "echo created" }
  provisioner "local-exec" {
    when    = destroy
    command = "echo destroyed"
  }
}
resource "terraform_data" "first" {
  triggers_replace = 1
  lifecycle { create_before_destroy = true }
  provisioner "local-exec" {
    when    = destroy
    command = "echo only when it goes for good"
  }
}
