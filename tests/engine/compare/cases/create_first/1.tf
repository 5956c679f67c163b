resource "terraform_data" "base" { triggers_replace = 1 }
resource "terraform_data" "first" {
  triggers_replace = terraform_data.base.id
  lifecycle { create_before_destroy = true }
}
resource "terraform_data" "user" {
  input      = terraform_data.first.id
  depends_on = [terraform_data.base]
}
