output "output" { value = "${var.input}, ${var.other}" }
