variable "a" {
  type    = number
  default = 1
}
variable "b" {
  type        = string
  default     = "b"
  description = "kept"
}
locals {
  one = 1
  two = "base"
}
resource "terraform_data" "x" {
  input            = "base"
  triggers_replace = local.two
  lifecycle {
    create_before_destroy = true
    precondition {
      condition     = var.a == 5
      error_message = "not overridden"
    }
  }
}
resource "terraform_data" "counted" {
  count = 3
  input = count.index
}
module "child" {
  source = "./child"
  input  = "base"
  other  = "base"
}
output "x" {
  value       = terraform_data.x.output
  description = "base"
}
output "rest" { value = [var.a, var.b, local.one, local.two, module.child.output, length(terraform_data.counted)] }
