output "x" { value = file("nothing.txt") }
