resource "terraform_data" "json" {
  input = "override"
  lifecycle { prevent_destroy = false }
}
