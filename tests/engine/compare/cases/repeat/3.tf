resource "terraform_data" "count" {
  input = "single"
}
resource "terraform_data" "each" {
  count = 1
  input = "counted"
}
