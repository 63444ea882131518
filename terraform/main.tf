# NVR Merger on Google Cloud. Read downwards: it is the way of a record.
#
#   form, api, calendar ──► records ──► claim ──► stage ──► merge ──► upload ──► link
#                                                    a message that keeps failing ──► fail
#
# Who may do what stands in accounts.tf, as tables. Every service and job runs the one image; which
# function a service is, FUNCTION_TARGET says.

locals {
  # At the very first apply there is no image yet: the registry it goes to is made by the same apply.
  # Google's samples stand in, and the first build takes their place.
  first         = var.image == ""
  service_image = local.first ? "us-docker.pkg.dev/cloudrun/container/hello" : var.image
  job_image     = local.first ? "us-docker.pkg.dev/cloudrun/container/job" : var.image

  # What every component reads; package config says what each name means.
  environment = {
    PROJECT         = var.project
    SEGMENTS_BUCKET = google_storage_bucket.segments.name
    WORK_BUCKET     = google_storage_bucket.work.name
    TIME_ZONE       = var.time_zone
    LANGUAGE        = var.language
    SEGMENT_LENGTH  = var.segment_length
    SLICE           = var.slice
    RETENTION       = "${var.retention_days * 24}h"
    MAX_MERGES      = tostring(var.max_merges)
    MERGE_TASKS     = tostring(var.merge_parallelism)
    MERGE_JOB       = "projects/${var.project}/locations/${var.region}/jobs/merge"
    OPERATORS       = join(",", sort(var.operators))
  }

  drive     = { DRIVE_SUBJECT = var.drive_subject, DRIVE_FOLDER = var.drive_folder }
  uploaders = length(var.drive_uploaders) == 0 ? {} : { DRIVE_UPLOADERS = join(",", sort(var.drive_uploaders)) }
  calendars = { CALENDAR_SUBJECT = var.calendar_subject, CALENDAR_REQUESTER = var.calendar_requester }
  courses = {
    CLASSROOM_SUBJECT = var.classroom_subject
    COURSES           = join(",", [for code, id in var.courses : "${code}=${id}"])
  }

  # Notices go out where a record ends: mostly in link and fail, but every step can end one. Who had none to
  # send them by would note them as sent.
  notices = merge(
    var.webhook == "" ? {} : { WEBHOOK = var.webhook },
    var.smtp == null ? {} : { SMTP = var.smtp.url, SMTP_FROM = var.smtp.from },
    var.zulip == "" ? {} : { ZULIP = var.zulip },
    { FORM_URL = module.form.uri },
  )

  # What all functions and jobs have in common.
  common = {
    project = var.project
    region  = var.region
    number  = var.project_number
    network = google_compute_network.this.id
    subnet  = google_compute_subnetwork.this.id
    # Who wakes the functions that are not open to people.
    push     = google_service_account.component["push"]
    schedule = google_service_account.component["schedule"]
    # Messages that keep failing, and who moves them there.
    dead_letters = google_pubsub_topic.fail.id
    pubsub_agent = local.pubsub_agent
  }

  # Each component is its own database user, named like its account.
  dsn = {
    for name in local.database_users :
    name => "nvr-${name}@cloudsql-mysql(${google_sql_database_instance.this.connection_name})/${google_sql_database.nvr.name}"
  }
}

# From here on Terraform refuses to go back to the sample containers, so that nobody undoes a
# deployment by leaving out the image: scripts/apply passes the deployed one.
resource "terraform_data" "deployed" {
  count = local.first ? 0 : 1

  lifecycle {
    prevent_destroy = true
  }
}

# --- request: how records come in ---------------------------------------------------------------------

# The web form, behind Google's sign-in.
module "form" {
  source = "./function"
  name   = "form"
  common = local.common
  image  = local.service_image

  account     = google_service_account.component["form"]
  environment = merge(local.environment, { DATABASE = local.dsn["form"], IAP_AUDIENCE = "/projects/${var.project_number}/locations/${var.region}/services/form" })
  people      = var.form_users

  instances   = var.instances.form
  concurrency = 40
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}

# The NVR's API, /api/v1 and the calendars' notifications: the only one that the world can reach. It
# checks keys and channel tokens itself.
module "api" {
  source = "./function"
  name   = "api"
  common = local.common
  image  = local.service_image

  account     = google_service_account.component["api"]
  environment = merge(local.environment, { DATABASE = local.dsn["api"], RATE_LIMIT = tostring(var.rate_limit) })
  public      = true

  instances   = var.instances.api
  concurrency = 80
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}

# Looks through the rooms' calendars; a notification only says "look now".
module "calendar" {
  source = "./function"
  name   = "calendar"
  common = local.common
  image  = local.service_image

  account = google_service_account.component["calendar"]
  environment = merge(local.environment, local.calendars, {
    DATABASE   = local.dsn["calendar"]
    DELEGATE   = google_service_account.component["calendar"].email
    PUBLIC_URL = module.api.uri
  })
  topic = true
  schedule = {
    sweep = { cron = "*/5 * * * *", path = "/" }
    renew = { cron = "17 3 * * *", path = "/?renew" }
  }

  instances   = var.instances.calendar
  concurrency = 4
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}

# --- claim: who is next -------------------------------------------------------------------------------

# Takes due records, and takes over those whose worker fell silent: the one recovery.
module "claim" {
  source = "./function"
  name   = "claim"
  common = local.common
  image  = local.service_image

  account     = google_service_account.component["claim"]
  environment = merge(local.environment, local.notices, { DATABASE = local.dsn["claim"] })
  secrets     = local.notice_secrets
  schedule = {
    all     = { cron = "*/30 * * * *", path = "/" }
    recover = { cron = "* * * * *", path = "/?recover" }
  }

  # One claims at a time, so that each sees the places that the last one gave away: who comes second waits
  # within the instance.
  instances   = 1
  concurrency = 4
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_secret_manager_secret_iam_member.reads]
}

# Does claim's work while claim is silent, so that claim is no single point at which everything can stop.
module "standby" {
  source = "./function"
  name   = "standby"
  common = local.common
  image  = local.service_image

  account     = google_service_account.component["standby"]
  environment = merge(local.environment, local.notices, { DATABASE = local.dsn["standby"] })
  secrets     = local.notice_secrets
  schedule    = { look = { cron = "*/5 * * * *", path = "/" } }

  instances   = 1
  concurrency = 4
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_secret_manager_secret_iam_member.reads]
}

# --- stage, merge, upload, link: the work -------------------------------------------------------------

# Finds the segments, lays the timeline, writes the plan, starts the job. It decodes key frames.
module "stage" {
  source = "./function"
  name   = "stage"
  common = local.common
  image  = local.service_image

  account = google_service_account.component["stage"]
  environment = merge(local.environment, local.drive, local.notices, {
    DATABASE = local.dsn["stage"]
    DELEGATE = google_service_account.component["stage"].email
  })
  secrets = local.notice_secrets
  topic   = true

  instances   = var.instances.stage
  concurrency = 1
  cpu         = 2
  memory      = "4Gi"

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_secret_manager_secret_iam_member.reads]
}

# Renders a slice a task; who completes the set joins it.
module "merge" {
  source  = "./job"
  name    = "merge"
  common  = local.common
  image   = local.job_image
  command = local.first ? null : ["/merger/merge"]

  account     = google_service_account.component["merge"]
  environment = merge(local.environment, local.notices, { DATABASE = local.dsn["merge"] })
  secrets     = local.notice_secrets

  retries = 1
  timeout = "7200s" # a record of a whole day has slices of hours
  cpu     = var.merge_cpu
  memory  = var.merge_memory

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_secret_manager_secret_iam_member.reads]
}

# Drive: resumable upload, share with the requester.
module "upload" {
  source = "./function"
  name   = "upload"
  common = local.common
  image  = local.service_image

  account = google_service_account.component["upload"]
  environment = merge(local.environment, local.drive, local.uploaders, local.notices, {
    DATABASE = local.dsn["upload"]
    DELEGATE = google_service_account.component["upload"].email
  })
  secrets = local.notice_secrets
  topic   = true

  instances   = var.instances.upload
  concurrency = 2
  memory      = "1Gi"

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_secret_manager_secret_iam_member.reads]
}

# Calendar attachment, Classroom announcement, notice.
module "link" {
  source = "./function"
  name   = "link"
  common = local.common
  image  = local.service_image

  account = google_service_account.component["link"]
  environment = merge(local.environment, local.drive, local.calendars, local.courses, local.notices, {
    DATABASE = local.dsn["link"]
    DELEGATE = google_service_account.component["link"].email
  })
  secrets = local.notice_secrets
  topic   = true

  instances   = var.instances.link
  concurrency = 4
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_secret_manager_secret_iam_member.reads]
}

# --- fail: messages that were given up ----------------------------------------------------------------

module "fail" {
  source = "./function"
  name   = "fail"
  common = local.common
  image  = local.service_image

  account     = google_service_account.component["fail"]
  environment = merge(local.environment, local.notices, { DATABASE = local.dsn["fail"] })
  secrets     = local.notice_secrets

  # Its topic is made here: every other subscription names it, so it cannot come out of the module.
  wakes_on  = google_pubsub_topic.fail.id
  last_stop = true

  instances   = 2
  concurrency = 4
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_secret_manager_secret_iam_member.reads]
}

resource "google_pubsub_topic" "fail" {
  name = "fail"

  depends_on = [time_sleep.services]
}

# --- by hand and by the build -------------------------------------------------------------------------

# Brings the database to the schema of the image, and gives each component its rights in it.
module "migrate" {
  source  = "./job"
  name    = "migrate"
  common  = local.common
  image   = local.job_image
  command = local.first ? null : ["/merger/migrate"]

  account = google_service_account.component["migrate"]
  environment = merge(local.environment, {
    DATABASE = local.dsn["migrate"]
    GRANT_TO = join(",", [for name in sort(setsubtract(local.database_users, ["migrate"])) : "nvr-${name}"])
  })

  timeout = "900s"
  memory  = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}

# Looks at everything and says what is wrong and how to mend it.
module "doctor" {
  source  = "./job"
  name    = "doctor"
  common  = local.common
  image   = local.job_image
  command = local.first ? null : ["/merger/local"]
  args    = local.first ? null : ["doctor"] # another execution may say: erase, keys import, retry

  account = google_service_account.component["doctor"]
  environment = merge(local.environment, local.drive, local.uploaders, local.calendars, local.courses, {
    DATABASE  = local.dsn["doctor"]
    DELEGATES = join(",", [for who in sort(keys(local.delegation)) : "${who}=${google_service_account.component[who].email}"])
  })

  timeout = "600s"
  memory  = "1Gi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}
