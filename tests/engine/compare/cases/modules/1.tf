module "one" {
  source = "./child"
  names  = ["a", "b"]
}
module "many" {
  source   = "./child"
  for_each = { x = ["p"], y = ["q", "r"] }
  names    = each.value
}
output "one" { value = module.one.ids_known }
output "many" { value = { for k, m in module.many : k => m.ids_known } }
resource "terraform_data" "after" {
  input      = keys(module.many)
  depends_on = [module.one]
}
