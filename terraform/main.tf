# NVR Merger on Google Cloud. This file follows the way of a record from top to bottom.
#
#   form, api, calendar ──► records ──► claim ──► stage ──► merge ──► upload ──► link
#                                                    a message that keeps failing ──► fail
#
# accounts.tf lists the rights. All services and jobs run one image; FUNCTION_TARGET selects the
# function of a service.

locals {
  # At the first apply there is no image, because the same apply creates its registry. Google's
  # samples run until the first build replaces them.
  first         = var.image == ""
  service_image = local.first ? "us-docker.pkg.dev/cloudrun/container/hello" : var.image
  job_image     = local.first ? "us-docker.pkg.dev/cloudrun/container/job" : var.image

  # The environment of every component. Package config documents each name.
  environment = {
    PROJECT         = var.project
    SEGMENTS_BUCKET = google_storage_bucket.segments.name
    WORK_BUCKET     = google_storage_bucket.work.name
    TIME_ZONE       = var.time_zone
    LANGUAGE        = var.language
    LEVELER         = var.leveler
    SEGMENT_LENGTH  = var.segment_length
    SLICE           = var.slice
    LAYOUT          = var.layout
    RETENTION       = "${var.retention_days * 24}h"
    SPARE           = "${coalesce(var.spare_days, 0) * 24}h"
    MAX_MERGES      = tostring(var.max_merges)
    MERGE_TASKS     = tostring(var.merge_parallelism)
    MERGE_JOB       = "projects/${var.project}/locations/${var.region}/jobs/merge"
    OPERATORS       = join(",", sort(var.operators))
  }

  # The domains of the Workspace are those of its accounts.
  accounts = compact(concat([var.drive_subject, var.calendar_subject, var.classroom_subject], tolist(var.drive_uploaders)))
  domains  = { DOMAINS = join(",", sort(distinct([for a in local.accounts : lower(split("@", a)[1])]))) }
  requests = merge(local.domains, { REQUEST_POLICY = var.request_policy, OPEN_RECORDS = tostring(var.open_records) })
  shares   = merge(local.domains, { SHARE_DOMAINS = join(",", sort(var.share_domains)) })

  drive     = { DRIVE_SUBJECT = var.drive_subject, DRIVE_FOLDER = var.drive_folder }
  uploaders = length(var.drive_uploaders) == 0 ? {} : { DRIVE_UPLOADERS = join(",", sort(var.drive_uploaders)) }
  calendars = { CALENDAR_SUBJECT = var.calendar_subject, CALENDAR_REQUESTER = var.calendar_requester }
  courses = {
    CLASSROOM_SUBJECT = var.classroom_subject
    COURSES           = join(",", [for code, id in var.courses : "${code}=${id}"])
  }

  # Notices are sent where a record ends: mostly in link and fail, but every step can end one. A
  # component without a notice channel would record the notice as sent.
  notices = merge(
    var.webhook == "" ? {} : { WEBHOOK = var.webhook },
    var.smtp == null ? {} : { SMTP = var.smtp.url, SMTP_FROM = var.smtp.from },
    var.zulip == "" ? {} : { ZULIP = var.zulip },
  )

  # Stage and merge decode footage. Their network is closed to all but Google and the database
  # (network.tf), so that claim sends the notices of the records that fail there.
  deferred = { DEFER_NOTICES = "true" }

  # Settings of all functions and jobs.
  common = {
    project = var.project
    region  = var.region
    # Schedules may be in another region than the services that they call.
    scheduler_region = var.scheduler_region

    number  = var.project_number
    network = google_compute_network.this.id
    subnet  = google_compute_subnetwork.this.id
    closed  = local.closed_tag
    # The accounts that call the internal functions.
    push     = google_service_account.component["push"]
    schedule = google_service_account.component["schedule"]
    # The topic of messages that keep failing, and the account that moves them there.
    dead_letters = google_pubsub_topic.fail.id
    pubsub_agent = local.pubsub_agent
  }

  # Each component has a database user with the name of its account.
  dsn = {
    for name in local.database_users :
    name => "nvr-${name}@cloudsql-mysql(${google_sql_database_instance.this.connection_name})/${google_sql_database.nvr.name}"
  }
}

# After the first deployment Terraform refuses to return to the sample containers. An apply without
# an image therefore cannot undo a deployment; scripts/apply passes the deployed image.
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

  account = google_service_account.component["form"]
  environment = merge(local.environment, local.requests, {
    DATABASE     = local.dsn["form"]
    IAP_AUDIENCE = "/projects/${var.project_number}/locations/${var.region}/services/form"
  })
  people = var.form_users

  instances   = var.instances.form
  concurrency = 250 # a page that follows a record holds a request open
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}

# The NVR's API, /api/v1 and calendar notifications: the only public service. It checks API keys and
# channel tokens itself.
module "api" {
  source = "./function"
  name   = "api"
  common = local.common
  image  = local.service_image

  account = google_service_account.component["api"]
  environment = merge(local.environment, local.requests, {
    DATABASE   = local.dsn["api"]
    RATE_LIMIT = tostring(var.rate_limit)
  })
  public = true

  instances   = var.instances.api
  concurrency = 250 # event streams are requests that stay open
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}

# Reads the rooms' calendars. A notification only starts a sweep.
module "calendar" {
  source = "./function"
  name   = "calendar"
  common = local.common
  image  = local.service_image

  account = google_service_account.component["calendar"]
  environment = merge(local.environment, local.calendars, local.requests, {
    DATABASE = local.dsn["calendar"]
    DELEGATE = google_service_account.component["calendar"].email
    # The service api. Its address is written down and not asked for: a build that deploys calendar would
    # otherwise deploy api, too.
    PUBLIC_URL = "https://api-${var.project_number}.${var.region}.run.app"
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

# --- claim: the queue ---------------------------------------------------------------------------------

# Takes due records, and takes over records whose lease has expired. There is no other recovery.
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

  # One run at a time, so that each sees the slots that the last one has filled. A second request
  # waits within the instance.
  instances   = 1
  concurrency = 4
  memory      = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_secret_manager_secret_iam_member.reads]
}

# Does claim's work while claim is silent, so that claim is not a single point of failure.
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

# Finds the segments, builds the timeline, writes the plan and starts the job. It decodes key frames.
module "stage" {
  source = "./function"
  name   = "stage"
  common = local.common
  image  = local.service_image

  account = google_service_account.component["stage"]
  environment = merge(local.environment, local.drive, local.deferred, {
    DATABASE = local.dsn["stage"]
    DELEGATE = google_service_account.component["stage"].email
  })
  topic  = true
  closed = true

  instances   = var.instances.stage
  concurrency = 1
  cpu         = 2
  memory      = "4Gi"

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_compute_firewall.closed, google_compute_firewall.closed_to_all, google_dns_record_set.google]
}

# Renders one slice a task. The task that finishes last joins them.
module "merge" {
  source  = "./job"
  name    = "merge"
  common  = local.common
  image   = local.job_image
  command = local.first ? null : ["/merger/merge"]

  account     = google_service_account.component["merge"]
  environment = merge(local.environment, local.deferred, { DATABASE = local.dsn["merge"] })
  closed      = true

  timeout = "7200s" # the slices of a whole day take hours
  cpu     = var.merge_cpu
  memory  = var.merge_memory

  depends_on = [google_project_iam_member.database, google_sql_user.component, google_compute_firewall.closed, google_compute_firewall.closed_to_all, google_dns_record_set.google]
}

# Uploads to Drive and shares with the requester.
module "upload" {
  source = "./function"
  name   = "upload"
  common = local.common
  image  = local.service_image

  account = google_service_account.component["upload"]
  environment = merge(local.environment, local.drive, local.uploaders, local.calendars, local.shares, local.notices, {
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

  # Its topic is created here, because every other subscription refers to it.
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

# --- verify: what was delivered ------------------------------------------------------------------------

# Compares the delivered videos of five weeks with Drive. It reads sizes and checksums only.
module "verify" {
  source  = "./job"
  name    = "verify"
  common  = local.common
  image   = local.job_image
  command = local.first ? null : ["/merger/local"]
  args    = local.first ? null : ["verify", "--days", "35", "--log"]

  account = google_service_account.component["verify"]
  environment = merge(local.environment, local.drive, {
    DATABASE = local.dsn["verify"]
    DELEGATE = google_service_account.component["verify"].email
  })

  timeout = "3600s" # 35,000 videos are compared in less than an hour
  memory  = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}

resource "google_cloud_scheduler_job" "verify" {
  name             = "verify-week"
  region           = var.scheduler_region
  schedule         = "41 4 * * 1"
  time_zone        = "Etc/UTC"
  attempt_deadline = "180s" # of the start only

  retry_config {
    retry_count = 5
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project}/locations/${var.region}/jobs/${module.verify.name}:run"
    oauth_token {
      service_account_email = google_service_account.component["schedule"].email
    }
  }

  depends_on = [google_cloud_run_v2_job_iam_member.verify]
}

# --- started by hand or by the build ------------------------------------------------------------------

# Migrates the database to the schema of the image, and grants each component and the NVR its rights.
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
    NVR_USER = var.nvr_user
  })

  timeout = "900s"
  memory  = "512Mi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}

# Checks the deployment and says how to repair what is wrong.
module "doctor" {
  source  = "./job"
  name    = "doctor"
  common  = local.common
  image   = local.job_image
  command = local.first ? null : ["/merger/local"]
  args    = local.first ? null : ["doctor"] # other executions run erase, keys import, retry, verify

  account = google_service_account.component["doctor"]
  environment = merge(local.environment, local.drive, local.uploaders, local.calendars, local.courses, {
    DATABASE  = local.dsn["doctor"]
    NVR_USER  = var.nvr_user
    DELEGATES = join(",", [for who in sort(keys(local.delegation)) : "${who}=${google_service_account.component[who].email}"])
  })

  timeout = "600s"
  memory  = "1Gi"

  depends_on = [google_project_iam_member.database, google_sql_user.component]
}
