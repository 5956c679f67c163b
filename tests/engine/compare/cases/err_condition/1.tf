output "x" { value = true ? 1 : [2] }
