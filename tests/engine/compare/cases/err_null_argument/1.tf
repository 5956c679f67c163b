output "x" { value = length(null) }
