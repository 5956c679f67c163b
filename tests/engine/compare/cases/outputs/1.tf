output "string" { value = "x" }
output "number" { value = 1.5 }
output "bool" { value = true }
output "list" { value = ["a", "b"] }
output "set" { value = toset(["b", "a"]) }
output "map" { value = tomap({ a = 1, "b c" = 2 }) }
output "object" { value = { a = null, b = [{ c = "d" }] } }
output "multi" { value = "one\ntwo\n" }
output "empty_list" { value = [] }
output "empty_map" { value = {} }
output "nothing" { value = null }
output "json" { value = jsonencode({ a = 1, b = ["x"] }) }
output "unicode" { value = "grüße \"q\" $${x} \\ \t" }
