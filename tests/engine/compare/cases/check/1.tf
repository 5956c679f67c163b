resource "terraform_data" "a" { input = 1 }
check "right" {
  assert {
    condition     = terraform_data.a.output == 1
    error_message = "Not one."
  }
}
check "wrong" {
  assert {
    condition     = terraform_data.a.input == 2
    error_message = "Not two but ${terraform_data.a.input}."
  }
  assert {
    condition     = terraform_data.a.output == 3
    error_message = "Not three."
  }
}
