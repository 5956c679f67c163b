output "x" { value = terraform.foo }
