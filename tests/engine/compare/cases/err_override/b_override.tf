variable "zz" {}
variable "a" {
  validation {
    condition     = var.a > 100
    error_message = "override"
  }
}
resource "terraform_data" "zz" {}
resource "terraform_data" "y" { depends_on = [terraform_data.x] }
resource "terraform_data" "y" {
  lifecycle {
    precondition {
      condition     = var.a > 100
      error_message = "override"
    }
  }
}
data "terraform_remote_state" "zz" {}
output "x" { depends_on = [terraform_data.x] }
output "zz" { value = 1 }
locals {
  zz = 1
}
module "zz" { source = "./x" }
moved {
  from = terraform_data.a
  to   = terraform_data.b
}
import {
  to = terraform_data.x
  id = "x"
}
check "zz" {
  assert {
    condition     = var.a > 0
    error_message = "x"
  }
}
provider "terraform" {
  alias = "zz"
}
