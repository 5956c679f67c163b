resource "terraform_data" "old" { input = "x" }
resource "terraform_data" "listed" {
  count = 2
  input = count.index
}
