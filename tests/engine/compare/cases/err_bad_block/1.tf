resource "terraform_data" "a" {
  foo {
    x = 1
  }
}
