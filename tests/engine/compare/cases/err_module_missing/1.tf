module "m" { source = "./nowhere" }
