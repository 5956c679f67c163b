resource "aws_secretsmanager_secret" "backend" {
  name        = "${local.name}/backend"
  description = "What the back end must know and nobody else may"

  # Gone at once, so that the name is free for the next apply.
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "backend" {
  secret_id = aws_secretsmanager_secret.backend.id

  secret_string = jsonencode({
    APP_KEY     = var.app_key
    DB_USERNAME = var.db_username
    DB_PASSWORD = var.db_password
  })
}
