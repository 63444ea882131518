# One Cloud Run job. The root module says who may start it.

resource "google_cloud_run_v2_job" "this" {
  name                = var.name
  location            = var.common.region
  deletion_protection = false # all state is in the database and the buckets

  template {
    # Each execution of `merge` sets its number of tasks, and all run at once. `parallelism` would
    # have to be below the number of tasks of every execution. Stage limits that number instead
    # (MERGE_TASKS).
    task_count = 1

    template {
      service_account       = var.account.email
      max_retries           = var.retries
      timeout               = var.timeout
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"

      containers {
        image   = var.image
        command = var.command
        args    = var.args

        resources {
          limits = {
            cpu    = tostring(var.cpu)
            memory = var.memory
          }
        }

        dynamic "env" {
          for_each = var.environment
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
}
