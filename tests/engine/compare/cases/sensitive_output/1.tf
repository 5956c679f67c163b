variable "secret" {
  default   = "hunter2"
  sensitive = true
}
output "s" { value = "x${var.secret}" }
