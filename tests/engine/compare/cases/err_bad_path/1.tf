output "x" { value = path.foo }
