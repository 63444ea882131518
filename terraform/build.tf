# The image and the two builds. The first one (nvr-build) tests and scans, and can only write the registry and
# logs, and ask for the second. The second one (nvr-deploy) replaces the image of services and jobs. Neither may
# become the other. A person applies everything else in this folder (scripts/apply).

locals {
  # Roles on the project, each with its reason.
  deploy_roles = {
    "roles/logging.logWriter" = "its log goes to Cloud Logging only"
    "roles/run.viewer"        = "waits for operations and executions, which belong to the project"
  }

  # What the second build deploys. Doctor is missing: it may sign for five accounts of the domain, so a person
  # deploys it. The account runs the job migrate and no other.
  deployed = {
    services = ["form", "api", "calendar", "claim", "standby", "stage", "upload", "link", "fail"]
    jobs     = ["merge", "migrate", "verify"]
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
  project = var.project
  role    = "roles/logging.logWriter" # its log goes to Cloud Logging only
  member  = google_service_account.component["build"].member
}

# gcloud stores the sources of a build that is started by hand here, because only the project's owners can read
# its own bucket for them. The state is out of reach.
resource "google_storage_bucket_iam_member" "build_sources" {
  bucket = var.state_bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.component["build"].member

  condition {
    title      = "only sources"
    expression = "resource.name.startsWith(\"projects/_/buckets/${var.state_bucket}/objects/source/\")"
  }
}

# --- deploy -------------------------------------------------------------------------------------------

# The first build asks for a deployment. Only it may, and the message names a tag of the repository above.
resource "google_pubsub_topic" "deploy" {
  name = "deploy"

  depends_on = [time_sleep.services]
}

resource "google_pubsub_topic_iam_member" "build_asks" {
  topic  = google_pubsub_topic.deploy.id
  role   = "roles/pubsub.publisher"
  member = google_service_account.component["build"].member
}

resource "google_project_iam_member" "deploy" {
  for_each = local.deploy_roles

  project = var.project
  role    = each.key
  member  = google_service_account.component["deploy"].member
}

resource "google_artifact_registry_repository_iam_member" "deploy" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.component["deploy"].member
}

resource "google_cloud_run_v2_service_iam_member" "deploy" {
  for_each = toset(local.deployed.services)

  name     = each.key
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.component["deploy"].member

  depends_on = [module.form, module.api, module.calendar, module.claim, module.standby, module.stage, module.upload, module.link, module.fail]
}

resource "google_cloud_run_v2_job_iam_member" "deploy" {
  for_each = toset(local.deployed.jobs)

  name     = each.key
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.component["deploy"].member

  depends_on = [module.merge, module.migrate, module.verify]
}

# It deploys code that runs as these accounts.
resource "google_service_account_iam_member" "deploy" {
  for_each = toset(concat(local.deployed.services, local.deployed.jobs))

  service_account_id = google_service_account.component[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.component["deploy"].member
}

# The state of Terraform, which the second build reads and writes.
resource "google_storage_bucket_iam_member" "deploy_state" {
  bucket = var.state_bucket
  role   = "roles/storage.objectUser"
  member = google_service_account.component["deploy"].member
}

resource "google_cloudbuild_trigger" "main" {
  count = var.repository == "" ? 0 : 1

  name               = "build"
  description        = "Tests each push to main, builds its image and asks for the deployment."
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

resource "google_cloudbuild_trigger" "deploy" {
  count = var.repository == "" ? 0 : 1

  name               = "deploy"
  description        = "Deploys the image that the build has tested and pushed."
  location           = var.build_region
  service_account    = google_service_account.component["deploy"].id
  include_build_logs = "INCLUDE_BUILD_LOGS_WITH_STATUS"

  pubsub_config {
    topic = google_pubsub_topic.deploy.id
  }

  # The files come from main, never from the message. The tag is the only thing that the message decides.
  source_to_build {
    repository = var.repository
    ref        = "refs/heads/main"
    repo_type  = "UNKNOWN" # the connection knows it
  }
  git_file_source {
    path       = "cloudbuild.deploy.yaml"
    repository = var.repository
    revision   = "refs/heads/main"
    repo_type  = "UNKNOWN"
  }

  substitutions = merge(local.deploy_substitutions, { _TAG = "$(body.message.data.tag)" })
  filter        = "_TAG.matches('^[0-9a-f]{40}-[0-9a-f-]{36}$')"

  depends_on = [google_project_iam_member.deploy]
}

locals {
  registry   = "${var.region}-docker.pkg.dev/${var.project}"
  image_name = "${local.registry}/${google_artifact_registry_repository.images.repository_id}/merger"
  cache_name = "${local.registry}/${google_artifact_registry_repository.cache.repository_id}/merger"

  # The images that the steps of the build run in: resolved to digests by scripts/pin.
  builders = jsondecode(file("${path.module}/builders.json"))

  build_substitutions = merge(local.builders, {
    _IMAGE          = local.image_name
    _CACHE          = "${local.cache_name}:layers"
    _DEPLOY_TOPIC   = google_pubsub_topic.deploy.id
    _VARIABLES_FILE = var.variables_file
  })

  deploy_substitutions = {
    _GCLOUD         = local.builders._GCLOUD
    _TERRAFORM      = local.builders._TERRAFORM
    _REGION         = var.region
    _IMAGE          = local.image_name
    _STATE_BUCKET   = var.state_bucket
    _VARIABLES_FILE = var.variables_file
  }
}
