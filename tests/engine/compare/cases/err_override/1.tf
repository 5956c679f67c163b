# run: validate
variable "a" { default = 1 }
resource "terraform_data" "y" { input = 1 }
output "x" { value = 1 }
