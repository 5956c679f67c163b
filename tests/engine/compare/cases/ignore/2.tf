resource "terraform_data" "a" {
  input            = { a = 5, b = 2 }
  triggers_replace = "y"
  lifecycle { ignore_changes = [input, triggers_replace] }
}
resource "terraform_data" "b" {
  input = 2
  lifecycle { ignore_changes = all }
}
