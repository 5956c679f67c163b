resource "terraform_data" "a" {
  for_each = { x = 1, y = 2 }
  input = each.value
}
resource "terraform_data" "b" {
  input = concat(values(terraform_data.a)[*].id, [terraform_data.a["x"].id])
}
resource "terraform_data" "d" {
  input = concat(values({for k,v in terraform_data.a: k => v.id}), ["x"])
}
resource "terraform_data" "e" {
  input = concat(slice(split(",", terraform_data.a["x"].id), 0, 1), ["x"])
}
