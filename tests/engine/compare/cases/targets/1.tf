# run: plan -target=terraform_data.b
# run: apply -auto-approve -target=terraform_data.b
# run: apply -auto-approve
# run: plan -replace=terraform_data.a
# run: plan -replace=terraform_data.d[0] -target=terraform_data.d
# run: state list
# run: destroy -auto-approve
resource "terraform_data" "a" { input = 1 }
resource "terraform_data" "b" { input = terraform_data.a.output }
resource "terraform_data" "c" { input = terraform_data.b.output }
resource "terraform_data" "d" {
  count = 2
  input = 1
}
