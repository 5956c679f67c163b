variable "n" {
  default = 1
  validation {
    condition     = var.n > 5
    error_message = "Must be above 5."
  }
}
output "n" { value = var.n }
