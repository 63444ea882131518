variable "name" {
  description = "The function: the value of FUNCTION_TARGET, and the name of service, topic and subscription."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+$", var.name))
    error_message = "One lower-case word."
  }
}

variable "common" {
  description = "Settings of all functions and jobs; see main.tf of the root."
  type = object({
    project          = string
    region           = string
    scheduler_region = string
    number           = string
    network          = string
    subnet           = string
    closed           = string
    push             = object({ email = string, member = string })
    schedule         = object({ email = string, member = string })
    dead_letters     = string
    pubsub_agent     = string
  })
  validation {
    condition     = var.common.project != "" && var.common.region != ""
    error_message = "Project and region are needed."
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

variable "public" {
  description = "Whether it can be called without authentication."
  type        = bool
  default     = false
  validation {
    condition     = !var.public || var.name == "api"
    error_message = "Only `api` is public."
  }
}

variable "people" {
  description = "Members that may open it behind Google's sign-in (IAP)."
  type        = set(string)
  default     = []
  validation {
    condition     = length(setintersection(var.people, ["allUsers", "allAuthenticatedUsers"])) == 0
    error_message = "The sign-in needs named members."
  }
}

variable "topic" {
  description = "Whether it has a topic of its name that starts it."
  type        = bool
  default     = false
  validation {
    condition     = var.topic != null && !(var.topic && var.wakes_on != null)
    error_message = "Either its own topic or one created elsewhere."
  }
}

variable "wakes_on" {
  description = "A topic created elsewhere that starts it."
  type        = string
  default     = null
  validation {
    condition     = var.wakes_on == null || var.last_stop
    error_message = "Only the last stop is started by a topic created elsewhere."
  }
}

variable "last_stop" {
  description = "Whether messages that keep failing stay in its subscription, without a dead-letter topic."
  type        = bool
  default     = false
  validation {
    condition     = var.last_stop == (var.name == "fail")
    error_message = "Only `fail` is the last stop."
  }
}

variable "schedule" {
  description = "When Cloud Scheduler posts to it, in UTC."
  type        = map(object({ cron = string, path = string }))
  default     = {}
  validation {
    condition     = alltrue([for s in values(var.schedule) : can(regex("^(\\S+ ){4}\\S+$", s.cron)) && startswith(s.path, "/")])
    error_message = "Five fields of cron, and a path that begins with /."
  }
}

variable "instances" {
  description = "Maximum number of instances."
  type        = number
  validation {
    condition     = var.instances >= 1
    error_message = "At least one."
  }
}

variable "concurrency" {
  description = "Requests that one instance serves at once."
  type        = number
  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "1 to 1,000."
  }
}

variable "cpu" {
  description = "vCPU of an instance."
  type        = number
  default     = 1
  validation {
    condition     = contains([1, 2, 4, 8], var.cpu)
    error_message = "1, 2, 4 or 8."
  }
}

variable "memory" {
  description = "Memory of an instance."
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
