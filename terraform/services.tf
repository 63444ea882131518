# The APIs of the project that anything here calls.

locals {
  services = [
    "artifactregistry", "calendar-json", "classroom", "cloudbuild", "cloudresourcemanager", "cloudscheduler", "cloudtrace", "compute",
    "drive", "iam", "iamcredentials", "iap", "logging", "monitoring", "pubsub", "run", "secretmanager", "servicenetworking",
    "serviceusage", "sqladmin", "storage", "telemetry",
  ]

  # Google's own account that moves messages. It and IAP's exist only after their first use, so
  # scripts/bootstrap makes Google create both before the first apply names them.
  pubsub_agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_project_service" "this" {
  for_each = toset(local.services)

  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # others in the project may have come to use it
}

# An API that was just enabled refuses calls for a moment.
resource "time_sleep" "services" {
  create_duration = "60s"

  depends_on = [google_project_service.this]
}
