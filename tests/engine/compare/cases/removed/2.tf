removed {
  from = terraform_data.a
  lifecycle { destroy = false }
}
removed {
  from = terraform_data.b
  lifecycle { destroy = true }
}
removed {
  from = terraform_data.c
  lifecycle { destroy = false }
}
removed {
  from = module.m
  lifecycle { destroy = false }
}
