# Accounts and rights. Each component has one account. Each right is granted on the narrowest
# resource that supports it. No account has a key file.

locals {
  components = {
    form     = "the web form"
    api      = "the public API and calendar notifications"
    calendar = "reads the rooms' calendars"
    claim    = "takes due records"
    standby  = "takes due records while claim is silent"
    stage    = "finds segments and plans"
    merge    = "renders and joins"
    upload   = "uploads videos to Drive"
    link     = "calendar, Classroom, notices"
    fail     = "marks records as failed"
    migrate  = "changes the database's schema"
    verify   = "compares delivered videos with Drive"
    doctor   = "checks the deployment"
    push     = "Pub/Sub as the caller of functions"
    schedule = "Cloud Scheduler as the caller of functions"
    build    = "builds and tests"
    deploy   = "deploys images"
  }

  database_users = setsubtract(keys(local.components), ["push", "schedule", "build", "deploy"])

  # Publishers of each topic. A topic has the name of the function that it starts.
  publishes = {
    api     = ["calendar"]
    claim   = ["stage", "upload", "link"]
    standby = ["stage", "upload", "link"]
    stage   = ["stage", "upload"]
    merge   = ["stage", "upload"]
    upload  = ["upload", "link"]
    link    = ["link"]
  }
  topics = {
    calendar = module.calendar.topic
    stage    = module.stage.topic
    upload   = module.upload.topic
    link     = module.link.topic
  }

  # Rights on objects. No component can delete or overwrite a segment.
  segments = {
    form     = ["roles/storage.objectViewer"] # pictures of footage
    api      = ["roles/storage.objectViewer"]
    calendar = ["roles/storage.objectViewer"]                                # maintains the index of footage
    stage    = ["roles/storage.objectViewer", "roles/storage.objectCreator"] # copies segments that are only on Drive
    merge    = ["roles/storage.objectViewer"]
    doctor   = ["roles/storage.objectViewer", "roles/storage.legacyBucketReader"]
  }
  work = {
    form   = ["roles/storage.objectViewer"] # reports
    api    = ["roles/storage.objectViewer"]
    stage  = ["roles/storage.objectUser"]
    merge  = ["roles/storage.objectUser"]
    upload = ["roles/storage.objectUser"]
    link   = ["roles/storage.objectUser"] # deletes the parts of delivered records
    doctor = ["roles/storage.objectViewer", "roles/storage.legacyBucketReader"]
  }

  # The components that act for people of the Workspace domain, and the scopes that they request.
  # The Admin console needs exactly these: Google refuses a request with one scope more.
  delegation = {
    calendar = ["https://www.googleapis.com/auth/calendar.events.readonly"]
    stage    = ["https://www.googleapis.com/auth/drive.readonly"]
    verify   = ["https://www.googleapis.com/auth/drive.metadata.readonly"]
    upload = [
      "https://www.googleapis.com/auth/drive",
      "https://www.googleapis.com/auth/calendar.events.readonly",
    ]
    link = [
      "https://www.googleapis.com/auth/drive",
      "https://www.googleapis.com/auth/calendar.events",
      "https://www.googleapis.com/auth/classroom.announcements",
      "https://www.googleapis.com/auth/classroom.courses.readonly",
      "https://www.googleapis.com/auth/classroom.profile.emails",
      "https://www.googleapis.com/auth/classroom.rosters.readonly",
    ]
  }
}

resource "google_service_account" "component" {
  for_each = local.components

  account_id   = "nvr-${each.key}"
  display_name = "NVR Merger: ${each.value}"

  depends_on = [time_sleep.services]
}

# --- messages -----------------------------------------------------------------------------------------

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = merge([for who, topics in local.publishes : { for topic in topics : "${who} to ${topic}" => { who = who, topic = topic } }]...)

  topic  = local.topics[each.value.topic]
  role   = "roles/pubsub.publisher"
  member = google_service_account.component[each.value.who].member
}

# Doctor checks that each topic exists.
resource "google_pubsub_topic_iam_member" "doctor_looks" {
  for_each = merge(local.topics, { fail = google_pubsub_topic.fail.id })

  topic  = each.value
  role   = "roles/pubsub.viewer"
  member = google_service_account.component["doctor"].member
}

# Pub/Sub itself moves messages that keep failing to topic fail.
resource "google_pubsub_topic_iam_member" "dead_letters" {
  topic  = google_pubsub_topic.fail.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

# --- objects ------------------------------------------------------------------------------------------

resource "google_storage_bucket_iam_member" "segments" {
  for_each = merge([for who, roles in local.segments : { for role in roles : "${who} ${role}" => { who = who, role = role } }]...)

  bucket = google_storage_bucket.segments.name
  role   = each.value.role
  member = google_service_account.component[each.value.who].member
}

# Sets until when a segment is kept. The right also changes other metadata, but neither contents nor
# names, and Cloud Storage moves a custom time forward only.
resource "google_project_iam_custom_role" "keeper" {
  role_id     = "nvrMergerSegmentKeeper"
  title       = "NVR Merger: keeps segments"
  permissions = ["storage.objects.update"]

  depends_on = [time_sleep.services]
}

resource "google_storage_bucket_iam_member" "keeper" {
  for_each = var.spare_days == null ? toset([]) : toset(["calendar", "stage"])

  bucket = google_storage_bucket.segments.name
  role   = google_project_iam_custom_role.keeper.id
  member = google_service_account.component[each.key].member
}

resource "google_storage_bucket_iam_member" "work" {
  for_each = merge([for who, roles in local.work : { for role in roles : "${who} ${role}" => { who = who, role = role } }]...)

  bucket = google_storage_bucket.work.name
  role   = each.value.role
  member = google_service_account.component[each.value.who].member
}

# Stage copies segments from Drive in pieces, which it composes and deletes.
resource "google_storage_bucket_iam_member" "copies" {
  bucket = google_storage_bucket.segments.name
  role   = "roles/storage.objectUser"
  member = google_service_account.component["stage"].member

  condition {
    title      = "only unfinished copies"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.segments.name}/objects/.copies/\")"
  }
}

# Recorders add segments. They can neither read nor replace one.
resource "google_storage_bucket_iam_member" "recorder" {
  for_each = var.recorders

  bucket = google_storage_bucket.segments.name
  role   = "roles/storage.objectCreator"
  member = each.value
}

# --- the job merge ------------------------------------------------------------------------------------

# Stage starts it, with the record in the environment. Claim and standby check whether it still runs.
resource "google_cloud_run_v2_job_iam_member" "merge" {
  for_each = {
    stage_runs    = { who = "stage", role = "roles/run.jobsExecutorWithOverrides" }
    stage_looks   = { who = "stage", role = "roles/run.viewer" }
    claim_looks   = { who = "claim", role = "roles/run.viewer" }
    standby_looks = { who = "standby", role = "roles/run.viewer" }
    doctor_looks  = { who = "doctor", role = "roles/run.viewer" }
  }

  name     = module.merge.name
  location = var.region
  role     = each.value.role
  member   = google_service_account.component[each.value.who].member
}

# Cloud Scheduler starts the job verify. It may not replace the arguments.
resource "google_cloud_run_v2_job_iam_member" "verify" {
  name     = module.verify.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.component["schedule"].member
}

# --- Google Workspace ---------------------------------------------------------------------------------

# An account may sign for itself. Delegation without a key file needs that.
resource "google_service_account_iam_member" "signs_for_itself" {
  for_each = local.delegation

  service_account_id = google_service_account.component[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.component[each.key].member
}

# Doctor makes requests as each of them, because only an account itself can find out whether the
# domain trusts it. A person who may start the job doctor therefore has the rights of all five. Only
# operators may.
resource "google_service_account_iam_member" "doctor_signs" {
  for_each = local.delegation

  service_account_id = google_service_account.component[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.component["doctor"].member
}

# --- the project --------------------------------------------------------------------------------------
# Roles that exist only on the project. A condition restricts the first two to this instance.

resource "google_project_iam_member" "database" {
  for_each = merge([for who in local.database_users : {
    for role in ["roles/cloudsql.client", "roles/cloudsql.instanceUser"] : "${who} ${role}" => { who = who, role = role }
  }]...)

  project = var.project
  role    = each.value.role
  member  = google_service_account.component[each.value.who].member

  condition {
    title      = "only the database of NVR Merger"
    expression = "resource.service == \"sqladmin.googleapis.com\" && resource.name == \"projects/${var.project}/instances/${google_sql_database_instance.this.name}\""
  }
}

resource "google_project_iam_member" "traces" {
  for_each = local.database_users

  project = var.project
  role    = "roles/cloudtrace.agent" # spans belong to a project, not to a resource in it
  member  = google_service_account.component[each.key].member
}
