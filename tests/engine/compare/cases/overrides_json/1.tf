variable "a" { default = 1 }
resource "terraform_data" "native" {
  input = "base"
  lifecycle { prevent_destroy = true }
}
