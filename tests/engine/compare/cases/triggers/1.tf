resource "terraform_data" "a" { input = 1 }
resource "terraform_data" "b" {
  input = "fixed"
  lifecycle { replace_triggered_by = [terraform_data.a] }
}
resource "terraform_data" "c" {
  input = "fixed"
  lifecycle { replace_triggered_by = [terraform_data.a.input] }
}
resource "terraform_data" "d" {
  input = "fixed"
  lifecycle { replace_triggered_by = [terraform_data.a.id] }
}
