resource "terraform_data" "a" {
  input            = { a = 1, b = 2 }
  triggers_replace = "x"
  lifecycle { ignore_changes = [input, triggers_replace] }
}
resource "terraform_data" "b" {
  input = 1
  lifecycle { ignore_changes = all }
}
