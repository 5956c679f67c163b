# Beside the JSON file.
resource "terraform_data" "native" { input = terraform_data.list[0].output }
