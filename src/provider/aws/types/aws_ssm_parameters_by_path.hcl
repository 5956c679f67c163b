data "aws_ssm_parameters_by_path" {
  service = "ssm"
  schema {
    path            = required(string)
    recursive       = optional(bool, default(false))
    with_decryption = optional(bool, default(true))
    arns            = computed(list(string))
    names           = computed(list(string))
    types           = computed(list(string))
    values          = computed(list(string), sensitive)
  }
  read {
    call "GetParametersByPath" {
      request  = { Path = self.path, Recursive = self.recursive, WithDecryption = self.with_decryption }
      paginate = { input = "NextToken", output = "NextToken", items = "Parameters" }
      id       = self.path
    }
    state = {
      arns   = [for p in result.Parameters : p.ARN]
      names  = [for p in result.Parameters : p.Name]
      types  = [for p in result.Parameters : p.Type]
      values = [for p in result.Parameters : p.Value]
    }
  }
}
