resource "terraform_data" "a" { input = "x" }
module "m" { source = "./child" }
