# run: plan
resource "terraform_dat" "a" {}
