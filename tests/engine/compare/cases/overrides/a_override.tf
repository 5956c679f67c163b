variable "a" { default = 4 }
variable "b" { default = 7 }
locals { two = "first override" }
resource "terraform_data" "x" {
  input = { now = "an object" }
  lifecycle {
    ignore_changes = [triggers_replace]
  }
}
