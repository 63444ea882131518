variable "name" {
  description = "Name of the job."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+$", var.name))
    error_message = "One lower-case word."
  }
}

variable "common" {
  description = "Settings of all functions and jobs; see main.tf of the root."
  type = object({
    region  = string
    network = string
    subnet  = string
    closed  = string
  })
  validation {
    condition     = var.common.region != ""
    error_message = "A region is needed."
  }
}

variable "image" {
  description = "The container image."
  type        = string
  validation {
    condition     = var.image != ""
    error_message = "An image is needed."
  }
}

variable "command" {
  description = "Program in the image, and its arguments. Null: the image's own entry point."
  type        = list(string)
  default     = null
  validation {
    condition     = var.command == null || try(startswith(var.command[0], "/"), false)
    error_message = "An absolute path first."
  }
}

variable "args" {
  description = "Arguments of the program. An execution may replace them."
  type        = list(string)
  default     = null
  validation {
    condition     = var.args == null || var.command != null
    error_message = "args need a command."
  }
}

variable "account" {
  description = "The service account it runs as."
  type        = object({ email = string, member = string })
  validation {
    condition     = var.account.email != ""
    error_message = "An account is needed: the default account has too many rights."
  }
}

variable "environment" {
  description = "Environment variables; package config documents them."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Z_]+$", name))])
    error_message = "Names are capitals and underscores."
  }
}

variable "secrets" {
  description = "Environment variables that are secrets: variable => secret id."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.secrets) : can(regex("^[A-Z_]+$", name))])
    error_message = "Names are capitals and underscores."
  }
}

variable "retries" {
  description = "How often a failed task is started again. Cloud Run may report a task as failed without a fault of the task."
  type        = number
  default     = 3
  validation {
    condition     = var.retries >= 0 && var.retries <= 10
    error_message = "0 to 10."
  }
}

variable "timeout" {
  description = "Time limit of one attempt of a task."
  type        = string
  validation {
    condition     = can(regex("^[0-9]+s$", var.timeout))
    error_message = "Seconds, like 3600s."
  }
}

variable "cpu" {
  description = "vCPU of a task."
  type        = number
  default     = 1
  validation {
    condition     = contains([1, 2, 4, 8], var.cpu)
    error_message = "1, 2, 4 or 8."
  }
}

variable "memory" {
  description = "Memory of a task, including the files that it writes."
  type        = string
  validation {
    condition     = can(regex("^[0-9]+(Mi|Gi)$", var.memory))
    error_message = "Like 512Mi or 4Gi."
  }
}

variable "closed" {
  description = "Whether its network reaches Google's APIs and the database only."
  type        = bool
  default     = false
  validation {
    condition     = !var.closed || contains(["stage", "merge"], var.name)
    error_message = "Only what decodes footage is closed."
  }
}
