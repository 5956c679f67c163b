output "x" { value = cidrsubnet("10.0.0.0/8", 30, 0) }
