module "many" {
  source   = "./child"
  for_each = { x = ["p"] }
  names    = each.value
  prefix   = "n-"
}
output "many" { value = { for k, m in module.many : k => m.ids_known } }
