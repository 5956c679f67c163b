resource "terraform_data" "a" { input = 1 }
resource "terraform_data" "b" { input = 1 }
resource "terraform_data" "c" {
  count = 2
  input = 1
}
module "m" { source = "./child" }
