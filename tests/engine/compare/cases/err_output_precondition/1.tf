output "a" {
  value = 1
  precondition {
    condition     = false
    error_message = "No."
  }
}
