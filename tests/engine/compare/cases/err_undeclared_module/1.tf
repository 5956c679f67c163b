output "x" { value = module.m.id }
