# run: import terraform_data.a some-id
# run: import terraform_data.c other
# run: state list
# run: plan
# run: taint terraform_data.a
# run: plan
# run: untaint terraform_data.a
# run: taint terraform_data.none
# run: state mv terraform_data.a terraform_data.b
# run: state list
# run: state show terraform_data.b
# run: state rm terraform_data.b
# run: state rm terraform_data.b
# run: state list
# run: workspace list
# run: workspace new other
# run: workspace show
# run: workspace list
# run: workspace new other
# run: workspace select default
# run: workspace select none
# run: workspace delete other
# run: workspace delete other
# run: workspace delete default
# run: workspace list
resource "terraform_data" "a" {}
