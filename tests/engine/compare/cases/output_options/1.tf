# run: apply -auto-approve
# run: output
# run: output a
# run: output -raw a
# run: output -json a
# run: output b
# run: output -json b
# run: output -raw b
# run: output -raw n
# run: output -json
# run: output none
# run: output s
# run: output -raw s
# run: output -raw
# run: plan -detailed-exitcode
output "a" { value = "text" }
output "b" { value = { x = [1, true, null] } }
output "n" { value = 12 }
output "s" {
  value     = "secret"
  sensitive = true
}
