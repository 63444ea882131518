# The APIs that this project uses.

locals {
  services = [
    "artifactregistry", "calendar-json", "classroom", "cloudbuild", "cloudresourcemanager", "cloudscheduler", "cloudtrace", "compute",
    "dns", "drive", "iam", "iamcredentials", "iap", "logging", "monitoring", "pubsub", "run", "secretmanager", "servicenetworking",
    "serviceusage", "sqladmin", "storage", "telemetry",
  ]

  # Google's own account that moves messages. This account and that of IAP exist only after their
  # first use. scripts/bootstrap has Google create both before the first apply names them.
  pubsub_agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_project_service" "this" {
  for_each = toset(local.services)

  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # other users of the project may need it
}

# An API refuses calls for a moment after it is enabled.
resource "time_sleep" "services" {
  create_duration = "60s"

  depends_on = [google_project_service.this]
}
