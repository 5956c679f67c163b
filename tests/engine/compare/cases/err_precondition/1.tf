resource "terraform_data" "a" {
  input = 1
  lifecycle {
    precondition {
      condition     = length("abc") == 4
      error_message = "Not four."
    }
  }
}
