variable "input" {}
variable "other" {}
output "output" { value = "${var.input} ${var.other}" }
