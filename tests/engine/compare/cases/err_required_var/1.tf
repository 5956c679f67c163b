# run: validate
# run: plan
# run: plan -input=false
# run: apply -auto-approve
# run: plan -var n=3
# run: apply -auto-approve -var n=4
variable "n" { type = number }
output "n" { value = var.n }
