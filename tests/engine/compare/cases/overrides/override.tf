variable "a" { default = 5 }
locals { two = "last override" }
resource "terraform_data" "counted" { count = 1 }
module "child" { other = "override" }
output "x" { sensitive = true }
