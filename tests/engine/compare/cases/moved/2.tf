resource "terraform_data" "new" { input = "x" }
resource "terraform_data" "listed" {
  for_each = toset(["a", "b"])
  input    = each.key == "a" ? 0 : 7
}
moved {
  from = terraform_data.old
  to   = terraform_data.new
}
moved {
  from = terraform_data.listed[0]
  to   = terraform_data.listed["a"]
}
moved {
  from = terraform_data.listed[1]
  to   = terraform_data.listed["b"]
}
