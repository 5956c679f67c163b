variable "aws_region" {
  description = "Region that everything is created in."
  type        = string
  default     = "us-east-1"
}

variable "project" {
  description = "Name of the project; the first part of every name."
  type        = string
  default     = "fullstack"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,12}[a-z0-9]$", var.project))
    error_message = "Use 3 to 14 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  description = "Name of the environment; the second part of every name."
  type        = string
  default     = "dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,7}$", var.environment))
    error_message = "Use 2 to 8 lower-case letters and digits, beginning with a letter."
  }
}

variable "vpc_cidr" {
  description = "Address block of the VPC: a /24, of which each subnet takes a /27."
  type        = string
  default     = "10.0.0.0/24"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && endswith(var.vpc_cidr, "/24")
    error_message = "Give an IPv4 block of size /24, such as 10.0.0.0/24."
  }
}

variable "ingress_cidr_blocks" {
  description = "Who may open the page."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "repository_id" {
  description = "Repository that the pipeline builds, as OWNER/NAME."
  type        = string
  default     = "example/fullstack"
}

variable "branch" {
  description = "Branch whose pushes are delivered."
  type        = string
  default     = "main"
}

variable "approve_deployments" {
  description = "Whether a person has to approve each deployment."
  type        = bool
  default     = false
}

variable "image_tag" {
  description = "Tag of the images in the first revision of the task definitions. The pipeline's are tagged by commit."
  type        = string
  default     = "latest"
}

variable "desired_count" {
  description = "Tasks of each service."
  type        = number
  default     = 2
}

variable "log_retention_days" {
  description = "How long log events are kept."
  type        = number
  default     = 14
}

variable "db_name" {
  description = "Name of the database."
  type        = string
  default     = "app"
}

variable "db_username" {
  description = "Name of the database's master user."
  type        = string
  default     = "app"
  sensitive   = true
}

variable "db_password" {
  description = "Password of the database's master user."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.db_password) >= 8 && !can(regex("[/@\" ]", var.db_password))
    error_message = "Use at least 8 characters, and none of / @ \" and space."
  }
}

variable "db_instance_class" {
  description = "Class of the database instance."
  type        = string
  default     = "db.t4g.micro"
}

variable "db_multi_az" {
  description = "Whether the database has a standby in the other zone."
  type        = bool
  default     = false
}

variable "app_key" {
  description = "Laravel's encryption key: base64: and 32 random bytes in Base64 (openssl rand -base64 32)."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^base64:[A-Za-z0-9+/]{43}=$", var.app_key))
    error_message = "Give base64: and 32 bytes in Base64, e.g. echo base64:$(openssl rand -base64 32)."
  }
}
