resource "terraform_data" "a" {}
resource "terraform_data" "b" { input = 5 }
resource "terraform_data" "c" {
  for_each = toset(["x", "y"])
  input    = each.key
}
locals { ids = { x = "id-x", y = "id-y" } }
import {
  to = terraform_data.a
  id = "id-a"
}
import {
  to = terraform_data.b
  id = "id-b"
}
import {
  for_each = local.ids
  to       = terraform_data.c[each.key]
  id       = each.value
}
