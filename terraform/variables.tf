# Where

variable "project" {
  description = "Id of the Google Cloud project. It should hold nothing else."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "project_number" {
  description = "Number of the project; scripts/bootstrap prints it. The names of Google's own accounts in the project contain it."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{6,}$", var.project_number))
    error_message = "Digits, as in `gcloud projects describe PROJECT --format='value(projectNumber)'`."
  }
}

variable "region" {
  description = "Region of all resources but schedules and builds. Choose one near the recorders."
  type        = string
  default     = "europe-west1"
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region looks like europe-west1."
  }
}

variable "scheduler_region" {
  description = "Region of the Cloud Scheduler jobs. Cloud Scheduler is not available in every region of Cloud Run, and its HTTP calls reach services in any region."
  type        = string
  default     = "europe-west1"
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.scheduler_region))
    error_message = "A region looks like europe-west1."
  }
}

variable "build_region" {
  description = "Region of the Cloud Build trigger, of its connected repository and of builds by hand. A new project may build in few regions only."
  type        = string
  default     = "europe-west1"
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.build_region))
    error_message = "A region looks like europe-west1."
  }
}

variable "state_bucket" {
  description = "Bucket of the Terraform state, made by scripts/bootstrap; the build may write it."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "This is not a bucket name."
  }
}

variable "image" {
  description = "The image by digest, as the build passes it. Empty only at the first apply, which runs Google's sample containers."
  type        = string
  default     = ""
  validation {
    condition     = var.image == "" || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by digest: …@sha256:<64 hex digits>. A tag can move."
  }
}

variable "network_range" {
  description = "Addresses of the subnet of services and tasks: two an instance, three a running task."
  type        = string
  default     = "10.20.0.0/22"
  validation {
    condition     = can(cidrhost(var.network_range, 0)) && try(tonumber(split("/", var.network_range)[1]) <= 24, false)
    error_message = "A range of /24 or larger, like 10.20.0.0/22."
  }
}

# Who

variable "form_users" {
  description = "Who may open the web form (IAP): members like group:teachers@example.org or domain:example.org."
  type        = set(string)
  validation {
    condition     = alltrue([for m in var.form_users : can(regex("^(user|group|domain):[^:@ ]+(@[^ ]+)?$", m))])
    error_message = "Each is user:ADDRESS, group:ADDRESS or domain:NAME; allUsers is not possible behind IAP."
  }
}

variable "operators" {
  description = "Addresses of operators. They see and run again every record in the form, and get the alerts."
  type        = set(string)
  validation {
    condition     = length(var.operators) > 0 && alltrue([for a in var.operators : can(regex("^[^@ ]+@[^@ ]+$", a))])
    error_message = "At least one e-mail address: alerts need a recipient."
  }
}

variable "recorders" {
  description = "Members that upload segments to the bucket, like serviceAccount:recorder@other.iam.gserviceaccount.com. Empty: segments come from Drive."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for m in var.recorders : can(regex("^(serviceAccount|principal|principalSet|group|user):", m))])
    error_message = "Each is a member of IAM, like serviceAccount:ADDRESS."
  }
}

variable "drive_subject" {
  description = "Workspace user whose Drive is used: a technical account with access to the rooms' folders."
  type        = string
  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+$", var.drive_subject))
    error_message = "An address of the Workspace domain."
  }
}

variable "drive_uploaders" {
  description = "Workspace users who share the uploads, at most 750 GB a day each. They need a shared drive. Empty: drive_subject uploads everything."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for a in var.drive_uploaders : can(regex("^[^@ ,]+@[^@ ,]+$", a))])
    error_message = "Each is an address of the Workspace domain."
  }
}

variable "calendar_subject" {
  description = "Workspace user who may read and change the rooms' calendars."
  type        = string
  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+$", var.calendar_subject))
    error_message = "An address of the Workspace domain."
  }
}

variable "calendar_requester" {
  description = "Owner of the video of an event that names no person, because a program created it. Empty: such an event makes no record."
  type        = string
  default     = ""
  validation {
    condition     = var.calendar_requester == "" || can(regex("^[^@ ]+@[^@ ]+$", var.calendar_requester))
    error_message = "An address of the Workspace domain, or empty."
  }
}

variable "classroom_subject" {
  description = "Teacher who posts announcements; empty: the owner of each course."
  type        = string
  default     = ""
  validation {
    condition     = var.classroom_subject == "" || can(regex("^[^@ ]+@[^@ ]+$", var.classroom_subject))
    error_message = "An address of the Workspace domain, or empty."
  }
}

# Rooms and videos

variable "drive_folder" {
  description = "Id of the Drive folder for videos of rooms without a folder."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]*$", var.drive_folder))
    error_message = "The id is the last part of the folder's URL."
  }
}

variable "courses" {
  description = "Course codes that Classroom cannot resolve: code => course id. They take precedence over every search."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for code, id in var.courses : can(regex("^[0-9]+$", id)) && !can(regex("[,=]", code))])
    error_message = "Ids are digits; codes have neither comma nor equals sign."
  }
}

variable "time_zone" {
  description = "IANA time zone of rooms without settings."
  type        = string
  default     = "Europe/Moscow"
  validation {
    condition     = can(regex("^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$", var.time_zone))
    error_message = "An IANA name like Europe/Moscow."
  }
}

variable "leveler" {
  description = "on: speech that is far quieter than the rest of a record is raised; off: it is left as it is."
  type        = string
  default     = "on"
  validation {
    condition     = contains(["on", "off"], var.leveler)
    error_message = "on or off."
  }
}

variable "language" {
  description = "Language of texts about records, for rooms without settings."
  type        = string
  default     = "ru"
  validation {
    condition     = contains(["ru", "en"], var.language)
    error_message = "ru or en."
  }
}

variable "segment_length" {
  description = "Nominal length of the recorder's files."
  type        = string
  default     = "30m"
  validation {
    condition     = can(regex("^[1-9][0-9]*m$", var.segment_length))
    error_message = "Minutes, like 30m."
  }
}

variable "slice" {
  description = "Minimum length of a slice, which one task renders. Shorter slices mean more tasks and more starts."
  type        = string
  default     = "10m"
  validation {
    condition     = can(regex("^[1-9][0-9]*m$", var.slice))
    error_message = "Minutes, like 10m."
  }
}

# How much

variable "retention_days" {
  description = "Days that segments are kept. Older ones cannot be merged."
  type        = number
  default     = 14
  validation {
    condition     = var.retention_days >= 2 && var.retention_days <= 365 && floor(var.retention_days) == var.retention_days
    error_message = "A whole number from 2 to 365."
  }
}

variable "spare_days" {
  description = "Days that segments are kept whose time no record covers. A request within these days keeps its segments for retention_days. Null: all are kept for retention_days."
  type        = number
  default     = null
  validation {
    condition     = var.spare_days == null || try(var.spare_days >= 2 && var.spare_days <= var.retention_days && floor(var.spare_days) == var.spare_days, false)
    error_message = "A whole number from 2 to retention_days, or null."
  }
}

variable "work_days" {
  description = "Days that plans, parts, merges and reports are kept."
  type        = number
  default     = 14
  validation {
    condition     = var.work_days >= 7 && var.work_days <= 90 && floor(var.work_days) == var.work_days
    error_message = "A whole number from 7 to 90: a record may wait a week for Drive's quota."
  }
}

variable "max_merges" {
  description = "Records on their way to a merge at once."
  type        = number
  validation {
    condition     = var.max_merges >= 1 && var.max_merges <= 500 && floor(var.max_merges) == var.max_merges
    error_message = "A whole number from 1 to 500; a region runs 1,000 executions at once."
  }
}

variable "merge_parallelism" {
  description = "Tasks of one record, all at once. A record that needs more gets longer slices."
  type        = number
  validation {
    condition     = var.merge_parallelism >= 1 && var.merge_parallelism <= 100 && floor(var.merge_parallelism) == var.merge_parallelism
    error_message = "A whole number from 1 to 100."
  }
}

variable "merge_cpu" {
  description = "vCPU of a task."
  type        = number
  default     = 4
  validation {
    condition     = contains([1, 2, 4, 8], var.merge_cpu)
    error_message = "1, 2, 4 or 8."
  }
}

variable "merge_memory" {
  description = "Memory of a task. Cloud Run allows half a GiB to 4 GiB for each vCPU."
  type        = string
  default     = "4Gi"
  validation {
    condition     = can(regex("^([2-9]|[12][0-9]|3[0-2])Gi$", var.merge_memory))
    error_message = "2Gi to 32Gi."
  }
  validation {
    condition     = try(tonumber(trimsuffix(var.merge_memory, "Gi")) >= var.merge_cpu / 2 && tonumber(trimsuffix(var.merge_memory, "Gi")) <= 4 * var.merge_cpu, false)
    error_message = "Half a GiB to 4 GiB for each vCPU (merge_cpu)."
  }
}

variable "instances" {
  description = "Maximum instances of each service."
  type = object({
    form     = number
    api      = number
    calendar = number
    stage    = number
    upload   = number
    link     = number
  })
  validation {
    condition     = alltrue([for n in values(var.instances) : n >= 1 && n <= 200 && floor(n) == n])
    error_message = "Whole numbers from 1 to 200."
  }
}

variable "database" {
  description = "Size of Cloud SQL: machine type, disk and its limit in GB, a standby in another zone, connections, days of backups."
  type = object({
    tier            = string
    disk_gb         = number
    disk_limit_gb   = number
    standby         = bool
    max_connections = number
    backup_days     = number
  })
  validation {
    condition     = can(regex("^db-(g1-small|custom-[0-9]+-[0-9]+)$", var.database.tier))
    error_message = "The tier is db-g1-small or db-custom-<vCPU>-<MB>."
  }
  validation {
    condition     = var.database.disk_gb >= 10 && var.database.disk_limit_gb >= var.database.disk_gb
    error_message = "At least 10 GB, and a limit that is not smaller."
  }
  validation {
    condition     = var.database.max_connections >= 100 && var.database.max_connections <= 4000
    error_message = "100 to 4,000 connections."
  }
  validation {
    condition     = var.database.backup_days >= 7 && var.database.backup_days <= 365
    error_message = "7 to 365 days."
  }
}

variable "database_connectors_only" {
  description = "Whether the database accepts only connections of Google's connectors. An NVR that connects through a VPN needs false."
  type        = bool
  default     = false
  validation {
    condition     = var.database_connectors_only != null
    error_message = "true or false."
  }
}

variable "nvr_user" {
  description = "Database user of the NVR. It is created by hand; every build limits it to the NVR's four tables."
  type        = string
  default     = "nvr"
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_.-]{0,31}$", var.nvr_user)) && !startswith(var.nvr_user, "nvr-")
    error_message = "1 to 32 letters, digits, _, . and -, a letter first, and not nvr- and more: those are the components."
  }
}

variable "deletion_protection" {
  description = "Whether the database and the buckets are protected from deletion. False only for a temporary trial."
  type        = bool
  default     = true
  validation {
    condition     = var.deletion_protection != null
    error_message = "true or false."
  }
}

variable "rate_limit" {
  description = "Requests a second that one API key may make."
  type        = number
  default     = 50
  validation {
    condition     = var.rate_limit >= 1 && var.rate_limit <= 10000
    error_message = "1 to 10,000."
  }
}

variable "layout" {
  description = "Layout of the videos of rooms without one: side (the lecturer beside the screen or the board) or stage (screen and board both)."
  type        = string
  default     = "side"
  validation {
    condition     = contains(["side", "stage"], var.layout)
    error_message = "One of side and stage."
  }
}

variable "request_policy" {
  description = "Who may request recordings: event (members of an event in the room), domain (people of the Workspace) or any. Operators, and keys with a scope or for any address, are exempt."
  type        = string
  default     = "domain"
  validation {
    condition     = contains(["event", "domain", "any"], var.request_policy)
    error_message = "One of event, domain and any."
  }
}

variable "share_domains" {
  description = "Domains that videos may be shared with; [\"*\"] is all. Empty: those of the Workspace accounts above."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for d in var.share_domains : d == "*" || can(regex("^[^@ ,]+[.][^@ ,]+$", d))])
    error_message = "Each is a domain, like example.org, or *."
  }
}

variable "open_records" {
  description = "Unfinished records that one person may have. Operators, events, and keys that may name any address are exempt."
  type        = number
  default     = 50
  validation {
    condition     = var.open_records >= 1 && var.open_records <= 10000
    error_message = "1 to 10,000."
  }
}

# Notices

variable "webhook" {
  description = "URL that receives a signed CloudEvent for every finished or failed record. Empty: no webhook."
  type        = string
  default     = ""
  validation {
    condition     = var.webhook == "" || can(regex("^https://[^ ]+$", var.webhook))
    error_message = "An https URL, or empty."
  }
}

variable "smtp" {
  description = "Mail server and sender of notices. Null: no mail. The password is the secret smtp-password."
  type = object({
    url  = string
    from = string
  })
  default = null
  validation {
    condition     = var.smtp == null || can(regex("^smtps?://[^ ]+$", var.smtp.url)) && can(regex("@", var.smtp.from))
    error_message = "url is smtp://USER@HOST:PORT, from is an address."
  }
}

variable "zulip" {
  description = "Zulip bot for notices, https://BOT@HOST/. Empty: no Zulip. The key is the secret zulip-key."
  type        = string
  default     = ""
  validation {
    condition     = var.zulip == "" || can(regex("^https://[^ ]+@[^ ]+$", var.zulip))
    error_message = "https://BOT@HOST/, or empty."
  }
}

# The build

variable "repository" {
  description = "The connected repository, projects/P/locations/R/connections/C/repositories/X. Empty: no trigger."
  type        = string
  default     = ""
  validation {
    condition     = var.repository == "" || can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.repository))
    error_message = "projects/P/locations/R/connections/C/repositories/X, or empty."
  }
  validation {
    condition     = var.repository == "" || strcontains(var.repository, "/locations/${var.build_region}/")
    error_message = "Connect the repository in var.build_region: a trigger is in the region of its repository."
  }
}

variable "variables_file" {
  description = "The tfvars file that the build applies, by its path in the repository."
  type        = string
  default     = "terraform/examples/small.tfvars"
  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+\\.tfvars$", var.variables_file))
    error_message = "A path that ends in .tfvars."
  }
}

variable "source_url" {
  description = "URL of this repository up to the branch. Alerts link to its runbook."
  type        = string
  default     = "https://github.com/nvr-miem/merger/blob/main"
  validation {
    condition     = can(regex("^https://[^ ]+[^/]$", var.source_url))
    error_message = "An https URL without a slash at the end."
  }
}
