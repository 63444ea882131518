variable "name" {
  description = "The job."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+$", var.name))
    error_message = "One lower-case word."
  }
}

variable "common" {
  description = "What all functions and jobs have in common; see the root's main.tf."
  type = object({
    region  = string
    network = string
    subnet  = string
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
  description = "The program in the image, and its arguments; null: what the image starts by itself."
  type        = list(string)
  default     = null
  validation {
    condition     = var.command == null || try(startswith(var.command[0], "/"), false)
    error_message = "An absolute path first."
  }
}

variable "args" {
  description = "Arguments of the program; an execution may bring others."
  type        = list(string)
  default     = null
  validation {
    condition     = var.args == null || var.command != null
    error_message = "Arguments of which program?"
  }
}

variable "account" {
  description = "The service account it runs as."
  type        = object({ email = string, member = string })
  validation {
    condition     = var.account.email != ""
    error_message = "An account is needed: the default one may do far too much."
  }
}

variable "environment" {
  description = "Environment variables, each of which package config knows."
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
  description = "How often a task that ended badly starts again."
  type        = number
  default     = 0
  validation {
    condition     = var.retries >= 0 && var.retries <= 10
    error_message = "0 to 10."
  }
}

variable "timeout" {
  description = "How long one try of a task may take."
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
  description = "Memory of a task; what it writes to files counts."
  type        = string
  validation {
    condition     = can(regex("^[0-9]+(Mi|Gi)$", var.memory))
    error_message = "Like 512Mi or 4Gi."
  }
}
