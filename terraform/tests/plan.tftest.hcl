# Rules of every plan. ../terraform_test.go reads the same plans in full.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/p/serviceAccounts/nvr-x@p.iam.gserviceaccount.com"
      email  = "nvr-x@p.iam.gserviceaccount.com"
      member = "serviceAccount:nvr-x@p.iam.gserviceaccount.com"
    }
  }
}
mock_provider "random" {}
mock_provider "time" {}

variables {
  project           = "nvr-merger-test"
  project_number    = "123456789012"
  state_bucket      = "nvr-merger-test-terraform"
  form_users        = ["domain:example.org"]
  operators         = ["operator@example.org"]
  drive_subject     = "recordings@example.org"
  calendar_subject  = "recordings@example.org"
  max_merges        = 4
  merge_parallelism = 8
  instances         = { form = 2, api = 2, calendar = 1, stage = 4, upload = 4, link = 2 }
  database = {
    tier            = "db-g1-small"
    disk_gb         = 10
    disk_limit_gb   = 50
    standby         = false
    max_connections = 200
    backup_days     = 14
  }
}

run "first_apply" {
  command = apply

  assert {
    condition     = strcontains(module.form.image, "cloudrun/container/hello") && strcontains(module.merge.image, "cloudrun/container/job")
    error_message = "without an image Google's samples stand in"
  }
  assert {
    condition     = length(terraform_data.deployed) == 0
    error_message = "the first apply may still go back"
  }
}

run "deployed" {
  command = plan

  variables {
    image      = "europe-west1-docker.pkg.dev/nvr-merger-test/nvr-merger/merger@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    repository = "projects/nvr-merger-test/locations/europe-west1/connections/c/repositories/r"
    webhook    = "https://example.org/hook"
    smtp       = { url = "smtp://merger@mail.example.org:587", from = "merger@example.org" }
    zulip      = "https://bot@zulip.example.org/"
    courses    = { "БПИ211" = "123" }
    recorders  = ["serviceAccount:recorder@other.iam.gserviceaccount.com"]
  }

  assert {
    condition     = alltrue([for m in [module.form.image, module.api.image, module.stage.image, module.merge.image, module.migrate.image] : strcontains(m, "@sha256:")])
    error_message = "every service and job runs the image, by digest"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled == false
    error_message = "the database has no public address"
  }
  assert {
    condition     = google_sql_database_instance.this.deletion_protection && google_sql_database_instance.this.settings[0].backup_configuration[0].binary_log_enabled
    error_message = "the database is protected, and recovers to a point in time"
  }
  assert {
    condition = alltrue([for b in [google_storage_bucket.segments, google_storage_bucket.work] :
    b.uniform_bucket_level_access && b.public_access_prevention == "enforced"])
    error_message = "buckets are private"
  }
  assert {
    condition     = output.delegation_scopes["stage"].scopes == "https://www.googleapis.com/auth/drive.readonly"
    error_message = "stage only reads Drive"
  }
}

run "too_many_connections" {
  command = plan

  variables {
    max_merges    = 100
    network_range = "10.20.0.0/19"
  }
  expect_failures = [google_sql_database_instance.this]
}

run "a_range_too_small" {
  command = plan

  variables {
    network_range = "10.20.0.0/25"
  }
  expect_failures = [var.network_range]
}

run "too_few_addresses_for_the_tasks" {
  command = plan

  variables {
    network_range = "10.20.0.0/24"
    max_merges    = 12
    database = {
      tier            = "db-g1-small"
      disk_gb         = 10
      disk_limit_gb   = 50
      standby         = false
      max_connections = 1000
      backup_days     = 14
    }
  }
  expect_failures = [google_compute_subnetwork.this]
}

run "memory_that_the_processors_do_not_get" {
  command = plan

  variables {
    merge_cpu    = 1
    merge_memory = "8Gi"
  }
  expect_failures = [var.merge_memory]
}

run "a_repository_elsewhere" {
  command = plan

  variables {
    repository = "projects/p/locations/europe-west2/connections/c/repositories/r"
  }
  expect_failures = [var.repository]
}

run "an_image_by_tag" {
  command = plan

  variables {
    image = "europe-west1-docker.pkg.dev/p/nvr-merger/merger:latest"
  }
  expect_failures = [var.image]
}

run "a_form_for_everybody" {
  command = plan

  variables {
    form_users = ["allUsers"]
  }
  expect_failures = [var.form_users]
}
