# run: validate
output "x" { value = 1 }
