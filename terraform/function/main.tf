# One function: a Cloud Run service, and what starts it.
#
# A function with a topic gets one push subscription: 600 s for an answer, 10 s to 600 s between
# attempts. After 20 attempts (about two and a half hours) the message goes to topic fail.

locals {
  internal = !var.public && length(var.people) == 0
  push     = var.topic || var.last_stop
}

resource "google_cloud_run_v2_service" "this" {
  name                = var.name
  location            = var.common.region
  deletion_protection = false # all state is in the database and the buckets

  ingress              = local.internal ? "INGRESS_TRAFFIC_INTERNAL_ONLY" : "INGRESS_TRAFFIC_ALL"
  iap_enabled          = length(var.people) > 0
  invoker_iam_disabled = var.public # only `api`, which checks keys itself

  template {
    service_account                  = var.account.email
    timeout                          = "580s" # between the function's own 570 s and Pub/Sub's 600 s
    max_instance_request_concurrency = var.concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      min_instance_count = 0
      max_instance_count = var.instances
    }

    containers {
      image = var.image

      resources {
        cpu_idle          = true # billed only while it serves a request
        startup_cpu_boost = true
        limits = {
          cpu    = tostring(var.cpu)
          memory = var.memory
        }
      }

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 200 # the first connection to the database may take more than a minute
        tcp_socket {
          port = 8080
        }
      }

      dynamic "env" {
        for_each = merge(var.environment, {
          FUNCTION_TARGET = var.name
          PUSH_TIMEOUT    = "570s"
        })
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }

    vpc_access {
      egress = var.closed ? "ALL_TRAFFIC" : "PRIVATE_RANGES_ONLY" # see network.tf
      network_interfaces {
        network    = var.common.network
        subnetwork = var.common.subnet
        tags       = var.closed ? [var.common.closed] : null
      }
    }
  }
}

# --- people -------------------------------------------------------------------------------------------

resource "google_cloud_run_v2_service_iam_member" "iap" {
  count = length(var.people) > 0 ? 1 : 0

  name     = google_cloud_run_v2_service.this.name
  location = var.common.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${var.common.number}@gcp-sa-iap.iam.gserviceaccount.com"
}

resource "google_iap_web_cloud_run_service_iam_member" "person" {
  for_each = var.people

  cloud_run_service_name = google_cloud_run_v2_service.this.name
  location               = var.common.region
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.value
}

# --- a topic ------------------------------------------------------------------------------------------

resource "google_pubsub_topic" "this" {
  count = var.topic ? 1 : 0

  name = var.name
}

resource "google_cloud_run_v2_service_iam_member" "push" {
  count = local.push ? 1 : 0

  name     = google_cloud_run_v2_service.this.name
  location = var.common.region
  role     = "roles/run.invoker"
  member   = var.common.push.member
}

resource "google_pubsub_subscription" "this" {
  count = local.push ? 1 : 0

  name                       = var.name
  topic                      = var.topic ? google_pubsub_topic.this[0].id : var.wakes_on
  ack_deadline_seconds       = 600
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = "" # never, even after an idle summer
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  push_config {
    push_endpoint = "${google_cloud_run_v2_service.this.uri}/"
    oidc_token {
      service_account_email = var.common.push.email
      audience              = google_cloud_run_v2_service.this.uri
    }
  }

  dynamic "dead_letter_policy" {
    for_each = var.last_stop ? [] : [1]
    content {
      dead_letter_topic     = var.common.dead_letters
      max_delivery_attempts = 20
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.push]
}

# Pub/Sub moves messages that it gives up out of the subscription.
resource "google_pubsub_subscription_iam_member" "dead_letters" {
  count = local.push && !var.last_stop ? 1 : 0

  subscription = google_pubsub_subscription.this[0].name
  role         = "roles/pubsub.subscriber"
  member       = var.common.pubsub_agent
}

# --- a schedule ---------------------------------------------------------------------------------------

resource "google_cloud_run_v2_service_iam_member" "schedule" {
  count = length(var.schedule) > 0 ? 1 : 0

  name     = google_cloud_run_v2_service.this.name
  location = var.common.region
  role     = "roles/run.invoker"
  member   = var.common.schedule.member
}

resource "google_cloud_scheduler_job" "this" {
  for_each = var.schedule

  name             = "${var.name}-${each.key}"
  region           = var.common.scheduler_region
  schedule         = each.value.cron
  time_zone        = "Etc/UTC" # time zones belong to rooms
  attempt_deadline = "590s"

  retry_config {
    retry_count = 1 # the next run does the same
  }

  http_target {
    http_method = "POST"
    uri         = "${google_cloud_run_v2_service.this.uri}${each.value.path}"
    oidc_token {
      service_account_email = var.common.schedule.email
      audience              = google_cloud_run_v2_service.this.uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.schedule]
}
