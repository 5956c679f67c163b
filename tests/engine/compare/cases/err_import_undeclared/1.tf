import {
  to = terraform_data.a
  id = "id-a"
}
