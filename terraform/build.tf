# The image and the build. The build may replace the image of services and jobs. A person applies
# everything else in this folder (scripts/apply).

locals {
  # Roles on the project that the build needs, each with its reason.
  build_roles = {
    "roles/logging.logWriter" = "its log goes to Cloud Logging only"
    "roles/run.developer"     = "replaces the image of services and jobs, runs the job migrate, waits for both"
  }
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "nvr-merger"
  location      = var.region
  format        = "DOCKER"
  description   = "Images by commit; deployed by digest."

  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "keep the latest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 60 # 20 releases of an index, the image and its attestations
    }
  }
  cleanup_policies {
    id     = "delete the old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [time_sleep.services]
}

# Layers of earlier builds. Its tag moves, which the other repository does not allow.
resource "google_artifact_registry_repository" "cache" {
  repository_id = "nvr-merger-cache"
  location      = var.region
  format        = "DOCKER"
  description   = "Layers of earlier builds."

  cleanup_policies {
    id     = "delete the old"
    action = "DELETE"
    condition {
      older_than = "1209600s"
    }
  }

  depends_on = [time_sleep.services]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  for_each = {
    images = google_artifact_registry_repository.images.name
    cache  = google_artifact_registry_repository.cache.name
  }

  repository = each.value
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.component["build"].member
}

resource "google_project_iam_member" "build" {
  for_each = local.build_roles

  project = var.project
  role    = each.key
  member  = google_service_account.component["build"].member
}

# The build deploys services and jobs that run as these accounts.
resource "google_service_account_iam_member" "build" {
  for_each = setsubtract(keys(local.components), ["push", "schedule", "build"])

  service_account_id = google_service_account.component[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.component["build"].member
}

# The bucket of the state. It also holds the sources of a build that is started by hand, because
# only the project's owners can read gcloud's own bucket for them.
resource "google_storage_bucket_iam_member" "build_state" {
  bucket = var.state_bucket
  role   = "roles/storage.objectUser"
  member = google_service_account.component["build"].member
}

resource "google_cloudbuild_trigger" "main" {
  count = var.repository == "" ? 0 : 1

  name               = "deploy"
  description        = "Tests, builds and deploys each push to main."
  location           = var.build_region
  filename           = "cloudbuild.yaml"
  service_account    = google_service_account.component["build"].id
  include_build_logs = "INCLUDE_BUILD_LOGS_WITH_STATUS"

  repository_event_config {
    repository = var.repository
    push {
      branch = "^main$"
    }
  }

  substitutions = local.build_substitutions

  depends_on = [google_project_iam_member.build]
}

locals {
  registry   = "${var.region}-docker.pkg.dev/${var.project}"
  image_name = "${local.registry}/${google_artifact_registry_repository.images.repository_id}/merger"
  cache_name = "${local.registry}/${google_artifact_registry_repository.cache.repository_id}/merger"

  # The images that the steps of the build run in: resolved to digests by scripts/pin.
  builders = jsondecode(file("${path.module}/builders.json"))

  build_substitutions = merge(local.builders, {
    _REGION         = var.region
    _IMAGE          = local.image_name
    _CACHE          = "${local.cache_name}:layers"
    _STATE_BUCKET   = var.state_bucket
    _VARIABLES_FILE = var.variables_file
  })
}
