output "x" { value = ["a"][3] }
