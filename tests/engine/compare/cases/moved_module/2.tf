module "n" { source = "./child" }
module "o" {
  source = "./child"
  count  = 1
}
moved {
  from = module.m
  to   = module.n
}
moved {
  from = terraform_data.a
  to   = module.o[0].terraform_data.a
}
