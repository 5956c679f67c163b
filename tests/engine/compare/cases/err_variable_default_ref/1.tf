variable "a" { default = local.x }
