output "string" { value = "y" }
output "number" { value = "1.5" }
output "list" { value = ["b", "c", "a"] }
output "set" { value = toset(["b", "c"]) }
output "map" { value = tomap({ a = 1, "b c" = 3, d = 4 }) }
output "object" { value = { a = 1, b = [{ c = "e" }] } }
output "multi" { value = "one\nthree\n" }
output "json" { value = jsonencode({ a = 2, b = ["x", "y"] }) }
output "nothing" { value = null }
